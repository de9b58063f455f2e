//! The files of an item as pages show them: pictures, facts, and what each lies near to. Start with [`FileCard`].

use moderation::model::item::FramePlace;
use moderation::model::{
    EntryId, EntryState, Match, MatchSegment, Media, MediaId, MediaStatus, PreviewKind, Sighted, StripPlace, Tier,
};
use moderation::signal::{Signal, SignalType, nearness};
use moderation::views::{MatchView, MediaView};

use super::beside::Beside;
use super::pairs::{RunPairs, pairs_of};
use super::runs::{covered_ms, time_words};
use super::said::{SaidLine, lines_of};
use super::seen::{self, Overlay};
use super::shell::{Count, Shell, isolated};
use super::strip::{Strip, address_at};
use super::timeline::TimeLine;

/// Signals of a file that a page shows; a file that moves may have hundreds.
const SIGNALS_SHOWN_MAX: usize = 12;

/// The distance at the end of the scale, in bits. The lead threshold lies before it; what is farther is no match.
const SCALE_BITS: u32 = 64;

/// Where a preview of a file is.
pub fn media_url(id: MediaId, kind: PreviewKind) -> String {
    format!("/media/{id}/{kind}")
}

/// Where a preview of an entry is.
pub fn entry_url(id: EntryId, kind: PreviewKind) -> String {
    format!("/entries/{id}/{kind}")
}

/// The pictures of one thing: blurred until someone holds a button.
pub struct Pictures {
    /// Shown at first.
    pub blurred: String,
    /// Shown while revealed.
    pub small: Option<String>,
    /// Shown while revealed without colour.
    pub greyscale: Option<String>,
}

impl Pictures {
    /// The pictures of a file that has these previews.
    fn of_media(id: MediaId, kinds: &[PreviewKind]) -> Option<Self> {
        let url = |kind| kinds.contains(&kind).then(|| media_url(id, kind));
        let (small, greyscale) = (url(PreviewKind::Small), url(PreviewKind::Greyscale));
        Some(Self {
            blurred: url(PreviewKind::Blurred)?,
            small,
            greyscale,
        })
    }

    /// The pictures of an entry that has previews.
    pub fn of_entry(id: EntryId) -> Self {
        Self {
            blurred: entry_url(id, PreviewKind::Blurred),
            small: Some(entry_url(id, PreviewKind::Small)),
            greyscale: Some(entry_url(id, PreviewKind::Greyscale)),
        }
    }
}

/// A file with its evidence.
pub struct FileCard {
    /// The name that the platform gave it.
    pub name: String,
    /// Its pictures, if there are any.
    pub pictures: Option<Pictures>,
    /// Why it was not scanned, as a stable word.
    pub unscanned: Option<String>,
    /// The same for people.
    pub detail: String,
    /// What it lies near to, the nearest first.
    pub matches: Vec<MatchCard>,
    /// Whether there were more matches than are kept.
    pub is_capped: bool,
    /// Its signals.
    pub signals: Vec<SignalLine>,
    /// Some of its frames, if it is a video and a person is to look at it.
    pub strip: Option<Strip>,
    /// What is said in it, if the platform wrote that down.
    pub said: Vec<SaidLine>,
    /// The platform's own address at the beginning of the match, if there is one.
    pub address_at_match: Option<String>,
    status: MediaStatus,
}

/// A signal as a page shows it.
pub struct SignalLine {
    /// Its kind.
    pub type_: SignalType,
    /// Its value.
    pub value: String,
    /// Its quality, if its kind has one.
    pub quality: Option<u8>,
    /// Its frame, in words.
    pub frame: Option<String>,
}

impl SignalLine {
    /// A signal that is of no frame.
    pub fn of(signal: &Signal) -> Self {
        Self {
            type_: signal.signal_type(),
            value: signal.value(),
            quality: signal.quality(),
            frame: None,
        }
    }
}

/// An entry that a file lies near to.
pub struct MatchCard {
    /// Match or lead.
    pub tier: Tier,
    /// How far apart, in bits.
    pub distance: u32,
    /// The threshold it is within.
    pub threshold: u32,
    /// Equal digests: the same bytes.
    pub is_digest: bool,
    /// Where the entry's page is.
    pub entry_url: String,
    /// Its name.
    pub entry_name: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Where it came from.
    pub source: String,
    /// Its pictures, if there are any.
    pub pictures: Option<Pictures>,
    /// It is out of its bank by now.
    pub is_removed: bool,
    /// It is not matched any more.
    pub is_disabled: bool,
    /// Where the bank's page is.
    pub bank_url: String,
    /// The bank's name.
    pub bank_name: String,
    /// Whether the bank was confirmed when the match was found.
    pub bank_confirmed: bool,
    /// Which kind of signal.
    pub signal_type: SignalType,
    /// Where in the file the entry was found, if that is not all of it.
    pub overlay: Option<Overlay>,
    /// Where the entry was seen by its keypoints, if it was.
    pub sighting: Option<Sighted>,
    /// It was seen by its keypoints alone: the distance of the whole pictures means little.
    pub is_only_seen: bool,
    /// The file is near to a part of the entry's picture, not to all of it.
    pub is_part_of_entry: bool,
    /// Bits between the entry and the nearest of the platform's harmless pictures, where that is known.
    pub nearest_benign_bits: Option<u32>,
    /// Harmless posts look nearly like the entry.
    pub is_template: bool,
    /// Both are compared over their time: the distance is no number of bits.
    pub is_recording: bool,
    /// How both agree over time, if the file plays.
    pub time_line: Option<TimeLine>,
    /// Frames of both where they agree, if there are any.
    pub pairs: Vec<RunPairs>,
    entry: EntryId,
    entry_strip: Vec<StripPlace>,
    segments: Vec<MatchSegment>,
    entry_ms: Option<u32>,
    view: String,
    frame: Option<FramePlace>,
    also: Vec<(SignalType, u32, bool)>,
}

/// A line that pictures a distance: places in percent of its width, from the left, whichever way the language is written.
pub struct Scale {
    /// Where the line begins to read.
    pub zero_x: u32,
    /// The left end of what is within the threshold.
    pub within_x: u32,
    /// How long that is.
    pub threshold: u32,
    /// Where the threshold is.
    pub threshold_x: u32,
    /// Where the distance is.
    pub distance_x: u32,
}

impl Scale {
    fn of(distance: u32, threshold: u32, dir: &str) -> Self {
        let percent = |bits: u32| bits.min(SCALE_BITS) * 100 / SCALE_BITS;
        let place = |percent: u32| if dir == "rtl" { 100 - percent } else { percent };
        let threshold = percent(threshold);
        let within_x = if dir == "rtl" { 100 - threshold } else { 0 };
        Self {
            zero_x: place(0),
            within_x,
            threshold,
            threshold_x: place(threshold),
            distance_x: place(percent(distance)),
        }
    }
}

/// Other signals of an entry that are named beside its nearest.
const ALSO_MAX: usize = 6;

/// One card for each entry, the nearest first; an entry may be near by several signals and frames, and be seen and heard.
fn match_cards(views: Vec<MatchView>, media: &Media, strip: &[StripPlace], peaks: Option<&[u8]>) -> Vec<MatchCard> {
    let status = &media.status;
    let mut cards: Vec<MatchCard> = Vec::new();
    for card in views.into_iter().map(|view| MatchCard::of(view, status)) {
        match cards.iter_mut().find(|known| known.entry_url == card.entry_url) {
            Some(known) => {
                known.segments.extend(&card.segments);
                if known.also.len() < ALSO_MAX && !card.is_recording {
                    known.also.push((card.signal_type, card.distance, card.is_digest));
                }
            }
            None => cards.push(card),
        }
    }
    let file_ms = match status {
        MediaStatus::Scanned { plays: Some(plays), .. } => Some(plays.duration_ms),
        MediaStatus::Scanned { .. } | MediaStatus::Given | MediaStatus::Unscanned { .. } => None,
    };
    for card in &mut cards {
        card.time_line = TimeLine::of(&card.segments, file_ms, card.entry_ms, peaks);
        let runs = card.time_line.iter().flat_map(|line| &line.runs);
        let runs = runs.map(|run| (run.number, run.segment));
        card.pairs = pairs_of((media.id, strip), (card.entry, &card.entry_strip), runs);
    }
    cards
}

/// The files of an item, what needs eyes first: matches by nearness, then what could not be scanned, then the rest.
pub fn file_cards(media: Vec<MediaView>, beside: &Beside, shell: &Shell) -> Vec<FileCard> {
    let mut cards: Vec<FileCard> = media
        .into_iter()
        .map(|view| FileCard::of(view, beside, shell))
        .collect();
    cards.sort_by_key(|card| match card.best() {
        Some(best) => (0, best.tier == Tier::Lead, best.distance),
        None if card.unscanned.is_some() => (1, false, 0),
        None => (2, false, 0),
    });
    cards
}

impl FileCard {
    /// The file and its evidence.
    fn of(view: MediaView, beside: &Beside, shell: &Shell) -> Self {
        let (unscanned, detail) = match &view.media.status {
            MediaStatus::Unscanned { reason, detail } => (Some(reason.clone()), detail.clone()),
            MediaStatus::Scanned { .. } | MediaStatus::Given => (None, String::new()),
        };
        let signals = view.media.signals.iter().take(SIGNALS_SHOWN_MAX);
        let peaks = beside.waves.get(&view.media.id).map(Vec::as_slice);
        let matches = match_cards(view.matches, &view.media, &view.strip, peaks);
        let runs: Vec<MatchSegment> = matches.first().map_or_else(Vec::new, MatchCard::surest_runs);
        let begins_ms = runs.iter().map(|run| run.query.from_ms).min();
        let plays = matches.first().is_some_and(|best| best.time_line.is_some());
        let address = beside.url.as_deref().zip(begins_ms.filter(|_| plays));
        Self {
            pictures: Pictures::of_media(view.media.id, &view.previews),
            unscanned,
            detail,
            strip: Strip::of(&format!("/media/{}", view.media.id), &view.strip, &runs),
            said: lines_of(view.transcript, &view.strip, &runs),
            address_at_match: address.and_then(|(url, ms)| address_at(url, ms / 1_000)),
            matches,
            is_capped: view.matches_capped,
            signals: signals
                .map(|kept| SignalLine {
                    frame: kept.frame.map(|at| frame_words(shell, at)),
                    ..SignalLine::of(&kept.signal)
                })
                .collect(),
            name: view.media.name,
            status: view.media.status,
        }
    }

    /// The nearest match.
    pub fn best(&self) -> Option<&MatchCard> {
        self.matches.first()
    }

    /// The other matches.
    pub fn more(&self) -> &[MatchCard] {
        self.matches.get(1..).unwrap_or_default()
    }

    /// How many others there are.
    pub fn n_more(&self) -> usize {
        self.more().len()
    }

    /// Whether the file could be decoded only in part.
    pub fn is_damaged(&self) -> bool {
        matches!(self.status, MediaStatus::Scanned { is_intact: false, .. })
    }

    /// Whether a shape is drawn over its picture.
    pub fn has_overlay(&self) -> bool {
        self.pictures.is_some() && self.best().is_some_and(|best| best.overlay.is_some())
    }

    /// Whether there is anything to reveal.
    pub fn has_pictures(&self) -> bool {
        self.pictures.is_some() || self.strip.is_some() || self.matches.iter().any(|found| found.pictures.is_some())
    }

    /// Type, size and dimensions in words.
    pub fn facts_words(&self, shell: &Shell) -> String {
        match &self.status {
            MediaStatus::Scanned {
                media_type,
                size_bytes,
                width,
                height,
                plays,
                ..
            } => {
                let pixels = (*width > 0).then(|| shell.with_two("unit.pixels", "width", width, "height", height));
                let mut parts = vec![media_type.clone()];
                parts.extend(pixels);
                if let Some(plays) = plays {
                    parts.push(time_words(plays.duration_ms));
                    parts.extend(plays.video_codec.clone());
                    parts.extend(plays.audio_codec.clone());
                }
                parts.push(size_words(shell, *size_bytes));
                let parts = parts.iter().map(|part| isolated(part));
                parts.collect::<Vec<_>>().join(" · ")
            }
            MediaStatus::Given => shell.t("media_status.given").to_owned(),
            MediaStatus::Unscanned { .. } => shell.t("media_status.unscanned").to_owned(),
        }
    }
}

impl MatchCard {
    fn of(view: MatchView, status: &MediaStatus) -> Self {
        let found = view.m;
        let overlay = Overlay::of(&found, status);
        let is_digest = match found.signal_type {
            SignalType::Pdq | SignalType::Vpdq | SignalType::Chromaprint => false,
            SignalType::Md5 | SignalType::Sha256 => true,
        };
        Self {
            tier: found.tier,
            distance: found.distance,
            threshold: found.threshold,
            is_digest,
            entry_url: format!("/entries/{}", found.target.entry),
            entry_name: view.entry_name,
            labels: view.entry_labels,
            source: view.entry_source,
            pictures: view.entry_has_previews.then(|| Pictures::of_entry(found.target.entry)),
            is_removed: view.entry_state == EntryState::Removed,
            is_disabled: view.entry_state == EntryState::Disabled,
            bank_url: format!("/banks/{}", found.target.bank),
            bank_name: found.target.bank_name,
            bank_confirmed: found.target.bank_confirmed,
            signal_type: found.signal_type,
            overlay,
            sighting: found.sighting,
            is_only_seen: found.view == Match::SIGHTING,
            is_part_of_entry: found.entry_part.is_some(),
            nearest_benign_bits: found.nearest_benign_bits,
            is_template: nearness::is_template(found.nearest_benign_bits),
            is_recording: matches!(found.signal_type, SignalType::Vpdq | SignalType::Chromaprint),
            time_line: None,
            pairs: Vec::new(),
            entry: found.target.entry,
            entry_strip: view.entry_strip,
            entry_ms: view.entry_duration_ms,
            segments: found.segments,
            view: found.view,
            frame: found.frame,
            also: Vec::new(),
        }
    }

    /// The line that pictures the distance; none where equal is all there is.
    pub fn scale(&self, shell: &Shell) -> Option<Scale> {
        (self.is_measured() && !self.is_only_seen).then(|| Scale::of(self.distance, self.threshold, shell.dir()))
    }

    /// Whether the distance is a number of bits.
    pub fn is_measured(&self) -> bool {
        !self.is_digest && !self.is_recording
    }

    /// The runs that make it what it is: of a match those that are only leads say less.
    fn surest_runs(&self) -> Vec<MatchSegment> {
        let surest = self.segments.iter().filter(|segment| segment.tier == self.tier);
        surest.copied().collect()
    }

    /// How near a video or a sound is, in words: for how long both agree, or of which moment the file is a still.
    pub fn recording_words(&self, shell: &Shell) -> String {
        match (&self.time_line, self.segments.first()) {
            (None, Some(still)) => shell.with("recording.still", "time", time_words(still.entry.from_ms)),
            (_, _) => {
                let common = covered_ms(self.surest_runs().iter().map(|segment| segment.query));
                shell.with("recording.common", "time", time_words(common))
            }
        }
    }

    /// How the file was looked at, in words.
    pub fn view_words(&self, shell: &Shell) -> String {
        seen::view_words(shell, &self.view)
    }

    /// What the second look found, in words.
    pub fn sighting_words(&self, shell: &Shell) -> Option<String> {
        let seen = self.sighting?;
        let places = shell.count("case.sighting_places", seen.places);
        let alike = shell.with_two("case.sighting_alike", "alike", seen.alike, "compared", seen.compared);
        let mirrored = seen.is_mirrored.then(|| shell.t("case.sighting_mirrored").to_owned());
        Some(
            [Some(places), Some(alike), mirrored]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" "),
        )
    }

    /// By which other signals the same entry is near, in words.
    pub fn also_words(&self, shell: &Shell) -> Option<String> {
        let words = self.also.iter().map(|(kind, distance, is_digest)| {
            let near = if *is_digest {
                shell.t("case.exact").to_owned()
            } else {
                shell.count("case.distance_bits", *distance)
            };
            isolated(&format!("{kind}: {near}"))
        });
        let words: Vec<String> = words.collect();
        (!words.is_empty()).then(|| shell.with("case.also", "what", words.join(", ")))
    }

    /// Which frame, in words.
    pub fn frame_words(&self, shell: &Shell) -> Option<String> {
        self.frame.map(|frame| frame_words(shell, frame))
    }
}

fn frame_words(shell: &Shell, frame: FramePlace) -> String {
    let seconds = format!("{}.{}", frame.at_ms / 1_000, frame.at_ms % 1_000 / 100);
    // People count from one.
    shell.with_two("case.frame", "n", u64::from(frame.index) + 1, "seconds", seconds)
}

fn size_words(shell: &Shell, size_bytes: u64) -> String {
    if size_bytes >= 1_000_000 {
        let tenths = size_bytes / 100_000;
        return shell.with("unit.megabytes", "n", format!("{}.{}", tenths / 10, tenths % 10));
    }
    shell.with("unit.kilobytes", "n", shell.number(size_bytes.n().div_ceil(1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_reads_the_way_the_language_does() {
        let places = |dir| {
            let scale = Scale::of(16, 32, dir);
            (
                scale.zero_x,
                scale.within_x,
                scale.threshold,
                scale.threshold_x,
                scale.distance_x,
            )
        };
        assert_eq!(places("ltr"), (0, 0, 50, 50, 25));
        assert_eq!(places("rtl"), (100, 50, 50, 50, 75));
        assert_eq!(Scale::of(256, 31, "ltr").distance_x, 100);
    }
}
