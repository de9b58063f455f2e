//! Searching what the platform submitted: by id, words, account, channel, hash, label, date and decision, or by a picture in hand; and the searches that a
//! person keeps. Start with [`show_search`].
//!
//! What is searched for stands in the address, so that a search can be kept, sent to a colleague and gone back to. An address that names one thing leads there.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use moderation::access::searches::KeptSearch;
use moderation::flows::access::{self, AccessError};
use moderation::flows::cases as case_flow;
use moderation::flows::resemble::{self, Resemblance, ResembleError};
use moderation::model::{ItemId, ItemKind, Outcome, PageRequest, Right};
use moderation::views::{self, ItemSearch, Place};

use super::entries::parse_hashes;
use super::flash::Flash;
use super::form::{Fields, FormState, Posted, Upload};
use super::items::ItemLine;
use super::page::{Answer, go_saying, go_to, in_query, show_with};
use super::problem::ConsoleError;
use super::shell::Shell;
use super::visit::Person;
use crate::WebState;

/// Rows of one page.
const ROWS: u32 = 50;
/// What stands in the address of a search, in the order of the form.
const FIELDS: [&str; 9] = [
    "q", "account", "channel", "kind", "outcome", "label", "hash", "from", "to",
];

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    shell: Shell,
    form: FormState,
    /// Whether something was asked.
    is_asked: bool,
    /// Whether more than words was asked: the fields stand open then.
    is_narrow: bool,
    rows: Vec<ItemLine>,
    next: Option<String>,
    is_first: bool,
    base: String,
    /// The search as it stands in the address.
    query: String,
    kept: Vec<KeptSearch>,
    kinds: &'static [ItemKind],
    outcomes: &'static [Outcome],
    /// What a picture is shown by; none if none was asked for.
    resemblance: Option<Resemblance>,
}

/// `GET /search?q=…`
pub async fn show_search(
    State(state): State<WebState>,
    person: Person,
    Query(query): Query<Vec<(String, String)>>,
) -> Answer {
    let of = |name: &str| {
        query
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.trim())
    };
    let pairs: Vec<(&str, &str)> = FIELDS
        .iter()
        .filter_map(|name| Some((*name, of(name).filter(|value| !value.is_empty())?)))
        .collect();
    // A bare id leads to the thing itself.
    if let [("q", text)] = pairs[..]
        && of("cursor").is_none()
        && let Some(place) = views::place_of(&state.app, &person.actor, text).await?
    {
        return Ok(go_to(&match place {
            Place::Case(id) => format!("/cases/{id}"),
            Place::Entry(id) => format!("/entries/{id}"),
            Place::Item(id) => format!("/item?id={}", in_query(id.as_str())),
        }));
    }
    let form = FormState::filled(Fields::of(&pairs));
    let cursor = of("cursor").filter(|cursor| !cursor.is_empty()).map(str::to_owned);
    search_page(&state, person, form, cursor, None).await
}

async fn search_page(
    state: &WebState,
    person: Person,
    form: FormState,
    cursor: Option<String>,
    resemblance: Option<Resemblance>,
) -> Answer {
    person.actor.require(Right::ReadItems)?;
    let (search, form) = read(&person.shell, form);
    let query = encoded(&form);
    let request = PageRequest { cursor, limit: ROWS };
    // A wrong name for a kept search, or a wrong file, is no wrong search.
    let is_wrong = form.errors().iter().any(|(field, _)| FIELDS.contains(&field.as_str()));
    let is_asked = !search.is_empty() && !is_wrong;
    let found = match is_asked && resemblance.is_none() {
        true => views::search_items(&state.app, &person.actor, &search, &request).await?,
        false => moderation::model::Page {
            rows: Vec::new(),
            next: None,
        },
    };
    let kept = match person.actor.user() {
        Some(_) => access::kept_searches(&state.app, &person.actor).await?,
        None => Vec::new(),
    };
    let status = match form.has_errors() {
        true => StatusCode::UNPROCESSABLE_ENTITY,
        false => StatusCode::OK,
    };
    let page = SearchPage {
        is_asked,
        is_narrow: FIELDS[1..].iter().any(|name| !form.value(name).is_empty()),
        rows: found.rows.into_iter().map(ItemLine::of).collect(),
        next: found.next,
        is_first: request.cursor.is_none(),
        base: format!("/search?{query}"),
        query,
        kept,
        kinds: ItemKind::ALL,
        outcomes: Outcome::ALL,
        resemblance,
        form,
        shell: person.shell,
    };
    show_with(status, &page)
}

/// What is searched for, and the form with what is wrong in it.
fn read(shell: &Shell, mut form: FormState) -> (ItemSearch, FormState) {
    let text = |form: &FormState, name: &str| {
        let value = form.value(name).trim().replace('\0', "");
        let value: String = value.chars().take(ItemSearch::TEXT_LENGTH_MAX).collect();
        Some(value).filter(|value| !value.is_empty())
    };
    let day = |form: &FormState, name: &str, nth: i64| shell.day_begins(form.value(name), nth);
    let mut search = ItemSearch {
        words: text(&form, "q"),
        account: text(&form, "account"),
        channel: text(&form, "channel"),
        label: text(&form, "label"),
        kind: form.value("kind").parse().ok(),
        outcome: form.value("outcome").parse().ok(),
        signal: None,
        from: day(&form, "from", 0),
        // To the end of that day.
        to: day(&form, "to", 1),
    };
    for (name, is_read) in [("from", search.from.is_some()), ("to", search.to.is_some())] {
        if !form.value(name).is_empty() && !is_read {
            form = form.wrong(name, shell.words.t("search.wrong_day"));
        }
    }
    if let Some(hash) = text(&form, "hash") {
        match parse_hashes(&hash).map(|signals| signals.into_iter().next()) {
            Ok(signal) => search.signal = signal,
            Err((_, what)) => form = form.wrong("hash", shell.with("search.wrong_hash", "what", what)),
        }
    }
    (search, form)
}

fn encoded(form: &FormState) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for name in FIELDS {
        let value = form.value(name);
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

/// `POST /search/picture`: where a picture in hand was posted.
pub async fn search_picture(State(state): State<WebState>, upload: Upload) -> Answer {
    let Upload {
        person,
        file,
        held: _held,
        ..
    } = upload;
    let form = FormState::default();
    let Some((_, content)) = file else {
        let form = form.wrong("file", person.shell.t("entries.need_file"));
        return search_page(&state, person, form, None, None).await;
    };
    let _place = state.shared.admission.enter().await.ok_or(ConsoleError::Busy)?;
    match resemble::resembling(&state.app, &person.actor, &content).await {
        Ok(found) => search_page(&state, person, form, None, Some(found)).await,
        Err(ResembleError::Unscannable { reason }) => {
            let form = form.wrong("file", person.shell.unscanned(&reason));
            search_page(&state, person, form, None, None).await
        }
        Err(ResembleError::Denied(denied)) => Err(ConsoleError::Denied(denied)),
        Err(ResembleError::Busy) => Err(ConsoleError::Busy),
        Err(ResembleError::Store(error)) => Err(error.into()),
    }
}

/// `POST /search/keep`: keeps the search of the address under a name, or forgets one.
pub async fn keep_search(State(state): State<WebState>, posted: Posted) -> Answer {
    let Posted { person, fields } = posted;
    // Only what a search can hold goes back into an address.
    let pairs: Vec<(String, String)> = form_urlencoded::parse(fields.get("query").as_bytes())
        .filter(|(name, _)| FIELDS.contains(&&**name))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
    let form = FormState::filled(Fields::of(&pairs));
    let query = encoded(&form);
    let address = format!("/search?{query}");
    let name = fields.get("name");
    let done = match fields.get("forget") {
        "yes" => access::forget_search(&state.app, &person.actor, name).await,
        _ => {
            let search = KeptSearch {
                name: name.to_owned(),
                query,
            };
            access::keep_search(&state.app, &person.actor, search).await
        }
    };
    match done {
        Ok(()) => Ok(go_to(&address)),
        Err(AccessError::Invalid { .. }) => {
            let form = form.wrong("name", person.shell.t("search.wrong_name"));
            search_page(&state, person, form, None, None).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /item/case`: somebody wants an item looked at.
pub async fn open_case(State(state): State<WebState>, posted: Posted) -> Answer {
    let Posted { person, fields } = posted;
    let item: ItemId = fields.get("id").parse().map_err(|_| ConsoleError::NotFound)?;
    let reason = match fields.get("reason").trim() {
        "" => person.shell.t("search.case_reason"),
        reason => reason,
    };
    let case = case_flow::open_case(&state.app, &person.actor, &item, reason).await?;
    let flash = Flash::new("flash.case_opened", item.to_string());
    Ok(go_saying(&state, &format!("/cases/{case}"), &flash))
}
