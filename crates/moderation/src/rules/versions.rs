//! Versions of the rules: files that belong together, written once and never changed.

use policy::Source;
use policy::edit::{RuleText, rule_texts};
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{RuleFile, RulesSource, RulesVersion, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx, counter};

/// A version to be kept.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// Its files.
    pub files: Vec<RuleFile>,
    /// What it is for.
    pub note: String,
    /// Who wrote it.
    pub author: String,
    /// Where it came from.
    pub source: RulesSource,
    /// How many rules it has.
    pub n_rules: usize,
}

/// SHA-256, in hex, of files: of each its name and its text, with their lengths before them.
pub fn digest(files: &[RuleFile]) -> String {
    let mut hasher = Sha256::new();
    for part in files.iter().flat_map(|file| [&file.name, &file.text]) {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hex::encode(hasher.finalize())
}

/// The files with rules, as the checker takes them.
pub fn sources(files: &[RuleFile]) -> Vec<Source> {
    let rules = files.iter().filter(|file| file.is_rules());
    rules.map(|file| Source::new(&file.name, &file.text)).collect()
}

/// The texts of the rules in these files.
pub fn texts(files: &[RuleFile]) -> Vec<RuleText> {
    rule_texts(&sources(files))
}

/// Keeps a version, and says its number.
pub async fn insert(tx: &mut Tx, new: &NewVersion, now: Timestamp) -> Result<i64, StoreError> {
    let number = counter::take(tx, "rules_version", 1).await?;
    query(
        "INSERT INTO rules_edition (number, digest, note, author, source, n_rules, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(number)
    .bind(digest(&new.files))
    .bind(new.note.clone())
    .bind(new.author.clone())
    .bind(new.source.as_str())
    .bind(new.n_rules as i64)
    .bind(now.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep a version of the rules"))?;
    for (idx, file) in new.files.iter().enumerate() {
        query("INSERT INTO rules_file (version, idx, name, text) VALUES ($1, $2, $3, $4)")
            .bind(number)
            .bind(idx as i64)
            .bind(file.name.clone())
            .bind(file.text.clone())
            .execute(tx.conn())
            .await
            .map_err(StoreError::at("keep a file of rules"))?;
    }
    Ok(number)
}

/// The version, by its number.
pub async fn find(conn: &mut AnyConnection, number: i64) -> Result<Option<RulesVersion>, StoreError> {
    let row =
        query("SELECT number, digest, note, author, source, n_rules, created_at FROM rules_edition WHERE number = $1")
            .bind(number)
            .fetch_optional(conn)
            .await
            .map_err(StoreError::at("read a version of the rules"))?;
    row.map(|row| read(&row)).transpose()
}

/// Whether Seawall installed these files once.
pub async fn was_shipped(conn: &mut AnyConnection, digest: &str) -> Result<bool, StoreError> {
    let row = query("SELECT COUNT(*) AS n FROM rules_edition WHERE digest = $1 AND source = $2")
        .bind(digest.to_owned())
        .bind(RulesSource::Shipped.as_str())
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("look for shipped rules"))?;
    Ok(row.int("n")? > 0)
}

/// Up to `limit` versions before a number, the newest first.
pub async fn list(conn: &mut AnyConnection, before: i64, limit: i64) -> Result<Vec<RulesVersion>, StoreError> {
    let rows = query(
        "SELECT number, digest, note, author, source, n_rules, created_at FROM rules_edition
         WHERE number < $1 ORDER BY number DESC LIMIT $2",
    )
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the versions of the rules"))?;
    rows.iter().map(read).collect()
}

/// The files of a version, in their order.
pub async fn files(conn: &mut AnyConnection, number: i64) -> Result<Vec<RuleFile>, StoreError> {
    let rows = query("SELECT name, text FROM rules_file WHERE version = $1 ORDER BY idx")
        .bind(number)
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read the files of a version"))?;
    rows.iter()
        .map(|row| {
            Ok(RuleFile {
                name: row.text("name")?,
                text: row.text("text")?,
            })
        })
        .collect()
}

fn read(row: &AnyRow) -> Result<RulesVersion, StoreError> {
    Ok(RulesVersion {
        number: row.int("number")?,
        digest: row.text("digest")?,
        note: row.text("note")?,
        author: row.text("author")?,
        source: row.parse("source")?,
        n_rules: row.int("n_rules")?,
        created_at: row.time("created_at")?,
    })
}
