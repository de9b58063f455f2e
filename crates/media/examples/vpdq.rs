//! Hashes videos in the jail and prints their vPDQ, and how much of each is in each other by vPDQ's own comparison: `vpdq FILE…`. For `conformance/video/compare.py`.
//!
//! Tab-separated lines: `video`, file, frames a second, the published lines joined by semicolons; `error`, file, reason; `pair`, query, target, percent of the
//! query, percent of the target.

use std::fs::File;
use std::process::ExitCode;

use media::av::{AvHost, AvSettings, AvWant, AvWorkerCommand, Sampling};
use signal::vpdq::{self, Feature};

const WANT: AvWant = AvWant {
    sampling: Sampling::Full,
    glimpses: false,
    audio: false,
    strip: false,
    from_ms: 0,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match hash_all(std::env::args().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vpdq: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn hash_all(files: impl Iterator<Item = String>) -> Result<(), Box<dyn std::error::Error>> {
    let host = AvHost::new(AvSettings::new(AvWorkerCommand::beside_this_executable()?))?;
    let mut videos: Vec<(String, Vec<Feature>)> = Vec::new();
    for file in files {
        match host.scan(File::open(&file)?, WANT, |_| {}).await {
            Ok(scan) => {
                let features = vpdq::of_frames(&scan.frames, scan.frame_rate);
                let lines = vpdq::to_lines(&features).trim_end().replace('\n', ";");
                println!("video\t{file}\t{}\t{lines}", scan.frame_rate);
                videos.push((file, features));
            }
            Err(error) => println!("error\t{file}\t{error}"),
        }
    }
    for (query, of_query) in &videos {
        for (target, of_target) in &videos {
            let found = vpdq::compare(of_query, of_target, vpdq::DISTANCE_MAX, vpdq::QUALITY_MIN);
            if let Some(found) = found {
                println!("pair\t{query}\t{target}\t{}\t{}", found.query, found.target);
            }
        }
    }
    Ok(())
}
