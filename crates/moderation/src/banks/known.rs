//! Whose a handle or a digest is, and whether it is in force, as the tables say now.

use std::collections::HashMap;

use signal::{Signal, SignalType};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, query};

use super::reach::{COLUMNS, read_judged};
use super::{beginning, placeholders};
use crate::model::{EntryId, Judged, MatchTarget, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, columns::damaged};

/// An entry that is matched against now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The number by which the index knows it.
    pub handle: u64,
    /// The entry and its bank.
    pub target: MatchTarget,
    /// When it stops being matched against.
    pub expires_at: Option<Timestamp>,
    /// How near counts for it; none as long as nobody found that out.
    pub judged: Option<Judged>,
}

impl Known {
    /// Whether it is still matched against at `now`.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

/// Values that one statement may ask for.
pub(super) const VALUES_MAX: usize = 500;

/// The labels of entries, whatever their state.
pub async fn labels_of_entries(
    conn: &mut AnyConnection,
    entries: &[EntryId],
) -> Result<HashMap<EntryId, Vec<String>>, StoreError> {
    let mut found = HashMap::with_capacity(entries.len());
    for some in entries.chunks(VALUES_MAX) {
        let statement = format!(
            "SELECT id, labels FROM banks_entry WHERE id IN ({})",
            placeholders(1, some.len())
        );
        let mut statement = query(AssertSqlSafe(statement));
        for entry in some {
            statement = statement.bind(entry.to_string());
        }
        let rows = statement
            .fetch_all(&mut *conn)
            .await
            .map_err(StoreError::at("read the labels of entries"))?;
        for row in &rows {
            let labels = serde_json::from_str(&row.text("labels")?).map_err(|error| damaged("labels", error))?;
            found.insert(row.parse("id")?, labels);
        }
    }
    Ok(found)
}

/// Those of the handles whose entries are in force at `now`, in no order.
pub async fn known_of_handles(
    conn: &mut AnyConnection,
    handles: &[u64],
    now: Timestamp,
) -> Result<Vec<Known>, StoreError> {
    let mut known = Vec::new();
    for some in handles.chunks(VALUES_MAX) {
        let statement = format!(
            "SELECT e.handle, e.expires_at, e.id AS entry_id, b.id AS bank_id, b.name AS bank_name, b.confirmed AS bank_confirmed,
                    {COLUMNS}
             FROM banks_entry e JOIN banks_bank b ON b.id = e.bank_id LEFT JOIN banks_reach r ON r.entry_id = e.id
             WHERE e.handle IN ({}) AND e.state = 'enabled' AND b.enabled = 1 AND (e.expires_at IS NULL OR e.expires_at > $1)",
            placeholders(2, some.len()),
        );
        let mut statement = query(AssertSqlSafe(statement)).bind(now.unix_ms());
        for handle in some {
            statement = statement.bind(handle.cast_signed());
        }
        let rows = statement
            .fetch_all(&mut *conn)
            .await
            .map_err(StoreError::at("look up what is known"))?;
        for row in &rows {
            known.push(Known {
                judged: read_judged(row)?,
                ..read(row)?
            });
        }
    }
    Ok(known)
}

/// The entries in force at `now` that have one of these digests, each with the digest. Other signals are passed over. How near counts is not told: digests
/// are equal or are not.
pub async fn known_of_digests(
    conn: &mut AnyConnection,
    digests: &[&Signal],
    now: Timestamp,
) -> Result<Vec<(SignalType, String, Known)>, StoreError> {
    let mut known = Vec::new();
    for kind in [SignalType::Md5, SignalType::Sha256] {
        let values: Vec<String> = digests
            .iter()
            .filter(|digest| digest.signal_type() == kind)
            .map(|digest| digest.value())
            .collect();
        for some in values.chunks(VALUES_MAX) {
            let mut statement = query(AssertSqlSafe(digests_statement(some.len())))
                .bind(kind.as_str())
                .bind(now.unix_ms());
            for value in some {
                statement = statement.bind(beginning(value));
            }
            let rows = statement
                .fetch_all(&mut *conn)
                .await
                .map_err(StoreError::at("look up known digests"))?;
            for row in &rows {
                let value = row.text("value")?;
                if some.contains(&value) {
                    known.push((kind, value, read(row)?));
                }
            }
        }
    }
    Ok(known)
}

pub(super) fn digests_statement(n_values: usize) -> String {
    format!(
        "SELECT s.value, e.handle, e.expires_at, e.id AS entry_id, b.id AS bank_id, b.name AS bank_name, b.confirmed AS bank_confirmed
         FROM banks_signal s JOIN banks_entry e ON e.id = s.entry_id JOIN banks_bank b ON b.id = e.bank_id
         WHERE s.type = $1 AND substr(s.value, 1, 16) IN ({}) AND e.state = 'enabled' AND b.enabled = 1
           AND (e.expires_at IS NULL OR e.expires_at > $2)",
        placeholders(3, n_values),
    )
}

fn read(row: &AnyRow) -> Result<Known, StoreError> {
    let handle = row.int("handle")?;
    Ok(Known {
        handle: u64::try_from(handle).map_err(|_| damaged("handle", format!("{handle} is negative")))?,
        expires_at: row.opt_time("expires_at")?,
        judged: None,
        target: MatchTarget {
            entry: row.parse("entry_id")?,
            bank: row.parse("bank_id")?,
            bank_name: row.text("bank_name")?,
            bank_confirmed: row.flag("bank_confirmed")?,
        },
    })
}
