//! Keeping banks: made, filled by file, hash and CSV, confirmed only on purpose.

use moderation::model::Role;

use crate::people::Person;
use crate::world::{Answer, KNOWN, PICTURE, World};

async fn world_with_bank() -> (World, Person, String) {
    let world = World::new().await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    lee.post(&world, "/banks", &[("name", "  ")])
        .await
        .says(422, "A bank needs a name.");
    let made = lee
        .post(&world, "/banks", &[("name", "Known"), ("description", "Of the tests")])
        .await;
    let bank = made.leads_to().to_owned();
    lee.post(&world, "/banks", &[("name", "Known")])
        .await
        .says(422, "A bank with this name exists already.");
    (world, lee, bank)
}

fn entry_of(page: &Answer) -> String {
    format!(
        "/entries/{}",
        page.body
            .split("href=\"/entries/")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
    )
}

#[tokio::test]
async fn a_bank_is_confirmed_only_by_its_name() {
    let (world, lee, bank) = world_with_bank().await;
    lee.get(&world, &bank).await.says(200, "Not confirmed");
    for name in ["", "known", "Known pictures"] {
        lee.post(&world, &format!("{bank}/confirm"), &[("name", name)])
            .await
            .says(422, "That is not the bank's name.");
    }
    lee.get(&world, &bank).await.says(200, "Not confirmed");
    assert_eq!(
        lee.post(&world, &format!("{bank}/confirm"), &[("name", "Known")])
            .await
            .leads_to(),
        bank
    );
    let page = lee.get(&world, &bank).await;
    page.says(200, "Mark as not confirmed");
    lee.post(&world, &format!("{bank}/unconfirm"), &[]).await.leads_to();
    lee.post(&world, &format!("{bank}/enabled"), &[("enabled", "no")])
        .await
        .leads_to();
    lee.post(&world, &bank, &[("description", "Other words")])
        .await
        .leads_to();
    lee.get(&world, "/banks")
        .await
        .says(200, "Known Other words 0 entries Not confirmed Off");
    lee.post(&world, &bank, &[("description", &"long ".repeat(200))])
        .await
        .says(422, "Not accepted");
}

#[tokio::test]
async fn an_entry_is_made_of_a_file_which_is_not_kept() {
    let (world, lee, bank) = world_with_bank().await;
    let add = format!("{bank}/add-file");
    lee.upload(&world, &add, &[("file", "", b"")])
        .await
        .says(422, "Choose a file.");
    lee.upload(&world, &add, &[("file", "a.jpg", b"no picture")])
        .await
        .says(422, "Files of this type cannot be decoded here.");
    let parts: [(&str, &str, &[u8]); 4] = [
        ("name", "", b""),
        ("labels", "", b"waves, drawn;sea"),
        ("source", "", b"the tests"),
        ("file", "waves.jpg", PICTURE),
    ];
    assert_eq!(lee.upload(&world, &add, &parts).await.leads_to(), bank);
    let page = lee.get(&world, &bank).await;
    page.says(200, "waves.jpg pdq:");
    page.says(200, "waves drawn sea");
    let entry = entry_of(&page);
    lee.get(&world, &entry).await.says(200, "the tests");

    // Its pictures are for people who read cases, and for no cache.
    for kind in ["blurred", "small", "greyscale"] {
        let request = axum::http::Request::builder()
            .uri(format!("{entry}/{kind}"))
            .header("cookie", &lee.cookie);
        let mut router = web::router(world.state.clone());
        let answer = tower_service::Service::call(&mut router, request.body(axum::body::Body::empty()).unwrap())
            .await
            .unwrap();
        assert_eq!(answer.headers()["content-type"], "image/jpeg");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["cross-origin-resource-policy"], "same-origin");
    }
    // Looking at it without blur is in the log, once for a while.
    let log = lee.get(&world, "/log").await;
    assert_eq!(
        log.body.matches("The clear picture of a known entry was shown").count(),
        1
    );

    // Disabled, enabled, and removed for good.
    let state = format!("{entry}/state");
    lee.post(&world, &state, &[("state", "disabled")]).await.leads_to();
    lee.get(&world, &bank).await.says(200, "Disabled");
    lee.post(&world, &state, &[("state", "enabled")]).await.leads_to();
    lee.get(&world, &format!("{entry}/remove"))
        .await
        .says(200, "Remove waves.jpg?");
    lee.post(&world, &state, &[("state", "removed")]).await.leads_to();
    let page = lee.get(&world, &entry).await;
    page.says(200, "Removed");
    assert!(!page.body.contains("/state"), "nothing more can be done with it");
    lee.post(&world, &state, &[("state", "enabled")])
        .await
        .says(400, "This request makes no sense");
}

#[tokio::test]
async fn an_entry_is_made_of_hashes() {
    let (world, lee, bank) = world_with_bank().await;
    let add = format!("{bank}/add-hash");
    lee.post(&world, &add, &[("hashes", " \n")])
        .await
        .says(422, "Write at least one hash.");
    let page = lee
        .post(
            &world,
            &add,
            &[("hashes", &format!("{KNOWN}\nnonsense")), ("name", "kept")],
        )
        .await;
    page.says(422, "Line 2 is not a hash:");
    assert!(page.body.contains("value=\"kept\""), "what was typed stays");
    let md5 = "0a".repeat(16);
    let fields = [
        ("hashes", format!("{KNOWN}\nmd5:{md5}")),
        ("name", "by hash".to_owned()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(lee.post(&world, &add, &fields).await.leads_to(), bank);
    let page = lee.get(&world, &bank).await;
    page.says(200, "by hash");
    lee.get(&world, &entry_of(&page)).await.says(200, &md5);
}

#[tokio::test]
async fn a_csv_is_imported_whole_or_with_what_is_wrong_named() {
    let (world, lee, bank) = world_with_bank().await;
    let import = format!("{bank}/import");
    let (good, other) = (KNOWN, "00ff".repeat(16));
    let csv = format!(
        "type,value,quality,name,labels\npdq,{good},90,harbour,sea;sun\npdq,nonsense,90,bad,\nmd5,xyz,,worse,\npdq,{other},80,hill,\n"
    );
    let page = lee
        .upload(&world, &import, &[("file", "bank.csv", csv.as_bytes())])
        .await;
    page.says(422, "2 lines cannot be read");
    page.says(422, "Line 3");
    page.says(422, "Line 4");
    page.says(422, "Nothing was imported.");
    lee.get(&world, &bank).await.says(200, "0 entries");
    let parts: [(&str, &str, &[u8]); 3] = [
        ("skip", "", b"yes"),
        ("source", "", b"a partner"),
        ("file", "bank.csv", csv.as_bytes()),
    ];
    let page = lee.upload(&world, &import, &parts).await;
    page.says(200, "Imported: 2 added");
    page.says(200, "The other lines were imported.");
    let page = lee.get(&world, &bank).await;
    page.says(200, "2 entries");
    lee.get(&world, &entry_of(&page)).await.says(200, "a partner");

    // What is written out can be read in again, and adds nothing.
    let written = lee.get(&world, &format!("{bank}/export.csv")).await;
    assert!(written.header("content-disposition").contains("Known.csv"));
    assert!(
        written.body.starts_with("type,value,quality,name,labels\n") && written.body.contains(good),
        "{}",
        written.body
    );
    let again = lee
        .upload(&world, &import, &[("file", "bank.csv", written.body.as_bytes())])
        .await;
    assert_eq!(again.leads_to(), bank);
    assert!(
        again.cookie("seawall_flash").unwrap().contains("0+added"),
        "{:?}",
        again.cookie("seawall_flash")
    );
    lee.upload(&world, &import, &[("file", "", b"")])
        .await
        .says(422, "Choose a file.");
    // A plain list of hashes is a bank too.
    let list = format!("{}\n{}\n", "11ee".repeat(16), "22dd".repeat(16));
    lee.upload(&world, &import, &[("file", "list.txt", list.as_bytes())])
        .await
        .leads_to();
    lee.get(&world, &bank).await.says(200, "4 entries");
}
