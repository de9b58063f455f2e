//! How near counts for each entry is found out, by a sample of what the platform's users post and nobody objects to.
//!
//! An entry that comes with its picture is judged before it is added; those that come as bare hashes, and all of them every day, are judged in the
//! background, some at a time. Doing it again changes nothing; two processes that do it at once find the same.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use signal::nearness::Reach;
use signal::{KeptLook, Looks, Pdq, Signal};
use tokio::sync::{Mutex, watch};

use super::follow;
use super::scan::ScannedRecording;
use crate::banks::{NewLook, ToJudge};
use crate::matching::benign::{self, BenignSample, Nearest, NewBenign, Sampled};
use crate::matching::benign_videos::{self, BenignVideos, NewBenignVideo};
use crate::model::{EntryId, ItemId, Judged, Timestamp};
use crate::store::{StoreError, Tx};
use crate::{Seawall, banks};

pub(super) use crate::model::off_thread;

/// How long a picture stays in the sample at most: it is to be what users post these days.
const SAMPLE_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
/// Pictures from which on a sample may widen what counts as a lead; a smaller one only narrows it.
pub const SAMPLE_TRUSTED: usize = 200;
/// Which part of a sample's size may be taken in before it is trimmed.
const SURPLUS_SHARE: usize = 20;
/// A sample of so many pictures has one video for each so many of them: a video is as large as many pictures.
const PICTURES_A_VIDEO: usize = 8;
/// Entries that are judged at a time.
const PAGE: usize = 100;
/// The longest pause between two pages.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// How often each entry is judged.
const JUDGED_EVERY: Duration = Duration::from_secs(24 * 3600);

/// The samples, as this process knows them.
#[derive(Debug, Default)]
pub struct Sample {
    loaded: Mutex<BenignSample>,
    videos: Mutex<BenignVideos>,
    pictures_entered: Entered,
    videos_entered: Entered,
}

/// Who enters a sample.
#[derive(Debug)]
struct Entered {
    /// Who draws a lot under this.
    bar: AtomicI64,
    /// How many did since it was trimmed.
    n_new: AtomicUsize,
}

impl Default for Entered {
    fn default() -> Self {
        Self {
            bar: AtomicI64::new(i64::MAX),
            n_new: AtomicUsize::new(0),
        }
    }
}

impl Entered {
    /// A lot, if it is under the bar.
    fn draw(&self, app: &Seawall) -> Option<i64> {
        if app.matcher.settings().benign_sample == 0 {
            return None;
        }
        // The highest bit stays clear.
        let lot = (u64::from_be_bytes(app.chance.bytes()) >> 1).cast_signed();
        (lot < self.bar.load(Ordering::Relaxed)).then_some(lot)
    }
}

impl Sample {
    /// Everything was forgotten: the next ones enter again.
    pub(in crate::flows) fn begin_anew(&self) {
        self.pictures_entered.bar.store(i64::MAX, Ordering::Relaxed);
        self.videos_entered.bar.store(i64::MAX, Ordering::Relaxed);
    }

    fn entered(&self, sampled: Sampled) -> &Entered {
        match sampled {
            Sampled::Pictures => &self.pictures_entered,
            Sampled::Videos => &self.videos_entered,
        }
    }
}

/// How many a sample has.
fn sample_max(app: &Seawall, sampled: Sampled) -> usize {
    let n = app.matcher.settings().benign_sample;
    match sampled {
        Sampled::Pictures => n,
        Sampled::Videos => n.div_ceil(PICTURES_A_VIDEO),
    }
}

/// What is kept with an entry that comes with its picture.
#[derive(Debug)]
pub(super) struct Prepared {
    look: NewLook,
    judged: Option<Judged>,
    copies: Vec<String>,
}

/// A picture or video that drew a lot and enters its sample.
pub(super) struct Entrant {
    lot: i64,
    new: New,
}

enum New {
    Picture(NewBenign),
    Video(NewBenignVideo),
}

/// Draws lots for a file that nobody objects to; nothing, if it does not enter.
pub(super) fn draw(app: &Seawall, looks: Option<&Looks>, recording: Option<&ScannedRecording>) -> Vec<Entrant> {
    let picture = looks.and_then(|looks| {
        let new = || New::Picture(NewBenign::of(looks, app.matcher.settings().quality_min));
        let lot = app.sample.pictures_entered.draw(app)?;
        Some(Entrant { lot, new: new() })
    });
    let shown = recording.filter(|recording| !recording.frames.is_empty());
    let video = shown.and_then(|recording| {
        let new = || New::Video(NewBenignVideo::of(&recording.frames, recording.duration_ms));
        let lot = app.sample.videos_entered.draw(app)?;
        Some(Entrant { lot, new: new() })
    });
    picture.into_iter().chain(video).collect()
}

impl Entrant {
    /// Enters the sample, in the transaction that allows the item. Returns which.
    pub(super) async fn enter(
        self,
        tx: &mut Tx,
        id: &str,
        item: &ItemId,
        now: Timestamp,
    ) -> Result<Sampled, StoreError> {
        match self.new {
            New::Picture(new) => {
                benign::insert(tx, id, item, self.lot, new, now).await?;
                Ok(Sampled::Pictures)
            }
            New::Video(new) => {
                benign_videos::insert(tx, id, item, self.lot, new, now).await?;
                Ok(Sampled::Videos)
            }
        }
    }
}

/// After some entered: a sample is trimmed now and then.
pub(super) async fn entered(app: &Seawall, entered: &[Sampled]) -> Result<(), StoreError> {
    for sampled in [Sampled::Pictures, Sampled::Videos] {
        let n = entered.iter().filter(|entered| **entered == sampled).count();
        let n_new = app.sample.entered(sampled).n_new.fetch_add(n, Ordering::Relaxed) + n;
        if n > 0 && n_new > sample_max(app, sampled) / SURPLUS_SHARE {
            trim_sample(app, sampled).await?;
        }
    }
    Ok(())
}

/// Drops from a sample what is old, and what is more than the operator asked for.
pub async fn trim_sample(app: &Seawall, sampled: Sampled) -> Result<(), StoreError> {
    let entered = app.sample.entered(sampled);
    entered.n_new.store(0, Ordering::Relaxed);
    let mut tx = app.store.begin("trim the benign sample").await?;
    let oldest = app.clock.now().before(SAMPLE_KEPT);
    let bar = benign::trim(&mut tx, sampled, sample_max(app, sampled), oldest).await?;
    tx.commit().await?;
    entered.bar.store(bar, Ordering::Relaxed);
    Ok(())
}

/// Learns what harmless videos show, as far as the sample has changed.
pub(crate) async fn learn_videos(app: &Seawall) -> Result<(), StoreError> {
    let mut videos = app.sample.videos.lock().await;
    let mut conn = app.store.reader().await?;
    videos.refresh(&mut conn, app.matcher.recordings().videos()).await
}

/// What is kept with an entry that comes with its picture, made before the transaction that adds it.
pub(super) async fn prepare(app: &Seawall, signals: &[Signal], looks: &Looks) -> Result<Prepared, StoreError> {
    let settings = app.matcher.settings();
    let (kept, look, mut hashes) = off_thread(|| {
        let kept = looks.keep();
        let look = NewLook::of(&kept);
        let good = look.crops().filter(|crop| crop.quality >= settings.quality_min);
        let hashes: Vec<Pdq> = good.map(|crop| crop.hash).collect();
        (kept, look, hashes)
    });
    hashes.extend(signals.iter().filter_map(|signal| settings.comparable(signal)));
    let mut sample = app.sample.loaded.lock().await;
    sample.refresh(&mut *app.store.reader().await?).await?;
    let found = judge(app, &sample, &hashes, Some(&kept));
    let (judged, copies) = found.map_or((None, Vec::new()), |(judged, nearest)| (Some(judged), nearest.copies));
    Ok(Prepared { look, judged, copies })
}

impl Prepared {
    /// Keeps it, in the transaction that adds the entry.
    pub(super) async fn insert(self, tx: &mut Tx, entry: EntryId) -> Result<(), StoreError> {
        banks::insert_look(tx, entry, self.look).await?;
        if let Some(judged) = &self.judged {
            banks::set_judged(tx, entry, judged).await?;
        }
        benign::remove(tx, &self.copies).await
    }
}

/// How near counts for an entry with these hashes; nothing, as long as there is no sample.
fn judge(app: &Seawall, sample: &BenignSample, hashes: &[Pdq], look: Option<&KeptLook>) -> Option<(Judged, Nearest)> {
    if sample.is_empty() || hashes.is_empty() {
        return None;
    }
    let settings = app.matcher.settings();
    let nearest = off_thread(|| sample.nearest(hashes, look));
    let mut reach = Reach::judged(&settings.nearness(), nearest.bits, nearest.places);
    if sample.len() < SAMPLE_TRUSTED {
        reach.lead_bits = reach.lead_bits.min(settings.unjudged().lead_bits);
    }
    let judged = Judged {
        reach,
        nearest_benign_bits: nearest.bits,
        nearest_benign_places: nearest.places,
        at: app.clock.now(),
    };
    Some((judged, nearest))
}

/// Judges these entries, and keeps what is new.
async fn judge_all(app: &Seawall, entries: &[ToJudge]) -> Result<(), StoreError> {
    let settings = app.matcher.settings();
    let mut changed: Vec<(EntryId, Judged)> = Vec::new();
    let mut copies: Vec<String> = Vec::new();
    {
        let sample = app.sample.loaded.lock().await;
        for entry in entries {
            let hashes = entry.hashes.iter().filter_map(|signal| settings.comparable(signal));
            let crops = entry.crops.iter().filter(|crop| crop.quality >= settings.quality_min);
            let hashes: Vec<Pdq> = hashes.chain(crops.map(|crop| crop.hash)).collect();
            let Some((judged, nearest)) = judge(app, &sample, &hashes, entry.look.as_ref()) else {
                continue;
            };
            if entry.judged.is_none_or(|before| !is_same(before, judged)) {
                changed.push((entry.entry, judged));
            }
            copies.extend(nearest.copies);
        }
    }
    if changed.is_empty() && copies.is_empty() {
        return Ok(());
    }
    let mut tx = app.store.begin("judge entries").await?;
    if !changed.is_empty() {
        banks::tell_followers(&mut tx).await?;
    }
    for (entry, judged) in &changed {
        banks::set_judged(&mut tx, *entry, judged).await?;
    }
    benign::remove(&mut tx, &copies).await?;
    tx.commit().await?;
    follow::catch_up(app).await
}

fn is_same(before: Judged, now: Judged) -> bool {
    Judged { at: now.at, ..before } == now
}

/// Judges one entry again, whose codes have changed.
pub(super) async fn judge_again(app: &Seawall, entry: EntryId) -> Result<(), StoreError> {
    app.sample
        .loaded
        .lock()
        .await
        .refresh(&mut *app.store.reader().await?)
        .await?;
    let entries = banks::to_judge(&mut *app.store.reader().await?, &[entry]).await?;
    judge_all(app, &entries).await
}

/// How far the entries were judged.
#[derive(Debug, Default)]
pub struct Round {
    began_at: Option<Timestamp>,
    after: Option<EntryId>,
}

impl Round {
    /// Judges what came since the last time, or everything if that was long ago, until it is done or told to stop.
    pub async fn go_on(&mut self, app: &Seawall, shutdown: &watch::Receiver<bool>) -> Result<(), StoreError> {
        let now = app.clock.now();
        learn_videos(app).await?;
        app.sample
            .loaded
            .lock()
            .await
            .refresh(&mut *app.store.reader().await?)
            .await?;
        if app.sample.loaded.lock().await.is_empty() {
            return Ok(());
        }
        if self.began_at.is_none_or(|began| began <= now.before(JUDGED_EVERY)) {
            self.began_at = Some(now);
            self.after = None;
        }
        while !*shutdown.borrow() {
            let begin = Instant::now();
            let page = banks::entries_to_judge(&mut *app.store.reader().await?, self.after, PAGE).await?;
            judge_all(app, &page.entries).await?;
            self.after = page.last.or(self.after);
            if !page.more {
                break;
            }
            // Lookups come first: at most half of a core.
            tokio::time::sleep(begin.elapsed().min(PAUSE_MAX)).await;
        }
        Ok(())
    }
}
