//! Which pieces of live streams were taken, so that a retry does no harm, and whose turn it is: pieces of one stream are taken one after the other.
//! It is kept in memory, like the streams themselves; where the process ends, both are gone. Start with [`Sequences`].

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use moderation::model::StreamId;
use tokio::sync::OwnedMutexGuard;

/// Most streams that are remembered; those that were heard of longest ago are forgotten first.
const STREAMS_MAX: usize = 1_000;

/// Numbers of pieces that are remembered of each stream, the last ones.
const NUMBERS_MAX: usize = 64;

/// What was taken of each stream.
#[derive(Debug, Default)]
pub(crate) struct Sequences(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    streams: HashMap<StreamId, (u64, Arc<tokio::sync::Mutex<Taken>>)>,
    n_turns: u64,
}

/// What was taken of a stream.
#[derive(Debug, Default)]
struct Taken {
    /// In the order in which they were taken, which is that of the stream.
    numbers: VecDeque<u64>,
    latest_ms: u32,
    n_frames: u64,
}

/// The turn of one piece. No other piece of the stream is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn(OwnedMutexGuard<Taken>);

impl Sequences {
    /// The turn of a piece; none while another piece of the stream has it.
    pub fn turn(&self, id: StreamId) -> Option<Turn> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.n_turns += 1;
        let n_turns = known.n_turns;
        if known.streams.len() >= STREAMS_MAX && !known.streams.contains_key(&id) {
            let oldest = known.streams.iter().min_by_key(|(_, (turn, _))| *turn);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                known.streams.remove(&oldest);
            }
        }
        let (turn, taken) = known.streams.entry(id).or_default();
        *turn = n_turns;
        taken.clone().try_lock_owned().ok().map(Turn)
    }

    /// Nothing more will come of a stream.
    pub fn forget(&self, id: StreamId) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .streams
            .remove(&id);
    }
}

/// What a piece's number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// It is the next.
    Next,
    /// It was taken before.
    Taken,
    /// Later pieces were taken, and this one was not: its place in the stream has passed.
    Missed,
}

impl Turn {
    /// Whether the piece is still to be taken.
    pub fn place(&self, sequence: Option<u64>) -> Place {
        let Some(sequence) = sequence else { return Place::Next };
        match self.0.numbers.back() {
            Some(last) if sequence > *last => Place::Next,
            None => Place::Next,
            Some(_) if self.0.numbers.contains(&sequence) => Place::Taken,
            Some(_) => Place::Missed,
        }
    }

    /// The piece was taken.
    pub fn taken(&mut self, sequence: Option<u64>) {
        let Some(sequence) = sequence else { return };
        self.0.numbers.push_back(sequence);
        while self.0.numbers.len() > NUMBERS_MAX {
            self.0.numbers.pop_front();
        }
    }

    /// When the last frame was shown.
    pub fn latest_ms(&self) -> u32 {
        self.0.latest_ms
    }

    /// How many frames came.
    pub fn n_frames(&self) -> u64 {
        self.0.n_frames
    }

    /// Frames came.
    pub fn saw(&mut self, latest_ms: u32, n_frames: u64) {
        self.0.latest_ms = latest_ms;
        self.0.n_frames += n_frames;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_taken_once_and_pieces_wait_for_each_other() {
        let sequences = Sequences::default();
        let id: StreamId = "stream_01kagy2s3q4v5w6x7y8z9a0b1c".parse().unwrap();
        let mut turn = sequences.turn(id).unwrap();
        assert_eq!(turn.place(Some(7)), Place::Next, "the first may have any number");
        assert!(sequences.turn(id).is_none(), "one after the other");
        turn.taken(Some(7));
        drop(turn);
        let turn = sequences.turn(id).unwrap();
        assert_eq!(turn.place(Some(7)), Place::Taken);
        assert_eq!([Some(9), None].map(|number| turn.place(number)), [Place::Next; 2]);
        drop(turn);
        sequences.forget(id);
        assert_eq!(sequences.turn(id).unwrap().place(Some(7)), Place::Next);
    }

    #[test]
    fn a_piece_that_came_too_late_was_not_taken_before() {
        let sequences = Sequences::default();
        let id: StreamId = "stream_01kagy2s3q4v5w6x7y8z9a0b1c".parse().unwrap();
        let mut turn = sequences.turn(id).unwrap();
        for sequence in [5, 7, 8] {
            turn.taken(Some(sequence));
        }
        assert_eq!(
            [5, 6, 8].map(|number| turn.place(Some(number))),
            [Place::Taken, Place::Missed, Place::Taken]
        );
        for sequence in 9..200 {
            turn.taken(Some(sequence));
        }
        assert_eq!(turn.place(Some(8)), Place::Missed, "what is long ago is not remembered");
        assert_eq!(turn.0.numbers.len(), NUMBERS_MAX);
    }
}
