//! What rules ask outside themselves, and what follows from them: lists, labels, ends of restrictions, queues, what the platform says.

use std::time::Duration;

use moderation::Seawall;
use moderation::flows::rules::{self, NewLabel, RulesError};
use moderation::flows::submit::{Submission, submit_item};
use moderation::model::facts::AccountFacts;
use moderation::model::{
    ActionKind, Actor, Clock, LabelOn, Outcome, PageRequest, PlatformFacts, Queue, Restricted, Timestamp,
};
use moderation::views;

use super::rules::{decided, lead, live, post, rule, submit};
use super::world::World;

pub async fn lists_are_followed_by_every_process(world: World) {
    let app = &world.app;
    let other = world.second_process().await;
    let text = "list bad\n".to_owned() + &rule("listed", "links.exists(l, l.url in bad)", "case links", "");
    live(&world, &text).await;
    let rule_of = async |app: &Seawall, id: &str| {
        let verdict = submit(app, post(id, "ann", "see https://a.example/1 there")).await;
        decided(app, &verdict).await
    };
    let (_, _, said) = rule_of(&other, "a").await;
    assert_eq!(
        said["undecided"][0]["rule"], "listed",
        "a list that is not there is not known"
    );

    rules::put_list(app, &lead(), "bad", "links", "t").await.unwrap();
    assert_eq!(rule_of(&other, "b").await.2["undecided"], serde_json::json!([]));
    let tomorrow = Timestamp::from_unix_ms(1_795_000_000_000).after(Duration::from_secs(86_400));
    let file = "# of a partner\nhttps://a.example/1\nhttps://b.example/\t2030-01-01\n\n";
    let upload = rules::upload_list(app, &lead(), "bad", file, Some(tomorrow))
        .await
        .unwrap();
    assert_eq!((upload.n_added, upload.n_refused), (2, 0));
    assert_eq!(rule_of(&other, "c").await.0, "listed");
    rules::remove_entry(app, &lead(), "bad", "https://a.example/1")
        .await
        .unwrap();
    assert_eq!(rule_of(&other, "d").await.0, "anything");
    rules::upload_list(app, &lead(), "bad", file, Some(tomorrow))
        .await
        .unwrap();
    assert_eq!(rule_of(&other, "e").await.0, "listed");
    world.clock.advance(Duration::from_secs(86_401));
    assert_eq!(rule_of(&other, "f").await.0, "anything", "its time is over");
    let (row, entries) = views::rule_list(app, &lead(), "bad", &PageRequest::first())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (row.n_entries, row.is_used, entries.rows[0].key.as_str()),
        (1, true, "https://b.example/")
    );
    // A new start knows them too, and one that is deleted nobody.
    assert_eq!(rule_of(&world.second_process().await, "g").await.0, "anything");
    rules::delete_list(app, &lead(), "bad").await.unwrap();
    assert_eq!(rule_of(&other, "h").await.2["undecided"][0]["rule"], "listed");
}

pub async fn labels_are_set_by_people_and_rules_and_end(world: World) {
    let app = &world.app;
    let text = rule("spam", "item.text.contains(\"x\")", "label account spammer 1d", "")
        + &rule("again", "\"spammer\" in account.labels", "case spam", "");
    live(&world, &text).await;
    let by = async |id: &str, account: &str, text: &str| {
        let verdict = submit(app, post(id, account, text)).await;
        decided(app, &verdict).await.0
    };
    assert_eq!(by("a", "ann", "y").await, "anything");
    assert_eq!(by("b", "ann", "x").await, "spam");
    assert_eq!(by("c", "ann", "y").await, "again");
    let labels = views::labels_of(app, &world.moderator, LabelOn::Account, "ann")
        .await
        .unwrap();
    assert_eq!(
        (labels[0].label.as_str(), labels[0].set_by.as_str()),
        ("spammer", "rule spam")
    );
    world.clock.advance(Duration::from_secs(86_401));
    assert_eq!(by("d", "ann", "y").await, "anything");

    let new = NewLabel {
        on: LabelOn::Account,
        subject: "ben".to_owned(),
        label: "spammer".to_owned(),
        until: None,
        reason: "known to us".to_owned(),
    };
    rules::set_label(app, &lead(), new.clone()).await.unwrap();
    assert_eq!(by("e", "ben", "y").await, "again");
    rules::remove_label(app, &lead(), LabelOn::Account, "ben", "spammer")
        .await
        .unwrap();
    assert_eq!(by("f", "ben", "y").await, "anything");
    assert!(matches!(
        rules::set_label(app, &world.moderator, new).await,
        Err(RulesError::Denied(_))
    ));
}

pub async fn a_restriction_with_an_end_is_lifted(world: World) {
    let app = &world.app;
    live(
        &world,
        &rule(
            "pause",
            "item.text.contains(\"x\")",
            "restrict 2h, restrict comments 1h",
            "",
        ),
    )
    .await;
    let ids = ["a", "b"];
    for id in ids {
        assert_eq!(submit(app, post(id, "ann", "x")).await.outcome, Outcome::Restrict);
    }
    let orders = async |id: &str| -> Vec<(ActionKind, Restricted)> {
        let view = views::item(app, &Actor::Operator, &id.parse().unwrap())
            .await
            .unwrap()
            .unwrap();
        view.actions.iter().map(|action| (action.kind, action.what)).collect()
    };
    let (restrict, restore) = (ActionKind::Restrict, ActionKind::Restore);
    let (whole, comments) = (Restricted::Item, Restricted::Comments);
    assert_eq!(orders("a").await, [(restrict, whole), (restrict, comments)]);
    world.clock.advance(Duration::from_secs(3_601));
    rules::keep_rules_up(app).await.unwrap();
    assert_eq!(orders("a").await.last(), Some(&(restore, comments)));
    let verdict = views::verdict(app, &Actor::Operator, &"a".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(verdict.outcome, Outcome::Restrict, "the item itself still is");
    world.clock.advance(Duration::from_secs(3_600));
    rules::keep_rules_up(app).await.unwrap();
    rules::keep_rules_up(app).await.unwrap();
    assert_eq!(orders("a").await.len(), 4);
    assert_eq!(orders("a").await.last(), Some(&(restore, whole)));
    let verdict = views::verdict(app, &Actor::Operator, &"a".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(verdict.outcome, Outcome::Allow);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_rule_makes_its_own_queue(world: World) {
    let app = &world.app;
    let text = rule("low", "item.text.contains(\"low\")", "case links priority 5", "")
        + &rule("high", "item.text.contains(\"high\")", "case links priority 70", "")
        + &rule("lead", "item.text.contains(\"lead\")", "case leads", "");
    live(&world, &text).await;
    let low = submit(app, post("a", "ann", "low")).await.case.unwrap();
    let lead = submit(app, post("b", "ann", "lead")).await.case.unwrap();
    let queues = async || -> Vec<(String, i64)> {
        let desk = views::desk(app, &world.moderator).await.unwrap();
        let open = desk.queues.iter().filter(|count| count.n_open > 0);
        open.map(|count| (count.queue.to_string(), count.n_open)).collect()
    };
    assert_eq!(queues().await, [("leads".to_owned(), 1), ("links".to_owned(), 1)]);
    let high = submit(app, post("c", "ann", "high")).await.case.unwrap();
    assert_eq!(queues().await, [("links".to_owned(), 2), ("leads".to_owned(), 1)]);
    let next = async || {
        moderation::flows::cases::take_next_case(app, &world.moderator, None)
            .await
            .unwrap()
    };
    assert_eq!(
        (next().await, next().await, next().await),
        (Some(high), Some(lead), Some(low)),
        "each case by what it is worth, whatever else waits in its queue"
    );
    let view = views::case(app, &world.moderator, high).await.unwrap().unwrap();
    assert_eq!(
        (view.case.queue, view.case.priority),
        ("links".parse::<Queue>().unwrap(), 70)
    );
}

pub async fn what_the_platform_says_reaches_the_rules(world: World) {
    let app = &world.app;
    let text = rule(
        "young",
        "account.age < 24h && account.strikes >= 1 && account.trust < 0.5",
        "case young",
        "",
    ) + &rule("seen", "item.views > 100 && \"ar\" in item.languages", "case seen", "")
        + &rule(
            "flagged",
            "reports.exists(r, r.by == \"trusted_flagger\")",
            "case flagged",
            "",
        );
    live(&world, &text).await;
    let now = Timestamp::from_unix_ms(1_795_000_000_000);
    let young = Submission {
        platform: PlatformFacts {
            account: AccountFacts {
                created_at: Some(now.before(Duration::from_secs(3_600))),
                strikes: Some(2),
                trust: Some(0.1),
                ..AccountFacts::default()
            },
            ..PlatformFacts::default()
        },
        ..post("a", "ann", "x")
    };
    let verdict = submit(app, young.clone()).await;
    assert_eq!(decided(app, &verdict).await.0, "young");
    let seen = |views| Submission {
        platform: PlatformFacts {
            views: Some(views),
            languages: Some(vec!["ar".to_owned()]),
            ..PlatformFacts::default()
        },
        ..post("b", "ben", "x")
    };
    let verdict = submit(app, seen(3)).await;
    assert_eq!(decided(app, &verdict).await.0, "anything");
    // What is said anew is judged anew; the same again is not.
    let fresh = submit_item(app, &Actor::Operator, seen(300), None).await.unwrap();
    assert!(fresh.fresh);
    assert_eq!(decided(app, &fresh.verdict).await.0, "seen");
    assert!(!submit_item(app, &Actor::Operator, seen(300), None).await.unwrap().fresh);
    let mut future = young;
    future.platform.posted_at = Some(now.after(Duration::from_secs(86_400)));
    assert!(submit_item(app, &Actor::Operator, future, None).await.is_err());
    // What was not said is not known: `flagged` could not be decided.
    let (_, _, said) = decided(app, &fresh.verdict).await;
    assert!(
        said["undecided"]
            .as_array()
            .unwrap()
            .iter()
            .any(|rule| rule["rule"] == "flagged")
    );
}

pub async fn what_fires_again_lasts_longer(world: World) {
    let app = &world.app;
    let then = "restrict reach 2h, label account loud 1d";
    live(&world, &rule("wide", "item.views > 10", then, "")).await;
    let minutes = |n: u64| Duration::from_secs(n * 60);
    let send = async |views| {
        let mut new = post("a", "ann", "x");
        new.platform.views = Some(views);
        submit(app, new).await
    };
    let orders = async || {
        let view = views::item(app, &world.admin, &"a".parse().unwrap()).await.unwrap();
        let actions = view.unwrap().actions;
        actions.iter().map(|action| action.kind).collect::<Vec<_>>()
    };
    let first = send(20).await;
    world.clock.advance(minutes(119));
    let sent_again = world.clock.now();
    assert_eq!(send(30).await.decision, first.decision, "nothing new is decided");
    let labels = views::labels_of(app, &world.admin, LabelOn::Account, "ann").await;
    let until = labels.unwrap().pop().unwrap().until;
    assert_eq!(until, Some(sent_again.after(minutes(24 * 60))));
    world.clock.advance(minutes(118));
    rules::end_restrictions(app).await.unwrap();
    assert_eq!(orders().await, [ActionKind::Restrict], "it lasts two hours from then");
    world.clock.advance(minutes(2));
    rules::end_restrictions(app).await.unwrap();
    assert_eq!(orders().await, [ActionKind::Restrict, ActionKind::Restore]);
    assert_eq!(world.faults().await, Vec::<String>::new());
}
