//! The paths of HMA: their shapes, who may call them, and what is refused. How they agree with HMA itself is compared in
//! `conformance/hma`.

mod access;
mod content;
mod dev;
mod mistakes;

use crate::world::{Answer, KNOWN, World, request};
use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use web::{HmaAccess, HmaSettings, HmaSignalType};

/// A hash far from [`KNOWN`].
pub const OTHER: &str = "5555555555555555555555555555555555555555555555555555555555555555";

pub async fn with_keys() -> World {
    World::with(|settings| settings.hma = Some(HmaSettings::new())).await
}

pub async fn open() -> World {
    World::with(|settings| {
        settings.hma = Some(HmaSettings {
            access: HmaAccess::OpenOnLoopback,
            ..HmaSettings::new()
        });
    })
    .await
}

pub async fn dev() -> World {
    World::with(|settings| {
        settings.hma = Some(HmaSettings {
            access: HmaAccess::OpenOnLoopback,
            // Without `vpdq`: nothing decodes videos here.
            signal_types: vec![HmaSignalType::Pdq, HmaSignalType::VideoMd5, HmaSignalType::VideoSha256],
            is_dev: true,
        });
    })
    .await
}

impl World {
    pub async fn put(&self, key: &str, path: &str, body: Value) -> Answer {
        self.json(Method::PUT, key, path, body).await
    }

    pub async fn delete(&self, key: &str, path: &str) -> Answer {
        self.send(request(Method::DELETE, path, key, &[], Body::empty())).await
    }

    pub async fn upload(&self, path: &str, parts: &[(&str, &str, &[u8])]) -> Answer {
        self.post_form("", path, None, "edge", parts).await
    }

    pub async fn hma_bank(&self, name: &str) {
        let made = self.post("", "/c/banks", json!({ "name": name })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    }

    pub async fn bank_hash(&self, bank: &str, hash: &str) -> i64 {
        let path = format!("/c/bank/{bank}/signal");
        let added = self.post("", &path, json!({ "pdq": hash })).await;
        assert_eq!(added.status, StatusCode::OK, "{}", added.body);
        added.json()["id"].as_i64().unwrap()
    }

    pub async fn look_up(&self, path: &str, more: &str) -> Value {
        let answer = self
            .get("", &format!("{path}?signal_type=pdq&signal={KNOWN}{more}"))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()
    }
}

#[track_caller]
pub fn check(answer: &Answer, status: u16, body: Value) {
    assert_eq!((answer.status.as_u16(), answer.json()), (status, body));
}

/// A refusal in HMA's shape: an object with a message and nothing else.
#[track_caller]
pub fn check_message(answer: &Answer, status: u16) {
    let json = answer.json();
    let message = json["message"].as_str().unwrap_or_default();
    assert!(!message.is_empty(), "{} {}", answer.status, answer.body);
    assert_eq!(
        (answer.status.as_u16(), json.as_object().unwrap().len()),
        (status, 1),
        "{}",
        answer.body
    );
    assert_eq!(answer.header("content-type"), "application/json");
}
