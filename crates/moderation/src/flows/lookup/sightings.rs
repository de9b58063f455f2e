//! The keypoints of a file are searched for among those of the banks; where several of one entry turn up, the entry's picture is laid over the file.

use std::collections::HashMap;
use std::sync::Arc;

use index::Hits;
use signal::looks::{self, Likely, Sighting};
use signal::nearness::Near;
use signal::{Looks, Pdq};

use super::remembered::{describe, looks_of};
use super::{Counts, off_thread, reach_of};
use crate::Seawall;
use crate::banks::{EntryLook, Known};
use crate::matching::ALIKE_BITS;
use crate::model::Timestamp;
use crate::store::StoreError;

/// Entries that one keypoint is found in at first. What is found in more says little.
const ENTRIES_OF_KEYPOINT: usize = 32;
/// Entries that one keypoint is found in at most, when there are copies in banks that nobody has confirmed.
const ENTRIES_OF_KEYPOINT_MAX: usize = ENTRIES_OF_KEYPOINT * WIDER * WIDER;
/// Keypoints that an entry must share with a file to be looked at again.
const SHARED_MIN: usize = 3;
/// Entries that are looked at again for one file, the likeliest first.
const CANDIDATES_MAX: usize = 16;
/// Entries of confirmed banks that are looked at again beside them: matches in other banks must not hide one in a confirmed bank.
const CONFIRMED_MAX: usize = 4;
/// Candidates that are described at a time: some may be out of force.
const DESCRIBED_AT_A_TIME: usize = 4 * CANDIDATES_MAX;
/// Candidates that are described for the sake of confirmed banks.
const DESCRIBED_MAX: usize = 4 * DESCRIBED_AT_A_TIME;
/// What is asked for of an answer that hid something, for each that was asked for before.
const WIDER: usize = 8;

/// An entry that was seen in a file, near enough for its reach.
pub(super) struct Seen {
    pub entry: Known,
    pub sighting: Sighting,
    pub near: Near,
    /// Bits between the file's picture as it is and the nearest of the entry's hashes.
    pub distance: u32,
}

/// What was seen in a file.
#[derive(Default)]
pub(super) struct AllSeen {
    /// What is near enough for its reach.
    pub seen: Vec<Seen>,
    /// All that was looked at again was near, and there was more.
    pub is_cut: bool,
}

/// The entries that are seen in a picture.
pub(super) async fn find(
    app: &Seawall,
    looks: &Looks,
    counts: Counts<'_>,
    now: Timestamp,
) -> Result<AllSeen, StoreError> {
    if looks.keypoints.is_empty() || app.matcher.stats().n_keypoints == 0 {
        return Ok(AllSeen::default());
    }
    let mut limit = ENTRIES_OF_KEYPOINT;
    loop {
        let likely = likely_handles(app, looks, limit, counts, now).await?;
        let all = look_again(app, looks, &likely, limit, counts, now).await?;
        // It is known, but perhaps also in a confirmed bank.
        let is_confirmed = all.seen.iter().any(|seen| seen.entry.target.bank_confirmed);
        let is_done = all.seen.is_empty() || is_confirmed || !likely.is_capped || limit >= ENTRIES_OF_KEYPOINT_MAX;
        if is_done {
            return Ok(all);
        }
        limit *= WIDER;
    }
}

async fn look_again(
    app: &Seawall,
    looks: &Looks,
    likely: &LikelyHandles,
    limit: usize,
    counts: Counts<'_>,
    now: Timestamp,
) -> Result<AllSeen, StoreError> {
    let settings = *app.matcher.settings();
    let mut candidates: Vec<Known> = Vec::new();
    let mut confirmed: Vec<Known> = Vec::new();
    let (mut n_described, mut n_live) = (0, 0);
    for some in likely.handles.chunks(DESCRIBED_AT_A_TIME) {
        let is_enough = confirmed.len() >= CONFIRMED_MAX || n_described >= DESCRIBED_MAX.max(limit);
        if candidates.len() >= CANDIDATES_MAX && is_enough {
            break;
        }
        n_described += some.len();
        let known = describe(app, some, now).await?;
        let mut known: HashMap<u64, Known> = known.into_iter().map(|entry| (entry.handle, entry)).collect();
        let live = some.iter().filter_map(|handle| known.remove(handle));
        for entry in live.filter(|entry| counts(&entry.target)) {
            n_live += 1;
            if candidates.len() < CANDIDATES_MAX {
                candidates.push(entry);
            } else if confirmed.len() < CONFIRMED_MAX && entry.target.bank_confirmed {
                confirmed.push(entry);
            }
        }
    }
    candidates.extend(confirmed);
    let n_candidates = candidates.len();
    let handles: Vec<u64> = candidates.iter().map(|entry| entry.handle).collect();
    let kept = looks_of(app, &handles).await?;
    let see = |entry: Known| {
        let look: &Arc<EntryLook> = kept.get(&entry.handle)?;
        let reach = reach_of(&entry, &settings);
        let sighting = looks::sight(looks, &look.kept, &pairs(looks, look), reach.lead_places)?;
        let near = reach.of_sighting(&sighting)?;
        Some(Seen {
            distance: whole_distance(looks, look),
            entry,
            sighting,
            near,
        })
    };
    let seen: Vec<Seen> = off_thread(|| candidates.into_iter().filter_map(see).collect());
    let is_cut = seen.len() == n_candidates && (n_live > n_candidates || likely.handles.len() > n_described);
    Ok(AllSeen { seen, is_cut })
}

/// Entries that share enough keypoints with a picture.
struct LikelyHandles {
    /// Their numbers, the likeliest first.
    handles: Vec<u64>,
    /// There may be more.
    is_capped: bool,
}

/// The handles that share enough keypoints with a picture, the likeliest first.
async fn likely_handles(
    app: &Seawall,
    looks: &Looks,
    at_first: usize,
    counts: Counts<'_>,
    now: Timestamp,
) -> Result<LikelyHandles, StoreError> {
    // Each as it is, then each in a mirror.
    let plain = looks.keypoints.iter().map(|point| point.code);
    let codes: Vec<Pdq> = plain
        .chain(looks.keypoints.iter().map(|point| point.mirrored))
        .collect();
    let mut answers = off_thread(|| app.matcher.near_keypoints(&codes, ALIKE_BITS, at_first));
    let mut limit = at_first;
    loop {
        let crowded = crowded(app, &answers, at_first, counts, now).await?;
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
    Ok(LikelyHandles {
        handles: likely.into_iter().map(|(_, handle)| handle).collect(),
        is_capped: answers.iter().any(|hits| hits.capped),
    })
}

/// The answers that were cut off, and in which entries that do not count took the places of others.
async fn crowded(
    app: &Seawall,
    answers: &[Hits],
    at_first: usize,
    counts: Counts<'_>,
    now: Timestamp,
) -> Result<Vec<usize>, StoreError> {
    let capped: Vec<usize> = (0..answers.len()).filter(|at| answers[*at].capped).collect();
    let mut handles: Vec<u64> = capped
        .iter()
        .flat_map(|at| answers[*at].hits.iter().map(|hit| hit.key))
        .collect();
    handles.sort_unstable();
    handles.dedup();
    let known = describe(app, &handles, now).await?;
    let live: std::collections::HashSet<u64> = known
        .into_iter()
        .filter(|entry| counts(&entry.target))
        .map(|entry| entry.handle)
        .collect();
    let n_live = |at: &usize| answers[*at].hits.iter().filter(|hit| live.contains(&hit.key)).count();
    Ok(capped.into_iter().filter(|at| n_live(at) < at_first).collect())
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
    let distances = whole
        .into_iter()
        .flat_map(|whole| entry.hashes.iter().map(move |hash| whole.distance(*hash)));
    distances.min().unwrap_or(Pdq::BITS)
}
