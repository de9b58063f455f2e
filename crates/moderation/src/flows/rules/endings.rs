//! Restrictions that a rule or a person gave an end are over in time, whatever rules said of the item meanwhile. A person's decision can take the end away: see
//! [`crate::flows::cases`].

use serde_json::json;

use crate::Seawall;
use crate::actions::StandingOrder;
use crate::flows::deciding::versions;
use crate::flows::orders::lift;
use crate::model::{ActionKind, Actor, Author, Decision, DecisionId, Outcome, Restricted, Timestamp};
use crate::rules::restrictions::Ending;
use crate::rules::{restrictions, standing};
use crate::store::StoreError;
use crate::{actions, cases, decisions, items};

/// Who ends what a person restricted for a time, in the place of a rule's name.
const TIME_OVER: &str = "time_is_over";
/// Restrictions that are ended at a time.
const PAGE: i64 = 100;

/// Ends restrictions whose time is over. Doing it twice changes nothing more.
pub async fn end_restrictions(app: &Seawall) -> Result<(), StoreError> {
    loop {
        let now = app.clock.now();
        let over = restrictions::over(&mut *app.store.reader().await?, now, PAGE).await?;
        if over.is_empty() {
            return Ok(());
        }
        for ending in over {
            end_restriction(app, &ending, now).await?;
        }
        app.bells.jobs.notify_one();
    }
}

async fn end_restriction(app: &Seawall, ending: &Ending, now: Timestamp) -> Result<(), StoreError> {
    let mut tx = app.store.begin("end a restriction").await?;
    items::lock(&mut tx, &ending.item).await?;
    let is_ours = restrictions::forget(&mut tx, ending).await?;
    let before = decisions::latest_of_item(tx.conn(), &ending.item).await?;
    let origin = decisions::find(tx.conn(), ending.decision).await?;
    let standing_orders = actions::standing_orders(tx.conn(), &ending.item).await?;
    let restricts = standing_orders
        .iter()
        .filter(|order| order.kind == ActionKind::Restrict && order.what != Restricted::Warning);
    let (over, still): (Vec<&StandingOrder>, Vec<&StandingOrder>) =
        restricts.partition(|order| order.what == ending.what);
    let (Some(before), Some(origin), Some(over), true) = (before, origin, over.first(), is_ours) else {
        return tx.commit().await;
    };
    let case = cases::find_open_of_item(tx.conn(), &ending.item).await?;
    let outcome = match (still.is_empty(), &case) {
        (false, _) => Outcome::Restrict,
        (true, Some(_)) => Outcome::Review,
        (true, None) => Outcome::Allow,
    };
    let kept = standing::read(tx.conn()).await?;
    let decision = Decision {
        id: DecisionId::fresh(now, &app.chance),
        item: ending.item.clone(),
        revision: before.revision,
        outcome,
        author: match &origin.author {
            Author::Rule(rule) => Author::Rule(rule.clone()),
            // Nobody decides anew when a time is over that a person set.
            Author::Person(_) => Author::Rule(TIME_OVER.to_owned()),
        },
        policy: before.policy.filter(|_| outcome == Outcome::Restrict),
        reason: "the time for which it was restricted is over".to_owned(),
        facts: json!({
            "ended": { "of": ending.decision.to_string(), "what": ending.what.as_str() },
            "restricted": still.iter().map(|order| order.what.as_str()).collect::<Vec<_>>(),
        }),
        versions: versions(kept.map_or(0, |kept| kept.standing.live)),
        supersedes: Some(before.id),
        case: case.map(|case| case.id).or(before.case),
        decided_at: now,
    };
    decisions::insert(&mut tx, &decision).await?;
    let body = json!({
        "decision": decision.id.to_string(), "revision": decision.revision, "outcome": decision.outcome.as_str(),
        "rule": decision.author.to_string(), "ended": ending.what.as_str(),
    });
    tx.event(now, &Actor::System, "item.decided", &ending.item, body);
    lift(app, &mut tx, &Actor::System, &decision, over, None).await?;
    tx.commit().await
}
