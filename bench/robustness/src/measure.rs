//! Puts photos, edits, draws and cards before the stages, and times them. What is counted, and how, stands in `evaluate`.

use crate::{
    cards::{self, Template, Words},
    chance::Chance,
    draws::{self, KINDS},
    edits::{EDITS, Surroundings},
    evaluate::{self, Outcome, Query},
    method::{Bank, Stage},
    patterns,
    photos::{self, Half, Photo, Photos},
    picture::Picture,
};
use anyhow::{Context, Result};
use rayon::prelude::*;
use std::path::Path;

/// Cards of each template among the benign pictures.
const BENIGN_CARDS: usize = 40;
/// Their numbers begin here: no banked card has one of them.
const BENIGN_CARD_FIRST: usize = 1_000_000;
/// Of the cards of other templates, a card is compared with one in so many.
const OTHER_TEMPLATES_STEP: usize = 10;

/// What everything is measured on.
pub struct Sample {
    pub half: Half,
    pub photos: Photos,
    /// The platform's own recent sample, for calibration: photos that are not banked, cards of the same templates with other texts.
    pub benign: Vec<Picture>,
}

impl Sample {
    pub fn new(half: Half, photos: Photos) -> Self {
        let (templates, words) = (cards::templates(half, &photos.backdrops), cards::words(half));
        let benign_cards: Vec<Picture> = templates
            .par_iter()
            .flat_map_iter(|template| {
                let words = &words;
                (0..BENIGN_CARDS).map(move |n| cards::card(template, words, BENIGN_CARD_FIRST + n))
            })
            .collect();
        let benign = photos
            .benign
            .iter()
            .map(|photo| photo.picture.clone())
            .chain(benign_cards)
            .collect();
        Self { half, photos, benign }
    }

    fn bank<'a>(&self, stages: &'a [Box<dyn Stage>], pictures: &[&Picture]) -> Result<Vec<Box<dyn Bank + 'a>>> {
        let benign: Vec<&Picture> = self.benign.iter().collect();
        stages.iter().map(|stage| stage.bank(pictures, &benign)).collect()
    }
}

/// What the stages did with a set of queries.
pub struct Measured {
    /// Names of the groups of recall.
    pub groups: Vec<String>,
    /// Names of the groups of wrong pairs.
    pub wrong_groups: Vec<String>,
    /// By stage.
    pub outcomes: Vec<Outcome>,
    /// By stage.
    pub entry_bytes: Vec<f64>,
}

/// All photos, banked once for every stage.
pub struct BankedPhotos<'a> {
    sample: &'a Sample,
    names: Vec<String>,
    banks: Vec<Box<dyn Bank + 'a>>,
}

impl<'a> BankedPhotos<'a> {
    pub fn new(sample: &'a Sample, stages: &'a [Box<dyn Stage>]) -> Result<Self> {
        let references = &sample.photos.references;
        let pictures: Vec<&Picture> = references.iter().map(|photo| &photo.picture).collect();
        let names = references.iter().map(|photo| photo.name.clone()).collect();
        Ok(Self {
            sample,
            names,
            banks: sample.bank(stages, &pictures)?,
        })
    }
}

/// Every photo, edited in every way, against all photos.
pub fn edits(banked: &BankedPhotos<'_>, edits: &[usize], seeds: u64) -> Result<Measured> {
    let names = &banked.names;
    let groups = edits.iter().map(|edit| EDITS[*edit].0.to_string()).collect();
    let n_queries = names.len() * edits.len() * usize::try_from(seeds)?;
    against_photos(banked, groups, n_queries, |n| {
        let (photo, rest) = (n % names.len(), n / names.len());
        let (group, seed) = (rest % edits.len(), (rest / edits.len()) as u64);
        Ok((
            photo,
            vec![group],
            edited(&banked.sample.photos, photo, edits[group], seed)?,
        ))
    })
}

/// Photos with draws of one or of two kinds, against all photos.
pub fn draws(banked: &BankedPhotos<'_>, of: usize, n_draws: usize) -> Result<Measured> {
    let groups = KINDS.iter().map(|(name, _)| (*name).to_string()).collect();
    against_photos(banked, groups, n_draws, |n| drawn(&banked.sample.photos, of, n))
}

/// `query` says for each number of which photo a query is made, which groups it belongs to, and how it looks.
fn against_photos(
    banked: &BankedPhotos<'_>,
    groups: Vec<String>,
    n_queries: usize,
    query: impl Fn(usize) -> Result<(usize, Vec<usize>, Picture)> + Sync,
) -> Result<Measured> {
    let BankedPhotos { names, banks, .. } = banked;
    let outcomes = evaluate::run(banks, names, (groups.len(), 1), n_queries, |n| {
        let (photo, groups, picture) = query(n)?;
        let among = (0..names.len()).collect();
        Ok((
            Query {
                name: &names[photo],
                own: Some(photo),
                groups,
                among,
                wrong_group: Box::new(|_| 0),
            },
            picture,
        ))
    })?;
    let entry_bytes = banks.iter().map(|bank| bank.entry_bytes()).collect();
    Ok(Measured {
        groups,
        wrong_groups: vec!["another photo".into()],
        outcomes,
        entry_bytes,
    })
}

/// Cards against all other cards of their template, and against some of other templates. No card is a copy of another.
pub fn cards(sample: &Sample, stages: &[Box<dyn Stage>], n_cards: usize) -> Result<Measured> {
    let (templates, words) = (
        cards::templates(sample.half, &sample.photos.backdrops),
        cards::words(sample.half),
    );
    let names: Vec<String> = (0..n_cards).map(|n| card_name(&templates, n)).collect();
    let pictures: Vec<Picture> = (0..n_cards)
        .into_par_iter()
        .map(|n| nth_card(&templates, &words, n))
        .collect();
    let banks = sample.bank(stages, &pictures.iter().collect::<Vec<_>>())?;

    // Cards of one template are counted by the kind of layout, all others together.
    let mut wrong_groups: Vec<String> = Vec::new();
    let groups_of_templates: Vec<usize> = templates
        .iter()
        .map(|template| {
            let kind = template.kind_name();
            wrong_groups.iter().position(|known| *known == kind).unwrap_or_else(|| {
                wrong_groups.push(kind);
                wrong_groups.len() - 1
            })
        })
        .collect();
    let others = wrong_groups.len();
    wrong_groups.push("another template".into());

    let outcomes = evaluate::run(&banks, &names, (0, wrong_groups.len()), n_cards, |n| {
        let template = n % templates.len();
        let is_asked = |other: &usize| {
            let is_same_template = other % templates.len() == template;
            *other != n && (is_same_template || (other / templates.len() + n).is_multiple_of(OTHER_TEMPLATES_STEP))
        };
        let among = (0..n_cards).filter(is_asked).collect();
        let (n_templates, group) = (templates.len(), groups_of_templates[template]);
        let wrong_group = move |entry: usize| if entry % n_templates == template { group } else { others };
        let query = Query {
            name: &names[n],
            own: None,
            groups: Vec::new(),
            among,
            wrong_group: Box::new(wrong_group),
        };
        Ok((query, pictures[n].clone()))
    })?;
    let entry_bytes = banks.iter().map(|bank| bank.entry_bytes()).collect();
    Ok(Measured {
        groups: Vec::new(),
        wrong_groups,
        outcomes,
        entry_bytes,
    })
}

/// Repeating patterns against all others of their motif, and against some of other motifs. None is a copy of another.
pub fn patterns(sample: &Sample, stages: &[Box<dyn Stage>], n_patterns: usize) -> Result<Measured> {
    let names: Vec<&str> = patterns::motifs().collect();
    let (n_motifs, others) = (names.len(), names.len());
    let pattern_names: Vec<String> = (0..n_patterns)
        .map(|n| format!("{}/{n}", names[patterns::motif_of(n)]))
        .collect();
    let pictures: Vec<Picture> = (0..n_patterns)
        .into_par_iter()
        .map(|n| patterns::pattern(sample.half, n))
        .collect();
    let banks = sample.bank(stages, &pictures.iter().collect::<Vec<_>>())?;
    let outcomes = evaluate::run(&banks, &pattern_names, (0, n_motifs + 1), n_patterns, |n| {
        let motif = patterns::motif_of(n);
        let is_asked = |other: &usize| {
            let is_same_motif = patterns::motif_of(*other) == motif;
            *other != n && (is_same_motif || (other / n_motifs + n).is_multiple_of(OTHER_TEMPLATES_STEP))
        };
        let query = Query {
            name: &pattern_names[n],
            own: None,
            groups: Vec::new(),
            among: (0..n_patterns).filter(is_asked).collect(),
            wrong_group: Box::new(move |entry| {
                if patterns::motif_of(entry) == motif {
                    motif
                } else {
                    others
                }
            }),
        };
        Ok((query, pictures[n].clone()))
    })?;
    Ok(Measured {
        groups: Vec::new(),
        wrong_groups: names
            .into_iter()
            .map(str::to_owned)
            .chain(["another motif".to_owned()])
            .collect(),
        outcomes,
        entry_bytes: banks.iter().map(|bank| bank.entry_bytes()).collect(),
    })
}

/// Card `n` of all, the templates by turns.
fn nth_card(templates: &[Template<'_>], words: &Words, n: usize) -> Picture {
    cards::card(&templates[n % templates.len()], words, n / templates.len())
}

fn card_name(templates: &[Template<'_>], n: usize) -> String {
    format!("{}/{}", templates[n % templates.len()].name, n / templates.len())
}

fn edited(photos: &Photos, photo: usize, edit: usize, seed: u64) -> Result<Picture> {
    let (name, apply) = EDITS[edit];
    let photo = &photos.references[photo];
    let mut chance = Chance::of(&["edit", name, &photo.name], seed);
    let backdrop = &chance.pick(&photos.backdrops).picture;
    apply(&photo.picture, &mut Surroundings { chance, backdrop }).with_context(|| format!("{name} of {}", photo.name))
}

/// The `n`-th draw: of which photo, of which kinds, how it looks.
fn drawn(photos: &Photos, of: usize, n: usize) -> Result<(usize, Vec<usize>, Picture)> {
    let photo = n % photos.references.len();
    let Photo { name, picture } = &photos.references[photo];
    let mut chance = Chance::of(&["draw", &of.to_string(), name], n as u64);
    let kinds = draws::kinds(n, of, &mut chance);
    let picture = draws::apply(picture, &kinds, &mut chance).with_context(|| format!("draw {n} of {name}"))?;
    Ok((photo, kinds, picture))
}

/// Milliseconds on one core for making a query of decoded pixels, the middle of many.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Longest side 384.
    pub small_ms: f64,
    /// Longest side 1920.
    pub large_ms: f64,
    /// The slowest photo at 1920, its middle time.
    pub large_ms_max: f64,
}

/// One query at a time on one thread, of small and of large photos, for each stage.
pub fn cost(root: &Path, sample: &Sample, stages: &[Box<dyn Stage>]) -> Result<Vec<Cost>> {
    const PHOTOS: usize = 12;
    let references = &sample.photos.references;
    let small: Vec<Picture> = references
        .iter()
        .take(PHOTOS)
        .map(|photo| photo.picture.clone())
        .collect();
    let large = photos::load_large(root, references, PHOTOS)?;
    stages
        .iter()
        .map(|stage| {
            let bank = stage.bank(&[], &[])?;
            let (small_ms, _) = milliseconds(bank.as_ref(), &small)?;
            let (large_ms, large_ms_max) = milliseconds(bank.as_ref(), &large)?;
            Ok(Cost {
                small_ms,
                large_ms,
                large_ms_max,
            })
        })
        .collect()
}

/// The middle one and the largest of the pictures' middle times. By turns, so that no method profits from the picture before.
fn milliseconds(bank: &dyn Bank, pictures: &[Picture]) -> Result<(f64, f64)> {
    const TURNS: usize = 7;
    let mut times = vec![Vec::new(); pictures.len()];
    for _ in 0..TURNS {
        for (picture, times) in pictures.iter().zip(&mut times) {
            let start = std::time::Instant::now();
            bank.prepare(picture)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    let mut middles: Vec<f64> = times
        .into_iter()
        .map(|mut times| {
            times.sort_by(f64::total_cmp);
            times[TURNS / 2]
        })
        .collect();
    middles.sort_by(f64::total_cmp);
    let middle = middles.get(middles.len() / 2).copied().unwrap_or_default();
    Ok((middle, middles.last().copied().unwrap_or_default()))
}

/// Writes what would be asked as PNG files, to look at.
pub fn dump(folder: &Path, sample: &Sample, edits: &[usize], seeds: u64, n_draws: usize, n_cards: usize) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let write = |name: String, picture: &Picture| -> Result<()> {
        Ok(std::fs::write(
            folder.join(format!("{}.png", name.replace('/', "-"))),
            picture.png()?,
        )?)
    };
    for (n, photo) in sample.photos.references.iter().enumerate() {
        eprintln!("{n:03} is {}", photo.name);
        for edit in edits {
            for seed in 0..seeds {
                write(
                    format!("{n:03}__{}__{seed}", EDITS[*edit].0),
                    &edited(&sample.photos, n, *edit, seed)?,
                )?;
            }
        }
    }
    for (of, n) in [1, 2].into_iter().flat_map(|of| (0..n_draws).map(move |n| (of, n))) {
        let (photo, kinds, picture) = drawn(&sample.photos, of, n)?;
        let kinds: Vec<&str> = kinds.iter().map(|kind| KINDS[*kind].0).collect();
        write(format!("draw{of}-{n:04}__{photo:03}__{}", kinds.join("+")), &picture)?;
    }
    let (templates, words) = (
        cards::templates(sample.half, &sample.photos.backdrops),
        cards::words(sample.half),
    );
    for n in 0..n_cards {
        write(
            format!("card__{}", card_name(&templates, n)),
            &nth_card(&templates, &words, n),
        )?;
    }
    Ok(())
}
