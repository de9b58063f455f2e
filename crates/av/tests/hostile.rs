//! Files that lie, break off or want more than they may: each gets a typed error or a partial scan, in bounded time and memory, and none leaves the jail.

mod common;

use common::{Studio, host, scan, scan_bytes, settings};
use media::ScanError;
use media::av::{AvHost, AvLimits, AvSettings};

const H264: &str = "-c:v libx264 -preset ultrafast -c:a aac";

fn limited(change: impl FnOnce(&mut AvLimits)) -> AvHost {
    let mut limits = settings().limits;
    change(&mut limits);
    AvHost::new(AvSettings { limits, ..settings() }).unwrap()
}

#[tokio::test]
async fn what_is_no_video_is_refused_by_name() {
    let host = host();
    let unknown = ScanError::UnsupportedType {
        found: "an unknown type",
    };
    let texts: [&[u8]; 6] = [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n",
        b"<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"></MPD>",
        b"\x89PNG\r\n\x1a\n",
        b"x",
    ];
    for text in texts {
        assert_eq!(scan_bytes(&host, text).await, Err(unknown.clone()));
    }
    assert_eq!(scan_bytes(&host, b"").await, Err(ScanError::Empty));
}

/// An MP4 whose track says that its pictures stand in another file.
#[tokio::test]
async fn references_to_other_files_are_not_followed() {
    let studio = Studio::new();
    let path = studio.pictures("-c:v libx264 -preset ultrafast", "a.mov");
    let mut bytes = std::fs::read(path).unwrap();
    // The data reference `url ` with the flag "in this file" becomes an alias to /etc/passwd, as long as it was. The size of an alias is taken from its box.
    let at = bytes
        .windows(8)
        .position(|window| window == b"url \0\0\0\x01")
        .expect("a data reference");
    bytes[at..at + 8].copy_from_slice(b"url \0\0\0\0");
    let external = scan_bytes(&host(), &bytes).await;
    // Without a path there is nothing to follow; either way it must not be a crash or a violation.
    assert!(
        matches!(external, Ok(_) | Err(ScanError::Damaged { .. })),
        "{external:?}"
    );
    let alias = alias_to_passwd(&bytes, at);
    let external = scan_bytes(&host(), &alias).await;
    assert!(
        matches!(
            external,
            Err(ScanError::Damaged { .. } | ScanError::UnsupportedType { .. })
        ),
        "{external:?}"
    );
}

/// Replaces the data reference by an alias record with an absolute path, and makes every box around it longer.
fn alias_to_passwd(bytes: &[u8], at: usize) -> Vec<u8> {
    let path = b"/etc/passwd";
    let mut alias = vec![0; 150];
    // Volume, folder and file names, then records; number 2 is the absolute path.
    alias.extend([0, 2]);
    alias.extend((path.len() as u16).to_be_bytes());
    alias.extend(path);
    alias.push(0);
    alias.extend([0xff, 0xff, 0, 0]);
    let record = [b"alis\0\0\0\0", &alias[..]].concat();
    let size = (4 + record.len()) as u32;
    let grown = size as usize - 12;
    let mut file = bytes.to_vec();
    // Sizes of the boxes that hold it, outermost first, found by walking down.
    let (mut from, mut to) = (0, file.len());
    for name in [b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"] {
        let mut place = from;
        loop {
            let size = u32::from_be_bytes(file[place..place + 4].try_into().unwrap()) as usize;
            if &file[place + 4..place + 8] == name {
                file[place..place + 4].copy_from_slice(&((size + grown) as u32).to_be_bytes());
                (from, to) = (place + 8, place + size);
                break;
            }
            place += size;
            assert!(place < to, "no box {name:?}");
        }
    }
    file.splice(at - 4..at + 8, [&size.to_be_bytes()[..], &record].concat());
    file
}

#[tokio::test]
async fn a_file_that_breaks_off_is_scanned_as_far_as_it_goes() {
    let studio = Studio::new();
    let host = host();
    for (name, args) in [
        ("a.mp4", format!("{H264} -movflags +faststart")),
        ("a.mkv", H264.to_owned()),
        ("a.ts", H264.to_owned()),
        (
            "a.webm",
            "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libvorbis".to_owned(),
        ),
    ] {
        let bytes = std::fs::read(studio.video(&args, name)).unwrap();
        let scan = scan_bytes(&host, &bytes[..bytes.len() / 2]).await.unwrap();
        assert!(
            !scan.frames.is_empty() && scan.scanned_ms < 5_500,
            "{name}: {}",
            scan.scanned_ms
        );
        if name != "a.ts" {
            assert!(!scan.is_intact, "{name}");
        }
    }
    // Without its index nothing is known of an MP4.
    let bytes = std::fs::read(studio.video(H264, "b.mp4")).unwrap();
    let error = scan_bytes(&host, &bytes[..bytes.len() / 2]).await.unwrap_err();
    assert!(matches!(error, ScanError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn every_short_beginning_of_a_file_is_an_error_or_a_scan() {
    let studio = Studio::new();
    let host = host();
    let bytes = std::fs::read(studio.video(&format!("{H264} -movflags +faststart"), "a.mp4")).unwrap();
    for end in [1, 4, 8, 12, 31, 32, 40, 100, 500, 1_000, 2_000, 4_000] {
        let result = scan_bytes(&host, &bytes[..end.min(bytes.len())]).await;
        match result {
            Ok(scan) => assert!(!scan.is_intact, "{end}"),
            Err(error) => assert!(
                matches!(error.kind(), "damaged" | "unsupported_type"),
                "{end}: {error:?}"
            ),
        }
    }
}

#[tokio::test]
async fn limits_end_a_scan_where_they_lie() {
    let studio = Studio::new();
    let path = studio.video(H264, "a.mp4");
    let bytes = std::fs::read(&path).unwrap();
    let host = limited(|limits| limits.duration_ms_max = 2_000);
    let scan = scan_bytes(&host, &bytes).await.unwrap();
    assert!((1_900..=2_300).contains(&scan.scanned_ms) && !scan.is_intact);
    assert!(scan.duration_ms >= 5_900);
    let host = limited(|limits| limits.frames_max = 3);
    let scan = scan_bytes(&host, &bytes).await.unwrap();
    assert_eq!(scan.frames.len(), 3);
    assert!(!scan.is_intact && !scan.strip.is_empty());
    let host = limited(|limits| limits.pixels_max = 320 * 200);
    let error = scan_bytes(&host, &bytes).await.unwrap_err();
    assert_eq!(
        error,
        ScanError::TooManyPixels {
            width: 320,
            height: 240
        }
    );
    let host = limited(|limits| limits.bytes_max = 1_000);
    let error = scan_bytes(&host, &bytes).await.unwrap_err();
    assert!(matches!(error, ScanError::TooLarge { .. }), "{error:?}");
    let host = limited(|limits| limits.time_ms_max = 1);
    let error = scan_bytes(&host, &bytes).await.unwrap_err();
    assert_eq!(error, ScanError::TimeLimit { time_ms_max: 1 });
}

#[tokio::test]
async fn many_streams_are_refused() {
    let studio = Studio::new();
    studio.sound("-t 0.2 -c:a pcm_s16le", "a.wav");
    let maps = "-map 0 ".repeat(80);
    let path = studio.ffmpeg(&format!("-i a.wav {maps} -c copy"), "many.mkv");
    assert_eq!(scan(path).await, Err(ScanError::TooManyStreams { streams_max: 64 }));
}

/// The container says 65,535 columns; what its codec says is another matter.
#[tokio::test]
async fn huge_pictures_are_refused_before_memory_is_taken() {
    let studio = Studio::new();
    let path = studio.pictures("-c:v libvpx -deadline realtime -cpu-used 8", "a.webm");
    let mut bytes = std::fs::read(path).unwrap();
    // PixelWidth of Matroska: 320 in two bytes.
    let at = bytes
        .windows(4)
        .position(|window| window == [0xb0, 0x82, 0x01, 0x40])
        .expect("a width");
    bytes[at + 2..at + 4].copy_from_slice(&[0xff, 0xff]);
    let error = scan_bytes(&host(), &bytes).await;
    assert!(
        matches!(error, Err(ScanError::TooManyPixels { .. } | ScanError::Damaged { .. }))
            || error.as_ref().is_ok_and(|scan| scan.width == 320),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_claim_of_a_thousand_years_changes_nothing() {
    let studio = Studio::new();
    let path = studio.video(H264, "a.mp4");
    let mut bytes = std::fs::read(path).unwrap();
    // The duration in each header: twelve bytes behind the name and version, and sixteen for that of the track.
    for (name, offset) in [(b"mvhd", 16), (b"mdhd", 16), (b"tkhd", 20)] {
        let places: Vec<usize> = (0..bytes.len() - 40).filter(|at| &bytes[*at..at + 4] == name).collect();
        assert!(!places.is_empty());
        for at in places {
            let from = at + 4 + offset;
            bytes[from..from + 4].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
        }
    }
    let scan = scan_bytes(&host(), &bytes).await.unwrap();
    assert!((5_900..=6_100).contains(&scan.scanned_ms), "{}", scan.scanned_ms);
    assert!(scan.frames.len() >= 12);
}

/// Flipped bits and torn pieces: what comes of it must be a scan or an error about the file, and never a worker that tried what it may not.
#[tokio::test]
async fn mutants_do_no_harm() {
    let studio = Studio::new();
    let host = limited(|limits| limits.time_ms_max = 60_000);
    let files = [
        ("a.mp4", "-t 1 -c:v libx264 -preset ultrafast -c:a aac"),
        ("a.mkv", "-t 1 -c:v libx264 -preset ultrafast -c:a libvorbis"),
        ("a.ts", "-t 1 -c:v mpeg2video -c:a mp2"),
        ("a.avi", "-t 1 -c:v mpeg4 -c:a libmp3lame"),
        (
            "a.webm",
            "-t 1 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus",
        ),
    ];
    // A small generator, so that a failure can be repeated.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut n_scanned = 0;
    for (name, args) in files {
        let bytes = std::fs::read(studio.video(args, name)).unwrap();
        for round in 0..40 {
            let mut mutant = bytes.clone();
            for _ in 0..1 + round % 8 {
                // Headers stand at the beginning and the end.
                let at = match random(3) {
                    0 => random(mutant.len().min(1_500)),
                    1 => mutant.len() - 1 - random(mutant.len().min(1_500)),
                    _ => random(mutant.len()),
                };
                match random(4) {
                    0 => mutant[at] ^= 1 << random(8),
                    1 => mutant[at] = [0, 1, 0x7f, 0x80, 0xff][random(5)],
                    2 => drop(mutant.drain(at..(at + random(64)).min(mutant.len()))),
                    _ => mutant.insert(at, random(256) as u8),
                }
            }
            match scan_bytes(&host, &mutant).await {
                Ok(_) => n_scanned += 1,
                Err(error) => assert!(
                    matches!(
                        error.kind(),
                        "damaged" | "unsupported_type" | "too_many_pixels" | "too_many_streams" | "memory_limit"
                    ),
                    "{name}, round {round}: {error:?}"
                ),
            }
        }
    }
    assert!(n_scanned > 50, "{n_scanned}");
}

#[tokio::test]
async fn noise_behind_a_true_beginning_does_no_harm() {
    let host = host();
    let mut state = 88_172_645_463_325_252_u64;
    let mut noise = move |n: usize| -> Vec<u8> {
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        std::iter::repeat_with(next).take(n).collect()
    };
    let beginnings: [&[u8]; 10] = [
        b"\0\0\0\x14ftypisom\0\0\x02\0isom",
        b"\x1a\x45\xdf\xa3",
        b"RIFF\xff\xff\xff\xffAVI ",
        b"RIFF\xff\xff\xff\xffWAVE",
        b"OggS\0",
        b"fLaC",
        b"#!AMR\n",
        b"ID3\x04\0\0\0\0\0\x0a",
        b"\xff\xfb\x90\x64",
        b"\0\0\x01\xba",
    ];
    for beginning in beginnings {
        for n in [0, 50, 20_000] {
            let bytes = [beginning, &noise(n)].concat();
            if let Err(error) = scan_bytes(&host, &bytes).await {
                assert!(
                    matches!(error.kind(), "damaged" | "unsupported_type" | "memory_limit"),
                    "{beginning:?}: {error:?}"
                );
            }
        }
    }
}

/// What a player shows every fortieth of a second is looked at twice a second, whatever the header says of the rate.
#[tokio::test]
async fn a_false_frame_rate_hides_nothing() {
    let studio = Studio::new();
    let path = studio.pictures("-c:v libx264 -preset ultrafast", "a.mkv");
    let mut bytes = std::fs::read(path).unwrap();
    // DefaultDuration: 40 ms, in nanoseconds, becomes one.
    let told = [&[0x23, 0xe3, 0x83, 0x84][..], &40_000_000_u32.to_be_bytes()].concat();
    let at = bytes.windows(8).position(|window| window == told).expect("a rate");
    bytes[at + 4..at + 8].copy_from_slice(&1_000_000_u32.to_be_bytes());
    let scan = scan_bytes(&host(), &bytes).await.unwrap();
    assert_eq!(scan.frame_rate, 1_000.0);
    assert!((11..=16).contains(&scan.frames.len()), "{}", scan.frames.len());
    let widest = scan.frames.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms).max();
    assert!(widest.unwrap() <= 760, "{widest:?}");
}

/// One track of each kind is decoded. That there are more is said.
#[tokio::test]
async fn a_second_track_is_no_hiding_place() {
    let studio = Studio::new();
    let second = "-f lavfi -i testsrc=size=320x240:rate=25:duration=6";
    let tone = "-f lavfi -i sine=duration=6";
    for name in ["a.mkv", "a.mp4", "a.mov", "a.ts"] {
        let args = format!("{second} -map 0:v -map 1:a -map 2:v {H264} -pix_fmt yuv420p");
        let seen = scan(studio.video(&args, name)).await.unwrap();
        assert!(!seen.is_intact && seen.frames.len() >= 12, "{name}");
        let args = format!("{tone} -map 0:v -map 1:a -map 2:a {H264}");
        let heard = scan(studio.video(&args, name)).await.unwrap();
        assert!(!heard.is_intact && heard.sound.is_some(), "{name}");
    }
    let songs = scan(studio.sound(&format!("{tone} -map 0 -map 1 -c:a aac"), "a.m4a")).await;
    assert!(!songs.unwrap().is_intact);
}

/// A cover is what shows one picture, not what says that it does.
#[tokio::test]
async fn a_moving_picture_is_no_cover() {
    let studio = Studio::new();
    let jpegs = "-c:v mjpeg -q:v 5";
    let path = studio.video(&format!("{jpegs} -c:a pcm_s16le"), "a.avi");
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(4).position(|window| window == b"strh").expect("a stream");
    assert_eq!(&bytes[at + 8..at + 12], b"vids");
    // How many pictures it holds.
    bytes[at + 40..at + 44].copy_from_slice(&1_u32.to_le_bytes());
    let avi = scan_bytes(&host(), &bytes).await.unwrap();
    assert_eq!(avi.video_codec, Some("mjpeg"));
    assert!(avi.frames.len() >= 12, "{}", avi.frames.len());
    let fragments = format!("{jpegs} -c:a aac -movflags +frag_keyframe+empty_moov");
    for name in ["a.mov", "a.mp4"] {
        let seen = scan(studio.video(&fragments, name)).await.unwrap();
        assert!(seen.frames.len() >= 12, "{name}: {}", seen.frames.len());
    }
    for name in ["b.mkv", "b.mp4"] {
        let args = String::from(
            "-f lavfi -i testsrc=size=320x240:rate=25:duration=6 -map 0:v -map 1:a -map 2:v -c:v:0 libx264 -preset ultrafast -c:v:1 mjpeg -c:a aac",
        );
        let seen = scan(studio.video(&args, name)).await.unwrap();
        assert!(!seen.is_intact && seen.video_codec == Some("h264"), "{name}");
    }
}

#[tokio::test]
async fn a_thumbnail_is_no_damage_and_the_picture_of_a_song_is_looked_at() {
    let studio = Studio::new();
    studio.ffmpeg("-f lavfi -i testsrc2=size=200x200 -frames:v 1", "cover.jpg");
    let thumbnail = "-i cover.jpg -map 0:v -map 1:a -map 2 -c:v:1 copy -disposition:v:1 attached_pic";
    let args = format!("{thumbnail} -c:v:0 libx264 -preset ultrafast -c:a aac");
    let video = scan(studio.video(&args, "a.mp4")).await.unwrap();
    assert!(video.is_intact && video.video_codec == Some("h264") && video.frames.len() >= 12);
    let song = studio.sound(
        "-i cover.jpg -map 0 -map 1 -c:v copy -c:a aac -disposition:v attached_pic",
        "a.m4a",
    );
    let song = scan(song).await.unwrap();
    assert!(song.is_intact && song.sound.is_some());
    assert_eq!((song.frames.len(), song.width), (1, 200));
}
