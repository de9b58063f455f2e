//! The named limits of one scan of a video, a sound or a stream.

/// What one file or stream may cost. One that needs more gets a typed error, or is looked at as far as the limit goes; the server and the others are not affected.
///
/// The worker keeps those on what a file says of itself, the kernel `memory_bytes_max`, the host the rest, with a kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvLimits {
    /// Largest accepted file, and most bytes of one stream.
    pub bytes_max: u64,
    /// Most pixels in one frame, width times height.
    pub pixels_max: u64,
    /// Longest accepted side in pixels.
    pub side_max: u32,
    /// Most streams that a container may announce: pictures, sound, subtitles, everything.
    pub streams_max: u32,
    /// How far a file is looked at, in its own time. What follows is not, and the scan says so.
    pub duration_ms_max: u32,
    /// Most frames that are sampled from one file. What follows is not looked at.
    pub frames_max: u32,
    /// Longest time a worker may take over one file.
    pub time_ms_max: u32,
    /// Longest time without a sign of progress of a worker that has something to decode.
    pub stall_ms_max: u32,
    /// Longest time that nothing comes of a live stream.
    pub live_idle_ms_max: u32,
    /// Longest time that one live stream is followed.
    pub live_ms_max: u32,
    /// Most memory a worker process may take, in bytes.
    pub memory_bytes_max: u64,
    /// How often a scan goes on where its worker was cut off: killed, crashed, or without a sign of progress. Each time it must have come further.
    pub resumes_max: u32,
    /// Most bytes that the host gathers of one file: frames, prints and pictures. What follows is not looked at, and the scan says so.
    pub gathered_bytes_max: u64,
    /// Most scans that may wait for their turn. One more is refused as [`crate::ScanError::Busy`].
    pub queue_max: usize,
}

impl Default for AvLimits {
    fn default() -> Self {
        Self {
            bytes_max: 8 << 30,
            pixels_max: 8192 * 4352,
            side_max: 16_384,
            streams_max: 64,
            duration_ms_max: 6 * 3_600_000,
            frames_max: 60_000,
            time_ms_max: 2 * 3_600_000,
            stall_ms_max: 30_000,
            live_idle_ms_max: 90_000,
            live_ms_max: 24 * 3_600_000,
            memory_bytes_max: 1 << 30,
            resumes_max: 2,
            gathered_bytes_max: 512 << 20,
            queue_max: 256,
        }
    }
}
