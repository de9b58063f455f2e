//! Rules, lists, labels and explanations, as programs see them.

use axum::body::Body;
use axum::http::Method;
use moderation::flows::rules;
use moderation::model::{Actor, Scope};
use serde_json::{Value, json};

use crate::world::{World, request};

fn files(rule: &str) -> Value {
    let text = format!(
        "rule hello {{ on: post when: {rule} then: case greetings reason: \"it greets\" owner: \"t\" review: 2030-01-01 mode: live }}\n\
         rule anything {{ when: true then: allow reason: \"nothing speaks against it\" owner: \"t\" review: 2030-01-01 mode: live }}\n"
    );
    json!([{ "name": "all.rules", "text": text }])
}

/// A change by a key, approved at the machine: its id.
async fn live(world: &World, key: &str, rule: &str) -> String {
    let body = json!({ "files": files(rule), "note": "because" });
    let proposed = world.post(key, "/api/v1/rules/changes", body).await;
    assert_eq!(proposed.status, 201, "{}", proposed.body);
    let id = proposed.text("id");
    assert_eq!(proposed.header("location"), format!("/api/v1/rules/changes/{id}"));
    rules::approve(&world.app, &Actor::Operator, id.parse().unwrap(), "")
        .await
        .unwrap();
    id
}

#[tokio::test]
async fn a_key_proposes_and_stops_but_never_approves() {
    let world = World::new().await;
    let key = world.full_key().await;
    let narrow = world.key(&[Scope::RulesRead]).await;
    let body = json!({ "files": files("item.views > 1"), "note": "because" });
    let denied = world.post(&narrow, "/api/v1/rules/changes", body.clone()).await;
    assert_eq!(denied.problem(), "403 forbidden");
    let other = world.key(&[Scope::ItemsRead]).await;
    assert_eq!(world.get(&other, "/api/v1/rules").await.problem(), "403 forbidden");

    let id = world.post(&key, "/api/v1/rules/changes", body).await.text("id");
    let path = format!("/api/v1/rules/changes/{id}");
    let decide = |verb: &str| json!({ "decision": verb, "note": "" });
    let second = world.full_key().await;
    for key in [&key, &second] {
        let answer = world.post(key, &format!("{path}/decision"), decide("approve")).await;
        assert_eq!(answer.problem(), "403 forbidden", "a second key is no second person");
    }
    let rejected = world.post(&second, &format!("{path}/decision"), decide("reject")).await;
    assert_eq!(rejected.status, 204, "{}", rejected.body);
    let again = world.post(&key, &format!("{path}/decision"), decide("withdraw")).await;
    assert_eq!(again.problem(), "409 conflict");
    assert_eq!(world.get(&narrow, &path).await.json()["state"], "rejected");
}

#[tokio::test]
async fn a_rollback_that_is_sent_twice_is_one_step() {
    let world = World::new().await;
    let key = world.full_key().await;
    live(&world, &key, "item.views > 1").await;
    live(&world, &key, "item.views > 2").await;
    let back = async |body: Value| world.post(&key, "/api/v1/rules/rollback", body).await;
    let step = json!({ "from": 3, "why": "too many" });
    assert_eq!(back(step.clone()).await.json()["live"], 2);
    assert_eq!(back(step).await.problem(), "409 conflict");
    assert_eq!(back(json!({ "why": "still" })).await.json()["live"], 1);
    assert_eq!(back(json!({ "why": "still" })).await.problem(), "404 not-found");
    assert_eq!(back(json!({ "to": 9, "why": "x" })).await.problem(), "404 not-found");
    assert_eq!(
        back(json!({ "to": 3, "why": "" })).await.problem(),
        "422 invalid-field why"
    );
    assert_eq!(world.get(&key, "/api/v1/rules").await.json()["live"], 1);
}

#[tokio::test]
async fn files_are_checked_and_tried_beyond_the_size_of_small_requests() {
    let world = World::with(|settings| {
        settings.limits.small_body_bytes_max = 1_000;
        settings.limits.body_bytes_max = 100_000;
    })
    .await;
    let key = world.full_key().await;
    let item = json!({ "id": "p1", "kind": "post", "text": "hello" });
    assert!(world.post(&key, "/api/v1/items", item).await.status.is_success());
    let mut files = files("item.text.contains(\"hello\")");
    let text = files[0]["text"].as_str().unwrap().to_owned();
    files[0]["text"] = json!(format!("{text}{}", "// said at length\n".repeat(300)));
    let checked = world
        .post(&key, "/api/v1/rules/check", json!({ "files": files }))
        .await
        .json();
    assert_eq!(checked["good"], true, "{checked}");
    let tried = world
        .post(&key, "/api/v1/rules/try", json!({ "files": files, "days": 1 }))
        .await
        .json();
    let found = &tried["found"];
    assert_eq!(
        (&found["n_events"], &found["n_differ"]),
        (&json!(1), &json!(1)),
        "{tried}"
    );
    assert_eq!(
        found["queues"],
        json!([{ "name": "greetings", "was": 0, "would_be": 1 }])
    );
    assert_eq!(found["examples"][0]["reason"], "it greets");

    let places: Vec<_> = std::iter::from_fn(|| world.app.judge.begin_backtest()).collect();
    let busy = world.post(&key, "/api/v1/rules/try", json!({ "files": files })).await;
    assert_eq!(busy.problem(), "503 busy");
    drop(places);

    files[0]["text"] = json!("x".repeat(100_001));
    let larger = world.post(&key, "/api/v1/rules/check", json!({ "files": files })).await;
    assert_eq!(larger.problem(), "413 too-large");
    let bad = world
        .post(&key, "/api/v1/rules/check", json!({ "files": files[0] }))
        .await;
    assert_eq!(bad.status, 413, "{}", bad.body);
}

/// The manual for authors shows the smallest body that carries what its first rule asks about.
#[tokio::test]
async fn the_manuals_body_carries_what_its_rule_asks_about() {
    const MANUAL: &str = include_str!("../../../../docs/rules.md");
    let block = |kind: &str| {
        let rest = MANUAL.split(&format!("```{kind}\n")).nth(1).unwrap();
        rest.split("```").next().unwrap()
    };
    let world = World::new().await;
    let key = world.full_key().await;
    let body: Value = serde_json::from_str(block("json")).unwrap();
    let answer = world.post(&key, "/api/v1/items", body).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    let anything =
        "rule anything { when: true then: allow reason: \"nothing\" owner: \"t\" review: 2030-01-01 mode: live }";
    let text = format!("{}{anything}\n", block("rules").split("test ").next().unwrap()).replace(">= 3", ">= 1");
    let files = json!([{ "name": "links.rules", "text": text }]);
    let tried = world
        .post(&key, "/api/v1/rules/try", json!({ "files": files, "days": 7 }))
        .await;
    let found = &tried.json()["found"]["rules"];
    let found = found
        .as_array()
        .unwrap()
        .iter()
        .find(|rule| rule["name"] == "shared_link");
    assert_eq!(found.unwrap()["would_be"], 1, "{}", tried.body);
}

#[tokio::test]
async fn lists_and_labels_are_kept_by_programs() {
    let world = World::with(|settings| settings.limits.small_body_bytes_max = 1_000).await;
    let key = world.full_key().await;
    let list = "/api/v1/rules/lists/bad_links";
    let put = world.json(Method::PUT, &key, list, json!({ "owner": "t" })).await;
    assert_eq!(put.status, 204, "{}", put.body);
    let file: String = (0..200).map(|n| format!("https://a.example/{n}\n")).collect();
    let headers = [("content-type", "text/plain")];
    let entries = format!("{list}/entries");
    let sent = request(Method::POST, &entries, &key, &headers, Body::from(file));
    assert_eq!(world.send(sent).await.json()["added"], 200);
    let page = world.get(&key, &format!("{entries}?limit=3")).await.json();
    assert_eq!(page["rows"].as_array().unwrap().len(), 3);

    let label = json!({ "on": "account", "subject": "ann", "label": "spammer", "reason": "seen" });
    let narrow = world.key(&[Scope::RulesRead]).await;
    let denied = world.json(Method::PUT, &narrow, "/api/v1/labels", label.clone()).await;
    assert_eq!(denied.problem(), "403 forbidden");
    let set = world.json(Method::PUT, &key, "/api/v1/labels", label).await;
    assert_eq!(set.status, 204, "{}", set.body);
    let labels = world.get(&narrow, "/api/v1/labels").await.json();
    assert_eq!(labels["rows"][0]["subject"], "ann");
    let path = "/api/v1/labels?on=account&subject=ann&label=spammer";
    for status in [204, 404] {
        let removed = world
            .send(request(Method::DELETE, path, &key, &[], Body::empty()))
            .await;
        assert_eq!(removed.status, status, "{}", removed.body);
    }
}

#[tokio::test]
async fn a_decision_is_explained_to_whoever_may_read_it() {
    let world = World::new().await;
    let key = world.full_key().await;
    live(&world, &key, "item.text.contains(\"hello\")").await;
    let item = json!({ "id": "p1", "kind": "post", "text": "hello" });
    let decision = world.post(&key, "/api/v1/items", item).await.text("decision");
    let path = format!("/api/v1/decisions/{decision}/explanation");
    let explained = world.get(&key, &path).await.json();
    assert!(
        explained["sentence"].as_str().unwrap().contains("it greets"),
        "{explained}"
    );
    assert!(!explained["lines"].as_array().unwrap().is_empty());
    let narrow = world.key(&[Scope::RulesRead]).await;
    assert_eq!(world.get(&narrow, &path).await.problem(), "403 forbidden");
    let none = "/api/v1/decisions/dec_01m7q5cqg0dnja869dc33vdtcn/explanation";
    assert_eq!(world.get(&key, none).await.problem(), "404 not-found");
}
