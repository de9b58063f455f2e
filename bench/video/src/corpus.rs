//! What `corpus.py` made: which files there are and what is true of them.

use anyhow::{Context, Result};
use serde::Deserialize;
use signal::Span;
use signal::pdq::{Pdq, PdqSignal};
use signal::vpdq::Feature;
use std::path::{Path, PathBuf};

#[derive(Debug, Deserialize)]
pub struct Corpus {
    pub half: String,
    pub edits: Vec<String>,
    pub entries: Vec<Entry>,
    pub queries: Vec<Query>,
    pub strangers: Vec<Stranger>,
    /// Harmless videos that the index learns from: what they show is no evidence.
    pub benign: Vec<PathBuf>,
    pub streams: Vec<Stream>,
    /// The same ten minutes, by how they are encoded.
    pub ten_minutes: Vec<(String, PathBuf)>,
}

/// A video that is banked.
#[derive(Debug, Deserialize)]
pub struct Entry {
    pub name: String,
    /// Those of a family have one layout, one presenter, one camera.
    pub family: String,
    pub path: PathBuf,
    pub vpdq: Published,
    pub seconds: f64,
    /// From, until, and what it is that others show too.
    pub shared: Vec<(f64, f64, String)>,
}

/// An edited copy.
#[derive(Debug, Deserialize)]
pub struct Query {
    pub edit: String,
    pub reference: String,
    pub path: PathBuf,
    pub vpdq: Published,
    pub runs: Vec<Run>,
}

/// A video that shows none of the entries.
#[derive(Debug, Deserialize)]
pub struct Stranger {
    pub path: PathBuf,
    pub vpdq: Published,
}

/// A run of a copy and the run of the original that it shows, in seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Run {
    pub query: (f64, f64),
    pub entry: (f64, f64),
}

/// A live stream, with clips of entries in it.
#[derive(Debug, Deserialize)]
pub struct Stream {
    pub path: PathBuf,
    pub clips: Vec<Clip>,
}

/// From second `at` of the stream on it shows `entry`.
#[derive(Debug, Clone, Deserialize)]
pub struct Clip {
    pub entry: String,
    pub at: f64,
    pub seconds: f64,
}

/// What the published program made of a file.
#[derive(Debug, Deserialize)]
pub struct Published {
    pub cpu_seconds: f64,
    frames: Vec<(String, u8, f64)>,
}

impl Corpus {
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).context("the corpus's description is not one")
    }
}

impl Published {
    pub fn features(&self) -> Vec<Feature> {
        let feature = |(hash, quality, second): &(String, u8, f64)| {
            let hash: Pdq = hash.parse().ok()?;
            Some(Feature {
                number: None,
                pdq: PdqSignal {
                    hash,
                    quality: *quality,
                },
                at_ms: (second * 1000.0) as u32,
            })
        };
        self.frames.iter().filter_map(feature).collect()
    }
}

/// Seconds as milliseconds.
pub fn span((from, to): (f64, f64)) -> Span {
    Span {
        from_ms: (from * 1000.0) as u32,
        to_ms: (to * 1000.0) as u32,
    }
}
