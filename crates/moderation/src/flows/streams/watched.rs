//! What was seen and heard of one open stream lately, what lies near to it, and what was told of it. What becomes of that is in `watched/judged.rs`.

mod judged;

use std::collections::{BTreeSet, HashMap, VecDeque};

use index::sounds;
use index::videos::{self, WINDOW_MS};
use media::av::{SOUND_RATE, StripPicture};
use signal::audio::{ITEM_MS, Printer, QueryPrints, SoundSegment};
use signal::video::{Frame, Segment};
use signal::{Pdq, SignalType, Span};

use super::StreamError;
use super::pcm::{Heard, Pcm, push_silence};
use super::runs;
use super::said::Said;
use super::shown::Shown;
use crate::Seawall;
use crate::flows::calibrate::off_thread;
use crate::flows::hunt::Quarry;
use crate::flows::lookup::{self, Query};
use crate::flows::submit::SubmitError;
use crate::model::item::MediaSignal;
use crate::model::{EntryId, Match, Plays, Tier, TranscriptLine};

/// Frames that are remembered, so that they can be held against an entry of an incident.
const FRAMES_MAX: usize = 720;
/// Items of sound that are remembered, at each speed, for the same: as long as frames are.
const ITEMS_MAX: usize = (WINDOW_MS as f64 / ITEM_MS) as usize;
/// Segments of one entry that are remembered, the last ones.
const SEGMENTS_MAX: usize = 32;
/// A frame so near to the one that was looked up last shows the same picture.
const SAME_BITS: u32 = 4;
/// What sound is called that comes as it is.
const PCM: &str = "pcm_s16be";
const NO_PRINTER: &str = "the sound of streams has a rate that prints are made of";

/// What was seen and heard.
pub(super) struct Watch {
    videos: videos::Tracker,
    sounds: sounds::Tracker,
    printer: Printer,
    /// How far the sound has come that the platform sends itself.
    heard_pcm: Option<Heard>,
    frames: VecDeque<Frame>,
    /// The picture that was looked up last. What changes little by little is held against it, not against the frame before.
    last_looked: Option<Pdq>,
    prints: QueryPrints,
    shown: Shown,
    said: Said,
    /// Something was said since rules were asked about it.
    is_said_due: bool,
    /// Rules that fired for what is said, and were told.
    told_rules: BTreeSet<String>,
    pub plays: Plays,
    pub size: (u32, u32),
    pub mime: String,
    /// By the numbers of their entries, like what follows.
    seen: HashMap<u64, Vec<Segment>>,
    heard: HashMap<u64, Vec<SoundSegment>>,
    pictures: HashMap<u64, Match>,
    flaw: Option<Flaw>,
    /// Something was found since it was judged last.
    is_due: bool,
    /// Something was found since it was remembered last.
    has_grown: bool,
    told: HashMap<(EntryId, SignalType), Tier>,
    is_flaw_told: bool,
    n_told: u64,
}

/// Why not all of a stream was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Some of it could not be decoded.
    Damaged,
    /// Nothing could.
    Unscanned {
        /// A stable word.
        reason: &'static str,
        /// The same for people.
        detail: String,
    },
}

impl Watch {
    pub fn new() -> Self {
        let printer = Printer::new(SOUND_RATE, 1);
        Self {
            videos: videos::Tracker::new(),
            sounds: sounds::Tracker::new(),
            printer: printer.unwrap_or_else(|_| unreachable!("{NO_PRINTER}")),
            heard_pcm: None,
            frames: VecDeque::new(),
            last_looked: None,
            prints: QueryPrints::default(),
            shown: Shown::default(),
            said: Said::default(),
            is_said_due: false,
            told_rules: BTreeSet::new(),
            plays: Plays {
                duration_ms: 0,
                video_codec: None,
                audio_codec: None,
            },
            size: (0, 0),
            mime: String::new(),
            seen: HashMap::new(),
            heard: HashMap::new(),
            pictures: HashMap::new(),
            flaw: None,
            is_due: false,
            has_grown: false,
            told: HashMap::new(),
            is_flaw_told: false,
            n_told: 0,
        }
    }

    /// Whether this frame, or a later one, was seen whole: its votes are counted, and its picture was looked up. Of one moment there may be several frames.
    pub fn has_seen(&self, frame: &Frame) -> bool {
        let mut latest = self.frames.iter().rev().take_while(|seen| seen.at_ms >= frame.at_ms);
        latest.any(|seen| seen.at_ms > frame.at_ms || seen.pdq.hash == frame.pdq.hash)
    }

    /// A frame was seen.
    pub async fn see(&mut self, app: &Seawall, frame: Frame) -> Result<(), SubmitError> {
        let is_same = |last: Pdq| last.distance(frame.pdq.hash) <= SAME_BITS;
        if !self.last_looked.is_some_and(is_same) {
            self.see_picture(app, &frame).await?;
        }
        // From here on nothing fails and nothing waits: a frame that is sent again was seen, or was not.
        let found = off_thread(|| self.videos.push(app.matcher.recordings().videos(), &frame));
        for (handle, segment) in found {
            self.keep_seen(handle, segment);
        }
        let oldest_ms = frame.at_ms.saturating_sub(WINDOW_MS);
        self.frames.push_back(Frame { glimpse: None, ..frame });
        while self.frames.len() > FRAMES_MAX || self.frames.front().is_some_and(|first| first.at_ms < oldest_ms) {
            self.frames.pop_front();
        }
        Ok(())
    }

    /// Looks a frame up among the pictures of the banks.
    async fn see_picture(&mut self, app: &Seawall, frame: &Frame) -> Result<(), SubmitError> {
        let settings = app.matcher.settings();
        if frame.pdq.quality < settings.quality_min {
            return Ok(());
        }
        let signals = [MediaSignal::of_frame(frame)];
        let within_bits = settings.match_distance_bits;
        let among = lookup::look_up_among(app, &[Query::of_signals(&signals)], within_bits, &|_| true).await?;
        for m in among.found.into_iter().flat_map(|found| found.matches) {
            if let Some(handle) = among.handles.get(&m.target.entry) {
                self.keep_picture(*handle, m);
            }
        }
        self.last_looked = Some(frame.pdq.hash);
        Ok(())
    }

    /// A small picture was shown.
    pub fn show(&mut self, picture: StripPicture) {
        let is_near = self.shown.push(picture, &self.found_at());
        // At the end it is shown what came after.
        self.has_grown |= is_near && self.n_told > 0;
    }

    /// Something was said.
    pub fn say(&mut self, lines: Vec<TranscriptLine>) {
        if self.said.push(lines, &self.found_at()) {
            self.is_said_due = true;
            self.is_due = true;
            // At the end it is shown what was said after.
            self.has_grown |= self.n_told > 0;
        }
    }

    /// Whether nothing of it was seen or heard.
    fn has_nothing(&self) -> bool {
        self.plays.duration_ms == 0 && self.frames.is_empty() && self.prints.played.is_empty()
    }

    /// When something was found.
    fn found_at(&self) -> Vec<Span> {
        let seen = self.seen.values().flatten().map(|segment| segment.query);
        let heard = self.heard.values().flatten().map(|segment| segment.query);
        let pictures = self.pictures.values().filter_map(|m| m.frame).map(|frame| Span {
            from_ms: frame.at_ms,
            to_ms: frame.at_ms,
        });
        seen.chain(heard).chain(pictures).collect()
    }

    /// A piece of sound was heard that the platform sent itself. Returns where it ends.
    pub fn hear_piece(&mut self, app: &Seawall, piece: &Pcm) -> Result<u32, StreamError> {
        let (heard, new) = Heard::take(self.heard_pcm, piece);
        if let Some(begins_ms) = new.begins_ms {
            let printer = Printer::beginning_at(piece.rate, piece.channels, begins_ms);
            self.printer = printer.map_err(|error| StreamError::Invalid {
                field: "rate",
                what: error.to_string(),
            })?;
            self.plays.audio_codec = Some(PCM.to_owned());
        }
        self.heard_pcm = Some(heard);
        off_thread(|| push_silence(&mut self.printer, new.n_silent));
        self.hear(app, new.samples);
        Ok(heard.end_ms())
    }

    /// A piece of sound was heard.
    pub fn hear(&mut self, app: &Seawall, samples: &[i16]) {
        let found = off_thread(|| {
            self.printer.push(samples);
            let prints = self.printer.drain();
            keep_prints(&mut self.prints, &prints);
            self.sounds.push(&app.matcher.recordings().sounds(), prints)
        });
        for (handle, segment) in found {
            self.keep_heard(handle, segment);
        }
    }

    /// Looks for one entry in what is remembered.
    pub fn hunt(&mut self, app: &Seawall, quarry: &Quarry) {
        let frames: Vec<Frame> = self.frames.iter().cloned().collect();
        let played = off_thread(|| quarry.look_up(&frames, Some(&self.prints)));
        for (handle, segments) in played.seen {
            for segment in segments {
                self.keep_seen(handle, segment);
            }
        }
        for (handle, segments) in played.heard {
            for segment in segments {
                self.keep_heard(handle, segment);
            }
        }
        if let Some(m) = quarry.shown(app, &frames) {
            self.keep_picture(quarry.handle(), m);
        }
    }

    /// Looks once more at what is remembered of what was found: while a stream goes on, segments are told every few seconds, and end before they are over.
    fn look_back(&mut self, app: &Seawall) {
        let frames: Vec<Frame> = self.frames.iter().cloned().collect();
        let played = off_thread(|| app.matcher.recordings().look_up(&frames, Some(&self.prints)));
        for (handle, segments) in played.seen {
            for known in self.seen.get_mut(&handle).into_iter().flatten() {
                for segment in &segments {
                    self.has_grown |= runs::is_same(known, segment) && runs::prolong(known, segment);
                }
            }
        }
        for (handle, segments) in played.heard {
            for known in self.heard.get_mut(&handle).into_iter().flatten() {
                for segment in &segments {
                    let whole = runs::joined_sounds(known, segment);
                    self.has_grown |= whole.is_some_and(|whole| whole.query.to_ms > known.query.to_ms);
                    *known = whole.unwrap_or(*known);
                }
            }
        }
    }

    /// Not all of it was looked at.
    pub fn blame(&mut self, flaw: Flaw) {
        // What nothing is known of at all weighs more than what was damaged.
        if self.flaw.is_none() || self.flaw == Some(Flaw::Damaged) && flaw != Flaw::Damaged {
            self.flaw = Some(flaw);
            self.is_flaw_told = false;
            self.is_due = true;
        }
    }

    /// A segment that goes on takes the place of what was known of it.
    fn keep_seen(&mut self, handle: u64, segment: Segment) {
        let known = self.seen.entry(handle).or_default();
        known.retain(|other| !runs::is_same(other, &segment));
        push_last(known, segment);
        self.is_due = true;
        self.has_grown = true;
    }

    fn keep_heard(&mut self, handle: u64, segment: SoundSegment) {
        let known = self.heard.entry(handle).or_default();
        let mut whole = segment;
        // The latest sound alone was asked for, or all that is remembered: what was heard before is a part of it.
        known.retain(|other| match runs::joined_sounds(other, &whole) {
            Some(both) => {
                whole = both;
                false
            }
            None => true,
        });
        push_last(known, whole);
        self.is_due = true;
        self.has_grown = true;
    }

    /// Of a picture that is shown often the nearest counts.
    fn keep_picture(&mut self, handle: u64, m: Match) {
        let nearness = |m: &Match| (m.tier == Tier::Lead, m.distance);
        let is_nearer = self
            .pictures
            .get(&handle)
            .is_none_or(|known| nearness(&m) < nearness(known));
        if is_nearer {
            self.pictures.insert(handle, m);
            self.is_due = true;
            self.has_grown = true;
        }
    }
}

fn push_last<T>(known: &mut Vec<T>, segment: T) {
    known.push(segment);
    if known.len() > SEGMENTS_MAX {
        known.remove(0);
    }
}

fn keep_prints(kept: &mut QueryPrints, new: &QueryPrints) {
    for (number, played) in new.played.iter().enumerate() {
        match kept.played.get_mut(number) {
            Some(kept)
                if kept.speed == played.speed && kept.first as usize + kept.items.len() == played.first as usize =>
            {
                kept.items.extend_from_slice(&played.items);
            }
            // A gap: what was before lies elsewhere.
            Some(kept) => *kept = played.clone(),
            None => kept.played.push(played.clone()),
        }
    }
    for played in &mut kept.played {
        let forgotten = played.items.len().saturating_sub(ITEMS_MAX);
        played.items.drain(..forgotten);
        played.first += forgotten as u32;
    }
}
