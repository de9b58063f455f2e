//! Migrations: they only grow. One that was applied and then edited is refused.

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, query};

use super::columns::Columns;
use super::{Lock, Store, StoreError, Tx};

/// All migrations, oldest first. An entry is never changed and never taken away.
const MIGRATIONS: &[(i64, &str)] = &[
    (1, include_str!("../../migrations/0001_spine.sql")),
    (2, include_str!("../../migrations/0002_intact.sql")),
    (3, include_str!("../../migrations/0003_sign_in_throttle.sql")),
    (4, include_str!("../../migrations/0004_known_signals.sql")),
    (5, include_str!("../../migrations/0005_hma.sql")),
    (6, include_str!("../../migrations/0006_lean_import.sql")),
    (7, include_str!("../../migrations/0007_looks.sql")),
    (8, include_str!("../../migrations/0008_recordings.sql")),
    (9, include_str!("../../migrations/0009_streams.sql")),
    (10, include_str!("../../migrations/0010_incidents.sql")),
    (11, include_str!("../../migrations/0011_rules.sql")),
    (12, include_str!("../../migrations/0012_benign_videos.sql")),
    (13, include_str!("../../migrations/0013_judged_content.sql")),
    (14, include_str!("../../migrations/0014_owners_of_keys.sql")),
    (15, include_str!("../../migrations/0015_entry_strips.sql")),
    (16, include_str!("../../migrations/0016_people.sql")),
    (17, include_str!("../../migrations/0017_makers_of_keys.sql")),
    (18, include_str!("../../migrations/0018_search.sql")),
    (19, include_str!("../../migrations/0019_quality.sql")),
    (20, include_str!("../../migrations/0020_undo_and_rechecks.sql")),
    (21, include_str!("../../migrations/0021_routing.sql")),
    (22, include_str!("../../migrations/0022_measures.sql")),
    (23, include_str!("../../migrations/0023_proposals.sql")),
    (24, include_str!("../../migrations/0024_oidc.sql")),
    (25, include_str!("../../migrations/0025_comments_and_translations.sql")),
    (26, include_str!("../../migrations/0026_wishes_and_zones.sql")),
];

/// The database's tables cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A newer Seawall made the tables.
    #[error("the database has tables of version {found}, this Seawall knows up to {known}: use the newer Seawall")]
    TooNew {
        /// The version of the tables.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A migration was changed after it was applied.
    #[error("migration {version} was changed after it was applied to this database")]
    Edited {
        /// Which.
        version: i64,
    },
}

/// The version of the tables that this program makes.
pub(super) fn newest_version() -> i64 {
    MIGRATIONS.last().map_or(0, |(version, _)| *version)
}

pub(super) async fn run(store: &Store) -> Result<(), MigrateError> {
    let at = StoreError::at("migrate the database");
    let mut tx = store.begin("migrate").await?;
    tx.lock(Lock::Migrations).await?;
    query("CREATE TABLE IF NOT EXISTS store_migration (version BIGINT PRIMARY KEY, checksum TEXT NOT NULL)")
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    let applied = query("SELECT version, checksum FROM store_migration ORDER BY version")
        .fetch_all(tx.conn())
        .await
        .map_err(&at)?;
    let mut known = Vec::with_capacity(applied.len());
    for row in &applied {
        known.push((row.int("version")?, row.text("checksum")?));
    }
    if let Some((found, _)) = known.last().filter(|(version, _)| *version > newest_version()) {
        return Err(MigrateError::TooNew {
            found: *found,
            known: newest_version(),
        });
    }

    let mut is_changed = false;
    for (version, text) in MIGRATIONS {
        let checksum = hex::encode(Sha256::digest(text.as_bytes()));
        match known.iter().find(|(applied, _)| applied == version) {
            Some((_, applied)) if *applied == checksum => continue,
            Some(_) => return Err(MigrateError::Edited { version: *version }),
            None => {}
        }
        for statement in statements(&store.engine().migration(text)) {
            query(AssertSqlSafe(statement)).execute(tx.conn()).await.map_err(&at)?;
        }
        query("INSERT INTO store_migration (version, checksum) VALUES ($1, $2)")
            .bind(*version)
            .bind(checksum)
            .execute(tx.conn())
            .await
            .map_err(&at)?;
        is_changed = true;
    }
    if is_changed && !known.is_empty() {
        // Rows of before are in indexes that are new.
        refresh_statistics(&mut tx).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The same as [`Tx::refresh_statistics`], of all tables.
pub(super) async fn refresh_statistics(tx: &mut Tx) -> Result<(), StoreError> {
    for table in tables() {
        tx.refresh_statistics(&table.name).await?;
    }
    Ok(())
}

/// A table that the migrations make, and the columns of its primary key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub name: String,
    pub key: Vec<String>,
}

/// All tables that the migrations make, in their order; not the one that the migrations keep for themselves.
pub(super) fn tables() -> Vec<Table> {
    let all = MIGRATIONS.iter().flat_map(|(_, text)| statements(text));
    all.filter_map(|statement| table_of(&statement)).collect()
}

fn table_of(statement: &str) -> Option<Table> {
    let rest = statement.strip_prefix("CREATE TABLE ")?;
    let (name, columns) = rest.split_once('(')?;
    let key = match columns.split_once("PRIMARY KEY (") {
        Some((_, key)) => key
            .split(')')
            .next()?
            .split(',')
            .map(|column| column.trim().to_owned())
            .collect(),
        None => {
            let line = columns.lines().find(|line| line.contains(" PRIMARY KEY"))?;
            vec![line.split_whitespace().next()?.to_owned()]
        }
    };
    Some(Table {
        name: name.trim().to_owned(),
        key,
    })
}

/// The statements of a migration: comments dropped, cut at semicolons that end a line.
fn statements(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .collect::<Vec<_>>()
        .join("\n");
    code.split(";\n")
        .map(|s| s.trim().trim_end_matches(';').to_owned())
        .filter(|s| !s.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_known_with_its_key() {
        let tables = tables();
        let n_created: usize = MIGRATIONS
            .iter()
            .map(|(_, text)| text.matches("CREATE TABLE ").count())
            .sum();
        assert_eq!(tables.len(), n_created);
        let key_of = |name: &str| tables.iter().find(|table| table.name == name).unwrap().key.join(" ");
        assert_eq!(key_of("items_item"), "id");
        assert_eq!(key_of("store_request"), "caller key");
    }

    #[test]
    fn statements_are_cut_at_line_ends_and_comments_go() {
        let text = "-- a; b\nCREATE TABLE a (x TEXT);\n\nINSERT INTO a VALUES ('p;q');\n";
        assert_eq!(
            statements(text),
            ["CREATE TABLE a (x TEXT)", "INSERT INTO a VALUES ('p;q')"]
        );
    }
}
