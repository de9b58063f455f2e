//! Entries: one piece of known content each.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use bytes::Bytes;
use moderation::flows::banks::{self as flow, BankError};
use moderation::flows::files::FileContent;
use moderation::model::{BankId, Entry, EntryId, NewEntry, Right, Timestamp};
use moderation::signal::Signal;
use moderation::views;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::banks::{CreatedJson, CreatedResponse, created_response};
use super::media::{Base64Bytes, SignalInput, at_most, at_most_if_present, present, read_signals};
use super::pages::Rows;
use super::reach::ReachJson;
use super::recordings::{KeptSoundJson, KeptVideoJson};
use super::submit::BUSY;
use super::words::{EntryState, SignalType, bounded};
use crate::body::Share;
use crate::extract::{
    Caller, Fingerprint, IdempotencyHeader, JsonBody, Object, PathId, QueryParams, content_type, off_thread_if_large,
    parse_json, whole_body,
};
use crate::problem::ApiError;
use crate::state::WebState;
use crate::upload::Form;

/// One piece of known content.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Entry)]
pub(crate) struct EntryJson {
    /// Its id.
    #[schema(example = "ent_01kagy2s3q4v5w6x7y8z9a0b1c")]
    pub id: String,
    /// The bank it is in.
    pub bank: String,
    /// What people call it.
    pub name: String,
    /// Labels, such as the kind of content.
    pub labels: Vec<String>,
    /// Where it came from, for people.
    pub source: String,
    /// Whether it is matched against.
    pub state: EntryState,
    /// When it stops being matched against by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub expires_at: Option<String>,
    /// When it was added.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Its signals.
    pub signals: Vec<EntrySignal>,
    /// Whether there are previews of it in the console.
    pub has_previews: bool,
    /// Whether it came with its picture and how that looks is kept: it is then found by crops and keypoints too.
    pub has_look: bool,
    /// What is kept of it as a video. Absent when it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub video: Option<KeptVideoJson>,
    /// What is kept of its sound. Absent when it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sound: Option<KeptSoundJson>,
    /// Until when it is part of an active incident, and found by every crop of it. Absent when it is part of none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub incident_until: Option<String>,
    /// How near counts for this entry. Absent as long as it was held against no harmless pictures; then the settings hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reach: Option<ReachJson>,
}

/// A signal of an entry.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntrySignal {
    /// Its kind.
    #[serde(rename = "type")]
    pub signal_type: SignalType,
    /// Its value: in lower-case hexadecimal; of `vpdq` the list as a text of JSON, of `chromaprint` AcoustID's compressed form in base 64.
    pub value: String,
    /// Of a PDQ hash: 0 to 100, how much structure the picture had, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0, maximum = 100)]
    pub quality: Option<u8>,
}

/// An entry to be added, by its signals, by a file, or by both. A file is hashed and not kept; small previews of it are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewEntry, example = json!({
    "name": "known picture 1", "labels": ["propaganda"], "source": "our own review",
    "signals": [{"type": "pdq", "value": "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22", "quality": 100}]
}))]
pub(crate) struct NewEntryJson {
    /// What people call it.
    #[serde(default)]
    #[schema(required = false, max_length = 500, pattern = r"^[^\x00]*$")]
    name: String,
    /// Labels, such as the kind of content.
    #[serde(default, deserialize_with = "at_most::<_, _, { Entry::LABELS_MAX }>")]
    #[schema(required = false, max_items = 32, value_type = Vec<Label>)]
    labels: Vec<String>,
    /// Where it came from, for people.
    #[serde(default)]
    #[schema(required = false, max_length = 500, pattern = r"^[^\x00]*$")]
    source: String,
    /// When it stops being matched against by itself.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, format = DateTime)]
    expires_at: Option<String>,
    /// Its signals. They may be absent where there is a file.
    #[serde(default, deserialize_with = "at_most_if_present::<_, _, { Entry::SIGNALS_MAX }>")]
    #[schema(value_type = Vec<SignalInput>, required = false, min_items = 1, max_items = 1000)]
    signals: Option<Vec<Object<SignalInput>>>,
    /// The file in base 64 (RFC 4648 §4, with padding).
    #[serde(default, deserialize_with = "present")]
    #[schema(
        nullable = false,
        value_type = String,
        content_encoding = "base64",
        pattern = "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$"
    )]
    data_base64: Option<Base64Bytes>,
}

/// A label.
#[derive(ToSchema)]
#[schema(max_length = 500, pattern = r"^[^\x00]*$")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct Label(String);

/// An entry as a multipart form: its file, its signals, or both.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewEntryForm)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct NewEntryForm {
    /// The entry as JSON, without `data_base64`.
    #[schema(required = false)]
    entry: NewEntryPart,
    /// The file.
    #[schema(required = false, value_type = String, format = Binary)]
    file: String,
}

/// The part `entry` of a form. Its schema is that of [`NewEntryJson`] without the file: see [`complete_schemas`].
#[derive(ToSchema)]
pub(crate) struct NewEntryPart {}

/// What cannot be said beside the types: that an entry has signals or a file.
pub(crate) fn complete_schemas(schemas: &mut Value) {
    let mut part = schemas["NewEntry"].clone();
    if let Some(properties) = part["properties"].as_object_mut() {
        properties.remove("data_base64");
    }
    part["description"] = json!("An entry whose file, if it has one, is a part of the same form.");
    schemas["NewEntryPart"] = part;
    schemas["NewEntry"]["anyOf"] = json!([{ "required": ["signals"] }, { "required": ["data_base64"] }]);
    let has_signals = json!({ "required": ["entry"], "properties": { "entry": { "required": ["signals"] } } });
    schemas["NewEntryForm"]["anyOf"] = json!([{ "required": ["file"] }, has_signals]);
}

/// What is to change in an entry.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EntryChange, example = json!({"state": "disabled"}))]
pub(crate) struct EntryChangeJson {
    /// Whether it is matched against. What was removed stays removed.
    state: EntryState,
}

impl From<Entry> for EntryJson {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id.to_string(),
            bank: entry.bank.to_string(),
            name: entry.name,
            labels: entry.labels,
            source: entry.source,
            state: entry.state.into(),
            expires_at: entry.expires_at.map(|at| at.to_string()),
            created_at: entry.created_at.to_string(),
            signals: entry.signals.into_iter().map(EntrySignal::from).collect(),
            has_previews: entry.has_previews,
            has_look: entry.has_look,
            video: entry.video.map(KeptVideoJson::from),
            sound: entry.sound.map(KeptSoundJson::from),
            incident_until: entry.incident_until.map(|at| at.to_string()),
            reach: entry.judged.map(ReachJson::from),
        }
    }
}

impl From<Signal> for EntrySignal {
    fn from(signal: Signal) -> Self {
        Self {
            signal_type: signal.signal_type().into(),
            value: signal.value(),
            quality: signal.quality(),
        }
    }
}

/// List the entries of a bank
///
/// Those that are not removed, the oldest first.
#[utoipa::path(
    get, path = "/api/v1/banks/{bank}/entries", tag = "Entries", operation_id = "list_entries",
    params(
        ("bank" = String, Path, description = "The bank's id.", pattern = "^bank_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
        ("limit" = Option<u32>, Query, description = "Most rows of the page.", minimum = 1, maximum = 200, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.", nullable = false,
            pattern = "^ent_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
    ),
    responses((status = 200, description = "A page of entries.", body = Rows<EntryJson>)),
)]
pub(crate) async fn list_entries(
    State(state): State<WebState>,
    caller: Caller,
    PathId(bank): PathId<BankId>,
    mut query: QueryParams,
) -> Result<Json<Rows<EntryJson>>, ApiError> {
    let page = query.take_page()?;
    query.finish()?;
    views::bank(&state.app, &caller.actor, bank)
        .await?
        .ok_or(ApiError::NotFound { thing: "bank" })?;
    let rows = views::list_entries(&state.app, &caller.actor, bank, &page).await?;
    Ok(Json(Rows::of(rows, EntryJson::from)))
}

/// Get an entry
///
/// Also one that was removed. Of a video and a sound with their vPDQ hash and fingerprint, which lists leave out.
#[utoipa::path(
    get, path = "/api/v1/entries/{entry}", tag = "Entries", operation_id = "get_entry",
    params(("entry" = String, Path, description = "The entry's id.", pattern = "^ent_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    responses((status = 200, description = "The entry.", body = EntryJson)),
)]
pub(crate) async fn get_entry(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<EntryId>,
) -> Result<Json<EntryJson>, ApiError> {
    let entry = views::entry(&state.app, &caller.actor, id).await?;
    let mut entry = entry.ok_or(ApiError::NotFound { thing: "entry" })?;
    if entry.video.is_some() || entry.sound.is_some() {
        let long = views::long_signals(&state.app, &caller.actor, id).await?;
        entry.signals.extend(long);
    }
    Ok(Json(entry.into()))
}

/// Add an entry to a bank
///
/// The next submission finds it.
#[utoipa::path(
    post, path = "/api/v1/banks/{bank}/entries", tag = "Entries", operation_id = "create_entry",
    params(
        ("bank" = String, Path, description = "The bank's id.", pattern = "^bank_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same for each retry of this request; see the guide.",
            min_length = 1, max_length = 255, pattern = "^[!-~]+$", nullable = false),
    ),
    request_body(content((NewEntryJson = "application/json"), (NewEntryForm = "multipart/form-data"))),
    responses(
        (status = 201, description = "The entry was added.", body = CreatedJson, headers(("Location" = String, description = "Where it is."))),
        (status = 200, description = "An earlier request with the same key added it.", body = CreatedJson,
            headers(("Location" = String, description = "Where it is."))),
    ),
)]
pub(crate) async fn create_entry(
    State(state): State<WebState>,
    caller: Caller,
    PathId(bank): PathId<BankId>,
    key: IdempotencyHeader,
    request: Request,
) -> Result<CreatedResponse, ApiError> {
    // The flow checks this again; here it keeps those who may not add entries from filling the disk.
    caller.actor.require(Right::WriteBanks)?;
    let read = read_new_entry(&state, request).await?;
    let key = key.key(&caller.actor, read.fingerprint);
    let _place = state.shared.admission.enter().await.ok_or(BUSY)?;
    let created = flow::add_entry(&state.app, &caller.actor, bank, read.new, read.content, key.as_ref()).await;
    let created = created.map_err(|error| ApiError::of_bank(error, "bank"))?;
    Ok(created_response(created, "entries"))
}

/// Enable, disable or remove an entry
#[utoipa::path(
    patch, path = "/api/v1/entries/{entry}", tag = "Entries", operation_id = "change_entry",
    params(("entry" = String, Path, description = "The entry's id.", pattern = "^ent_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = EntryChangeJson,
    responses((status = 204, description = "It is as you said."), (status = 409, description = "It was removed and stays so.")),
)]
pub(crate) async fn change_entry(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<EntryId>,
    JsonBody { value, .. }: JsonBody<EntryChangeJson>,
) -> Result<StatusCode, ApiError> {
    let changed = flow::set_entry_state(&state.app, &caller.actor, id, value.state.into()).await;
    changed.map_err(|error| match error {
        BankError::Invalid { field: "state", .. } => ApiError::Conflict {
            what: "The entry was removed, and what was removed stays removed.",
            remedy: "Add it anew if it is to be matched against again.",
        },
        other => ApiError::of_bank(other, "entry"),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// An entry as it was read.
struct ReadEntry {
    new: NewEntry,
    content: Option<FileContent>,
    fingerprint: Fingerprint,
    /// What its file takes of memory or disk.
    _held: Share,
}

async fn read_new_entry(state: &WebState, request: Request) -> Result<ReadEntry, ApiError> {
    let fingerprint = Fingerprint::of(&request);
    match content_type(request.headers()).as_deref() {
        Some("application/json") => {
            let body = whole_body(request, state).await?;
            off_thread_if_large(body.len(), move || {
                let (new, bytes) = check_new_entry(parse_json(&body)?)?;
                Ok(ReadEntry {
                    new,
                    content: bytes.map(FileContent::from),
                    fingerprint: fingerprint.with("body", &body),
                    _held: Share::default(),
                })
            })
            .await
        }
        Some("multipart/form-data") => read_form(state, request, fingerprint).await,
        Some(_) | None => Err(ApiError::UnsupportedMediaType {
            expected: "application/json or multipart/form-data",
        }),
    }
}

async fn read_form(state: &WebState, request: Request, mut fingerprint: Fingerprint) -> Result<ReadEntry, ApiError> {
    let mut form = Form::of(state, request).await?;
    let (mut entry, mut file) = (None, None);
    while let Some(part) = form.next().await? {
        let part_name = part.name();
        let is_twice = match part_name.as_str() {
            "entry" => {
                let (bytes, _) = part.bytes(state.settings.limits.small_body_bytes_max).await?;
                fingerprint = fingerprint.with(&part_name, &bytes);
                entry.replace(bytes).is_some()
            }
            "file" => {
                let (content, share) = part.file().await?;
                fingerprint = fingerprint.with(&part_name, &content.digests().1.to_bytes());
                file.replace((content, share)).is_some()
            }
            _ => {
                return Err(ApiError::invalid(
                    "body",
                    "has a part that is neither `entry` nor `file`",
                ));
            }
        };
        if is_twice {
            return Err(ApiError::invalid(part_name, "is there twice"));
        }
    }
    let json = entry.unwrap_or(Bytes::from_static(b"{}"));
    let (new, bytes) = check_new_entry(parse_json(&json)?)?;
    if bytes.is_some() {
        return Err(ApiError::invalid(
            "entry.data_base64",
            "is not taken in a form: send the part `file`",
        ));
    }
    let (content, share) = file.unzip();
    Ok(ReadEntry {
        new,
        content,
        fingerprint,
        _held: share.unwrap_or_default(),
    })
}

fn check_new_entry(input: NewEntryJson) -> Result<(NewEntry, Option<Bytes>), ApiError> {
    if input.labels.len() > Entry::LABELS_MAX {
        return Err(ApiError::invalid(
            "labels",
            format!("has more than {} labels", Entry::LABELS_MAX),
        ));
    }
    let signals = input.signals.map(|signals| match signals.len() {
        1..=Entry::SIGNALS_MAX => read_signals("signals", signals),
        _ => Err(ApiError::invalid(
            "signals",
            format!("has 1 to {} signals", Entry::SIGNALS_MAX),
        )),
    });
    let text_max = Entry::TEXT_LENGTH_MAX;
    let labels = input.labels.into_iter().enumerate();
    let labels = labels
        .map(|(idx, label)| bounded(&format!("labels[{idx}]"), label, 0, text_max))
        .collect::<Result<_, _>>()?;
    let new = NewEntry {
        name: bounded("name", input.name, 0, text_max)?,
        labels,
        source: bounded("source", input.source, 0, text_max)?,
        expires_at: input
            .expires_at
            .map(|text| read_instant("expires_at", &text))
            .transpose()?,
        signals: signals.transpose()?.unwrap_or_default(),
    };
    Ok((new, input.data_base64.map(|data| data.0)))
}

/// An instant as RFC 3339 writes it.
pub(super) fn read_instant(field: &str, text: &str) -> Result<Timestamp, ApiError> {
    let instant: Result<jiff::Timestamp, _> = text.parse();
    let instant = instant.map_err(|_| ApiError::invalid(field, "is not an instant such as `2027-01-31T12:00:00Z`"))?;
    Ok(Timestamp::from_unix_ms(instant.as_millisecond()))
}
