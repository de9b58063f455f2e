//! Eight live streams at once, fed as they would come: how long after a banked clip begins is it known?
//!
//! `ffmpeg -re` sends each stream's bytes when its own clock says so, so a delay is one of the stream's time, waiting for processor included.

use crate::corpus::{Corpus, Stream};
use crate::methods::Bank;
use crate::scans::{Scanner, WANT};
use crate::survive::scan_all;
use anyhow::{Context, Result};
use index::sounds::Tracker as SoundTracker;
use index::videos::Tracker;
use media::av::{LiveEvent, SOUND_RATE, Sampling};
use signal::audio::Printer;
use signal::nearness::Near;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// Bytes handed over at a time.
const PIECE_BYTES: usize = 16 << 10;
/// A clip that is not found until so long after its end is missed.
const LATE_SECONDS: f64 = 4.0;

pub struct Live {
    n_streams: usize,
    seconds: f64,
    busy: Duration,
    took: Duration,
    /// For each clip: by pictures at match, at match or lead, and by pictures or sound.
    delays: Vec<[Option<f64>; 3]>,
    n_false: usize,
}

/// Something was found.
struct Hit {
    entry: usize,
    near: Near,
    is_sound: bool,
    /// Seconds after the stream began, by the clock.
    at: f64,
}

pub async fn measure(scanner: &Scanner, corpus: &Corpus) -> Result<Live> {
    let entries = scan_all(
        scanner,
        corpus.entries.iter().map(|entry| entry.path.as_path()),
        Sampling::Full,
    );
    let benign = scan_all(scanner, corpus.benign.iter().map(PathBuf::as_path), Sampling::Full);
    let bank = Bank::new(&corpus.entries, &entries.await?, &benign.await?);
    let names: Vec<String> = corpus.entries.iter().map(|entry| entry.name.clone()).collect();
    let bank = Arc::new(bank);
    let (began, busy) = (Instant::now(), crate::clock::processor_time()?);
    let mut tasks = Vec::new();
    for stream in &corpus.streams {
        tasks.push(tokio::spawn(follow(scanner.clone(), stream.path.clone(), bank.clone())));
    }
    let mut live = Live {
        n_streams: tasks.len(),
        seconds: 0.0,
        busy: Duration::ZERO,
        took: Duration::ZERO,
        delays: Vec::new(),
        n_false: 0,
    };
    for (task, stream) in tasks.into_iter().zip(&corpus.streams) {
        let hits = task.await??;
        live.count(stream, &hits, &names);
    }
    // The workers have ended and were waited for, so their time is in it.
    live.took = began.elapsed();
    live.busy = crate::clock::processor_time()? - busy;
    Ok(live)
}

async fn follow(scanner: Scanner, path: PathBuf, bank: Arc<Bank>) -> Result<Vec<Hit>> {
    let stream = Arc::new(scanner.host().open_stream(WANT).await?);
    let mut sender = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-re", "-i"])
        .arg(&path)
        .args(["-c", "copy", "-f", "mpegts", "-flush_packets", "1", "-"])
        .stdout(Stdio::piped())
        .spawn()
        .context("no ffmpeg")?;
    let mut bytes = sender.stdout.take().context("no pipe")?;
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
    let mut hits = Vec::new();
    while let Some(event) = stream.next().await {
        match event? {
            LiveEvent::Frame(frame) => {
                let segments = tracker.push(bank.videos(), &frame);
                let at = began.elapsed().as_secs_f64();
                hits.extend(segments.into_iter().map(|(entry, segment)| Hit {
                    entry: entry as usize,
                    near: segment.near,
                    is_sound: false,
                    at,
                }));
            }
            LiveEvent::Sound { samples, .. } => {
                printer.push(&samples);
                let segments = heard.push(bank.sounds(), printer.drain());
                let at = began.elapsed().as_secs_f64();
                hits.extend(segments.into_iter().map(|(entry, _)| Hit {
                    entry: entry as usize,
                    near: Near::Lead,
                    is_sound: true,
                    at,
                }));
            }
            LiveEvent::Opened { .. } | LiveEvent::Picture(_) | LiveEvent::Progress { .. } | LiveEvent::Ended { .. } => {
            }
        }
    }
    feeder.await?;
    sender.wait().await?;
    Ok(hits)
}

impl Live {
    fn count(&mut self, stream: &Stream, hits: &[Hit], names: &[String]) {
        for clip in &stream.clips {
            let is_of = |hit: &&Hit| {
                names[hit.entry] == clip.entry && hit.at >= clip.at && hit.at <= clip.at + clip.seconds + LATE_SECONDS
            };
            let first = |is_wanted: &dyn Fn(&Hit) -> bool| {
                let times = hits
                    .iter()
                    .filter(is_of)
                    .filter(|hit| is_wanted(hit))
                    .map(|hit| hit.at - clip.at);
                times.min_by(f64::total_cmp)
            };
            self.delays.push([
                first(&|hit| !hit.is_sound && hit.near == Near::Match),
                first(&|hit| !hit.is_sound),
                first(&|_| true),
            ]);
        }
        let last = stream.clips.last();
        self.seconds = self.seconds.max(last.map_or(0.0, |clip| clip.at + clip.seconds));
        let mut wrong: Vec<usize> = hits
            .iter()
            .map(|hit| hit.entry)
            .filter(|entry| stream.clips.iter().all(|clip| clip.entry != names[*entry]))
            .collect();
        wrong.sort_unstable();
        wrong.dedup();
        self.n_false += wrong.len();
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
        for (number, name) in ["pictures, match", "pictures, match or lead", "pictures or sound"]
            .iter()
            .enumerate()
        {
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
        text + &format!(
            "\nEntries named that a stream does not show: {}. Both cores together were busy {:.0} % of the time, the senders not counted.\n",
            self.n_false,
            100.0 * self.busy.as_secs_f64() / self.took.as_secs_f64() / 2.0,
        )
    }
}
