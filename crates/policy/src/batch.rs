//! Many events in a row, on several threads, with the same answers as one after the other.
//!
//! What needs no window is worked out on all threads at once; asking and filling the windows stays in the order of the events. So replay
//! gives the same bytes, however many threads there are.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::eval::Scratch;
use crate::evaluation::Evaluation;
use crate::event::Event;
use crate::lists::Lists;
use crate::rules::Rules;
use crate::window::State;

/// Events that a thread prepares before it takes its turn.
const CHUNK: usize = 16;

/// Asks the rules about each event in turn and remembers what they say is to be remembered. `give` is called in the order of the events.
pub fn replay(
    rules: &Rules,
    events: &[Event],
    lists: &Lists,
    state: &mut State,
    n_threads: usize,
    give: impl FnMut(usize, Evaluation) + Send,
) {
    let seed = state.seed();
    let turn = Mutex::new((0_usize, state, give));
    let changed = Condvar::new();
    let chunks: Vec<&[Event]> = events.chunks(CHUNK).collect();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut scratches: Vec<Scratch> = (0..CHUNK).map(|_| Scratch::default()).collect();
        loop {
            let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(chunk) = chunks.get(at) else {
                return;
            };
            for (event, scratch) in chunk.iter().zip(&mut scratches) {
                rules.prepare(event, lists, seed, scratch);
            }
            let mut guard = turn.lock().unwrap_or_else(PoisonError::into_inner);
            while guard.0 != at {
                guard = changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
            let (done, state, give) = &mut *guard;
            for (idx, (event, scratch)) in chunk.iter().zip(&mut scratches).enumerate() {
                let evaluation = rules.finish(event, lists, state, scratch);
                state.apply(&evaluation.bumps);
                give(at * CHUNK + idx, evaluation);
            }
            *done += 1;
            drop(guard);
            changed.notify_all();
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..n_threads.max(1) {
            scope.spawn(work);
        }
        work();
    });
}
