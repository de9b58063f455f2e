//! Stores that an older Seawall made, with what is in them.

use moderation::flows::access;
use moderation::flows::banks::import_entries;
use moderation::model::{Actor, BankId, Chance, Clock, EntryId, Outcome, Scope};
use moderation::store::Engine;
use moderation::views;
use sha2::{Digest, Sha256};
use signal::{Md5, Signal};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, query_scalar};

use super::world::{World, entry_of, fresh_postgres, hash_of, open};

/// The migrations up to the one before imports became lean.
const BEFORE: [(i64, &str); 5] = [
    (1, include_str!("../../migrations/0001_spine.sql")),
    (2, include_str!("../../migrations/0002_intact.sql")),
    (3, include_str!("../../migrations/0003_sign_in_throttle.sql")),
    (4, include_str!("../../migrations/0004_known_signals.sql")),
    (5, include_str!("../../migrations/0005_hma.sql")),
];

/// An index changes under rows that are there: each is found as before, by whole value, and is known when it is imported again.
pub async fn a_store_of_before_lean_imports_is_brought_up_to_date(world: World) {
    let folder = tempfile::tempdir().unwrap();
    let engine = world.app.store.engine();
    let url = match engine {
        Engine::Sqlite => format!("sqlite://{}?mode=rwc", folder.path().join("before.db").display()),
        Engine::Postgres => fresh_postgres().await,
    };
    let mut conn = AnyConnection::connect(&url).await.unwrap();
    let mut run = async |text: String| {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut conn).await.unwrap();
    };
    run("CREATE TABLE store_migration (version BIGINT PRIMARY KEY, checksum TEXT NOT NULL)".to_owned()).await;
    for (version, text) in BEFORE {
        run(match engine {
            Engine::Sqlite => text.replace("{{BLOB}}", "BLOB"),
            Engine::Postgres => text
                .replace(" TEXT", " TEXT COLLATE \"C\"")
                .replace("{{BLOB}}", "BYTEA"),
        })
        .await;
        let checksum = hex::encode(Sha256::digest(text));
        run(format!(
            "INSERT INTO store_migration (version, checksum) VALUES ({version}, '{checksum}')"
        ))
        .await;
    }
    let (now, chance) = (world.clock.now(), Chance::seeded(9));
    let bank = BankId::fresh(now, &chance);
    run(format!(
        "INSERT INTO banks_bank (id, name, description, confirmed, enabled, created_at, change_seq) VALUES ('{bank}', 'old', '', 1, 1, 1, 1)"
    ))
    .await;
    let digest = |n: u64| Signal::Md5(Md5::of(&n.to_be_bytes()));
    let signals = |n: u64| [digest(n), hash_of(n)];
    for n in 0..30 {
        let entry = EntryId::fresh(now, &chance);
        run(format!(
            "INSERT INTO banks_entry (id, handle, bank_id, name, labels, source, state, created_at, change_seq)
             VALUES ('{entry}', {}, '{bank}', '', '[]', '', 'enabled', 1, {})",
            n + 1,
            n + 2
        ))
        .await;
        for (idx, signal) in signals(n).iter().enumerate() {
            run(format!(
                "INSERT INTO banks_signal (entry_id, idx, bank_id, type, value) VALUES ('{entry}', {idx}, '{bank}', '{}', '{}')",
                signal.signal_type().as_str(),
                signal.value()
            ))
            .await;
        }
    }
    run("UPDATE store_counter SET value = 30 WHERE name = 'banks_handle'".to_owned()).await;
    run("UPDATE store_counter SET value = 31 WHERE name = 'banks_change'".to_owned()).await;
    conn.close().await.unwrap();

    let app = open(&url, world.clock.clone(), &world.platform, 3).await;
    for n in 0..31 {
        let expected = if n < 30 { Outcome::Restrict } else { Outcome::Allow };
        for signal in signals(n) {
            assert_eq!(world.check_in(&app, signal).await.outcome, expected, "{n}");
        }
    }
    let again = (0..31).map(|n| entry_of(signals(n).to_vec())).collect();
    let imported = import_entries(&app, &world.admin, bank, again).await.unwrap();
    assert_eq!((imported.added, imported.already_present), (1, 30));
    if engine == Engine::Postgres {
        let counted = "SELECT COUNT(*) FROM pg_stats WHERE tablename = 'banks_signal_beginning'";
        let mut conn = app.store.reader().await.unwrap();
        let n_counted: i64 = query_scalar(counted).fetch_one(&mut *conn).await.unwrap();
        assert_eq!(n_counted, 1, "the planner knows the new index");
    }
}

/// What the log knows of keys of before is what keeps their makers from approving what they proposed with them.
pub async fn keys_of_before_get_their_makers_from_the_log(world: World) {
    let make = async |actor: &Actor, name: &str| {
        let made = access::create_key(&world.app, actor, name, vec![Scope::RulesWrite]).await;
        made.unwrap().key.id
    };
    let of_person = make(&world.admin, "one").await;
    let of_operator = make(&Actor::Operator, "two").await;
    world.sql("UPDATE access_key SET made_by = NULL").await;
    world.sql("DELETE FROM store_migration WHERE version = 17").await;
    let app = world.second_process().await;
    let keys = views::list_keys(&app, &world.admin).await.unwrap();
    let maker = |id| keys.iter().find(|row| row.key.id == id).unwrap().key.made_by;
    assert_eq!((maker(of_person), maker(of_operator)), (world.admin.user(), None));
}
