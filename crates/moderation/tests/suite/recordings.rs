//! Videos and sounds: banked, found where they play, kept as evidence. Here they are hashes without any film; real ones are in `films.rs`.

use std::io::Cursor;

use bytes::Bytes;
use moderation::banks::csv;
use moderation::flows::banks;
use moderation::flows::calibrate::Round;
use moderation::flows::files::{FileContent, Spool};
use moderation::flows::submit::{self, NewContent, NewMedia, SubmitError};
use moderation::model::{
    Actor, BankChange, Chance, EntryId, EntryState, MediaStatus, Outcome, SegmentKind, Tier, TranscriptLine, Verdict,
};
use moderation::{Seawall, views};
use signal::audio::Print;
use signal::pdq::PdqSignal;
use signal::vpdq::Feature;
use signal::{Pdq, Signal, SignalType};
use tokio::sync::watch;

use super::rules;
use super::world::{World, entry_of, hash_of, item};

/// Frames of a film that only this number has, one a second.
pub fn film(seed: u64, seconds: u32) -> Vec<Feature> {
    let chance = Chance::seeded(seed);
    let feature = |second| Feature {
        number: None,
        pdq: PdqSignal {
            hash: Pdq::from_bytes(chance.bytes()),
            quality: 100,
        },
        at_ms: second * 1_000,
    };
    (0..seconds).map(feature).collect()
}

/// Films one after the other.
pub fn cut(parts: &[&[Feature]]) -> Vec<Feature> {
    let all = parts.iter().flat_map(|part| part.iter());
    let shown = all.enumerate().map(|(second, feature)| Feature {
        at_ms: second as u32 * 1_000,
        ..*feature
    });
    shown.collect()
}

pub fn video(features: &[Feature]) -> Signal {
    Signal::vpdq(features).unwrap()
}

/// A sound that only this number has.
fn sound(seed: u64, items: usize) -> Vec<u32> {
    let chance = Chance::seeded(seed);
    (0..items).map(|_| u32::from_be_bytes(chance.bytes())).collect()
}

fn print(items: &[u32]) -> Signal {
    Signal::chromaprint(Print { items: items.to_vec() }).unwrap()
}

fn given(signals: Vec<Signal>) -> NewMedia {
    NewMedia {
        transcript: Vec::new(),
        name: "a.mp4".to_owned(),
        content: NewContent::Signals(signals),
    }
}

async fn check_in(app: &Seawall, signals: Vec<Signal>) -> Verdict {
    submit::check_item(app, &Actor::Operator, item("probe", vec![given(signals)]))
        .await
        .unwrap()
}

async fn submit_in(world: &World, id: &str, signals: Vec<Signal>) -> Verdict {
    let submission = item(id, vec![given(signals)]);
    let submitted = submit::submit_item(&world.app, &Actor::Operator, submission, None).await;
    submitted.unwrap().verdict
}

pub async fn a_clip_of_a_banked_video_is_found_where_it_plays(world: World) {
    let known = film(1, 60);
    let bank = world.bank("films", true).await;
    let entry = world.entry(bank, video(&known)).await;
    let clip = cut(&[&film(2, 70), &known[20..50], &film(3, 20)]);

    let verdict = submit_in(&world, "post-1", vec![video(&clip)]).await;
    assert_eq!(verdict.outcome, Outcome::Restrict);
    let m = &verdict.media[0].matches[0];
    assert_eq!(
        (m.target.entry, m.signal_type, m.tier),
        (entry, SignalType::Vpdq, Tier::Match)
    );
    assert_eq!(m.segments.len(), 1, "{:?}", m.segments);
    let segment = m.segments[0];
    assert_eq!(segment.kind, SegmentKind::Picture);
    let near = |found: u32, real: u32| found.abs_diff(real) <= 2_000;
    assert!(
        near(segment.query.from_ms, 70_000) && near(segment.query.to_ms, 99_000),
        "{segment:?}"
    );
    assert!(
        near(segment.entry.from_ms, 20_000) && near(segment.entry.to_ms, 49_000),
        "{segment:?}"
    );
    assert!(segment.rate_thousandths.abs_diff(1_000) <= 50, "{segment:?}");
    assert!((4_000..=5_500).contains(&segment.entry_share), "{segment:?}");
    assert!(segment.chance_log10_tenths <= -60, "{segment:?}");

    let view = views::item(&world.app, &world.moderator, &verdict.item)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(view.media[0].matches[0].m, *m, "evidence is kept as it was found");
    let facts = &view.decisions[0].decision.facts["matches"][0]["segments"][0];
    assert_eq!(facts["entry_ms"][0], segment.entry.from_ms);
    let unrelated = check_in(&world.app, vec![video(&film(9, 200))]).await;
    assert_eq!(
        (unrelated.outcome, unrelated.media[0].matches.len()),
        (Outcome::Allow, 0)
    );
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn what_is_only_heard_is_a_lead_and_with_what_is_seen_a_match(world: World) {
    let (pictures, music) = (film(1, 60), sound(1, 480));
    let bank = world.bank("films", true).await;
    let new = entry_of(vec![video(&pictures), print(&music)]);
    let added = banks::add_entry(&world.app, &world.admin, bank, new, None, None).await;
    let entry = added.unwrap().into_inner();

    let heard = submit_in(&world, "song", vec![print(&music[100..300])]).await;
    assert_eq!(
        heard.outcome,
        Outcome::Review,
        "a confirmed bank restricts nothing by its music"
    );
    let [m] = heard.media[0].matches.as_slice() else {
        panic!("{:?}", heard.media[0].matches)
    };
    assert_eq!(
        (m.target.entry, m.signal_type, m.tier),
        (entry, SignalType::Chromaprint, Tier::Lead)
    );
    assert_eq!((m.segments[0].kind, m.segments[0].frames), (SegmentKind::Sound, 0));
    let from_ms = 100.0 * signal::audio::ITEM_MS;
    assert!(
        (f64::from(m.segments[0].entry.from_ms) - from_ms).abs() < 2_000.0,
        "{m:?}"
    );

    let both = check_in(&world.app, vec![video(&pictures[10..50]), print(&music[80..400])]).await;
    assert_eq!(both.outcome, Outcome::Restrict);
    let mut kinds: Vec<SignalType> = both.media[0].matches.iter().map(|m| m.signal_type).collect();
    kinds.sort();
    assert_eq!(kinds, [SignalType::Vpdq, SignalType::Chromaprint]);
}

pub async fn a_banked_picture_is_found_in_a_video(world: World) {
    let bank = world.bank("pictures", true).await;
    let entry = world.entry(bank, hash_of(5)).await;
    let Signal::Pdq { hash, .. } = hash_of(5) else {
        unreachable!()
    };
    let mut shown = film(2, 30);
    for feature in &mut shown[12..15] {
        feature.pdq.hash = hash;
    }
    let verdict = check_in(&world.app, vec![video(&shown)]).await;
    let [m] = verdict.media[0].matches.as_slice() else {
        panic!("{:?}", verdict.media[0].matches)
    };
    assert_eq!(
        (m.target.entry, m.signal_type, m.tier),
        (entry, SignalType::Pdq, Tier::Match)
    );
    assert_eq!(m.frame.map(|frame| frame.at_ms), Some(12_000));
    assert_eq!(m.segments[0].query.from_ms, 12_000);
}

pub async fn an_opening_that_harmless_videos_have_is_no_evidence(world: World) {
    let opening = film(50, 12);
    let post = |seed| video(&cut(&[&opening, &film(seed, 40)]));
    let bank = world.bank("films", true).await;
    let known = cut(&[&opening, &film(1, 60)]);
    let allowed = async |id: &str, seed| {
        let verdict = submit_in(&world, id, vec![post(seed)]).await;
        (verdict.outcome, verdict.media[0].matches.len())
    };
    assert_eq!(allowed("post-1", 71).await, (Outcome::Allow, 0));
    assert_eq!(allowed("post-2", 72).await, (Outcome::Allow, 0));
    let entry = world.entry(bank, video(&known)).await;
    let found = async |app: &Seawall, signal| {
        let verdict = check_in(app, vec![signal]).await;
        let matches = &verdict.media[0].matches;
        matches.iter().map(|m| m.target.entry).collect::<Vec<EntryId>>()
    };
    assert_eq!(found(&world.app, post(73)).await, [entry], "nothing was learnt yet");
    let (_tell, told) = watch::channel(false);
    Round::default().go_on(&world.app, &told).await.unwrap();
    assert_eq!(found(&world.app, post(73)).await, []);
    assert_eq!(
        found(&world.app, video(&known)).await,
        [entry],
        "the rest of it still is"
    );
    let folder = tempfile::tempdir().unwrap();
    let other = world.process_with_index(folder.path()).await;
    assert_eq!(found(&other, post(73)).await, [], "the next start knows");

    // Somebody objects to one of them: what one video shows is no opening.
    let bytes = submit_in(&world, "post-2", vec![video(&known)]).await;
    assert_eq!(bytes.outcome, Outcome::Restrict);
    Round::default().go_on(&other, &told).await.unwrap();
    assert_eq!(found(&other, post(73)).await, [entry]);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn what_is_posted_most_is_found_though_nobody_objected_before_it_was_banked(world: World) {
    let known = film(1, 60);
    for n in 0..6 {
        let verdict = submit_in(&world, &format!("post-{n}"), vec![video(&known)]).await;
        assert_eq!(verdict.outcome, Outcome::Allow);
    }
    let bank = world.bank("films", true).await;
    let entry = world.entry(bank, video(&known)).await;
    let (_tell, told) = watch::channel(false);
    Round::default().go_on(&world.app, &told).await.unwrap();
    assert!(world.app.matcher.stats().videos.n_common > 0);
    let verdict = submit_in(&world, "post-9", vec![video(&known[10..40])]).await;
    assert_eq!(verdict.media[0].matches[0].target.entry, entry);
    assert_eq!(
        (verdict.media[0].matches[0].tier, verdict.outcome),
        (Tier::Match, Outcome::Restrict)
    );
}

pub async fn other_processes_and_the_next_start_know_recordings(world: World) {
    let folder = tempfile::tempdir().unwrap();
    let known = film(1, 60);
    let bank = world.bank("films", true).await;
    let entry = world.entry(bank, video(&known)).await;
    let found = async |app: &Seawall| {
        let verdict = check_in(app, vec![video(&known[5..40])]).await;
        let matches = &verdict.media[0].matches;
        matches.iter().map(|m| m.target.entry).collect::<Vec<EntryId>>()
    };
    let other = world.process_with_index(folder.path()).await;
    assert_eq!(found(&other).await, [entry]);
    assert_eq!(other.matcher.stats().videos.n_videos, 1);
    other.matcher.persist().unwrap();
    drop(other);
    // Its index goes on where it stopped; the videos are in no file of it.
    let other = world.process_with_index(folder.path()).await;
    assert_eq!(found(&other).await, [entry]);

    let set = async |state| {
        banks::set_entry_state(&world.app, &world.admin, entry, state)
            .await
            .unwrap()
    };
    set(EntryState::Disabled).await;
    other.ready().await.unwrap();
    assert_eq!((found(&world.app).await, found(&other).await), (vec![], vec![]));
    assert_eq!(other.matcher.stats().videos.n_videos, 0);
    set(EntryState::Enabled).await;
    assert_eq!(found(&world.app).await, [entry]);
    let change = BankChange {
        description: None,
        confirmed: None,
        enabled: Some(false),
        crops: None,
    };
    banks::change_bank(&world.app, &world.admin, bank, change)
        .await
        .unwrap();
    assert_eq!(found(&world.app).await, []);
}

pub async fn recordings_are_imported_once_and_exported_whole(world: World) {
    let bank = world.bank("films", true).await;
    let (one, other) = (film(1, 40), film(2, 40));
    let mut new = vec![
        entry_of(vec![video(&one), print(&sound(1, 100)), hash_of(1)]),
        entry_of(vec![video(&other)]),
    ];
    new[1].name = "other".to_owned();
    let mut file = Vec::new();
    csv::write(&mut file, &new).unwrap();
    let parsed = csv::parse(Cursor::new(&file)).unwrap();
    assert_eq!((parsed.errors.len(), &parsed.entries), (0, &new));

    let import = async || {
        banks::import_entries(&world.app, &world.admin, bank, parsed.entries.clone())
            .await
            .unwrap()
    };
    assert_eq!(import().await.added, 2);
    assert_eq!((import().await.added, import().await.already_present), (0, 2));
    assert_eq!(
        check_in(&world.app, vec![video(&other)]).await.outcome,
        Outcome::Restrict
    );

    let page = moderation::model::PageRequest {
        cursor: None,
        limit: 10,
    };
    let entries = views::list_entries(&world.app, &world.admin, bank, &page)
        .await
        .unwrap()
        .rows;
    assert_eq!(entries[0].signals, [hash_of(1)], "what is long is not listed");
    assert_eq!(entries[0].video.unwrap().n_frames, 40);
    assert!(entries[0].sound.is_some() && entries[1].sound.is_none());
    let exported = views::list_whole_entries(&world.app, &world.admin, bank, &page)
        .await
        .unwrap()
        .rows;
    let again: Vec<_> = exported.iter().map(|entry| entry.signals.len()).collect();
    assert_eq!(again, [3, 1]);
    assert!(exported[0].signals.contains(&video(&one)) && exported[0].signals.contains(&print(&sound(1, 100))));
}

pub async fn a_video_is_unscanned_where_nothing_can_decode_it(world: World) {
    let bytes = Bytes::from_static(b"\x1a\x45\xdf\xa3 begins as a Matroska file does");
    let mut spool = Spool::begin(None).unwrap();
    spool.write(bytes.slice(..9)).await.unwrap();
    spool.write(bytes.slice(9..)).await.unwrap();
    let spooled = spool.finish().unwrap();
    assert_eq!(
        FileContent::from(spooled.clone()).digests(),
        FileContent::from(bytes.clone()).digests()
    );
    let submission = |content| {
        let media = NewMedia {
            transcript: Vec::new(),
            name: "a.mkv".to_owned(),
            content,
        };
        item("post-1", vec![media])
    };
    let submit = async |content| {
        submit::submit_item(&world.app, &Actor::Operator, submission(content), None)
            .await
            .unwrap()
    };
    let first = submit(NewContent::File(spooled.clone())).await;
    let MediaStatus::Unscanned { reason, detail } = &first.verdict.media[0].status else {
        panic!("{:?}", first.verdict.media[0].status)
    };
    assert_eq!(reason, "av_unavailable");
    assert!(detail.contains("libavformat-dev"), "it says what to install: {detail}");
    assert_eq!(first.verdict.outcome, Outcome::Review);
    let again = submit(NewContent::Bytes(bytes.clone())).await;
    assert!(!again.fresh, "the same file is the same submission, however it came");

    // Known by its digest it is found all the same.
    let bank = world.bank("digests", true).await;
    world.entry(bank, Signal::Sha256(signal::Sha256::of(&bytes))).await;
    let known = submit::check_item(&world.app, &Actor::Operator, submission(NewContent::File(spooled))).await;
    assert_eq!(known.unwrap().outcome, Outcome::Restrict);
    let refused = banks::add_entry(
        &world.app,
        &world.admin,
        bank,
        entry_of(vec![]),
        Some(bytes.into()),
        None,
    )
    .await;
    assert!(matches!(refused, Err(banks::BankError::Unscannable(_))), "{refused:?}");
}

pub async fn one_entry_is_one_recording(world: World) {
    let bank = world.bank("films", true).await;
    let two = entry_of(vec![video(&film(1, 20)), video(&film(2, 20))]);
    let refused = banks::add_entry(&world.app, &world.admin, bank, two, None, None).await;
    assert!(
        matches!(refused, Err(banks::BankError::Invalid { field: "signals", .. })),
        "{refused:?}"
    );
    // Rows of one name are one entry, but for another video.
    let text = format!(
        "vpdq,\"{0}\",,a,\nvpdq,\"{1}\",,a,\n",
        video(&film(1, 3)).value().replace('"', "\"\""),
        video(&film(2, 3)).value().replace('"', "\"\"")
    );
    assert_eq!(csv::parse(text.as_bytes()).unwrap().entries.len(), 2);
}

pub async fn what_is_said_is_kept_and_rules_read_it(world: World) {
    let rule = "rule said { policy: other_terms when: item.transcript.contains(\"harbour\") then: case words \
        reason: \"it is said\" owner: \"t\" review: 2030-01-01 mode: live }";
    rules::live(&world, rule).await;
    let line = |from_ms, text: &str| TranscriptLine {
        from_ms,
        to_ms: from_ms + 1_500,
        text: text.to_owned(),
        language: Some("en-GB".to_owned()),
    };
    let submit = async |id: &str, transcript: Vec<TranscriptLine>| {
        let media = NewMedia {
            transcript,
            ..given(vec![video(&film(1, 10))])
        };
        submit::submit_item(&world.app, &Actor::Operator, item(id, vec![media]), None).await
    };
    let lines = vec![line(0, "good morning"), line(4_000, "from the harbour")];
    let verdict = submit("said-1", lines.clone()).await.unwrap().verdict;
    assert_eq!((verdict.outcome, verdict.case.is_some()), (Outcome::Review, true));
    let view = views::case(&world.app, &world.moderator, verdict.case.unwrap()).await;
    assert_eq!(view.unwrap().unwrap().media[0].transcript, lines);
    assert_eq!(
        submit("said-2", Vec::new()).await.unwrap().verdict.outcome,
        Outcome::Allow
    );
    let again = submit("said-2", lines.clone()).await.unwrap();
    assert!(again.fresh, "what is said is of its content");
    assert_eq!(again.verdict.outcome, Outcome::Review);

    let long = "a".repeat(TranscriptLine::LENGTH_MAX + 1);
    let wrong = [
        vec![line(4_000, "a"), line(0, "b")],
        vec![TranscriptLine {
            to_ms: 1,
            ..line(2, "a")
        }],
        vec![line(0, "")],
        vec![line(0, &long)],
        vec![TranscriptLine {
            language: Some("en GB".to_owned()),
            ..line(0, "a")
        }],
        vec![line(0, "a"); TranscriptLine::LINES_MAX + 1],
        vec![line(0, &"a".repeat(TranscriptLine::LENGTH_MAX)); 51],
    ];
    for lines in wrong {
        let refused = submit("said-4", lines).await;
        assert!(
            matches!(refused, Err(SubmitError::Invalid { field: "media", .. })),
            "{refused:?}"
        );
    }
}
