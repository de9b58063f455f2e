//! Submissions that are wrong: each answer names the field, and nothing is remembered.

use axum::body::Body;
use axum::http::Method;
use expect_test::expect;
use moderation::model::{Actor, PageRequest, Scope};
use moderation::views;
use serde_json::{Value, json};

use crate::world::{KNOWN, PICTURE, World, request};

fn post_with(id: &str, media: Value) -> Value {
    json!({"id": id, "kind": "post", "media": media})
}

#[tokio::test]
async fn wrong_submissions_name_what_is_wrong() {
    let world = World::new().await;
    let key = world.key(&[Scope::ItemsWrite]).await;
    let signal = json!([{"type": "pdq", "value": KNOWN}]);
    let long = "x".repeat(2_001);
    let mut problems = String::new();
    for (name, body) in [
        ("no object", json!([])),
        ("list of fields", json!(["1", "post"])),
        ("list of fields of a file", post_with("1", json!([["a", "aGVsbG8="]]))),
        (
            "list of fields of a signal",
            post_with("1", json!([{"name": "a", "signals": [["md5", "0".repeat(32)]]}])),
        ),
        ("no id", json!({"kind": "post"})),
        ("empty id", json!({"id": "", "kind": "post"})),
        ("long id", json!({"id": "x".repeat(257), "kind": "post"})),
        ("control character in id", json!({"id": "a\u{0}", "kind": "post"})),
        ("unknown kind", json!({"id": "1", "kind": "poem"})),
        ("unknown field", json!({"id": "1", "kind": "post", "txt": "x"})),
        ("null", json!({"id": "1", "kind": "post", "text": null})),
        ("NUL in text", json!({"id": "1", "kind": "post", "text": "a\u{0}b"})),
        ("NUL in report", json!({"id": "1", "kind": "post", "report": "\u{0}"})),
        ("long account", json!({"id": "1", "kind": "post", "account": long})),
        (
            "long text",
            json!({"id": "1", "kind": "post", "text": "x".repeat(100_001)}),
        ),
        (
            "unknown audience",
            json!({"id": "1", "kind": "post", "audience": "all"}),
        ),
        ("media is no list", json!({"id": "1", "kind": "post", "media": {}})),
        ("no name", post_with("1", json!([{"signals": signal}]))),
        ("empty name", post_with("1", json!([{"name": "", "signals": signal}]))),
        (
            "NUL in name",
            post_with("1", json!([{"name": "a\u{0}", "signals": signal}])),
        ),
        ("nothing of the file", post_with("1", json!([{"name": "a"}]))),
        (
            "two of the file",
            post_with("1", json!([{"name": "a", "signals": signal, "data_base64": ""}])),
        ),
        (
            "null of the file",
            post_with("1", json!([{"name": "a", "signals": signal, "data_base64": null}])),
        ),
        ("no signals", post_with("1", json!([{"name": "a", "signals": []}]))),
        (
            "unknown signal",
            post_with(
                "1",
                json!([{"name": "a", "signals": [{"type": "phash", "value": "00"}]}]),
            ),
        ),
        (
            "short hash",
            post_with("1", json!([{"name": "a", "signals": [{"type": "pdq", "value": "00"}]}])),
        ),
        (
            "quality over 100",
            post_with(
                "1",
                json!([{"name": "a", "signals": [{"type": "pdq", "value": KNOWN, "quality": 101}]}]),
            ),
        ),
        (
            "quality of md5",
            post_with(
                "1",
                json!([{"name": "a", "signals": [{"type": "md5", "value": "0".repeat(32), "quality": 1}]}]),
            ),
        ),
        (
            "not base 64",
            post_with("1", json!([{"name": "a", "data_base64": "?"}])),
        ),
        (
            "base 64 without padding",
            post_with("1", json!([{"name": "a", "data_base64": "aGVsbG8"}])),
        ),
        (
            "NUL in address",
            post_with("1", json!([{"name": "a", "url": "http://a\u{0}"}])),
        ),
        (
            "21 files",
            post_with("1", Value::Array(vec![json!({"name": "a", "signals": signal}); 21])),
        ),
    ] {
        let answer = world.post(&key, "/api/v1/items", body).await;
        problems.push_str(&format!("{name}: {}\n", answer.problem()));
    }
    expect![[r#"
        no object: 422 invalid-field body
        list of fields: 422 invalid-field body
        list of fields of a file: 422 invalid-field media[0]
        list of fields of a signal: 422 invalid-field media[0].signals[0]
        no id: 422 invalid-field id
        empty id: 422 invalid-field id
        long id: 422 invalid-field id
        control character in id: 422 invalid-field id
        unknown kind: 422 invalid-field kind
        unknown field: 422 invalid-field txt
        null: 422 invalid-field text
        NUL in text: 422 invalid-field text
        NUL in report: 422 invalid-field report
        long account: 422 invalid-field account
        long text: 422 invalid-field text
        unknown audience: 422 invalid-field audience
        media is no list: 422 invalid-field media
        no name: 422 invalid-field media[0].name
        empty name: 422 invalid-field media[0].name
        NUL in name: 422 invalid-field media[0].name
        nothing of the file: 422 invalid-field media[0]
        two of the file: 422 invalid-field media[0]
        null of the file: 422 invalid-field media[0].data_base64
        no signals: 422 invalid-field media[0].signals
        unknown signal: 422 invalid-field media[0].signals[0].type
        short hash: 422 invalid-field media[0].signals[0].value
        quality over 100: 422 invalid-field media[0].signals[0].quality
        quality of md5: 422 invalid-field media[0].signals[0]
        not base 64: 422 invalid-field media[0].data_base64
        base 64 without padding: 422 invalid-field media[0].data_base64
        NUL in address: 422 invalid-field media[0].url
        21 files: 422 invalid-field media
    "#]]
    .assert_eq(&problems);
    assert!(
        views::list_items(&world.app, &Actor::Operator, &PageRequest::first())
            .await
            .unwrap()
            .rows
            .is_empty()
    );
}

#[tokio::test]
async fn wrong_forms_name_what_is_wrong() {
    let world = World::new().await;
    let key = world.key(&[Scope::ItemsWrite]).await;
    let item: (&str, &str, &[u8]) = ("item", "", br#"{"id":"1","kind":"image"}"#);
    let mut problems = String::new();
    for (name, parts) in [
        ("no item", vec![("file", "a", PICTURE)]),
        ("two items", vec![item, item]),
        ("item is not JSON", vec![("item", "", &b"{"[..])]),
        (
            "field of the item",
            vec![("item", "", &br#"{"id":"1","kind":"poem"}"#[..])],
        ),
        ("file without a name", vec![item, ("", "", PICTURE)]),
        ("21 files", [vec![item], vec![("f", "f", &b"x"[..]); 21]].concat()),
    ] {
        let answer = world.post_form(&key, "/api/v1/items", None, "b", &parts).await;
        problems.push_str(&format!("{name}: {}\n", answer.problem()));
    }
    let headers = [("content-type", "multipart/form-data")];
    let answer = world
        .send(request(Method::POST, "/api/v1/items", &key, &headers, "x".into()))
        .await;
    problems.push_str(&format!("no boundary: {}\n", answer.problem()));
    let headers = [("content-type", "multipart/form-data; boundary=b")];
    let answer = world
        .send(request(
            Method::POST,
            "/api/v1/items",
            &key,
            &headers,
            "--b\r\nnonsense".into(),
        ))
        .await;
    problems.push_str(&format!("cut off: {}\n", answer.problem()));
    expect![[r#"
        no item: 422 invalid-field item
        two items: 422 invalid-field item
        item is not JSON: 400 malformed-request
        field of the item: 422 invalid-field item.kind
        file without a name: 422 invalid-field body
        21 files: 422 invalid-field media
        no boundary: 400 malformed-request
        cut off: 400 malformed-request
    "#]]
    .assert_eq(&problems);
}

/// An element takes more memory than its JSON: reading ends where a list is too long, whatever follows.
#[tokio::test]
async fn a_list_is_not_read_beyond_its_limit() {
    let world = World::new().await;
    let key = world.full_key().await;
    let bank = world.bank("known", false).await;
    let (file, hash) = (
        r#"{"name":"a","url":"u"},"#,
        format!(r#"{{"type":"pdq","value":"{KNOWN}"}},"#),
    );
    let item = |media: &str| format!(r#"{{"id":"a","kind":"post","media":[{media}"#);
    let signals = hash.repeat(1_001);
    let entries = format!("/api/v1/banks/{bank}/entries");
    for (path, body, problem) in [
        ("/api/v1/check", item(&file.repeat(10_001)), "422 invalid-field media"),
        (
            "/api/v1/check",
            item(&format!(r#"{{"name":"a","signals":[{signals}"#)),
            "422 invalid-field media[0].signals",
        ),
        (
            entries.as_str(),
            format!(r#"{{"signals":[{signals}"#),
            "422 invalid-field signals",
        ),
        (
            entries.as_str(),
            format!(r#"{{"labels":[{}"#, r#""x","#.repeat(33)),
            "422 invalid-field labels",
        ),
    ] {
        let headers = [("content-type", "application/json")];
        // What follows is not JSON, and is not looked at.
        let body = Body::from(body + "\u{0}");
        let answer = world.send(request(Method::POST, path, &key, &headers, body)).await;
        assert_eq!(answer.problem(), problem);
    }
}
