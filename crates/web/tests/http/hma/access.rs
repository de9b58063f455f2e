//! Who may call the paths of HMA, and under which limits.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use moderation::model::Scope;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use web::{HmaAccess, HmaSettings, ServeError};

use super::{check, check_message, open, with_keys};
use crate::world::{KNOWN, World, form, request};

#[tokio::test]
async fn nothing_is_served_unless_it_is_turned_on() {
    let world = World::new().await;
    let key = world.full_key().await;
    let paths = [
        "/c/banks",
        "/h/hash",
        "/m/lookup",
        "/m/raw_lookup",
        "/status",
        "/status/live",
        "/c/nope",
        "/ui/",
    ];
    for path in paths {
        let answer = world.get(&key, path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.body);
    }
    // The console takes no form from who has not signed in, whatever its path.
    for path in ["/dev/factory_reset", "/dev/run_fetch"] {
        let reset = world.post(&key, path, json!({})).await;
        assert_eq!(reset.status, StatusCode::FORBIDDEN, "{path}");
    }
    let banks = world.get(&key, "/api/v1/banks").await;
    assert_eq!(banks.status, StatusCode::OK, "the key is there still: {}", banks.body);
}

#[tokio::test]
async fn without_dev_mode_its_helpers_are_not_served() {
    let world = open().await;
    for path in [
        "/dev/factory_reset",
        "/dev/seed_banks",
        "/dev/run_fetch",
        "/dev/setup_sample_example",
    ] {
        assert_eq!(
            world.post("", path, json!({})).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn keys_apply_with_their_scopes() {
    let world = with_keys().await;
    check_message(&world.get("", "/c/banks").await, 401);
    check_message(&world.get("sw_nonsense", "/c/banks").await, 401);
    check_message(&world.get("", "/m/lookup").await, 401);
    assert_eq!(world.get("", "/status").await.body, "I-AM-ALIVE");

    let reader = world.key(&[Scope::BanksRead]).await;
    check(&world.get(&reader, "/c/banks").await, 200, json!([]));
    check_message(&world.post(&reader, "/c/banks", json!({ "name": "A" })).await, 403);
    let lookup = format!("/m/lookup?signal_type=pdq&signal={KNOWN}");
    check_message(&world.get(&reader, &lookup).await, 403);
    check_message(
        &world
            .post(&reader, "/m/compare", json!({ "pdq": [KNOWN, KNOWN] }))
            .await,
        403,
    );

    let writer = world.key(&[Scope::BanksRead, Scope::BanksWrite]).await;
    let made = world.post(&writer, "/c/banks", json!({ "name": "A" })).await;
    check(&made, 201, json!({ "name": "A", "matching_enabled_ratio": 1.0 }));
    let signal = world.post(&writer, "/c/bank/A/signal", json!({ "pdq": KNOWN })).await;
    check(&signal, 200, json!({ "id": 1, "signals": { "pdq": KNOWN } }));

    let submitter = world.key(&[Scope::ItemsWrite]).await;
    let found = world.get(&submitter, &lookup).await;
    check(&found, 200, json!({ "A": [{ "bank_content_id": 1, "distance": "0" }] }));
    check_message(&world.get(&submitter, "/c/banks").await, 403);
    check_message(&world.delete(&submitter, "/c/bank/A").await, 403);
    let events = world.get(&world.full_key().await, "/api/v1/events").await;
    assert!(
        events.body.contains("entry.added"),
        "what is done here is in the log: {}",
        events.body
    );
}

#[tokio::test]
async fn open_access_is_for_programs_of_this_machine() {
    let world = open().await;
    check(&world.get("", "/c/banks").await, 200, json!([]));
    for (name, value) in [
        ("origin", "http://127.0.0.1:8410"),
        ("sec-fetch-site", "cross-site"),
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("host", "rebound.example:8410"),
    ] {
        let asked = request(Method::GET, "/c/banks", "", &[(name, value)], Body::empty());
        check_message(&world.send(asked).await, 401);
    }
    // Who does not say where from comes from elsewhere.
    let asked = request(Method::GET, "/c/banks", "", &[], Body::empty());
    check_message(&world.send_from_nowhere(asked).await, 401);
    // A key that is wrong is not as good as none.
    check_message(&world.get("sw_nonsense", "/c/banks").await, 401);
    // The rest of the API is as closed as ever.
    assert_eq!(world.get("", "/api/v1/banks").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn open_access_is_refused_where_other_machines_could_come() {
    for (address, is_taken) in [("0.0.0.0:0", false), ("127.0.0.1:0", true)] {
        let world = open().await;
        let listener = TcpListener::bind(address).await.unwrap();
        let (stop, stopped) = watch::channel(true);
        let served = web::serve_state(world.state.clone(), listener, stopped).await;
        drop(stop);
        match served {
            Ok(()) => assert!(is_taken, "{address}"),
            Err(ServeError::OpenAccess { address }) => assert!(!is_taken, "{address}"),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_lookup_takes_a_place_among_the_requests_that_are_worked_on() {
    let world = World::with(|settings| {
        settings.hma = Some(HmaSettings::new());
        settings.limits.requests_at_once_max = 0;
        settings.limits.admission_wait_max = Duration::from_millis(50);
    })
    .await;
    let key = world.full_key().await;
    for path in ["/m/lookup", "/m/raw_lookup"] {
        let asked = world.get(&key, &format!("{path}?signal_type=pdq&signal={KNOWN}")).await;
        check_message(&asked, 503);
    }
}

#[tokio::test]
async fn the_limits_of_the_server_hold_here_too() {
    let world = World::with(|settings| {
        settings.hma = Some(HmaSettings {
            access: HmaAccess::OpenOnLoopback,
            ..HmaSettings::new()
        });
        settings.limits.body_bytes_max = 4 << 10;
        settings.limits.small_body_bytes_max = 1 << 10;
    })
    .await;
    check_message(
        &world.post("", "/c/banks", json!({ "name": "A".repeat(2 << 10) })).await,
        413,
    );
    let parts: [(&str, &str, &[u8]); 1] = [("photo", "a", &[b'x'; 8 << 10])];
    let headers = [("content-type", "multipart/form-data; boundary=edge")];
    for path in ["/h/hash", "/m/lookup", "/c/bank/A/content"] {
        let large = request(Method::POST, path, "", &headers, Body::from(form("edge", &parts)));
        check_message(&world.send(large).await, 413);
    }
}
