//! The command line: reads arguments and the configuration file, calls one flow or library, prints, and says how it went
//! by its exit code.
//!
//! Data goes to standard output, talk to standard error, so that a pipe carries data alone. What is decided, stored or
//! hashed is other crates' business: this one knows arguments, exit codes and terminals, and nothing else does.
//!
//! Start with `args.rs` (what can be asked for), then one file of `commands/` (how it is done).

mod args;
mod commands;
mod exit;
mod offline;
mod output;

pub mod config;
pub mod demo;

pub use args::help_markdown;
pub use exit::Exit;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

/// The hidden first argument that makes the program a media worker.
pub const MEDIA_WORKER: &str = "media-worker";

/// Runs the program with these arguments, the first of which is its name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match args::Args::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no errors and go to standard output; clap knows which is which. If even that cannot be
            // written, there is nobody to tell.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Success.into()
            };
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            exit::tell(&anyhow::Error::new(error).context("cannot start the asynchronous runtime"));
            return Exit::Failure.into();
        }
    };
    let exit = match runtime.block_on(commands::run(args)) {
        Ok(exit) => exit,
        Err(error) => exit::of_error(&error),
    };
    // What still runs in the background (a file being read from a slow disk) must not keep the program.
    runtime.shutdown_background();
    exit.into()
}
