//! The 256-bit code itself: text, words, distance. How a code is made from pixels is told in the parent module.

use std::fmt;
use std::str::FromStr;

/// A PDQ hash: 256 bits, two of which are near when the images look alike.
///
/// The text is 64 hexadecimal digits as ThreatExchange and the Python package `pdqhash` write it. Read as one big number,
/// bit `16 * i + j` (0 is the lowest) tells whether the cosine coefficient in row `i` and column `j` lies above the
/// median of all 256. Codes are ordered as their texts are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pdq([u64; 4]);

/// A text is not the hexadecimal form of a PDQ hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePdqError {
    /// The text has the wrong number of characters.
    #[error("a PDQ hash has 64 hexadecimal digits, this has {found} characters")]
    Length {
        /// Characters that were found.
        found: usize,
    },
    /// A character is not a hexadecimal digit.
    #[error("a PDQ hash has {character:?} at position {position}, which is not a hexadecimal digit")]
    NotHex {
        /// The offending character.
        character: char,
        /// Its place, counted in characters from 0.
        position: usize,
    },
}

impl Pdq {
    /// Number of bits in a code, hence the largest distance.
    pub const BITS: u32 = 256;

    /// The code whose text is the sixteen digits of each word in turn, highest digit first.
    pub const fn from_words(words: [u64; 4]) -> Self {
        Self(words)
    }

    /// The four words, in the order of the text.
    pub const fn words(self) -> [u64; 4] {
        self.0
    }

    /// The code with these bytes, in the order of the text.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let (words, _) = bytes.as_chunks::<8>();
        // Unwrap safety: 32 bytes are four chunks of 8.
        let words: &[[u8; 8]; 4] = words.try_into().unwrap();
        Self(words.map(u64::from_be_bytes))
    }

    /// The 32 bytes, in the order of the text.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *chunk = word.to_be_bytes();
        }
        bytes
    }

    /// Number of bits that differ, 0 to 256. Unrelated images lie near 128; 31 is the customary limit for "the same".
    pub const fn distance(self, other: Self) -> u32 {
        let (a, b) = (self.0, other.0);
        (a[0] ^ b[0]).count_ones()
            + (a[1] ^ b[1]).count_ones()
            + (a[2] ^ b[2]).count_ones()
            + (a[3] ^ b[3]).count_ones()
    }

    /// The code with every bit turned, which is about that of the photographic negative. Its distance to any code is
    /// 256 less the distance of `self`.
    pub const fn complement(self) -> Self {
        let [a, b, c, d] = self.0;
        Self([!a, !b, !c, !d])
    }

    /// The code in which bit `n` is `bit(n)`.
    pub(crate) fn from_bits(bit: impl Fn(usize) -> bool) -> Self {
        let mut words = [0; 4];
        for n in 0..256 {
            words[3 - n / 64] |= u64::from(bit(n)) << (n % 64);
        }
        Self(words)
    }
}

/// Reads exactly 64 hexadecimal digits of either case; no spaces, no prefix.
impl FromStr for Pdq {
    type Err = ParsePdqError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not_hex = text
            .chars()
            .enumerate()
            .find(|(_, character)| !character.is_ascii_hexdigit());
        if let Some((position, character)) = not_hex {
            return Err(ParsePdqError::NotHex { character, position });
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParsePdqError::Length { found: text.len() })?;
        Ok(Self::from_bytes(bytes))
    }
}

impl fmt::Display for Pdq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a:016x}{b:016x}{c:016x}{d:016x}")
    }
}

impl fmt::Debug for Pdq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pdq({self})")
    }
}
