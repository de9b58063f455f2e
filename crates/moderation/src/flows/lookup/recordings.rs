//! Videos and sounds are searched for among those of the banks, and what both say of an entry is put together.
//!
//! What is seen may be a match by itself. What is heard alone never is: music is everywhere, and people talk over what they condemn. But where a lead is
//! seen and the same stretch of the entry is heard with it, the two are a match.

use std::collections::{HashMap, HashSet};

use index::videos::Still;
use signal::audio::{QueryPrints, SoundSegment};
use signal::nearness::Near;
use signal::video::{Frame, Segment};
use signal::{Looks, SignalType, Span};

use super::remembered::describe;
use super::{Counts, Piece, Query, found, hashes, off_thread};
use crate::Seawall;
use crate::banks::Known;
use crate::matching::{Durations, MatchSettings, Played};
use crate::model::item::MediaSignal;
use crate::model::{EntryId, Match, MatchSegment, SegmentKind, Tier, Timestamp};
use crate::store::StoreError;

/// What a video or a sound is looked up by.
#[derive(Debug, Clone, Copy)]
pub struct RecordingQuery<'a> {
    /// How long it plays.
    pub duration_ms: u32,
    /// Its frames in the order of time.
    pub frames: &'a [Frame],
    /// Its sound.
    pub sound: Option<&'a QueryPrints>,
}

/// Frames of one video that are looked up among pictures.
const FRAMES_MAX: usize = 4_000;
/// A frame so near to the one before shows the same picture.
const SAME_BITS: u32 = 4;
/// Frames of a picture that are no further apart show it without a break.
const BREAK_MS: u32 = 3_000;

/// The entries that are seen or heard in a recording, handle by handle.
pub(super) async fn find(
    app: &Seawall,
    query: RecordingQuery<'_>,
    counts: Counts<'_>,
    now: Timestamp,
) -> Result<Vec<Piece>, StoreError> {
    if app.matcher.recordings().is_empty() {
        return Ok(Vec::new());
    }
    let played = off_thread(|| app.matcher.recordings().look_up(query.frames, query.sound));
    pieces_of(app, played, query.duration_ms, counts, now).await
}

/// The videos that a picture is a still of.
pub(super) async fn find_still(
    app: &Seawall,
    looks: &Looks,
    counts: Counts<'_>,
    now: Timestamp,
) -> Result<Vec<Piece>, StoreError> {
    if app.matcher.recordings().is_empty() {
        return Ok(Vec::new());
    }
    let stills = off_thread(|| app.matcher.recordings().look_up_picture(looks));
    let handles: Vec<u64> = stills.iter().map(|still| still.handle).collect();
    let known = describe(app, &handles, now).await?;
    let known: HashMap<u64, &Known> = known.iter().map(|entry| (entry.handle, entry)).collect();
    let pieces = stills.iter().filter_map(|still| {
        let entry = known.get(&still.handle).filter(|entry| counts(&entry.target))?;
        let video_ms = app.matcher.recordings().durations(still.handle).video_ms;
        let mut piece = piece(entry, SignalType::Vpdq, vec![of_still(still)], 0, video_ms)?;
        piece.m.view = still.view.to_string();
        Some(piece)
    });
    Ok(pieces.collect())
}

fn of_still(still: &Still) -> MatchSegment {
    let moment = |at_ms| Span {
        from_ms: at_ms,
        to_ms: at_ms,
    };
    MatchSegment {
        kind: SegmentKind::Picture,
        tier: match still.near {
            Near::Match => Tier::Match,
            Near::Lead => Tier::Lead,
        },
        query: moment(0),
        entry: moment(still.at_ms),
        rate_thousandths: 0,
        frames: 1,
        query_share: 10_000,
        entry_share: 0,
        is_mirrored: false,
        chance_log10_tenths: 0,
    }
}

/// What was seen and heard, of the entries that may be told, as one match for each entry and kind.
pub(super) async fn pieces_of(
    app: &Seawall,
    played: Played,
    duration_ms: u32,
    counts: Counts<'_>,
    now: Timestamp,
) -> Result<Vec<Piece>, StoreError> {
    let mut handles: Vec<u64> = played.seen.iter().map(|(handle, _)| *handle).collect();
    handles.extend(played.heard.iter().map(|(handle, _)| *handle));
    handles.sort_unstable();
    handles.dedup();
    let known = describe(app, &handles, now).await?;
    let durations = |handle| app.matcher.recordings().durations(handle);
    let known: Vec<(&Known, Durations)> = known
        .iter()
        .filter(|entry| counts(&entry.target))
        .map(|entry| (entry, durations(entry.handle)))
        .collect();
    Ok(pieces_of_known(&known, played, duration_ms))
}

/// The same of entries that may be told.
pub(super) fn pieces_of_known(known: &[(&Known, Durations)], played: Played, duration_ms: u32) -> Vec<Piece> {
    let known: HashMap<u64, (&Known, Durations)> = known.iter().map(|known| (known.0.handle, *known)).collect();
    let heard: HashMap<u64, Vec<SoundSegment>> = played.heard.into_iter().collect();
    let mut pieces = Vec::new();
    for (handle, segments) in played.seen {
        let Some((entry, durations)) = known.get(&handle) else {
            continue;
        };
        let heard = heard.get(&handle).map_or(&[][..], Vec::as_slice);
        let segments = segments
            .iter()
            .map(|segment| seen(segment, heard, duration_ms, *durations));
        pieces.extend(piece(
            entry,
            SignalType::Vpdq,
            segments.collect(),
            duration_ms,
            durations.video_ms,
        ));
    }
    for (handle, segments) in heard {
        let Some((entry, durations)) = known.get(&handle) else {
            continue;
        };
        let sound_ms = durations.sound_ms;
        let segments = segments
            .iter()
            .map(|segment| self::heard(segment, duration_ms, sound_ms));
        pieces.extend(piece(
            entry,
            SignalType::Chromaprint,
            segments.collect(),
            duration_ms,
            sound_ms,
        ));
    }
    pieces
}

/// How sure it is that a run shows the entry, where so much of it is heard.
pub fn tier_of_seen(segment: &Segment, heard: &[SoundSegment]) -> Tier {
    match segment.near == Near::Match || heard.iter().any(|sound| sound.is_heard_with(segment)) {
        true => Tier::Match,
        false => Tier::Lead,
    }
}

fn seen(segment: &Segment, heard: &[SoundSegment], duration_ms: u32, entry: Durations) -> MatchSegment {
    MatchSegment {
        kind: SegmentKind::Picture,
        tier: tier_of_seen(segment, heard),
        query: segment.query,
        entry: segment.entry,
        rate_thousandths: thousandths(segment.rate),
        frames: segment.frames,
        query_share: share(segment.query.len_ms(), duration_ms),
        entry_share: share(segment.entry.len_ms(), entry.video_ms),
        is_mirrored: segment.is_mirrored,
        chance_log10_tenths: tenths(segment.log10_chance),
    }
}

fn heard(segment: &SoundSegment, duration_ms: u32, sound_ms: u32) -> MatchSegment {
    MatchSegment {
        kind: SegmentKind::Sound,
        tier: Tier::Lead,
        query: segment.query,
        entry: segment.entry,
        rate_thousandths: thousandths(segment.rate),
        frames: 0,
        query_share: share(segment.query.len_ms(), duration_ms),
        entry_share: share(segment.entry.len_ms(), sound_ms),
        is_mirrored: false,
        chance_log10_tenths: tenths(segment.log10_chance),
    }
}

/// The match that these segments make; none, if there are none.
fn piece(
    entry: &Known,
    signal_type: SignalType,
    mut segments: Vec<MatchSegment>,
    query_ms: u32,
    entry_ms: u32,
) -> Option<Piece> {
    segments.sort_by_key(|segment| (segment.tier == Tier::Lead, segment.chance_log10_tenths, segment.query));
    segments.truncate(Match::SEGMENTS_MAX);
    let is_match = segments.first()?.tier == Tier::Match;
    let covered = match query_ms <= entry_ms || entry_ms == 0 {
        true => covered(segments.iter().map(|segment| segment.query), query_ms),
        false => covered(segments.iter().map(|segment| segment.entry), entry_ms),
    };
    segments.sort_by_key(|segment| segment.query);
    let near = if is_match { Near::Match } else { Near::Lead };
    Some(Piece {
        handle: Some(entry.handle),
        reach: None,
        m: Match {
            signal_type,
            distance: 100 - covered,
            threshold: 100,
            view: MediaSignal::AS_IS.to_owned(),
            segments,
            ..found(entry, near)
        },
    })
}

/// How many hundredths of a duration lie in one of the spans.
fn covered(spans: impl Iterator<Item = Span>, duration_ms: u32) -> u32 {
    let mut spans: Vec<Span> = spans.collect();
    spans.sort();
    let (mut covered_ms, mut reached) = (0_u64, 0);
    for span in spans {
        let from = span.from_ms.max(reached);
        covered_ms += u64::from(span.to_ms.saturating_sub(from));
        reached = reached.max(span.to_ms);
    }
    // A still picture has no duration, and is covered whole.
    let hundredths = (covered_ms * 100).checked_div(u64::from(duration_ms)).unwrap_or(100);
    hundredths.min(100) as u32
}

fn share(part_ms: u32, whole_ms: u32) -> u32 {
    let ten_thousandths = (u64::from(part_ms) * 10_000).checked_div(u64::from(whole_ms));
    ten_thousandths.unwrap_or(10_000).min(10_000) as u32
}

fn thousandths(rate: f32) -> u32 {
    (rate.clamp(0.0, 1_000.0) * 1_000.0).round() as u32
}

fn tenths(log10: f32) -> i32 {
    (log10.clamp(-100_000.0, 0.0) * 10.0).round() as i32
}

/// The pictures of the banks that are shown in a video as they are. One match for each, with the times at which it is shown.
pub(super) async fn find_pictures(
    app: &Seawall,
    query: RecordingQuery<'_>,
    counts: Counts<'_>,
    now: Timestamp,
) -> Result<Vec<Piece>, StoreError> {
    let settings = *app.matcher.settings();
    let signals = different_frames(query.frames, &settings);
    if signals.is_empty() {
        return Ok(Vec::new());
    }
    let frames = [Query::of_signals(&signals)];
    let near = hashes::find(app, &frames, settings.match_distance_bits, counts, now).await?;
    let mut shown: HashMap<EntryId, (Piece, HashSet<u32>)> = HashMap::new();
    for piece in near.into_iter().flatten() {
        let at_ms = piece.m.frame.map_or(0, |frame| frame.at_ms);
        let (nearest, times) = match shown.entry(piece.m.target.entry) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert((piece, HashSet::from([at_ms])));
                continue;
            }
        };
        times.insert(at_ms);
        if piece.m.distance < nearest.m.distance {
            *nearest = piece;
        }
    }
    let told = shown.into_values().map(|(mut piece, times)| {
        piece.m.segments = runs(times, query, piece.m.tier);
        piece
    });
    Ok(told.collect())
}

/// Frames that say something, and something else than the one before, as signals; of very many, every so many.
fn different_frames(frames: &[Frame], settings: &MatchSettings) -> Vec<MediaSignal> {
    let mut different: Vec<&Frame> = Vec::new();
    for frame in frames.iter().filter(|frame| frame.pdq.quality >= settings.quality_min) {
        let is_same = |last: &&Frame| last.pdq.hash.distance(frame.pdq.hash) <= SAME_BITS;
        if !different.last().is_some_and(is_same) {
            different.push(frame);
        }
    }
    let step = different.len().div_ceil(FRAMES_MAX).max(1);
    let some = different.into_iter().step_by(step);
    some.map(MediaSignal::of_frame).collect()
}

/// From when to when a picture is shown.
fn runs(times: HashSet<u32>, query: RecordingQuery<'_>, tier: Tier) -> Vec<MatchSegment> {
    let mut times: Vec<u32> = times.into_iter().collect();
    times.sort_unstable();
    let runs = times.chunk_by(|before, after| after - before <= BREAK_MS);
    let segment = |run: &[u32]| {
        let span = Span {
            from_ms: run[0],
            to_ms: run[run.len() - 1],
        };
        MatchSegment {
            kind: SegmentKind::Picture,
            tier,
            query: span,
            entry: Span { from_ms: 0, to_ms: 0 },
            rate_thousandths: 0,
            frames: run.len() as u32,
            query_share: share(span.len_ms(), query.duration_ms),
            entry_share: 10_000,
            is_mirrored: false,
            chance_log10_tenths: 0,
        }
    };
    runs.map(segment).take(Match::SEGMENTS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from_ms: u32, to_ms: u32) -> Span {
        Span { from_ms, to_ms }
    }

    #[test]
    fn what_spans_cover_is_counted_once() {
        let covered =
            |spans: &[(u32, u32)], duration| covered(spans.iter().map(|(from, to)| span(*from, *to)), duration);
        assert_eq!(covered(&[(0, 500), (250, 750)], 1_000), 75);
        assert_eq!(covered(&[(500, 600), (0, 100), (0, 100)], 1_000), 20);
        assert_eq!(covered(&[(0, 5_000)], 1_000), 100);
        assert_eq!(covered(&[(0, 0)], 0), 100, "a picture");
    }
}
