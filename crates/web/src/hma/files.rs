//! Files that are to be hashed, by upload or by address, and the types of signals that a client wants of them.

use axum::extract::Request;
use axum::http::StatusCode;
use bytes::Bytes;
use moderation::flows::hma::{self as flow, ContentKind, Hashed};
use moderation::matching::MatchSettings;
use moderation::model::Right;
use moderation::signal::{Signal, SignalType, vpdq};

use super::HmaSettings;
use super::answers::{Refusal, too_large};
use super::body::Form;
use super::query::Query;
use super::types::{HmaSignalType, find_content, write};
use crate::body::Share;
use crate::extract::Caller;
use crate::fetch::FetchError;
use crate::problem::ApiError;
use crate::state::WebState;

/// A file, and what it is.
pub(super) struct File {
    pub kind: ContentKind,
    pub bytes: Bytes,
    /// What a fetched file takes of the memory for bodies; an uploaded one is held by its request.
    _share: Share,
}

/// The signals of a file, of the types that the client wants.
pub(super) struct Selected {
    pub hashed: Hashed,
    pub signals: Vec<(HmaSignalType, Signal)>,
}

pub(super) const BUSY: ApiError = ApiError::Busy {
    what: "Too many requests are worked on just now.",
};

/// The settings, which are there where these paths are served.
pub(super) fn settings(state: &WebState) -> Result<&HmaSettings, Refusal> {
    state.settings.hma.as_ref().ok_or(Refusal::UnknownPath)
}

/// The file of a request whose body is a form with one file.
pub(super) async fn upload(state: &WebState, request: Request) -> Result<File, Refusal> {
    let form = Form::read(state, request).await?;
    if form.files.is_empty() {
        return Err(Refusal::bad("Missing multipart/form-data file upload"));
    }
    uploaded(form)
}

/// The one file of a form. Its part's name says what it is.
pub(super) fn uploaded(form: Form) -> Result<File, Refusal> {
    let mut files = form.files.into_iter();
    let (Some((name, bytes)), None) = (files.next(), files.next()) else {
        return Err(Refusal::bad("Only one file allowed per request"));
    };
    Ok(File {
        kind: named_content(&name)?,
        bytes,
        _share: Share::default(),
    })
}

/// The file at the address in the query's `url`.
pub(super) async fn fetched(state: &WebState, caller: &Caller, url: &str, query: &Query) -> Result<File, Refusal> {
    // The flow checks this again; here it keeps those who may not from having anything fetched.
    caller.actor.require(Right::SubmitItems).map_err(ApiError::from)?;
    let declared = query.filled("content_type").map(named_content).transpose()?;
    let fetched = state.shared.fetcher.fetch_file(url, &state.shared.memory).await;
    let (file, share) = fetched.map_err(refuse_fetch)?;
    let kind = match (declared, &file.content_type) {
        (Some(kind), _) => kind,
        (None, Some(found)) if found.starts_with("image/") => ContentKind::Photo,
        (None, Some(found)) if found.starts_with("video/") => ContentKind::Video,
        (None, found) => {
            let found: String = found.as_deref().unwrap_or("None").chars().take(100).collect();
            return Err(Refusal::bad(format!(
                "unsupported url ContentType: '{found}', if you know the expected type, provide it with the \
                 content_type query param"
            )));
        }
    };
    Ok(File {
        kind,
        bytes: file.bytes,
        _share: share,
    })
}

/// Hashes a file, in a place among the requests that are worked on, and picks the types that the query's `types` names.
pub(super) async fn hash(state: &WebState, caller: &Caller, file: File, query: &Query) -> Result<Selected, Refusal> {
    let wanted = wanted_types(settings(state)?, file.kind, query.get("types"))?;
    let _place = state.shared.admission.enter().await.ok_or(BUSY)?;
    let types: Vec<SignalType> = wanted.iter().map(|kind| kind.signal_type()).collect();
    let hashed = flow::hash_file(&state.app, &caller.actor, file.kind, file.bytes, &types).await?;
    Ok(select(wanted, hashed))
}

/// The same for a file that is to be content of a bank.
pub(super) async fn hash_content(
    state: &WebState,
    caller: &Caller,
    file: File,
    query: &Query,
) -> Result<Selected, Refusal> {
    let wanted = wanted_types(settings(state)?, file.kind, query.get("types"))?;
    let _place = state.shared.admission.enter().await.ok_or(BUSY)?;
    let types: Vec<SignalType> = wanted.iter().map(|kind| kind.signal_type()).collect();
    let hashed = flow::hash_content(&state.app, &caller.actor, file.kind, file.bytes, &types).await?;
    Ok(select(wanted, hashed))
}

fn select(wanted: Vec<HmaSignalType>, hashed: Hashed) -> Selected {
    let signals = wanted
        .into_iter()
        .filter_map(|kind| {
            let signal = hashed.signals.iter().find(|s| s.signal_type() == kind.signal_type())?;
            Some((kind, signal.clone()))
        })
        .collect();
    Selected { hashed, signals }
}

/// Whether a file's signal is one that can be compared: HMA has its own least quality of hashes, and the operator has one.
pub(super) fn check_comparable(matching: &MatchSettings, kind: HmaSignalType, signal: &Signal) -> Result<(), String> {
    let is_compared = match signal {
        Signal::Pdq { .. } => matching.comparable(signal).is_some(),
        Signal::Md5(_) | Signal::Sha256(_) | Signal::Chromaprint(_) => true,
        // A dark clip is banked by HMA and then breaks its index.
        Signal::Vpdq(features) => features.iter().any(|feature| feature.pdq.quality >= vpdq::QUALITY_MIN),
    };
    let written = match signal {
        _ if !is_compared => String::new(),
        // Written and read again it would be the same.
        Signal::Vpdq(_) => return Ok(()),
        Signal::Pdq { .. } | Signal::Md5(_) | Signal::Sha256(_) | Signal::Chromaprint(_) => write(signal),
    };
    kind.read(&written).map(drop)
}

/// The types of signals that are wanted of content of a kind: all, or those that the text names.
fn wanted_types(settings: &HmaSettings, kind: ContentKind, named: Option<&str>) -> Result<Vec<HmaSignalType>, Refusal> {
    let of_kind = settings
        .signal_types
        .iter()
        .copied()
        .filter(|found| found.content() == kind);
    let of_kind: Vec<HmaSignalType> = of_kind.collect();
    let Some(named) = named else { return Ok(of_kind) };
    let names: Vec<&str> = named
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .collect();
    if names.is_empty() {
        return Err(Refusal::bad("empty signal type selection"));
    }
    names
        .into_iter()
        .map(|name| {
            let found = of_kind.iter().copied().find(|known| known.name() == name);
            let shown: String = name.chars().take(100).collect();
            found.ok_or_else(|| Refusal::bad(format!("signal type '{shown}' doesn't exist or is disabled")))
        })
        .collect()
}

fn named_content(name: &str) -> Result<ContentKind, Refusal> {
    find_content(name).ok_or_else(|| {
        let shown: String = name.chars().take(100).collect();
        Refusal::bad(format!("no such content_type: '{shown}'"))
    })
}

/// A file that cannot be had. What is not allowed is told from what failed, and nothing else is told of the inside of the
/// network.
fn refuse_fetch(error: FetchError) -> Refusal {
    match error {
        FetchError::BadUrl
        | FetchError::Credentials
        | FetchError::HostNotAllowed { .. }
        | FetchError::AddressRefused { .. } => Refusal::bad("Invalid or unsafe URL provided"),
        FetchError::TooLarge { .. } => too_large(),
        FetchError::NoMemory => Refusal::Message(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many large requests at once.".to_owned(),
        ),
        FetchError::Unresolved { .. }
        | FetchError::Downgrade
        | FetchError::TooManyRedirects { .. }
        | FetchError::Status { .. }
        | FetchError::TimeLimit { .. }
        | FetchError::Connection { .. } => Refusal::bad(format!("Failed to fetch URL: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use moderation::signal::Pdq;

    use super::*;

    #[test]
    fn what_the_operator_does_not_compare_is_refused() {
        let check = |quality_min, quality| {
            let matching = MatchSettings {
                quality_min,
                ..MatchSettings::default()
            };
            let signal = Signal::Pdq {
                hash: Pdq::from_words([1, 2, 3, 4]),
                quality: Some(quality),
            };
            check_comparable(&matching, HmaSignalType::Pdq, &signal)
        };
        assert_eq!((check(50, 50), check(70, 70)), (Ok(()), Ok(())));
        for (quality_min, quality) in [(50, 49), (70, 69), (0, 49)] {
            assert_eq!(check(quality_min, quality), Err("invalid PDQ hash".to_owned()));
        }
    }
}
