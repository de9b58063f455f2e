//! Lists that rules name: addresses, hashes, accounts, up to millions. Every change has a number, so that each process follows.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use crate::model::{ListEntry, RuleList, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx, counter};

/// An entry to be added, or its end to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewListEntry {
    /// What is listed.
    pub key: String,
    /// When it ends.
    pub until: Option<Timestamp>,
}

/// A list as the judge follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Epoch {
    /// Its name.
    pub name: String,
    /// Changes when a list of this name is made anew.
    pub epoch: i64,
}

/// A change of a list, as the judge follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Its number.
    pub seq: i64,
    /// The list.
    pub list: String,
    /// What is listed.
    pub key: String,
    /// When it ends.
    pub until: Option<Timestamp>,
    /// Whether it was taken away.
    pub is_removed: bool,
}

/// Makes a list, or changes what is said about it.
pub async fn put(tx: &mut Tx, list: &RuleList) -> Result<(), StoreError> {
    let epoch = counter::take(tx, "rules_list", 1).await?;
    query(
        "INSERT INTO rules_list (name, epoch, note, owner, created_by, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)
         ON CONFLICT (name) DO UPDATE SET note = excluded.note, owner = excluded.owner, changed_at = excluded.changed_at",
    )
    .bind(list.name.clone())
    .bind(epoch)
    .bind(list.note.clone())
    .bind(list.owner.clone())
    .bind(list.created_by.clone())
    .bind(list.changed_at.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep a list"))?;
    Ok(())
}

/// The list, by its name.
pub async fn find(conn: &mut AnyConnection, name: &str) -> Result<Option<RuleList>, StoreError> {
    let row = query("SELECT name, note, owner, created_by, created_at, changed_at FROM rules_list WHERE name = $1")
        .bind(name.to_owned())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read a list"))?;
    row.map(|row| read(&row)).transpose()
}

/// All lists, by their names.
pub async fn all(conn: &mut AnyConnection) -> Result<Vec<RuleList>, StoreError> {
    let rows = query("SELECT name, note, owner, created_by, created_at, changed_at FROM rules_list ORDER BY name")
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read the lists"))?;
    rows.iter().map(read).collect()
}

/// All lists, as the judge follows them.
pub async fn epochs(conn: &mut AnyConnection) -> Result<Vec<Epoch>, StoreError> {
    let rows = query("SELECT name, epoch FROM rules_list ORDER BY name")
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read the lists"))?;
    rows.iter()
        .map(|row| {
            Ok(Epoch {
                name: row.text("name")?,
                epoch: row.int("epoch")?,
            })
        })
        .collect()
}

/// How many entries a list has in force.
pub async fn count(conn: &mut AnyConnection, name: &str, now: Timestamp) -> Result<i64, StoreError> {
    let row = query(
        "SELECT COUNT(*) AS n FROM rules_list_entry
         WHERE list = $1 AND removed = 0 AND (until_at IS NULL OR until_at > $2)",
    )
    .bind(name.to_owned())
    .bind(now.unix_ms())
    .fetch_one(conn)
    .await
    .map_err(StoreError::at("count a list"))?;
    row.int("n")
}

/// Adds entries, or moves their ends. Numbers are taken in the order of commits, so nobody who follows passes over one.
pub async fn add(
    tx: &mut Tx,
    list: &str,
    entries: &[NewListEntry],
    added_by: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    /// Rows of one statement.
    const ROWS: usize = 16;
    let mut seq = counter::take(tx, "rules_list", entries.len()).await?;
    for some in entries.chunks(ROWS) {
        let rows: Vec<String> = (0..some.len())
            .map(|row| format!("($1, ${}, ${}, 0, $2, $3, ${})", row * 3 + 4, row * 3 + 5, row * 3 + 6))
            .collect();
        let statement = format!(
            "INSERT INTO rules_list_entry (list, key, until_at, removed, added_by, added_at, change_seq) VALUES {}
             ON CONFLICT (list, key) DO UPDATE SET until_at = excluded.until_at, removed = 0, added_by = excluded.added_by,
                added_at = excluded.added_at, change_seq = excluded.change_seq",
            rows.join(", ")
        );
        let mut statement = query(AssertSqlSafe(statement))
            .bind(list.to_owned())
            .bind(added_by.to_owned())
            .bind(now.unix_ms());
        for entry in some {
            statement = statement
                .bind(entry.key.clone())
                .bind(entry.until.map(Timestamp::unix_ms))
                .bind(seq);
            seq += 1;
        }
        statement
            .execute(tx.conn())
            .await
            .map_err(StoreError::at("add to a list"))?;
    }
    touch(tx, list, now).await
}

/// Takes an entry away. False, if it was not there.
pub async fn remove(tx: &mut Tx, list: &str, key: &str, now: Timestamp) -> Result<bool, StoreError> {
    let seq = counter::take(tx, "rules_list", 1).await?;
    // It stays as a trace until everybody who follows has seen it.
    let done = query(
        "UPDATE rules_list_entry SET removed = 1, change_seq = $1, added_at = $2 WHERE list = $3 AND key = $4 AND removed = 0",
    )
    .bind(seq)
    .bind(now.unix_ms())
    .bind(list.to_owned())
    .bind(key.to_owned())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("take away from a list"))?;
    touch(tx, list, now).await?;
    Ok(done.rows_affected() > 0)
}

async fn touch(tx: &mut Tx, list: &str, now: Timestamp) -> Result<(), StoreError> {
    query("UPDATE rules_list SET changed_at = $1 WHERE name = $2")
        .bind(now.unix_ms())
        .bind(list.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("write when a list changed"))?;
    Ok(())
}

/// Takes a list away with all its entries. False, if there is none.
pub async fn delete(tx: &mut Tx, name: &str) -> Result<bool, StoreError> {
    counter::take(tx, "rules_list", 1).await?;
    query("DELETE FROM rules_list_entry WHERE list = $1")
        .bind(name.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("take a list away"))?;
    let done = query("DELETE FROM rules_list WHERE name = $1")
        .bind(name.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("take a list away"))?;
    Ok(done.rows_affected() > 0)
}

/// Up to `limit` entries in force of a list after a key.
pub async fn entries(
    conn: &mut AnyConnection,
    list: &str,
    after: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<ListEntry>, StoreError> {
    let rows = query(
        "SELECT key, until_at, added_by, added_at FROM rules_list_entry
         WHERE list = $1 AND key > $2 AND removed = 0 AND (until_at IS NULL OR until_at > $3) ORDER BY key LIMIT $4",
    )
    .bind(list.to_owned())
    .bind(after.to_owned())
    .bind(now.unix_ms())
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read a list"))?;
    rows.iter()
        .map(|row| {
            Ok(ListEntry {
                key: row.text("key")?,
                until: row.opt_time("until_at")?,
                added_by: row.text("added_by")?,
                added_at: row.time("added_at")?,
            })
        })
        .collect()
}

/// Up to `limit` changes after a number, in their order.
pub async fn changes_after(conn: &mut AnyConnection, after: i64, limit: i64) -> Result<Vec<Changed>, StoreError> {
    let rows = query(
        "SELECT change_seq, list, key, until_at, removed FROM rules_list_entry
         WHERE change_seq > $1 ORDER BY change_seq LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("follow the lists"))?;
    rows.iter()
        .map(|row| {
            Ok(Changed {
                seq: row.int("change_seq")?,
                list: row.text("list")?,
                key: row.text("key")?,
                until: row.opt_time("until_at")?,
                is_removed: row.flag("removed")?,
            })
        })
        .collect()
}

/// Forgets traces of entries that were taken away, and entries that ended, before a moment.
pub async fn forget_ended(tx: &mut Tx, before: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM rules_list_entry WHERE (removed = 1 AND added_at < $1) OR until_at < $1")
        .bind(before.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget entries of lists"))?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<RuleList, StoreError> {
    Ok(RuleList {
        name: row.text("name")?,
        note: row.text("note")?,
        owner: row.text("owner")?,
        created_by: row.text("created_by")?,
        created_at: row.time("created_at")?,
        changed_at: row.time("changed_at")?,
    })
}
