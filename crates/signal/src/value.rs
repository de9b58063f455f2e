//! The closed set of signals: what kinds there are, and one value of any kind.
//!
//! A new kind (video, text, audio) is a new variant here; every `match` without `_` then says where it must be thought
//! of. How a value is made stands in the module of its kind.

use crate::digest::{Md5, ParseDigestError, Sha256};
use crate::pdq::{ParsePdqError, Pdq};
use std::fmt;
use std::str::FromStr;

/// A kind of signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignalType {
    /// Perceptual hash of an image, 256 bits; near images have near hashes.
    Pdq,
    /// MD5 of the bytes.
    Md5,
    /// SHA-256 of the bytes.
    Sha256,
    /// Perceptual hashes of a video's frames, one a second, with their moments.
    Vpdq,
    /// Fingerprint of a sound, as AcoustID exchanges it.
    Chromaprint,
}

/// The name is not that of a kind of signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown signal type {0:?}, known are {known}", known = known_names())]
pub struct UnknownSignalType(pub String);

fn known_names() -> String {
    SignalType::ALL.map(SignalType::as_str).join(", ")
}

impl SignalType {
    /// Every kind, in the order in which lists show them.
    pub const ALL: [Self; 5] = [Self::Pdq, Self::Md5, Self::Sha256, Self::Vpdq, Self::Chromaprint];

    /// The name used in files, APIs, tables and the console. It never changes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pdq => "pdq",
            Self::Md5 => "md5",
            Self::Sha256 => "sha256",
            Self::Vpdq => "vpdq",
            Self::Chromaprint => "chromaprint",
        }
    }
}

/// Reads the exact name that [`SignalType::as_str`] gives.
impl FromStr for SignalType {
    type Err = UnknownSignalType;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| UnknownSignalType(name.to_owned()))
    }
}

impl fmt::Display for SignalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A value made from content, comparable with others of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Perceptual hash of an image.
    Pdq {
        /// The hash.
        hash: Pdq,
        /// 0–100, how much structure the image had. Absent when the hash came from a list that does not say.
        quality: Option<u8>,
    },
    /// MD5 of the bytes.
    Md5(Md5),
    /// SHA-256 of the bytes.
    Sha256(Sha256),
}

/// A text is not a signal of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseSignalError {
    /// The value is not a PDQ hash.
    #[error(transparent)]
    Pdq(#[from] ParsePdqError),
    /// The value is not a digest of its kind.
    #[error(transparent)]
    Digest(#[from] ParseDigestError),
    /// The quality is above 100.
    #[error("quality is 0 to 100, not {0}")]
    QualityOutOfRange(u8),
    /// A quality was given for a kind that has none.
    #[error("{0} has no quality")]
    QualityNotExpected(SignalType),
    /// Values of this kind are not read.
    #[error("values of {0} are not read here")]
    NotReadHere(SignalType),
}

impl Signal {
    /// Reads a value written as [`Signal::value`] writes it, in either case, with the quality that stood beside it.
    pub fn parse(kind: SignalType, value: &str, quality: Option<u8>) -> Result<Self, ParseSignalError> {
        let signal = match kind {
            SignalType::Pdq => Self::Pdq {
                hash: value.parse()?,
                quality,
            },
            SignalType::Md5 => Self::Md5(value.parse()?),
            SignalType::Sha256 => Self::Sha256(value.parse()?),
            SignalType::Vpdq | SignalType::Chromaprint => return Err(ParseSignalError::NotReadHere(kind)),
        };
        match (&signal, quality) {
            (_, None) => Ok(signal),
            (Self::Pdq { .. }, Some(0..=100)) => Ok(signal),
            (Self::Pdq { .. }, Some(quality)) => Err(ParseSignalError::QualityOutOfRange(quality)),
            (Self::Md5(_) | Self::Sha256(_), Some(_)) => Err(ParseSignalError::QualityNotExpected(kind)),
        }
    }

    /// The kind of this value.
    pub fn signal_type(&self) -> SignalType {
        match self {
            Self::Pdq { .. } => SignalType::Pdq,
            Self::Md5(_) => SignalType::Md5,
            Self::Sha256(_) => SignalType::Sha256,
        }
    }

    /// The value as lower-case text, the form in which it is stored and exchanged.
    pub fn value(&self) -> String {
        match self {
            Self::Pdq { hash, .. } => hash.to_string(),
            Self::Md5(digest) => digest.to_string(),
            Self::Sha256(digest) => digest.to_string(),
        }
    }

    /// 0–100 where the kind has a quality and it is known.
    pub fn quality(&self) -> Option<u8> {
        match self {
            Self::Pdq { quality, .. } => *quality,
            Self::Md5(_) | Self::Sha256(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for kind in SignalType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        let error = "PDQ".parse::<SignalType>().unwrap_err();
        assert_eq!(
            error.to_string(),
            r#"unknown signal type "PDQ", known are pdq, md5, sha256, vpdq, chromaprint"#
        );
    }

    #[test]
    fn values_are_read_back() {
        let pdq = "f".repeat(63) + "0";
        let signals = [
            Signal::parse(SignalType::Pdq, &pdq.to_uppercase(), Some(100)).unwrap(),
            Signal::parse(SignalType::Pdq, &pdq, None).unwrap(),
            Signal::Md5(Md5::of(b"a")),
            Signal::Sha256(Sha256::of(b"a")),
        ];
        assert_eq!(signals[0].value(), pdq);
        for signal in signals {
            assert_eq!(
                Signal::parse(signal.signal_type(), &signal.value(), signal.quality()),
                Ok(signal)
            );
        }
    }

    #[test]
    fn quality_is_checked() {
        let pdq = "0".repeat(64);
        let md5 = "0".repeat(32);
        assert_eq!(
            Signal::parse(SignalType::Pdq, &pdq, Some(101)),
            Err(ParseSignalError::QualityOutOfRange(101))
        );
        assert_eq!(
            Signal::parse(SignalType::Md5, &md5, Some(1)),
            Err(ParseSignalError::QualityNotExpected(SignalType::Md5))
        );
    }
}
