//! How each command is done: one file for each.

mod app;
mod bank;
mod hash;
mod key;
mod log;
mod scan;
mod verify;

use crate::args::{Args, Command};
use crate::exit::Exit;

/// Does what was asked for.
pub async fn run(args: Args) -> anyhow::Result<Exit> {
    let config = args.config.as_deref();
    match args.command {
        Command::Hash(args) => hash::run(args).await,
        Command::Scan(args) => scan::run(args).await,
        Command::Bank(command) => bank::run(command, config).await,
        Command::Key(command) => key::run(command, config).await,
        Command::Verify(args) => verify::run(args, config).await,
        _ => todo!(),
    }
}
