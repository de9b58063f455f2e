//! The host around the worker: progress, cancelling, queues, and a worker that is missing, dead or false.

mod common;

use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::{Studio, host, scan_with, settings};
use media::av::{AvHost, AvSettings, AvWant, AvWorkerCommand};
use media::{JailRequirement, ScanError, StartHostError};

const H264: &str = "-c:v libx264 -preset ultrafast";

/// Tests run in a process each, so the children of this one are workers.
fn children() -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", std::process::id())).unwrap();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    children
        .flat_map(|list| list.split_whitespace().map(|n| n.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

async fn until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A video that takes seconds to decode.
fn long_video(studio: &Studio) -> PathBuf {
    studio.ffmpeg(
        "-f lavfi -i testsrc2=size=1280x720:rate=30:duration=60 -c:v libx264 -preset ultrafast -g 60",
        "long.mp4",
    )
}

#[tokio::test]
async fn progress_is_told_and_a_dropped_scan_ends_its_worker() {
    let studio = Studio::new();
    let path = long_video(&studio);
    let host = host();
    let (told, mut reports) = tokio::sync::mpsc::unbounded_channel();
    let scan = {
        let (host, path) = (host.clone(), path.clone());
        tokio::spawn(async move {
            let report = |progress| told.send(progress).unwrap_or(());
            host.scan(File::open(path).unwrap(), AvWant::EVERYTHING, report).await
        })
    };
    let progress = reports.recv().await.unwrap();
    assert_eq!(progress.bytes, std::fs::metadata(path).unwrap().len());
    assert!(progress.duration_ms.is_some_and(|ms| (59_000..=61_000).contains(&ms)));
    assert_eq!((host.stats().running, children().len()), (1, 1));
    scan.abort();
    until(|| children().is_empty() && host.stats().running == 0).await;
    assert_eq!(host.stats().scanned, 0);
}

#[tokio::test]
async fn two_scans_of_one_open_file_do_not_disturb_each_other() {
    let studio = Studio::new();
    let file = File::open(studio.pictures(H264, "a.mp4")).unwrap();
    let host = host();
    let (one, other) = tokio::join!(
        host.scan(file.try_clone().unwrap(), AvWant::EVERYTHING, |_| ()),
        host.scan(file.try_clone().unwrap(), AvWant::EVERYTHING, |_| ()),
    );
    assert_eq!(one.unwrap(), other.unwrap());
    assert_eq!(host.stats().scanned, 2);
}

#[tokio::test]
async fn a_full_queue_says_so() {
    let studio = Studio::new();
    let path = long_video(&studio);
    let mut settings = settings();
    (settings.scans_max, settings.limits.queue_max) = (1, 1);
    let host = AvHost::new(settings).unwrap();
    let scan = || {
        let (host, path) = (host.clone(), path.clone());
        tokio::spawn(async move { scan_with(&host, path, AvWant::EVERYTHING).await })
    };
    let first = scan();
    until(|| host.stats().running == 1).await;
    let second = scan();
    until(|| host.stats().queued == 1).await;
    assert_eq!(scan().await.unwrap(), Err(ScanError::Busy { queue_max: 1 }));
    second.abort();
    first.abort();
    until(|| children().is_empty() && host.stats().queued == 0).await;
}

#[tokio::test]
async fn a_worker_is_locked_up() {
    let studio = Studio::new();
    let path = long_video(&studio);
    let host = host();
    assert!(
        host.try_worker().await.unwrap().is_empty(),
        "this system has the whole jail"
    );
    let (told, mut reports) = tokio::sync::mpsc::unbounded_channel();
    let scan = tokio::spawn(async move {
        let report = |progress| told.send(progress).unwrap_or(());
        host.scan(File::open(path).unwrap(), AvWant::EVERYTHING, report).await
    });
    reports.recv().await.unwrap();
    let [pid] = children()[..] else { panic!("one worker") };
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
            .trim()
            .to_owned()
    };
    assert_eq!(
        (line("NoNewPrivs:"), line("Seccomp:"), line("Threads:")),
        ("1".into(), "2".into(), "1".into())
    );
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(limit("Max data size"), settings().limits.memory_bytes_max.to_string());
    for name in ["Max core file size", "Max file size", "Max open files", "Max processes"] {
        assert_eq!(limit(name), "0", "{name}");
    }
    let environment = std::fs::read_to_string(format!("/proc/{pid}/environ")).unwrap();
    let mut variables = environment.split_terminator('\0');
    assert!(
        variables.all(|variable| variable.starts_with("MALLOC_")),
        "{environment:?}"
    );
    let mut descriptors: Vec<_> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    descriptors.sort();
    assert_eq!(descriptors, ["0", "1", "2"]);
    // The file may be read and nothing else, whatever the caller opened it for.
    let flags = std::fs::read_to_string(format!("/proc/{pid}/fdinfo/0")).unwrap();
    let flags = flags
        .lines()
        .find_map(|line| line.strip_prefix("flags:"))
        .unwrap()
        .trim()
        .to_owned();
    assert_eq!(flags.chars().last(), Some('0'), "read only: {flags}");
    scan.abort();
}

fn program(studio: &Studio, script: &str) -> AvWorkerCommand {
    let path = studio.path("program");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    AvWorkerCommand::at(path).unwrap()
}

async fn answer(script: &str, jail: JailRequirement) -> Result<(), ScanError> {
    let studio = Studio::new();
    std::fs::write(studio.path("file"), b"anything").unwrap();
    let mut settings = AvSettings {
        worker: program(&studio, script),
        jail,
        ..settings()
    };
    settings.limits.stall_ms_max = 1_000;
    let host = AvHost::new(settings).unwrap();
    scan_with(&host, studio.path("file"), AvWant::EVERYTHING)
        .await
        .map(drop)
}

#[tokio::test]
async fn a_false_worker_is_found_out() {
    // As one greets that has the whole jail.
    const GREETING: &str = r"printf 'SWMW\002\000\037\000'";
    let check = |script: String, kind: &'static str| async move {
        let error = answer(&script, JailRequirement::Required).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{script}: {error:?}");
    };
    check("exit 1".to_owned(), "av_unavailable").await;
    check("echo hello world".to_owned(), "av_unavailable").await;
    check(format!("{GREETING}; exit 3"), "worker_crashed").await;
    check(format!("{GREETING}; kill -SYS $$"), "jail_violation").await;
    check(format!("{GREETING}; sleep 60"), "stalled").await;
    check(format!(r"{GREETING}; printf '\002\000\000\000\377'"), "bad_answer").await;
    check(format!(r"{GREETING}; printf '\011\000\000\000\000'"), "bad_answer").await;
    // An end before the beginning.
    check(
        format!(r"{GREETING}; printf '\006\006\000\000\000\000\000\000\000\001\001'"),
        "bad_answer",
    )
    .await;
    // No landlock.
    check(r"printf 'SWMW\002\000\031\000'".to_owned(), "av_unavailable").await;
}

#[tokio::test]
async fn without_the_program_the_reason_says_what_to_do() {
    let worker = AvWorkerCommand {
        program: Path::new("/nonexistent/av-worker").to_owned(),
        args: Vec::new(),
    };
    let host = AvHost::new(AvSettings { worker, ..settings() }).unwrap();
    assert!(matches!(host.try_worker().await, Err(StartHostError::Spawn { .. })));
    let studio = Studio::new();
    std::fs::write(studio.path("file"), b"anything").unwrap();
    let error = scan_with(&host, studio.path("file"), AvWant::EVERYTHING)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), "av_unavailable");
    assert!(!error.is_about_the_file());
    let bad = |change: fn(&mut AvSettings)| {
        let mut settings = settings();
        change(&mut settings);
        matches!(AvHost::new(settings), Err(StartHostError::BadSetting { .. }))
    };
    assert!(bad(|settings| settings.scans_max = 0));
    assert!(bad(|settings| settings.limits.memory_bytes_max = 1 << 20));
    assert!(bad(|settings| settings.limits.streams_max = 5_000));
}
