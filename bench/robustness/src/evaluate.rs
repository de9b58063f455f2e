//! Asks every stage with every query and counts: was the right entry found, was a wrong one. It knows nothing of how.

use crate::{
    method::{Bank, Found, Tier},
    picture::Picture,
};
use anyhow::Result;
use rayon::prelude::*;

/// How often the right entry was found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recall {
    pub queries: usize,
    pub matches: usize,
    /// At lead level or better.
    pub leads: usize,
}

impl Recall {
    fn add(&mut self, other: Self) {
        self.queries += other.queries;
        self.matches += other.matches;
        self.leads += other.leads;
    }

    fn count(&mut self, found: Option<Tier>) {
        self.queries += 1;
        self.matches += usize::from(found == Some(Tier::Match));
        self.leads += usize::from(found.is_some());
    }
}

/// How often a wrong entry was found.
#[derive(Debug, Clone, Default)]
pub struct False {
    /// (query, other entry)
    pub pairs: usize,
    pub matches: usize,
    /// At lead level or better.
    pub leads: usize,
    /// The first ones, to look at.
    pub examples: Vec<String>,
}

const EXAMPLES_MAX: usize = 20;

impl False {
    pub fn add(&mut self, other: Self) {
        self.pairs += other.pairs;
        self.matches += other.matches;
        self.leads += other.leads;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES_MAX);
    }

    pub fn match_rate(&self) -> Rate {
        Rate {
            count: self.matches,
            of: self.pairs,
        }
    }

    pub fn lead_rate(&self) -> Rate {
        Rate {
            count: self.leads,
            of: self.pairs,
        }
    }
}

/// A share with what the count allows for.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    pub count: usize,
    pub of: usize,
}

impl Rate {
    pub fn share(self) -> f64 {
        self.count as f64 / self.of.max(1) as f64
    }

    /// The largest share that would give so few in one of twenty samples: the exact upper bound for rare events (Poisson; 3/n for none).
    /// It takes the pairs for independent, which those of one query are not.
    pub fn upper_95(self) -> f64 {
        let count = self.count as f64;
        let (mut low, mut high) = (count, count + 4.0 * (count + 1.0).sqrt() + 6.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if poisson_at_most(self.count, middle) > 0.05 {
                low = middle;
            } else {
                high = middle;
            }
        }
        (high / self.of.max(1) as f64).min(1.0)
    }
}

/// The chance of at most `count` events when `mean` are expected, summed in logarithms.
fn poisson_at_most(count: usize, mean: f64) -> f64 {
    let mut log_term = -mean;
    let mut sum = log_term.exp();
    for n in 1..=count {
        log_term += (mean / n as f64).ln();
        sum += log_term.exp();
    }
    sum
}

/// One query: what it was made of.
pub struct Query<'a> {
    /// For the examples.
    pub name: &'a str,
    /// The entry it is a copy of, if it is one.
    pub own: Option<usize>,
    /// Which counts of recall it belongs to.
    pub groups: Vec<usize>,
    /// The entries that it is compared with.
    pub among: Vec<usize>,
    /// Which count of wrong pairs an entry belongs to.
    pub wrong_group: Box<dyn Fn(usize) -> usize + 'a>,
}

/// What one stage did with all queries.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub recall: Recall,
    /// By group of queries. A query may belong to several.
    pub recall_by_group: Vec<Recall>,
    /// By group of pairs.
    pub wrong: Vec<False>,
    pub codes_max: usize,
}

impl Outcome {
    fn of_groups(n: usize, n_wrong: usize) -> Self {
        Self {
            recall: Recall::default(),
            recall_by_group: vec![Recall::default(); n],
            wrong: vec![False::default(); n_wrong],
            codes_max: 0,
        }
    }

    fn with(mut self, other: Self) -> Self {
        self.recall.add(other.recall);
        for (sum, more) in self.recall_by_group.iter_mut().zip(other.recall_by_group) {
            sum.add(more);
        }
        for (sum, more) in self.wrong.iter_mut().zip(other.wrong) {
            sum.add(more);
        }
        self.codes_max = self.codes_max.max(other.codes_max);
        self
    }
}

/// Asks all banks with `n_queries` pictures, made one at a time by `query`. One outcome for each bank.
pub fn run<'a>(
    banks: &[Box<dyn Bank + '_>],
    entry_names: &[String],
    (n_groups, n_wrong_groups): (usize, usize),
    n_queries: usize,
    query: impl Fn(usize) -> Result<(Query<'a>, Picture)> + Sync,
) -> Result<Vec<Outcome>> {
    let nothing = || {
        banks
            .iter()
            .map(|_| Outcome::of_groups(n_groups, n_wrong_groups))
            .collect::<Vec<_>>()
    };
    (0..n_queries)
        .into_par_iter()
        .with_max_len(8)
        .try_fold(nothing, |mut outcomes, n| {
            let (asked, picture) = query(n)?;
            for (bank, outcome) in banks.iter().zip(&mut outcomes) {
                ask(bank.as_ref(), &asked, &picture, entry_names, outcome)?;
            }
            Ok(outcomes)
        })
        .try_reduce(nothing, |left, right| {
            Ok(left
                .into_iter()
                .zip(right)
                .map(|(left, right)| left.with(right))
                .collect())
        })
}

fn ask(
    bank: &dyn Bank,
    asked: &Query<'_>,
    picture: &Picture,
    entry_names: &[String],
    outcome: &mut Outcome,
) -> Result<()> {
    let answer = bank.search(picture, &asked.among)?;
    outcome.codes_max = outcome.codes_max.max(answer.n_codes);
    for entry in &asked.among {
        if asked.own != Some(*entry) {
            outcome.wrong[(asked.wrong_group)(*entry)].pairs += 1;
        }
    }
    let mut own = None;
    for (entry, found) in answer.found {
        if asked.own == Some(entry) {
            own = Some(found.tier);
            continue;
        }
        let wrong = &mut outcome.wrong[(asked.wrong_group)(entry)];
        wrong.leads += 1;
        wrong.matches += usize::from(found.tier == Tier::Match);
        if wrong.examples.len() < EXAMPLES_MAX {
            let Found { tier, distance, view } = found;
            wrong.examples.push(format!(
                "{} found {} ({tier:?}, {distance}, {view})",
                asked.name, entry_names[entry]
            ));
        }
    }
    if asked.own.is_some() {
        outcome.recall.count(own);
        for group in &asked.groups {
            outcome.recall_by_group[*group].count(own);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upper_bounds_are_those_of_the_tables() {
        let bound = |count| Rate { count, of: 1 }.upper_95();
        let times = |count, of| Rate { count, of }.upper_95() * of as f64;
        // Garwood's bounds for 0, 1, 5 and 10 events.
        for (count, expected) in [(0, 2.996), (1, 4.744), (5, 10.513), (10, 16.962)] {
            assert!(
                (times(count, 1_000_000) - expected).abs() < 0.01,
                "{count}: {}",
                times(count, 1_000_000)
            );
        }
        assert!((bound(0) - 1.0).abs() < 1e-9, "never above one");
        assert!(times(2_000, 1_000_000) > 2_000.0 && times(2_000, 1_000_000) < 2_090.0);
    }
}
