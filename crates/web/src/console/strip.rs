//! The frames of a video side by side, blurred until someone holds the button, and what leads to them. It knows no page. Start with [`Strip`].

use moderation::model::{MatchSegment, Span, StripPlace};

use super::runs::time_words;

/// Leads to the match that are offered.
const LEADS_MAX: usize = 8;

/// Some frames of a video in the order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strip {
    /// The frames.
    pub frames: Vec<StripFrame>,
    /// Where the match begins: which frame to go to, and when that is.
    pub leads: Vec<Lead>,
}

/// A frame of a strip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripFrame {
    /// Which, from 0.
    pub idx: u32,
    /// When it is shown.
    pub time: String,
    /// Where its blurred picture is.
    pub blurred: String,
    /// Where its clear one is: asking for it is noted.
    pub small: String,
    /// Whether it lies inside a run that agrees with the best match.
    pub is_inside: bool,
}

/// A way to where a run begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// The frame.
    pub idx: u32,
    /// When the run begins.
    pub time: String,
    /// When the run begins, in whole seconds.
    pub seconds: u32,
}

impl Strip {
    /// The strip of what has this address, with pictures at these places, of which these runs agree; none where there are no pictures.
    pub fn of(address: &str, places: &[StripPlace], runs: &[MatchSegment]) -> Option<Self> {
        if places.is_empty() {
            return None;
        }
        let spans: Vec<Span> = runs.iter().map(|run| run.query).collect();
        let is_inside = |at_ms: u32| spans.iter().any(|span| (span.from_ms..=span.to_ms).contains(&at_ms));
        let frame = |&StripPlace { idx, at_ms }: &StripPlace| StripFrame {
            idx,
            time: time_words(at_ms),
            blurred: format!("{address}/strip/{idx}/blurred"),
            small: format!("{address}/strip/{idx}/small"),
            is_inside: is_inside(at_ms),
        };
        let mut leads: Vec<Lead> = Vec::new();
        for span in &spans {
            let lead = Lead {
                idx: nearest(places, span.from_ms),
                time: time_words(span.from_ms),
                seconds: span.from_ms / 1_000,
            };
            if leads.len() < LEADS_MAX && !leads.iter().any(|known| known.seconds == lead.seconds) {
                leads.push(lead);
            }
        }
        Some(Self {
            frames: places.iter().map(frame).collect(),
            leads,
        })
    }
}

/// The picture that is nearest to a time.
pub fn nearest(places: &[StripPlace], at_ms: u32) -> u32 {
    let nearest = places.iter().min_by_key(|place| place.at_ms.abs_diff(at_ms));
    nearest.map_or(0, |place| place.idx)
}

/// The platform's own address of an item at a time, as a media fragment; none if the address is not of the web or has a fragment already.
pub fn address_at(url: &str, seconds: u32) -> Option<String> {
    let is_of_the_web = url.starts_with("https://") || url.starts_with("http://");
    (is_of_the_web && !url.contains('#')).then(|| format!("{url}#t={seconds}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use moderation::model::{SegmentKind, Tier};

    fn run(from_ms: u32, to_ms: u32) -> MatchSegment {
        let span = Span { from_ms, to_ms };
        MatchSegment {
            kind: SegmentKind::Picture,
            tier: Tier::Match,
            query: span,
            entry: span,
            rate_thousandths: 1_000,
            frames: 4,
            query_share: 1_000,
            entry_share: 1_000,
            is_mirrored: false,
            chance_log10_tenths: -60,
        }
    }

    #[test]
    fn frames_inside_a_run_are_marked_and_its_beginning_is_led_to() {
        let places = [(0, 1_000), (1, 5_000), (2, 9_000)].map(|(idx, at_ms)| StripPlace { idx, at_ms });
        let strip = Strip::of("/media/7", &places, &[run(4_500, 9_500), run(4_900, 6_000)]).unwrap();
        let inside: Vec<bool> = strip.frames.iter().map(|frame| frame.is_inside).collect();
        assert_eq!(inside, [false, true, true]);
        let leads: Vec<_> = strip.leads.iter().map(|lead| (lead.idx, lead.time.as_str())).collect();
        assert_eq!(leads, [(1, "0:05")], "one for each second");
        assert_eq!(Strip::of("/media/7", &[], &[run(0, 1)]), None);
    }

    #[test]
    fn only_an_address_of_the_web_without_a_fragment_is_continued() {
        assert_eq!(
            address_at("https://example.org/v/7?a=b", 12).as_deref(),
            Some("https://example.org/v/7?a=b#t=12")
        );
        assert_eq!(address_at("https://example.org/#/v/7", 12), None);
        assert_eq!(address_at("javascript:alert(1)", 12), None);
    }
}
