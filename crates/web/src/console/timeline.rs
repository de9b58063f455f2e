//! The time line of a match: the posted file above, the known content below, the runs that agree joined, to scale. It is drawn on the server as
//! SVG and said again as a table. It knows no page. Start with [`TimeLine`].
//!
//! Time runs from left to right in every language, as players show it. Places are ten-thousandths of the width, so that the drawing fits any
//! screen; heights are pixels.

use std::fmt::Write;

use moderation::model::{MatchSegment, SegmentKind, Span, Tier};

use super::runs::{Run, time_words};
use super::shell::Shell;

/// The width of the drawing.
const WIDTH: u64 = 10_000;
/// A run that would be narrower is drawn so wide, to be seen.
const BAR_WIDTH_MIN: u64 = 40;
/// A run that is narrower has no number drawn on it.
const NUMBERED_WIDTH_MIN: u64 = 300;
/// Where one of both plays so many times as long as the other, each has its own scale.
const ONE_SCALE_MAX: u64 = 6;
/// Times that are written beside a track, with its end.
const TICKS_MAX: u64 = 5;
/// A time that is nearer to the end than this is not written.
const TICK_GAP: u64 = 1_500;
/// Points of the line that shows loudness.
const WAVE_POINTS_MAX: usize = 500;
/// A peak of loudness for each so many milliseconds.
const WAVE_STEP_MS: u64 = 100;
/// Steps between written times, in seconds.
const TICK_STEPS: [u64; 17] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400,
];

const WORDS_HEIGHT: u32 = 17;
const WAVE_HEIGHT: u32 = 30;
const LANE_HEIGHT: u32 = 20;
const LANE_GAP: u32 = 3;
const JOIN_HEIGHT: u32 = 34;

/// How a file and an entry agree over time, as a page draws it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeLine {
    /// The posted file.
    pub file: Track,
    /// The known content; none where it is a picture.
    pub entry: Option<Track>,
    /// What joins the runs.
    pub joins: Vec<Join>,
    /// The line that shows how loud the file is, if that is known.
    pub wave: Option<Wave>,
    /// The drawing's height.
    pub height: u32,
    /// Where the joins begin.
    pub join_y: u32,
    /// How high the joins are.
    pub join_height: u32,
    /// Both tracks have the same scale.
    pub is_one_scale: bool,
    /// The runs, in the order of the file.
    pub runs: Vec<Run>,
}

/// A line for one of both, with its times and runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// The upper edge.
    pub y: u32,
    /// How high.
    pub height: u32,
    /// How long, in ten-thousandths.
    length: u64,
    /// Where its times are written.
    pub words_y: u32,
    /// Times that are written.
    pub ticks: Vec<Tick>,
    /// What agrees.
    pub bars: Vec<Bar>,
}

/// A time that is written beside a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    x: u64,
    /// The time.
    pub words: String,
    /// How the words stand to their place.
    pub anchor: &'static str,
}

/// A run on a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// Its number in the table, from 1.
    pub number: usize,
    /// Seen or heard.
    pub kind: SegmentKind,
    /// Match or lead.
    pub tier: Tier,
    /// The upper edge.
    pub y: u32,
    /// How high.
    pub height: u32,
    x: u64,
    width: u64,
}

/// The area between a run of the file and that of the entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// Seen or heard.
    pub kind: SegmentKind,
    /// Match or lead.
    pub tier: Tier,
    /// Its corners, as SVG writes them.
    pub points: String,
}

/// How loud a file is, from its beginning to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wave {
    /// The upper edge.
    pub y: u32,
    /// How high.
    pub height: u32,
    /// Its shape, as an SVG path.
    pub path: String,
}

/// Ten-thousandths as SVG writes a share of the width.
fn percent(x: u64) -> String {
    format!("{}.{:02}%", x / 100, x % 100)
}

/// How long a whole is of which these are known parts: as told, or as the largest share tells it, and never shorter than they reach.
fn whole_ms(told: Option<u32>, parts: impl Iterator<Item = (Span, u32)> + Clone) -> u32 {
    let reached = parts.clone().map(|(span, _)| span.to_ms).max().unwrap_or(0);
    let of_share = |(span, share): (Span, u32)| {
        let ms = (u64::from(span.to_ms - span.from_ms.min(span.to_ms)) * 10_000).checked_div(u64::from(share));
        ms.map_or(0, |ms| u32::try_from(ms).unwrap_or(u32::MAX))
    };
    let told = told.or_else(|| parts.max_by_key(|(_, share)| *share).map(of_share));
    told.unwrap_or(0).max(reached)
}

impl TimeLine {
    /// The time line of a match with these segments; none where the file stands still. Durations that are not known follow from the shares.
    pub fn of(
        segments: &[MatchSegment],
        file_ms: Option<u32>,
        entry_ms: Option<u32>,
        peaks: Option<&[u8]>,
    ) -> Option<Self> {
        let mut segments: Vec<MatchSegment> = segments.to_vec();
        segments.sort_by_key(|segment| (segment.query.from_ms, segment.query.to_ms, segment.kind.as_str()));
        let file_ms = whole_ms(
            file_ms,
            segments.iter().map(|segment| (segment.query, segment.query_share)),
        );
        let entry_ms = whole_ms(
            entry_ms,
            segments.iter().map(|segment| (segment.entry, segment.entry_share)),
        );
        if segments.is_empty() || file_ms == 0 {
            return None;
        }
        let (longer, shorter) = (
            u64::from(file_ms.max(entry_ms)),
            u64::from(file_ms.min(entry_ms)).max(1),
        );
        let is_one_scale = entry_ms == 0 || longer <= shorter * ONE_SCALE_MAX;
        let (file_scale, entry_scale) = match is_one_scale {
            true => (longer, longer),
            false => (u64::from(file_ms), u64::from(entry_ms)),
        };
        let has_both = [SegmentKind::Picture, SegmentKind::Sound]
            .iter()
            .all(|kind| segments.iter().any(|segment| segment.kind == *kind));
        let track_height = if has_both {
            2 * LANE_HEIGHT + LANE_GAP
        } else {
            LANE_HEIGHT
        };

        let peaks = peaks.filter(|peaks| !peaks.is_empty());
        let wave = peaks.map(|peaks| Wave::of(peaks, file_scale));
        let file_y = WORDS_HEIGHT + wave.as_ref().map_or(0, |wave| wave.height + LANE_GAP);
        let join_y = file_y + track_height;
        let entry_y = join_y + JOIN_HEIGHT;
        let numbered = || segments.iter().enumerate().map(|(idx, segment)| (idx + 1, segment));
        let track = |y, words_y, ms: u32, scale: u64, span_of: fn(&MatchSegment) -> Span| Track {
            y,
            height: track_height,
            length: place(u64::from(ms), scale),
            words_y,
            ticks: ticks(u64::from(ms), scale),
            bars: numbered()
                .map(|(number, segment)| Bar::of(number, segment, span_of(segment), scale, y, has_both))
                .collect(),
        };
        let file = track(file_y, WORDS_HEIGHT - 6, file_ms, file_scale, |segment| segment.query);
        let entry_words_y = entry_y + track_height + WORDS_HEIGHT - 3;
        let entry =
            (entry_ms > 0).then(|| track(entry_y, entry_words_y, entry_ms, entry_scale, |segment| segment.entry));
        let joins = match &entry {
            Some(entry) => file
                .bars
                .iter()
                .zip(&entry.bars)
                .map(|(of_file, of_entry)| Join::of(of_file, of_entry))
                .collect(),
            None => Vec::new(),
        };
        Some(Self {
            height: match entry {
                Some(_) => entry_words_y + 4,
                None => join_y + 2,
            },
            runs: numbered()
                .map(|(number, segment)| Run {
                    number,
                    segment: *segment,
                    is_of_picture: entry.is_none(),
                })
                .collect(),
            file,
            entry,
            joins,
            wave,
            join_y,
            join_height: JOIN_HEIGHT,
            is_one_scale,
        })
    }

    /// Whether something in it is seen.
    pub fn is_seen(&self) -> bool {
        self.runs.iter().any(|run| run.segment.kind == SegmentKind::Picture)
    }

    /// Whether something in it is heard.
    pub fn is_heard(&self) -> bool {
        self.runs.iter().any(|run| run.segment.kind == SegmentKind::Sound)
    }

    /// Whether a run is only a lead.
    pub fn has_leads(&self) -> bool {
        self.runs.iter().any(|run| run.segment.tier == Tier::Lead)
    }

    /// What the drawing shows, in words.
    pub fn description(&self, shell: &Shell) -> String {
        let runs = self.runs.iter().map(|run| match run.entry_words() {
            Some(entry) => shell.with_two("recording.run", "file", run.file_words(), "entry", entry),
            None => shell.with("recording.run_of_picture", "file", run.file_words()),
        });
        runs.collect::<Vec<_>>().join(" ")
    }
}

/// Where a time lies.
fn place(ms: u64, scale_ms: u64) -> u64 {
    (ms * WIDTH).checked_div(scale_ms).unwrap_or(0).min(WIDTH)
}

/// The beginning, some round times, and the end.
fn ticks(duration_ms: u64, scale_ms: u64) -> Vec<Tick> {
    let words = |ms: u64| time_words(u32::try_from(ms).unwrap_or(u32::MAX));
    let mut ticks = vec![Tick {
        x: 0,
        words: words(0),
        anchor: "start",
    }];
    let end = place(duration_ms, scale_ms);
    let step_s = TICK_STEPS.into_iter().find(|step| scale_ms <= step * 1_000 * TICKS_MAX);
    let step_ms = step_s.unwrap_or(TICK_STEPS[TICK_STEPS.len() - 1]) * 1_000;
    let round = (1..=TICKS_MAX).map(|n| n * step_ms);
    for ms in round.take_while(|ms| *ms < duration_ms) {
        let x = place(ms, scale_ms);
        if x >= TICK_GAP && x + TICK_GAP <= end {
            ticks.push(Tick {
                x,
                words: words(ms),
                anchor: "middle",
            });
        }
    }
    if end >= TICK_GAP {
        ticks.push(Tick {
            x: end,
            words: words(duration_ms),
            anchor: "end",
        });
    }
    ticks
}

impl Track {
    /// Its length, as SVG writes it.
    pub fn length(&self) -> String {
        percent(self.length)
    }
}

impl Tick {
    /// Its place, as SVG writes it.
    pub fn x(&self) -> String {
        percent(self.x)
    }
}

impl Bar {
    fn of(number: usize, segment: &MatchSegment, span: Span, scale_ms: u64, track_y: u32, has_both: bool) -> Self {
        let from = place(u64::from(span.from_ms), scale_ms);
        let width = (place(u64::from(span.to_ms), scale_ms) - from).max(BAR_WIDTH_MIN);
        let lane = u32::from(has_both && segment.kind == SegmentKind::Sound);
        Self {
            number,
            kind: segment.kind,
            tier: segment.tier,
            y: track_y + lane * (LANE_HEIGHT + LANE_GAP),
            height: LANE_HEIGHT,
            x: from.min(WIDTH - width),
            width,
        }
    }

    /// Its left end, as SVG writes it.
    pub fn x(&self) -> String {
        percent(self.x)
    }

    /// Its width, as SVG writes it.
    pub fn width(&self) -> String {
        percent(self.width)
    }

    /// Where its number stands; none where it is too narrow for one.
    pub fn number_x(&self) -> Option<String> {
        (self.width >= NUMBERED_WIDTH_MIN).then(|| percent(self.x + self.width / 2))
    }

    /// Where the number's feet stand.
    pub fn number_y(&self) -> u32 {
        self.y + self.height - 6
    }
}

impl Join {
    fn of(file: &Bar, entry: &Bar) -> Self {
        Self {
            kind: file.kind,
            tier: file.tier,
            points: format!(
                "{},0 {},0 {},{JOIN_HEIGHT} {},{JOIN_HEIGHT}",
                file.x,
                file.x + file.width,
                entry.x + entry.width,
                entry.x
            ),
        }
    }
}

impl Wave {
    fn of(peaks: &[u8], scale_ms: u64) -> Self {
        let per_point = peaks.len().div_ceil(WAVE_POINTS_MAX).max(1);
        let mut path = format!("M0 {WAVE_HEIGHT}");
        let mut x = 0;
        for (idx, some) in peaks.chunks(per_point).enumerate() {
            let loudest = u32::from(some.iter().copied().max().unwrap_or(0));
            let y = WAVE_HEIGHT - loudest * (WAVE_HEIGHT - 1) / 255;
            let at_ms = ((idx * per_point + some.len()) as u64) * WAVE_STEP_MS;
            // Steps rather than slopes: what is silent looks so. Writing to text cannot fail.
            let to = place(at_ms, scale_ms);
            let _ = write!(path, "V{y}H{to}");
            x = to;
        }
        let _ = write!(path, "V{WAVE_HEIGHT}H{x}Z");
        Self {
            y: WORDS_HEIGHT,
            height: WAVE_HEIGHT,
            path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(kind: SegmentKind, query: (u32, u32), entry: (u32, u32)) -> MatchSegment {
        let span = |(from_ms, to_ms)| Span { from_ms, to_ms };
        MatchSegment {
            kind,
            tier: Tier::Match,
            query: span(query),
            entry: span(entry),
            rate_thousandths: 1_000,
            frames: 12,
            query_share: 2_000,
            entry_share: 1_000,
            is_mirrored: false,
            chance_log10_tenths: -63,
        }
    }

    #[test]
    fn runs_are_drawn_to_one_scale_and_joined() {
        let run = segment(SegmentKind::Picture, (10_000, 20_000), (60_000, 70_000));
        let line = TimeLine::of(&[run], Some(50_000), Some(100_000), None).unwrap();
        let entry = line.entry.as_ref().unwrap();
        assert!(line.is_one_scale);
        assert_eq!(
            (line.file.length(), entry.length()),
            ("50.00%".to_owned(), "100.00%".to_owned())
        );
        let bars = [&line.file.bars[0], &entry.bars[0]].map(|bar| (bar.x(), bar.width()));
        assert_eq!(
            bars,
            [("10.00%", "10.00%"), ("60.00%", "10.00%")].map(|(x, w)| (x.to_owned(), w.to_owned()))
        );
        assert_eq!(line.joins[0].points, "1000,0 2000,0 7000,34 6000,34");
    }

    #[test]
    fn what_plays_far_longer_has_its_own_scale_and_a_moment_is_still_seen() {
        let run = segment(SegmentKind::Picture, (0, 10_000), (3_600_000, 3_610_000));
        let line = TimeLine::of(&[run], Some(10_000), Some(7_200_000), None).unwrap();
        let bar = &line.entry.as_ref().unwrap().bars[0];
        assert!(!line.is_one_scale);
        assert_eq!(
            (line.file.length(), bar.x(), bar.width()),
            ("100.00%".into(), "50.00%".into(), "0.40%".into())
        );
        assert_eq!(bar.number_x(), None);
    }

    #[test]
    fn a_duration_that_is_not_told_follows_from_the_shares() {
        let run = segment(SegmentKind::Picture, (0, 10_000), (0, 10_000));
        let line = TimeLine::of(&[run], None, None, None).unwrap();
        let ends = [&line.file, line.entry.as_ref().unwrap()].map(|track| track.ticks.last().unwrap().words.clone());
        assert_eq!(ends, ["0:50", "1:40"]);
        let still = segment(SegmentKind::Picture, (0, 0), (0, 10_000));
        assert_eq!(
            TimeLine::of(&[still], None, None, None),
            None,
            "a picture has no time line"
        );
        assert_eq!(TimeLine::of(&[], Some(1_000), Some(1_000), None), None);
    }

    #[test]
    fn what_is_heard_has_a_lane_of_its_own_below_what_is_seen() {
        let both = [SegmentKind::Sound, SegmentKind::Picture].map(|kind| segment(kind, (0, 5_000), (0, 5_000)));
        let line = TimeLine::of(&both, Some(5_000), Some(5_000), Some(&[0, 255])).unwrap();
        let [seen, heard] = &line.file.bars[..] else {
            panic!("{line:#?}")
        };
        assert_eq!((seen.kind, heard.kind), (SegmentKind::Picture, SegmentKind::Sound));
        assert!(seen.y + seen.height < heard.y && heard.y + heard.height <= line.join_y);
        assert_eq!(line.wave.unwrap().path, "M0 30V30H200V1H400V30H400Z");
    }

    #[test]
    fn a_picture_that_is_shown_in_a_video_has_one_track() {
        let shown = MatchSegment {
            entry_share: 10_000,
            ..segment(SegmentKind::Picture, (2_000, 4_000), (0, 0))
        };
        let line = TimeLine::of(&[shown], Some(10_000), None, None).unwrap();
        assert_eq!(
            (line.entry, line.joins.len(), line.runs[0].entry_words()),
            (None, 0, None)
        );
    }

    #[test]
    fn few_times_are_written_and_none_over_another() {
        for seconds in [1, 4, 9, 61, 599, 3_599, 3_601, 20_000, 100_000] {
            let ticks = ticks(seconds * 1_000, seconds * 1_000);
            assert!((2..=6).contains(&ticks.len()), "{seconds} {ticks:?}");
            assert!(
                ticks.is_sorted_by(|one, next| one.x + 900 <= next.x),
                "{seconds} {ticks:?}"
            );
        }
    }
}
