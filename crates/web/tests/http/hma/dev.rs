//! Exchanges, and the helpers of development mode.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{OTHER, check, check_message, dev};
use crate::world::KNOWN;

#[tokio::test]
async fn exchanges_are_configured_and_the_sample_fetched() {
    let world = dev().await;
    check(
        &world.get("", "/c/exchanges/apis").await,
        200,
        json!(["sample", "fb_threatexchange"]),
    );
    let api = "/c/exchanges/api/fb_threatexchange";
    let status = |has: bool| json!({ "supports_authentification": true, "has_set_authentification": has });
    check(&world.get("", api).await, 200, status(false));
    let credentials = json!({ "credential_json": { "api_token": "123|a-secret" } });
    check(&world.post("", api, credentials).await, 200, status(true));
    check(&world.get("", api).await, 200, status(true));
    let schema = world.get("", &format!("{api}/schema")).await;
    assert_eq!(
        schema.json()["config_schema"]["fields"][0]["name"],
        "privacy_group",
        "{}",
        schema.body
    );
    let key = world.full_key().await;
    assert!(!world.get(&key, "/api/v1/events").await.body.contains("a-secret"));
    check(
        &world.post("", api, json!({ "credential_json": {} })).await,
        200,
        status(false),
    );

    let made = json!({ "bank": "EX", "api": "fb_threatexchange", "api_json": { "privacy_group": 123 } });
    check(
        &world.post("", "/c/exchanges", made).await,
        201,
        json!({ "message": "Created successfully" }),
    );
    for _ in 0..2 {
        let set_up = world.post("", "/dev/setup_sample_example", json!({})).await;
        assert_eq!((set_up.status.as_u16(), set_up.header("location")), (302, "/ui/"));
    }
    check(&world.get("", "/c/exchanges").await, 200, json!(["EX", "SEED_SAMPLE"]));
    let config = json!({ "name": "EX", "api": "fb_threatexchange", "enabled": false, "privacy_group": 123 });
    check(
        &world.put("", "/c/exchange/EX", json!({ "enabled": false })).await,
        200,
        config.clone(),
    );
    check(&world.get("", "/c/exchange/EX").await, 200, config);

    // Twice: what has come does not come again.
    for _ in 0..2 {
        assert_eq!(
            world.post("", "/dev/run_fetch", json!({})).await.status,
            StatusCode::FOUND
        );
    }
    let fetched = world.get("", "/c/exchange/SEED_SAMPLE/status").await.json();
    assert_eq!(
        (
            &fetched["fetched_items"],
            &fetched["last_fetch_succeeded"],
            &fetched["up_to_date"]
        ),
        (&json!(18), &json!(true), &json!(true)),
        "{fetched}"
    );
    let untouched = world.get("", "/c/exchange/EX/status").await.json();
    assert_eq!(untouched["last_fetch_complete_ts"], Value::Null, "it is disabled");
    let index = world.get("", "/c/signal_type/index?signal_type=pdq").await.json();
    let now_s = moderation::model::Clock::now(&*world.clock).unix_seconds();
    let expected = json!({ "pdq": {
        "db_size": 16, "index_size": 16, "index_out_of_date": false, "newest_db_item": now_s, "index_built_to": now_s,
    } });
    assert_eq!(index, expected);
    let found = world.look_up("/m/raw_lookup", "&include_distance=1").await;
    assert_eq!(
        found["matches"][0],
        json!({ "bank_content_id": 1, "distance": "0" }),
        "{found}"
    );

    check(
        &world.delete("", "/c/exchange/SEED_SAMPLE").await,
        200,
        json!({ "message": "Exchange deleted" }),
    );
    assert_eq!(world.look_up("/m/raw_lookup", "").await, json!({ "matches": [] }));
    check(
        &world.get("", "/c/bank/SEED_SAMPLE").await,
        404,
        json!({ "message": "bank 'SEED_SAMPLE' not found" }),
    );
}

#[tokio::test]
async fn a_factory_reset_forgets_everything_and_ids_begin_at_1() {
    let world = dev().await;
    let key = world.full_key().await;
    // A key opens what its scopes say, and this is no scope's.
    check_message(&world.post(&key, "/dev/factory_reset", json!({})).await, 403);
    for round in 0..2 {
        world.hma_bank("A").await;
        assert_eq!(world.bank_hash("A", KNOWN).await, 1, "round {round}");
        assert_eq!(world.bank_hash("A", OTHER).await, 2, "round {round}");
        assert_eq!(
            world.look_up("/m/raw_lookup", "").await,
            json!({ "matches": [1] }),
            "round {round}"
        );
        let reset = world.post("", "/dev/factory_reset", json!({})).await;
        assert_eq!(reset.status, StatusCode::FOUND, "{}", reset.body);
        assert_eq!(
            world.look_up("/m/raw_lookup", "").await,
            json!({ "matches": [] }),
            "round {round}"
        );
        check(&world.get("", "/c/banks").await, 200, json!([]));
        let empty = json!({ "present": true, "built_to": -1, "size": 0 });
        let status = world.get("", "/m/index/status").await;
        check(
            &status,
            200,
            json!({ "pdq": empty, "video_md5": empty, "video_sha256": empty }),
        );
    }
    assert_eq!(
        world.get(&key, "/c/banks").await.status,
        StatusCode::UNAUTHORIZED,
        "keys are forgotten as well"
    );
}
