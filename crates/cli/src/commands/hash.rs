//! `seawall hash`: the signals of files, a line each, in the order in which they were named.

use futures_util::StreamExt;
use serde::Serialize;
use signal::SignalType;

use crate::args::Hash;
use crate::exit::Exit;
use crate::offline::files::FileError;
use crate::offline::hasher::{Hashed, Hasher, SignalLine, path_text, signals};
use crate::output;

/// A line of JSON about a file.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Hashed {
        file: &'a str,
        media_type: &'static str,
        width: u32,
        height: u32,
        signals: Vec<SignalLine>,
        /// There, and false, if the file is damaged and only what could be seen of it was hashed.
        #[serde(skip_serializing_if = "Option::is_none")]
        intact: Option<bool>,
    },
    Failed {
        file: &'a str,
        error: &'a FileError,
    },
}

/// Hashes the files; [`Exit::Failure`] if any could not be.
pub async fn run(args: Hash) -> anyhow::Result<Exit> {
    let hasher = Hasher::start(args.jail.allow_weak_jail).await?;
    let mut exit = Exit::Success;
    let mut hashed = std::pin::pin!(hasher.hash(args.files));
    while let Some(hashed) = hashed.next().await {
        if hashed.outcome.is_err() {
            exit = Exit::Failure;
        }
        if args.json {
            print_json(&hashed)?
        } else {
            print_text(&hashed)?
        }
    }
    Ok(exit)
}

fn print_json(hashed: &Hashed) -> anyhow::Result<()> {
    let file = &path_text(&hashed.path);
    output::json(&match &hashed.outcome {
        Ok(scan) => Line::Hashed {
            file,
            media_type: scan.media_type.mime(),
            width: scan.width,
            height: scan.height,
            signals: signals(scan).iter().map(|signal| signal.line()).collect(),
            intact: (!scan.is_intact).then_some(false),
        },
        Err(error) => Line::Failed { file, error },
    })
}

fn print_text(hashed: &Hashed) -> anyhow::Result<()> {
    let file = output::printable(&path_text(&hashed.path));
    match &hashed.outcome {
        Ok(scan) => {
            // The host promises at least one frame, and frame 0 first.
            let pdq = signals(scan)
                .into_iter()
                .find(|signal| signal.signal.signal_type() == SignalType::Pdq);
            if !scan.is_intact {
                output::talk(&format!(
                    "seawall: {file}: damaged; what could be seen of it was hashed"
                ));
            }
            let (value, quality) = pdq.map_or_else(Default::default, |pdq| {
                (pdq.signal.value(), pdq.signal.quality().unwrap_or(0))
            });
            output::line(&format!("{value}  {quality:>3}  {file}"))
        }
        Err(error) => {
            output::talk(&format!("seawall: {file}: {}", output::printable(&error.detail)));
            Ok(())
        }
    }
}
