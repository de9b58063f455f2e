//! Pictures that are left undecoded: the frames that are taken are the same as if every picture had been decoded.

mod common;

use std::path::PathBuf;

use common::{Studio, host, scan_with};
use media::av::{AvScan, AvWant, Sampling};
use signal::video::Frame;

/// A film that moves, of different scenes, with cuts where no key frame is asked for.
const FILM: &str = "-f lavfi -i testsrc2=size=320x180:rate=RATE:duration=9 -f lavfi -i mandelbrot=size=320x180:rate=RATE:end_pts=400 \
    -f lavfi -i smptebars=size=320x180:rate=RATE:duration=2 -f lavfi -i testsrc=size=320x180:rate=RATE:duration=4 \
    -filter_complex [1:v]trim=duration=7[m];[0:v]format=yuv420p[a];[m]format=yuv420p[b];[2:v]format=yuv420p[c];[3:v]format=yuv420p[d];[a][b][c][d]concat=n=4FILTER[v] -map [v] -t 20";

/// Encoder, name of the file, frame rate.
const ENCODED: [(&str, &str, &str); 13] = [
    ("-c:v libx264", "default.mp4", "25"),
    ("-c:v libx264 -bf 5 -x264-params b-pyramid=none", "no_pyramid.mp4", "25"),
    ("-c:v libx264 -bf 16 -x264-params b-adapt=0", "many_b.mp4", "30"),
    (
        "-c:v libx264 -x264-params open-gop=1:keyint=40",
        "open.mkv",
        "30000/1001",
    ),
    ("-c:v libx264 -bf 2", "stream.ts", "24"),
    ("-c:v libx264 -preset ultrafast", "no_b.mp4", "25"),
    ("-c:v libx264 -flags +ildct+ilme", "fields.ts", "25"),
    ("-c:v libx264 -movflags frag_keyframe+empty_moov", "fragments.mp4", "60"),
    ("-c:v libx264 -fps_mode vfr", "uneven.mp4", "30"),
    ("-c:v libx264 -bf 3", "slow.mkv", "8"),
    ("-c:v libx265 -x265-params log-level=none", "default_hevc.mp4", "25"),
    (
        "-c:v libx265 -x265-params log-level=none:temporal-layers=1",
        "layers_hevc.mp4",
        "25",
    ),
    (
        "-c:v libx265 -x265-params log-level=none:open-gop=1:keyint=50",
        "open_hevc.ts",
        "30",
    ),
];

/// No B-frames, fields, sub-layers, and frames so far apart that each matters.
const WHOLE: [&str; 4] = ["no_b.mp4", "fields.ts", "layers_hevc.mp4", "slow.mkv"];

/// A scan, and how many pictures were left out of it.
async fn scan(path: &PathBuf, sampling: Sampling) -> (AvScan, u64) {
    let want = AvWant {
        sampling,
        audio: false,
        ..AvWant::EVERYTHING
    };
    let host = host();
    let scan = scan_with(&host, path.clone(), want).await.unwrap();
    (scan, host.stats().left_out)
}

/// What is taken by the clock and by vPDQ.
fn steady(scan: &AvScan) -> Vec<&Frame> {
    scan.frames
        .iter()
        .filter(|frame| frame.is_vpdq || !frame.is_scene)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_is_what_would_be_taken_of_every_picture() {
    let studio = Studio::new();
    for (encoder, name, rate) in ENCODED {
        let filter = match encoder.contains("vfr") {
            true => ",select='not(mod(n\\,3))+lt(mod(n\\,50)\\,20)'",
            false => "",
        };
        let made = FILM.replace("RATE", rate).replace("FILTER", filter);
        let film = studio.ffmpeg(&format!("{made} {encoder}"), name);
        let (found, n_left_out) = scan(&film, Sampling::Full).await;
        let (expected, n_of_every) = scan(&film, Sampling::EveryFrame).await;
        assert_eq!(n_of_every, 0, "{name}");
        // Of 25 to 60 a second for 20 seconds.
        let can_leave_out = !WHOLE.contains(&name);
        assert_eq!(n_left_out >= 100, can_leave_out, "{name}: {n_left_out}");
        assert!(expected.is_intact && found.is_intact, "{name}");
        assert_eq!(found.duration_ms, expected.duration_ms, "{name}");
        assert!(expected.frames.len() > 35, "{name}: {}", expected.frames.len());
        // To the bit, keypoints and views too. A scene that begins a frame later may move what follows it within half a second.
        let (found_steady, expected_steady) = (steady(&found), steady(&expected));
        let same = expected_steady.iter().filter(|frame| {
            found_steady.iter().any(|other| {
                (other.at_ms, other.number, other.pdq, other.is_vpdq)
                    == (frame.at_ms, frame.number, frame.pdq, frame.is_vpdq)
            })
        });
        let n_same = same.count();
        assert!(
            n_same + 3 >= expected_steady.len(),
            "{name}: {n_same} of {}",
            expected_steady.len()
        );
        let vpdq = |scan: &AvScan| {
            let frames = scan.frames.iter().filter(|frame| frame.is_vpdq);
            frames
                .map(|frame| (frame.at_ms, frame.number, frame.pdq))
                .collect::<Vec<_>>()
        };
        assert_eq!(vpdq(&found), vpdq(&expected), "{name}");
        let scenes = |scan: &AvScan| {
            let frames = scan.frames.iter().filter(|frame| frame.is_scene);
            frames.map(|frame| frame.at_ms).collect::<Vec<_>>()
        };
        let (found, expected) = (scenes(&found), scenes(&expected));
        assert_eq!(found.len(), expected.len(), "{name}: {found:?}, {expected:?}");
        let late = found
            .iter()
            .zip(&expected)
            .map(|(found, expected)| found.abs_diff(*expected));
        assert!(late.max().unwrap() <= 150, "{name}: {found:?}, {expected:?}");
    }
}
