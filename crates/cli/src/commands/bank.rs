//! `seawall bank`: banks as files and in the store.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use futures_util::StreamExt;
use media::Want;
use moderation::Seawall;
use moderation::banks::{IMPORT_MAX, csv};
use moderation::flows::banks as flows;
use moderation::model::{Actor, Bank, BankId, Entry, EntryState, NewBank, NewEntry, PageRequest};
use moderation::store::{Created, Engine};
use moderation::views;
use serde::Serialize;

use super::app;
use crate::args;
use crate::exit::{BadUsage, Exit};
use crate::offline::files::{self, FileError, STDIN};
use crate::offline::hasher::{Hasher, path_text};
use crate::offline::target;
use crate::output;

/// Does what was asked for about banks.
pub async fn run(command: args::Bank, config_file: Option<&Path>) -> anyhow::Result<Exit> {
    match command {
        args::Bank::Make(args) => make(args).await,
        args::Bank::Import(args) => import(args, config_file).await,
        args::Bank::Export(args) => export(args, config_file).await,
        args::Bank::List(args) => list(args.json, config_file).await,
    }
}

/// A line of `bank make --json`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum MakeLine<'a> {
    Failed { file: &'a str, error: &'a FileError },
    Summary { entries: usize, failed: usize },
}

/// Writes a bank of the files below a folder. A file that cannot be hashed is told and left out.
async fn make(args: args::BankMake) -> anyhow::Result<Exit> {
    if !args.dir.is_dir() {
        return Err(BadUsage(format!("`{}` is not a folder", args.dir.display())).into());
    }
    if args.json && args.out == Path::new(STDIN) {
        return Err(BadUsage("--json and `--out -` both want standard output".to_owned()).into());
    }
    check_labels(&args.labels)?;
    target::check_free(&args.out, args.force)?;
    let hasher = Hasher::start(args.jail.allow_weak_jail, Want::Signals).await?;
    let dir = args.dir.clone();
    let found = tokio::task::spawn_blocking(move || files::find(&dir)).await?;
    let mut failed = found.errors.len();
    for (path, error) in &found.errors {
        tell_failed(path, error, args.json)?;
    }
    let mut entries = Vec::new();
    let mut hashed = std::pin::pin!(hasher.hash(found.files));
    while let Some(hashed) = hashed.next().await {
        match &hashed.outcome {
            Ok(scan) => entries.push(NewEntry {
                name: entry_name(&args.dir, &hashed.path),
                labels: args.labels.clone(),
                source: String::new(),
                expires_at: None,
                signals: scan.signals().into_iter().map(|signal| signal.signal).collect(),
            }),
            Err(error) => {
                failed += 1;
                hasher.bars().suspend(|| tell_failed(&hashed.path, error, args.json))?;
            }
        }
    }
    target::write(&args.out, args.force, |writer| Ok(csv::write(writer, &entries)?))?;
    if args.json {
        output::json(&MakeLine::Summary {
            entries: entries.len(),
            failed,
        })?;
    } else {
        output::talk(&format!(
            "{} entries written, {failed} files could not be read",
            entries.len()
        ));
    }
    Ok(if failed == 0 { Exit::Success } else { Exit::Failure })
}

fn check_labels(labels: &[String]) -> Result<(), BadUsage> {
    let bad = |label: &String| {
        label.trim().is_empty() || label.contains(';') || label.chars().count() > Entry::TEXT_LENGTH_MAX
    };
    if labels.len() > Entry::LABELS_MAX || labels.iter().any(bad) {
        let what = format!(
            "at most {} labels, none of them empty, and no `;` in one: it separates them",
            Entry::LABELS_MAX
        );
        return Err(BadUsage(what));
    }
    Ok(())
}

/// The path within the folder; its end, where it is longer than a name may be.
fn entry_name(dir: &Path, path: &Path) -> String {
    let name: Vec<char> = path_text(path.strip_prefix(dir).unwrap_or(path))
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    name[name.len().saturating_sub(Entry::TEXT_LENGTH_MAX)..]
        .iter()
        .collect::<String>()
        .trim()
        .to_owned()
}

fn tell_failed(path: &Path, error: &FileError, json: bool) -> anyhow::Result<()> {
    let file = path_text(path);
    if json {
        return output::json(&MakeLine::Failed { file: &file, error });
    }
    output::talk(&format!(
        "seawall: {}: {}",
        output::printable(&file),
        output::printable(&error.detail)
    ));
    Ok(())
}

/// The summary of `bank import --json`.
#[derive(Debug, Serialize)]
struct ImportSummary<'a> {
    bank: &'a str,
    created: bool,
    added: usize,
    already_present: usize,
    /// All lines that do not read.
    n_errors: usize,
    /// The first of them.
    errors: Vec<LineError>,
}

/// A line that did not read.
#[derive(Debug, Serialize)]
struct LineError {
    line: u64,
    detail: String,
}

/// Adds the entries of a file to a bank, part by part. A part is in the bank or is not; what was added stays, whatever becomes of the rest.
async fn import(args: args::BankImport, config_file: Option<&Path>) -> anyhow::Result<Exit> {
    let mut file = BankFile::open(&args)?;
    let first = file.next_part()?;
    if first.is_empty() {
        bail!(
            "`{}` holds no entries ({} lines that do not read)",
            args.file.display(),
            file.n_errors
        );
    }
    let (app, _) = app::open_for_upkeep(config_file).await?;
    let (bank, created) = match find_bank(&app, &args.bank).await? {
        Some(bank) if args.confirmed && !bank.confirmed => {
            bail!(
                "the bank `{}` exists and is not confirmed: confirm it in the console",
                args.bank
            )
        }
        Some(bank) => (bank.id, false),
        None if args.create => {
            let description = format!("Made by `seawall bank import` from {}", file.source);
            let new = NewBank {
                name: args.bank.clone(),
                description,
                confirmed: args.confirmed,
            };
            match flows::create_bank(&app, &Actor::Operator, new, None)
                .await
                .context("cannot make the bank")?
            {
                Created::New(id) | Created::Replayed(id) => (id, true),
            }
        }
        None => bail!("there is no bank `{}`; --create makes it", args.bank),
    };
    let (added, already_present) = import_parts(&app, bank, &mut file, first).await?;
    app::close(app).await;

    let n_errors = file.n_errors;
    if args.json {
        output::json(&ImportSummary {
            bank: &args.bank,
            created,
            added,
            already_present,
            n_errors,
            errors: file.errors,
        })?;
    } else {
        output::talk(&format!(
            "{added} entries added, {already_present} were there already, {n_errors} lines do not read"
        ));
    }
    Ok(if n_errors == 0 { Exit::Success } else { Exit::Failure })
}

/// Between two parts of an import into an embedded store: a server that wants to write meanwhile looks every 100 ms whether it may
/// (SQLite's `busy_timeout`), and would hardly ever meet the moment between them.
const PAUSE: Duration = Duration::from_millis(120);

async fn import_parts(
    app: &Seawall,
    bank: BankId,
    file: &mut BankFile,
    first: Vec<NewEntry>,
) -> anyhow::Result<(usize, usize)> {
    let (mut added, mut already_present) = (0, 0);
    let mut part = first;
    while !part.is_empty() {
        let imported = flows::import_entries(app, &Actor::Operator, bank, part).await;
        let next = imported.context("cannot import").and_then(|imported| {
            added += imported.added;
            already_present += imported.already_present;
            file.next_part()
        });
        part =
            next.with_context(|| format!("{added} entries were added and stay; import the file again for the rest"))?;
        if !part.is_empty() && app.store.engine() == Engine::Sqlite {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok((added, already_present))
}

/// The most lines that do not read which a summary names.
const ERRORS_NAMED_MAX: usize = 10_000;

/// A bank file that is read as it is imported: it may be larger than memory.
struct BankFile {
    path: PathBuf,
    pieces: csv::Pieces<Box<dyn Read>>,
    /// Where its entries come from, for people.
    source: String,
    /// Whether lines that do not read are kept for a summary, and not told as they come.
    keeps_errors: bool,
    n_errors: usize,
    errors: Vec<LineError>,
}

impl BankFile {
    fn open(args: &args::BankImport) -> anyhow::Result<Self> {
        let path = &args.file;
        let reader: Box<dyn Read> = if path == Path::new(STDIN) {
            Box::new(std::io::stdin().lock())
        } else {
            Box::new(BufReader::new(
                File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?,
            ))
        };
        let source = args.source.clone().unwrap_or_else(|| match path.file_name() {
            Some(name) if path != Path::new(STDIN) => format!("imported from {}", name.to_string_lossy()),
            Some(_) | None => "imported".to_owned(),
        });
        Ok(Self {
            path: path.clone(),
            pieces: csv::pieces(reader),
            source,
            keeps_errors: args.json,
            n_errors: 0,
            errors: Vec::new(),
        })
    }

    /// As many of the next entries as one import takes; none at the end.
    fn next_part(&mut self) -> anyhow::Result<Vec<NewEntry>> {
        let mut part = Vec::with_capacity(IMPORT_MAX);
        while part.len() < IMPORT_MAX {
            let Some(piece) = self.pieces.next() else { break };
            match piece.with_context(|| format!("cannot read `{}`", self.path.display()))? {
                csv::Piece::Entry(entry) => part.push(NewEntry {
                    source: self.source.clone(),
                    ..entry
                }),
                csv::Piece::BadLine(error) => self.note(error),
            }
        }
        Ok(part)
    }

    fn note(&mut self, error: csv::LineError) {
        self.n_errors += 1;
        if !self.keeps_errors {
            output::talk(&format!(
                "seawall: line {}: {}",
                error.line,
                output::printable(&error.what)
            ));
        } else if self.errors.len() < ERRORS_NAMED_MAX {
            self.errors.push(LineError {
                line: error.line,
                detail: error.what,
            });
        }
    }
}

/// Writes the entries of a bank that are matched against.
async fn export(args: args::BankExport, config_file: Option<&Path>) -> anyhow::Result<Exit> {
    target::check_free(&args.out, args.force)?;
    let (app, _) = app::open_for_upkeep(config_file).await?;
    let Some(bank) = find_bank(&app, &args.bank).await? else {
        bail!("there is no bank `{}`", args.bank)
    };
    let entries = all_entries(&app, bank.id).await?;
    app::close(app).await;
    target::write(&args.out, args.force, |writer| Ok(csv::write(writer, &entries)?))?;
    output::talk(&format!("{} entries written", entries.len()));
    Ok(Exit::Success)
}

async fn all_entries(app: &Seawall, bank: BankId) -> anyhow::Result<Vec<NewEntry>> {
    let mut entries = Vec::new();
    let mut request = PageRequest {
        cursor: None,
        limit: PageRequest::LIMIT_MAX,
    };
    loop {
        let page = views::list_whole_entries(app, &Actor::Operator, bank, &request)
            .await
            .context("cannot list entries")?;
        entries.extend(
            page.rows
                .into_iter()
                .filter(|entry| entry.state == EntryState::Enabled)
                .map(|entry| NewEntry {
                    name: entry.name,
                    labels: entry.labels,
                    source: entry.source,
                    expires_at: entry.expires_at,
                    signals: entry.signals,
                }),
        );
        match page.next {
            Some(cursor) => request.cursor = Some(cursor),
            None => return Ok(entries),
        }
    }
}

async fn find_bank(app: &Seawall, name: &str) -> anyhow::Result<Option<Bank>> {
    let row = views::bank_by_name(app, &Actor::Operator, name)
        .await
        .context("cannot look for the bank")?;
    Ok(row.map(|row| row.bank))
}

/// A bank as `bank list --json` prints it.
#[derive(Debug, Serialize)]
struct BankLine {
    id: String,
    name: String,
    description: String,
    confirmed: bool,
    enabled: bool,
    entries: i64,
}

/// Lists the banks.
async fn list(json: bool, config_file: Option<&Path>) -> anyhow::Result<Exit> {
    let (app, _) = app::open_for_upkeep(config_file).await?;
    let mut rows = Vec::new();
    let mut request = PageRequest {
        cursor: None,
        limit: PageRequest::LIMIT_MAX,
    };
    loop {
        let page = views::list_banks(&app, &Actor::Operator, &request)
            .await
            .context("cannot list banks")?;
        rows.extend(page.rows);
        match page.next {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    app::close(app).await;
    if json {
        for row in rows {
            let Bank {
                id,
                name,
                description,
                confirmed,
                enabled,
                crops: _,
                created_at: _,
            } = row.bank;
            output::json(&BankLine {
                id: id.to_string(),
                name,
                description,
                confirmed,
                enabled,
                entries: row.n_entries,
            })?;
        }
        return Ok(Exit::Success);
    }
    let word = |holds: bool, yes: &str, no: &str| if holds { yes.to_owned() } else { no.to_owned() };
    let cells: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| {
            let confirmed = word(row.bank.confirmed, "confirmed", "not confirmed");
            vec![
                row.bank.name,
                row.n_entries.to_string(),
                confirmed,
                word(row.bank.enabled, "enabled", "disabled"),
            ]
        })
        .collect();
    output::table(&["BANK", "ENTRIES", "CONFIRMED", "STATE"], &cells)?;
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_named_by_its_path_in_the_folder() {
        assert_eq!(entry_name(Path::new("a"), Path::new("a/b/c.png")), "b/c.png");
        assert_eq!(entry_name(Path::new("a"), Path::new("a/b\n.png")), "b.png");
        let long = format!("a/{}end.png", "x".repeat(600));
        let name = entry_name(Path::new("a"), Path::new(&long));
        assert!(name.chars().count() == Entry::TEXT_LENGTH_MAX && name.ends_with("end.png"));
    }
}
