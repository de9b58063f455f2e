//! Buckets laid end to end, which say by a list of starts where each begins: the shape of tables and of rows. It knows no codes and
//! no substrings; start with [`lay_out`].

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};

/// How far ahead of its use memory is asked for while buckets are filled.
const AHEAD: usize = 24;
/// Below so many items threads cost more than they help.
const SHARED_MIN: usize = 1 << 18;

/// Lays `n` items into buckets, of which the first begins at `first`. `ends` holds a zero for each bucket, and afterwards where it
/// ends; `put(item, place)` is called once for each item, in ascending places within a bucket.
#[inline(always)]
pub(crate) fn lay_out(
    ends: &mut [u32],
    first: u32,
    n: usize,
    bucket_of: impl Fn(usize) -> usize,
    mut put: impl FnMut(usize, usize),
) {
    for item in 0..n {
        ends[bucket_of(item)] += 1;
    }
    // What says where the next item goes ends up as where the bucket ends.
    let mut end = first;
    for count in ends.iter_mut() {
        (*count, end) = (end, end + *count);
    }
    for item in 0..n {
        if item + AHEAD < n {
            prefetch(ends, bucket_of(item + AHEAD));
        }
        let place = &mut ends[bucket_of(item)];
        put(item, *place as usize);
        *place += 1;
    }
}

/// Does jobs over `n` items each, by several threads if they are many. The outcomes are in the order of the jobs.
pub(crate) fn share_out<J: Send, T: Send>(
    n: usize,
    jobs: impl Iterator<Item = J> + Send,
    work: impl Fn(J) -> T + Sync,
) -> Vec<T> {
    let n_threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    if n < SHARED_MIN || n_threads == 1 {
        return jobs.map(work).collect();
    }
    let waiting = Mutex::new(jobs.enumerate());
    let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((at, job)) = next else { return };
                    let outcome = work(job);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, outcome));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Asks the memory for a value that will be read soon. A hint: it changes nothing and never fails.
#[inline(always)]
pub(crate) fn prefetch<T>(values: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(value) = values.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        #[expect(unsafe_code, reason = "a hint to the memory")]
        // SAFETY: prefetching has no effect but on time, at any address; this one is of a value besides.
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (values, at);
}
