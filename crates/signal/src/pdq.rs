//! PDQ, the perceptual image hash published by Facebook (now Meta) in 2019 with ThreatExchange.
//!
//! A picture becomes luma, is blurred by a tent filter and thinned to 64 by 64 points; the signs of its 16 by 16 lowest
//! cosine coefficients against their median are the 256 bits. *Quality* says how much structure there was: below 50 the
//! bits mean little.
//!
//! Meta publishes two ways to the thumbnail. One shrinks the file to 512 by 512 first, the other hashes every pixel. They
//! differ by up to 66 bits. Seawall hashes every pixel, as `pdqhash`, python-threatexchange and Hasher-Matcher-Actioner do.

mod code;
mod dihedral;
mod pixels;
mod sequential;
mod spectrum;

pub use code::{ParsePdqError, Pdq};
pub use dihedral::Dihedral;
pub use pixels::{BadPixels, LumaImage, RgbImage};

use spectrum::Thumbnail;

/// A picture with a side below this many pixels has no meaningful hash: all bits 0, quality 0.
pub const SIDE_PIXELS_MIN: usize = 5;

/// A hash with how much it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PdqSignal {
    /// The hash.
    pub hash: Pdq,
    /// 0–100, how much structure the picture had. Seawall matches from 50 on.
    pub quality: u8,
}

impl PdqSignal {
    const TOO_SMALL: Self = Self {
        hash: Pdq::from_words([0; 4]),
        quality: 0,
    };
}

/// The hash of a colour picture.
pub fn hash_rgb(image: RgbImage<'_>) -> PdqSignal {
    match sequential::thumbnail_rgb(image) {
        Some(thumbnail) => hash_thumbnail(&thumbnail),
        None => PdqSignal::TOO_SMALL,
    }
}

/// The hash of a grey picture. It equals [`hash_rgb`] of the same picture with three equal channels.
pub fn hash_luma(image: LumaImage<'_>) -> PdqSignal {
    match sequential::thumbnail_luma(image) {
        Some(thumbnail) => hash_thumbnail(&thumbnail),
        None => PdqSignal::TOO_SMALL,
    }
}

/// The hashes of a colour picture in the eight positions of [`Dihedral::ALL`], for little more than the price of one.
pub fn hash_rgb_dihedral(image: RgbImage<'_>) -> [PdqSignal; 8] {
    let Some(thumbnail) = sequential::thumbnail_rgb(image) else {
        return [PdqSignal::TOO_SMALL; 8];
    };
    let quality = spectrum::quality(&thumbnail);
    let coefficients = spectrum::transform(&thumbnail);
    Dihedral::ALL.map(|turn| PdqSignal {
        hash: spectrum::threshold(&turn.apply(&coefficients)),
        quality,
    })
}

fn hash_thumbnail(thumbnail: &Thumbnail) -> PdqSignal {
    PdqSignal {
        hash: spectrum::threshold(&spectrum::transform(thumbnail)),
        quality: spectrum::quality(thumbnail),
    }
}
