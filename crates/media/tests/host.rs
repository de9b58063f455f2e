//! The pool: what happens to callers and workers when there is too much to do, when callers go, and when workers do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use media::{HostSettings, Limits, MediaHost, ScanError, Want, WorkerCommand};

const GOOD: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
const SPIN: &[u8] = b"hostile:spin";

fn settings() -> HostSettings {
    let worker = WorkerCommand {
        program: env!("CARGO_BIN_EXE_media-worker-hostile").into(),
        args: Vec::new(),
    };
    HostSettings {
        workers: 1,
        limits: Limits {
            time_ms_max: 700,
            ..Limits::default()
        },
        ..HostSettings::new(worker)
    }
}

async fn start(settings: HostSettings) -> Arc<MediaHost> {
    Arc::new(MediaHost::start(settings).await.unwrap())
}

fn scan(host: &Arc<MediaHost>, bytes: &'static [u8]) -> tokio::task::JoinHandle<Result<media::Scan, ScanError>> {
    let host = host.clone();
    tokio::spawn(async move { host.scan(Bytes::from_static(bytes), Want::Signals).await })
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn many_callers_share_the_workers() {
    let host = start(HostSettings {
        workers: 3,
        ..settings()
    })
    .await;
    let scans: Vec<_> = (0..200).map(|_| scan(&host, GOOD)).collect();
    for scan in scans {
        scan.await.unwrap().unwrap();
    }
    let stats = host.stats();
    assert_eq!(
        (stats.scanned, stats.workers_started, stats.queued, stats.running),
        (200, 3, 0, 0)
    );
}

#[tokio::test]
async fn a_worker_is_replaced_when_it_has_served_long_enough() {
    let host = start(HostSettings {
        jobs_per_worker: 4,
        ..settings()
    })
    .await;
    for _ in 0..12 {
        scan(&host, GOOD).await.unwrap().unwrap();
    }
    // The last one is replaced after its caller was answered.
    until("three were replaced", || host.stats().restarts.served == 3).await;
    assert_eq!(host.stats().failed.len(), 0);
}

#[tokio::test]
async fn too_many_callers_are_told_at_once() {
    let mut settings = settings();
    settings.limits.queue_max = 2;
    let host = start(settings).await;
    let spinning = scan(&host, SPIN);
    until("the worker is busy", || host.stats().running == 1).await;
    let waiting = [scan(&host, GOOD), scan(&host, GOOD)];
    until("two wait", || host.stats().queued == 2).await;

    let started = Instant::now();
    let error = scan(&host, GOOD).await.unwrap().unwrap_err();
    assert_eq!(error, ScanError::Busy { queue_max: 2 });
    assert!(!error.is_about_the_file());
    assert!(started.elapsed() < Duration::from_millis(300));

    assert_eq!(spinning.await.unwrap().unwrap_err().kind(), "time_limit");
    for waiting in waiting {
        waiting.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_caller_that_goes_harms_nobody() {
    let host = start(settings()).await;
    // One goes while its file is being decoded, one while its file waits.
    let decoding = scan(&host, SPIN);
    until("the worker is busy", || host.stats().running == 1).await;
    let waiting = scan(&host, SPIN);
    until("one waits", || host.stats().queued == 1).await;
    decoding.abort();
    waiting.abort();
    until("it is no longer counted", || host.stats().queued == 0).await;
    let started = Instant::now();
    scan(&host, GOOD).await.unwrap().unwrap();
    assert!(
        started.elapsed() < Duration::from_millis(1_200),
        "the second file was never begun"
    );
    let stats = host.stats();
    assert_eq!((stats.restarts.time_limit, stats.scanned), (1, 1));
}

#[tokio::test]
async fn an_idle_worker_that_was_killed_is_noticed_and_costs_nothing() {
    let host = start(settings()).await;
    scan(&host, GOOD).await.unwrap().unwrap();
    let me = std::process::id();
    let tasks = std::fs::read_dir(format!("/proc/{me}/task")).unwrap();
    let children = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).unwrap());
    let child: i32 = children.collect::<String>().trim().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child), nix::sys::signal::Signal::SIGKILL).unwrap();
    let dead = || std::fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    until("it is dead", dead).await;
    scan(&host, GOOD).await.unwrap().unwrap();
    let stats = host.stats();
    assert_eq!(
        (stats.restarts.crashed, stats.failed.len(), stats.workers_alive),
        (1, 0, 1)
    );
}

#[tokio::test]
async fn a_storm_of_crashes_slows_down_but_goes_on() {
    let host = start(settings()).await;
    let started = Instant::now();
    for _ in 0..36 {
        assert_eq!(
            scan(&host, b"hostile:abort").await.unwrap().unwrap_err().kind(),
            "worker_crashed"
        );
    }
    let storm = started.elapsed();
    scan(&host, GOOD).await.unwrap().unwrap();
    assert_eq!(host.stats().restarts.crashed, 36);
    // The last few replacements had to wait their turn.
    assert!(storm > Duration::from_millis(200), "{storm:?}");
}

#[tokio::test]
async fn when_no_worker_starts_any_more_callers_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("worker");
    std::fs::copy(env!("CARGO_BIN_EXE_media-worker-hostile"), &program).unwrap();
    let mut settings = settings();
    settings.worker.program = program.clone();
    let host = start(settings).await;
    std::fs::remove_file(&program).unwrap();
    assert_eq!(
        scan(&host, b"hostile:abort").await.unwrap().unwrap_err().kind(),
        "worker_crashed"
    );
    let error = scan(&host, GOOD).await.unwrap().unwrap_err();
    assert_eq!(error, ScanError::NoWorker);
    assert!(!error.is_about_the_file());
    assert!(host.stats().restarts.not_started > 0);

    // It heals by itself once the program is back.
    std::fs::copy(env!("CARGO_BIN_EXE_media-worker-hostile"), &program).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while scan(&host, GOOD).await.unwrap().is_err() {
        assert!(Instant::now() < deadline);
    }
}

#[tokio::test]
async fn shutting_down_finishes_what_runs_and_turns_away_what_waits() {
    let host = start(settings()).await;
    let running = scan(&host, SPIN);
    until("the worker is busy", || host.stats().running == 1).await;
    let waiting = scan(&host, GOOD);
    until("one waits", || host.stats().queued == 1).await;
    host.shutdown().await;
    assert_eq!(waiting.await.unwrap(), Err(ScanError::ShutDown));
    assert_eq!(running.await.unwrap().unwrap_err().kind(), "time_limit");
    assert_eq!(host.stats().workers_alive, 0);
    assert_eq!(scan(&host, GOOD).await.unwrap(), Err(ScanError::ShutDown));
    host.shutdown().await;
}

#[tokio::test]
async fn a_setting_that_makes_no_sense_is_refused_by_name() {
    let check = |change: fn(&mut HostSettings), name: &'static str| async move {
        let mut settings = settings();
        change(&mut settings);
        let error = MediaHost::start(settings).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("media host setting {name}: ")), "{error}");
    };
    check(|settings| settings.workers = 0, "workers").await;
    check(|settings| settings.jobs_per_worker = 0, "jobs_per_worker").await;
    check(|settings| settings.limits.frames_max = 1_001, "frames_max").await;
    check(
        |settings| settings.limits.memory_bytes_max = 1 << 20,
        "memory_bytes_max",
    )
    .await;
    check(|settings| settings.limits.queue_max = 0, "queue_max").await;
}
