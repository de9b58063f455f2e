//! What is refused, in which shape.

use axum::body::Body;
use axum::http::Method;
use serde_json::json;

use super::{check_message, open};
use crate::world::{KNOWN, PICTURE, request};

#[tokio::test]
async fn bad_input_is_refused_in_hmas_shapes_and_never_a_500() {
    let world = open().await;
    world.hma_bank("A").await;
    let id = world.bank_hash("A", KNOWN).await;
    let content = format!("/c/bank/A/content/{id}");
    let long = "X".repeat(300);
    for (path, body, status) in [
        ("/c/banks", json!({ "name": "A" }), 403),
        ("/c/banks", json!({ "name": "lower" }), 400),
        ("/c/banks", json!({ "name": "1A" }), 400),
        ("/c/banks", json!({ "name": "" }), 400),
        ("/c/banks", json!({ "name": "A\n" }), 400),
        ("/c/banks", json!({ "name": long }), 400),
        ("/c/bank/A/signal", json!([1]), 400),
        ("/c/bank/A/signal", json!({}), 400),
        ("/c/bank/A/signal", json!({ "pdq": 5 }), 400),
        ("/c/bank/A/signal", json!({ "pdq": format!("{KNOWN}\n") }), 400),
        ("/c/bank/A/signal", json!({ "pdq": KNOWN.to_uppercase() }), 400),
        ("/c/bank/A/signal", json!({ "vpdq": "[]" }), 400),
        (
            "/c/bank/A/signal",
            json!({ "pdq": KNOWN, "note": "x".repeat(256) }),
            400,
        ),
        ("/c/bank/NOPE/signal", json!({ "pdq": KNOWN }), 404),
        ("/c/bank/A/content", json!({ "metadata": { "bad": 1 } }), 400),
        ("/c/bank/A/content?url=http://127.0.0.1:1/a.jpg", json!({}), 400),
        ("/m/compare", json!(["x"]), 400),
        ("/m/compare", json!({ "pdq": "x" }), 400),
        ("/m/compare", json!({ "pdq": [KNOWN] }), 400),
        ("/m/compare", json!({ "pdq": [1, 2] }), 400),
        ("/m/compare", json!({ "foo": ["a", "b"] }), 400),
        ("/c/exchanges", json!({}), 400),
        ("/c/exchanges", json!({ "bank": "low", "api": "sample" }), 400),
        ("/c/exchanges", json!({ "bank": "A", "api": "sample" }), 403),
        ("/c/exchanges", json!({ "bank": "1X", "api": "sample" }), 400),
        (
            "/c/exchanges",
            json!({ "bank": "X", "api": "fb_threatexchange", "api_json": {} }),
            400,
        ),
        (
            "/c/exchanges",
            json!({ "bank": "X", "api": "fb_threatexchange", "api_json": { "privacy_group": "1" } }),
            400,
        ),
        ("/c/exchanges/api/zzz", json!({ "credential_json": {} }), 400),
        (
            "/c/exchanges/api/sample",
            json!({ "credential_json": { "a": "b" } }),
            400,
        ),
        (
            "/c/exchanges/api/fb_threatexchange",
            json!({ "credential_json": "secret" }),
            400,
        ),
    ] {
        let answer = world.post("", path, body).await;
        assert!(!answer.body.contains("secret"), "{}", answer.body);
        check_message(&answer, status);
    }
    for (body, status) in [
        (json!({ "disable_until_ts": null }), 400),
        (json!({ "disable_until_ts": "abc" }), 400),
        (json!({ "disable_until_ts": -5 }), 400),
        (json!({ "disable_until_ts": 9_999_999_999i64 }), 400),
        (json!({ "disable_until_ts": i64::MAX }), 400),
        (json!({ "note": 5 }), 400),
        (json!([]), 400),
    ] {
        check_message(&world.put("", &content, body).await, status);
    }
    check_message(
        &world
            .put("", "/c/signal_type/pdq", json!({ "enabled_ratio": 0.5 }))
            .await,
        403,
    );
    check_message(&world.put("", "/c/signal_type/pdq", json!({})).await, 400);
    check_message(
        &world.send(request(Method::PUT, &content, "", &[], Body::empty())).await,
        415,
    );

    for (path, status) in [
        (format!("/m/lookup?signal_type=pdq&signal={KNOWN}%0a"), 400),
        ("/m/lookup?signal_type=zz&signal=1".to_owned(), 400),
        ("/m/lookup?signal_type=pdq".to_owned(), 400),
        ("/h/hash?url=file:///etc/passwd".to_owned(), 400),
        ("/m/index/status?signal_type=x".to_owned(), 400),
        ("/c/bank/NOPE".to_owned(), 404),
        ("/c/bank/A/content/99".to_owned(), 404),
        ("/c/bank/A/content/99999999999999999999999".to_owned(), 404),
        ("/c/exchange/NOPE".to_owned(), 404),
    ] {
        check_message(&world.get("", &path).await, status);
    }
    for (parts, status) in [
        (vec![], 400),
        (vec![("photo", "a", PICTURE), ("photo", "b", PICTURE)], 400),
        (vec![("file", "a", PICTURE)], 400),
        (vec![("photo", "a", b"not a picture".as_slice())], 400),
        (vec![("photo", "a", b"".as_slice())], 400),
        (vec![("photo", "a", &PICTURE[..PICTURE.len() / 2])], 400),
        (vec![("video", "a", b"".as_slice())], 400),
    ] {
        for path in ["/h/hash", "/m/lookup", "/c/bank/A/content"] {
            check_message(&world.upload(path, &parts).await, status);
        }
    }
    for types in ["", ",", "foo", "video_md5"] {
        check_message(
            &world
                .upload(&format!("/h/hash?types={types}"), &[("photo", "a", PICTURE)])
                .await,
            400,
        );
    }

    // Fields that do not read: a list of them.
    for (answer, kind, field) in [
        (world.post("", "/c/banks", json!({})).await, "missing", json!(["name"])),
        (
            world.post("", "/c/banks", json!({ "name": 5 })).await,
            "string_type",
            json!(["name"]),
        ),
        (world.post("", "/c/banks", json!([])).await, "model_type", json!([])),
        (
            world.put("", "/c/bank/A", json!({ "enabled_ratio": "x" })).await,
            "float_type",
            json!(["enabled_ratio"]),
        ),
        (world.get("", "/h/hash").await, "missing", json!(["url"])),
        (
            world.get("", "/m/raw_lookup?signal=1").await,
            "missing",
            json!(["signal_type"]),
        ),
        (
            world
                .get(
                    "",
                    &format!("/m/raw_lookup?signal_type=pdq&signal={KNOWN}&include_distance=maybe"),
                )
                .await,
            "bool_parsing",
            json!(["include_distance"]),
        ),
    ] {
        let error = answer.json()[0].clone();
        assert_eq!(
            (answer.status.as_u16(), &error["type"], &error["loc"]),
            (422, &json!(kind), &field),
            "{}",
            answer.body
        );
        assert!(
            ["msg", "input", "url"].iter().all(|part| error.get(part).is_some()),
            "{error}"
        );
    }

    // Unknown paths and methods: a page.
    for (method, path, status) in [
        (Method::GET, "/c/nope", 404),
        (Method::GET, "/c/bank/A/nope", 404),
        (Method::GET, "/c/bank/A/content/abc", 404),
        (Method::GET, "/m/nope/x", 404),
        (Method::DELETE, "/c/banks", 405),
        (Method::POST, "/m/raw_lookup", 405),
    ] {
        let answer = world.send(request(method, path, "", &[], Body::empty())).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.body);
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
    }
}
