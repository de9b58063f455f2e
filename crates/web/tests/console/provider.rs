//! Coming in through an identity provider, as a browser does: by links, cookies and redirects.

use std::time::Duration;

use moderation::access::provider::{LocalSignIn, ProviderSettings};
use moderation::access::secrets;
use moderation::flows::access;
use moderation::model::{Actor, Clock, Role};
use serde_json::json;

use crate::people::{PASSWORD, Person, get, post};
use crate::stand_in_provider::{SigningKey, StandIn};
use crate::world::{Answer, World};

const HARBOUR: &str = "Sign in with Harbour Inc";

async fn with_provider(change: impl FnOnce(&mut ProviderSettings)) -> (World, StandIn) {
    let world = World::new().await;
    let provider = StandIn::start(world.clock.clone()).await;
    provider.says(json!({ "preferred_username": "amal", "groups": ["desk"], "amr": ["mfa"], "sid": "s-1" }));
    let held = provider.with(change);
    (world.changed(|app| app.provider = held), provider)
}

/// What a browser keeps of an answer, as it sends it back.
fn kept(answer: &Answer, name: &str) -> String {
    let value = answer.cookie(name).unwrap_or_else(|| panic!("no cookie {name}"));
    format!("{name}={}", value.split(';').next().unwrap())
}

/// A browser that comes back from the provider: where from, and what it kept.
struct Returning {
    callback: String,
    errand: String,
}

async fn leave(world: &World, provider: &StandIn, path: &str, cookie: &str) -> Returning {
    let away = get(world, path, &[("cookie", cookie)]).await;
    let (state, code) = provider.visit(away.leads_to());
    Returning {
        callback: format!("/sign-in/callback?state={state}&code={code}"),
        errand: kept(&away, "seawall_errand"),
    }
}

async fn come_in(world: &World, provider: &StandIn) -> (Answer, Person) {
    let returning = leave(world, provider, "/sign-in/provider?next=/items", "").await;
    let entered = get(world, &returning.callback, &[("cookie", &returning.errand)]).await;
    let cookie = kept(&entered, "seawall_session");
    let token = cookie.split_once('=').unwrap().1;
    let session = access::session(&world.app, token).await.unwrap().unwrap();
    let person = Person {
        csrf: session.csrf_token,
        actor: access::actor_of(&session.user),
        totp_secret: String::new(),
        cookie,
    };
    (entered, person)
}

#[tokio::test]
async fn one_button_leads_to_the_provider_and_back_to_where_one_was() {
    let (world, provider) = with_provider(|_| {}).await;
    let page = get(&world, "/sign-in?next=/items", &[]).await;
    page.says(200, HARBOUR);
    page.says(200, "Or with a password of Seawall");
    assert!(
        page.body.contains("href=\"/sign-in/provider?next=%2Fitems\""),
        "{}",
        page.body
    );
    let (entered, amal) = come_in(&world, &provider).await;
    assert_eq!(entered.leads_to(), "/items");
    let cookie = entered.cookie("seawall_session").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert!(
        entered.cookie("seawall_errand").unwrap().contains("Max-Age=0"),
        "the errand is over"
    );
    amal.get(&world, "/desk").await.says(200, "Desk");
    // Their own page offers what they have, and asks for no password that they have not.
    let account = amal.get(&world, "/account").await;
    account.says(200, "You can sign in with Harbour Inc");
    account.says(200, "Prove it is you at Harbour Inc");
    account.says(200, "u-1");
    assert!(!account.body.contains("type=\"password\""));
}

#[tokio::test]
async fn the_way_back_leads_nowhere_else() {
    let (world, provider) = with_provider(|_| {}).await;
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/sign-out",
        "javascript:alert(1)",
    ] {
        let query: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let returning = leave(&world, &provider, &format!("/sign-in/provider?next={query}"), "").await;
        let entered = get(&world, &returning.callback, &[("cookie", &returning.errand)]).await;
        assert_eq!(entered.leads_to(), "/desk", "{next}");
    }
}

#[tokio::test]
async fn a_session_that_was_planted_is_worth_nothing_afterwards() {
    let (world, provider) = with_provider(|_| {}).await;
    let planted = Person::join(&world, "mallory", Role::Moderator).await;
    let returning = leave(&world, &provider, "/sign-in/provider", &planted.cookie).await;
    let cookies = format!("{}; {}", planted.cookie, returning.errand);
    let entered = get(&world, &returning.callback, &[("cookie", &cookies)]).await;
    assert_eq!(entered.leads_to(), "/desk");
    assert_ne!(kept(&entered, "seawall_session"), planted.cookie);
    assert!(
        planted.get(&world, "/desk").await.leads_to().starts_with("/sign-in"),
        "the old session has ended"
    );
}

#[tokio::test]
async fn an_answer_to_somebody_elses_sign_in_is_not_taken() {
    let (world, provider) = with_provider(|_| {}).await;
    let theirs = leave(&world, &provider, "/sign-in/provider", "").await;
    // A link that somebody was sent: their browser asked for nothing, or for something else.
    let without = get(&world, &theirs.callback, &[]).await;
    without.says(422, "This sign-in was not begun in this browser");
    assert!(without.cookie("seawall_session").is_none());
    let mine = leave(&world, &provider, "/sign-in/provider", "").await;
    let other = get(&world, &theirs.callback, &[("cookie", &mine.errand)]).await;
    other.says(422, "This sign-in was not begun in this browser");
    // And the same address is good once, in the browser that asked too.
    let first = get(&world, &theirs.callback, &[("cookie", &theirs.errand)]).await;
    assert_eq!(first.leads_to(), "/desk");
    let again = get(&world, &theirs.callback, &[("cookie", &theirs.errand)]).await;
    again.says(422, "This sign-in was not begun in this browser");
    for nonsense in [
        "/sign-in/callback",
        "/sign-in/callback?state=x",
        "/sign-in/callback?code=x&code=y",
    ] {
        let answer = get(&world, nonsense, &[("cookie", &mine.errand)]).await;
        assert!(answer.status.is_client_error(), "{nonsense}: {}", answer.status);
    }
}

#[tokio::test]
async fn a_refusal_does_not_tell_who_exists() {
    let (world, provider) = with_provider(|settings| settings.people.make_people = false).await;
    let invited = access::invite_user(&world.app, &Actor::Operator, "amal", Role::Moderator.into())
        .await
        .unwrap();
    access::link_identity(&world.app, &Actor::Operator, invited.user, "u-9")
        .await
        .unwrap();
    access::change_user(&world.app, &Actor::Operator, invited.user, None, Some(true))
        .await
        .unwrap();
    let mut told = Vec::new();
    for claims in [
        json!({ "sub": "u-1", "groups": ["desk"], "amr": ["mfa"] }),
        json!({ "sub": "u-1", "groups": [], "amr": ["mfa"] }),
        json!({ "sub": "u-9", "groups": ["desk"], "amr": ["mfa"] }),
    ] {
        provider.says(claims);
        let returning = leave(&world, &provider, "/sign-in/provider", "").await;
        let refused = get(&world, &returning.callback, &[("cookie", &returning.errand)]).await;
        refused.says(403, "You were not let in.");
        told.push(refused.words());
    }
    assert!(told.iter().all(|words| *words == told[0]), "{told:?}");
}

#[tokio::test]
async fn while_the_provider_is_down_the_page_says_so_and_admins_come_in() {
    let (world, provider) = with_provider(|settings| settings.local_sign_in = LocalSignIn::Admins).await;
    let ada = Person::join(&world, "ada", Role::Admin).await;
    provider.is_down(true);
    let page = get(&world, "/sign-in/provider", &[]).await;
    page.says(503, "Harbour Inc does not answer just now.");
    page.says(503, "User name");
    world.clock.advance(Duration::from_secs(60));
    let code = secrets::totp_code(&ada.totp_secret, world.clock.now()).unwrap();
    let fields = [("name", "ada"), ("password", PASSWORD), ("code", code.as_str())];
    let entered = post(&world, "/sign-in", &[("sec-fetch-site", "same-origin")], &fields).await;
    assert_eq!(entered.leads_to(), "/desk");
}

#[tokio::test]
async fn where_nobody_has_a_password_there_is_no_form() {
    let (world, _) = with_provider(|settings| settings.local_sign_in = LocalSignIn::Nobody).await;
    let page = get(&world, "/sign-in", &[]).await;
    page.says(200, "Everybody signs in with Harbour Inc here.");
    assert!(!page.body.contains("type=\"password\"") && !page.body.contains("action=\"/sign-in\""));
    // Without a provider nothing of it is there.
    let plain = World::new().await;
    let page = get(&plain, "/sign-in", &[]).await;
    assert!(page.body.contains("type=\"password\"") && !page.body.contains("/sign-in/provider"));
    for path in ["/sign-in/provider", "/sign-in/callback?state=x&code=y"] {
        get(&plain, path, &[]).await.says(404, "There is nothing here");
    }
    let told = post(&plain, "/sign-in/provider/logout", &[], &[("logout_token", "x")]).await;
    assert_eq!(told.status.as_u16(), 404);
}

#[tokio::test]
async fn a_missing_second_factor_is_asked_for_on_a_page_of_its_own() {
    let (world, provider) = with_provider(|_| {}).await;
    provider.says(json!({ "groups": ["desk"] }));
    let returning = leave(&world, &provider, "/sign-in/provider?next=/items", "").await;
    let owing = get(&world, &returning.callback, &[("cookie", &returning.errand)]).await;
    assert_eq!(owing.leads_to(), "/sign-in/code");
    assert!(owing.cookie("seawall_session").is_none());
    let errand = kept(&owing, "seawall_errand");
    let page = get(&world, "/sign-in/code", &[("cookie", &errand)]).await;
    page.says(200, "set up an authenticator app once");
    let secret = page.body.split("id=\"secret\" readonly value=\"").nth(1).unwrap();
    let secret = secret.split('"').next().unwrap();
    let here = [("cookie", errand.as_str()), ("sec-fetch-site", "same-origin")];
    let wrong = post(&world, "/sign-in/code", &here, &[("code", "000 000")]).await;
    wrong.says(422, "The code did not fit.");
    let code = secrets::totp_code(secret, world.clock.now()).unwrap();
    let entered = post(&world, "/sign-in/code", &here, &[("code", &code)]).await;
    assert_eq!(entered.leads_to(), "/items");
    assert!(entered.cookie("seawall_session").is_some());
    // Nobody comes to that page who owes no code.
    get(&world, "/sign-in/code", &[])
        .await
        .says(422, "This sign-in was not begun in this browser");
}

#[tokio::test]
async fn an_account_is_joined_on_its_own_page_and_by_who_manages_users() {
    let (world, provider) = with_provider(|settings| settings.people.make_people = false).await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    let ada = Person::join(&world, "ada", Role::Admin).await;
    amal.get(&world, "/account")
        .await
        .says(200, "Join my account at Harbour Inc");
    let unproven = [("password", "not my password"), ("code", "000000")];
    let refused = amal.post(&world, "/account/identity", &unproven).await;
    refused.says(422, "The password or the code did not fit.");
    world.clock.advance(Duration::from_secs(60));
    let code = secrets::totp_code(&amal.totp_secret, world.clock.now()).unwrap();
    let proof = [("password", PASSWORD), ("code", code.as_str())];
    // A page with a link: the pages' own rules let no form lead to another site.
    let page = amal.post(&world, "/account/identity", &proof).await;
    page.says(200, "Go on to Harbour Inc");
    let url = page
        .body
        .split("class=\"button primary\" href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let (state, code) = provider.visit(&url.replace("&#38;", "&").replace("&amp;", "&"));
    let cookies = format!("{}; {}", amal.cookie, kept(&page, "seawall_errand"));
    let back = get(
        &world,
        &format!("/sign-in/callback?state={state}&code={code}"),
        &[("cookie", &cookies)],
    )
    .await;
    assert_eq!(back.leads_to(), "/account");
    amal.get(&world, "/account")
        .await
        .says(200, "You can sign in with Harbour Inc");

    let user = format!("/settings/users/{}", amal.actor.user().unwrap());
    ada.get(&world, &user).await.says(200, "u-1");
    let removed = ada.post(&world, &format!("{user}/identity/remove"), &[]).await;
    assert_eq!(removed.leads_to(), user);
    let empty = ada.post(&world, &format!("{user}/identity"), &[("subject", " ")]).await;
    empty.says(422, "This is not taken");
    let linked = ada
        .post(&world, &format!("{user}/identity"), &[("subject", "u-77")])
        .await;
    assert_eq!(linked.leads_to(), user);
    ada.get(&world, &user).await.says(200, "u-77");
    let denied = amal
        .post(&world, &format!("{user}/identity"), &[("subject", "u-1")])
        .await;
    denied.says(403, "You may not do this");
}

#[tokio::test]
async fn a_token_is_made_after_a_fresh_sign_in_at_the_provider() {
    let (world, provider) = with_provider(|_| {}).await;
    let (_, amal) = come_in(&world, &provider).await;
    let fields = [
        ("name", "script"),
        ("scope", "items:read"),
        ("days", "30"),
        ("proof", "provider"),
    ];
    let unproven = amal.post(&world, "/account/tokens", &fields).await;
    unproven.says(422, "The password or the code did not fit.");
    let now = world.clock.now().unix_ms() / 1_000;
    provider.says(json!({ "groups": ["desk"], "amr": ["mfa"], "auth_time": now }));
    let returning = leave(&world, &provider, "/account/prove", &amal.cookie).await;
    // Only in the session that asked.
    let cookies = format!("{}; {}", amal.cookie, returning.errand);
    let back = get(&world, &returning.callback, &[("cookie", &cookies)]).await;
    assert_eq!(back.leads_to(), "/account");
    amal.get(&world, "/account")
        .await
        .says(200, "You have just proved that it is you.");
    amal.post(&world, "/account/tokens", &fields).await.says(200, "sw_");
}

#[tokio::test]
async fn who_has_an_authenticator_types_its_code_after_a_fresh_sign_in() {
    let (world, provider) = with_provider(|_| {}).await;
    let amal = Person::join(&world, "amal", Role::Moderator).await;
    access::link_identity(&world.app, &Actor::Operator, amal.actor.user().unwrap(), "u-1")
        .await
        .unwrap();
    let now = world.clock.now().unix_ms() / 1_000;
    provider.says(json!({ "groups": ["desk"], "amr": ["pwd"], "auth_time": now }));
    let returning = leave(&world, &provider, "/account/prove", &amal.cookie).await;
    let cookies = format!("{}; {}", amal.cookie, returning.errand);
    get(&world, &returning.callback, &[("cookie", &cookies)]).await;
    let account = amal.get(&world, "/account").await;
    account.says(200, "You have just proved that it is you.");
    assert!(account.body.contains("id=\"token-password\" name=\"code\""));
    let fields = |code: &'static str| {
        let (name, scope, days, proof) = (
            ("name", "script"),
            ("scope", "items:read"),
            ("days", "30"),
            ("proof", "provider"),
        );
        [name, scope, days, proof, ("code", code)]
    };
    let refused = amal.post(&world, "/account/tokens", &fields("")).await;
    refused.says(422, "The password or the code did not fit.");
    world.clock.advance(Duration::from_secs(60));
    let code = secrets::totp_code(&amal.totp_secret, world.clock.now()).unwrap();
    let made = amal.post(&world, "/account/tokens", &fields(code.leak())).await;
    made.says(200, "sw_");
}

#[tokio::test]
async fn who_was_handed_a_link_is_told_to_use_it() {
    let (world, provider) = with_provider(|settings| settings.people.make_people = false).await;
    let invited = access::invite_user(&world.app, &Actor::Operator, "amal", Role::Moderator.into())
        .await
        .unwrap();
    access::link_identity(&world.app, &Actor::Operator, invited.user, "u-1")
        .await
        .unwrap();
    provider.says(json!({ "groups": ["desk"], "amr": ["pwd"] }));
    let returning = leave(&world, &provider, "/sign-in/provider", "").await;
    let told = get(&world, &returning.callback, &[("cookie", &returning.errand)]).await;
    told.says(403, "Use your link first");
    assert!(told.cookie("seawall_session").is_none());
}

#[tokio::test]
async fn signing_out_offers_to_sign_out_there_too() {
    let (world, provider) = with_provider(|_| {}).await;
    let (_, amal) = come_in(&world, &provider).await;
    let out = amal.post(&world, "/sign-out", &[]).await;
    out.says(200, "You may still be signed in at Harbour Inc");
    assert!(out.cookie("seawall_session").unwrap().contains("Max-Age=0"));
    let link = out
        .body
        .split("class=\"button primary wide\" href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert!(
        link.starts_with(&format!("{}/end?client_id=seawall", provider.issuer)),
        "{link}"
    );
    assert!(
        link.contains("id_token_hint=ey") && link.contains("post_logout_redirect_uri="),
        "{link}"
    );
    assert!(amal.get(&world, "/desk").await.leads_to().starts_with("/sign-in"));
    // Who came in with a password is just out.
    let ben = Person::join(&world, "ben", Role::Moderator).await;
    assert_eq!(ben.post(&world, "/sign-out", &[]).await.leads_to(), "/sign-in");
}

#[tokio::test]
async fn the_provider_tells_who_signed_out_there() {
    let (world, provider) = with_provider(|_| {}).await;
    let (_, amal) = come_in(&world, &provider).await;
    // From the provider's machine: no browser's headers, no cookie.
    let tell = async |token: &str| post(&world, "/sign-in/provider/logout", &[], &[("logout_token", token)]).await;
    let claims = provider.logout_claims("j-1", json!({ "sid": "s-1" }));
    for wrong in ["", "x.y.z", &SigningKey::fresh("first").sign(&claims)] {
        let refused = tell(wrong).await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()["error"].as_str()),
            (400, Some("invalid_request"))
        );
    }
    amal.get(&world, "/desk").await.says(200, "Desk");
    let told = tell(&provider.key().sign(&claims)).await;
    assert_eq!((told.status.as_u16(), told.header("cache-control")), (200, "no-store"));
    assert!(amal.get(&world, "/desk").await.leads_to().starts_with("/sign-in"));
    assert_eq!(
        tell(&provider.key().sign(&claims)).await.status.as_u16(),
        400,
        "each is taken once"
    );
    let large = "x".repeat(100 << 10);
    assert_eq!(tell(&large).await.status.as_u16(), 413);
}
