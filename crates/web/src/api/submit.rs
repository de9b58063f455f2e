//! Submitting an item, and checking one without remembering it.
//!
//! Both take JSON, or a multipart form with a part `item` (the same JSON) and any number of files. Files that are only
//! named by their address are fetched first; only then does the request take a place among those that are worked on.

use axum::Json;
use axum::extract::{Request, State};
use futures_util::future::join_all;
use moderation::flows::files::FileContent;
use moderation::flows::submit::{self, NewContent, NewMedia, Submission};
use moderation::model::{ItemId, Right, TranscriptLine};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::media::{
    MediaInput, MediaInputSchema, NAME_LENGTH_MAX, at_most, media_name, present, read_signals, read_transcript,
};
use super::platform_facts::{AccountInput, ChannelInput, PlatformInput, ReportInput};
use super::verdict::VerdictJson;
use super::words::{Audience, ItemKind, bounded, bounded_option};
use crate::body::{NoMemory, Share, TOO_MUCH_AT_ONCE};
use crate::extract::{
    Caller, Fingerprint, IdempotencyHeader, Object, content_type, off_thread_if_large, parse_json, whole_body,
};
use crate::problem::ApiError;
use crate::state::WebState;
use crate::upload::Form;

/// So many files of an item are read at most, before it is looked at how many the operator allows.
const MEDIA_READ_MAX: usize = 10_000;

/// An item to be judged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewItem, example = json!({
    "id": "post-123", "kind": "post", "account": "user-7", "audience": "public", "text": "hello",
    "media": [{"name": "a.jpg", "signals": [
        {"type": "pdq", "value": "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22", "quality": 100}
    ]}]
}))]
pub(crate) struct ItemInput {
    /// The platform's own name for it. The orders that come back name it so.
    #[schema(
        min_length = 1,
        max_length = 256,
        pattern = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$"
    )]
    id: String,
    /// What kind of thing it is.
    kind: ItemKind,
    /// Who posted it, by the platform's own name.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 2000, pattern = r"^[^\x00]*$")]
    account: Option<String>,
    /// Where it was posted, by the platform's own name.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 2000, pattern = r"^[^\x00]*$")]
    channel: Option<String>,
    /// Who can see it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    audience: Option<Audience>,
    /// Where it stands on the platform. Shown to moderators as text; never fetched.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 2000, pattern = r"^[^\x00]*$")]
    url: Option<String>,
    /// Its text.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 100000, pattern = r"^[^\x00]*$")]
    text: Option<String>,
    /// Why a person reported it, if one did. Never say here who it was.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_length = 2000, pattern = r"^[^\x00]*$")]
    report: Option<String>,
    /// When it was posted, if not just now.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, format = DateTime)]
    posted_at: Option<String>,
    /// The languages of its text, such as `en`.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_items = 1000)]
    languages: Option<Vec<String>>,
    /// How often it was seen.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, minimum = 0)]
    views: Option<i64>,
    /// The addresses in it; those that stand in its text if they are not said.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_items = 1000)]
    links: Option<Vec<String>>,
    /// Each report about it, for rules that count them. Never say here who it was.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, max_items = 1000)]
    reports: Option<Vec<ReportInput>>,
    /// What is known of the account that posted it, for the rules.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    account_facts: Option<AccountInput>,
    /// What is known of the channel in which it was posted, for the rules.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    channel_facts: Option<ChannelInput>,
    /// Its files. At most as many as the operator allows, 20 unless they chose otherwise.
    #[serde(default, deserialize_with = "at_most::<_, _, MEDIA_READ_MAX>")]
    #[schema(value_type = Vec<MediaInputSchema>, required = false, max_items = 20)]
    media: Vec<Object<MediaInput>>,
}

/// An item with its files as a multipart form. Any part but `item` is a file, named by its `filename` or its part's name.
#[derive(ToSchema)]
#[schema(as = NewItemForm)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct ItemForm {
    /// The item as JSON. Its own `media`, if it has any, come before the files of the form; one of a name and a transcript alone says what is said in the
    /// file of that name in the form.
    item: ItemInput,
    /// The files. Parts with other names are taken as well.
    #[schema(required = false, value_type = Vec<String>, format = Binary, max_items = 20)]
    file: Vec<String>,
}

/// What cannot be said beside the types: that a form may have files under other names.
pub(crate) fn complete_schemas(schemas: &mut Value) {
    let form = &mut schemas["NewItemForm"];
    form["additionalProperties"] = json!({ "type": "string", "format": "binary" });
    form["propertyNames"] = json!({ "pattern": "^[ !#-\\[\\]-~]{1,200}$" });
}

/// Submit an item
///
/// Judges the item and remembers it. The same item with the same content is the same submission: it returns the verdict in
/// force and changes nothing. With other content it is a new revision, which is judged anew. With an `Idempotency-Key`, a
/// late retry returns the verdict that the first request got, whatever was submitted since.
#[utoipa::path(
    post, path = "/api/v1/items", tag = "Items", operation_id = "submit_item",
    params(("Idempotency-Key" = Option<String>, Header, description = "The same for each retry of this request; see the guide.",
        min_length = 1, max_length = 255, pattern = "^[!-~]+$", nullable = false)),
    request_body(content((ItemInput = "application/json"), (ItemForm = "multipart/form-data"))),
    responses((status = 200, description = "The verdict.", body = VerdictJson)),
)]
pub(crate) async fn submit_item(
    State(state): State<WebState>,
    caller: Caller,
    key: IdempotencyHeader,
    request: Request,
) -> Result<Json<VerdictJson>, ApiError> {
    // The flow checks this again; here it keeps those who may not submit from filling the disk, and from having anything fetched.
    caller.actor.require(Right::SubmitItems)?;
    let (input, fingerprint) = read_submission(&state, request).await?;
    let key = key.key(&caller.actor, fingerprint);
    let (submission, _held) = fetch_media(&state, input).await?;
    let _place = state.shared.admission.enter().await.ok_or(BUSY)?;
    let submitted = submit::submit_item(&state.app, &caller.actor, submission, key.as_ref()).await?;
    Ok(Json(submitted.verdict.into()))
}

/// Check an item
///
/// Judges the item as `POST /api/v1/items` does, and forgets it: no decision, no case, no order.
#[utoipa::path(
    post, path = "/api/v1/check", tag = "Items", operation_id = "check_item",
    request_body(content((ItemInput = "application/json"), (ItemForm = "multipart/form-data"))),
    responses((status = 200, description = "The verdict, without `decision` and `case`.", body = VerdictJson)),
)]
pub(crate) async fn check_item(
    State(state): State<WebState>,
    caller: Caller,
    request: Request,
) -> Result<Json<VerdictJson>, ApiError> {
    // The flow checks this again; here it keeps those who may not submit from filling the disk, and from having anything fetched.
    caller.actor.require(Right::SubmitItems)?;
    let (input, _) = read_submission(&state, request).await?;
    let (submission, _held) = fetch_media(&state, input).await?;
    let _place = state.shared.admission.enter().await.ok_or(BUSY)?;
    let verdict = submit::check_item(&state.app, &caller.actor, submission).await?;
    Ok(Json(verdict.into()))
}

/// What is answered when no place became free.
pub(super) const BUSY: ApiError = ApiError::Busy {
    what: "Too many requests are worked on just now.",
};

/// A submission whose files may still have to be fetched.
struct ReadSubmission {
    submission: Submission,
    /// Place among the media, and where the file is.
    to_fetch: Vec<(usize, String)>,
    /// What is said in files of the form, by the names of the files.
    described: Vec<(String, Vec<TranscriptLine>)>,
    /// What its files take of memory and disk.
    held: Vec<Share>,
}

async fn read_submission(state: &WebState, request: Request) -> Result<(ReadSubmission, Fingerprint), ApiError> {
    let fingerprint = Fingerprint::of(&request);
    match content_type(request.headers()).as_deref() {
        Some("application/json") => {
            let bytes = whole_body(request, state).await?;
            off_thread_if_large(bytes.len(), move || {
                let read = check_input(parse_json(&bytes)?)?;
                if !read.described.is_empty() {
                    return Err(ApiError::invalid(
                        "media",
                        "has a file that is only described, which only a form can",
                    ));
                }
                Ok((read, fingerprint.with("body", &bytes)))
            })
            .await
        }
        Some("multipart/form-data") => read_form(state, request, fingerprint).await,
        Some(_) | None => Err(ApiError::UnsupportedMediaType {
            expected: "application/json or multipart/form-data",
        }),
    }
}

/// The name of the part that holds the item.
const ITEM_PART: &str = "item";

async fn read_form(
    state: &WebState,
    request: Request,
    mut fingerprint: Fingerprint,
) -> Result<(ReadSubmission, Fingerprint), ApiError> {
    let mut form = Form::of(state, request).await?;
    let (mut item, mut files, mut held) = (None, Vec::new(), Vec::new());
    while let Some(part) = form.next().await? {
        let part_name = part.name();
        let file_name = part.file_name().filter(|name| !name.is_empty());
        if !is_part_name(&part_name) {
            let what =
                "has a part whose name is not 1 to 200 printable ASCII characters without quotes and backslashes";
            return Err(ApiError::invalid("body", what));
        }
        // Over the parts, since each retry has another boundary between them.
        fingerprint = fingerprint.with(&part_name, file_name.as_deref().unwrap_or_default().as_bytes());
        if part_name == ITEM_PART {
            let (bytes, share) = part.bytes(state.settings.limits.body_bytes_max).await?;
            fingerprint = fingerprint.with("bytes", &bytes);
            held.push(share);
            if item.replace(bytes).is_some() {
                return Err(ApiError::invalid(ITEM_PART, "is there twice"));
            }
            continue;
        }
        if files.len() >= state.app.settings.media_per_item_max {
            let files_max = state.app.settings.media_per_item_max;
            return Err(ApiError::invalid("media", format!("has more than {files_max} files")));
        }
        let name = media_name(&part_name, file_name.unwrap_or(part_name.clone()))?;
        let (content, share) = part.file().await?;
        fingerprint = fingerprint.with("sha256", &content.digests().1.to_bytes());
        held.push(share);
        let content = match content {
            FileContent::Bytes(bytes) => NewContent::Bytes(bytes),
            FileContent::Spooled(file) => NewContent::File(file),
        };
        files.push(NewMedia {
            name,
            content,
            transcript: Vec::new(),
        });
    }
    let item = item.ok_or(ApiError::invalid(ITEM_PART, "is missing: the form has no such part"))?;
    let read = off_thread_if_large(item.len(), move || check_input(parse_json(&item)?)).await;
    // The fields of the form are those of its part `item`.
    let mut read = read.map_err(|error| match error {
        ApiError::Invalid { field, what } if field != "body" => ApiError::Invalid {
            field: format!("{ITEM_PART}.{field}"),
            what,
        },
        other => other,
    })?;
    for (name, transcript) in read.described.drain(..) {
        let file = files
            .iter_mut()
            .find(|file| file.name == name && file.transcript.is_empty());
        let file = file.ok_or(ApiError::invalid(
            "item.media",
            "describes a file that is not in the form",
        ))?;
        file.transcript = transcript;
    }
    read.submission.media.extend(files);
    read.held = held;
    Ok((read, fingerprint))
}

/// Names that every client and server encodes the same way. Files' own names may have any characters.
fn is_part_name(name: &str) -> bool {
    (1..=200).contains(&name.len())
        && name
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~') && !b"\"\\".contains(&byte))
}

fn check_input(mut input: ItemInput) -> Result<ReadSubmission, ApiError> {
    let platform = PlatformInput {
        posted_at: input.posted_at.take(),
        languages: input.languages.take(),
        views: input.views,
        links: input.links.take(),
        reports: input.reports.take(),
        account: input.account_facts.take(),
        channel: input.channel_facts.take(),
    };
    let id: ItemId = input
        .id
        .parse()
        .map_err(|error| ApiError::invalid("id", format!("cannot be taken: {error}")))?;
    let field_max = Submission::FIELD_LENGTH_MAX;
    let (mut to_fetch, mut described) = (Vec::new(), Vec::new());
    let mut media = Vec::with_capacity(input.media.len());
    for (idx, Object(file)) in input.media.into_iter().enumerate() {
        let place = format!("media[{idx}]");
        let name = media_name(&format!("{place}.name"), file.name)?;
        let content = match (file.data_base64, file.signals, file.url) {
            (Some(data), None, None) => NewContent::Bytes(data.0),
            (None, Some(signals), None) => {
                let field = format!("{place}.signals");
                if signals.is_empty() || signals.len() > Submission::SIGNALS_MAX {
                    return Err(ApiError::invalid(
                        field,
                        format!("has 1 to {} signals", Submission::SIGNALS_MAX),
                    ));
                }
                NewContent::Signals(read_signals(&field, signals)?)
            }
            (None, None, Some(url)) => {
                let url = bounded(&format!("{place}.url"), url, 1, NAME_LENGTH_MAX)?;
                to_fetch.push((media.len(), url.clone()));
                NewContent::Unfetched {
                    url,
                    reason: "fetch_not_tried",
                    detail: "the file was not fetched".to_owned(),
                }
            }
            (None, None, None) if !file.transcript.is_empty() => {
                described.push((name, read_transcript(file.transcript)));
                continue;
            }
            _ => {
                return Err(ApiError::invalid(
                    place,
                    "has exactly one of `data_base64`, `signals` and `url`",
                ));
            }
        };
        let transcript = read_transcript(file.transcript);
        media.push(NewMedia {
            name,
            content,
            transcript,
        });
    }
    let submission = Submission {
        id,
        kind: input.kind.into(),
        account: bounded_option("account", input.account, field_max)?,
        channel: bounded_option("channel", input.channel, field_max)?,
        audience: input.audience.map(Into::into),
        url: bounded_option("url", input.url, field_max)?,
        text: bounded_option("text", input.text, Submission::TEXT_LENGTH_MAX)?,
        report: bounded_option("report", input.report, field_max)?,
        platform: platform.read()?,
        media,
    };
    Ok(ReadSubmission {
        submission,
        to_fetch,
        described,
        held: Vec::new(),
    })
}

/// Fetches what is only named by its address. What cannot be had is unscanned, which is for the rules to judge.
async fn fetch_media(state: &WebState, read: ReadSubmission) -> Result<(Submission, Vec<Share>), ApiError> {
    let ReadSubmission {
        mut submission,
        to_fetch,
        described: _,
        held: mut shares,
    } = read;
    let files_max = state.app.settings.media_per_item_max;
    if submission.media.len() > files_max {
        return Err(ApiError::invalid("media", format!("has more than {files_max} files")));
    }
    let memory = &state.shared.memory;
    let fetched = join_all(to_fetch.iter().map(|(_, url)| state.shared.fetcher.fetch(url, memory))).await;
    for ((idx, _), fetched) in to_fetch.iter().zip(fetched) {
        let (content, share) = fetched.map_err(|NoMemory| TOO_MUCH_AT_ONCE)?;
        submission.media[*idx].content = content;
        shares.push(share);
    }
    Ok((submission, shares))
}
