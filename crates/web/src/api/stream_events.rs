//! What was found in live streams, as server-sent events: what was told before is sent again from where the client says it left off, then what is told,
//! until the stream is over.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, Sse};
use futures_util::stream::{self, Stream};
use moderation::model::{StreamId, StreamState as State_, StreamVerdict};
use moderation::views;
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};
use utoipa::ToSchema;

use super::words::{Outcome, StreamState, Tier};
use crate::extract::{Caller, PathId, QueryParams};
use crate::problem::ApiError;
use crate::state::WebState;

/// How often the store is asked: for what another process told, and whether the stream is over.
const ASK_EVERY: Duration = Duration::from_secs(3);
/// How often something is sent though nothing is told, so that both ends know of each other.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);
/// Longest time of one answer. The client comes again and says where it left off.
const ANSWER_MAX: Duration = Duration::from_secs(3_600);

/// Something was found in a stream, rules speak against what is said in it, or some of it cannot be looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StreamVerdict)]
pub(crate) struct StreamVerdictJson {
    /// Its number, also the event's id; later ones have greater numbers.
    pub seq: i64,
    /// The stream.
    pub stream: String,
    /// The platform's own name for it.
    pub item: String,
    /// How far the stream was, in milliseconds of its own time.
    pub at_ms: u32,
    /// The best of what was found. Absent when nothing was: rules speak against what is said in the stream, or some of it could not be looked at, and a person is to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tier: Option<Tier>,
    /// What is to happen with it now.
    pub outcome: Outcome,
    /// The decision that says so.
    pub decision: String,
    /// The case in which a person will look at it. Absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub case: Option<String>,
    /// When it was decided.
    #[schema(format = DateTime)]
    pub told_at: String,
}

#[derive(Debug, Serialize)]
struct OverJson {
    state: StreamState,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<StreamVerdict> for StreamVerdictJson {
    fn from(verdict: StreamVerdict) -> Self {
        Self {
            seq: verdict.seq,
            stream: verdict.stream.to_string(),
            item: verdict.item.to_string(),
            at_ms: verdict.at_ms,
            tier: verdict.tier.map(Into::into),
            outcome: verdict.outcome.into(),
            decision: verdict.decision.to_string(),
            case: verdict.case.map(|id| id.to_string()),
            told_at: verdict.told_at.to_string(),
        }
    }
}

/// Listen to a stream
///
/// Server-sent events. A `verdict` for each time that something was found or that some of it could not be looked at, with the JSON of it as data; its id is what `Last-Event-ID` takes after a
/// break, so that nothing is missed. `over`, with state and reason, when the stream is over; then the answer ends. Comments in between are heartbeats. An answer ends
/// after an hour at the latest: ask again.
#[utoipa::path(
    get, path = "/api/v1/streams/{stream}/events", tag = "Streams", operation_id = "listen_to_stream",
    params(
        ("stream" = String, Path, description = "The stream's id.", pattern = "^stream_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
        ("after" = Option<i64>, Query, description = "Only what was told after this number.", minimum = 0, nullable = false),
        ("Last-Event-ID" = Option<i64>, Header, description = "The same, as browsers send it. It goes before `after`.", minimum = 0, nullable = false),
    ),
    responses((status = 200, description = "Events.", body = StreamVerdictJson, content_type = "text/event-stream")),
)]
pub(crate) async fn listen_to_stream(
    State(state): State<WebState>,
    caller: Caller,
    PathId(id): PathId<StreamId>,
    mut query: QueryParams,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let after = query.take::<i64>("after")?;
    query.finish()?;
    let last = match headers.get("last-event-id") {
        None => after,
        Some(value) => {
            let number = value.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok());
            Some(number.ok_or(ApiError::invalid("Last-Event-ID", "is not a number"))?)
        }
    };
    // Before what was told is read: between the two nothing can be missed.
    let told = state.app.streams.subscribe();
    views::stream(&state.app, &caller.actor, id)
        .await?
        .ok_or(ApiError::NotFound { thing: "stream" })?;
    let place = state.shared.listeners.clone().try_acquire_owned();
    let place = place.map_err(|_| ApiError::Busy {
        what: "Too many listen to streams just now.",
    })?;
    let now = Instant::now();
    let mut credentials = HeaderMap::new();
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        credentials.insert(header::AUTHORIZATION, value.clone());
    }
    let listener = Listener {
        state,
        credentials,
        stream: id,
        last: last.unwrap_or(0),
        told,
        waiting: VecDeque::new(),
        ask_at: now,
        heartbeat_at: now + HEARTBEAT_EVERY,
        ends_at: now + ANSWER_MAX,
        is_over: false,
        _place: place,
    };
    Ok(Sse::new(stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    })))
}

/// One who listens.
struct Listener {
    state: WebState,
    /// The `Authorization` header that it came with. Who it stands for, and what they may, is found out anew each time.
    credentials: HeaderMap,
    stream: StreamId,
    /// The number of the last that was sent.
    last: i64,
    told: Receiver<StreamVerdict>,
    waiting: VecDeque<StreamVerdict>,
    ask_at: Instant,
    heartbeat_at: Instant,
    ends_at: Instant,
    is_over: bool,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// The next event; none at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(verdict) = self.waiting.pop_front() {
                self.last = verdict.seq;
                return Some(event_of(verdict));
            }
            let now = Instant::now();
            if self.is_over || now >= self.ends_at {
                return None;
            }
            if now >= self.ask_at {
                self.ask_at = now + ASK_EVERY;
                match self.ask().await {
                    Ok(Asked::More) => continue,
                    Ok(Asked::Nothing) => {}
                    Ok(Asked::Over(over)) => {
                        self.is_over = true;
                        return Some(over);
                    }
                    // Whose key was revoked meanwhile, or who no longer reaches the stream: who comes again is told so.
                    Ok(Asked::Gone) | Err(ApiError::Unauthenticated { .. } | ApiError::Denied(_)) => return None,
                    // The client comes again.
                    Err(error) => {
                        tracing::error!(
                            error = &error as &dyn std::error::Error,
                            "cannot read what was told of a stream"
                        );
                        return None;
                    }
                }
            }
            if now >= self.heartbeat_at {
                self.heartbeat_at = now + HEARTBEAT_EVERY;
                return Some(Event::default().comment("still listening"));
            }
            match timeout_at(self.ask_at.min(self.heartbeat_at), self.told.recv()).await {
                // It is read from the store, because only there is known who may be told of it.
                Ok(Ok(verdict)) if verdict.stream == self.stream && verdict.seq > self.last => {
                    self.ask_at = Instant::now();
                }
                Ok(Ok(_)) => {}
                // Too much was told at once: the store knows.
                Ok(Err(RecvError::Lagged(_))) => self.ask_at = Instant::now(),
                Ok(Err(RecvError::Closed)) => return None,
                Err(_) => {}
            }
        }
    }

    /// Reads what was told since, as the caller may see it now; once all of it was sent, says whether the stream is over.
    async fn ask(&mut self) -> Result<Asked, ApiError> {
        let Caller { actor } = Caller::of(&self.state, &self.credentials).await?;
        let app = &self.state.app;
        // Before what was told is read: what is found last is told before the end.
        let Some(stream) = views::stream(app, &actor, self.stream).await? else {
            return Ok(Asked::Gone);
        };
        let since = views::stream_verdicts(app, &actor, Some(self.stream), self.last).await?;
        if !since.is_empty() {
            self.waiting.extend(since);
            self.ask_at = Instant::now();
            return Ok(Asked::More);
        }
        if stream.state == State_::Open {
            return Ok(Asked::Nothing);
        }
        let over = OverJson {
            state: stream.state.into(),
            reason: stream.reason,
        };
        Ok(Asked::Over(named("over", &over)))
    }
}

/// What asking the store came to.
enum Asked {
    /// There is something to send.
    More,
    /// Nothing was told, and the stream goes on.
    Nothing,
    /// The stream is over.
    Over(Event),
    /// For this caller there is no such stream any more.
    Gone,
}

fn event_of(verdict: StreamVerdict) -> Event {
    let seq = verdict.seq;
    named("verdict", &StreamVerdictJson::from(verdict)).id(seq.to_string())
}

fn named(name: &str, data: &impl Serialize) -> Event {
    // Plain data with text for keys is always JSON.
    let json = serde_json::to_string(data).unwrap_or_else(|error| unreachable!("an event is JSON: {error}"));
    Event::default().event(name).data(json)
}
