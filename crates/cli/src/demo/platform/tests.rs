//! What the stand-in answers: signatures are checked, repeats are known, and the story decides what it refuses.

use super::*;
use moderation::model::ManualClock;

const NOW_MS: i64 = 1_795_226_786_000;
const SECRET: &str = "sixteen characters";

fn platform(behaviour: Behaviour) -> Platform {
    Platform::new(
        SECRET,
        Arc::new(ManualClock::at(Timestamp::from_unix_ms(NOW_MS))),
        behaviour,
    )
}

fn send(platform: &Platform, id: &str, kind: &str, item: &str) -> String {
    let body = format!(
        r#"{{"id":"{id}","kind":"{kind}","item":"{item}","decision":"dec_1","author":"rule","policy":null,"reason":"r","new":1}}"#
    );
    let signature = moderation::actions::webhook::signature(SECRET, Timestamp::from_unix_ms(NOW_MS), body.as_bytes());
    deliver(
        platform,
        &[("seawall-signature", &signature), ("idempotency-key", id)],
        &body,
    )
}

fn deliver(platform: &Platform, headers: &[(&'static str, &str)], body: &str) -> String {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap()))
        .collect();
    let response = platform.receive(&headers, body.as_bytes());
    let status = response.status().as_u16();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let body = runtime
        .block_on(axum::body::to_bytes(response.into_body(), 4096))
        .unwrap();
    format!("{status} {}", String::from_utf8_lossy(&body).trim())
}

#[test]
fn an_order_is_obeyed_once() {
    let platform = platform(Behaviour::default());
    assert_eq!(
        send(&platform, "act_1", "restrict", "post-1"),
        r#"200 {"answer":"done"}"#
    );
    assert_eq!(platform.item("post-1"), Some(ItemState::Restricted));
    assert_eq!(
        send(&platform, "act_1", "restrict", "post-1"),
        r#"200 {"answer":"already_done"}"#
    );
    assert_eq!(
        send(&platform, "act_2", "restore", "post-1"),
        r#"200 {"answer":"done"}"#
    );
    assert_eq!(platform.item("post-1"), Some(ItemState::Available));
    let orders = platform.orders();
    assert_eq!(
        (orders.len(), orders[0].attempts, orders[0].answer),
        (2, 2, "already_done")
    );
}

#[test]
fn what_is_not_signed_is_not_obeyed() {
    let platform = platform(Behaviour::default());
    let order = r#"{"id":"act_1","kind":"restrict","item":"post-1","decision":"dec_1","author":"rule","reason":"r"}"#;
    let old =
        moderation::actions::webhook::signature(SECRET, Timestamp::from_unix_ms(NOW_MS - 301_000), order.as_bytes());
    let right = moderation::actions::webhook::signature(SECRET, Timestamp::from_unix_ms(NOW_MS), order.as_bytes());
    for signature in ["", "t=1,v1=00", &old] {
        let answer = deliver(
            &platform,
            &[("seawall-signature", signature), ("idempotency-key", "act_1")],
            order,
        );
        assert!(answer.starts_with("401 "), "{answer}");
    }
    let answer = deliver(
        &platform,
        &[("seawall-signature", &right), ("idempotency-key", "act_2")],
        order,
    );
    assert!(answer.starts_with("400 "), "{answer}");
    assert_eq!(
        (platform.orders().len(), platform.item("post-1"), platform.n_rejected()),
        (0, None, 4)
    );
}

#[test]
fn it_fails_refuses_and_forgets_as_it_is_told_to() {
    let set = |item: &str| HashSet::from([item.to_owned()]);
    let platform = platform(Behaviour {
        fail_every: 2,
        refused: set("r"),
        gone: set("g"),
        failing: set("f"),
        restricted_before: set("o"),
    });
    assert_eq!(send(&platform, "act_1", "restrict", "a"), r#"200 {"answer":"done"}"#);
    assert_eq!(send(&platform, "act_2", "restrict", "b"), "503 not now");
    assert_eq!(send(&platform, "act_2", "restrict", "b"), r#"200 {"answer":"done"}"#);
    assert!(send(&platform, "act_3", "restrict", "r").starts_with(r#"200 {"answer":"refused","detail":"#));
    assert_eq!(send(&platform, "act_4", "restrict", "g"), "503 not now");
    assert_eq!(send(&platform, "act_4", "restrict", "g"), r#"200 {"answer":"gone"}"#);
    for _ in 0..3 {
        assert_eq!(send(&platform, "act_5", "restrict", "f"), "503 not now");
    }
    assert_eq!(send(&platform, "act_6", "restrict", "o"), "503 not now");
    assert_eq!(
        send(&platform, "act_6", "restrict", "o"),
        r#"200 {"answer":"already_done"}"#
    );
    platform.set_down(true);
    assert_eq!(send(&platform, "act_7", "restrict", "c"), "503 not now");
    platform.set_down(false);
    assert_eq!(send(&platform, "act_7", "restrict", "c"), r#"200 {"answer":"done"}"#);
    assert_eq!([platform.item("r"), platform.item("g"), platform.item("f")], [None; 3]);
}
