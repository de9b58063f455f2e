//! Accounts that are joined to who their people are at an identity provider, codes that are missing, fresh sign-ins, and
//! sessions that the provider ends.

use std::time::Duration;

use moderation::flows::access::{
    self, AccessError, Arrival, Landing, LogoutError, Proof, ProviderSignInError, begin_link, begin_proof, come_back,
    create_token, finish_with_code, link_identity, list_sessions, log_out_by_provider, open_code, own_access, session,
    unlink_identity,
};
use moderation::model::{Actor, Clock, Role, Scope, Session, UserState};
use serde_json::{Value, json};

use super::provider::{BACK, PASSWORD, amal, arrive, events, is_open, landing, refused, sign_in, with_provider};
use super::stand_in_provider::{SigningKey, StandIn};
use super::world::World;

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
    // Not as whoever happens to be signed in there.
    assert!(departure.url.contains("prompt=login"));
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
    // Nor does anybody take away what their groups are asked for by, to come in with a password instead.
    let own = unlink_identity(app, &access::actor_of(&mine.user), user).await;
    assert!(matches!(
        own,
        Err(ProviderSignInError::Access(AccessError::Invalid { .. }))
    ));
    unlink_identity(app, &Actor::Operator, user).await.unwrap();
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
pub(super) async fn prove(
    world: &World,
    provider: &StandIn,
    session: &Session,
) -> Result<Arrival, ProviderSignInError> {
    let now = world.clock.now().unix_ms() / 1_000;
    let mut says = amal();
    says["auth_time"] = json!(now);
    provider.says(says);
    prove_as_it_says(world, provider, session).await
}

pub(super) async fn prove_as_it_says(
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
            &Proof::AtProvider { code: "" },
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
