//! A worker that is cut off: another goes on where it was, and what comes of both is what would have come of one.

mod common;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use common::{Studio, host, scan_with, settings};
use media::ScanError;
use media::av::{AvHost, AvScan, AvWant, Sampling};

/// Twenty seconds of pictures that move, large enough that a worker can be killed before it is done, with cuts and B-frames, and a sound that never repeats.
const FILM: &str = "-f lavfi -i testsrc2=size=960x540:rate=25:duration=8 -f lavfi -i mandelbrot=size=960x540:rate=25:end_pts=400 \
    -f lavfi -i smptebars=size=960x540:rate=25:duration=3 \
    -f lavfi -i aevalsrc=0.4*sin(2*PI*t*(200+90*t))+0.2*sin(2*PI*t*(900-20*t)):s=48000 \
    -filter_complex [1:v]trim=duration=9[m];[0:v]format=yuv420p[a];[m]format=yuv420p[b];[2:v]format=yuv420p[c];[a][b][c]concat=n=3[v] -map [v] -map 3:a -t 20";

/// Tests run in a process each, so the children of this one are workers.
fn workers() -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", std::process::id())).unwrap();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    children
        .flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

fn signal_workers(signal: &str) -> usize {
    let workers = workers();
    for worker in &workers {
        Command::new("kill").args([signal, worker]).status().unwrap();
    }
    workers.len()
}

/// A number that nobody chose, below that one.
fn random(below: u128) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    let number = u128::from(RandomState::new().hash_one(0_u8));
    u64::try_from(number % below.max(1)).unwrap()
}

/// Scans, and kills the worker so long after each of the first reports that follow a new worker.
async fn scan_with_kills(host: &AvHost, path: &Path, want: AvWant, kills_ms: &[u64]) -> Result<AvScan, ScanError> {
    let (told, mut reports) = tokio::sync::mpsc::unbounded_channel();
    let scan = {
        let (host, file) = (host.clone(), File::open(path).unwrap());
        tokio::spawn(async move {
            host.scan(file, want, move |progress| told.send(progress).unwrap_or(()))
                .await
        })
    };
    let mut at_ms = 0;
    for wait_ms in kills_ms {
        // Only what is whole can be gone on from, and each worker must come further than the one before.
        loop {
            let Some(progress) = reports.recv().await else {
                break;
            };
            assert!(progress.at_ms >= at_ms, "progress never runs backwards");
            if progress.at_ms > at_ms {
                at_ms = progress.at_ms;
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(*wait_ms)).await;
        signal_workers("-KILL");
        // What the dead one told counts for the next.
        tokio::time::sleep(Duration::from_millis(200)).await;
        while let Ok(progress) = reports.try_recv() {
            at_ms = progress.at_ms;
        }
    }
    scan.await.unwrap()
}

fn films(studio: &Studio) -> Vec<PathBuf> {
    vec![
        studio.ffmpeg(
            &format!("{FILM} -c:v libx264 -preset veryfast -g 60 -bf 2 -c:a aac"),
            "a.mp4",
        ),
        studio.ffmpeg(&format!("{FILM} -c:v mpeg2video -g 30 -bf 2 -q:v 4 -c:a mp2"), "a.ts"),
        studio.ffmpeg(
            &format!("{FILM} -c:v libx264 -preset veryfast -g 600 -c:a libopus"),
            "a.mkv",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_killed_at_any_moment_changes_nothing_of_what_is_found() {
    let studio = Studio::new();
    let mut n_resumed = 0;
    for path in films(&studio) {
        let whole_host = host();
        let began = Instant::now();
        let whole = scan_with(&whole_host, path.clone(), AvWant::EVERYTHING).await.unwrap();
        let took = began.elapsed();
        assert!(
            whole.is_intact && whole.frames.len() > 35 && !whole.strip.is_empty(),
            "{path:?}"
        );
        for n_kills in [1, 2] {
            let kills: Vec<u64> = (0..n_kills).map(|_| random(took.as_millis() / 3)).collect();
            let host = host();
            let scan = scan_with_kills(&host, &path, AvWant::EVERYTHING, &kills).await;
            let scan = scan.unwrap_or_else(|error| panic!("{path:?} killed after {kills:?} ms: {error}"));
            n_resumed += host.stats().resumed;
            let times = |scan: &AvScan| {
                scan.frames
                    .iter()
                    .map(|frame| (frame.at_ms, frame.number))
                    .collect::<Vec<_>>()
            };
            assert_eq!(times(&scan), times(&whole), "{path:?} killed after {kills:?} ms");
            assert!(scan == whole, "{path:?} killed after {kills:?} ms");
        }
    }
    assert!(n_resumed >= 3, "workers were killed before they were done: {n_resumed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_alone_and_key_frames_alone_go_on_as_well() {
    let studio = Studio::new();
    let sound = studio.ffmpeg(
        "-f lavfi -i aevalsrc=0.4*sin(2*PI*t*(200+9*t)):s=48000:d=500 -c:a aac -b:a 96k",
        "a.m4a",
    );
    let film = films(&studio).remove(0);
    let key_frames = AvWant {
        sampling: Sampling::KeyFrames,
        ..AvWant::EVERYTHING
    };
    for (path, want) in [(sound, AvWant::EVERYTHING), (film, key_frames)] {
        let host = host();
        let whole = scan_with(&host, path.clone(), want).await.unwrap();
        let scan = scan_with_kills(&host, &path, want, &[random(300)]).await.unwrap();
        assert!(scan == whole, "{path:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_hangs_is_replaced_and_one_that_always_dies_is_given_up() {
    let studio = Studio::new();
    let path = films(&studio).remove(0);
    let whole = scan_with(&host(), path.clone(), AvWant::EVERYTHING).await.unwrap();
    let mut settings = settings();
    settings.limits.stall_ms_max = 1_500;
    let host = AvHost::new(settings).unwrap();
    let (told, mut reports) = tokio::sync::mpsc::unbounded_channel();
    let scan = {
        let (host, file) = (host.clone(), File::open(&path).unwrap());
        tokio::spawn(async move {
            let report = move |progress| told.send(progress).unwrap_or(());
            host.scan(file, AvWant::EVERYTHING, report).await
        })
    };
    reports.recv().await.unwrap();
    assert_eq!(signal_workers("-STOP"), 1);
    assert!(scan.await.unwrap().unwrap() == whole);
    assert_eq!(host.stats().resumed, 1);

    // Dead at once each time: none comes further than the one before.
    let killer = {
        let host = host.clone();
        std::thread::spawn(move || {
            while host.stats().failed.is_empty() {
                signal_workers("-KILL");
                std::thread::sleep(Duration::from_millis(20));
            }
        })
    };
    let error = scan_with(&host, path, AvWant::EVERYTHING).await.unwrap_err();
    assert!(matches!(error.kind(), "worker_crashed" | "av_unavailable"), "{error:?}");
    killer.join().unwrap();
    assert_eq!(host.stats().running, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_host_gathers_of_one_file_is_bounded() {
    let studio = Studio::new();
    let path = films(&studio).remove(0);
    let whole = scan_with(&host(), path.clone(), AvWant::EVERYTHING).await.unwrap();
    let mut settings = settings();
    settings.limits.gathered_bytes_max = 200 << 10;
    let host = AvHost::new(settings).unwrap();
    let part = scan_with(&host, path, AvWant::EVERYTHING).await.unwrap();
    assert!(
        !part.is_intact && part.scanned_ms < whole.scanned_ms,
        "{}",
        part.scanned_ms
    );
    let (n, n_whole) = (part.frames.len(), whole.frames.len());
    assert!((5..n_whole).contains(&n), "{n} of {n_whole}");
    assert_eq!(part.frames, whole.frames[..n], "what was looked at is as it was");
    assert_eq!((part.md5, part.sha256), (whole.md5, whole.sha256));
    let size = |frames: &[signal::video::Frame]| {
        let glimpses = frames.iter().filter_map(|frame| frame.glimpse.as_ref());
        let bytes = glimpses.map(|seen| size_of_val(&seen.views[..]) + size_of_val(&seen.keypoints[..]));
        bytes.sum::<usize>() + size_of_val(frames)
    };
    assert!(size(&part.frames) <= 220 << 10, "{}", size(&part.frames));
    assert!(workers().is_empty());
}
