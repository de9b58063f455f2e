//! What clients of HMA do to banks holds for everyone: in the store, in the index of this process and of others.

use moderation::flows::banks::import_entries;
use moderation::flows::follow;
use moderation::flows::hma::{
    BankUpdate, ContentUpdate, HmaError, NewContent, Reach, add_content, create_bank, delete_bank, forget_everything,
    look_up, remove_content, update_bank, update_content,
};
use moderation::model::{Actor, Outcome, PageRequest, Scope};
use moderation::views;
use serde_json::json;
use signal::{Md5, Signal};

use super::world::{World, entry_of, hash_near, hash_of};

fn content(signal: Signal) -> NewContent {
    NewContent {
        signals: vec![signal],
        previews: None,
        looks: None,
        timeline: None,
        strip: Vec::new(),
        metadata: None,
        note: None,
    }
}

async fn found(world: &World, seed: u64, reach: Reach) -> Vec<i64> {
    let hits = look_up(&world.app, &world.admin, hash_of(seed), reach, &|_, _| true)
        .await
        .unwrap();
    hits.into_iter().map(|hit| hit.content).collect()
}

pub async fn a_bank_that_is_removed_takes_its_entries_along(world: World) {
    let other = world.second_process().await;
    create_bank(&world.app, &world.admin, "A", 1.0).await.unwrap();
    create_bank(&world.app, &world.admin, "B", 1.0).await.unwrap();
    for (bank, seed) in [("A", 1), ("A", 2), ("B", 1)] {
        add_content(&world.app, &world.admin, bank, content(hash_of(seed)))
            .await
            .unwrap();
    }
    assert_eq!(found(&world, 1, Reach::Live).await, [1, 3]);
    assert!(delete_bank(&world.app, &world.admin, "A").await.unwrap());
    assert!(!delete_bank(&world.app, &world.admin, "A").await.unwrap());
    assert_eq!(found(&world, 1, Reach::Everything).await, [3]);
    assert_eq!(found(&world, 2, Reach::Everything).await, [] as [i64; 0]);
    assert_eq!(world.check(hash_of(2)).await.outcome, Outcome::Allow);
    follow::catch_up(&other).await.unwrap();
    assert_eq!(
        other.matcher.stats().n_hashes,
        1,
        "another process saw it through the feed"
    );

    // The name is free, and what is in the new bank is not what was in the old.
    create_bank(&world.app, &world.admin, "A", 1.0).await.unwrap();
    assert_eq!(found(&world, 2, Reach::Everything).await, [] as [i64; 0]);
    let names: Vec<String> = views::hma_banks(&world.app, &world.admin)
        .await
        .unwrap()
        .into_iter()
        .map(|bank| bank.name)
        .collect();
    assert_eq!(names, ["B", "A"]);
    let taken = BankUpdate {
        name: Some("B".to_owned()),
        ratio: None,
    };
    let refused = update_bank(&world.app, &world.admin, "A", taken).await;
    assert!(matches!(refused, Err(HmaError::NameTaken)), "{refused:?}");
    assert!(world.faults().await.is_empty(), "{:?}", world.faults().await);
}

pub async fn what_is_disabled_is_found_only_where_it_is_asked_for(world: World) {
    for bank in ["ON", "OFF"] {
        create_bank(&world.app, &world.admin, bank, 1.0).await.unwrap();
    }
    let digest = |n: u8| Signal::Md5(Md5::of(&[n]));
    let add = async |bank: &str, signal| {
        let new = content(signal);
        add_content(&world.app, &world.admin, bank, new).await.unwrap()
    };
    let disabled = ContentUpdate {
        disable_until_s: Some(0),
        note: None,
    };
    let mut ids = Vec::new();
    for signal in [hash_near(1, 0), digest(1)] {
        let live = add("ON", signal.clone()).await;
        let entry_off = add("ON", signal.clone()).await;
        let bank_off = add("OFF", signal.clone()).await;
        let both_off = add("OFF", signal).await;
        for (bank, id) in [("ON", entry_off), ("OFF", both_off)] {
            update_content(&world.app, &world.admin, bank, id, disabled.clone())
                .await
                .unwrap();
        }
        ids.push([live, entry_off, bank_off, both_off]);
    }
    // It begins as the digest that is looked up, and is another.
    let Signal::Md5(first) = digest(1) else { unreachable!() };
    let mut bytes = first.to_bytes();
    bytes[15] ^= 1;
    for bank in ["ON", "OFF"] {
        let id = add(bank, Signal::Md5(Md5::from_bytes(bytes))).await;
        update_content(&world.app, &world.admin, bank, id, disabled.clone())
            .await
            .unwrap();
    }
    let off = |ratio| BankUpdate {
        name: None,
        ratio: Some(ratio),
    };
    update_bank(&world.app, &world.admin, "OFF", off(0.0)).await.unwrap();
    for (signal, [live, entry_off, bank_off, both_off]) in [hash_near(1, 3), digest(1)].into_iter().zip(ids) {
        for (reach, expected) in [
            (Reach::Live, vec![live]),
            (Reach::DisabledBanks, vec![live, bank_off]),
            (Reach::Everything, vec![live, entry_off, bank_off, both_off]),
        ] {
            let hits = look_up(&world.app, &world.admin, signal.clone(), reach, &|_, _| true).await;
            let hits: Vec<i64> = hits.unwrap().into_iter().map(|hit| hit.content).collect();
            assert_eq!(hits, expected, "{signal:?} {reach:?}");
        }
    }
}

/// A ratio is remembered: it must be forgotten when it changes, also where nothing else of the bank does.
pub async fn a_new_ratio_holds_for_the_next_lookup_of_any_process(world: World) {
    let other = world.second_process().await;
    create_bank(&world.app, &world.admin, "A", 0.25).await.unwrap();
    add_content(&world.app, &world.admin, "A", content(hash_of(1)))
        .await
        .unwrap();
    let takes_part = |_: &str, ratio: f64| ratio >= 0.5;
    for ratio in [0.25, 0.75, 0.3] {
        let update = BankUpdate {
            name: None,
            ratio: Some(ratio),
        };
        update_bank(&world.app, &world.admin, "A", update).await.unwrap();
        follow::catch_up(&other).await.unwrap();
        for app in [&world.app, &other] {
            let hits = look_up(app, &world.admin, hash_of(1), Reach::Live, &takes_part)
                .await
                .unwrap();
            assert_eq!(hits.len(), usize::from(ratio >= 0.5), "{ratio}");
        }
    }
}

pub async fn signals_are_counted_anew_when_there_are_others(world: World) {
    let count = async || {
        let census = views::hma_census(&world.app, &world.admin).await.unwrap();
        census.iter().map(|kind| kind.n_signals).sum::<i64>()
    };
    create_bank(&world.app, &world.admin, "A", 1.0).await.unwrap();
    assert_eq!(count().await, 0);
    let id = add_content(&world.app, &world.admin, "A", content(hash_of(1)))
        .await
        .unwrap();
    assert_eq!(count().await, 1);
    // Another process writes, and this one has not heard of it yet.
    let other = world.second_process().await;
    add_content(&other, &world.admin, "A", content(hash_of(2)))
        .await
        .unwrap();
    assert_eq!(count().await, 2);
    assert!(remove_content(&world.app, &world.admin, "A", id).await.unwrap());
    assert_eq!(count().await, 1);
}

pub async fn a_removed_bank_goes_by_no_name(world: World) {
    create_bank(&world.app, &world.admin, "A", 1.0).await.unwrap();
    assert!(delete_bank(&world.app, &world.admin, "A").await.unwrap());
    let listed = views::list_banks(&world.app, &world.admin, &PageRequest::first())
        .await
        .unwrap();
    let name = &listed.rows[0].bank.name;
    assert!(name.starts_with("A (removed, "), "{name}");
    assert_eq!(views::hma_bank(&world.app, &world.admin, name).await.unwrap(), None);
    let update = BankUpdate {
        name: Some("B".to_owned()),
        ratio: Some(1.0),
    };
    let renamed = update_bank(&world.app, &world.admin, name, update).await;
    assert!(matches!(renamed, Err(HmaError::NotFound)), "{renamed:?}");
    let added = add_content(&world.app, &world.admin, name, content(hash_of(1))).await;
    assert!(matches!(added, Err(HmaError::NotFound)), "{added:?}");
    assert!(!delete_bank(&world.app, &world.admin, name).await.unwrap());
}

pub async fn entries_of_any_page_of_the_feed_are_removed(world: World) {
    // More than the feed gives at a time.
    const N: u64 = 6_001;
    let other = world.second_process().await;
    let bank = world.bank("MANY", true).await;
    for from in (0..N).step_by(3_000) {
        let entries = (from..N.min(from + 3_000)).map(|seed| entry_of(vec![hash_of(seed)]));
        import_entries(&world.app, &world.admin, bank, entries.collect())
            .await
            .unwrap();
    }
    follow::catch_up(&other).await.unwrap();
    assert_eq!(other.matcher.stats().n_hashes as u64, N);
    assert!(delete_bank(&world.app, &world.admin, "MANY").await.unwrap());
    follow::catch_up(&other).await.unwrap();
    for app in [&world.app, &other] {
        assert_eq!(app.matcher.stats().n_hashes, 0);
    }
}

pub async fn content_is_found_by_its_number_with_what_was_said_of_it(world: World) {
    create_bank(&world.app, &world.admin, "A", 0.25).await.unwrap();
    create_bank(&world.app, &world.admin, "B", 1.0).await.unwrap();
    let new = NewContent {
        metadata: Some(json!({ "content_id": "x" })),
        note: Some("seen".to_owned()),
        ..content(hash_of(1))
    };
    let id = add_content(&world.app, &world.admin, "A", new).await.unwrap();
    let view = async |bank: &str| {
        views::hma_content(&world.app, &world.admin, bank, id)
            .await
            .unwrap()
            .map(|content| (content.disable_until_s, content.notes.note, content.notes.metadata))
    };
    let said = |until| Some((until, Some("seen".to_owned()), Some(json!({ "content_id": "x" }))));
    assert_eq!(view("A").await, said(1));
    assert_eq!(view("B").await, None, "it is not in that bank");
    let disable = ContentUpdate {
        disable_until_s: Some(0),
        note: None,
    };
    for bank in ["B", "C"] {
        let refused = update_content(&world.app, &world.admin, bank, id, disable.clone()).await;
        assert!(matches!(refused, Err(HmaError::NotFound)), "{refused:?}");
    }
    update_content(&world.app, &world.admin, "A", id, disable)
        .await
        .unwrap();
    assert_eq!(view("A").await, said(0));
    assert_eq!(found(&world, 1, Reach::Live).await, [] as [i64; 0]);
    assert_eq!(found(&world, 1, Reach::DisabledBanks).await, [] as [i64; 0]);
    assert_eq!(found(&world, 1, Reach::Everything).await, [id]);
    assert!(!remove_content(&world.app, &world.admin, "B", id).await.unwrap());
    assert!(remove_content(&world.app, &world.admin, "A", id).await.unwrap());
    assert_eq!(view("A").await, None);
    assert_eq!(found(&world, 1, Reach::Everything).await, [] as [i64; 0]);
}

pub async fn banks_that_take_no_part_crowd_nobody_out(world: World) {
    let n_others = world.app.settings.matching.matches_max as i64 + 1;
    create_bank(&world.app, &world.admin, "SELDOM", 0.1).await.unwrap();
    create_bank(&world.app, &world.admin, "ALWAYS", 1.0).await.unwrap();
    for _ in 0..n_others {
        add_content(&world.app, &world.admin, "SELDOM", content(hash_of(1)))
            .await
            .unwrap();
    }
    let wanted = add_content(&world.app, &world.admin, "ALWAYS", content(hash_of(1)))
        .await
        .unwrap();
    let found = async |takes_part: &(dyn Fn(&str, f64) -> bool + Sync)| {
        let hits = look_up(&world.app, &world.admin, hash_of(1), Reach::Live, takes_part).await;
        let hits = hits.unwrap().into_iter();
        hits.map(|hit| hit.content).collect::<Vec<i64>>()
    };
    assert_eq!(found(&|name, _| name == "ALWAYS").await, [wanted]);
    assert_eq!(found(&|_, ratio| ratio >= 0.5).await, [wanted]);
}

pub async fn everything_is_forgotten_and_numbers_begin_again(world: World) {
    for round in 0..2 {
        let bank = world.bank("A", true).await;
        world.entry(bank, hash_of(1)).await;
        world.submit("post", hash_of(1)).await;
        assert_eq!(found(&world, 1, Reach::Live).await, [1], "round {round}");
        forget_everything(&world.app, &Actor::Operator).await.unwrap();
        assert_eq!(world.app.matcher.stats().n_hashes, 0, "round {round}");
        assert_eq!(
            found(&world, 1, Reach::Everything).await,
            [] as [i64; 0],
            "round {round}"
        );
        let items = views::list_items(&world.app, &world.admin, &PageRequest::first())
            .await
            .unwrap();
        assert!(items.rows.is_empty(), "round {round}");
        assert!(world.faults().await.is_empty(), "{:?}", world.faults().await);
    }
}

pub async fn only_the_operator_forgets_everything(world: World) {
    let bank = world.bank("A", true).await;
    world.entry(bank, hash_of(1)).await;
    let key = moderation::flows::access::create_key(&world.app, &Actor::Operator, "k", Scope::of_keys())
        .await
        .unwrap();
    let actor = Actor::Key {
        key: key.key.id,
        scopes: Scope::of_keys(),
    };
    let refused = forget_everything(&world.app, &actor).await;
    assert!(matches!(refused, Err(HmaError::Denied(_))), "{refused:?}");
    assert_eq!(found(&world, 1, Reach::Live).await, [1]);
}
