//! How a match was found and how near counts for an entry, as programs are told; incidents that programs begin and end.

use axum::http::Method;
use moderation::model::Scope;
use serde_json::{Value, json};

use crate::pictures::Picture;
use crate::world::{KNOWN, World, pdq};

/// A bank with one entry that came with its picture; where the entry is.
async fn world_with_entry(known: &Picture) -> (World, String, String) {
    let world = World::new().await;
    let key = world.full_key().await;
    let bank = world.bank("known", true).await;
    let path = format!("/api/v1/banks/{bank}/entries");
    let added = world
        .post_form(&key, &path, None, "end", &[("file", "a.bmp", &known.bmp())])
        .await;
    let place = added.header("location").to_owned();
    assert!(!place.is_empty(), "{} {}", added.status, added.body);
    (world, key, place)
}

/// The only match of a picture that is posted.
async fn only_match(world: &World, key: &str, id: &str, posted: &Picture) -> Value {
    let item = json!({ "id": id, "kind": "post" }).to_string();
    let parts: [(&str, &str, &[u8]); 2] = [("item", "", item.as_bytes()), ("file", "p.bmp", &posted.bmp())];
    let verdict = world.post_form(key, "/api/v1/items", None, "end", &parts).await;
    let verdict = verdict.json();
    let matches: Vec<&Value> = verdict["media"][0]["matches"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|found| found["signal"] == "pdq")
        .collect();
    let [found] = matches[..] else {
        panic!("{id}: {verdict:#}")
    };
    found.clone()
}

#[tokio::test]
async fn a_match_says_by_which_view_and_part_it_was_found() {
    let known = Picture::scene(7);
    let (world, key, place) = world_with_entry(&known).await;
    let mirrored = only_match(&world, &key, "mirrored", &known.mirrored()).await;
    assert_eq!(
        (&mirrored["tier"], &mirrored["view"], &mirrored["threshold"]),
        (&json!("match"), &json!("whole.flip_y"), &json!(31)),
        "{mirrored:#}"
    );
    assert!(mirrored.get("part").is_none(), "it is the whole: {mirrored:#}");

    let framed = only_match(&world, &key, "framed", &known.framed(40, [240, 240, 240])).await;
    assert_eq!((&framed["tier"], &framed["view"]), (&json!("match"), &json!("trimmed")));
    for (name, share) in [("left", 0.1), ("top", 0.125), ("width", 0.8), ("height", 0.75)] {
        let at = framed["part"][name].as_f64().unwrap();
        assert!((at - share).abs() < 0.02, "{name}: {framed:#}");
    }
    assert!(place.starts_with("/api/v1/entries/ent_"));
}

#[tokio::test]
async fn a_sighting_tells_the_corners_in_items_and_cases_too() {
    let known = Picture::scene(8);
    let (world, key, _) = world_with_entry(&known).await;
    let turned = known.rotated(15.0);
    let found = only_match(&world, &key, "turned", &turned).await;
    assert_eq!((&found["tier"], &found["view"]), (&json!("match"), &json!("sighting")));
    let seen = &found["sighting"];
    assert_eq!(seen["mirrored"], false);
    assert!(seen["places"].as_u64() >= Some(6) && seen["alike"].as_u64() <= seen["compared"].as_u64());
    let corners = seen["corners"].as_array().unwrap();
    assert_eq!(corners.len(), 4);
    // Turned by 15 degrees about the middle, the upper left corner lies higher to the right or lower to the left; never where it was.
    let x = corners[0]["x"].as_f64().unwrap();
    let y = corners[0]["y"].as_f64().unwrap();
    assert!(x.abs() + y.abs() > 0.1 && x.abs() < 0.4 && y.abs() < 0.4, "{seen:#}");

    let item = world.get(&key, "/api/v1/items/turned").await.json();
    assert_eq!(item["verdict"]["media"][0]["matches"][0]["sighting"], *seen);
    let case = item["verdict"]["case"].as_str().unwrap();
    let case = world.get(&key, &format!("/api/v1/cases/{case}")).await.json();
    assert_eq!(case["media"][0]["matches"][0]["sighting"], *seen);
    assert_eq!(case["item"], "turned");
}

#[tokio::test]
async fn an_entry_becomes_part_of_an_incident_and_leaves_it() {
    let (world, key, place) = world_with_entry(&Picture::scene(9)).await;
    let entry = world.get(&key, &place).await.json();
    assert_eq!((&entry["has_look"], entry.get("incident_until")), (&json!(true), None));
    let incident = format!("{place}/incident");
    let put = async |body: Value| world.json(Method::PUT, &key, &incident, body).await;

    assert_eq!(put(json!({ "until": "2026-12-01T00:00:00Z" })).await.status, 204);
    let entry = world.get(&key, &place).await.json();
    assert_eq!(entry["incident_until"], "2026-12-01T00:00:00.000Z");
    assert_eq!(put(json!({ "until": null })).await.status, 204);
    assert!(world.get(&key, &place).await.json().get("incident_until").is_none());

    for (body, problem) in [
        (json!({ "until": "2026-11-01T00:00:00Z" }), "422 invalid-field until"),
        (json!({ "until": "2028-11-01T00:00:00Z" }), "422 invalid-field until"),
        (json!({ "until": "tomorrow" }), "422 invalid-field until"),
    ] {
        assert_eq!(put(body.clone()).await.problem(), problem, "{body}");
    }
    for body in [
        json!({}),
        json!({ "until": 5 }),
        json!({ "until": null, "for": "ever" }),
    ] {
        let answer = put(body.clone()).await;
        assert!(answer.problem().starts_with("4"), "{body}");
        assert_ne!(answer.status, 404, "{body}");
    }
    assert!(world.get(&key, &place).await.json().get("incident_until").is_none());
}

#[tokio::test]
async fn an_incident_takes_any_entry_and_needs_the_right_scope() {
    let (world, key, place) = world_with_entry(&Picture::scene(10)).await;
    let until = json!({ "until": "2026-12-01T00:00:00Z" });
    let bank = world.bank("hashes", false).await;
    let bare = format!("/api/v1/entries/{}", world.entry(bank, pdq(KNOWN)).await);
    let set = world
        .json(Method::PUT, &key, &format!("{bare}/incident"), until.clone())
        .await;
    assert_eq!(set.status, 204, "{}", set.body);
    let bare = world.get(&key, &bare).await.json();
    assert_eq!(
        (&bare["has_look"], &bare["incident_until"]),
        (&json!(false), &json!("2026-12-01T00:00:00.000Z"))
    );

    let nobody = "/api/v1/entries/ent_01kagy2s3q4v5w6x7y8z9a0b1c/incident";
    let answer = world.json(Method::PUT, &key, nobody, until.clone()).await;
    assert_eq!(answer.problem(), "404 not-found");
    let reader = world.key(&[Scope::BanksRead]).await;
    let answer = world
        .json(Method::PUT, &reader, &format!("{place}/incident"), until)
        .await;
    assert_eq!(answer.problem(), "403 forbidden");
}

#[tokio::test]
async fn a_bank_says_by_which_parts_its_entries_are_found() {
    let world = World::new().await;
    let key = world.full_key().await;
    let place = format!("/api/v1/banks/{}", world.bank("known", false).await);
    assert_eq!(world.get(&key, &place).await.json()["crops"], "few");
    let patch = async |body: Value| world.json(Method::PATCH, &key, &place, body).await;
    assert_eq!(patch(json!({ "crops": "none" })).await.status, 204);
    assert_eq!(world.get(&key, &place).await.json()["crops"], "none");
    assert!(patch(json!({ "crops": "all" })).await.problem().starts_with("422 "));
    assert_eq!(world.get(&key, &place).await.json()["crops"], "none");
}
