//! Pictures are found again though they were edited, and each entry has its own reach.

use std::time::Duration;

use bytes::Bytes;
use index::{Checkpoint, Index, Options};
use moderation::Seawall;
use moderation::flows::banks::{BankError, add_entry, change_bank, import_entries, set_entry_state};
use moderation::flows::calibrate::{Round, SAMPLE_TRUSTED};
use moderation::flows::incidents::{end_incidents, set_incident};
use moderation::flows::submit::{check_item, submit_item};
use moderation::matching::MatchSettings;
use moderation::model::{
    Actor, BankChange, BankId, Clock, Crops, Entry, EntryId, EntryState, Match, Outcome, PageRequest, Tier, Verdict,
};
use moderation::views;
use signal::{Pdq, Signal};
use tokio::sync::watch;

use super::pictures::Picture;
use super::world::{World, bytes, entry_of, hash_of, item};

async fn add(app: &Seawall, world: &World, bank: BankId, picture: &Picture) -> EntryId {
    let file = Bytes::from(picture.bmp());
    add_entry(app, &world.admin, bank, entry_of(Vec::new()), Some(file.into()), None)
        .await
        .unwrap()
        .into_inner()
}

async fn check(app: &Seawall, picture: &Picture) -> Verdict {
    check_item(
        app,
        &Actor::Operator,
        item("probe", vec![bytes("a.bmp", &picture.bmp())]),
    )
    .await
    .unwrap()
}

async fn matches(app: &Seawall, picture: &Picture) -> Vec<Match> {
    check(app, picture).await.media.remove(0).matches
}

/// The targets of what is found by more than the digests.
async fn found(app: &Seawall, picture: &Picture) -> Vec<EntryId> {
    matches(app, picture).await.iter().map(|m| m.target.entry).collect()
}

async fn entry(world: &World, bank: BankId, id: EntryId) -> Entry {
    let request = PageRequest {
        cursor: None,
        limit: 200,
    };
    let page = views::list_entries(&world.app, &world.admin, bank, &request)
        .await
        .unwrap();
    page.rows.into_iter().find(|entry| entry.id == id).unwrap()
}

async fn submit(world: &World, id: &str, picture: &Picture) -> Verdict {
    submit_item(
        &world.app,
        &Actor::Operator,
        item(id, vec![bytes("a.bmp", &picture.bmp())]),
        None,
    )
    .await
    .unwrap()
    .verdict
}

async fn n_benign(world: &World) -> i64 {
    use sqlx::Row;
    let row = sqlx::query("SELECT COUNT(*) AS n FROM matching_benign")
        .fetch_one(&mut *world.app.store.reader().await.unwrap())
        .await
        .unwrap();
    row.get("n")
}

pub async fn an_edited_picture_is_found(world: World) {
    let bank = world.bank("known", true).await;
    let mut entries = Vec::new();
    for seed in 0..8 {
        entries.push(add(&world.app, &world, bank, &Picture::scene(seed)).await);
    }
    let (picture, known) = (Picture::scene(3), entries[3]);
    let elsewhere = Picture::scene(100).resized(480, 360);
    for (edit, edited, by_sighting) in [
        ("mirrored", picture.mirrored(), false),
        ("cropped a tenth all around", picture.cropped(0.1, 0.1, 0.1, 0.1), false),
        ("cropped at one side", picture.cropped(0.0, 0.0, 0.35, 0.0), true),
        ("framed", picture.framed(24, [250, 250, 250]), false),
        ("turned", picture.rotated(15.0), true),
        ("pasted", elsewhere.with(&picture.resized(240, 180), 190, 60), true),
        (
            "pasted in a mirror",
            elsewhere.with(&picture.mirrored().resized(240, 180), 30, 150),
            true,
        ),
    ] {
        let matches = matches(&world.app, &edited).await;
        assert_eq!(matches.len(), 1, "{edit}: {matches:#?}");
        let m = &matches[0];
        assert_eq!((m.target.entry, m.tier), (known, Tier::Match), "{edit}: {m:#?}");
        if by_sighting {
            let sighting = m.sighting.unwrap_or_else(|| panic!("{edit}: {m:#?}"));
            assert!(sighting.alike * 2 > sighting.compared, "{edit}: {sighting:?}");
            assert_eq!(sighting.is_mirrored, edit.ends_with("mirror"), "{edit}");
        } else {
            assert!(m.distance <= m.threshold, "{edit}: {m:#?}");
        }
    }
    assert_eq!(found(&world.app, &elsewhere).await, []);
    assert_eq!(found(&world.app, &Picture::scene(101)).await, []);
    // Where it lies is told: the left edge of what was pasted is 190 of 480.
    let pasted = elsewhere.with(&picture.resized(240, 180), 190, 60);
    let corner = matches(&world.app, &pasted).await[0].sighting.unwrap().corners[0];
    assert!(
        (corner.0 - 3_958).abs() < 300 && (corner.1 - 1_667).abs() < 300,
        "{corner:?}"
    );
}

pub async fn evidence_is_kept_as_it_was_found(world: World) {
    let bank = world.bank("known", true).await;
    let picture = Picture::scene(1);
    add(&world.app, &world, bank, &picture).await;
    for (n, edited) in [
        picture.rotated(15.0),
        picture.framed(24, [0, 90, 0]),
        picture.cropped(0.05, 0.05, 0.05, 0.05),
    ]
    .iter()
    .enumerate()
    {
        let verdict = submit(&world, &format!("post-{n}"), edited).await;
        assert_eq!(verdict.outcome, Outcome::Restrict);
        let id = format!("post-{n}").parse().unwrap();
        let view = views::item(&world.app, &world.moderator, &id).await.unwrap().unwrap();
        let kept: Vec<Match> = view.media[0].matches.iter().map(|view| view.m.clone()).collect();
        assert_eq!(kept, verdict.media[0].matches);
        assert_eq!(submit(&world, &format!("post-{n}"), edited).await, verdict);
        let m = &kept[0];
        match n {
            0 => assert!(m.sighting.is_some(), "{m:#?}"),
            1 => assert!(m.part.is_some() && m.view.starts_with("trimmed"), "{m:#?}"),
            _ => assert!(m.entry_part.is_some(), "{m:#?}"),
        }
    }
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn what_is_out_of_force_is_not_seen(world: World) {
    let (bank, other) = (world.bank("known", true).await, world.bank("other", true).await);
    let picture = Picture::scene(1);
    let turned = picture.rotated(15.0);
    let known = add(&world.app, &world, bank, &picture).await;
    assert_eq!(found(&world.app, &turned).await, [known]);
    set_entry_state(&world.app, &world.admin, known, EntryState::Disabled)
        .await
        .unwrap();
    assert_eq!(world.app.matcher.stats().n_keypoints, 0);
    assert_eq!(found(&world.app, &turned).await, []);
    set_entry_state(&world.app, &world.admin, known, EntryState::Enabled)
        .await
        .unwrap();
    assert_eq!(found(&world.app, &turned).await, [known]);

    // Forty copies in a bank that is switched off crowd nobody out.
    for _ in 0..40 {
        add(&world.app, &world, other, &picture).await;
    }
    let change = |enabled| BankChange {
        description: None,
        confirmed: None,
        enabled: Some(enabled),
        crops: None,
    };
    change_bank(&world.app, &world.admin, other, change(false))
        .await
        .unwrap();
    assert_eq!(found(&world.app, &turned).await, [known]);
    change_bank(&world.app, &world.admin, bank, change(false))
        .await
        .unwrap();
    assert_eq!(found(&world.app, &turned).await, []);
    change_bank(&world.app, &world.admin, bank, change(true)).await.unwrap();
    set_entry_state(&world.app, &world.admin, known, EntryState::Removed)
        .await
        .unwrap();
    assert_eq!(found(&world.app, &turned).await, []);
}

pub async fn copies_hide_no_entry_of_a_confirmed_bank(world: World) {
    let (unsure, bank) = (world.bank("unsure", false).await, world.bank("known", true).await);
    let picture = Picture::scene(1);
    for _ in 0..40 {
        add(&world.app, &world, unsure, &picture).await;
    }
    add(&world.app, &world, bank, &picture).await;
    let verdict = check(&world.app, &picture.rotated(15.0)).await;
    assert_eq!(verdict.outcome, Outcome::Restrict);
    assert!(verdict.media[0].matches_capped);
    let n_confirmed = verdict.media[0]
        .matches
        .iter()
        .filter(|m| m.target.bank_confirmed)
        .count();
    assert_eq!(n_confirmed, 1);
}

pub async fn crops_are_a_matter_of_the_bank(world: World) {
    let bank = world.bank("known", true).await;
    let picture = Picture::scene(1);
    let known = add(&world.app, &world, bank, &picture).await;
    let with_crops = world.app.matcher.stats().n_hashes;
    assert!(with_crops > 15, "{with_crops}");
    let change = BankChange {
        description: None,
        confirmed: None,
        enabled: None,
        crops: Some(Crops::None),
    };
    change_bank(&world.app, &world.admin, bank, change).await.unwrap();
    assert_eq!(world.app.matcher.stats().n_hashes, 1);
    assert_eq!(found(&world.app, &picture.cropped(0.1, 0.1, 0.1, 0.1)).await, [known]);
}

pub async fn an_incident_has_every_crop_until_it_is_over(world: World) {
    let bank = world.bank("known", true).await;
    let picture = Picture::scene(1);
    let known = add(&world.app, &world, bank, &picture).await;
    let few = world.app.matcher.stats().n_hashes;
    // A part that the small set of crops has nothing like.
    let part = picture.cropped(2.0 / 30.0, 4.0 / 30.0, 4.0 / 30.0, 2.0 / 30.0);
    let m = &matches(&world.app, &part).await[0];
    assert!(m.sighting.is_some() && m.distance > m.threshold, "{m:#?}");
    let until = world.clock.now().after(Duration::from_secs(3_600));
    let set = async |until| set_incident(&world.app, &world.admin, known, until).await;
    set(Some(until)).await.unwrap();
    let dense = world.app.matcher.stats().n_hashes;
    assert!(dense > few + 100, "{dense} after {few}");
    assert_eq!(entry(&world, bank, known).await.incident_until, Some(until));
    let m = &matches(&world.app, &part).await[0];
    assert!(m.entry_part.is_some() && m.distance <= m.threshold, "{m:#?}");

    end_incidents(&world.app).await.unwrap();
    assert_eq!(world.app.matcher.stats().n_hashes, dense, "it is not over yet");
    world.clock.advance(Duration::from_secs(3_600));
    end_incidents(&world.app).await.unwrap();
    assert_eq!(world.app.matcher.stats().n_hashes, few);
    assert_eq!(entry(&world, bank, known).await.incident_until, None);

    let past = world.clock.now();
    let invalid = |result| matches!(result, Err(BankError::Invalid { field: "until", .. }));
    assert!(invalid(set(Some(past)).await));
    assert!(invalid(
        set(Some(past.after(Duration::from_secs(400 * 24 * 3_600)))).await
    ));
    let bare = world.entry(bank, hash_of(1)).await;
    let tomorrow = past.after(Duration::from_secs(24 * 3_600));
    // Of a bare hash there are no crops, but it is looked for all the same.
    let bare_is_one = set_incident(&world.app, &world.admin, bare, Some(tomorrow)).await;
    assert!(bare_is_one.is_ok(), "{bare_is_one:?}");
    set_incident(&world.app, &world.admin, bare, None).await.unwrap();
    let moderator = set_incident(&world.app, &world.moderator, known, Some(tomorrow)).await;
    assert!(matches!(moderator, Err(BankError::Denied(_))));
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_card_of_a_template_reaches_less_far(world: World) {
    let bank = world.bank("known", true).await;
    let first = add(&world.app, &world, bank, &Picture::card(0)).await;
    assert_eq!(entry(&world, bank, first).await.judged, None, "there is no sample yet");
    // Without a sample, another card of the layout is taken for the same.
    let other = Picture::card(50);
    assert_eq!(found(&world.app, &other).await, [first]);
    set_entry_state(&world.app, &world.admin, first, EntryState::Removed)
        .await
        .unwrap();

    for n in 1..25 {
        assert_eq!(
            submit(&world, &format!("post-{n}"), &Picture::card(n)).await.outcome,
            Outcome::Allow
        );
    }
    assert_eq!(n_benign(&world).await, 24);
    let again = add(&world.app, &world, bank, &Picture::card(0)).await;
    let judged = entry(&world, bank, again).await.judged.unwrap();
    assert!(judged.reach.is_template, "{judged:?}");
    let unjudged = MatchSettings::default().unjudged();
    assert!(judged.reach.lead_bits < unjudged.lead_bits, "{judged:?}");
    assert!(judged.reach.match_places > unjudged.match_places, "{judged:?}");
    assert_eq!(found(&world.app, &other).await, []);
    // It itself is still found, also a bit smaller.
    let m = matches(&world.app, &Picture::card(0).resized(250, 188)).await.remove(0);
    assert_eq!((m.target.entry, m.tier), (again, Tier::Match));
    assert_eq!(m.nearest_benign_bits, judged.nearest_benign_bits);

    // A scene is like none of the cards; with so few of them that alone lets it reach no further.
    let scene = add(&world.app, &world, bank, &Picture::scene(1)).await;
    let judged = entry(&world, bank, scene).await.judged.unwrap();
    assert_eq!((judged.nearest_benign_bits, judged.reach.is_template), (None, false));
    assert_eq!(judged.reach.lead_bits, unjudged.lead_bits);
}

pub async fn copies_that_were_there_before_say_nothing_of_harmless_ones(world: World) {
    let bank = world.bank("known", true).await;
    let picture = Picture::scene(1);
    for n in 0..3 {
        submit(&world, &format!("post-{n}"), &picture.resized(320 - 8 * n, 240 - 6 * n)).await;
        submit(&world, &format!("other-{n}"), &Picture::scene(50 + n as u64)).await;
    }
    assert_eq!(n_benign(&world).await, 6);
    let known = add(&world.app, &world, bank, &picture).await;
    let judged = entry(&world, bank, known).await.judged.unwrap();
    assert!(!judged.reach.is_template, "{judged:?}");
    assert_eq!(n_benign(&world).await, 3, "copies leave the sample");
}

pub async fn the_sample_holds_what_nobody_objects_to(world: World) {
    submit(&world, "post-1", &Picture::scene(1)).await;
    submit(&world, "post-2", &Picture::scene(2)).await;
    check(&world.app, &Picture::scene(3)).await;
    assert_eq!(n_benign(&world).await, 2);
    let mut reported = item("post-1", vec![bytes("a.bmp", &Picture::scene(1).bmp())]);
    reported.report = Some("this is wrong".to_owned());
    let verdict = submit_item(&world.app, &Actor::Operator, reported, None)
        .await
        .unwrap()
        .verdict;
    assert_eq!(verdict.outcome, Outcome::Review);
    assert_eq!(n_benign(&world).await, 1);

    let bank = world.bank("known", false).await;
    add(&world.app, &world, bank, &Picture::scene(4)).await;
    submit(&world, "post-4", &Picture::scene(4).rotated(15.0)).await;
    assert_eq!(n_benign(&world).await, 1);

    // With a bound, chance says what stays.
    let settings = MatchSettings {
        benign_sample: 3,
        ..MatchSettings::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let process = world.process_with_settings(folder.path(), settings).await;
    for n in 10..20 {
        let post = item(&format!("post-{n}"), vec![bytes("a.bmp", &Picture::scene(n).bmp())]);
        submit_item(&process, &Actor::Operator, post, None).await.unwrap();
        assert!(n_benign(&world).await <= 3);
    }
    assert_eq!(n_benign(&world).await, 3);
    world.clock.advance(Duration::from_secs(91 * 24 * 3_600));
    moderation::flows::calibrate::trim_sample(&process, moderation::matching::benign::Sampled::Pictures)
        .await
        .unwrap();
    assert_eq!(n_benign(&world).await, 0);
}

pub async fn bare_hashes_are_judged_in_the_background(world: World) {
    let bank = world.bank("known", true).await;
    let card = Picture::card(0);
    for n in 1..25 {
        submit(&world, &format!("post-{n}"), &Picture::card(n)).await;
    }
    let hash = check(&world.app, &card).await.media[0]
        .signals
        .iter()
        .find(|kept| matches!(kept.signal, Signal::Pdq { .. }))
        .unwrap()
        .signal
        .clone();
    let entries = (0..150)
        .map(|n| entry_of(vec![hash_of(n)]))
        .chain([entry_of(vec![hash])])
        .collect();
    import_entries(&world.app, &world.admin, bank, entries).await.unwrap();
    let other = Picture::card(50);
    let before = found(&world.app, &other).await;
    assert_eq!(before.len(), 1, "another card of the layout is found");
    assert_eq!(entry(&world, bank, before[0]).await.judged, None);
    let (_tell, told) = watch::channel(false);
    let mut round = Round::default();
    round.go_on(&world.app, &told).await.unwrap();
    assert!(entry(&world, bank, before[0]).await.judged.unwrap().reach.is_template);
    assert_eq!(found(&world.app, &other).await, []);
    // Again, nothing is new.
    let cursor = world.app.matcher.cursor();
    Round::default().go_on(&world.app, &told).await.unwrap();
    assert_eq!(world.app.matcher.cursor(), cursor);
    assert!(n_benign(&world).await < SAMPLE_TRUSTED as i64);
}

pub async fn an_index_of_looks_goes_on_where_it_stopped(world: World) {
    let folder = tempfile::tempdir().unwrap();
    let bank = world.bank("known", true).await;
    let picture = Picture::scene(1);
    let known = add(&world.app, &world, bank, &picture).await;
    let turned = picture.rotated(15.0);
    let process = world.process_with_index(folder.path()).await;
    assert_eq!(found(&process, &turned).await, [known]);
    let stats = process.matcher.stats();
    assert!(stats.n_keypoints > 30, "{stats:?}");
    process.matcher.persist().unwrap();
    drop(process);
    let second = add(&world.app, &world, bank, &Picture::scene(2)).await;

    let process = world.process_with_index(folder.path()).await;
    assert_eq!(found(&process, &turned).await, [known]);
    assert_eq!(found(&process, &Picture::scene(2).rotated(-12.0)).await, [second]);
    let stats = process.matcher.stats();
    process.matcher.persist().unwrap();
    drop(process);

    // The keypoints are gone, or damaged: they are made anew, and the hashes stay.
    let keypoints = folder.path().join("keypoints");
    std::fs::remove_dir_all(&keypoints).unwrap();
    let process = world.process_with_index(folder.path()).await;
    assert_eq!(process.matcher.stats(), stats);
    process.matcher.persist().unwrap();
    drop(process);
    for file in std::fs::read_dir(&keypoints).unwrap() {
        let file = file.unwrap().path();
        if file.file_name().unwrap().to_str().unwrap().starts_with("segment-") {
            std::fs::write(file, "no segment").unwrap();
        }
    }
    let process = world.process_with_index(folder.path()).await;
    assert_eq!(process.matcher.stats(), stats);
    assert_eq!(found(&process, &turned).await, [known]);
}

pub async fn an_index_of_another_layout_is_made_anew(world: World) {
    let folder = tempfile::tempdir().unwrap();
    let bank = world.bank("known", true).await;
    let picture = Picture::scene(1);
    let known = add(&world.app, &world, bank, &picture).await;
    let process = world.process_with_index(folder.path()).await;
    let stats = process.matcher.stats();
    process.matcher.persist().unwrap();
    drop(process);
    for folder in [folder.path().to_owned(), folder.path().join("keypoints")] {
        let opened = Index::open(&folder, Options::default()).unwrap();
        let Checkpoint { mut stream, cursor } = opened.checkpoint.unwrap();
        stream[14] ^= 0xff;
        opened.index.insert(7_777, Pdq::from_words([1; 4]));
        opened.index.apply([], Some(Checkpoint { stream, cursor }));
        opened.index.persist().unwrap();
        drop(opened);
        let process = world.process_with_index(&folder_of(&folder)).await;
        assert_eq!(process.matcher.stats(), stats, "{}", folder.display());
        assert_eq!(found(&process, &picture.rotated(15.0)).await, [known]);
        process.matcher.persist().unwrap();
    }
}

/// The folder of the index that this belongs to.
fn folder_of(folder: &std::path::Path) -> std::path::PathBuf {
    match folder.ends_with("keypoints") {
        true => folder.parent().unwrap().to_owned(),
        false => folder.to_owned(),
    }
}

pub async fn entries_come_while_others_are_looked_up(world: World) {
    let bank = world.bank("known", true).await;
    let adding = async {
        for seed in 0..10 {
            let known = add(&world.app, &world, bank, &Picture::scene(seed)).await;
            assert_eq!(
                found(&world.app, &Picture::scene(seed).rotated(12.0)).await,
                [known],
                "{seed}"
            );
        }
    };
    let looking = async {
        for seed in 0..30 {
            let seen = found(&world.app, &Picture::scene(seed % 10).mirrored()).await;
            assert!(seen.len() <= 1, "{seen:?}");
            assert_eq!(found(&world.app, &Picture::scene(500 + seed)).await, []);
        }
    };
    tokio::join!(adding, looking);
}
