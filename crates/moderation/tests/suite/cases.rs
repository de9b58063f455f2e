//! People decide: one decision a case, told to the platform, by nobody but a person.

use moderation::flows::access;
use moderation::flows::cases::{CaseError, decide_case, escalate_case, release_case, take_case, take_next_case};
use moderation::model::{
    Actor, Assessment, Author, CaseId, CaseState, InvalidTransition, Judgement, Notice, Outcome, PageRequest,
    PolicyCode, Purpose, Queue, RabatFactor, Role, Scope,
};
use moderation::views::{self, CaseFilter};

use super::world::{World, hash_of};

fn restrict() -> Judgement {
    Judgement::restrict(1, PolicyCode::TerroristContent, "propaganda")
}

fn allow() -> Judgement {
    Judgement::allow(1, "news report")
}

async fn restricted_case(world: &World) -> CaseId {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    world.submit("post-1", hash_of(1)).await.case.unwrap()
}

pub async fn a_person_confirms_and_no_second_order_goes_out(world: World) {
    let case = restricted_case(&world).await;
    world.deliver().await;
    decide_case(&world.app, &world.moderator, case, restrict())
        .await
        .unwrap();
    assert_eq!(world.deliver().await, 0);
    assert_eq!(world.platform.kinds_for("post-1"), ["restrict"]);
    let view = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    let [rule, person] = &view.decisions[..] else {
        panic!("{:?}", view.decisions)
    };
    assert!(matches!(rule.decision.author, Author::Rule(_)));
    assert!(matches!(person.decision.author, Author::Person(_)));
    assert_eq!(person.decision.supersedes, Some(rule.decision.id));
    assert!(matches!(view.case.state, CaseState::Closed { decision, .. } if decision == person.decision.id));
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_person_reverses_and_the_item_is_restored(world: World) {
    let case = restricted_case(&world).await;
    world.deliver().await;
    let decision = decide_case(&world.app, &world.moderator, case, allow()).await.unwrap();
    world.deliver().await;
    assert_eq!(world.platform.kinds_for("post-1"), ["restrict", "restore"]);
    let restore = world.platform.heard().pop().unwrap();
    assert_eq!(restore.decision, decision.to_string());
    let reviewer = world.moderator.user().unwrap().to_string();
    assert!(
        !restore.body.contains(&reviewer),
        "the platform must not learn who decided: {}",
        restore.body
    );
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn what_changed_since_it_was_seen_is_not_decided(world: World) {
    let case = restricted_case(&world).await;
    world.submit("post-1", hash_of(2)).await;
    let error = decide_case(&world.app, &world.moderator, case, restrict())
        .await
        .unwrap_err();
    assert!(
        matches!(error, CaseError::Changed { judged: 1, stored: 2 }),
        "{error:?}"
    );
    let looked_again = Judgement { revision: 2, ..allow() };
    let decision = decide_case(&world.app, &world.moderator, case, looked_again)
        .await
        .unwrap();
    let view = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    let last = &view.decisions.last().unwrap().decision;
    assert_eq!((last.id, last.revision), (decision, 2));
}

pub async fn two_people_who_decide_at_once_make_one_decision(world: World) {
    let case = restricted_case(&world).await;
    let (one, two) = tokio::join!(
        decide_case(&world.app, &world.moderator, case, restrict()),
        decide_case(&world.app, &world.colleague, case, allow()),
    );
    let n_done = usize::from(one.is_ok()) + usize::from(two.is_ok());
    assert_eq!(n_done, 1, "{one:?} {two:?}");
    let error = one.err().or(two.err()).unwrap();
    assert!(
        matches!(error, CaseError::Transition(InvalidTransition::AlreadyClosed { .. })),
        "{error:?}"
    );
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn the_next_case_is_the_most_pressing_and_goes_to_one_person(world: World) {
    let unsure = world.bank("unsure", false).await;
    world.entry(unsure, hash_of(1)).await;
    let lead = world
        .submit("post-lead", super::world::hash_near(1, 35))
        .await
        .case
        .unwrap();
    let matched = world.submit("post-match", hash_of(1)).await.case.unwrap();

    let next = async |actor: &Actor, queue| take_next_case(&world.app, actor, queue).await.unwrap();
    assert_eq!(next(&world.moderator, None).await, Some(matched));
    assert_eq!(next(&world.colleague, None).await, Some(lead));
    assert_eq!(next(&world.admin, None).await, None);
    release_case(&world.app, &world.moderator, matched).await.unwrap();
    assert_eq!(next(&world.admin, Some(Queue::Leads)).await, None);
    assert_eq!(next(&world.admin, Some(Queue::Matches)).await, Some(matched));
    let error = take_case(&world.app, &world.moderator, matched).await.unwrap_err();
    assert!(matches!(
        error,
        CaseError::Transition(InvalidTransition::HeldByAnother { .. })
    ));
    world.clock.advance(moderation::model::Case::LEASE);
    assert!(take_case(&world.app, &world.moderator, matched).await.is_ok());
}

pub async fn escalating_frees_the_case_and_moves_it(world: World) {
    let case = restricted_case(&world).await;
    take_case(&world.app, &world.moderator, case).await.unwrap();
    let error = escalate_case(&world.app, &world.moderator, case, "  ".to_owned())
        .await
        .unwrap_err();
    assert!(matches!(error, CaseError::Invalid { field: "reason", .. }));
    escalate_case(&world.app, &world.moderator, case, "needs Pashto".to_owned())
        .await
        .unwrap();
    assert_eq!(
        take_next_case(&world.app, &world.colleague, Some(Queue::Escalated))
            .await
            .unwrap(),
        Some(case)
    );
    let view = views::case(&world.app, &world.colleague, case).await.unwrap().unwrap();
    assert_eq!(view.case.reason, "needs Pashto");
    assert!(
        view.events.iter().all(|view| !view.event.body.contains("Pashto")),
        "the log forgets nothing"
    );
}

pub async fn lists_of_cases_are_read_page_by_page(world: World) {
    let bank = world.bank("unsure", false).await;
    world.entry(bank, hash_of(1)).await;
    for n in 0..7 {
        world.submit(&format!("post-{n}"), hash_of(1)).await;
    }
    for _ in 0..3 {
        let case = take_next_case(&world.app, &world.moderator, None)
            .await
            .unwrap()
            .unwrap();
        decide_case(&world.app, &world.moderator, case, allow()).await.unwrap();
    }
    let read = async |open| {
        let filter = CaseFilter {
            queue: Some(Queue::Matches),
            open,
        };
        let mut request = PageRequest { cursor: None, limit: 2 };
        let mut items = Vec::new();
        loop {
            let page = views::list_cases(&world.app, &world.moderator, filter, &request)
                .await
                .unwrap();
            items.extend(page.rows.into_iter().map(|row| row.case.item.to_string()));
            match page.next {
                Some(next) => request.cursor = Some(next),
                None => return items,
            }
        }
    };
    assert_eq!(read(Some(true)).await, ["post-3", "post-4", "post-5", "post-6"]);
    assert_eq!(read(Some(false)).await, ["post-2", "post-1", "post-0"]);
    assert_eq!(read(None).await.len(), 7);

    let mut request = PageRequest { cursor: None, limit: 3 };
    let mut items = Vec::new();
    loop {
        let page = views::list_items(&world.app, &world.moderator, &request).await.unwrap();
        items.extend(page.rows.into_iter().map(|row| row.item.id.to_string()));
        match page.next {
            Some(next) => request.cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(
        items,
        ["post-6", "post-5", "post-4", "post-3", "post-2", "post-1", "post-0"]
    );
}

pub async fn a_key_or_the_operator_cannot_decide(world: World) {
    let case = restricted_case(&world).await;
    let key = access::create_key(&world.app, &Actor::Operator, "all", Scope::of_keys())
        .await
        .unwrap();
    let key = access::authenticate_key(&world.app, &key.secret)
        .await
        .unwrap()
        .unwrap();
    for actor in [key, Actor::Operator, Actor::System] {
        let error = decide_case(&world.app, &actor, case, restrict()).await.unwrap_err();
        assert!(matches!(error, CaseError::Denied(_)), "{actor:?}");
    }
    let no_policy = Judgement {
        revision: 1,
        policy: None,
        ..restrict()
    };
    let error = decide_case(&world.app, &world.moderator, case, no_policy)
        .await
        .unwrap_err();
    assert!(matches!(error, CaseError::Invalid { field: "policy", .. }));
    let review = Judgement {
        revision: 1,
        outcome: Outcome::Review,
        ..restrict()
    };
    let error = decide_case(&world.app, &world.moderator, case, review)
        .await
        .unwrap_err();
    assert!(matches!(error, CaseError::Invalid { field: "outcome", .. }));
}

pub async fn the_case_page_shows_everything(world: World) {
    let (user, _, _) = world.join("amal", Role::Moderator).await;
    let amal = Actor::person(user, Role::Moderator.into());
    let case = restricted_case(&world).await;
    take_case(&world.app, &amal, case).await.unwrap();
    let view = views::case(&world.app, &amal, case).await.unwrap().unwrap();
    assert_eq!(view.holder_name.as_deref(), Some("amal"));
    assert_eq!(view.media[0].matches[0].entry_name, "known");
    let kinds: Vec<&str> = view.events.iter().map(|event| event.event.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "item.submitted",
            "case.opened",
            "item.decided",
            "action.ordered",
            "case.taken"
        ]
    );
    assert_eq!(view.events[4].actor_name, "amal");

    decide_case(&world.app, &amal, case, restrict()).await.unwrap();
    let view = views::case(&world.app, &amal, case).await.unwrap().unwrap();
    assert_eq!(view.closed_by_name.as_deref(), Some("amal"));
    assert_eq!(view.decisions[1].author_name, "amal");
}

pub async fn nothing_is_restricted_as_terrorist_before_its_purpose_is_assessed(world: World) {
    let bank = world.bank("known", false).await;
    world.entry(bank, hash_of(1)).await;
    let case = world.submit("post-1", hash_of(1)).await.case.unwrap();
    let refused = async |judgement: Judgement, wrong: &str| {
        let error = decide_case(&world.app, &world.moderator, case, judgement)
            .await
            .unwrap_err();
        assert!(
            matches!(error, CaseError::Invalid { field, .. } if field == wrong),
            "{error}"
        );
    };
    let without = Judgement {
        assessment: None,
        ..restrict()
    };
    refused(without, "assessment").await;
    let reported = Assessment {
        purpose: Purpose::Journalism,
        ..Assessment::no_purpose()
    };
    let overruled = Judgement {
        assessment: Some(reported.clone()),
        ..restrict()
    };
    refused(overruled, "assessment").await;
    let notice = |text: &str| Notice {
        language: "de".to_owned(),
        text: text.to_owned(),
    };
    let silent = Judgement {
        notice: Some(notice(" ")),
        ..restrict()
    };
    refused(silent, "notice").await;

    let assessment = Assessment {
        note: "Not a report: the group's own film.".to_owned(),
        rabat: vec![(RabatFactor::Intent, 5)],
        ..reported
    };
    let judgement = Judgement {
        assessment: Some(assessment.clone()),
        notice: Some(notice("Ihr Beitrag ist nicht mehr zu sehen.")),
        ..restrict()
    };
    decide_case(&world.app, &world.moderator, case, judgement)
        .await
        .unwrap();
    let view = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    let facts = &view.decisions.last().unwrap().decision.facts;
    assert_eq!(Assessment::of_facts(facts), Some(assessment));
    // The platform passes on what the person is to be told; what was weighed stays here.
    world.deliver().await;
    let order: serde_json::Value = serde_json::from_str(&world.platform.heard().pop().unwrap().body).unwrap();
    assert_eq!(
        order["notice"],
        serde_json::json!({ "language": "de", "text": "Ihr Beitrag ist nicht mehr zu sehen." })
    );
    assert!(!order.to_string().contains("journalism"));
}

pub async fn another_policy_needs_no_assessment_and_what_is_allowed_no_notice(world: World) {
    let bank = world.bank("known", false).await;
    world.entry(bank, hash_of(1)).await;
    let case = world.submit("post-1", hash_of(1)).await.case.unwrap();
    let judgement = Judgement {
        assessment: Some(Assessment {
            purpose: Purpose::Research,
            ..Assessment::no_purpose()
        }),
        notice: Some(Notice {
            language: "en".to_owned(),
            text: "Your post is gone.".to_owned(),
        }),
        ..allow()
    };
    decide_case(&world.app, &world.moderator, case, judgement)
        .await
        .unwrap();
    let view = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    let facts = &view.decisions.last().unwrap().decision.facts;
    assert_eq!(Assessment::of_facts(facts).unwrap().purpose, Purpose::Research);
    assert_eq!(Notice::of_facts(facts), None);

    let case = world.submit("post-2", hash_of(1)).await.case.unwrap();
    let judgement = Judgement {
        policy: Some(PolicyCode::OtherTerms),
        assessment: None,
        ..restrict()
    };
    decide_case(&world.app, &world.moderator, case, judgement)
        .await
        .unwrap();
}

pub async fn a_notice_leaves_by_itself_where_a_rule_had_restricted_already(world: World) {
    let case = restricted_case(&world).await;
    world.deliver().await;
    let judgement = Judgement {
        notice: Some(Notice {
            language: "fr".to_owned(),
            text: "Votre publication".to_owned(),
        }),
        ..restrict()
    };
    let decision = decide_case(&world.app, &world.moderator, case, judgement)
        .await
        .unwrap();
    world.platform.will_answer(503, "");
    world.deliver().await;
    world.clock.advance(std::time::Duration::from_secs(60));
    world.deliver().await;
    world.deliver().await;
    let heard = world.platform.heard();
    let told: Vec<_> = heard.iter().filter(|heard| heard.kind == "decision.notice").collect();
    assert_eq!(
        told.len(),
        2,
        "it is told until the platform takes it, and then no more"
    );
    assert_eq!(told[0].key, told[1].key);
    let body: serde_json::Value = serde_json::from_str(&told[1].body).unwrap();
    assert_eq!(body["notice"]["text"], "Votre publication");
    assert_eq!(body["decision"], decision.to_string());
    assert_eq!(world.platform.kinds_for("post-1"), ["restrict", "decision.notice"]);
}
