//! How a scan, or the start of a host, fails.

use std::path::PathBuf;

/// Why a file was not scanned. It is then *unscanned*, which is not the same as "no match".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// There are no bytes.
    #[error("the file is empty")]
    Empty,
    /// The bytes are of no type that can be decoded.
    #[error("{found} cannot be decoded here")]
    UnsupportedType {
        /// What the bytes look like, such as `HEIC` or `an unknown type`.
        found: &'static str,
    },
    /// The bytes begin like a known type but do not hold together.
    #[error("the file is damaged: {detail}")]
    Damaged {
        /// The decoder's reason, shortened and free of control characters. Untrusted text: escape it before display.
        detail: String,
    },
    /// More bytes than [`crate::Limits::bytes_max`].
    #[error("the file has {bytes} bytes; at most {bytes_max} are scanned")]
    TooLarge {
        /// Size of the file.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// More pixels than [`crate::Limits::pixels_max`], or a side longer than [`crate::Limits::side_max`].
    #[error("the picture has {width} x {height} pixels, more than are decoded")]
    TooManyPixels {
        /// Width the header claims.
        width: u32,
        /// Height the header claims.
        height: u32,
    },
    /// Longer than [`crate::Limits::time_ms_max`]; the worker was stopped.
    #[error("decoding took longer than {time_ms_max} ms")]
    TimeLimit {
        /// The limit.
        time_ms_max: u32,
    },
    /// More memory than [`crate::Limits::memory_bytes_max`].
    #[error("decoding needs more memory than {memory_bytes_max} bytes")]
    MemoryLimit {
        /// The limit.
        memory_bytes_max: u64,
    },
    /// No sign of progress for longer than [`crate::av::AvLimits::stall_ms_max`]: the worker was stopped, or the sender of a stream is gone.
    #[error("nothing went on for {stall_ms_max} ms")]
    Stalled {
        /// The limit.
        stall_ms_max: u32,
    },
    /// More streams in one container than [`crate::av::AvLimits::streams_max`].
    #[error("the file announces more than {streams_max} streams")]
    TooManyStreams {
        /// The limit.
        streams_max: u32,
    },
    /// The worker died over this file.
    #[error("the worker died over the file: {cause}")]
    WorkerCrashed {
        /// Signal or exit status.
        cause: String,
    },
    /// The worker tried something the jail forbids and was stopped by the kernel. Worth a look by an engineer: it may be
    /// an attack on a decoder.
    #[error("the worker tried what its jail forbids over the file and was stopped")]
    JailViolation,
    /// The worker's answer did not follow the protocol. The worker was stopped and its answer thrown away.
    #[error("the worker answered out of protocol: {detail}")]
    BadAnswer {
        /// What was wrong with the answer, in our words.
        detail: &'static str,
    },
    /// Too many scans wait already. Try again later.
    #[error("{queue_max} scans are waiting already")]
    Busy {
        /// The limit.
        queue_max: usize,
    },
    /// No worker could be started again. Try again later; `seawall doctor` tells what is missing.
    #[error("no worker is running")]
    NoWorker,
    /// Videos and sounds cannot be decoded on this machine, or not now.
    #[error("{reason}")]
    AvUnavailable {
        /// What is missing, and what to do.
        reason: String,
    },
    /// The host is shutting down.
    #[error("the media host is shutting down")]
    ShutDown,
}

impl ScanError {
    /// A stable name for APIs, metrics and logs. Names are never changed or reused.
    pub fn kind(&self) -> &'static str {
        match self {
            ScanError::Empty => "empty",
            ScanError::UnsupportedType { .. } => "unsupported_type",
            ScanError::Damaged { .. } => "damaged",
            ScanError::TooLarge { .. } => "too_large",
            ScanError::TooManyPixels { .. } => "too_many_pixels",
            ScanError::TimeLimit { .. } => "time_limit",
            ScanError::MemoryLimit { .. } => "memory_limit",
            ScanError::Stalled { .. } => "stalled",
            ScanError::TooManyStreams { .. } => "too_many_streams",
            ScanError::WorkerCrashed { .. } => "worker_crashed",
            ScanError::JailViolation => "jail_violation",
            ScanError::BadAnswer { .. } => "bad_answer",
            ScanError::Busy { .. } => "busy",
            ScanError::NoWorker => "no_worker",
            ScanError::AvUnavailable { .. } => "av_unavailable",
            ScanError::ShutDown => "shut_down",
        }
    }

    /// True when the same file would fail again: the item is unscanned. False when the host was the cause and a later try
    /// may succeed.
    pub fn is_about_the_file(&self) -> bool {
        match self {
            ScanError::Empty
            | ScanError::UnsupportedType { .. }
            | ScanError::Damaged { .. }
            | ScanError::TooLarge { .. }
            | ScanError::TooManyPixels { .. }
            | ScanError::TimeLimit { .. }
            | ScanError::MemoryLimit { .. }
            | ScanError::Stalled { .. }
            | ScanError::TooManyStreams { .. }
            | ScanError::WorkerCrashed { .. }
            | ScanError::JailViolation
            | ScanError::BadAnswer { .. } => true,
            ScanError::Busy { .. } | ScanError::NoWorker | ScanError::AvUnavailable { .. } | ScanError::ShutDown => {
                false
            }
        }
    }
}

/// Why a host did not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartHostError {
    /// A setting makes no sense.
    #[error("media host setting {name}: {reason}")]
    BadSetting {
        /// The field of [`crate::HostSettings`] or [`crate::Limits`].
        name: &'static str,
        /// What to do about it.
        reason: &'static str,
    },
    /// The worker program could not be started.
    #[error("cannot start the media worker {program}")]
    Spawn {
        /// The program.
        program: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The worker started but did not greet as it should.
    #[error("the media worker {program} did not greet: {reason}")]
    Greeting {
        /// The program.
        program: PathBuf,
        /// What happened instead.
        reason: String,
    },
    /// The worker's jail is not complete and [`crate::JailRequirement::Required`] was asked for.
    #[error("the media worker's jail is not complete, missing: {}", missing.join(", "))]
    JailIncomplete {
        /// The parts this system lacks, by the names of [`crate::jail::Part::name`].
        missing: Vec<&'static str>,
    },
}
