//! What a case stands for, one judgement on many items, and the second person.

use moderation::flows::access;
use moderation::flows::cases::take_case;
use moderation::model::{Actor, CaseId, Queue, QueueSet, Role};

use crate::people::{Person, submit};
use crate::world::{Answer, KNOWN, World, pdq};

const EVIL: &str = "\"><script src=//evil.example></script><img src=x onerror=alert(1)>";

/// Posts that show the same known picture, each with a case.
async fn posts(world: &World, n: usize) -> Vec<CaseId> {
    let bank = world.bank("known", false).await;
    world.entry(bank, pdq(KNOWN)).await;
    let mut made = Vec::new();
    for at in 0..n {
        let case = submit(world, &format!("post-{at}"), pdq(KNOWN), |submission| {
            submission.platform.languages = Some(vec![if at % 2 == 0 { "fr" } else { "de" }.to_owned()]);
        })
        .await;
        made.push(case);
    }
    made
}

fn ids(n: usize) -> Vec<String> {
    (0..n).map(|at| format!("post-{at}")).collect()
}

/// The judgement in a form, on these items at their first revision.
fn judged(items: &[String]) -> Vec<(&'static str, String)> {
    let fixed = [
        ("outcome", "restrict"),
        ("policy", "terrorist_content"),
        ("purpose", "none"),
    ];
    let items = items.iter().map(|id| ("seen", format!("1 {id}")));
    fixed
        .into_iter()
        .map(|(name, value)| (name, value.to_owned()))
        .chain(items)
        .collect()
}

async fn send(who: &Person, world: &World, path: &str, fields: &[(&str, String)]) -> Answer {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    who.post(world, path, &fields).await
}

async fn choose(who: &Person, world: &World, items: &[String]) -> Answer {
    let fields: Vec<(&str, String)> = items.iter().map(|id| ("item", id.clone())).collect();
    send(who, world, "/basket", &fields).await
}

fn ticked(page: &Answer, name: &str) -> Vec<String> {
    let boxes = page.body.split("<input type=\"checkbox\"").skip(1);
    let boxes = boxes.map(|rest| rest.split('>').next().unwrap());
    let boxes = boxes.filter(|tag| tag.contains(&format!("name=\"{name}\"")) && tag.contains(" checked"));
    boxes
        .map(|tag| {
            tag.split("value=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[tokio::test]
async fn what_is_ticked_is_shown_and_then_decided_together() {
    let world = World::new().await;
    let made = posts(&world, 3).await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let case = format!("/cases/{}", made[0]);
    amal.get(&world, &case)
        .await
        .says(200, "This case stands for 2 more items.");
    let cluster = amal.get(&world, &format!("{case}/cluster")).await;
    cluster.says(200, "Same known content");
    assert_eq!(
        ticked(&cluster, "item"),
        ["post-0"],
        "what is only alike is for the person to tick"
    );
    amal.get(&world, "/search?account=magpie")
        .await
        .says(200, "Decide these");
    amal.get(&world, "/basket").await.says(200, "Nothing is chosen");

    let mut chosen = ids(3);
    chosen.push("nobody's".to_owned());
    let basket = choose(&amal, &world, &chosen).await;
    for said in [
        "3 items",
        "1 of what was chosen is not there",
        "magpie 3",
        "fr 2",
        "de 1",
        "3 open cases are closed.",
        "Up to 10 items within an hour are decided at once.",
        "Votre contenu",
        "Français · 2 items",
    ] {
        basket.says(200, said);
    }
    let seen = ticked(&basket, "seen");
    let items: Vec<&str> = seen.iter().map(|seen| seen.split_once(' ').unwrap().1).collect();
    assert_eq!(items, ["post-0", "post-1", "post-2"]);
    assert!(seen.iter().all(|seen| seen.starts_with("1.dec_")), "{seen:?}");

    // What is wrong is said, and what was unticked stays so.
    let unticked = [("shown", "post-0".to_owned()), ("seen", "1 post-1".to_owned())];
    let wrong = send(&amal, &world, "/basket/decide", &unticked).await;
    wrong.says(422, "Choose what should happen.");
    wrong.says(422, "2 items");
    assert_eq!(ticked(&wrong, "seen"), [seen[1].clone()]);
    let mut nothing = judged(&[]);
    nothing.push(("shown", "post-2".to_owned()));
    let none = send(&amal, &world, "/basket/decide", &nothing).await;
    none.says(422, "Tick at least one item.");
    none.says(422, "post-2");
    let stale = send(
        &amal,
        &world,
        "/basket/decide",
        &[("outcome", "allow".to_owned()), ("seen", "7 post-1".to_owned())],
    )
    .await;
    stale.says(409, "None of these can be decided now");

    let done = send(&amal, &world, "/basket/decide", &judged(&ids(2))).await;
    let page = done.leads_to().to_owned();
    assert!(page.starts_with("/proposals/prop_"), "{page}");
    let shown = amal.get(&world, &page).await;
    for said in ["Decided together", "Decided 2", "Undo all (10 s left)", "Votre contenu"] {
        shown.says(200, said);
    }
    amal.get(&world, &case).await.says(200, "Closed");
    amal.get(&world, &format!("/cases/{}", made[2]))
        .await
        .says(200, "Nobody holds this case.");
    let undone = amal.post(&world, &page, &[("do", "undo")]).await;
    assert_eq!(undone.leads_to(), page);
    amal.get(&world, &page).await.says(200, "Undone 2");
    amal.get(&world, &case).await.says(200, "Nobody holds this case.");
}

#[tokio::test]
async fn many_items_wait_for_somebody_else() {
    let world = World::new().await;
    let made = posts(&world, 12).await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let sami = Person::join(&world, "sami", Role::Senior).await;
    take_case(&world.app, &sami.actor, made[11]).await.unwrap();
    let basket = choose(&amal, &world, &ids(12)).await;
    basket.says(200, "held by sami");
    assert_eq!(ticked(&basket, "seen").len(), 11, "what a colleague holds is left out");
    let done = send(&amal, &world, "/basket/decide", &judged(&ids(11))).await;
    let page = done.leads_to().to_owned();
    let own = amal.get(&world, &page).await;
    for said in [
        "Waiting",
        "Many items at once",
        "You proposed this. Somebody else has to agree.",
        "Take it back",
    ] {
        own.says(200, said);
    }
    assert!(!own.body.contains("value=\"approve\""));
    assert_eq!(amal.post(&world, &page, &[("do", "approve")]).await.status, 403);
    amal.get(&world, &format!("/cases/{}", made[0]))
        .await
        .says(200, "amal proposed a decision here, and it waits for a second person.");
    assert_eq!(amal.post(&world, "/desk/next", &[]).await.leads_to(), "/desk");

    // Whoever may be the second person is told in the menu.
    sami.get(&world, "/desk").await.says(200, "1 waits for you");
    sami.get(&world, "/proposals").await.says(200, "Proposed by amal");
    let shown = sami.get(&world, &page).await;
    for said in ["Do you agree?", "11 items", "Votre contenu"] {
        shown.says(200, said);
    }
    let unsaid = sami
        .post(&world, &page, &[("do", "reject"), ("leave_out", "post-3")])
        .await;
    unsaid.says(422, "Say why you reject it.");
    assert_eq!(ticked(&unsaid, "leave_out"), ["post-3"]);
    sami.post(&world, &page, &[("do", "")])
        .await
        .says(422, "Choose to approve");
    let approved = sami
        .post(
            &world,
            &page,
            &[("do", "approve"), ("leave_out", "post-3"), ("note", EVIL)],
        )
        .await;
    assert_eq!(approved.leads_to(), page);
    let shown = sami.get(&world, &page).await;
    for said in ["Approved", "Decided 10", "Left out 1", "sami"] {
        shown.says(200, said);
    }
    assert!(!shown.body.contains("<script src=//evil"), "what is said is text");
    sami.get(&world, "/proposals")
        .await
        .says(200, "Nothing waits for a second person");
    amal.get(&world, "/proposals?state=ended").await.says(200, "Approved");
    amal.get(&world, &format!("/cases/{}", made[3]))
        .await
        .says(200, "Nobody holds this case.");
    let twice = sami.post(&world, &page, &[("do", "approve")]).await;
    assert_eq!(twice.leads_to(), page, "somebody was faster");
    let back = amal.post(&world, &page, &[("do", "withdraw")]).await;
    assert_eq!(back.leads_to(), page);
}

#[tokio::test]
async fn what_waits_in_foreign_queues_is_not_there() {
    let world = World::new().await;
    let made = posts(&world, 11).await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let done = send(&amal, &world, "/basket/decide", &judged(&ids(11))).await;
    let page = done.leads_to().to_owned();
    let sami = Person::join(&world, "sami", Role::Senior).await;
    let only = QueueSet::Only([Queue::Unscanned].into());
    access::change_queues(&world.app, &Actor::Operator, sami.actor.user().unwrap(), only)
        .await
        .unwrap();
    assert_eq!(sami.get(&world, &page).await.status, 404);
    for step in ["approve", "reject", "withdraw", "undo"] {
        let refused = sami.post(&world, &page, &[("do", step), ("note", "x")]).await;
        assert_eq!(refused.status, 404, "{step}");
    }
    assert_eq!(
        sami.get(&world, &format!("/cases/{}/cluster", made[0])).await.status,
        404
    );
    let list = sami.get(&world, "/proposals").await;
    list.says(200, "Nothing waits for a second person");
    assert!(!list.body.contains("nav-count"));
    let basket = choose(&sami, &world, &ids(2)).await;
    basket.says(200, "2 of what was chosen are not there");
    assert!(!basket.body.contains("magpie"));
    let decided = send(&sami, &world, "/basket/decide", &judged(&ids(2))).await;
    decided.says(409, "None of these can be decided now");
    for path in ["/proposals/x", "/proposals/prop_01kagy2s3q4v5w6x7y8z9a0b1c"] {
        assert_eq!(sami.get(&world, path).await.status, 404, "{path}");
    }
    // An auditor sees what waits and can do nothing with it.
    let audit = Person::join(&world, "aude", Role::Auditor).await;
    let seen = audit.get(&world, &page).await;
    assert_eq!(seen.status, 200);
    assert!(!seen.body.contains("value=\"approve\"") && !seen.body.contains("value=\"withdraw\""));
    assert_eq!(choose(&audit, &world, &ids(2)).await.status, 403);
}

#[tokio::test]
async fn items_among_others_are_text_in_every_language() {
    let world = World::new().await;
    let bank = world.bank("known", false).await;
    world.entry(bank, pdq(KNOWN)).await;
    let amal = Person::join(&world, "amal", Role::Lead).await;
    let id = format!("post-1{EVIL}");
    let case = submit(&world, &id, pdq(KNOWN), |submission| {
        submission.account = Some(EVIL.to_owned());
        submission.text = Some(EVIL.to_owned());
        submission.platform.languages = Some(vec!["ar".to_owned()]);
    })
    .await;
    submit(&world, "post-2", pdq(KNOWN), |_| {}).await;
    let both = [id.clone(), "post-2".to_owned()];
    let done = send(&amal, &world, "/basket/decide", &judged(&both)).await;
    let proposal = done.leads_to().to_owned();
    submit(&world, "post-3", pdq(KNOWN), |_| {}).await;
    for lang in ["en", "fr", "de", "ar"] {
        let cookie = format!("{}; seawall_prefs=lang={lang}", amal.cookie);
        let there = Person {
            cookie,
            csrf: amal.csrf.clone(),
            actor: amal.actor.clone(),
            totp_secret: String::new(),
        };
        let pages = [
            there.get(&world, &proposal).await,
            there.get(&world, "/proposals?state=ended").await,
            there.get(&world, &format!("/cases/{case}")).await,
            choose(&there, &world, &both).await,
        ];
        for page in pages {
            assert_eq!(page.status, 200);
            assert!(page.body.contains(&format!("lang=\"{lang}\"")));
            let lower = page.body.to_lowercase();
            assert!(!lower.contains("<script src=//evil") && !lower.contains("<img src=x"));
        }
    }
}
