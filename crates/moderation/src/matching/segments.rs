//! The segments of a match as they are kept: a line of numbers for each, in a text column of the match.

use crate::model::{MatchSegment, SegmentKind, Span, Tier};
use crate::store::StoreError;
use crate::store::columns::damaged;

/// Numbers of a line, after the kind and the tier.
const NUMBERS: usize = 10;

/// Nothing, where there are none.
pub(super) fn to_text(segments: &[MatchSegment]) -> Option<String> {
    let lines: Vec<String> = segments.iter().map(line).collect();
    Some(lines.join("\n")).filter(|text| !text.is_empty())
}

fn line(segment: &MatchSegment) -> String {
    let MatchSegment {
        kind,
        tier,
        query,
        entry,
        rate_thousandths,
        frames,
        query_share,
        entry_share,
        is_mirrored,
        chance_log10_tenths,
    } = segment;
    format!(
        "{kind} {tier} {} {} {} {} {rate_thousandths} {frames} {query_share} {entry_share} {} {chance_log10_tenths}",
        query.from_ms,
        query.to_ms,
        entry.from_ms,
        entry.to_ms,
        u8::from(*is_mirrored),
    )
}

/// What [`to_text`] wrote.
pub(super) fn from_text(text: Option<&str>) -> Result<Vec<MatchSegment>, StoreError> {
    let lines = text.unwrap_or_default().lines();
    let read = |line| read(line).ok_or_else(|| damaged("segments", "a line is not whole"));
    lines.map(read).collect()
}

fn read(line: &str) -> Option<MatchSegment> {
    let mut words = line.split(' ');
    let kind: SegmentKind = words.next()?.parse().ok()?;
    let tier: Tier = words.next()?.parse().ok()?;
    let numbers: Vec<i64> = words.map(str::parse).collect::<Result<_, _>>().ok()?;
    let numbers: [i64; NUMBERS] = numbers.try_into().ok()?;
    let count = |at: usize| u32::try_from(numbers[at]).ok();
    Some(MatchSegment {
        kind,
        tier,
        query: Span {
            from_ms: count(0)?,
            to_ms: count(1)?,
        },
        entry: Span {
            from_ms: count(2)?,
            to_ms: count(3)?,
        },
        rate_thousandths: count(4)?,
        frames: count(5)?,
        query_share: count(6)?,
        entry_share: count(7)?,
        is_mirrored: numbers[8] == 1,
        chance_log10_tenths: i32::try_from(numbers[9]).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_read_back() {
        let picture = MatchSegment {
            kind: SegmentKind::Picture,
            tier: Tier::Match,
            query: Span {
                from_ms: 0,
                to_ms: 12_500,
            },
            entry: Span {
                from_ms: 90_000,
                to_ms: 115_000,
            },
            rate_thousandths: 2_000,
            frames: 25,
            query_share: 10_000,
            entry_share: 1_234,
            is_mirrored: true,
            chance_log10_tenths: -415,
        };
        let sound = MatchSegment {
            kind: SegmentKind::Sound,
            tier: Tier::Lead,
            is_mirrored: false,
            ..picture
        };
        let text = to_text(&[picture, sound]);
        assert_eq!(from_text(text.as_deref()).unwrap(), [picture, sound]);
        assert_eq!(to_text(&[]), None);
        assert_eq!(from_text(None).unwrap(), []);
        for bad in [
            "picture match 1 2 3",
            "x match 0 0 0 0 0 0 0 0 0 0",
            "sound lead 0 0 0 0 -1 0 0 0 0 0",
        ] {
            assert!(from_text(Some(bad)).is_err(), "{bad}");
        }
    }
}
