//! Bodies of requests, held whole before anything is done about them.
//!
//! A body is read with a limit on its size, on silence, on slowness and on the memory that all bodies take together. Only
//! then does its request ask for a place among those that are worked on, so that a client that sends ten bytes and waits
//! takes nothing from anyone but ten bytes of memory.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::problem::ApiError;
use crate::settings::WebLimits;

/// A whole body, and the share of the memory for bodies that it takes until this is dropped.
pub(crate) struct HeldBody {
    pub bytes: Bytes,
    _share: Share,
}

/// A share of the memory that all bodies and fetched files have together, given back when this is dropped.
#[derive(Debug, Default)]
pub struct Share(Option<OwnedSemaphorePermit>);

/// There is no memory left for bodies.
pub(crate) struct NoMemory;

impl Share {
    /// The memory that there is: a permit for each KiB.
    pub fn memory(bytes: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(bytes.div_ceil(1024)))
    }

    /// Takes as much as is missing to hold so many bytes. It is not waited for: two half-read bodies that wait for each
    /// other's share would wait for ever.
    pub fn grow_to(&mut self, n_bytes: usize, memory: &Arc<Semaphore>) -> Result<(), NoMemory> {
        let kib_held = self.0.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let kib_more = n_bytes.div_ceil(1024).saturating_sub(kib_held);
        if kib_more == 0 {
            return Ok(());
        }
        let kib_more = u32::try_from(kib_more).map_err(|_| NoMemory)?;
        let more = memory.clone().try_acquire_many_owned(kib_more).map_err(|_| NoMemory)?;
        match &mut self.0 {
            Some(permit) => permit.merge(more),
            None => self.0 = Some(more),
        }
        Ok(())
    }
}

/// What is answered when the memory for bodies is used up.
pub(crate) const TOO_MUCH_AT_ONCE: ApiError = ApiError::Busy {
    what: "Too many large requests at once.",
};

/// Reads a body to its end.
pub(crate) async fn hold(
    mut body: Body,
    bytes_max: usize,
    limits: &WebLimits,
    memory: &Arc<Semaphore>,
) -> Result<HeldBody, ApiError> {
    let too_large = ApiError::TooLarge { bytes_max };
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large);
    }
    let start = Instant::now();
    let mut share = Share::default();
    let mut held = BytesMut::new();
    loop {
        let frame = match timeout_at(deadline(start, held.len(), limits), body.frame()).await {
            Err(_) => return Err(ApiError::SlowBody),
            Ok(None) => break,
            Ok(Some(Err(_))) => {
                return Err(ApiError::Malformed {
                    what: "The body broke off or is not framed as HTTP says.".to_owned(),
                });
            }
            Ok(Some(Ok(frame))) => frame,
        };
        let Ok(data) = frame.into_data() else { continue };
        if held.len() + data.len() > bytes_max {
            return Err(too_large);
        }
        share
            .grow_to(held.len() + data.len(), memory)
            .map_err(|NoMemory| TOO_MUCH_AT_ONCE)?;
        held.extend_from_slice(&data);
    }
    Ok(HeldBody {
        bytes: held.freeze(),
        _share: share,
    })
}

/// Until when the next bytes have to come: silence, slowness since the beginning, and the whole have each a limit.
pub(crate) fn deadline(start: Instant, n_received: usize, limits: &WebLimits) -> Instant {
    let silence = Instant::now() + limits.body_idle_max;
    let paid_for = Duration::from_secs(n_received as u64 / limits.body_rate_min.max(1));
    let slowness = start + paid_for.max(limits.body_idle_max);
    silence.min(slowness).min(start + limits.body_time_max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    fn limits() -> WebLimits {
        WebLimits {
            body_idle_max: Duration::from_secs(10),
            body_rate_min: 1_000,
            body_time_max: Duration::from_secs(60),
            ..WebLimits::default()
        }
    }

    /// A body of `n` pieces of `size` bytes with a pause before each.
    fn slow(n: usize, size: usize, pause: Duration) -> Body {
        Body::from_stream(stream::unfold(0, move |i| async move {
            if i == n {
                return None;
            }
            tokio::time::sleep(pause).await;
            Some((Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; size])), i + 1))
        }))
    }

    async fn hold_with(body: Body, bytes_max: usize, budget: &Arc<Semaphore>) -> (Result<usize, ApiError>, Duration) {
        let start = Instant::now();
        let held = hold(body, bytes_max, &limits(), budget).await;
        (held.map(|held| held.bytes.len()), start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_it() {
        let budget = Arc::new(Semaphore::new(1_000));
        let body = Body::from_stream(
            stream::once(async { Ok::<_, std::io::Error>(Bytes::from_static(b"0123456789")) }).chain_pending(),
        );
        let (result, took) = hold_with(body, 1 << 20, &budget).await;
        assert!(matches!(result, Err(ApiError::SlowBody)), "{result:?}");
        assert_eq!(took.as_secs(), 10);
        assert_eq!(budget.available_permits(), 1_000, "nothing is kept of it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_ends_it_though_it_is_never_silent() {
        let budget = Arc::new(Semaphore::new(1_000));
        let (result, took) = hold_with(slow(1_000, 10, Duration::from_secs(1)), 1 << 20, &budget).await;
        assert!(matches!(result, Err(ApiError::SlowBody)), "{result:?}");
        assert!(took.as_secs() <= 11, "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_keeps_the_rate_is_read_until_its_time_is_up() {
        let budget = Arc::new(Semaphore::new(1_000));
        let (result, took) = hold_with(slow(30, 1_500, Duration::from_secs(1)), 1 << 20, &budget).await;
        assert_eq!(result.ok(), Some(45_000));
        assert_eq!(took.as_secs(), 30);
        let (result, took) = hold_with(slow(1_000, 1_500, Duration::from_secs(1)), 1 << 20, &budget).await;
        assert!(matches!(result, Err(ApiError::SlowBody)), "{result:?}");
        assert_eq!(took.as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn size_is_counted_not_believed() {
        let budget = Arc::new(Semaphore::new(1_000));
        let (result, _) = hold_with(slow(11, 100, Duration::ZERO), 1_000, &budget).await;
        assert!(
            matches!(result, Err(ApiError::TooLarge { bytes_max: 1_000 })),
            "{result:?}"
        );
        let (result, _) = hold_with(slow(10, 100, Duration::ZERO), 1_000, &budget).await;
        assert_eq!(result.ok(), Some(1_000));
    }

    #[tokio::test(start_paused = true)]
    async fn all_bodies_share_one_memory() {
        let budget = Arc::new(Semaphore::new(10));
        let held = hold(Body::from(vec![0; 8 << 10]), 1 << 20, &limits(), &budget)
            .await
            .unwrap();
        let (result, _) = hold_with(Body::from(vec![0; 3 << 10]), 1 << 20, &budget).await;
        assert!(matches!(result, Err(ApiError::Busy { .. })), "{result:?}");
        drop(held);
        let (result, _) = hold_with(Body::from(vec![0; 3 << 10]), 1 << 20, &budget).await;
        assert_eq!(result.ok(), Some(3 << 10));
        assert_eq!(budget.available_permits(), 10);
    }

    /// Never ends after its last item.
    trait ChainPending: stream::Stream + Sized {
        fn chain_pending(self) -> impl stream::Stream<Item = Self::Item> {
            use futures_util::StreamExt;
            self.chain(stream::pending())
        }
    }

    impl<S: stream::Stream> ChainPending for S {}
}
