//! A worker that was taken over harms nobody: each attempt ends it, the file gets a typed error, and the next good file
//! is scanned as if nothing had happened.

use std::time::{Duration, Instant};

use bytes::Bytes;
use media::{HostSettings, JailRequirement, Limits, MediaHost, ScanError, StartHostError, Want, WorkerCommand};

const TIME_MS_MAX: u32 = 1_500;
const MEMORY_BYTES_MAX: u64 = 256 << 20;

fn settings(program: &str) -> HostSettings {
    let worker = WorkerCommand {
        program: program.into(),
        args: Vec::new(),
    };
    HostSettings {
        workers: 1,
        limits: Limits {
            time_ms_max: TIME_MS_MAX,
            memory_bytes_max: MEMORY_BYTES_MAX,
            ..Limits::default()
        },
        ..HostSettings::new(worker)
    }
}

async fn hostile_host() -> MediaHost {
    MediaHost::start(settings(env!("CARGO_BIN_EXE_media-worker-hostile")))
        .await
        .expect("this system has the whole jail")
}

/// A one-pixel GIF, small enough to write down: header, screen with two colours, one image, end.
const GOOD: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

async fn scans_good_files(host: &MediaHost) {
    let scan = host
        .scan(Bytes::from_static(GOOD), Want::SignalsAndPreviews)
        .await
        .expect("a good file is scanned");
    assert_eq!((scan.width, scan.height, scan.frames.len()), (1, 1, 1));
}

async fn check(act: &str, expected: impl Fn(&ScanError) -> bool) {
    let host = hostile_host().await;
    scans_good_files(&host).await;
    let error = host
        .scan(Bytes::from(format!("hostile:{act}")), Want::Signals)
        .await
        .expect_err(act);
    assert!(expected(&error), "{act}: {error:?}");
    assert!(error.is_about_the_file());
    scans_good_files(&host).await;
    let stats = host.stats();
    assert_eq!(
        (stats.workers_started, stats.workers_alive, stats.scanned),
        (2, 1, 2),
        "{act}"
    );
    assert_eq!(stats.failed[error.kind()], 1);
    host.shutdown().await;
    assert_eq!(host.stats().workers_alive, 0);
}

macro_rules! tests {
    ($($name:ident: $act:literal is $expected:pat,)*) => {
        $(#[tokio::test]
        async fn $name() {
            check($act, |error| matches!(error, $expected)).await;
        })*
    };
}

tests! {
    cannot_open_a_file: "open-file" is ScanError::JailViolation,
    cannot_write_a_file: "write-file" is ScanError::JailViolation,
    cannot_list_a_folder: "list-folder" is ScanError::JailViolation,
    cannot_connect: "tcp-connect" is ScanError::JailViolation,
    cannot_listen: "tcp-listen" is ScanError::JailViolation,
    cannot_send_datagrams: "udp" is ScanError::JailViolation,
    cannot_reach_a_local_socket: "unix-socket" is ScanError::JailViolation,
    cannot_start_a_program: "spawn" is ScanError::JailViolation,
    cannot_become_a_program: "exec" is ScanError::JailViolation,
    cannot_start_a_thread: "thread" is ScanError::JailViolation,
    cannot_kill_its_parent: "kill-parent" is ScanError::JailViolation,
    cannot_raise_its_limits: "raise-limit" is ScanError::JailViolation,
    cannot_read_another_descriptor: "read-other-descriptor" is ScanError::JailViolation,
    cannot_allocate_without_end: "allocate" is ScanError::MemoryLimit { memory_bytes_max: MEMORY_BYTES_MAX },
    cannot_compute_without_end: "spin" is ScanError::TimeLimit { time_ms_max: TIME_MS_MAX },
    cannot_write_errors_without_end: "flood-errors" is ScanError::TimeLimit { .. },
    may_overflow_its_stack: "overflow-stack" is ScanError::WorkerCrashed { .. },
    may_abort: "abort" is ScanError::WorkerCrashed { .. },
    may_exit: "exit" is ScanError::WorkerCrashed { .. },
    cannot_answer_garbage: "garbage" is ScanError::BadAnswer { .. },
    cannot_announce_a_huge_answer: "huge-answer" is ScanError::BadAnswer { .. },
    cannot_flood_the_host: "flood" is ScanError::BadAnswer { .. },
}

#[tokio::test]
async fn a_panic_costs_the_file_but_not_the_worker() {
    let host = hostile_host().await;
    let error = host
        .scan(Bytes::from_static(b"hostile:panic"), Want::Signals)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), "damaged");
    scans_good_files(&host).await;
    assert_eq!(host.stats().workers_started, 1);
}

#[tokio::test]
async fn an_honest_worker_does_not_know_these_files() {
    let host = MediaHost::start(settings(env!("CARGO_BIN_EXE_media-worker")))
        .await
        .unwrap();
    let error = host
        .scan(Bytes::from_static(b"hostile:open-file"), Want::Signals)
        .await
        .unwrap_err();
    assert_eq!(
        error,
        ScanError::UnsupportedType {
            found: "an unknown type"
        }
    );
}

#[tokio::test]
async fn a_worker_is_locked_up_before_its_first_file() {
    let host = hostile_host().await;
    let pid = only_child();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap()
            .trim()
            .to_owned()
    };
    assert_eq!(line("NoNewPrivs:"), "1");
    assert_eq!(line("Seccomp:"), "2", "filtered");
    assert_eq!(line("Threads:"), "1");
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(limit("Max data size"), MEMORY_BYTES_MAX.to_string());
    for name in [
        "Max core file size",
        "Max file size",
        "Max open files",
        "Max processes",
        "Max locked memory",
    ] {
        assert_eq!(limit(name), "0", "{name}");
    }
    assert_eq!(std::fs::read_to_string(format!("/proc/{pid}/environ")).unwrap(), "");
    assert_eq!(
        std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap().to_str(),
        Some("/")
    );
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let mut descriptors: Vec<_> = descriptors.map(|entry| entry.unwrap().file_name()).collect();
    descriptors.sort();
    assert_eq!(descriptors, ["0", "1", "2"]);
    host.shutdown().await;
}

#[tokio::test]
async fn a_worker_does_not_outlive_its_host() {
    let host = hostile_host().await;
    let pid = only_child();
    drop(host);
    let gone = || !std::path::Path::new(&format!("/proc/{pid}")).exists();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !gone() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(gone());
}

#[tokio::test]
async fn dropping_the_host_stops_a_busy_worker() {
    let mut settings = settings(env!("CARGO_BIN_EXE_media-worker-hostile"));
    settings.limits.time_ms_max = 600_000;
    let host = std::sync::Arc::new(MediaHost::start(settings).await.unwrap());
    let busy = {
        let host = std::sync::Arc::downgrade(&host);
        let scan = host.upgrade().unwrap();
        // The future must not keep the host alive, or nothing would ever be dropped.
        tokio::spawn(async move {
            let result = tokio::time::timeout(
                Duration::from_millis(300),
                scan.scan(Bytes::from_static(b"hostile:spin"), Want::Signals),
            )
            .await;
            drop(scan);
            result.is_err()
        })
    };
    assert!(busy.await.unwrap(), "it was still spinning");
    let pid = only_child();
    drop(host);
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::path::Path::new(&format!("/proc/{pid}")).exists() {
        assert!(Instant::now() < deadline, "the worker still spins");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Tests run in a process each, so the one child of this process is the worker.
fn only_child() -> u32 {
    let pid = std::process::id();
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|list| list.split_whitespace().map(|n| n.parse().unwrap()).collect::<Vec<_>>())
        .collect();
    let [child] = children[..] else { panic!("{children:?}") };
    child
}

#[tokio::test]
async fn a_host_that_requires_the_jail_refuses_a_worker_without_it() {
    // A program that greets as a worker would that has no landlock.
    let script = r"printf 'SWMW\002\000\031\000'; cat > /dev/null";
    let unlocked = |jail| HostSettings {
        worker: WorkerCommand {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
        },
        workers: 1,
        jail,
        ..settings("")
    };
    let error = MediaHost::start(unlocked(JailRequirement::Required)).await.unwrap_err();
    let StartHostError::JailIncomplete { missing } = error else {
        panic!("{error:?}")
    };
    assert_eq!(missing, ["landlock_files"], "seccomp covers the network");
    let host = MediaHost::start(unlocked(JailRequirement::BestEffort)).await.unwrap();
    assert_eq!(host.missing_jail_parts().len(), 1);
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_refused() {
    let check = |program: &'static str, args: &'static [&str]| async move {
        let worker = WorkerCommand {
            program: program.into(),
            args: args.iter().map(Into::into).collect(),
        };
        MediaHost::start(HostSettings { worker, ..settings("") })
            .await
            .unwrap_err()
    };
    assert!(matches!(check("/nonexistent", &[]).await, StartHostError::Spawn { .. }));
    assert!(matches!(
        check("/bin/false", &[]).await,
        StartHostError::Greeting { .. }
    ));
    assert!(matches!(check("/bin/echo", &[]).await, StartHostError::Greeting { .. }));
}
