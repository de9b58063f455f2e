//! What an identity provider's word is not enough for: a second factor, a password that outlives it, a link that was handed
//! to somebody, the last admin; and what strangers cannot make it do.

use std::time::Duration;

use moderation::access::provider::CallError;
use moderation::flows::access::{
    self, AccessError, Arrival, INVITE_LIFETIME, LogoutError, Proof, ProviderSignInError, begin_sign_in,
    change_password, create_token, finish_with_code, link_identity, log_out_by_provider, open_code,
    renew_recovery_codes, session, unlink_identity,
};
use moderation::model::{Actor, Clock, Role, Scope, Session, User, UserId, UserState};
use moderation::views;
use serde_json::{Value, json};

use super::provider::{BACK, PASSWORD, amal, arrive, events, is_open, refused, sign_in, with_provider};
use super::provider_links::{prove, prove_as_it_says};
use super::stand_in_provider::{SigningKey, StandIn, unsigned};
use super::world::World;

async fn user(world: &World, id: UserId) -> User {
    let users = views::list_users(&world.app, &Actor::Operator).await.unwrap();
    users.into_iter().find(|user| user.id == id).unwrap()
}

async fn link(world: &World, of: UserId, subject: &str) {
    link_identity(&world.app, &Actor::Operator, of, subject).await.unwrap();
}

async fn token_with(world: &World, session: &Session, code: &str) -> Result<(), AccessError> {
    let (proof, lifetime) = (Proof::AtProvider { code }, Duration::from_secs(60));
    let made = create_token(&world.app, session, &proof, "t", &[Scope::ItemsRead], lifetime).await;
    made.map(|_| ())
}

/// Owes a code: the provider asked for no second factor.
async fn owes(world: &World, provider: &StandIn) -> String {
    match arrive(world, provider).await {
        Ok(Arrival::CodeNeeded { browser_token }) => browser_token,
        other => panic!("{other:?}"),
    }
}

pub async fn a_fresh_sign_in_there_takes_a_second_factor_too(mut world: World) {
    let (ben, secret, token) = world.join("ben", Role::Moderator).await;
    let provider = with_provider(&mut world, |_| {}).await;
    let app = &world.app;
    provider.says(amal());
    let amals = sign_in(&world, &provider).await.session;
    let says = |sub: &str| {
        let now = world.clock.now().unix_ms() / 1_000;
        provider.says(json!({ "sub": sub, "groups": ["desk"], "amr": ["pwd"], "auth_time": now }));
    };
    // Without an authenticator here, the provider has to have asked for more than a password.
    says("u-1");
    let with_a_password = prove_as_it_says(&world, &provider, &amals).await;
    assert!(
        matches!(
            with_a_password,
            Err(ProviderSignInError::Refused {
                reason: "no_second_factor"
            })
        ),
        "{with_a_password:?}"
    );
    assert!(matches!(
        token_with(&world, &amals, "").await,
        Err(AccessError::Refused)
    ));
    prove(&world, &provider, &amals).await.unwrap();
    token_with(&world, &amals, "").await.unwrap();
    // What would outlive the provider's word is not had by it.
    let proof = Proof::AtProvider { code: "" };
    let password = change_password(app, &amals, &proof, "a password of my own").await;
    assert!(matches!(password, Err(AccessError::Refused)), "{password:?}");
    let codes = renew_recovery_codes(app, &amals, &proof).await;
    assert!(matches!(codes, Err(AccessError::Refused)), "{codes:?}");

    // With one, its code is asked for, and is good once.
    link(&world, ben, "u-2").await;
    let bens = session(app, &token).await.unwrap().unwrap();
    says("u-2");
    prove_as_it_says(&world, &provider, &bens).await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    let code = world.code(&secret);
    for wrong in ["", "000000"] {
        assert!(matches!(
            token_with(&world, &bens, wrong).await,
            Err(AccessError::Refused)
        ));
    }
    token_with(&world, &bens, &code).await.unwrap();
    assert!(matches!(
        token_with(&world, &bens, &code).await,
        Err(AccessError::Refused)
    ));
    // Guesses are slowed.
    let mut n_looked_at = 0;
    while !matches!(
        token_with(&world, &bens, "000000").await,
        Err(AccessError::TooManyAttempts { .. })
    ) {
        n_looked_at += 1;
        assert!(n_looked_at < 20);
    }
    // Parted from who they are there, they prove nothing by it.
    world.clock.advance(Duration::from_secs(200));
    unlink_identity(app, &Actor::Operator, ben).await.unwrap();
    let parted = token_with(&world, &bens, &world.code(&secret)).await;
    assert!(matches!(parted, Err(AccessError::Refused)), "{parted:?}");
}

pub async fn a_password_does_not_outlive_the_providers_word(mut world: World) {
    let (ada, of_ada, _) = world.join("ada", Role::Admin).await;
    let (ben, of_ben, _) = world.join("ben", Role::Moderator).await;
    let provider = with_provider(&mut world, |_| {}).await;
    link(&world, ada, "u-1").await;
    link(&world, ben, "u-2").await;
    let by_password = async |world: &World, name: &str, secret: &str| {
        world.clock.advance(Duration::from_secs(60));
        world.sign_in(name, PASSWORD, &world.code(secret)).await
    };
    // Where groups give roles, nobody who is joined comes round them but admins.
    let bens = by_password(&world, "ben", &of_ben).await;
    assert!(matches!(bens, Err(AccessError::Refused)));
    by_password(&world, "ada", &of_ada).await.unwrap();
    // Where they do not, the password is as good as it was.
    world.app.provider = provider.with(|settings| settings.people.roles.clear());
    by_password(&world, "ben", &of_ben).await.unwrap();
    // Who is out stays out, though the mapping, or the provider itself, is taken away.
    world.app.provider = provider.with(|_| {});
    provider.says(json!({ "sub": "u-2", "groups": [], "amr": ["mfa"] }));
    assert_eq!(refused(&world, &provider).await, "no_group");
    world.app.provider = provider.with(|settings| settings.people.roles.clear());
    let without_mapping = by_password(&world, "ben", &of_ben).await;
    assert!(matches!(without_mapping, Err(AccessError::Refused)));
    world.app.provider = None;
    let without_provider = by_password(&world, "ben", &of_ben).await;
    assert!(matches!(without_provider, Err(AccessError::Refused)));
    by_password(&world, "ada", &of_ada).await.unwrap();
}

pub async fn a_link_that_was_handed_to_somebody_comes_first(mut world: World) {
    let provider = with_provider(&mut world, |_| {}).await;
    let app = &world.app;
    let invite = access::invite_user(app, &Actor::Operator, "amal", Role::Moderator.into())
        .await
        .unwrap();
    let amal_id = invite.user;
    link(&world, amal_id, "u-1").await;
    let with_password = || provider.says(json!({ "groups": ["desk"], "amr": ["pwd"] }));
    with_password();
    let first = arrive(&world, &provider).await;
    assert!(matches!(first, Err(ProviderSignInError::LinkFirst)), "{first:?}");
    assert_eq!(user(&world, amal_id).await.state, UserState::Invited);
    assert!(access::open_invite(app, &invite.token).await.is_ok());
    assert!(events(&world, "user.joined").await.is_empty());
    // Once the link has ended they may set an authenticator up; nobody has joined before its code is there.
    world.clock.advance(INVITE_LIFETIME);
    let browser_token = owes(&world, &provider).await;
    assert_eq!(user(&world, amal_id).await.state, UserState::Invited);
    assert!(events(&world, "user.joined").await.is_empty());
    let setup = open_code(app, &browser_token).await.unwrap().authenticator.unwrap();
    let code = world.code(&setup.totp_secret_base32);
    let (signed_in, _) = finish_with_code(app, &browser_token, &code, None).await.unwrap();
    assert_eq!(signed_in.session.user.state, UserState::Active);
    assert_eq!(events(&world, "user.joined").await, [json!({ "by": "provider" })]);

    // A reset ends what somebody owes meanwhile, and its link comes first again.
    let browser_token = owes(&world, &provider).await;
    let invite = access::reinvite_user(app, &Actor::Operator, amal_id).await.unwrap();
    let late = finish_with_code(app, &browser_token, &code, None).await;
    assert!(matches!(late, Err(ProviderSignInError::Stale)), "{late:?}");
    let again = arrive(&world, &provider).await;
    assert!(matches!(again, Err(ProviderSignInError::LinkFirst)), "{again:?}");
    // With a second factor there, they come in and the link has had its time.
    provider.says(amal());
    assert_eq!(sign_in(&world, &provider).await.session.user.id, amal_id);
    assert!(access::open_invite(app, &invite.token).await.is_err());
    // Whom the provider gives nothing any more has no link either.
    let invite = access::reinvite_user(app, &Actor::Operator, amal_id).await.unwrap();
    provider.says(json!({ "groups": [], "amr": ["mfa"] }));
    assert_eq!(refused(&world, &provider).await, "no_group");
    assert!(access::open_invite(app, &invite.token).await.is_err());
}

pub async fn groups_do_not_take_the_last_admin_away(mut world: World) {
    let (ada, _, token) = world.join("ada", Role::Admin).await;
    let provider = with_provider(&mut world, |_| {}).await;
    let says = |sub: &str, groups: Value| provider.says(json!({ "sub": sub, "groups": groups, "amr": ["mfa"] }));
    link(&world, ada, "u-1").await;
    for groups in [json!(["desk"]), json!([])] {
        says("u-1", groups);
        assert_eq!(refused(&world, &provider).await, "last_admin");
    }
    assert_eq!(user(&world, ada).await.roles, Role::Admin.into());
    assert!(session(&world.app, &token).await.unwrap().is_some(), "nothing ended");
    // Another one who may not come in is none.
    says("u-2", json!(["admins"]));
    sign_in(&world, &provider).await;
    says("u-2", json!([]));
    assert_eq!(refused(&world, &provider).await, "no_group");
    says("u-1", json!(["desk"]));
    assert_eq!(refused(&world, &provider).await, "last_admin");
    says("u-2", json!(["admins"]));
    sign_in(&world, &provider).await;
    says("u-1", json!(["desk"]));
    let changed = sign_in(&world, &provider).await;
    assert_eq!(changed.session.user.roles, Role::Moderator.into());
}

pub async fn who_is_in_no_group_of_queues_sees_none(mut world: World) {
    let desk = ("desk".to_owned(), "matches".parse().unwrap());
    let provider = with_provider(&mut world, |settings| settings.people.queues = vec![desk]).await;
    let come = async |groups: Value| {
        provider.says(json!({ "groups": groups, "amr": ["mfa"] }));
        sign_in(&world, &provider).await.session.user.queues
    };
    let none = "".parse().unwrap();
    assert_eq!(come(json!(["leads"])).await, none, "new");
    assert_eq!(come(json!(["leads", "desk"])).await, "matches".parse().unwrap());
    assert_eq!(come(json!(["leads"])).await, none, "no longer");
}

pub async fn a_wrong_secret_is_said_of_us_and_not_of_the_person(mut world: World) {
    let provider = with_provider(&mut world, |settings| settings.client_secret = Some("old".to_owned())).await;
    provider.says(amal());
    let arrived = arrive(&world, &provider).await;
    assert!(
        matches!(&arrived, Err(ProviderSignInError::Unreachable(CallError::Refused { word })) if word == "invalid_client"),
        "{arrived:?}"
    );
}

pub async fn rubbish_asks_the_provider_nothing(mut world: World) {
    let provider = with_provider(&mut world, |_| {}).await;
    provider.is_down(true);
    let app = &world.app;
    let stranger = SigningKey::fresh("second");
    let forged = stranger.sign(&provider.logout_claims("j", json!({ "sub": "u-1" })));
    let unread = format!("{}.", unsigned(&json!({ "alg": "none" }), &json!({})));
    let shared = stranger.sign_with_what_is_public(&json!({}));
    let long = format!("{forged}{}", "A".repeat(70_000));
    for rubbish in ["", "x.y.z", unread.as_str(), shared.as_str(), long.as_str()] {
        let told = log_out_by_provider(app, rubbish).await;
        assert!(matches!(told, Err(LogoutError::Refused(_))), "{told:?}");
    }
    let discovery = "/.well-known/openid-configuration";
    assert_eq!(provider.n_asked(discovery), 0);
    let down = async || {
        for _ in 0..5 {
            let told = log_out_by_provider(app, &forged).await;
            assert!(matches!(told, Err(LogoutError::Unreachable(_))), "{told:?}");
        }
    };
    down().await;
    assert_eq!((provider.n_asked(discovery), provider.n_asked("/keys")), (1, 0));
    // It says where its keys are, and does not give them.
    world.clock.advance(Duration::from_secs(60));
    provider.is_down(false);
    begin_sign_in(app, BACK, "/").await.unwrap();
    provider.is_down(true);
    down().await;
    assert_eq!(provider.n_asked("/keys"), 1);

    // While it is down its older keys are still good; one that it may have made since is not refused for good.
    world.clock.advance(Duration::from_secs(60));
    provider.is_down(false);
    provider.says(amal());
    let signed_in = sign_in(&world, &provider).await;
    world.clock.advance(Duration::from_secs(3_601));
    provider.is_down(true);
    down().await;
    let right = provider
        .key()
        .sign(&provider.logout_claims("j-1", json!({ "sub": "u-1" })));
    assert_eq!(log_out_by_provider(app, &right).await.unwrap(), 1);
    assert!(!is_open(&world, &signed_in).await);
}

pub async fn who_is_signed_out_there_owes_no_code_any_more(mut world: World) {
    let provider = with_provider(&mut world, |_| {}).await;
    let app = &world.app;
    provider.says(json!({ "groups": ["desk"], "amr": ["pwd"] }));
    let browser_token = owes(&world, &provider).await;
    let setup = open_code(app, &browser_token).await.unwrap().authenticator.unwrap();
    let told = provider
        .key()
        .sign(&provider.logout_claims("j-1", json!({ "sub": "u-1" })));
    log_out_by_provider(app, &told).await.unwrap();
    let code = world.code(&setup.totp_secret_base32);
    let late = finish_with_code(app, &browser_token, &code, None).await;
    assert!(matches!(late, Err(ProviderSignInError::Stale)), "{late:?}");
}
