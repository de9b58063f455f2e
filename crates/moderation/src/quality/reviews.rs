//! A question that a person answers blindly: what it is about, what was said first, what second, and who settled it. Its states, and its rows.
//!
//! ```text
//! Waiting ──answer──► Answered ──settle──► Settled      (settled only where the two differ)
//!    └──► Void                                           (its item changed before anybody answered)
//! ```

use std::time::Duration;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use super::strata::Stratum;
use crate::model::{
    Author, DecisionId, GoldenId, ItemId, Lease, Outcome, PolicyCode, Queue, ReviewId, Timestamp, UserId,
};
use crate::store::columns::{Columns, damaged};
use crate::store::{StoreError, Tx};

/// What somebody says should happen with an item, and by which policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Restrict or allow.
    pub outcome: Outcome,
    /// The policy that a restriction rests on.
    pub policy: Option<PolicyCode>,
}

/// A question to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its id.
    pub id: ReviewId,
    /// Why it is asked.
    pub asks: Asks,
    /// The item.
    pub item: ItemId,
    /// Its revision that was judged first: another is another question.
    pub revision: i64,
    /// The queue in which the item waited for the first answer, if it did: who does not work on it is not asked.
    pub queue: Option<Queue>,
    /// The language of the item's text, if the platform told it.
    pub language: Option<String>,
    /// What was said first.
    pub first: Answer,
    /// By whom.
    pub first_author: Author,
    /// When.
    pub first_at: Timestamp,
    /// When it was drawn.
    pub drawn_at: Timestamp,
    /// How far it got.
    pub state: ReviewState,
}

/// Why a question is asked. Whoever answers cannot tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// A decision was drawn.
    Again {
        /// Which.
        decision: DecisionId,
        /// Of which kind it is.
        stratum: Stratum,
        /// With which chance it was drawn, in millionths.
        ppm: u32,
    },
    /// The right answer is known.
    Golden {
        /// Which golden case.
        golden: GoldenId,
    },
}

/// How far a question got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReviewState {
    /// Waits for a second person.
    Waiting {
        /// Who has it on their page.
        held: Option<Lease>,
    },
    /// Was answered.
    Answered(Said),
    /// The answers differed, and a third person settled it.
    Settled {
        /// The second answer.
        second: Said,
        /// What is right.
        settled: Said,
    },
    /// The item changed before anybody answered.
    Void,
}

/// An answer with its author.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// By whom.
    pub by: UserId,
    /// What.
    pub answer: Answer,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What cannot be done with a question in its state, or by this person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReviewRefused {
    /// Another person has it, or it was answered.
    #[error("the question is not yours")]
    NotYours,
    /// The two answers are the same, or there is no second one.
    #[error("there is nothing to settle")]
    NothingToSettle,
    /// One who gave an answer cannot settle which is right.
    #[error("one of the two answers is your own")]
    OwnAnswer,
}

impl Review {
    /// How long a person has a question on their page.
    pub const HOLD: Duration = Duration::from_secs(30 * 60);

    /// The second answer, if there is one.
    pub fn second(&self) -> Option<&Said> {
        match &self.state {
            ReviewState::Answered(second) | ReviewState::Settled { second, .. } => Some(second),
            ReviewState::Waiting { .. } | ReviewState::Void => None,
        }
    }

    /// Whether two people said different things and nobody settled it yet.
    pub fn is_disputed(&self) -> bool {
        matches!(&self.state, ReviewState::Answered(second) if second.answer != self.first)
            && matches!(self.asks, Asks::Again { .. })
    }

    /// What is held to be right: what a third person said, or what both did.
    pub fn truth(&self) -> Option<Answer> {
        match &self.state {
            ReviewState::Settled { settled, .. } => Some(settled.answer),
            ReviewState::Answered(second) if second.answer == self.first => Some(self.first),
            ReviewState::Answered(_) | ReviewState::Waiting { .. } | ReviewState::Void => None,
        }
    }

    /// Whether the person has it on their page at `now`.
    pub fn is_held_by(&self, user: UserId, now: Timestamp) -> bool {
        matches!(self.state, ReviewState::Waiting { held: Some(held) } if held.holder == user && held.until > now)
    }

    /// The question, on a person's page from `now`.
    pub fn hold(self, user: UserId, now: Timestamp) -> Result<Self, ReviewRefused> {
        let is_free = match self.state {
            ReviewState::Waiting { held } => held.is_none_or(|held| held.holder == user || held.until <= now),
            ReviewState::Answered(_) | ReviewState::Settled { .. } | ReviewState::Void => false,
        };
        if !is_free || self.first_author == Author::Person(user) {
            return Err(ReviewRefused::NotYours);
        }
        let held = Some(Lease {
            holder: user,
            until: now.after(Self::HOLD),
        });
        Ok(Self {
            state: ReviewState::Waiting { held },
            ..self
        })
    }

    /// The question, answered.
    pub fn answer(self, second: Said) -> Result<Self, ReviewRefused> {
        if !self.is_held_by(second.by, second.at) || self.first_author == Author::Person(second.by) {
            return Err(ReviewRefused::NotYours);
        }
        Ok(Self {
            state: ReviewState::Answered(second),
            ..self
        })
    }

    /// The question, settled.
    pub fn settle(self, settled: Said) -> Result<Self, ReviewRefused> {
        if !self.is_disputed() {
            return Err(ReviewRefused::NothingToSettle);
        }
        let is_own = self.first_author == Author::Person(settled.by);
        match self.state {
            ReviewState::Answered(second) if second.by != settled.by && !is_own => Ok(Self {
                state: ReviewState::Settled { second, settled },
                ..self
            }),
            _ => Err(ReviewRefused::OwnAnswer),
        }
    }
}

/// Keeps a new question.
pub async fn insert(tx: &mut Tx, review: &Review) -> Result<(), StoreError> {
    let (decision, golden, stratum, ppm) = match &review.asks {
        Asks::Again { decision, stratum, ppm } => (Some(decision.to_string()), None, stratum.as_str(), *ppm),
        Asks::Golden { golden } => (None, Some(golden.to_string()), "", 0),
    };
    query(
        "INSERT INTO quality_review
            (id, decision_id, golden_id, item_id, revision, queue, language, stratum, ppm, first_outcome, first_policy,
             first_author_kind, first_author, first_at, drawn_at, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'waiting')
         ON CONFLICT DO NOTHING",
    )
    .bind(review.id.to_string())
    .bind(decision)
    .bind(golden)
    .bind(review.item.to_string())
    .bind(review.revision)
    .bind(review.queue.map(|queue| queue.to_string()).unwrap_or_default())
    .bind(review.language.clone().unwrap_or_default())
    .bind(stratum)
    .bind(i64::from(ppm))
    .bind(review.first.outcome.as_str())
    .bind(review.first.policy.map(|policy| policy.as_str()))
    .bind(review.first_author.kind())
    .bind(review.first_author.to_string())
    .bind(review.first_at.unix_ms())
    .bind(review.drawn_at.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep a question"))?;
    update(tx, review).await
}

/// Writes how far a question got.
pub async fn update(tx: &mut Tx, review: &Review) -> Result<(), StoreError> {
    let (word, held, second, settled) = match &review.state {
        ReviewState::Waiting { held } => ("waiting", *held, None, None),
        ReviewState::Answered(second) => ("answered", None, Some(second), None),
        ReviewState::Settled { second, settled } => ("settled", None, Some(second), Some(settled)),
        ReviewState::Void => ("void", None, None, None),
    };
    let policy = |said: Option<&Said>| said.and_then(|said| said.answer.policy).map(|policy| policy.as_str());
    query(
        "UPDATE quality_review SET state = $1, held_by = $2, held_until = $3,
                second_by = $4, second_outcome = $5, second_policy = $6, second_reason = $7, second_at = $8,
                settled_by = $9, settled_outcome = $10, settled_policy = $11, settled_reason = $12, settled_at = $13
         WHERE id = $14",
    )
    .bind(word)
    .bind(held.map(|held| held.holder.to_string()))
    .bind(held.map(|held| held.until.unix_ms()))
    .bind(second.map(|said| said.by.to_string()))
    .bind(second.map(|said| said.answer.outcome.as_str()))
    .bind(policy(second))
    .bind(second.map(|said| said.reason.clone()))
    .bind(second.map(|said| said.at.unix_ms()))
    .bind(settled.map(|said| said.by.to_string()))
    .bind(settled.map(|said| said.answer.outcome.as_str()))
    .bind(policy(settled))
    .bind(settled.map(|said| said.reason.clone()))
    .bind(settled.map(|said| said.at.unix_ms()))
    .bind(review.id.to_string())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("write how far a question got"))?;
    Ok(())
}

/// The question, by its id.
pub async fn find(conn: &mut AnyConnection, id: ReviewId) -> Result<Option<Review>, StoreError> {
    let row = query("SELECT * FROM quality_review WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read a question"))?;
    row.map(|row| read(&row)).transpose()
}

/// The question, by its id, locked until the transaction ends.
pub async fn find_locked(tx: &mut Tx, id: ReviewId) -> Result<Option<Review>, StoreError> {
    query("UPDATE quality_review SET state = state WHERE id = $1")
        .bind(id.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("lock a question"))?;
    find(tx.conn(), id).await
}

/// How many drawn decisions wait for a second answer.
pub async fn n_waiting(conn: &mut AnyConnection) -> Result<i64, StoreError> {
    let row = query("SELECT COUNT(*) AS n FROM quality_review WHERE state = 'waiting' AND decision_id IS NOT NULL")
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("count questions"))?;
    row.int("n")
}

/// The questions that were answered since, the newest first, at most `limit`.
pub async fn list_answered(conn: &mut AnyConnection, since: Timestamp, limit: i64) -> Result<Vec<Review>, StoreError> {
    let rows = query(
        "SELECT * FROM quality_review WHERE state IN ('answered', 'settled') AND second_at > $1
         ORDER BY second_at DESC, id DESC LIMIT $2",
    )
    .bind(since.unix_ms())
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read questions"))?;
    rows.iter().map(read).collect()
}

/// The answers of a person to golden cases that were given until a moment, the newest first, at most `limit`.
pub async fn list_golden_of(
    conn: &mut AnyConnection,
    user: UserId,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Review>, StoreError> {
    let rows = query(
        "SELECT * FROM quality_review
         WHERE state = 'answered' AND golden_id IS NOT NULL AND second_by = $1 AND second_at <= $2
         ORDER BY second_at DESC, id DESC LIMIT $3",
    )
    .bind(user.to_string())
    .bind(until.unix_ms())
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read answers to golden cases"))?;
    rows.iter().map(read).collect()
}

/// A question from a row that has its columns under their own names.
pub fn read(row: &AnyRow) -> Result<Review, StoreError> {
    let first_author = match row.text("first_author_kind")?.as_str() {
        "rule" => Author::Rule(row.text("first_author")?),
        "person" => Author::Person(row.parse("first_author")?),
        other => {
            return Err(damaged(
                "first_author_kind",
                format!("`{other}` is not a kind of author"),
            ));
        }
    };
    let asks = match (row.opt_parse("decision_id")?, row.opt_parse("golden_id")?) {
        (Some(decision), None) => Asks::Again {
            decision,
            stratum: row.parse("stratum")?,
            ppm: row.number("ppm")?,
        },
        (None, Some(golden)) => Asks::Golden { golden },
        (_, _) => return Err(damaged("decision_id", "neither a decision nor a golden case alone")),
    };
    let second = || {
        Ok::<Said, StoreError>(Said {
            by: row.parse("second_by")?,
            answer: Answer {
                outcome: row.parse("second_outcome")?,
                policy: row.opt_parse("second_policy")?,
            },
            reason: row.text("second_reason")?,
            at: row.time("second_at")?,
        })
    };
    let state = match row.text("state")?.as_str() {
        "waiting" => ReviewState::Waiting {
            held: match (row.opt_parse("held_by")?, row.opt_time("held_until")?) {
                (Some(holder), Some(until)) => Some(Lease { holder, until }),
                (_, _) => None,
            },
        },
        "answered" => ReviewState::Answered(second()?),
        "settled" => ReviewState::Settled {
            second: second()?,
            settled: Said {
                by: row.parse("settled_by")?,
                answer: Answer {
                    outcome: row.parse("settled_outcome")?,
                    policy: row.opt_parse("settled_policy")?,
                },
                reason: row.text("settled_reason")?,
                at: row.time("settled_at")?,
            },
        },
        "void" => ReviewState::Void,
        other => return Err(damaged("state", format!("`{other}` is not a state of a question"))),
    };
    let some = |text: String| (!text.is_empty()).then_some(text);
    let queue = some(row.text("queue")?).map(|word| word.parse::<Queue>()).transpose();
    Ok(Review {
        id: row.parse("id")?,
        asks,
        item: row.parse("item_id")?,
        revision: row.int("revision")?,
        queue: queue.map_err(|error| damaged("queue", error))?,
        language: some(row.text("language")?),
        first: Answer {
            outcome: row.parse("first_outcome")?,
            policy: row.opt_parse("first_policy")?,
        },
        first_author,
        first_at: row.time("first_at")?,
        drawn_at: row.time("drawn_at")?,
        state,
    })
}
