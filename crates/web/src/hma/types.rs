//! HMA's types of content and signals: their names, what they are here, and how their values are written.

use std::fmt;
use std::str::FromStr;

use moderation::flows::hma::ContentKind;
use moderation::signal::{Signal, SignalType};

use super::HmaSettings;

/// A type of signal as HMA names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HmaSignalType {
    /// PDQ of a photo.
    Pdq,
    /// MD5 of a video's bytes.
    VideoMd5,
    /// SHA-256 of a video's bytes.
    VideoSha256,
    /// Hashes of a video's frames.
    Vpdq,
}

/// The name is not that of a type of signal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of pdq, video_md5, video_sha256 and vpdq")]
pub struct ParseHmaSignalTypeError(String);

impl HmaSignalType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::Pdq, Self::VideoMd5, Self::VideoSha256, Self::Vpdq];

    /// HMA's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pdq => "pdq",
            Self::VideoMd5 => "video_md5",
            Self::VideoSha256 => "video_sha256",
            Self::Vpdq => "vpdq",
        }
    }

    /// What it is here.
    pub(super) const fn signal_type(self) -> SignalType {
        match self {
            Self::Pdq => SignalType::Pdq,
            Self::VideoMd5 => SignalType::Md5,
            Self::VideoSha256 => SignalType::Sha256,
            Self::Vpdq => SignalType::Vpdq,
        }
    }

    /// The type of content that it is made of.
    pub(super) const fn content(self) -> ContentKind {
        match self {
            Self::Pdq => ContentKind::Photo,
            Self::VideoMd5 | Self::VideoSha256 | Self::Vpdq => ContentKind::Video,
        }
    }

    /// Reads a value as HMA does: a PDQ hash in lower case alone, a digest in either. The error is HMA's.
    pub(super) fn read(self, value: &str) -> Result<Signal, String> {
        let is_taken = match self {
            Self::Pdq => !value.bytes().any(|byte| byte.is_ascii_uppercase()),
            Self::VideoMd5 | Self::VideoSha256 => true,
            // Of the published forms HMA knows the JSON list alone.
            Self::Vpdq => value.trim_start().starts_with('['),
        };
        let signal = is_taken
            .then(|| Signal::parse(self.signal_type(), value, None).ok())
            .flatten();
        let shown: String = value.chars().take(100).collect();
        signal.ok_or_else(|| match self {
            Self::Pdq => "invalid PDQ hash".to_owned(),
            Self::VideoMd5 => format!("'{shown}' is not a valid MD5 hash"),
            Self::VideoSha256 => format!("'{shown}' is not a valid SHA256 hash"),
            Self::Vpdq => "invalid VPDQ hash".to_owned(),
        })
    }
}

impl FromStr for HmaSignalType {
    type Err = ParseHmaSignalTypeError;

    fn from_str(name: &str) -> Result<Self, ParseHmaSignalTypeError> {
        Self::ALL
            .into_iter()
            .find(|known| known.name() == name)
            .ok_or_else(|| ParseHmaSignalTypeError(name.chars().take(100).collect()))
    }
}

impl fmt::Display for HmaSignalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl HmaSettings {
    /// The type of this name, if the operator chose it.
    pub(super) fn find_type(&self, name: &str) -> Option<HmaSignalType> {
        self.signal_types.iter().copied().find(|known| known.name() == name)
    }

    /// The type that a signal is of, if the operator chose it.
    pub(super) fn type_of(&self, kind: SignalType) -> Option<HmaSignalType> {
        self.signal_types
            .iter()
            .copied()
            .find(|known| known.signal_type() == kind)
    }
}

/// HMA's names for what files are.
pub(super) const CONTENT_TYPES: [(&str, ContentKind); 2] =
    [("photo", ContentKind::Photo), ("video", ContentKind::Video)];

/// The type of content of this name.
pub(super) fn find_content(name: &str) -> Option<ContentKind> {
    let found = CONTENT_TYPES.iter().find(|(known, _)| *known == name);
    found.map(|(_, kind)| *kind)
}

/// PDQ hashes of a lower quality say nothing: HMA gives an empty text in their place.
const PDQ_QUALITY_MIN: u8 = 50;

/// A signal as HMA writes it.
pub(super) fn write(signal: &Signal) -> String {
    match signal {
        Signal::Pdq { quality, .. } if quality.is_some_and(|quality| quality < PDQ_QUALITY_MIN) => String::new(),
        Signal::Pdq { .. } | Signal::Md5(_) | Signal::Sha256(_) | Signal::Vpdq(_) | Signal::Chromaprint(_) => {
            signal.value()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_hma_reads_them_but_for_its_poison() {
        let hash = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";
        assert!(HmaSignalType::Pdq.read(hash).is_ok());
        for bad in [&hash.to_uppercase(), &format!("{hash}\n"), &hash[1..], "", "zz"] {
            assert_eq!(
                HmaSignalType::Pdq.read(bad),
                Err("invalid PDQ hash".to_owned()),
                "{bad:?}"
            );
        }
        assert!(HmaSignalType::VideoMd5.read("d41d8cd98f00b204e9800998ecf8427e").is_ok());
        assert!(HmaSignalType::VideoMd5.read("D41D8CD98F00B204E9800998ECF8427E").is_ok());
        assert!(HmaSignalType::VideoMd5.read(hash).is_err());
    }
}
