//! The search page: an id leads to its page, words find items, a search is kept, a picture finds where it was posted.

use moderation::model::Role;

use crate::people::{Person, submit};
use crate::world::{KNOWN, World, pdq};

async fn world_with_posts() -> (World, Person, String) {
    let world = World::new().await;
    let bank = world.bank("known", false).await;
    world.entry(bank, pdq(KNOWN)).await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let case = submit(&world, "post-1", pdq(KNOWN), |submission| {
        submission.text = Some("a quiet harbour".to_owned());
    })
    .await;
    submit(&world, "post-2", pdq(KNOWN), |submission| {
        submission.account = Some("heron".to_owned());
    })
    .await;
    (world, amal, format!("/cases/{case}"))
}

#[tokio::test]
async fn an_id_leads_to_its_page_and_words_to_a_list() {
    let (world, amal, case) = world_with_posts().await;
    let id = case.trim_start_matches("/cases/");
    assert_eq!(amal.get(&world, &format!("/search?q={id}")).await.leads_to(), case);
    assert_eq!(amal.get(&world, "/search?q=post-1").await.leads_to(), "/item?id=post-1");
    let page = amal.get(&world, "/search?q=HARBOUR").await;
    page.says(200, "post-1 Post · magpie");
    assert!(!page.body.contains("post-2"));
    amal.get(&world, "/search?account=heron")
        .await
        .says(200, "post-2 Post · heron");
    amal.get(&world, "/search?q=nowhere")
        .await
        .says(200, "Nothing answers this search.");
    amal.get(&world, "/search?from=2026-13-40")
        .await
        .says(422, "That is no day.");
    amal.get(&world, "/search?hash=xyz").await.says(422, "That is no hash:");
    let one_id = amal.get(&world, "/search?q=post-1&account=magpie").await;
    one_id.says(200, "post-1 Post · magpie");
}

#[tokio::test]
async fn a_search_is_kept_and_leads_nowhere_else() {
    let (world, amal, _) = world_with_posts().await;
    let ben = Person::join(&world, "ben", Role::Moderator).await;
    let keep = [
        ("name", "Harbours"),
        ("query", "q=harbour&next=//evil.example&kind=post"),
    ];
    let kept = amal.post(&world, "/search/keep", &keep).await;
    assert_eq!(kept.leads_to(), "/search?q=harbour&kind=post");
    assert!(
        amal.get(&world, "/search")
            .await
            .body
            .contains("href=\"/search?q=harbour&#38;kind=post\"")
    );
    assert!(!ben.get(&world, "/search").await.body.contains("Harbours"));
    let nameless = [("name", " "), ("query", "q=harbour")];
    amal.post(&world, "/search/keep", &nameless)
        .await
        .says(422, "Give it a name");
    let forget = [("name", "Harbours"), ("query", "q=harbour"), ("forget", "yes")];
    amal.post(&world, "/search/keep", &forget).await;
    assert!(!amal.get(&world, "/search").await.body.contains("Harbours"));
}

#[tokio::test]
async fn a_case_is_opened_from_what_was_found() {
    let (world, amal, case) = world_with_posts().await;
    amal.post(
        &world,
        &format!("{case}/decide"),
        &[("outcome", "allow"), ("revision", "1")],
    )
    .await
    .leads_to();
    let page = amal.get(&world, "/item?id=post-1").await;
    page.says(200, "Open a case");
    let opened = amal.post(&world, "/item/case", &[("id", "post-1")]).await;
    assert!(opened.leads_to().starts_with("/cases/case_") && opened.leads_to() != case);
    let page = amal.get(&world, opened.leads_to()).await;
    page.says(200, "A person wants it looked at.");
    page.says(200, "Around it Same account magpie 0 other items");
    // The other item that shows the same is around it.
    page.says(200, "Same known content");
    page.says(200, "Open cases about the same post-2");
}

#[tokio::test]
async fn a_picture_finds_where_it_was_posted() {
    let (world, amal, _) = world_with_posts().await;
    let picture = include_bytes!("../data/waves.jpg");
    let page = amal
        .upload(&world, "/search/picture", &[("file", "a.jpg", picture)])
        .await;
    page.says(200, "0 items show it");
    amal.upload(
        &world,
        "/search/picture",
        &[("file", "a.svg", b"<svg onload=alert(1)>")],
    )
    .await
    .says(422, "Files of this type cannot be decoded here.");
}
