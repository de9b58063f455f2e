//! The photos: which there are, which half they belong to, how they are loaded. What makes a photo fit for measuring stands here,
//! and nothing of what is measured.
//!
//! `photos.txt` names them, `photos.sh` unpacks them. The halves are kept apart by a rule ([`half_of`]) so that nobody can choose.

use crate::{chance::Chance, picture::Picture};
use anyhow::{Context, Result};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use signal::pdq::{self, Pdq, PdqSignal};
use std::path::{Path, PathBuf};

/// Longest side of a photo before it is edited.
pub const LONGEST_SIDE: usize = 384;
/// Longest side of a photo for measuring cost.
pub const LARGE_SIDE: usize = 1920;
/// Photos of a half that are banked, unless fewer are asked for.
pub const REFERENCES_MAX: usize = 150;
/// Photos that stand behind others in picture-in-picture edits.
const BACKDROPS: usize = 10;
/// Two photos this near in any orientation are one photo: the later is left out.
const SAME_PHOTO_BITS_MAX: u32 = 60;
/// Photos that PDQ itself calls too flat to be compared, a night sky, say, measure nothing but that.
const QUALITY_MIN: u8 = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Half {
    /// What one may look at while choosing methods and parameters.
    Tuning,
    /// What is published.
    HeldOut,
}

impl Half {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tuning => "tuning",
            Self::HeldOut => "held-out",
        }
    }
}

/// The rule: a photo is held out when the last byte of the SHA-256 of its name, `package/file`, is even.
pub fn half_of(name: &str) -> Half {
    if Sha256::digest(name.as_bytes())[31].is_multiple_of(2) {
        Half::HeldOut
    } else {
        Half::Tuning
    }
}

#[derive(Debug)]
pub struct Photo {
    /// `package/file`, with `#n` for the n-th picture of a resource file.
    pub name: String,
    pub picture: Picture,
}

/// The photos of one half, and those of the other that stand for the platform's own.
#[derive(Debug)]
pub struct Photos {
    /// What is banked and edited.
    pub references: Vec<Photo>,
    /// Behind others; never banked.
    pub backdrops: Vec<Photo>,
    /// A benign sample: the photos that are not banked, and the other half. Nothing that a query is made of.
    pub benign: Vec<Photo>,
}

pub fn load(root: &Path, half: Half, references: usize) -> Result<Photos> {
    let list = std::fs::read_to_string(root.join("bench/robustness/photos.txt")).context("cannot read photos.txt")?;
    let folder = root.join(".tools/photos");
    let names: Vec<String> = list
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.replacen(' ', "/", 1))
        .collect();
    std::fs::create_dir_all(folder.join("scaled"))?;
    let loaded: Vec<Photo> = names
        .par_iter()
        .filter_map(|name| match load_scaled(&folder, name) {
            Ok(picture) => Some(Photo {
                name: name.clone(),
                picture,
            }),
            Err(error) => {
                eprintln!("photos: leaving out {name}: {error:#}");
                None
            }
        })
        .collect();
    let mut photos = distinct(loaded)?;
    // In an order that has nothing to do with packages, so that the first ones are a fair sample.
    photos.sort_by_key(|photo| Chance::of(&["order", &photo.name], 0).next());
    let (mut own, mut benign): (Vec<_>, Vec<_>) = photos.into_iter().partition(|photo| half_of(&photo.name) == half);
    anyhow::ensure!(
        own.len() >= REFERENCES_MAX + BACKDROPS,
        "only {} photos in the {} half: run bench/robustness/photos.sh",
        own.len(),
        half.as_str()
    );
    let mut rest = own.split_off(REFERENCES_MAX);
    own.truncate(references);
    benign.extend(rest.split_off(BACKDROPS));
    Ok(Photos {
        references: own,
        backdrops: rest,
        benign,
    })
}

/// The same photos at [`LARGE_SIDE`], those that are large enough, at most so many.
pub fn load_large(root: &Path, photos: &[Photo], n_max: usize) -> Result<Vec<Picture>> {
    let folder = root.join(".tools/photos");
    let mut large = Vec::new();
    for photo in photos {
        if large.len() == n_max {
            break;
        }
        let picture = Picture::decode(&read(&folder, &photo.name)?)?;
        if picture.width.max(picture.height) >= LARGE_SIDE {
            large.push(picture.scaled_down_to(LARGE_SIDE));
        }
    }
    Ok(large)
}

fn distinct(photos: Vec<Photo>) -> Result<Vec<Photo>> {
    let codes: Vec<[PdqSignal; 8]> = photos
        .par_iter()
        .map(|photo| Ok(pdq::hash_rgb_dihedral(photo.picture.as_rgb()?)))
        .collect::<Result<_>>()?;
    let mut kept: Vec<Pdq> = Vec::new();
    let mut distinct = Vec::new();
    for (photo, turned) in photos.into_iter().zip(codes) {
        if turned[0].quality < QUALITY_MIN {
            eprintln!(
                "photos: leaving out {}: too little structure, quality {}",
                photo.name, turned[0].quality
            );
            continue;
        }
        let is_known = kept.iter().any(|code| {
            turned
                .iter()
                .any(|turn| turn.hash.distance(*code) <= SAME_PHOTO_BITS_MAX)
        });
        if is_known {
            eprintln!("photos: leaving out {}: it is there already", photo.name);
            continue;
        }
        kept.push(turned[0].hash);
        distinct.push(photo);
    }
    Ok(distinct)
}

/// From the folder of scaled photos, where it is put the first time: decoding the originals takes a minute.
fn load_scaled(folder: &Path, name: &str) -> Result<Picture> {
    let digest = Sha256::digest(format!("{name} {LONGEST_SIDE}").as_bytes());
    let scaled: PathBuf = folder
        .join("scaled")
        .join(format!("{:016x}.png", u64::from_be_bytes(first_eight(&digest))));
    if let Ok(bytes) = std::fs::read(&scaled) {
        return Picture::decode(&bytes);
    }
    let picture = Picture::decode(&read(folder, name)?)?.scaled_down_to(LONGEST_SIDE);
    anyhow::ensure!(
        picture.width.max(picture.height) == LONGEST_SIDE,
        "smaller than {LONGEST_SIDE} pixels"
    );
    // Written aside and renamed, so that a run that is stopped leaves no half of a file.
    let aside = scaled.with_extension("part");
    std::fs::write(&aside, picture.png()?)?;
    std::fs::rename(&aside, &scaled)?;
    Ok(picture)
}

fn first_eight(digest: &[u8]) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    bytes
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>> {
    let (file, number) = match name.split_once('#') {
        Some((file, number)) => (file, Some(number.parse::<usize>()?)),
        None => (name, None),
    };
    let bytes = std::fs::read(folder.join(file)).with_context(|| format!("cannot read `{file}`"))?;
    match number {
        None => Ok(bytes),
        Some(number) => Ok(webp_at(&bytes, number)
            .context("no such picture in the resource file")?
            .to_vec()),
    }
}

/// The n-th WebP file inside of a Qt resource file, which keeps them as they are.
fn webp_at(bytes: &[u8], number: usize) -> Option<&[u8]> {
    let starts = bytes
        .windows(12)
        .enumerate()
        .filter(|(_, head)| head.starts_with(b"RIFF") && head.ends_with(b"WEBP"));
    let (start, head) = starts.map(|(start, head)| (start, head.to_vec())).nth(number)?;
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize + 8;
    bytes.get(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halves_are_a_rule_about_names() {
        let names: Vec<String> = (0..2_000).map(|n| format!("package/usr/share/{n}.jpg")).collect();
        let held_out = names.iter().filter(|name| half_of(name) == Half::HeldOut).count();
        assert!((900..1_100).contains(&held_out), "{held_out}");
        assert_eq!(half_of(&names[7]), half_of(&names[7]));
    }

    #[test]
    fn the_list_has_enough_photos_in_either_half() {
        let list = include_str!("../photos.txt");
        let names: Vec<String> = list
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.replacen(' ', "/", 1))
            .collect();
        let held_out = names.iter().filter(|name| half_of(name) == Half::HeldOut).count();
        for n in [held_out, names.len() - held_out] {
            assert!(n >= REFERENCES_MAX + BACKDROPS, "{n}");
        }
    }

    #[test]
    fn a_picture_is_found_in_a_resource_file() {
        let webp = |fill: u8| [b"RIFF".as_slice(), &6u32.to_le_bytes(), b"WEBP", &[fill, fill]].concat();
        let file = [b"qres....".as_slice(), &webp(1), b"RIFFno", &webp(2)].concat();
        assert_eq!(webp_at(&file, 1), Some(webp(2).as_slice()));
        assert_eq!(webp_at(&file, 2), None);
    }
}
