//! Two at once: what one reads must still hold when it writes. Each test holds a row or a lock that both must pass, so that
//! they meet in the same order each time. SQLite has one writer and keeps the order by itself; Postgres does not.

use std::time::Duration;

use moderation::flows::access::{AccessError, Attempt, change_user, first_invite, open_invite, sign_in};
use moderation::flows::backup::{ArchiveError, read_backup, write_backup};
use moderation::flows::banks::{change_bank, set_entry_state};
use moderation::flows::submit::submit_item;
use moderation::model::{Actor, BankChange, Clock, EntryState, Queue, Role, UserState};
use moderation::store::{Store, Tx};
use moderation::views;
use sqlx::query;

use super::world::{World, fresh_postgres, given, hash_near, hash_of, item};

/// Long enough for the other to come to the lock that is held. If the machine is slower, a test proves less and still holds.
const UNDER_WAY: Duration = Duration::from_millis(500);
const PASSWORD: &str = "correct horse battery";

/// Holds the end of the event log: nobody who has an event to write can commit.
async fn hold_commits(world: &World) -> Tx {
    let mut tx = world.app.store.begin("hold commits").await.unwrap();
    query("UPDATE store_chain SET seq = seq WHERE id = 1")
        .execute(tx.conn())
        .await
        .unwrap();
    tx
}

pub async fn a_submission_takes_no_case_from_who_works_on_it(world: World) {
    let unsure = world.bank("unsure", false).await;
    world.entry(unsure, hash_of(1)).await;
    let case = world.submit("post-1", hash_near(1, 35)).await.case.unwrap();

    let mut tx = world.app.store.begin("escalate").await.unwrap();
    query(
        "UPDATE cases_case SET queue = 'escalated', reason = 'needs Pashto', leased_by = $1, leased_until = $2 WHERE id = $3",
    )
    .bind(world.moderator.to_string())
    .bind(world.clock.now().after(Duration::from_secs(60)).unix_ms())
    .bind(case.to_string())
    .execute(tx.conn())
    .await
    .unwrap();
    let app = world.app.clone();
    let submitting = tokio::spawn(async move {
        submit_item(&app, &Actor::Operator, item("post-1", vec![given(hash_of(1))]), None).await
    });
    tokio::time::sleep(UNDER_WAY).await;
    tx.commit().await.unwrap();

    assert_eq!(submitting.await.unwrap().unwrap().verdict.case, Some(case));
    let view = views::case(&world.app, &world.moderator, case).await.unwrap().unwrap();
    assert_eq!(
        (view.case.queue, view.case.reason.as_str()),
        (Queue::Escalated, "needs Pashto")
    );
    assert_eq!(
        view.case.lease(world.clock.now()).map(|lease| lease.holder),
        world.moderator.user()
    );
}

/// Signs in while `statement`, bound to a moment after now, changes the user and commits.
async fn sign_in_during(world: &World, secret: &str, statement: &'static str) -> Result<(), AccessError> {
    world.clock.advance(Duration::from_secs(30));
    let mut tx = world.app.store.begin("change user").await.unwrap();
    query(statement).execute(tx.conn()).await.unwrap();
    let (app, code) = (world.app.clone(), world.code(secret));
    let signing_in = tokio::spawn(async move {
        let attempt = Attempt {
            name: "amal",
            password: PASSWORD,
            totp_code: &code,
            address: "192.0.2.1",
            device_token: None,
        };
        sign_in(&app, &attempt).await
    });
    tokio::time::sleep(UNDER_WAY).await;
    tx.commit().await.unwrap();
    signing_in.await.unwrap().map(|_| ())
}

pub async fn a_sign_in_under_way_brings_no_disabled_user_back(world: World) {
    let (_, secret, _) = world.join("amal", Role::Moderator).await;
    let result = sign_in_during(
        &world,
        &secret,
        "UPDATE access_user SET state = 'disabled' WHERE name = 'amal'",
    )
    .await;
    assert!(matches!(result, Err(AccessError::Refused)), "{result:?}");
    let users = views::list_users(&world.app, &world.admin).await.unwrap();
    assert!(users.iter().all(|user| user.state == UserState::Disabled), "{users:?}");
}

pub async fn a_sign_in_under_way_meets_a_new_invitation(world: World) {
    let (_, secret, _) = world.join("amal", Role::Moderator).await;
    let statement =
        "UPDATE access_user SET state = 'invited', password_hash = NULL, totp_secret = NULL WHERE name = 'amal'";
    let result = sign_in_during(&world, &secret, statement).await;
    assert!(matches!(result, Err(AccessError::Refused)), "{result:?}");
}

pub async fn two_admins_who_demote_each_other_leave_one(world: World) {
    let (amal, _, _) = world.join("amal", Role::Admin).await;
    let (ben, _, _) = world.join("ben", Role::Admin).await;
    let held = hold_commits(&world).await;
    let demote = |user| {
        let app = world.app.clone();
        tokio::spawn(async move { change_user(&app, &Actor::Operator, user, Some(Role::Lead.into()), None).await })
    };
    let (one, two) = (demote(amal), demote(ben));
    tokio::time::sleep(UNDER_WAY).await;
    held.commit().await.unwrap();
    let results = [one.await.unwrap(), two.await.unwrap()];
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    assert!(
        results
            .iter()
            .any(|result| matches!(result, Err(AccessError::LastAdmin))),
        "{results:?}"
    );
}

pub async fn two_first_starts_invite_one_admin(world: World) {
    let other = world.second_process().await;
    let held = hold_commits(&world).await;
    let starts: Vec<_> = [world.app.clone(), other]
        .into_iter()
        .map(|app| tokio::spawn(async move { first_invite(&app).await }))
        .collect();
    tokio::time::sleep(UNDER_WAY).await;
    held.commit().await.unwrap();
    let mut invites = Vec::new();
    for start in starts {
        invites.push(start.await.unwrap().unwrap().unwrap());
    }
    let users = views::list_users(&world.app, &world.admin).await.unwrap();
    assert_eq!(users.len(), 1);
    assert!(
        invites.iter().all(|invite| invite.user == users[0].id),
        "{invites:?} {users:?}"
    );
    let mut n_open = 0;
    for invite in &invites {
        n_open += usize::from(open_invite(&world.app, &invite.token).await.is_ok());
    }
    assert_eq!(n_open, 1, "a later start ends the link of the earlier one");
}

pub async fn two_changes_of_a_bank_or_an_entry_both_hold(world: World) {
    const NOTHING: BankChange = BankChange {
        description: None,
        confirmed: None,
        enabled: None,
        crops: None,
    };
    let bank = world.bank("known", true).await;
    let entry = world.entry(bank, hash_of(1)).await;
    let hold_banks = async || {
        let mut tx = world.app.store.begin("hold banks").await.unwrap();
        query("UPDATE store_counter SET value = value WHERE name = 'banks_change'")
            .execute(tx.conn())
            .await
            .unwrap();
        tx
    };

    let held = hold_banks().await;
    let change = |change| {
        let (app, admin) = (world.app.clone(), world.admin.clone());
        tokio::spawn(async move { change_bank(&app, &admin, bank, change).await })
    };
    let one = change(BankChange {
        confirmed: Some(false),
        ..NOTHING
    });
    let two = change(BankChange {
        enabled: Some(false),
        ..NOTHING
    });
    tokio::time::sleep(UNDER_WAY).await;
    held.commit().await.unwrap();
    one.await.unwrap().unwrap();
    two.await.unwrap().unwrap();
    let row = views::bank(&world.app, &world.admin, bank).await.unwrap().unwrap();
    assert_eq!((row.bank.confirmed, row.bank.enabled), (false, false));

    let held = hold_banks().await;
    let set = |state| {
        let (app, admin) = (world.app.clone(), world.admin.clone());
        tokio::spawn(async move { set_entry_state(&app, &admin, entry, state).await })
    };
    let removing = set(EntryState::Removed);
    tokio::time::sleep(UNDER_WAY / 2).await;
    let disabling = set(EntryState::Disabled);
    tokio::time::sleep(UNDER_WAY / 2).await;
    held.commit().await.unwrap();
    let results = (removing.await.unwrap(), disabling.await.unwrap());
    let view = views::entry(&world.app, &world.admin, entry).await.unwrap().unwrap();
    assert_eq!(view.state, EntryState::Removed, "{results:?}");
}

pub async fn a_restore_overwrites_nobody_who_writes_already(world: World) {
    let mut file = Vec::new();
    world.bank("known", true).await;
    write_backup(&world.app.store, &mut file).await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let url = match world.app.store.engine() {
        moderation::store::Engine::Sqlite => format!("sqlite://{}", folder.path().join("target.db").display()),
        moderation::store::Engine::Postgres => fresh_postgres().await,
    };
    let store = Store::open(&url).await.unwrap();
    let mut tx = store.begin("first line").await.unwrap();
    query("UPDATE store_chain SET seq = 1 WHERE id = 1")
        .execute(tx.conn())
        .await
        .unwrap();
    let target = store.clone();
    let restoring = tokio::spawn(async move { read_backup(&target, &file[..]).await });
    tokio::time::sleep(UNDER_WAY).await;
    tx.commit().await.unwrap();
    let result = restoring.await.unwrap();
    assert!(matches!(result, Err(ArchiveError::NotEmpty)), "{result:?}");
}
