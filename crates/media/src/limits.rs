//! The named limits of one scan. Every loop, buffer and wait in this crate is bounded by one of these.

/// What one file may cost. A file that needs more gets a typed error; the server and the other files are not affected.
///
/// The worker checks dimensions against `pixels_max` and `side_max` from the file's header, before it allocates for
/// pixels. `memory_bytes_max` is enforced by the kernel, `time_ms_max` by the host with a kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest accepted file.
    pub bytes_max: usize,
    /// Most pixels in one frame, width times height.
    pub pixels_max: u64,
    /// Longest accepted side in pixels.
    pub side_max: u32,
    /// Most frames of an animation that are hashed. They are spread over its duration; the first is always one of them.
    pub frames_max: u32,
    /// Most frames of an animation that are decoded in search of those to hash. What follows is not looked at.
    pub frames_decoded_max: u32,
    /// Longest time a worker may take over one file, from the first byte sent to the last byte answered. The wait in the
    /// queue does not count.
    pub time_ms_max: u32,
    /// Most memory a worker process may map, in bytes.
    pub memory_bytes_max: u64,
    /// Most scans that may wait for a worker. One more is refused as [`crate::ScanError::Busy`].
    pub queue_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 64 << 20,
            pixels_max: 100_000_000,
            side_max: 65_535,
            frames_max: 16,
            frames_decoded_max: 1_000,
            time_ms_max: 10_000,
            memory_bytes_max: 1 << 30,
            queue_max: 256,
        }
    }
}
