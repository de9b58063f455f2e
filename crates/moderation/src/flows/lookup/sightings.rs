//! The keypoints of a file are searched for among those of the banks; where several of one entry turn up, the entry's picture is laid over the file.

use std::collections::HashMap;
use std::sync::Arc;

use index::Hits;
use signal::looks::{self, Likely, Sighting};
use signal::{Looks, Pdq};

use super::remembered::{describe, looks_of};
use super::{Counts, off_thread};
use crate::Seawall;
use crate::banks::{EntryLook, Known};
use crate::matching::ALIKE_BITS;
use crate::model::Timestamp;
use crate::store::StoreError;

/// Entries that one keypoint is found in at first. What is found in more says little.
const ENTRIES_OF_KEYPOINT: usize = 32;
/// Keypoints that an entry must share with a file to be looked at again.
const SHARED_MIN: usize = 3;
/// Entries that are looked at again for one file, the likeliest first.
const CANDIDATES_MAX: usize = 16;
/// Candidates that are described at a time: some may be out of force.
const DESCRIBED_AT_A_TIME: usize = 4 * CANDIDATES_MAX;
/// What is asked for of an answer that hid something, for each that was asked for before.
const WIDER: usize = 8;

/// An entry that was seen in a file.
pub(super) struct Seen {
    pub entry: Known,
    pub sighting: Sighting,
    /// Bits between the file's picture as it is and the nearest of the entry's hashes.
    pub distance: u32,
}

/// The entries that are seen in a picture, whether near enough for their reach or not.
pub(super) async fn find(
    app: &Seawall,
    looks: &Looks,
    counts: Counts<'_>,
    now: Timestamp,
) -> Result<Vec<Seen>, StoreError> {
    if looks.keypoints.is_empty() || app.matcher.stats().n_keypoints == 0 {
        return Ok(Vec::new());
    }
    let likely = likely_handles(app, looks, counts, now).await?;
    let mut candidates: Vec<Known> = Vec::new();
    for some in likely.chunks(DESCRIBED_AT_A_TIME) {
        let known = describe(app, some, now).await?;
        let mut known: HashMap<u64, Known> = known.into_iter().map(|entry| (entry.handle, entry)).collect();
        let live = some.iter().filter_map(|handle| known.remove(handle));
        candidates.extend(live.filter(|entry| counts(&entry.target)));
        if candidates.len() >= CANDIDATES_MAX {
            break;
        }
    }
    candidates.truncate(CANDIDATES_MAX);
    let handles: Vec<u64> = candidates.iter().map(|entry| entry.handle).collect();
    let kept = looks_of(app, &handles).await?;
    let look_again = || {
        let seen = candidates.into_iter().filter_map(|entry| {
            let look: &Arc<EntryLook> = kept.get(&entry.handle)?;
            let sighting = looks::sight(looks, &look.kept, &pairs(looks, look))?;
            Some(Seen {
                distance: whole_distance(looks, look),
                entry,
                sighting,
            })
        });
        seen.collect()
    };
    Ok(off_thread(look_again))
}

/// The handles that share enough keypoints with a picture, the likeliest first.
async fn likely_handles(
    app: &Seawall,
    looks: &Looks,
    counts: Counts<'_>,
    now: Timestamp,
) -> Result<Vec<u64>, StoreError> {
    // Each as it is, then each in a mirror.
    let plain = looks.keypoints.iter().map(|point| point.code);
    let codes: Vec<Pdq> = plain.chain(looks.keypoints.iter().map(|point| point.mirrored)).collect();
    let mut answers = off_thread(|| app.matcher.near_keypoints(&codes, ALIKE_BITS, ENTRIES_OF_KEYPOINT));
    let mut limit = ENTRIES_OF_KEYPOINT;
    loop {
        let crowded = crowded(app, &answers, counts, now).await?;
        if crowded.is_empty() {
            break;
        }
        limit = limit.saturating_mul(WIDER);
        let again: Vec<Pdq> = crowded.iter().map(|at| codes[*at]).collect();
        let wider = off_thread(|| app.matcher.near_keypoints(&again, ALIKE_BITS, limit));
        for (at, hits) in crowded.into_iter().zip(wider) {
            answers[at] = hits;
        }
    }
    // Keypoints shared as they are, and in a mirror.
    let mut shared: HashMap<u64, [usize; 2]> = HashMap::new();
    for (at, hits) in answers.iter().enumerate() {
        let is_mirrored = at >= looks.keypoints.len();
        for hit in &hits.hits {
            shared.entry(hit.key).or_default()[usize::from(is_mirrored)] += 1;
        }
    }
    let mut likely: Vec<(usize, u64)> = shared
        .into_iter()
        .map(|(handle, [plain, mirrored])| (plain.max(mirrored), handle))
        .filter(|(n, _)| *n >= SHARED_MIN)
        .collect();
    likely.sort_by_key(|(n, handle)| (std::cmp::Reverse(*n), *handle));
    Ok(likely.into_iter().map(|(_, handle)| handle).collect())
}

/// The answers that were cut off, and in which entries that do not count took the places of others.
async fn crowded(app: &Seawall, answers: &[Hits], counts: Counts<'_>, now: Timestamp) -> Result<Vec<usize>, StoreError> {
    let capped: Vec<usize> = (0..answers.len()).filter(|at| answers[*at].capped).collect();
    let mut handles: Vec<u64> = capped.iter().flat_map(|at| answers[*at].hits.iter().map(|hit| hit.key)).collect();
    handles.sort_unstable();
    handles.dedup();
    let known = describe(app, &handles, now).await?;
    let live: std::collections::HashSet<u64> = known
        .into_iter()
        .filter(|entry| counts(&entry.target))
        .map(|entry| entry.handle)
        .collect();
    let n_live = |at: &usize| answers[*at].hits.iter().filter(|hit| live.contains(&hit.key)).count();
    Ok(capped.into_iter().filter(|at| n_live(at) < ENTRIES_OF_KEYPOINT).collect())
}

/// The keypoints of a picture and of an entry that look alike, the likest first.
fn pairs(looks: &Looks, entry: &EntryLook) -> Vec<Likely> {
    let mut found: Vec<(u32, Likely)> = Vec::new();
    for (query_at, point) in looks.keypoints.iter().enumerate() {
        for (code, is_mirrored) in [(point.code, false), (point.mirrored, true)] {
            for (kept_at, (kept, _)) in entry.kept.keypoints.iter().enumerate() {
                let distance = code.distance(*kept);
                if distance <= ALIKE_BITS {
                    let likely = Likely {
                        query_at,
                        kept_at,
                        is_mirrored,
                    };
                    found.push((distance, likely));
                }
            }
        }
    }
    found.sort_by_key(|(distance, _)| *distance);
    found.into_iter().map(|(_, likely)| likely).collect()
}

fn whole_distance(looks: &Looks, entry: &EntryLook) -> u32 {
    let whole = looks.views.first().map(|seen| seen.pdq.hash);
    let distances = whole.into_iter().flat_map(|whole| entry.hashes.iter().map(move |hash| whole.distance(*hash)));
    distances.min().unwrap_or(Pdq::BITS)
}
