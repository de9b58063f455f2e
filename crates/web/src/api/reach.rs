//! How near counts for an entry, and how it becomes part of an active incident.

use axum::extract::State;
use axum::http::StatusCode;
use moderation::flows::incidents as flow;
use moderation::model::{EntryId, Judged};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::entries::read_instant;
use crate::extract::{Caller, JsonBody, PathId};
use crate::problem::ApiError;
use crate::state::WebState;

/// How near counts for an entry: what harmless pictures of the platform are near it already decides.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reach)]
pub(crate) struct ReachJson {
    /// Hashes within so many bits match.
    #[schema(minimum = 0, maximum = 256)]
    pub match_bits: u32,
    /// Hashes within so many bits are a lead.
    #[schema(minimum = 0, maximum = 256)]
    pub lead_bits: u32,
    /// So many keypoints that agree, and pixels that agree, are a match.
    pub match_places: u32,
    /// So many are a lead.
    pub lead_places: u32,
    /// Bits between the entry and the nearest of the platform's harmless pictures. Absent when none is anywhere near.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nearest_benign: Option<u32>,
    /// Whether harmless posts look nearly like it, as cards of one layout do; the thresholds are lower then.
    pub template_risk: bool,
    /// When this was found out.
    #[schema(format = DateTime)]
    pub judged_at: String,
}

impl From<Judged> for ReachJson {
    fn from(judged: Judged) -> Self {
        Self {
            match_bits: judged.reach.match_bits,
            lead_bits: judged.reach.lead_bits,
            match_places: judged.reach.match_places,
            lead_places: judged.reach.lead_places,
            nearest_benign: judged.nearest_benign_bits,
            template_risk: judged.reach.is_template,
            judged_at: judged.at.to_string(),
        }
    }
}

/// Whether an entry is part of an active incident.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Incident, example = json!({"until": "2027-01-31T12:00:00Z"}))]
pub(crate) struct IncidentJson {
    /// Until when, at most a year from now; `null` ends it.
    #[serde(deserialize_with = "nullable")]
    #[schema(required = true, format = DateTime)]
    until: Option<String>,
}

/// Reads what may be `null` and must be there.
fn nullable<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(from)
}

/// Make an entry part of an active incident
///
/// Until then it is found by every crop of its picture, if it came with it; and what was posted lately, and open streams, are searched for it before the
/// answer.
#[utoipa::path(
    put, path = "/api/v1/entries/{entry}/incident", tag = "Entries", operation_id = "set_incident",
    params(("entry" = String, Path, description = "The entry's id.", pattern = "^ent_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    request_body = IncidentJson,
    responses((status = 204, description = "It is as you said.")),
)]
pub(crate) async fn set_incident(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<EntryId>,
    JsonBody { value, .. }: JsonBody<IncidentJson>,
) -> Result<StatusCode, ApiError> {
    let until = value.until.map(|text| read_instant("until", &text)).transpose()?;
    flow::set_incident(&state.app, &caller.actor, id, until)
        .await
        .map_err(|error| ApiError::of_bank(error, "entry"))?;
    Ok(StatusCode::NO_CONTENT)
}
