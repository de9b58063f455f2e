//! Lists that rules name are kept: made, filled from a file of millions of lines, changed entry by entry.
//!
//! An upload that breaks off can be sent again: what was added stays, and is added once.

use serde_json::json;

use super::{RulesError, invalid, text};
use crate::Seawall;
use crate::model::{Actor, Right, RuleList, Timestamp};
use crate::rules::lists::{self, NewListEntry};

/// What an upload came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ListUpload {
    /// Lines that were added, or were there already.
    pub n_added: usize,
    /// Lines that are too long or hold no text.
    pub n_refused: usize,
}

/// Entries that are added in one transaction: others judge between two.
const ENTRIES_PER_TX: usize = 5_000;
/// The most characters of a note or an owner.
const TEXT_LENGTH_MAX: usize = 500;

/// Makes a list, or changes what is said about it.
pub async fn put_list(app: &Seawall, actor: &Actor, name: &str, note: &str, owner: &str) -> Result<(), RulesError> {
    actor.require(Right::ProposeRules)?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins = name.chars().next().is_some_and(|c| c.is_ascii_lowercase());
    if !begins || name.chars().count() > RuleList::NAME_LENGTH_MAX || !name.chars().all(is_plain) {
        let what = format!(
            "is 1 to {} small letters, digits and `_`, and begins with a letter: rules write it so",
            RuleList::NAME_LENGTH_MAX
        );
        return Err(invalid("name", what));
    }
    let (note, owner) = (
        text("note", note, 0, TEXT_LENGTH_MAX)?,
        text("owner", owner, 1, TEXT_LENGTH_MAX)?,
    );
    let mut tx = app.store.begin("put list").await?;
    let now = app.clock.now();
    let list = RuleList {
        name: name.to_owned(),
        note,
        owner,
        created_by: actor.to_string(),
        created_at: now,
        changed_at: now,
    };
    lists::put(&mut tx, &list).await?;
    tx.event(now, actor, "list.put", name, json!({}));
    tx.commit().await?;
    Ok(())
}

/// Adds the lines of a file: one entry each, and after a tab its end, if it has one of its own. Empty lines and such that begin with `#` are
/// passed over. `until` is the end of entries that name none.
pub async fn upload_list(
    app: &Seawall,
    actor: &Actor,
    name: &str,
    file: &str,
    until: Option<Timestamp>,
) -> Result<ListUpload, RulesError> {
    actor.require(Right::ProposeRules)?;
    let mut entries = Vec::new();
    let mut upload = ListUpload::default();
    for (idx, line) in file.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, end) = line.split_once('\t').unwrap_or((line, ""));
        let until = match end.trim() {
            "" => until,
            end => Some(time(end).ok_or_else(|| {
                let what = format!(
                    "has no time after the tab on line {}, such as 2027-05-01T00:00:00Z",
                    idx + 1
                );
                invalid("file", what)
            })?),
        };
        let key = key.trim();
        if key.is_empty() || key.len() > RuleList::KEY_BYTES_MAX || key.contains('\0') {
            upload.n_refused += 1;
            continue;
        }
        entries.push(NewListEntry {
            key: key.to_owned(),
            until,
        });
    }
    // Of an entry that stands twice the last line holds: one statement changes no row twice.
    entries.reverse();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    entries.dedup_by(|a, b| a.key == b.key);
    upload.n_added = entries.len();
    add_entries(app, actor, name, entries).await?;
    Ok(upload)
}

/// Adds entries, or moves their ends.
pub async fn add_entries(
    app: &Seawall,
    actor: &Actor,
    name: &str,
    mut entries: Vec<NewListEntry>,
) -> Result<(), RulesError> {
    actor.require(Right::ProposeRules)?;
    let is_bad = |entry: &NewListEntry| {
        entry.key.trim() != entry.key
            || entry.key.is_empty()
            || entry.key.len() > RuleList::KEY_BYTES_MAX
            || entry.key.contains('\0')
    };
    if entries.iter().any(is_bad) {
        let what = format!(
            "have one that is empty, longer than {} bytes, or has blanks around it",
            RuleList::KEY_BYTES_MAX
        );
        return Err(invalid("entries", what));
    }
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    entries.dedup_by(|a, b| a.key == b.key);
    {
        let mut conn = app.store.reader().await?;
        find(&mut conn, name).await?;
        let n = lists::count(&mut conn, name, app.clock.now()).await?;
        if n + entries.len() as i64 > RuleList::ENTRIES_MAX as i64 {
            return Err(invalid(
                "entries",
                format!("would be more than {}", RuleList::ENTRIES_MAX),
            ));
        }
    }
    for some in entries.chunks(ENTRIES_PER_TX) {
        let mut tx = app.store.begin("add to list").await?;
        // The list may have been taken away meanwhile.
        find(tx.conn(), name).await?;
        let now = app.clock.now();
        lists::add(&mut tx, name, some, &actor.to_string(), now).await?;
        tx.event(now, actor, "list.added", name, json!({ "n": some.len() }));
        tx.commit().await?;
        // What is added is read now, not while somebody judges.
        app.judge.follow(&app.store).await?;
    }
    Ok(())
}

/// Takes an entry away.
pub async fn remove_entry(app: &Seawall, actor: &Actor, name: &str, key: &str) -> Result<(), RulesError> {
    actor.require(Right::ProposeRules)?;
    let mut tx = app.store.begin("remove from list").await?;
    let now = app.clock.now();
    find(tx.conn(), name).await?;
    if !lists::remove(&mut tx, name, key, now).await? {
        return Err(RulesError::NotFound { what: "entry" });
    }
    tx.event(now, actor, "list.removed", name, json!({ "n": 1 }));
    tx.commit().await?;
    Ok(())
}

/// Takes a list away with all its entries. Rules that name it no longer know whether something is in it, and say so.
pub async fn delete_list(app: &Seawall, actor: &Actor, name: &str) -> Result<(), RulesError> {
    actor.require(Right::ProposeRules)?;
    let mut tx = app.store.begin("delete list").await?;
    if !lists::delete(&mut tx, name).await? {
        return Err(RulesError::NotFound { what: "list" });
    }
    tx.event(app.clock.now(), actor, "list.deleted", name, json!({}));
    tx.commit().await?;
    Ok(())
}

async fn find(conn: &mut crate::store::AnyConnection, name: &str) -> Result<RuleList, RulesError> {
    let list = lists::find(conn, name).await?;
    list.ok_or(RulesError::NotFound { what: "list" })
}

/// An instant as people write it: a day, or RFC 3339.
fn time(text: &str) -> Option<Timestamp> {
    let whole = if text.len() == 10 {
        format!("{text}T00:00:00Z")
    } else {
        text.to_owned()
    };
    let instant: jiff::Timestamp = whole.parse().ok()?;
    Some(Timestamp::from_unix_ms(instant.as_millisecond()))
}
