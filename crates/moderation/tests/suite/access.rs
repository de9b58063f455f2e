//! People and programs come in, or do not.

use std::time::Duration;

use moderation::flows::access::{
    AccessError, Attempt, SESSION_LIFETIME, accept_invite, authenticate_key, change_user, create_key, first_invite,
    invite_user, open_invite, reinvite_user, revoke_key, session, sign_in, sign_out,
};
use moderation::model::{Actor, PageRequest, Role, Scope, Timestamp};

use super::world::World;

const PASSWORD: &str = "correct horse battery";

pub async fn an_invitation_is_good_once(world: World) {
    let invite = first_invite(&world.app).await.unwrap().unwrap();
    let renewed = first_invite(&world.app).await.unwrap().unwrap();
    assert!(matches!(
        open_invite(&world.app, &invite.token).await,
        Err(AccessError::InviteGone)
    ));
    let view = open_invite(&world.app, &renewed.token).await.unwrap();
    let code = world.code(&view.totp_secret_base32);
    let accept = async |password, code: &str| accept_invite(&world.app, &renewed.token, password, code).await;
    assert!(matches!(
        accept("short", &code).await,
        Err(AccessError::Invalid { field: "password", .. })
    ));
    assert!(matches!(
        accept(PASSWORD, "000000").await,
        Err(AccessError::Invalid { field: "totp_code", .. })
    ));
    let joined = accept(PASSWORD, &code).await.unwrap();
    assert_eq!(joined.session.user.roles, Role::Admin.into());
    assert!(matches!(accept(PASSWORD, &code).await, Err(AccessError::InviteGone)));
    assert!(first_invite(&world.app).await.unwrap().is_none());
}

pub async fn signing_in_needs_all_three_and_a_code_is_good_once(world: World) {
    let (_, secret, token) = world.join("amal", Role::Moderator).await;
    world.clock.advance(Duration::from_secs(30));
    let code = world.code(&secret);
    for (name, password, code) in [
        ("ben", PASSWORD, code.as_str()),
        ("amal", "wrong horse battery", &code),
        ("amal", PASSWORD, "123"),
        ("amal", PASSWORD, ""),
    ] {
        assert!(
            matches!(world.sign_in(name, password, code).await, Err(AccessError::Refused)),
            "{name} {password} {code}"
        );
    }
    let signed_in = world.sign_in("amal", PASSWORD, &code).await.unwrap();
    assert!(
        matches!(world.sign_in("amal", PASSWORD, &code).await, Err(AccessError::Refused)),
        "a code is good once"
    );
    assert_ne!(signed_in.session_token, token);
    let found = session(&world.app, &signed_in.session_token).await.unwrap().unwrap();
    assert_eq!(found.user.name, "amal");
    sign_out(&world.app, &signed_in.session_token).await.unwrap();
    assert!(session(&world.app, &signed_in.session_token).await.unwrap().is_none());
    assert!(session(&world.app, &token).await.unwrap().is_some());
    world.clock.advance(SESSION_LIFETIME);
    assert!(session(&world.app, &token).await.unwrap().is_none());
}

/// What a stranger is told, as far as they can tell answers apart.
fn told<T>(answer: &Result<T, AccessError>) -> String {
    match answer {
        Ok(_) => "in".to_owned(),
        Err(error) => error.to_string(),
    }
}

pub async fn guessing_is_slowed_and_tells_nothing_about_names(world: World) {
    world.join("amal", Role::Moderator).await;
    let invited = invite_user(&world.app, &Actor::Operator, "ben", Role::Moderator.into()).await;
    assert!(invited.is_ok());
    let mut answers = Vec::new();
    for step in 0..12 {
        let mut told_now = Vec::new();
        for name in ["amal", "ben", "nobody", "correct horse battery"] {
            let answer = world.sign_in(name, PASSWORD, "000000").await;
            assert!(answer.is_err());
            told_now.push(told(&answer));
        }
        assert!(told_now.iter().all(|text| *text == told_now[0]), "{told_now:?}");
        answers.push(told_now.swap_remove(0));
        if step > 6 {
            world.clock.advance(Duration::from_secs(600));
        }
    }
    let n_looked_at = answers.iter().filter(|text| text.contains("is wrong")).count();
    assert_eq!(
        answers[..7].iter().filter(|text| text.contains("is wrong")).count(),
        6,
        "five that cost nothing, one that costs a wait: {answers:?}"
    );
    assert!((7..12).contains(&n_looked_at), "{answers:?}");
}

pub async fn strangers_who_guess_do_not_shut_the_user_out(world: World) {
    let (_, secret, _) = world.join("amal", Role::Moderator).await;
    world.clock.advance(Duration::from_secs(30));
    let here = world.sign_in("amal", PASSWORD, &world.code(&secret)).await.unwrap();
    // One address cannot make the user wait, wherever they are.
    for _ in 0..50 {
        let answer = world
            .sign_in_from("203.0.113.9", None, "amal", PASSWORD, "000000")
            .await;
        assert!(answer.is_err());
    }
    world.clock.advance(Duration::from_secs(30));
    let code = world.code(&secret);
    let elsewhere = world.sign_in_from("192.0.2.77", None, "amal", PASSWORD, &code).await;
    assert!(elsewhere.is_ok(), "{elsewhere:?}");
    // Many can, except in a browser where the user has signed in before.
    for n in 0..40 {
        let address = format!("198.51.100.{n}");
        let answer = world.sign_in_from(&address, None, "amal", PASSWORD, "000000").await;
        assert!(answer.is_err());
    }
    world.clock.advance(Duration::from_secs(30));
    let answer = world
        .sign_in_from("198.51.100.99", None, "amal", PASSWORD, "000000")
        .await;
    assert!(matches!(answer, Err(AccessError::Refused)), "{answer:?}");
    let code = world.code(&secret);
    assert!(matches!(
        world.sign_in_from("192.0.2.78", None, "amal", PASSWORD, &code).await,
        Err(AccessError::TooManyAttempts { .. })
    ));
    let device = Some(here.device_token.as_str());
    let again = world
        .sign_in_from("192.0.2.78", device, "amal", PASSWORD, &code)
        .await
        .unwrap();
    assert_eq!(again.device_token, here.device_token);
    let events = moderation::views::list_newest_events(&world.app, &Actor::Operator, &PageRequest::first()).await;
    let slowed = events.unwrap().rows;
    let slowed: Vec<_> = slowed
        .iter()
        .filter(|line| line.event.kind == "sign_in.slowed")
        .collect();
    assert_eq!(slowed.len(), 1, "{slowed:?}");
    assert_eq!(slowed[0].event.subject, again.session.user.id.to_string());
}

pub async fn a_known_browser_is_its_users_alone_and_guesses_no_faster(world: World) {
    let (amal, secret, _) = world.join("amal", Role::Moderator).await;
    let (_, ben_secret, _) = world.join("ben", Role::Moderator).await;
    world.clock.advance(Duration::from_secs(30));
    let of_amal = world
        .sign_in("amal", PASSWORD, &world.code(&secret))
        .await
        .unwrap()
        .device_token;
    let guess = async |name, n: usize| {
        let address = format!("203.0.113.{n}");
        told(
            &world
                .sign_in_from(&address, Some(&of_amal), name, PASSWORD, "000000")
                .await,
        )
    };
    let mut n_looked_at = 0;
    for n in 0..50 {
        n_looked_at += usize::from(guess("amal", n).await.contains("is wrong"));
    }
    assert_eq!(n_looked_at, 6, "the browser's own lane");
    // At another's name it is a browser like any other, whose failures count for the name.
    for n in 0..50 {
        guess("ben", n).await;
    }
    world.clock.advance(Duration::from_secs(20));
    let code = world.code(&ben_secret);
    assert!(matches!(
        world.sign_in_from("192.0.2.5", None, "ben", PASSWORD, &code).await,
        Err(AccessError::TooManyAttempts { .. })
    ));
    // Who is invited anew starts without the browsers of before.
    reinvite_user(&world.app, &Actor::Operator, amal).await.unwrap();
    let mut tx = world.app.store.begin("look").await.unwrap();
    let hash = moderation::access::secrets::token_hash(&of_amal);
    let found = moderation::access::attempts::find_device(&mut tx, &hash, Timestamp::from_unix_ms(0)).await;
    assert_eq!(found.unwrap(), None);
}

pub async fn a_success_forgives_slips(world: World) {
    let (_, secret, _) = world.join("amal", Role::Moderator).await;
    for _ in 0..4 {
        world.clock.advance(Duration::from_secs(30));
        for _ in 0..5 {
            let answer = world.sign_in("amal", "wrong horse battery", "000000").await;
            assert!(matches!(answer, Err(AccessError::Refused)), "{answer:?}");
        }
        let code = world.code(&secret);
        let answer = world.sign_in("amal", PASSWORD, &code).await;
        assert!(answer.is_ok(), "{answer:?}");
    }
}

pub async fn many_guesses_at_once_are_no_more_than_one_after_the_other(world: World) {
    world.join("amal", Role::Moderator).await;
    let guesses: Vec<_> = (0..20)
        .map(|n| {
            let app = world.app.clone();
            tokio::spawn(async move {
                let attempt = Attempt {
                    name: "amal",
                    password: PASSWORD,
                    totp_code: &format!("{n:06}"),
                    address: "203.0.113.9",
                    device_token: None,
                };
                sign_in(&app, &attempt).await
            })
        })
        .collect();
    let mut n_looked_at = 0;
    for guess in guesses {
        n_looked_at += usize::from(matches!(guess.await.unwrap(), Err(AccessError::Refused)));
    }
    assert_eq!(n_looked_at, 6);
}

pub async fn the_last_admin_stays(world: World) {
    let (amal, _, _) = world.join("amal", Role::Admin).await;
    let change = async |user, role, disabled| change_user(&world.app, &Actor::Operator, user, role, disabled).await;
    assert!(matches!(
        change(amal, Some(Role::Lead.into()), None).await,
        Err(AccessError::LastAdmin)
    ));
    assert!(matches!(
        change(amal, None, Some(true)).await,
        Err(AccessError::LastAdmin)
    ));
    invite_user(&world.app, &Actor::Operator, "never comes", Role::Admin.into())
        .await
        .unwrap();
    assert!(
        matches!(
            change(amal, Some(Role::Lead.into()), None).await,
            Err(AccessError::LastAdmin)
        ),
        "an admin who was only invited may never come"
    );
    let (ben, _, _) = world.join("ben", Role::Admin).await;
    change(amal, Some(Role::Lead.into()), None).await.unwrap();
    assert!(matches!(
        change(ben, None, Some(true)).await,
        Err(AccessError::LastAdmin)
    ));
}

pub async fn a_revoked_key_opens_nothing(world: World) {
    let new = create_key(
        &world.app,
        &Actor::Operator,
        "platform",
        vec![Scope::ItemsWrite, Scope::ItemsWrite],
    )
    .await
    .unwrap();
    assert_eq!(new.key.scopes, [Scope::ItemsWrite]);
    assert!(authenticate_key(&world.app, &new.secret).await.unwrap().is_some());
    for wrong in ["", "sw_", "sw_nonsense", &new.secret[3..]] {
        assert!(authenticate_key(&world.app, wrong).await.unwrap().is_none());
    }
    revoke_key(&world.app, &Actor::Operator, new.key.id).await.unwrap();
    assert!(authenticate_key(&world.app, &new.secret).await.unwrap().is_none());
    assert!(matches!(
        revoke_key(&world.app, &Actor::Operator, new.key.id).await,
        Err(AccessError::NotFound)
    ));
}

pub async fn a_disabled_user_is_out_at_once(world: World) {
    let (amal, secret, token) = world.join("amal", Role::Moderator).await;
    world.clock.advance(Duration::from_secs(30));
    change_user(&world.app, &Actor::Operator, amal, None, Some(true))
        .await
        .unwrap();
    assert!(session(&world.app, &token).await.unwrap().is_none());
    let code = world.code(&secret);
    assert!(matches!(
        world.sign_in("amal", PASSWORD, &code).await,
        Err(AccessError::Refused)
    ));
    change_user(&world.app, &Actor::Operator, amal, None, Some(false))
        .await
        .unwrap();
    assert!(world.sign_in("amal", PASSWORD, &code).await.is_ok());
    let invite = reinvite_user(&world.app, &Actor::Operator, amal).await.unwrap();
    world.clock.advance(Duration::from_secs(30));
    let code = world.code(&secret);
    assert!(matches!(
        world.sign_in("amal", PASSWORD, &code).await,
        Err(AccessError::Refused)
    ));
    assert!(open_invite(&world.app, &invite.token).await.is_ok());
}
