//! Banks, files and hashes as clients of HMA keep and look them up.

use std::time::Duration;

use moderation::flows::hma::wake_due_content;
use moderation::signal::Md5;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use web::{HmaAccess, HmaSettings};

use super::{OTHER, check, check_message, dev, open};
use crate::pictures::Picture;
use crate::world::{KNOWN, PICTURE, World};

#[tokio::test]
async fn a_picture_is_hashed_banked_and_found() {
    let world = open().await;
    world.hma_bank("PICTURES").await;
    let hashed = world.upload("/h/hash", &[("photo", "a.jpg", PICTURE)]).await.json();
    let pdq = hashed["pdq"].as_str().unwrap().to_owned();
    assert_eq!((hashed.as_object().unwrap().len(), pdq.len()), (1, 64));

    let path = "/c/bank/PICTURES/content";
    let parts: [(&str, &str, &[u8]); 3] = [
        ("photo", "a.jpg", PICTURE),
        ("metadata", "", br#"{"content_id": "x1", "json": {"a": 1}}"#),
        ("note", "", b"seen before"),
    ];
    check(
        &world.upload(path, &parts).await,
        200,
        json!({ "id": 1, "signals": { "pdq": pdq } }),
    );
    let content = world.get("", "/c/bank/PICTURES/content/1?include_signals=true").await;
    check(
        &content,
        200,
        json!({
            "id": 1,
            "bank": { "name": "PICTURES", "matching_enabled_ratio": 1.0 },
            "disable_until_ts": 1,
            "metadata": { "collab": null, "content_id": "x1", "content_uri": null, "json": { "a": 1 } },
            "note": "seen before",
            "original_media_uri": null,
            "signals": { "pdq": pdq },
        }),
    );
    let found = world.upload("/m/lookup", &[("photo", "b.jpg", PICTURE)]).await;
    let near = json!([{ "bank_content_id": 1, "distance": "0" }]);
    check(&found, 200, json!({ "pdq": { "PICTURES": near } }));
    // It is an entry like any other: the console shows its preview, the API finds it.
    let key = world.full_key().await;
    let bank = world.get(&key, "/api/v1/banks").await.json()["rows"][0].clone();
    assert_eq!(
        (&bank["name"], &bank["confirmed"]),
        (&json!("PICTURES"), &json!(false)),
        "{bank}"
    );
    let entries = format!("/api/v1/banks/{}/entries", bank["id"].as_str().unwrap());
    assert_eq!(world.get(&key, &entries).await.json()["rows"][0]["has_previews"], true);

    let bytes = b"any bytes at all";
    let video = world.upload("/h/hash", &[("video", "a.mp4", bytes)]).await;
    check(&video, 200, json!({ "video_md5": Md5::of(bytes).to_string() }));
}

/// Clients of HMA compare pictures as they are, within the distance of a match. What Seawall finds by views and keypoints, and leads, are told
/// to its own people and programs alone.
#[tokio::test]
async fn what_only_views_keypoints_or_leads_find_is_not_told() {
    let world = open().await;
    world.hma_bank("PICTURES").await;
    let known = Picture::scene(11);
    let (as_it_is, mirrored, turned) = (known.bmp(), known.mirrored().bmp(), known.rotated(15.0).bmp());
    let banked = world
        .upload("/c/bank/PICTURES/content", &[("photo", "a.bmp", &as_it_is)])
        .await;
    assert_eq!(banked.status, 200, "{}", banked.body);
    let near = world.upload("/m/lookup", &[("photo", "a.bmp", &as_it_is)]).await.json();
    assert_eq!(near["pdq"]["PICTURES"].as_array().map(Vec::len), Some(1), "{near}");

    let key = world.full_key().await;
    for (name, edited, view) in [("mirrored", &mirrored, "whole.flip_y"), ("turned", &turned, "sighting")] {
        let item = json!({ "id": name, "kind": "post" }).to_string();
        let parts: [(&str, &str, &[u8]); 2] = [("item", "", item.as_bytes()), ("file", "b.bmp", edited)];
        let verdict = world.post_form(&key, "/api/v1/items", None, "end", &parts).await.json();
        assert_eq!(verdict["media"][0]["matches"][0]["view"], view, "{name}: {verdict}");
        let told = world.upload("/m/lookup", &[("photo", "b.bmp", edited)]).await;
        check(&told, 200, json!({ "pdq": {} }));
    }

    // Thirty-five bits away it is a lead.
    world.hma_bank("HASHES").await;
    world.bank_hash("HASHES", OTHER).await;
    let far: String = format!("aaaaaaaa{}", "d".to_owned() + &OTHER[9..]);
    let distance: u32 = OTHER
        .chars()
        .zip(far.chars())
        .map(|(a, b)| (a.to_digit(16).unwrap() ^ b.to_digit(16).unwrap()).count_ones())
        .sum();
    assert!((32..=40).contains(&distance), "{distance}");
    let item = json!({ "id": "far", "kind": "post", "media": [{ "name": "x", "signals": [{ "type": "pdq", "value": far, "quality": 100 }] }] });
    let verdict = world.post(&key, "/api/v1/items", item).await.json();
    assert_eq!(verdict["media"][0]["matches"][0]["tier"], "lead", "{verdict}");
    let told = world.get("", &format!("/m/lookup?signal_type=pdq&signal={far}")).await;
    check(&told, 200, json!({}));
}

#[tokio::test]
async fn what_is_disabled_is_found_only_where_hma_finds_it() {
    let world = open().await;
    world.hma_bank("A").await;
    world.hma_bank("B").await;
    assert_eq!(
        (world.bank_hash("A", KNOWN).await, world.bank_hash("B", KNOWN).await),
        (1, 2)
    );
    world.bank_hash("A", OTHER).await;
    let hit = |id: i64| json!([{ "bank_content_id": id, "distance": "0" }]);
    assert_eq!(
        world.look_up("/m/lookup", "").await,
        json!({ "A": hit(1), "B": hit(2) })
    );
    assert_eq!(world.look_up("/m/lookup", "&banks=B,C").await, json!({ "B": hit(2) }));
    assert_eq!(
        world.look_up("/m/raw_lookup", "&banks=A").await,
        json!({ "matches": [1] })
    );

    let disabled = world.put("", "/c/bank/B", json!({ "enabled": false })).await;
    check(&disabled, 200, json!({ "name": "B", "matching_enabled_ratio": 0.0 }));
    check(
        &world
            .put("", "/c/bank/A/content/1", json!({ "disable_until_ts": 0 }))
            .await,
        200,
        {
            json!({
                "id": 1, "bank": { "name": "A", "matching_enabled_ratio": 1.0 }, "disable_until_ts": 0, "note": null,
                "original_media_uri": null, "collab_metadata": {}, "user_metadata": null,
            })
        },
    );
    assert_eq!(world.look_up("/m/lookup", "").await, json!({}));
    assert_eq!(world.look_up("/m/lookup", "&bypass_coinflip=true").await, json!({}));
    assert_eq!(world.look_up("/m/raw_lookup", "").await, json!({ "matches": [1, 2] }));
    world.put("", "/c/bank/B", json!({ "enabled": true })).await;
    assert_eq!(world.look_up("/m/lookup", "").await, json!({ "B": hit(2) }));

    // Disabled for a while: found again when the time has come, and not a second before.
    let now_s = moderation::model::Clock::now(&*world.clock).unix_seconds();
    let until = json!({ "disable_until_ts": now_s + 3_600 });
    let put = world.put("", "/c/bank/A/content/1", until.clone()).await.json();
    assert_eq!(put["disable_until_ts"], until["disable_until_ts"]);
    world.clock.advance(Duration::from_secs(3_599));
    wake_due_content(&world.app).await.unwrap();
    assert_eq!(world.look_up("/m/lookup", "").await, json!({ "B": hit(2) }));
    // A note in between puts nothing off.
    world.put("", "/c/bank/A/content/1", json!({ "note": "soon" })).await;
    world.clock.advance(Duration::from_secs(1));
    wake_due_content(&world.app).await.unwrap();
    assert_eq!(
        world.look_up("/m/lookup", "").await,
        json!({ "A": hit(1), "B": hit(2) })
    );

    check(
        &world.delete("", "/c/bank/B/content/1").await,
        200,
        json!({ "deleted": 0 }),
    );
    check(
        &world.delete("", "/c/bank/A/content/1").await,
        200,
        json!({ "deleted": 1 }),
    );
    check(
        &world.delete("", "/c/bank/A/content/1").await,
        200,
        json!({ "deleted": 0 }),
    );
    assert_eq!(world.look_up("/m/raw_lookup", "").await, json!({ "matches": [2] }));
    check(&world.delete("", "/c/bank/B").await, 200, json!({ "message": "Done" }));
    assert_eq!(world.look_up("/m/raw_lookup", "").await, json!({ "matches": [] }));
    world.hma_bank("B").await;
    let banks = world.get("", "/c/banks").await.json();
    assert_eq!(
        banks.as_array().unwrap().len(),
        2,
        "the removed one is not listed: {banks}"
    );
}

#[tokio::test]
async fn a_bank_takes_part_in_its_share_of_lookups() {
    let world = open().await;
    world.hma_bank("HALF").await;
    world.bank_hash("HALF", KNOWN).await;
    world.put("", "/c/bank/HALF", json!({ "enabled_ratio": 0.5 })).await;
    let mut n_found = 0;
    for seed in 0..200 {
        let found = world.look_up("/m/lookup", &format!("&seed={seed}")).await;
        assert_eq!(
            found,
            world.look_up("/m/lookup", &format!("&seed={seed}")).await,
            "the same for the same seed"
        );
        n_found += usize::from(found != json!({}));
    }
    // 200 draws at one half: outside of this once in ten thousand million runs, and the draws are the same at every run.
    assert!((55..=145).contains(&n_found), "{n_found} of 200");
}

#[tokio::test]
async fn an_address_is_fetched_only_from_listed_hosts() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap();
    let world = open().await;
    world.hma_bank("A").await;
    for path in ["/h/hash", "/m/lookup"] {
        let url = format!("{path}?url=http://{host}/a.jpg");
        check(
            &world.get("", &url).await,
            400,
            json!({ "message": "Invalid or unsafe URL provided" }),
        );
    }
    check_message(
        &world
            .post("", &format!("/c/bank/A/content?url=http://{host}/a.jpg"), json!({}))
            .await,
        400,
    );
    let asked = tokio::time::timeout(Duration::from_millis(200), listener.accept()).await;
    assert!(asked.is_err(), "nobody may have connected");

    // In development mode this machine may be asked, and no other.
    let world = dev().await;
    let url = format!("/h/hash?url=http://{host}/a.jpg");
    let refused = world.get("", &url).await;
    check_message(&refused, 400);
    check_message(&world.get("", "/h/hash?url=http://10.0.0.1/a.jpg").await, 400);
}

#[tokio::test]
async fn a_signal_that_a_file_does_not_have_is_not_no_match() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                PICTURE.len()
            );
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked).await;
            let _ = stream.write_all(&[head.as_bytes(), PICTURE].concat()).await;
        }
    });
    let world = World::with(|settings| {
        settings.hma = Some(HmaSettings {
            access: HmaAccess::OpenOnLoopback,
            ..HmaSettings::new()
        });
        settings.fetch.allow_unlisted_loopback = true;
    })
    .await;
    let url = format!("/m/lookup?url=http://{host}/a.jpg&signal_type=");
    check(&world.get("", &format!("{url}pdq")).await, 200, json!({}));
    for kind in ["video_md5", "pqd"] {
        check_message(&world.get("", &format!("{url}{kind}")).await, 400);
    }
}
