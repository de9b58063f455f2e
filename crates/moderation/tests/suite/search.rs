//! Finding what was submitted: by every field, by a picture in hand, within the queues that a person works on; and what stands around a case.

use std::time::Duration;

use bytes::Bytes;
use moderation::access::searches::KeptSearch;
use moderation::flows::access::{self, AccessError};
use moderation::flows::cases::{CaseError, decide_case, open_case};
use moderation::flows::files::FileContent;
use moderation::flows::resemble::{ResembleError, resembling};
use moderation::flows::rules::{NewLabel, set_label};
use moderation::flows::submit::submit_item;
use moderation::model::{
    Actor, CaseState, Chance, Clock, ItemKind, Judgement, KeyId, LabelOn, Outcome, PageRequest, PolicyCode, Queue,
    QueueSet, Role,
};
use moderation::views::{self, ItemSearch, Place, Tally};

use super::pictures::Picture;
use super::world::{World, bytes, given, hash_of, item};

async fn found(world: &World, actor: &Actor, search: ItemSearch) -> Vec<String> {
    let request = PageRequest {
        cursor: None,
        limit: 50,
    };
    let page = views::search_items(&world.app, actor, &search, &request).await.unwrap();
    page.rows.iter().map(|row| row.item.id.to_string()).collect()
}

fn words(text: &str) -> ItemSearch {
    ItemSearch {
        words: Some(text.to_owned()),
        ..ItemSearch::default()
    }
}

async fn post(world: &World, id: &str, account: &str, text: &str, hash: u64) {
    let mut post = item(id, vec![given(hash_of(hash))]);
    post.account = Some(account.to_owned());
    post.channel = Some(format!("{account}'s room"));
    post.text = Some(text.to_owned());
    submit_item(&world.app, &Actor::Operator, post, None).await.unwrap();
    world.clock.advance(Duration::from_secs(60));
}

pub async fn items_are_found_by_what_they_are_and_who_posted_them(world: World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    let begun = world.clock.now();
    post(&world, "post-1", "heron", "The Harbour at 100 % tide", 1).await;
    post(&world, "post-2", "heron", "a harbour_light", 2).await;
    post(&world, "post-3", "magpie", "nothing of the kind", 3).await;
    post(&world, "post-4", "heron", "Привет из École", 4).await;
    let admin = &world.admin;
    for (search, expected) in [
        (words("HARBOUR"), vec!["post-2", "post-1"]),
        (words("100 %"), vec!["post-1"]),
        (words("harbour_l"), vec!["post-2"]),
        (words("r_arbour"), vec![]),
        (words("Привет"), vec!["post-4"]),
        (words("École"), vec!["post-4"]),
        (words("POST-3"), vec!["post-3"]),
        (words("magp"), vec!["post-3"]),
        (
            ItemSearch {
                account: Some("heron".to_owned()),
                ..ItemSearch::default()
            },
            vec!["post-4", "post-2", "post-1"],
        ),
        (
            ItemSearch {
                account: Some("her".to_owned()),
                ..ItemSearch::default()
            },
            vec![],
        ),
        (
            ItemSearch {
                channel: Some("magpie's room".to_owned()),
                ..ItemSearch::default()
            },
            vec!["post-3"],
        ),
        (
            ItemSearch {
                outcome: Some(Outcome::Restrict),
                ..ItemSearch::default()
            },
            vec!["post-1"],
        ),
        (
            ItemSearch {
                signal: Some(hash_of(2)),
                ..ItemSearch::default()
            },
            vec!["post-2"],
        ),
        (
            ItemSearch {
                kind: Some(ItemKind::Video),
                ..ItemSearch::default()
            },
            vec![],
        ),
        (
            ItemSearch {
                from: Some(begun.after(Duration::from_secs(60))),
                to: Some(begun.after(Duration::from_secs(120))),
                ..words("h")
            },
            vec!["post-2"],
        ),
    ] {
        assert_eq!(found(&world, admin, search.clone()).await, expected, "{search:?}");
    }
    // Page by page, each once.
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let request = PageRequest { cursor, limit: 1 };
        let page = views::search_items(&world.app, admin, &words("post"), &request)
            .await
            .unwrap();
        seen.extend(page.rows.iter().map(|row| row.item.id.to_string()));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["post-4", "post-3", "post-2", "post-1"]);
}

pub async fn items_are_found_by_the_label_of_what_they_match(world: World) {
    use moderation::flows::banks;
    use moderation::model::NewEntry;
    let bank = world.bank("known", false).await;
    let entry = |label: &str, hash| NewEntry {
        name: "known".to_owned(),
        labels: vec![label.to_owned()],
        source: "us".to_owned(),
        expires_at: None,
        signals: vec![hash_of(hash)],
    };
    for (label, hash) in [("video_game", 1), ("video_games", 2), ("say \"no\"", 3)] {
        banks::add_entry(&world.app, &world.admin, bank, entry(label, hash), None, None)
            .await
            .unwrap();
        post(&world, &format!("post-{hash}"), "heron", "x", hash).await;
    }
    for (label, expected) in [
        ("video_game", vec!["post-1"]),
        ("videoXgame", vec![]),
        ("say \"no\"", vec!["post-3"]),
        ("game", vec![]),
    ] {
        let search = ItemSearch {
            label: Some(label.to_owned()),
            ..ItemSearch::default()
        };
        assert_eq!(found(&world, &world.admin, search).await, expected, "{label}");
    }
}

pub async fn a_search_ends_where_a_persons_queues_end(world: World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    post(&world, "in-matches", "heron", "x", 1).await;
    post(&world, "in-none", "heron", "x", 2).await;
    let mut reported = item("in-reported", vec![given(hash_of(3))]);
    reported.report = Some("look".to_owned());
    reported.account = Some("heron".to_owned());
    let reported = submit_item(&world.app, &Actor::Operator, reported, None)
        .await
        .unwrap()
        .verdict;

    let (user, _, _) = world.join("amal", Role::Moderator).await;
    let amal = Actor::Person {
        user,
        roles: Role::Moderator.into(),
        queues: QueueSet::Only([Queue::Reported].into()),
        token: None,
    };
    assert_eq!(found(&world, &amal, words("in-")).await, ["in-reported", "in-none"]);
    let place = async |actor: &Actor, id: &str| views::place_of(&world.app, actor, id).await.unwrap();
    assert_eq!(place(&amal, "in-matches").await, None);
    assert!(matches!(place(&world.admin, "in-matches").await, Some(Place::Item(_))));
    let case = reported.case.unwrap();
    assert_eq!(place(&amal, &format!(" {case} ")).await, Some(Place::Case(case)));
    let matched = views::verdict(&world.app, &world.admin, &"in-matches".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    for id in [matched.case.unwrap().to_string(), matched.decision.unwrap().to_string()] {
        assert_eq!(place(&amal, &id).await, None, "{id}");
        assert!(place(&world.admin, &id).await.is_some(), "{id}");
    }
    // Around a case stands only what the person reaches.
    let context = views::case_context(&world.app, &amal, &"in-reported".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(context.related, []);
    let foreign = views::case_context(&world.app, &amal, &"in-matches".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(foreign.account, None);
    let error = open_case(&world.app, &amal, &"in-matches".parse().unwrap(), "look")
        .await
        .unwrap_err();
    assert!(matches!(error, CaseError::NotFound));
}

pub async fn a_picture_in_hand_finds_where_it_was_posted(world: World) {
    let (harbour, market) = (Picture::scene(1), Picture::scene(2));
    for (id, picture) in [("harbour", &harbour), ("market", &market)] {
        let post = item(id, vec![bytes("a.bmp", &picture.bmp())]);
        submit_item(&world.app, &Actor::Operator, post, None).await.unwrap();
    }
    let file = |picture: &Picture| FileContent::Bytes(Bytes::from(picture.bmp()));
    let found = resembling(&world.app, &world.admin, &file(&harbour)).await.unwrap();
    let ids: Vec<String> = found.items.iter().map(|one| one.item.to_string()).collect();
    assert_eq!(
        (ids, found.items[0].distance, found.is_cut),
        (vec!["harbour".to_owned()], 0, false)
    );
    let none = resembling(&world.app, &world.admin, &file(&Picture::scene(3)))
        .await
        .unwrap();
    assert_eq!(none.items, []);
    let broken = FileContent::Bytes(Bytes::from_static(b"no picture"));
    let error = resembling(&world.app, &world.admin, &broken).await.unwrap_err();
    assert!(matches!(error, ResembleError::Unscannable { .. }), "{error}");
    let key_for_submitting = Actor::Key {
        key: KeyId::fresh(world.clock.now(), &Chance::seeded(8)),
        scopes: Vec::new(),
    };
    let error = resembling(&world.app, &key_for_submitting, &file(&harbour))
        .await
        .unwrap_err();
    assert!(matches!(error, ResembleError::Denied(_)));
}

pub async fn what_stands_around_a_case_is_counted(world: World) {
    let bank = world.bank("known", false).await;
    world.entry(bank, hash_of(1)).await;
    for id in ["restricted", "reversed", "open"] {
        post(&world, id, "heron", "x", 1).await;
    }
    post(&world, "other", "heron", "x", 5).await;
    post(&world, "elsewhere", "magpie", "x", 1).await;
    let case_of = async |id: &str| {
        let verdict = views::verdict(&world.app, &world.admin, &id.parse().unwrap())
            .await
            .unwrap();
        verdict.unwrap().case.unwrap()
    };
    let restrict = || Judgement::restrict(1, PolicyCode::HateSpeech, "x");
    let case = case_of("restricted").await;
    decide_case(&world.app, &world.moderator, case, restrict())
        .await
        .unwrap();
    let case = case_of("reversed").await;
    decide_case(&world.app, &world.moderator, case, restrict())
        .await
        .unwrap();
    let again = open_case(&world.app, &world.colleague, &"reversed".parse().unwrap(), "look again")
        .await
        .unwrap();
    decide_case(&world.app, &world.colleague, again, Judgement::allow(1, "a harbour"))
        .await
        .unwrap();
    let label = NewLabel {
        on: LabelOn::Account,
        subject: "heron".to_owned(),
        label: "press".to_owned(),
        until: None,
        reason: "a newspaper".to_owned(),
    };
    set_label(&world.app, &world.admin, label).await.unwrap();

    let context = views::case_context(&world.app, &world.moderator, &"open".parse().unwrap())
        .await
        .unwrap();
    let account = context.account.unwrap();
    let tally = Tally {
        n_items: 3,
        n_restricted: 1,
        n_reversed: 1,
    };
    assert_eq!((account.name.as_str(), account.tally), ("heron", tally));
    assert_eq!(account.labels, ["press"]);
    // Three others match the same: those two, and the other account's.
    assert_eq!(context.entries.len(), 1);
    assert_eq!(context.entries[0].tally, tally);
    let related: Vec<(String, bool, bool)> = context
        .related
        .iter()
        .map(|case| (case.item.to_string(), case.is_same_entry, case.is_same_account))
        .collect();
    assert_eq!(related, [("elsewhere".to_owned(), true, false)]);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_person_opens_a_case_about_what_they_found(world: World) {
    post(&world, "post-1", "heron", "x", 1).await;
    let item = "post-1".parse().unwrap();
    let case = open_case(&world.app, &world.moderator, &item, " Somebody called. ")
        .await
        .unwrap();
    let view = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    assert_eq!(
        (view.case.queue, view.case.reason.as_str()),
        (Queue::Reported, "Somebody called.")
    );
    assert!(matches!(view.case.state, CaseState::Open { lease: None }));
    // Asked again, it is the same case.
    assert_eq!(open_case(&world.app, &world.colleague, &item, "x").await.unwrap(), case);
    let error = open_case(&world.app, &world.moderator, &"no-such".parse().unwrap(), "x")
        .await
        .unwrap_err();
    assert!(matches!(error, CaseError::NotFound));
    let error = open_case(&world.app, &world.moderator, &item, " ").await.unwrap_err();
    assert!(matches!(error, CaseError::Invalid { field: "reason", .. }));
    let error = open_case(&world.app, &Actor::Operator, &item, "x").await.unwrap_err();
    assert!(matches!(error, CaseError::Denied(_)));
    decide_case(&world.app, &world.moderator, case, Judgement::allow(1, "nothing"))
        .await
        .unwrap();
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn searches_are_kept_by_each_person_alone(world: World) {
    let (amal, _, _) = world.join("amal", Role::Moderator).await;
    let (ben, _, _) = world.join("ben", Role::Moderator).await;
    let person = |user| Actor::person(user, Role::Moderator.into());
    let keep = async |user, name: &str, query: &str| {
        let search = KeptSearch {
            name: name.to_owned(),
            query: query.to_owned(),
        };
        access::keep_search(&world.app, &person(user), search).await
    };
    keep(amal, " flags ", "q=flag").await.unwrap();
    keep(amal, "flags", "q=flags").await.unwrap();
    keep(ben, "flags", "q=banner").await.unwrap();
    let kept = async |user| {
        let kept = access::kept_searches(&world.app, &person(user)).await.unwrap();
        kept.into_iter()
            .map(|search| (search.name, search.query))
            .collect::<Vec<_>>()
    };
    assert_eq!(kept(amal).await, [("flags".to_owned(), "q=flags".to_owned())]);
    access::forget_search(&world.app, &person(amal), "flags").await.unwrap();
    assert_eq!((kept(amal).await.len(), kept(ben).await.len()), (0, 1));
    for n in 0..50 {
        keep(amal, &format!("n{n}"), "q=x").await.unwrap();
    }
    for (name, query) in [
        ("one more", "q=x".to_owned()),
        ("", "q=x".to_owned()),
        ("n1", "x".repeat(3_000)),
    ] {
        let error = keep(amal, name, &query).await.unwrap_err();
        assert!(matches!(error, AccessError::Invalid { field: "name", .. }), "{name}");
    }
    keep(amal, "n1", "q=other").await.unwrap();
    let error = access::kept_searches(&world.app, &Actor::Operator).await.unwrap_err();
    assert!(matches!(error, AccessError::Denied(_)));
}
