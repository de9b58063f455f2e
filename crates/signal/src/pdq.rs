//! PDQ, the perceptual image hash published by Facebook (now Meta) in 2019 with ThreatExchange.
//!
//! A picture becomes luma, is blurred by a tent filter and thinned to 64 by 64 points; the signs of its 16 by 16 lowest
//! cosine coefficients against their median are the 256 bits. *Quality* says how much structure there was: below 50 the
//! bits mean little.
//!
//! A hash is made twice if need be. `tent` reads every pixel once and comes out right but for the rounding errors of the
//! reference; `margin` knows when those could matter; `sequential` then repeats the reference's additions one by one. So
//! the bits are those of the reference, always, at the price of one pass over the pixels, nearly always.
//!
//! Meta publishes two ways to the thumbnail. One shrinks the file to 512 by 512 first, the other hashes every pixel. They
//! differ by up to 66 bits. Seawall hashes every pixel, as `pdqhash`, python-threatexchange and Hasher-Matcher-Actioner do.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod code;
mod dihedral;
mod margin;
mod pixels;
mod portable;
mod sequential;
mod spectrum;
mod tent;

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
    let [signal] = signals::<3, 1>(image.width(), image.height(), image.pixels(), [Dihedral::Original]);
    signal
}

/// The hash of a grey picture. It equals [`hash_rgb`] of the same picture with three equal channels.
pub fn hash_luma(image: LumaImage<'_>) -> PdqSignal {
    let [signal] = signals::<1, 1>(image.width(), image.height(), image.pixels(), [Dihedral::Original]);
    signal
}

/// The hashes of a colour picture in the eight positions of [`Dihedral::ALL`], for little more than the price of one.
pub fn hash_rgb_dihedral(image: RgbImage<'_>) -> [PdqSignal; 8] {
    signals::<3, 8>(image.width(), image.height(), image.pixels(), Dihedral::ALL)
}

/// The hashes of a colour picture in the eight positions of [`Dihedral::ALL`], now and then a few bits off those of the reference, always in one pass.
pub fn nearly_hash_rgb_dihedral(image: RgbImage<'_>) -> [PdqSignal; 8] {
    nearly::<3, 8>(image.width(), image.height(), image.pixels(), Dihedral::ALL).signals
}

/// The same of a grey picture.
pub fn nearly_hash_luma_dihedral(image: LumaImage<'_>) -> [PdqSignal; 8] {
    nearly_hash_luma_turned(image, Dihedral::ALL)
}

/// The same, and how many bits of the first are in doubt: so near to the median lies what they are made of that pixels rounded in another way would turn them. Of photos that are
/// a few; of drawn colours that run into each other, a hundred.
pub fn nearly_hash_luma_dihedral_and_doubt(image: LumaImage<'_>) -> ([PdqSignal; 8], u32) {
    let found = nearly::<1, 8>(image.width(), image.height(), image.pixels(), Dihedral::ALL);
    (found.signals, found.n_doubtful)
}

/// [`hash_luma`], and how many of its bits are in doubt.
pub fn hash_luma_and_doubt(image: LumaImage<'_>) -> (PdqSignal, u32) {
    let found = certainly::<1, 1>(image.width(), image.height(), image.pixels(), [Dihedral::Original]);
    (found.signals[0], found.n_doubtful)
}

/// The same of a grey picture in these positions alone.
pub fn nearly_hash_luma_turned<const N: usize>(image: LumaImage<'_>, turns: [Dihedral; N]) -> [PdqSignal; N] {
    nearly::<1, N>(image.width(), image.height(), image.pixels(), turns).signals
}

fn nearly<const CHANNELS: usize, const N: usize>(
    width: usize,
    height: usize,
    pixels: &[u8],
    turns: [Dihedral; N],
) -> Concluded<N> {
    if width < SIDE_PIXELS_MIN || height < SIDE_PIXELS_MIN || !tent::fits(width, height) {
        return certainly::<CHANNELS, N>(width, height, pixels, turns);
    }
    quick::<CHANNELS, N>(width, height, pixels, turns, None)
}

fn signals<const CHANNELS: usize, const N: usize>(
    width: usize,
    height: usize,
    pixels: &[u8],
    turns: [Dihedral; N],
) -> [PdqSignal; N] {
    certainly::<CHANNELS, N>(width, height, pixels, turns).signals
}

/// To the bit what the reference says.
fn certainly<const CHANNELS: usize, const N: usize>(
    width: usize,
    height: usize,
    pixels: &[u8],
    turns: [Dihedral; N],
) -> Concluded<N> {
    if width < SIDE_PIXELS_MIN || height < SIDE_PIXELS_MIN {
        return Concluded {
            signals: [PdqSignal::TOO_SMALL; N],
            is_certain: true,
            n_doubtful: 0,
        };
    }
    if tent::fits(width, height) {
        let scale = Some(margin::scale(width, height));
        let found = quick::<CHANNELS, N>(width, height, pixels, turns, scale);
        if found.is_certain {
            return found;
        }
    }
    let thumbnail = sequential::thumbnail::<CHANNELS>(width, height, pixels);
    conclude(&thumbnail, turns, None)
}

/// The signals, and whether no rounding could have changed them, if the scale of errors is given. The size must fit.
fn quick<const CHANNELS: usize, const N: usize>(
    width: usize,
    height: usize,
    pixels: &[u8],
    turns: [Dihedral; N],
    scale: Option<f32>,
) -> Concluded<N> {
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") {
        #[expect(unsafe_code, reason = "a function compiled for features of this processor")]
        // SAFETY: the processor has the feature that the function is compiled for.
        return unsafe { quick_avx2::<CHANNELS, N>(width, height, pixels, turns, scale) };
    }
    quick_portable::<CHANNELS, N>(width, height, pixels, turns, scale)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn quick_avx2<const CHANNELS: usize, const N: usize>(
    width: usize,
    height: usize,
    pixels: &[u8],
    turns: [Dihedral; N],
    scale: Option<f32>,
) -> Concluded<N> {
    // Functions with features of their own are not `Fn`; closures made here have the features of this one.
    let sum_rows = |rows: &[u8], stride, tent: &tent::Tent, sums: &mut [f32]| avx2::sum_rows(rows, stride, tent, sums);
    let sum_across =
        |across: &tent::Across, sums: &[f32], points: &mut [f32; 64]| avx2::sum_across(across, sums, points);
    let thumbnail = tent::thumbnail::<CHANNELS>(width, height, pixels, sum_rows, sum_across);
    conclude(&thumbnail, turns, scale)
}

fn quick_portable<const CHANNELS: usize, const N: usize>(
    width: usize,
    height: usize,
    pixels: &[u8],
    turns: [Dihedral; N],
    scale: Option<f32>,
) -> Concluded<N> {
    let thumbnail = tent::thumbnail::<CHANNELS>(width, height, pixels, portable::sum_rows, portable::sum_across);
    conclude(&thumbnail, turns, scale)
}

/// What a thumbnail says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Concluded<const N: usize> {
    signals: [PdqSignal; N],
    /// Whether it says so for certain when it may be wrong by a scale times the usual errors; where that is not asked, it is not.
    is_certain: bool,
    /// Bits that pixels rounded in another way would turn, in the first position.
    n_doubtful: u32,
}

#[inline(always)]
fn conclude<const N: usize>(thumbnail: &Thumbnail, turns: [Dihedral; N], scale: Option<f32>) -> Concluded<N> {
    let steps = spectrum::sum_of_steps(thumbnail, spectrum::whole);
    let quality = spectrum::quality(steps);
    let is_certain = scale.is_some_and(|scale| margin::quality_is_certain(thumbnail, steps, scale));
    let coefficients = spectrum::transform(thumbnail);
    let mut concluded = Concluded {
        signals: [PdqSignal {
            hash: Pdq::from_words([0; 4]),
            quality,
        }; N],
        is_certain,
        n_doubtful: 0,
    };
    // Not mapped: that is a function of its own, compiled for processors of any kind.
    for (at, (signal, turn)) in concluded.signals.iter_mut().zip(turns).enumerate() {
        let turned = turn.apply(&coefficients);
        let median = spectrum::median(&turned);
        if let Some(scale) = scale {
            concluded.is_certain &= margin::bits_are_certain(&turned, median, scale);
        }
        if at == 0 {
            concluded.n_doubtful = margin::n_doubtful(&turned, median);
        }
        signal.hash = spectrum::bits(&turned, median);
    }
    concluded
}

#[cfg(test)]
mod tests;
