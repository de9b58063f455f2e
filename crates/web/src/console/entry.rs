//! The page of one entry: what it is, how near counts for it, and whether it is part of an active incident. Start with [`show_entry`].

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use moderation::flows::banks::BankError;
use moderation::flows::incidents;
use moderation::model::{Bank, Entry, EntryState, Right};
use moderation::signal::SignalType;
use moderation::views;

use super::entries::{find_entry, name_of};
use super::evidence::{Pictures, SignalLine};
use super::flash::Flash;
use super::form::{FormState, Posted};
use super::page::{Answer, go_saying, show_with};
use super::problem::ConsoleError;
use super::runs::time_words;
use super::shell::Shell;
use super::strip::Strip;
use super::visit::Person;
use crate::WebState;

/// Signals of an entry that are listed.
const SIGNALS_SHOWN_MAX: usize = 50;

#[derive(Template)]
#[template(path = "entry.html")]
struct EntryPage {
    shell: Shell,
    form: FormState,
    bank: Bank,
    entry: Entry,
    name: String,
    pictures: Option<Pictures>,
    strip: Option<Strip>,
    signals: Vec<SignalLine>,
    n_more_signals: usize,
    is_enabled: bool,
    is_removed: bool,
    is_hunted: bool,
    has_pdq: bool,
    video: Option<Kept>,
    sound: Option<Kept>,
}

/// What is kept of a video or a sound, in words.
struct Kept {
    duration: String,
    n_frames: u32,
}

/// `GET /entries/{id}`
pub async fn show_entry(State(state): State<WebState>, person: Person, Path(id): Path<String>) -> Answer {
    let entry = find_entry(&state, &person, &id).await?;
    entry_page(&state, person, entry, FormState::default(), StatusCode::OK).await
}

/// `POST /entries/{id}/incident`: until the end of a day, or until none.
pub async fn set_incident(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let Posted { person, fields } = posted;
    let entry = find_entry(&state, &person, &id).await?;
    let until = match fields.get("do") {
        "end" => Ok(None),
        _ => person
            .shell
            .day_begins(fields.get("until"), 1)
            .map(|next| next.before(Duration::from_secs(1)))
            .map(Some)
            .ok_or("entries.incident_no_date"),
    };
    let set = match until {
        Ok(until) => incidents::set_incident(&state.app, &person.actor, entry.id, until).await,
        Err(wrong) => {
            let form = FormState::filled(fields).wrong("until", person.shell.t(wrong));
            return entry_page(&state, person, entry, form, StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    match set {
        Ok(()) => {
            let flash = Flash::new("flash.entry_state", name_of(&entry, &person.shell));
            Ok(go_saying(&state, &format!("/entries/{id}"), &flash))
        }
        Err(BankError::Invalid { .. }) => {
            let wrong = person.shell.t("entries.incident_out_of_range");
            let form = FormState::filled(fields).wrong("until", wrong);
            entry_page(&state, person, entry, form, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(error) => Err(error.into()),
    }
}

async fn entry_page(state: &WebState, person: Person, entry: Entry, form: FormState, status: StatusCode) -> Answer {
    let bank = views::bank(&state.app, &person.actor, entry.bank)
        .await?
        .ok_or(ConsoleError::NotFound)?
        .bank;
    let is_hunted = views::is_hunted(&state.app, &person.actor, entry.id).await?;
    // Who keeps banks need not see cases: then the page is there without the frames.
    let strip = match entry.video {
        Some(_) if person.actor.may(Right::ReadCases) => {
            views::entry_strip(&state.app, &person.actor, entry.id).await?
        }
        Some(_) | None => Vec::new(),
    };
    let mut shell = person.shell;
    shell.rests_until = views::exposure(&state.app, &person.actor).await?.rests_until;
    let page = EntryPage {
        is_hunted,
        name: name_of(&entry, &shell),
        pictures: entry.has_previews.then(|| Pictures::of_entry(entry.id)),
        strip: Strip::of(&format!("/entries/{}", entry.id), &strip, &[]),
        signals: entry
            .signals
            .iter()
            .take(SIGNALS_SHOWN_MAX)
            .map(SignalLine::of)
            .collect(),
        n_more_signals: entry.signals.len().saturating_sub(SIGNALS_SHOWN_MAX),
        is_enabled: entry.state == EntryState::Enabled,
        is_removed: entry.state == EntryState::Removed,
        has_pdq: entry
            .signals
            .iter()
            .any(|signal| signal.signal_type() == SignalType::Pdq),
        video: entry.video.map(|kept| Kept {
            duration: time_words(kept.duration_ms),
            n_frames: kept.n_frames,
        }),
        sound: entry.sound.map(|kept| Kept {
            duration: time_words(kept.duration_ms),
            n_frames: 0,
        }),
        form,
        bank,
        entry,
        shell,
    };
    show_with(status, &page)
}

/// `GET /entries/{id}/signals/{kind}`: the hash of a video or the fingerprint of a sound, in the form in which partners exchange it.
pub async fn download_signal(
    State(state): State<WebState>,
    person: Person,
    Path((id, kind)): Path<(String, String)>,
) -> Answer {
    let entry = find_entry(&state, &person, &id).await?;
    let kind: SignalType = kind.parse().map_err(|_| ConsoleError::NotFound)?;
    let long = views::long_signals(&state.app, &person.actor, entry.id).await?;
    let signal = long.into_iter().find(|signal| signal.signal_type() == kind);
    let signal = signal.ok_or(ConsoleError::NotFound)?;
    let (media_type, ending) = match kind {
        SignalType::Vpdq => ("application/json", "vpdq.json"),
        _ => ("text/plain; charset=utf-8", "chromaprint.txt"),
    };
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{}.{ending}\"", entry.id));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (
            header::CONTENT_DISPOSITION,
            disposition.unwrap_or(HeaderValue::from_static("attachment")),
        ),
    ];
    Ok((headers, signal.value()).into_response())
}
