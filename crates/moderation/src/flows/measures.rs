//! From the measures of a person's judgement to what is ordered: what shall be restricted, what of it the platform must be told, and what is lifted.
//!
//! A judgement that names measures says all that shall be so: what stands and is not named is lifted. One that names none confirms what stands, with the
//! ends that it has, and restricts the item itself where nothing does. Each is ordered once: what stands in the same scope until the same time is not told again.

use serde_json::json;

use super::cases::CaseError;
use super::orders::{Order, hurry, lift, order_action, tell_notice_later};
use crate::Seawall;
use crate::actions::StandingOrder;
use crate::model::{
    ActionKind, Actor, Decision, InvalidMeasure, Item, Judgement, Lasts, Measure, Outcome, Restricted, Timestamp,
};
use crate::rules::restrictions::{self, Ending};
use crate::store::{StoreError, Tx};

/// One thing that shall be restricted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    what: Restricted,
    scope: String,
    until: Option<Timestamp>,
    /// Its end, if it has one, stays as it is kept.
    keeps_end: bool,
}

/// What a judgement comes to, with what stands.
#[derive(Debug)]
pub(super) struct Plan {
    standing: Vec<StandingOrder>,
    wanted: Vec<Wanted>,
    /// What stands and shall not any more.
    lifted: Vec<StandingOrder>,
    forgotten: Vec<Ending>,
}

impl Plan {
    /// For a judgement on an item; else what is wrong with its measures. What lasts a time lasts it from `judged_at`, as the person is told.
    pub fn of(
        app: &Seawall,
        judgement: &Judgement,
        item: &Item,
        standing: Vec<StandingOrder>,
        endings: &[Ending],
        (judged_at, now): (Timestamp, Timestamp),
    ) -> Result<Self, CaseError> {
        let invalid = |error: InvalidMeasure| CaseError::Invalid {
            field: "measures",
            what: error.to_string(),
        };
        let wanted = match judgement.outcome {
            Outcome::Restrict if judgement.measures.is_empty() => confirmed(&standing, endings),
            Outcome::Restrict => {
                let stands = |measure: &Measure| {
                    let is_it = |order: &&StandingOrder| order.what == measure.what && order.scope == measure.scope;
                    standing.iter().filter(is_it).any(StandingOrder::is_in_force)
                };
                let checked = app
                    .settings
                    .measures
                    .check(&judgement.measures, item.account.is_some(), stands);
                checked.map_err(invalid)?;
                let mut named: Vec<Wanted> = judgement
                    .measures
                    .iter()
                    .map(|measure| named(measure, endings, judged_at))
                    .collect();
                named.sort_by_key(|wanted| place(wanted.what));
                named
            }
            Outcome::Allow | Outcome::Review => Vec::new(),
        };
        // What is past its end has ended, whether or not that was told yet: what is left goes on.
        let is_over = |wanted: &Wanted| wanted.keeps_end && wanted.until.is_some_and(|until| until <= now);
        let n_wanted = wanted.len();
        let wanted: Vec<Wanted> = wanted.into_iter().filter(|wanted| !is_over(wanted)).collect();
        if wanted.is_empty() && n_wanted > 0 {
            return Err(invalid(InvalidMeasure::Ended));
        }
        let restricts = |order: &StandingOrder, what| order.what == what && order.kind == ActionKind::Restrict;
        // Its time was over since somebody looked at it: nobody said that it shall begin anew.
        let has_ended = |wanted: &Wanted| {
            let stands = standing.iter().any(|order| restricts(order, wanted.what));
            (wanted.keeps_end && !stands) || wanted.until.is_some_and(|until| until <= now)
        };
        if wanted.iter().any(has_ended) {
            return Err(invalid(InvalidMeasure::Ended));
        }
        // Who only confirms lifts nothing.
        let lifts = judgement.outcome == Outcome::Allow || !judgement.measures.is_empty();
        let is_restored = |order: &StandingOrder| order.kind == ActionKind::Restore && !order.given_up;
        // A warning is taken back with what it warned of, and not by what is decided besides.
        let is_kept =
            |order: &StandingOrder| judgement.outcome == Outcome::Restrict && order.what == Restricted::Warning;
        let goes_on = |order: &StandingOrder| is_kept(order) || wanted.iter().any(|wanted| wanted.follows(order));
        let lifted = standing
            .iter()
            .filter(|order| lifts && !is_restored(order) && !goes_on(order));
        let lifted: Vec<StandingOrder> = lifted.cloned().collect();
        let is_forgotten = |ending: &&Ending| match wanted.iter().find(|wanted| wanted.what == ending.what) {
            Some(wanted) => !wanted.keeps_end,
            None => lifted.iter().any(|order| order.what == ending.what),
        };
        Ok(Self {
            forgotten: endings.iter().filter(is_forgotten).cloned().collect(),
            standing,
            wanted,
            lifted,
        })
    }

    /// What is kept of it with the decision: what is restricted from now on, and the ends that are over with it, should it be undone.
    pub fn add_facts(&self, facts: &mut serde_json::Value) {
        facts["restricted"] = self.wanted.iter().map(|wanted| wanted.what.as_str()).collect();
        facts["measures"] = self.wanted.iter().map(Wanted::as_json).collect();
        facts["forgotten"] = self.forgotten.iter().map(ending_as_json).collect();
    }

    /// Orders what must change, and keeps the ends. What is lifted leaves after what takes its place, so that nothing is free in between; only a label or a
    /// service gives way to another of its kind first.
    pub async fn order(
        self,
        app: &Seawall,
        tx: &mut Tx,
        actor: &Actor,
        decision: &Decision,
        held_until: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        for ending in &self.forgotten {
            restrictions::forget_of(tx, &decision.item, ending.what).await?;
        }
        let gives_way = |order: &&StandingOrder| self.wanted.iter().any(|wanted| wanted.what == order.what);
        for order in self.lifted.iter().filter(gives_way) {
            lift(app, tx, actor, decision, order, held_until).await?;
        }
        let mut n_ordered = 0;
        let mut latest = held_until;
        for wanted in &self.wanted {
            if !wanted.keeps_end
                && let Some(ends_at) = wanted.until
            {
                let ending = Ending {
                    decision: decision.id,
                    item: decision.item.clone(),
                    what: wanted.what,
                    ends_at,
                };
                restrictions::insert(tx, &ending).await?;
            }
            // An order that was given up is given anew: the person wants it still, and nobody knows whether it was carried out.
            if self.standing.iter().any(|order| wanted.is_as_ordered(order)) {
                hurry(app, tx, decision, wanted.what, held_until).await?;
                continue;
            }
            let order = Order {
                kind: ActionKind::Restrict,
                what: wanted.what,
                scope: wanted.scope.clone(),
                until: wanted.until,
                held_until,
            };
            let ordered = order_action(app, tx, actor, decision, order, decision.decided_at).await?;
            latest = latest.max(ordered);
            n_ordered += 1;
        }
        for order in self.lifted.iter().filter(|order| !gives_way(order)) {
            lift(app, tx, actor, decision, order, latest).await?;
        }
        // With an order its notice leaves; with none, by itself.
        if n_ordered == 0 && decision.facts["notice"].is_object() {
            tell_notice_later(app, tx, decision, held_until).await?;
        }
        Ok(())
    }
}

impl Wanted {
    /// Whether the order is one that this one takes up, or replaces: nothing is lifted for it.
    fn follows(&self, order: &StandingOrder) -> bool {
        let takes_place = match self.what {
            // One label does not take the other away.
            Restricted::Label | Restricted::Service => self.scope == order.scope,
            _ => true,
        };
        self.what == order.what && takes_place
    }

    /// Whether the platform was told just this.
    fn is_as_ordered(&self, order: &StandingOrder) -> bool {
        // Who is warned again is told again.
        let is_same = self.what == order.what && self.scope == order.scope && self.what != Restricted::Warning;
        is_same && order.is_in_force() && (self.keeps_end || self.until == order.until)
    }

    fn as_json(&self) -> serde_json::Value {
        json!({
            "what": self.what.as_str(), "scope": self.scope, "until": self.until.map(Timestamp::unix_ms),
        })
    }
}

fn place(what: Restricted) -> usize {
    Restricted::ALL.iter().take_while(|known| **known != what).count()
}

/// What stands, with its ends; the item itself for good, and where nothing stands.
fn confirmed(standing: &[StandingOrder], endings: &[Ending]) -> Vec<Wanted> {
    // That somebody was warned is over: it restricts nothing.
    let restricts = standing
        .iter()
        .filter(|order| order.kind == ActionKind::Restrict && order.what != Restricted::Warning);
    let mut wanted: Vec<Wanted> = restricts
        .map(|order| Wanted {
            what: order.what,
            scope: order.scope.clone(),
            until: end_of(order.what, endings).filter(|_| order.what != Restricted::Item),
            keeps_end: order.what != Restricted::Item,
        })
        .collect();
    if wanted.is_empty() {
        wanted.push(Wanted {
            what: Restricted::Item,
            scope: String::new(),
            until: None,
            keeps_end: false,
        });
    }
    wanted
}

fn named(measure: &Measure, endings: &[Ending], now: Timestamp) -> Wanted {
    let stands_until = end_of(measure.what, endings).filter(|_| measure.what.can_end());
    Wanted {
        what: measure.what,
        scope: measure.scope.clone(),
        until: measure.ends_at(stands_until, now),
        keeps_end: measure.lasts == Lasts::AsItStands && measure.what.can_end(),
    }
}

fn end_of(what: Restricted, endings: &[Ending]) -> Option<Timestamp> {
    let ends = endings.iter().filter(|ending| ending.what == what);
    ends.map(|ending| ending.ends_at).max()
}

/// The end of a restriction, so that it can be put back: see [`super::undo`].
fn ending_as_json(ending: &Ending) -> serde_json::Value {
    json!({ "of": ending.decision.to_string(), "what": ending.what.as_str(), "ends_at": ending.ends_at.unix_ms() })
}
