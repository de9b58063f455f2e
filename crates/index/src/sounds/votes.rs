//! Which shifts between a query and the row of all entries many items vote for.

use super::arena::{Arena, PARTS, part};
use signal::audio::{Played, SILENCE};

/// Doubtful bits of a part that are tried both ways.
const FLIPPED_MAX: u32 = 3;
/// Votes that a shift needs, each of another item.
const VOTES_MIN: u8 = 2;
/// Shifts of one stretch that are looked at.
const CANDIDATES_MAX: usize = 1024;
/// Cells that votes are first counted in; shifts share them.
const CELLS: usize = 1 << 18;
/// Votes that one stretch may cast.
const VOTES_MAX: usize = 1 << 21;

/// Counts votes; made once for a look-up, for its memory.
pub(super) struct Counter<'a> {
    arena: &'a Arena,
    /// (where item 0 of the query lies, moved to be positive; which item voted)
    votes: Vec<(u32, u16)>,
    cells: Vec<u8>,
}

impl<'a> Counter<'a> {
    pub fn new(arena: &'a Arena) -> Self {
        Self {
            arena,
            votes: Vec::new(),
            cells: Vec::new(),
        }
    }

    /// Where item 0 of a query would lie in the row, by the votes of the items in a stretch; the most voted for first.
    pub fn candidates(&mut self, played: &Played, from: usize, to: usize) -> Vec<i64> {
        self.cast(played, from, to);
        self.keep_likely();
        self.votes.sort_unstable();
        let mut candidates: Vec<(u8, u32)> = Vec::new();
        let mut rest = &self.votes[..];
        while let Some(&(shift, _)) = rest.first() {
            let here = rest.iter().take_while(|vote| vote.0 == shift).count();
            // Between two items of a grid, votes fall on both sides.
            let near = rest.iter().take_while(|vote| vote.0 <= shift + 1);
            let mut voters = 0_u128;
            for (_, item) in near {
                voters |= 1 << (item % 128);
            }
            let n_votes = voters.count_ones() as u8;
            if n_votes >= VOTES_MIN {
                candidates.push((n_votes, shift));
            }
            rest = &rest[here..];
        }
        candidates.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        candidates.truncate(CANDIDATES_MAX);
        let moved = to as i64;
        candidates
            .into_iter()
            .map(|(_, shift)| i64::from(shift) - moved)
            .collect()
    }

    fn cast(&mut self, played: &Played, from: usize, to: usize) {
        self.votes.clear();
        let mut before = SILENCE;
        for (number, item) in played.items.iter().enumerate().take(to).skip(from) {
            if item.bits == before || item.bits == SILENCE {
                continue;
            }
            before = item.bits;
            for (table, mask) in PARTS.into_iter().enumerate() {
                let mut doubts = item.doubts & mask;
                while doubts.count_ones() > FLIPPED_MAX {
                    doubts &= doubts - 1;
                }
                // All subsets of the doubtful bits, the empty one last.
                let mut flipped = doubts;
                loop {
                    let places = self.arena.places(table, part(item.bits ^ flipped, mask));
                    if self.votes.len() + places.len() > VOTES_MAX {
                        return;
                    }
                    let shift = (to - number) as u32;
                    let voter = (number - from) as u16;
                    self.votes.extend(places.iter().map(|at| (at + shift, voter)));
                    if flipped == 0 {
                        break;
                    }
                    flipped = (flipped - 1) & doubts;
                }
            }
        }
    }

    /// Drops votes that stand alone, before they are put in order.
    fn keep_likely(&mut self) {
        if self.votes.len() < CELLS / 64 {
            return;
        }
        let cell = |shift: u32| (shift.wrapping_mul(0x9E37_79B1) >> (32 - CELLS.trailing_zeros())) as usize;
        self.cells.clear();
        self.cells.resize(CELLS, 0);
        for (shift, _) in &self.votes {
            let counted = &mut self.cells[cell(shift >> 1)];
            *counted = counted.saturating_add(1);
        }
        let cells = &self.cells;
        self.votes.retain(|(shift, _)| {
            let pair = shift >> 1;
            let beside = if shift & 1 == 0 { pair.wrapping_sub(1) } else { pair + 1 };
            cells[cell(pair)].saturating_add(cells[cell(beside)]) >= VOTES_MIN
        });
    }
}
