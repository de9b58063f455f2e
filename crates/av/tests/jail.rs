//! What a worker that has been taken over can do: nothing but be ended.

mod common;

use common::settings;
use media::ScanError;
use media::av::{AvHost, AvSettings, AvWorkerCommand};

const MEMORY_BYTES_MAX: u64 = 256 << 20;
const STALL_MS_MAX: u32 = 2_000;

async fn check(act: &str, expected: impl Fn(&ScanError) -> bool) {
    let mut settings = AvSettings {
        worker: AvWorkerCommand::at(env!("CARGO_BIN_EXE_av-worker-hostile")).unwrap(),
        ..settings()
    };
    settings.limits.memory_bytes_max = MEMORY_BYTES_MAX;
    settings.limits.stall_ms_max = match act {
        // On a busy machine it takes a while to fill memory.
        "allocate" => 60_000,
        _ => STALL_MS_MAX,
    };
    let host = AvHost::new(settings).unwrap();
    let error = common::scan_bytes(&host, act.as_bytes()).await.expect_err(act);
    assert!(expected(&error), "{act}: {error:?}");
    assert!(error.is_about_the_file());
    assert_eq!(host.stats().failed[error.kind()], 1);
}

/// Refused by the kernel with an error, as the worker then says by its exit code.
fn was_refused(error: &ScanError) -> bool {
    matches!(error, ScanError::WorkerCrashed { cause } if cause == "exited with 42")
}

macro_rules! tests {
    ($($name:ident: $act:literal is $expected:expr,)*) => {
        $(#[tokio::test]
        async fn $name() {
            check($act, $expected).await;
        })*
    };
}

fn violates(error: &ScanError) -> bool {
    *error == ScanError::JailViolation
}

tests! {
    cannot_open_a_file: "open-file" is was_refused,
    cannot_write_a_file: "write-file" is was_refused,
    cannot_list_a_folder: "list-folder" is was_refused,
    cannot_open_its_own_memory: "open-own-memory" is was_refused,
    cannot_remove_a_file: "remove-file" is violates,
    cannot_connect: "tcp-connect" is violates,
    cannot_listen: "tcp-listen" is violates,
    cannot_send_datagrams: "udp" is violates,
    cannot_reach_a_local_socket: "unix-socket" is violates,
    cannot_start_a_program: "spawn" is violates,
    cannot_become_a_program: "exec" is violates,
    cannot_start_a_thread: "thread" is violates,
    cannot_write_to_the_file: "write-to-the-file" is violates,
    cannot_seek_another_descriptor: "seek-another-descriptor" is violates,
    cannot_allocate_without_end: "allocate" is |error| *error == ScanError::MemoryLimit { memory_bytes_max: MEMORY_BYTES_MAX },
    cannot_compute_without_end: "spin" is |error| *error == ScanError::Stalled { stall_ms_max: STALL_MS_MAX },
    cannot_flood_the_host: "flood" is |error| matches!(error, ScanError::BadAnswer { .. }),
}
