//! Digests of the bytes as uploaded: they find the same file, and nothing that was re-encoded, cropped or resized.
//!
//! MD5 is here because exchanges of known content still carry it. It identifies, it does not authenticate: nothing in
//! Seawall relies on MD5 being hard to collide.

use md5::Digest as _;
use std::fmt;
use std::str::FromStr;

/// A text is not the hexadecimal form of the digest asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseDigestError {
    /// The text has the wrong number of characters.
    #[error("{name} has {expected} hexadecimal digits, this has {found} characters")]
    Length {
        /// Which digest was asked for, as [`SignalType::as_str`](crate::SignalType::as_str) names it.
        name: &'static str,
        /// Digits that the digest has.
        expected: usize,
        /// Characters that were found.
        found: usize,
    },
    /// A character is not a hexadecimal digit.
    #[error("{name} has {character:?} at position {position}, which is not a hexadecimal digit")]
    NotHex {
        /// Which digest was asked for.
        name: &'static str,
        /// The offending character.
        character: char,
        /// Its place, counted in characters from 0.
        position: usize,
    },
}

/// MD5 of a file's bytes, 128 bits (RFC 1321).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Md5([u8; 16]);

/// SHA-256 of a file's bytes, 256 bits (FIPS 180-4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Md5 {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(md5::Md5::digest(bytes).into())
    }

    /// The digest with these bytes, in the order of its hexadecimal text.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, in the order of the hexadecimal text.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl Sha256 {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The digest with these bytes, in the order of its hexadecimal text.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, in the order of the hexadecimal text.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

/// The digests of bytes that come piece by piece.
#[derive(Debug, Clone, Default)]
pub struct Digests {
    md5: md5::Md5,
    sha256: sha2::Sha256,
}

impl Digests {
    /// More bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.sha256.update(bytes);
    }

    /// The digests of all bytes so far.
    pub fn finish(self) -> (Md5, Sha256) {
        (Md5(self.md5.finalize().into()), Sha256(self.sha256.finalize().into()))
    }
}

/// Reads exactly 32 hexadecimal digits of either case; no spaces, no prefix.
impl FromStr for Md5 {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex("md5", text).map(Self)
    }
}

/// Reads exactly 64 hexadecimal digits of either case; no spaces, no prefix.
impl FromStr for Sha256 {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex("sha256", text).map(Self)
    }
}

fn parse_hex<const N: usize>(name: &'static str, text: &str) -> Result<[u8; N], ParseDigestError> {
    let not_hex = text
        .chars()
        .enumerate()
        .find(|(_, character)| !character.is_ascii_hexdigit());
    if let Some((position, character)) = not_hex {
        return Err(ParseDigestError::NotHex {
            name,
            character,
            position,
        });
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseDigestError::Length {
        name,
        expected: 2 * N,
        found: text.len(),
    })?;
    Ok(bytes)
}

impl fmt::Display for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Md5({self})")
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors() {
        // RFC 1321, appendix A.5.
        assert_eq!(Md5::of(b"").to_string(), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(
            Md5::of(b"message digest").to_string(),
            "f96b697d7cb7938d525a2f31aaf161d0"
        );
        // FIPS 180-4 example, "abc".
        assert_eq!(
            Sha256::of(b"abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn reads_both_cases_and_refuses_the_rest() {
        let text = "f96b697d7cb7938d525a2f31aaf161d0";
        let digest: Md5 = text.parse().unwrap();
        assert_eq!(text.to_uppercase().parse(), Ok(digest));
        assert_eq!(Md5::from_bytes(digest.to_bytes()), digest);

        let length = |found| {
            Err(ParseDigestError::Length {
                name: "md5",
                expected: 32,
                found,
            })
        };
        assert_eq!("".parse::<Md5>(), length(0));
        assert_eq!(text[1..].parse::<Md5>(), length(31));
        assert_eq!(format!("{text}00").parse::<Md5>(), length(34));

        let not_hex = |character, position| {
            Err(ParseDigestError::NotHex {
                name: "sha256",
                character,
                position,
            })
        };
        assert_eq!(format!("0x{text}").parse::<Sha256>(), not_hex('x', 1));
        assert_eq!(format!("{text} {text}").parse::<Sha256>(), not_hex(' ', 32));
        assert_eq!("é".repeat(32).parse::<Sha256>(), not_hex('é', 0));
    }
}
