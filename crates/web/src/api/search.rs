//! Searching what the platform submitted, as the console does: by words, account, channel, hash, label, date and decision.

use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use moderation::model;
use moderation::signal::{Signal, SignalType};
use moderation::views::{self, ItemSearch};

use super::items::ItemRowJson;
use super::pages::Rows;
use super::words::{ItemKind, Outcome, bounded};
use crate::extract::{Caller, QueryParams};
use crate::problem::ApiError;
use crate::state::WebState;

/// A hash in a query: its kind, a colon, its value.
struct Hash(Signal);

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, value) = text
            .split_once(':')
            .ok_or("it is a kind of hash, a colon and the hash, such as `pdq:f8f8…`")?;
        let kind: SignalType = kind.parse().map_err(|error| format!("{error}"))?;
        let signal = Signal::parse(kind, value, None).map_err(|error| error.to_string())?;
        Ok(Self(signal))
    }
}

/// An instant in a query, as RFC 3339 writes it.
struct Instant(model::Timestamp);

impl FromStr for Instant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let instant: jiff::Timestamp = text.parse().map_err(|error: jiff::Error| error.to_string())?;
        Ok(Self(model::Timestamp::from_unix_ms(instant.as_millisecond())))
    }
}

/// Search items
///
/// Those for which everything holds that is asked, the last submitted first; all, if nothing is. Of the letters a to z, upper or lower case is the same in words.
#[utoipa::path(
    get, path = "/api/v1/search", tag = "Items", operation_id = "search_items",
    params(
        ("q" = Option<String>, Query, description = "Words of the text, or a part of the id, the account or the channel.", nullable = false,
            min_length = 1, max_length = 256, pattern = r"^[^\x00]*$"),
        ("account" = Option<String>, Query, description = "Who posted it.", nullable = false,
            min_length = 1, max_length = 256, pattern = r"^[^\x00]*$"),
        ("channel" = Option<String>, Query, description = "Where it was posted.", nullable = false,
            min_length = 1, max_length = 256, pattern = r"^[^\x00]*$"),
        ("kind" = Option<ItemKind>, Query, description = "What kind of thing it is.", nullable = false),
        ("outcome" = Option<Outcome>, Query, description = "What was last decided on it.", nullable = false),
        ("label" = Option<String>, Query, description = "A label of an entry that it matches.", nullable = false,
            min_length = 1, max_length = 256, pattern = r"^[^\x00]*$"),
        ("hash" = Option<String>, Query, description = "A hash that one of its files has: its kind, a colon, its value.", nullable = false,
            example = "md5:d41d8cd98f00b204e9800998ecf8427e"),
        ("from" = Option<String>, Query, description = "Submitted, in its latest revision, from then on.", nullable = false,
            format = DateTime, example = "2026-11-01T00:00:00Z"),
        ("to" = Option<String>, Query, description = "Submitted before then.", nullable = false, format = DateTime,
            example = "2026-12-01T00:00:00Z"),
        ("limit" = Option<u32>, Query, description = "Most rows of the page.", minimum = 1, maximum = 200, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before, of the same search.", nullable = false, max_length = 280,
            pattern = r"^[0-9]{1,15}:[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]{0,254}[^\s\x00-\x1f\x7f-\x9f])?$"),
    ),
    responses((status = 200, description = "A page of items.", body = Rows<ItemRowJson>)),
)]
pub(crate) async fn search_items(
    State(state): State<WebState>,
    caller: Caller,
    mut query: QueryParams,
) -> Result<Json<Rows<ItemRowJson>>, ApiError> {
    let page = query.take_page()?;
    let mut text = |name: &str| -> Result<Option<String>, ApiError> {
        let text: Option<String> = query.take(name)?;
        text.map(|text| bounded(name, text, 1, ItemSearch::TEXT_LENGTH_MAX))
            .transpose()
    };
    let (words, account, channel, label) = (text("q")?, text("account")?, text("channel")?, text("label")?);
    let search = ItemSearch {
        words,
        account,
        channel,
        label,
        kind: query.take::<model::ItemKind>("kind")?,
        outcome: query.take::<model::Outcome>("outcome")?,
        signal: query.take::<Hash>("hash")?.map(|Hash(signal)| signal),
        from: query.take::<Instant>("from")?.map(|Instant(at)| at),
        to: query.take::<Instant>("to")?.map(|Instant(at)| at),
    };
    query.finish()?;
    let rows = views::search_items(&state.app, &caller.actor, &search, &page).await?;
    Ok(Json(Rows::of(rows, ItemRowJson::from)))
}
