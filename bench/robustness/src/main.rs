//! How well matching survives what people do to pictures, and how often it is wrong: recall over 44 edits and over random draws,
//! false matches among photos and among cards of one layout. `make bench-robustness` runs it; it is no part of Seawall.
//!
//! Start with `stages`, what is measured, and `edits`, what is done to the photos. `measure` puts them together, `method` says what
//! a stage is, `evaluate` counts, `report` prints.

mod cards;
mod chance;
mod draws;
mod edits;
mod evaluate;
mod measure;
mod method;
mod paint;
mod patterns;
mod photos;
mod picture;
mod report;
mod stages;
mod whole;

use crate::{
    edits::EDITS,
    measure::{BankedPhotos, Sample},
    method::Stage,
    photos::Half,
    report::Report,
};
use anyhow::{Context, Result};
use clap::Parser;
use std::path::{Path, PathBuf};

/// Measures recall and false matches of image matching.
#[derive(Debug, Parser)]
struct Args {
    /// Which half of the photos and of the cards
    #[arg(long, value_enum, default_value = "held-out")]
    set: Half,
    /// Only these stages
    #[arg(long, value_delimiter = ',')]
    stage: Vec<String>,
    /// Only these edits
    #[arg(long, value_delimiter = ',')]
    edits: Vec<String>,
    /// How often each edit is made; 0 makes none
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// How many photos are banked and edited
    #[arg(long, default_value_t = photos::REFERENCES_MAX)]
    photos: usize,
    /// How many random draws of one kind, and how many of two; 0 makes none
    #[arg(long, default_value_t = 2_000)]
    draws: usize,
    /// How many cards are banked and asked; 0 makes none
    #[arg(long, default_value_t = 5_000)]
    cards: usize,
    /// How many repeating patterns are banked and asked; 0 makes none
    #[arg(long, default_value_t = 700)]
    patterns: usize,
    /// Write the queries here as PNG, and measure nothing
    #[arg(long)]
    dump: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print the section for bench/README.md
    #[arg(long)]
    markdown: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let edits = chosen_edits(&args.edits)?;
    let stages = chosen_stages(&args.stage)?;
    let sample = Sample::new(args.set, photos::load(&root, args.set, args.photos)?);
    if let Some(folder) = &args.dump {
        return measure::dump(folder, &sample, &edits, args.seeds, args.draws, args.cards);
    }

    let mut report = Report::new(&sample, &stages);
    if args.seeds > 0 || args.draws > 0 {
        let banked = BankedPhotos::new(&sample, &stages)?;
        if args.seeds > 0 {
            report.edits = Some(measure::edits(&banked, &edits, args.seeds)?);
        }
        if args.draws > 0 {
            report.draws = Some(measure::draws(&banked, 1, args.draws)?);
            report.draws_of_two = Some(measure::draws(&banked, 2, args.draws)?);
        }
    }
    if args.cards > 0 {
        report.cards = Some(measure::cards(&sample, &stages, args.cards)?);
    }
    if args.patterns > 0 {
        report.patterns = Some(measure::patterns(&sample, &stages, args.patterns)?);
    }
    report.cost = measure::cost(&root, &sample, &stages)?;

    if args.json {
        println!("{:#}", report.json());
    } else if args.markdown {
        println!("{}", report.markdown(args.seeds));
    } else {
        println!("{}\n{}", report.tables(), report.examples());
    }
    Ok(())
}

fn chosen_stages(names: &[String]) -> Result<Vec<Box<dyn Stage>>> {
    let all = stages::all();
    let known: Vec<&str> = all.iter().map(|stage| stage.name()).collect();
    for name in names {
        anyhow::ensure!(
            known.contains(&name.as_str()),
            "no stage `{name}`; there are: {}",
            known.join(", ")
        );
    }
    Ok(all
        .into_iter()
        .filter(|stage| names.is_empty() || names.iter().any(|name| name == stage.name()))
        .collect())
}

/// Numbers in [`EDITS`].
fn chosen_edits(names: &[String]) -> Result<Vec<usize>> {
    if names.is_empty() {
        return Ok((0..EDITS.len()).collect());
    }
    let number = |name: &String| {
        EDITS
            .iter()
            .position(|(known, _)| known == name)
            .with_context(|| format!("no edit `{name}`"))
    };
    names.iter().map(number).collect()
}
