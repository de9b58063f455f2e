//! Coming in, and what each role is let to see and do.

use std::time::Duration;

use axum::http::StatusCode;
use moderation::access::secrets;
use moderation::flows::access;
use moderation::model::{Actor, Clock, Role, Timestamp};

use crate::people::{PASSWORD, Person, get, post};
use crate::world::{Answer, World};

const FROM_HERE: (&str, &str) = ("sec-fetch-site", "same-origin");

async fn sign_in(world: &World, headers: &[(&str, &str)], fields: &[(&str, &str)]) -> Answer {
    let headers: Vec<(&str, &str)> = headers.iter().copied().chain([FROM_HERE]).collect();
    post(world, "/sign-in", &headers, fields).await
}

#[tokio::test]
async fn signing_in_takes_three_things_and_makes_a_new_session() {
    let world = World::new().await;
    let ben = Person::join(&world, "ben", Role::Admin).await;
    world.clock.advance(Duration::from_secs(60));
    let code = secrets::totp_code(&ben.totp_secret, world.clock.now()).unwrap();
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    for (name, password, code) in [
        ("nobody", PASSWORD, code.as_str()),
        ("ben", "three quiet harbour light", &code),
        ("ben", PASSWORD, "000000"),
        ("ben", PASSWORD, ""),
    ] {
        let answer = sign_in(&world, &[], &[("name", name), ("password", password), ("code", code)]).await;
        answer.says(422, "That did not fit.");
        assert_eq!(answer.cookie("seawall_session"), None);
        assert!(!answer.body.contains(password) && answer.body.contains(&format!("value=\"{name}\"")));
    }
    // The session that the browser held before is no session afterwards: whoever planted it gains nothing.
    let fields = [
        ("name", "ben"),
        ("password", PASSWORD),
        ("code", spaced.as_str()),
        ("next", "/banks"),
    ];
    let answer = sign_in(&world, &[("cookie", &ben.cookie)], &fields).await;
    assert_eq!(answer.leads_to(), "/banks");
    let cookie = answer.cookie("seawall_session").unwrap();
    assert!(
        cookie.contains("; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200"),
        "{cookie}"
    );
    assert!(ben.get(&world, "/desk").await.leads_to().starts_with("/sign-in"));
    let token = cookie.split(';').next().unwrap();
    let fresh = format!("seawall_session={token}");
    get(&world, "/desk", &[("cookie", &fresh)]).await.says(200, "Desk");
    // A code is good once.
    sign_in(&world, &[], &fields).await.says(422, "That did not fit.");
    // Twelve hours later the session is over.
    world.clock.advance(Duration::from_secs(12 * 3600));
    assert!(
        get(&world, "/desk", &[("cookie", &fresh)])
            .await
            .leads_to()
            .starts_with("/sign-in")
    );
}

#[tokio::test]
async fn signing_in_leads_nowhere_else() {
    let world = World::new().await;
    let ben = Person::join(&world, "ben", Role::Admin).await;
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ] {
        world.clock.advance(Duration::from_secs(60));
        let code = secrets::totp_code(&ben.totp_secret, world.clock.now()).unwrap();
        let fields = [
            ("name", "ben"),
            ("password", PASSWORD),
            ("code", code.as_str()),
            ("next", next),
        ];
        assert_eq!(sign_in(&world, &[], &fields).await.leads_to(), "/desk", "{next}");
        let query: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let page = get(&world, &format!("/sign-in?next={query}"), &[]).await;
        assert!(page.body.contains("name=\"next\" value=\"/desk\""), "{next}");
        let back = post(
            &world,
            "/preferences",
            &[FROM_HERE],
            &[("theme", "dark"), ("back", next)],
        )
        .await;
        assert_eq!(back.leads_to(), "/desk", "{next}");
    }
}

#[tokio::test]
async fn many_failures_make_guesses_slow_whether_or_not_there_is_such_a_name() {
    let world = World::new().await;
    let ben = Person::join(&world, "ben", Role::Admin).await;
    world.clock.advance(Duration::from_secs(60));
    let code = secrets::totp_code(&ben.totp_secret, world.clock.now()).unwrap();
    let fields = [("name", "ben"), ("password", PASSWORD), ("code", code.as_str())];
    let cookie = sign_in(&world, &[], &fields).await.cookie("seawall_device").unwrap();
    assert!(
        cookie.contains("; Path=/; HttpOnly; SameSite=Lax; Max-Age=15552000"),
        "{cookie}"
    );
    let bens_browser = format!("seawall_device={}", cookie.split(';').next().unwrap());
    for _ in 0..8 {
        let mut pages = Vec::new();
        for name in ["ben", "nobody"] {
            let answer = sign_in(
                &world,
                &[],
                &[("name", name), ("password", "guess"), ("code", "123456")],
            )
            .await;
            pages.push((answer.status, answer.body.replace(name, "NAME")));
        }
        assert_eq!(pages[0], pages[1]);
    }
    world.clock.advance(Duration::from_secs(29));
    let code = secrets::totp_code(&ben.totp_secret, world.clock.now()).unwrap();
    let fields = [("name", "ben"), ("password", PASSWORD), ("code", code.as_str())];
    sign_in(&world, &[], &fields)
        .await
        .says(422, "Too many attempts. Try again");
    // Whoever guessed, in this browser ben has signed in before.
    let answer = sign_in(&world, &[("cookie", &bens_browser)], &fields).await;
    assert_eq!(answer.leads_to(), "/desk");
}

#[tokio::test]
async fn the_one_time_link_works_once() {
    let world = World::new().await;
    let invite = access::invite_user(&world.app, &Actor::Operator, "amal", Role::Moderator.into())
        .await
        .unwrap();
    let link = format!("/invite/{}", invite.token);
    let page = get(&world, &link, &[]).await;
    page.says(200, "Welcome, amal.");
    assert!(page.body.contains("<path d=\"M4 4h7v1h-7z"), "the code to scan");
    assert!(page.words().contains("otpauth://totp/"));
    let secret = page
        .body
        .split("id=\"secret\" readonly value=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let code = |at: Timestamp| secrets::totp_code(&secret, at).unwrap();
    let now = world.clock.now();
    let send = async |password: &str, again: &str, code: &str| {
        post(
            &world,
            &link,
            &[FROM_HERE],
            &[("password", password), ("again", again), ("code", code)],
        )
        .await
    };
    send(PASSWORD, "three quiet harbour light", &code(now))
        .await
        .says(422, "The two passwords are not the same.");
    send("short", "short", &code(now))
        .await
        .says(422, "At least 10 characters.");
    send(PASSWORD, PASSWORD, "000000")
        .await
        .says(422, "That code did not fit.");
    let answer = send(PASSWORD, PASSWORD, &code(now)).await;
    assert_eq!(answer.leads_to(), "/desk");
    assert!(answer.cookie("seawall_session").is_some());
    get(&world, &link, &[]).await.says(410, "This link no longer works");
    send(PASSWORD, PASSWORD, &code(now))
        .await
        .says(410, "This link no longer works");
    get(&world, "/invite/guess", &[])
        .await
        .says(410, "This link no longer works");
}

#[tokio::test]
async fn a_role_sees_what_it_may() {
    let world = World::new().await;
    let moderator = Person::join(&world, "mo", Role::Moderator).await;
    let lead = Person::join(&world, "lee", Role::Lead).await;
    let admin = Person::join(&world, "ada", Role::Admin).await;
    let bank = world.bank("known", false).await;
    let bank = format!("/banks/{bank}");
    let add = format!("{bank}/add");
    let check = async |path: &str, allowed: [bool; 3]| {
        for (person, allowed) in [&moderator, &lead, &admin].into_iter().zip(allowed) {
            let answer = person.get(&world, path).await;
            if allowed {
                assert_eq!(answer.status, StatusCode::OK, "{path}");
            } else {
                answer.says(403, "You may not do this");
            }
        }
    };
    check("/desk", [true, true, true]).await;
    check("/items", [true, true, true]).await;
    check("/actions", [true, true, true]).await;
    check(&bank, [true, true, true]).await;
    check(&add, [false, true, true]).await;
    check("/banks/new", [false, true, true]).await;
    check("/log", [false, true, true]).await;
    check("/settings/users", [false, false, true]).await;
    check("/settings/keys", [false, false, true]).await;
    // What one may not do is not offered, and is refused all the same.
    let page = moderator.get(&world, &bank).await;
    assert!(!page.body.contains("/add\"") && !page.body.contains("<textarea") && !page.body.contains("href=\"/log\""));
    moderator
        .post(&world, "/banks", &[("name", "mine")])
        .await
        .says(403, "You may not do this");
    moderator
        .post(&world, &format!("{bank}/unconfirm"), &[])
        .await
        .says(403, "You may not do this");
    lead.post(&world, "/settings/keys", &[("name", "k"), ("scope", "items:read")])
        .await
        .says(403, "You may not do this");
    lead.post(&world, "/settings/users", &[("name", "k"), ("role", "admin")])
        .await
        .says(403, "You may not do this");
}

#[tokio::test]
async fn secrets_are_shown_once() {
    let world = World::new().await;
    let ada = Person::join(&world, "ada", Role::Admin).await;
    ada.post(&world, "/settings/keys", &[("name", " ")])
        .await
        .says(422, "Choose at least one scope.");
    let page = ada
        .post(
            &world,
            "/settings/keys",
            &[("name", "intake"), ("scope", "items:write"), ("scope", "items:read")],
        )
        .await;
    page.says(200, "Secret of intake");
    let secret = page
        .body
        .split("value=\"sw_")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let list = ada.get(&world, "/settings/keys").await;
    list.says(200, "intake items:write items:read Active ada Never");
    assert!(!list.body.contains(&secret));
    let key = list
        .body
        .split("/settings/keys/")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    ada.get(&world, &format!("/settings/keys/{key}/revoke"))
        .await
        .says(200, "Revoke intake?");
    let revoked = ada.post(&world, &format!("/settings/keys/{key}/revoke"), &[]).await;
    assert_eq!(revoked.leads_to(), "/settings/keys");
    assert_eq!(
        access::authenticate_key(&world.app, &format!("sw_{secret}"))
            .await
            .unwrap(),
        None
    );

    let page = ada
        .post(&world, "/settings/users", &[("name", "amal"), ("role", "lead")])
        .await;
    page.says(200, "One-time link for amal");
    let link = page
        .words()
        .split_whitespace()
        .find(|word| word.contains("/invite/"))
        .unwrap()
        .to_owned();
    assert!(link.starts_with("http://127.0.0.1:8410/invite/"), "{link}");
    get(&world, link.trim_start_matches("http://127.0.0.1:8410"), &[])
        .await
        .says(200, "Welcome, amal.");
    ada.post(&world, "/settings/users", &[("name", "amal"), ("role", "lead")])
        .await
        .says(422, "Someone has this name already.");
}

#[tokio::test]
async fn people_are_changed_disabled_and_reset_but_never_all_shut_out() {
    let world = World::new().await;
    let ada = Person::join(&world, "ada", Role::Admin).await;
    let mo = Person::join(&world, "mo", Role::Moderator).await;
    let user = |person: &Person| format!("/settings/users/{}", person.actor.user().unwrap());
    let (of_ada, of_mo) = (user(&ada), user(&mo));
    assert_eq!(
        ada.post(&world, &format!("{of_mo}/role"), &[("role", "lead")])
            .await
            .leads_to(),
        "/settings/users"
    );
    assert!(
        mo.get(&world, "/desk").await.leads_to().starts_with("/sign-in"),
        "other roles, another session"
    );
    ada.get(&world, "/log").await.says(200, "A user was changed");
    ada.post(&world, &format!("{of_ada}/role"), &[("role", "lead")])
        .await
        .says(422, "At least one administrator must remain.");
    ada.post(&world, &format!("{of_ada}/disabled"), &[("disabled", "yes")])
        .await
        .says(422, "You cannot disable yourself.");
    assert_eq!(
        ada.post(&world, &format!("{of_mo}/disabled"), &[("disabled", "yes")])
            .await
            .leads_to(),
        "/settings/users"
    );
    assert!(
        mo.get(&world, "/desk").await.leads_to().starts_with("/sign-in"),
        "their session has ended"
    );
    assert_eq!(
        ada.post(&world, &format!("{of_mo}/disabled"), &[("disabled", "no")])
            .await
            .leads_to(),
        "/settings/users"
    );
    ada.post(&world, &format!("{of_mo}/reset"), &[])
        .await
        .says(200, "One-time link for mo");
    ada.get(&world, &of_mo).await.says(200, "Invited");
    ada.post(&world, &format!("{of_mo}/role"), &[("role", "emperor")])
        .await
        .says(400, "This request makes no sense");
    ada.get(&world, "/settings/users/user_00000000000000000000000000")
        .await
        .says(404, "There is nothing here");
}

#[tokio::test]
async fn a_page_speaks_the_persons_language() {
    let world = World::new().await;
    let ben = Person::join(&world, "ben", Role::Admin).await;
    let page = get(&world, "/sign-in", &[("accept-language", "ar-EG,ar;q=0.9,en;q=0.5")]).await;
    page.says(200, "تسجيل الدخول");
    assert!(page.body.contains("<html lang=\"ar\" dir=\"rtl\""));
    // A choice goes before the browser's wish, and changes nothing else.
    let headers = [("cookie", ben.cookie.as_str()), FROM_HERE];
    let answer = post(
        &world,
        "/preferences",
        &headers,
        &[("csrf", &ben.csrf), ("lang", "de"), ("back", "/desk?queue=leads")],
    )
    .await;
    assert_eq!(answer.leads_to(), "/desk?queue=leads");
    let prefs = answer.cookie("seawall_prefs").unwrap();
    let cookie = format!("{}; seawall_prefs={}", ben.cookie, prefs.split(';').next().unwrap());
    let page = get(&world, "/desk", &[("cookie", &cookie), ("accept-language", "fr")]).await;
    page.says(200, "Hier wartet nichts");
    assert!(page.body.contains("data-theme=\"system\"") && page.body.contains("data-keys=\"on\""));
}
