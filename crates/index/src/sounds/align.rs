//! How well a query and an entry agree along a shift, and how far.

use super::arena::Arena;
use super::chance;
use signal::audio::{ITEM_MS, Item, Played, QueryPrints};

/// Items that are compared at once when a run is followed.
const BLOCK: usize = 8;
/// Share of sure bits that differ, at which a block speaks neither for nor against.
const EVEN: f32 = 0.36;
/// How far the sum may fall below its best before a run has ended, in blocks that agree not at all.
const DROP: f32 = 4.0;
/// A step to another shift must be worth so much, in blocks.
const STEP_PRICE: f32 = 0.03;
/// Least items of a stretch that is looked at.
const ITEMS_MIN: usize = 8;

/// A shift that is worth following.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shift {
    /// Which of the query's speeds.
    pub played: usize,
    /// Where item 0 of the query lies in the row.
    pub diagonal: i64,
    /// The stretch of the query that was looked at.
    pub from: usize,
    pub to: usize,
    /// The higher, the likelier.
    pub score: f32,
}

impl Shift {
    pub fn key(&self) -> (usize, i64, usize) {
        (self.played, self.diagonal, self.from)
    }
}

/// A stretch of a query beside one of an entry.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub played: usize,
    /// Items of the query.
    pub from: usize,
    pub to: usize,
    /// Places in the row.
    pub at: usize,
    pub end_at: usize,
    tempo: f64,
    /// Of all bits, and of those that were sure.
    pub n_errors: u32,
    pub n_sure_errors: u32,
    pub n_sure: u32,
}

/// Errors of sure bits, sure bits, errors of all bits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub n_sure_errors: u32,
    pub n_sure: u32,
    pub n_errors: u32,
}

/// Compares items one by one.
pub(super) fn tally(query: &[Item], entry: &[u32]) -> Tally {
    let mut tally = Tally::default();
    for (item, bits) in query.iter().zip(entry) {
        let differing = item.bits ^ bits;
        tally.n_errors += differing.count_ones();
        tally.n_sure_errors += (differing & !item.doubts).count_ones();
        tally.n_sure += (!item.doubts).count_ones();
    }
    tally
}

impl Tally {
    pub fn share(self) -> f32 {
        self.n_sure_errors as f32 / self.n_sure.max(1) as f32
    }

    fn add(&mut self, other: Self) {
        self.n_sure_errors += other.n_sure_errors;
        self.n_sure += other.n_sure;
        self.n_errors += other.n_errors;
    }
}

/// Compares the whole stretch at a shift and beside it. `None` if nothing there is alike.
pub(super) fn glance(
    arena: &Arena,
    entry: u32,
    number: usize,
    played: &Played,
    diagonal: i64,
    from: usize,
    to: usize,
) -> Option<Shift> {
    let mut best: Option<Shift> = None;
    for diagonal in diagonal - 1..=diagonal + 1 {
        let (from, to) = clip(arena, entry, diagonal, from, to);
        if to < from + ITEMS_MIN {
            continue;
        }
        // Half of the stretch may be something else.
        let half = (to - from).div_ceil(2).max(ITEMS_MIN);
        for (from, to) in [(from, to), (from, from + half), (to - half, to)] {
            let at = (diagonal + from as i64) as usize;
            let share = tally(&played.items[from..to], &arena.items()[at..]).share();
            let score = (EVEN - share) * ((to - from) as f32).sqrt();
            if chance::is_promising(share, to - from) && best.is_none_or(|best| score > best.score) {
                best = Some(Shift {
                    played: number,
                    diagonal,
                    from,
                    to,
                    score,
                });
            }
        }
    }
    best
}

/// The part of a stretch that lies inside an entry.
fn clip(arena: &Arena, entry: u32, diagonal: i64, from: usize, to: usize) -> (usize, usize) {
    let range = arena.range(entry);
    let first = (range.start as i64 - diagonal).max(from as i64) as usize;
    let end = (range.end as i64 - diagonal).clamp(0, to as i64) as usize;
    (first, end)
}

/// Follows a shift both ways from the block that agrees best, stepping to the next shift where the sound runs faster or slower, until it agrees no more.
pub(super) fn follow(arena: &Arena, entry: u32, played: &Played, shift: Shift) -> Option<Run> {
    let range = arena.range(entry);
    let block = |from: usize, diagonal: i64| -> Option<Tally> {
        let at = usize::try_from(diagonal + from as i64).ok()?;
        let query = played.items.get(from..from + BLOCK)?;
        (at >= range.start && at + BLOCK <= range.end).then(|| tally(query, &arena.items()[at..at + BLOCK]))
    };
    let starts = (shift.from..shift.to).step_by(BLOCK / 2);
    let (_, anchor) = starts
        .filter_map(|from| Some((block(from, shift.diagonal)?.share(), from)))
        .min_by(|a, b| a.0.total_cmp(&b.0))?;
    let mut total = block(anchor, shift.diagonal)?;
    let mut walk = |step: i64| {
        let (mut at, mut diagonal) = (anchor as i64, shift.diagonal);
        let mut best = (0.0_f32, anchor, diagonal);
        let (mut sum, mut since) = (0.0_f32, Tally::default());
        loop {
            at += step * BLOCK as i64;
            let Ok(from) = usize::try_from(at) else { break };
            let sides = [0, -1, 1].into_iter().filter_map(|side| {
                let tally = block(from, diagonal + side)?;
                let price = if side == 0 { 0.0 } else { STEP_PRICE };
                Some((tally.share() + price, diagonal + side, tally))
            });
            let Some((share, there, tally)) = sides.min_by(|a, b| a.0.total_cmp(&b.0)) else {
                break;
            };
            diagonal = there;
            since.add(tally);
            sum += (EVEN - share) / EVEN;
            if sum > best.0 {
                best = (sum, from, diagonal);
                total.add(since);
                since = Tally::default();
            }
            if sum < best.0 - DROP {
                break;
            }
        }
        (best.1, best.2)
    };
    let (first, first_diagonal) = walk(-1);
    let (last, last_diagonal) = walk(1);
    let to = last + BLOCK;
    let mut run = Run {
        played: shift.played,
        from: first,
        to,
        at: (first_diagonal + first as i64) as usize,
        end_at: (last_diagonal + to as i64) as usize,
        tempo: f64::from(played.speed.tempo),
        n_errors: total.n_errors,
        n_sure_errors: total.n_sure_errors,
        n_sure: total.n_sure,
    };
    run.fill_up(arena, &range, played);
    Some(run)
}

impl Run {
    /// Takes what is left beside the last whole block, where it agrees.
    fn fill_up(&mut self, arena: &Arena, range: &std::ops::Range<usize>, played: &Played) {
        let mut take = |from: usize, at: usize| {
            let found = tally(&played.items[from..=from], &arena.items()[at..=at]);
            let is_alike = found.share() < EVEN;
            if is_alike {
                self.n_errors += found.n_errors;
                self.n_sure_errors += found.n_sure_errors;
                self.n_sure += found.n_sure;
            }
            is_alike
        };
        let (mut from, mut at, mut to, mut end_at) = (self.from, self.at, self.to, self.end_at);
        for _ in 0..BLOCK {
            if from > 0 && at > range.start && take(from - 1, at - 1) {
                (from, at) = (from - 1, at - 1);
            } else {
                break;
            }
        }
        for _ in 0..BLOCK {
            if to < played.items.len() && end_at < range.end && take(to, end_at) {
                (to, end_at) = (to + 1, end_at + 1);
            } else {
                break;
            }
        }
        (self.from, self.at, self.to, self.end_at) = (from, at, to, end_at);
    }

    /// Items of the entry for one of the query.
    pub fn slope(&self) -> f64 {
        (self.end_at - self.at) as f64 / (self.to - self.from).max(1) as f64
    }

    /// Share of sure bits that differ.
    pub fn share(&self) -> f64 {
        f64::from(self.n_sure_errors) / f64::from(self.n_sure.max(1))
    }

    pub fn bit_errors_share(&self) -> f32 {
        self.n_errors as f32 / (u32::BITS as usize * (self.to - self.from)).max(1) as f32
    }

    /// Whether a shift, of any speed, lies on this run.
    pub fn covers(&self, shift: &Shift, query: &QueryPrints) -> bool {
        let tempo = f64::from(query.played[shift.played].speed.tempo);
        let middle = (shift.from + shift.to) as f64 / 2.0;
        // Where the middle of the shift lies, in items of this run's speed.
        let here = middle / tempo * self.tempo;
        if here < self.from as f64 || here > self.to as f64 {
            return false;
        }
        let expected = self.at as f64 + (here - self.from as f64) * self.slope();
        let there = shift.diagonal as f64 + middle;
        (expected - there).abs() * ITEM_MS < 1_500.0
    }
}
