//! A stream's sound, asked after while it goes on.

use super::SoundIndex;
use signal::audio::{Played, QueryPrints, SoundSegment};

/// Items of each speed that are kept: half a minute.
const KEPT_ITEMS: usize = 256;
/// Items that must be new before all that is kept is asked for again: two seconds.
const NEW_ITEMS: usize = 16;
/// Items that must be new before the latest are asked for, half a second, and how many those are: what begins is known sooner, for a fraction of the work.
const NEW_ITEMS_SOON: usize = 4;
const LATEST_ITEMS: usize = 72;

/// What was heard lately in one stream.
#[derive(Debug, Default)]
pub struct Tracker {
    kept: QueryPrints,
    /// Items since all was asked for, and since the latest were.
    n_new: usize,
    n_new_soon: usize,
}

impl Tracker {
    /// Nothing heard yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next items of the stream, as [`Printer::drain`](signal::audio::Printer::drain) gives them. What is heard now of which entry: a run that goes on is told
    /// again as it grows, at most as long as the tracker remembers.
    pub fn push(&mut self, index: &SoundIndex, prints: QueryPrints) -> Vec<(u64, SoundSegment)> {
        let n_items = prints.played.first().map_or(0, |played| played.items.len());
        for (number, played) in prints.played.into_iter().enumerate() {
            match self.kept.played.get_mut(number) {
                Some(kept)
                    if kept.speed == played.speed
                        && kept.first as usize + kept.items.len() == played.first as usize =>
                {
                    kept.items.extend(played.items);
                    let forgotten = kept.items.len().saturating_sub(KEPT_ITEMS);
                    kept.items.drain(..forgotten);
                    kept.first += forgotten as u32;
                }
                // A gap: what was before lies elsewhere.
                Some(kept) => *kept = newest(played),
                None => self.kept.played.push(newest(played)),
            }
        }
        self.n_new += n_items;
        self.n_new_soon += n_items;
        let found = if self.n_new >= NEW_ITEMS {
            self.n_new = 0;
            self.n_new_soon = 0;
            index.look_up(&self.kept)
        } else if self.n_new_soon >= NEW_ITEMS_SOON {
            self.n_new_soon = 0;
            index.look_up(&self.latest())
        } else {
            return Vec::new();
        };
        let segments = found
            .into_iter()
            .flat_map(|(handle, segments)| segments.into_iter().map(move |segment| (handle, segment)));
        segments.collect()
    }

    fn latest(&self) -> QueryPrints {
        let end_of = |played: &Played| {
            let skipped = played.items.len().saturating_sub(LATEST_ITEMS);
            Played {
                speed: played.speed,
                first: played.first + skipped as u32,
                items: played.items[skipped..].to_vec(),
            }
        };
        QueryPrints {
            played: self.kept.played.iter().map(end_of).collect(),
        }
    }
}

fn newest(mut played: Played) -> Played {
    let forgotten = played.items.len().saturating_sub(KEPT_ITEMS);
    played.items.drain(..forgotten);
    played.first += forgotten as u32;
    played
}
