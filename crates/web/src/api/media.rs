//! Files and signals as clients send them.

use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use moderation::flows::submit::Submission;
use moderation::model::TranscriptLine;
use moderation::signal::{self, Signal};
use serde::{Deserialize, Deserializer, de};
use utoipa::ToSchema;

use super::words::bounded;
use crate::extract::Object;
use crate::problem::ApiError;

/// A file: its bytes, its signals, or where it is. Exactly one of the three, but of a file that lies in the same form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MediaInput {
    pub name: String,
    #[serde(default, deserialize_with = "present")]
    pub data_base64: Option<Base64Bytes>,
    #[serde(
        default,
        deserialize_with = "at_most_if_present::<_, _, { Submission::SIGNALS_MAX }>"
    )]
    pub signals: Option<Vec<Object<SignalInput>>>,
    #[serde(default, deserialize_with = "present")]
    pub url: Option<String>,
    #[serde(default, deserialize_with = "at_most::<_, _, { TranscriptLine::LINES_MAX }>")]
    pub transcript: Vec<Object<TranscriptLineInput>>,
}

/// A file of a submission: its bytes, signals that the platform computed before, or where it is.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(as = NewMedia)]
#[expect(dead_code, reason = "the schema of `MediaInput`, which says better what is wrong")]
pub(crate) enum MediaInputSchema {
    Uploaded(UploadedMedia),
    Given(GivenMedia),
    Linked(LinkedMedia),
    Described(DescribedMedia),
}

/// A file by its bytes.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a part of the schema of `MediaInput`")]
pub(crate) struct UploadedMedia {
    /// The platform's name for the file.
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*$",
        example = "a.jpg"
    )]
    name: String,
    /// The file in base 64 (RFC 4648 §4, with padding).
    #[schema(
        content_encoding = "base64",
        pattern = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$"
    )]
    data_base64: String,
    /// What is said in it, if the platform wrote that down: for reviewers, and for rules.
    #[schema(required = false, max_items = 2000)]
    transcript: Vec<TranscriptLineInput>,
}

/// A file by signals that the platform computed before. Seawall never sees it.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a part of the schema of `MediaInput`")]
pub(crate) struct GivenMedia {
    /// The platform's name for the file.
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*$",
        example = "a.jpg"
    )]
    name: String,
    /// Its signals.
    #[schema(min_items = 1, max_items = 1000)]
    signals: Vec<SignalInput>,
    /// What is said in it, if the platform wrote that down: for reviewers, and for rules.
    #[schema(required = false, max_items = 2000)]
    transcript: Vec<TranscriptLineInput>,
}

/// A file by its address. It is fetched only from hosts that the operator listed; otherwise the file is `unscanned`.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a part of the schema of `MediaInput`")]
pub(crate) struct LinkedMedia {
    /// The platform's name for the file.
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*$",
        example = "a.jpg"
    )]
    name: String,
    /// Where it is.
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"^[^\x00]*$",
        example = "https://media.example.org/a.jpg"
    )]
    url: String,
    /// What is said in it, if the platform wrote that down: for reviewers, and for rules.
    #[schema(required = false, max_items = 2000)]
    transcript: Vec<TranscriptLineInput>,
}

/// A file of the same form, of which more is said here.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a part of the schema of `MediaInput`")]
pub(crate) struct DescribedMedia {
    /// The file's name in the form.
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*$",
        example = "a.mp4"
    )]
    name: String,
    /// What is said in it, if the platform wrote that down: for reviewers, and for rules.
    #[schema(min_items = 1, max_items = 2000)]
    transcript: Vec<TranscriptLineInput>,
}

/// Something that is said in a video or a sound.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TranscriptLine)]
pub(crate) struct TranscriptLineInput {
    /// When it begins, in milliseconds of the file's or the stream's own time. No line begins before the one before it.
    from_ms: u32,
    /// When it ends: not before it begins.
    to_ms: u32,
    /// What is said.
    #[schema(min_length = 1, max_length = 2000, pattern = r"^[^\x00]*$")]
    text: String,
    /// Its language, such as `en` or `pt-BR`, if that is known.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")]
    language: Option<String>,
}

/// A signal, computed before.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(tag = "type", deny_unknown_fields)]
#[schema(as = Signal)]
pub(crate) enum SignalInput {
    /// Perceptual hash of an image, 256 bits.
    #[serde(rename = "pdq")]
    Pdq {
        /// In hexadecimal.
        #[schema(
            pattern = "^[0-9a-fA-F]{64}$",
            example = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
        )]
        value: String,
        /// 0 to 100, how much structure the picture had, if that is known.
        #[serde(default, deserialize_with = "whole_number")]
        #[schema(nullable = false, minimum = 0, maximum = 100)]
        quality: Option<u8>,
    },
    /// MD5 of the bytes.
    #[serde(rename = "md5")]
    Md5 {
        /// In hexadecimal.
        #[schema(pattern = "^[0-9a-fA-F]{32}$")]
        value: String,
    },
    /// SHA-256 of the bytes.
    #[serde(rename = "sha256")]
    Sha256 {
        /// In hexadecimal.
        #[schema(pattern = "^[0-9a-fA-F]{64}$")]
        value: String,
    },
    /// Hashes of a video's frames.
    #[serde(rename = "vpdq")]
    Vpdq {
        /// vPDQ's list as a text of JSON, `["hash,quality,seconds", …]`, or its lines `frame,quality,hash,seconds`.
        #[schema(example = "[\"f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22,100,0.0\"]")]
        value: String,
    },
    /// Fingerprint of a sound, by Chromaprint's algorithm 2.
    #[serde(rename = "chromaprint")]
    Chromaprint {
        /// AcoustID's compressed form in URL-safe base64.
        #[schema(pattern = "^[A-Za-z0-9_-]+=*$")]
        value: String,
    },
}

/// Most characters of a file's name and of an address.
pub(crate) const NAME_LENGTH_MAX: usize = 2_000;

/// The name of a file.
pub(crate) fn media_name(field: &str, name: String) -> Result<String, ApiError> {
    let name = bounded(field, name, 1, NAME_LENGTH_MAX)?;
    if name.chars().any(char::is_control) {
        return Err(ApiError::invalid(field, "has a control character"));
    }
    Ok(name)
}

/// Reads signals; the error names the one that is wrong.
pub(crate) fn read_signals(field: &str, signals: Vec<Object<SignalInput>>) -> Result<Vec<Signal>, ApiError> {
    let read = |(idx, Object(input)): (usize, Object<SignalInput>)| {
        let (kind, value, quality) = match input {
            SignalInput::Pdq { value, quality } => (signal::SignalType::Pdq, value, quality),
            SignalInput::Md5 { value } => (signal::SignalType::Md5, value, None),
            SignalInput::Sha256 { value } => (signal::SignalType::Sha256, value, None),
            SignalInput::Vpdq { value } => (signal::SignalType::Vpdq, value, None),
            SignalInput::Chromaprint { value } => (signal::SignalType::Chromaprint, value, None),
        };
        Signal::parse(kind, &value, quality).map_err(|error| {
            let part = if matches!(error, signal::ParseSignalError::QualityOutOfRange(_)) {
                "quality"
            } else {
                "value"
            };
            ApiError::invalid(format!("{field}[{idx}].{part}"), format!("cannot be read: {error}"))
        })
    };
    signals.into_iter().enumerate().map(read).collect()
}

/// Reads a transcript. Whether its lines can be is the flow's to say.
pub(crate) fn read_transcript(lines: Vec<Object<TranscriptLineInput>>) -> Vec<TranscriptLine> {
    let read = |Object(line): Object<TranscriptLineInput>| TranscriptLine {
        from_ms: line.from_ms,
        to_ms: line.to_ms,
        text: line.text,
        language: line.language,
    };
    lines.into_iter().map(read).collect()
}

/// Bytes that stand in JSON as base 64.
#[derive(Debug, Clone)]
pub(crate) struct Base64Bytes(pub Bytes);

impl<'de> Deserialize<'de> for Base64Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Base64Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a file in base 64 with padding")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Base64Bytes, E> {
                // The error says where, never what: content does not belong into answers and logs.
                let bytes = STANDARD
                    .decode(text)
                    .map_err(|_| E::custom("not base 64 with padding"))?;
                Ok(Base64Bytes(bytes.into()))
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

/// For fields that may be absent but not `null`.
pub(crate) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// For lists: reading ends with an error at the first element too many, however many follow. An element takes several times
/// the memory that its JSON does, which is all that the limits on bodies count.
pub(crate) fn at_most<'de, D: Deserializer<'de>, T: Deserialize<'de>, const N: usize>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    struct Visitor<T, const N: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const N: usize> de::Visitor<'de> for Visitor<T, N> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {N}")
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut elements = Vec::new();
            while let Some(element) = list.next_element()? {
                if elements.len() == N {
                    return Err(de::Error::custom(format_args!("there are more than {N}")));
                }
                elements.push(element);
            }
            Ok(elements)
        }
    }

    deserializer.deserialize_seq(Visitor::<T, N>(PhantomData))
}

/// The same for lists that may be absent but not `null`.
pub(crate) fn at_most_if_present<'de, D: Deserializer<'de>, T: Deserialize<'de>, const N: usize>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    at_most::<D, T, N>(deserializer).map(Some)
}

/// A whole number from 0 to 255 however JSON writes it: `67.0` is one as well.
fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if number.fract() != 0.0 || !(0.0..=255.0).contains(&number) {
        return Err(de::Error::custom("not a whole number from 0 to 100"));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Ok(Some(number as u8))
}
