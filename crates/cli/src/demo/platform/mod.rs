//! A stand-in for a platform: receives orders, checks their signatures, obeys, and remembers what it received.
//!
//! It is written from the integrator's page of the documentation and shares no code with the side that signs, so that it
//! would notice if the two drifted apart. The demonstration, the browser tests and the crash tests use it.
//!
//! What it never does: obey an order twice, or one whose signature is wrong, old or missing.

mod page;
mod signature;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use moderation::model::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

/// The path that orders are sent to.
pub const ORDERS_PATH: &str = "/seawall";

/// The largest order that is read.
const ORDER_BYTES_MAX: usize = 256 * 1024;

/// How the stand-in behaves.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    /// Of so many orders, the first attempt at one is answered with 503; 0 for none.
    pub fail_every: u32,
    /// Items that it refuses orders about.
    pub refused: HashSet<String>,
    /// Items that it says are gone.
    pub gone: HashSet<String>,
    /// Items about which it answers every order with 503.
    pub failing: HashSet<String>,
    /// Items that it had restricted by itself before anything was ordered.
    pub restricted_before: HashSet<String>,
}

/// The stand-in. Cheap to clone.
#[derive(Clone)]
pub struct Platform(Arc<Inner>);

struct Inner {
    secret: String,
    clock: Arc<dyn Clock>,
    behaviour: Behaviour,
    down: AtomicBool,
    received: Mutex<Received>,
}

/// What was received so far.
#[derive(Debug, Default)]
struct Received {
    orders: Vec<ReceivedOrder>,
    by_id: HashMap<String, usize>,
    items: HashMap<String, ItemState>,
    /// Of each measure but the item itself, whether it is taken.
    measures: HashMap<(String, String), bool>,
    n_rejected: u64,
}

/// An order, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceivedOrder {
    /// The order.
    #[serde(flatten)]
    pub order: Order,
    /// How often it came.
    pub attempts: u32,
    /// What was answered last: one of the four words, or `503`.
    pub answer: &'static str,
    /// When it came first, in milliseconds since 1970.
    pub first_at_ms: i64,
}

/// An order, as far as the stand-in reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The order's id, and its idempotency key.
    pub id: String,
    /// What to do.
    pub kind: Kind,
    /// With what.
    pub item: String,
    /// The decision it rests on.
    pub decision: String,
    /// `rule` or `person`.
    pub author: String,
    /// The policy, if the item is restricted.
    pub policy: Option<String>,
    /// Why, in words.
    pub reason: String,
}

/// What comes beside orders: a notice to pass on, a case that is due.
#[derive(Debug, Deserialize)]
struct Told {
    id: String,
    kind: String,
}

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Kind {
    /// Make it unavailable.
    Restrict,
    /// Make it available again.
    Restore,
    /// One of the other measures, by its word.
    Measure(String),
}

impl From<String> for Kind {
    fn from(word: String) -> Self {
        match word.as_str() {
            "restrict" => Kind::Restrict,
            "restore" => Kind::Restore,
            _ => Kind::Measure(word),
        }
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> Self {
        kind.word().to_owned()
    }
}

impl Kind {
    /// The word of the order.
    pub fn word(&self) -> &str {
        match self {
            Kind::Restrict => "restrict",
            Kind::Restore => "restore",
            Kind::Measure(word) => word,
        }
    }

    /// Which measure it is about, and whether it takes it or takes it back; none, if it is no word that is known here.
    fn measure(&self) -> Option<(&str, bool)> {
        let word = self.word();
        let part = |part| PARTS.contains(&part).then_some(part);
        match word {
            "restrict" => Some(("item", true)),
            "restore" => Some(("item", false)),
            "add_label" => Some(("label", true)),
            "remove_label" => Some(("label", false)),
            "warn_account" => Some(("warning", true)),
            "withdraw_warning" => Some(("warning", false)),
            "terminate_account" => Some(("termination", true)),
            "reinstate_account" => Some(("termination", false)),
            _ => match (word.strip_prefix("restrict_"), word.strip_prefix("restore_")) {
                (Some(what), _) => part(what).map(|what| (what, true)),
                (None, Some(what)) => part(what).map(|what| (what, false)),
                (None, None) => None,
            },
        }
    }
}

/// What orders of the words `restrict_…` and `restore_…` can be about.
const PARTS: [&str; 8] = [
    "countries",
    "reach",
    "age",
    "comments",
    "interaction",
    "account",
    "service",
    "monetisation",
];

/// What users of the platform see of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// It is there.
    Available,
    /// It is not.
    Restricted,
}

/// The answer to an order.
#[derive(Debug, Serialize)]
struct Answer {
    answer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

impl Platform {
    /// A stand-in that shares `secret` with Seawall.
    pub fn new(secret: impl Into<String>, clock: Arc<dyn Clock>, behaviour: Behaviour) -> Self {
        let items = behaviour
            .restricted_before
            .iter()
            .map(|item| (item.clone(), ItemState::Restricted))
            .collect();
        let received = Mutex::new(Received {
            items,
            ..Received::default()
        });
        let secret = secret.into();
        Self(Arc::new(Inner {
            secret,
            clock,
            behaviour,
            down: AtomicBool::new(false),
            received,
        }))
    }

    /// While it is down it answers everything with 503 and obeys nothing.
    pub fn set_down(&self, down: bool) {
        self.0.down.store(down, Ordering::SeqCst);
    }

    /// Every order that was received with a right signature, the first one first.
    pub fn orders(&self) -> Vec<ReceivedOrder> {
        self.received().orders.clone()
    }

    /// What users see of an item; none if no order ever named it.
    pub fn item(&self, item: &str) -> Option<ItemState> {
        self.received().items.get(item).copied()
    }

    /// How many requests had no right signature or were no orders.
    pub fn n_rejected(&self) -> u64 {
        self.received().n_rejected
    }

    /// Its routes: [`ORDERS_PATH`], `/` (a page for people), `/orders` (JSON), `/healthz`.
    pub fn router(&self) -> Router {
        Router::new()
            .route(
                ORDERS_PATH,
                post(receive_order).layer(DefaultBodyLimit::max(ORDER_BYTES_MAX)),
            )
            .route("/", get(show_page))
            .route("/orders", get(list_orders))
            .route("/healthz", get(|| async { "ok\n" }))
            .with_state(self.clone())
    }

    fn received(&self) -> MutexGuard<'_, Received> {
        // Each change is whole before the lock is let go, so what a panicking thread leaves is sound.
        self.0.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(&self, headers: &HeaderMap, body: &[u8]) -> Response {
        let now = self.0.clock.now();
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let signed = header("seawall-signature")
            .is_some_and(|signature| signature::is_right(signature, body, &self.0.secret, now.unix_seconds()));
        if !signed {
            self.received().n_rejected += 1;
            return (StatusCode::UNAUTHORIZED, "the signature is missing, old or wrong\n").into_response();
        }
        // What is told and orders nothing has a dot in its kind. There is nobody here to pass it on to.
        if let Ok(told) = serde_json::from_slice::<Told>(body)
            && told.kind.contains('.')
            && header("idempotency-key") == Some(told.id.as_str())
        {
            return match self.0.down.load(Ordering::SeqCst) {
                true => (StatusCode::SERVICE_UNAVAILABLE, "not now\n").into_response(),
                false => StatusCode::OK.into_response(),
            };
        }
        let order = match serde_json::from_slice::<Order>(body) {
            Ok(order) if header("idempotency-key") == Some(order.id.as_str()) => order,
            Ok(_) | Err(_) => {
                self.received().n_rejected += 1;
                return (
                    StatusCode::BAD_REQUEST,
                    "not an order, or its idempotency key is not its id\n",
                )
                    .into_response();
            }
        };
        let down = self.0.down.load(Ordering::SeqCst);
        match self.received().take(order, &self.0.behaviour, down, now) {
            Some(answer) => {
                let body = serde_json::to_vec(&answer).unwrap_or_default();
                ([(header::CONTENT_TYPE, "application/json")], body).into_response()
            }
            None => (StatusCode::SERVICE_UNAVAILABLE, "not now\n").into_response(),
        }
    }
}

/// Serves the stand-in until `shutdown` is done.
pub async fn serve(
    router: Router,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(shutdown).await
}

impl Received {
    /// Obeys the order, unless it did so before. `None`: not now.
    fn take(&mut self, order: Order, behaviour: &Behaviour, down: bool, now: Timestamp) -> Option<Answer> {
        let place = match self.by_id.get(&order.id) {
            Some(place) => *place,
            None => {
                let place = self.orders.len();
                self.by_id.insert(order.id.clone(), place);
                let first = ReceivedOrder {
                    order,
                    attempts: 0,
                    answer: "503",
                    first_at_ms: now.unix_ms(),
                };
                self.orders.push(first);
                place
            }
        };
        let received = &mut self.orders[place];
        received.attempts += 1;
        let item = received.order.item.as_str();
        let not_now = down
            || behaviour.failing.contains(item)
            || (received.attempts == 1 && (place as u64 + 1).checked_rem(u64::from(behaviour.fail_every)) == Some(0));
        if not_now {
            // What was confirmed stays confirmed, whatever is answered to a repeat.
            return None;
        }
        let measure = received.order.kind.measure();
        let (answer, detail) = if behaviour.refused.contains(item) {
            (
                "refused",
                Some("this account is exempt while our press office looks at it"),
            )
        } else if behaviour.gone.contains(item) {
            ("gone", None)
        } else if let Some((what, is_taken)) = measure {
            let state = if is_taken {
                ItemState::Restricted
            } else {
                ItemState::Available
            };
            let is_so = match what {
                "item" => self.items.insert(item.to_owned(), state) == Some(state),
                what => self.measures.insert((item.to_owned(), what.to_owned()), is_taken) == Some(is_taken),
            };
            (if is_so { "already_done" } else { "done" }, None)
        } else {
            ("refused", Some("this kind of order is not known here"))
        };
        received.answer = answer;
        Some(Answer { answer, detail })
    }
}

async fn receive_order(State(platform): State<Platform>, headers: HeaderMap, body: Bytes) -> Response {
    platform.receive(&headers, &body)
}

async fn list_orders(State(platform): State<Platform>) -> Response {
    let body = serde_json::to_vec(&platform.orders()).unwrap_or_default();
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn show_page(State(platform): State<Platform>) -> Response {
    let html = page::render(&platform.orders(), platform.n_rejected());
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ];
    (headers, html).into_response()
}

#[cfg(test)]
mod tests;
