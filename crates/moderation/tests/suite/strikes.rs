//! Strikes go with the decisions that gave them, and some restrictions leave after a while.

use std::sync::Arc;
use std::time::Duration;

use moderation::flows::cases::{decide_case, undo_decision};
use moderation::model::{Assessment, CaseId, DecisionId, Judgement, Outcome, PolicyCode, Suggestion};
use moderation::{DeskSettings, Settings, views};

use super::world::{World, hash_of};

async fn case_of(world: &World, item: &str) -> CaseId {
    if views::bank_by_name(&world.app, &world.admin, "unsure")
        .await
        .unwrap()
        .is_none()
    {
        let bank = world.bank("unsure", false).await;
        world.entry(bank, hash_of(2)).await;
    }
    world.submit(item, hash_of(2)).await.case.unwrap()
}

async fn decide(world: &World, case: CaseId, policy: Option<PolicyCode>) -> DecisionId {
    let judgement = Judgement {
        revision: 1,
        outcome: if policy.is_some() {
            Outcome::Restrict
        } else {
            Outcome::Allow
        },
        policy,
        measures: Vec::new(),
        reason: "because".to_owned(),
        assessment: Some(Assessment::no_purpose()),
        notice: None,
    };
    decide_case(&world.app, &world.moderator, case, judgement)
        .await
        .unwrap()
}

/// What strikes weigh, what they suggest, how many items were restricted, and how many of these let go.
async fn history(world: &World) -> (u32, Option<Suggestion>, usize, usize) {
    let past = views::account_history(&world.app, &world.moderator, "account-7")
        .await
        .unwrap();
    (past.weight, past.suggestion, past.n_restricted, past.n_reversed)
}

pub async fn strikes_go_with_their_decisions(mut world: World) {
    world.app.settings = Arc::new(Settings {
        desk: DeskSettings::default(),
        ..(*world.app.settings).clone()
    });
    assert_eq!(history(&world).await, (0, None, 0, 0));
    let cases = [
        case_of(&world, "a").await,
        case_of(&world, "b").await,
        case_of(&world, "c").await,
    ];
    let undone = decide(&world, cases[0], Some(PolicyCode::TerroristContent)).await;
    assert_eq!(history(&world).await, (4, Some(Suggestion::Suspend), 1, 0));
    // Undone, it never was.
    undo_decision(&world.app, &world.moderator, cases[0], undone)
        .await
        .unwrap();
    assert_eq!(history(&world).await, (0, None, 0, 0));
    for case in cases {
        decide(&world, case, Some(PolicyCode::TerroristContent)).await;
    }
    assert_eq!(history(&world).await, (12, Some(Suggestion::Terminate), 3, 0));
    // The platform is told their sum with each order, and nothing is ordered because of them.
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.deliver().await, 3);
    let heard = world.platform.heard();
    assert!(
        heard
            .iter()
            .all(|heard| heard.kind == "restrict" && heard.body.contains("\"strikes\":12"))
    );

    // Reversed with the decision.
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(3)).await;
    let case = world.submit("c", hash_of(3)).await.case.unwrap();
    let judgement = Judgement {
        revision: 2,
        outcome: Outcome::Allow,
        policy: None,
        measures: Vec::new(),
        reason: "a report about it".to_owned(),
        assessment: None,
        notice: None,
    };
    decide_case(&world.app, &world.moderator, case, judgement)
        .await
        .unwrap();
    assert_eq!(history(&world).await, (8, Some(Suggestion::Terminate), 3, 1));
    // Over in time.
    world.clock.advance(Duration::from_secs(366 * 24 * 3_600));
    assert_eq!(history(&world).await, (0, None, 3, 1));
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_restriction_that_its_policy_delays_leaves_later(mut world: World) {
    let desk = DeskSettings {
        delay_policies: vec![PolicyCode::OtherTerms],
        delay_max: Duration::from_secs(600),
        ..world.app.settings.desk.clone()
    };
    world.app.settings = Arc::new(Settings {
        desk,
        ..(*world.app.settings).clone()
    });
    let cases = [case_of(&world, "late").await, case_of(&world, "now").await];
    decide(&world, cases[0], Some(PolicyCode::OtherTerms)).await;
    decide(&world, cases[1], Some(PolicyCode::TerroristContent)).await;
    assert_eq!(world.deliver().await, 1);
    assert_eq!(world.platform.kinds_for("now"), ["restrict"]);
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(world.deliver().await, 1);
    assert_eq!(world.platform.kinds_for("late"), ["restrict"]);
    assert_eq!(world.faults().await, Vec::<String>::new());
}
