//! Frames of a run of the posted file above those of the known content that were shown at the corresponding times. It knows no page. Start with
//! [`pairs_of`].

use moderation::model::{EntryId, MatchSegment, MediaId, SegmentKind, Span, StripPlace};

use super::runs::time_words;

/// Runs whose frames are shown, the first ones.
const RUNS_MAX: usize = 4;
/// Pairs of frames that are shown of one run.
const PAIRS_MAX: usize = 6;
/// A kept frame that was shown further from the time that is asked for is said to be only near.
const NEAR_MS: u32 = 2_500;

/// A run of which there are frames of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPairs {
    /// The run's number on the time line.
    pub number: usize,
    /// The frames, in the order of time.
    pub pairs: Vec<Pair>,
    /// Some frames are not of the very time that agrees.
    pub is_near_only: bool,
}

/// A frame of the posted file and one of the known content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// What was posted.
    pub posted: Still,
    /// What is known.
    pub known: Still,
}

/// A frame of which a picture is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still {
    /// When it is shown.
    pub time: String,
    /// Where its blurred picture is.
    pub blurred: String,
    /// Where its clear one is: asking for it is noted.
    pub small: String,
    /// It is the nearest that is kept, and not of the time that agrees.
    pub is_near_only: bool,
}

/// The frames of both, run by run. The runs are in the order of the time line, by which they are numbered.
pub fn pairs_of(
    (media, posted): (MediaId, &[StripPlace]),
    (entry, known): (EntryId, &[StripPlace]),
    runs: impl Iterator<Item = (usize, MatchSegment)>,
) -> Vec<RunPairs> {
    if posted.is_empty() || known.is_empty() {
        return Vec::new();
    }
    let of_run = |(number, run): (usize, MatchSegment)| {
        let chosen = choose(&run, posted, known);
        let pairs = chosen.into_iter().map(|(of_file, of_entry)| Pair {
            posted: Still::of(
                &format!("/media/{media}"),
                of_file,
                of_file.at_ms.abs_diff(within(of_file.at_ms, run.query)),
            ),
            known: Still::of(
                &format!("/entries/{entry}"),
                of_entry,
                of_entry.at_ms.abs_diff(time_in_entry(&run, of_file.at_ms)),
            ),
        });
        let pairs: Vec<Pair> = pairs.collect();
        RunPairs {
            number,
            is_near_only: pairs
                .iter()
                .any(|pair| pair.posted.is_near_only || pair.known.is_near_only),
            pairs,
        }
    };
    let seen = runs.filter(|(_, run)| run.kind == SegmentKind::Picture && run.rate_thousandths > 0);
    seen.take(RUNS_MAX).map(of_run).collect()
}

impl Still {
    fn of(base: &str, place: StripPlace, apart_ms: u32) -> Self {
        let idx = place.idx;
        Self {
            time: time_words(place.at_ms),
            blurred: format!("{base}/strip/{idx}/blurred"),
            small: format!("{base}/strip/{idx}/small"),
            is_near_only: apart_ms > NEAR_MS,
        }
    }
}

/// The time of the entry that a time of the file shows.
fn time_in_entry(run: &MatchSegment, at_ms: u32) -> u32 {
    let since_ms = within(at_ms, run.query) - run.query.from_ms;
    let played_ms = u64::from(since_ms) * u64::from(run.rate_thousandths) / 1_000;
    let at_ms = u64::from(run.entry.from_ms) + played_ms;
    u32::try_from(at_ms).unwrap_or(u32::MAX).min(run.entry.to_ms)
}

fn within(at_ms: u32, span: Span) -> u32 {
    at_ms.min(span.to_ms).max(span.from_ms)
}

fn nearest(places: &[StripPlace], at_ms: u32) -> Option<StripPlace> {
    places.iter().min_by_key(|place| place.at_ms.abs_diff(at_ms)).copied()
}

/// The frames of the file inside of the run, or the nearest to it, each with the nearest of the entry; of those with the same frame of the entry the
/// one that fits it best.
fn choose(run: &MatchSegment, posted: &[StripPlace], known: &[StripPlace]) -> Vec<(StripPlace, StripPlace)> {
    let is_inside = |place: &&StripPlace| within(place.at_ms, run.query) == place.at_ms;
    let mut inside: Vec<StripPlace> = posted.iter().filter(is_inside).copied().collect();
    if inside.is_empty() {
        let middle_ms = run.query.from_ms + run.query.len_ms() / 2;
        inside.extend(nearest(posted, middle_ms));
    }
    let mut chosen: Vec<(StripPlace, StripPlace)> = Vec::new();
    for place in inside {
        let at_ms = time_in_entry(run, place.at_ms);
        let Some(of_entry) = nearest(known, at_ms) else {
            continue;
        };
        let apart = |of_file: StripPlace| of_entry.at_ms.abs_diff(time_in_entry(run, of_file.at_ms));
        match chosen.last_mut() {
            Some((last, same)) if *same == of_entry => {
                if apart(place) < apart(*last) {
                    *last = place;
                }
            }
            _ => chosen.push((place, of_entry)),
        }
    }
    // Of many some, from the first to the last.
    let n = chosen.len();
    if n <= PAIRS_MAX {
        return chosen;
    }
    (0..PAIRS_MAX)
        .map(|nth| chosen[nth * (n - 1) / (PAIRS_MAX - 1)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use moderation::model::Tier;

    fn run(query: (u32, u32), entry: (u32, u32), rate_thousandths: u32) -> MatchSegment {
        let span = |(from_s, to_s): (u32, u32)| Span {
            from_ms: from_s * 1_000,
            to_ms: to_s * 1_000,
        };
        MatchSegment {
            kind: SegmentKind::Picture,
            tier: Tier::Match,
            query: span(query),
            entry: span(entry),
            rate_thousandths,
            frames: 4,
            query_share: 1_000,
            entry_share: 1_000,
            is_mirrored: false,
            chance_log10_tenths: -60,
        }
    }

    fn every(step_s: u32, n: u32) -> Vec<StripPlace> {
        let place = |idx| StripPlace {
            idx,
            at_ms: idx * step_s * 1_000,
        };
        (0..n).map(place).collect()
    }

    fn times(run: MatchSegment, posted: &[StripPlace], known: &[StripPlace]) -> (Vec<(String, String)>, bool) {
        let media = "med_01kagy2s3q4v5w6x7y8z9a0b1c".parse().unwrap();
        let entry = "ent_01kagy2s3q4v5w6x7y8z9a0b1c".parse().unwrap();
        let found = pairs_of((media, posted), (entry, known), [(1, run)].into_iter());
        let [of_run] = &found[..] else { panic!("{found:?}") };
        let pairs = of_run.pairs.iter();
        let times = pairs.map(|pair| (pair.posted.time.clone(), pair.known.time.clone()));
        (times.collect(), of_run.is_near_only)
    }

    #[test]
    fn frames_of_the_same_moments_stand_together() {
        let (pairs, is_near_only) = times(run((10, 20), (60, 70), 1_000), &every(5, 10), &every(1, 100));
        let words = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(
            pairs,
            [words("0:10", "1:00"), words("0:15", "1:05"), words("0:20", "1:10")]
        );
        assert!(!is_near_only);
        // Twice as fast.
        let (pairs, _) = times(run((10, 20), (60, 80), 2_000), &every(5, 10), &every(1, 100));
        assert_eq!(pairs[1], words("0:15", "1:10"));
    }

    #[test]
    fn few_frames_are_shown_and_none_of_the_entry_twice() {
        let (pairs, is_near_only) = times(run((0, 100), (0, 100), 1_000), &every(1, 120), &every(20, 10));
        let known: Vec<&str> = pairs.iter().map(|(_, known)| known.as_str()).collect();
        assert_eq!(known, ["0:00", "0:20", "0:40", "1:00", "1:20", "1:40"]);
        assert_eq!(pairs[1].0, "0:20");
        assert!(!is_near_only);
        let (pairs, _) = times(run((0, 100), (0, 100), 1_000), &every(1, 120), &every(1, 120));
        assert_eq!((pairs.len(), pairs[5].1.as_str()), (PAIRS_MAX, "1:40"));
    }

    #[test]
    fn where_no_frame_of_that_time_is_kept_the_nearest_is_and_that_is_said() {
        let (pairs, is_near_only) = times(run((33, 36), (100, 103), 1_000), &every(30, 10), &every(60, 5));
        assert_eq!(pairs, [("0:30".to_owned(), "2:00".to_owned())]);
        assert!(is_near_only);
    }

    #[test]
    fn what_is_heard_or_stands_still_has_no_frames_of_both() {
        let sound = MatchSegment {
            kind: SegmentKind::Sound,
            ..run((0, 5), (0, 5), 1_000)
        };
        let media = "med_01kagy2s3q4v5w6x7y8z9a0b1c".parse().unwrap();
        let entry = "ent_01kagy2s3q4v5w6x7y8z9a0b1c".parse().unwrap();
        let places = every(1, 5);
        let runs = [(1, sound), (2, run((0, 5), (0, 0), 0))];
        assert_eq!(pairs_of((media, &places), (entry, &places), runs.into_iter()), []);
    }
}
