//! Eight live streams at once, fed as they would come: how long after a banked clip begins is it known?
//!
//! `ffmpeg -re` sends each stream's bytes when its own clock says so, so a delay is one of the stream's time, waiting for processor included.

use crate::corpus::{Clip, Corpus, Entry, Stream};
use crate::evaluate::is_shared;
use crate::methods::Bank;
use crate::scans::{Scanner, WANT};
use crate::survive::scan_all;
use anyhow::{Context, Result};
use index::sounds::Tracker as SoundTracker;
use index::videos::Tracker;
use media::av::{LiveEvent, SOUND_RATE, Sampling};
use signal::Span;
use signal::audio::{Printer, SoundSegment};
use signal::nearness::Near;
use signal::video::Segment;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

/// Bytes handed over at a time.
const PIECE_BYTES: usize = 16 << 10;
/// A clip that is not found until so long after its end is missed.
const LATE_SECONDS: f64 = 4.0;

/// What is timed.
const FOUND_BY: [&str; 4] = [
    "pictures, match",
    "pictures made sure by sound, match",
    "pictures, match or lead",
    "pictures or sound",
];

pub struct Live {
    n_streams: usize,
    seconds: f64,
    busy: Duration,
    took: Duration,
    /// For each clip, in the order of [`FOUND_BY`].
    delays: Vec<[Option<f64>; FOUND_BY.len()]>,
    /// Entries that a stream does not show and that were named nevertheless: as matches, as leads by pictures, by sound alone.
    n_wrong: [usize; 3],
    remarks: String,
}

/// Something was found.
struct Hit {
    entry: usize,
    near: Near,
    is_sound: bool,
    /// A segment of pictures with which the same moment was heard.
    is_made_sure: bool,
    /// Seconds after the stream began.
    at: f64,
    /// The run of the entry.
    run: Span,
    log10_chance: f32,
}

impl Hit {
    fn seen(entry: u64, segment: &Segment, at: f64) -> Self {
        Self {
            entry: entry as usize,
            near: segment.near,
            is_sound: false,
            is_made_sure: false,
            at,
            run: segment.entry,
            log10_chance: segment.log10_chance,
        }
    }

    /// Whether it would be told as a match.
    fn is_match(&self) -> bool {
        !self.is_sound && (self.near == Near::Match || self.is_made_sure)
    }
}

/// How a stream is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As fast as it is shown; times are those of the clock.
    AsShown,
    /// As fast as may be; times are those of the stream, so that they tell what matching delays, decoding left out.
    AtOnce,
}

pub async fn measure(scanner: &Scanner, corpus: &Corpus, pace: Pace) -> Result<Live> {
    let entries = scan_all(
        scanner,
        corpus.entries.iter().map(|entry| entry.path.as_path()),
        Sampling::Full,
    );
    let benign = scan_all(scanner, corpus.benign.iter().map(PathBuf::as_path), Sampling::Full);
    let bank = Bank::new(&corpus.entries, &entries.await?, &benign.await?);
    let bank = Arc::new(bank);
    let (began, busy) = (Instant::now(), crate::clock::processor_time()?);
    let mut tasks = Vec::new();
    for stream in &corpus.streams {
        tasks.push(tokio::spawn(follow(
            scanner.clone(),
            stream.path.clone(),
            bank.clone(),
            pace,
        )));
    }
    let mut live = Live {
        n_streams: tasks.len(),
        seconds: 0.0,
        busy: Duration::ZERO,
        took: Duration::ZERO,
        delays: Vec::new(),
        n_wrong: [0; 3],
        remarks: String::new(),
    };
    for (task, stream) in tasks.into_iter().zip(&corpus.streams) {
        let hits = task.await??;
        live.count(stream, &hits, &corpus.entries)?;
    }
    // The workers have ended and were waited for, so their time is in it.
    live.took = began.elapsed();
    live.busy = crate::clock::processor_time()? - busy;
    Ok(live)
}

async fn follow(scanner: Scanner, path: PathBuf, bank: Arc<Bank>, pace: Pace) -> Result<Vec<Hit>> {
    let stream = Arc::new(scanner.host().open_stream(WANT).await?);
    let mut sender = None;
    let mut bytes: Box<dyn AsyncRead + Send + Unpin> = match pace {
        Pace::AsShown => {
            let mut child = as_shown(&path)?;
            let bytes = child.stdout.take().context("no pipe")?;
            sender = Some(child);
            Box::new(bytes)
        }
        Pace::AtOnce => Box::new(tokio::fs::File::open(&path).await?),
    };
    let began = Instant::now();
    let fed = stream.clone();
    let feeder = tokio::spawn(async move {
        loop {
            let mut piece = vec![0; PIECE_BYTES];
            let n = bytes.read(&mut piece).await.unwrap_or(0);
            piece.truncate(n);
            if n == 0 || !fed.feed(piece.into()).await {
                break;
            }
        }
        fed.finish();
    });
    let (mut tracker, mut heard) = (Tracker::new(), SoundTracker::new());
    let mut printer = Printer::new(SOUND_RATE, 1)?;
    let mut hits: Vec<Hit> = Vec::new();
    // What was told of each entry, as a server keeps it.
    let mut seen: HashMap<u64, Vec<Segment>> = HashMap::new();
    let mut sounds: HashMap<u64, Vec<SoundSegment>> = HashMap::new();
    let mut come_ms = 0;
    let now = |come_ms: &mut u32, at_ms: u32| {
        *come_ms = at_ms.max(*come_ms);
        match pace {
            Pace::AsShown => began.elapsed().as_secs_f64(),
            Pace::AtOnce => f64::from(*come_ms) / 1000.0,
        }
    };
    while let Some(event) = stream.next().await {
        match event? {
            LiveEvent::Frame(frame) => {
                let segments = tracker.push(bank.videos(), &frame);
                let at = now(&mut come_ms, frame.at_ms);
                for (entry, segment) in segments {
                    let heard = sounds.get(&entry).into_iter().flatten();
                    hits.push(Hit {
                        is_made_sure: heard.into_iter().any(|sound| sound.is_heard_with(&segment)),
                        ..Hit::seen(entry, &segment, at)
                    });
                    seen.entry(entry).or_default().push(segment);
                }
            }
            LiveEvent::Sound { at_ms, samples } => {
                printer.push(&samples);
                let segments = heard.push(bank.sounds(), printer.drain());
                let length_ms = samples.len() as u64 * 1000 / u64::from(SOUND_RATE);
                let at = now(&mut come_ms, at_ms + length_ms as u32);
                for (entry, segment) in segments {
                    let made_sure = seen.get(&entry).into_iter().flatten();
                    for segment in made_sure.filter(|seen| segment.is_heard_with(seen)) {
                        hits.push(Hit {
                            is_made_sure: true,
                            ..Hit::seen(entry, segment, at)
                        });
                    }
                    hits.push(Hit {
                        entry: entry as usize,
                        near: Near::Lead,
                        is_sound: true,
                        is_made_sure: false,
                        at,
                        run: segment.entry,
                        log10_chance: segment.log10_chance,
                    });
                    sounds.entry(entry).or_default().push(segment);
                }
            }
            LiveEvent::Opened { .. } | LiveEvent::Picture(_) | LiveEvent::Progress { .. } | LiveEvent::Ended { .. } => {
            }
        }
    }
    feeder.await?;
    if let Some(mut sender) = sender {
        sender.wait().await?;
    }
    Ok(hits)
}

/// A sender that keeps the stream's own time.
fn as_shown(path: &Path) -> Result<tokio::process::Child> {
    let mut sender = Command::new("ffmpeg");
    sender.args(["-nostdin", "-v", "error", "-re", "-i"]).arg(path);
    sender.args(["-c", "copy", "-f", "mpegts", "-flush_packets", "1", "-"]);
    sender.stdout(Stdio::piped()).spawn().context("no ffmpeg")
}

impl Live {
    fn count(&mut self, stream: &Stream, hits: &[Hit], entries: &[Entry]) -> Result<()> {
        for clip in &stream.clips {
            let is_of = |hit: &&Hit| {
                entries[hit.entry].name == clip.entry
                    && hit.at >= clip.at
                    && hit.at <= clip.at + clip.seconds + LATE_SECONDS
            };
            let first = |is_wanted: &dyn Fn(&Hit) -> bool| {
                let times = hits
                    .iter()
                    .filter(is_of)
                    .filter(|hit| is_wanted(hit))
                    .map(|hit| hit.at - clip.at);
                times.min_by(f64::total_cmp)
            };
            let delays = [
                first(&|hit| !hit.is_sound && hit.near == Near::Match),
                first(&Hit::is_match),
                first(&|hit| !hit.is_sound),
                first(&|_| true),
            ];
            let sound = first(&|hit| hit.is_sound);
            writeln!(
                self.remarks,
                "{} at {:.1}: match {:.1?}, with sound {:.1?}, match or lead {:.1?}, with sound {:.1?}, sound {sound:.1?}",
                clip.entry, clip.at, delays[0], delays[1], delays[2], delays[3]
            )?;
            self.delays.push(delays);
        }
        let last = stream.clips.last();
        self.seconds = self.seconds.max(last.map_or(0.0, |clip| clip.at + clip.seconds));
        self.count_wrong(stream, hits, entries)
    }

    /// Each entry that is named and not shown counts once a stream, as the worst that it was named as.
    fn count_wrong(&mut self, stream: &Stream, hits: &[Hit], entries: &[Entry]) -> Result<()> {
        let shown_at = |at: f64| -> Option<&Clip> {
            let clips = stream.clips.iter();
            clips
                .rev()
                .find(|clip| clip.at <= at && at <= clip.at + clip.seconds + LATE_SECONDS)
        };
        let is_wrong = |hit: &&Hit| {
            let entry = &entries[hit.entry];
            let shown = shown_at(hit.at).and_then(|clip| entries.iter().find(|other| other.name == clip.entry));
            stream.clips.iter().all(|clip| clip.entry != entry.name) && !is_shared(hit.run, entry, shown)
        };
        let worth = |hit: &Hit| match (hit.is_match(), hit.is_sound) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        let mut wrong: Vec<&Hit> = hits.iter().filter(is_wrong).collect();
        wrong.sort_by_key(|hit| (hit.entry, worth(hit)));
        for hit in &wrong {
            let kind = if hit.is_sound {
                "sound".to_owned()
            } else {
                format!("{:?}", hit.near)
            };
            let shown = shown_at(hit.at).map_or("nothing banked", |clip| &clip.entry);
            let (name, chance) = (&entries[hit.entry].name, hit.log10_chance);
            writeln!(
                self.remarks,
                "wrong: {name} at {:.1} by {kind}, 10^{chance:.1}, while {shown}",
                hit.at
            )?;
        }
        wrong.dedup_by_key(|hit| hit.entry);
        for hit in wrong {
            self.n_wrong[worth(hit)] += 1;
        }
        Ok(())
    }

    /// What became of each clip.
    pub fn remarks(&self) -> &str {
        &self.remarks
    }

    pub fn markdown(&self) -> String {
        let mut text = format!(
            "### Live\n\n\
             {} streams of 1280 x 720 H.264 in MPEG-TS at once, fed at the speed at which they are shown, on 2 cores; each shows {} clips of banked videos of 14 to 18 s, between \
             footage that is not banked. A delay runs from the clip's first frame to the moment at which its entry is named.\n\n\
             | found by | clips | found | p50 | p95 | slowest |\n|---|--:|--:|--:|--:|--:|\n",
            self.n_streams,
            self.delays.len() / self.n_streams.max(1),
        );
        for (number, name) in FOUND_BY.iter().enumerate() {
            let mut delays: Vec<f64> = self.delays.iter().filter_map(|delays| delays[number]).collect();
            delays.sort_by(f64::total_cmp);
            let at = |share: f64| match delays.len() {
                0 => "–".to_owned(),
                n => format!("{:.1} s", delays[((n as f64 * share).ceil() as usize).clamp(1, n) - 1]),
            };
            text += &format!(
                "| {name} | {} | {} | {} | **{}** | {} |\n",
                self.delays.len(),
                delays.len(),
                at(0.5),
                at(0.95),
                at(1.0)
            );
        }
        let [matches, leads, by_sound] = self.n_wrong;
        text + &format!(
            "\nEntries named that a stream does not show: {matches} as a match, {leads} as a lead, {by_sound} by sound alone. Both cores together were busy {:.0} % of the time, the \
             senders not counted.\n\n\
             There are streams of this half alone: that they are looked at four times a second was chosen on these.\n",
            100.0 * self.busy.as_secs_f64() / self.took.as_secs_f64() / 2.0,
        )
    }
}
