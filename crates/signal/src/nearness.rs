//! How near is near enough, for each entry its own answer.
//!
//! A photo may be called a lead at 60 bits: two unrelated photos are never that near. A text card may not: cards of one layout with other words
//! are. So each entry is held against a sample of the platform's own harmless pictures, and what it is that near to already sets how near
//! a copy must be. This is the normalisation of scores by which copy detection gained most (Video Similarity Challenge 2022).

use crate::keypoints::verify::Likeness;
use crate::looks::Sighting;

/// The operator's limits, and what holds for an entry that nothing was compared with yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nearness {
    /// Bits within which hashes match, 31 by PDQ's makers.
    pub match_bits: u32,
    /// Bits within which they are a lead as long as no sample says more.
    pub lead_bits: u32,
    /// Bits within which they are a lead at most.
    pub lead_bits_max: u32,
}

/// How near counts, for one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Hashes within so many bits match.
    pub match_bits: u32,
    /// Hashes within so many bits are a lead.
    pub lead_bits: u32,
    /// So many agreeing keypoints, and pixels that agree, are a match.
    pub match_places: u32,
    /// So many are a lead.
    pub lead_places: u32,
    /// Whether it is probably a template, so that a hash alone says too little where pixels can be compared.
    pub is_template: bool,
}

/// A match or a lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Near {
    /// The same.
    Match,
    /// Near enough for a person to look.
    Lead,
}

/// What a harmless picture must be away from a lead.
const MARGIN_BITS: u32 = 8;
/// Least reach of a lead, however near harmless pictures are.
const LEAD_BITS_MIN: u32 = 20;
/// Least reach of a match.
const MATCH_BITS_MIN: u32 = 8;
/// An entry with a harmless picture nearer than this is probably a template: a card, a meme, a screenshot of an app.
const TEMPLATE_BITS: u32 = 40;
/// Agreeing keypoints of a match, and of a lead.
const MATCH_PLACES: u32 = 6;
const LEAD_PLACES: u32 = 4;
/// Blocks that must be there to be compared, alike, in hundredths of those compared, for a match and a lead.
const COMPARED_MIN: u32 = 6;
const MATCH_ALIKE_PERCENT: u32 = 65;
const LEAD_ALIKE_PERCENT: u32 = 50;
/// The same where a hash says so of an entry that is probably a template.
const TEMPLATE_ALIKE_PERCENT: u32 = 80;
/// Share of the entry that a match must show.
const MATCH_OVERLAP_MIN: f32 = 0.15;

impl Default for Nearness {
    fn default() -> Self {
        Self {
            match_bits: 31,
            lead_bits: 40,
            lead_bits_max: 60,
        }
    }
}

/// Whether an entry is as near to a harmless picture as cards of one layout are to each other.
pub fn is_template(nearest_benign_bits: Option<u32>) -> bool {
    nearest_benign_bits.is_some_and(|bits| bits < TEMPLATE_BITS)
}

impl Reach {
    /// Of an entry that was not held against anything.
    pub fn unjudged(limits: &Nearness) -> Self {
        Self {
            match_bits: limits.match_bits,
            lead_bits: limits.lead_bits.max(limits.match_bits),
            match_places: MATCH_PLACES,
            lead_places: LEAD_PLACES,
            is_template: false,
        }
    }

    /// Of an entry whose nearest harmless picture differs in so many bits (`None`: in more than anyone asked) and shares so many keypoints with it.
    pub fn judged(limits: &Nearness, nearest_benign_bits: Option<u32>, nearest_benign_places: u32) -> Self {
        let free = nearest_benign_bits.map_or(u32::MAX, |bits| bits.saturating_sub(MARGIN_BITS));
        let match_bits = limits.match_bits.min(free.max(MATCH_BITS_MIN));
        let lead_bits = limits.lead_bits_max.min(free.max(LEAD_BITS_MIN)).max(match_bits);
        // A copy has to share clearly more than the picture that is no copy.
        let more = nearest_benign_places + nearest_benign_places / 2;
        Self {
            match_bits,
            lead_bits,
            match_places: MATCH_PLACES.max(more + 3),
            lead_places: LEAD_PLACES.max(more + 1),
            is_template: is_template(nearest_benign_bits),
        }
    }

    /// What hashes that differ in so many bits are.
    pub fn of_distance(self, bits: u32) -> Option<Near> {
        match bits {
            _ if bits <= self.match_bits => Some(Near::Match),
            _ if bits <= self.lead_bits => Some(Near::Lead),
            _ => None,
        }
    }

    /// Whether what a hash says stands when the pixels are compared, as they are for templates alone: nearly all of what both show must be alike. With too
    /// little to compare, it stands.
    pub fn stands(self, pixels: &Likeness) -> bool {
        let (compared, alike) = (pixels.compared as u32, pixels.alike as u32);
        !self.is_template || compared < COMPARED_MIN || alike * 100 >= compared * TEMPLATE_ALIKE_PERCENT
    }

    /// What a sighting is.
    pub fn of_sighting(self, sighting: &Sighting) -> Option<Near> {
        let alike =
            |percent: u32| sighting.compared >= COMPARED_MIN && sighting.alike * 100 >= sighting.compared * percent;
        let is_surely = sighting.places >= self.match_places
            && alike(MATCH_ALIKE_PERCENT)
            && sighting.overlap >= MATCH_OVERLAP_MIN
            && !sighting.is_pattern;
        if is_surely {
            Some(Near::Match)
        } else if sighting.places >= self.lead_places && alike(LEAD_ALIKE_PERCENT) {
            Some(Near::Lead)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_photo_reaches_far_and_a_template_does_not() {
        let limits = Nearness::default();
        let reach = |bits, places| Reach::judged(&limits, bits, places);
        assert_eq!((reach(None, 0).match_bits, reach(None, 0).lead_bits), (31, 60));
        assert_eq!((reach(Some(90), 0).match_bits, reach(Some(90), 0).lead_bits), (31, 60));
        assert_eq!((reach(Some(50), 0).match_bits, reach(Some(50), 0).lead_bits), (31, 42));
        assert_eq!((reach(Some(24), 0).match_bits, reach(Some(24), 0).lead_bits), (16, 20));
        assert_eq!((reach(Some(0), 0).match_bits, reach(Some(0), 0).lead_bits), (8, 20));
        assert!(is_template(Some(39)) && !is_template(Some(40)) && !is_template(None));
        assert!(
            reach(None, 20).match_places > 30,
            "a copy shares clearly more than the picture that is none"
        );
    }

    #[test]
    fn pixels_must_agree_too() {
        let sighting = Sighting {
            places: 30,
            compared: 50,
            alike: 50,
            overlap: 1.0,
            is_mirrored: false,
            is_pattern: false,
            corners: [(0, 0); 4],
        };
        let reach = Reach::unjudged(&Nearness::default());
        assert_eq!(reach.of_sighting(&sighting), Some(Near::Match));
        let of = |change: fn(&mut Sighting)| {
            let mut sighting = sighting;
            change(&mut sighting);
            reach.of_sighting(&sighting)
        };
        assert_eq!(of(|s| s.alike = 10), None);
        assert_eq!(of(|s| s.alike = 25), Some(Near::Lead));
        assert_eq!(of(|s| s.places = 5), Some(Near::Lead));
        assert_eq!(of(|s| s.places = 3), None);
        assert_eq!(of(|s| (s.compared, s.alike) = (3, 3)), None, "too little to see");
        assert_eq!(of(|s| s.overlap = 0.1), Some(Near::Lead));
        assert_eq!(of(|s| s.is_pattern = true), Some(Near::Lead));
    }

    proptest! {
        #[test]
        fn nearer_harmless_pictures_never_widen_the_reach(bits in 0..256_u32, nearer in 0..256_u32, places in 0..64_u32, match_bits in 0..60_u32, lead in 0..90_u32) {
            let limits = Nearness { match_bits, lead_bits: lead.min(60), lead_bits_max: lead };
            let far = Reach::judged(&limits, Some(bits.max(nearer)), places);
            let near = Reach::judged(&limits, Some(bits.min(nearer)), places);
            prop_assert!(near.match_bits <= far.match_bits && near.lead_bits <= far.lead_bits);
            prop_assert!(far.match_bits <= match_bits && far.lead_bits >= far.match_bits);
            for bits in 0..256 {
                prop_assert_eq!(far.of_distance(bits) == Some(Near::Match), bits <= far.match_bits);
            }
        }
    }
}
