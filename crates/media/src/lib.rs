//! The media host: turns foreign bytes into signals and previews without ever decoding them in this process.
//!
//! A file that a platform sends is the most dangerous input Seawall has. It is decoded in a *worker*: a child process
//! that has locked itself into a jail (no file system, no network, no new processes, bounded memory and time) before it
//! reads the first byte, and that talks through one pipe in and one pipe out. This crate holds both sides:
//!
//! - [`MediaHost`] runs in the server. It keeps a small pool of warm workers, hands each one file at a time, stops what
//!   takes too long, replaces what died, and treats every answer as hostile.
//! - [`worker::main`] is the other side: the whole life of a worker. It is the body of the `media-worker` program and of
//!   the hidden `seawall media-worker` command, so that one binary is enough.
//!
//! It must never know what a bank, a rule or a case is, and it keeps nothing.
//!
//! Where to start reading: [`MediaHost::scan`], then `host/keeper.rs` (the life of one worker seen from the host),
//! `wire/` (what crosses the pipe), `worker.rs` and `jail/`, and last `decode/`.

mod error;
mod limits;
mod scan;

pub mod av;
mod decode;
mod host;
pub mod jail;
mod preview;
mod wire;
pub mod worker;

pub use error::{ScanError, StartHostError};
pub use host::{HostSettings, HostStats, JailRequirement, MediaHost, RestartCounts, WorkerCommand};
pub use limits::Limits;
pub use scan::{FrameSignal, MediaType, Previews, Scan, View, Want};

/// The two parsers of foreign bytes, for `fuzz/`.
#[doc(hidden)]
pub mod fuzzing {
    use crate::wire::{DecodeLimits, Request, decode_answer};
    use crate::{Limits, Want};

    fn request() -> Request {
        let limits = Limits {
            pixels_max: 1_000_000,
            frames_decoded_max: 20,
            time_ms_max: 2_000,
            ..Limits::default()
        };
        Request {
            id: 0,
            want: Want::Everything,
            limits: DecodeLimits::from(&limits),
            size_bytes: 0,
        }
    }

    /// What a worker does with a file. Its answer must be one that the host accepts.
    pub fn decode(bytes: &[u8]) {
        let request = request();
        let answer = crate::decode::scan(bytes, request.want, request.limits);
        let message = crate::wire::encode_answer(request.id, &answer);
        let body = &message[crate::wire::AnswerHeader::SIZE_BYTES..];
        if let Err(error) = decode_answer(body, &request) {
            panic!("the host would refuse the worker's own answer: {error:?}");
        }
    }

    /// A small request to an av-worker.
    pub fn av_request() -> crate::av::wire::AvRequest {
        use crate::av::{AvLimits, AvWant};
        let limits = AvLimits {
            pixels_max: 250_000,
            frames_max: 10,
            duration_ms_max: 2_000,
            ..AvLimits::default()
        };
        crate::av::wire::AvRequest::new(AvWant::EVERYTHING, false, &limits)
    }

    /// What the host does with what an av-worker says: reads message after message until one is refused.
    pub fn parse_av_message(bytes: &[u8]) {
        read_av_messages(bytes);
    }

    /// What a worker really said. The host must not refuse it, but where the worker itself refused the file.
    pub fn accept_av_messages(bytes: &[u8]) {
        use crate::ScanError;
        if let Some(error @ ScanError::BadAnswer { .. }) = read_av_messages(bytes) {
            panic!("the host would refuse what its own worker says: {error:?}");
        }
    }

    fn read_av_messages(bytes: &[u8]) -> Option<crate::ScanError> {
        use crate::ScanError;
        use crate::av::AvLimits;
        use crate::av::wire::{self, HEADER_BYTES};
        use crate::wire::BadMessage;
        let bad = |BadMessage(detail)| ScanError::BadAnswer { detail };
        let mut checker = crate::av::Checker::new(av_request());
        let mut rest = bytes;
        while let Some((header, following)) = rest.split_first_chunk::<HEADER_BYTES>() {
            let (kind, size_bytes) = match wire::decode_header(*header) {
                Ok(header) => header,
                Err(error) => return Some(bad(error)),
            };
            let (body, following) = following.split_at_checked(size_bytes)?;
            let checked = wire::decode(kind, body)
                .map_err(bad)
                .and_then(|body| checker.check(&body, &AvLimits::default()));
            if let Err(error) = checked {
                return Some(error);
            }
            rest = following;
        }
        None
    }

    /// What the host does with an answer.
    pub fn parse_answer(bytes: &[u8]) {
        if let Ok(Ok(finding)) = decode_answer(bytes, &request()) {
            finding.preview.map(crate::preview::make);
        }
    }
}
