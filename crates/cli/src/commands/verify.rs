//! `seawall verify`: whether the event log is whole.

use std::path::Path;

use anyhow::Context;
use moderation::flows::verify::verify_store;
use serde::Serialize;

use super::app;
use crate::args::Verify;
use crate::exit::Exit;
use crate::output;

/// What was found.
#[derive(Debug, Serialize)]
struct Report<'a> {
    events: i64,
    head: &'a str,
    faults: &'a [String],
}

/// Checks the log; [`Exit::Failure`] if something is wrong with it.
pub async fn run(args: Verify, config_file: Option<&Path>) -> anyhow::Result<Exit> {
    let (app, _) = app::open_for_upkeep(config_file).await?;
    let verified = verify_store(&app).await.context("cannot check the event log");
    app::close(app).await;
    let verified = verified?;
    if args.json {
        output::json(&Report {
            events: verified.n_events,
            head: &verified.head,
            faults: &verified.faults,
        })?;
    } else {
        for fault in &verified.faults {
            output::line(&output::printable(fault))?;
        }
        match verified.faults.is_empty() {
            true => output::line(&format!(
                "the log is whole: {} events, last hash {}",
                verified.n_events, verified.head
            ))?,
            false => output::talk(&format!(
                "the log is NOT whole: {} faults in {} events",
                verified.faults.len(),
                verified.n_events
            )),
        }
    }
    Ok(if verified.faults.is_empty() {
        Exit::Success
    } else {
        Exit::Failure
    })
}
