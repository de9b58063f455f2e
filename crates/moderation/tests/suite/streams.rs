//! Live streams: what is found while they go on is told at once, once, and again when it says more.

use std::time::Duration;

use moderation::banks::HUNT;
use moderation::flows::banks::set_entry_state;
use moderation::flows::cases::decide_case;
use moderation::flows::hunts::{hunt_due, search_streams};
use moderation::flows::incidents::{end_incidents, set_incident};
use moderation::flows::streams::{
    self, Pcm, StreamError, StreamInput, close_stream, end_silent_streams, interrupt_streams, open_stream, push_frames,
    push_sound,
};
use moderation::flows::submit::{self, NewContent, NewMedia};
use moderation::matching::MatchSettings;
use moderation::model::{
    Actor, EntryState, ItemKind, Judgement, Match, MediaStatus, NewStream, Outcome, Role, StreamId, StreamState, Tier,
    Verdict,
};
use moderation::store::{Created, jobs};
use moderation::{Seawall, views};
use signal::audio::Printer;
use signal::pdq::PdqSignal;
use signal::video::Frame;
use signal::vpdq::{self, Feature};
use signal::{Signal, SignalType};

use super::recordings::{cut, film, video};
use super::world::{World, hash_near, hash_of, item};

pub(super) fn stream(item: &str) -> NewStream {
    NewStream {
        item: item.parse().unwrap(),
        account: Some("account-7".to_owned()),
        channel: None,
        audience: None,
        url: None,
    }
}

pub(super) async fn open(app: &Seawall, item: &str) -> StreamId {
    let opened = open_stream(app, &Actor::Operator, stream(item), StreamInput::Frames).await;
    let Ok(Created::New(id)) = opened else {
        panic!("{opened:?}")
    };
    id
}

/// Pushes a film, ten seconds at a time.
pub(super) async fn push(world: &World, id: StreamId, features: &[Feature]) {
    for piece in vpdq::to_frames(features).chunks(10) {
        world.clock.advance(Duration::from_secs(10));
        push_frames(&world.app, &Actor::Operator, id, piece.to_vec())
            .await
            .unwrap();
    }
}

pub(super) async fn state_of(app: &Seawall, id: StreamId) -> (StreamState, Option<String>) {
    let found = views::stream(app, &Actor::Operator, id).await.unwrap().unwrap();
    (found.state, found.reason)
}

pub async fn what_a_stream_shows_is_told_while_it_goes_on(world: World) {
    let known = film(1, 120);
    let bank = world.bank("films", true).await;
    let entry = world.entry(bank, video(&known)).await;
    let shown = cut(&[&film(2, 30), &known[40..80], &film(3, 20)]);
    let mut listener = world.app.streams.subscribe();
    let id = open(&world.app, "live-1").await;
    push(&world, id, &shown[..30]).await;
    assert!(listener.try_recv().is_err(), "nothing is shown yet");
    push(&world, id, &shown[30..60]).await;

    // Two frames are a lead; some more, and it is sure.
    let (lead, told) = (listener.try_recv().unwrap(), listener.try_recv().unwrap());
    assert_eq!((lead.tier, lead.outcome), (Some(Tier::Lead), Outcome::Review));
    assert_eq!(
        (told.stream, told.item.as_str(), told.tier),
        (id, "live-1", Some(Tier::Match))
    );
    assert!(told.at_ms <= 45_000, "told at {} ms, shown from 30 s", told.at_ms);
    let view = views::item(&world.app, &world.moderator, &told.item)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (view.item.kind, view.item.account.as_deref()),
        (ItemKind::Stream, Some("account-7"))
    );
    assert_eq!(view.media[0].matches[0].entry(), entry);
    let segment = view.media[0].matches[0].m.segments[0];
    assert!(segment.query.from_ms.abs_diff(30_000) <= 2_000 && segment.entry.from_ms.abs_diff(40_000) <= 2_000);
    assert_eq!((told.outcome, told.case.is_some()), (Outcome::Restrict, true));

    push(&world, id, &shown[60..]).await;
    assert!(listener.try_recv().is_err(), "it says no more");
    close_stream(&world.app, &Actor::Operator, id).await.unwrap();
    close_stream(&world.app, &Actor::Operator, id).await.unwrap();
    assert_eq!(
        state_of(&world.app, id).await,
        (StreamState::Closed, Some("ended".to_owned()))
    );
    let late = push_frames(&world.app, &Actor::Operator, id, Vec::new()).await;
    assert!(matches!(late, Err(StreamError::NotOpen)), "{late:?}");

    // The platform hears all of it: both verdicts, and the order.
    world.deliver().await;
    let mut kinds = world.platform.kinds_for("live-1");
    kinds.sort();
    assert_eq!(kinds, ["restrict", "verdict", "verdict"]);
    let kept = views::stream_verdicts(&world.app, &Actor::Operator, Some(id), 0)
        .await
        .unwrap();
    assert_eq!(kept, [lead, told.clone()], "who comes late reads what was told");
    assert!(
        views::stream_verdicts(&world.app, &Actor::Operator, None, told.seq)
            .await
            .unwrap()
            .is_empty()
    );

    // Who works on other queues learns nothing of it.
    let page = moderation::model::PageRequest::first();
    let (user, _, _) = world.join("amal", Role::Moderator).await;
    for (queues, sees) in [("reported", false), ("leads matches", true)] {
        let who = &Actor::Person {
            user,
            roles: Role::Moderator.into(),
            queues: queues.parse().unwrap(),
            token: None,
        };
        let listed = views::list_streams(&world.app, who, None, &page).await.unwrap();
        let found = views::stream(&world.app, who, id).await.unwrap();
        let of_one = views::stream_verdicts(&world.app, who, Some(id), 0).await.unwrap();
        let of_all = views::stream_verdicts(&world.app, who, None, 0).await.unwrap();
        let seen = [
            !listed.rows.is_empty(),
            found.is_some(),
            !of_one.is_empty(),
            !of_all.is_empty(),
        ];
        assert_eq!(seen, [sees; 4], "{queues}");
    }
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn one_item_has_one_open_stream(world: World) {
    let id = open(&world.app, "live-1").await;
    let again = open_stream(&world.app, &Actor::Operator, stream("live-1"), StreamInput::Frames).await;
    assert_eq!(again.unwrap().into_inner(), id);
    close_stream(&world.app, &Actor::Operator, id).await.unwrap();
    let next = open(&world.app, "live-1").await;
    assert_ne!(next, id);
    let page = moderation::model::PageRequest {
        cursor: None,
        limit: 10,
    };
    let all = views::list_streams(&world.app, &Actor::Operator, None, &page)
        .await
        .unwrap()
        .rows;
    assert_eq!(all.iter().map(|stream| stream.id).collect::<Vec<_>>(), [next, id]);
    let of_bytes = open_stream(&world.app, &Actor::Operator, stream("live-2"), StreamInput::Bytes).await;
    assert!(matches!(of_bytes, Err(StreamError::Undecodable(_))), "{of_bytes:?}");
    let n_open = world.app.streams.len();
    for n in n_open..streams::StreamSettings::default().open_max {
        open(&world.app, &format!("more-{n}")).await;
    }
    let too_many = open_stream(&world.app, &Actor::Operator, stream("one-more"), StreamInput::Frames).await;
    assert!(matches!(too_many, Err(StreamError::TooMany { .. })), "{too_many:?}");
}

pub async fn silent_and_lost_streams_end_visibly(world: World) {
    let silent = open(&world.app, "silent").await;
    let lively = open(&world.app, "lively").await;
    let other = world.second_process().await;
    let lost = open(&other, "lost").await;
    for _ in 0..9 {
        push(&world, lively, &film(1, 10)).await;
        end_silent_streams(&world.app).await.unwrap();
    }
    assert_eq!(
        state_of(&world.app, silent).await,
        (StreamState::Closed, Some("idle".to_owned()))
    );
    assert_eq!(state_of(&world.app, lively).await.0, StreamState::Open);
    assert_eq!(
        state_of(&world.app, lost).await,
        (StreamState::Interrupted, Some("stopped".to_owned())),
        "nobody follows it any more"
    );
    interrupt_streams(&world.app).await.unwrap();
    assert_eq!(state_of(&world.app, lively).await.0, StreamState::Interrupted);
}

pub async fn an_incident_is_looked_for_in_what_is_there(world: World) {
    let (known, other) = (film(1, 120), film(2, 60));
    let shows = cut(&[&film(3, 20), &known[30..60], &film(4, 20)]);
    for id in ["posted", "posted-again"] {
        let posted = submit_video(&world, id, &shows).await;
        assert_eq!(posted.outcome, Outcome::Allow, "nobody knows it yet");
    }
    assert_eq!(submit_video(&world, "unrelated", &other).await.outcome, Outcome::Allow);
    let id = open(&world.app, "live-1").await;
    push(&world, id, &cut(&[&film(5, 20), &known[60..90]])).await;

    let bank = world.bank("films", true).await;
    let entry = world.entry(bank, video(&known)).await;
    let until = Some(world.app.clock.now().after(Duration::from_secs(3600)));
    set_incident(&world.app, &world.admin, entry, until).await.unwrap();
    assert_eq!(hunt_due(&world.app, "hunter").await.unwrap(), 1);
    let outcome = async |item: &str| {
        let found = views::verdict(&world.app, &world.moderator, &item.parse().unwrap()).await;
        let verdict = found.unwrap()?;
        Some((verdict.outcome, verdict.case.is_some(), verdict.media[0].matches.len()))
    };
    assert_eq!(outcome("posted").await, Some((Outcome::Restrict, true, 1)));
    assert_eq!(outcome("unrelated").await, Some((Outcome::Allow, false, 0)));
    assert_eq!(
        outcome("live-1").await,
        Some((Outcome::Restrict, true, 1)),
        "the stream goes on, and is known now"
    );
    let incidents = views::active_incidents(&world.app, &world.moderator).await.unwrap();
    let [incident] = incidents.as_slice() else {
        panic!("{incidents:?}")
    };
    let hunted = incident.hunted.unwrap();
    assert_eq!((incident.entry.id, Some(incident.until)), (entry, until));
    assert_eq!((hunted.n_streams, hunted.n_found), (1, 2));

    // Once more: what stands already is passed over.
    let n_decisions = async || {
        let item = "posted".parse().unwrap();
        let view = views::item(&world.app, &world.moderator, &item).await.unwrap().unwrap();
        (view.decisions.len(), view.media[0].matches.len())
    };
    assert_eq!(n_decisions().await, (2, 1));
    let later = Some(world.app.clock.now().after(Duration::from_secs(7200)));
    set_incident(&world.app, &world.admin, entry, later).await.unwrap();
    assert_eq!(hunt_due(&world.app, "hunter").await.unwrap(), 1);
    assert_eq!(n_decisions().await, (2, 1));
    let incidents = views::active_incidents(&world.app, &world.moderator).await.unwrap();
    assert_eq!(incidents[0].hunted.unwrap().n_found, 0);
    world.clock.advance(Duration::from_secs(3 * 3600));
    end_incidents(&world.app).await.unwrap();
    let incidents = views::active_incidents(&world.app, &world.moderator).await.unwrap();
    assert!(incidents.is_empty());
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_hunt_that_is_cut_off_is_begun_again(world: World) {
    let known = film(1, 60);
    assert_eq!(submit_video(&world, "posted", &known).await.outcome, Outcome::Allow);
    let bank = world.bank("films", true).await;
    let entry = world.entry(bank, video(&known)).await;
    let until = Some(world.app.clock.now().after(Duration::from_secs(3600)));
    set_incident(&world.app, &world.admin, entry, until).await.unwrap();

    let lease = Duration::from_secs(60);
    let now = world.app.clock.now();
    let claimed = jobs::claim(&world.app.store, "hunter-that-dies", &[HUNT], now, lease).await;
    assert!(claimed.unwrap().is_some());
    // Saying it again meanwhile is no second hunt.
    set_incident(&world.app, &world.admin, entry, until).await.unwrap();
    assert_eq!(hunt_due(&world.app, "hunter").await.unwrap(), 0, "it is leased");
    let incidents = views::active_incidents(&world.app, &world.moderator).await.unwrap();
    assert!(incidents[0].is_hunted && incidents[0].hunted.is_none(), "{incidents:?}");
    world.clock.advance(lease);
    assert_eq!(hunt_due(&world.app, "hunter").await.unwrap(), 1);
    let incidents = views::active_incidents(&world.app, &world.moderator).await.unwrap();
    assert!(!incidents[0].is_hunted);
    assert_eq!(incidents[0].hunted.unwrap().n_found, 1);
}

pub async fn streams_of_another_process_are_searched_by_it(world: World) {
    let known = film(1, 60);
    let other = world.second_process().await;
    let id = open(&other, "live-1").await;
    let frames = vpdq::to_frames(&known[..30]);
    push_frames(&other, &Actor::Operator, id, frames).await.unwrap();
    let bank = world.bank("films", true).await;
    let entry = world.entry(bank, video(&known)).await;
    let until = Some(world.app.clock.now().after(Duration::from_secs(3600)));
    set_incident(&world.app, &world.admin, entry, until).await.unwrap();
    assert_eq!(hunt_due(&world.app, "hunter").await.unwrap(), 1);

    let mut listener = other.streams.subscribe();
    search_streams(&other).await.unwrap();
    assert_eq!(listener.try_recv().unwrap().tier, Some(Tier::Match));
    search_streams(&other).await.unwrap();
    assert!(listener.try_recv().is_err(), "once is enough");
}

/// The evidence of the item's last revision.
pub(super) async fn matches_of(world: &World, item: &str) -> Vec<Match> {
    let view = views::item(&world.app, &world.moderator, &item.parse().unwrap()).await;
    let media = view.unwrap().unwrap().media.remove(0);
    media.matches.into_iter().map(|found| found.m).collect()
}

/// Frames, one a second from that second on, that show these pictures.
pub(super) fn shows(from_s: u32, pictures: &[Signal]) -> Vec<Frame> {
    let frame = |(idx, picture): (usize, &Signal)| {
        let Signal::Pdq { hash, .. } = picture else {
            panic!("{picture:?}")
        };
        let second = from_s + idx as u32;
        Frame {
            at_ms: second * 1_000,
            number: second.into(),
            is_scene: false,
            is_vpdq: true,
            pdq: PdqSignal {
                hash: *hash,
                quality: 100,
            },
            glimpse: None,
        }
    };
    pictures.iter().enumerate().map(frame).collect()
}

pub async fn pictures_that_a_stream_shows_are_told_as_they_were_shown_best(world: World) {
    let bank = world.bank("pictures", true).await;
    let first = world.entry(bank, hash_of(1)).await;
    let removed = world.entry(bank, hash_of(2)).await;
    let id = open(&world.app, "live-1").await;
    let push = async |frames| push_frames(&world.app, &Actor::Operator, id, frames).await.unwrap();
    push(shows(0, &[hash_near(1, 20), hash_of(2)])).await;
    assert_eq!(matches_of(&world, "live-1").await.len(), 2);

    // One is no longer known, the other is shown better, and one more comes: the evidence says what holds now.
    set_entry_state(&world.app, &world.admin, removed, EntryState::Removed)
        .await
        .unwrap();
    let last = world.entry(bank, hash_of(3)).await;
    push(shows(10, &[hash_near(1, 2), hash_of(3)])).await;
    let mut found: Vec<_> = matches_of(&world, "live-1").await;
    found.sort_by_key(|m| m.distance);
    let found: Vec<_> = found.iter().map(|m| (m.target.entry, m.distance)).collect();
    assert_eq!(found, [(last, 0), (first, 2)]);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_stream_tells_no_more_matches_than_a_file(world: World) {
    let folder = tempfile::tempdir().unwrap();
    let matching = MatchSettings {
        matches_max: 3,
        ..MatchSettings::default()
    };
    let app = world.process_with_settings(folder.path(), matching).await;
    let bank = world.bank("pictures", true).await;
    for seed in 1..=6 {
        world.entry(bank, hash_of(seed)).await;
    }
    app.ready().await.unwrap();
    let id = open(&app, "live-1").await;
    let pictures: Vec<Signal> = (1..=6).map(hash_of).collect();
    push_frames(&app, &Actor::Operator, id, shows(0, &pictures))
        .await
        .unwrap();
    assert_eq!(matches_of(&world, "live-1").await.len(), 3);
}

pub async fn a_piece_of_frames_that_is_sent_again_is_taken_once(world: World) {
    let known = film(1, 60);
    let bank = world.bank("films", true).await;
    world.entry(bank, video(&known)).await;
    let id = open(&world.app, "live-1").await;
    let frames = vpdq::to_frames(&known[..30]);
    for piece in [&frames[..10], &frames[10..20], &frames[10..20], &frames[20..]] {
        push_frames(&world.app, &Actor::Operator, id, piece.to_vec())
            .await
            .unwrap();
    }
    close_stream(&world.app, &Actor::Operator, id).await.unwrap();
    let found = matches_of(&world, "live-1").await;
    let [segment] = found[0].segments.as_slice() else {
        panic!("{found:?}")
    };
    // At the end it is as long as it was found to be last.
    assert!(
        segment.query.from_ms <= 1_000 && segment.query.to_ms >= 20_000,
        "{segment:?}"
    );
}

pub async fn what_a_person_decided_of_a_stream_stands_at_its_end(world: World) {
    let known = film(1, 60);
    let bank = world.bank("films", true).await;
    world.entry(bank, video(&known)).await;
    let mut listener = world.app.streams.subscribe();
    let id = open(&world.app, "live-1").await;
    push(&world, id, &known[..20]).await;
    let told = std::iter::from_fn(|| listener.try_recv().ok()).last().unwrap();
    let view = views::item(&world.app, &world.moderator, &told.item)
        .await
        .unwrap()
        .unwrap();
    let judgement = Judgement::allow(view.item.revision, "news report");
    decide_case(&world.app, &world.moderator, told.case.unwrap(), judgement)
        .await
        .unwrap();
    let rest: Vec<Frame> = vpdq::to_frames(&known).split_off(20);
    push_frames(&world.app, &Actor::Operator, id, rest).await.unwrap();
    close_stream(&world.app, &Actor::Operator, id).await.unwrap();
    let verdict = views::verdict(&world.app, &world.moderator, &told.item).await.unwrap();
    assert_eq!(verdict.unwrap().outcome, Outcome::Allow);
}

pub async fn a_stream_whose_process_is_gone_is_opened_anew(world: World) {
    let other = world.second_process().await;
    let lost = open(&world.app, "live-1").await;
    let closed = open(&world.app, "live-2").await;
    let again = async || open_stream(&other, &Actor::Operator, stream("live-1"), StreamInput::Frames).await;
    assert!(
        matches!(again().await, Ok(Created::Replayed(id)) if id == lost),
        "it may go on there"
    );
    world.clock.advance(Duration::from_secs(20));
    let Ok(Created::New(anew)) = again().await else {
        panic!("it is in no process")
    };
    assert_ne!(anew, lost);
    let interrupted = (StreamState::Interrupted, Some("stopped".to_owned()));
    assert_eq!(state_of(&other, lost).await, interrupted);
    close_stream(&other, &Actor::Operator, closed).await.unwrap();
    assert_eq!(state_of(&other, closed).await, interrupted);

    // A process that only slept learns that its stream is over.
    let late = push_frames(&world.app, &Actor::Operator, lost, shows(0, &[hash_of(1)])).await;
    assert!(matches!(late, Err(StreamError::NotOpen)), "{late:?}");
    assert_eq!(other.streams.stats().ended["stopped"], 2);
}

pub(super) async fn submit_video(world: &World, id: &str, features: &[Feature]) -> Verdict {
    let media = NewMedia {
        transcript: Vec::new(),
        name: "a.mp4".to_owned(),
        content: NewContent::Signals(vec![video(features)]),
    };
    let submitted = submit::submit_item(&world.app, &Actor::Operator, item(id, vec![media]), None).await;
    submitted.unwrap().verdict
}

/// A tune of three voices that only this number has, as one channel of so many samples a second.
fn tune(seed: u64, seconds: usize, rate: u32) -> Vec<i16> {
    /// A note lasts so many parts of a second.
    const NOTES_A_SECOND: usize = 4;
    let chance = moderation::model::Chance::seeded(seed);
    let notes: Vec<[f64; 3]> = (0..seconds * NOTES_A_SECOND)
        .map(|_| {
            chance
                .bytes::<3>()
                .map(|byte| 220.0 * 2_f64.powf(f64::from(byte % 36) / 12.0))
        })
        .collect();
    let sample = |at: usize| {
        let second = at as f64 / f64::from(rate);
        let voices = notes[at * NOTES_A_SECOND / rate as usize];
        let sum: f64 = voices
            .iter()
            .map(|hertz| (std::f64::consts::TAU * hertz * second).sin())
            .sum();
        (sum * 6_000.0) as i16
    };
    (0..seconds * rate as usize).map(sample).collect()
}

pub async fn sound_that_a_platform_sends_beside_frames_is_heard(world: World) {
    const RATE: u32 = 16_000;
    let known = tune(1, 40, RATE);
    let mut printer = Printer::as_is(RATE, 1).unwrap();
    printer.push(&known);
    let bank = world.bank("songs", true).await;
    let print = Signal::chromaprint(printer.finish().print()).unwrap();
    let entry = world.entry(bank, print).await;

    let piece = |at_s: usize, samples: &[i16]| Pcm {
        at_ms: at_s as u32 * 1_000,
        rate: RATE,
        channels: 1,
        samples: samples.to_vec(),
    };
    let five_seconds = |tune: &[i16], at: usize| tune[at * RATE as usize..(at + 5) * RATE as usize].to_vec();
    let other = tune(2, 20, RATE);
    // Twenty seconds of something else, silence for a moment or so long that what is heard begins anew, then the known tune; a piece is sent twice.
    for (name, silent_s) in [("live-1", 10), ("live-2", 600)] {
        let id = open(&world.app, name).await;
        for at in (0..20).step_by(5) {
            push_sound(&world.app, &Actor::Operator, id, piece(at, &five_seconds(&other, at)))
                .await
                .unwrap();
        }
        let item = async || {
            views::item(&world.app, &world.moderator, &name.parse().unwrap())
                .await
                .unwrap()
        };
        assert!(item().await.is_none(), "nothing known was heard");
        for at in [10, 15, 15, 20, 25, 30] {
            world.clock.advance(Duration::from_secs(5));
            let heard = piece(10 + silent_s + at, &five_seconds(&known, at));
            push_sound(&world.app, &Actor::Operator, id, heard).await.unwrap();
        }
        close_stream(&world.app, &Actor::Operator, id).await.unwrap();

        let found = matches_of(&world, name).await;
        let [m] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(
            (m.target.entry, m.signal_type, m.tier),
            (entry, SignalType::Chromaprint, Tier::Lead)
        );
        let segment = m.segments[0];
        let is_near = |found: u32, real_s: usize| found.abs_diff(real_s as u32 * 1_000) <= 2_000;
        assert!(
            is_near(segment.query.from_ms, 20 + silent_s) && is_near(segment.entry.from_ms, 10),
            "{segment:?}"
        );
        assert!(is_near(segment.query.to_ms, 45 + silent_s), "to its end: {segment:?}");
        let view = item().await.unwrap();
        let MediaStatus::Scanned { plays: Some(plays), .. } = &view.media[0].media.status else {
            panic!("{:?}", view.media)
        };
        assert_eq!(
            (plays.duration_ms, plays.audio_codec.as_deref()),
            ((45 + silent_s as u32) * 1_000, Some("pcm_s16be"))
        );
    }
}
