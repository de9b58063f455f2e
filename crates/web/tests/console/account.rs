//! What people keep themselves, and what those see who work on some queues or on no cases at all.

use std::time::Duration;

use moderation::access::secrets;
use moderation::flows::access;
use moderation::model::{Actor, Clock, Role, Roles};

use crate::people::{PASSWORD, Person, get, post, submit};
use crate::world::{KNOWN, World, pdq};

const FROM_HERE: (&str, &str) = ("sec-fetch-site", "same-origin");

fn code(world: &World, person: &Person) -> String {
    world.clock.advance(Duration::from_secs(60));
    secrets::totp_code(&person.totp_secret, world.clock.now()).unwrap()
}

#[tokio::test]
async fn sessions_are_listed_with_their_browser_and_ended() {
    let world = World::new().await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let ada = Person::join(&world, "ada", Role::Admin).await;
    let fields = [("name", "amal"), ("password", PASSWORD), ("code", &code(&world, &amal))];
    let elsewhere = post(&world, "/sign-in", &[FROM_HERE], &fields).await;
    let token = elsewhere.cookie("seawall_session").unwrap();
    let cookie = format!("seawall_session={}", token.split(';').next().unwrap());
    let firefox = [
        ("cookie", cookie.as_str()),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ),
    ];
    get(&world, "/desk", &firefox).await.says(200, "Desk");
    let page = amal.get(&world, "/account").await;
    page.says(200, "Firefox, Linux");
    page.says(200, "Not known This one");
    let user = format!("/settings/users/{}", amal.actor.user().unwrap());
    ada.get(&world, &user).await.says(200, "Firefox, Linux");
    amal.get(&world, &user).await.says(403, "You may not do this");

    let ended = amal.post(&world, "/account/sessions", &[("session", "others")]).await;
    assert_eq!(ended.leads_to(), "/account");
    assert!(get(&world, "/desk", &firefox).await.leads_to().starts_with("/sign-in"));
    amal.get(&world, "/desk").await.says(200, "Desk");
    // Nobody ends what is not theirs by guessing at its name.
    amal.post(&world, "/account/sessions", &[("session", "guess")])
        .await
        .says(404, "There is nothing here");
    assert_eq!(
        ada.post(&world, &format!("{user}/sessions"), &[]).await.leads_to(),
        user
    );
    assert!(amal.get(&world, "/desk").await.leads_to().starts_with("/sign-in"));
}

#[tokio::test]
async fn pages_are_shown_while_nothing_can_be_written() {
    let world = World::new().await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    world.clock.advance(Duration::from_secs(600));
    // While one transaction is held open, closing the store takes no others, and still lets people read.
    let held = world.app.store.begin("held").await.unwrap();
    let app = world.app.clone();
    let closing = tokio::spawn(async move { app.store.close().await });
    tokio::task::yield_now().await;
    assert!(world.app.store.begin("another").await.is_err());
    amal.get(&world, "/account").await.says(200, "Sessions");
    drop(held);
    closing.await.unwrap();
}

#[tokio::test]
async fn a_password_and_recovery_codes_are_changed_by_who_proves_themselves() {
    let world = World::new().await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let first = code(&world, &amal);
    let change = async |password: &str, code: &str, new: &str, again: &str| {
        let fields = [("password", password), ("code", code), ("new", new), ("again", again)];
        amal.post(&world, "/account/password", &fields).await
    };
    change(PASSWORD, &first, "a new harbour light", "a new harbour")
        .await
        .says(422, "The two passwords are not the same.");
    change(PASSWORD, &first, "short", "short")
        .await
        .says(422, "At least 10 characters.");
    let wrong = change("not my password", &first, "a new harbour light", "a new harbour light").await;
    wrong.says(422, "The password or the code did not fit.");
    assert!(!wrong.body.contains("not my password") && !wrong.body.contains("a new harbour light"));
    let changed = change(PASSWORD, &first, "a new harbour light", "a new harbour light").await;
    assert_eq!(changed.leads_to(), "/account");

    let second = code(&world, &amal);
    let fields = [("password", "a new harbour light"), ("code", second.as_str())];
    let page = amal.post(&world, "/account/recovery", &fields).await;
    page.says(200, "Recovery codes");
    let shown: Vec<&str> = page
        .body
        .split("<code class=\"mono\" dir=\"ltr\">")
        .skip(1)
        .filter_map(|rest| rest.split('<').next())
        .collect();
    assert_eq!(shown.len(), 10);
    amal.get(&world, "/account").await.says(200, "Codes left: 10");
    // As it stands on paper, with its gaps.
    let fields = [
        ("name", "amal"),
        ("password", "a new harbour light"),
        ("code", shown[0]),
    ];
    let entered = post(&world, "/sign-in", &[FROM_HERE], &fields).await;
    assert_eq!(entered.leads_to(), "/desk");
    let again = post(&world, "/sign-in", &[FROM_HERE], &fields).await;
    again.says(422, "That did not fit.");
    amal.get(&world, "/account").await.says(200, "Codes left: 9");
}

#[tokio::test]
async fn a_token_is_shown_once_and_offers_only_what_its_person_may() {
    let world = World::new().await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let page = amal.get(&world, "/account").await;
    assert!(page.body.contains("value=\"cases:read\"") && !page.body.contains("value=\"events:read\""));
    let make = async |scope: &str, days: &str| {
        let code = code(&world, &amal);
        let fields = [
            ("name", "script"),
            ("scope", scope),
            ("days", days),
            ("password", PASSWORD),
            ("code", &code),
        ];
        amal.post(&world, "/account/tokens", &fields).await
    };
    make("events:read", "30").await.says(422, "Choose at least one scope.");
    make("items:read", "0").await.says(422, "From 1 to 366 days.");
    make("items:read", "1000000000000000000000")
        .await
        .says(422, "From 1 to 366 days.");
    let unproven = [
        ("name", "script"),
        ("scope", "items:read"),
        ("days", "30"),
        ("password", "not my password"),
    ];
    let refused = amal.post(&world, "/account/tokens", &unproven).await;
    refused.says(422, "The password or the code did not fit.");
    assert!(!refused.body.contains("not my password"));
    let made = make("items:read", "30").await;
    made.says(200, "Secret of script");
    let list = amal.get(&world, "/account").await;
    list.says(200, "script items:read");
    let id = list
        .body
        .split("/account/tokens/")
        .find_map(|rest| rest.split_once("/revoke"))
        .unwrap()
        .0;
    let ben = Person::join(&world, "ben", Role::Admin).await;
    let revoke = format!("/account/tokens/{id}/revoke");
    ben.post(&world, &revoke, &[]).await.says(404, "There is nothing here");
    assert_eq!(amal.post(&world, &revoke, &[]).await.leads_to(), "/account");
    assert!(!amal.get(&world, "/account").await.words().contains("script items:read"));

    // Who manages users sees it too, and revokes it.
    make("items:read", "30").await.says(200, "Secret of script");
    let user = format!("/settings/users/{}", amal.actor.user().unwrap());
    let page = ben.get(&world, &user).await;
    page.says(200, "script items:read");
    let id = page
        .body
        .split(&format!("{user}/tokens/"))
        .find_map(|rest| rest.split_once("/revoke"))
        .unwrap()
        .0;
    let revoke = format!("{user}/tokens/{id}/revoke");
    let cleo = Person::join(&world, "cleo", Role::Moderator).await;
    let refused = cleo.post(&world, &revoke, &[]).await;
    assert!(refused.status.is_client_error(), "{}", refused.words());
    assert_eq!(ben.post(&world, &revoke, &[]).await.leads_to(), user);
    assert!(!ben.get(&world, &user).await.words().contains("script items:read"));
}

#[tokio::test]
async fn roles_and_queues_are_given_by_boxes_and_bind_every_page() {
    let world = World::new().await;
    let bank = world.bank("known", false).await;
    world.entry(bank, pdq(KNOWN)).await;
    let ada = Person::join(&world, "ada", Role::Admin).await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let case = format!("/cases/{}", submit(&world, "post-1", pdq(KNOWN), |_| {}).await);
    let user = format!("/settings/users/{}", amal.actor.user().unwrap());
    amal.get(&world, &case).await.says(200, "post-1");
    let given = [("which", "some"), ("queue", "leads"), ("queue", "reported")];
    assert_eq!(
        ada.post(&world, &format!("{user}/queues"), &given).await.leads_to(),
        user
    );
    for path in [case.as_str(), "/item?id=post-1"] {
        amal.get(&world, path).await.says(404, "There is nothing here");
    }
    for action in ["take", "release"] {
        let answer = amal.post(&world, &format!("{case}/{action}"), &[]).await;
        answer.says(404, "There is nothing here");
    }
    for path in ["/desk", "/desk?queue=matches", "/items"] {
        let page = amal.get(&world, path).await;
        assert!(page.status.is_success() && !page.body.contains("post-1"), "{path}");
    }
    let nonsense = [("which", "some"), ("queue", "No Such!")];
    ada.post(&world, &format!("{user}/queues"), &nonsense)
        .await
        .says(400, "This request makes no sense");

    ada.post(&world, &format!("{user}/role"), &[])
        .await
        .says(422, "Choose at least one role.");
    let both = [("role", "auditor"), ("role", "wellness_lead")];
    assert_eq!(
        ada.post(&world, &format!("{user}/role"), &both).await.leads_to(),
        "/settings/users"
    );
    ada.get(&world, "/settings/users")
        .await
        .says(200, "Auditor · Wellness lead");
}

#[tokio::test]
async fn who_sees_no_cases_begins_elsewhere_and_an_auditor_changes_nothing() {
    let world = World::new().await;
    let bank = world.bank("known", false).await;
    world.entry(bank, pdq(KNOWN)).await;
    let case = format!("/cases/{}", submit(&world, "post-1", pdq(KNOWN), |_| {}).await);
    let wellness = Person::join(&world, "willow", Role::WellnessLead).await;
    assert_eq!(wellness.get(&world, "/desk").await.leads_to(), "/workload");
    let page = wellness.get(&world, "/workload").await;
    page.says(200, "Nobody looked at anything");
    assert!(!page.body.contains("href=\"/items\"") && !page.body.contains("href=\"/banks\""));
    let engineer = Person::join(&world, "eng", Role::Engineer).await;
    assert_eq!(engineer.get(&world, "/desk").await.leads_to(), "/account");
    for (person, path) in [(&wellness, "/items"), (&wellness, case.as_str()), (&engineer, &case)] {
        person.get(&world, path).await.says(403, "You may not do this");
    }
    engineer.get(&world, "/actions").await.says(200, "Waiting");
    let auditor = Person::join(&world, "aud", Role::Auditor).await;
    let page = auditor.get(&world, &case).await;
    page.says(200, "post-1");
    assert!(!page.body.contains("data-decide") && !page.body.contains("/take\"") && !page.body.contains("data-hold"));
    auditor
        .post(&world, &format!("{case}/take"), &[])
        .await
        .says(403, "You may not do this");
    auditor.get(&world, "/log").await.says(200, "The item was submitted");
    let roles: Roles = "auditor,legal".parse().unwrap();
    let invited = access::invite_user(&world.app, &Actor::Operator, "both", roles).await;
    assert!(invited.is_ok());
}
