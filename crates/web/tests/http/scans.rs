//! A long file is looked at while its sender waits: how far it is can be asked, and a sender who goes away ends it.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use moderation::media::JailRequirement;
use moderation::media::av::{AvHost, AvSettings, AvWorkerCommand};
use moderation::model::Scope;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::world::World;

/// A worker as far as the host can tell: it greets, says that a sound of a minute was opened and that a second of it was looked at, and then takes for ever.
const SLOW: &str = r"#!/bin/sh
printf 'SWMW\002\000\037\000'
printf '\001\011\000\000\000\000\140\352\000\000\000\001\000\001'
printf '\005\015\000\000\000\350\003\000\000\012\000\000\000\000\000\000\000\000'
exec sleep 600
";

#[tokio::test]
async fn who_waits_sees_how_far_it_is_and_who_goes_away_frees_the_worker() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("worker");
    std::fs::write(&program, SLOW).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let av = AvSettings {
        scans_max: 1,
        jail: JailRequirement::BestEffort,
        ..AvSettings::new(AvWorkerCommand::at(program).unwrap())
    };
    let av = AvHost::new(av).unwrap();
    let world = world.changed(|app| app.av = Some(av.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_stop, stopped) = watch::channel(false);
    tokio::spawn(web::serve_state(world.state.clone(), listener, stopped));

    let key = world.full_key().await;
    let film = BASE64_STANDARD.encode(b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2");
    let send = async |item: &str| {
        let media = json!([{ "name": "a.mp4", "data_base64": film }]);
        let body = json!({ "id": item, "kind": "video", "media": media }).to_string();
        let mut client = TcpStream::connect(address).await.unwrap();
        let head = format!("content-type: application/json\r\ncontent-length: {}", body.len());
        let request =
            format!("POST /api/v1/items HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {key}\r\n{head}\r\n\r\n{body}");
        client.write_all(request.as_bytes()).await.unwrap();
        client
    };
    let rows = async |query: &str| -> Vec<Value> {
        let asked = world.get(&key, &format!("/api/v1/scans{query}")).await;
        asked.json()["rows"].as_array().unwrap().clone()
    };
    let until = async |what: &str, is_so: &dyn Fn(&[Value]) -> bool| {
        let seen = timeout(Duration::from_secs(20), async {
            loop {
                let now = rows("").await;
                if is_so(&now) {
                    return now;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        seen.await.unwrap_or_else(|_| panic!("never: {what}"))
    };
    let first = send("v-1").await;
    let seen = until("how far it is", &|rows| rows.len() == 1 && rows[0]["at_ms"] == 1_000).await;
    assert_eq!(
        (&seen[0]["item"], &seen[0]["file"], &seen[0]["duration_ms"]),
        (&json!("v-1"), &json!("a.mp4"), &json!(60_000))
    );
    let _second = send("v-2").await;
    let seen = until("that one waits", &|rows| rows.len() == 2).await;
    assert_eq!((&seen[1]["item"], &seen[1]["at_ms"]), (&json!("v-2"), &Value::Null));
    assert_eq!(rows("?item=v-2").await.len(), 1);
    assert_eq!(rows("?item=v-3").await, Vec::<Value>::new());
    let writer = world.key(&[Scope::ItemsWrite]).await;
    let refused = world.get(&writer, "/api/v1/scans").await;
    assert_eq!(refused.problem(), "403 forbidden");

    // The first goes away: its worker is free for the second at once.
    let before = av.stats();
    assert_eq!((before.running, before.queued), (1, 1));
    drop(first);
    let next = |rows: &[Value]| rows.len() == 1 && rows[0]["item"] == "v-2" && rows[0]["at_ms"] == 1_000;
    until("the second's turn", &next).await;
    let now = av.stats();
    assert_eq!((now.running, now.queued, now.scanned), (1, 0, 0));
}
