//! Entries of banks: added from a file, from hashes or from a CSV; disabled, removed; written out as a CSV. The page of one is in
//! `entry.rs`. Start with [`add_file`], [`add_hashes`] and [`import`].

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use futures_util::stream;
use moderation::banks::IMPORT_MAX;
use moderation::banks::csv::{self, LineError, ParsedBank};
use moderation::flows::banks::{self as flow, BankError, Imported};
use moderation::flows::files::FileContent;
use moderation::model::{Actor, Bank, BankId, Entry, EntryId, EntryState, NewEntry, PageRequest};
use moderation::signal::{Signal, SignalType};
use moderation::views;

use super::banks::{find, may_write};
use super::flash::Flash;
use super::form::{Fields, FormState, Posted, Upload};
use super::keys::ConfirmPage;
use super::page::{Answer, go_saying, show, show_with};
use super::problem::ConsoleError;
use super::shell::Shell;
use super::visit::Person;
use crate::WebState;

/// Lines with errors that are listed.
const LINE_ERRORS_SHOWN_MAX: usize = 100;

#[derive(Template)]
#[template(path = "entry_new.html")]
struct NewEntryPage {
    shell: Shell,
    form: FormState,
    bank: Bank,
}

#[derive(Template)]
#[template(path = "bank_import.html")]
struct ImportPage {
    shell: Shell,
    form: FormState,
    bank: Bank,
    lines: Vec<LineError>,
    n_lines: usize,
    n_more: usize,
    imported: bool,
    entries_max: usize,
}

/// `GET /banks/{id}/add`
pub async fn show_add(State(state): State<WebState>, person: Person, Path(id): Path<String>) -> Answer {
    may_write(&person)?;
    let bank = find(&state, &person, &id).await?.bank;
    show(&NewEntryPage {
        shell: person.shell,
        form: FormState::default(),
        bank,
    })
}

/// `POST /banks/{id}/add-file`
pub async fn add_file(State(state): State<WebState>, Path(id): Path<String>, upload: Upload) -> Answer {
    let Upload {
        person,
        fields,
        file,
        held: _held,
    } = upload;
    let bank = find(&state, &person, &id).await?.bank;
    let Some((file_name, content)) = file else {
        let form = FormState::filled(fields).wrong("file", person.shell.t("entries.need_file"));
        return refuse(person.shell, form, bank);
    };
    let mut new = new_entry(&fields, Vec::new());
    if new.name.is_empty() {
        new.name = file_name
            .chars()
            .filter(|c| !c.is_control())
            .take(Entry::TEXT_LENGTH_MAX)
            .collect();
    }
    let name = new.name.clone();
    let _place = state.shared.admission.enter().await.ok_or(ConsoleError::Busy)?;
    match flow::add_entry(&state.app, &person.actor, bank.id, new, Some(content), None).await {
        Ok(_) => Ok(go_saying(
            &state,
            &format!("/banks/{id}"),
            &Flash::new("flash.entry_added", name),
        )),
        Err(BankError::Unscannable(error)) => {
            let form = FormState::filled(fields).wrong("file", person.shell.unscanned(error.kind()));
            refuse(person.shell, form, bank)
        }
        Err(error) => refuse_or_fail(person.shell, fields, bank, error),
    }
}

/// `POST /banks/{id}/add-hash`
pub async fn add_hashes(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let Posted { person, fields } = posted;
    let bank = find(&state, &person, &id).await?.bank;
    let signals = match parse_hashes(fields.get("hashes")) {
        Ok(signals) if signals.is_empty() => {
            let form = FormState::filled(fields).wrong("hashes", person.shell.t("entries.need_hash"));
            return refuse(person.shell, form, bank);
        }
        Ok(signals) => signals,
        Err((line, what)) => {
            let wrong = person.shell.with_two("entries.bad_hash", "line", line, "what", what);
            return refuse(person.shell, FormState::filled(fields).wrong("hashes", wrong), bank);
        }
    };
    let new = new_entry(&fields, signals);
    let name = if new.name.is_empty() {
        person.shell.t("entries.unnamed").to_owned()
    } else {
        new.name.clone()
    };
    match flow::add_entry(&state.app, &person.actor, bank.id, new, None, None).await {
        Ok(_) => Ok(go_saying(
            &state,
            &format!("/banks/{id}"),
            &Flash::new("flash.entry_added", name),
        )),
        Err(error) => refuse_or_fail(person.shell, fields, bank, error),
    }
}

fn refuse(shell: Shell, form: FormState, bank: Bank) -> Answer {
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &NewEntryPage { shell, form, bank })
}

fn refuse_or_fail(shell: Shell, fields: Fields, bank: Bank, error: BankError) -> Answer {
    match error {
        BankError::Invalid { what, .. } => {
            let wrong = shell.with("common.field_invalid", "what", what);
            refuse(shell, FormState::filled(fields).wrong("", wrong), bank)
        }
        error => Err(error.into()),
    }
}

fn new_entry(fields: &Fields, signals: Vec<Signal>) -> NewEntry {
    let labels = fields
        .get("labels")
        .split([',', ';', '\n'])
        .map(str::trim)
        .filter(|label| !label.is_empty());
    NewEntry {
        name: fields.get("name").trim().to_owned(),
        labels: labels.map(str::to_owned).collect(),
        source: fields.get("source").trim().to_owned(),
        expires_at: None,
        signals,
    }
}

/// The signals of a text with one hash a line, each `type:value`, or bare where its length tells which it is. Else the
/// line that is none, and why.
pub fn parse_hashes(text: &str) -> Result<Vec<Signal>, (usize, String)> {
    let mut signals = Vec::new();
    for (idx, line) in text
        .lines()
        .map(str::trim)
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
    {
        let at = |what: String| (idx + 1, what);
        let (kind, value) = match line.split_once(':') {
            Some((kind, value)) => (
                kind.trim()
                    .parse::<SignalType>()
                    .map_err(|error| at(error.to_string()))?,
                value.trim(),
            ),
            // The list of vPDQ.
            None if line.starts_with('[') => (SignalType::Vpdq, line),
            None if line.len() == 32 => (SignalType::Md5, line),
            None => (SignalType::Pdq, line),
        };
        let signal = Signal::parse(kind, value, None).map_err(|error| at(error.to_string()))?;
        if !signals.contains(&signal) {
            signals.push(signal);
        }
        if signals.len() > Entry::SIGNALS_MAX {
            return Err(at(format!("more than {} hashes", Entry::SIGNALS_MAX)));
        }
    }
    Ok(signals)
}

/// `GET /banks/{id}/import`
pub async fn show_import(State(state): State<WebState>, person: Person, Path(id): Path<String>) -> Answer {
    may_write(&person)?;
    let bank = find(&state, &person, &id).await?.bank;
    import_page(
        person.shell,
        FormState::default(),
        bank,
        Vec::new(),
        false,
        StatusCode::OK,
    )
}

fn import_page(
    shell: Shell,
    form: FormState,
    bank: Bank,
    mut lines: Vec<LineError>,
    imported: bool,
    status: StatusCode,
) -> Answer {
    let n_lines = lines.len();
    lines.truncate(LINE_ERRORS_SHOWN_MAX);
    let n_more = n_lines - lines.len();
    show_with(
        status,
        &ImportPage {
            shell,
            form,
            bank,
            lines,
            n_lines,
            n_more,
            imported,
            entries_max: IMPORT_MAX,
        },
    )
}

/// `POST /banks/{id}/import`
pub async fn import(State(state): State<WebState>, Path(id): Path<String>, upload: Upload) -> Answer {
    let Upload {
        person,
        fields,
        file,
        held: _held,
    } = upload;
    let _place = state.shared.admission.enter().await.ok_or(ConsoleError::Busy)?;
    let bank = find(&state, &person, &id).await?.bank;
    let shell = person.shell.clone();
    let form = FormState::filled(fields.clone());
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    // A video is no CSV.
    let Some((_, FileContent::Bytes(bytes))) = file else {
        return import_page(
            shell.clone(),
            form.wrong("file", shell.t("entries.need_file")),
            bank,
            Vec::new(),
            false,
            unprocessable,
        );
    };
    let parsed = match parse_csv(bytes).await? {
        Ok(parsed) => parsed,
        Err(what) => {
            let wrong = shell.with("common.field_invalid", "what", what);
            return import_page(shell, form.wrong("file", wrong), bank, Vec::new(), false, unprocessable);
        }
    };
    let ParsedBank { mut entries, errors } = parsed;
    if !errors.is_empty() && fields.get("skip") != "yes" {
        return import_page(shell, form, bank, errors, false, unprocessable);
    }
    let source = fields.get("source").trim();
    for entry in &mut entries {
        if entry.source.is_empty() {
            entry.source = source.to_owned();
        }
    }
    match flow::import_entries(&state.app, &person.actor, bank.id, entries).await {
        Ok(imported) if errors.is_empty() => {
            let flash = Flash::new("flash.imported", imported_words(&shell, imported));
            Ok(go_saying(&state, &format!("/banks/{id}"), &flash))
        }
        Ok(imported) => {
            let mut shell = shell;
            shell.flash = Some(Flash::new("flash.imported", imported_words(&shell, imported)));
            import_page(shell, FormState::default(), bank, errors, true, StatusCode::OK)
        }
        Err(BankError::Invalid { field, what }) => {
            let wrong = shell.with("common.field_invalid", "what", format!("{field} {what}"));
            import_page(shell, form.wrong("file", wrong), bank, Vec::new(), false, unprocessable)
        }
        Err(error) => Err(error.into()),
    }
}

fn imported_words(shell: &Shell, imported: Imported) -> String {
    let added = shell.count("import_summary.added", imported.added);
    let present = shell.count("import_summary.present", imported.already_present);
    format!("{added} · {present}")
}

/// Reads the file away from the async threads: it may have millions of lines.
async fn parse_csv(bytes: Bytes) -> Result<Result<ParsedBank, String>, ConsoleError> {
    let parsed = tokio::task::spawn_blocking(move || csv::parse(bytes.as_ref())).await;
    let parsed = parsed.map_err(|error| ConsoleError::Internal(Box::new(error)))?;
    Ok(parsed.map_err(|error| error.to_string()))
}

/// `GET /banks/{id}/export.csv`
pub async fn export(State(state): State<WebState>, person: Person, Path(id): Path<String>) -> Answer {
    let bank = find(&state, &person, &id).await?.bank;
    let file_name: String = bank
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .collect();
    let first = Some(PageRequest {
        cursor: None,
        limit: PageRequest::LIMIT_MAX,
    });
    let pages = stream::unfold(
        (state, person.actor, bank.id, first),
        |(state, actor, bank, request)| async move {
            let request = request?;
            let written = write_page(&state, &actor, bank, &request).await;
            let next = written.as_ref().ok().and_then(|(_, next)| next.clone());
            let next = next.map(|cursor| PageRequest {
                cursor: Some(cursor),
                limit: request.limit,
            });
            Some((written.map(|(text, _)| text), (state, actor, bank, next)))
        },
    );
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{file_name}.csv\""));
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/csv; charset=utf-8"),
        ),
        (
            header::CONTENT_DISPOSITION,
            disposition.unwrap_or(HeaderValue::from_static("attachment")),
        ),
    ];
    Ok((headers, Body::from_stream(pages)).into_response())
}

/// One page of entries as CSV, the header only on the first, and the cursor of the next page.
async fn write_page(
    state: &WebState,
    actor: &Actor,
    bank: BankId,
    request: &PageRequest,
) -> Result<(Vec<u8>, Option<String>), ConsoleError> {
    let page = views::list_whole_entries(&state.app, actor, bank, request).await?;
    let kept = page.rows.into_iter().filter(|entry| entry.state != EntryState::Removed);
    let entries: Vec<NewEntry> = kept
        .map(|entry| NewEntry {
            name: entry.name,
            labels: entry.labels,
            source: entry.source,
            expires_at: entry.expires_at,
            signals: entry.signals,
        })
        .collect();
    let mut text = Vec::new();
    csv::write(&mut text, &entries).map_err(|error| ConsoleError::Internal(Box::new(error)))?;
    if request.cursor.is_some() {
        let header_length = text.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        text.drain(..header_length);
    }
    Ok((text, page.next))
}

/// `GET /entries/{id}/remove`
pub async fn ask_remove_entry(State(state): State<WebState>, person: Person, Path(id): Path<String>) -> Answer {
    may_write(&person)?;
    let entry = find_entry(&state, &person, &id).await?;
    let shell = person.shell;
    show(&ConfirmPage {
        title: shell.with("entries.remove_title", "entry", name_of(&entry, &shell)),
        lead: shell.t("entries.remove_lead").to_owned(),
        submit: shell.t("entries.remove_submit").to_owned(),
        action: format!("/entries/{id}/state"),
        fields: vec![("state", EntryState::Removed.as_str().to_owned())],
        back: format!("/entries/{id}"),
        shell,
    })
}

/// `POST /entries/{id}/state`
pub async fn change_entry(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let entry = find_entry(&state, &posted.person, &id).await?;
    let to: EntryState = posted
        .fields
        .get("state")
        .parse()
        .map_err(|_| ConsoleError::BadRequest("no such state"))?;
    flow::set_entry_state(&state.app, &posted.person.actor, entry.id, to).await?;
    let flash = Flash::new("flash.entry_state", name_of(&entry, &posted.person.shell));
    Ok(go_saying(&state, &format!("/entries/{id}"), &flash))
}

/// The entry of an address.
pub async fn find_entry(state: &WebState, person: &Person, id: &str) -> Result<Entry, ConsoleError> {
    let id: EntryId = id.parse().map_err(|_| ConsoleError::NotFound)?;
    views::entry(&state.app, &person.actor, id)
        .await?
        .ok_or(ConsoleError::NotFound)
}

/// What to call it.
pub fn name_of(entry: &Entry, shell: &Shell) -> String {
    if entry.name.is_empty() {
        shell.t("entries.unnamed").to_owned()
    } else {
        entry.name.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_told_by_its_prefix_or_its_length() {
        let (pdq, md5) = ("f8".repeat(32), "0a".repeat(16));
        let text = format!("{pdq}\n\n  md5:{md5} \nsha256:{pdq}\n{md5}\n");
        let signals = parse_hashes(&text).unwrap();
        let kinds: Vec<_> = signals
            .iter()
            .map(|signal| (signal.signal_type(), signal.value()))
            .collect();
        assert_eq!(
            kinds,
            [
                (SignalType::Pdq, pdq.clone()),
                (SignalType::Md5, md5),
                (SignalType::Sha256, pdq)
            ],
            "the second MD5 is the first again"
        );
    }

    #[test]
    fn what_is_no_hash_is_named_by_its_line() {
        let check = |text: &str, line| assert_eq!(parse_hashes(text).unwrap_err().0, line, "{text}");
        check("hello", 1);
        check("\n\nxyz:00", 3);
        check(&format!("{}\nmd5:{}", "00".repeat(32), "0g".repeat(16)), 2);
        assert_eq!(parse_hashes(" \n"), Ok(Vec::new()));
    }
}
