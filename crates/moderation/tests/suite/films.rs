//! Real films: made by FFmpeg, decoded in the jail, banked, cut, re-encoded, streamed.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use media::av::{AvHost, AvSettings, AvWorkerCommand};
use moderation::flows::banks;
use moderation::flows::cases::decide_case;
use moderation::flows::hunts::hunt_due;
use moderation::flows::incidents::set_incident;
use moderation::flows::reveal;
use moderation::flows::streams::{
    StreamError, StreamInput, close_stream, end_silent_streams, interrupt_streams, open_stream, push_segment,
};
use moderation::flows::submit::{self, NewContent, NewMedia};
use moderation::model::{
    Actor, EntryState, Judgement, MediaStatus, NewStream, Outcome, PreviewKind, SegmentKind, Stream, StreamId,
    StreamState, Tier, Verdict,
};
use moderation::store::Created;
use moderation::views;
use signal::SignalType;

use super::world::{World, entry_of, item};

/// Where the program lies that decodes videos; built here, if it was not yet.
fn av_worker() -> AvWorkerCommand {
    if AvWorkerCommand::beside_this_executable().is_err() {
        let done = Command::new(env!("CARGO"))
            .args(["build", "-p", "av", "--bin", "av-worker"])
            .status();
        assert!(done.unwrap().success(), "cannot build the video worker");
    }
    AvWorkerCommand::beside_this_executable().unwrap()
}

struct Studio {
    folder: tempfile::TempDir,
}

impl Studio {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Runs FFmpeg; the last word is the file that it makes.
    fn make(&self, words: &str) -> PathBuf {
        let words: Vec<&str> = words.split_whitespace().collect();
        let name = self.folder.path().join(words[words.len() - 1]);
        let done = Command::new("ffmpeg")
            .current_dir(self.folder.path())
            .args(["-nostdin", "-v", "error", "-y", "-threads", "1"])
            .args(&words)
            .stdin(Stdio::null())
            .status()
            .expect("FFmpeg's program is missing: run scripts/setup.sh test");
        assert!(done.success(), "{words:?}");
        name
    }

    /// Twenty seconds of moving patterns with a cut every five, and a sound that never repeats.
    fn film(&self) -> PathBuf {
        self.make(
            "-f lavfi -i mandelbrot=size=320x240:rate=25:start_scale=3:end_scale=0.01:end_pts=400 -f lavfi \
             -i aevalsrc=0.4*sin(2*PI*t*(200+90*t))+0.2*sin(2*PI*t*(900-20*t)):s=22050 -t 20 -c:v libx264 -preset ultrafast -g 25 -c:a aac film.mp4",
        )
    }

    /// Something else.
    fn other(&self, seconds: u32) -> PathBuf {
        self.make(&format!(
            "-f lavfi -i life=size=320x240:rate=25:mold=10:ratio=0.3:seed=7 -f lavfi -i anoisesrc=amplitude=0.1:seed=3 \
             -t {seconds} -vf scale=320:240 -c:v libx264 -preset ultrafast -g 25 -c:a aac other.mp4"
        ))
    }
}

fn with_av(world: &mut World) {
    world.app.av = Some(AvHost::new(AvSettings::new(av_worker())).unwrap());
}

async fn submit_file(world: &World, id: &str, file: &PathBuf) -> Verdict {
    let media = NewMedia {
        transcript: Vec::new(),
        name: "a.mp4".to_owned(),
        content: NewContent::Bytes(Bytes::from(std::fs::read(file).unwrap())),
    };
    let submitted = submit::submit_item(&world.app, &Actor::Operator, item(id, vec![media]), None).await;
    submitted.unwrap().verdict
}

pub async fn a_cut_and_re_encoded_film_is_found(mut world: World) {
    with_av(&mut world);
    let studio = Studio::new();
    let film = studio.film();
    let bank = world.bank("films", true).await;
    let bytes = Bytes::from(std::fs::read(&film).unwrap());
    let added = banks::add_entry(
        &world.app,
        &world.admin,
        bank,
        entry_of(vec![]),
        Some(bytes.into()),
        None,
    )
    .await;
    let entry = added.unwrap().into_inner();
    let kept = views::entry(&world.app, &world.admin, entry).await.unwrap().unwrap();
    assert!((19_000..=21_000).contains(&kept.video.unwrap().duration_ms) && kept.has_previews);
    assert!(kept.sound.is_some() && kept.signals.len() == 2);
    let strip = views::entry_strip(&world.app, &world.moderator, entry).await.unwrap();
    assert!(
        strip.len() >= 10 && strip.is_sorted_by_key(|place| place.at_ms),
        "{strip:?}"
    );

    // The middle, smaller, brighter, at a low bit rate, behind something else.
    studio.other(6);
    let clip = studio.make(
        "-i other.mp4 -ss 6 -t 10 -i film.mp4 -filter_complex [1:v]scale=240:180,eq=brightness=0.06,scale=320:240[b];[0:v][0:a][b][1:a]concat=n=2:v=1:a=1[v][a] \
         -map [v] -map [a] -c:v libx264 -preset ultrafast -crf 32 -c:a aac -b:a 64k clip.mp4",
    );
    let verdict = submit_file(&world, "post-1", &clip).await;
    let matches = &verdict.media[0].matches;
    let seen = matches
        .iter()
        .find(|m| m.signal_type == SignalType::Vpdq)
        .unwrap_or_else(|| panic!("{matches:?}"));
    assert_eq!((seen.tier, seen.target.entry), (Tier::Match, entry));
    let segment = seen
        .segments
        .iter()
        .find(|segment| segment.kind == SegmentKind::Picture)
        .unwrap();
    let near = |found: u32, real: u32| found.abs_diff(real) <= 2_000;
    assert!(
        near(segment.query.from_ms, 6_000) && near(segment.query.to_ms, 16_000),
        "{segment:?}"
    );
    assert!(
        near(segment.entry.from_ms, 6_000) && near(segment.entry.to_ms, 16_000),
        "{segment:?}"
    );
    let MediaStatus::Scanned { plays: Some(plays), .. } = &verdict.media[0].status else {
        panic!("{:?}", verdict.media[0].status)
    };
    assert_eq!(
        (plays.video_codec.as_deref(), plays.audio_codec.as_deref()),
        (Some("h264"), Some("aac"))
    );

    let view = views::item(&world.app, &world.moderator, &verdict.item)
        .await
        .unwrap()
        .unwrap();
    let media = &view.media[0];
    assert!(
        media.strip.len() >= 3 && media.strip.is_sorted_by_key(|place| place.at_ms),
        "{:?}",
        media.strip
    );
    let picture = views::blurred_strip_picture(&world.app, &world.moderator, media.media.id, media.strip[1].idx).await;
    assert!(picture.unwrap().unwrap().starts_with(&[0xff, 0xd8]));
    // Those of the entry lie beside them, as long as it is in its bank.
    let shown = media.matches.iter().find(|found| found.entry() == entry).unwrap();
    assert_eq!(shown.entry_strip, strip);
    let idx = strip[2].idx;
    let blurred = async || views::blurred_entry_strip_picture(&world.app, &world.moderator, entry, idx).await;
    assert!(blurred().await.unwrap().unwrap().starts_with(&[0xff, 0xd8]));
    let clear = reveal::reveal_entry_strip_picture(&world.app, &world.moderator, entry, idx).await;
    assert_ne!(clear.unwrap(), blurred().await.unwrap());
    let waveform = views::waveform(&world.app, &world.moderator, media.media.id)
        .await
        .unwrap()
        .unwrap();
    assert!((140..=180).contains(&waveform.len()), "{}", waveform.len());
    assert_eq!(
        submit_file(&world, "post-2", &studio.other(6)).await.outcome,
        Outcome::Allow
    );
    banks::set_entry_state(&world.app, &world.admin, entry, EntryState::Removed)
        .await
        .unwrap();
    assert_eq!(blurred().await.unwrap(), None, "what is removed leaves no picture");
    let left = views::entry_strip(&world.app, &world.moderator, entry).await;
    assert!(left.unwrap().is_empty());
}

pub async fn a_film_is_found_in_a_stream(mut world: World) {
    with_av(&mut world);
    let studio = Studio::new();
    let film = studio.film();
    let bank = world.bank("films", true).await;
    let bytes = Bytes::from(std::fs::read(&film).unwrap());
    let added = banks::add_entry(
        &world.app,
        &world.admin,
        bank,
        entry_of(vec![]),
        Some(bytes.into()),
        None,
    )
    .await;
    added.unwrap();
    let live = studio.make("-i film.mp4 -c:v libx264 -preset ultrafast -crf 30 -g 25 -c:a aac -f mpegts live.ts");
    let mut listener = world.app.streams.subscribe();
    let id = open(&world, "live-1").await;
    push(&world, id, &std::fs::read(live).unwrap()).await;
    close_stream(&world.app, &Actor::Operator, id).await.unwrap();
    // From here on its pieces are of another stream, however long its worker takes.
    let late = push_segment(&world.app, &Actor::Operator, id, Bytes::from_static(b"late")).await;
    assert!(matches!(late, Err(StreamError::NotOpen)), "{late:?}");
    let sure = tokio::time::timeout(PATIENCE, async {
        loop {
            let told = listener.recv().await.unwrap();
            if told.tier == Some(Tier::Match) {
                return told;
            }
        }
    });
    let told = sure.await.expect("nothing sure was told in time");
    assert!(told.stream == id && told.at_ms <= 12_000, "{told:?}");
    let ended = until(&world, id, |found| found.state != StreamState::Open).await;
    assert_eq!(
        (ended.state, ended.reason.as_deref()),
        (StreamState::Closed, Some("ended"))
    );
    assert!((19_000..=21_000).contains(&ended.at_ms), "{ended:?}");

    // The case shows pictures of it, to its end, and what was found as long as it was.
    let case = views::case(&world.app, &world.moderator, told.case.unwrap()).await;
    let media = case.unwrap().unwrap().media.remove(0);
    let shown: Vec<u32> = media.strip.iter().map(|place| place.at_ms / 1_000).collect();
    assert!(
        shown.len() >= 4 && shown[0] == 0 && shown.is_sorted() && shown[shown.len() - 1] >= 15,
        "{shown:?}"
    );
    assert!(media.previews.contains(&PreviewKind::Blurred), "{:?}", media.previews);
    let picture = views::blurred_strip_picture(&world.app, &world.moderator, media.media.id, media.strip[1].idx).await;
    assert!(picture.unwrap().unwrap().starts_with(&[0xff, 0xd8]));
    let mut segments = media.matches.iter().flat_map(|found| &found.m.segments);
    assert!(
        segments.any(|segment| segment.kind == SegmentKind::Picture && segment.query.to_ms >= 14_000),
        "{:?}",
        media.matches
    );
}

pub async fn a_moving_picture_that_is_made_of_a_film_is_found(mut world: World) {
    with_av(&mut world);
    let studio = Studio::new();
    let film = Bytes::from(std::fs::read(studio.film()).unwrap());
    let bank = world.bank("films", true).await;
    let new = entry_of(vec![]);
    let added = banks::add_entry(&world.app, &world.admin, bank, new, Some(film.into()), None).await;
    let entry = added.unwrap().into_inner();
    let gif = studio.make("-ss 5 -t 6 -i film.mp4 -vf fps=5,scale=240:180 -an clip.gif");
    let verdict = submit_file(&world, "gif-1", &gif).await;
    let matches = &verdict.media[0].matches;
    let seen = matches.iter().find(|m| m.signal_type == SignalType::Vpdq);
    let seen = seen.unwrap_or_else(|| panic!("{matches:?}"));
    assert_eq!((seen.tier, seen.target.entry), (Tier::Match, entry));
    let [run] = &seen.segments[..] else { panic!("{seen:?}") };
    let near = |found: u32, real: u32| found.abs_diff(real) <= 1_500;
    assert!(near(run.query.from_ms, 0) && near(run.query.to_ms, 6_000), "{run:?}");
    assert!(
        near(run.entry.from_ms, 5_000) && near(run.entry.to_ms, 11_000),
        "{run:?}"
    );

    studio.other(6);
    let other = studio.make("-i other.mp4 -vf fps=5,scale=240:180 -an other.gif");
    assert_eq!(submit_file(&world, "gif-2", &other).await.outcome, Outcome::Allow);
}

/// What is waited for at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// Opens a stream of bytes.
async fn open(world: &World, item: &str) -> StreamId {
    let new = NewStream {
        item: item.parse().unwrap(),
        account: None,
        channel: None,
        audience: None,
        url: None,
    };
    let opened = open_stream(&world.app, &Actor::Operator, new, StreamInput::Bytes).await;
    let Ok(Created::New(id)) = opened else {
        panic!("{opened:?}")
    };
    id
}

async fn push(world: &World, id: StreamId, bytes: &[u8]) {
    for piece in bytes.chunks(256 << 10) {
        world.clock.advance(Duration::from_secs(6));
        push_segment(&world.app, &Actor::Operator, id, Bytes::copy_from_slice(piece))
            .await
            .unwrap();
    }
}

async fn until(world: &World, id: StreamId, is_so: impl Fn(&Stream) -> bool) -> Stream {
    let wait = async {
        loop {
            let found = views::stream(&world.app, &Actor::Operator, id).await.unwrap().unwrap();
            if is_so(&found) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("it never is so")
}

pub async fn a_stream_that_cannot_be_looked_at_waits_for_a_person(mut world: World) {
    with_av(&mut world);
    let studio = Studio::new();
    let strange = studio.make(
        "-f lavfi -i testsrc=size=64x64:rate=25 -f lavfi -i sine -t 2 -c:v vc2 -strict -1 -pix_fmt yuv420p -c:a aac -f mpegts strange.ts",
    );
    let status = async |item: &str| {
        let verdict = views::verdict(&world.app, &world.moderator, &item.parse().unwrap()).await;
        let verdict = verdict.unwrap().expect("nobody is told of it");
        assert!(
            verdict.case.is_some() && verdict.outcome == Outcome::Review,
            "{verdict:?}"
        );
        verdict.media[0].status.clone()
    };
    let mut listener = world.app.streams.subscribe();
    let id = open(&world, "rubbish").await;
    push(&world, id, b"#EXTM3U\nhttp://localhost/\n").await;
    close_stream(&world.app, &Actor::Operator, id).await.unwrap();
    let ended = until(&world, id, |found| found.state != StreamState::Open).await;
    assert_eq!(ended.reason.as_deref(), Some("unsupported_type"));
    let unscanned = status("rubbish").await;
    assert!(
        matches!(&unscanned, MediaStatus::Unscanned { reason, .. } if reason == "unsupported_type"),
        "{unscanned:?}"
    );

    let told = listener.try_recv().expect("who listens is told of it");
    assert_eq!((told.item.as_str(), told.tier), ("rubbish", None));
    assert_eq!((told.outcome, told.case.is_some()), (Outcome::Review, true));
    world.deliver().await;
    assert_eq!(world.platform.kinds_for("rubbish"), ["verdict"], "and the platform");
    let kept = views::stream_verdicts(&world.app, &Actor::Operator, Some(id), 0).await;
    assert_eq!(kept.unwrap(), [told]);

    // Nobody sees these pictures; that only the sound is listened to is said.
    let id = open(&world, "strange").await;
    push(&world, id, &std::fs::read(strange).unwrap()).await;
    close_stream(&world.app, &Actor::Operator, id).await.unwrap();
    // It takes no more, so the same item may begin anew at once.
    let next = open(&world, "strange").await;
    assert_ne!(next, id);
    close_stream(&world.app, &Actor::Operator, next).await.unwrap();
    until(&world, next, |found| found.state != StreamState::Open).await;
    let heard = async {
        while world.app.av.as_ref().unwrap().stats().streams > 0 || !world.app.streams.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.unwrap();
    let damaged = status("strange").await;
    assert!(
        matches!(damaged, MediaStatus::Scanned { is_intact: false, .. }),
        "{damaged:?}"
    );
    assert_eq!(world.faults().await, Vec::<String>::new());
}

/// A person looked at what was found. That some of what came later was seen by nobody is news to them.
pub async fn damage_after_a_decision_is_told(mut world: World) {
    with_av(&mut world);
    let studio = Studio::new();
    let film = studio.make("-f lavfi -i testsrc2=size=320x240:rate=25:duration=12 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -g 25 -f mpegts a.ts");
    let bytes = std::fs::read(film).unwrap();
    let half = bytes.len() / 376 * 188;
    let id = open(&world, "live-1").await;
    let mut spoilt = bytes[half..].to_vec();
    let mut first = bytes[..half].to_vec();
    for packet in first[half / 376 * 188..][..60 * 188].chunks_mut(188) {
        packet[20..150].fill(0x5a);
    }
    push(&world, id, &first).await;
    // While it goes on.
    let decided = async || {
        let item = "live-1".parse().unwrap();
        views::item(&world.app, &world.moderator, &item).await.unwrap()
    };
    let told = async {
        loop {
            if let Some(found) = decided().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, told).await.expect("told before the end");
    let verdict = views::verdict(&world.app, &world.moderator, &"live-1".parse().unwrap()).await;
    let case = verdict.unwrap().unwrap().case.expect("a person looks at it");
    let judgement = Judgement::allow(found.item.revision, "a bad line");
    decide_case(&world.app, &world.moderator, case, judgement)
        .await
        .unwrap();

    // The same item goes on in a stream of its own, which is damaged too.
    close_stream(&world.app, &Actor::Operator, id).await.unwrap();
    until(&world, id, |found| found.state != StreamState::Open).await;
    let again = open(&world, "live-1").await;
    for packet in spoilt[half / 376 * 188..][..60 * 188].chunks_mut(188) {
        packet[20..150].fill(0x5a);
    }
    push(&world, again, &spoilt).await;
    close_stream(&world.app, &Actor::Operator, again).await.unwrap();
    until(&world, again, |found| found.state != StreamState::Open).await;
    let verdict = views::verdict(&world.app, &world.moderator, &"live-1".parse().unwrap()).await;
    let verdict = verdict.unwrap().unwrap();
    assert!(
        matches!(verdict.media[0].status, MediaStatus::Scanned { is_intact: false, .. }),
        "{verdict:?}"
    );
    let told = views::stream_verdicts(&world.app, &Actor::Operator, Some(again), 0).await;
    assert_eq!(told.unwrap().len(), 1, "the person is asked anew");
    assert_eq!(verdict.outcome, Outcome::Review);
}

pub async fn a_stream_that_is_longer_than_may_be_is_not_looked_at_whole(mut world: World) {
    let mut settings = AvSettings::new(av_worker());
    settings.limits.live_ms_max = 10_000;
    world.app.av = Some(AvHost::new(settings).unwrap());
    let studio = Studio::new();
    let film = studio.make(
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=30 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -g 25 -f mpegts a.ts",
    );
    let id = open(&world, "live-1").await;
    for piece in std::fs::read(film).unwrap().chunks(256 << 10) {
        world.clock.advance(Duration::from_secs(6));
        // The last ones come too late.
        let _ = push_segment(&world.app, &Actor::Operator, id, Bytes::copy_from_slice(piece)).await;
    }
    let ended = until(&world, id, |found| found.state != StreamState::Open).await;
    assert_eq!(
        (ended.state, ended.reason.as_deref()),
        (StreamState::Closed, Some("time_limit"))
    );
    let verdict = views::verdict(&world.app, &world.moderator, &"live-1".parse().unwrap()).await;
    let verdict = verdict.unwrap().expect("a person is to look at it");
    assert_eq!(verdict.outcome, Outcome::Review);
}

/// Of a stream that falls silent, and of one whose process stops, what came last is looked at before it is over.
pub async fn what_came_last_is_looked_at_before_a_stream_is_over(mut world: World) {
    with_av(&mut world);
    let studio = Studio::new();
    let other = studio.make(
        "-f lavfi -i testsrc2=size=320x240:rate=25:duration=6 -pix_fmt yuv420p -c:v libx264 -preset ultrafast -g 25 -f mpegts a.ts",
    );
    let mut bytes = std::fs::read(other).unwrap();
    let third = bytes.len() / 564 * 188;
    for packet in bytes[third..][..60 * 188].chunks_mut(188) {
        packet[20..150].fill(0x5a);
    }
    for (name, ends) in [
        ("silent", (StreamState::Closed, "idle")),
        ("stopped", (StreamState::Interrupted, "stopped")),
    ] {
        let id = open(&world, name).await;
        push(&world, id, &bytes).await;
        if name == "silent" {
            world.clock.advance(Duration::from_secs(61));
            end_silent_streams(&world.app).await.unwrap();
        } else {
            interrupt_streams(&world.app).await.unwrap();
        }
        let ended = until(&world, id, |found| found.state != StreamState::Open).await;
        assert_eq!((ended.state, ended.reason.as_deref()), (ends.0, Some(ends.1)), "{name}");
        // Whoever listens is told of the end after all that was found.
        let told = views::stream_verdicts(&world.app, &Actor::Operator, Some(id), 0).await;
        assert_eq!(told.unwrap().len(), 1, "{name}");
        assert!(world.app.streams.is_empty(), "{name}");
    }
}

pub async fn an_incident_is_heard_in_a_stream(mut world: World) {
    with_av(&mut world);
    let studio = Studio::new();
    let film = studio.film();
    // Its sound, under other pictures.
    let heard = studio.make(
        "-f lavfi -i life=size=320x240:rate=25:mold=10:ratio=0.3:seed=7 -i film.mp4 -map 0:v -map 1:a -t 20 -c:v libx264 -preset ultrafast -g 25 -qp 18 \
         -c:a aac -f mpegts heard.ts",
    );
    let mut listener = world.app.streams.subscribe();
    let id = open(&world, "live-1").await;
    push(&world, id, &std::fs::read(heard).unwrap()).await;
    let told_far = async {
        let mut at_ms = 0;
        while at_ms < 10_000 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            // A packet of nothing: the store is told how far the stream is when a piece comes.
            let mut packet = [0xff; 188];
            packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
            push(&world, id, &packet).await;
            at_ms = views::stream(&world.app, &Actor::Operator, id)
                .await
                .unwrap()
                .unwrap()
                .at_ms;
        }
    };
    tokio::time::timeout(PATIENCE, told_far).await.unwrap();
    let bank = world.bank("films", true).await;
    let bytes = Bytes::from(std::fs::read(&film).unwrap());
    let new = entry_of(vec![]);
    let added = banks::add_entry(&world.app, &world.admin, bank, new, Some(bytes.into()), None).await;
    let entry = added.unwrap().into_inner();
    assert!(listener.try_recv().is_err(), "nobody knew it when it was played");
    let tomorrow = world.app.clock.now().after(Duration::from_secs(24 * 3600));
    set_incident(&world.app, &world.admin, entry, Some(tomorrow))
        .await
        .unwrap();
    assert_eq!(hunt_due(&world.app, "hunter").await.unwrap(), 1);
    let told = listener.try_recv().unwrap();
    assert_eq!((told.item.as_str(), told.tier), ("live-1", Some(Tier::Lead)));
}
