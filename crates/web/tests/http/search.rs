//! Searching through the API: each field narrows, what is wrong is named, and nothing of other queues is found.

use axum::http::StatusCode;
use moderation::model::Scope;
use serde_json::json;

use crate::world::{KNOWN, World, pdq};

#[tokio::test]
async fn each_field_narrows_a_search() {
    let world = World::new().await;
    let key = world.key(&[Scope::ItemsRead, Scope::ItemsWrite]).await;
    world.entry(world.bank("demo", true).await, pdq(KNOWN)).await;
    for (id, kind, account, text) in [
        ("post-1", "post", "magpie", "A quiet Harbour"),
        ("post-2", "post", "heron", "a loud harbour"),
        ("image-3", "image", "heron", "nothing"),
    ] {
        let media = match id {
            "image-3" => json!([{"name": "a", "signals": [{"type": "pdq", "value": KNOWN}]}]),
            _ => json!([]),
        };
        let body = json!({"id": id, "kind": kind, "account": account, "channel": "quay", "text": text, "media": media});
        let answer = world.post(&key, "/api/v1/items", body).await;
        assert!(answer.status.is_success(), "{}", answer.body);
        world.clock.advance(std::time::Duration::from_secs(3_600));
    }
    let check = async |query: &str, expected: &[&str]| {
        let answer = world.get(&key, &format!("/api/v1/search?{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.body);
        let rows = answer.json()["rows"].as_array().unwrap().clone();
        let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{query}");
    };
    check("", &["image-3", "post-2", "post-1"]).await;
    check("q=HARBOUR", &["post-2", "post-1"]).await;
    check("q=HARBOUR&account=magpie", &["post-1"]).await;
    check("channel=quay&kind=image", &["image-3"]).await;
    check("outcome=restrict", &["image-3"]).await;
    check(&format!("hash=pdq:{KNOWN}"), &["image-3"]).await;
    check("label=demo", &[]).await;
    check(
        "from=2026-11-18T12:00:00Z&to=2026-11-18T14%3A00%3A00%2B01:00",
        &["post-2"],
    )
    .await;
    check("from=2026-11-18T12:00:00Z", &["image-3", "post-2"]).await;
    check("to=2026-11-18T12:00:00Z", &["post-1"]).await;

    let first = world.get(&key, "/api/v1/search?q=harbour&limit=1").await.json();
    let next = first["next"].as_str().unwrap().replace(':', "%3A");
    check(&format!("q=harbour&limit=1&cursor={next}"), &["post-1"]).await;

    for (query, problem) in [
        ("from=yesterday", "422 invalid-field from"),
        ("to=2026-11-18", "422 invalid-field to"),
        ("kind=poem", "422 invalid-field kind"),
        ("outcome=maybe", "422 invalid-field outcome"),
        ("hash=00", "422 invalid-field hash"),
        ("hash=pdq:00", "422 invalid-field hash"),
        ("q=", "422 invalid-field q"),
        ("account=a%00b", "422 invalid-field account"),
        ("acount=magpie", "422 invalid-field acount"),
        ("cursor=x", "422 invalid-field cursor"),
    ] {
        let answer = world.get(&key, &format!("/api/v1/search?{query}")).await;
        assert_eq!(answer.problem(), problem, "{query}");
    }
    let writes = world.key(&[Scope::ItemsWrite]).await;
    assert_eq!(
        world.get(&writes, "/api/v1/search?q=a").await.problem(),
        "403 forbidden"
    );
}
