//! A picture that is a still of a banked video.

use super::VideoIndex;
use super::votes::places;
use signal::Looks;
use signal::keypoints::ALIKE_BITS_MAX;
use signal::nearness::Near;
use signal::video::align::NEAR_BITS;
use signal::views::View;
use std::collections::HashMap;

/// Stills that are told of one picture.
pub const STILLS_MAX: usize = 16;
/// Marks that one code is found in.
const MARKS_OF_CODE: usize = 32;
/// Keypoints that must lie alike for a match, and for a lead where no hash is near.
const MATCH_PLACES: u32 = 8;
const LEAD_PLACES: u32 = 6;

/// A moment of a banked video that a picture shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Still {
    /// The video.
    pub handle: u64,
    /// The moment.
    pub at_ms: u32,
    /// Bits between the nearest view of the picture and the frame, if one is near.
    pub distance: Option<u32>,
    /// The view that is nearest.
    pub view: View,
    /// Keypoints that lie alike.
    pub places: u32,
    /// A match if hash or keypoints say so of a mark whose keypoints are known and agree, else a lead: one frame may be in many films.
    pub near: Near,
}

impl VideoIndex {
    /// The videos of which a picture is a still, of each the likeliest moment, the likeliest first.
    pub fn look_up_picture(&self, looks: &Looks) -> Vec<Still> {
        let entries = self.read();
        let (hashes, keypoints) = (self.hashes.snapshot(), self.keypoints.snapshot());
        let mut near: HashMap<u64, (u32, View)> = HashMap::new();
        for view in looks
            .views
            .iter()
            .filter(|view| view.pdq.quality >= signal::video::FLAT_QUALITY)
        {
            for hit in hashes.search(view.pdq.hash, NEAR_BITS, MARKS_OF_CODE).hits {
                let best = near.entry(hit.key).or_insert((hit.distance, view.view));
                if hit.distance < best.0 {
                    *best = (hit.distance, view.view);
                }
            }
        }
        let mut shared: HashMap<u64, [usize; 2]> = HashMap::new();
        for point in &looks.keypoints {
            for (code, is_mirrored) in [(point.code, false), (point.mirrored, true)] {
                for hit in keypoints.search(code, ALIKE_BITS_MAX, MARKS_OF_CODE).hits {
                    shared.entry(hit.key).or_default()[usize::from(is_mirrored)] += 1;
                }
            }
        }
        shared.retain(|number, n| near.contains_key(number) || n.iter().any(|n| *n >= LEAD_PLACES as usize));
        let numbers: std::collections::BTreeSet<u64> = near.keys().chain(shared.keys()).copied().collect();
        let mut best: HashMap<u64, Still> = HashMap::new();
        for number in numbers {
            let Some((entry, at)) = entries.of_mark(number).filter(|(entry, at)| !entry.points[*at].is_mute) else {
                continue;
            };
            let [plain, mirrored] = [false, true].map(|mirrored| places(&looks.keypoints, &entry.marks[at], mirrored));
            let places = plain.max(mirrored);
            let seen = near.get(&number);
            let near = match seen {
                _ if places >= MATCH_PLACES => Near::Match,
                Some(_) => Near::Lead,
                None if places >= LEAD_PLACES => Near::Lead,
                None => continue,
            };
            let still = Still {
                handle: entry.handle,
                at_ms: entry.points[at].at_ms,
                distance: seen.map(|(distance, _)| *distance),
                view: seen.map_or(View::AS_IS, |(_, view)| *view),
                places,
                near,
            };
            let other = best.entry(entry.handle).or_insert(still);
            if rank(&still) < rank(other) {
                *other = still;
            }
        }
        let mut stills: Vec<Still> = best.into_values().collect();
        stills.sort_by_key(|still| (rank(still), still.handle));
        stills.truncate(STILLS_MAX);
        stills
    }
}

fn rank(still: &Still) -> (Near, u32, std::cmp::Reverse<u32>, u32) {
    let distance = still.distance.unwrap_or(signal::Pdq::BITS);
    (still.near, distance, std::cmp::Reverse(still.places), still.at_ms)
}
