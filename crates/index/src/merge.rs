//! Which segments to make one of. Pure: sizes in, a choice out.
//!
//! A search asks each segment, so there should be few; a merge copies all its codes, so it should be rare. Segments of a size class are left alone until
//! there are [`FAN_IN`] of them: then each code is copied once per class, and there are at most three segments of each.

/// Segments of a class that are merged together, and the ratio between classes.
const FAN_IN: usize = 4;

/// Pairs that a merge may bring together: a copy of all of them is made on the way, 40 bytes each.
const MERGED_PAIRS_MAX: usize = 1 << 25;

/// What the choice rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) id: u64,
    /// Pairs, removed ones too.
    pub(crate) n_pairs: usize,
    /// Of them, those that are still there.
    pub(crate) n_present: usize,
}

/// The segments to be merged now, if any; `unit` is the size of the smallest class. One alone is to be rewritten without what was removed.
pub(crate) fn choose(sizes: &[Size], unit: usize) -> Vec<u64> {
    if let Some(mostly_gone) = sizes.iter().find(|size| size.n_present * 2 < size.n_pairs) {
        return vec![mostly_gone.id];
    }
    let class = |size: &Size| {
        let mut class = 0;
        let mut bound = unit.max(1).saturating_mul(2);
        while size.n_present > bound {
            class += 1;
            bound = bound.saturating_mul(FAN_IN);
        }
        class
    };
    let mut classes: Vec<Vec<u64>> = Vec::new();
    // What is so large already stays as it is: a few large segments cost a search less than a merge costs memory.
    for size in sizes.iter().filter(|size| size.n_present <= MERGED_PAIRS_MAX / FAN_IN) {
        let class = class(size);
        if classes.len() <= class {
            classes.resize(class + 1, Vec::new());
        }
        classes[class].push(size.id);
    }
    let mut chosen = classes.into_iter().find(|ids| ids.len() >= FAN_IN).unwrap_or_default();
    chosen.truncate(FAN_IN);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(present: &[usize]) -> Vec<Size> {
        let size = |(at, n): (usize, &usize)| Size {
            id: at as u64,
            n_pairs: *n,
            n_present: *n,
        };
        present.iter().enumerate().map(size).collect()
    }

    #[test]
    fn segments_of_a_class_wait_until_there_are_enough() {
        assert_eq!(choose(&sizes(&[]), 100), []);
        assert_eq!(choose(&sizes(&[100, 100, 100]), 100), []);
        assert_eq!(choose(&sizes(&[100, 5_000, 100, 100, 90]), 100), [0, 2, 3, 4]);
        assert_eq!(choose(&sizes(&[400, 400, 100, 400]), 100), []);
    }

    #[test]
    fn what_is_mostly_removed_is_rewritten_alone() {
        let mut all = sizes(&[100, 100, 100, 100]);
        all[2].n_present = 49;
        assert_eq!(choose(&all, 100), [2]);
        all[2].n_present = 50;
        assert_eq!(choose(&all, 100), [0, 1, 2, 3]);
    }

    #[test]
    fn no_merge_copies_more_than_memory_is_planned_for() {
        let large = MERGED_PAIRS_MAX / FAN_IN;
        assert_eq!(choose(&sizes(&[large + 1; 9]), 100), []);
        let chosen = choose(&sizes(&[large; 9]), 100);
        assert_eq!(chosen.len() * large, MERGED_PAIRS_MAX);
    }

    /// However many segments come, few remain, and each code was copied few times.
    #[test]
    fn few_segments_remain_and_few_copies_are_made() {
        let (mut all, mut next, mut n_copied, unit) = (Vec::new(), 0, 0, 64);
        let n_rounds = 4_000;
        for _ in 0..n_rounds {
            all.push(Size {
                id: next,
                n_pairs: unit,
                n_present: unit,
            });
            next += 1;
            loop {
                let chosen = choose(&all, unit);
                if chosen.is_empty() {
                    break;
                }
                let n: usize = all.iter().filter(|s| chosen.contains(&s.id)).map(|s| s.n_present).sum();
                all.retain(|s| !chosen.contains(&s.id));
                all.push(Size {
                    id: next,
                    n_pairs: n,
                    n_present: n,
                });
                next += 1;
                n_copied += n;
            }
        }
        assert!(all.len() <= 21, "{} segments", all.len());
        let per_code = n_copied as f64 / (n_rounds * unit) as f64;
        assert!(per_code < 7.0, "{per_code} copies of each code");
    }
}
