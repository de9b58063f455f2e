//! Submitting, checking, and sending the same thing twice.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use expect_test::expect;
use moderation::flows::cases::decide_case;
use moderation::model::{
    Actor, Chance, Judgement, Lasts, Measure, PolicyCode, Restricted, Role, Scope, Timestamp, UserId,
};
use moderation::views;
use serde_json::{Value, json};

use crate::world::{KNOWN, PICTURE, World, pdq, request};

fn post_with(id: &str, media: Value) -> Value {
    json!({"id": id, "kind": "post", "media": media})
}

fn given(value: &str) -> Value {
    json!([{"name": "a.jpg", "signals": [{"type": "pdq", "value": value, "quality": 100}]}])
}

/// The known hash with the first `n` of its bits turned over.
fn near(n: u32) -> String {
    let mut bytes: Vec<u8> = (0..32)
        .map(|i| u8::from_str_radix(&KNOWN[2 * i..2 * i + 2], 16).unwrap())
        .collect();
    for bit in 0..n {
        bytes[bit as usize / 8] ^= 0x80 >> (bit % 8);
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_match_in_a_confirmed_bank_restricts() {
    let world = World::new().await;
    let key = world.key(&[Scope::ItemsWrite]).await;
    world.entry(world.bank("demo", true).await, pdq(KNOWN)).await;
    let answer = world
        .post(&key, "/api/v1/items", post_with("post-123", given(&near(4))))
        .await;
    answer.check(expect![[r#"
        200 OK
        {
          "case": "case_01m7q5cqg0dnja869dc33vdtcq",
          "decision": "dec_01m7q5cqg0dnja869dc33vdtcn",
          "item": "post-123",
          "measures": [
            {
              "what": "item"
            }
          ],
          "media": [
            {
              "matches": [
                {
                  "bank": "demo",
                  "distance": 4,
                  "entry": "ent_01m7q5cqg0dnja869dc33vdtcm",
                  "signal": "pdq",
                  "threshold": 31,
                  "tier": "match",
                  "view": "as_is"
                }
              ],
              "name": "a.jpg",
              "signals": [
                {
                  "quality": 100,
                  "type": "pdq",
                  "value": "08f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
                }
              ],
              "status": "given"
            }
          ],
          "outcome": "restrict"
        }
    "#]]);
}

#[tokio::test]
async fn what_matches_nothing_is_allowed() {
    let world = World::new().await;
    let key = world.key(&[Scope::ItemsWrite]).await;
    world.entry(world.bank("demo", true).await, pdq(KNOWN)).await;
    let answer = world
        .post(&key, "/api/v1/items", post_with("post-1", given(&near(120))))
        .await;
    answer.check(expect![[r#"
        200 OK
        {
          "decision": "dec_01m7q5cqg0dnja869dc33vdtcn",
          "item": "post-1",
          "media": [
            {
              "matches": [],
              "name": "a.jpg",
              "signals": [
                {
                  "quality": 100,
                  "type": "pdq",
                  "value": "07070f311f0b57b0f9c8f5ddfc709cf0b36e2ed596621e1d33e6b39c4e9c9b22"
                }
              ],
              "status": "given"
            }
          ],
          "outcome": "allow"
        }
    "#]]);
    let lead = world
        .post(&key, "/api/v1/items", post_with("post-2", given(&near(36))))
        .await
        .json();
    assert_eq!(
        (&lead["outcome"], &lead["media"][0]["matches"][0]["tier"]),
        (&json!("review"), &json!("lead"))
    );
}

#[tokio::test]
async fn an_uploaded_picture_is_hashed_and_found_however_it_comes() {
    use base64::Engine;
    let world = World::new().await;
    let key = world.full_key().await;
    let bank = world.bank("demo", false).await;
    let added = world
        .post_form(
            &key,
            &format!("/api/v1/banks/{bank}/entries"),
            None,
            "b",
            &[("file", "waves.jpg", PICTURE)],
        )
        .await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);

    let item = br#"{"id":"post-1","kind":"image"}"#;
    let form = world
        .post_form(
            &key,
            "/api/v1/items",
            None,
            "b",
            &[("item", "", item), ("a.jpg", "waves.jpg", PICTURE)],
        )
        .await;
    form.check(expect![[r#"
        200 OK
        {
          "case": "case_01m7q5cqg0dnja869dc33vdtcq",
          "decision": "dec_01m7q5cqg0dnja869dc33vdtcn",
          "item": "post-1",
          "media": [
            {
              "matches": [
                {
                  "bank": "demo",
                  "distance": 0,
                  "entry": "ent_01m7q5cqg0dnja869dc33vdtcm",
                  "signal": "md5",
                  "threshold": 0,
                  "tier": "match",
                  "view": "as_is"
                },
                {
                  "bank": "demo",
                  "distance": 0,
                  "entry": "ent_01m7q5cqg0dnja869dc33vdtcm",
                  "sighting": {
                    "alike": 14,
                    "compared": 14,
                    "corners": [
                      {
                        "x": 0.0,
                        "y": 0.0
                      },
                      {
                        "x": 1.0,
                        "y": 0.0
                      },
                      {
                        "x": 1.0,
                        "y": 1.0
                      },
                      {
                        "x": 0.0,
                        "y": 1.0
                      }
                    ],
                    "mirrored": false,
                    "places": 11
                  },
                  "signal": "pdq",
                  "threshold": 31,
                  "tier": "match",
                  "view": "as_is"
                },
                {
                  "bank": "demo",
                  "distance": 0,
                  "entry": "ent_01m7q5cqg0dnja869dc33vdtcm",
                  "signal": "sha256",
                  "threshold": 0,
                  "tier": "match",
                  "view": "as_is"
                }
              ],
              "name": "waves.jpg",
              "signals": [
                {
                  "quality": 100,
                  "type": "pdq",
                  "value": "fba5f8a1fba5e8a13fa5a8a10aa5a8a1aaa50019f7f80009aaabf9e6035a57fe"
                },
                {
                  "type": "md5",
                  "value": "deb4f0cabcb51c3097c5df7000dc97a0"
                },
                {
                  "type": "sha256",
                  "value": "18323a6f131f38dc2222446a759a61bcfa37b85eb94fd625cc291f9ed607e4c5"
                }
              ],
              "status": "scanned"
            }
          ],
          "outcome": "review"
        }
    "#]]);

    let data = base64::engine::general_purpose::STANDARD.encode(PICTURE);
    let media = json!([{"name": "waves.jpg", "data_base64": data}]);
    let inline = world.post(&key, "/api/v1/check", post_with("post-1", media)).await;
    assert_eq!(inline.json()["media"], form.json()["media"]);
}

#[tokio::test]
async fn what_cannot_be_examined_is_unscanned_never_clean() {
    let world = World::new().await;
    let key = world.key(&[Scope::ItemsWrite]).await;
    let media = json!([
        {"name": "empty.jpg", "data_base64": ""},
        {"name": "text.jpg", "data_base64": "aGVsbG8="},
        {"name": "elsewhere.jpg", "url": "https://media.example.org/a.jpg"},
        {"name": "nonsense.jpg", "url": "not an address"},
    ]);
    let answer = world.post(&key, "/api/v1/check", post_with("post-1", media)).await;
    answer.check(expect![[r#"
        200 OK
        {
          "item": "post-1",
          "media": [
            {
              "detail": "the file is empty",
              "matches": [],
              "name": "empty.jpg",
              "reason": "empty",
              "signals": [
                {
                  "type": "md5",
                  "value": "d41d8cd98f00b204e9800998ecf8427e"
                },
                {
                  "type": "sha256",
                  "value": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
                }
              ],
              "status": "unscanned"
            },
            {
              "detail": "an unknown type cannot be decoded here",
              "matches": [],
              "name": "text.jpg",
              "reason": "unsupported_type",
              "signals": [
                {
                  "type": "md5",
                  "value": "5d41402abc4b2a76b9719d911017c592"
                },
                {
                  "type": "sha256",
                  "value": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
                }
              ],
              "status": "unscanned"
            },
            {
              "detail": "media.example.org is not among the hosts that files may be fetched from",
              "matches": [],
              "name": "elsewhere.jpg",
              "reason": "fetch_host_not_allowed",
              "signals": [],
              "status": "unscanned"
            },
            {
              "detail": "the address is not an http or https address of a file",
              "matches": [],
              "name": "nonsense.jpg",
              "reason": "fetch_bad_url",
              "signals": [],
              "status": "unscanned"
            }
          ],
          "outcome": "review"
        }
    "#]]);
    let answer = world
        .post_form(
            &key,
            "/api/v1/check",
            None,
            "b",
            &[
                ("item", "", br#"{"id":"1","kind":"image"}"#),
                ("cut.jpg", "", &PICTURE[..300]),
            ],
        )
        .await;
    assert_eq!(answer.json()["media"][0]["reason"], "damaged", "{}", answer.body);
    assert_eq!(answer.json()["media"][0]["name"], "cut.jpg");
}

#[tokio::test]
async fn a_check_leaves_nothing_behind() {
    let world = World::new().await;
    let key = world.full_key().await;
    world.entry(world.bank("demo", true).await, pdq(KNOWN)).await;
    let n_events = views::metrics(&world.app).await.unwrap().n_events;
    let answer = world
        .post(&key, "/api/v1/check", post_with("post-1", given(KNOWN)))
        .await;
    let verdict = answer.json();
    assert_eq!(verdict["outcome"], "restrict");
    assert_eq!((verdict.get("decision"), verdict.get("case")), (None, None));
    assert_eq!(world.get(&key, "/api/v1/items/post-1").await.problem(), "404 not-found");
    assert_eq!(views::metrics(&world.app).await.unwrap().n_events, n_events);
}

#[tokio::test]
async fn the_same_submission_twice_is_one() {
    let world = World::new().await;
    let key = world.full_key().await;
    let first = world
        .post(&key, "/api/v1/items", post_with("post-1", given(KNOWN)))
        .await
        .json();
    let again = world
        .post(&key, "/api/v1/items", post_with("post-1", given(KNOWN)))
        .await
        .json();
    assert_eq!(first, again);
    let other = world
        .post(&key, "/api/v1/items", post_with("post-1", given(&near(200))))
        .await
        .json();
    assert_ne!(first["decision"], other["decision"]);
    let item = world.get(&key, "/api/v1/items/post-1").await.json();
    assert_eq!(
        (&item["revision"], &item["verdict"]["decision"]),
        (&json!(2), &other["decision"])
    );
}

#[tokio::test]
async fn a_late_retry_finds_its_own_decision() {
    let world = World::new().await;
    let key = world.full_key().await;
    let (old, new) = (
        post_with("post-1", given(KNOWN)),
        post_with("post-1", given(&near(200))),
    );
    let first = world.post_once(&key, "/api/v1/items", "k-1", old.clone()).await.json();
    let edited = world.post_once(&key, "/api/v1/items", "k-2", new.clone()).await.json();
    let retried = world.post_once(&key, "/api/v1/items", "k-1", old).await.json();
    assert_eq!(retried["decision"], first["decision"]);
    let item = world.get(&key, "/api/v1/items/post-1").await.json();
    assert_eq!(
        (&item["revision"], &item["verdict"]["decision"]),
        (&json!(2), &edited["decision"])
    );

    let reused = world.post_once(&key, "/api/v1/items", "k-1", new.clone()).await;
    reused.check(expect![[r#"
        422 Unprocessable Entity
        {
          "detail": "A request that differs from this one was made with the same idempotency key.",
          "field": "Idempotency-Key",
          "remedy": "Use a new key for each new request, and the same key for retries alone.",
          "status": 422,
          "title": "The idempotency key belongs to another request",
          "type": "/problems/idempotency-key-reused"
        }
    "#]]);
    let stranger = world.key(&[Scope::ItemsWrite]).await;
    assert_eq!(
        world.post_once(&stranger, "/api/v1/items", "k-1", new).await.status,
        StatusCode::OK,
        "keys of others never meet"
    );
}

#[tokio::test]
async fn a_form_is_the_same_request_whatever_stands_between_its_parts() {
    let world = World::new().await;
    let key = world.full_key().await;
    let item = br#"{"id":"post-1","kind":"image"}"#;
    let send = async |boundary: &str, bytes: &[u8]| {
        let parts: [(&str, &str, &[u8]); 2] = [("item", "", item), ("file", "a.jpg", bytes)];
        world
            .post_form(&key, "/api/v1/items", Some("k-1"), boundary, &parts)
            .await
    };
    let first = send("one", PICTURE).await;
    let again = send("another", PICTURE).await;
    assert_eq!(first.json(), again.json());
    assert_eq!(
        send("one", &PICTURE[..4000]).await.problem(),
        "422 idempotency-key-reused Idempotency-Key"
    );
}

#[tokio::test]
async fn a_quality_is_a_whole_number_however_it_is_written() {
    let world = World::new().await;
    let key = world.key(&[Scope::ItemsWrite]).await;
    let send = async |quality: &str| {
        let signal = format!(r#"{{"type":"pdq","value":"{KNOWN}","quality":{quality}}}"#);
        let body = format!(r#"{{"id":"1","kind":"post","media":[{{"name":"a","signals":[{signal}]}}]}}"#);
        let headers = [("content-type", "application/json")];
        let answer = world
            .send(request(Method::POST, "/api/v1/check", &key, &headers, body.into()))
            .await;
        (
            answer.status.as_u16(),
            answer.json()["media"][0]["signals"][0]["quality"].clone(),
        )
    };
    for (quality, expected) in [("0", 0), ("67", 67), ("67.0", 67), ("1e2", 100)] {
        assert_eq!(send(quality).await, (200, json!(expected)), "{quality}");
    }
    for bad in ["-1", "67.5", "101", "256", "1e300", "\"67\"", "null", "true"] {
        assert_eq!(send(bad).await, (422, Value::Null), "{bad}");
    }
}

#[tokio::test]
async fn a_platform_sends_what_its_translator_made_of_a_text() {
    let world = World::new().await;
    let key = world.key(&[Scope::ItemsWrite]).await;
    let reader = world.key(&[Scope::ItemsRead]).await;
    let item = json!({ "id": "post 1/ü", "kind": "post", "text": "ujumbe" });
    assert_eq!(world.post(&key, "/api/v1/items", item).await.status, 200);
    let path = "/api/v1/items/post%201%2F%C3%BC/translations";
    let body = json!({ "revision": 1, "language": "en", "text": "a message", "translator": "ours, version 7" });
    assert_eq!(world.json(Method::PUT, &key, path, body.clone()).await.status, 204);
    let listed = world.get(&reader, path).await.json();
    assert_eq!(listed["revision"], 1);
    assert_eq!(listed["translations"][0]["text"], "a message");
    assert_eq!(listed["translations"][0]["translator"], "ours, version 7");

    let put = async |key: &str, path: &str, field: &str, value: Value| {
        let mut body = body.clone();
        body[field] = value;
        world.json(Method::PUT, key, path, body).await.problem()
    };
    assert_eq!(
        put(&key, path, "language", json!("not a tag")).await,
        "422 invalid-field language"
    );
    assert_eq!(put(&key, path, "text", json!(" ")).await, "422 invalid-field text");
    assert!(put(&key, path, "revision", json!(2)).await.starts_with("409 "));
    assert!(put(&reader, path, "text", json!("x")).await.starts_with("403 "));
    let missing = "/api/v1/items/nothing/translations";
    assert!(put(&key, missing, "text", json!("x")).await.starts_with("404 "));
    let gone = format!("{path}?revision=1&language=en");
    assert_eq!(world.json(Method::DELETE, &key, &gone, Value::Null).await.status, 204);
    assert!(
        world
            .json(Method::DELETE, &key, &gone, Value::Null)
            .await
            .problem()
            .starts_with("404 ")
    );
    assert_eq!(world.get(&reader, path).await.json()["translations"], json!([]));
}

#[tokio::test]
async fn a_verdict_says_what_is_restricted() {
    let world = World::new().await;
    let key = world.key(&[Scope::ItemsWrite, Scope::ItemsRead]).await;
    world.entry(world.bank("unsure", false).await, pdq(KNOWN)).await;
    let submit = async || {
        world
            .post(&key, "/api/v1/items", post_with("post-1", given(KNOWN)))
            .await
    };
    let first = submit().await;
    assert!(first.json().get("measures").is_none(), "{}", first.body);
    let person = Actor::person(
        UserId::fresh(Timestamp::from_unix_ms(1), &Chance::seeded(1)),
        Role::Moderator.into(),
    );
    let judgement = Judgement {
        measures: vec![
            Measure::new(Restricted::Reach, Lasts::For(Duration::from_secs(7 * 24 * 3_600))),
            Measure::scoped(Restricted::Countries, "fr de", Lasts::Open),
        ],
        ..Judgement::restrict(1, PolicyCode::HateSpeech, "It calls for hatred.")
    };
    decide_case(&world.app, &person, first.text("case").parse().unwrap(), judgement)
        .await
        .unwrap();
    // The item is to be seen, by fewer people and not everywhere: `restrict` alone would not say so.
    let expected = json!([
        {"what": "countries", "countries": ["DE", "FR"]},
        {"what": "reach", "until": "2026-11-25T11:06:40.000Z"},
    ]);
    let mut seen = submit().await.json();
    assert_eq!(seen["outcome"], "restrict");
    let by_what = |a: &Value| a["what"].as_str().unwrap().to_owned();
    seen["measures"].as_array_mut().unwrap().sort_by_key(by_what);
    assert_eq!(seen["measures"], expected);
    let mut read = world.get(&key, "/api/v1/items/post-1").await.json();
    read["verdict"]["measures"].as_array_mut().unwrap().sort_by_key(by_what);
    assert_eq!(read["verdict"]["measures"], expected);
    // What is only checked says what would be.
    let confirmed = world.entry(world.bank("sure", true).await, pdq(&near(120))).await;
    let checked = world
        .post(&key, "/api/v1/check", post_with("post-2", given(&near(120))))
        .await;
    assert_eq!(
        checked.json()["measures"],
        json!([{"what": "item"}]),
        "{confirmed}: {}",
        checked.body
    );
}
