//! The memory as bytes: all of it, or what one event added. What reads differently than it was written is refused.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use super::entry::Entry;
use super::spill::{POINTS_MAX, SAMPLE_MAX, Spill};
use super::{Bump, Seed, State};

const MAGIC: &[u8; 8] = b"seawall1";
const BUMP_BYTES: usize = 32;
/// Slices of a busy key: the window, its delay and its lateness, at most four windows long.
const SLICES_MAX: usize = 100_000;

/// Bytes could not be read as a memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersistError {
    /// They end too early, or go on.
    #[error("the snapshot of the windows has the wrong length")]
    Length,
    /// They were made by another version, or are something else.
    #[error("this is no snapshot of windows that this version reads")]
    Version,
    /// They were changed.
    #[error("the snapshot of the windows is damaged")]
    Damaged,
}

/// What events added, to be appended to a log. `ids` are the windows' own, in their order.
pub fn encode_bumps(state: &State, bumps: &[Bump]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bumps.len() * BUMP_BYTES);
    for bump in bumps {
        out.extend(state.windows[bump.window as usize].0.id.to_le_bytes());
        out.extend(bump.key.to_le_bytes());
        out.extend(bump.value.to_le_bytes());
        out.extend(bump.time_ms.to_le_bytes());
    }
    out
}

/// Reads a log back. What belongs to windows that are no more is left out.
pub fn decode_bumps(state: &State, bytes: &[u8]) -> Result<Vec<Bump>, PersistError> {
    if !bytes.len().is_multiple_of(BUMP_BYTES) {
        return Err(PersistError::Length);
    }
    let mut reader = Reader { bytes };
    let mut bumps = Vec::with_capacity(bytes.len() / BUMP_BYTES);
    while !reader.bytes.is_empty() {
        let (id, key, value, time_ms) = (reader.u64()?, reader.u64()?, reader.u64()?, reader.u64()? as i64);
        if let Some(window) = state
            .windows
            .iter()
            .position(|(spec, _)| spec.id == id)
            .filter(|_| key != 0)
        {
            bumps.push(Bump {
                window: window as u32,
                key,
                value,
                time_ms,
            });
        }
    }
    Ok(bumps)
}

impl State {
    /// All of it as bytes. Equal memories give equal bytes.
    pub fn snapshot(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(MAGIC);
        out.extend(self.seed.0);
        out.extend((self.windows.len() as u64).to_le_bytes());
        for (spec, table) in &self.windows {
            out.extend(spec.id.to_le_bytes());
            out.extend(table.newest.to_le_bytes());
            out.extend((table.len() as u64).to_le_bytes());
            table.for_each(|key, entry, spill| {
                out.extend(key.to_le_bytes());
                match spill {
                    None => out.extend(entry.0),
                    Some(spill) => {
                        out.extend(Entry::of_spilled(0).0);
                        put_spill(&mut out, spill);
                    }
                }
            });
        }
        let sum = checksum(&out);
        out.extend(sum.to_le_bytes());
        out
    }

    /// Takes in a snapshot: windows of these rules that it knows get what they remembered. The seed becomes the snapshot's.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), PersistError> {
        let body_len = bytes.len().checked_sub(8).ok_or(PersistError::Length)?;
        let (body, sum) = bytes.split_at(body_len);
        if !body.starts_with(MAGIC) {
            return Err(PersistError::Version);
        }
        if (Reader { bytes: sum }).u64()? != checksum(body) {
            return Err(PersistError::Damaged);
        }
        let mut reader = Reader { bytes: body };
        reader.take(MAGIC.len())?;
        let mut seed = Seed::default();
        seed.0.copy_from_slice(reader.take(16)?);
        let specs: Vec<_> = self.windows.iter().map(|(spec, _)| spec.clone()).collect();
        let mut restored = State::new(&specs, seed).with_keys_max(self.keys_max);
        let n_windows = reader.u64()?;
        for _ in 0..n_windows {
            let (id, newest, n_keys) = (reader.u64()?, reader.u64()?, reader.u64()?);
            let mut window = restored.windows.iter_mut().find(|(spec, _)| spec.id == id);
            if let Some((_, table)) = &mut window {
                table.newest = newest;
            }
            for _ in 0..n_keys {
                let key = reader.u64()?;
                let mut entry = Entry::default();
                entry.0.copy_from_slice(reader.take(16)?);
                let spill = match entry.spilled() {
                    Some(_) => Some(read_spill(&mut reader)?),
                    None => None,
                };
                if key == 0 || (spill.is_none() && entry.n() > 3) {
                    return Err(PersistError::Damaged);
                }
                if let Some((spec, table)) = &mut window {
                    table.put(spec.kind, key, entry, spill);
                }
            }
        }
        if !reader.bytes.is_empty() {
            return Err(PersistError::Length);
        }
        *self = restored;
        Ok(())
    }
}

fn put_spill(out: &mut Vec<u8>, spill: &Spill) {
    let mut head = |kind: u8, extra: [u64; 3], n: usize| {
        out.push(kind);
        extra.iter().for_each(|value| out.extend(value.to_le_bytes()));
        out.extend((n as u64).to_le_bytes());
    };
    match spill {
        Spill::Points(points) => {
            head(0, [0; 3], points.len());
            for (time, amount) in points {
                out.extend(time.to_le_bytes());
                out.extend(amount.to_le_bytes());
            }
        }
        Spill::Slices {
            width_ms,
            first,
            amounts,
            newest,
        } => {
            head(1, [*width_ms, *first, *newest], amounts.len());
            amounts.iter().for_each(|amount| out.extend(amount.to_le_bytes()));
        }
        Spill::Sample { level, items, newest } => {
            head(2, [u64::from(*level), *newest, 0], items.len());
            for (value, time) in items {
                out.extend(value.to_le_bytes());
                out.extend(time.to_le_bytes());
            }
        }
    }
}

fn read_spill(reader: &mut Reader<'_>) -> Result<Spill, PersistError> {
    let kind = reader.take(1)?[0];
    let (a, b, c) = (reader.u64()?, reader.u64()?, reader.u64()?);
    let n = usize::try_from(reader.u64()?).map_err(|_| PersistError::Damaged)?;
    match kind {
        0 if n <= POINTS_MAX => {
            let points = (0..n).map(|_| Ok((reader.u64()?, reader.u64()? as i64)));
            Ok(Spill::Points(points.collect::<Result<_, _>>()?))
        }
        1 if n <= SLICES_MAX && a > 0 => {
            let amounts = (0..n).map(|_| Ok(reader.u64()? as i64));
            Ok(Spill::Slices {
                width_ms: a,
                first: b,
                newest: c,
                amounts: amounts.collect::<Result<_, _>>()?,
            })
        }
        2 if n <= SAMPLE_MAX && a < 64 => {
            let items = (0..n).map(|_| Ok((reader.u64()?, reader.u64()?)));
            Ok(Spill::Sample {
                level: a as u8,
                newest: b,
                items: items.collect::<Result<_, _>>()?,
            })
        }
        _ => Err(PersistError::Damaged),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], PersistError> {
        let (taken, rest) = self.bytes.split_at_checked(n).ok_or(PersistError::Length)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn u64(&mut self) -> Result<u64, PersistError> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(u64::from_le_bytes(bytes))
    }
}

/// Finds accidents, not forgeries.
fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_key(MAGIC.repeat(2).as_slice().try_into().unwrap_or(&[0; 16]));
    hasher.write(bytes);
    hasher.finish()
}
