//! How each command is done: one file for each, and beside them what several share.

mod app;
mod backup;
mod bank;
mod conformance;
mod demo;
mod demo_platform;
mod doctor;
mod hash;
mod key;
mod log;
mod policy;
mod rules;
mod scan;
mod serve;
mod stop;
mod user;
mod verify;

use crate::args::{Args, Command};
use crate::exit::{BadUsage, Exit};

/// Does what was asked for.
pub async fn run(args: Args) -> anyhow::Result<Exit> {
    let config = args.config.as_deref();
    match args.command {
        Command::Serve(args) => serve::run(args, config).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Hash(args) => hash::run(args).await,
        Command::Scan(args) => scan::run(args).await,
        Command::Bank(command) => bank::run(command, config).await,
        Command::Policy(command) => policy::run(command, config).await,
        Command::User(command) => user::run(command, config).await,
        Command::Key(command) => key::run(command, config).await,
        Command::Doctor(args) => doctor::run(args, config).await,
        Command::Verify(args) => verify::run(args, config).await,
        Command::Backup(args) => backup::backup(args, config).await,
        Command::Restore(args) => backup::restore(args, config).await,
        Command::DemoPlatform(args) => demo_platform::run(args).await,
        // Without a thread or a runtime before it, it is the program's first argument or it is not at all.
        Command::MediaWorker => Err(BadUsage("media-worker has to be the first argument".to_owned()).into()),
    }
}
