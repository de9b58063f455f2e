//! The meta file: which segments count, what of them was removed, and where the caller goes on.
//!
//! All numbers are little-endian. `"swindexm"`, format (u32), next id (u64), whether there is a checkpoint (u8) and the checkpoint (16 bytes, i64);
//! number of segments (u32), and for each its id (u64), its pairs (u64), the number of removed ones (u32) and those (u32 each, ascending);
//! at the end the CRC-32 of everything before it.

use super::{FORMAT, Unusable};
use crate::checkpoint::Checkpoint;

const MAGIC: [u8; 8] = *b"swindexm";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) next_id: u64,
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) segments: Vec<Named>,
}

/// A segment that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) id: u64,
    pub(crate) n_pairs: u64,
    pub(crate) removed: Vec<u32>,
}

impl Meta {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(MAGIC);
        out.extend(FORMAT.to_le_bytes());
        out.extend(self.next_id.to_le_bytes());
        out.push(self.checkpoint.is_some().into());
        let checkpoint = self.checkpoint.unwrap_or(Checkpoint {
            stream: [0; 16],
            cursor: 0,
        });
        out.extend(checkpoint.stream);
        out.extend(checkpoint.cursor.to_le_bytes());
        out.extend((self.segments.len() as u32).to_le_bytes());
        for segment in &self.segments {
            out.extend(segment.id.to_le_bytes());
            out.extend(segment.n_pairs.to_le_bytes());
            out.extend((segment.removed.len() as u32).to_le_bytes());
            for pair in &segment.removed {
                out.extend(pair.to_le_bytes());
            }
        }
        out.extend(crc32fast::hash(&out).to_le_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Unusable> {
        let short = Unusable::Damaged("is too short");
        let (body, checksum) = bytes.split_last_chunk::<4>().ok_or(Unusable::Damaged("is too short"))?;
        let mut reader = Reader(body);
        if reader.take().ok_or(short)? != MAGIC {
            return Err(Unusable::Damaged("is not a meta file"));
        }
        // Before the checksum: another format may have another one.
        let format = reader.u32()?;
        if format != FORMAT {
            return Err(Unusable::Version(format));
        }
        if crc32fast::hash(body) != u32::from_le_bytes(*checksum) {
            return Err(Unusable::Damaged("does not have its checksum"));
        }
        let next_id = reader.u64()?;
        let has_checkpoint = reader.take::<1>().is_some_and(|[flag]| flag == 1);
        let checkpoint = Checkpoint {
            stream: reader.take().ok_or(Unusable::Damaged("is too short"))?,
            cursor: reader.u64()?.cast_signed(),
        };
        let mut segments = Vec::new();
        for _ in 0..reader.u32()? {
            let (id, n_pairs, n_removed) = (reader.u64()?, reader.u64()?, reader.u32()?);
            let mut removed = Vec::new();
            for _ in 0..n_removed {
                let pair = reader.u32()?;
                if u64::from(pair) >= n_pairs || removed.last().is_some_and(|last| *last >= pair) {
                    return Err(Unusable::Damaged("names removed pairs that cannot be"));
                }
                removed.push(pair);
            }
            segments.push(Named { id, n_pairs, removed });
        }
        if !reader.0.is_empty() {
            return Err(Unusable::Damaged("is too long"));
        }
        Ok(Self {
            next_id,
            checkpoint: has_checkpoint.then_some(checkpoint),
            segments,
        })
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Result<u32, Unusable> {
        self.take()
            .map(u32::from_le_bytes)
            .ok_or(Unusable::Damaged("is too short"))
    }

    fn u64(&mut self) -> Result<u64, Unusable> {
        self.take()
            .map(u64::from_le_bytes)
            .ok_or(Unusable::Damaged("is too short"))
    }
}
