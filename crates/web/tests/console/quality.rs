//! Second opinions: what a page must not show, what becomes of answers; the figures of quality and of the desk.

use std::time::Duration;

use axum::http::StatusCode;
use moderation::flows::quality::draw_reviews;
use moderation::model::{Role, Scope};

use crate::people::{Person, get, submit};
use crate::world::{KNOWN, World, pdq};

const WHY: &str = "the words of the first one";

/// A case that amal restricted, and was drawn; ben, who is asked; noor, who leads.
async fn drawn() -> (World, [Person; 3], String) {
    let world = World::new().await;
    let bank = world.bank("bankofsecrets", true).await;
    world.entry(bank, pdq(KNOWN)).await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let ben = Person::join(&world, "ben", Role::Moderator).await;
    let noor = Person::join(&world, "noor", Role::Lead).await;
    let shares = [
        ("person_restrict", "100"),
        ("person_allow", "100"),
        ("rule_restrict", "0"),
        ("rule_allow", "0"),
    ];
    assert_eq!(
        noor.post(&world, "/quality/shares", &shares).await.leads_to(),
        "/quality"
    );
    assert_eq!(draw_reviews(&world.app).await.unwrap(), 0);
    let case = submit(&world, "post-1", pdq(KNOWN), |post| {
        post.text = Some("look at this".to_owned())
    })
    .await;
    let fields = [
        ("outcome", "restrict"),
        ("policy", "hate_speech"),
        ("reason", WHY),
        ("revision", "1"),
    ];
    amal.post(&world, &format!("/cases/{case}/decide"), &fields)
        .await
        .leads_to();
    world.clock.advance(Duration::from_secs(180));
    assert_eq!(draw_reviews(&world.app).await.unwrap(), 1);
    (world, [amal, ben, noor], case.to_string())
}

/// The question that a person is given.
async fn next(world: &World, person: &Person) -> String {
    person.post(world, "/quality/reviews", &[]).await.leads_to().to_owned()
}

#[tokio::test]
async fn a_question_at_the_desk_leads_on_to_a_case() {
    let (world, [amal, ben, _], _) = drawn().await;
    let world = world.changed(|app| {
        let mut settings = (*app.settings).clone();
        settings.desk.second_opinions = 1.0;
        app.settings = std::sync::Arc::new(settings);
    });
    let case = submit(&world, "post-2", pdq(KNOWN), |_| ()).await;

    let question = ben.post(&world, "/desk/next", &[]).await.leads_to().to_owned();
    assert!(
        question.starts_with("/quality/reviews/") && question.ends_with("?desk=all"),
        "{question}"
    );
    let page = ben.get(&world, &question).await;
    page.says(200, "look at this");
    let goes_on = "name=\"desk\" value=\"all\"";
    assert!(page.body.contains(goes_on));
    let path = question.trim_end_matches("?desk=all");
    let incomplete = ben.post(&world, path, &[("reason", "mine"), ("desk", "all")]).await;
    incomplete.says(422, "Choose what should happen.");
    assert!(incomplete.body.contains(goes_on), "still");
    let answer = [("outcome", "allow"), ("reason", "a report"), ("desk", "all")];
    let answered = ben.post(&world, path, &answer).await;
    assert_eq!(answered.leads_to(), format!("/cases/{case}"));
    // Who decided is not asked, and what somebody writes into the address leads nowhere else.
    assert_eq!(amal.post(&world, "/desk/next", &[]).await.leads_to(), "/desk");
}

#[tokio::test]
async fn a_question_shows_nothing_of_what_anybody_said() {
    let (world, [amal, ben, noor], case) = drawn().await;
    assert_eq!(next(&world, &amal).await, "/quality/reviews", "not the one who decided");
    let question = next(&world, &ben).await;
    let page = ben.get(&world, &question).await;
    page.says(200, "look at this");
    page.says(200, "magpie");
    let secrets = [
        WHY,
        "post-1",
        &case,
        "bankofsecrets",
        "amal",
        "dec_",
        "case_",
        "med_x",
        "bits",
        "known.",
        "distance",
        KNOWN,
        "hate_speech\" checked",
        "restrict\" checked",
        "confirmed_match",
    ];
    for secret in secrets {
        assert!(
            !page.body.contains(secret),
            "`{secret}` is on the page of a blind question"
        );
    }
    for (key, value) in &page.headers {
        let value = value.to_str().unwrap_or_default();
        assert!(!value.contains("post-1") && !value.contains("case_"), "{key}: {value}");
    }
    // Nobody else sees it, and no program does: there is no such path.
    assert_eq!(amal.get(&world, &question).await.leads_to(), "/quality/reviews");
    assert_eq!(noor.get(&world, &question).await.leads_to(), "/quality/reviews");
    let secret = world.full_key().await;
    for path in ["/api/v1/reviews", "/api/v1/quality/reviews", "/api/v1/quality"] {
        assert_eq!(world.get(&secret, path).await.status, StatusCode::NOT_FOUND);
    }

    // What is missing is said, and nothing of the first answer with it.
    let page = ben.post(&world, &question, &[("reason", "mine")]).await;
    page.says(422, "Choose what should happen.");
    assert!(!page.body.contains(WHY));
    let done = ben
        .post(&world, &question, &[("outcome", "allow"), ("reason", "a report")])
        .await;
    assert_eq!(done.leads_to(), "/quality/reviews", "no other waits");
    assert_eq!(ben.get(&world, &question).await.leads_to(), "/quality/reviews");
    ben.get(&world, "/quality/reviews")
        .await
        .says(200, "No question waits for you");
    ben.get(&world, &format!("/cases/{case}")).await.says(200, WHY);
}

#[tokio::test]
async fn a_difference_is_settled_and_becomes_a_case() {
    let (world, [_, ben, noor], _) = drawn().await;
    let question = next(&world, &ben).await;
    let id = question.rsplit('/').next().unwrap().to_owned();
    ben.post(&world, &question, &[("outcome", "allow"), ("reason", "a report")])
        .await
        .leads_to();
    assert_eq!(ben.get(&world, "/quality/disputes").await.status, StatusCode::FORBIDDEN);
    assert_eq!(ben.get(&world, "/quality").await.status, StatusCode::FORBIDDEN);
    noor.get(&world, "/quality/disputes").await.says(200, "post-1");
    noor.get(&world, "/quality").await.says(200, "1 difference to settle");
    let address = format!("/quality/disputes/{id}");
    let page = noor.get(&world, &address).await;
    page.says(200, WHY);
    page.says(200, "a report");
    page.says(200, "amal");
    noor.post(&world, &address, &[("outcome", "restrict")])
        .await
        .says(422, "Choose the policy");
    let settled = noor
        .post(&world, &address, &[("outcome", "allow"), ("reason", "it reports")])
        .await;
    let case = settled.leads_to().to_owned();
    assert!(case.starts_with("/cases/"), "{case}");
    noor.get(&world, &case).await.says(200, "it reports");
    assert_eq!(noor.get(&world, &address).await.status, StatusCode::NOT_FOUND);
    noor.get(&world, "/quality/disputes")
        .await
        .says(200, "Nothing to settle");
}

#[tokio::test]
async fn a_decided_case_is_made_golden_by_who_leads() {
    let (world, [amal, _, noor], case) = drawn().await;
    let form = format!("/quality/golden/new?case={case}");
    assert_eq!(amal.get(&world, &form).await.status, StatusCode::FORBIDDEN);
    noor.get(&world, &form).await.says(200, "Make it a golden case");
    let fields = [
        ("case", case.as_str()),
        ("outcome", "allow"),
        ("reason", "it reports on <it>"),
    ];
    assert_eq!(
        amal.post(&world, "/quality/golden", &fields).await.status,
        StatusCode::FORBIDDEN
    );
    noor.post(&world, "/quality/golden", &fields[..1])
        .await
        .says(422, "Choose what should happen.");
    assert_eq!(
        noor.post(&world, "/quality/golden", &fields).await.leads_to(),
        "/quality"
    );
    let page = noor.get(&world, "/quality").await;
    assert!(page.body.contains("it reports on &#60;it&#62;"));
    let retire = page
        .body
        .split("action=\"")
        .find(|rest| rest.contains("/retire\""))
        .unwrap();
    let retire = retire.split('"').next().unwrap().to_owned();
    assert_eq!(noor.post(&world, &retire, &[]).await.leads_to(), "/quality");
    noor.get(&world, "/quality").await.says(200, "Not asked any more");
}

#[tokio::test]
async fn shares_are_set_within_bounds() {
    let (world, [amal, _, noor], _) = drawn().await;
    let shares = |rule_allow: &'static str| {
        [
            ("person_restrict", "5"),
            ("person_allow", "5"),
            ("rule_restrict", "3"),
            ("rule_allow", rule_allow),
        ]
    };
    let refused = noor.post(&world, "/quality/shares", &shares("101")).await;
    assert!(
        refused
            .cookie("seawall_flash")
            .unwrap()
            .starts_with("problem.quality.share")
    );
    noor.post(&world, "/quality/shares", &shares("0,05")).await.leads_to();
    let page = noor.get(&world, "/quality").await;
    assert!(page.body.contains("value=\"0.05\"") && page.body.contains("value=\"3\""));
    assert_eq!(
        amal.post(&world, "/quality/shares", &shares("1")).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn numbers_are_shown_downloaded_and_played_with() {
    let (world, [amal, _, noor], _) = drawn().await;
    assert_eq!(amal.get(&world, "/numbers").await.status, StatusCode::FORBIDDEN);
    assert_eq!(amal.get(&world, "/numbers.csv").await.status, StatusCode::FORBIDDEN);
    let page = noor.get(&world, "/numbers").await;
    page.says(200, "How the desk keeps up, since");
    page.says(200, "Too few cases were timed");
    assert!(!page.body.contains("NaN") && !page.body.contains("style="));
    let played = "/numbers?night=0&day=2&evening=1&surge=3&burst=20&burst_hour=30&deadline=60";
    let page = noor.get(&world, played).await;
    page.says(200, "60 repetitions of a week");
    page.says(200, "Decided late");
    assert_eq!(
        page.body,
        noor.get(&world, played).await.body,
        "the same question gets the same answer"
    );
    let wrong = noor.get(&world, "/numbers?night=many&surge=x&deadline=0").await;
    wrong.says(200, "This number is not taken.");
    for bad in [
        "deadline=0",
        "deadline=60&surge=-1",
        "deadline=60&burst_hour=168",
        "deadline=60&day=99999",
        "deadline=9&surge=NaN",
    ] {
        noor.get(&world, &format!("/numbers?{bad}"))
            .await
            .says(200, "This number is not taken.");
    }
    let csv = noor.get(&world, "/numbers.csv").await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    assert!(
        csv.body
            .starts_with("figure,queue,at,value\r\narrived,,,1\r\ndecided,,,1\r\n"),
        "{}",
        csv.body
    );
    assert_eq!(
        csv.body
            .lines()
            .filter(|line| line.starts_with("week_hour_arrived"))
            .count(),
        168
    );

    let key = world.key(&[Scope::EventsRead]).await;
    let json = world.get(&key, "/api/v1/numbers").await.json();
    assert_eq!((&json["all"]["arrived"], &json["all"]["open"]), (&1.into(), &0.into()));
    assert_eq!(json["people_reversed"]["n"], 1);
    assert_eq!(
        (
            json["week_hours"].as_array().unwrap().len(),
            json["days"].as_array().unwrap().len()
        ),
        (168, 28)
    );
    assert!(!json.to_string().contains("amal") && !json.to_string().contains("post-1"));
    let other = world.key(&[Scope::ItemsRead]).await;
    assert_eq!(world.get(&other, "/api/v1/numbers").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn every_page_reads_from_right_to_left_too() {
    let (world, [_, ben, noor], _) = drawn().await;
    let question = next(&world, &ben).await;
    let pages = [
        (&noor, "/quality"),
        (&noor, "/quality/disputes"),
        (&noor, "/numbers?deadline=60"),
        (&ben, "/quality/reviews"),
        (&ben, question.as_str()),
    ];
    for (person, path) in pages {
        for lang in ["ar", "de", "fr"] {
            let page = get(&world, path, &[("cookie", &person.cookie), ("accept-language", lang)]).await;
            assert_eq!(page.status, StatusCode::OK, "{path} in {lang}");
            assert_eq!(page.body.contains("dir=\"rtl\""), lang == "ar");
            for key in ["quality.", "numbers.", "quality_stratum."] {
                assert!(
                    !page.words().contains(&format!(" {key}")),
                    "a key without words on {path} in {lang}"
                );
            }
        }
    }
}
