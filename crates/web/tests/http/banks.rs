//! Banks, entries and imports.

use axum::http::{Method, StatusCode};
use expect_test::expect;
use moderation::model::Scope;
use serde_json::json;

use crate::world::{Answer, KNOWN, PICTURE, World, request};

#[tokio::test]
async fn a_bank_is_made_read_and_changed() {
    let world = World::new().await;
    let key = world.full_key().await;
    let made = world
        .post(
            &key,
            "/api/v1/banks",
            json!({"name": " demo ", "description": "Known pictures"}),
        )
        .await;
    made.check(expect![[r#"
        201 Created
        location: /api/v1/banks/bank_01m7q5cqg0dnja869dc33vdtck
        {
          "id": "bank_01m7q5cqg0dnja869dc33vdtck"
        }
    "#]]);
    let place = made.header("location").to_owned();
    world.get(&key, &place).await.check(expect![[r#"
        200 OK
        {
          "confirmed": false,
          "created_at": "2026-11-18T11:06:40.000Z",
          "crops": "few",
          "description": "Known pictures",
          "enabled": true,
          "id": "bank_01m7q5cqg0dnja869dc33vdtck",
          "n_entries": 0,
          "name": "demo"
        }
    "#]]);

    let changed = world
        .json(
            Method::PATCH,
            &key,
            &place,
            json!({"confirmed": true, "enabled": false}),
        )
        .await;
    changed.check(expect![[r#"
        204 No Content
    "#]]);
    let bank = world.get(&key, &place).await.json();
    assert_eq!(
        (&bank["confirmed"], &bank["enabled"], &bank["description"]),
        (&json!(true), &json!(false), &json!("Known pictures"))
    );

    let taken = world.post(&key, "/api/v1/banks", json!({"name": "demo"})).await;
    taken.check(expect![[r#"
        409 Conflict
        {
          "detail": "Another bank has this name.",
          "remedy": "Choose another name.",
          "status": 409,
          "title": "The request contradicts what there is",
          "type": "/problems/conflict"
        }
    "#]]);
    assert_eq!(
        world.get(&key, "/api/v1/banks").await.json()["rows"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_retry_makes_no_second_bank_and_no_second_entry() {
    let world = World::new().await;
    let key = world.full_key().await;
    let body = json!({"name": "demo"});
    let first = world.post_once(&key, "/api/v1/banks", "k-1", body.clone()).await;
    let again = world.post_once(&key, "/api/v1/banks", "k-1", body).await;
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!(
        (first.json(), first.header("location")),
        (again.json(), again.header("location"))
    );
    let other = world
        .post_once(&key, "/api/v1/banks", "k-1", json!({"name": "other"}))
        .await;
    assert_eq!(other.problem(), "422 idempotency-key-reused Idempotency-Key");

    let place = format!("{}/entries", first.header("location"));
    let entry = json!({"name": "x", "signals": [{"type": "pdq", "value": KNOWN}]});
    let elsewhere = world.post_once(&key, &place, "k-1", entry.clone()).await;
    assert_eq!(
        elsewhere.problem(),
        "422 idempotency-key-reused Idempotency-Key",
        "a key is for one request, wherever it goes"
    );
    let first = world.post_once(&key, &place, "k-2", entry.clone()).await;
    let again = world.post_once(&key, &place, "k-2", entry).await;
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!(first.json(), again.json());
    assert_eq!(
        world.get(&key, &place).await.json()["rows"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn an_entry_is_added_found_disabled_and_removed() {
    let world = World::new().await;
    let key = world.full_key().await;
    let bank = world.bank("demo", true).await;
    let entry = json!({
        "name": "x", "labels": ["a", "b"], "source": "review", "expires_at": "2027-01-01T00:00:00Z",
        "signals": [{"type": "pdq", "value": KNOWN.to_uppercase(), "quality": 100}, {"type": "md5", "value": "0".repeat(32)}],
    });
    let added = world.post(&key, &format!("/api/v1/banks/{bank}/entries"), entry).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    let place = added.header("location").to_owned();
    world.get(&key, &place).await.check(expect![[r#"
        200 OK
        {
          "bank": "bank_01m7q5cqg0dnja869dc33vdtck",
          "created_at": "2026-11-18T11:06:40.000Z",
          "expires_at": "2027-01-01T00:00:00.000Z",
          "has_look": false,
          "has_previews": false,
          "id": "ent_01m7q5cqg0dnja869dc33vdtcm",
          "labels": [
            "a",
            "b"
          ],
          "name": "x",
          "signals": [
            {
              "quality": 100,
              "type": "pdq",
              "value": "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
            },
            {
              "type": "md5",
              "value": "00000000000000000000000000000000"
            }
          ],
          "source": "review",
          "state": "enabled"
        }
    "#]]);

    let item =
        json!({"id": "1", "kind": "image", "media": [{"name": "a", "signals": [{"type": "pdq", "value": KNOWN}]}]});
    let outcome = async || world.post(&key, "/api/v1/check", item.clone()).await.text("outcome");
    assert_eq!(outcome().await, "restrict");
    let set = async |state: &str| world.json(Method::PATCH, &key, &place, json!({"state": state})).await;
    assert_eq!(set("disabled").await.status, StatusCode::NO_CONTENT);
    assert_eq!(outcome().await, "allow");
    assert_eq!(set("enabled").await.status, StatusCode::NO_CONTENT);
    assert_eq!(outcome().await, "restrict");
    assert_eq!(set("removed").await.status, StatusCode::NO_CONTENT);
    assert_eq!(set("removed").await.status, StatusCode::NO_CONTENT);
    assert_eq!(outcome().await, "allow");
    assert_eq!(set("enabled").await.problem(), "409 conflict");
    assert_eq!(world.get(&key, &place).await.text("state"), "removed");
    assert_eq!(
        world.get(&key, &format!("/api/v1/banks/{bank}/entries")).await.body,
        r#"{"rows":[]}"#
    );
}

#[tokio::test]
async fn an_entry_is_made_of_a_file() {
    use base64::Engine;
    let world = World::new().await;
    let key = world.full_key().await;
    let place = format!("/api/v1/banks/{}/entries", world.bank("demo", true).await);
    let parts: [(&str, &str, &[u8]); 2] = [
        ("entry", "", br#"{"name":"waves","labels":["sea"]}"#),
        ("file", "w.jpg", PICTURE),
    ];
    let added = world.post_form(&key, &place, Some("k"), "b", &parts).await;
    let entry = world.get(&key, added.header("location")).await.json();
    assert_eq!(
        (&entry["name"], &entry["labels"], &entry["has_previews"]),
        (&json!("waves"), &json!(["sea"]), &json!(true))
    );
    let types: Vec<_> = entry["signals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|signal| signal["type"].clone())
        .collect();
    assert_eq!(types, ["pdq", "md5", "sha256"]);
    assert_eq!(
        world.post_form(&key, &place, Some("k"), "c", &parts).await.status,
        StatusCode::OK
    );

    let data = base64::engine::general_purpose::STANDARD.encode(PICTURE);
    let inline = world.post(&key, &place, json!({"data_base64": data})).await;
    assert_eq!(
        world.get(&key, inline.header("location")).await.json()["signals"],
        entry["signals"]
    );

    let bad = world.post(&key, &place, json!({"data_base64": "aGVsbG8="})).await;
    bad.check(expect![[r#"
        422 Unprocessable Entity
        {
          "detail": "The file cannot be hashed: an unknown type cannot be decoded here.",
          "remedy": "Send a picture in a format that can be decoded, or its signals instead.",
          "status": 422,
          "title": "The file cannot be hashed",
          "type": "/problems/unscannable"
        }
    "#]]);
}

#[tokio::test]
async fn wrong_banks_and_entries_name_what_is_wrong() {
    let world = World::new().await;
    let key = world.full_key().await;
    let entries = format!("/api/v1/banks/{}/entries", world.bank("demo", true).await);
    let signals = json!([{"type": "pdq", "value": KNOWN}]);
    let nowhere = "/api/v1/banks/bank_00000000000000000000000000";
    let mut problems = String::new();
    for (name, method, path, body) in [
        ("no name", Method::POST, "/api/v1/banks", json!({})),
        ("list of fields", Method::POST, "/api/v1/banks", json!(["a", "", true])),
        ("empty name", Method::POST, "/api/v1/banks", json!({"name": ""})),
        ("blank name", Method::POST, "/api/v1/banks", json!({"name": "  "})),
        (
            "long name",
            Method::POST,
            "/api/v1/banks",
            json!({"name": "x".repeat(101)}),
        ),
        ("NUL in name", Method::POST, "/api/v1/banks", json!({"name": "a\u{0}"})),
        (
            "NUL in description",
            Method::POST,
            "/api/v1/banks",
            json!({"name": "a", "description": "\u{0}"}),
        ),
        (
            "confirmed is no boolean",
            Method::POST,
            "/api/v1/banks",
            json!({"name": "a", "confirmed": "yes"}),
        ),
        (
            "unknown field",
            Method::POST,
            "/api/v1/banks",
            json!({"name": "a", "id": 1}),
        ),
        ("change of a bank that is not", Method::PATCH, nowhere, json!({})),
        ("change of what is no id", Method::PATCH, "/api/v1/banks/x", json!({})),
        ("change of the name", Method::PATCH, nowhere, json!({"name": "x"})),
        ("nothing", Method::POST, &entries, json!({})),
        ("no signal", Method::POST, &entries, json!({"signals": []})),
        (
            "label with NUL",
            Method::POST,
            &entries,
            json!({"signals": signals, "labels": ["a", "\u{0}"]}),
        ),
        (
            "33 labels",
            Method::POST,
            &entries,
            json!({"signals": signals, "labels": vec!["a"; 33]}),
        ),
        (
            "long source",
            Method::POST,
            &entries,
            json!({"signals": signals, "source": "x".repeat(501)}),
        ),
        (
            "no instant",
            Method::POST,
            &entries,
            json!({"signals": signals, "expires_at": "tomorrow"}),
        ),
        (
            "bad hash",
            Method::POST,
            &entries,
            json!({"signals": [{"type": "sha256", "value": "zz"}]}),
        ),
        (
            "entry in a bank that is not",
            Method::POST,
            &format!("{nowhere}/entries"),
            json!({"signals": signals}),
        ),
        (
            "unknown state",
            Method::PATCH,
            "/api/v1/entries/ent_00000000000000000000000000",
            json!({"state": "gone"}),
        ),
        (
            "entry that is not",
            Method::PATCH,
            "/api/v1/entries/ent_00000000000000000000000000",
            json!({"state": "removed"}),
        ),
    ] {
        let answer = world.json(method, &key, path, body).await;
        problems.push_str(&format!("{name}: {}\n", answer.problem()));
    }
    let answer = world
        .post_form(&key, &entries, None, "b", &[("picture", "a.jpg", PICTURE)])
        .await;
    problems.push_str(&format!("unknown part: {}\n", answer.problem()));
    let answer = world
        .post_form(
            &key,
            &entries,
            None,
            "b",
            &[("file", "a.jpg", PICTURE), ("file", "b.jpg", PICTURE)],
        )
        .await;
    problems.push_str(&format!("two files: {}\n", answer.problem()));
    let both: [(&str, &str, &[u8]); 2] = [("entry", "", br#"{"data_base64":""}"#), ("file", "a.jpg", PICTURE)];
    let answer = world.post_form(&key, &entries, None, "b", &both).await;
    problems.push_str(&format!("file and data: {}\n", answer.problem()));
    expect![[r#"
        no name: 422 invalid-field name
        list of fields: 422 invalid-field body
        empty name: 422 invalid-field name
        blank name: 422 invalid-field name
        long name: 422 invalid-field name
        NUL in name: 422 invalid-field name
        NUL in description: 422 invalid-field description
        confirmed is no boolean: 422 invalid-field confirmed
        unknown field: 422 invalid-field id
        change of a bank that is not: 404 not-found
        change of what is no id: 404 not-found
        change of the name: 422 invalid-field name
        nothing: 422 invalid-field signals
        no signal: 422 invalid-field signals
        label with NUL: 422 invalid-field labels[1]
        33 labels: 422 invalid-field labels
        long source: 422 invalid-field source
        no instant: 422 invalid-field expires_at
        bad hash: 422 invalid-field signals[0].value
        entry in a bank that is not: 404 not-found
        unknown state: 422 invalid-field state
        entry that is not: 404 not-found
        unknown part: 422 invalid-field body
        two files: 422 invalid-field file
        file and data: 422 invalid-field entry.data_base64
    "#]]
    .assert_eq(&problems);
}

async fn import(world: &World, key: &str, bank: &str, content_type: &str, file: impl Into<axum::body::Body>) -> Answer {
    let headers = [("content-type", content_type)];
    world
        .send(request(
            Method::POST,
            &format!("/api/v1/banks/{bank}/import"),
            key,
            &headers,
            file.into(),
        ))
        .await
}

#[tokio::test]
async fn a_file_is_imported_once() {
    let world = World::new().await;
    let key = world.key(&[Scope::BanksWrite]).await;
    let bank = world.bank("demo", true).await.to_string();
    let file = format!(
        "type,value,quality,name,labels\npdq,{KNOWN},100,a,x;y\nmd5,{},,a,x;y\npdq,{},,b,\n",
        "0".repeat(32),
        "1".repeat(64)
    );
    import(&world, &key, &bank, "text/csv", file.clone())
        .await
        .check(expect![[r#"
            200 OK
            {
              "added": 2,
              "already_present": 0
            }
        "#]]);
    import(&world, &key, &bank, "text/csv; charset=utf-8", file)
        .await
        .check(expect![[r#"
            200 OK
            {
              "added": 0,
              "already_present": 2
            }
        "#]]);
    let list = (0..25_000).map(|n| format!("{n:064x}\n")).collect::<String>();
    import(&world, &key, &bank, "text/plain", list).await.check(expect![[r#"
            200 OK
            {
              "added": 25000,
              "already_present": 0
            }
        "#]]);
}

#[tokio::test]
async fn a_file_with_a_bad_line_is_refused_whole() {
    let world = World::new().await;
    let key = world.full_key().await;
    let bank = world.bank("demo", true).await.to_string();
    let file = format!("{KNOWN}\nnonsense\n{KNOWN}\npdq,zz,100,a,\n");
    import(&world, &key, &bank, "text/csv", file).await.check(expect![[r#"
            422 Unprocessable Entity
            {
              "detail": "2 lines cannot be read; none was taken.",
              "errors": [
                {
                  "detail": "a PDQ hash has 'n' at position 0, which is not a hexadecimal digit",
                  "line": 2
                },
                {
                  "detail": "a PDQ hash has 'z' at position 0, which is not a hexadecimal digit",
                  "line": 4
                }
              ],
              "field": "body",
              "remedy": "Mend the lines that `errors` names and send the file again.",
              "status": 422,
              "title": "A field is not as it should be",
              "type": "/problems/invalid-field"
            }
        "#]]);
    assert_eq!(
        world.get(&key, &format!("/api/v1/banks/{bank}/entries")).await.body,
        r#"{"rows":[]}"#
    );
    assert_eq!(
        import(&world, &key, &bank, "text/csv", vec![0xff, 0x00])
            .await
            .problem(),
        "422 invalid-field body"
    );
    assert_eq!(
        import(&world, &key, &bank, "text/csv", format!("pdq,{KNOWN},1,a\u{0}b,"))
            .await
            .problem(),
        "422 invalid-field body"
    );
    assert_eq!(
        import(&world, &key, &bank, "application/json", "[]").await.problem(),
        "415 unsupported-media-type"
    );
    assert_eq!(
        import(&world, &key, "bank_00000000000000000000000000", "text/csv", "")
            .await
            .problem(),
        "404 not-found"
    );
}
