//! Requests that no handler ever sees, and limits that are reached.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use expect_test::expect;
use moderation::model::Scope;
use serde_json::json;
use web::RateLimit;

use crate::world::{World, request};

#[tokio::test]
async fn whatever_is_wrong_is_a_problem() {
    let world = World::new().await;
    let key = world.full_key().await;
    world.get(&key, "/api/v1/nothing").await.check(expect![[r#"
        404 Not Found
        {
          "detail": "Nothing is served at this path.",
          "remedy": "See /api/docs for the paths there are.",
          "status": 404,
          "title": "There is no such path",
          "type": "/problems/unknown-path"
        }
    "#]]);
    world
        .json(Method::DELETE, &key, "/api/v1/items", json!({}))
        .await
        .check(expect![[r#"
            405 Method Not Allowed
            allow: POST,GET,HEAD
            {
              "detail": "This path exists, but not for this method.",
              "remedy": "See the `Allow` header for the methods it takes.",
              "status": 405,
              "title": "The path does not take this method",
              "type": "/problems/method-not-allowed"
            }
        "#]]);
    for path in ["/api", "/api/", "/api/v2/items", "/api/v1/items/a/b"] {
        assert_eq!(world.get(&key, path).await.problem(), "404 unknown-path", "{path}");
    }
    for method in [
        Method::PUT,
        Method::DELETE,
        Method::TRACE,
        Method::OPTIONS,
        Method::PATCH,
    ] {
        let answer = world.json(method.clone(), &key, "/api/v1/banks", json!({})).await;
        assert_eq!(answer.problem(), "405 method-not-allowed", "{method}");
        assert_eq!(answer.header("allow"), "GET,HEAD,POST");
    }
    let mut problems = String::new();
    for (content_type, body) in [
        ("", "{}"),
        ("text/plain", "{}"),
        ("application/xml", "<a/>"),
        ("application/json", ""),
        ("application/json", "{"),
        ("application/json", "{}x"),
        ("application/json", "\"\\ud800\""),
        ("application/json", "nul"),
        ("application/json", "1e999"),
        ("application/json; charset=utf-8", "[]"),
    ] {
        let headers = [("content-type", content_type)];
        let headers = if content_type.is_empty() { &[][..] } else { &headers[..] };
        for path in ["/api/v1/items", "/api/v1/banks"] {
            let answer = world
                .send(request(Method::POST, path, &key, headers, Body::from(body)))
                .await;
            problems.push_str(&format!("{path} {content_type} {body}: {}\n", answer.problem()));
        }
    }
    let headers = [("content-type", "application/json")];
    let answer = world
        .send(request(
            Method::POST,
            "/api/v1/banks",
            &key,
            &headers,
            Body::from(&b"{\"name\":\"\xff\"}"[..]),
        ))
        .await;
    problems.push_str(&format!("not UTF-8: {}\n", answer.problem()));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let answer = world
        .send(request(Method::POST, "/api/v1/items", &key, &headers, Body::from(deep)))
        .await;
    problems.push_str(&format!("deep: {}\n", answer.problem()));
    expect![[r#"
        /api/v1/items  {}: 415 unsupported-media-type
        /api/v1/banks  {}: 415 unsupported-media-type
        /api/v1/items text/plain {}: 415 unsupported-media-type
        /api/v1/banks text/plain {}: 415 unsupported-media-type
        /api/v1/items application/xml <a/>: 415 unsupported-media-type
        /api/v1/banks application/xml <a/>: 415 unsupported-media-type
        /api/v1/items application/json : 400 malformed-request
        /api/v1/banks application/json : 400 malformed-request
        /api/v1/items application/json {: 400 malformed-request
        /api/v1/banks application/json {: 400 malformed-request
        /api/v1/items application/json {}x: 422 invalid-field id
        /api/v1/banks application/json {}x: 422 invalid-field name
        /api/v1/items application/json "\ud800": 400 malformed-request
        /api/v1/banks application/json "\ud800": 400 malformed-request
        /api/v1/items application/json nul: 400 malformed-request
        /api/v1/banks application/json nul: 400 malformed-request
        /api/v1/items application/json 1e999: 400 malformed-request
        /api/v1/banks application/json 1e999: 400 malformed-request
        /api/v1/items application/json; charset=utf-8 []: 422 invalid-field body
        /api/v1/banks application/json; charset=utf-8 []: 422 invalid-field body
        not UTF-8: 400 malformed-request
        deep: 422 invalid-field body
    "#]]
    .assert_eq(&problems);
}

#[tokio::test]
async fn idempotency_keys_have_bounds() {
    let world = World::new().await;
    let key = world.full_key().await;
    for bad in ["", " ", "a b", "ä", &"x".repeat(256)] {
        let answer = world.post_once(&key, "/api/v1/banks", bad, json!({"name": "a"})).await;
        assert_eq!(answer.problem(), "422 invalid-field Idempotency-Key", "{bad}");
    }
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "a"),
        ("idempotency-key", "b"),
    ];
    let answer = world
        .send(request(
            Method::POST,
            "/api/v1/banks",
            &key,
            &headers,
            Body::from("{\"name\":\"a\"}"),
        ))
        .await;
    assert_eq!(answer.problem(), "422 invalid-field Idempotency-Key");
    let answer = world
        .post_once(&key, "/api/v1/banks", &"x".repeat(255), json!({"name": "a"}))
        .await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn bodies_have_their_sizes() {
    let world = World::with(|settings| {
        settings.limits.body_bytes_max = 2_000;
        settings.limits.small_body_bytes_max = 1_000;
    })
    .await;
    let key = world.full_key().await;
    let spaces = |n: usize| Body::from(format!("{{{}}}", " ".repeat(n - 2)));
    let headers = [("content-type", "application/json")];
    for (path, bytes_max) in [
        ("/api/v1/banks", 1_000),
        ("/api/v1/items", 2_000),
        ("/api/v1/check", 2_000),
    ] {
        let fits = world
            .send(request(Method::POST, path, &key, &headers, spaces(bytes_max)))
            .await;
        assert!(fits.problem().starts_with("422 invalid-field"), "{path}");
        let larger = world
            .send(request(Method::POST, path, &key, &headers, spaces(bytes_max + 1)))
            .await;
        assert_eq!(larger.problem(), "413 too-large", "{path}");
        assert_eq!(larger.header("connection"), "close");
    }
}

#[tokio::test]
async fn each_key_has_its_own_rate() {
    let world = World::with(|settings| {
        settings.limits.rate_per_key = RateLimit {
            per_second: 1,
            burst: 3,
        }
    })
    .await;
    let (one, other) = (
        world.key(&[Scope::ItemsRead]).await,
        world.key(&[Scope::ItemsRead]).await,
    );
    for _ in 0..3 {
        assert_eq!(world.get(&one, "/api/v1/items").await.status, StatusCode::OK);
    }
    world.get(&one, "/api/v1/items").await.check(expect![[r#"
        429 Too Many Requests
        retry-after: 1
        {
          "detail": "There were too many requests in a short time.",
          "remedy": "Wait as long as `Retry-After` says.",
          "status": 429,
          "title": "Too many requests",
          "type": "/problems/rate-limited"
        }
    "#]]);
    assert_eq!(world.get(&other, "/api/v1/items").await.status, StatusCode::OK);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.get(&one, "/api/v1/items").await.status, StatusCode::OK);
    assert_eq!(world.get(&one, "/api/v1/items").await.problem(), "429 rate-limited");
}

#[tokio::test]
async fn guessing_keys_is_slow_and_hinders_no_one_else() {
    let world = World::with(|settings| {
        settings.limits.rate_per_address = RateLimit {
            per_second: 1,
            burst: 3,
        }
    })
    .await;
    let key = world.key(&[Scope::ItemsRead]).await;
    for _ in 0..3 {
        assert_eq!(
            world.get("sw_guess", "/api/v1/items").await.problem(),
            "401 unauthenticated"
        );
    }
    assert_eq!(
        world.get("sw_guess", "/api/v1/items").await.problem(),
        "429 rate-limited"
    );
    assert_eq!(
        world.get(&key, "/api/v1/items").await.status,
        StatusCode::OK,
        "a good key is not counted for its address"
    );
    assert_eq!(world.get("", "/api/docs").await.problem(), "429 rate-limited");
}

#[tokio::test]
async fn a_place_is_waited_for_only_so_long() {
    let world = World::with(|settings| {
        settings.limits.requests_at_once_max = 0;
        settings.limits.admission_wait_max = Duration::from_millis(50);
    })
    .await;
    let key = world.full_key().await;
    world.get(&key, "/api/v1/items").await.check(expect![[r#"
        503 Service Unavailable
        retry-after: 2
        {
          "detail": "Too many requests are worked on just now.",
          "remedy": "Send it again after the time in `Retry-After`.",
          "status": 503,
          "title": "Too busy just now",
          "type": "/problems/busy"
        }
    "#]]);
    assert_eq!(
        world
            .post(&key, "/api/v1/check", json!({"id": "1", "kind": "post"}))
            .await
            .problem(),
        "503 busy"
    );
    assert_eq!(
        world.get("", "/healthz").await.status,
        StatusCode::OK,
        "health asks for no place"
    );
}

#[tokio::test]
async fn work_ends_in_time() {
    // Takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = silent.local_addr().unwrap().to_string();
    let world = World::with(|settings| {
        settings.limits.request_time_max = Duration::from_millis(200);
        settings.fetch.hosts = vec![host.parse().unwrap()];
        settings.fetch.allow_loopback = true;
        settings.fetch.time_max = Duration::from_secs(60);
    })
    .await;
    let key = world.full_key().await;
    let item = json!({"id": "1", "kind": "post", "media": [{"name": "a", "url": format!("http://{host}/")}]});
    let answer = world.post(&key, "/api/v1/items", item).await;
    assert_eq!(
        (answer.problem().as_str(), answer.header("retry-after")),
        ("503 busy", "2")
    );
}

#[tokio::test]
async fn a_request_has_an_id() {
    let world = World::new().await;
    let made = world.get("", "/healthz").await;
    assert_eq!(made.header("x-request-id").len(), 24);
    let headers = [("x-request-id", "mine-1")];
    let kept = world
        .send(request(Method::GET, "/api/v1/items", "", &headers, Body::empty()))
        .await;
    assert_eq!(
        (kept.header("x-request-id"), kept.status),
        ("mine-1", StatusCode::UNAUTHORIZED)
    );
    assert_eq!(kept.header("x-content-type-options"), "nosniff");
}
