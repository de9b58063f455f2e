//! Videos and sounds, as programs send them and are told of them. Here they are hashes without any film, and files that are none.

use axum::http::Method;
use moderation::model::{Actor, Scope};
use moderation::views;
use serde_json::{Value, json};

use crate::films::{film, sound, video};
use crate::world::World;

/// The first bytes of an MP4 file, and nothing that could be played.
fn no_film(n_bytes: usize) -> Vec<u8> {
    let mut bytes = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2".to_vec();
    bytes.resize(n_bytes, 7);
    bytes
}

fn given(kind: &str, value: &str) -> Value {
    json!([{ "name": "a.mp4", "signals": [{ "type": kind, "value": value }] }])
}

#[tokio::test]
async fn a_clip_of_a_known_video_is_told_with_its_segments() {
    let world = World::new().await;
    let key = world.full_key().await;
    let bank = world.bank("films", true).await;
    let known = film(1, 60);
    let path = format!("/api/v1/banks/{bank}/entries");
    let new = json!({ "name": "known", "signals": [{ "type": "vpdq", "value": video(&[&known]).value() }] });
    let added = world.post(&key, &path, new).await;
    assert_eq!(added.status, 201, "{}", added.body);

    let posted = video(&[&film(2, 10), &known[20..40], &film(3, 10)]);
    let item = json!({ "id": "v-1", "kind": "video", "media": given("vpdq", &posted.value()) });
    let verdict = world.post(&key, "/api/v1/items", item).await.json();
    assert_eq!(verdict["outcome"], "restrict", "{verdict:#}");
    let mut found = verdict["media"][0]["matches"][0].clone();
    let segments = found["segments"].clone();
    found.as_object_mut().unwrap().remove("entry");
    // The estimate is the index's, and tuned there.
    let chance = found["segments"][0].as_object_mut().unwrap().remove("chance_log10");
    assert!(chance.unwrap().as_f64().unwrap() < -6.0, "{segments:#}");
    let expected = json!({
        "bank": "films", "signal": "vpdq", "distance": 51, "threshold": 100, "tier": "match", "view": "as_is",
        "segments": [{
            "kind": "picture", "tier": "match", "query": { "from_ms": 9_525, "to_ms": 29_475 },
            "entry": { "from_ms": 19_525, "to_ms": 39_475 }, "rate": 1.0, "frames": 20, "query_coverage": 0.4987,
            "entry_coverage": 0.3381, "mirrored": false
        }]
    });
    assert_eq!(found, expected, "{found:#}");

    // The verdict that is remembered says the same.
    let again = world.get(&key, "/api/v1/items/v-1").await.json();
    assert_eq!(again["verdict"]["media"][0]["matches"][0]["segments"], segments);
}

#[tokio::test]
async fn an_entry_of_hashes_says_how_long_it_plays_and_gives_them_back() {
    let world = World::new().await;
    let key = world.full_key().await;
    let bank = world.bank("films", true).await;
    let (seen, heard) = (video(&[&film(4, 30)]), sound(4, 200));
    let path = format!("/api/v1/banks/{bank}/entries");
    let signals = json!([{ "type": "vpdq", "value": seen.value() }, { "type": "chromaprint", "value": heard.value() }]);
    let added = world.post(&key, &path, json!({ "signals": signals })).await;
    let entry = world.get(&key, added.header("location")).await.json();
    assert_eq!(entry["video"]["n_frames"], 30, "{entry:#}");
    assert!(entry["video"]["duration_ms"].as_u64().unwrap() >= 29_000, "{entry:#}");
    assert!(entry["sound"]["duration_ms"].as_u64().unwrap() > 20_000, "{entry:#}");
    assert_eq!(
        entry["signals"], signals,
        "whoever wants them elsewhere asks for the entry"
    );

    let listed = &world.get(&key, &path).await.json()["rows"][0];
    assert_eq!(
        (&listed["video"], &listed["signals"]),
        (&entry["video"], &json!([])),
        "a list stays short"
    );
}

#[tokio::test]
async fn values_that_are_no_hashes_are_named() {
    let world = World::new().await;
    let key = world.full_key().await;
    let bank = world.bank("films", true).await;
    let entries = format!("/api/v1/banks/{bank}/entries");
    for (kind, value) in [
        ("vpdq", "[]"),
        ("vpdq", "[\"x,1,0\"]"),
        ("chromaprint", "!"),
        ("chromaprint", ""),
    ] {
        let item = json!({ "id": "v", "kind": "video", "media": given(kind, value) });
        let answer = world.post(&key, "/api/v1/check", item).await;
        assert_eq!(
            answer.problem(),
            "422 invalid-field media[0].signals[0].value",
            "{kind} {value}"
        );
        let answer = world
            .post(&key, &entries, json!({ "signals": [{ "type": kind, "value": value }] }))
            .await;
        assert_eq!(answer.problem(), "422 invalid-field signals[0].value", "{kind} {value}");
    }
}

#[tokio::test]
async fn a_video_goes_to_a_file_and_is_unscanned_where_nothing_can_decode_it() {
    // Memory for bodies holds no more than the form itself: a video that went through it would be refused.
    let world = World::with(|settings| {
        settings.limits.body_bytes_max = 64 << 10;
        settings.limits.bodies_bytes_max = 64 << 10;
    })
    .await;
    let key = world.full_key().await;
    let item = json!({ "id": "v-2", "kind": "video" }).to_string();
    let film = no_film(1 << 20);
    let parts: [(&str, &str, &[u8]); 2] = [("item", "", item.as_bytes()), ("file", "a.mp4", &film)];
    let verdict = world.post_form(&key, "/api/v1/items", None, "end", &parts).await.json();
    let media = &verdict["media"][0];
    assert_eq!(
        (&media["status"], &media["reason"], &verdict["outcome"]),
        (&json!("unscanned"), &json!("av_unavailable"), &json!("review")),
        "{verdict:#}"
    );
    assert_eq!(
        media["signals"].as_array().unwrap().len(),
        2,
        "its digests need no decoder"
    );

    let bank = world.bank("films", true).await;
    let path = format!("/api/v1/banks/{bank}/entries");
    let added = world
        .post_form(&key, &path, None, "end", &[("file", "a.mp4", &film)])
        .await;
    assert_eq!(added.problem(), "422 unscannable");
    // What is neither a video nor a sound is held in memory, and bounded as before.
    let picture = vec![b'x'; 100 << 10];
    let added = world
        .post_form(&key, &path, None, "end", &[("file", "a.jpg", &picture)])
        .await;
    assert_eq!(added.problem(), "413 too-large");
}

#[tokio::test]
async fn the_same_video_with_the_same_key_is_the_same_request() {
    let world = World::new().await;
    let key = world.full_key().await;
    let item = json!({ "id": "v-3", "kind": "video" }).to_string();
    let send = async |boundary: &'static str, film: Vec<u8>| {
        let parts: [(&str, &str, &[u8]); 2] = [("item", "", item.as_bytes()), ("file", "a.mp4", &film)];
        world
            .post_form(&key, "/api/v1/items", Some("once"), boundary, &parts)
            .await
    };
    let first = send("one", no_film(5_000)).await;
    let retry = send("other", no_film(5_000)).await;
    assert_eq!((first.status.as_u16(), &first.body), (200, &retry.body));
    let other = send("one", no_film(5_001)).await;
    assert_eq!(other.problem(), "422 idempotency-key-reused Idempotency-Key");
}

#[tokio::test]
async fn an_upload_has_bounds_and_temporary_files_have_one_together() {
    let item = json!({ "id": "v-4", "kind": "video" }).to_string();
    let send = async |world: &World, n_bytes: usize| {
        let film = no_film(n_bytes);
        let key = world.full_key().await;
        let parts: [(&str, &str, &[u8]); 2] = [("item", "", item.as_bytes()), ("file", "a.mp4", &film)];
        world.post_form(&key, "/api/v1/check", None, "end", &parts).await
    };
    let world = World::with(|settings| settings.limits.upload_bytes_max = 1 << 20).await;
    let refused = send(&world, 2 << 20).await;
    assert_eq!(refused.problem(), "413 too-large");
    assert_eq!(refused.header("connection"), "close");

    let world = World::with(|settings| settings.limits.uploads_bytes_max = 1 << 20).await;
    let refused = send(&world, 2 << 20).await;
    assert_eq!(refused.problem(), "503 busy");
    assert_eq!(refused.header("retry-after"), "2");
    assert_eq!(
        send(&world, 900 << 10).await.status,
        200,
        "what was refused takes no room"
    );
    assert_eq!(
        send(&world, 900 << 10).await.status,
        200,
        "and what was answered neither"
    );
}

#[tokio::test]
async fn a_key_without_the_right_fills_no_disk() {
    // There is no room at all: whoever gets as far as to a file is told so.
    let world = World::with(|settings| settings.limits.uploads_bytes_max = 0).await;
    let bank = world.bank("films", true).await;
    let reader = world.key(&[Scope::BanksRead]).await;
    let film = no_film(100_000);
    for path in [
        "/api/v1/items",
        "/api/v1/check",
        &format!("/api/v1/banks/{bank}/entries"),
    ] {
        let answer = world
            .post_form(&reader, path, None, "end", &[("file", "a.mp4", &film)])
            .await;
        assert_eq!(answer.problem(), "403 forbidden", "{path}");
    }
    let head = world.send(crate::world::request(
        Method::GET,
        "/api/v1/banks",
        &reader,
        &[],
        axum::body::Body::empty(),
    ));
    assert_eq!(head.await.status, 200);
}

#[tokio::test]
async fn a_transcript_comes_with_its_file_however_that_comes() {
    let world = World::new().await;
    let key = world.full_key().await;
    let lines = json!([{ "from_ms": 0, "to_ms": 1_500, "text": "good morning", "language": "en" }]);
    let mut media = given("vpdq", &video(&[&film(1, 10)]).value());
    media[0]["transcript"] = lines.clone();
    let item = json!({ "id": "v-7", "kind": "video", "media": media });
    let taken = world.post(&key, "/api/v1/items", item).await;
    assert_eq!(taken.status, 200, "{}", taken.body);

    let said = async |id: &str| {
        let view = views::item(&world.app, &Actor::Operator, &id.parse().unwrap()).await;
        let media = view.unwrap().unwrap().media;
        let texts = media
            .into_iter()
            .map(|file| file.transcript.into_iter().map(|line| line.text).collect());
        texts.collect::<Vec<Vec<String>>>()
    };
    assert_eq!(said("v-7").await, [["good morning"]]);
    let form = async |id: &str, name: &str| {
        let described = json!({ "id": id, "kind": "video", "media": [{ "name": name, "transcript": lines }] });
        let described = described.to_string();
        let parts = [("item", "", described.as_bytes()), ("file", "a.mp4", &no_film(100)[..])];
        world.post_form(&key, "/api/v1/items", None, "b", &parts).await
    };
    let taken = form("v-8", "a.mp4").await;
    assert_eq!(taken.status, 200, "{}", taken.body);
    assert_eq!(
        said("v-8").await,
        [["good morning"]],
        "one file, and what is said in it"
    );

    assert_eq!(form("v-9", "b.mp4").await.problem(), "422 invalid-field item.media");
    let alone = json!({ "id": "v-9", "kind": "video", "media": [{ "name": "a.mp4", "transcript": lines }] });
    let alone = world.post(&key, "/api/v1/items", alone).await;
    assert_eq!(alone.problem(), "422 invalid-field media");
    let mut media = given("vpdq", &video(&[&film(1, 10)]).value());
    media[0]["transcript"] = json!([{ "from_ms": 5, "to_ms": 1, "text": "a" }]);
    let wrong = world
        .post(
            &key,
            "/api/v1/items",
            json!({ "id": "v-9", "kind": "video", "media": media }),
        )
        .await;
    assert_eq!(wrong.problem(), "422 invalid-field media");
}
