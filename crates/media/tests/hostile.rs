//! Two thousand hostile files, all through one host: each gives signals or a typed error about the file, the host goes
//! on, and no worker takes more memory or time than it may.

#[path = "../../../testdata/hostile/mod.rs"]
mod hostile;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::{HostSettings, Limits, MediaHost, ScanError, Want, WorkerCommand};
use nix::sys::resource::{UsageWho, getrusage};

const SEED: u64 = 1;
const TIME_MS_MAX: u32 = 2_000;
const MEMORY_BYTES_MAX: u64 = 512 << 20;
/// What a worker has besides the memory that is limited: its program and libraries.
const PROGRAM_BYTES_MAX: u64 = 64 << 20;

#[tokio::test]
async fn each_of_two_thousand_hostile_files_gives_signals_or_a_typed_error() {
    let worker = WorkerCommand {
        program: env!("CARGO_BIN_EXE_media-worker").into(),
        args: Vec::new(),
    };
    let limits = Limits {
        time_ms_max: TIME_MS_MAX,
        memory_bytes_max: MEMORY_BYTES_MAX,
        ..Limits::default()
    };
    let settings = HostSettings {
        workers: 2,
        limits,
        ..HostSettings::new(worker)
    };
    let host = Arc::new(MediaHost::start(settings).await.unwrap());

    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/formats");
    let files = hostile::files(&samples, SEED);
    let n_files = files.len();
    assert!(n_files >= 2_000, "{n_files}");
    let names: std::collections::BTreeSet<_> = files.iter().map(|file| &file.name).collect();
    assert_eq!(names.len(), n_files, "each can be written to a folder");
    let files = Arc::new(std::sync::Mutex::new(files.into_iter()));

    // As many callers as workers, so that a file's time is its own.
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let (host, files) = (host.clone(), files.clone());
        callers.spawn(async move {
            let mut outcomes: BTreeMap<&str, Vec<(Duration, String)>> = BTreeMap::new();
            loop {
                let Some(file) = files.lock().unwrap().next() else {
                    return outcomes;
                };
                let started = Instant::now();
                let result = host.scan(Bytes::from(file.bytes), Want::Everything).await;
                let took = started.elapsed();
                let outcome = match &result {
                    Ok(scan) => {
                        assert!(!scan.frames.is_empty() && scan.previews.is_some(), "{}", file.name);
                        "scanned"
                    }
                    Err(error) => {
                        assert!(error.is_about_the_file(), "{}: {error}", file.name);
                        // Memory-safe decoders do not die, do not break out, and do not talk nonsense.
                        let is_expected = !matches!(
                            error,
                            ScanError::WorkerCrashed { .. } | ScanError::JailViolation | ScanError::BadAnswer { .. }
                        );
                        assert!(is_expected, "{}: {error}", file.name);
                        error.kind()
                    }
                };
                let time_max = Duration::from_millis(u64::from(TIME_MS_MAX) + 15_000);
                assert!(took < time_max, "{}: {took:?}", file.name);
                outcomes.entry(outcome).or_default().push((took, file.name));
            }
        });
    }
    let mut outcomes: BTreeMap<&str, Vec<(Duration, String)>> = BTreeMap::new();
    while let Some(more) = callers.join_next().await {
        for (outcome, files) in more.unwrap() {
            outcomes.entry(outcome).or_default().extend(files);
        }
    }
    for (outcome, files) in &mut outcomes {
        files.sort();
        let (slowest, name) = files.last().unwrap();
        println!("{outcome:>16} {:>5}   slowest {slowest:>10.1?} {name}", files.len());
    }
    let n_of = |outcome| outcomes.get(outcome).map_or(0, Vec::len);
    assert!(
        n_of("scanned") > 200,
        "whole files with wrong names and harmless damage are scanned"
    );
    for kind in ["damaged", "unsupported_type", "too_many_pixels", "empty"] {
        assert!(n_of(kind) > 0, "{kind}");
    }

    // And the host is as good as new.
    let good = std::fs::read(samples.join("420.jpg")).unwrap();
    host.scan(good.into(), Want::Signals).await.unwrap();
    println!("{:?}", host.stats());
    host.shutdown().await;
    // Largest resident size of any worker so far, in KiB.
    let worst_bytes = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() as u64 * 1024;
    println!("{n_files} files, largest worker {} MiB", worst_bytes >> 20);
    assert!(worst_bytes < MEMORY_BYTES_MAX + PROGRAM_BYTES_MAX, "{worst_bytes}");
}
