//! Rules in the store: changed by two people, asked in one order by every process, watched, taken back.

use std::time::Duration;

use moderation::Seawall;
use moderation::flows::cases::decide_case;
use moderation::flows::rules::{self, NewChange, RollBack, RulesError};
use moderation::flows::submit::{Submission, submit_item};
use moderation::model::{
    ActionKind, Actor, Chance, ChangeId, ChangeState, Judgement, Outcome, PageRequest, PolicyCode, Restricted, Role,
    RuleFile, Timestamp, UserId, Verdict,
};
use moderation::rules::judge::{NewEvent, event_of, facts_of};
use moderation::rules::{log, standing, versions};
use moderation::views;
use policy::compile::compile;
use policy::window::{Seed, State};
use policy::{Lists, Scratch};

use super::world::{World, item};

pub(super) const ANYTHING: &str = "\nrule anything { when: true then: allow reason: \"nothing speaks against it\" owner: \"t\" review: 2030-01-01 mode: live }\n";

/// A rule in one line.
pub(super) fn rule(name: &str, when: &str, then: &str, more: &str) -> String {
    format!(
        "rule {name} {{ policy: other_terms when: {when} then: {then} reason: \"it is {name}\" owner: \"t\" review: 2030-01-01 mode: live {more} }}\n"
    )
}

pub(super) fn files(text: &str) -> Vec<RuleFile> {
    vec![RuleFile {
        name: "all.rules".to_owned(),
        text: format!("{text}{ANYTHING}"),
    }]
}

pub(super) fn lead() -> Actor {
    let user = UserId::fresh(Timestamp::from_unix_ms(9), &Chance::seeded(9));
    Actor::person(user, Role::Lead.into())
}

pub(super) async fn propose(app: &Seawall, text: &str) -> ChangeId {
    let new = NewChange {
        files: files(text),
        note: "because".to_owned(),
    };
    rules::propose(app, &lead(), new).await.unwrap()
}

/// Has rules live: proposed by one, approved by another.
pub(super) async fn live(world: &World, text: &str) -> i64 {
    let change = propose(&world.app, text).await;
    rules::approve(&world.app, &world.admin, change, "").await.unwrap()
}

pub(super) fn step(to: Option<i64>) -> RollBack {
    RollBack {
        to,
        from: None,
        why: "to see".to_owned(),
    }
}

pub(super) fn post(id: &str, account: &str, text: &str) -> Submission {
    Submission {
        account: Some(account.to_owned()),
        text: Some(text.to_owned()),
        ..item(id, Vec::new())
    }
}

pub(super) async fn submit(app: &Seawall, submission: Submission) -> Verdict {
    submit_item(app, &Actor::Operator, submission, None)
        .await
        .unwrap()
        .verdict
}

/// The rule that decided, the version and all that was said.
pub(super) async fn decided(app: &Seawall, verdict: &Verdict) -> (String, String, serde_json::Value) {
    let decision = views::decision(app, &Actor::Operator, verdict.decision.unwrap())
        .await
        .unwrap()
        .unwrap();
    let said = decision.facts["rules"].clone();
    (decision.author.to_string(), decision.versions.rules, said)
}

pub async fn a_new_store_judges_by_the_shipped_rules(world: World) {
    let verdict = submit(&world.app, post("a", "ann", "hello")).await;
    let (rule, version, said) = decided(&world.app, &verdict).await;
    assert_eq!((rule.as_str(), version.as_str()), ("nothing_found", "1"));
    assert_eq!(said["fired"][0]["rule"], "nothing_found");
    assert_eq!(said["undecided"], serde_json::json!([]), "what is always known is told");

    let view = views::rules(&world.app, &world.moderator).await.unwrap();
    assert_eq!((view.standing.live, view.rules.len()), (1, 8));
    let found = view.rules.iter().find(|row| row.name == "nothing_found").unwrap();
    assert_eq!((found.fired_7d, found.measured.counted), (1, 1));
    let explained = views::explain(&world.app, &world.moderator, verdict.decision.unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        explained.sentence,
        "It stays available, by automated means: nothing speaks against it."
    );
    assert!(
        explained
            .lines
            .iter()
            .any(|line| line.starts_with("Rule `nothing_found` decided"))
    );
    // Another start installs nothing anew.
    world.second_process().await;
    let versions = views::list_rules_versions(&world.app, &world.moderator, &PageRequest::first())
        .await
        .unwrap();
    assert_eq!(versions.rows.len(), 1);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_change_goes_from_file_to_live_and_back(world: World) {
    let app = &world.app;
    let other = world.second_process().await;
    submit(&other, post("before", "ann", "hello")).await;

    let text = rule(
        "hello",
        "item.text.contains(\"hello\")",
        "case greetings priority 30",
        "",
    );
    let change = propose(app, &text).await;
    assert!(matches!(
        rules::approve(app, &lead(), change, "").await,
        Err(RulesError::SamePerson)
    ));
    assert!(matches!(
        rules::approve(app, &world.moderator, change, "").await,
        Err(RulesError::Denied(_))
    ));
    let stale = propose(app, &rule("bye", "item.text.contains(\"bye\")", "case greetings", "")).await;
    assert_eq!(rules::approve(app, &world.admin, change, "good").await.unwrap(), 2);
    assert!(matches!(
        rules::approve(app, &world.admin, stale, "").await,
        Err(RulesError::Stale { base: 1, live: 2 })
    ));
    assert!(matches!(
        rules::approve(app, &world.admin, change, "").await,
        Err(RulesError::NotOpen {
            state: ChangeState::Live
        })
    ));

    // The next event of another process is judged by it.
    let verdict = submit(&other, post("after", "ann", "hello")).await;
    assert_eq!(verdict.outcome, Outcome::Review);
    let (name, version, _) = decided(&other, &verdict).await;
    assert_eq!((name.as_str(), version.as_str()), ("hello", "2"));
    let view = views::change(app, &world.admin, change).await.unwrap().unwrap();
    assert_eq!(view.row.change.state, ChangeState::Live);
    assert!(view.diff.iter().any(|file| file.name == "all.rules"));

    // And back, in one step.
    assert_eq!(rules::roll_back(app, &world.admin, &step(None)).await.unwrap(), 1);
    let verdict = submit(&other, post("again", "ann", "hello")).await;
    assert_eq!(decided(&other, &verdict).await.1, "1");
    let view = views::change(app, &world.admin, change).await.unwrap().unwrap();
    assert_eq!(view.row.change.state, ChangeState::Replaced);
    rules::reject(app, &world.admin, stale, "no").await.unwrap();
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn what_does_not_pass_is_not_kept(world: World) {
    let propose = async |text: &str| {
        let new = NewChange {
            files: files(text),
            note: "because".to_owned(),
        };
        rules::propose(&world.app, &lead(), new).await
    };
    let Err(RulesError::Refused(report)) = propose(&rule("x", "acount.age < 24h", "case links", "")).await else {
        panic!("an unknown name passes");
    };
    assert_eq!(
        (report.n_errors, report.findings[0].line, report.findings[0].code),
        (1, 1, "unknown-name")
    );
    let failing = rule("x", "item.views > 3", "case links", "") + "test t { at 0s { item.views: 2 } -> x }";
    let Err(RulesError::Refused(report)) = propose(&failing).await else {
        panic!("a failing test passes");
    };
    assert_eq!((report.n_errors, report.n_failed, report.tests.len()), (0, 1, 1));
    let queue = rule("x", "item.views > 3", &format!("case {}", "q".repeat(41)), "");
    assert!(matches!(propose(&queue).await, Err(RulesError::Refused(_))));
    let changes = views::list_changes(&world.app, &world.admin, false, &PageRequest::first())
        .await
        .unwrap();
    assert!(changes.rows.is_empty());
    let somebody = lead();
    let shipped = rules::propose(
        &world.app,
        &somebody,
        NewChange {
            files: vec![RuleFile {
                name: policy::DEFAULT_RULES_FILE.to_owned(),
                text: policy::DEFAULT_RULES.to_owned(),
            }],
            note: "the same".to_owned(),
        },
    );
    assert!(matches!(shipped.await, Err(RulesError::Same)));
}

pub(super) const WINDOWED: &str = r#"
rule busy {
  policy: other_terms
  when: count(by: account.id, within: 1h) > 2 || distinct(account.id, by: item.text, within: 1d) > 3
  then: case busy priority 10
  reason: "{count(by: account.id, within: 1h)} in an hour, the last {since(by: account.id)} ago"
  owner: "t" review: 2030-01-01 mode: live
}
rule tenth {
  policy: other_terms
  when: sum(item.views, by: account.id, within: 2h) > 10 then: label account seen 1h
  reason: "seen" owner: "t" review: 2030-01-01 mode: live 50%
}
"#;

/// Some posts, of few accounts and texts, so that windows have something to count.
async fn some_posts(world: &World, apps: &[&Seawall], from: usize, to: usize) {
    for n in from..to {
        let app = apps[n % apps.len()];
        let mut new = post(
            &format!("p{n}"),
            &format!("account{}", n * 7 % 5),
            &format!("text {}", n * 3 % 4),
        );
        new.platform.views = Some((n % 6) as i64);
        submit(app, new).await;
        world.clock.advance(Duration::from_secs(97 * (n as u64 % 9)));
    }
}

pub async fn replay_gives_the_same_bytes_over_restarts_and_processes(world: World) {
    live(&world, WINDOWED).await;
    let second = world.second_process().await;
    some_posts(&world, &[&world.app, &second], 0, 30).await;
    // A start that reads everything from the log, and one that reads a snapshot and the rest.
    let third = world.second_process().await;
    some_posts(&world, &[&third, &world.app, &second], 30, 45).await;
    let mut tx = world.app.store.begin("a snapshot").await.unwrap();
    let last = standing::lock(&mut tx).await.unwrap();
    let mut ready = world.app.judge.prepare(&world.app.store, 2).await.unwrap();
    ready.catch_up(tx.conn(), last).await.unwrap();
    ready.keep(&mut tx, last).await.unwrap();
    tx.commit().await.unwrap();
    let fourth = world.second_process().await;
    some_posts(&world, &[&fourth, &second], 45, 60).await;

    // All of it again, by one who knows nothing but the log.
    let mut conn = world.app.store.reader().await.unwrap();
    let kept = standing::read(&mut conn).await.unwrap().unwrap();
    let mut seed = Seed::default();
    hex::decode_to_slice(&kept.seed, &mut seed.0).unwrap();
    let kept_files = versions::files(&mut conn, 2).await.unwrap();
    let compiled = compile(&versions::sources(&kept_files), 0).rules.unwrap();
    let mut state = State::new(&compiled.windows(), seed);
    let events = log::list(&mut conn, 0, i64::MAX, 1_000).await.unwrap();
    assert_eq!(
        events.iter().map(|event| event.seq).collect::<Vec<_>>(),
        (1..=60).collect::<Vec<i64>>()
    );
    let mut n_fired = 0;
    for logged in &events {
        let event = event_of(&facts_of(logged).unwrap());
        let said = compiled.evaluate(&event, &Lists::new(seed), &state, &mut Scratch::default());
        state.apply(&said.bumps);
        let again: serde_json::Value = serde_json::from_str(&said.to_json(&compiled, &event)).unwrap();
        let decision = views::decision(&world.app, &Actor::Operator, logged.decision)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            decision.facts["rules"].to_string(),
            again.to_string(),
            "event {}",
            logged.seq
        );
        n_fired += usize::from(said.ruling(&compiled).rule == "busy");
    }
    assert!(n_fired > 5, "{n_fired}: the windows count");
}

pub async fn what_is_rolled_back_changes_no_window(world: World) {
    live(&world, WINDOWED).await;
    let app = &world.app;
    let facts = serde_json::json!({ "time": 1_795_000_000_000_i64, "account.id": "ann", "item.text": "x" });
    let facts = facts.as_object().unwrap();
    for _ in 0..5 {
        let mut tx = app.store.begin("to be dropped").await.unwrap();
        let mut turn = app.judge.turn(&mut tx).await.unwrap();
        let id = "never".parse().unwrap();
        let new = NewEvent {
            decision: moderation::model::DecisionId::fresh(Timestamp::from_unix_ms(1), &app.chance),
            item: &id,
            facts,
            now: Timestamp::from_unix_ms(1_795_000_000_000),
        };
        turn.judge(&mut tx, &new).await.unwrap();
        drop(tx);
    }
    let count = |said: &serde_json::Value| said["counters"][0]["value"].as_i64().unwrap();
    let verdict = submit(app, post("one", "ann", "x")).await;
    assert_eq!(count(&decided(app, &verdict).await.2), 1);
    // A retry of the same submission counts nothing, and a check neither.
    submit(app, post("one", "ann", "x")).await;
    moderation::flows::submit::check_item(app, &Actor::Operator, post("probe", "ann", "x"))
        .await
        .unwrap();
    let verdict = submit(app, post("two", "ann", "x")).await;
    assert_eq!(count(&decided(app, &verdict).await.2), 2);
}

pub async fn windows_are_there_when_a_rule_becomes_live(world: World) {
    for n in 0..3 {
        submit(&world.app, post(&format!("early{n}"), "ann", "x")).await;
    }
    live(&world, WINDOWED).await;
    // Its windows hold what came before it: this is the fourth within the hour.
    let other = world.second_process().await;
    let verdict = submit(&other, post("late", "ann", "x")).await;
    assert_eq!(decided(&other, &verdict).await.0, "busy");
    // The way back and forth again loses nothing.
    rules::roll_back(&world.app, &world.admin, &step(None)).await.unwrap();
    submit(&world.app, post("between", "ann", "x")).await;
    rules::roll_back(&world.app, &world.admin, &step(Some(2)))
        .await
        .unwrap();
    let verdict = submit(&other, post("later", "ann", "x")).await;
    assert_eq!(decided(&other, &verdict).await.2["counters"][0]["value"], 6);
}

pub async fn shadow_and_backtest_say_what_would_be_different(world: World) {
    let app = &world.app;
    for n in 0..4 {
        let mut new = post(&format!("old{n}"), "ann", if n == 0 { "free coins" } else { "a walk" });
        new.platform.languages = Some(vec![if n < 2 { "ar" } else { "en" }.to_owned()]);
        submit(app, new).await;
    }
    let text = rule(
        "coins",
        "item.text.contains(\"free coins\")",
        "restrict reach 2h, case offers",
        "",
    );
    let change = propose(app, &text).await;
    let backtest = rules::backtest(app, &lead(), change, 7).await.unwrap();
    assert_eq!(
        (
            backtest.found.n_events,
            backtest.found.n_differ,
            backtest.found.n_accounts
        ),
        (4, 1, 1)
    );
    let pair = ("allow".to_owned(), "restrict reach".to_owned());
    assert_eq!(backtest.found.outcomes.get(&pair), Some(&1));
    assert_eq!(backtest.found.queues["offers"], (0, 1));
    assert_eq!(backtest.found.languages["ar"], (2, 1));
    assert_eq!(backtest.found.examples[0].item, "old0");
    let view = views::change(app, &world.admin, change).await.unwrap().unwrap();
    assert_eq!(view.row.change.backtest.as_ref(), Some(&backtest), "it is kept whole");
    assert_eq!(view.row.change.state, ChangeState::Backtested);
    assert_eq!(
        rules::try_out(app, &lead(), &files(&text), 7).await.unwrap(),
        backtest.found
    );

    rules::start_shadow(app, &lead(), change).await.unwrap();
    let other = world.second_process().await;
    let verdict = submit(&other, post("new0", "ben", "free coins")).await;
    assert_eq!(verdict.outcome, Outcome::Allow, "it does not count");
    submit(app, post("new1", "ben", "a walk")).await;
    let view = views::change(app, &world.admin, change).await.unwrap().unwrap();
    let shadow = view.shadow.unwrap();
    assert_eq!((shadow.n_events, shadow.n_differ), (2, 1));
    assert_eq!(shadow.outcomes, [("allow".to_owned(), "restrict reach".to_owned(), 1)]);
    assert_eq!(
        (shadow.examples[0].item.as_str(), shadow.examples[0].rules.join(" ")),
        ("new0", "coins anything".to_owned())
    );
    assert_eq!(view.standing.shadow.map(|(version, _)| version), Some(2));

    rules::approve(app, &world.admin, change, "").await.unwrap();
    let verdict = submit(&other, post("new2", "ben", "free coins")).await;
    assert_eq!(verdict.outcome, Outcome::Restrict);
    let standing = views::rules(app, &world.admin).await.unwrap().standing;
    assert_eq!((standing.live, standing.shadow), (2, None));
    let actions = views::item(app, &Actor::Operator, &"new2".parse().unwrap())
        .await
        .unwrap()
        .unwrap()
        .actions;
    assert_eq!(
        (actions[0].what, actions[0].kind),
        (Restricted::Reach, ActionKind::Restrict)
    );
    assert!(actions[0].until.is_some());
}

pub async fn a_rule_that_people_reverse_is_suspended(world: World) {
    let app = &world.app;
    live(
        &world,
        &rule(
            "wrong",
            "item.text.contains(\"x\")",
            "restrict, case wrong",
            "floor: 80%",
        ),
    )
    .await;
    for n in 0..8 {
        let verdict = submit(app, post(&format!("p{n}"), "ann", "x")).await;
        assert_eq!(verdict.outcome, Outcome::Restrict);
        let judgement = match n {
            0 => Judgement::restrict(1, PolicyCode::OtherTerms, "looked"),
            _ => Judgement::allow(1, "looked"),
        };
        decide_case(app, &world.moderator, verdict.case.unwrap(), judgement)
            .await
            .unwrap();
    }
    let view = views::rule(app, &world.admin, "wrong").await.unwrap().unwrap();
    let looked = view.row.measured.looked;
    assert_eq!((looked.confirmed, looked.reversed), (1, 7));
    assert!(view.row.precision.unwrap().high < 0.8);

    rules::keep_rules_up(app).await.unwrap();
    let after = views::rules(app, &world.admin).await.unwrap();
    let row = after.rules.iter().find(|row| row.name == "wrong").unwrap();
    assert_eq!(
        (row.mode, row.is_suspended, after.n_open_alarms, after.standing.live),
        ("shadow", true, 1, 3)
    );
    assert_eq!(submit(app, post("next", "ann", "x")).await.outcome, Outcome::Allow);
    // A step back passes over the version in which it counted.
    assert_eq!(rules::roll_back(app, &world.admin, &step(None)).await.unwrap(), 1);
    assert_eq!(rules::roll_back(app, &world.admin, &step(Some(3))).await.unwrap(), 3);
    // Once is enough, and the way back is open.
    rules::keep_rules_up(app).await.unwrap();
    let alarms = views::rule_alarms(app, &world.admin, true).await.unwrap();
    assert_eq!((alarms.len(), alarms[0].is_suspended), (1, true));
    assert_eq!(views::desk(app, &world.moderator).await.unwrap().n_rule_alarms, 1);
    rules::see_alarm(app, &world.admin, alarms[0].id).await.unwrap();
    assert_eq!(views::desk(app, &world.moderator).await.unwrap().n_rule_alarms, 0);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_rule_that_suddenly_fires_far_more_is_suspended(world: World) {
    let app = &world.app;
    let text = rule("rare", "item.text.contains(\"x\")", "case rare", "")
        + &rule("wave", "item.text.contains(\"x\")", "case wave", "surge: keep");
    live(&world, &text).await;
    let mut n = 0;
    let mut day = async |n_with: usize, n_without: usize| {
        for with in [true; 40].iter().take(n_with).chain([false; 40].iter().take(n_without)) {
            n += 1;
            submit(app, post(&format!("p{n}"), "ann", if *with { "x" } else { "y" })).await;
        }
    };
    for _ in 0..4 {
        day(1, 19).await;
        rules::keep_rules_up(app).await.unwrap();
        world.clock.advance(Duration::from_secs(86_400));
    }
    assert!(views::rule_alarms(app, &world.admin, true).await.unwrap().is_empty());
    day(20, 0).await;
    rules::keep_rules_up(app).await.unwrap();
    let alarms = views::rule_alarms(app, &world.admin, true).await.unwrap();
    let mut raised: Vec<(&str, bool)> = alarms
        .iter()
        .map(|alarm| (alarm.rule.as_str(), alarm.is_suspended))
        .collect();
    raised.sort_unstable();
    // `rare` goes first and takes version 2 from under the other, which is looked at anew.
    assert!(raised.contains(&("rare", true)), "{raised:?}");
    rules::keep_rules_up(app).await.unwrap();
    let view = views::rules(app, &world.admin).await.unwrap();
    let mode = |name: &str| view.rules.iter().find(|row| row.name == name).unwrap().mode;
    assert_eq!((mode("rare"), mode("wave")), ("shadow", "live"));
    assert_eq!(view.n_open_alarms, 2);
}
