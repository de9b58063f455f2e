//! The closed set of signals: what kinds there are, and one value of any kind.
//!
//! A new kind (video, text, audio) is a new variant here; every `match` without `_` then says where it must be thought
//! of. How a value is made stands in the module of its kind.

use crate::audio::{BadPrint, Print};
use crate::digest::{Md5, ParseDigestError, Sha256};
use crate::pdq::{ParsePdqError, Pdq};
use crate::vpdq::{self, Feature, ParseVpdqError};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

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
    /// Hashes of a video's frames; at least one, without the numbers of frames. Its text may take megabytes.
    Vpdq(Arc<[Feature]>),
    /// Fingerprint of a sound; at least one item. Its text may take megabytes.
    Chromaprint(Arc<Print>),
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
    /// The value is not the hash of a video.
    #[error(transparent)]
    Vpdq(#[from] ParseVpdqError),
    /// The value is not the fingerprint of a sound.
    #[error(transparent)]
    Chromaprint(#[from] BadPrint),
    /// The fingerprint is of no sound, or of one that is shorter than three seconds.
    #[error("the fingerprint has no items")]
    NoSound,
}

impl Signal {
    /// The hash of a video; none where there is no frame.
    pub fn vpdq(features: &[Feature]) -> Option<Self> {
        // Of the two published forms only one tells numbers: a hash is the same whichever it came in.
        let features = features.iter().map(|feature| Feature {
            number: None,
            ..*feature
        });
        let features: Arc<[Feature]> = features.collect();
        (!features.is_empty()).then_some(Self::Vpdq(features))
    }

    /// The fingerprint of a sound; none where it has no items.
    pub fn chromaprint(print: Print) -> Option<Self> {
        (!print.items.is_empty()).then(|| Self::Chromaprint(Arc::new(print)))
    }

    /// Whether it is of a whole recording and its text is long: it is kept and shown apart from others.
    pub fn is_long(&self) -> bool {
        match self {
            Self::Pdq { .. } | Self::Md5(_) | Self::Sha256(_) => false,
            Self::Vpdq(_) | Self::Chromaprint(_) => true,
        }
    }

    /// Reads a value written as [`Signal::value`] writes it, in either case where it is hexadecimal, with the quality that stood beside it. Of
    /// vPDQ both published forms are read.
    pub fn parse(kind: SignalType, value: &str, quality: Option<u8>) -> Result<Self, ParseSignalError> {
        let signal = match kind {
            SignalType::Pdq => Self::Pdq {
                hash: value.parse()?,
                quality,
            },
            SignalType::Md5 => Self::Md5(value.parse()?),
            SignalType::Sha256 => Self::Sha256(value.parse()?),
            SignalType::Vpdq => Self::vpdq(&vpdq::parse(value)?).ok_or(ParseVpdqError::Empty)?,
            SignalType::Chromaprint => {
                Self::chromaprint(Print::from_acoustid(value)?).ok_or(ParseSignalError::NoSound)?
            }
        };
        match (&signal, quality) {
            (_, None) => Ok(signal),
            (Self::Pdq { .. }, Some(0..=100)) => Ok(signal),
            (Self::Pdq { .. }, Some(quality)) => Err(ParseSignalError::QualityOutOfRange(quality)),
            (Self::Md5(_) | Self::Sha256(_) | Self::Vpdq(_) | Self::Chromaprint(_), Some(_)) => {
                Err(ParseSignalError::QualityNotExpected(kind))
            }
        }
    }

    /// The kind of this value.
    pub fn signal_type(&self) -> SignalType {
        match self {
            Self::Pdq { .. } => SignalType::Pdq,
            Self::Md5(_) => SignalType::Md5,
            Self::Sha256(_) => SignalType::Sha256,
            Self::Vpdq(_) => SignalType::Vpdq,
            Self::Chromaprint(_) => SignalType::Chromaprint,
        }
    }

    /// The value as text, the form in which it is exchanged: hexadecimal in lower case, vPDQ's JSON list, AcoustID's base64.
    pub fn value(&self) -> String {
        match self {
            Self::Pdq { hash, .. } => hash.to_string(),
            Self::Md5(digest) => digest.to_string(),
            Self::Sha256(digest) => digest.to_string(),
            Self::Vpdq(features) => vpdq::to_json(features),
            Self::Chromaprint(print) => print.to_acoustid(),
        }
    }

    /// 0–100 where the kind has a quality and it is known.
    pub fn quality(&self) -> Option<u8> {
        match self {
            Self::Pdq { quality, .. } => *quality,
            Self::Md5(_) | Self::Sha256(_) | Self::Vpdq(_) | Self::Chromaprint(_) => None,
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
            Signal::parse(SignalType::Vpdq, &format!("7,90,{pdq},0.250\n37,100,{pdq},1.25"), None).unwrap(),
            Signal::chromaprint(Print {
                items: vec![1, 1 << 31, 77],
            })
            .unwrap(),
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
    fn a_recording_of_nothing_is_no_signal() {
        assert!(Signal::parse(SignalType::Vpdq, "[]", None).is_err());
        let nothing = Print::default().to_acoustid();
        assert_eq!(
            Signal::parse(SignalType::Chromaprint, &nothing, None),
            Err(ParseSignalError::NoSound)
        );
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
