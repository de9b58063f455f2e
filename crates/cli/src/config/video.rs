//! The section of the configuration file about videos, sounds and live streams. The comment of each field is its manual.

use std::path::PathBuf;
use std::time::Duration;

use media::JailRequirement;
use media::av::{AvLimits, AvSettings, AvWorkerCommand, NoAvWorker, Sampling};
use moderation::RecordingSettings;
use moderation::flows::streams::StreamSettings;
use schemars::JsonSchema;
use serde::Deserialize;
use web::WebLimits;

use super::{Config, ConfigError};

/// How videos, sounds and live streams are decoded and how long their codes are kept.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Video {
    /// The program that decodes them. Without it, `av-worker` beside the program that is running. Where there is none, videos and sounds are `unscanned`.
    pub worker: Option<PathBuf>,
    /// How many files are decoded at the same time; 0 is one for each core.
    pub at_once: usize,
    /// Decode only the frames that stand for themselves, one every few seconds: many times faster, and blind between them. docs/video.md says what it costs.
    pub key_frames_only: bool,
    /// Largest file that is decoded, and most bytes of one stream.
    pub bytes_max: u64,
    /// How far a file is looked at, in seconds of its own time. What follows is not, and the file counts as not intact.
    pub duration_s_max: u32,
    /// Most pixels in one frame, width times height.
    pub pixels_max: u64,
    /// Longest time that a worker may take over one file, in milliseconds; then it is `unscanned`. At most 55 minutes: a request with files has an hour.
    pub time_ms_max: u32,
    /// Most memory that a worker may take, in bytes.
    pub memory_bytes_max: u64,
    /// How often a scan goes on where its worker was killed, crashed or stalled; 0 is never. Each time it must have come further.
    pub resumes_max: u32,
    /// Most memory that the server itself may take for what one file shows and lets be heard, in bytes. What follows is not looked at, and the file counts as not intact.
    pub gathered_bytes_max: u64,
    /// Most files that may wait for a worker. One more is refused with 503.
    pub queue_max: usize,
    /// Where large files lie while they are scanned. Without it, the system's folder for temporary files. They have no name there and go with the request.
    pub spool_dir: Option<PathBuf>,
    /// For how many hours the codes of items' videos are kept: so far back an entry of an incident can be looked for. Nothing can be seen of a code.
    pub traces_kept_h: u32,
    /// Most live streams at once.
    pub streams_max: usize,
    /// Most bytes of one stream, each second in the long run.
    pub stream_bytes_per_second_max: u64,
    /// After how many seconds without a piece a stream is over.
    pub stream_idle_s: u64,
}

impl Default for Video {
    fn default() -> Self {
        let limits = AvLimits::default();
        let recordings = RecordingSettings::default();
        let streams = StreamSettings::default();
        Self {
            worker: None,
            at_once: 0,
            key_frames_only: false,
            bytes_max: limits.bytes_max,
            duration_s_max: limits.duration_ms_max / 1_000,
            pixels_max: limits.pixels_max,
            time_ms_max: TIME_MS_MAX,
            memory_bytes_max: limits.memory_bytes_max,
            resumes_max: limits.resumes_max,
            gathered_bytes_max: limits.gathered_bytes_max,
            queue_max: limits.queue_max,
            spool_dir: None,
            traces_kept_h: u32::try_from(recordings.traces_kept.as_secs() / 3_600).unwrap_or(u32::MAX),
            streams_max: streams.open_max,
            stream_bytes_per_second_max: streams.bytes_per_second_max,
            stream_idle_s: streams.idle.as_secs(),
        }
    }
}

/// Memory below which not even the libraries' own tables fit.
const MEMORY_BYTES_MIN: u64 = 128 << 20;
/// Above this a file that no worker survives costs more than it is worth.
const RESUMES_MAX: u32 = 10;
/// Below this nothing is seen of any file.
const GATHERED_BYTES_MIN: u64 = 1 << 20;
/// How long a worker may take, where nobody says otherwise: shorter than the request that waits for it, so that a file which takes longer is known to be
/// unscanned, and not merely unanswered.
const TIME_MS_MAX: u32 = 45 * 60_000;
/// How much longer than a stream may pause its worker waits for it.
const IDLE_MARGIN_S: u64 = 30;
/// What is left of the time of a request with files once its longest file is decoded, in milliseconds: the rest is for sending it, and for deciding.
const REQUEST_MARGIN_MS: u32 = 5 * 60_000;
/// The longest time that codes may be kept: a month.
const TRACES_KEPT_H_MAX: u32 = 31 * 24;

impl Video {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let checks = [
            (
                self.at_once <= 1_024,
                "video.at_once",
                "must be at most 1024; 0 is one for each core",
            ),
            (self.bytes_max > 0, "video.bytes_max", "must be at least 1"),
            (
                (1..=86_400).contains(&self.duration_s_max),
                "video.duration_s_max",
                "must be 1 to 86400, a day",
            ),
            (self.pixels_max > 0, "video.pixels_max", "must be at least 1"),
            (
                (1..=request_ms_max().saturating_sub(REQUEST_MARGIN_MS)).contains(&self.time_ms_max),
                "video.time_ms_max",
                "must be 1 to 3300000, 55 minutes: what is left of a request's hour is for sending the file",
            ),
            (
                self.memory_bytes_max >= MEMORY_BYTES_MIN,
                "video.memory_bytes_max",
                "must be at least 134217728",
            ),
            (
                self.resumes_max <= RESUMES_MAX,
                "video.resumes_max",
                "must be at most 10; 0 is never",
            ),
            (
                self.gathered_bytes_max >= GATHERED_BYTES_MIN,
                "video.gathered_bytes_max",
                "must be at least 1048576",
            ),
            (self.queue_max > 0, "video.queue_max", "must be at least 1"),
            (
                self.traces_kept_h <= TRACES_KEPT_H_MAX,
                "video.traces_kept_h",
                "must be at most 744, a month",
            ),
            (
                self.stream_bytes_per_second_max > 0,
                "video.stream_bytes_per_second_max",
                "must be at least 1",
            ),
            (
                (5..=86_400).contains(&self.stream_idle_s),
                "video.stream_idle_s",
                "must be 5 to 86400, a day",
            ),
            (
                (1..=1_000).contains(&self.streams_max),
                "video.streams_max",
                "must be 1 to 1000",
            ),
        ];
        match checks.into_iter().find(|(holds, ..)| !holds) {
            Some((_, key, what)) => Err(ConfigError::Senseless {
                key,
                what: what.to_owned(),
            }),
            None => Ok(()),
        }
    }
}

/// The program that decodes videos, where the configuration says or beside the one that is running.
pub fn worker(config: &Config) -> Result<AvWorkerCommand, NoAvWorker> {
    match &config.video.worker {
        Some(program) => AvWorkerCommand::at(program),
        None => AvWorkerCommand::beside_this_executable(),
    }
}

/// How the host of videos runs its workers.
pub fn host(config: &Config, worker: AvWorkerCommand, allow_weak_jail: bool) -> AvSettings {
    let video = &config.video;
    let mut settings = AvSettings::new(worker);
    if video.at_once > 0 {
        settings.scans_max = video.at_once;
    }
    settings.streams_max = video.streams_max;
    settings.limits = AvLimits {
        bytes_max: video.bytes_max,
        pixels_max: video.pixels_max,
        duration_ms_max: video.duration_s_max.saturating_mul(1_000),
        time_ms_max: video.time_ms_max,
        memory_bytes_max: video.memory_bytes_max,
        resumes_max: video.resumes_max,
        gathered_bytes_max: video.gathered_bytes_max,
        queue_max: video.queue_max,
        live_idle_ms_max: live_idle_ms_max(video.stream_idle_s),
        ..AvLimits::default()
    };
    if config.media.allow_weak_jail || allow_weak_jail {
        settings.jail = JailRequirement::BestEffort;
    }
    settings
}

/// How long a request with files may take.
fn request_ms_max() -> u32 {
    u32::try_from(WebLimits::default().upload_time_max.as_millis()).unwrap_or(u32::MAX)
}

/// A stream that pauses is ended as `idle` by whoever knows why, not by its worker: that waits longer.
fn live_idle_ms_max(stream_idle_s: u64) -> u32 {
    u32::try_from(stream_idle_s.saturating_add(IDLE_MARGIN_S).saturating_mul(1_000)).unwrap_or(u32::MAX)
}

/// What flows go by.
pub fn recordings(config: &Config) -> RecordingSettings {
    let video = &config.video;
    RecordingSettings {
        sampling: match video.key_frames_only {
            true => Sampling::KeyFrames,
            false => Sampling::Full,
        },
        spool_folder: video.spool_dir.clone(),
        traces_kept: Duration::from_secs(u64::from(video.traces_kept_h) * 3_600),
    }
}

/// What flows go by about live streams.
pub fn streams(config: &Config) -> StreamSettings {
    let video = &config.video;
    StreamSettings {
        open_max: video.streams_max,
        bytes_per_second_max: video.stream_bytes_per_second_max,
        idle: Duration::from_secs(video.stream_idle_s),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_waits_for_a_stream_longer_than_the_stream_may_pause() {
        let mut config = Config::default();
        for stream_idle_s in [5, 60, 86_400] {
            config.video.stream_idle_s = stream_idle_s;
            let worker = AvWorkerCommand {
                program: PathBuf::from("av-worker"),
                args: Vec::new(),
            };
            let limits = host(&config, worker, false).limits;
            assert!(
                u64::from(limits.live_idle_ms_max) > stream_idle_s * 1_000,
                "{stream_idle_s}"
            );
        }
    }

    #[test]
    fn a_scan_is_over_before_its_request() {
        let mut video = Video::default();
        assert!(video.check().is_ok());
        assert!(u64::from(video.time_ms_max) * 5 / 4 < WebLimits::default().upload_time_max.as_millis() as u64);
        video.time_ms_max = 3_300_000;
        assert!(video.check().is_ok());
        video.time_ms_max += 1;
        assert!(matches!(
            video.check(),
            Err(ConfigError::Senseless {
                key: "video.time_ms_max",
                ..
            })
        ));
    }
}
