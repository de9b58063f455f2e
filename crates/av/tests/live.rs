//! Streams that come piece by piece.

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Studio, host, scan, settings};
use media::ScanError;
use media::av::{AvHost, AvSettings, AvWant, LiveEvent, LiveScan};
use signal::video::Frame;

const H264: &str = "-c:v libx264 -preset ultrafast -g 25 -c:a aac";

#[derive(Default)]
struct Seen {
    opened: bool,
    frames: Vec<Frame>,
    pictures: Vec<u32>,
    n_samples: usize,
    ended_ms: Option<u32>,
    /// When it was first told that not all is looked at.
    flawed_ms: Option<u32>,
    is_whole: bool,
    is_all_known: bool,
    is_intact: bool,
}

async fn read(stream: &LiveScan) -> Result<Seen, ScanError> {
    let mut seen = Seen::default();
    while let Some(event) = stream.next().await {
        match event? {
            LiveEvent::Opened {
                width,
                height,
                is_all_known,
                ..
            } => {
                assert!(!is_all_known || (width, height) == (320, 240));
                seen.opened = true;
                seen.is_all_known = is_all_known;
            }
            LiveEvent::Frame(frame) => seen.frames.push(*frame),
            LiveEvent::Picture(picture) => {
                assert!(picture.small.starts_with(&[0xff, 0xd8]) && picture.blurred.starts_with(&[0xff, 0xd8]));
                seen.pictures.push(picture.at_ms);
            }
            LiveEvent::Sound { samples, .. } => seen.n_samples += samples.len(),
            LiveEvent::Progress { at_ms, is_intact } => {
                if !is_intact {
                    seen.flawed_ms.get_or_insert(at_ms);
                }
            }
            LiveEvent::Ended {
                duration_ms,
                is_intact,
                is_whole,
            } => {
                seen.ended_ms = Some(duration_ms);
                seen.is_whole = is_whole;
                seen.is_intact = is_intact;
            }
        }
    }
    Ok(seen)
}

async fn follow(bytes: Vec<u8>) -> Seen {
    follow_with(&host(), bytes).await
}

async fn follow_with(host: &AvHost, bytes: Vec<u8>) -> Seen {
    let stream = host.open_stream(AvWant::EVERYTHING).await.unwrap();
    let feed = async {
        for piece in bytes.chunks(10_000) {
            assert!(stream.feed(Bytes::copy_from_slice(piece)).await);
        }
        stream.finish();
        assert!(!stream.feed(Bytes::from_static(b"more")).await);
    };
    let (seen, ()) = tokio::join!(read(&stream), feed);
    seen.unwrap()
}

#[tokio::test]
async fn a_stream_shows_what_the_file_shows() {
    let studio = Studio::new();
    for (name, args) in [
        ("a.ts", H264.to_owned()),
        (
            "a.mp4",
            format!("{H264} -movflags +frag_keyframe+empty_moov+default_base_moof"),
        ),
    ] {
        let path = studio.video(&args, name);
        let bytes = std::fs::read(&path).unwrap();
        let (seen, whole) = (follow(bytes).await, scan(path).await.unwrap());
        assert!(seen.opened && seen.is_all_known && seen.is_intact, "{name}");
        assert!(
            (5_900..=6_300).contains(&seen.ended_ms.unwrap()),
            "{name}: {:?}",
            seen.ended_ms
        );
        assert!(
            matches!(seen.pictures[..], [first, second] if first < 1_000 && second.abs_diff(5_000) <= 1_000),
            "{name}: {:?}",
            seen.pictures
        );
        // Of a stream twice as many frames are taken, those of the file among them.
        let (n_seen, n_whole) = (seen.frames.len(), whole.frames.len());
        assert!(
            n_seen >= 3 * n_whole / 2 && n_seen <= 2 * n_whole + 2,
            "{name}: {n_seen} beside {n_whole}"
        );
        let same = whole
            .frames
            .iter()
            .filter(|frame| seen.frames.iter().any(|other| other.pdq == frame.pdq))
            .count();
        assert!(same + 2 >= n_whole, "{name}: {same} of {n_whole}");
        assert!(
            (60_000..=70_000).contains(&seen.n_samples),
            "{name}: {}",
            seen.n_samples
        );
    }
}

#[tokio::test]
async fn segments_that_each_begin_at_zero_go_on_after_each_other() {
    let studio = Studio::new();
    let bytes = std::fs::read(studio.video(H264, "a.ts")).unwrap();
    let seen = follow([&bytes[..], &bytes].concat()).await;
    assert!(
        (11_500..=12_700).contains(&seen.ended_ms.unwrap()),
        "{:?}",
        seen.ended_ms
    );
    assert!(seen.frames.is_sorted_by_key(|frame| frame.at_ms));
    assert!(seen.frames.len() >= 24);
}

/// A sender that stops in the middle is nothing unusual; pictures that nobody decodes are said at once.
#[tokio::test]
async fn what_is_looked_at_by_nobody_is_said() {
    let studio = Studio::new();
    let bytes = std::fs::read(studio.video(H264, "a.ts")).unwrap();
    let cut = follow(bytes[..bytes.len() / 2 + 77].to_vec()).await;
    assert!(cut.is_intact && !cut.frames.is_empty());
    let packets = bytes.len() / 188;
    let late = follow(bytes[packets / 3 * 188..].to_vec()).await;
    assert!(late.is_intact && !late.frames.is_empty());
    let mut spoilt = bytes.clone();
    for packet in spoilt[packets / 2 * 188..][..60 * 188].chunks_mut(188) {
        packet[20..150].fill(0x5a);
    }
    let spoilt = follow(spoilt).await;
    assert!(!spoilt.is_intact && !spoilt.frames.is_empty());
    assert!(
        spoilt.flawed_ms.is_some_and(|ms| ms < 5_500),
        "told while it goes on: {:?}",
        spoilt.flawed_ms
    );
    let strange = std::fs::read(studio.video("-c:v vc2 -strict -1 -pix_fmt yuv420p -c:a aac", "strange.ts")).unwrap();
    let seen = follow(strange).await;
    assert!(!seen.is_all_known && !seen.is_intact && seen.frames.is_empty());
    assert!(seen.n_samples > 50_000, "{}", seen.n_samples);
    let heard = scan(studio.video("-c:v huffyuv -c:a aac", "strange.avi"))
        .await
        .unwrap();
    assert!(!heard.is_intact && heard.video_codec.is_none() && heard.sound.is_some());
}

/// Frames come while the stream goes on: after the first three seconds were fed, some must have been seen.
#[tokio::test]
async fn frames_come_before_the_end() {
    let studio = Studio::new();
    let bytes = std::fs::read(studio.video(H264, "a.ts")).unwrap();
    let stream = host().open_stream(AvWant::EVERYTHING).await.unwrap();
    assert!(stream.feed(Bytes::copy_from_slice(&bytes[..bytes.len() / 2])).await);
    let mut last_ms = 0;
    let wait = async {
        while last_ms < 1_000 {
            if let Some(Ok(LiveEvent::Frame(frame))) = stream.next().await {
                last_ms = frame.at_ms;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .expect("frames come");
}

#[tokio::test]
async fn a_silent_sender_and_rubbish_end_with_an_error() {
    let mut impatient = settings();
    impatient.limits.live_idle_ms_max = 700;
    let host = AvHost::new(AvSettings {
        streams_max: 1,
        ..impatient
    })
    .unwrap();
    let stream = host.open_stream(AvWant::EVERYTHING).await.unwrap();
    assert!(matches!(
        host.open_stream(AvWant::EVERYTHING).await,
        Err(ScanError::Busy { .. })
    ));
    let started = Instant::now();
    assert_eq!(stream.next().await, Some(Err(ScanError::Stalled { stall_ms_max: 700 })));
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(stream.next().await, None);
    assert!(!stream.feed(Bytes::from_static(b"more")).await);
    drop(stream);

    let stream = common::host().open_stream(AvWant::EVERYTHING).await.unwrap();
    assert!(stream.feed(Bytes::from_static(b"#EXTM3U\nhttp://localhost/\n")).await);
    stream.finish();
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(matches!(error, ScanError::UnsupportedType { .. }), "{error:?}");
}

#[tokio::test]
async fn a_dropped_stream_gives_its_place_back() {
    let host = AvHost::new(AvSettings {
        streams_max: 1,
        ..settings()
    })
    .unwrap();
    drop(host.open_stream(AvWant::EVERYTHING).await.unwrap());
    let deadline = Instant::now() + Duration::from_secs(20);
    while host.stats().streams > 0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    host.open_stream(AvWant::EVERYTHING).await.unwrap();
}

/// The first frames lie a thousandth of a second apart, the others a fortieth.
#[tokio::test]
async fn a_false_beginning_leaves_no_hole() {
    let studio = Studio::new();
    studio.pictures("-c:v libx264 -preset ultrafast -g 25", "a.ts");
    let stamps = "setts=ts=if(lt(N\\,60)\\,N*99\\,5940+(N-60)*3600)";
    let path = studio.ffmpeg(&format!("-i a.ts -c copy -bsf:v {stamps}"), "false.ts");
    let seen = follow(std::fs::read(path).unwrap()).await;
    let ended_ms = seen.ended_ms.unwrap();
    assert!((3_400..=3_900).contains(&ended_ms), "{ended_ms}");
    assert!(seen.frames.len() >= 11, "{}", seen.frames.len());
    let widest = seen.frames.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms).max();
    assert!(widest.unwrap() <= 420, "{widest:?}");
}

/// An encoder that begins anew gives its tracks other numbers; one that begins to send sound adds a track.
#[tokio::test]
async fn tracks_that_come_later_are_seen_or_said() {
    let studio = Studio::new();
    let first = std::fs::read(studio.video(H264, "a.ts")).unwrap();
    let moved = std::fs::read(studio.video(&format!("{H264} -mpegts_start_pid 0x300"), "moved.ts")).unwrap();
    let seen = follow([&first[..], &moved].concat()).await;
    let n_later = seen.frames.iter().filter(|frame| frame.at_ms > 6_500).count();
    assert!(
        n_later >= 12 || !seen.is_intact && seen.flawed_ms.is_some(),
        "{n_later}"
    );
    assert!(n_later >= 12, "those that move are followed: {n_later}");
    let silent = std::fs::read(studio.pictures("-c:v libx264 -preset ultrafast -g 25", "silent.ts")).unwrap();
    let seen = follow([&silent[..], &first].concat()).await;
    assert!(seen.is_all_known && !seen.is_intact && seen.flawed_ms.is_some());
    let second = "-f lavfi -i testsrc=size=320x240:rate=25:duration=6 -map 0:v -map 1:a -map 2:v";
    let two = std::fs::read(studio.video(&format!("{second} {H264} -pix_fmt yuv420p"), "two.ts")).unwrap();
    let seen = follow(two).await;
    assert!(!seen.is_all_known && !seen.is_intact);
}

fn minute(studio: &Studio, args: &str) -> Vec<u8> {
    let path = studio.ffmpeg(
        &format!("-f lavfi -i testsrc2=size=320x240:rate=25:duration=60 -pix_fmt yuv420p -c:v libx264 -preset ultrafast {args}"),
        "minute.ts",
    );
    std::fs::read(path).unwrap()
}

#[tokio::test]
async fn pictures_that_never_show_are_said_before_the_end() {
    let studio = Studio::new();
    // One whole picture at the beginning, which is lost.
    let bytes = minute(&studio, "-g 9999 -keyint_min 9999 -sc_threshold 0");
    let n_packets = bytes.len() / 188;
    let stream = host().open_stream(AvWant::EVERYTHING).await.unwrap();
    for piece in bytes[n_packets / 4 * 188..].chunks(100_000) {
        if !stream.feed(Bytes::copy_from_slice(piece)).await {
            break;
        }
    }
    // It is not over.
    let wait = async {
        loop {
            match stream.next().await.unwrap() {
                Err(error) => return assert!(error.is_about_the_file(), "{error:?}"),
                Ok(LiveEvent::Progress { is_intact: false, .. }) => return,
                Ok(LiveEvent::Frame(frame)) => panic!("a frame at {}", frame.at_ms),
                Ok(_) => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait)
        .await
        .expect("it is told that nothing is seen");
}

#[tokio::test]
async fn a_stream_that_is_longer_than_may_be_is_not_whole() {
    let studio = Studio::new();
    let bytes = minute(&studio, "-g 25");
    let mut short = settings();
    short.limits.live_ms_max = 20_000;
    let host = AvHost::new(short).unwrap();
    let stream = host.open_stream(AvWant::EVERYTHING).await.unwrap();
    // Whether all of it is taken does not matter: it is over before.
    stream.feed(Bytes::from(bytes)).await;
    let seen = read(&stream).await.unwrap();
    assert!(!seen.is_whole && !seen.is_intact && seen.frames.len() > 40);
    assert!((20_000..=21_000).contains(&seen.ended_ms.unwrap()));
}

/// What is heard has the time of what is seen with it.
#[tokio::test]
async fn sound_that_begins_late_has_the_time_of_the_pictures() {
    let studio = Studio::new();
    let args = "-f lavfi -i testsrc2=size=320x240:rate=5:duration=68 -itsoffset 61 -f lavfi -i sine=duration=6 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -g 5 -c:a aac";
    let seen = follow(std::fs::read(studio.ffmpeg(args, "late.ts")).unwrap()).await;
    let heard_ms = seen.n_samples * 1_000 / media::av::SOUND_RATE as usize;
    assert!((66_000..=68_500).contains(&heard_ms), "{heard_ms}");
}
