//! A bank file in memory, and what of it a file is near to.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context;
use index::Index;
use moderation::banks::csv::{self, LineError};
use moderation::model::{NewEntry, Tier};
use signal::{Md5, Signal, SignalType};

use super::hasher::{FileScan, FileSignal, FileView};
use super::recordings::{KnownRecordings, Played};

/// How near is near, in bits of PDQ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Within this it is a match.
    pub match_distance_bits: u32,
    /// Within this, but not a match, it is a lead.
    pub lead_distance_bits: u32,
    /// Hashes of a lower quality are not compared.
    pub quality_min: u8,
}

/// A bank file, ready to be searched.
pub struct Known {
    /// The bank's name: the file's, without its ending.
    pub bank: String,
    entries: Vec<NewEntry>,
    hashes: Index,
    digests: HashMap<Signal, Vec<usize>>,
    recordings: KnownRecordings,
}

/// An entry that a file is near to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// The entry's name, or the value of its first signal if it has none.
    pub entry: &'a str,
    /// Which kind of signal.
    pub signal: SignalType,
    /// Bits for PDQ, 0 for equal digests.
    pub distance: u32,
    /// What the distance was held against.
    pub threshold: u32,
    /// Match or lead.
    pub tier: Tier,
    /// How the file's picture was looked at.
    pub view: FileView,
    /// Which frame, if the file is a video.
    pub frame: Option<u32>,
}

impl Known {
    /// Reads a bank file. Lines that do not read are left out and returned beside it.
    pub fn read(path: &Path, quality_min: u8) -> anyhow::Result<(Self, Vec<LineError>)> {
        let file = File::open(path).with_context(|| format!("cannot open the bank `{}`", path.display()))?;
        let parsed =
            csv::parse(BufReader::new(file)).with_context(|| format!("cannot read the bank `{}`", path.display()))?;
        let bank = path
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        Ok((Self::new(bank, parsed.entries, quality_min), parsed.errors))
    }

    fn new(bank: String, mut entries: Vec<NewEntry>, quality_min: u8) -> Self {
        let hashes = Index::new();
        let mut digests: HashMap<Signal, Vec<usize>> = HashMap::new();
        let mut recordings = KnownRecordings::new();
        let mut codes = Vec::new();
        for (place, entry) in entries.iter_mut().enumerate() {
            for signal in &entry.signals {
                match signal {
                    Signal::Pdq { hash, quality } if quality.is_none_or(|quality| quality >= quality_min) => {
                        codes.push((place as u64, *hash));
                    }
                    Signal::Pdq { .. } => {}
                    Signal::Md5(_) | Signal::Sha256(_) => digests.entry(signal.clone()).or_default().push(place),
                    Signal::Vpdq(_) | Signal::Chromaprint(_) => recordings.add(place, signal),
                }
            }
            if entry.name.is_empty() {
                let short = entry.signals.iter().find(|signal| !signal.is_long());
                entry.name = short.or(entry.signals.first()).map(short_name).unwrap_or_default();
            }
        }
        hashes.insert_many(codes);
        Self {
            bank,
            entries,
            hashes,
            digests,
            recordings,
        }
    }

    /// The entries that a file shows or plays over a time, or is a still of.
    pub fn lookup_recordings(&self, scan: &FileScan) -> Vec<(&str, Played)> {
        let found = match scan {
            FileScan::Picture(scan) => match &scan.looks {
                Some(looks) => self.recordings.look_up_picture(looks),
                None => Vec::new(),
            },
            FileScan::Recording(scan) => self.recordings.look_up(scan),
        };
        let named = found
            .into_iter()
            .map(|played| (self.entries[played.place].name.as_str(), played));
        named.collect()
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entries that a file with these signals is near to: each once for a kind of signal, by its nearest signal; matches
    /// before leads, the nearest first.
    pub fn lookup(&self, signals: &[FileSignal], thresholds: Thresholds) -> Vec<Found<'_>> {
        let snapshot = self.hashes.snapshot();
        let mut nearest: HashMap<(usize, SignalType), Found<'_>> = HashMap::new();
        let mut keep = |place: usize, found: Found<'_>| {
            let known = nearest.entry((place, found.signal)).or_insert_with(|| Found {
                entry: &self.entries[place].name,
                ..found
            });
            if found.distance < known.distance {
                *known = Found {
                    entry: known.entry,
                    ..found
                };
            }
        };
        for FileSignal { signal, view, frame } in signals {
            let frame = (*view == FileView::Shown).then_some(*frame);
            match signal {
                Signal::Pdq { hash, quality } => {
                    if quality.is_some_and(|quality| quality < thresholds.quality_min) {
                        continue;
                    }
                    let reach = match view.is_for_leads() {
                        true => thresholds.lead_distance_bits.max(thresholds.match_distance_bits),
                        false => thresholds.match_distance_bits,
                    };
                    for hit in snapshot.search(*hash, reach, self.entries.len()).hits {
                        let (tier, threshold) = match hit.distance <= thresholds.match_distance_bits {
                            true => (Tier::Match, thresholds.match_distance_bits),
                            false => (Tier::Lead, thresholds.lead_distance_bits),
                        };
                        let found = Found {
                            entry: "",
                            signal: SignalType::Pdq,
                            distance: hit.distance,
                            threshold,
                            tier,
                            view: *view,
                            frame,
                        };
                        keep(hit.key as usize, found);
                    }
                }
                Signal::Vpdq(_) | Signal::Chromaprint(_) => {}
                Signal::Md5(_) | Signal::Sha256(_) => {
                    for place in self.digests.get(signal).into_iter().flatten() {
                        let signal = signal.signal_type();
                        keep(
                            *place,
                            Found {
                                entry: "",
                                signal,
                                distance: 0,
                                threshold: 0,
                                tier: Tier::Match,
                                view: *view,
                                frame: None,
                            },
                        );
                    }
                }
            }
        }
        let mut found: Vec<((usize, SignalType), Found<'_>)> = nearest.into_iter().collect();
        found.sort_by_key(|((place, signal), found)| (found.tier == Tier::Lead, found.distance, *place, *signal));
        found.into_iter().map(|(_, found)| found).collect()
    }
}

/// What an entry goes by that has no name.
fn short_name(signal: &Signal) -> String {
    match signal.is_long() {
        false => signal.value(),
        true => format!("{} {}", signal.signal_type(), Md5::of(signal.value().as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal::Pdq;

    const THRESHOLDS: Thresholds = Thresholds {
        match_distance_bits: 31,
        lead_distance_bits: 40,
        quality_min: 50,
    };

    fn hash(n_bits: u32, quality: u8) -> Signal {
        let mut words = [0u64; 4];
        for bit in 0..n_bits {
            words[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        Signal::Pdq {
            hash: Pdq::from_words(words),
            quality: Some(quality),
        }
    }

    fn known(signals: Vec<(&str, Vec<Signal>)>) -> Known {
        let entry = |(name, signals): (&str, Vec<Signal>)| NewEntry {
            name: name.to_owned(),
            labels: Vec::new(),
            source: String::new(),
            expires_at: None,
            signals,
        };
        Known::new(
            "bank".to_owned(),
            signals.into_iter().map(entry).collect(),
            THRESHOLDS.quality_min,
        )
    }

    fn lookup<'a>(known: &'a Known, signals: &[Signal], thresholds: Thresholds) -> Vec<(&'a str, u32, u32, Tier)> {
        let signals: Vec<FileSignal> = signals
            .iter()
            .map(|signal| FileSignal {
                signal: signal.clone(),
                view: FileView::AS_IS,
                frame: 0,
            })
            .collect();
        known
            .lookup(&signals, thresholds)
            .into_iter()
            .map(|f| (f.entry, f.distance, f.threshold, f.tier))
            .collect()
    }

    #[test]
    fn the_nearest_signal_of_each_entry_counts_once() {
        let known = known(vec![
            ("far", vec![hash(41, 100)]),
            ("lead", vec![hash(40, 100)]),
            ("near", vec![hash(31, 100), hash(3, 100)]),
            ("flat", vec![hash(0, 49)]),
        ]);
        let found = lookup(&known, &[hash(0, 100)], THRESHOLDS);
        assert_eq!(found, [("near", 3, 31, Tier::Match), ("lead", 40, 40, Tier::Lead)]);
        assert_eq!(
            lookup(&known, &[hash(0, 49)], THRESHOLDS),
            [],
            "a flat picture is not compared"
        );
        let narrow = Thresholds {
            match_distance_bits: 2,
            lead_distance_bits: 2,
            quality_min: 50,
        };
        assert_eq!(lookup(&known, &[hash(0, 100)], narrow), []);
    }

    #[test]
    fn equal_bytes_are_found_by_their_digest_and_nameless_entries_by_their_value() {
        let digest = Signal::Md5(Md5::of(b"x"));
        let known = known(vec![
            ("", vec![digest.clone()]),
            ("other", vec![Signal::Md5(Md5::of(b"y"))]),
        ]);
        assert_eq!(
            lookup(&known, std::slice::from_ref(&digest), THRESHOLDS),
            [(digest.value().as_str(), 0, 0, Tier::Match)]
        );
    }
}
