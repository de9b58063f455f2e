//! The worker for videos, sounds and live streams: FFmpeg's libraries, locked up.
//!
//! A program of its own, `av-worker`, because a process that links FFmpeg's libraries maps two hundred others, and neither the server nor the picture worker should. It decodes
//! one file or stream in its life. Standard input is the file; what it finds goes to standard output as the messages of [`media::av::wire`]; it can open no file and no socket.
//!
//! FFmpeg is C. What keeps a mistake in it from doing harm is the jail that [`media::av::worker::Session`] locks; what keeps mistakes from being reached is that the
//! demuxer is chosen by us from a short list, as are the decoders, that no protocol is allowed, and that there is one thread.
//!
//! Where to start reading: [`run`](mod@run), then `container.rs` and `pictures.rs`.

mod choice;
mod clock;
mod container;
mod convert;
mod input;
mod log;
mod luma;
mod matroska;
mod pictures;
mod rate;
mod rehearsal;
mod run;
mod scene;
mod sound;
mod strip;

use std::process::ExitCode;

use media::av::worker::Session;

pub use input::Input;
pub use run::{Stop, run};

/// Runs a worker. Call it first of all in the process.
pub fn main() -> ExitCode {
    let mut session = match Session::begin(rehearsal::rehearse) {
        Ok(session) => session,
        Err(code) => return code,
    };
    let request = session.request;
    match run(Input::standard(), &request, &mut |body| session.send(body)) {
        Ok(()) | Err(Stop::Refused) => ExitCode::SUCCESS,
        Err(Stop::Gone) => ExitCode::FAILURE,
    }
}
