//! Work that takes a processor for more than a moment.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does work that takes longer than a task may keep others waiting.
pub fn off_thread<T>(work: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        _ => work(),
    }
}
