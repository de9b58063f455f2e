//! People and programs come in, or do not.

use std::time::Duration;

use moderation::flows::access::{
    AccessError, FAILURES_MAX, LOCK_TIME, SESSION_LIFETIME, accept_invite, authenticate_key, change_user, create_key,
    first_invite, open_invite, reinvite_user, revoke_key, session, sign_in, sign_out,
};
use moderation::model::{Actor, Role, Scope};

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
    assert_eq!(joined.session.user.role, Role::Admin);
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
            matches!(
                sign_in(&world.app, name, password, code).await,
                Err(AccessError::Refused)
            ),
            "{name} {password} {code}"
        );
    }
    let signed_in = sign_in(&world.app, "amal", PASSWORD, &code).await.unwrap();
    assert!(
        matches!(
            sign_in(&world.app, "amal", PASSWORD, &code).await,
            Err(AccessError::Refused)
        ),
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

pub async fn guessing_is_locked_out(world: World) {
    let (_, secret, _) = world.join("amal", Role::Moderator).await;
    world.clock.advance(Duration::from_secs(30));
    for _ in 0..FAILURES_MAX {
        assert!(matches!(
            sign_in(&world.app, "amal", PASSWORD, "000000").await,
            Err(AccessError::Refused)
        ));
    }
    let code = world.code(&secret);
    assert!(matches!(
        sign_in(&world.app, "amal", PASSWORD, &code).await,
        Err(AccessError::Locked { .. })
    ));
    world.clock.advance(LOCK_TIME);
    let code = world.code(&secret);
    assert!(sign_in(&world.app, "amal", PASSWORD, &code).await.is_ok());
}

pub async fn the_last_admin_stays(world: World) {
    let (amal, _, _) = world.join("amal", Role::Admin).await;
    let change = async |user, role, disabled| change_user(&world.app, &Actor::Operator, user, role, disabled).await;
    assert!(matches!(
        change(amal, Some(Role::Lead), None).await,
        Err(AccessError::LastAdmin)
    ));
    assert!(matches!(
        change(amal, None, Some(true)).await,
        Err(AccessError::LastAdmin)
    ));
    let (ben, _, _) = world.join("ben", Role::Admin).await;
    change(amal, Some(Role::Lead), None).await.unwrap();
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
        sign_in(&world.app, "amal", PASSWORD, &code).await,
        Err(AccessError::Refused)
    ));
    change_user(&world.app, &Actor::Operator, amal, None, Some(false))
        .await
        .unwrap();
    assert!(sign_in(&world.app, "amal", PASSWORD, &code).await.is_ok());
    let invite = reinvite_user(&world.app, &Actor::Operator, amal).await.unwrap();
    world.clock.advance(Duration::from_secs(30));
    let code = world.code(&secret);
    assert!(matches!(
        sign_in(&world.app, "amal", PASSWORD, &code).await,
        Err(AccessError::Refused)
    ));
    assert!(open_invite(&world.app, &invite.token).await.is_ok());
}
