//! Lists, page by page, and single things.

use axum::http::Method;
use expect_test::expect;
use moderation::flows::cases;
use moderation::model::{Actor, Event, Judgement, PolicyCode, Role, Scope, Timestamp, UserId};
use serde_json::{Value, json};

use crate::world::{KNOWN, World, pdq};

async fn submit(world: &World, key: &str, id: &str, value: &str) -> Value {
    let body = json!({"id": id, "kind": "post", "text": "hello", "media": [{"name": "a", "signals": [{"type": "pdq", "value": value}]}]});
    let answer = world.post(key, "/api/v1/items", body).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    answer.json()
}

/// All rows of a list, read in pages of `limit`.
async fn read_all(world: &World, key: &str, path: &str, limit: usize) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get(key, &format!("{path}?limit={limit}{cursor}")).await.json();
        let on_page = page["rows"].as_array().unwrap_or_else(|| panic!("{page}"));
        assert!(on_page.len() <= limit && (on_page.len() == limit || page.get("next").is_none()));
        rows.extend(on_page.iter().cloned());
        match page.get("next") {
            None => return rows,
            Some(next) => {
                let encoded = next
                    .as_str()
                    .unwrap()
                    .bytes()
                    .map(|byte| format!("%{byte:02X}"))
                    .collect::<String>();
                cursor = format!("&cursor={encoded}");
            }
        }
    }
}

#[tokio::test]
async fn every_list_is_whole_whatever_the_page() {
    let world = World::new().await;
    let key = world.full_key().await;
    world.entry(world.bank("demo", true).await, pdq(KNOWN)).await;
    for n in 0..4 {
        world.bank(&format!("bank {n}"), false).await;
        submit(&world, &key, &format!("post {n}/ä:{n}"), KNOWN).await;
    }
    for path in ["items", "banks", "cases", "decisions", "actions", "events"] {
        let path = format!("/api/v1/{path}");
        let at_once = read_all(&world, &key, &path, 200).await;
        assert!(at_once.len() >= 4, "{path}");
        for limit in [1, 2, 3] {
            assert_eq!(read_all(&world, &key, &path, limit).await, at_once, "{path} by {limit}");
        }
        let bad = world.get(&key, &format!("{path}?cursor=%00")).await;
        assert_eq!(bad.problem(), "422 invalid-field cursor", "{path}");
        let bad = world.get(&key, &format!("{path}?limit=201")).await;
        assert_eq!(bad.problem(), "422 invalid-field limit", "{path}");
        let bad = world.get(&key, &format!("{path}?order=newest")).await;
        assert_eq!(bad.problem(), "422 invalid-field order", "{path}");
    }
}

#[tokio::test]
async fn each_thing_can_be_read_by_itself() {
    let world = World::new().await;
    let key = world.full_key().await;
    world.entry(world.bank("demo", true).await, pdq(KNOWN)).await;
    let verdict = submit(&world, &key, "post/1 ä", KNOWN).await;

    world
        .get(&key, "/api/v1/items/post%2F1%20%C3%A4")
        .await
        .check(expect![[r#"
            200 OK
            {
              "id": "post/1 ä",
              "kind": "post",
              "received_at": "2026-11-18T11:06:40.000Z",
              "revision": 1,
              "text": "hello",
              "updated_at": "2026-11-18T11:06:40.000Z",
              "verdict": {
                "case": "case_01m7q5cqg0dnja869dc33vdtcq",
                "decision": "dec_01m7q5cqg0dnja869dc33vdtcn",
                "item": "post/1 ä",
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
                        "distance": 0,
                        "entry": "ent_01m7q5cqg0dnja869dc33vdtcm",
                        "signal": "pdq",
                        "threshold": 31,
                        "tier": "match",
                        "view": "as_is"
                      }
                    ],
                    "name": "a",
                    "signals": [
                      {
                        "type": "pdq",
                        "value": "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
                      }
                    ],
                    "status": "given"
                  }
                ],
                "outcome": "restrict"
              }
            }
        "#]]);
    world
        .get(
            &key,
            &format!("/api/v1/decisions/{}", verdict["decision"].as_str().unwrap()),
        )
        .await
        .check(expect![[r#"
            200 OK
            {
              "author": "rule",
              "case": "case_01m7q5cqg0dnja869dc33vdtcq",
              "decided_at": "2026-11-18T11:06:40.000Z",
              "facts": {
                "matches": [
                  {
                    "bank": "bank_01m7q5cqg0dnja869dc33vdtck",
                    "bank_confirmed": true,
                    "distance": 0,
                    "entry": "ent_01m7q5cqg0dnja869dc33vdtcm",
                    "media": "med_01m7q5cqg0dnja869dc33vdtcp",
                    "nearest_benign": null,
                    "segments": null,
                    "sighting": null,
                    "signal": "pdq",
                    "threshold": 31,
                    "tier": "match",
                    "view": "as_is"
                  }
                ],
                "n_damaged": 0,
                "n_unscanned": 0,
                "reported": false,
                "restricted": [
                  "item"
                ],
                "restricted_before": null,
                "rules": {
                  "counters": [],
                  "facts": {
                    "item.reported": false,
                    "item.restricted_under": null,
                    "matches": {
                      "rows": 1
                    },
                    "media.damaged": 0,
                    "media.unscanned": 0
                  },
                  "fired": [
                    {
                      "counts": true,
                      "decides": true,
                      "policy": "terrorist_content",
                      "reason": "matches known content in a confirmed bank",
                      "rule": "confirmed_match"
                    },
                    {
                      "counts": true,
                      "decides": false,
                      "policy": null,
                      "reason": "nothing speaks against it",
                      "rule": "nothing_found"
                    }
                  ],
                  "undecided": []
                },
                "stands": null
              },
              "id": "dec_01m7q5cqg0dnja869dc33vdtcn",
              "item": "post/1 ä",
              "outcome": "restrict",
              "policy": "terrorist_content",
              "reason": "matches known content in a confirmed bank",
              "revision": 1,
              "rule": "confirmed_match",
              "rules_version": "1",
              "seawall_version": "0.1.0"
            }
        "#]]);
    let case = format!("/api/v1/cases/{}", verdict["case"].as_str().unwrap());
    world.get(&key, &case).await.check(expect![[r#"
        200 OK
        {
          "id": "case_01m7q5cqg0dnja869dc33vdtcq",
          "item": "post/1 ä",
          "lane": "rest",
          "media": [
            {
              "matches": [
                {
                  "bank": "demo",
                  "distance": 0,
                  "entry": "ent_01m7q5cqg0dnja869dc33vdtcm",
                  "signal": "pdq",
                  "threshold": 31,
                  "tier": "match",
                  "view": "as_is"
                }
              ],
              "name": "a",
              "signals": [
                {
                  "type": "pdq",
                  "value": "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
                }
              ],
              "status": "given"
            }
          ],
          "opened_at": "2026-11-18T11:06:40.000Z",
          "opened_by": "dec_01m7q5cqg0dnja869dc33vdtcn",
          "queue": "matches",
          "reason": "matches known content in a confirmed bank",
          "standing": {
            "ahead": 0,
            "factors": {
              "chance": 0.5,
              "confirmed": 0,
              "handled": 0,
              "handling_ms": 120000,
              "head_start_ms": 40637841,
              "index": 2500.0,
              "learned_from": "nothing",
              "reversed": 0,
              "severity": 100.0,
              "views_ahead": 100.0,
              "views_known": false
            },
            "placed_at": "2026-11-18T11:06:40.000Z",
            "turn": "2026-11-17T23:49:22.159Z"
          },
          "state": "open"
        }
    "#]]);
    let action = read_all(&world, &key, "/api/v1/actions", 1).await[0].clone();
    let one = world
        .get(&key, &format!("/api/v1/actions/{}", action["id"].as_str().unwrap()))
        .await;
    assert_eq!(one.json(), action);
    one.check(expect![[r#"
        200 OK
        {
          "attempts": 0,
          "decision": "dec_01m7q5cqg0dnja869dc33vdtcn",
          "id": "act_01m7q5cqg0dnja869dc33vdtcr",
          "item": "post/1 ä",
          "kind": "restrict",
          "ordered_at": "2026-11-18T11:06:40.000Z",
          "run": 1,
          "state": "waiting",
          "what": "item"
        }
    "#]]);

    let chance = &world.app.chance;
    let person = Actor::person(
        UserId::fresh(Timestamp::from_unix_ms(1), chance),
        Role::Moderator.into(),
    );
    let judgement = Judgement::restrict(1, PolicyCode::TerroristContent, "seen");
    let decision = cases::decide_case(
        &world.app,
        &person,
        verdict["case"].as_str().unwrap().parse().unwrap(),
        judgement,
    )
    .await
    .unwrap();
    world.get(&key, &case).await.check(expect![[r#"
        200 OK
        {
          "closed_at": "2026-11-18T11:06:40.000Z",
          "closed_by": "dec_01m7q5cqg0a4cqh9vc7hj71v7c",
          "id": "case_01m7q5cqg0dnja869dc33vdtcq",
          "item": "post/1 ä",
          "lane": "rest",
          "media": [
            {
              "matches": [
                {
                  "bank": "demo",
                  "distance": 0,
                  "entry": "ent_01m7q5cqg0dnja869dc33vdtcm",
                  "signal": "pdq",
                  "threshold": 31,
                  "tier": "match",
                  "view": "as_is"
                }
              ],
              "name": "a",
              "signals": [
                {
                  "type": "pdq",
                  "value": "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
                }
              ],
              "status": "given"
            }
          ],
          "opened_at": "2026-11-18T11:06:40.000Z",
          "opened_by": "dec_01m7q5cqg0dnja869dc33vdtcn",
          "queue": "matches",
          "reason": "matches known content in a confirmed bank",
          "state": "closed"
        }
    "#]]);
    let decided = world.get(&key, &format!("/api/v1/decisions/{decision}")).await;
    assert_eq!(decided.text("author"), "person");
    assert!(
        !decided.body.contains("user_"),
        "who decided is not told: {}",
        decided.body
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let world = World::new().await;
    let key = world.full_key().await;
    let zeros = "0".repeat(26);
    for path in [
        "items/none",
        &format!("banks/bank_{zeros}"),
        &format!("banks/bank_{zeros}/entries"),
        &format!("entries/ent_{zeros}"),
        &format!("cases/case_{zeros}"),
        &format!("decisions/dec_{zeros}"),
        &format!("actions/act_{zeros}"),
        "events/999999",
        "events/0",
        "events/-9223372036854775808",
        "events/99999999999999999999",
        "events/x",
        "cases/x",
        "items/%20",
        "items/a%00b",
        "decisions/act_00000000000000000000000000",
    ] {
        assert_eq!(
            world.get(&key, &format!("/api/v1/{path}")).await.problem(),
            "404 not-found",
            "{path}"
        );
    }
    assert_eq!(
        world.get(&key, "/api/v1/items/%ff").await.problem(),
        "400 malformed-request"
    );
    let retry = world
        .json(
            Method::POST,
            &key,
            &format!("/api/v1/actions/act_{zeros}/retry"),
            json!({}),
        )
        .await;
    assert_eq!(retry.problem(), "404 not-found");
}

#[tokio::test]
async fn lists_are_filtered() {
    let world = World::new().await;
    let key = world.full_key().await;
    world.entry(world.bank("demo", true).await, pdq(KNOWN)).await;
    submit(&world, &key, "post-1", KNOWN).await;
    let n = async |path: &str| {
        world.get(&key, &format!("/api/v1/{path}")).await.json()["rows"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((n("cases?state=open").await, n("cases?state=closed").await), (1, 0));
    assert_eq!(
        (n("cases?queue=matches").await, n("cases?queue=leads&state=open").await),
        (1, 0)
    );
    assert_eq!(
        (n("actions?state=waiting").await, n("actions?state=dead").await),
        (1, 0)
    );
    assert_eq!(
        world.get(&key, "/api/v1/cases?state=ajar").await.problem(),
        "422 invalid-field state"
    );
    assert_eq!(
        world.get(&key, "/api/v1/cases?queue=").await.problem(),
        "422 invalid-field queue"
    );
    assert_eq!(
        world.get(&key, "/api/v1/actions?state=lost").await.problem(),
        "422 invalid-field state"
    );
}

#[tokio::test]
async fn the_log_can_be_checked_by_who_reads_it() {
    let world = World::new().await;
    let key = world.full_key().await;
    submit(&world, &key, "post-1", KNOWN).await;
    let events = read_all(&world, &key, "/api/v1/events", 2).await;
    let mut prev_hash = Event::GENESIS.to_owned();
    for (idx, event) in events.iter().enumerate() {
        let text = |field: &str| event[field].as_str().unwrap().to_owned();
        let line = Event {
            seq: event["seq"].as_i64().unwrap(),
            at: Timestamp::from_unix_ms(event["at_unix_ms"].as_i64().unwrap()),
            actor: text("actor"),
            kind: text("kind"),
            subject: text("subject"),
            body: text("body"),
            prev_hash: text("prev_hash"),
            hash: text("hash"),
        };
        assert_eq!((line.seq, &line.prev_hash), (idx as i64 + 1, &prev_hash));
        assert_eq!(line.compute_hash(), line.hash);
        prev_hash = line.hash;
    }
    assert!(events.len() >= 3);
    assert_eq!(world.get(&key, "/api/v1/events/2").await.json(), events[1]);
}

#[tokio::test]
async fn an_order_is_delivered_again_on_request() {
    let world = World::new().await;
    let key = world.key(&[Scope::ActionsWrite]).await;
    let full = world.full_key().await;
    world.entry(world.bank("demo", true).await, pdq(KNOWN)).await;
    submit(&world, &full, "post-1", KNOWN).await;
    let action = read_all(&world, &full, "/api/v1/actions", 1).await[0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let retried = world
        .json(
            Method::POST,
            &key,
            &format!("/api/v1/actions/{action}/retry"),
            json!({}),
        )
        .await;
    retried.check(expect![[r#"
        204 No Content
    "#]]);
    let last = read_all(&world, &full, "/api/v1/events", 200).await.pop().unwrap();
    assert_eq!(
        (&last["kind"], &last["subject"]),
        (&json!("action.retried"), &json!(action))
    );
}
