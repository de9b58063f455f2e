//! People come in through an identity provider, and nobody else does.

use std::time::Duration;

use moderation::access::provider::{LocalSignIn, ProviderSettings};
use moderation::flows::access::{
    self, AccessError, Arrival, Departure, Landing, LogoutError, Proof, ProviderSignInError, SignedIn, begin_link,
    begin_proof, begin_sign_in, come_back, create_token, finish_with_code, link_identity, list_sessions,
    log_out_by_provider, open_code, own_access, session, unlink_identity,
};
use moderation::model::{Actor, Clock, Role, Scope, Session, User, UserState};
use moderation::views;
use serde_json::{Value, json};

use super::stand_in_provider::{SigningKey, StandIn, unsigned};
use super::world::World;

const BACK: &str = "https://seawall.example/sign-in/callback";
const PASSWORD: &str = "correct horse battery";

/// A world with a provider.
async fn with_provider(world: &mut World, change: impl FnOnce(&mut ProviderSettings)) -> StandIn {
    let provider = StandIn::start(world.clock.clone()).await;
    world.app.provider = provider.with(change);
    provider
}

fn landing<'a>(state: &'a str, code: &'a str, departure: &'a Departure) -> Landing<'a> {
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
async fn arrive(world: &World, provider: &StandIn) -> Result<Arrival, ProviderSignInError> {
    let departure = begin_sign_in(&world.app, BACK, "/cases/1").await?;
    let (state, code) = provider.visit(&departure.url);
    come_back(&world.app, &landing(&state, &code, &departure)).await
}

async fn sign_in(world: &World, provider: &StandIn) -> SignedIn {
    match arrive(world, provider).await.unwrap() {
        Arrival::SignedIn { signed_in, next } => {
            assert_eq!(next, "/cases/1");
            *signed_in
        }
        other => panic!("{other:?}"),
    }
}

async fn refused(world: &World, provider: &StandIn) -> &'static str {
    match arrive(world, provider).await {
        Err(ProviderSignInError::Refused { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

async fn users(world: &World) -> Vec<User> {
    views::list_users(&world.app, &Actor::Operator).await.unwrap()
}

async fn is_open(world: &World, signed_in: &SignedIn) -> bool {
    session(&world.app, &signed_in.session_token).await.unwrap().is_some()
}

async fn events(world: &World, kind: &str) -> Vec<Value> {
    let mut tx = world.app.store.begin("read the log").await.unwrap();
    let all = moderation::store::events::list(tx.conn(), 0, 10_000).await.unwrap();
    all.into_iter()
        .filter(|event| event.kind == kind)
        .map(|event| event.body)
        .collect()
}

/// Somebody in the group of moderators, with a second factor.
fn amal() -> Value {
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
        let proof = Proof::AtProvider;
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
}

pub async fn a_token_that_anything_is_wrong_with_lets_nobody_in(mut world: World) {
    let provider = with_provider(&mut world, |_| {}).await;
    provider.says(amal());
    let stranger = SigningKey::fresh("first");
    type Forger = Box<dyn Fn(&SigningKey, &Value) -> String + Send>;
    let changed = |name: &'static str, value: Value| -> Forger {
        Box::new(move |key, claims| {
            let mut claims = claims.clone();
            claims[name] = value.clone();
            key.sign(&claims)
        })
    };
    let forgeries: Vec<(Forger, &str)> = vec![
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

pub async fn an_account_is_joined_by_its_owner_who_proves_themselves(mut world: World) {
    let (user, secret, token) = world.join("amal", Role::Moderator).await;
    let (_, _, other_token) = world.join("ben", Role::Moderator).await;
    let provider = with_provider(&mut world, |settings| settings.people.make_people = false).await;
    let app = &world.app;
    let mine = session(app, &token).await.unwrap().unwrap();
    let bens = session(app, &other_token).await.unwrap().unwrap();
    provider.says(amal());
    assert_eq!(refused(&world, &provider).await, "unknown_person");

    world.clock.advance(Duration::from_secs(60));
    let code = world.code(&secret);
    let proof = Proof::Typed {
        password: "wrong horse",
        code: &code,
    };
    let unproven = begin_link(app, &mine, &proof, BACK).await;
    assert!(matches!(
        unproven,
        Err(ProviderSignInError::Access(AccessError::Refused))
    ));
    let proof = Proof::Typed {
        password: PASSWORD,
        code: &code,
    };
    let departure = begin_link(app, &mine, &proof, BACK).await.unwrap();
    let (state, code) = provider.visit(&departure.url);
    // Come back in a browser where somebody else is signed in, or nobody: an identity is not put upon anybody.
    let back = |session| Landing {
        session,
        ..landing(&state, &code, &departure)
    };
    assert!(matches!(
        come_back(app, &back(Some(&bens))).await,
        Err(ProviderSignInError::Stale)
    ));
    assert!(
        matches!(
            come_back(app, &back(Some(&mine))).await,
            Err(ProviderSignInError::Stale)
        ),
        "used up"
    );

    world.clock.advance(Duration::from_secs(60));
    let code = world.code(&secret);
    let proof = Proof::Typed {
        password: PASSWORD,
        code: &code,
    };
    let departure = begin_link(app, &mine, &proof, BACK).await.unwrap();
    let (state, code) = provider.visit(&departure.url);
    let arrival = come_back(
        app,
        &Landing {
            session: Some(&mine),
            ..landing(&state, &code, &departure)
        },
    )
    .await;
    assert!(matches!(arrival, Ok(Arrival::Linked)), "{arrival:?}");
    let signed_in = sign_in(&world, &provider).await;
    assert_eq!(signed_in.session.user.id, user);
    assert!(own_access(app, &mine).await.unwrap().identity.is_some());

    // Somebody else's identity is not to be had, nor a second one.
    let taken = link_identity(app, &Actor::Operator, bens.user.id, "u-1").await;
    assert!(matches!(
        taken,
        Err(ProviderSignInError::Access(AccessError::Invalid { .. }))
    ));
    let second = link_identity(app, &Actor::Operator, user, "u-9").await;
    assert!(matches!(
        second,
        Err(ProviderSignInError::Access(AccessError::Invalid { .. }))
    ));
    // Nobody parts others who may not.
    let denied = unlink_identity(app, &access::actor_of(&bens.user), user).await;
    assert!(matches!(
        denied,
        Err(ProviderSignInError::Access(AccessError::Denied(_)))
    ));
    unlink_identity(app, &access::actor_of(&mine.user), user).await.unwrap();
    assert!(!is_open(&world, &signed_in).await);
    assert_eq!(refused(&world, &provider).await, "unknown_person");
    assert_eq!(events(&world, "identity.linked").await.len(), 1);
    assert_eq!(events(&world, "identity.unlinked").await.len(), 1);
}

pub async fn whom_an_admin_names_comes_in_though_only_invited(mut world: World) {
    let provider = with_provider(&mut world, |settings| settings.people.make_people = false).await;
    let app = &world.app;
    let invited = access::invite_user(app, &Actor::Operator, "amal", Role::Auditor.into())
        .await
        .unwrap();
    let denied = link_identity(app, &world.moderator, invited.user, "u-1").await;
    assert!(matches!(
        denied,
        Err(ProviderSignInError::Access(AccessError::Denied(_)))
    ));
    link_identity(app, &Actor::Operator, invited.user, "u-1").await.unwrap();
    provider.says(amal());
    let signed_in = sign_in(&world, &provider).await;
    assert_eq!(signed_in.session.user.state, UserState::Active);
    assert_eq!(
        signed_in.session.user.roles,
        Role::Moderator.into(),
        "the groups decide"
    );
    assert!(
        access::open_invite(app, &invited.token).await.is_err(),
        "the link has had its time"
    );
    // Who has no other way in does not lock themselves out.
    let own = access::actor_of(&signed_in.session.user);
    assert!(matches!(
        unlink_identity(app, &own, invited.user).await,
        Err(ProviderSignInError::Access(AccessError::Invalid { .. }))
    ));
    access::change_user(app, &Actor::Operator, invited.user, None, Some(true))
        .await
        .unwrap();
    assert_eq!(refused(&world, &provider).await, "disabled");
    // Enabled again, they can come in though they have no password.
    access::change_user(app, &Actor::Operator, invited.user, None, Some(false))
        .await
        .unwrap();
    sign_in(&world, &provider).await;
}

pub async fn without_a_second_factor_there_a_code_is_asked_here(mut world: World) {
    let provider = with_provider(&mut world, |_| {}).await;
    let app = &world.app;
    provider.says(json!({ "groups": ["desk"], "amr": ["pwd"] }));
    let Ok(Arrival::CodeNeeded { browser_token }) = arrive(&world, &provider).await else {
        panic!("no code was asked for");
    };
    // The first time with an authenticator that is set up now.
    let secret = open_code(app, &browser_token)
        .await
        .unwrap()
        .authenticator
        .unwrap()
        .totp_secret_base32;
    let wrong = finish_with_code(app, &browser_token, "000000", None).await;
    assert!(matches!(wrong, Err(ProviderSignInError::Access(AccessError::Refused))));
    assert!(matches!(open_code(app, "guess").await, Err(ProviderSignInError::Stale)));
    let code = world.code(&secret);
    let (first, next) = finish_with_code(app, &browser_token, &code, None).await.unwrap();
    assert_eq!(
        (next.as_str(), first.session.user.roles.clone()),
        ("/cases/1", Role::Moderator.into())
    );
    assert!(matches!(
        finish_with_code(app, &browser_token, &code, None).await,
        Err(ProviderSignInError::Stale)
    ));

    // Then with that one; the same code is not good twice.
    world.clock.advance(Duration::from_secs(5));
    let Ok(Arrival::CodeNeeded { browser_token }) = arrive(&world, &provider).await else {
        panic!("no code was asked for");
    };
    assert!(open_code(app, &browser_token).await.unwrap().authenticator.is_none());
    let replayed = finish_with_code(app, &browser_token, &code, None).await;
    assert!(matches!(
        replayed,
        Err(ProviderSignInError::Access(AccessError::Refused))
    ));
    // Guesses are slowed.
    let mut n_looked_at = 0;
    while !matches!(
        finish_with_code(app, &browser_token, "000000", None).await,
        Err(ProviderSignInError::Access(AccessError::TooManyAttempts { .. }))
    ) {
        n_looked_at += 1;
        assert!(n_looked_at < 20);
    }
    // Shut out meanwhile: the code is worth nothing.
    world.clock.advance(Duration::from_secs(300));
    provider.says(json!({ "groups": [] }));
    assert_eq!(refused(&world, &provider).await, "no_group");
    let late = finish_with_code(app, &browser_token, &world.code(&secret), None).await;
    assert!(matches!(late, Err(ProviderSignInError::Stale)), "{late:?}");
}

/// Signs in anew at the provider to prove oneself.
async fn prove(world: &World, provider: &StandIn, session: &Session) -> Result<Arrival, ProviderSignInError> {
    let now = world.clock.now().unix_ms() / 1_000;
    let mut says = amal();
    says["auth_time"] = json!(now);
    provider.says(says);
    prove_as_it_says(world, provider, session).await
}

async fn prove_as_it_says(
    world: &World,
    provider: &StandIn,
    session: &Session,
) -> Result<Arrival, ProviderSignInError> {
    let departure = begin_proof(&world.app, session, BACK, "/account").await?;
    assert!(departure.url.contains("prompt=login") && departure.url.contains("max_age=0"));
    let (state, code) = provider.visit(&departure.url);
    let landing = Landing {
        session: Some(session),
        ..landing(&state, &code, &departure)
    };
    come_back(&world.app, &landing).await
}

pub async fn a_fresh_sign_in_takes_the_place_of_a_password(mut world: World) {
    let provider = with_provider(&mut world, |_| {}).await;
    provider.says(amal());
    let amals = sign_in(&world, &provider).await.session;
    let make = async || {
        let scopes = [Scope::ItemsRead];
        create_token(
            &world.app,
            &amals,
            &Proof::AtProvider,
            "t",
            &scopes,
            Duration::from_secs(60),
        )
        .await
    };
    assert!(matches!(make().await, Err(AccessError::Refused)));
    // The provider did not ask anew, or does not say when it did.
    let now = world.clock.now().unix_ms() / 1_000;
    for auth_time in [json!(now - 120), Value::Null] {
        let mut says = amal();
        says["auth_time"] = auth_time;
        provider.says(says);
        let stale = prove_as_it_says(&world, &provider, &amals).await;
        assert!(
            matches!(
                stale,
                Err(ProviderSignInError::Refused {
                    reason: "token_not_fresh"
                })
            ),
            "{stale:?}"
        );
    }
    // Somebody else signs in there.
    provider.says(json!({ "sub": "u-2", "auth_time": now, "groups": ["admins"] }));
    let other = prove_as_it_says(&world, &provider, &amals).await;
    assert!(matches!(
        other,
        Err(ProviderSignInError::Refused { reason: "other_person" })
    ));
    assert!(matches!(make().await, Err(AccessError::Refused)));

    assert!(matches!(
        prove(&world, &provider, &amals).await,
        Ok(Arrival::Proved { .. })
    ));
    assert!(own_access(&world.app, &amals).await.unwrap().is_proved);
    make().await.unwrap();
    world.clock.advance(Duration::from_secs(301));
    assert!(
        matches!(make().await, Err(AccessError::Refused)),
        "it lasts five minutes"
    );
}

pub async fn the_provider_ends_sessions(mut world: World) {
    let provider = with_provider(&mut world, |_| {}).await;
    let in_session = |sid: &str| {
        let mut says = amal();
        says["sid"] = json!(sid);
        says
    };
    provider.says(in_session("s-1"));
    let (first, second) = (sign_in(&world, &provider).await, {
        provider.says(in_session("s-2"));
        sign_in(&world, &provider).await
    });
    provider.says(json!({ "sub": "u-2", "groups": ["desk"], "amr": ["mfa"], "sid": "s-3" }));
    let other = sign_in(&world, &provider).await;
    let app = &world.app;
    let key = provider.key();
    let token = |id: &str, more: Value| key.sign(&provider.logout_claims(id, more));

    // What a browser has seen, or a stranger signed, ends nothing.
    let id_token = key.sign(&provider.claims("n"));
    let forged = SigningKey::fresh("first").sign(&provider.logout_claims("j", json!({ "sub": "u-1" })));
    let with_nonce = token("j", json!({ "sub": "u-1", "nonce": "n" }));
    for wrong in [id_token, forged, with_nonce, "nonsense".to_owned(), String::new()] {
        assert!(matches!(
            log_out_by_provider(app, &wrong).await,
            Err(LogoutError::Refused(_))
        ));
    }
    assert!(is_open(&world, &first).await);

    let of_session = token("j-1", json!({ "sid": "s-1" }));
    assert_eq!(log_out_by_provider(app, &of_session).await.unwrap(), 1);
    assert!(!is_open(&world, &first).await && is_open(&world, &second).await);
    assert!(matches!(
        log_out_by_provider(app, &of_session).await,
        Err(LogoutError::Repeated)
    ));
    let of_nobody = token("j-2", json!({ "sub": "u-2", "sid": "s-2" }));
    assert_eq!(
        log_out_by_provider(app, &of_nobody).await.unwrap(),
        0,
        "it is not their session"
    );
    assert_eq!(
        log_out_by_provider(app, &token("j-3", json!({ "sub": "u-1" })))
            .await
            .unwrap(),
        1
    );
    assert!(!is_open(&world, &second).await && is_open(&world, &other).await);
    let left = list_sessions(app, &Actor::Operator, other.session.user.id)
        .await
        .unwrap();
    assert_eq!(left.len(), 1);
    let ended = events(&world, "session.ended").await;
    assert_eq!(
        ended,
        [
            json!({ "n_sessions": 1, "by": "provider" }),
            json!({ "n_sessions": 1, "by": "provider" })
        ]
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
