//! Health and metrics: what monitors ask, and who gets an answer.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use moderation::model::Scope;
use serde_json::json;
use web::MetricsAccess;

use crate::world::{KNOWN, World, pdq, request};

#[tokio::test]
async fn it_is_alive_and_ready() {
    let world = World::new().await;
    assert_eq!(
        (
            world.get("", "/healthz").await.body,
            world.get("", "/readyz").await.body
        ),
        ("alive\n".into(), "ready\n".into())
    );
}

#[tokio::test]
async fn metrics_count_and_name_nobody() {
    let world = World::new().await;
    let key = world.key(&[Scope::ItemsWrite]).await;
    world.entry(world.bank("demo", true).await, pdq(KNOWN)).await;
    let item = json!({"id": "post-secret", "kind": "post", "account": "user-secret", "media": [{"name": "a", "signals": [{"type": "pdq", "value": KNOWN}]}]});
    world.post(&key, "/api/v1/items", item).await;
    world.get("", "/api/v1/items/post-secret").await;
    let stream = json!({"item": "live-secret", "input": "frames"});
    let opened = world.post(&key, "/api/v1/streams", stream).await;
    let close = format!("{}/close", opened.header("location"));
    world
        .send(request(Method::POST, &close, &key, &[], Body::empty()))
        .await;
    let text = world.get("", "/metrics").await.body;
    for line in [
        r#"seawall_http_request_duration_seconds_count{method="POST",route="/api/v1/items",status="200"} 1"#,
        r#"seawall_http_request_duration_seconds_count{method="GET",route="/api/v1/items/{item}",status="401"} 1"#,
        r#"seawall_cases_open{queue="matches"} 1"#,
        "seawall_actions_waiting 1",
        "seawall_index_changes_behind 0",
        "seawall_index_videos 0",
        "seawall_av_running 0",
        "seawall_streams_open 0",
        r#"seawall_streams_ended_total{reason="ended"} 1"#,
        "seawall_http_places_free 64",
        "seawall_http_requests_under_way 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("secret"));
}

#[tokio::test]
async fn metrics_are_for_this_machine_unless_the_operator_says_otherwise() {
    let world = World::new().await;
    for header in ["x-forwarded-for", "forwarded", "via", "x-real-ip", "x-forwarded-proto"] {
        let passed_on = request(Method::GET, "/metrics", "", &[(header, "for=192.0.2.1")], Body::empty());
        assert_eq!(world.send(passed_on).await.problem(), "404 unknown-path", "{header}");
    }
    let world = World::with(|settings| settings.metrics = MetricsAccess::Everyone).await;
    let passed_on = request(
        Method::GET,
        "/metrics",
        "",
        &[("x-forwarded-for", "192.0.2.1")],
        Body::empty(),
    );
    assert_eq!(world.send(passed_on).await.status, StatusCode::OK);
}
