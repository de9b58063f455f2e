//! Live streams, as platforms send them and listen to them. What comes here are frames that the platform hashed; bytes need a worker.

use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use http_body_util::BodyExt;
use moderation::access::secrets;
use moderation::flows::access::{self, Proof};
use moderation::model::{Actor, Clock, Role, Scope, UserId};
use moderation::signal::vpdq::Feature;
use serde_json::{Value, json};

use crate::films::{film, video};
use crate::world::{Answer, World, request};

/// A world with a known video of a minute in a confirmed bank.
async fn world_with_video() -> (World, String) {
    let world = World::new().await;
    let key = world.full_key().await;
    let bank = world.bank("films", true).await;
    world.entry(bank, video(&[&film(1, 60)])).await;
    (world, key)
}

async fn open(world: &World, key: &str, item: &str) -> Answer {
    world
        .post(key, "/api/v1/streams", json!({ "item": item, "input": "frames" }))
        .await
}

/// A piece of frames, the first of which is shown at that second.
fn piece(frames: &[Feature], from_s: u32) -> Value {
    let frames = frames.iter().enumerate().map(|(idx, feature)| {
        json!({ "at_ms": (from_s + idx as u32) * 1_000, "pdq": feature.pdq.hash.to_string(), "quality": feature.pdq.quality })
    });
    json!({ "frames": frames.collect::<Vec<_>>() })
}

/// The events of an answer: name, id, data.
fn events(body: &str) -> Vec<(String, String, Value)> {
    let blocks = body.split("\n\n").filter(|block| block.contains("event:"));
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
        line.unwrap_or_default().trim().to_owned()
    };
    blocks
        .map(|block| {
            let data = serde_json::from_str(&field(block, "data")).unwrap();
            (field(block, "event"), field(block, "id"), data)
        })
        .collect()
}

#[tokio::test]
async fn a_stream_that_shows_a_known_video_is_told_of_while_it_goes_on_and_afterwards() {
    let (world, key) = world_with_video().await;
    let opened = open(&world, &key, "live-1").await;
    assert_eq!(opened.status, 201, "{}", opened.body);
    let stream = opened.header("location").to_owned();
    let again = open(&world, &key, "live-1").await;
    assert_eq!(
        (again.status.as_u16(), again.header("location")),
        (200, stream.as_str()),
        "it is open already"
    );

    let segments = format!("{stream}/segments");
    let first = world
        .post(&key, &format!("{segments}?sequence=1"), piece(&film(2, 20), 0))
        .await;
    assert_eq!(
        (first.status.as_u16(), first.body.as_str()),
        (200, "{}"),
        "{}",
        first.body
    );
    let known = &film(1, 60)[10..30];
    let second = piece(known, 20);
    assert_eq!(
        world
            .post(&key, &format!("{segments}?sequence=2"), second.clone())
            .await
            .status,
        200
    );
    let retry = world.post(&key, &format!("{segments}?sequence=2"), second).await;
    assert_eq!(retry.json(), json!({ "repeated": true }), "a retry does no harm");

    let late = world
        .post(&key, &format!("{segments}?sequence=0"), piece(&film(3, 5), 0))
        .await;
    assert_eq!(late.problem(), "409 conflict");

    let seen = world.get(&key, &stream).await.json();
    assert_eq!(
        (&seen["state"], &seen["item"]),
        (&json!("open"), &json!("live-1")),
        "{seen:#}"
    );
    let closed = world
        .send(request(
            Method::POST,
            &format!("{stream}/close"),
            &key,
            &[],
            Body::empty(),
        ))
        .await;
    assert_eq!(closed.status, 204);

    let told = world.get(&key, &format!("{stream}/events")).await;
    assert_eq!(told.header("content-type"), "text/event-stream");
    let told = events(&told.body);
    let verdicts: Vec<_> = told.iter().filter(|(name, ..)| name == "verdict").collect();
    assert!(
        verdicts.is_sorted_by_key(|(.., verdict)| verdict["seq"].as_i64()),
        "{told:#?}"
    );
    // The first frames make a lead; the more agree, the surer it is.
    let (_, id, verdict) = verdicts.last().unwrap();
    assert_eq!(
        (&verdict["item"], &verdict["tier"]),
        (&json!("live-1"), &json!("match")),
        "{verdict:#}"
    );
    assert_eq!(
        (&verdict["outcome"], verdict["seq"].to_string()),
        (&json!("restrict"), id.clone())
    );
    assert!(
        verdict["case"].is_string() && verdict["at_ms"].as_u64().unwrap() >= 20_000,
        "{verdict:#}"
    );
    let (name, _, over) = told.last().unwrap();
    assert_eq!(
        (name.as_str(), over),
        ("over", &json!({ "state": "closed", "reason": "ended" }))
    );

    // Whoever comes again is told only what they missed.
    let last = told[told.len() - 2].1.clone();
    let headers = [("last-event-id", last.as_str())];
    let rest = world
        .send(request(
            Method::GET,
            &format!("{stream}/events"),
            &key,
            &headers,
            Body::empty(),
        ))
        .await;
    assert_eq!(
        events(&rest.body)
            .iter()
            .map(|event| event.0.as_str())
            .collect::<Vec<_>>(),
        ["over"]
    );

    let item = world.get(&key, "/api/v1/items/live-1").await.json();
    assert_eq!(
        (&item["kind"], &item["verdict"]["outcome"]),
        (&json!("stream"), &json!("restrict"))
    );
    let late = world.post(&key, &segments, piece(known, 60)).await;
    assert_eq!(late.problem(), "404 not-found", "it is over");
}

#[tokio::test]
async fn pieces_that_cannot_be_taken_are_named() {
    let (world, key) = world_with_video().await;
    let stream = open(&world, &key, "live-2").await.header("location").to_owned();
    let segments = format!("{stream}/segments");
    let send = async |body: Value| world.post(&key, &segments, body).await.problem();
    let frame =
        |at_ms: i64, pdq: &str, quality: u8| json!({ "frames": [{ "at_ms": at_ms, "pdq": pdq, "quality": quality }] });
    let hash = "0".repeat(64);
    assert_eq!(send(json!({ "frames": [] })).await, "422 invalid-field frames");
    assert_eq!(send(frame(0, "x", 50)).await, "422 invalid-field frames[0].pdq");
    assert_eq!(send(frame(0, &hash, 101)).await, "422 invalid-field frames[0].quality");
    assert_eq!(send(frame(-1, &hash, 50)).await, "422 invalid-field frames[0].at_ms");
    let text = request(
        Method::POST,
        &segments,
        &key,
        &[("content-type", "text/plain")],
        Body::from("x"),
    );
    assert_eq!(world.send(text).await.problem(), "415 unsupported-media-type");
    let bytes = request(
        Method::POST,
        &segments,
        &key,
        &[("content-type", "video/mp2t")],
        Body::from("G"),
    );
    let refused = world.send(bytes).await;
    assert!(
        refused.status.is_client_error(),
        "it was opened for frames: {}",
        refused.body
    );
    let query = world
        .post(&key, &format!("{segments}?sequence=x"), frame(0, &hash, 50))
        .await;
    assert_eq!(query.problem(), "422 invalid-field sequence");
    let header = [("last-event-id", "x")];
    let events = request(Method::GET, &format!("{stream}/events"), &key, &header, Body::empty());
    assert_eq!(world.send(events).await.problem(), "422 invalid-field Last-Event-ID");
}

#[tokio::test]
async fn sound_is_sent_beside_frames_and_what_is_none_is_named() {
    let (world, key) = world_with_video().await;
    let stream = open(&world, &key, "live-5").await.header("location").to_owned();
    let send = async |kind: &str, query: &str, body: Vec<u8>| {
        let path = format!("{stream}/segments{query}");
        world
            .send(request(
                Method::POST,
                &path,
                &key,
                &[("content-type", kind)],
                Body::from(body),
            ))
            .await
    };
    let l16 = "audio/L16;rate=16000;channels=2";
    let taken = send(l16, "?at_ms=0&sequence=1", vec![0; 6_400]).await;
    assert_eq!(
        (taken.status.as_u16(), taken.json()),
        (200, json!({})),
        "{}",
        taken.body
    );
    let again = send(l16, "?at_ms=0&sequence=1", vec![0; 6_400]).await;
    assert_eq!(again.json(), json!({ "repeated": true }));
    let frames = world
        .post(
            &key,
            &format!("{stream}/segments?sequence=2"),
            piece(&film(1, 60)[..1], 0),
        )
        .await;
    assert_eq!(frames.status, 200, "{}", frames.body);
    let refused = async |kind: &str, query: &str, n: usize| send(kind, query, vec![0; n]).await.problem();
    assert_eq!(refused(l16, "", 4).await, "422 invalid-field at_ms");
    assert_eq!(refused(l16, "?at_ms=100", 3).await, "422 invalid-field sound");
    assert_eq!(
        refused(l16, "?at_ms=100", 6).await,
        "422 invalid-field sound",
        "half a moment"
    );
    assert_eq!(refused("audio/L16", "?at_ms=100", 4).await, "422 invalid-field rate");
    assert_eq!(
        refused("audio/L16;rate=16000;channels=x", "?at_ms=100", 4).await,
        "422 invalid-field channels"
    );
    let other = send("audio/L16;rate=8000", "?at_ms=3600000&sequence=3", vec![0; 160]).await;
    assert_eq!(
        other.status, 200,
        "after an hour without sound, at another rate: {}",
        other.body
    );
}

#[tokio::test]
async fn what_is_said_is_sent_as_it_is_written_down_and_kept_with_the_item() {
    let (world, key) = world_with_video().await;
    let stream = open(&world, &key, "live-7").await.header("location").to_owned();
    let segments = format!("{stream}/segments");
    let line = |from_ms: u32, text: &str| json!({ "from_ms": from_ms, "to_ms": from_ms + 900, "text": text });
    let said = json!({ "transcript": [line(1_000, "good morning"), line(4_000, "now look")] });
    for sequence in [1, 1] {
        let taken = world
            .post(&key, &format!("{segments}?sequence={sequence}"), said.clone())
            .await;
        assert_eq!(taken.status, 200, "{}", taken.body);
    }
    // Frames and words in one piece; a line that came before.
    let mut both = piece(&film(1, 60)[10..30], 5);
    both["transcript"] = json!([line(4_000, "now look"), line(9_000, "here it is")]);
    let taken = world.post(&key, &format!("{segments}?sequence=2"), both).await;
    assert_eq!(taken.status, 200, "{}", taken.body);
    let item = "live-7".parse().unwrap();
    let view = moderation::views::item(&world.app, &Actor::Operator, &item).await;
    let lines = view.unwrap().unwrap().media.remove(0).transcript;
    let texts: Vec<(u32, &str)> = lines.iter().map(|line| (line.from_ms, line.text.as_str())).collect();
    assert_eq!(
        texts,
        [(1_000, "good morning"), (4_000, "now look"), (9_000, "here it is")]
    );

    let send = async |body: Value| world.post(&key, &segments, body).await.problem();
    assert_eq!(send(json!({})).await, "422 invalid-field frames");
    assert_eq!(send(json!({ "transcript": [] })).await, "422 invalid-field transcript");
    let backwards = json!({ "transcript": [line(9_000, "b"), line(1_000, "a")] });
    assert_eq!(send(backwards).await, "422 invalid-field transcript");
    let reader = world.key(&[Scope::ItemsRead]).await;
    assert_eq!(world.post(&reader, &segments, said).await.problem(), "403 forbidden");
}

#[tokio::test]
async fn bytes_need_a_worker_and_streams_need_the_right() {
    let (world, key) = world_with_video().await;
    let bytes = world.post(&key, "/api/v1/streams", json!({ "item": "live-3" })).await;
    assert_eq!(bytes.problem(), "422 unscannable");
    let stream = open(&world, &key, "live-3").await.header("location").to_owned();
    let reader = world.key(&[Scope::ItemsRead]).await;
    assert_eq!(open(&world, &reader, "live-4").await.problem(), "403 forbidden");
    let pushed = world
        .post(&reader, &format!("{stream}/segments"), piece(&film(1, 2), 0))
        .await;
    assert_eq!(pushed.problem(), "403 forbidden");
    let writer = world.key(&[Scope::ItemsWrite]).await;
    assert_eq!(
        world.get(&writer, &format!("{stream}/events")).await.problem(),
        "403 forbidden"
    );
    assert_eq!(world.get(&writer, "/api/v1/streams").await.problem(), "403 forbidden");

    let listed = world.get(&reader, "/api/v1/streams?state=open").await.json();
    assert_eq!(listed["rows"].as_array().unwrap().len(), 1, "{listed:#}");
    assert_eq!(
        world.get(&reader, "/api/v1/streams?state=closed").await.json()["rows"],
        json!([])
    );
    assert_eq!(
        world
            .get(&reader, "/api/v1/streams/stream_00000000000000000000000000")
            .await
            .problem(),
        "404 not-found"
    );
}

/// A person, and the secret of a token of theirs.
async fn person_with_token(world: &World) -> (UserId, String) {
    let invite = access::invite_user(&world.app, &Actor::Operator, "amal", Role::Moderator.into())
        .await
        .unwrap();
    let totp = access::open_invite(&world.app, &invite.token)
        .await
        .unwrap()
        .totp_secret_base32;
    let code = || secrets::totp_code(&totp, world.clock.now()).unwrap();
    let password = "three quiet harbour lights";
    let joined = access::accept_invite(&world.app, &invite.token, password, &code())
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(60));
    let code = code();
    let proof = Proof::Typed { password, code: &code };
    let (scopes, day) = ([Scope::ItemsRead], Duration::from_secs(24 * 3600));
    let made = access::create_token(&world.app, &joined.session, &proof, "script", &scopes, day)
        .await
        .unwrap();
    (invite.user, made.secret)
}

/// Who listens is asked for anew each time that something is told.
#[tokio::test]
async fn who_no_longer_reaches_a_stream_hears_no_more_of_it() {
    let (world, key) = world_with_video().await;
    let stream = open(&world, &key, "live-6").await.header("location").to_owned();
    let path = format!("{stream}/events");
    let listen = async |secret: &str| {
        let begun = world
            .begin(request(Method::GET, &path, secret, &[], Body::empty()))
            .await;
        assert_eq!(begun.status(), 200);
        begun.into_body()
    };
    let revoked = access::create_key(&world.app, &Actor::Operator, "gone", vec![Scope::ItemsRead])
        .await
        .unwrap();
    let (user, token) = person_with_token(&world).await;
    let bodies = [listen(&revoked.secret).await, listen(&token).await];
    access::revoke_key(&world.app, &Actor::Operator, revoked.key.id)
        .await
        .unwrap();
    access::change_queues(&world.app, &Actor::Operator, user, "reported".parse().unwrap())
        .await
        .unwrap();
    let segments = format!("{stream}/segments");
    let sent = world.post(&key, &segments, piece(&film(1, 60)[10..30], 0)).await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    for body in bodies {
        let heard = tokio::time::timeout(Duration::from_secs(20), body.collect()).await;
        let heard = heard.expect("the answer does not end").unwrap().to_bytes();
        assert!(events(&String::from_utf8_lossy(&heard)).is_empty(), "{heard:?}");
    }
    assert_eq!(world.get(&token, &path).await.problem(), "404 not-found");
}
