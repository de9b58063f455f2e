//! The videos and sounds of the banks, in memory: which of them a file shows or plays, and where.
//!
//! Unlike the hashes they are remembered in no folder: they are read from the banks at each start, before anything is looked up and before anybody is answered. A thousand
//! videos of two minutes in which nothing stands still take some ten seconds.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use index::sounds::{SoundIndex, SoundStats};
use index::videos::{Still, VideoIndex, VideoStats};
use signal::Looks;
use signal::audio::{Print, QueryPrints, SoundSegment};
use signal::video::{Frame, Segment, Timeline};

/// The recordings of all entries that are matched against.
#[derive(Debug)]
pub struct Recordings {
    videos: VideoIndex,
    /// Whoever looks up holds what was there when it began: a film's sound takes seconds, and nobody who adds one may wait for that.
    sounds: RwLock<Arc<SoundIndex>>,
    durations: RwLock<HashMap<u64, Durations>>,
}

/// How long an entry plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Durations {
    /// Of its pictures; 0 where it has none.
    pub video_ms: u32,
    /// Of its sound; 0 where it has none.
    pub sound_ms: u32,
}

/// What was seen and heard of entries, by their numbers.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Played {
    /// Where it is seen.
    pub seen: Vec<(u64, Vec<Segment>)>,
    /// Where it is heard.
    pub heard: Vec<(u64, Vec<SoundSegment>)>,
}

impl Default for Recordings {
    fn default() -> Self {
        Self {
            videos: VideoIndex::new(),
            sounds: RwLock::default(),
            durations: RwLock::default(),
        }
    }
}

impl Recordings {
    /// Tells what entries have now: many at once take a fraction of the time. What is told twice changes nothing.
    pub fn set_many(&self, entries: &[(u64, Option<&Timeline>, Option<&Print>)]) {
        let with_videos = entries
            .iter()
            .filter_map(|(handle, timeline, _)| Some((*handle, (*timeline)?)));
        self.videos.add_many(&with_videos.collect::<Vec<_>>());
        for (handle, timeline, print) in entries {
            if timeline.is_none() {
                self.videos.remove(*handle);
            }
            self.set_others(*handle, *timeline, *print);
        }
    }

    /// Tells what an entry has now beside what its video is found by.
    fn set_others(&self, handle: u64, timeline: Option<&Timeline>, print: Option<&Print>) {
        self.change_sounds(|sounds| match print {
            Some(print) => sounds.add(handle, print),
            None => drop(sounds.remove(handle)),
        });
        let durations = Durations {
            video_ms: timeline.map_or(0, |timeline| timeline.duration_ms),
            sound_ms: print.map_or(0, sound_ms),
        };
        let mut known = self.durations.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(handle, durations);
    }

    /// Tells that an entry has none.
    pub fn remove(&self, handle: u64) {
        let mut durations = self.durations.write().unwrap_or_else(PoisonError::into_inner);
        // Nearly all entries are pictures.
        if durations.remove(&handle).is_none() {
            return;
        }
        drop(durations);
        self.videos.remove(handle);
        self.change_sounds(|sounds| {
            sounds.remove(handle);
        });
    }

    /// Whether there are none at all.
    pub fn is_empty(&self) -> bool {
        self.all_durations().is_empty()
    }

    /// Which entries a video shows and plays. Takes milliseconds for each minute of it.
    pub fn look_up(&self, frames: &[Frame], sound: Option<&QueryPrints>) -> Played {
        Played {
            seen: self.videos.look_up(frames),
            heard: sound.map_or_else(Vec::new, |sound| self.sounds().look_up(sound)),
        }
    }

    /// Which videos a picture is a still of.
    pub fn look_up_picture(&self, looks: &Looks) -> Vec<Still> {
        self.videos.look_up_picture(looks)
    }

    /// The videos, for streams.
    pub fn videos(&self) -> &VideoIndex {
        &self.videos
    }

    /// The sounds as they are now; what is added later is not in them.
    pub fn sounds(&self) -> Arc<SoundIndex> {
        self.sounds.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change_sounds(&self, change: impl FnOnce(&mut SoundIndex)) {
        let mut sounds = self.sounds.write().unwrap_or_else(PoisonError::into_inner);
        // Copied if somebody looks up in them.
        change(Arc::make_mut(&mut sounds));
    }

    /// How long an entry plays.
    pub fn durations(&self, handle: u64) -> Durations {
        self.all_durations().get(&handle).copied().unwrap_or_default()
    }

    /// Puts what was added in order, as the other indexes are.
    pub fn maintain(&self) -> std::io::Result<bool> {
        self.videos.maintain()
    }

    /// How much is held.
    pub fn stats(&self) -> (VideoStats, SoundStats) {
        (self.videos.stats(), self.sounds().stats())
    }

    fn all_durations(&self) -> RwLockReadGuard<'_, HashMap<u64, Durations>> {
        self.durations.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sound_ms(print: &Print) -> u32 {
    let steps = print.items.len().saturating_sub(1) as f64;
    (steps * signal::audio::ITEM_MS + signal::audio::ITEM_SPAN_MS).round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_who_adds_a_sound_waits_for_one_who_looks_up() {
        let recordings = Recordings::default();
        let print = Print {
            items: (0..200_u32).map(|at| at.wrapping_mul(0x9e37_79b9)).collect(),
        };
        recordings.set_many(&[(1, None, Some(&print))]);
        let held = recordings.sounds();
        recordings.set_many(&[(2, None, Some(&print))]);
        recordings.remove(1);
        assert_eq!((held.stats().n_entries, recordings.sounds().stats().n_entries), (1, 1));
        assert!(recordings.durations(2).sound_ms > 0);
    }
}
