//! An entry that has become part of an incident is looked for at once in what is there already: the open streams, and the items of the last hours. When that
//! is done, and by whom, says `hunts.rs`.
//!
//! Of items bare codes are kept for that time: the hashes of pictures, and of videos a hash for each sampled frame and the print of the sound. They are held against
//! the entry alone, in memory. What is found is judged by the same rules as a submission, and ends in a new decision about the same revision.
//! Doing it again finds the same and changes nothing: what stands in the evidence already is passed over.

use std::collections::BTreeMap;

use index::sounds::SoundIndex;
use index::videos::VideoIndex;
use signal::audio::ITEM_MS;
use signal::nearness::Near;
use signal::pdq::{self, Dihedral, LumaImage};
use signal::video::Frame;
use signal::views::{self, Grid, Share};
use signal::{KeptLook, Pdq, SignalType};

use super::calibrate::off_thread;
use super::deciding::{Before, decide};
use super::judging::KnownItem;
use super::lookup;
use super::scan::prints_of;
use crate::banks::Known;
use crate::matching::{Durations, Played, evidence};
use crate::model::item::{FramePlace, MediaSignal};
use crate::model::{Actor, DecisionId, Entry, ItemId, Match, Media, MediaId, MediaVerdict, Tier, Timestamp, spoken};
use crate::store::StoreError;
use crate::{Seawall, banks, items, streams};

/// Hashes of items that are read at a time.
const HASHES_PAGE: i64 = 5_000;
/// Videos of items whose codes are read at a time: each may take a megabyte.
const TRACES_PAGE: i64 = 32;

/// What a hunt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hunted {
    /// Files of items that were held against the entry.
    pub n_media: usize,
    /// Streams that were open. Each process holds its own against the entry.
    pub n_streams: u64,
    /// Items that were decided anew.
    pub n_found: usize,
}

/// What an entry is recognised by, alone in memory.
pub(super) struct Quarry {
    known: Known,
    /// Hashes of it as it is, turned, and of its crops, each with the part that it shows.
    codes: Vec<(Pdq, Option<Share>)>,
    videos: VideoIndex,
    sounds: SoundIndex,
    durations: Durations,
}

/// Looks for an entry in the items of the last hours, and writes down what was done.
pub(super) async fn hunt(app: &Seawall, actor: &Actor, entry: &Entry) -> Result<Hunted, StoreError> {
    let Some(quarry) = Quarry::of(app, entry).await? else {
        return Ok(Hunted::default());
    };
    let mut hunted = Hunted {
        n_streams: streams::count_open(&mut *app.store.reader().await?).await?,
        ..Hunted::default()
    };
    let since = app.clock.now().before(app.settings.recordings.traces_kept);
    (hunted.n_media, hunted.n_found) = search_items(app, &quarry, since).await?;
    let mut tx = app.store.begin("write down a hunt").await?;
    let body = serde_json::json!({
        "since": since.to_string(), "n_media": hunted.n_media, "n_streams": hunted.n_streams, "n_found": hunted.n_found,
    });
    tx.event(app.clock.now(), actor, "incident.hunted", entry.id, body);
    tx.commit().await?;
    Ok(hunted)
}

/// Looks once more in the items since then: those that were being submitted while it was looked for, by who did not know the entry yet. Returns how many were decided anew.
pub(super) async fn hunt_late(app: &Seawall, entry: &Entry, since: Timestamp) -> Result<usize, StoreError> {
    match Quarry::of(app, entry).await? {
        Some(quarry) => Ok(search_items(app, &quarry, since).await?.1),
        None => Ok(0),
    }
}

/// Holds what was submitted since then against an entry. Returns how many files there were, and how many items were decided anew.
async fn search_items(app: &Seawall, quarry: &Quarry, since: Timestamp) -> Result<(usize, usize), StoreError> {
    let (mut n_media, mut n_found) = (0, 0);
    let mut found: BTreeMap<(ItemId, i64), Vec<(MediaId, Match)>> = BTreeMap::new();
    let mut after = None;
    loop {
        let page = items::hashes_since(&mut *app.store.reader().await?, since, after, HASHES_PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.media, last.idx));
        n_media += page.len();
        off_thread(|| {
            for kept in &page {
                let hash = app.matcher.settings().comparable(&kept.signal);
                if let Some(m) = hash.and_then(|hash| quarry.picture(app, hash, None)) {
                    let matches = found.entry((kept.item.clone(), kept.revision)).or_default();
                    keep_nearest(matches, kept.media, m);
                }
            }
        });
    }
    let mut after = None;
    loop {
        let page = items::traces_since(&mut *app.store.reader().await?, since, after, TRACES_PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.media);
        n_media += page.len();
        for trace in &page {
            let duration_ms = length_of(trace);
            let played = off_thread(|| quarry.look_up(&trace.frames, trace.print.as_ref().map(prints_of).as_ref()));
            let mut matches = lookup::matches_of_one(&quarry.known, played, duration_ms, quarry.durations);
            matches.extend(off_thread(|| quarry.shown(app, &trace.frames)));
            let matches = matches.into_iter().map(|m| (trace.media, m));
            found
                .entry((trace.item.clone(), trace.revision))
                .or_default()
                .extend(matches);
        }
    }
    found.retain(|_, matches| !matches.is_empty());
    for ((item, revision), matches) in found {
        n_found += usize::from(decide_anew(app, &item, revision, matches).await?);
    }
    Ok((n_media, n_found))
}

/// How long a file plays, as far as is known: frames that say nothing were not kept, so the last may lie long before the end.
fn length_of(trace: &items::Trace) -> u32 {
    let seen_ms = trace.frames.last().map_or(0, |frame| frame.at_ms);
    let heard_ms = trace
        .print
        .as_ref()
        .map_or(0.0, |print| print.items.len() as f64 * ITEM_MS);
    trace.duration_ms.unwrap_or(seen_ms.max(heard_ms as u32))
}

/// Of a file with several hashes the nearest counts.
fn keep_nearest(matches: &mut Vec<(MediaId, Match)>, media: MediaId, m: Match) {
    match matches.iter_mut().find(|(other, _)| *other == media) {
        Some((_, known)) if known.distance <= m.distance => {}
        Some((_, known)) => *known = m,
        None => matches.push((media, m)),
    }
}

impl Quarry {
    /// None, if the entry is not in force.
    pub async fn of(app: &Seawall, entry: &Entry) -> Result<Option<Self>, StoreError> {
        let mut conn = app.store.reader().await?;
        let handle = entry.handle.cast_unsigned();
        let known = banks::known_of_handles(&mut conn, &[handle], app.clock.now()).await?;
        let Some(known) = known.into_iter().next() else {
            return Ok(None);
        };
        let look = banks::find_look(&mut conn, entry.id).await?;
        let recording = banks::recordings_of_handles(&mut conn, &[handle])
            .await?
            .into_iter()
            .next();
        drop(conn);
        let settings = *app.matcher.settings();
        Ok(Some(off_thread(|| {
            let hashes = entry.signals.iter().filter_map(|signal| settings.comparable(signal));
            let mut codes: Vec<(Pdq, Option<Share>)> = hashes.map(|hash| (hash, None)).collect();
            codes.extend(look.iter().flat_map(|look| codes_of(look, settings.quality_min)));
            let (videos, mut sounds) = (VideoIndex::new(), SoundIndex::new());
            let mut durations = Durations::default();
            if let Some(recording) = recording {
                durations = app.matcher.recordings().durations(handle);
                if let Some(timeline) = &recording.timeline {
                    videos.add(handle, timeline);
                }
                if let Some(print) = &recording.print {
                    sounds.add(handle, print);
                }
            }
            Self {
                known,
                codes,
                videos,
                sounds,
                durations,
            }
        })))
    }

    /// The number of the entry.
    pub fn handle(&self) -> u64 {
        self.known.handle
    }

    /// What of it is seen and heard.
    pub fn look_up(&self, frames: &[Frame], sound: Option<&signal::audio::QueryPrints>) -> Played {
        Played {
            seen: self.videos.look_up(frames),
            heard: sound.map_or_else(Vec::new, |sound| self.sounds.look_up(sound)),
        }
    }

    /// The match of a picture with this hash, if it is one or a lead.
    fn picture(&self, app: &Seawall, hash: Pdq, frame: Option<FramePlace>) -> Option<Match> {
        let settings = app.matcher.settings();
        let reach = self
            .known
            .judged
            .map_or_else(|| settings.unjudged(), |judged| judged.reach);
        let nearest = self.codes.iter().map(|(code, share)| (code.distance(hash), *share));
        let (distance, share) = nearest.min_by_key(|(distance, _)| *distance)?;
        let near = reach.of_distance(distance)?;
        let (tier, threshold) = match near {
            Near::Match => (Tier::Match, reach.match_bits),
            Near::Lead => (Tier::Lead, reach.lead_bits),
        };
        Some(Match {
            target: self.known.target.clone(),
            signal_type: SignalType::Pdq,
            value: hash.to_string(),
            distance,
            threshold,
            tier,
            view: MediaSignal::AS_IS.to_owned(),
            frame,
            part: None,
            entry_part: share,
            sighting: None,
            nearest_benign_bits: self.known.judged.and_then(|judged| judged.nearest_benign_bits),
            segments: Vec::new(),
        })
    }

    /// The nearest frame that shows it, if it is a picture. Of thousands of frames only what is a match counts.
    pub fn shown(&self, app: &Seawall, frames: &[Frame]) -> Option<Match> {
        let matches = frames.iter().filter_map(|frame| {
            let place = FramePlace {
                index: u32::try_from(frame.number).unwrap_or(u32::MAX),
                at_ms: frame.at_ms,
            };
            self.picture(app, frame.pdq.hash, Some(place))
        });
        matches.filter(|m| m.tier == Tier::Match).min_by_key(|m| m.distance)
    }
}

/// The hashes of a picture in its eight turns, and of every crop of it.
fn codes_of(look: &KeptLook, quality_min: u8) -> Vec<(Pdq, Option<Share>)> {
    let picture = &look.picture;
    // It is at most 160 pixels wide.
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    let luma = LumaImage::new(width, height, picture.pixels());
    let turned = luma.map(pdq::nearly_hash_luma_dihedral).ok();
    let turned = turned
        .into_iter()
        .flatten()
        .zip(Dihedral::ALL)
        .map(|(pdq, _)| (pdq, None));
    let crops = views::crops(picture, Grid::Dense);
    let crops = crops.into_iter().map(|(share, pdq)| (pdq, Some(share)));
    let good = turned.chain(crops).filter(|(pdq, _)| pdq.quality >= quality_min);
    good.map(|(pdq, share)| (pdq.hash, share.filter(|share| *share != Share::WHOLE)))
        .collect()
}

/// Decides an item anew on what was found of it beside what was known. False, if nothing of that is new.
async fn decide_anew(
    app: &Seawall,
    item: &ItemId,
    revision: i64,
    found: Vec<(MediaId, Match)>,
) -> Result<bool, StoreError> {
    let mut tx = app.store.begin("decide what a hunt found").await?;
    let now: Timestamp = app.clock.now();
    items::lock(&mut tx, item).await?;
    let current = items::find(tx.conn(), item).await?;
    let Some((current, report)) = current.filter(|(current, _)| current.revision == revision) else {
        return Ok(false);
    };
    let media = items::list_media(tx.conn(), item, revision).await?;
    let mut matches = evidence::list(tx.conn(), item, revision).await?;
    let stands = |known: &[(MediaId, Match)], media: MediaId, m: &Match| {
        known.iter().any(|(other, old)| {
            (*other, old.target.entry, old.signal_type) == (media, m.target.entry, m.signal_type)
                && (old.tier == Tier::Match || m.tier == Tier::Lead)
        })
    };
    let mut is_new = false;
    for (id, m) in found {
        let Some(file) = media.iter().find(|file| file.media.id == id) else {
            continue;
        };
        if stands(&matches, id, &m) {
            continue;
        }
        let n_known = matches.iter().filter(|(other, _)| *other == id).count();
        evidence::append(&mut tx, &file.media, n_known, &m).await?;
        matches.push((id, m));
        is_new = true;
    }
    if !is_new {
        return Ok(false);
    }
    let before = Before::of(tx.conn(), item).await?;
    let platform = items::facts_of(tx.conn(), item).await?;
    let transcripts = items::transcripts(tx.conn(), item, revision).await?;
    let known = KnownItem {
        id: item,
        kind: current.kind,
        account: current.account.as_deref(),
        channel: current.channel.as_deref(),
        audience: current.audience,
        url: current.url.as_deref(),
        text: current.text.as_deref(),
        transcript: spoken(transcripts.iter().flat_map(|(_, lines)| lines)),
        reported: report.is_some(),
        platform: &platform,
        posted_at: platform.posted_at.unwrap_or(current.received_at),
        media: media.iter().map(|file| &file.media.status).collect(),
        matches: matches.iter().map(|(_, m)| m).collect(),
        restricted_before: before.still_restricted_under(),
    };
    let verdicts: Vec<MediaVerdict> = media
        .iter()
        .map(|file| verdict_of(file.media.clone(), &matches))
        .collect();
    let id = DecisionId::fresh(now, &app.chance);
    let decided = decide(app, &mut tx, &known, &verdicts, &before, (id, revision), now).await?;
    tx.commit().await?;
    decided.turn.committed().await;
    app.bells.jobs.notify_one();
    Ok(true)
}

fn verdict_of(media: Media, matches: &[(MediaId, Match)]) -> MediaVerdict {
    let of_file = matches.iter().filter(|(id, _)| *id == media.id);
    MediaVerdict {
        matches: of_file.map(|(_, m)| m.clone()).collect(),
        id: Some(media.id),
        name: media.name,
        status: media.status,
        signals: media.signals,
        matches_capped: false,
    }
}

#[cfg(test)]
mod tests {
    use signal::audio::Print;
    use signal::pdq::PdqSignal;

    use super::*;

    #[test]
    fn a_file_is_as_long_as_it_plays_and_not_as_what_is_kept_of_it() {
        let frame = Frame {
            at_ms: 20_000,
            number: 500,
            is_scene: false,
            is_vpdq: false,
            pdq: PdqSignal {
                hash: Pdq::from_bytes([7; 32]),
                quality: 100,
            },
            glimpse: None,
        };
        let trace = |frames: &[Frame], n_items: Option<usize>, duration_ms| items::Trace {
            media: "med_00000000000000000000000000".parse().unwrap(),
            item: "a".parse().unwrap(),
            revision: 1,
            frames: frames.to_vec(),
            print: n_items.map(|n| Print { items: vec![1; n] }),
            duration_ms,
        };
        // Half of it is black.
        let frames = [frame];
        assert_eq!(length_of(&trace(&frames, None, Some(40_000))), 40_000);
        // What is only heard.
        let heard_ms = length_of(&trace(&[], Some(1_000), None));
        assert_eq!(heard_ms, (1_000.0 * ITEM_MS) as u32);
        assert_eq!(length_of(&trace(&frames, Some(10), None)), 20_000);
    }
}
