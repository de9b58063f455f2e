//! Items that show what a file shows: a person has a picture in hand and asks where it was posted. Nothing of the file is kept.

use signal::{Pdq, Signal};

use super::files::{Decoded, FileContent, NotDecoded, decode};
use super::scan::signals_of;
use crate::Seawall;
use crate::items;
use crate::model::{Actor, Denied, ItemId, Right, off_thread};
use crate::store::StoreError;
use crate::views::reaches_item;

/// Hashes of items that are read at a time.
const HASHES_PAGE: i64 = 5_000;
/// The most hashes that are compared: some seconds of work.
const HASHES_MAX: usize = 2_000_000;
/// The most items that are named.
pub const RESEMBLING_MAX: usize = 50;
/// The most pictures of a video that are looked for.
const FRAMES_MAX: usize = 64;

/// Nothing was looked for.
#[derive(Debug, thiserror::Error)]
pub enum ResembleError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The file cannot be hashed.
    #[error("the file cannot be hashed: {reason}")]
    Unscannable {
        /// Why, in a word.
        reason: String,
    },
    /// Too much is being hashed just now.
    #[error("too much is being hashed just now")]
    Busy,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An item that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resembling {
    /// Which.
    pub item: ItemId,
    /// How near, in bits of 256.
    pub distance: u32,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resemblance {
    /// The nearest first, at most [`RESEMBLING_MAX`].
    pub items: Vec<Resembling>,
    /// Whether older items were not compared, because there are too many.
    pub is_cut: bool,
}

/// Items whose latest revision has a picture near to one of the file's, within the distance of a lead.
pub async fn resembling(app: &Seawall, actor: &Actor, content: &FileContent) -> Result<Resemblance, ResembleError> {
    actor.require(Right::ReadItems)?;
    let asked = hashes_of(app, content).await?;
    if asked.is_empty() {
        return Ok(Resemblance::default());
    }
    let within = app.matcher.settings().unjudged().lead_bits;
    let mut found: Vec<Resembling> = Vec::new();
    let (mut n_compared, mut after, mut is_cut) = (0, None, false);
    loop {
        let page = items::newest_hashes(&mut *app.store.reader().await?, after, HASHES_PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.media, last.idx));
        n_compared += page.len();
        off_thread(|| {
            for kept in &page {
                let Signal::Pdq { hash, .. } = &kept.signal else {
                    continue;
                };
                let nearest = asked.iter().map(|asked| asked.distance(*hash)).min();
                let Some(distance) = nearest.filter(|distance| *distance <= within) else {
                    continue;
                };
                match found.iter_mut().find(|known| known.item == kept.item) {
                    Some(known) => known.distance = known.distance.min(distance),
                    None => found.push(Resembling {
                        item: kept.item.clone(),
                        distance,
                    }),
                }
            }
        });
        if n_compared >= HASHES_MAX {
            is_cut = true;
            break;
        }
    }
    found.sort_by(|a, b| (a.distance, &a.item).cmp(&(b.distance, &b.item)));
    let mut conn = app.store.reader().await?;
    let mut reached = Vec::new();
    for one in found {
        if reached.len() == RESEMBLING_MAX {
            break;
        }
        if reaches_item(&mut conn, actor, &one.item).await? {
            reached.push(one);
        }
    }
    Ok(Resemblance { items: reached, is_cut })
}

/// The hashes of what the file shows: a picture in its views, some pictures of a video.
async fn hashes_of(app: &Seawall, content: &FileContent) -> Result<Vec<Pdq>, ResembleError> {
    let decoded = decode(app, content, media::Want::Signals)
        .await
        .map_err(|error: NotDecoded| match error.reason() {
            Some((reason, _)) => ResembleError::Unscannable { reason },
            None => ResembleError::Busy,
        })?;
    Ok(match decoded {
        Decoded::Picture(scan) => {
            let signals = signals_of(&scan).into_iter();
            let comparable = signals.filter_map(|signal| app.matcher.settings().comparable(&signal.signal));
            comparable.collect()
        }
        Decoded::Recording(scan) => {
            let step = scan.frames.len().div_ceil(FRAMES_MAX).max(1);
            let quality_min = app.matcher.settings().quality_min;
            let clear = scan.frames.iter().filter(|frame| frame.pdq.quality >= quality_min);
            clear.step_by(step).map(|frame| frame.pdq.hash).collect()
        }
    })
}
