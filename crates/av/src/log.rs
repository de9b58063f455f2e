//! What FFmpeg says while it works. Nobody reads it, but it tells of damage that its answers are silent about, and why a container was refused.

use std::sync::atomic::{AtomicBool, Ordering};

/// FFmpeg's level of what went wrong and cannot be made good.
const ERROR_LEVEL: i32 = 16;

static SAW_DAMAGE: AtomicBool = AtomicBool::new(false);
static SAW_TOO_MANY_STREAMS: AtomicBool = AtomicBool::new(false);

/// Listens from here on. Without it FFmpeg writes to standard error.
pub fn listen() {
    ac_ffmpeg::set_log_callback(|level, message| {
        if level <= ERROR_LEVEL {
            SAW_DAMAGE.store(true, Ordering::Relaxed);
        }
        if message.contains("max_streams") {
            SAW_TOO_MANY_STREAMS.store(true, Ordering::Relaxed);
        }
    });
}

/// Whether anything went wrong since [`forget`].
pub fn saw_damage() -> bool {
    SAW_DAMAGE.load(Ordering::Relaxed)
}

/// Whether a container announced more streams than it may.
pub fn saw_too_many_streams() -> bool {
    SAW_TOO_MANY_STREAMS.load(Ordering::Relaxed)
}

/// Before a file is opened.
pub fn forget() {
    SAW_DAMAGE.store(false, Ordering::Relaxed);
    SAW_TOO_MANY_STREAMS.store(false, Ordering::Relaxed);
}
