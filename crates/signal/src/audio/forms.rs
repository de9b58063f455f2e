//! Prints as bytes and as text: what AcoustID exchanges, what is stored, what goes from the worker to the server.

use super::classify::Item;
use super::{ITEMS_MAX, Played, Print, QueryPrints, SPEEDS, Speed};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// Bytes or a text that are no print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the print of a sound: {0}")]
pub struct BadPrint(&'static str);

const ENDS_EARLY: BadPrint = BadPrint("it ends early");
const TOO_LONG: BadPrint = BadPrint("it is longer than any");
const TRAILING: BadPrint = BadPrint("more follows than it says");
const OTHER_VERSION: BadPrint = BadPrint("another version of Seawall wrote it");

/// Chromaprint's number for its algorithm 2.
const ALGORITHM: u8 = 1;
/// Numbers of three bits at most so large; what is larger follows in five more bits.
const LARGE: u8 = 7;
/// First byte of a stored print.
const FORMAT: u8 = 1;
/// First byte of a query's prints.
const QUERY_FORMAT: u8 = 1;

impl Print {
    /// Chromaprint's compressed form in URL-safe base64, as AcoustID and `fpcalc` write it.
    pub fn to_acoustid(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.compress())
    }

    /// From such a text.
    pub fn from_acoustid(text: &str) -> Result<Self, BadPrint> {
        let text = text.trim().trim_end_matches('=');
        // No item takes less than three bits.
        if text.len() > ITEMS_MAX * 32 {
            return Err(TOO_LONG);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| BadPrint("it is not URL-safe base64"))?;
        Self::decompress(&bytes)
    }

    /// Of each item the bits that differ from the item before, as the ways from one to the next.
    fn compress(&self) -> Vec<u8> {
        let (mut small, mut large) = (Vec::new(), Vec::new());
        let mut before = 0;
        for &item in &self.items {
            let mut changed = item ^ before;
            before = item;
            let mut last = 0;
            while changed != 0 {
                let at = changed.trailing_zeros() as u8 + 1;
                changed &= changed - 1;
                let step = at - last;
                last = at;
                small.push(step.min(LARGE));
                if step >= LARGE {
                    large.push(step - LARGE);
                }
            }
            small.push(0);
        }
        let length = (self.items.len() as u32).to_be_bytes();
        let mut bytes = vec![ALGORITHM, length[1], length[2], length[3]];
        pack(&small, 3, &mut bytes);
        pack(&large, 5, &mut bytes);
        bytes
    }

    fn decompress(bytes: &[u8]) -> Result<Self, BadPrint> {
        let (header, body) = bytes.split_at_checked(4).ok_or(ENDS_EARLY)?;
        if header[0] != ALGORITHM {
            return Err(BadPrint("it was made by another algorithm than Chromaprint's second"));
        }
        let n_items = u32::from_be_bytes([0, header[1], header[2], header[3]]) as usize;
        if n_items > ITEMS_MAX {
            return Err(TOO_LONG);
        }
        // Where the numbers of three bits end is known when the last item ended.
        let mut n_small = 0;
        let mut n_ended = 0;
        while n_ended < n_items {
            let number = unpack(body, 3, n_small).ok_or(ENDS_EARLY)?;
            n_small += 1;
            n_ended += usize::from(number == 0);
        }
        let large = &body[(n_small * 3).div_ceil(8)..];
        let mut n_large = 0;
        let mut items = Vec::with_capacity(n_items);
        let (mut item, mut at) = (0_u32, 0_u32);
        for number in 0..n_small {
            let mut step = unpack(body, 3, number).ok_or(ENDS_EARLY)?;
            if step == 0 {
                items.push(item);
                at = 0;
                continue;
            }
            if step == LARGE {
                step += unpack(large, 5, n_large).ok_or(ENDS_EARLY)?;
                n_large += 1;
            }
            at += u32::from(step);
            if at > u32::BITS {
                return Err(BadPrint("it names a bit beyond the last"));
            }
            item ^= 1 << (at - 1);
        }
        if (n_large * 5).div_ceil(8) != large.len() {
            return Err(TRAILING);
        }
        Ok(Self { items })
    }

    /// For storage: the format, then the items, little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + 4 * self.items.len());
        bytes.push(FORMAT);
        for item in &self.items {
            bytes.extend(item.to_le_bytes());
        }
        bytes
    }

    /// From such bytes, whoever wrote them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadPrint> {
        let (&format, rest) = bytes.split_first().ok_or(ENDS_EARLY)?;
        if format != FORMAT {
            return Err(OTHER_VERSION);
        }
        let (items, more) = rest.as_chunks::<4>();
        match (items.len(), more.len()) {
            (_, 1..) => Err(ENDS_EARLY),
            (n_items, _) if n_items > ITEMS_MAX => Err(TOO_LONG),
            _ => Ok(Self {
                items: items.iter().copied().map(u32::from_le_bytes).collect(),
            }),
        }
    }
}

/// Appends numbers of so many bits, the lowest first; the last byte is filled up.
fn pack(numbers: &[u8], n_bits: usize, bytes: &mut Vec<u8>) {
    let (mut waiting, mut n_waiting) = (0_u32, 0);
    for number in numbers {
        waiting |= u32::from(*number) << n_waiting;
        n_waiting += n_bits;
        while n_waiting >= 8 {
            bytes.push(waiting as u8);
            waiting >>= 8;
            n_waiting -= 8;
        }
    }
    if n_waiting > 0 {
        bytes.push(waiting as u8);
    }
}

/// One number of those that [`pack`] wrote.
fn unpack(bytes: &[u8], n_bits: usize, number: usize) -> Option<u8> {
    let (byte, shift) = (number * n_bits / 8, number * n_bits % 8);
    let low = u16::from(*bytes.get(byte)?);
    let high = match shift + n_bits > 8 {
        true => u16::from(*bytes.get(byte + 1)?),
        false => 0,
    };
    Some(((low | high << 8) >> shift) as u8 & ((1 << n_bits) - 1))
}

impl QueryPrints {
    /// For the way from the worker to the server: format, number of speeds; for each the pitch, the tempo, the number of its first item, how many there are, and of
    /// each the bits and the doubts. Numbers are little-endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        let n_items: usize = self.played.iter().map(|played| played.items.len()).sum();
        let mut bytes = Vec::with_capacity(2 + 16 * self.played.len() + 8 * n_items);
        bytes.extend([QUERY_FORMAT, self.played.len() as u8]);
        for played in &self.played {
            bytes.extend(played.speed.pitch.to_le_bytes());
            bytes.extend(played.speed.tempo.to_le_bytes());
            bytes.extend(played.first.to_le_bytes());
            bytes.extend((played.items.len() as u32).to_le_bytes());
            for item in &played.items {
                bytes.extend(item.bits.to_le_bytes());
                bytes.extend(item.doubts.to_le_bytes());
            }
        }
        bytes
    }

    /// From such bytes, whoever wrote them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadPrint> {
        let (&[format, n_played], mut rest) = bytes.split_first_chunk().ok_or(ENDS_EARLY)?;
        if format != QUERY_FORMAT {
            return Err(OTHER_VERSION);
        }
        if usize::from(n_played) > SPEEDS.len() {
            return Err(BadPrint("it has more speeds than any"));
        }
        let mut played = Vec::with_capacity(usize::from(n_played));
        for _ in 0..n_played {
            let mut number = || {
                let (number, more) = rest.split_first_chunk::<4>().ok_or(ENDS_EARLY)?;
                rest = more;
                Ok(*number)
            };
            let speed = Speed {
                pitch: f32::from_le_bytes(number()?),
                tempo: f32::from_le_bytes(number()?),
            };
            let first = u32::from_le_bytes(number()?);
            let n_items = u32::from_le_bytes(number()?) as usize;
            if !SPEEDS.contains(&speed) {
                return Err(BadPrint("it was played at a speed that is none of ours"));
            }
            // No sound is so long that its items cannot be counted.
            if n_items > ITEMS_MAX || first > u32::MAX / 2 {
                return Err(TOO_LONG);
            }
            let (items, more) = rest.split_at_checked(n_items * 8).ok_or(ENDS_EARLY)?;
            rest = more;
            let (items, _) = items.as_chunks::<8>();
            let items = items.iter().map(|&[a, b, c, d, e, f, g, h]| Item {
                bits: u32::from_le_bytes([a, b, c, d]),
                doubts: u32::from_le_bytes([e, f, g, h]),
            });
            played.push(Played {
                speed,
                first,
                items: items.collect(),
            });
        }
        match rest.is_empty() {
            true => Ok(Self { played }),
            false => Err(TRAILING),
        }
    }
}
