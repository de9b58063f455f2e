//! `seawall backup` and `seawall restore`: all that the store holds as one file, and back.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use anyhow::Context;
use moderation::flows::backup::{ArchiveSummary, read_backup, write_backup};
use moderation::matching::Matcher;
use serde::Serialize;
use tokio::runtime::Handle;

use super::app;
use crate::args;
use crate::exit::Exit;
use crate::offline::files::STDIN;
use crate::offline::target;
use crate::output;

/// What was written or read.
#[derive(Debug, Serialize)]
struct Summary {
    rows: u64,
}

impl Summary {
    fn tell(summary: ArchiveSummary, done: &str, json: bool) -> anyhow::Result<()> {
        let rows = summary.n_rows;
        if json {
            return output::json(&Summary { rows });
        }
        output::talk(&format!("{rows} rows {done}"));
        Ok(())
    }
}

/// Writes the backup, as of one moment, beside a running server or not.
pub async fn backup(args: args::Backup, config_file: Option<&Path>) -> anyhow::Result<Exit> {
    target::check_free(&args.file, args.force)?;
    let to_stdout = args.file == Path::new(STDIN);
    let loaded = app::load_config(config_file)?;
    let store = app::open_store(&app::store_url(&loaded)).await?;
    // The file is written by blocking calls, on a thread where they may block.
    let (runtime, for_writing) = (Handle::current(), store.clone());
    let written = tokio::task::spawn_blocking(move || {
        target::write(&args.file, args.force, |writer| {
            Ok(runtime.block_on(write_backup(&for_writing, writer))?)
        })
    });
    let summary = written.await?;
    store.close().await;
    // The summary must not end up in a backup that goes to standard output.
    Summary::tell(summary?, "written", args.json && !to_stdout)?;
    Ok(Exit::Success)
}

/// Reads a backup into a store that holds nothing.
pub async fn restore(args: args::Restore, config_file: Option<&Path>) -> anyhow::Result<Exit> {
    let loaded = app::load_config(config_file)?;
    let reader: Box<dyn Read + Send> = if args.file == Path::new(STDIN) {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(&args.file).with_context(|| format!("cannot open `{}`", args.file.display()))?)
    };
    let url = app::store_url(&loaded);
    let store = app::open_store(&url).await?;
    let (runtime, for_reading) = (Handle::current(), store.clone());
    let read = tokio::task::spawn_blocking(move || runtime.block_on(read_backup(&for_reading, BufReader::new(reader))));
    let summary = read
        .await?
        .with_context(|| format!("nothing was restored into {}", app::shown_url(&url)));
    store.close().await;
    let summary = summary?;
    // An index of the store that was here before tells nothing of this one.
    let index = app::index_folder(&loaded);
    Matcher::forget(&index)
        .context("the store is restored, but the index of the one before cannot be removed: remove its folder")?;
    Summary::tell(summary, "restored; `seawall verify` checks the log", args.json)?;
    Ok(Exit::Success)
}
