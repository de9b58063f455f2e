//! Lists that rules name, and labels on accounts and channels.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use moderation::flows::rules::{self as flow, NewLabel};
use moderation::model::{self, Label, ListEntry, Timestamp};
use moderation::views;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::entries::read_instant;
use super::media::present;
use super::pages::Rows;
use super::words::LabelOn;
use crate::extract::{Caller, JsonBody, Named, PathId, QueryParams, content_type, whole_body};
use crate::problem::ApiError;
use crate::state::WebState;

/// A list's name in a path.
#[derive(Debug)]
pub(crate) struct ListName(String);

impl std::str::FromStr for ListName {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(ListName(text.to_owned()))
    }
}

impl Named for ListName {
    const THING: &'static str = "list";
}

/// A list that rules name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuleList)]
pub(crate) struct ListJson {
    /// Its name, as rules write it.
    pub name: String,
    /// What it is.
    pub note: String,
    /// Who answers for it.
    pub owner: String,
    /// How many entries are in force.
    pub n_entries: i64,
    /// Whether the live rules name it.
    pub used: bool,
    /// When it last changed.
    #[schema(format = DateTime)]
    pub changed_at: String,
}

impl From<views::RuleListRow> for ListJson {
    fn from(row: views::RuleListRow) -> Self {
        Self {
            name: row.list.name,
            note: row.list.note,
            owner: row.list.owner,
            n_entries: row.n_entries,
            used: row.is_used,
            changed_at: row.list.changed_at.to_string(),
        }
    }
}

/// All lists.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuleLists)]
pub(crate) struct ListsJson {
    /// By their names.
    pub rows: Vec<ListJson>,
}

/// List the lists of rules
#[utoipa::path(
    get, path = "/api/v1/rules/lists", tag = "Rules", operation_id = "list_rule_lists",
    responses((status = 200, description = "All lists.", body = ListsJson)),
)]
pub(crate) async fn list_lists(State(state): State<WebState>, caller: Caller) -> Result<Json<ListsJson>, ApiError> {
    let rows = views::list_rule_lists(&state.app, &caller.actor).await?;
    Ok(Json(ListsJson {
        rows: rows.into_iter().map(ListJson::from).collect(),
    }))
}

/// What is said about a list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRuleList)]
pub(crate) struct ListInput {
    /// What it is.
    #[serde(default)]
    #[schema(max_length = 500)]
    note: String,
    /// Who answers for it.
    #[schema(min_length = 1, max_length = 500)]
    owner: String,
}

/// Make a list, or change what is said about it
#[utoipa::path(
    put, path = "/api/v1/rules/lists/{list}", tag = "Rules", operation_id = "put_rule_list",
    params(("list" = String, Path, description = "The list's name.", pattern = "^[a-z][a-z0-9_]{0,63}$")),
    request_body = ListInput,
    responses((status = 204, description = "It is as you said.")),
)]
pub(crate) async fn put_list(
    State(state): State<WebState>,
    caller: Caller,
    PathId(ListName(name)): PathId<ListName>,
    JsonBody { value, .. }: JsonBody<ListInput>,
) -> Result<StatusCode, ApiError> {
    flow::put_list(&state.app, &caller.actor, &name, &value.note, &value.owner).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete a list
///
/// With all its entries. Rules that name it can no longer be decided where they ask for it, and decisions say so.
#[utoipa::path(
    delete, path = "/api/v1/rules/lists/{list}", tag = "Rules", operation_id = "delete_rule_list",
    params(("list" = String, Path, description = "The list's name.", pattern = "^[a-z][a-z0-9_]{0,63}$")),
    responses((status = 204, description = "It is gone.")),
)]
pub(crate) async fn delete_list(
    State(state): State<WebState>,
    caller: Caller,
    PathId(ListName(name)): PathId<ListName>,
) -> Result<StatusCode, ApiError> {
    flow::delete_list(&state.app, &caller.actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An entry of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuleListEntry)]
pub(crate) struct EntryJson {
    /// What is listed.
    pub key: String,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub until: Option<String>,
    /// When it was added.
    #[schema(format = DateTime)]
    pub added_at: String,
}

impl From<ListEntry> for EntryJson {
    fn from(entry: ListEntry) -> Self {
        Self {
            key: entry.key,
            until: entry.until.map(|until| until.to_string()),
            added_at: entry.added_at.to_string(),
        }
    }
}

/// List the entries of a list
///
/// By their keys.
#[utoipa::path(
    get, path = "/api/v1/rules/lists/{list}/entries", tag = "Rules", operation_id = "list_rule_list_entries",
    params(
        ("list" = String, Path, description = "The list's name.", pattern = "^[a-z][a-z0-9_]{0,63}$"),
        ("limit" = Option<u32>, Query, description = "Most rows of the page.", minimum = 1, maximum = 200, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.", nullable = false),
    ),
    responses((status = 200, description = "A page of entries.", body = Rows<EntryJson>)),
)]
pub(crate) async fn list_entries(
    State(state): State<WebState>,
    caller: Caller,
    PathId(ListName(name)): PathId<ListName>,
    mut query: QueryParams,
) -> Result<Json<Rows<EntryJson>>, ApiError> {
    let page = query.take_page()?;
    query.finish()?;
    let found = views::rule_list(&state.app, &caller.actor, &name, &page).await?;
    let (_, entries) = found.ok_or(ApiError::NotFound { thing: "list" })?;
    Ok(Json(Rows::of(entries, EntryJson::from)))
}

/// What an upload came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RuleListUpload)]
pub(crate) struct UploadJson {
    /// Entries that were added, or were there already.
    pub added: usize,
    /// Lines that are too long or hold no text.
    pub refused: usize,
}

/// Upload entries to a list
///
/// A file with an entry on each line, and after a tab its end, if it has one. Sending it again adds nothing.
#[utoipa::path(
    post, path = "/api/v1/rules/lists/{list}/entries", tag = "Rules", operation_id = "upload_rule_list_entries",
    params(
        ("list" = String, Path, description = "The list's name.", pattern = "^[a-z][a-z0-9_]{0,63}$"),
        ("until" = Option<String>, Query, description = "When entries end that name no end of their own.", nullable = false,
            format = DateTime),
    ),
    request_body(content = String, content_type = "text/plain", description = "The file.",
        example = "https://a.example/1\nhttps://b.example/\t2027-05-01\n"),
    responses((status = 200, description = "The entries are in the list.", body = UploadJson)),
)]
pub(crate) async fn upload_entries(
    State(state): State<WebState>,
    caller: Caller,
    PathId(ListName(name)): PathId<ListName>,
    mut query: QueryParams,
    request: Request,
) -> Result<Json<UploadJson>, ApiError> {
    let until: Option<String> = query.take("until")?;
    query.finish()?;
    let until = until.map(|until| read_instant("until", &until)).transpose()?;
    if content_type(request.headers()).as_deref() != Some("text/plain") {
        return Err(ApiError::UnsupportedMediaType { expected: "text/plain" });
    }
    let body = whole_body(request, &state).await?;
    let text = std::str::from_utf8(&body).map_err(|_| ApiError::Malformed {
        what: "The file is not UTF-8.".to_owned(),
    })?;
    let upload = flow::upload_list(&state.app, &caller.actor, &name, text, until).await?;
    Ok(Json(UploadJson {
        added: upload.n_added,
        refused: upload.n_refused,
    }))
}

/// Take an entry out of a list
#[utoipa::path(
    delete, path = "/api/v1/rules/lists/{list}/entries", tag = "Rules", operation_id = "remove_rule_list_entry",
    params(
        ("list" = String, Path, description = "The list's name.", pattern = "^[a-z][a-z0-9_]{0,63}$"),
        ("key" = String, Query, description = "What is listed."),
    ),
    responses((status = 204, description = "It is gone.")),
)]
pub(crate) async fn remove_entry(
    State(state): State<WebState>,
    caller: Caller,
    PathId(ListName(name)): PathId<ListName>,
    mut query: QueryParams,
) -> Result<StatusCode, ApiError> {
    let key = required(&mut query, "key")?;
    query.finish()?;
    flow::remove_entry(&state.app, &caller.actor, &name, &key).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn required(query: &mut QueryParams, name: &'static str) -> Result<String, ApiError> {
    let value: Option<String> = query.take(name)?;
    value.ok_or(ApiError::invalid(name, "is missing"))
}

/// A label on an account or a channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Label)]
pub(crate) struct LabelJson {
    /// What carries it.
    pub on: LabelOn,
    /// Which, by the platform's name.
    pub subject: String,
    /// The label.
    pub label: String,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub until: Option<String>,
    /// Why.
    pub reason: String,
    /// When it was set.
    #[schema(format = DateTime)]
    pub set_at: String,
}

impl From<Label> for LabelJson {
    fn from(label: Label) -> Self {
        Self {
            on: label.on.into(),
            subject: label.subject,
            label: label.label,
            until: label.until.map(|until| until.to_string()),
            reason: label.reason,
            set_at: label.set_at.to_string(),
        }
    }
}

/// List labels
///
/// Those in force, by what carries them.
#[utoipa::path(
    get, path = "/api/v1/labels", tag = "Rules", operation_id = "list_labels",
    params(
        ("label" = Option<String>, Query, description = "Only this one.", nullable = false),
        ("limit" = Option<u32>, Query, description = "Most rows of the page.", minimum = 1, maximum = 200, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.", nullable = false),
    ),
    responses((status = 200, description = "A page of labels.", body = Rows<LabelJson>)),
)]
pub(crate) async fn list_labels(
    State(state): State<WebState>,
    caller: Caller,
    mut query: QueryParams,
) -> Result<Json<Rows<LabelJson>>, ApiError> {
    let label: Option<String> = query.take("label")?;
    let page = query.take_page()?;
    query.finish()?;
    let labels = views::list_labels(&state.app, &caller.actor, label.as_deref(), &page).await?;
    Ok(Json(Rows::of(labels, LabelJson::from)))
}

/// A label to be set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewLabel)]
pub(crate) struct LabelInput {
    /// What carries it.
    on: LabelOn,
    /// Which, by the platform's name.
    #[schema(min_length = 1, max_length = 2000)]
    subject: String,
    /// The label.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]+$")]
    label: String,
    /// When it ends.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, format = DateTime)]
    until: Option<String>,
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// Set a label
///
/// One that is there already gets the new end and reason.
#[utoipa::path(
    put, path = "/api/v1/labels", tag = "Rules", operation_id = "set_label",
    request_body = LabelInput,
    responses((status = 204, description = "It is set.")),
)]
pub(crate) async fn set_label(
    State(state): State<WebState>,
    caller: Caller,
    JsonBody { value, .. }: JsonBody<LabelInput>,
) -> Result<StatusCode, ApiError> {
    let until: Option<Timestamp> = value.until.map(|until| read_instant("until", &until)).transpose()?;
    let new = NewLabel {
        on: value.on.into(),
        subject: value.subject,
        label: value.label,
        until,
        reason: value.reason,
    };
    flow::set_label(&state.app, &caller.actor, new).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a label away
#[utoipa::path(
    delete, path = "/api/v1/labels", tag = "Rules", operation_id = "remove_label",
    params(
        ("on" = LabelOn, Query, description = "What carries it."),
        ("subject" = String, Query, description = "Which, by the platform's name."),
        ("label" = String, Query, description = "The label."),
    ),
    responses((status = 204, description = "It is gone."), (status = 404, description = "Nothing carries this label.")),
)]
pub(crate) async fn remove_label(
    State(state): State<WebState>,
    caller: Caller,
    mut query: QueryParams,
) -> Result<StatusCode, ApiError> {
    let on: Option<model::LabelOn> = query.take("on")?;
    let on = on.ok_or(ApiError::invalid("on", "is missing"))?;
    let (subject, label) = (required(&mut query, "subject")?, required(&mut query, "label")?);
    query.finish()?;
    flow::remove_label(&state.app, &caller.actor, on, &subject, &label).await?;
    Ok(StatusCode::NO_CONTENT)
}
