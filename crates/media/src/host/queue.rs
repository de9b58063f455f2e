//! The bounded queue between async callers and keeper threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::{Scan, ScanError, Want};

/// One file that waits for a worker.
pub(super) struct Job {
    pub(super) bytes: Bytes,
    pub(super) want: Want,
    pub(super) reply: oneshot::Sender<Result<Scan, ScanError>>,
}

pub(super) struct Queue {
    n_max: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Job>,
    is_closed: bool,
}

impl Queue {
    pub(super) fn new(n_max: usize) -> Self {
        Self {
            n_max,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Lines a job up. Those whose caller has gone make room.
    pub(super) fn push(&self, job: Job) -> Result<(), ScanError> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(ScanError::ShutDown);
        }
        if state.waiting.len() >= self.n_max {
            state.waiting.retain(|job| !job.reply.is_closed());
        }
        if state.waiting.len() >= self.n_max {
            return Err(ScanError::Busy { queue_max: self.n_max });
        }
        state.waiting.push_back(job);
        // All of them: a call to one could reach a keeper that only pauses.
        self.changed.notify_all();
        Ok(())
    }

    /// Gives back a job that was taken and not begun, as the next one.
    pub(super) fn give_back(&self, job: Job) {
        let mut state = self.lock();
        if state.is_closed {
            drop(state);
            // The caller may have gone.
            let _ = job.reply.send(Err(ScanError::ShutDown));
        } else {
            state.waiting.push_front(job);
            self.changed.notify_all();
        }
    }

    /// Answers all that wait with an error; tells how many they were.
    pub(super) fn turn_away(&self, error: &ScanError) -> usize {
        let waiting = std::mem::take(&mut self.lock().waiting);
        waiting
            .into_iter()
            .filter_map(|job| job.reply.send(Err(error.clone())).ok())
            .count()
    }

    /// The next job whose caller still waits. Blocks until there is one; `None` once the queue is closed.
    pub(super) fn pop(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            while let Some(job) = state.waiting.pop_front() {
                if !job.reply.is_closed() {
                    return Some(job);
                }
            }
            if state.is_closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Sleeps, or until the queue is closed.
    pub(super) fn pause(&self, duration: Duration) {
        let until = Instant::now() + duration;
        let mut state = self.lock();
        while !state.is_closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            (state, _) = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes no more jobs and turns away those that wait.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
        self.turn_away(&ScanError::ShutDown);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// How many callers wait.
    pub(super) fn len(&self) -> usize {
        self.lock().waiting.iter().filter(|job| !job.reply.is_closed()).count()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> (Job, oneshot::Receiver<Result<Scan, ScanError>>) {
        let (reply, answer) = oneshot::channel();
        (
            Job {
                bytes: Bytes::from_static(b"x"),
                want: Want::Signals,
                reply,
            },
            answer,
        )
    }

    #[test]
    fn a_full_queue_refuses_until_a_caller_goes() {
        let queue = Queue::new(2);
        let (first, _first) = job();
        let (second, gone) = job();
        let (third, _third) = job();
        queue.push(first).unwrap();
        queue.push(second).unwrap();
        let (refused, _refused) = job();
        assert_eq!(queue.push(refused), Err(ScanError::Busy { queue_max: 2 }));
        drop(gone);
        assert_eq!(queue.len(), 1);
        queue.push(third).unwrap();
        assert_eq!(queue.len(), 2);
    }

    #[test]
    fn a_job_whose_caller_has_gone_is_not_served() {
        let queue = Queue::new(2);
        let (first, gone) = job();
        let (second, mut waits) = job();
        queue.push(first).unwrap();
        queue.push(second).unwrap();
        drop(gone);
        let served = queue.pop().unwrap();
        served.reply.send(Err(ScanError::Empty)).unwrap();
        assert_eq!(waits.try_recv().unwrap(), Err(ScanError::Empty));
    }

    #[test]
    fn closing_answers_all_that_wait_and_all_that_come() {
        let queue = Queue::new(2);
        let (waiting, mut waits) = job();
        queue.push(waiting).unwrap();
        queue.close();
        assert_eq!(waits.try_recv().unwrap(), Err(ScanError::ShutDown));
        assert!(queue.pop().is_none());
        assert_eq!(queue.push(job().0), Err(ScanError::ShutDown));
        let (begun, mut waits) = job();
        queue.give_back(begun);
        assert_eq!(waits.try_recv().unwrap(), Err(ScanError::ShutDown));
        queue.pause(Duration::from_secs(3_600));
    }
}
