//! Keys that see much: every point while there are few, then counts in slices of time, or a sample of the values.
//!
//! Distinct values are counted by adaptive sampling (Wegman; Flajolet, "On adaptive sampling", 1990): of all values only those are kept
//! whose hash begins with `level` zeros, and the level grows when there are too many. The estimate is the number kept, times two
//! for each level. Unlike a HyperLogLog it forgets single values as they leave the window, and is exact until the first level.

use super::Reading;

/// Points kept one by one before they become slices of time.
pub(super) const POINTS_MAX: usize = 64;
/// Values of a sample.
pub(super) const SAMPLE_MAX: usize = 512;
/// Slices of time to a window.
const SLICES: i64 = 64;

/// What a busy key remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Spill {
    /// Times and amounts, unordered.
    Points(Vec<(u64, i64)>),
    /// Amounts in slices of equal length.
    Slices {
        width_ms: u64,
        first: u64,
        amounts: Vec<i64>,
        newest: u64,
    },
    /// Values and the last time of each, ordered by value.
    Sample {
        level: u8,
        items: Vec<(u64, u64)>,
        newest: u64,
    },
}

impl Spill {
    pub(super) fn newest(&self) -> u64 {
        match self {
            Spill::Points(points) => points.iter().map(|(time, _)| *time).max().unwrap_or(0),
            Spill::Slices { newest, .. } | Spill::Sample { newest, .. } => *newest,
        }
    }

    pub(super) fn n_bytes(&self) -> usize {
        match self {
            Spill::Points(points) => points.capacity() * 16,
            Spill::Slices { amounts, .. } => amounts.capacity() * 8,
            Spill::Sample { items, .. } => items.capacity() * 16,
        }
    }

    /// Adds an amount at a time. `span_ms` is the window with its delay, `horizon_ms` how long points are kept.
    pub(super) fn add(&mut self, time: u64, amount: i64, span_ms: i64, horizon_ms: i64) {
        let horizon = horizon_ms.unsigned_abs();
        if let Spill::Points(points) = self {
            if points.len() >= POINTS_MAX {
                let newest = points.iter().map(|(time, _)| *time).max().unwrap_or(0).max(time);
                points.retain(|(time, _)| *time + horizon >= newest);
            }
            if points.len() < POINTS_MAX {
                points.push((time, amount));
                return;
            }
            let width_ms = (span_ms / SLICES).max(horizon_ms / (4 * SLICES)).max(1).unsigned_abs();
            let newest = points.iter().map(|(time, _)| *time).max().unwrap_or(0);
            let mut slices = Spill::Slices {
                width_ms,
                first: newest / width_ms,
                amounts: vec![0],
                newest,
            };
            for (time, amount) in std::mem::take(points) {
                slices.add_to_slice(time, amount, horizon);
            }
            *self = slices;
        }
        self.add_to_slice(time, amount, horizon);
    }

    fn add_to_slice(&mut self, time: u64, amount: i64, horizon: u64) {
        let Spill::Slices {
            width_ms,
            first,
            amounts,
            newest,
        } = self
        else {
            return;
        };
        *newest = (*newest).max(time);
        let oldest_kept = (newest.saturating_sub(horizon)) / *width_ms;
        if *first < oldest_kept {
            let n_gone = usize::try_from(oldest_kept - *first)
                .unwrap_or(usize::MAX)
                .min(amounts.len());
            amounts.drain(..n_gone);
            *first = oldest_kept;
        }
        let slice = time / *width_ms;
        if slice < oldest_kept {
            return;
        }
        if slice < *first {
            let n_before = (*first - slice) as usize;
            amounts.splice(0..0, std::iter::repeat_n(0, n_before));
            *first = slice;
        }
        let idx = (slice - *first) as usize;
        if idx >= amounts.len() {
            amounts.resize(idx + 1, 0);
        }
        amounts[idx] = amounts[idx].saturating_add(amount);
    }

    /// The sum of what lies from one time to another, both included.
    pub(super) fn sum(&self, from: i64, to: i64) -> Reading {
        match self {
            Spill::Points(points) => {
                let inside = points
                    .iter()
                    .filter(|(time, _)| from <= *time as i64 && *time as i64 <= to);
                Reading::exact(inside.fold(0, |sum, (_, amount)| sum.saturating_add(*amount)))
            }
            Spill::Slices {
                width_ms,
                first,
                amounts,
                newest,
            } => {
                let width = *width_ms as i64;
                let (mut sum, mut error) = (0_i64, 0_i64);
                for (idx, amount) in amounts.iter().enumerate() {
                    let start = (*first as i64 + idx as i64) * width;
                    // Nothing lies after the newest point, so a slice that it is in ends there.
                    let end = (start + width - 1).min(*newest as i64);
                    if end < from || start > to || *amount == 0 {
                        continue;
                    }
                    if from <= start && end <= to {
                        sum = sum.saturating_add(*amount);
                        continue;
                    }
                    let covered = end.min(to) - start.max(from) + 1;
                    let length = (end - start + 1).max(1);
                    // 128 bits: an amount times a length may not fit in 64.
                    let part = (i128::from(*amount) * i128::from(covered) / i128::from(length)) as i64;
                    sum = sum.saturating_add(part);
                    error = error.saturating_add(part.abs().max((amount.saturating_sub(part)).abs()));
                }
                Reading {
                    value: Some(sum),
                    error,
                }
            }
            Spill::Sample { .. } => Reading::NOTHING,
        }
    }

    /// Adds a value at a time.
    pub(super) fn add_value(&mut self, value: u64, time: u64, horizon_ms: i64) {
        let Spill::Sample { level, items, newest } = self else {
            return;
        };
        *newest = (*newest).max(time);
        if !is_sampled(value, *level) {
            return;
        }
        match items.binary_search_by_key(&value, |(value, _)| *value) {
            Ok(idx) => items[idx].1 = items[idx].1.max(time),
            Err(idx) => items.insert(idx, (value, time)),
        }
        if items.len() > SAMPLE_MAX {
            let oldest = newest.saturating_sub(horizon_ms.unsigned_abs());
            items.retain(|(_, time)| *time >= oldest);
        }
        while items.len() > SAMPLE_MAX && *level < 63 {
            *level += 1;
            items.retain(|(value, _)| is_sampled(*value, *level));
        }
    }

    /// How many different values lie from one time to another; `own` counts too.
    pub(super) fn distinct(&self, from: i64, to: i64, own: Option<u64>) -> Reading {
        let Spill::Sample { level, items, .. } = self else {
            return Reading::NOTHING;
        };
        let is_inside = |time: u64| from <= time as i64 && time as i64 <= to;
        let mut n = items.iter().filter(|(_, time)| is_inside(*time)).count() as i64;
        let is_new = |own: u64| match items.binary_search_by_key(&own, |(value, _)| *value) {
            Ok(idx) => !is_inside(items[idx].1),
            Err(_) => is_sampled(own, *level),
        };
        n += i64::from(own.is_some_and(is_new));
        if *level == 0 {
            return Reading::exact(n);
        }
        let scale = 1_i64.checked_shl(u32::from(*level)).unwrap_or(i64::MAX);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "a few hundred"
        )]
        let two_deviations = (2.0 * (n.max(1) as f64).sqrt()).ceil() as i64;
        Reading {
            value: Some(n.saturating_mul(scale)),
            error: two_deviations.saturating_mul(scale),
        }
    }
}

fn is_sampled(value: u64, level: u8) -> bool {
    u32::from(level) <= value.leading_zeros()
}
