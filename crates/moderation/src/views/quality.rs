//! Quality as pages show it. A question shows what it is about and nothing of what anybody or anything said of it: no match, no rule, no decision, no name, not even the
//! item's id, by which all that could be looked up. A difference shows both answers, to who settles it. Figures show no items.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::{AnyConnection, AssertSqlSafe, query};

use super::items::{MediaView, media_views};
use super::{ViewError, names, reaches_item};
use crate::Seawall;
use crate::model::{
    Actor, Audience, Author, CaseId, ItemKind, Measured, ReviewId, Right, Timestamp, Translation, UserId, off_thread,
};
use crate::quality::figures::{ANSWERS_MIN, Figures, Precision, Share};
use crate::quality::golden::{self, Golden};
use crate::quality::reviews::{self, Answer, Asks, Review};
use crate::quality::strata::{self, Shares};
use crate::routing::wishes;
use crate::rules::firings;
use crate::store::StoreError;
use crate::store::columns::Columns;
use crate::{cases, items};

/// So far back the figures look.
pub const QUALITY_OVER: Duration = Duration::from_secs(12 * 7 * 86_400);
/// The most answers that figures rest on, the newest.
const ANSWERS_MAX: i64 = 3_000;
/// A person learns of their answers to golden cases when these are so old: not while they still know which question it was.
pub const LEARNED_AFTER: Duration = Duration::from_secs(24 * 3600);
/// The most answers to golden cases of a person that are shown.
const OWN_ANSWERS_MAX: i64 = 100;
/// The most differences that are listed.
pub const DISPUTES_MAX: usize = 100;
/// Overtaken questions that are looked for at a time.
const OVERTAKEN_MAX: i64 = 200;

/// What a question shows.
#[derive(Debug, Clone)]
pub struct BlindView {
    /// The question.
    pub id: ReviewId,
    /// Until when it is this person's.
    pub until: Timestamp,
    /// What kind of thing the item is.
    pub kind: ItemKind,
    /// Who posted it.
    pub account: Option<String>,
    /// Where.
    pub channel: Option<String>,
    /// Who could see it.
    pub audience: Option<Audience>,
    /// Its text.
    pub text: Option<String>,
    /// The languages of its text, as the platform named them.
    pub languages: Vec<String>,
    /// The text in other languages, without who translated.
    pub translations: Vec<Translation>,
    /// Why a person reported it.
    pub report: Option<String>,
    /// Its files, without what they matched and without their signals.
    pub media: Vec<MediaView>,
}

/// The question on a person's page; none if it is not theirs, or its item changed.
pub async fn blind_review(app: &Seawall, actor: &Actor, id: ReviewId) -> Result<Option<BlindView>, ViewError> {
    actor.require(Right::DecideCases)?;
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let review = reviews::find(&mut conn, id).await?;
    let Some((review, user)) = review
        .zip(actor.user())
        .filter(|(review, user)| review.is_held_by(*user, now))
    else {
        return Ok(None);
    };
    let found = items::find(&mut conn, &review.item).await?;
    let Some((item, report)) = found.filter(|(item, _)| item.revision == review.revision) else {
        return Ok(None);
    };
    let mut media = media_views(&mut conn, &review.item, review.revision).await?;
    for file in &mut media {
        file.matches.clear();
        file.matches_capped = false;
        file.media.signals.clear();
    }
    let facts = items::facts_of(&mut conn, &review.item).await?;
    let mut translations = items::translations(&mut conn, &review.item, review.revision).await?;
    for translation in &mut translations {
        translation.translator = None;
    }
    let until = match review.state {
        reviews::ReviewState::Waiting { held: Some(held) } if held.holder == user => held.until,
        _ => now,
    };
    Ok(Some(BlindView {
        id,
        until,
        kind: item.kind,
        account: item.account,
        channel: item.channel,
        audience: item.audience,
        text: item.text,
        languages: facts.languages.unwrap_or_default(),
        translations,
        report,
        media,
    }))
}

/// What waits for a person who answers questions.
#[derive(Debug, Clone)]
pub struct ReviewDesk {
    /// Whether a question waits for them, held or free.
    pub has_next: bool,
    /// Their answers to golden cases, the newest first; the newest day is left out.
    pub golden: Vec<GoldenAnswer>,
    /// How many of these were right.
    pub right: Option<Share>,
}

/// An answer to a golden case, with the right one.
#[derive(Debug, Clone)]
pub struct GoldenAnswer {
    /// When it was given.
    pub at: Timestamp,
    /// What was said.
    pub given: Answer,
    /// What is right: as it was when it was asked.
    pub right: Answer,
    /// Why that is right, as it is known now.
    pub reason: String,
}

/// What waits for the person who asks, and what they may learn from.
pub async fn review_desk(app: &Seawall, actor: &Actor) -> Result<ReviewDesk, ViewError> {
    actor.require(Right::DecideCases)?;
    let Some(user) = actor.user() else {
        return Ok(ReviewDesk {
            has_next: false,
            golden: Vec::new(),
            right: None,
        });
    };
    let now = app.clock.now();
    let mut conn = app.store.reader().await?;
    let has_next = held_review(&mut conn, user, now).await?.is_some()
        || !review_candidates(&mut conn, actor, user, now, 1).await?.is_empty();
    let learned = now.before(LEARNED_AFTER);
    let answered = reviews::list_golden_of(&mut conn, user, learned, OWN_ANSWERS_MAX).await?;
    let reasons: HashMap<_, _> = golden::list(&mut conn)
        .await?
        .into_iter()
        .map(|golden| (golden.id, golden.reason))
        .collect();
    let golden: Vec<GoldenAnswer> = answered
        .iter()
        .filter_map(|review| {
            let (Asks::Golden { golden }, Some(second)) = (&review.asks, review.second()) else {
                return None;
            };
            Some(GoldenAnswer {
                at: second.at,
                given: second.answer,
                right: review.first,
                reason: reasons.get(golden).cloned().unwrap_or_default(),
            })
        })
        .collect();
    let right = golden.iter().filter(|answer| answer.given == answer.right).count();
    Ok(ReviewDesk {
        has_next,
        right: Share::of(right as u64, golden.len() as u64),
        golden,
    })
}

/// Two answers that differ.
#[derive(Debug, Clone)]
pub struct DisputeView {
    /// The question, with both answers.
    pub review: Review,
    /// Why the first decided so.
    pub first_reason: String,
    /// Who gave the first answer.
    pub first_name: String,
    /// Who gave the second.
    pub second_name: String,
    /// Whether who looks gave neither, and may settle it.
    pub may_settle: bool,
    /// The text of the item, unless it changed.
    pub text: Option<String>,
    /// Its files.
    pub media: Vec<MediaView>,
}

/// Differences that nobody settled yet, the oldest first.
pub async fn disputes(app: &Seawall, actor: &Actor) -> Result<Vec<Review>, ViewError> {
    actor.require(Right::SettleReviews)?;
    let mut conn = app.store.reader().await?;
    let since = app.clock.now().before(QUALITY_OVER);
    let answered = reviews::list_answered(&mut conn, since, ANSWERS_MAX).await?;
    let reached = |review: &Review| review.queue.is_none_or(|queue| actor.queues().has(queue));
    let open = answered
        .into_iter()
        .rev()
        .filter(|review| review.is_disputed() && reached(review));
    let mut shown = Vec::new();
    for review in open {
        if shown.len() == DISPUTES_MAX {
            break;
        }
        // Its queue is that of the time when it was drawn; a case of another queue may be about it by now.
        if reaches_item(&mut conn, actor, &review.item).await? {
            shown.push(review);
        }
    }
    Ok(shown)
}

/// A difference with all that is known, for who settles it.
pub async fn dispute(app: &Seawall, actor: &Actor, id: ReviewId) -> Result<Option<DisputeView>, ViewError> {
    actor.require(Right::SettleReviews)?;
    let mut conn = app.store.reader().await?;
    let found = reviews::find(&mut conn, id).await?;
    let reached = |review: &Review| review.queue.is_none_or(|queue| actor.queues().has(queue));
    let Some(review) = found.filter(|review| review.is_disputed() && reached(review)) else {
        return Ok(None);
    };
    if !reaches_item(&mut conn, actor, &review.item).await? {
        return Ok(None);
    }
    let names = names::all(&mut conn).await?;
    let first_reason = match &review.asks {
        Asks::Again { decision, .. } => crate::decisions::find(&mut conn, *decision)
            .await?
            .map(|first| first.reason),
        Asks::Golden { .. } => None,
    };
    let first_name = match &review.first_author {
        Author::Rule(rule) => rule.clone(),
        Author::Person(user) => names::of(&names, &user.to_string()),
    };
    let second_by = review.second().map(|said| said.by);
    let me = actor.user();
    let is_own = second_by == me || matches!(review.first_author, Author::Person(user) if Some(user) == me);
    let found = items::find(&mut conn, &review.item).await?;
    let item = found.filter(|(item, _)| item.revision == review.revision);
    Ok(Some(DisputeView {
        media: media_views(&mut conn, &review.item, review.revision).await?,
        first_reason: first_reason.unwrap_or_default(),
        first_name,
        second_name: second_by
            .map(|user| names::of(&names, &user.to_string()))
            .unwrap_or_default(),
        may_settle: me.is_some() && !is_own,
        text: item.and_then(|(item, _)| item.text),
        review,
    }))
}

/// How right decisions are.
#[derive(Debug, Clone)]
pub struct QualityView {
    /// What blind answers say.
    pub figures: Figures,
    /// How many of what each rule found people confirmed when they decided: not blindly, they saw what it found.
    pub rules: Vec<Precision>,
    /// The same of what each bank matched.
    pub banks: Vec<Precision>,
    /// Of each person, how many of their answers to golden cases were right; for those who answer for the desk alone.
    pub people: Vec<(String, Share)>,
    /// How much is asked twice.
    pub shares: Shares,
    /// Questions that wait.
    pub n_waiting: i64,
    /// Golden cases; for those who keep them alone.
    pub golden: Vec<Golden>,
}

/// How right decisions are. Names and golden cases are only there for who may settle reviews.
pub async fn quality(app: &Seawall, actor: &Actor) -> Result<QualityView, ViewError> {
    actor.require(Right::ReadQuality)?;
    let now = app.clock.now();
    let since = now.before(QUALITY_OVER);
    let is_lead = actor.user().is_some() && actor.may(Right::SettleReviews);
    let mut conn = app.store.reader().await?;
    let answered = reviews::list_answered(&mut conn, since, ANSWERS_MAX).await?;
    let rules = rules_confirmed(&mut conn, since).await?;
    let banks = banks_confirmed(&mut conn, since).await?;
    let people = match is_lead {
        true => golden_by_person(&answered, &names::all(&mut conn).await?),
        false => Vec::new(),
    };
    let mut golden = match is_lead {
        true => golden::list(&mut conn).await?,
        false => Vec::new(),
    };
    golden.retain(|golden| golden.is_reached_by(actor.queues()));
    let view = QualityView {
        figures: Figures::of(&[], now),
        rules,
        banks,
        people,
        shares: strata::shares(&mut conn).await?,
        n_waiting: reviews::n_waiting(&mut conn).await?,
        golden,
    };
    // Resampling takes a processor for a moment, and no connection.
    drop(conn);
    let figures = off_thread(|| Figures::of(&answered, now));
    Ok(QualityView { figures, ..view })
}

async fn rules_confirmed(conn: &mut AnyConnection, since: Timestamp) -> Result<Vec<Precision>, StoreError> {
    let measured = firings::since(conn, firings::day_of(since)).await?;
    let mut of: HashMap<String, (u64, u64)> = HashMap::new();
    for (key, Measured { looked, .. }) in measured {
        let counts = of.entry(key.rule).or_default();
        counts.0 += looked.confirmed;
        counts.1 += looked.confirmed + looked.reversed;
    }
    let found = of.into_iter().map(|(rule, (right, n))| Precision::of(rule, right, n));
    let mut found: Vec<Precision> = found.filter(|precision| precision.n > 0).collect();
    found.sort_by(|a, b| (b.n, &a.name).cmp(&(a.n, &b.name)));
    Ok(found)
}

async fn banks_confirmed(conn: &mut AnyConnection, since: Timestamp) -> Result<Vec<Precision>, StoreError> {
    // Of the decisions of people on what a rule had found, each counts for every bank that the item matched.
    let rows = query(
        "SELECT b.name, COUNT(*) AS n, COUNT(CASE WHEN f.outcome = 'restrict' THEN 1 END) AS n_right
         FROM (SELECT DISTINCT d.id, d.outcome, t.bank_id
               FROM decisions_decision d JOIN matching_match t ON t.item_id = d.item_id AND t.revision = d.revision
               WHERE d.author_kind = 'person' AND d.decided_at > $1 AND t.tier = 'match' AND d.facts NOT LIKE '%\"undoes\"%') f
         JOIN banks_bank b ON b.id = f.bank_id
         GROUP BY b.id, b.name ORDER BY n DESC, b.name LIMIT $2",
    )
    .bind(since.unix_ms())
    .bind(BANKS_MAX)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("count what people said of banks"))?;
    rows.iter()
        .map(|row| {
            let (right, n) = (row.int("n_right")?.unsigned_abs(), row.int("n")?.unsigned_abs());
            Ok(Precision::of(row.text("name")?, right, n))
        })
        .collect()
}

/// The most banks that have figures of their own.
const BANKS_MAX: i64 = 50;

fn golden_by_person(answered: &[Review], names: &HashMap<String, String>) -> Vec<(String, Share)> {
    let mut of: HashMap<UserId, (u64, u64)> = HashMap::new();
    for review in answered {
        if let (Asks::Golden { .. }, Some(second)) = (&review.asks, review.second()) {
            let counts = of.entry(second.by).or_default();
            counts.0 += u64::from(second.answer == review.first);
            counts.1 += 1;
        }
    }
    let enough = of.into_iter().filter(|(_, (_, n))| *n >= ANSWERS_MIN as u64);
    let shares =
        enough.filter_map(|(user, (hits, n))| Some((names::of(names, &user.to_string()), Share::of(hits, n)?)));
    let mut shares: Vec<(String, Share)> = shares.collect();
    shares.sort_by(|a, b| a.0.cmp(&b.0));
    shares
}

/// The question that the person has on their page at `now`.
pub(crate) async fn held_review(
    conn: &mut AnyConnection,
    user: UserId,
    now: Timestamp,
) -> Result<Option<ReviewId>, StoreError> {
    let row = query(
        "SELECT r.id FROM quality_review r
         JOIN items_item i ON i.id = r.item_id AND i.revision = r.revision
         WHERE r.state = 'waiting' AND r.held_by = $1 AND r.held_until > $2 ORDER BY r.id LIMIT 1",
    )
    .bind(user.to_string())
    .bind(now.unix_ms())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("look for the question of a person"))?;
    row.map(|row| row.parse("id")).transpose()
}

/// The condition that a person had no hand in an item: they decided nothing on it, were no second person to a decision on it, and held or moved no case about it. `item` is a column, `user` a place.
fn without_hand_in(item: &str, user: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM decisions_decision d WHERE d.item_id = {item} AND d.author = {user})
         AND NOT EXISTS (SELECT 1 FROM cases_case c
                         WHERE c.item_id = {item} AND (c.leased_by = {user} OR c.closed_by = {user}))
         AND NOT EXISTS (SELECT 1 FROM cases_case c JOIN store_event e ON e.subject = c.id
                         WHERE c.item_id = {item} AND e.actor = {user}
                           AND e.kind IN ('case.taken', 'case.taken_over', 'case.opened', 'case.escalated', 'case.decided',
                                           'case.commented'))
         AND NOT EXISTS (SELECT 1 FROM proposals_item w JOIN proposals_proposal p ON p.id = w.proposal_id
                         WHERE w.item_id = {item} AND (p.proposed_by = {user} OR p.ended_by = {user}))"
    )
}

/// Questions that nobody holds and the person may answer, the oldest first.
pub(crate) async fn review_candidates(
    conn: &mut AnyConnection,
    actor: &Actor,
    user: UserId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<ReviewId>, StoreError> {
    let reached = cases::within_queues("r.item_id", "$3");
    let without_hand = without_hand_in("r.item_id", "$1");
    let wanted = wanted(&mut *conn, "r.item_id", user).await?;
    let statement = format!(
        "SELECT r.id FROM quality_review r
         JOIN items_item i ON i.id = r.item_id AND i.revision = r.revision
         WHERE r.state = 'waiting' AND r.golden_id IS NULL AND (r.held_until IS NULL OR r.held_until <= $2)
           AND r.first_author <> $1 AND {without_hand}
           AND ($3 = '*' OR r.queue = '' OR REPLACE($3, ' ' || r.queue || ' ', '') <> $3) AND {reached}{wanted}
         ORDER BY r.id LIMIT $4"
    );
    let rows = query(AssertSqlSafe(statement))
        .bind(user.to_string())
        .bind(now.unix_ms())
        .bind(actor.queues().to_string())
        .bind(limit)
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("look for questions"))?;
    rows.iter().map(|row| row.parse("id")).collect()
}

/// The condition that nothing says of an item that it may be about what the person does not want to be given: no case, and no decision.
async fn wanted(conn: &mut AnyConnection, item: &str, user: UserId) -> Result<String, StoreError> {
    let wishes = wishes::of(conn, user).await?;
    let not = wishes.not.iter().map(|policy| {
        format!(
            " AND NOT EXISTS (SELECT 1 FROM cases_case w WHERE w.item_id = {item} AND REPLACE(w.policies, ' {policy} ', '') <> w.policies)
              AND NOT EXISTS (SELECT 1 FROM decisions_decision w WHERE w.item_id = {item} AND w.policy = '{policy}')"
        )
    });
    Ok(not.collect())
}

/// A golden case that the person was not asked in its present version and had no hand in: the one that was asked the least.
pub(crate) async fn golden_candidate(
    conn: &mut AnyConnection,
    actor: &Actor,
    user: UserId,
) -> Result<Option<Golden>, StoreError> {
    let reached = cases::within_queues("g.item_id", "$2");
    let without_hand = without_hand_in("g.item_id", "$1");
    let wanted = wanted(&mut *conn, "g.item_id", user).await?;
    let statement = format!(
        "SELECT g.* FROM quality_golden g
         JOIN items_item i ON i.id = g.item_id AND i.revision = g.revision
         WHERE g.retired_at IS NULL AND g.owner <> $1 AND {without_hand}
           AND ($2 = '*' OR g.queue = '' OR REPLACE($2, ' ' || g.queue || ' ', '') <> $2) AND {reached}
           AND NOT EXISTS (SELECT 1 FROM quality_review r
                           WHERE r.golden_id = g.id AND r.first_at = g.made_at
                             AND (r.second_by = $1 OR (r.state = 'waiting' AND r.held_by = $1))){wanted}
         ORDER BY (SELECT COUNT(*) FROM quality_review r WHERE r.golden_id = g.id), g.id LIMIT 1"
    );
    let row = query(AssertSqlSafe(statement))
        .bind(user.to_string())
        .bind(actor.queues().to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("look for a golden case"))?;
    row.map(|row| golden::read(&row)).transpose()
}

/// Questions that wait although their items changed, and golden ones that somebody let lie: they are asked anew.
pub(crate) async fn overtaken_reviews(conn: &mut AnyConnection, now: Timestamp) -> Result<Vec<ReviewId>, StoreError> {
    let rows = query(
        "SELECT r.id FROM quality_review r WHERE r.state = 'waiting'
           AND ((r.golden_id IS NOT NULL AND r.held_until <= $2)
                OR NOT EXISTS (SELECT 1 FROM items_item i WHERE i.id = r.item_id AND i.revision = r.revision))
         ORDER BY r.id LIMIT $1",
    )
    .bind(OVERTAKEN_MAX)
    .bind(now.unix_ms())
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("look for overtaken questions"))?;
    rows.iter().map(|row| row.parse("id")).collect()
}

/// What stands on a page from which a closed case may be made golden: whether it is one already.
pub async fn is_golden(app: &Seawall, actor: &Actor, case: CaseId) -> Result<bool, ViewError> {
    actor.require(Right::SettleReviews)?;
    let row = query(
        "SELECT COUNT(*) AS n FROM cases_case c JOIN quality_golden g ON g.item_id = c.item_id
         WHERE c.id = $1 AND g.retired_at IS NULL",
    )
    .bind(case.to_string())
    .fetch_one(&mut *app.store.reader().await?)
    .await
    .map_err(StoreError::at("look whether a case is golden"))?;
    Ok(row.int("n")? > 0)
}
