//! What holds of an item when it is judged again: what people decided, what was restricted and until when, labels, places in queues.

use std::time::Duration;

use moderation::flows::cases::decide_case;
use moderation::flows::rules::{self, NewLabel};
use moderation::flows::submit::{Submission, Submitted, submit_item};
use moderation::model::facts::AccountFacts;
use moderation::model::{
    ActionKind, Actor, CaseId, Judgement, LabelOn, Lasts, Measure, Outcome, PlatformFacts, PolicyCode, Restricted,
    Timestamp,
};
use moderation::views::{self, CaseFilter, ItemView};

use super::rules::{decided, lead, live, post, rule, submit};
use super::world::{World, given, hash_near, hash_of, item};

const HOUR: Duration = Duration::from_secs(3_600);
const RESTRICT: ActionKind = ActionKind::Restrict;
const RESTORE: ActionKind = ActionKind::Restore;

async fn item_view(world: &World, id: &str) -> ItemView {
    let view = views::item(&world.app, &Actor::Operator, &id.parse().unwrap()).await;
    view.unwrap().unwrap()
}

async fn orders(world: &World, id: &str) -> Vec<(ActionKind, Restricted)> {
    let actions = item_view(world, id).await.actions;
    actions.iter().map(|action| (action.kind, action.what)).collect()
}

async fn outcome(world: &World, id: &str) -> Outcome {
    let verdict = views::verdict(&world.app, &Actor::Operator, &id.parse().unwrap()).await;
    verdict.unwrap().unwrap().outcome
}

async fn n_open(world: &World) -> usize {
    let open = CaseFilter {
        queue: None,
        open: Some(true),
    };
    let page = moderation::model::PageRequest::first();
    let cases = views::list_cases(&world.app, &world.moderator, open, &page).await;
    cases.unwrap().rows.len()
}

async fn decide(world: &World, case: CaseId, outcome: Outcome, whole: bool) {
    let view = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    let reach_and_item = [
        Measure::new(Restricted::Reach, Lasts::AsItStands),
        Measure::new(Restricted::Item, Lasts::Open),
    ];
    let judgement = Judgement {
        revision: view.item.revision,
        outcome,
        policy: Some(PolicyCode::HateSpeech),
        measures: if whole { reach_and_item.to_vec() } else { Vec::new() },
        reason: "a person says so".to_owned(),
        assessment: None,
        notice: None,
    };
    decide_case(&world.app, &world.moderator, case, judgement)
        .await
        .unwrap();
}

/// An item with one file, and how often it was seen.
fn seen(id: &str, file: u64, views: i64) -> Submission {
    Submission {
        platform: PlatformFacts {
            views: Some(views),
            ..PlatformFacts::default()
        },
        ..item(id, vec![given(hash_of(file))])
    }
}

async fn send(world: &World, submission: Submission) -> Submitted {
    submit_item(&world.app, &Actor::Operator, submission, None)
        .await
        .unwrap()
}

pub async fn a_persons_decision_outlives_what_is_only_said_of_the_item(world: World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    let (restrict, restore) = ((RESTRICT, Restricted::Item), (RESTORE, Restricted::Item));
    for (id, outcome) in [("allowed", Outcome::Allow), ("restricted", Outcome::Restrict)] {
        let case = send(&world, seen(id, 1, 3)).await.verdict.case.unwrap();
        decide(&world, case, outcome, false).await;
        for views in [300, 400] {
            let again = send(&world, seen(id, 1, views)).await;
            assert_eq!((again.verdict.outcome, again.fresh), (outcome, false));
        }
        assert_eq!(n_open(&world).await, 0);
        let view = item_view(&world, id).await;
        assert_eq!((view.item.revision, view.decisions.len()), (1, 2));
    }
    assert_eq!(orders(&world, "allowed").await, [restrict, restore]);
    assert_eq!(orders(&world, "restricted").await, [restrict]);
    assert_eq!(world.faults().await, Vec::<String>::new());

    // What was not known when the person looked is for a person again, and so is other content, or a report.
    world.entry(bank, hash_near(1, 4)).await;
    let again = send(&world, seen("allowed", 1, 500)).await;
    assert_eq!((again.verdict.outcome, again.fresh), (Outcome::Restrict, true));
    decide(&world, again.verdict.case.unwrap(), Outcome::Allow, false).await;
    let mut reported = seen("allowed", 1, 600);
    reported.report = Some("spam".to_owned());
    let again = send(&world, reported.clone()).await;
    decide(&world, again.verdict.case.unwrap(), Outcome::Allow, false).await;
    reported.platform.views = Some(700);
    assert!(!send(&world, reported.clone()).await.fresh);
    reported.text = Some("other words".to_owned());
    assert!(send(&world, reported).await.fresh);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn what_rules_decided_holds_while_nothing_else_would_follow(world: World) {
    let app = &world.app;
    let text = rule(
        "often",
        "account.id == \"ann\" && count(by: account.id, within: 1h) >= 4",
        "case often",
        "",
    ) + &rule(
        "wide",
        "item.views > 10",
        "restrict reach 2h, label account loud 1d",
        "",
    );
    live(&world, &text).await;
    let seen = |id: &str, account: &str, views| Submission {
        platform: PlatformFacts {
            views: Some(views),
            ..PlatformFacts::default()
        },
        ..post(id, account, "x")
    };
    let (restrict, restore) = ((RESTRICT, Restricted::Reach), (RESTORE, Restricted::Reach));
    let first = send(&world, seen("a", "ann", 20)).await.verdict;
    assert_eq!(first.outcome, Outcome::Restrict);
    for views in [30, 40] {
        let again = send(&world, seen("a", "ann", views)).await;
        assert_eq!((again.verdict.decision, again.fresh), (first.decision, false));
    }
    let view = item_view(&world, "a").await;
    assert_eq!((view.item.revision, view.decisions.len()), (1, 1));
    let facts = moderation::items::facts_of(&mut app.store.reader().await.unwrap(), &"a".parse().unwrap()).await;
    assert_eq!(facts.unwrap().views, Some(40), "what is said of it is kept");

    // Windows knew of each, so another rule fires now.
    let more = send(&world, seen("a", "ann", 50)).await;
    assert!(more.fresh && more.verdict.case.is_some());
    assert_eq!(item_view(&world, "a").await.decisions.len(), 2);
    assert_eq!(orders(&world, "a").await, [restrict]);
    // What fires no more is another ruling too.
    let less = send(&world, seen("a", "ann", 5)).await;
    assert!(less.fresh);
    assert_eq!(less.verdict.outcome, Outcome::Restrict, "nothing is lifted");
    assert_eq!(world.faults().await, Vec::<String>::new());

    // A restriction that has ended is ordered anew by a rule that fires again; so is a label.
    send(&world, seen("b", "ben", 20)).await;
    world.clock.advance(3 * HOUR);
    rules::end_restrictions(app).await.unwrap();
    assert!(send(&world, seen("b", "ben", 30)).await.fresh);
    assert_eq!(orders(&world, "b").await, [restrict, restore, restrict]);
    let ben = (LabelOn::Account, "ben", "loud");
    rules::remove_label(app, &world.admin, ben.0, ben.1, ben.2)
        .await
        .unwrap();
    assert!(send(&world, seen("b", "ben", 40)).await.fresh);
    assert!(!send(&world, seen("b", "ben", 50)).await.fresh);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_restriction_outlives_the_facts_that_it_came_of(world: World) {
    let text = rule("struck", "account.strikes >= 1", "restrict comments", "");
    live(&world, &text).await;
    let struck = |strikes| Submission {
        platform: PlatformFacts {
            account: AccountFacts {
                strikes: Some(strikes),
                ..AccountFacts::default()
            },
            ..PlatformFacts::default()
        },
        ..post("a", "ann", "x")
    };
    assert_eq!(submit(&world.app, struck(1)).await.outcome, Outcome::Restrict);
    let verdict = submit(&world.app, struck(0)).await;
    assert_eq!(verdict.outcome, Outcome::Restrict, "nobody opened the comments");
    let (_, _, said) = decided(&world.app, &verdict).await;
    assert_eq!(said["fired"][0]["rule"], "anything");
    let explained = views::explain(&world.app, &world.moderator, verdict.decision.unwrap()).await;
    let explained = explained.unwrap().unwrap();
    assert_eq!(
        explained.sentence,
        "Its comments were closed, by automated means: it is struck."
    );
    assert_eq!(orders(&world, "a").await.len(), 1);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

/// By the rules that Seawall ships.
pub async fn what_is_said_of_an_item_is_no_change_of_its_content(world: World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    let fired = async |submission: Submission| -> Vec<String> {
        let verdict = submit(&world.app, submission).await;
        let (_, _, said) = decided(&world.app, &verdict).await;
        let fired = said["fired"].as_array().unwrap().iter();
        let fired = fired.map(|fired| fired["rule"].as_str().unwrap().to_owned());
        fired.filter(|rule| rule != "nothing_found").collect()
    };
    assert_eq!(fired(seen("a", 1, 3)).await, ["confirmed_match"]);
    assert_eq!(fired(seen("a", 1, 4)).await, ["confirmed_match"]);
    assert_eq!(fired(seen("a", 2, 4)).await, ["restricted_before"]);
    // It did change, and nobody has looked since.
    assert_eq!(fired(seen("a", 2, 5)).await, ["restricted_before"]);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn an_account_is_restored_with_the_last_item_that_restricts_it(world: World) {
    let app = &world.app;
    let text = rule("pause", "item.text.contains(\"x\")", "restrict account 2h", "")
        + &rule(
            "look",
            "item.text.contains(\"y\")",
            "restrict account 7d, case links",
            "",
        );
    live(&world, &text).await;
    let (restrict, restore) = ((RESTRICT, Restricted::Account), (RESTORE, Restricted::Account));
    submit(app, post("a", "ann", "x")).await;
    submit(app, post("other", "ben", "x")).await;
    world.clock.advance(HOUR);
    submit(app, post("b", "ann", "x")).await;
    world.clock.advance(HOUR);
    rules::end_restrictions(app).await.unwrap();
    assert_eq!(
        orders(&world, "a").await,
        [restrict],
        "the other item restricts it still"
    );
    assert_eq!(outcome(&world, "a").await, Outcome::Allow);
    assert_eq!(orders(&world, "other").await, [restrict, restore]);
    let (one, two) = (post("c", "ann", "y"), post("d", "ann", "y"));
    let (one, two) = (
        submit(app, one).await.case.unwrap(),
        submit(app, two).await.case.unwrap(),
    );
    world.clock.advance(HOUR);
    rules::end_restrictions(app).await.unwrap();
    assert_eq!(orders(&world, "b").await, [restrict]);
    decide(&world, one, Outcome::Allow, false).await;
    assert_eq!(orders(&world, "c").await, [restrict]);
    decide(&world, two, Outcome::Allow, false).await;
    assert_eq!(orders(&world, "d").await, [restrict, restore]);
    assert_eq!(world.faults().await, Vec::<String>::new());
    // What let go takes hold again.
    submit(app, post("a", "ann", "x again")).await;
    assert_eq!(orders(&world, "a").await, [restrict, restrict]);
    world.clock.advance(2 * HOUR);
    rules::end_restrictions(app).await.unwrap();
    assert_eq!(orders(&world, "a").await, [restrict, restrict, restore]);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_restriction_ends_whatever_rules_said_meanwhile(world: World) {
    let app = &world.app;
    let when = |word: &str| format!("item.text.contains(\"{word}\")");
    let text = rule("pause", &when("two"), "restrict 2h, restrict reach 2h", "")
        + &rule("longer", &when("four"), "restrict 4h", "")
        + &rule("shorter", &when("one"), "restrict 1h", "")
        + &rule("good", &when("always"), "restrict", "");
    live(&world, &text).await;
    let end = async || rules::end_restrictions(app).await.unwrap();
    let at = async |id: &str, text: &str| submit(app, post(id, "ann", text)).await;
    for id in ["plain", "longer", "shorter", "good"] {
        at(id, "two").await;
    }
    world.clock.advance(HOUR);
    let again = at("plain", "harmless").await;
    assert_eq!(again.outcome, Outcome::Restrict, "it is restricted for another hour");
    at("longer", "four").await;
    at("shorter", "one and nearly one").await;
    at("good", "always").await;
    at("good", "one").await;
    assert_eq!(world.faults().await, Vec::<String>::new());
    world.clock.advance(HOUR);
    end().await;
    let parts = [(RESTRICT, Restricted::Item), (RESTRICT, Restricted::Reach)];
    let restored = |view: Vec<(ActionKind, Restricted)>| -> Vec<Restricted> {
        assert_eq!(view[..2], parts);
        view[2..].iter().map(|order| order.1).collect()
    };
    let both = [Restricted::Item, Restricted::Reach];
    assert_eq!(restored(orders(&world, "plain").await), both);
    assert_eq!(restored(orders(&world, "shorter").await), both);
    assert_eq!(restored(orders(&world, "longer").await), [Restricted::Reach]);
    assert_eq!(restored(orders(&world, "good").await), [Restricted::Reach]);
    assert_eq!(outcome(&world, "plain").await, Outcome::Allow);
    assert_eq!(outcome(&world, "longer").await, Outcome::Restrict);
    world.clock.advance(3 * HOUR);
    end().await;
    end().await;
    assert_eq!(
        restored(orders(&world, "longer").await),
        [Restricted::Reach, Restricted::Item]
    );
    assert_eq!(restored(orders(&world, "good").await), [Restricted::Reach]);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn what_is_looked_at_after_its_end_is_measured(world: World) {
    let app = &world.app;
    let then = "restrict 1h, restrict comments 1h, case links";
    live(&world, &rule("pause", "item.text.contains(\"x\")", then, "")).await;
    let case = submit(app, post("a", "ann", "x")).await.case.unwrap();
    world.clock.advance(2 * HOUR);
    rules::end_restrictions(app).await.unwrap();
    assert_eq!(
        outcome(&world, "a").await,
        Outcome::Review,
        "a person is still to look at it"
    );
    decide(&world, case, Outcome::Restrict, false).await;
    assert_eq!(orders(&world, "a").await.last(), Some(&(RESTRICT, Restricted::Item)));
    let view = views::rules(app, &world.moderator).await.unwrap();
    let row = view.rules.iter().find(|row| row.name == "pause").unwrap();
    assert_eq!(row.measured.looked.confirmed, 1);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_person_confirms_a_part_or_takes_the_whole_down(world: World) {
    let app = &world.app;
    let then = "restrict reach 2h, case links";
    live(&world, &rule("wide", "item.text.contains(\"x\")", then, "")).await;
    let reach = (RESTRICT, Restricted::Reach);
    let part = submit(app, post("part", "ann", "x")).await.case.unwrap();
    let whole = submit(app, post("whole", "ann", "x")).await.case.unwrap();
    decide(&world, part, Outcome::Restrict, false).await;
    decide(&world, whole, Outcome::Restrict, true).await;
    assert_eq!(orders(&world, "part").await, [reach]);
    assert_eq!(orders(&world, "whole").await, [reach, (RESTRICT, Restricted::Item)]);
    let sentence = async |id: &str| {
        let last = item_view(&world, id).await.decisions.pop().unwrap().decision.id;
        let explained = views::explain(app, &world.moderator, last).await;
        explained.unwrap().unwrap().sentence
    };
    assert_eq!(
        sentence("part").await,
        "It is shown to fewer people, by a person: a person says so."
    );
    assert_eq!(
        sentence("whole").await,
        "It was made unavailable and it is shown to fewer people, by a person: a person says so."
    );
    // The platform was told until when; the person's own restriction has no end.
    world.clock.advance(2 * HOUR);
    rules::end_restrictions(app).await.unwrap();
    assert_eq!(orders(&world, "part").await, [reach, (RESTORE, Restricted::Reach)]);
    assert_eq!(
        (outcome(&world, "part").await, outcome(&world, "whole").await),
        (Outcome::Allow, Outcome::Restrict)
    );
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn an_item_that_is_judged_again_is_no_newer(world: World) {
    let app = &world.app;
    live(
        &world,
        &rule("many", "count(by: account.id, within: 1h) > 1", "case links", ""),
    )
    .await;
    let by = async |id: &str, text: &str| {
        let verdict = submit(app, post(id, "ann", text)).await;
        decided(app, &verdict).await.0
    };
    assert_eq!(by("a", "x").await, "anything");
    world.clock.advance(2 * HOUR);
    by("a", "y").await;
    assert_eq!(by("b", "x").await, "anything");
    assert_eq!(by("c", "x").await, "many");
}

pub async fn a_rule_shortens_no_label(world: World) {
    let app = &world.app;
    let when = "item.text.contains(\"x\")";
    let text = rule("long", when, "label account spam 3d", "") + &rule("short", when, "label account spam 1d", "");
    live(&world, &text).await;
    let now = Timestamp::from_unix_ms(1_795_000_000_000);
    let days = |n: u64| Some(now.after(Duration::from_secs(n * 86_400)));
    let label = async |account: &str| {
        let mut labels = views::labels_of(app, &world.moderator, LabelOn::Account, account)
            .await
            .unwrap();
        let label = labels.pop().unwrap();
        (label.until, label.set_by)
    };
    submit(app, post("a", "ann", "x")).await;
    assert_eq!(label("ann").await, (days(3), "rule long".to_owned()));
    for (account, until, expected) in [
        ("ben", days(10), days(10)),
        ("cem", None, None),
        ("dan", days(2), days(3)),
    ] {
        let new = NewLabel {
            on: LabelOn::Account,
            subject: account.to_owned(),
            label: "spam".to_owned(),
            until,
            reason: "known to us".to_owned(),
        };
        rules::set_label(app, &lead(), new).await.unwrap();
        submit(app, post(account, account, "x")).await;
        assert_eq!(label(account).await.0, expected, "{account}");
    }
}

pub async fn a_second_reason_moves_a_case_up_in_its_queue(world: World) {
    let app = &world.app;
    let text = rule("low", "item.text.contains(\"low\")", "case matches priority 5", "")
        + &rule("high", "item.text.contains(\"high\")", "case matches priority 70", "");
    live(&world, &text).await;
    let case = submit(app, post("a", "ann", "low")).await.case.unwrap();
    assert_eq!(submit(app, post("a", "ann", "high")).await.case, Some(case));
    let view = views::case(app, &world.moderator, case).await.unwrap().unwrap();
    assert_eq!((view.case.priority, view.case.reason.as_str()), (70, "it is high"));
    submit(app, post("a", "ann", "low again")).await;
    let view = views::case(app, &world.moderator, case).await.unwrap().unwrap();
    assert_eq!(view.case.priority, 70);
}

pub async fn a_label_of_the_event_before_is_known(world: World) {
    let app = &world.app;
    live(&world, &rule("marked", "\"spam\" in account.labels", "case spam", "")).await;
    // Somebody judges just now.
    let mut tx = app.store.begin("judge").await.unwrap();
    sqlx::query("UPDATE store_counter SET value = value WHERE name = 'rules_event'")
        .execute(tx.conn())
        .await
        .unwrap();
    let waiting = tokio::spawn({
        let app = app.clone();
        async move { submit(&app, post("a", "ann", "x")).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    sqlx::query(
        "INSERT INTO rules_label (subject_kind, subject, label, until_at, set_by, reason, set_at)
         VALUES ('account', 'ann', 'spam', NULL, 'rule a', 'because', 1)",
    )
    .execute(tx.conn())
    .await
    .unwrap();
    tx.commit().await.unwrap();
    let verdict = waiting.await.unwrap();
    assert_eq!(decided(app, &verdict).await.0, "marked");
}

pub async fn versions_that_come_at_once_are_decided_one_after_the_other(world: World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    let sent = (0..6).map(|views| {
        let app = world.app.clone();
        tokio::spawn(async move { submit(&app, seen("a", 1, views)).await.outcome })
    });
    for sent in sent.collect::<Vec<_>>() {
        assert_eq!(sent.await.unwrap(), Outcome::Restrict);
    }
    assert_eq!(orders(&world, "a").await, [(RESTRICT, Restricted::Item)]);
    let decisions = item_view(&world, "a").await.decisions;
    let of_before: Vec<_> = decisions.iter().map(|view| view.decision.supersedes).collect();
    let expected = decisions.iter().map(|view| Some(view.decision.id));
    let expected: Vec<_> = [None].into_iter().chain(expected).take(decisions.len()).collect();
    assert_eq!(of_before, expected);
    assert_eq!(world.faults().await, Vec::<String>::new());
}
