//! `/m`: hashes and files are looked up among what is banked.

use axum::Json;
use axum::extract::{Request, State};
use moderation::flows::hma::{self as flow, Hit, Reach};
use moderation::signal::Signal;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::answers::Refusal;
use super::files::{self, BUSY, Selected};
use super::query::Query;
use super::types::HmaSignalType;
use crate::extract::Caller;
use crate::state::WebState;

/// `GET /m/raw_lookup`: everything near, also what is disabled.
pub(super) async fn look_up_raw(
    State(state): State<WebState>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, Refusal> {
    let [value, kind] = query.required(["signal", "signal_type"])?;
    let with_distance = query.flag("include_distance")?;
    let (kind, signal) = read_signal(&state, kind, value)?;
    let banks = query.list("banks");
    let takes_part = |name: &str, _| is_among(name, banks.as_deref());
    let hits = flow::look_up(&state.app, &caller.actor, signal, Reach::Everything, &takes_part).await?;
    let matches: Vec<Value> = match with_distance {
        true => hits.iter().map(|hit| render_hit(kind, hit)).collect(),
        false => hits.iter().map(|hit| Value::from(hit.content)).collect(),
    };
    Ok(Json(json!({ "matches": matches })))
}

/// `GET /m/lookup`: what is near a hash, or near the file at an address, bank by bank.
pub(super) async fn look_up(
    State(state): State<WebState>,
    caller: Caller,
    query: Query,
) -> Result<Json<Value>, Refusal> {
    let flip = Flip::of(&state, &query, false);
    if let Some(url) = query.filled("url") {
        let only = query
            .get("signal_type")
            .map(|name| find_type(&state, name))
            .transpose()?;
        let file = files::fetched(&state, &caller, url, &query).await?;
        let selected = files::hash(&state, &caller, file, &query).await?;
        let mut found = look_up_all(&state, &caller, &query, selected, &flip).await?;
        return Ok(Json(match only {
            // A signal that the file does not have was not looked up, and that is not "no match".
            Some(kind) => found
                .remove(kind.name())
                .ok_or_else(|| Refusal::bad(format!("the file at the address has no {kind} signal")))?,
            None => Value::Object(found),
        }));
    }
    let (Some(value), Some(kind)) = (query.filled("signal"), query.filled("signal_type")) else {
        return Err(Refusal::bad("Either url or both signal and signal_type are required"));
    };
    let (kind, signal) = read_signal(&state, kind, value)?;
    Ok(Json(look_up_one(&state, &caller, &query, kind, signal, &flip).await?))
}

/// `POST /m/lookup`: what is near an uploaded file, bank by bank, for each type of signal.
pub(super) async fn look_up_upload(
    State(state): State<WebState>,
    caller: Caller,
    query: Query,
    request: Request,
) -> Result<Json<Value>, Refusal> {
    let file = files::upload(&state, request).await?;
    let flip = Flip::of(&state, &query, query.get("bypass_coinflip") == Some("true"));
    let selected = files::hash(&state, &caller, file, &query).await?;
    let found = look_up_all(&state, &caller, &query, selected, &flip).await?;
    Ok(Json(Value::Object(found)))
}

/// Which banks take part in this lookup.
enum Flip {
    /// All, even disabled ones.
    Bypassed,
    /// Those whose ratio is at least this, 0 to 1.
    Drawn(f64),
}

impl Flip {
    /// The same for the same `seed`; else by chance.
    fn of(state: &WebState, query: &Query, is_bypassed: bool) -> Self {
        if is_bypassed {
            return Flip::Bypassed;
        }
        let bytes: [u8; 8] = match query.get("seed") {
            Some(seed) => std::array::from_fn(|place| Sha256::digest(seed.as_bytes())[place]),
            None => state.app.chance.bytes(),
        };
        // The 53 bits that a number from 0 to 1 holds.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let drawn = (u64::from_be_bytes(bytes) >> 11) as f64 / (1u64 << 53) as f64;
        Flip::Drawn(drawn)
    }

    fn reach(&self) -> Reach {
        match self {
            Flip::Bypassed => Reach::DisabledBanks,
            Flip::Drawn(_) => Reach::Live,
        }
    }

    fn lets_in(&self, ratio: f64) -> bool {
        match self {
            Flip::Bypassed => true,
            Flip::Drawn(drawn) => ratio >= *drawn,
        }
    }
}

async fn look_up_all(
    state: &WebState,
    caller: &Caller,
    query: &Query,
    selected: Selected,
    flip: &Flip,
) -> Result<Map<String, Value>, Refusal> {
    let mut found = Map::new();
    for (kind, signal) in selected.signals {
        // A picture without structure has no hash to look up, and that is not "no match".
        files::check_comparable(&state.app.settings.matching, kind, &signal).map_err(refuse_signal)?;
        let matches = look_up_one(state, caller, query, kind, signal, flip).await?;
        found.insert(kind.name().to_owned(), matches);
    }
    Ok(found)
}

async fn look_up_one(
    state: &WebState,
    caller: &Caller,
    query: &Query,
    kind: HmaSignalType,
    signal: Signal,
    flip: &Flip,
) -> Result<Value, Refusal> {
    let _place = state.shared.admission.enter().await.ok_or(BUSY)?;
    let banks = query.list("banks");
    let takes_part = |name: &str, ratio| is_among(name, banks.as_deref()) && flip.lets_in(ratio);
    let hits = flow::look_up(&state.app, &caller.actor, signal, flip.reach(), &takes_part).await?;
    let mut found: Map<String, Value> = Map::new();
    for hit in &hits {
        let of_bank = found.entry(hit.bank_name.clone()).or_insert_with(|| json!([]));
        if let Value::Array(of_bank) = of_bank {
            of_bank.push(render_hit(kind, hit));
        }
    }
    Ok(Value::Object(found))
}

fn is_among(name: &str, banks: Option<&[&str]>) -> bool {
    banks.is_none_or(|banks| banks.contains(&name))
}

fn render_hit(kind: HmaSignalType, hit: &Hit) -> Value {
    let distance = match (kind, hit.percentages) {
        (HmaSignalType::Pdq, _) => hit.distance.to_string(),
        (HmaSignalType::VideoMd5 | HmaSignalType::VideoSha256, _) => "-".to_owned(),
        (HmaSignalType::Vpdq, Some(both)) => format!("{:.0}%[{:.0}%]", both.query, both.target),
        (HmaSignalType::Vpdq, None) => "0%[0%]".to_owned(),
    };
    json!({ "bank_content_id": hit.content, "distance": distance })
}

fn read_signal(state: &WebState, kind: &str, value: &str) -> Result<(HmaSignalType, Signal), Refusal> {
    let kind = find_type(state, kind)?;
    Ok((kind, kind.read(value).map_err(refuse_signal)?))
}

fn find_type(state: &WebState, name: &str) -> Result<HmaSignalType, Refusal> {
    let found = files::settings(state)?.find_type(name);
    found.ok_or_else(|| {
        let shown: String = name.chars().take(100).collect();
        Refusal::bad(format!("No such SignalType '{shown}'"))
    })
}

fn refuse_signal(what: String) -> Refusal {
    Refusal::bad(format!("invalid signal: {what}"))
}
