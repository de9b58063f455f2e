//! The methods that are compared, and what each says of a file: which entries it shows, how surely, and where.

use crate::clock::thread_time;
use crate::corpus::{Entry, Published};
use crate::kept::Kept;
use anyhow::{Result, anyhow};
use index::sounds::SoundIndex;
use index::videos::VideoIndex;
use signal::Span;
use signal::audio::SoundSegment;
use signal::nearness::Near;
use signal::video::{Segment, Timeline};
use signal::vpdq::{self, Feature};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// An entry that a method finds in a file.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its number among the entries.
    pub entry: usize,
    pub near: Near,
    /// In the file and in the entry; none where a method knows nothing of time.
    pub runs: Vec<FoundRun>,
}

#[derive(Debug, Clone, Copy)]
pub struct FoundRun {
    pub query: Span,
    pub entry: Span,
    pub near: Near,
    pub log10_chance: f32,
    /// Milliseconds of the entry in one of the file.
    pub rate: f32,
    /// Of sounds, the share of bits that differ.
    pub bit_errors: Option<f32>,
}

/// What each method says of one file.
#[derive(Debug, Default)]
pub struct Answers {
    /// For each entry the share of the query's frames that match, and of the entry's, in percent.
    pub vpdq: Vec<(f64, f64)>,
    pub video: Vec<Found>,
    pub sound: Vec<Found>,
    /// What the pictures say, made sure by what is heard with them.
    seen_and_heard: Vec<Found>,
}

impl Answers {
    /// Pictures and sound together, as Seawall decides: each names entries, sound alone is never more than a lead, and what is a lead by its pictures is a match where the same
    /// moment is heard with it.
    pub fn together(&self) -> Vec<Found> {
        let mut all = self.seen_and_heard.clone();
        for found in &self.sound {
            match all.iter_mut().find(|other| other.entry == found.entry) {
                Some(other) => other.runs.extend(&found.runs),
                None => all.push(found.clone()),
            }
        }
        all
    }
}

/// What is banked, for every method.
pub struct Bank {
    vpdq: Vec<Vec<Feature>>,
    videos: VideoIndex,
    sounds: SoundIndex,
    pub cost: BankCost,
}

/// What the entries take.
#[derive(Debug, Default, Clone, Copy)]
pub struct BankCost {
    pub minutes: f64,
    pub timeline_bytes: usize,
    pub print_bytes: usize,
    pub vpdq_bytes: usize,
}

/// Processor time of look-ups.
#[derive(Debug, Default, Clone, Copy)]
pub struct LookUpCost {
    pub minutes: f64,
    pub video: Duration,
    pub sound: Duration,
}

impl LookUpCost {
    pub fn add(&mut self, other: Self) {
        self.minutes += other.minutes;
        self.video += other.video;
        self.sound += other.sound;
    }
}

impl Bank {
    /// Of the entries' scans, with what is learnt from harmless ones.
    pub fn new(entries: &[Entry], scans: &[Kept], benign: &[Kept]) -> Self {
        let mut bank = Self {
            vpdq: Vec::new(),
            videos: VideoIndex::new(),
            sounds: SoundIndex::new(),
            cost: BankCost::default(),
        };
        for (handle, (entry, scan)) in entries.iter().zip(scans).enumerate() {
            let features = entry.vpdq.features();
            let timeline = Timeline::of(&scan.frames, scan.duration_ms);
            bank.cost.minutes += entry.seconds / 60.0;
            bank.cost.timeline_bytes += timeline.to_bytes().len();
            bank.cost.vpdq_bytes += vpdq::to_json(&features).len();
            bank.videos.add(handle as u64, &timeline);
            if let Some(sound) = &scan.sound {
                let print = sound.print();
                bank.cost.print_bytes += print.to_bytes().len();
                bank.sounds.add(handle as u64, &print);
            }
            bank.vpdq.push(features);
        }
        for (source, scan) in (0..).zip(benign) {
            bank.videos.learn(source, &Timeline::of(&scan.frames, scan.duration_ms));
        }
        // As a server does all the time. It is in memory alone: nothing can fail.
        let _ = bank.videos.maintain();
        bank
    }

    pub fn videos(&self) -> &VideoIndex {
        &self.videos
    }

    pub fn sounds(&self) -> &SoundIndex {
        &self.sounds
    }

    /// Two at a time: there are two cores. Answers are in the order of what was asked.
    pub fn look_up_all(&self, asked: &[(&Published, &Kept)]) -> Result<(Vec<Answers>, LookUpCost)> {
        let next = AtomicUsize::new(0);
        let work = || -> Result<(Vec<(usize, Answers)>, LookUpCost)> {
            let (mut answers, mut cost) = (Vec::new(), LookUpCost::default());
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some((published, scan)) = asked.get(number) else {
                    return Ok((answers, cost));
                };
                answers.push((number, self.look_up(published, scan, &mut cost)?));
            }
        };
        let mut answers = Vec::new();
        let mut cost = LookUpCost::default();
        std::thread::scope(|scope| {
            let threads = [scope.spawn(work), scope.spawn(work)];
            for thread in threads {
                let done = thread.join().map_err(|_| anyhow!("a look-up panicked"))??;
                answers.extend(done.0);
                cost.add(done.1);
            }
            anyhow::Ok(())
        })?;
        answers.sort_by_key(|(number, _)| *number);
        Ok((answers.into_iter().map(|(_, answers)| answers).collect(), cost))
    }

    fn look_up(&self, published: &Published, scan: &Kept, cost: &mut LookUpCost) -> Result<Answers> {
        let features = published.features();
        let percentages = |target: &Vec<Feature>| {
            let compared = vpdq::compare_all(&features, target, vpdq::DISTANCE_MAX, vpdq::QUALITY_MIN);
            compared.map_or((0.0, 0.0), |percentages| (percentages.query, percentages.target))
        };
        let mut answers = Answers {
            vpdq: self.vpdq.iter().map(percentages).collect(),
            ..Answers::default()
        };
        let began = thread_time()?;
        let videos = self.videos.look_up(&scan.frames);
        let between = thread_time()?;
        let sounds = scan.sound.as_ref().map(|sound| self.sounds.look_up(sound));
        cost.video += between - began;
        cost.sound += thread_time()? - between;
        cost.minutes += f64::from(scan.duration_ms) / 60_000.0;

        let sounds = sounds.unwrap_or_default();
        let heard = |entry: u64| {
            let heard = sounds.iter().find(|(other, _)| *other == entry);
            heard.map_or(&[][..], |(_, segments)| segments)
        };
        answers.video = videos
            .iter()
            .map(|(entry, segments)| of_video(*entry, segments))
            .collect();
        let made_sure = |(entry, segments): &(u64, Vec<Segment>)| {
            let near = |segment: &Segment| match heard(*entry).iter().any(|sound| sound.is_heard_with(segment)) {
                true => Near::Match,
                false => segment.near,
            };
            let segments: Vec<Segment> = segments
                .iter()
                .map(|segment| Segment {
                    near: near(segment),
                    ..*segment
                })
                .collect();
            of_video(*entry, &segments)
        };
        answers.seen_and_heard = videos.iter().map(made_sure).collect();
        answers.sound = sounds
            .iter()
            .map(|(entry, segments)| of_sound(*entry, segments))
            .collect();
        Ok(answers)
    }
}

fn of_video(entry: u64, segments: &[Segment]) -> Found {
    let run = |segment: &Segment| FoundRun {
        query: segment.query,
        entry: segment.entry,
        near: segment.near,
        log10_chance: segment.log10_chance,
        rate: segment.rate,
        bit_errors: None,
    };
    Found {
        entry: entry as usize,
        near: segments.iter().map(|segment| segment.near).min().unwrap_or(Near::Lead),
        runs: segments.iter().map(run).collect(),
    }
}

fn of_sound(entry: u64, segments: &[SoundSegment]) -> Found {
    let run = |segment: &SoundSegment| FoundRun {
        query: segment.query,
        entry: segment.entry,
        near: Near::Lead,
        log10_chance: segment.log10_chance,
        rate: segment.rate,
        bit_errors: Some(segment.bit_errors_share),
    };
    Found {
        entry: entry as usize,
        near: Near::Lead,
        runs: segments.iter().map(run).collect(),
    }
}
