//! How rules change and are watched: steps back, what a restart installs, keys, first days of a rule, replicas that follow.

use std::time::Duration;

use moderation::flows::cases::decide_case;
use moderation::flows::rules::{self, NewChange, RollBack, RulesError};
use moderation::model::{Actor, AlarmKind, Chance, ChangeState, Judgement, KeyId, PageRequest, Role, Scope, Timestamp};
use moderation::rules::standing;
use moderation::views;

use super::rules::{WINDOWED, decided, files, lead, live, post, propose, rule, step, submit};
use super::world::World;

const DAY: Duration = Duration::from_secs(86_400);

pub async fn going_back_twice_never_goes_forward(world: World) {
    let app = &world.app;
    assert_eq!(live(&world, &rule("one", "item.views > 1", "case one", "")).await, 2);
    assert_eq!(live(&world, &rule("two", "item.views > 2", "case two", "")).await, 3);
    let seen = |from| RollBack {
        from: Some(from),
        ..step(None)
    };
    assert_eq!(rules::roll_back(app, &world.admin, &seen(3)).await.unwrap(), 2);
    assert!(matches!(
        rules::roll_back(app, &world.admin, &seen(3)).await,
        Err(RulesError::Stale { base: 3, live: 2 })
    ));
    assert_eq!(rules::roll_back(app, &world.admin, &step(None)).await.unwrap(), 1);
    assert!(matches!(
        rules::roll_back(app, &world.admin, &step(None)).await,
        Err(RulesError::NotFound { .. })
    ));
    // What is named may lie ahead.
    assert_eq!(rules::roll_back(app, &world.admin, &step(Some(3))).await.unwrap(), 3);
    assert_eq!(rules::roll_back(app, &world.admin, &step(None)).await.unwrap(), 2);
}

pub async fn a_restart_undoes_no_rollback_of_shipped_rules(world: World) {
    // As if an older Seawall had installed version 1.
    world
        .sql("UPDATE rules_edition SET digest = 'older' WHERE number = 1")
        .await;
    let newer = world.second_process().await;
    let live = async || views::rules(&newer, &world.admin).await.unwrap().standing.live;
    assert_eq!(live().await, 2, "a newer Seawall brings its rules");
    assert_eq!(rules::roll_back(&newer, &world.admin, &step(None)).await.unwrap(), 1);
    world.second_process().await;
    rules::install(&newer).await.unwrap();
    assert_eq!(live().await, 1);
}

pub async fn a_key_is_no_second_person(world: World) {
    let app = &world.app;
    let key = Actor::Key {
        key: KeyId::fresh(Timestamp::from_unix_ms(5), &Chance::seeded(5)),
        scopes: Scope::of_keys(),
    };
    let change = propose(app, &rule("one", "item.views > 1", "case one", "")).await;
    assert!(matches!(
        rules::approve(app, &key, change, "").await,
        Err(RulesError::Denied(_))
    ));
    rules::approve(app, &Actor::Operator, change, "").await.unwrap();
    // What somebody's key proposed that somebody does not approve.
    let made = moderation::flows::access::create_key(app, &world.admin, "robot", vec![Scope::RulesWrite]);
    let made = made.await.unwrap().key;
    assert_eq!(made.made_by, world.admin.user());
    let robot = Actor::Key {
        key: made.id,
        scopes: made.scopes,
    };
    let new = NewChange {
        files: files(&rule("three", "item.views > 2", "case one", "")),
        note: "by a program".to_owned(),
    };
    let by_key = rules::propose(app, &robot, new).await.unwrap();
    assert!(matches!(
        rules::approve(app, &world.admin, by_key, "").await,
        Err(RulesError::SamePerson)
    ));
    let view = views::change(app, &world.admin, by_key).await.unwrap().unwrap();
    assert!(view.is_by_own_key && !view.may_approve && !view.is_own);
    assert!(views::change(app, &lead(), by_key).await.unwrap().unwrap().may_approve);
    rules::approve(app, &lead(), by_key, "").await.unwrap();
    assert_eq!(rules::roll_back(app, &world.admin, &step(None)).await.unwrap(), 2);
    let keys = views::list_keys(app, &world.admin).await.unwrap();
    assert_eq!(keys[0].key.made_by, world.admin.user(), "it is kept");
    // It may stop what is wrong.
    assert_eq!(rules::roll_back(app, &key, &step(None)).await.unwrap(), 1);
    let change = propose(app, &rule("two", "item.views > 1", "case one", "")).await;
    rules::reject(app, &key, change, "no").await.unwrap();
    let view = views::change(app, &world.admin, change).await.unwrap().unwrap();
    assert_eq!(view.row.change.state, ChangeState::Rejected);
}

/// Posts of a day, some with an `x`.
async fn day(world: &World, name: &str, n_with: usize, n_without: usize) -> Vec<moderation::model::Verdict> {
    let mut verdicts = Vec::new();
    for n in 0..n_with + n_without {
        let text = if n < n_with { "x" } else { "y" };
        verdicts.push(submit(&world.app, post(&format!("{name}{n}"), "ann", text)).await);
    }
    verdicts
}

pub async fn the_first_days_of_a_rule_are_no_surge(world: World) {
    let app = &world.app;
    for name in ["a", "b", "c", "d"] {
        day(&world, name, 0, 3).await;
        world.clock.advance(DAY);
    }
    let text = rule("new", "item.text.contains(\"x\")", "case new", "");
    live(&world, &text).await;
    for name in ["e", "f", "g"] {
        day(&world, name, 14, 1).await;
        rules::keep_rules_up(app).await.unwrap();
        world.clock.advance(DAY);
    }
    let alarms = views::rule_alarms(app, &world.admin, false).await.unwrap();
    assert!(alarms.is_empty(), "{alarms:?}");
}

pub async fn another_review_date_leaves_a_rule_its_past(world: World) {
    let app = &world.app;
    let text = rule("rare", "item.text.contains(\"x\")", "case rare", "");
    live(&world, &text).await;
    for name in ["a", "b", "c", "d"] {
        day(&world, name, 0, 5).await;
        world.clock.advance(DAY);
    }
    live(&world, &text.replace("2030-01-01", "2031-01-01")).await;
    day(&world, "e", 14, 0).await;
    rules::keep_rules_up(app).await.unwrap();
    let alarms = views::rule_alarms(app, &world.admin, false).await.unwrap();
    assert_eq!((alarms.len(), alarms[0].kind), (1, AlarmKind::Surge));
}

pub async fn a_wave_hides_no_rule_that_is_wrong(world: World) {
    let app = &world.app;
    let more = "floor: 80% surge: keep";
    live(
        &world,
        &rule("wave", "item.text.contains(\"x\")", "restrict, case wave", more),
    )
    .await;
    for name in ["a", "b", "c", "d"] {
        day(&world, name, 0, 2).await;
        world.clock.advance(DAY);
    }
    let verdicts = day(&world, "e", 14, 0).await;
    rules::keep_rules_up(app).await.unwrap();
    for verdict in &verdicts[..8] {
        let judgement = Judgement::allow(1, "looked");
        decide_case(app, &world.moderator, verdict.case.unwrap(), judgement)
            .await
            .unwrap();
    }
    rules::keep_rules_up(app).await.unwrap();
    let mut raised: Vec<(AlarmKind, bool)> = views::rule_alarms(app, &world.admin, true)
        .await
        .unwrap()
        .iter()
        .map(|alarm| (alarm.kind, alarm.is_suspended))
        .collect();
    raised.sort_by_key(|(_, is_suspended)| *is_suspended);
    assert_eq!(raised, [(AlarmKind::Surge, false), (AlarmKind::Precision, true)]);
}

pub async fn a_replica_that_missed_events_takes_no_windows_with_a_gap(world: World) {
    let app = &world.app;
    let other = world.second_process().await;
    let change = propose(app, WINDOWED).await;
    rules::start_shadow(app, &lead(), change).await.unwrap();
    submit(&other, post("a", "ann", "x")).await;
    rules::stop_shadow(app, &lead(), change).await.unwrap();
    // The other process judges nothing, and so follows nothing, meanwhile.
    for id in ["b", "c"] {
        submit(app, post(id, "ann", "x")).await;
    }
    rules::approve(app, &world.admin, change, "").await.unwrap();
    let verdict = submit(&other, post("d", "ann", "x")).await;
    let said = decided(&other, &verdict).await.2;
    assert_eq!(said["counters"][0]["value"], 4, "{said}");
    let verdict = submit(app, post("e", "ann", "x")).await;
    assert_eq!(decided(app, &verdict).await.2["counters"][0]["value"], 5);
}

pub async fn windows_that_are_written_before_the_turn_miss_nothing(world: World) {
    let app = &world.app;
    submit(app, post("a", "ann", "x")).await;
    let change = propose(app, WINDOWED).await;
    // What `approve` does, with somebody judging between its two steps.
    let mut ready = app.judge.prepare(&app.store, 2).await.unwrap();
    ready.write_down(&app.store).await.unwrap();
    for id in ["b", "c"] {
        submit(app, post(id, "ann", "x")).await;
    }
    let mut tx = app.store.begin("as a change becomes live").await.unwrap();
    let last_seq = standing::lock(&mut tx).await.unwrap();
    ready.settle(&mut tx, last_seq).await.unwrap();
    let now = Timestamp::from_unix_ms(1_795_000_000_000);
    standing::set_live(&mut tx, 2, last_seq, "test", "test", now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    app.judge.offer(ready).await;
    for (process, id, n) in [(app, "d", 4), (&world.second_process().await, "e", 5)] {
        let verdict = submit(process, post(id, "ann", "x")).await;
        assert_eq!(decided(process, &verdict).await.2["counters"][0]["value"], n, "{id}");
    }
    rules::reject(app, &world.admin, change, "").await.unwrap();
}

pub async fn a_process_runs_few_backtests_at_a_time(world: World) {
    let app = &world.app;
    submit(app, post("a", "ann", "x")).await;
    let text = rule("one", "item.views > 1", "case one", "");
    let places: Vec<_> = std::iter::from_fn(|| app.judge.begin_backtest()).collect();
    assert_eq!(places.len(), 2);
    let refused = rules::try_out(app, &lead(), &files(&text), 7).await;
    assert!(matches!(refused, Err(RulesError::Busy)));
    drop(places);
    let found = rules::try_out(app, &lead(), &files(&text), 7).await.unwrap();
    assert_eq!(found.n_events, 1);
}

pub async fn what_could_not_be_decided_is_added_up_and_written(world: World) {
    let app = &world.app;
    live(&world, &rule("unsent", "account.strikes > 2", "case strikes", "")).await;
    for id in ["a", "b", "c"] {
        submit(app, post(id, "ann", "x")).await;
    }
    let undecided = async || {
        let view = views::rule(app, &world.admin, "unsent").await.unwrap().unwrap();
        view.row.measured.undecided
    };
    assert_eq!(undecided().await, 0, "nothing is written while others wait");
    app.judge.write_counts(&app.store).await.unwrap();
    app.judge.write_counts(&app.store).await.unwrap();
    assert_eq!(undecided().await, 3);
}

pub async fn languages_of_a_shadow_are_told_apart_up_to_a_limit(world: World) {
    let app = &world.app;
    let change = propose(app, &rule("one", "item.views > 1", "case one", "")).await;
    rules::start_shadow(app, &lead(), change).await.unwrap();
    for n in 0..24 {
        let mut new = post(&format!("p{n}"), "ann", "x");
        new.platform.languages = Some((0..5).map(|m| format!("l{n}x{m}")).collect());
        submit(app, new).await;
    }
    let shadow = views::change(app, &world.admin, change).await.unwrap().unwrap().shadow;
    let languages = shadow.unwrap().languages;
    assert!(languages.len() <= 100, "{}", languages.len());
    let other = languages.iter().find(|(name, ..)| name == "other").unwrap();
    assert_eq!(languages.iter().map(|(_, n, _)| n).sum::<i64>(), 120);
    assert!(other.1 > 1);
}

pub async fn examples_name_no_items_of_other_queues(world: World) {
    let app = &world.app;
    live(&world, &rule("walks", "item.text.contains(\"walk\")", "case walks", "")).await;
    let submit_both = async |day: &str| {
        submit(app, post(&format!("shut{day}"), "ann", "a walk")).await;
        submit(app, post(&format!("open{day}"), "ben", "a swim")).await;
    };
    submit_both("1").await;
    let text = rule("all", "item.text.contains(\"a \")", "restrict reach 2h", "");
    let change = propose(app, &text).await;
    let limited = Actor::Person {
        user: lead().user().unwrap(),
        roles: Role::Lead.into(),
        queues: "leads".parse().unwrap(),
        token: None,
    };
    let items = |found: &policy::compare::Comparison| -> Vec<String> {
        let mut items: Vec<String> = found.examples.iter().map(|example| example.item.clone()).collect();
        items.sort();
        items
    };
    let found = rules::backtest(app, &limited, change, 7).await.unwrap().found;
    assert_eq!((items(&found), found.n_differ), (vec!["open1".to_owned()], 2));
    let tried = rules::try_out(app, &limited, &files(&text), 7).await.unwrap();
    assert_eq!(tried, found);
    rules::start_shadow(app, &lead(), change).await.unwrap();
    submit_both("2").await;
    for (who, n) in [(&limited, 1), (&lead(), 2)] {
        let view = views::change(app, who, change).await.unwrap().unwrap();
        let listed = views::list_changes(app, who, true, &PageRequest::first())
            .await
            .unwrap();
        for row in [&view.row, &listed.rows[0]] {
            let kept = row.change.backtest.as_ref().unwrap();
            assert_eq!((items(&kept.found).len(), kept.found.n_differ), (n, 2));
        }
        let shadow = view.shadow.unwrap();
        assert_eq!((shadow.examples.len(), shadow.n_differ), (n, 2));
        assert!(n == 2 || shadow.examples[0].item.as_str() == "open2");
    }
}
