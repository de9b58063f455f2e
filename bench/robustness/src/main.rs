//! How well matching survives what people do to pictures, and how often it is wrong: recall over 44 edits and over random draws,
//! false matches among photos and among cards of one layout. `make bench-robustness` runs it; it is no part of Seawall.
//!
//! Start with `stages`, what is measured, and `edits`, what is done to the photos. `method` says what a stage is, `evaluate` counts,
//! `report` prints.

mod chance;
mod edits;
mod evaluate;
mod method;
mod paint;
mod photos;
mod picture;
mod report;
mod stages;

use crate::{
    chance::Chance,
    edits::{EDITS, Surroundings},
    evaluate::Query,
    photos::{Half, Photos},
    picture::Picture,
    report::Report,
};
use anyhow::{Context, Result};
use clap::Parser;
use method::{Bank, Stage};
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
    /// How often each edit is made
    #[arg(long, default_value_t = 3)]
    seeds: u64,
    /// How many photos are banked and edited
    #[arg(long, default_value_t = photos::REFERENCES_MAX)]
    photos: usize,
    /// Write the queries here as PNG, and measure nothing
    #[arg(long)]
    dump: Option<PathBuf>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let photos = photos::load(&root, args.set, args.photos)?;
    let edits = chosen_edits(&args.edits)?;
    if let Some(folder) = &args.dump {
        return dump(folder, &photos, &edits, args.seeds);
    }
    let stages = chosen_stages(&args.stage)?;
    let mut report = Report::new(args.set, &photos, &stages);
    measure_edits(&photos, &stages, &edits, args.seeds, &mut report)?;
    report.cost = measure_cost(&root, &photos, &stages)?;
    if args.json {
        println!("{:#}", report.json());
    } else {
        println!("{}", report.text());
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

fn edited(photos: &Photos, photo: usize, edit: usize, seed: u64) -> Result<Picture> {
    let (name, apply) = EDITS[edit];
    let photo = &photos.references[photo];
    let mut chance = Chance::of(&["edit", name, &photo.name], seed);
    let backdrop = &chance.pick(&photos.backdrops).picture;
    apply(&photo.picture, &mut Surroundings { chance, backdrop }).with_context(|| format!("{name} of {}", photo.name))
}

fn measure_edits(
    photos: &Photos,
    stages: &[Box<dyn Stage>],
    edits: &[usize],
    seeds: u64,
    report: &mut Report,
) -> Result<()> {
    let pictures: Vec<&Picture> = photos.references.iter().map(|photo| &photo.picture).collect();
    let benign: Vec<&Picture> = photos.benign.iter().map(|photo| &photo.picture).collect();
    let banks: Vec<Box<dyn Bank + '_>> = stages
        .iter()
        .map(|stage| stage.bank(&pictures, &benign))
        .collect::<Result<_>>()?;
    let names: Vec<String> = photos.references.iter().map(|photo| photo.name.clone()).collect();
    let among: Vec<usize> = (0..names.len()).collect();
    let n_queries = names.len() * edits.len() * usize::try_from(seeds)?;
    report.edits = edits.iter().map(|edit| EDITS[*edit].0).collect();
    report.edit_outcomes = evaluate::run(&banks, &names, edits.len(), n_queries, |n| {
        let (photo, rest) = (n % names.len(), n / names.len());
        let (group, seed) = (rest % edits.len(), (rest / edits.len()) as u64);
        let picture = edited(photos, photo, edits[group], seed)?;
        Ok((
            Query {
                name: &names[photo],
                group,
                own: Some(photo),
                among: &among,
            },
            picture,
        ))
    })?;
    report.entry_bytes = banks.iter().map(|bank| bank.entry_bytes()).collect();
    Ok(())
}

/// Middle times of making a query, one core, in milliseconds: of small and of large photos, for each stage.
fn measure_cost(root: &Path, photos: &Photos, stages: &[Box<dyn Stage>]) -> Result<Vec<report::Cost>> {
    const PHOTOS: usize = 12;
    const TURNS: usize = 5;
    let small: Vec<Picture> = photos
        .references
        .iter()
        .take(PHOTOS)
        .map(|photo| photo.picture.clone())
        .collect();
    let large = photos::load_large(root, &photos.references, PHOTOS)?;
    let milliseconds = |bank: &dyn Bank, pictures: &[Picture]| -> Result<f64> {
        let mut times = Vec::new();
        for _ in 0..TURNS {
            for picture in pictures {
                let start = std::time::Instant::now();
                bank.prepare(picture)?;
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        times.sort_by(f64::total_cmp);
        Ok(times.get(times.len() / 2).copied().unwrap_or_default())
    };
    stages
        .iter()
        .map(|stage| {
            let bank = stage.bank(&[], &[])?;
            Ok(report::Cost {
                small_ms: milliseconds(bank.as_ref(), &small)?,
                large_ms: milliseconds(bank.as_ref(), &large)?,
            })
        })
        .collect()
}

fn dump(folder: &Path, photos: &Photos, edits: &[usize], seeds: u64) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for (n, photo) in photos.references.iter().enumerate() {
        eprintln!("{n:03} is {}", photo.name);
        for edit in edits {
            for seed in 0..seeds {
                let path = folder.join(format!("{n:03}__{}__{seed}.png", EDITS[*edit].0));
                std::fs::write(path, edited(photos, n, *edit, seed)?.png()?)?;
            }
        }
    }
    Ok(())
}
