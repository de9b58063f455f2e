//! People come in through an identity provider, and nobody else does.

use std::time::Duration;

use moderation::access::provider::{LocalSignIn, ProviderSettings};
use moderation::flows::access::{
    self, AccessError, Arrival, Departure, Landing, Proof, ProviderSignInError, SignedIn, begin_sign_in, come_back,
    create_token, session,
};
use moderation::model::{Actor, Role, Scope, User};
use moderation::views;
use serde_json::{Value, json};

use super::provider_links::prove;
use super::stand_in_provider::{Forger, SigningKey, StandIn, unsigned};
use super::world::World;

pub(super) const BACK: &str = "https://seawall.example/sign-in/callback";
pub(super) const PASSWORD: &str = "correct horse battery";

/// A world with a provider.
pub(super) async fn with_provider(world: &mut World, change: impl FnOnce(&mut ProviderSettings)) -> StandIn {
    let provider = StandIn::start(world.clock.clone()).await;
    world.app.provider = provider.with(change);
    provider
}

pub(super) fn landing<'a>(state: &'a str, code: &'a str, departure: &'a Departure) -> Landing<'a> {
    Landing {
        state,
        code,
        error: "",
        issuer: None,
        redirect_uri: BACK,
        browser_token: Some(&departure.browser_token),
        session: None,
        device_token: None,
    }
}

/// The whole way of a browser.
pub(super) async fn arrive(world: &World, provider: &StandIn) -> Result<Arrival, ProviderSignInError> {
    let departure = begin_sign_in(&world.app, BACK, "/cases/1").await?;
    let (state, code) = provider.visit(&departure.url);
    come_back(&world.app, &landing(&state, &code, &departure)).await
}

pub(super) async fn sign_in(world: &World, provider: &StandIn) -> SignedIn {
    match arrive(world, provider).await.unwrap() {
        Arrival::SignedIn { signed_in, next } => {
            assert_eq!(next, "/cases/1");
            *signed_in
        }
        other => panic!("{other:?}"),
    }
}

pub(super) async fn refused(world: &World, provider: &StandIn) -> &'static str {
    match arrive(world, provider).await {
        Err(ProviderSignInError::Refused { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

async fn users(world: &World) -> Vec<User> {
    views::list_users(&world.app, &Actor::Operator).await.unwrap()
}

pub(super) async fn is_open(world: &World, signed_in: &SignedIn) -> bool {
    session(&world.app, &signed_in.session_token).await.unwrap().is_some()
}

pub(super) async fn events(world: &World, kind: &str) -> Vec<Value> {
    let mut tx = world.app.store.begin("read the log").await.unwrap();
    let all = moderation::store::events::list(tx.conn(), 0, 10_000).await.unwrap();
    all.into_iter()
        .filter(|event| event.kind == kind)
        .map(|event| serde_json::from_str(&event.body).unwrap())
        .collect()
}

/// Somebody in the group of moderators, with a second factor.
pub(super) fn amal() -> Value {
    json!({ "sub": "u-1", "preferred_username": "amal", "groups": ["desk"], "amr": ["pwd", "mfa"] })
}

pub async fn groups_decide_who_comes_in_and_as_what(mut world: World) {
    let provider = with_provider(&mut world, |_| {}).await;
    provider.says(amal());
    let first = sign_in(&world, &provider).await;
    assert_eq!(first.session.user.name, "amal");
    assert_eq!(first.session.user.roles, Role::Moderator.into());
    let token = {
        // A token of theirs, to see it end.
        let proof = Proof::AtProvider { code: "" };
        let refused = create_token(
            &world.app,
            &first.session,
            &proof,
            "t",
            &[Scope::ItemsRead],
            Duration::from_secs(60),
        );
        assert!(
            matches!(refused.await, Err(AccessError::Refused)),
            "nobody said when they signed in there"
        );
        prove(&world, &provider, &first.session).await.unwrap();
        create_token(
            &world.app,
            &first.session,
            &proof,
            "t",
            &[Scope::ItemsRead],
            Duration::from_secs(3_600),
        )
        .await
        .unwrap()
        .secret
    };
    assert!(is_open(&world, &first).await);

    // The same person again, with another name and more groups: what they were signed in with before ends.
    provider.says(json!({ "groups": ["desk", "leads"], "preferred_username": "amal2", "amr": ["mfa"] }));
    let second = sign_in(&world, &provider).await;
    assert_eq!(second.session.user.id, first.session.user.id);
    assert_eq!(second.session.user.roles.to_string(), "moderator lead");
    assert!(!is_open(&world, &first).await && is_open(&world, &second).await);
    let changed = events(&world, "user.changed").await;
    assert_eq!(
        changed[0]["role"],
        json!({ "from": "moderator", "to": "moderator lead" })
    );
    assert_eq!(users(&world).await.len(), 1);

    // In no group any more: out, with everything.
    provider.says(json!({ "groups": ["chess"], "amr": ["mfa"] }));
    assert_eq!(refused(&world, &provider).await, "no_group");
    assert!(!is_open(&world, &second).await);
    assert!(access::authenticate_key(&world.app, &token).await.unwrap().is_none());
    assert_eq!(
        events(&world, "sign_in.refused").await[0],
        json!({ "reason": "no_group" })
    );

    provider.says(amal());
    assert_eq!(
        sign_in(&world, &provider).await.session.user.roles,
        Role::Moderator.into()
    );
    assert_eq!(world.faults().await, Vec::<String>::new());
    let log = format!("{:?}", events(&world, "user.made").await);
    assert!(!log.contains("u-1") && !log.contains("amal"), "{log}");
}

pub async fn nobody_is_joined_by_a_name_or_an_address(mut world: World) {
    let (local, _, token) = world.join("amal", Role::Admin).await;
    let provider = with_provider(&mut world, |_| {}).await;
    provider.says(json!({ "preferred_username": "amal", "email": "amal", "groups": ["desk"], "amr": ["mfa"] }));
    let stranger = sign_in(&world, &provider).await;
    assert_ne!(stranger.session.user.id, local);
    assert_eq!(stranger.session.user.name, "amal 2");
    assert!(session(&world.app, &token).await.unwrap().is_some());

    // Where people have to be there already, they are not made.
    world.app.provider = provider.with(|settings| settings.people.make_people = false);
    provider.says(json!({ "sub": "u-2", "preferred_username": "amal", "groups": ["admins"], "amr": ["mfa"] }));
    assert_eq!(refused(&world, &provider).await, "unknown_person");
    assert_eq!(users(&world).await.len(), 2);
    // Nor where their address is of another domain.
    world.app.provider = provider.with(|settings| settings.people.email_domains = vec!["example.org".to_owned()]);
    provider.says(json!({ "sub": "u-3", "email": "a@evil.example", "groups": ["desk"], "amr": ["mfa"] }));
    assert_eq!(refused(&world, &provider).await, "email_domain");
    provider.says(json!({ "sub": "u-3", "email": "a@example.org", "groups": ["desk"], "amr": ["mfa"] }));
    sign_in(&world, &provider).await;
}

pub async fn an_answer_is_taken_once_and_only_by_the_browser_that_asked(mut world: World) {
    let provider = with_provider(&mut world, |_| {}).await;
    provider.says(amal());
    let app = &world.app;
    let stale = |arrival: Result<Arrival, ProviderSignInError>, what: &str| {
        assert!(
            matches!(arrival, Err(ProviderSignInError::Stale)),
            "{what}: {arrival:?}"
        );
    };
    // Somebody sends the answer to their own sign-in to another browser.
    let (mine, theirs) = (
        begin_sign_in(app, BACK, "/").await.unwrap(),
        begin_sign_in(app, BACK, "/").await.unwrap(),
    );
    let (state, code) = provider.visit(&mine.url);
    stale(
        come_back(app, &landing(&state, &code, &theirs)).await,
        "another browser",
    );
    let without = Landing {
        browser_token: None,
        ..landing(&state, &code, &mine)
    };
    stale(come_back(app, &without).await, "a browser that asked nothing");
    stale(come_back(app, &landing("guess", &code, &mine)).await, "another state");
    stale(come_back(app, &landing("", &code, &mine)).await, "no state");
    // None of this used it up for the browser that asked.
    assert!(matches!(
        come_back(app, &landing(&state, &code, &mine)).await,
        Ok(Arrival::SignedIn { .. })
    ));
    stale(
        come_back(app, &landing(&state, &code, &mine)).await,
        "the same answer again",
    );

    // A code that was taken already, with a state of its own.
    let again = begin_sign_in(app, BACK, "/").await.unwrap();
    let (state, _) = provider.visit(&again.url);
    let replayed = come_back(app, &landing(&state, &code, &again)).await;
    assert!(matches!(
        replayed,
        Err(ProviderSignInError::Refused { reason: "code_refused" })
    ));
    // A code that somebody else was given: what proves that it is ours does not fit it.
    let (mine, theirs) = (
        begin_sign_in(app, BACK, "/").await.unwrap(),
        begin_sign_in(app, BACK, "/").await.unwrap(),
    );
    let (_, stolen) = provider.visit(&theirs.url);
    let (state, _) = provider.visit(&mine.url);
    let injected = come_back(app, &landing(&state, &stolen, &mine)).await;
    assert!(matches!(
        injected,
        Err(ProviderSignInError::Refused { reason: "code_refused" })
    ));
    // Too late.
    let late = begin_sign_in(app, BACK, "/").await.unwrap();
    let (state, code) = provider.visit(&late.url);
    world.clock.advance(Duration::from_secs(601));
    stale(come_back(app, &landing(&state, &code, &late)).await, "too late");
}

pub async fn another_providers_answer_is_not_taken(mut world: World) {
    let provider = with_provider(&mut world, |_| {}).await;
    provider.says(amal());
    let app = &world.app;
    let come = async |issuer: Option<&str>, error: &str| {
        let departure = begin_sign_in(app, BACK, "/").await.unwrap();
        let (state, code) = provider.visit(&departure.url);
        let landing = Landing {
            issuer,
            error,
            ..landing(&state, &code, &departure)
        };
        come_back(app, &landing).await
    };
    assert!(matches!(
        come(Some("https://evil.example"), "").await,
        Err(ProviderSignInError::Refused {
            reason: "other_provider"
        })
    ));
    assert!(come(Some(&provider.issuer), "").await.is_ok());
    let cancelled = come(None, "access_denied").await;
    assert!(matches!(cancelled, Err(ProviderSignInError::Cancelled { word }) if word == "access_denied"));
    // One that says that it always names itself has to.
    provider.describes_itself("authorization_response_iss_parameter_supported", json!(true));
    world.clock.advance(Duration::from_secs(3_601));
    assert!(matches!(
        come(None, "").await,
        Err(ProviderSignInError::Refused {
            reason: "other_provider"
        })
    ));
    assert!(come(Some(&provider.issuer), "").await.is_ok());
    // Anybody can send such answers: they leave nothing that stays.
    assert!(events(&world, "sign_in.refused").await.is_empty());
}

pub async fn a_token_that_anything_is_wrong_with_lets_nobody_in(mut world: World) {
    let provider = with_provider(&mut world, |_| {}).await;
    provider.says(amal());
    let stranger = SigningKey::fresh("first");
    let changed = |name: &'static str, value: Value| -> Box<Forger> {
        Box::new(move |key, claims| {
            let mut claims = claims.clone();
            claims[name] = value.clone();
            key.sign(&claims)
        })
    };
    let forgeries: Vec<(Box<Forger>, &str)> = vec![
        (
            Box::new(|_, claims| format!("{}.", unsigned(&json!({ "alg": "none" }), claims))),
            "token_malformed",
        ),
        (
            Box::new(|key, claims| key.sign_with_what_is_public(claims)),
            "token_algorithm",
        ),
        (Box::new(move |_, claims| stranger.sign(claims)), "token_signature"),
        (
            Box::new(|key, claims| {
                let right = key.sign(claims);
                let mut claims = claims.clone();
                claims["groups"] = json!(["admins"]);
                let parts: Vec<&str> = right.split('.').collect();
                format!(
                    "{}.{}",
                    unsigned(&json!({ "alg": "ES256", "kid": "first" }), &claims),
                    parts[2]
                )
            }),
            "token_signature",
        ),
        (changed("iss", json!("https://evil.example")), "token_issuer"),
        (changed("aud", json!("another-program")), "token_audience"),
        (changed("azp", json!("another-program")), "token_audience"),
        (changed("nonce", json!("of another sign-in")), "token_nonce"),
        (changed("exp", json!(1_000_000_000)), "token_expired"),
        (changed("iat", json!(9_000_000_000i64)), "token_early"),
        (
            changed("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA")),
            "token_access_token",
        ),
        (changed("sub", json!("")), "token_subject"),
        (Box::new(|_, _| "nonsense".to_owned()), "token_malformed"),
    ];
    let n_forgeries = forgeries.len();
    for (forger, reason) in forgeries {
        provider.sends(forger);
        assert_eq!(refused(&world, &provider).await, reason);
    }
    assert_eq!(users(&world).await.len(), 0);
    assert_eq!(events(&world, "sign_in.refused").await.len(), n_forgeries);
    provider.sends_what_is_right();
    sign_in(&world, &provider).await;
}

pub async fn a_new_key_is_found_and_an_unknown_one_is_not_searched_for_ever(mut world: World) {
    let provider = with_provider(&mut world, |_| {}).await;
    provider.says(amal());
    sign_in(&world, &provider).await;
    assert_eq!(
        (
            provider.n_asked("/keys"),
            provider.n_asked("/.well-known/openid-configuration")
        ),
        (1, 1)
    );
    provider.changes_key("second", true);
    sign_in(&world, &provider).await;
    assert_eq!(provider.n_asked("/keys"), 2);
    // A key that it publishes nowhere, again and again.
    provider.changes_key("hidden", false);
    for _ in 0..5 {
        assert_eq!(refused(&world, &provider).await, "token_unknown_key");
    }
    assert_eq!(provider.n_asked("/keys"), 2, "once in a minute");
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(refused(&world, &provider).await, "token_unknown_key");
    assert_eq!(provider.n_asked("/keys"), 3);
}

pub async fn while_the_provider_is_down_admins_still_come_in(mut world: World) {
    let (_, secret, _) = world.join("ada", Role::Admin).await;
    let (_, of_moderator, _) = world.join("ben", Role::Moderator).await;
    let provider = with_provider(&mut world, |settings| settings.local_sign_in = LocalSignIn::Admins).await;
    provider.is_down(true);
    for _ in 0..3 {
        let down = begin_sign_in(&world.app, BACK, "/").await;
        assert!(matches!(down, Err(ProviderSignInError::Unreachable(_))), "{down:?}");
    }
    assert_eq!(
        provider.n_asked("/.well-known/openid-configuration"),
        1,
        "who waits is not asked for each"
    );
    world.clock.advance(Duration::from_secs(60));
    assert!(world.sign_in("ada", PASSWORD, &world.code(&secret)).await.is_ok());
    let others = world.sign_in("ben", PASSWORD, &world.code(&of_moderator)).await;
    assert!(
        matches!(others, Err(AccessError::Refused)),
        "in the words of a wrong password"
    );
    // Up again: at once, and with what it says now.
    provider.is_down(false);
    provider.says(amal());
    sign_in(&world, &provider).await;

    world.app.provider = provider.with(|settings| settings.local_sign_in = LocalSignIn::Nobody);
    world.clock.advance(Duration::from_secs(60));
    let nobody = world.sign_in("ada", PASSWORD, &world.code(&secret)).await;
    assert!(matches!(nobody, Err(AccessError::Refused)));
    // The owner of the machine makes a link, and it lets its person in.
    let ada = users(&world).await.into_iter().find(|user| user.name == "ada").unwrap();
    let invite = access::reinvite_user(&world.app, &Actor::Operator, ada.id)
        .await
        .unwrap();
    let view = access::open_invite(&world.app, &invite.token).await.unwrap();
    let code = world.code(&view.totp_secret_base32);
    assert!(
        access::accept_invite(&world.app, &invite.token, PASSWORD, &code)
            .await
            .is_ok()
    );
}

pub async fn what_an_id_token_lacks_is_asked_for(mut world: World) {
    let provider = with_provider(&mut world, |_| {}).await;
    provider.says(json!({ "amr": ["mfa"] }));
    provider.says_when_asked(json!({ "sub": "u-2", "groups": ["admins"] }));
    assert_eq!(
        refused(&world, &provider).await,
        "token_subject",
        "it is about somebody else"
    );
    provider.says_when_asked(json!({ "sub": "u-1", "groups": ["leads"], "preferred_username": "lee", "amr": ["x"] }));
    let signed_in = sign_in(&world, &provider).await;
    assert_eq!(
        (
            signed_in.session.user.name.as_str(),
            signed_in.session.user.roles.clone()
        ),
        ("lee", Role::Lead.into())
    );
}
