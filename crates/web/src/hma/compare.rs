//! `POST /m/compare`: how near two hashes lie to each other.

use axum::Json;
use axum::extract::{Request, State};
use moderation::model::Right;
use moderation::signal::{Signal, vpdq};
use serde_json::{Map, Value, json};

use super::answers::Refusal;
use super::body::read_json;
use super::files::settings;
use crate::extract::Caller;
use crate::problem::ApiError;
use crate::state::WebState;

/// For each type of signal whether the two match and, where it can be said, how many bits lie between them.
pub(super) async fn compare(
    State(state): State<WebState>,
    caller: Caller,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    caller.actor.require(Right::SubmitItems).map_err(ApiError::from)?;
    let settings = settings(&state)?;
    let Value::Object(pairs) = read_json(&state, request).await? else {
        return Err(Refusal::bad("Request input was not a dict"));
    };
    let mut compared = Map::new();
    for (name, pair) in &pairs {
        let kind = settings.find_type(name).ok_or_else(|| {
            let shown: String = name.chars().take(100).collect();
            Refusal::bad(format!("No such SignalType '{shown}'"))
        })?;
        let Value::Array(pair) = pair else {
            return Err(Refusal::bad("Comparison hashes was not a list"));
        };
        let [one, other] = pair.as_slice() else {
            return Err(Refusal::bad("Comparison hash list length must be exactly 2"));
        };
        let read = |value: &Value| {
            let text = value.as_str().ok_or_else(|| "expected a string".to_owned());
            let signal = text.and_then(|text| kind.read(text));
            signal.map_err(|what| Refusal::bad(format!("Invalid {name} hash: {what}")))
        };
        let threshold = state.app.settings.matching.match_distance_bits;
        compared.insert(name.clone(), judge(&read(one)?, &read(other)?, threshold));
    }
    Ok(Json(Value::Object(compared)))
}

/// So much of each of two videos must be in the other for HMA to call them the same, in percent.
const VPDQ_PERCENT_MIN: f64 = 80.0;

fn judge(one: &Signal, other: &Signal, threshold: u32) -> Value {
    match (one, other) {
        (Signal::Pdq { hash, .. }, Signal::Pdq { hash: other, .. }) => {
            let distance = hash.distance(*other);
            json!([distance <= threshold, { "distance": distance }])
        }
        (Signal::Vpdq(one), Signal::Vpdq(other)) => {
            let both = vpdq::compare(one, other, vpdq::DISTANCE_MAX, vpdq::QUALITY_MIN);
            let is_match = both.is_some_and(|both| both.query >= VPDQ_PERCENT_MIN && both.target >= VPDQ_PERCENT_MIN);
            let distance =
                both.map(|both| json!({ "query_match_percent": both.query, "compared_match_percent": both.target }));
            json!([is_match, distance.unwrap_or_else(|| json!({}))])
        }
        (Signal::Pdq { .. } | Signal::Md5(_) | Signal::Sha256(_) | Signal::Vpdq(_) | Signal::Chromaprint(_), _) => {
            json!([one == other, {}])
        }
    }
}
