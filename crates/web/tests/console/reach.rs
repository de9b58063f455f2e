//! What the console says of how a match was found, and of how near counts for an entry.

use moderation::flows::hunts::hunt_due;
use moderation::flows::submit::{NewContent, NewMedia};
use moderation::model::Role;

use crate::people::{Person, submit};
use crate::pictures::Picture;
use crate::world::{KNOWN, World, pdq};

async fn world_with_entry(known: &Picture) -> (World, Person, String) {
    let world = World::new().await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    let bank = lee
        .post(&world, "/banks", &[("name", "Known")])
        .await
        .leads_to()
        .to_owned();
    let parts: [(&str, &str, &[u8]); 2] = [("name", "", b"Banner"), ("file", "a.bmp", &known.bmp())];
    let added = lee.upload(&world, &format!("{bank}/add-file"), &parts).await;
    assert_eq!(added.leads_to(), bank);
    let page = lee.get(&world, &bank).await;
    let entry = page.body.split("href=\"/entries/").nth(1).unwrap();
    (world, lee, format!("/entries/{}", entry.split('"').next().unwrap()))
}

async fn case_of(world: &World, id: &str, posted: &Picture) -> String {
    let bytes = posted.bmp().into();
    let case = submit(world, id, pdq(KNOWN), |submission| {
        submission.media = vec![NewMedia {
            transcript: Vec::new(),
            name: "p.bmp".to_owned(),
            content: NewContent::Bytes(bytes),
        }];
    })
    .await;
    format!("/cases/{case}")
}

/// The corners of the shape over the post.
fn points(body: &str) -> Vec<(i64, i64)> {
    let points = body.split("class=\"aligned-edge\" points=\"").nth(1).unwrap();
    let points = points.split('"').next().unwrap().split(' ');
    let number = |text: &str| text.parse::<i64>().unwrap();
    points
        .map(|point| point.split_once(',').map(|(x, y)| (number(x), number(y))).unwrap())
        .collect()
}

#[tokio::test]
async fn a_case_says_how_a_framed_copy_was_seen_and_draws_where() {
    let known = Picture::scene(21);
    let (world, lee, _) = world_with_entry(&known).await;
    let case = case_of(&world, "framed", &known.framed(40, [240, 240, 240])).await;
    let page = lee.get(&world, &case).await;
    page.says(200, "compared: without its border");
    page.says(200, "Counts up to 31 bits for this entry.");
    page.says(200, "outlined: where the known picture was found");
    assert!(page.body.contains("viewBox=\"0 0 400 320\""));
    // The picture is 320 by 240 in a frame of 40.
    for (found, expected) in points(&page.body)
        .into_iter()
        .zip([(40, 40), (360, 40), (360, 280), (40, 280)])
    {
        let (dx, dy) = (found.0 - expected.0, found.1 - expected.1);
        assert!(dx.abs() <= 8 && dy.abs() <= 8, "{found:?} {expected:?}");
    }
    assert!(!page.body.contains(" style="), "no inline styles");

    // As it is, the whole was compared, and nothing is drawn.
    let case = case_of(&world, "same", &known).await;
    let page = lee.get(&world, &case).await;
    page.says(200, "compared: as it is");
    assert!(!page.body.contains("aligned-edge"));
}

#[tokio::test]
async fn a_case_says_what_keypoints_saw_and_in_arabic_too() {
    let known = Picture::scene(22);
    let (world, lee, _) = world_with_entry(&known).await;
    let case = case_of(&world, "turned", &known.rotated(15.0)).await;
    let page = lee.get(&world, &case).await;
    page.says(200, "seen in the picture Match");
    page.says(200, "compared: by its keypoints, wherever they lie");
    page.says(200, "places of both pictures agree.");
    assert_eq!(points(&page.body).len(), 4);
    assert!(
        !page.words().contains("bits apart"),
        "the distance of the whole means nothing here"
    );
    lee.get(&world, "/desk")
        .await
        .says(200, "seen in the picture Match Known");

    let cookie = format!("{}; seawall_prefs=lang=ar", lee.cookie);
    let page = crate::people::get(&world, &case, &[("cookie", &cookie)]).await;
    page.says(200, "شوهد في الصورة");
}

#[tokio::test]
async fn a_mirrored_copy_is_named_so() {
    let known = Picture::scene(23);
    let (world, lee, _) = world_with_entry(&known).await;
    let case = case_of(&world, "mirrored", &known.mirrored()).await;
    lee.get(&world, &case)
        .await
        .says(200, "compared: the whole picture, mirrored");
}

#[tokio::test]
async fn an_entry_is_made_part_of_an_incident_and_let_go() {
    let (world, lee, entry) = world_with_entry(&Picture::scene(24)).await;
    let page = lee.get(&world, &entry).await;
    page.says(200, "How near counts");
    page.says(200, "It came with its picture");
    page.says(200, "Part of an active incident until");
    let incident = format!("{entry}/incident");
    for (day, wrong) in [
        ("", "Choose a day."),
        ("2026-02-30", "Choose a day."),
        ("2026-11-01", "Choose a day from today on, within a year."),
        ("2029-11-01", "Choose a day from today on, within a year."),
    ] {
        lee.post(&world, &incident, &[("until", day), ("do", "set")])
            .await
            .says(422, wrong);
    }
    let set = [("until", "2026-12-01"), ("do", "set")];
    assert_eq!(lee.post(&world, &incident, &set).await.leads_to(), entry);
    lee.get(&world, &entry)
        .await
        .says(200, "Active until 2026-12-01 23:59 UTC");
    assert_eq!(lee.post(&world, &incident, &[("do", "end")]).await.leads_to(), entry);
    assert!(!lee.get(&world, &entry).await.words().contains("Active until"));

    let amal = Person::join(&world, "amal", Role::Moderator).await;
    assert!(!amal.get(&world, &entry).await.body.contains("/incident"));
    assert_eq!(amal.post(&world, &incident, &set).await.status, 403);
}

#[tokio::test]
async fn an_entry_of_a_bare_hash_says_what_it_cannot_find() {
    let world = World::new().await;
    let bank = world.bank("hashes", false).await;
    let bare = world.entry(bank, pdq(KNOWN)).await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    let page = lee.get(&world, &format!("/entries/{bare}")).await;
    page.says(200, "Only its hashes are known");
    let until = [("until", "2026-12-01"), ("do", "set")];
    let set = lee.post(&world, &format!("/entries/{bare}/incident"), &until).await;
    assert_eq!(set.leads_to(), format!("/entries/{bare}"));

    // Everyone at the desk sees it, and what the search came to.
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let desk = amal.get(&world, "/desk").await;
    desk.says(200, "The search in what is there already is under way.");
    let page = lee.get(&world, &format!("/entries/{bare}")).await;
    page.says(200, "The search in what is there already is under way.");
    assert_eq!(hunt_due(&world.app, "hunter-of-the-tests").await.unwrap(), 1);
    let desk = amal.get(&world, "/desk").await;
    desk.says(200, "Active incident: known until 2026-12-01 23:59 UTC");
    desk.says(200, "Searched 0 files and 0 streams: 0 items found.");
    assert!(desk.body.contains(&format!("href=\"/entries/{bare}\"")));
    lee.post(&world, &format!("/entries/{bare}/incident"), &[("do", "end")])
        .await;
    assert!(!amal.get(&world, "/desk").await.words().contains("Active incident"));
}

#[tokio::test]
async fn a_bank_is_told_not_to_look_for_parts() {
    let world = World::new().await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    let bank = lee
        .post(&world, "/banks", &[("name", "Known")])
        .await
        .leads_to()
        .to_owned();
    lee.get(&world, &bank).await.says(200, "Do not look for parts");
    let crops = format!("{bank}/crops");
    assert_eq!(lee.post(&world, &crops, &[("crops", "none")]).await.leads_to(), bank);
    lee.get(&world, &bank).await.says(200, "Look for parts too");
    assert_eq!(lee.post(&world, &crops, &[("crops", "some")]).await.status, 400);
}
