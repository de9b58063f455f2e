//! Banks: listed, made, turned off, marked as confirmed. Entries are in `entries.rs`. Start with [`list_banks`].

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use moderation::flows::banks::{self as flow, BankError};
use moderation::model::{Bank, BankChange, BankId, Crops, Entry, EntryId, EntryState, NewBank, PreviewKind, Timestamp};
use moderation::views::{self, BankRow};
use serde::Deserialize;

use super::evidence;
use super::flash::Flash;
use super::form::{Fields, FormState, Posted};
use super::page::{Answer, go_saying, page_request, show, show_with};
use super::problem::ConsoleError;
use super::shell::Shell;
use super::visit::Person;
use crate::WebState;

/// Cards or rows of one page.
const ROWS: u32 = 60;

#[derive(Template)]
#[template(path = "banks.html")]
struct BanksPage {
    shell: Shell,
    rows: Vec<BankRow>,
    next: Option<String>,
    is_first: bool,
}

#[derive(Template)]
#[template(path = "bank_new.html")]
struct NewBankPage {
    shell: Shell,
    form: FormState,
}

#[derive(Template)]
#[template(path = "bank.html")]
struct BankPage {
    shell: Shell,
    form: FormState,
    bank: Bank,
    n_entries: i64,
    has_crops: bool,
    entries: Vec<EntryLine>,
    base: String,
    next: Option<String>,
    is_first: bool,
}

#[derive(Template)]
#[template(path = "bank_confirm.html")]
struct ConfirmBankPage {
    shell: Shell,
    form: FormState,
    bank: Bank,
    n_entries: i64,
}

struct EntryLine {
    id: EntryId,
    name: String,
    labels: Vec<String>,
    signal: String,
    n_more_signals: usize,
    state: EntryState,
    is_off: bool,
    preview: Option<String>,
    at: Timestamp,
}

impl EntryLine {
    fn of(entry: Entry) -> Self {
        let signal = entry
            .signals
            .first()
            .map(|signal| format!("{}:{}", signal.signal_type(), signal.value()));
        Self {
            id: entry.id,
            name: entry.name,
            labels: entry.labels,
            signal: signal.unwrap_or_default(),
            n_more_signals: entry.signals.len().saturating_sub(1),
            state: entry.state,
            is_off: entry.state != EntryState::Enabled,
            preview: entry
                .has_previews
                .then(|| evidence::entry_url(entry.id, PreviewKind::Blurred)),
            at: entry.created_at,
        }
    }
}

/// Which page of a list.
#[derive(Debug, Deserialize)]
pub struct ListQuery {
    cursor: Option<String>,
}

/// `GET /banks`
pub async fn list_banks(State(state): State<WebState>, person: Person, Query(query): Query<ListQuery>) -> Answer {
    let request = page_request(query.cursor, ROWS);
    let banks = views::list_banks(&state.app, &person.actor, &request).await?;
    show(&BanksPage {
        shell: person.shell,
        rows: banks.rows,
        next: banks.next,
        is_first: request.cursor.is_none(),
    })
}

/// `GET /banks/new`
pub async fn show_new_bank(person: Person) -> Answer {
    may_write(&person)?;
    show(&NewBankPage {
        shell: person.shell,
        form: FormState::default(),
    })
}

/// `POST /banks`: a new bank is not confirmed; that is a step of its own, once there is something to confirm.
pub async fn create_bank(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let new = NewBank {
        name: fields.get("name").trim().to_owned(),
        description: fields.get("description").trim().to_owned(),
        confirmed: false,
    };
    let name = new.name.clone();
    let shell = person.shell;
    let (field, wrong) = if name.is_empty() {
        ("name", shell.t("banks.name_needed").to_owned())
    } else {
        match flow::create_bank(&state.app, &person.actor, new, None).await {
            Ok(made) => {
                let id = made.into_inner();
                return Ok(go_saying(
                    &state,
                    &format!("/banks/{id}"),
                    &Flash::new("flash.bank_created", name),
                ));
            }
            Err(BankError::NameTaken) => ("name", shell.t("banks.name_taken").to_owned()),
            Err(BankError::Invalid { field, what }) => (field, shell.with("common.field_invalid", "what", what)),
            Err(error) => return Err(error.into()),
        }
    };
    let form = FormState::filled(fields).wrong(field, wrong);
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &NewBankPage { shell, form })
}

/// `GET /banks/{id}`
pub async fn show_bank(
    State(state): State<WebState>,
    person: Person,
    Path(id): Path<String>,
    Query(query): Query<ListQuery>,
) -> Answer {
    let found = find(&state, &person, &id).await?;
    let form = FormState::filled(Fields::of(&[("description", &found.bank.description)]));
    bank_page(&state, person, found, StatusCode::OK, form, query.cursor).await
}

async fn bank_page(
    state: &WebState,
    person: Person,
    found: BankRow,
    status: StatusCode,
    form: FormState,
    cursor: Option<String>,
) -> Answer {
    let request = page_request(cursor, ROWS);
    let entries = views::list_entries(&state.app, &person.actor, found.bank.id, &request).await?;
    let page = BankPage {
        shell: person.shell,
        form,
        base: format!("/banks/{}", found.bank.id),
        n_entries: found.n_entries,
        has_crops: found.bank.crops == Crops::Few,
        bank: found.bank,
        entries: entries.rows.into_iter().map(EntryLine::of).collect(),
        next: entries.next,
        is_first: request.cursor.is_none(),
    };
    show_with(status, &page)
}

/// `POST /banks/{id}`
pub async fn describe_bank(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let Posted { person, fields } = posted;
    let found = find(&state, &person, &id).await?;
    let change = BankChange {
        description: Some(fields.get("description").trim().to_owned()),
        confirmed: None,
        enabled: None,
        crops: None,
    };
    match flow::change_bank(&state.app, &person.actor, found.bank.id, change).await {
        Ok(()) => Ok(go_saying(
            &state,
            &format!("/banks/{id}"),
            &Flash::new("flash.bank_saved", ""),
        )),
        Err(BankError::Invalid { field, what }) => {
            let form = FormState::filled(fields).wrong(field, person.shell.with("common.field_invalid", "what", what));
            bank_page(&state, person, found, StatusCode::UNPROCESSABLE_ENTITY, form, None).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /banks/{id}/enabled`
pub async fn enable_bank(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let enabled = match posted.fields.get("enabled") {
        "yes" => true,
        "no" => false,
        _ => return Err(ConsoleError::BadRequest("neither yes nor no")),
    };
    let change = BankChange {
        description: None,
        confirmed: None,
        enabled: Some(enabled),
        crops: None,
    };
    flow::change_bank(&state.app, &posted.person.actor, parse(&id)?, change).await?;
    Ok(go_saying(
        &state,
        &format!("/banks/{id}"),
        &Flash::new("flash.bank_saved", ""),
    ))
}

/// `POST /banks/{id}/crops`: by which parts of their pictures its entries are found.
pub async fn choose_crops(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let crops: Crops = posted
        .fields
        .get("crops")
        .parse()
        .map_err(|_| ConsoleError::BadRequest("no such set of crops"))?;
    let change = BankChange {
        description: None,
        confirmed: None,
        enabled: None,
        crops: Some(crops),
    };
    flow::change_bank(&state.app, &posted.person.actor, parse(&id)?, change).await?;
    Ok(go_saying(
        &state,
        &format!("/banks/{id}"),
        &Flash::new("flash.bank_saved", ""),
    ))
}

/// `GET /banks/{id}/confirm`
pub async fn ask_confirm_bank(State(state): State<WebState>, person: Person, Path(id): Path<String>) -> Answer {
    may_write(&person)?;
    let BankRow { bank, n_entries } = find(&state, &person, &id).await?;
    show(&ConfirmBankPage {
        shell: person.shell,
        form: FormState::default(),
        bank,
        n_entries,
    })
}

/// `POST /banks/{id}/confirm`: with the bank's name typed, because from then on matches restrict by themselves.
pub async fn confirm_bank(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let Posted { person, fields } = posted;
    may_write(&person)?;
    let BankRow { bank, n_entries } = find(&state, &person, &id).await?;
    if fields.get("name").trim() != bank.name {
        let form = FormState::default().wrong("name", person.shell.t("banks.confirm_wrong"));
        let page = ConfirmBankPage {
            shell: person.shell,
            form,
            bank,
            n_entries,
        };
        return show_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let change = BankChange {
        description: None,
        confirmed: Some(true),
        enabled: None,
        crops: None,
    };
    flow::change_bank(&state.app, &person.actor, bank.id, change).await?;
    Ok(go_saying(
        &state,
        &format!("/banks/{id}"),
        &Flash::new("flash.bank_confirmed", bank.name),
    ))
}

/// `POST /banks/{id}/unconfirm`
pub async fn unconfirm_bank(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let change = BankChange {
        description: None,
        confirmed: Some(false),
        enabled: None,
        crops: None,
    };
    flow::change_bank(&state.app, &posted.person.actor, parse(&id)?, change).await?;
    Ok(go_saying(
        &state,
        &format!("/banks/{id}"),
        &Flash::new("flash.bank_saved", ""),
    ))
}

/// The bank of an address.
pub async fn find(state: &WebState, person: &Person, id: &str) -> Result<BankRow, ConsoleError> {
    views::bank(&state.app, &person.actor, parse(id)?)
        .await?
        .ok_or(ConsoleError::NotFound)
}

/// Refuses the forms of banks to those who could not send them.
pub fn may_write(person: &Person) -> Result<(), ConsoleError> {
    person
        .actor
        .require(moderation::model::Right::WriteBanks)
        .map_err(ConsoleError::Denied)
}

fn parse(id: &str) -> Result<BankId, ConsoleError> {
    id.parse().map_err(|_| ConsoleError::NotFound)
}
