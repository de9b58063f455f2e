//! Every container and codec that people send is scanned, and what is found is right.

mod common;

use common::{PICTURES, SOUND, Studio, host, scan, scan_with};
use media::av::{AvWant, STRIP_PICTURES_MAX, Sampling};
use signal::{Md5, Sha256};

const H264: &str = "-c:v libx264 -preset ultrafast";

/// Six seconds of pictures with a cut in the middle, and sound.
async fn check(args: &str, name: &str, mime: &str, video: Option<&str>, audio: Option<&str>) {
    let studio = Studio::new();
    let path = match (video, audio) {
        (Some(_), Some(_)) => studio.video(args, name),
        (Some(_), None) => studio.pictures(args, name),
        (None, _) => studio.sound(args, name),
    };
    let scan = scan(path.clone())
        .await
        .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let bytes = std::fs::read(path).unwrap();
    assert_eq!((scan.md5, scan.sha256), (Md5::of(&bytes), Sha256::of(&bytes)), "{name}");
    assert_eq!(
        (scan.mime, scan.video_codec, scan.audio_codec),
        (mime, video, audio),
        "{name}"
    );
    assert!(
        (5_900..=6_300).contains(&scan.duration_ms),
        "{name}: {}",
        scan.duration_ms
    );
    assert!(scan.is_intact, "{name}");
    if video.is_some() {
        assert_eq!((scan.width, scan.height, scan.frame_rate), (320, 240, 25.0), "{name}");
        assert!((12..=15).contains(&scan.frames.len()), "{name}: {}", scan.frames.len());
        let vpdq: Vec<u64> = scan
            .frames
            .iter()
            .filter(|frame| frame.is_vpdq)
            .map(|frame| frame.number)
            .collect();
        assert_eq!(vpdq, [0, 25, 50, 75, 100, 125], "{name}");
        let scenes: Vec<u64> = scan
            .frames
            .iter()
            .filter(|frame| frame.is_scene)
            .map(|frame| frame.number)
            .collect();
        assert_eq!(scenes, [0, 75], "{name}");
        assert!(
            scan.frames
                .iter()
                .all(|frame| frame.glimpse.as_ref().is_some_and(|glimpse| !glimpse.views.is_empty()))
        );
        assert!(
            (5..=STRIP_PICTURES_MAX).contains(&scan.strip.len()),
            "{name}: {}",
            scan.strip.len()
        );
        assert!(
            scan.strip
                .iter()
                .all(|picture| picture.small.starts_with(b"\xff\xd8") && picture.blurred.starts_with(b"\xff\xd8"))
        );
    } else {
        assert_eq!((scan.width, scan.frames.len(), scan.strip.len()), (0, 0, 0), "{name}");
    }
    if audio.is_some() {
        assert!(
            (58..=63).contains(&scan.waveform.len()),
            "{name}: {}",
            scan.waveform.len()
        );
        assert!(
            scan.waveform[10..50].iter().all(|peak| *peak > 30),
            "{name}: {:?}",
            scan.waveform
        );
        let sound = scan.sound.unwrap();
        assert!(sound.played[0].items.len() > 20, "{name}");
    } else {
        assert!(scan.sound.is_none() && scan.waveform.is_empty(), "{name}");
    }
}

macro_rules! tests {
    ($($name:ident: $args:expr, $file:literal, $mime:literal, $video:expr, $audio:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            check(AsRef::<str>::as_ref(&$args), $file, $mime, $video, $audio).await;
        })*
    };
}

tests! {
    mp4_with_its_index_at_the_end: format!("{H264} -c:a aac"), "a.mp4", "video/mp4", Some("h264"), Some("aac");
    mp4_with_its_index_in_front: format!("{H264} -c:a aac -movflags +faststart"), "a.mp4", "video/mp4", Some("h264"), Some("aac");
    mp4_with_b_frames: "-c:v libx264 -preset veryfast -bf 3 -c:a libmp3lame", "a.mp4", "video/mp4", Some("h264"), Some("mp3");
    mp4_of_mpeg4: "-c:v mpeg4 -c:a aac", "a.mp4", "video/mp4", Some("mpeg4"), Some("aac");
    mov_with_pcm: format!("{H264} -c:a pcm_s16le"), "a.mov", "video/quicktime", Some("h264"), Some("pcm_s16le");
    matroska: format!("{H264} -c:a libvorbis"), "a.mkv", "video/x-matroska", Some("h264"), Some("vorbis");
    webm_of_vp8: "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libvorbis", "a.webm", "video/webm", Some("vp8"), Some("vorbis");
    webm_of_vp9: "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus", "a.webm", "video/webm", Some("vp9"), Some("opus");
    webm_of_av1: "-c:v libaom-av1 -cpu-used 8 -usage realtime -c:a libopus", "a.webm", "video/webm", Some("av1"), Some("opus");
    hevc: "-c:v libx265 -preset ultrafast -x265-params log-level=error -c:a aac", "a.mp4", "video/mp4", Some("hevc"), Some("aac");
    hevc_of_ten_bits: "-c:v libx265 -preset ultrafast -x265-params log-level=error -pix_fmt yuv420p10le -c:a aac", "a.mkv", "video/x-matroska", Some("hevc"), Some("aac");
    avi: "-c:v mpeg4 -c:a libmp3lame", "a.avi", "video/x-msvideo", Some("mpeg4"), Some("mp3");
    avi_of_jpegs: "-c:v mjpeg -c:a pcm_s16le", "a.avi", "video/x-msvideo", Some("mjpeg"), Some("pcm_s16le");
    transport_stream: format!("{H264} -c:a aac"), "a.ts", "video/mp2t", Some("h264"), Some("aac");
    transport_stream_of_mpeg2: "-c:v mpeg2video -c:a mp2", "a.ts", "video/mp2t", Some("mpeg2video"), Some("mp2");
    program_stream: "-c:v mpeg2video -c:a mp2", "a.mpg", "video/mpeg", Some("mpeg2video"), Some("mp2");
    pictures_alone: H264, "a.mp4", "video/mp4", Some("h264"), None;
    mp3: "", "a.mp3", "audio/mpeg", None, Some("mp3");
    aac: "-c:a aac", "a.aac", "audio/aac", None, Some("aac");
    voice_note: "-c:a libopus", "a.ogg", "audio/ogg", None, Some("opus");
    flac: "", "a.flac", "audio/flac", None, Some("flac");
    wav: "", "a.wav", "audio/wav", None, Some("pcm_s16le");
    m4a: "-c:a aac", "a.m4a", "audio/mp4", None, Some("aac");
}

#[tokio::test]
async fn sound_that_comes_in_late_is_told_at_its_time() {
    let studio = Studio::new();
    for name in ["late.mkv", "late.mp4"] {
        let path = studio.ffmpeg(
            &format!(
                "-f lavfi -i {PICTURES} -itsoffset 2.5 -f lavfi -i {SOUND} -c:v libx264 -preset ultrafast -c:a aac"
            ),
            name,
        );
        let waveform = scan(path).await.unwrap().waveform;
        let begins = waveform.iter().position(|peak| *peak > 20).unwrap();
        assert!(
            (24..=27).contains(&begins),
            "{name}: heard after {begins} tenths of a second"
        );
        assert!((80..=87).contains(&waveform.len()), "{name}: {}", waveform.len());
    }
}

#[tokio::test]
async fn sound_that_begins_after_many_minutes_is_told_at_its_time() {
    let studio = Studio::new();
    let pictures = "-f lavfi -i testsrc2=size=64x64:rate=2:duration=668";
    let args = format!("{pictures} -itsoffset 661 -f lavfi -i {SOUND} -pix_fmt yuv420p {H264} -c:a aac");
    let waveform = scan(studio.ffmpeg(&args, "late.mkv")).await.unwrap().waveform;
    let begins = waveform.iter().position(|peak| *peak > 20).unwrap();
    assert!((6_605..=6_615).contains(&begins), "{begins} tenths of a second");
    assert!((6_660..=6_690).contains(&waveform.len()), "{}", waveform.len());
}

#[tokio::test]
async fn a_song_with_a_cover_is_a_sound() {
    let studio = Studio::new();
    studio.ffmpeg("-f lavfi -i testsrc2=size=200x200 -frames:v 1", "cover.jpg");
    let song = studio.sound(
        "-i cover.jpg -map 0 -map 1 -c:v copy -disposition:v attached_pic",
        "a.mp3",
    );
    let scan = scan(song).await.unwrap();
    assert_eq!(
        (scan.mime, scan.video_codec, scan.frames.len()),
        ("audio/mpeg", None, 0)
    );
    assert!(scan.is_intact && scan.sound.is_some());
}

#[tokio::test]
async fn a_turned_video_is_hashed_as_stored_and_seen_upright() {
    let studio = Studio::new();
    let straight = studio.pictures(H264, "a.mp4");
    let turned = studio.ffmpeg("-i a.mp4 -c copy -metadata:s:v:0 rotate=90", "turned.mp4");
    let (straight, turned) = (scan(straight).await.unwrap(), scan(turned).await.unwrap());
    assert_eq!((straight.width, straight.height), (320, 240));
    assert_eq!((turned.width, turned.height), (240, 320));
    for (one, other) in straight.frames.iter().zip(&turned.frames) {
        assert_eq!(one.pdq, other.pdq);
        let (one, other) = (one.glimpse.as_ref().unwrap(), other.glimpse.as_ref().unwrap());
        assert_eq!((one.width, one.height), (other.height, other.width));
    }
}

#[tokio::test]
async fn hashes_are_alike_however_the_video_was_encoded() {
    let studio = Studio::new();
    let plain = scan(studio.pictures(&format!("{H264} -crf 12"), "a.mp4"))
        .await
        .unwrap();
    let others = [
        (
            "full.mp4",
            "-vf scale=out_range=full -pix_fmt yuvj420p -c:v libx264 -preset ultrafast -crf 12",
        ),
        ("ten.mkv", "-pix_fmt yuv420p10le -c:v libx264 -preset ultrafast -crf 12"),
        ("rgb.mkv", "-c:v libx264rgb -preset ultrafast -crf 8"),
        ("four.mkv", "-pix_fmt yuv444p -c:v libx264 -preset ultrafast -crf 12"),
        ("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 2M"),
    ];
    for (name, args) in others {
        let other = scan(studio.pictures(args, name)).await.unwrap();
        assert_eq!(plain.frames.len(), other.frames.len(), "{name}");
        for (one, other) in plain.frames.iter().zip(&other.frames) {
            assert_eq!(one.number, other.number, "{name}");
            let distance = one.pdq.hash.distance(other.pdq.hash);
            assert!(
                distance <= 24 || one.pdq.quality < 80,
                "{name}, frame {}: {distance}",
                one.number
            );
            assert!(one.pdq.quality.abs_diff(other.pdq.quality) <= 6, "{name}");
        }
    }
}

#[tokio::test]
async fn key_frames_alone_are_fewer_and_the_same() {
    let studio = Studio::new();
    let path = studio.pictures(&format!("{H264} -g 50"), "a.mp4");
    let full = scan(path.clone()).await.unwrap();
    let want = AvWant {
        sampling: Sampling::KeyFrames,
        ..AvWant::EVERYTHING
    };
    let few = scan_with(&host(), path, want).await.unwrap();
    assert!((2..=5).contains(&few.frames.len()), "{}", few.frames.len());
    assert!((5_900..=6_100).contains(&few.duration_ms), "{}", few.duration_ms);
    for frame in &few.frames {
        assert!(!frame.is_vpdq);
        let near = full.frames.iter().find(|other| other.at_ms == frame.at_ms);
        assert!(near.is_none_or(|near| near.pdq == frame.pdq), "{}", frame.at_ms);
    }
    assert!(few.is_intact);
}

#[tokio::test]
async fn a_scan_goes_on_where_it_was_broken_off() {
    let studio = Studio::new();
    let path = studio.video(&format!("{H264} -g 30 -c:a aac"), "a.mp4");
    let host = host();
    let whole = scan_with(&host, path.clone(), AvWant::EVERYTHING).await.unwrap();
    let want = AvWant {
        from_ms: 3_500,
        ..AvWant::EVERYTHING
    };
    let rest = scan_with(&host, path, want).await.unwrap();
    let expected: Vec<_> = whole.frames.iter().filter(|frame| frame.at_ms >= 3_500).collect();
    assert_eq!(
        rest.frames.iter().map(|frame| frame.number).collect::<Vec<_>>(),
        expected.iter().map(|frame| frame.number).collect::<Vec<_>>()
    );
    assert!(
        rest.frames
            .iter()
            .zip(expected)
            .all(|(one, other)| one.pdq == other.pdq && one.is_vpdq == other.is_vpdq)
    );
    assert!((23..=27).contains(&rest.waveform.len()), "{}", rest.waveform.len());
    assert_eq!(rest.duration_ms, whole.duration_ms);
}
