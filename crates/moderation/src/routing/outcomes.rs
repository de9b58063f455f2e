//! What people found in cases, counted by where the cases came from: the rule that opened them, the bank they lie near, the queue. From it comes how
//! likely the next one of the same kind breaks a policy.
//!
//! The estimate is a Beta-binomial: a prior of so many imagined cases, plus what was counted. A queue starts from the operator's prior; a bank starts
//! from its queue, and a rule from its bank, each as if [`POOLED`] cases of the wider kind had been seen. So a new rule is believed as much as its
//! queue, and after some dozens of decisions for itself alone.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, query};

use crate::model::{LearnedFrom, PlaceFacts, Queue, Timestamp};
use crate::store::columns::Columns;
use crate::store::{AnyConnection, StoreError, Tx};

/// How many cases what is known of the wider kind counts for.
const POOLED: f64 = 4.0;
/// Over how many days it is counted. What people decided long ago says little of what is posted now.
pub const DAYS: i64 = 90;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// How often people confirmed what a source brought, and how often not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Cases that ended in a restriction.
    pub n_confirmed: i64,
    /// Cases that did not.
    pub n_reversed: i64,
}

/// How likely a case breaks a policy, and where that was learned: at the narrowest of its sources of which anything is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Learnt {
    /// Between 0 and 1.
    pub mean: f64,
    /// Where from.
    pub from: LearnedFrom,
    /// Cases that were confirmed there.
    pub n_confirmed: i64,
    /// Cases that were not.
    pub n_reversed: i64,
}

/// The sources of a case, the widest first.
fn sources(queue: Queue, facts: &PlaceFacts) -> Vec<(LearnedFrom, String)> {
    let mut sources = vec![(LearnedFrom::Queue, format!("queue {queue}"))];
    if let Some((bank, _)) = &facts.bank {
        sources.push((LearnedFrom::Bank, format!("bank {bank}")));
    }
    if let Some(rule) = &facts.rule {
        sources.push((LearnedFrom::Rule, format!("rule {rule}")));
    }
    sources
}

/// How likely it is, from the counts of each source, the widest first.
pub fn estimate(prior: (f64, f64), counts: &[(LearnedFrom, Counts)]) -> Learnt {
    let weight = prior.0 + prior.1;
    let mut learnt = Learnt {
        mean: if weight > 0.0 { prior.0 / weight } else { 0.5 },
        from: LearnedFrom::Nothing,
        n_confirmed: 0,
        n_reversed: 0,
    };
    let mut weight = weight;
    for (from, found) in counts {
        let n = found.n_confirmed + found.n_reversed;
        if n > 0 {
            #[expect(clippy::cast_precision_loss, reason = "counts of cases are far below 2^52")]
            let (n_confirmed, n) = (found.n_confirmed as f64, n as f64);
            learnt = Learnt {
                mean: (learnt.mean * weight + n_confirmed) / (weight + n),
                from: *from,
                n_confirmed: found.n_confirmed,
                n_reversed: found.n_reversed,
            };
        }
        weight = POOLED;
    }
    learnt
}

/// A person decided a case.
pub async fn note(
    tx: &mut Tx,
    queue: Queue,
    facts: &PlaceFacts,
    is_confirmed: bool,
    at: Timestamp,
) -> Result<(), StoreError> {
    count(tx, (queue, facts), is_confirmed, at, 1).await
}

/// A person took back what they decided at that moment: it says nothing any more.
pub async fn take_back(
    tx: &mut Tx,
    queue: Queue,
    facts: &PlaceFacts,
    was_confirmed: bool,
    at: Timestamp,
) -> Result<(), StoreError> {
    count(tx, (queue, facts), was_confirmed, at, -1).await
}

async fn count(
    tx: &mut Tx,
    (queue, facts): (Queue, &PlaceFacts),
    is_confirmed: bool,
    at: Timestamp,
    by: i64,
) -> Result<(), StoreError> {
    let mut named: Vec<String> = sources(queue, facts).into_iter().map(|(_, source)| source).collect();
    // Two who count at once take the rows in the same order.
    named.sort_unstable();
    for source in named {
        query(
            "INSERT INTO routing_outcome (source, day, n_confirmed, n_reversed) VALUES ($1, $2, $3, $4)
             ON CONFLICT (source, day) DO UPDATE SET n_confirmed = routing_outcome.n_confirmed + excluded.n_confirmed,
                 n_reversed = routing_outcome.n_reversed + excluded.n_reversed",
        )
        .bind(source)
        .bind(at.unix_ms().div_euclid(DAY_MS))
        .bind(by * i64::from(is_confirmed))
        .bind(by * i64::from(!is_confirmed))
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("count what people found"))?;
    }
    Ok(())
}

/// How likely a case breaks a policy.
pub async fn learn(
    conn: &mut AnyConnection,
    queue: Queue,
    facts: &PlaceFacts,
    prior: (f64, f64),
    now: Timestamp,
) -> Result<Learnt, StoreError> {
    let sources = sources(queue, facts);
    let places: Vec<String> = (0..sources.len()).map(|n| format!("${}", n + 2)).collect();
    // Sums are read as whole numbers: one engine makes decimals of them.
    let statement = format!(
        "SELECT source, CAST(SUM(n_confirmed) AS BIGINT) AS confirmed, CAST(SUM(n_reversed) AS BIGINT) AS reversed
         FROM routing_outcome WHERE day > $1 AND source IN ({}) GROUP BY source",
        places.join(", ")
    );
    let mut select = query(AssertSqlSafe(statement)).bind(now.unix_ms().div_euclid(DAY_MS) - DAYS);
    for (_, source) in &sources {
        select = select.bind(source.clone());
    }
    let rows = select
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read what people found"))?;
    let mut found: HashMap<String, Counts> = HashMap::new();
    for row in &rows {
        let counts = Counts {
            n_confirmed: row.int("confirmed")?,
            n_reversed: row.int("reversed")?,
        };
        found.insert(row.text("source")?, counts);
    }
    let counts: Vec<(LearnedFrom, Counts)> = sources
        .into_iter()
        .map(|(from, source)| (from, found.get(&source).copied().unwrap_or_default()))
        .collect();
    Ok(estimate(prior, &counts))
}

/// Forgets days that count no more.
pub async fn forget(tx: &mut Tx, now: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM routing_outcome WHERE day <= $1")
        .bind(now.unix_ms().div_euclid(DAY_MS) - DAYS)
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget what people found"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(counts: &[(LearnedFrom, i64, i64)], mean: f64, from: LearnedFrom) {
        let counts: Vec<(LearnedFrom, Counts)> = counts
            .iter()
            .map(|(from, n_confirmed, n_reversed)| {
                let counts = Counts {
                    n_confirmed: *n_confirmed,
                    n_reversed: *n_reversed,
                };
                (*from, counts)
            })
            .collect();
        let learnt = estimate((2.0, 2.0), &counts);
        assert!((learnt.mean - mean).abs() < 1e-9, "{learnt:?} instead of {mean}");
        assert_eq!(learnt.from, from);
    }

    #[test]
    fn a_source_is_believed_as_far_as_people_confirmed_it() {
        use LearnedFrom::{Bank, Nothing, Queue, Rule};
        check(&[(Queue, 0, 0)], 0.5, Nothing);
        // (2 + 6) / (4 + 8)
        check(&[(Queue, 6, 2)], 8.0 / 12.0, Queue);
        // A rule that nothing is known of is believed like its queue.
        check(&[(Queue, 6, 2), (Rule, 0, 0)], 8.0 / 12.0, Queue);
        // (4 × 2/3 + 0) / (4 + 16)
        check(&[(Queue, 6, 2), (Rule, 0, 16)], (4.0 * 8.0 / 12.0) / 20.0, Rule);
        // The queue's 16 are 8/20 here; the bank's (4 × 0.4 + 5) / 9; the rule's (4 × that + 1) / 6.
        check(
            &[(Queue, 6, 10), (Bank, 5, 0), (Rule, 1, 1)],
            (4.0 * (4.0 * 0.4 + 5.0) / 9.0 + 1.0) / 6.0,
            Rule,
        );
    }
}
