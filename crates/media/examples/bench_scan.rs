//! Scans files again and again in the jail and prints what it cost: `bench_scan ROUNDS FILE…`. For `bench/media.py`.
//!
//! One tab-separated line for each file: name, milliseconds from call to answer (median), CPU milliseconds of the worker and of the
//! host (mean), largest worker in KiB so far, PDQ, quality.

use std::process::ExitCode;
use std::time::Instant;

use bytes::Bytes;
use media::{HostSettings, MediaHost, Want, WorkerCommand};
use nix::sys::resource::{Usage, UsageWho, getrusage};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // This program is its own worker.
    if std::env::args().nth(1).is_some_and(|arg| arg == "media-worker") {
        return media::worker::main();
    }
    let mut args = std::env::args().skip(1);
    let Some(n_rounds) = args.next().and_then(|arg| arg.parse::<u32>().ok()) else {
        eprintln!("usage: bench_scan ROUNDS FILE…");
        return ExitCode::from(2);
    };
    for file in args {
        if let Err(error) = measure(&file, n_rounds).await {
            eprintln!("{file}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

async fn measure(file: &str, n_rounds: u32) -> Result<(), Box<dyn std::error::Error>> {
    let bytes = Bytes::from(std::fs::read(file)?);
    let settings = HostSettings {
        workers: 1,
        ..HostSettings::new(WorkerCommand::this_executable()?)
    };
    let workers_before_ms = cpu_ms(&getrusage(UsageWho::RUSAGE_CHILDREN)?);
    let host = MediaHost::start(settings).await?;
    let mut scan = host.scan(bytes.clone(), Want::Signals).await?;
    let host_before_ms = cpu_ms(&getrusage(UsageWho::RUSAGE_SELF)?);
    let mut took_ms = Vec::new();
    for _ in 0..n_rounds {
        let started = Instant::now();
        scan = host.scan(bytes.clone(), Want::Signals).await?;
        took_ms.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let host_ms = (cpu_ms(&getrusage(UsageWho::RUSAGE_SELF)?) - host_before_ms) / f64::from(n_rounds);
    host.shutdown().await;
    // The worker's start and its first, cold scan are in here; they are a part of its cost.
    let workers = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let worker_ms = (cpu_ms(&workers) - workers_before_ms) / f64::from(n_rounds + 1);
    took_ms.sort_by(f64::total_cmp);
    let pdq = scan.frames[0].pdq;
    println!(
        "{file}\t{:.3}\t{worker_ms:.3}\t{host_ms:.3}\t{}\t{}\t{}",
        took_ms[took_ms.len() / 2],
        workers.max_rss(),
        pdq.hash,
        pdq.quality,
    );
    Ok(())
}

fn cpu_ms(usage: &Usage) -> f64 {
    let ms = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3;
    ms(usage.user_time()) + ms(usage.system_time())
}
