//! How well video matching survives what uploaders do, how often it is wrong, and how fast it is: 30 edits of the videos that `corpus.py` makes, vPDQ as
//! published beside Seawall's own pictures and sounds. `make bench-video` runs it; it is no part of Seawall.
//!
//! Start with `survive`, which puts the parts together: `corpus` says what is true, `scans` decodes as Seawall does, `methods` asks, `evaluate` counts,
//! `report` prints. `speed` and `live` measure time.

mod clock;
mod corpus;
mod evaluate;
mod kept;
mod live;
mod methods;
mod report;
mod scans;
mod speed;
mod survive;

use anyhow::{Context, Result};
use clap::Parser;
use live::Pace;
use std::path::{Path, PathBuf};

/// Measures recall, false matches and speed of video matching.
#[derive(Debug, Parser)]
struct Args {
    /// What corpus.py wrote: .tools/video/tuning.json or held-out.json
    corpus: PathBuf,
    /// Only these edits
    #[arg(long, value_delimiter = ',')]
    edits: Vec<String>,
    /// Name every query that was missed and every false match
    #[arg(long)]
    remarks: bool,
    /// Take scans that another build of this program kept: for work on matching alone
    #[arg(long)]
    old_scans: bool,
    /// Leave out what is found by key frames alone
    #[arg(long)]
    no_key_frames: bool,
    /// Measure the speed of one core, and of live streams, too
    #[arg(long)]
    speed: bool,
    /// Only measure live streams
    #[arg(long)]
    only_live: bool,
    /// Feed the live streams as fast as may be and count in their own time: what matching alone delays
    #[arg(long)]
    at_once: bool,
    /// Only measure the speed of one core
    #[arg(long)]
    only_speed: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let corpus = corpus::Corpus::read(&args.corpus)?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/video/scans");
    runtime.block_on(async {
        let mut scanner = scans::Scanner::new(folder)
            .await
            .context("no scanner; is av-worker built beside this program?")?;
        if args.old_scans {
            scanner.take_any_version();
        }
        let is_survival = !args.only_live && !args.only_speed;
        if is_survival {
            let survival = survive::measure(&scanner, &corpus, &args.edits, !args.no_key_frames).await?;
            if args.remarks {
                eprintln!("{}", survival.remarks(&corpus.edits));
            }
            println!("{}", report::survival(&corpus, &survival));
        }
        if args.speed || args.only_speed {
            println!("{}", speed::markdown(&scanner, &corpus).await?);
        }
        if args.speed || args.only_live {
            let pace = if args.at_once { Pace::AtOnce } else { Pace::AsShown };
            let live = live::measure(&scanner, &corpus, pace).await?;
            if args.remarks {
                eprintln!("{}", live.remarks());
            }
            println!("{}", live.markdown());
        }
        Ok(())
    })
}
