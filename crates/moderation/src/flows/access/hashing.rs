//! Where passwords are hashed: on a few threads of their own, a few at a time.
//!
//! Each takes 46 MiB and a core for tens of milliseconds, and anyone may ask for it by trying to sign in. It must never know
//! what a password is for. Start with [`run`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use super::AccessError;

/// So many passwords are hashed at once, by as many threads.
const AT_ONCE_MAX: usize = 2;
/// Longest wait for one's turn.
const WAIT_MAX: Duration = Duration::from_secs(5);

type Work = Box<dyn FnOnce() + Send>;

static THREADS: LazyLock<Sender<Work>> = LazyLock::new(|| {
    let (sender, receiver) = channel::<Work>();
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..AT_ONCE_MAX {
        let receiver = receiver.clone();
        // Should the system give no thread, nobody receives, and nobody is let in.
        let _ = std::thread::Builder::new()
            .name("passwords".to_owned())
            .spawn(move || work_on(&receiver));
    }
    sender
});

fn work_on(receiver: &Mutex<Receiver<Work>>) {
    loop {
        // Held while it waits: the other threads line up behind it. Nothing can panic meanwhile.
        let work = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(work) = work else { return };
        // Who waits for it learns that it broke off because its answer never comes.
        let _ = catch_unwind(AssertUnwindSafe(work));
    }
}

/// Does the work there, in its turn. No more wait in the channel than there are threads, since each holds a place.
pub(super) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, AccessError> {
    static PLACES: Semaphore = Semaphore::const_new(AT_ONCE_MAX);
    let place = tokio::time::timeout(WAIT_MAX, PLACES.acquire()).await;
    // The semaphore is never closed.
    let place = place.map_err(|_| AccessError::Busy)?.map_err(|_| AccessError::Busy)?;
    let (reply, answer) = oneshot::channel();
    let work = move || {
        // Held by the work, not by who waits for it: they may go away meanwhile.
        let _place = place;
        // An error means that they did.
        let _ = reply.send(work());
    };
    THREADS.send(Box::new(work)).map_err(|_| AccessError::Busy)?;
    // It fails only if the work panicked: then nobody is let in.
    answer.await.map_err(|_| AccessError::Refused)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Thirty attempts at once take the memory of two.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn however_many_come_the_same_few_threads_do_the_work() {
        let slow = || {
            std::thread::sleep(Duration::from_millis(5));
            std::thread::current().id()
        };
        let all: Vec<_> = (0..30).map(|_| tokio::spawn(run(slow))).collect();
        let mut threads = HashSet::new();
        for one in all {
            threads.insert(one.await.unwrap().unwrap());
        }
        assert!(threads.len() <= AT_ONCE_MAX, "{threads:?}");
    }

    #[tokio::test]
    async fn work_that_breaks_off_lets_nobody_in_and_stops_nobody() {
        for _ in 0..3 * AT_ONCE_MAX {
            let broken = run(|| -> bool { panic!("a fault of the test's") }).await;
            assert!(matches!(broken, Err(AccessError::Refused)));
        }
        assert!(run(|| true).await.unwrap());
    }
}
