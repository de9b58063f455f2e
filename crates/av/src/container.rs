//! Opening a container: which demuxer, which of its tracks, with which decoders.

use std::collections::VecDeque;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use ac_ffmpeg::Error;
use ac_ffmpeg::codec::audio::AudioDecoder;
use ac_ffmpeg::codec::video::VideoDecoder;
use ac_ffmpeg::format::demuxer::{Demuxer, DemuxerWithStreamInfo, InputFormat, SeekTarget};
use ac_ffmpeg::format::io::IO;
use ac_ffmpeg::format::stream::Stream;
use ac_ffmpeg::packet::Packet;
use ac_ffmpeg::time::Timestamp;
use media::av::wire::{AUDIO_CODECS, AvRequest, CONTAINERS, Container, Refusal, VIDEO_CODECS};
use media::av::{SNIFF_BYTES, Sampling, container_of};
use signal::pdq::Dihedral;

use crate::{Input, log, matroska, rate};

/// `ENOMEM`.
const OUT_OF_MEMORY: i32 = 12;
/// `EINVAL`, which FFmpeg says of formats that are not on the list.
const NOT_ALLOWED: i32 = 22;
/// How much of a stream is looked at before its tracks are known: an event must follow within seconds.
const LIVE_ANALYSIS: Duration = Duration::from_millis(1_000);
const LIVE_PROBE_BYTES: u32 = 1 << 20;
/// Packets that are read ahead where the frame rate must be counted.
const AHEAD_PACKETS_MAX: usize = 240;
/// Frames that are counted.
const COUNTED_FRAMES: usize = 40;
/// The longest ID3 tag that is stepped over in search of what follows it: pictures of covers.
const ID3_BYTES_MAX: u64 = 32 << 20;
/// What covers of songs and thumbnails are coded as. Pictures of any other codec that is not decoded are looked at by nobody, and the scan says so.
const COVER_CODECS: [&str; 6] = ["mjpeg", "png", "bmp", "gif", "tiff", "webp"];

/// Containers that hold sound alone: pictures in them are covers.
const SOUND_DEMUXERS: [&str; 6] = ["ogg", "mp3", "wav", "flac", "aac", "amr"];
/// Containers that have a place for thumbnails beside the tracks. In the others whatever looks like one is a track.
const THUMBNAIL_TYPES: [&str; 4] = ["video/mp4", "video/3gpp", "video/x-matroska", "video/webm"];

/// What becomes of one of a container's streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Decoded,
    /// A picture beside what plays: one packet, as whoever made the file cannot pretend.
    Cover {
        n_packets: u8,
    },
    /// Pictures or sound that nobody looks at.
    PassedOver,
    /// Neither pictures nor sound.
    Other,
}

/// An open container.
pub struct Source {
    demuxer: DemuxerWithStreamInfo<Input>,
    ahead: VecDeque<Packet>,
    /// Of its streams when it was opened. More may come.
    roles: Vec<Role>,
    /// Index in [`CONTAINERS`].
    pub container: u8,
    /// What the container claims; 0 when it does not.
    pub duration_ms: u32,
    /// The first track of pictures.
    pub video: Option<VideoSource>,
    /// The first track of sound.
    pub sound: Option<SoundSource>,
    /// False when there are pictures or sound that are not decoded, of codecs that are not on the list or beside those that are: not all of it is looked at.
    pub is_all_known: bool,
}

/// A track of pictures.
pub struct VideoSource {
    /// Which of the container's streams.
    pub stream: usize,
    /// Its decoder.
    pub decoder: VideoDecoder,
    /// Index in [`VIDEO_CODECS`].
    pub codec: u8,
    /// Columns as stored.
    pub width: u32,
    /// Rows as stored.
    pub height: u32,
    /// How a player turns it.
    pub turn: Dihedral,
    /// Frames a second; 0 where nobody knows.
    pub frame_rate: f64,
    /// When its first frame is shown, by the container's time.
    pub base_ms: Option<i64>,
}

/// A track of sound.
pub struct SoundSource {
    /// Which of the container's streams.
    pub stream: usize,
    /// Its decoder.
    pub decoder: AudioDecoder,
    /// Index in [`AUDIO_CODECS`].
    pub codec: u8,
    /// When it begins, by the container's time.
    pub base_ms: Option<i64>,
}

/// What FFmpeg refused, in our words.
pub fn refusal(error: &Error) -> Refusal {
    match code(error) {
        Some(OUT_OF_MEMORY) => Refusal::Memory,
        _ => Refusal::Damaged(error.to_string()),
    }
}

/// Whether memory ran out.
pub fn is_out_of_memory(error: &Error) -> bool {
    code(error) == Some(OUT_OF_MEMORY)
}

fn code(error: &Error) -> Option<i32> {
    error.to_io_error()?.raw_os_error()
}

impl Source {
    /// Opens what looks like one of [`CONTAINERS`].
    pub fn open(mut input: Input, request: &AvRequest) -> Result<Self, Refusal> {
        let is_live = request.is_live || !input.is_seekable();
        let container = sniff(&mut input)?;
        let known = CONTAINERS[usize::from(container)];
        let head = match known.demuxer {
            "matroska" if !is_live => matroska::head(&mut input),
            _ => matroska::Head::default(),
        };
        let demuxer = open_demuxer(input, known, request, is_live)?;
        let n_streams = demuxer.streams().len();
        if n_streams > request.streams_max as usize {
            return Err(Refusal::TooManyStreams);
        }
        let video_stream = choose_video(demuxer.streams(), known);
        let sound_stream = position(demuxer.streams(), |stream| audio_codec(stream).is_some());
        let mut video = video_stream
            .map(|stream| open_video(demuxer.streams(), stream, request))
            .transpose()?
            .flatten();
        let sound = sound_stream.and_then(|stream| open_sound(demuxer.streams(), stream));
        if video.is_none() && sound.is_none() {
            return Err(match (n_streams, log::saw_damage()) {
                (0, true) => Refusal::Damaged("it holds no tracks".to_owned()),
                _ => Refusal::UnknownCodecs,
            });
        }
        let decoded = [
            video.as_ref().map(|video| video.stream),
            sound.as_ref().map(|sound| sound.stream),
        ];
        let has_thumbnails = video.is_some() && THUMBNAIL_TYPES.contains(&known.with_pictures);
        let has_covers = has_thumbnails || SOUND_DEMUXERS.contains(&known.demuxer);
        let streams = demuxer.streams().iter().enumerate();
        let roles: Vec<Role> = streams
            .map(|(index, stream)| match decoded.contains(&Some(index)) {
                true => Role::Decoded,
                false => role_of(stream, has_covers),
            })
            .collect();
        let is_all_known = !roles.contains(&Role::PassedOver);
        let told = video.as_ref().and_then(|video| match head.frame_ns {
            Some(ns) => rate::told(1e9 / ns as f64),
            None => told_rate(&demuxer.streams()[video.stream], known),
        });
        let duration_ms = claimed_ms(demuxer.streams(), head.duration_ms, video_stream, sound_stream);
        let mut ahead = VecDeque::new();
        let mut demuxer = demuxer;
        if let Some(video) = &mut video {
            let rate = match told {
                Some(rate) => Some(rate),
                None => count_rate(&mut demuxer, video.stream, &mut ahead),
            };
            video.frame_rate = rate.unwrap_or(0.0);
        }
        Ok(Self {
            demuxer,
            ahead,
            roles,
            container,
            duration_ms,
            video,
            sound,
            is_all_known,
        })
    }

    /// The next packet; none at the end.
    pub fn take(&mut self) -> Result<Option<Packet>, Error> {
        match self.ahead.pop_front() {
            Some(packet) => Ok(Some(packet)),
            None => self.demuxer.take(),
        }
    }

    /// Whether a packet of a stream that is not decoded shows or plays something that nobody looks at.
    pub fn is_passed_over(&mut self, stream: usize) -> bool {
        match self.roles.get_mut(stream) {
            Some(Role::Decoded | Role::Other) => false,
            Some(Role::PassedOver) => true,
            // What the header says of how many there are is not believed.
            Some(Role::Cover { n_packets }) => {
                *n_packets = n_packets.saturating_add(1);
                *n_packets > 1
            }
            // It came after the container was opened, and what it holds is not told.
            None => true,
        }
    }

    /// Goes to the last key frame before. Containers that cannot are read from the beginning.
    pub fn seek(&mut self, to_ms: i64) {
        if self
            .demuxer
            .seek_to_timestamp(Timestamp::from_millis(to_ms), SeekTarget::UpTo)
            .is_ok()
        {
            self.ahead.clear();
        }
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.demuxer.io().stream().bytes_read()
    }
}

fn sniff(input: &mut Input) -> Result<u8, Refusal> {
    let unreadable = |error: std::io::Error| Refusal::Damaged(error.to_string());
    let first_bytes = input.first_bytes(SNIFF_BYTES).map_err(unreadable)?.to_vec();
    let container = container_of(&first_bytes).ok_or(Refusal::UnknownContainer)?;
    let [b'I', b'D', b'3', _, _, _, a, b, c, d, ..] = first_bytes[..] else {
        return Ok(container);
    };
    if !input.is_seekable() {
        return Ok(container);
    }
    // Seven bits of each byte count.
    let tag_bytes = [a, b, c, d]
        .iter()
        .fold(0, |size, byte| size << 7 | u64::from(byte & 0x7f));
    let mut following = Vec::new();
    if tag_bytes <= ID3_BYTES_MAX && input.seek(SeekFrom::Start(10 + tag_bytes)).is_ok() {
        let _ = input.take(SNIFF_BYTES as u64).read_to_end(&mut following);
    }
    input.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let follows = container_of(&following)
        .filter(|found| matches!(CONTAINERS[usize::from(*found)].demuxer, "aac" | "flac" | "mp3"));
    Ok(follows.unwrap_or(container))
}

fn open_demuxer(
    input: Input,
    container: Container,
    request: &AvRequest,
    is_live: bool,
) -> Result<DemuxerWithStreamInfo<Input>, Refusal> {
    let io = if is_live {
        IO::from_read_stream(input)
    } else {
        IO::from_seekable_read_stream(input)
    };
    let codecs = [&VIDEO_CODECS[..], &AUDIO_CODECS[..]].concat().join(",");
    let mut builder = Demuxer::builder()
        .input_format(InputFormat::find_by_name(container.demuxer))
        .set_option("format_whitelist", container.demuxer)
        .set_option("codec_whitelist", codecs)
        // No file and no address is ever opened on behalf of this one.
        .set_option("protocol_whitelist", "none")
        .set_option("enable_drefs", 0)
        .set_option("use_absolute_path", 0)
        .set_option("max_streams", request.streams_max)
        // A sender that begins anew gives its tracks other numbers. They go on as what they were.
        .set_option("merge_pmt_versions", 1);
    if is_live {
        builder = builder
            .set_option("probesize", LIVE_PROBE_BYTES)
            .set_option("analyzeduration", LIVE_ANALYSIS.as_micros());
    }
    let refused = |error: &Error| match code(error) {
        _ if log::saw_too_many_streams() => Refusal::TooManyStreams,
        Some(NOT_ALLOWED) => Refusal::UnknownContainer,
        _ => refusal(error),
    };
    let demuxer = builder.build(io).map_err(|error| refused(&error))?;
    let analysis = is_live.then_some(LIVE_ANALYSIS);
    let demuxer = demuxer
        .find_stream_info(analysis)
        .map_err(|(_, error)| refused(&error))?;
    if log::saw_too_many_streams() {
        return Err(Refusal::TooManyStreams);
    }
    Ok(demuxer)
}

fn position(streams: &[Stream], is_it: impl Fn(&Stream) -> bool) -> Option<usize> {
    streams.iter().position(is_it)
}

fn video_codec(stream: &Stream) -> Option<u8> {
    let parameters = stream.codec_parameters();
    let name = parameters.as_video_codec_parameters()?.decoder_name()?;
    index_of(&VIDEO_CODECS, name)
}

fn audio_codec(stream: &Stream) -> Option<u8> {
    let parameters = stream.codec_parameters();
    let name = parameters.as_audio_codec_parameters()?.decoder_name()?;
    index_of(&AUDIO_CODECS, name)
}

fn index_of(names: &[&str], name: &str) -> Option<u8> {
    names
        .iter()
        .position(|known| *known == name)
        .and_then(|index| u8::try_from(index).ok())
}

/// The first track that is no JPEGs, else the first of JPEGs: covers, where the container holds sound alone.
fn choose_video(streams: &[Stream], container: Container) -> Option<usize> {
    let is_jpeg =
        |stream: &Stream| video_codec(stream).is_some_and(|codec| VIDEO_CODECS[usize::from(codec)] == "mjpeg");
    let are_covers = SOUND_DEMUXERS.contains(&container.demuxer);
    position(streams, |stream| video_codec(stream).is_some() && !is_jpeg(stream))
        .or_else(|| position(streams, |stream| is_jpeg(stream) && !are_covers))
}

/// Of a stream that is not decoded.
fn role_of(stream: &Stream, has_covers: bool) -> Role {
    let parameters = stream.codec_parameters();
    match parameters.is_video_codec() || parameters.is_audio_codec() {
        true if has_covers && is_still(stream) => Role::Cover { n_packets: 0 },
        true => Role::PassedOver,
        false => Role::Other,
    }
}

/// Whether a track of pictures may be a cover or a thumbnail.
fn is_still(stream: &Stream) -> bool {
    let parameters = stream.codec_parameters();
    let name = parameters
        .as_video_codec_parameters()
        .and_then(|video| video.decoder_name());
    name.is_some_and(|name| COVER_CODECS.contains(&name))
}

fn open_video(streams: &[Stream], index: usize, request: &AvRequest) -> Result<Option<VideoSource>, Refusal> {
    let stream = &streams[index];
    let (Some(codec), Some(parameters)) = (
        video_codec(stream),
        stream.codec_parameters().into_video_codec_parameters(),
    ) else {
        return Ok(None);
    };
    let side = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
    let (width, height) = (side(parameters.width()), side(parameters.height()));
    if u64::from(width) * u64::from(height) > request.pixels_max || width.max(height) > request.side_max {
        return Err(Refusal::TooManyPixels { width, height });
    }
    if width == 0 || height == 0 {
        return Ok(None);
    }
    let Ok(builder) = VideoDecoder::from_stream(stream) else {
        return Ok(None);
    };
    let mut builder = builder
        .set_option("threads", 1)
        .set_option("max_pixels", request.pixels_max.min(i32::MAX as u64));
    if request.want.sampling == Sampling::KeyFrames {
        builder = builder.set_option("skip_frame", "nokey");
    }
    let Ok(decoder) = builder.build() else { return Ok(None) };
    Ok(Some(VideoSource {
        stream: index,
        decoder,
        codec,
        width,
        height,
        turn: turn_of(stream),
        frame_rate: 0.0,
        base_ms: stream.start_time().as_millis(),
    }))
}

fn open_sound(streams: &[Stream], index: usize) -> Option<SoundSource> {
    let stream = &streams[index];
    let codec = audio_codec(stream)?;
    let mut builder = AudioDecoder::from_stream(stream).ok()?.set_option("threads", 1);
    if AUDIO_CODECS[usize::from(codec)].starts_with("pcm_") {
        // Bare samples do not say which channel is which, and what mixes them will not guess.
        let parameters = stream.codec_parameters().into_audio_codec_parameters()?;
        let layout = match parameters.channel_layout().channels() {
            1 => Some("mono"),
            2 => Some("stereo"),
            3 => Some("2.1"),
            4 => Some("quad"),
            6 => Some("5.1"),
            8 => Some("7.1"),
            _ => None,
        };
        if let Some(layout) = layout {
            builder = builder.set_option("ch_layout", layout);
        }
    }
    Some(SoundSource {
        stream: index,
        decoder: builder.build().ok()?,
        codec,
        base_ms: stream.start_time().as_millis(),
    })
}

/// What the container says about the frame rate, where FFmpeg would not count.
fn told_rate(stream: &Stream, container: Container) -> Option<f64> {
    let time_base = stream.time_base();
    let second = f64::from(time_base.den()) / f64::from(time_base.num());
    match container.demuxer {
        "mov" => {
            let frames = stream.frames()? as f64;
            let duration = Some(stream.duration()).filter(|duration| !duration.is_null())?;
            rate::told(frames * second / duration.timestamp() as f64)
        }
        "avi" => rate::told(second),
        _ => None,
    }
}

/// Reads ahead until enough frames are counted. In the order of decoding, which is even where that of showing is not.
fn count_rate(demuxer: &mut Demuxer<Input>, stream: usize, ahead: &mut VecDeque<Packet>) -> Option<f64> {
    let mut seconds = Vec::new();
    while ahead.len() < AHEAD_PACKETS_MAX && seconds.len() < COUNTED_FRAMES {
        // What goes wrong here goes wrong again where it is told.
        let Ok(Some(packet)) = demuxer.take() else { break };
        if packet.stream_index() == stream {
            seconds.extend(packet.dts().as_f64());
        }
        ahead.push_back(packet);
    }
    rate::estimated(&seconds)
}

fn claimed_ms(streams: &[Stream], head_ms: Option<f64>, video: Option<usize>, sound: Option<usize>) -> u32 {
    let of_tracks = [video, sound].into_iter().flatten().filter_map(|index| {
        let duration = streams[index].duration().as_millis()?;
        u32::try_from(duration).ok()
    });
    let of_head = head_ms.map(|ms| ms as u32);
    of_tracks.chain(of_head).max().unwrap_or(0)
}

/// What the display matrix does to the picture.
fn turn_of(stream: &Stream) -> Dihedral {
    for side_data in stream.side_data() {
        if side_data.data_type().name() != "Display Matrix" {
            continue;
        }
        let number = |at: usize| {
            side_data
                .data()
                .as_chunks::<4>()
                .0
                .get(at)
                .map_or(0, |bytes| i32::from_ne_bytes(*bytes))
        };
        return turn_of_matrix(number(0), number(1), number(3), number(4));
    }
    Dihedral::Original
}

/// A pixel at (x, y) is shown at (a·x + c·y, b·x + d·y). Slanted pictures are taken as the nearest that lies straight.
fn turn_of_matrix(a: i32, b: i32, c: i32, d: i32) -> Dihedral {
    let is_turned = b.unsigned_abs().max(c.unsigned_abs()) > a.unsigned_abs().max(d.unsigned_abs());
    match (is_turned, a < 0, b < 0, c < 0, d < 0) {
        (false, false, _, _, false) => Dihedral::Original,
        (false, true, _, _, true) => Dihedral::Rotate180,
        (false, true, _, _, false) => Dihedral::FlipY,
        (false, false, _, _, true) => Dihedral::FlipX,
        (true, _, false, true, _) => Dihedral::Rotate270,
        (true, _, true, false, _) => Dihedral::Rotate90,
        (true, _, false, false, _) => Dihedral::FlipPlus,
        (true, _, true, true, _) => Dihedral::FlipMinus,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_matrix_turns_as_players_do() {
        const ONE: i32 = 1 << 16;
        let check = |a, b, c, d, expected| assert_eq!(turn_of_matrix(a * ONE, b * ONE, c * ONE, d * ONE), expected);
        check(1, 0, 0, 1, Dihedral::Original);
        check(0, 1, -1, 0, Dihedral::Rotate270);
        check(0, -1, 1, 0, Dihedral::Rotate90);
        check(-1, 0, 0, -1, Dihedral::Rotate180);
        check(-1, 0, 0, 1, Dihedral::FlipY);
        check(1, 0, 0, -1, Dihedral::FlipX);
        check(0, 1, 1, 0, Dihedral::FlipPlus);
        check(0, -1, -1, 0, Dihedral::FlipMinus);
        assert_eq!(turn_of_matrix(0, 0, 0, 0), Dihedral::Original);
        assert_eq!(turn_of_matrix(i32::MIN, 0, 0, i32::MIN), Dihedral::Rotate180);
    }
}
