//! What was acknowledged, kept outside of the server, and held against the store in the end.

use std::collections::BTreeMap;
use std::sync::Mutex;

use cli::demo::platform::{ItemState, Kind, ReceivedOrder};
use moderation::Seawall;
use moderation::model::{Action, ActionKind, ActionState, Actor, Author, CaseState, Outcome, PageRequest};
use moderation::views;
use serde_json::Value;

use crate::server::World;

/// What the server said it had done.
#[derive(Default)]
pub struct Ledger {
    verdicts: Mutex<BTreeMap<String, Verdict>>,
    /// Outcomes that a person decided on, by case.
    decisions: Mutex<BTreeMap<String, String>>,
}

struct Verdict {
    decision: String,
    outcome: String,
    case: Option<String>,
}

impl Ledger {
    /// The server answered a submission.
    pub fn note_verdict(&self, item: &str, answer: &Value) {
        assert_eq!(answer["item"], item);
        let text = |key: &str| answer[key].as_str().map(str::to_owned);
        let (decision, outcome) = (text("decision").unwrap(), text("outcome").unwrap());
        self.verdicts.lock().unwrap().insert(
            item.to_owned(),
            Verdict {
                decision,
                outcome,
                case: text("case"),
            },
        );
    }

    /// The server said that a case is decided.
    pub fn note_decision(&self, case: &str, outcome: &str) {
        let before = self
            .decisions
            .lock()
            .unwrap()
            .insert(case.to_owned(), outcome.to_owned());
        assert!(before.is_none(), "{case} was decided twice");
    }

    /// Compares what was acknowledged, what is stored and what the platform received. Says how much that was.
    pub async fn hold_against(&self, world: &World) -> String {
        let app = world.open().await;
        let (n_items, n_decisions) = (self.check_items(&app).await, self.check_decisions(&app).await);
        let actions = all_actions(&app).await;
        let orders = world.platform.orders();
        check_orders(&app, &actions, &orders).await;
        for (item, kind) in last_kinds(&actions) {
            let expected = match kind {
                ActionKind::Restrict => ItemState::Restricted,
                ActionKind::Restore => ItemState::Available,
            };
            assert_eq!(
                world.platform.item(&item),
                Some(expected),
                "{item} is not as the last order says"
            );
        }
        assert_eq!(world.platform.n_rejected(), 0, "the platform turned requests away");
        let n_restores = actions
            .values()
            .filter(|action| action.kind == ActionKind::Restore)
            .count();
        assert!(
            n_items > 10 && n_decisions > 5 && actions.len() > 5 && n_restores > 0,
            "there was no load to speak of"
        );
        app.media.shutdown().await;
        app.store.close().await;
        let n_repeated = orders.iter().filter(|order| order.attempts > 1).count();
        format!(
            "{n_items} submissions and {n_decisions} decisions of a person acknowledged and found, {} orders ({n_restores} to restore) delivered, \
             {n_repeated} of them more than once",
            orders.len()
        )
    }

    async fn check_items(&self, app: &Seawall) -> usize {
        let verdicts = std::mem::take(&mut *self.verdicts.lock().unwrap());
        for (item, verdict) in &verdicts {
            let decision = views::decision(app, &Actor::Operator, verdict.decision.parse().unwrap())
                .await
                .unwrap();
            let decision = decision.unwrap_or_else(|| panic!("the decision on {item} is lost: {}", verdict.decision));
            assert_eq!(
                (decision.item.as_str(), decision.outcome.as_str()),
                (item.as_str(), verdict.outcome.as_str())
            );
            let stored = views::item(app, &Actor::Operator, &item.parse().unwrap())
                .await
                .unwrap();
            assert!(
                stored.is_some_and(|stored| stored.media.len() == 1),
                "{item} is lost, or its media are"
            );
            if let Some(case) = &verdict.case {
                let case = views::case(app, &Actor::Operator, case.parse().unwrap()).await.unwrap();
                assert!(case.is_some(), "the case of {item} is lost");
            }
        }
        verdicts.len()
    }

    async fn check_decisions(&self, app: &Seawall) -> usize {
        let decisions = std::mem::take(&mut *self.decisions.lock().unwrap());
        for (case, outcome) in &decisions {
            let view = views::case(app, &Actor::Operator, case.parse().unwrap())
                .await
                .unwrap()
                .unwrap();
            let CaseState::Closed { decision, .. } = view.case.state else {
                panic!("{case} was decided and is open")
            };
            let decision = views::decision(app, &Actor::Operator, decision).await.unwrap().unwrap();
            assert_eq!(decision.outcome.as_str(), outcome, "{case}");
            assert!(matches!(decision.author, Author::Person(_)), "{case}");
        }
        decisions.len()
    }
}

async fn all_actions(app: &Seawall) -> BTreeMap<String, Action> {
    let mut actions = BTreeMap::new();
    let mut request = PageRequest {
        cursor: None,
        limit: PageRequest::LIMIT_MAX,
    };
    loop {
        let page = views::list_actions(app, &Actor::Operator, None, &request)
            .await
            .unwrap();
        actions.extend(page.rows.into_iter().map(|action| (action.id.to_string(), action)));
        match page.next {
            Some(cursor) => request.cursor = Some(cursor),
            None => return actions,
        }
    }
}

/// Every order rests on a stored decision that says the same; every action was received and confirmed.
async fn check_orders(app: &Seawall, actions: &BTreeMap<String, Action>, orders: &[ReceivedOrder]) {
    for received in orders {
        let order = &received.order;
        let action = actions
            .get(&order.id)
            .unwrap_or_else(|| panic!("an order that was never decided went out: {order:?}"));
        assert_eq!(
            (action.item.as_str(), action.decision.to_string()),
            (order.item.as_str(), order.decision.clone())
        );
        let decision = views::decision(app, &Actor::Operator, action.decision).await.unwrap();
        let decision = decision.unwrap_or_else(|| panic!("an order without its decision went out: {order:?}"));
        let (kind, outcome) = match order.kind {
            Kind::Restrict => (ActionKind::Restrict, Outcome::Restrict),
            Kind::Restore => (ActionKind::Restore, Outcome::Allow),
            Kind::Measure(ref word) => panic!("nobody ordered {word}"),
        };
        assert_eq!(
            (action.kind, decision.outcome, &decision.item),
            (kind, outcome, &action.item),
            "{order:?}"
        );
    }
    for (id, action) in actions {
        assert!(
            matches!(action.state, ActionState::Confirmed { .. }),
            "{id} is not confirmed: {:?}",
            action.state
        );
        assert!(
            orders.iter().any(|received| received.order.id == *id),
            "{id} is confirmed but was never received"
        );
    }
}

/// What was ordered last about each item.
fn last_kinds(actions: &BTreeMap<String, Action>) -> BTreeMap<String, ActionKind> {
    // Ids sort by the time they were made.
    actions
        .values()
        .map(|action| (action.item.to_string(), action.kind))
        .collect()
}
