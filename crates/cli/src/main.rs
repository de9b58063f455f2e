//! `seawall`: the one program. All of it is in the library `cli`; this file only keeps the order of the first two steps.

use std::process::ExitCode;

fn main() -> ExitCode {
    // A worker locks itself into its jail before anything else runs, the reading of arguments included.
    if std::env::args_os()
        .nth(1)
        .is_some_and(|command| command == cli::MEDIA_WORKER)
    {
        return media::worker::main();
    }
    cli::run(std::env::args_os())
}
