//! Signals: short comparable values made from content, and how near two of them are.
//!
//! Everything here is pure. Decoded pixels or bytes go in, a value comes out; nothing is read, stored or logged, and
//! nothing is known of files, codecs, banks, rules or people. Pixels come from whoever decoded them (the `media`
//! worker), many codes are searched by `index`.
//!
//! Start with [`Signal`], the closed set of values a bank entry or an item can carry, then [`pdq`], the perceptual hash
//! of images.

#[cfg(test)]
mod drawn;
mod luma;
mod span;
mod value;

pub mod audio;
pub mod digest;
pub mod keypoints;
pub mod looks;
pub mod nearness;
pub mod pdq;
pub mod video;
pub mod views;
pub mod vpdq;

pub use digest::{Digests, Md5, ParseDigestError, Sha256};
pub use looks::{KeptLook, Looks};
pub use luma::{Luma, Rect};
pub use pdq::{ParsePdqError, Pdq};
pub use span::Span;
pub use value::{ParseSignalError, Signal, SignalType, UnknownSignalType};
