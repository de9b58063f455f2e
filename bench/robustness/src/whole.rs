//! What Seawall does, stage by stage: the code of `signal` in the order in which a lookup takes its steps, without index and store.

use crate::method::{Found, Method, Tier};
use crate::picture::Picture;
use crate::stages::QUALITY_MIN;
use anyhow::Result;
use signal::keypoints::ALIKE_BITS_MAX;
use signal::keypoints::align::{Pair, align};
use signal::looks::{self, Likely};
use signal::nearness::{Near, Nearness, Reach};
use signal::pdq;
use signal::views::{self, Grid, Share};
use signal::{KeptLook, Looks, Pdq, Rect};
use std::cell::RefCell;
use std::sync::Arc;

/// A harmless picture nearer than this is taken for a copy.
const COPY_BITS: u32 = 8;
/// Keypoints that look alike before an entry gets a second look.
const LIKELY_MIN: usize = 3;

thread_local! {
    /// The picture that was asked with last, and its looks: all stages ask with one picture before the next is made.
    static LAST: RefCell<Option<(Picture, Arc<Looks>)>> = const { RefCell::new(None) };
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Seawall {
    pub grid: Grid,
    pub has_keypoints: bool,
    pub is_calibrated: bool,
}

pub struct Entry {
    /// Of the whole and of its crops.
    codes: Vec<(Pdq, Share)>,
    kept: KeptLook,
    reach: Reach,
}

impl Seawall {
    /// Distance, view of the query and part of the entry.
    fn nearest(query: &Looks, entry: &Entry) -> Option<(u32, usize, Share)> {
        let views = query.views.iter().enumerate();
        views
            .filter(|(_, found)| found.pdq.quality >= QUALITY_MIN)
            .filter_map(|(at, found)| {
                let codes = entry.codes.iter();
                let (distance, share) = codes
                    .map(|(code, share)| (code.distance(found.pdq.hash), *share))
                    .min()?;
                let counts = found.view.is_for_leads() || distance <= entry.reach.match_bits;
                counts.then_some((distance, at, share))
            })
            .min()
    }

    fn likely(query: &Looks, kept: &KeptLook) -> Vec<Likely> {
        let mut found: Vec<(u32, Likely)> = Vec::new();
        for (query_at, point) in query.keypoints.iter().enumerate() {
            for (is_mirrored, code) in [(false, point.code), (true, point.mirrored)] {
                for (kept_at, (kept, _)) in kept.keypoints.iter().enumerate() {
                    let distance = code.distance(*kept);
                    if distance <= ALIKE_BITS_MAX {
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
}

impl Method for Seawall {
    type Entry = Entry;
    type Query = Arc<Looks>;

    fn entry(&self, picture: &Picture) -> Result<Entry> {
        let image = picture.as_rgb()?;
        let kept = Looks::of(image).keep();
        let whole = pdq::hash_rgb(image);
        let crops = views::crops(&kept.picture, self.grid);
        let all = [(Share::WHOLE, whole)].into_iter().chain(crops);
        let usable = all.filter(|(_, signal)| signal.quality >= QUALITY_MIN);
        // As without a sample, but with the widest reach, to show what calibration is for.
        let widest = Reach::judged(&Nearness::default(), None, 0);
        Ok(Entry {
            codes: usable.map(|(share, signal)| (signal.hash, share)).collect(),
            kept,
            reach: widest,
        })
    }

    fn learns(&self) -> bool {
        self.is_calibrated
    }

    fn calibrate(&self, entry: &mut Entry, benign: &[Arc<Looks>]) {
        if !self.is_calibrated {
            return;
        }
        let bits = |looks: &Arc<Looks>| {
            let codes = looks.views.iter().filter(|found| found.pdq.quality >= QUALITY_MIN);
            let codes = codes.flat_map(|found| entry.codes.iter().map(|(code, _)| code.distance(found.pdq.hash)));
            // Nearer ones are copies, which the platform may well have.
            codes.filter(|bits| *bits > COPY_BITS).min()
        };
        let places = |looks: &Arc<Looks>| {
            let likely = Self::likely(looks, &entry.kept).into_iter();
            let pairs: Vec<Pair> = likely
                .filter(|pair| !pair.is_mirrored)
                .map(|pair| Pair {
                    query: looks.keypoints[pair.query_at].place,
                    entry: entry.kept.keypoints[pair.kept_at].1,
                    query_at: pair.query_at,
                    entry_at: pair.kept_at,
                    is_mirrored: false,
                })
                .collect();
            let longest = entry.kept.picture.width().max(entry.kept.picture.height()) as f32;
            let agreeing = align(&pairs, longest).map_or(0, |found| found.agreeing);
            if agreeing >= LIKELY_MIN { agreeing as u32 } else { 0 }
        };
        let nearest = benign.iter().filter_map(bits).min();
        let shared = benign.iter().map(places).max().unwrap_or(0);
        entry.reach = Reach::judged(&Nearness::default(), nearest, shared);
    }

    fn query(&self, picture: &Picture) -> Result<Arc<Looks>> {
        Ok(Arc::new(Looks::of(picture.as_rgb()?)))
    }

    fn query_again(&self, picture: &Picture) -> Result<Arc<Looks>> {
        LAST.with_borrow_mut(|last| match last {
            Some((known, looks)) if known == picture => Ok(looks.clone()),
            _ => {
                let looks = self.query(picture)?;
                *last = Some((picture.clone(), looks.clone()));
                Ok(looks)
            }
        })
    }

    fn compare(&self, query: &Arc<Looks>, entry: &Entry) -> Option<Found> {
        let by_hash = Self::nearest(query, entry).and_then(|(distance, at, share)| {
            let pixels = || looks::confirm(query, &query.views[at], &part(&entry.kept, share));
            if entry.reach.is_template && !entry.reach.stands(&pixels()) {
                return None;
            }
            Some(Found {
                tier: tier(entry.reach.of_distance(distance)?),
                distance,
                view: query.views[at].view.to_string().into(),
            })
        });
        if !self.has_keypoints || by_hash.as_ref().is_some_and(|found| found.tier == Tier::Match) {
            return by_hash;
        }
        let likely = Self::likely(query, &entry.kept);
        if likely.len() < LIKELY_MIN {
            return by_hash;
        }
        let seen = looks::sight(query, &entry.kept, &likely, entry.reach.lead_places).and_then(|sighting| {
            Some(Found {
                tier: tier(entry.reach.of_sighting(&sighting)?),
                distance: sighting.places,
                view: format!("sighting, {} of {} blocks alike", sighting.alike, sighting.compared).into(),
            })
        });
        match (by_hash, seen) {
            (Some(by_hash), Some(seen)) => Some(if seen.tier == Tier::Match { seen } else { by_hash }),
            (by_hash, seen) => by_hash.or(seen),
        }
    }

    fn n_codes(&self, query: &Arc<Looks>) -> usize {
        query
            .views
            .iter()
            .filter(|found| found.pdq.quality >= QUALITY_MIN)
            .count()
    }

    fn entry_bytes(&self, entry: &Entry) -> usize {
        let kept = if self.has_keypoints {
            entry.kept.to_bytes().len()
        } else {
            0
        };
        32 * entry.codes.len() + kept
    }
}

/// The part of the entry that was near, without its keypoints.
fn part(kept: &KeptLook, share: Share) -> KeptLook {
    let pixels = |share: u16, side: usize| (usize::from(share) * side + 5_000) / 10_000;
    let picture = &kept.picture;
    let rect = Rect {
        left: pixels(share.left, picture.width()),
        top: pixels(share.top, picture.height()),
        width: pixels(share.width, picture.width()),
        height: pixels(share.height, picture.height()),
    };
    KeptLook {
        keypoints: Vec::new(),
        picture: picture.crop(rect),
    }
}

fn tier(near: Near) -> Tier {
    match near {
        Near::Match => Tier::Match,
        Near::Lead => Tier::Lead,
    }
}
