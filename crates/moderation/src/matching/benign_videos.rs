//! The benign sample of videos: what users' videos show that nobody objected to. What several of them show, an opening, a countdown, colour bars, is no
//! evidence where an entry shows it.
//!
//! It is drawn as the sample of pictures is ([`super::benign`]). It must never know entries or banks. Start with [`BenignVideos::refresh`].

use std::collections::{HashMap, HashSet};

use index::videos::VideoIndex;
use signal::video::{Frame, Timeline};
use sqlx::{AnyConnection, query};

use crate::model::{ItemId, Timestamp};
use crate::store::StoreError;
use crate::store::Tx;
use crate::store::columns::Columns;

/// Frames that are kept of a video: what opens it, what ends it, and some between.
const FRAMES_MAX: usize = 120;
/// How long an opening may be, and an ending.
const EDGE_MS: u32 = 15_000;
/// Keypoints that are kept of one moment, the strongest.
const KEYPOINTS_MAX: usize = 16;

/// A video to be kept.
#[derive(Debug, Clone)]
pub struct NewBenignVideo(Vec<u8>);

/// Which videos of the sample an index has learnt from.
#[derive(Debug, Default)]
pub struct BenignVideos {
    numbers: HashMap<String, u64>,
    next: u64,
}

impl NewBenignVideo {
    /// Of a video of which these frames were sampled.
    pub fn of(frames: &[Frame], duration_ms: u32) -> Self {
        let last_ms = frames.last().map_or(0, |frame| frame.at_ms);
        let is_edge = |frame: &&Frame| frame.at_ms < EDGE_MS || last_ms.saturating_sub(frame.at_ms) < EDGE_MS;
        let n_edge = frames.iter().filter(is_edge).count();
        let stride = (frames.len() - n_edge)
            .div_ceil(FRAMES_MAX.saturating_sub(n_edge).max(1))
            .max(1);
        let mut n_between = 0;
        let mut is_taken = |frame: &&Frame| {
            n_between += usize::from(!is_edge(frame));
            is_edge(frame) || n_between % stride == 0
        };
        let taken: Vec<Frame> = frames
            .iter()
            .filter(|frame| is_taken(frame))
            .take(FRAMES_MAX * 2)
            .cloned()
            .collect();
        let mut shown = Timeline::of(&taken, duration_ms);
        for mark in &mut shown.marks {
            mark.keypoints.truncate(KEYPOINTS_MAX);
        }
        Self(shown.to_bytes())
    }
}

/// Keeps a video that drew this lot.
pub async fn insert(
    tx: &mut Tx,
    id: &str,
    item: &ItemId,
    lot: i64,
    new: NewBenignVideo,
    now: Timestamp,
) -> Result<(), StoreError> {
    query("INSERT INTO matching_benign_video (id, item_id, lot, shown, taken_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(id.to_owned())
        .bind(item.to_string())
        .bind(lot)
        .bind(new.0)
        .bind(now.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keep a video in the benign sample"))?;
    Ok(())
}

impl BenignVideos {
    /// Tells an index what came since the last time, and what went. A video that cannot be read counts for nothing, and goes with time.
    pub async fn refresh(&mut self, conn: &mut AnyConnection, videos: &VideoIndex) -> Result<(), StoreError> {
        let at = StoreError::at("read the benign sample of videos");
        let rows = query("SELECT id FROM matching_benign_video")
            .fetch_all(&mut *conn)
            .await
            .map_err(&at)?;
        let ids: HashSet<String> = rows.iter().map(|row| row.text("id")).collect::<Result<_, _>>()?;
        self.numbers.retain(|id, number| {
            let is_left = ids.contains(id);
            if !is_left {
                videos.forget(*number);
            }
            is_left
        });
        for id in ids {
            if self.numbers.contains_key(&id) {
                continue;
            }
            let row = query("SELECT shown FROM matching_benign_video WHERE id = $1")
                .bind(id.clone())
                .fetch_optional(&mut *conn)
                .await
                .map_err(&at)?;
            // It may have gone meanwhile.
            let Some(row) = row else {
                continue;
            };
            let number = self.next;
            self.next += 1;
            if let Ok(shown) = Timeline::from_bytes(&row.bytes("shown")?) {
                videos.learn(number, &shown);
            }
            self.numbers.insert(id, number);
        }
        Ok(())
    }
}
