//! `seawall doctor --webhook URL`: does whoever listens there understand orders as the integrator's page says?
//!
//! Test orders are sent about an item that no platform has, signed as real ones are; some are wrong on purpose and must not be obeyed. Nothing is read
//! from the store and nothing kept. Each trial is one line of the report.

use std::time::{Duration, Instant};

use moderation::actions::backoff::Backoff;
use moderation::actions::webhook::{
    Attempt, Looked, Webhook, WebhookSettings, signature, understand, understand_state,
};
use moderation::model::{ActionId, Answer, Chance, Clock, Found, SystemClock, Timestamp};
use serde_json::{Value, json};

use super::doctor::{Finding, ok, warning, wrong};

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// An answer that takes longer is worth a look: orders of one item wait for each other.
const SLOW: Duration = Duration::from_secs(2);
/// How far the time of an old order lies back. The page says to refuse after five minutes.
const OLD: Duration = Duration::from_secs(3_600);
/// How long the longest reason of an order is made: longer than any that people may write.
const LONG_REASON: usize = 60_000;
/// The page that says how it should be.
const PAGE: &str = "docs/integrator.md";

/// One side of the conversation.
struct Trial<'a> {
    webhook: &'a Webhook,
    secret: &'a str,
    item: String,
    chance: &'a Chance,
}

/// What came back, and after how long.
struct Said {
    answer: Result<(u16, Vec<u8>), String>,
    took: Duration,
}

/// Tries everything that the page promises.
pub(super) async fn run(url: &str, secret: &str) -> anyhow::Result<Vec<Finding>> {
    let webhook = Webhook::new(WebhookSettings {
        url: url.to_owned(),
        secret: secret.to_owned(),
        timeout: TIMEOUT,
        backoff: Backoff {
            first: TIMEOUT,
            max: TIMEOUT,
            give_up_after: TIMEOUT,
        },
    })?;
    let chance = Chance::from_system()?;
    let trial = Trial {
        webhook: &webhook,
        secret,
        item: format!("seawall-conformance-{}", ActionId::fresh(SystemClock.now(), &chance)),
        chance: &chance,
    };
    let mut findings = vec![];
    let restrict = trial.order("restrict");
    let first = trial.send(&restrict).await;
    if let Err(error) = &first.answer {
        let advice = "start the receiver, and check the address";
        findings.push(wrong("reached", error.clone(), advice));
        return Ok(findings);
    }
    findings.push(understood("restrict", &first));
    findings.push(in_time(&first));
    findings.push(repeated(&trial.send(&restrict).await));
    findings.push(at_once(&trial).await);
    findings.push(understood("restore", &trial.send(&trial.order("restore")).await));
    findings.push(understood("part", &trial.send(&trial.order("restrict_reach")).await));
    findings.push(understood(
        "part taken back",
        &trial.send(&trial.order("restore_reach")).await,
    ));
    findings.push(unknown_kind(
        &trial.send(&trial.order("restrict_by_conformance_test")).await,
    ));
    findings.push(understood(
        "unknown field",
        &trial.send(&trial.with("added_later", json!({ "a": [1] }))).await,
    ));
    findings.push(understood(
        "long body",
        &trial
            .send(&trial.with("reason", "ä".repeat(LONG_REASON / 2).into()))
            .await,
    ));
    findings.extend(unsigned(&trial).await);
    findings.push(recheck(&trial).await);
    Ok(findings)
}

impl Trial<'_> {
    fn order(&self, kind: &str) -> Value {
        let now = SystemClock.now();
        let id = ActionId::fresh(now, self.chance).to_string();
        json!({
            "id": id, "order": id, "run": 1, "kind": kind, "until": null,
            "item": self.item, "item_kind": "post", "account": null, "channel": null,
            "decision": "dec_00000000000000000000000000", "outcome": "restrict", "author": "rule",
            "policy": null, "reason": "a test of Seawall's doctor: this item does not exist",
            "decided_at": now.to_string(), "ordered_at": now.to_string(),
        })
    }

    fn with(&self, field: &str, value: Value) -> Value {
        let mut order = self.order("restrict");
        order[field] = value;
        order
    }

    async fn send(&self, order: &Value) -> Said {
        let (body, now) = (order.to_string(), SystemClock.now());
        let right = signature(self.secret, now, body.as_bytes());
        self.send_signed(order, body, Some(right)).await
    }

    async fn send_signed(&self, order: &Value, body: String, signature: Option<String>) -> Said {
        let key = order["id"].as_str().unwrap_or_default();
        let began = Instant::now();
        let answer = self.webhook.post(key, body, signature).await;
        Said {
            answer,
            took: began.elapsed(),
        }
    }
}

impl Said {
    fn understood(&self) -> Attempt {
        match &self.answer {
            Ok((status, body)) => understand(*status, body),
            Err(error) => Attempt::Failed { error: error.clone() },
        }
    }
}

/// Whether an order got one of the four answers.
fn understood(check: &str, said: &Said) -> Finding {
    match said.understood() {
        Attempt::Answered { answer, .. } => ok(check, format!("answered {answer}")),
        Attempt::Failed { error } => wrong(
            check,
            error,
            format!("answer 200 and {{\"answer\": …}} with one of the four words: {PAGE}, Answer"),
        ),
    }
}

fn in_time(said: &Said) -> Finding {
    let detail = format!("answered after {} ms", said.took.as_millis());
    match said.took <= SLOW {
        true => ok("in time", detail),
        false => warning("in time", detail, "keep the order for good, answer, and do it then"),
    }
}

fn repeated(said: &Said) -> Finding {
    let check = "repeated key";
    match said.understood() {
        Attempt::Answered {
            answer: Answer::Done, ..
        } => warning(
            check,
            "the same order under the same Idempotency-Key was answered done again",
            "remember the keys that were seen, do nothing the second time, and answer already_done",
        ),
        Attempt::Answered { answer, .. } => ok(check, format!("the second time answered {answer}")),
        Attempt::Failed { error } => wrong(check, error, "answer a repeat like the first: already_done"),
    }
}

/// Two copies of one order at the same moment: a worker that was thought dead may come back.
async fn at_once(trial: &Trial<'_>) -> Finding {
    let check = "twice at once";
    let order = trial.order("restrict");
    let (one, other) = tokio::join!(trial.send(&order), trial.send(&order));
    match (one.understood(), other.understood()) {
        (Attempt::Answered { answer: a, .. }, Attempt::Answered { answer: b, .. }) => {
            let detail = format!("answered {a} and {b}");
            match (a, b) {
                (Answer::Done, Answer::Done) => {
                    warning(check, detail, "take the key and do the order in one transaction")
                }
                _ => ok(check, detail),
            }
        }
        (Attempt::Failed { error }, _) | (_, Attempt::Failed { error }) => {
            wrong(check, error, "answer both; do the order once")
        }
    }
}

fn unknown_kind(said: &Said) -> Finding {
    let check = "unknown kind";
    match said.understood() {
        Attempt::Answered {
            answer: Answer::Refused,
            ..
        } => ok(check, "answered refused"),
        Attempt::Answered { answer, .. } => wrong(
            check,
            format!("a kind of order that does not exist was answered {answer}"),
            "answer refused to a kind that you do not know, and do nothing",
        ),
        Attempt::Failed { error } => wrong(
            check,
            format!("{error}: it would be sent again for days"),
            "answer 200 and {\"answer\": \"refused\"} to a kind that you do not know",
        ),
    }
}

/// What is not signed as it should be must not be obeyed.
async fn unsigned(trial: &Trial<'_>) -> Vec<Finding> {
    let order = trial.order("restrict");
    let body = order.to_string();
    let now = SystemClock.now();
    let at = |at: Timestamp, secret: &str| Some(signature(secret, at, body.as_bytes()));
    let altered = body.replacen("restrict", "restore", 1);
    let wrong_code = format!("t={},v1={}", now.unix_seconds(), "0".repeat(64));
    let trials = [
        ("no signature", body.clone(), None),
        ("wrong secret", body.clone(), at(now, "not-the-secret-of-this-webhook")),
        ("wrong code", body.clone(), Some(wrong_code)),
        ("old time", body.clone(), at(now.before(OLD), trial.secret)),
        ("future time", body.clone(), at(now.after(OLD), trial.secret)),
        ("altered body", altered, at(now, trial.secret)),
        ("malformed signature", body.clone(), Some("t=,v1".to_owned())),
    ];
    let mut findings = Vec::with_capacity(trials.len());
    for (check, body, signature) in trials {
        let said = trial.send_signed(&order, body, signature).await;
        findings.push(match said.answer {
            Ok((status, _)) if (400..500).contains(&status) => ok(check, format!("refused with HTTP status {status}")),
            Ok((status, _)) if !(200..300).contains(&status) => warning(
                check,
                format!("answered with HTTP status {status}"),
                "answer 401: it is no fault of yours",
            ),
            Ok((status, _)) => wrong(
                check,
                format!("was taken: HTTP status {status}"),
                format!("check the signature before anything else: {PAGE}, Check the signature"),
            ),
            Err(error) => warning(check, error, "answer 401: it is no fault of yours"),
        });
    }
    findings
}

/// Whether it says what an item is.
async fn recheck(trial: &Trial<'_>) -> Finding {
    let check = "re-check";
    let mut question = trial.order("action.recheck");
    question["ordered"] = "restrict".into();
    question["what"] = "item".into();
    let looked = match trial.send(&question).await.answer {
        Ok((status, body)) => understand_state(status, &body),
        Err(error) => Looked::Failed { error },
    };
    match looked {
        Looked::Found(Found::Unknown) => warning(
            check,
            "the question was not answered with a state",
            format!("fine unless webhook.recheck_ask is set; else answer it: {PAGE}, Is it so?"),
        ),
        Looked::Found(found) => ok(check, format!("answered {found}")),
        Looked::Failed { error } => wrong(check, error, "answer 200, with a state or with refused"),
    }
}
