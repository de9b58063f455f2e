//! What people keep themselves: sessions, passwords, recovery codes, tokens.

use std::time::Duration;

use moderation::flows::access::{
    self, AccessError, Proof, authenticate_key, change_password, change_queues, change_user, create_token,
    end_all_sessions, end_other_sessions, end_session, list_sessions, list_tokens, note_session_use,
    renew_recovery_codes, revoke_token, session,
};
use moderation::flows::cases;
use moderation::model::{
    Actor, Chance, Clock, Judgement, KeyId, PageRequest, Queue, QueueSet, Right, Role, Roles, Scope, Session,
    Timestamp, Token, UserId,
};
use moderation::views;

use super::world::{World, hash_of};

const PASSWORD: &str = "correct horse battery";

async fn sign_in(world: &World, secret: &str) -> access::SignedIn {
    world.clock.advance(Duration::from_secs(60));
    world.sign_in("amal", PASSWORD, &world.code(secret)).await.unwrap()
}

async fn is_open(world: &World, session_: &Session, token: &str) -> bool {
    let found = session(&world.app, token).await.unwrap();
    found.is_some_and(|found| found.id == session_.id)
}

pub async fn a_session_is_listed_and_ended(world: World) {
    let app = &world.app;
    let (user, secret, first_token) = world.join("amal", Role::Moderator).await;
    let (_, _, _) = world.join("ben", Role::Moderator).await;
    let first = session(app, &first_token).await.unwrap().unwrap();
    let second = sign_in(&world, &secret).await;
    assert_ne!(first.id, second.session.id);
    let amal = access::actor_of(&first.user);
    note_session_use(app, &second.session, "Firefox, Linux").await.unwrap();
    let listed = list_sessions(app, &amal, user).await.unwrap();
    assert_eq!(listed.len(), 2);
    let known = listed.iter().find(|line| line.id == second.session.id).unwrap();
    assert_eq!(
        (
            known.agent.as_str(),
            listed.iter().filter(|line| line.agent.is_empty()).count()
        ),
        ("Firefox, Linux", 1)
    );
    assert!(!second.session_token.contains(known.id.as_str()));

    // Nobody else's: not by a colleague, not by a token of the person's own.
    let ben = Actor::person(
        UserId::fresh(Timestamp::from_unix_ms(7), &Chance::seeded(7)),
        Role::Lead.into(),
    );
    let of_token = Actor::Person {
        user,
        roles: Role::Moderator.into(),
        queues: QueueSet::All,
        token: Some(Token {
            key: KeyId::fresh(Timestamp::from_unix_ms(7), &Chance::seeded(7)),
            scopes: Scope::ALL.to_vec(),
        }),
    };
    for who in [&ben, &of_token] {
        assert!(matches!(
            list_sessions(app, who, user).await,
            Err(AccessError::Denied(_))
        ));
        let ended = end_session(app, who, user, first.id.as_str()).await;
        assert!(matches!(ended, Err(AccessError::Denied(_))));
    }
    let ended = end_session(app, &amal, user, "nonsense").await;
    assert!(matches!(ended, Err(AccessError::NotFound)));
    end_session(app, &amal, user, first.id.as_str()).await.unwrap();
    assert!(!is_open(&world, &first, &first_token).await);
    assert!(is_open(&world, &second.session, &second.session_token).await);

    let third = sign_in(&world, &secret).await;
    assert_eq!(
        end_other_sessions(app, &amal, user, &third.session.id).await.unwrap(),
        1
    );
    assert!(!is_open(&world, &second.session, &second.session_token).await);
    assert!(is_open(&world, &third.session, &third.session_token).await);
    assert_eq!(end_all_sessions(app, &Actor::Operator, user).await.unwrap(), 1);
    assert!(!is_open(&world, &third.session, &third.session_token).await);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn other_roles_end_sessions(world: World) {
    let (user, _, token) = world.join("amal", Role::Moderator).await;
    let both = Roles::of(&[Role::Moderator, Role::Auditor]);
    change_user(&world.app, &Actor::Operator, user, both.clone(), None)
        .await
        .unwrap();
    assert!(session(&world.app, &token).await.unwrap().is_none());
    let users = views::list_users(&world.app, &Actor::Operator).await.unwrap();
    assert_eq!(Some(users[0].roles.clone()), both);
}

pub async fn a_recovery_code_is_good_once(world: World) {
    let app = &world.app;
    let (_, secret, token) = world.join("amal", Role::Moderator).await;
    let current = session(app, &token).await.unwrap().unwrap();
    let code = world.code(&secret);
    let proof = |password: &'static str, code: &'static str| Proof::Typed { password, code };
    let refused = renew_recovery_codes(app, &current, &proof("wrong horse battery", "000000")).await;
    assert!(matches!(refused, Err(AccessError::Refused)));
    let replayed = Proof::Typed {
        password: PASSWORD,
        code: &code,
    };
    let refused = renew_recovery_codes(app, &current, &replayed).await;
    assert!(
        matches!(refused, Err(AccessError::Refused)),
        "the code that the invitation took"
    );
    world.clock.advance(Duration::from_secs(60));
    let code = world.code(&secret);
    let fresh = Proof::Typed {
        password: PASSWORD,
        code: &code,
    };
    let codes = renew_recovery_codes(app, &current, &fresh).await.unwrap();
    assert_eq!(codes.len(), 10);
    let actor = access::actor_of(&current.user);
    assert_eq!(access::n_recovery_codes(app, &actor).await.unwrap(), 10);

    let wrong = world.sign_in("amal", "wrong horse battery", &codes[0]).await;
    assert!(matches!(wrong, Err(AccessError::Refused)));
    let unknown = world.sign_in("nobody", PASSWORD, &codes[0]).await;
    assert!(matches!(unknown, Err(AccessError::Refused)));
    assert!(world.sign_in("amal", PASSWORD, &codes[0]).await.is_ok());
    let again = world.sign_in("amal", PASSWORD, &codes[0]).await;
    assert!(matches!(again, Err(AccessError::Refused)), "good once");
    let guessed = world.sign_in("amal", PASSWORD, "12345678901234567890").await;
    assert!(matches!(guessed, Err(AccessError::Refused)));
    assert_eq!(access::n_recovery_codes(app, &actor).await.unwrap(), 9);
    let with_code = Proof::Typed {
        password: PASSWORD,
        code: &codes[1],
    };
    let newer = renew_recovery_codes(app, &current, &with_code).await.unwrap();
    let old = world.sign_in("amal", PASSWORD, &codes[2]).await;
    assert!(matches!(old, Err(AccessError::Refused)), "new ones end the old");
    access::reinvite_user(app, &Actor::Operator, current.user.id)
        .await
        .unwrap();
    assert_eq!(access::n_recovery_codes(app, &actor).await.unwrap(), 0);
    drop(newer);
    let log = views::list_newest_events(app, &Actor::Operator, &PageRequest::first())
        .await
        .unwrap();
    let used = log
        .rows
        .iter()
        .filter(|line| line.event.kind == "user.recovery_used")
        .count();
    assert_eq!(used, 2);
    assert!(
        log.rows
            .iter()
            .all(|line| !line.event.body.to_string().contains(&codes[0]))
    );
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A token that somebody makes with a fresh code.
async fn make_token(
    world: &World,
    current: &Session,
    secret: &str,
    scopes: &[Scope],
    lifetime: Duration,
) -> Result<access::NewKey, AccessError> {
    world.clock.advance(Duration::from_secs(60));
    let code = world.code(secret);
    let proof = Proof::Typed {
        password: PASSWORD,
        code: &code,
    };
    create_token(&world.app, current, &proof, "script", scopes, lifetime).await
}

pub async fn a_new_password_ends_other_sessions(world: World) {
    let app = &world.app;
    let (_, secret, other) = world.join("amal", Role::Moderator).await;
    let here = sign_in(&world, &secret).await;
    let made = make_token(&world, &here.session, &secret, &[Scope::ItemsRead], DAY)
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(60));
    let code = world.code(&secret);
    let proof = |password: &'static str| Proof::Typed { password, code: &code };
    let short = change_password(app, &here.session, &proof(PASSWORD), "short").await;
    assert!(matches!(short, Err(AccessError::Invalid { .. })));
    let wrong = change_password(app, &here.session, &proof("wrong horse battery"), "a quiet new harbour").await;
    assert!(matches!(wrong, Err(AccessError::Refused)));
    change_password(app, &here.session, &proof(PASSWORD), "a quiet new harbour")
        .await
        .unwrap();
    assert!(session(app, &other).await.unwrap().is_none());
    let token = authenticate_key(app, &made.secret).await.unwrap();
    assert_eq!(token, None, "a token made with the old password is good no more");
    assert!(session(app, &here.session_token).await.unwrap().is_some());
    world.clock.advance(Duration::from_secs(60));
    let old = world.sign_in("amal", PASSWORD, &world.code(&secret)).await;
    assert!(matches!(old, Err(AccessError::Refused)));
    assert!(
        world
            .sign_in("amal", "a quiet new harbour", &world.code(&secret))
            .await
            .is_ok()
    );

    // Whoever finds the browser open does not guess faster than at the door.
    let mut n_looked_at = 0;
    for _ in 0..12 {
        let guess = change_password(app, &here.session, &proof("wrong horse battery"), "mine now, all of it").await;
        n_looked_at += usize::from(matches!(guess, Err(AccessError::Refused)));
    }
    assert_eq!(n_looked_at, 6);
}

pub async fn a_token_opens_what_its_person_may_and_dies_with_them(world: World) {
    let app = &world.app;
    let (user, secret, token) = world.join("amal", Role::Moderator).await;
    let current = session(app, &token).await.unwrap().unwrap();
    let amal = access::actor_of(&current.user);
    let day = DAY;
    let make = async |scopes: &[Scope], lifetime| make_token(&world, &current, &secret, scopes, lifetime).await;
    let unproven = Proof::Typed {
        password: PASSWORD,
        code: "000000",
    };
    let refused = create_token(app, &current, &unproven, "script", &[Scope::ItemsRead], day).await;
    assert!(
        matches!(refused, Err(AccessError::Refused)),
        "a session that was left open makes no key"
    );
    let too_much = make(&[Scope::ItemsRead, Scope::EventsRead], day).await;
    assert!(matches!(too_much, Err(AccessError::Invalid { field: "scopes", .. })));
    assert!(matches!(
        make(&[], day).await,
        Err(AccessError::Invalid { field: "scopes", .. })
    ));
    let endless = make(&[Scope::ItemsRead], 400 * day).await;
    assert!(matches!(endless, Err(AccessError::Invalid { field: "days", .. })));
    let made = make(&[Scope::ItemsRead, Scope::CasesRead], 30 * day).await.unwrap();
    let acts = authenticate_key(app, &made.secret).await.unwrap().unwrap();
    assert_eq!(acts.to_string(), user.to_string(), "the log names the person");
    assert!(acts.may(Right::ReadItems) && acts.may(Right::ReadCases));
    assert!(!acts.may(Right::ReadBanks) && !acts.may(Right::DecideCases));
    let mut tx = app.store.begin("test").await.unwrap();
    tx.event(
        world.clock.now(),
        &acts,
        "entry.revealed",
        user,
        serde_json::json!({ "picture": "small" }),
    );
    tx.commit().await.unwrap();
    let log = views::list_newest_events(app, &Actor::Operator, &PageRequest::first()).await;
    let line = &log.unwrap().rows[0].event;
    let body: serde_json::Value = serde_json::from_str(&line.body).unwrap();
    assert_eq!(
        (line.actor.as_str(), &body["token"]),
        (user.to_string().as_str(), &serde_json::json!(made.key.id.to_string())),
        "the log says which token it was"
    );
    assert!(views::list_keys(app, &Actor::Operator).await.unwrap().is_empty());

    // Fewer roles, fewer queues: the token shrinks with its person.
    change_queues(app, &Actor::Operator, user, "leads".parse().unwrap())
        .await
        .unwrap();
    let other = Some(Role::WellnessLead.into());
    change_user(app, &Actor::Operator, user, other, None).await.unwrap();
    let acts = authenticate_key(app, &made.secret).await.unwrap().unwrap();
    assert!(!acts.may(Right::ReadItems));
    assert!(!acts.queues().has(Queue::Matches));

    // It ends on its day, when it is revoked, and with its person.
    world.clock.advance(30 * day);
    assert_eq!(authenticate_key(app, &made.secret).await.unwrap(), None);
    let again = Some(Role::Moderator.into());
    change_user(app, &Actor::Operator, user, again, None).await.unwrap();
    let (one, two) = (
        make(&[Scope::ItemsRead], day).await.unwrap(),
        make(&[Scope::ItemsRead], day).await.unwrap(),
    );
    let stranger = Actor::person(
        UserId::fresh(Timestamp::from_unix_ms(7), &Chance::seeded(7)),
        Role::Lead.into(),
    );
    let revoked = revoke_token(app, &stranger, stranger.user().unwrap(), one.key.id).await;
    assert!(matches!(revoked, Err(AccessError::NotFound)));
    revoke_token(app, &amal, user, one.key.id).await.unwrap();
    assert_eq!(authenticate_key(app, &one.secret).await.unwrap(), None);
    assert!(authenticate_key(app, &two.secret).await.unwrap().is_some());
    let three = make(&[Scope::ItemsRead], day).await.unwrap();
    end_all_sessions(app, &Actor::Operator, user).await.unwrap();
    assert_eq!(
        authenticate_key(app, &three.secret).await.unwrap(),
        None,
        "who is to be kept out is out"
    );
    let two = make(&[Scope::ItemsRead], day).await.unwrap();
    change_user(app, &Actor::Operator, user, None, Some(true))
        .await
        .unwrap();
    let refused = make(&[Scope::ItemsRead], day).await;
    assert!(matches!(refused, Err(AccessError::Refused)), "disabled meanwhile");
    assert_eq!(authenticate_key(app, &two.secret).await.unwrap(), None);
    change_user(app, &Actor::Operator, user, None, Some(false))
        .await
        .unwrap();
    assert_eq!(
        authenticate_key(app, &two.secret).await.unwrap(),
        None,
        "it does not come back"
    );
    assert!(
        list_tokens(app, &amal, user)
            .await
            .unwrap()
            .iter()
            .all(|key| key.id == made.key.id || key.revoked_at.is_none())
    );
}

pub async fn how_much_people_looked_at_is_counted(world: World) {
    let app = &world.app;
    let (user, _, _) = world.join("amal", Role::Moderator).await;
    let amal = Actor::person(user, Role::Moderator.into());
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    let case = world.submit("post-1", hash_of(1)).await.case.unwrap();
    let judgement = Judgement::allow(1, "a harbour");
    cases::decide_case(app, &amal, case, judgement).await.unwrap();
    let lines = views::workload(app, &Actor::Operator).await.unwrap();
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (lines[0].name.as_str(), lines[0].n_decided, lines[0].n_revealed),
        ("amal", 1, 0)
    );
    world.clock.advance(views::WORKLOAD_OVER);
    assert!(views::workload(app, &Actor::Operator).await.unwrap().is_empty());
}
