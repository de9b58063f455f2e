//! Runs of one stream that were told bit by bit: which are one, and how long it is. Pure: segments in, segments out.

use signal::Span;
use signal::audio::SoundSegment;
use signal::video::Segment;

/// A run that begins no further from another is the same.
const SAME_MS: u32 = 2_000;
/// Runs of one line of time name the same moment of the entry within so much.
const AWAY_MS: f64 = 1_500.0;

/// Whether two runs of pictures are one, told twice.
pub(super) fn is_same(one: &Segment, other: &Segment) -> bool {
    one.is_mirrored == other.is_mirrored
        && (one.query.from_ms.abs_diff(other.query.from_ms) <= SAME_MS
            || (one.query.overlap_ms(other.query) > 0 && one.entry.overlap_ms(other.entry) > 0))
}

/// Lets a run of pictures end where the same line was found to end. Its beginning may lie before what is remembered. Whether it is longer by that.
pub(super) fn prolong(known: &mut Segment, found: &Segment) -> bool {
    let is_later = found.query.to_ms > known.query.to_ms && found.entry.to_ms > known.entry.to_ms;
    let is_longer = is_later && is_on_line((known.query, known.entry, known.rate), (found.query, found.entry));
    if is_longer {
        (known.query.to_ms, known.entry.to_ms) = (found.query.to_ms, found.entry.to_ms);
    }
    is_longer
}

/// Both runs of sound as one, if they are parts of one: they overlap or follow each other, and name the same moments of the entry.
pub(super) fn joined_sounds(known: &SoundSegment, found: &SoundSegment) -> Option<SoundSegment> {
    let (first, last) = match known.query.from_ms <= found.query.from_ms {
        true => (known, found),
        false => (found, known),
    };
    let follows = last.query.from_ms <= first.query.to_ms.saturating_add(SAME_MS);
    // The longer one tells better how fast it goes.
    let line = match known.query.len_ms() >= found.query.len_ms() {
        true => (known, found),
        false => (found, known),
    };
    let is_one = is_on_line((line.0.query, line.0.entry, line.0.rate), (line.1.query, line.1.entry));
    (follows && is_one).then(|| SoundSegment {
        query: around(known.query, found.query),
        entry: around(known.entry, found.entry),
        bit_errors_share: known.bit_errors_share.min(found.bit_errors_share),
        log10_chance: known.log10_chance.min(found.log10_chance),
        ..*line.0
    })
}

/// Whether a run's end lies where the line of another has it.
fn is_on_line((query, entry, rate): (Span, Span, f32), (found_query, found_entry): (Span, Span)) -> bool {
    let since_ms = f64::from(found_query.to_ms) - f64::from(query.to_ms);
    let expected = f64::from(entry.to_ms) + since_ms * f64::from(rate);
    (expected - f64::from(found_entry.to_ms)).abs() <= AWAY_MS
}

fn around(one: Span, other: Span) -> Span {
    Span {
        from_ms: one.from_ms.min(other.from_ms),
        to_ms: one.to_ms.max(other.to_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signal::nearness::Near;

    fn span(from_s: u32, to_s: u32) -> Span {
        Span {
            from_ms: from_s * 1_000,
            to_ms: to_s * 1_000,
        }
    }

    fn sound(query: Span, entry: Span, log10_chance: f32) -> SoundSegment {
        SoundSegment {
            query,
            entry,
            rate: 1.0,
            pitch: 1.0,
            bit_errors_share: 0.1,
            log10_chance,
        }
    }

    #[test]
    fn a_song_that_is_heard_bit_by_bit_keeps_its_beginning() {
        let known = sound(span(0, 20), span(60, 80), -40.0);
        let latest = sound(span(12, 21), span(72, 81), -15.0);
        let both = joined_sounds(&known, &latest).unwrap();
        assert_eq!(
            (both.query, both.entry, both.log10_chance),
            (span(0, 21), span(60, 81), -40.0)
        );
        assert_eq!(joined_sounds(&latest, &known), Some(both), "whichever was first");
        let inside = sound(span(5, 9), span(65, 69), -9.0);
        assert_eq!(joined_sounds(&known, &inside).unwrap().query, span(0, 20));
    }

    #[test]
    fn a_chorus_that_comes_twice_is_two_runs() {
        let known = sound(span(10, 20), span(60, 70), -40.0);
        assert_eq!(joined_sounds(&known, &sound(span(12, 25), span(160, 173), -40.0)), None);
        assert_eq!(
            joined_sounds(&known, &sound(span(40, 50), span(90, 100), -40.0)),
            None,
            "long after"
        );
    }

    #[test]
    fn a_run_of_pictures_ends_later_only_along_its_line() {
        let seen = |query, entry| Segment {
            query,
            entry,
            rate: 2.0,
            frames: 5,
            marks: 5,
            is_mirrored: false,
            log10_chance: -20.0,
            near: Near::Match,
        };
        let mut known = seen(span(10, 20), span(60, 80));
        assert!(prolong(&mut known, &seen(span(15, 25), span(70, 90))));
        assert_eq!((known.query, known.entry), (span(10, 25), span(60, 90)));
        assert!(
            !prolong(&mut known, &seen(span(11, 30), span(160, 198))),
            "another part of it"
        );
        assert!(!prolong(&mut known, &seen(span(10, 20), span(60, 80))), "no longer");
    }
}
