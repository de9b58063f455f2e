//! Views: fixed renderings of a picture, each hashed, so that a copy that was mirrored, framed, captioned or photographed off a screen is still found.
//!
//! Pure and the same on every machine. Everything but the hash of the whole picture is made from luma that was reduced once
//! ([`Luma::reduce`]). What a view shows is part of the evidence: [`View`] names it, [`Share`] says where it lies.
//!
//! [`VERSION`] is raised whenever the same picture would give other views, so that stored evidence can be read rightly.

mod boxes;
mod crops;
mod trim;

pub use crops::{Grid, crops};

use crate::luma::{Luma, Rect};
use crate::pdq::{self, Dihedral, PdqSignal};
use std::fmt;

/// Raised when the same picture gives other views.
pub const VERSION: u32 = 1;

/// Parts with a shorter side than this, in pixels of the reduced picture, say nothing.
const SIDE_PIXELS_MIN: usize = 16;

/// Most codes of one picture.
pub const CODES_MAX: usize = 64;

/// Which rendering of a picture was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct View {
    /// Which part of the picture.
    pub part: Part,
    /// How it was turned.
    pub turn: Dihedral,
    /// Whether light and dark were exchanged.
    pub is_negative: bool,
}

/// Which part of a picture a view shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// All of it.
    Whole,
    /// Without flat borders.
    Trimmed,
    /// The rectangle that stands out most: a picture in a screenshot, above a caption, before a blurred backdrop.
    Box,
    /// The one that stands out second.
    SecondBox,
    /// One of the parts into which stacked or tiled pictures fall: of so many across and down, this one, row by row from 0.
    Tile {
        /// Tiles in a row.
        across: u8,
        /// Rows of tiles.
        down: u8,
        /// Which.
        at: u8,
    },
    /// The middle, so many percent of each side.
    Centre {
        /// Percent of each side.
        percent: u8,
    },
}

/// Where a part lies: shares of the width and height, in ten-thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share {
    /// Left edge.
    pub left: u16,
    /// Upper edge.
    pub top: u16,
    /// Width.
    pub width: u16,
    /// Height.
    pub height: u16,
}

/// A view's signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewSignal {
    /// What was hashed.
    pub view: View,
    /// Where it lies.
    pub share: Share,
    /// Hash and quality.
    pub pdq: PdqSignal,
}

impl View {
    /// Whether it is one of the few that are worth the price of a search for leads: the picture, what is left of it without its frame, and what stands out
    /// in it, upright and mirrored.
    pub fn is_for_leads(self) -> bool {
        matches!(self.part, Part::Whole | Part::Trimmed | Part::Box)
            && matches!(self.turn, Dihedral::Original | Dihedral::FlipY)
            && !self.is_negative
    }

    /// All of the picture as it is.
    pub const AS_IS: Self = Self {
        part: Part::Whole,
        turn: Dihedral::Original,
        is_negative: false,
    };
}

/// The names of part, turn and negative, joined by dots; of a picture as it is nothing is left to say, so its name is `whole`.
impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            Part::Whole => f.write_str("whole")?,
            Part::Trimmed => f.write_str("trimmed")?,
            Part::Box => f.write_str("box")?,
            Part::SecondBox => f.write_str("box_2")?,
            Part::Tile { across, down, at } => write!(f, "tile_{}_of_{across}x{down}", at + 1)?,
            Part::Centre { percent } => write!(f, "centre_{percent}")?,
        }
        if self.turn != Dihedral::Original {
            write!(f, ".{}", self.turn)?;
        }
        if self.is_negative {
            f.write_str(".negative")?;
        }
        Ok(())
    }
}

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self {
        left: 0,
        top: 0,
        width: 10_000,
        height: 10_000,
    };

    fn of(rect: Rect, picture: &Luma) -> Self {
        let share = |part: usize, whole: usize| ((part * 10_000 + whole / 2) / whole) as u16;
        Self {
            left: share(rect.left, picture.width()),
            top: share(rect.top, picture.height()),
            width: share(rect.width, picture.width()),
            height: share(rect.height, picture.height()),
        }
    }
}

/// The turns of parts of which only the likeliest are asked for.
const FEW_TURNS: [Dihedral; 2] = [Dihedral::Original, Dihedral::FlipY];

/// The views that a picture is looked up by, at most [`CODES_MAX`], the likeliest first. `whole` are the exact hashes of the whole picture in the order of
/// [`Dihedral::ALL`]; `picture` is the same reduced.
pub fn of_query(whole: &[PdqSignal; 8], picture: &Luma) -> Vec<ViewSignal> {
    let mut found = Vec::with_capacity(CODES_MAX);
    add(&mut found, Part::Whole, Share::WHOLE, whole, &Dihedral::ALL);
    for (turn, signal) in Dihedral::ALL.into_iter().zip(whole) {
        let pdq = PdqSignal {
            hash: signal.hash.complement(),
            quality: signal.quality,
        };
        let view = View {
            part: Part::Whole,
            turn,
            is_negative: true,
        };
        found.push(ViewSignal {
            view,
            share: Share::WHOLE,
            pdq,
        });
    }
    for (part, rect) in parts(picture) {
        let (has_few, n_turns) = match part {
            Part::Tile { .. } | Part::Centre { .. } => (true, FEW_TURNS.len()),
            Part::Whole | Part::Trimmed | Part::Box | Part::SecondBox => (false, Dihedral::ALL.len()),
        };
        if found.len() + n_turns > CODES_MAX {
            break;
        }
        let (crop, share) = (picture.crop(rect), Share::of(rect, picture));
        if has_few {
            let signals = pdq::nearly_hash_luma_turned(crop.image(), FEW_TURNS);
            add(&mut found, part, share, &signals, &FEW_TURNS);
        } else {
            let signals = pdq::nearly_hash_luma_dihedral(crop.image());
            add(&mut found, part, share, &signals, &Dihedral::ALL);
        }
    }
    found
}

/// The parts of a picture that are worth a look of their own, the likeliest first.
pub fn parts(picture: &Luma) -> Vec<(Part, Rect)> {
    let mut found: Vec<(Part, Rect)> = Vec::new();
    let whole = picture.rect();
    let trimmed = trim::trim(picture);
    let is_new = |rect: Rect, found: &[(Part, Rect)]| {
        !rect.is_like(whole) && found.iter().all(|(_, other)| !rect.is_like(*other))
    };
    if is_new(trimmed, &found) {
        found.push((Part::Trimmed, trimmed));
    }
    for (part, rect) in [Part::Box, Part::SecondBox]
        .into_iter()
        .zip(boxes::find(picture, trimmed))
    {
        if is_new(rect, &found) {
            found.push((part, rect));
        }
    }
    for (across, down) in [(1, 2), (2, 1), (2, 2)] {
        for at in 0..across * down {
            let (width, height) = (trimmed.width / across, trimmed.height / down);
            let rect = Rect {
                left: trimmed.left + at % across * width,
                top: trimmed.top + at / across * height,
                width,
                height,
            };
            let part = Part::Tile {
                across: across as u8,
                down: down as u8,
                at: at as u8,
            };
            found.push((part, rect));
        }
    }
    for percent in [70, 50] {
        found.push((Part::Centre { percent: percent as u8 }, trimmed.middle(percent)));
    }
    found.retain(|(_, rect)| rect.width.min(rect.height) >= SIDE_PIXELS_MIN);
    found
}

fn add(found: &mut Vec<ViewSignal>, part: Part, share: Share, signals: &[PdqSignal], turns: &[Dihedral]) {
    for (turn, pdq) in turns.iter().zip(signals) {
        let view = View {
            part,
            turn: *turn,
            is_negative: false,
        };
        found.push(ViewSignal { view, share, pdq: *pdq });
    }
}

impl Rect {
    /// Whether no edge lies more than a hundredth of a side from the other's.
    fn is_like(self, other: Self) -> bool {
        let near = |a: usize, b: usize, side: usize| a.abs_diff(b) * 100 <= side.max(100);
        near(self.left, other.left, self.width)
            && near(self.top, other.top, self.height)
            && near(self.left + self.width, other.left + other.width, self.width)
            && near(self.top + self.height, other.top + other.height, self.height)
    }

    fn middle(self, percent: usize) -> Self {
        let (width, height) = (
            (self.width * percent / 100).max(1),
            (self.height * percent / 100).max(1),
        );
        Self {
            left: self.left + (self.width - width) / 2,
            top: self.top + (self.height - height) / 2,
            width,
            height,
        }
    }
}

#[cfg(test)]
mod tests;
