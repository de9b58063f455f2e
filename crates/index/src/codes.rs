//! Codes in a row, laid so that both ways of searching read few cache lines.
//!
//! Four codes share two lines: their first halves lie in one, their second halves in the other. A scan takes four codes at a time, word by
//! word; a search by substrings reads the one line that tells it, nearly always, that a candidate is not near.

use crate::memory::Column;
use bytemuck::{Pod, Zeroable};
use signal::Pdq;
use std::io;

/// Codes that share a line.
pub(crate) const GROUP: usize = 4;

/// Two words each of four codes: the first word of all, then the second.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [u64; 2 * GROUP]);

/// Codes, by slot.
pub(crate) struct Codes {
    /// Words 0 and 1.
    pub(crate) front: Column<Line>,
    /// Words 2 and 3.
    pub(crate) back: Column<Line>,
    len: usize,
}

/// The same as plain slices, looked up once for many codes.
#[derive(Clone, Copy)]
pub(crate) struct CodesRef<'a> {
    pub(crate) front: &'a [Line],
    pub(crate) back: &'a [Line],
    pub(crate) len: usize,
}

impl Codes {
    /// Lines that so many codes take.
    pub(crate) fn n_lines(len: usize) -> usize {
        len.div_ceil(GROUP)
    }

    pub(crate) fn collect(codes: impl ExactSizeIterator<Item = Pdq>) -> io::Result<Self> {
        let len = codes.len();
        let mut front = Column::<Line>::zeroed(Self::n_lines(len))?;
        let mut back = Column::<Line>::zeroed(Self::n_lines(len))?;
        let (fronts, backs) = (front.values_mut(), back.values_mut());
        for (slot, code) in codes.enumerate() {
            let [a, b, c, d] = code.words();
            let (line, place) = (slot / GROUP, slot % GROUP);
            (fronts[line].0[place], fronts[line].0[GROUP + place]) = (a, b);
            (backs[line].0[place], backs[line].0[GROUP + place]) = (c, d);
        }
        Ok(Self { front, back, len })
    }

    /// `None` if the columns are not as long as so many codes need.
    pub(crate) fn of_columns(front: Column<Line>, back: Column<Line>, len: usize) -> Option<Self> {
        let fits = front.len() == Self::n_lines(len) && back.len() == Self::n_lines(len);
        fits.then_some(Self { front, back, len })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn slices(&self) -> CodesRef<'_> {
        CodesRef {
            front: &self.front,
            back: &self.back,
            len: self.len,
        }
    }
}

impl CodesRef<'_> {
    #[inline(always)]
    pub(crate) fn get(&self, slot: usize) -> Pdq {
        let (line, place) = (slot / GROUP, slot % GROUP);
        let (front, back) = (&self.front[line].0, &self.back[line].0);
        Pdq::from_words([front[place], front[GROUP + place], back[place], back[GROUP + place]])
    }

    /// Bits that differ from `query`, or `None` if the first half alone tells that they are more than `radius`.
    #[inline(always)]
    pub(crate) fn distance_within(&self, slot: usize, query: [u64; 4], radius: u32) -> Option<u32> {
        let (line, place) = (slot / GROUP, slot % GROUP);
        let front = &self.front[line].0;
        let half = (front[place] ^ query[0]).count_ones() + (front[GROUP + place] ^ query[1]).count_ones();
        if half > radius {
            return None;
        }
        let back = &self.back[line].0;
        let distance = half + (back[place] ^ query[2]).count_ones() + (back[GROUP + place] ^ query[3]).count_ones();
        (distance <= radius).then_some(distance)
    }
}
