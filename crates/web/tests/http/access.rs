//! Keys: what they open, and what is said to those without one.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use expect_test::expect;
use moderation::flows::access;
use moderation::model::{Actor, Scope};
use serde_json::json;

use crate::world::{KNOWN, World, request};

#[tokio::test]
async fn without_a_good_key_nothing_opens() {
    let world = World::new().await;
    let answer = world.get("", "/api/v1/items").await;
    answer.check(expect![[r#"
        401 Unauthorized
        www-authenticate: Bearer
        {
          "detail": "The request has no Authorization header.",
          "remedy": "Send `Authorization: Bearer sw_…` with a key that was made in the console's settings.",
          "status": 401,
          "title": "No valid API key",
          "type": "/problems/unauthenticated"
        }
    "#]]);
    let revoked = access::create_key(&world.app, &Actor::Operator, "old", vec![Scope::ItemsRead])
        .await
        .unwrap();
    access::revoke_key(&world.app, &Actor::Operator, revoked.key.id)
        .await
        .unwrap();
    let good = world.key(&[Scope::ItemsRead]).await;
    for authorization in [
        format!("Bearer {}", revoked.secret),
        "Bearer sw_nonsense".to_owned(),
        "Bearer ".to_owned(),
        "Bearer".to_owned(),
        format!("Basic {good}"),
        good.clone(),
        format!("Bearer {good}x"),
        format!("Bearer sw_{}", "x".repeat(10_000)),
    ] {
        let headers = [("authorization", authorization.as_str())];
        let answer = world
            .send(request(Method::GET, "/api/v1/items", "", &headers, Body::empty()))
            .await;
        assert_eq!(answer.problem(), "401 unauthenticated", "{authorization}");
        assert!(!answer.body.contains("sw_n"), "a key is not repeated");
    }
    let headers = [("authorization", format!("bearer {good}"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let answer = world
        .send(request(Method::GET, "/api/v1/items", "", &headers, Body::empty()))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
}

/// Every operation, with a request that is right in all but the key.
fn operations() -> Vec<(Method, String, serde_json::Value, Scope)> {
    let zeros = "0".repeat(26);
    let item = json!({"id": "1", "kind": "post"});
    let entry = json!({"signals": [{"type": "pdq", "value": KNOWN}]});
    let get = |path: String, scope| (Method::GET, path, json!(null), scope);
    vec![
        (
            Method::POST,
            "/api/v1/items".to_owned(),
            item.clone(),
            Scope::ItemsWrite,
        ),
        (Method::POST, "/api/v1/check".to_owned(), item, Scope::ItemsWrite),
        get("/api/v1/items".to_owned(), Scope::ItemsRead),
        get("/api/v1/items/1".to_owned(), Scope::ItemsRead),
        get("/api/v1/decisions".to_owned(), Scope::ItemsRead),
        get(format!("/api/v1/decisions/dec_{zeros}"), Scope::ItemsRead),
        get("/api/v1/actions".to_owned(), Scope::ItemsRead),
        get(format!("/api/v1/actions/act_{zeros}"), Scope::ItemsRead),
        (
            Method::POST,
            format!("/api/v1/actions/act_{zeros}/retry"),
            json!(null),
            Scope::ActionsWrite,
        ),
        get("/api/v1/banks".to_owned(), Scope::BanksRead),
        get(format!("/api/v1/banks/bank_{zeros}"), Scope::BanksRead),
        get(format!("/api/v1/banks/bank_{zeros}/entries"), Scope::BanksRead),
        get(format!("/api/v1/entries/ent_{zeros}"), Scope::BanksRead),
        (
            Method::POST,
            "/api/v1/banks".to_owned(),
            json!({"name": "a"}),
            Scope::BanksWrite,
        ),
        (
            Method::PATCH,
            format!("/api/v1/banks/bank_{zeros}"),
            json!({}),
            Scope::BanksWrite,
        ),
        (
            Method::POST,
            format!("/api/v1/banks/bank_{zeros}/entries"),
            entry,
            Scope::BanksWrite,
        ),
        (
            Method::PATCH,
            format!("/api/v1/entries/ent_{zeros}"),
            json!({"state": "disabled"}),
            Scope::BanksWrite,
        ),
        get("/api/v1/cases".to_owned(), Scope::CasesRead),
        get(format!("/api/v1/cases/case_{zeros}"), Scope::CasesRead),
        get("/api/v1/search?q=a".to_owned(), Scope::ItemsRead),
        get("/api/v1/proposals".to_owned(), Scope::CasesRead),
        get(format!("/api/v1/proposals/prop_{zeros}"), Scope::CasesRead),
        get("/api/v1/events".to_owned(), Scope::EventsRead),
        get("/api/v1/events/1".to_owned(), Scope::EventsRead),
        get("/api/v1/numbers".to_owned(), Scope::EventsRead),
    ]
}

#[tokio::test]
async fn a_key_opens_what_its_scope_names_and_nothing_else() {
    let world = World::new().await;
    let mut keys = Vec::new();
    for scope in Scope::of_keys() {
        keys.push((scope, world.key(&[scope]).await));
    }
    for (method, path, body, needed) in operations() {
        for (scope, key) in &keys {
            let answer = world.json(method.clone(), key, &path, body.clone()).await;
            if *scope == needed {
                assert!(
                    !matches!(answer.status.as_u16(), 401 | 403 | 500..),
                    "{method} {path} with {scope}: {}",
                    answer.body
                );
            } else {
                assert_eq!(answer.problem(), "403 forbidden", "{method} {path} with {scope}");
            }
        }
    }
    let import = async |key: &str| {
        let headers = [("content-type", "text/csv")];
        let path = format!("/api/v1/banks/bank_{}/import", "0".repeat(26));
        world
            .send(request(Method::POST, &path, key, &headers, Body::empty()))
            .await
            .status
    };
    for (scope, key) in &keys {
        let expected = if *scope == Scope::BanksWrite {
            StatusCode::NOT_FOUND
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(import(key).await, expected, "{scope}");
    }
}
