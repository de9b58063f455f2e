//! Looks: everything that a picture is recognised by beyond its one hash, and the part of it that is kept with an entry.
//!
//! A query's [`Looks`] live as long as the query: its views are searched for, its keypoints are searched for, and its grey picture is there for
//! the second look. Of an entry a [`KeptLook`] is stored: fewer keypoints, a smaller picture. From that picture the crops of an entry can be made anew
//! at any time ([`views::crops`]), also when an entry becomes part of an incident years later.

use crate::keypoints::align::{self, Alignment, Pair};
use crate::keypoints::repeats::repeats;
use crate::keypoints::verify::{self, Likeness};
use crate::keypoints::{self, Keypoint, Place};
use crate::luma::Luma;
use crate::pdq::{self, Dihedral, Pdq, RgbImage};
use crate::views::{self, ViewSignal};

/// Keypoints of a query.
pub const QUERY_KEYPOINTS_MAX: usize = 128;
/// Keypoints that are kept of an entry.
pub const KEPT_KEYPOINTS_MAX: usize = 64;
/// Longest side of the picture that is kept of an entry.
pub const KEPT_SIDE: usize = 160;

/// What a picture is recognised by.
#[derive(Debug, Clone, PartialEq)]
pub struct Looks {
    /// Views, the likeliest first; at most [`views::CODES_MAX`].
    pub views: Vec<ViewSignal>,
    /// Keypoints, the strongest first; at most [`QUERY_KEYPOINTS_MAX`]. Places are in pixels of `picture`.
    pub keypoints: Vec<Keypoint>,
    /// The picture in grey, its longest side at most [`Luma::WORK_SIDE`].
    pub picture: Luma,
}

/// What is kept of an entry's looks.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptLook {
    /// Codes and places of keypoints, the strongest first; at most [`KEPT_KEYPOINTS_MAX`]. Places are in pixels of `picture`.
    pub keypoints: Vec<(Pdq, Place)>,
    /// The picture in grey, its longest side at most [`KEPT_SIDE`].
    pub picture: Luma,
}

/// Bytes are not a kept look, or one of another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the look of an entry: {0}")]
pub struct BadLook(&'static str);

impl Looks {
    /// The looks of a colour picture. The hash of the whole as it is may be a few bits off [`pdq::hash_rgb`].
    pub fn of(image: RgbImage<'_>) -> Self {
        let whole = pdq::nearly_hash_rgb_dihedral(image);
        let picture = Luma::reduce(image, Luma::WORK_SIDE);
        Self {
            views: views::of_query(&whole, &picture),
            keypoints: keypoints::find(&picture, QUERY_KEYPOINTS_MAX),
            picture,
        }
    }

    /// What is kept when the picture becomes an entry.
    pub fn keep(&self) -> KeptLook {
        let picture = self.picture.shrink(KEPT_SIDE);
        let scale = picture.width() as f32 / self.picture.width() as f32;
        KeptLook {
            keypoints: keypoints::distinctive(&self.keypoints)
                .take(KEPT_KEYPOINTS_MAX)
                .map(|point| (point.code, point.place.scaled(scale)))
                .collect(),
            picture,
        }
    }
}

/// A keypoint of a query that looks like one of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Likely {
    /// Which of the query's keypoints.
    pub query_at: usize,
    /// Which of those kept of the entry.
    pub kept_at: usize,
    /// Whether they look alike in a mirror.
    pub is_mirrored: bool,
}

/// Where in a query an entry is seen, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sighting {
    /// Keypoints that agree about where the entry lies.
    pub places: u32,
    /// Blocks of the entry that show something and lie inside the query.
    pub compared: u32,
    /// Those that look alike.
    pub alike: u32,
    /// Share of the entry that lies inside the query, 0 to 1.
    pub overlap: f32,
    /// Whether it is seen in a mirror.
    pub is_mirrored: bool,
    /// The entry is one motif over and over: whatever has the motif is seen as it, copy or not. Only told where most blocks are alike.
    pub is_pattern: bool,
    /// Where the entry's corners lie in the query, in ten-thousandths of its width and height: upper left, upper right, lower right, lower left of
    /// the entry. A cropped entry's corners lie outside.
    pub corners: [(i32, i32); 4],
}

/// The second look where a hash is near: are the pixels of that view those of the entry?
pub fn confirm(query: &Looks, view: &ViewSignal, kept: &KeptLook) -> Likeness {
    let (width, height) = (query.picture.width() as f32, query.picture.height() as f32);
    let share = |part: u16, side: f32| f32::from(part) / 10_000.0 * side;
    let (left, top) = (share(view.share.left, width), share(view.share.top, height));
    let (across, down) = (share(view.share.width, width), share(view.share.height, height));
    // Where in the part the corners of the turned part lie: the upper left, the way right, the way down, in shares of the part's sides.
    let (corner, right, below) = match view.view.turn {
        Dihedral::Original => ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)),
        Dihedral::Rotate90 => ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)),
        Dihedral::Rotate180 => ((1.0, 1.0), (-1.0, 0.0), (0.0, -1.0)),
        Dihedral::Rotate270 => ((0.0, 1.0), (0.0, -1.0), (1.0, 0.0)),
        Dihedral::FlipX => ((0.0, 1.0), (1.0, 0.0), (0.0, -1.0)),
        Dihedral::FlipY => ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0)),
        Dihedral::FlipPlus => ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0)),
        Dihedral::FlipMinus => ((1.0, 1.0), (0.0, -1.0), (-1.0, 0.0)),
    };
    let (kept_width, kept_height) = (kept.picture.width() as f32, kept.picture.height() as f32);
    let alignment = Alignment {
        affine: [
            right.0 * across / kept_width,
            below.0 * across / kept_height,
            left + corner.0 * across,
            right.1 * down / kept_width,
            below.1 * down / kept_height,
            top + corner.1 * down,
        ],
        agreeing: 0,
        is_mirrored: false,
    };
    if view.view.is_negative {
        return verify::compare(&kept.picture.negative(), &query.picture, &alignment);
    }
    verify::compare(&kept.picture, &query.picture, &alignment)
}

/// Pairs that are looked at, at most.
const PAIRS_MAX: usize = 400;

/// The second look: do keypoints that look alike lie alike, and do the pixels agree? Pairs are the likeliest first; those that name no keypoint
/// are passed over. Pixels are not looked at where fewer than `places_min` keypoints agree: there is no sighting then.
pub fn sight(query: &Looks, kept: &KeptLook, likely: &[Likely], places_min: u32) -> Option<Sighting> {
    let pairs: Vec<Pair> = likely
        .iter()
        .take(PAIRS_MAX)
        .filter_map(|likely| {
            Some(Pair {
                query: query.keypoints.get(likely.query_at)?.place,
                entry: kept.keypoints.get(likely.kept_at)?.1,
                query_at: likely.query_at,
                entry_at: likely.kept_at,
                is_mirrored: likely.is_mirrored,
            })
        })
        .collect();
    let (width, height) = (kept.picture.width() as f32, kept.picture.height() as f32);
    let alignment = align::align(&pairs, width.max(height)).filter(|found| found.agreeing as u32 >= places_min)?;
    let likeness = verify::compare(&kept.picture, &query.picture, &alignment);
    let corners = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)].map(|(x, y)| {
        let (x, y) = alignment.to_query(x, y);
        let share = |at: f32, side: usize| (at / side as f32 * 10_000.0).round() as i32;
        (share(x, query.picture.width()), share(y, query.picture.height()))
    });
    Some(Sighting {
        places: alignment.agreeing as u32,
        compared: likeness.compared as u32,
        alike: likeness.alike as u32,
        overlap: likeness.overlap,
        is_mirrored: alignment.is_mirrored,
        is_pattern: 2 * likeness.alike >= likeness.compared && repeats(&kept.picture),
        corners,
    })
}

/// First byte of the bytes of a kept look.
const FORMAT: u8 = 1;
/// Code, x, y, sigma, direction.
const KEYPOINT_BYTES: usize = 32 + 4 * 2;

impl KeptLook {
    /// For storage: format, width, height, number of keypoints, keypoints, pixels; numbers little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![
            FORMAT,
            self.picture.width() as u8,
            self.picture.height() as u8,
            self.keypoints.len() as u8,
        ];
        for (code, place) in &self.keypoints {
            bytes.extend(code.to_bytes());
            for number in [place.x, place.y, place.sigma, place.direction] {
                bytes.extend(quantized(number).to_le_bytes());
            }
        }
        bytes.extend(self.picture.pixels());
        bytes
    }

    /// From such bytes, whoever wrote them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadLook> {
        let (header, rest) = bytes.split_at_checked(4).ok_or(BadLook("it ends early"))?;
        let [format, width, height, n_keypoints] = header.try_into().map_err(|_| BadLook("it ends early"))?;
        let [format, width, height, n_keypoints]: [u8; 4] = [format, width, height, n_keypoints];
        if format != FORMAT {
            return Err(BadLook("another version of Seawall wrote it"));
        }
        let (width, height, n_keypoints) = (usize::from(width), usize::from(height), usize::from(n_keypoints));
        if width.max(height) > KEPT_SIDE || n_keypoints > KEPT_KEYPOINTS_MAX {
            return Err(BadLook("it is larger than any"));
        }
        let (keypoints, pixels) = rest
            .split_at_checked(n_keypoints * KEYPOINT_BYTES)
            .ok_or(BadLook("it ends early"))?;
        let keypoints = keypoints.chunks_exact(KEYPOINT_BYTES).map(|bytes| {
            let mut code = [0; 32];
            code.copy_from_slice(&bytes[..32]);
            let number = |at: usize| f32::from(u16::from_le_bytes([bytes[32 + 2 * at], bytes[33 + 2 * at]])) / QUANTUM;
            let place = Place {
                x: number(0),
                y: number(1),
                sigma: number(2),
                direction: number(3),
            };
            (Pdq::from_bytes(code), place)
        });
        Ok(Self {
            keypoints: keypoints.collect(),
            picture: Luma::new(width, height, pixels.to_vec())
                .map_err(|_| BadLook("its pixels are not as many as it says"))?,
        })
    }
}

/// Steps to a pixel or radian.
const QUANTUM: f32 = 256.0;

fn quantized(number: f32) -> u16 {
    (number * QUANTUM).round().clamp(0.0, f32::from(u16::MAX)) as u16
}
