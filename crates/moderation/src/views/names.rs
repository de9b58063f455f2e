//! Who is who, for people at the desk. Names never leave the console.

use std::collections::HashMap;

use sqlx::{AnyConnection, query};

use crate::store::StoreError;
use crate::store::columns::Columns;

/// The names of users and keys, by their ids.
pub(super) async fn all(conn: &mut AnyConnection) -> Result<HashMap<String, String>, StoreError> {
    let rows = query("SELECT id, name FROM access_user UNION ALL SELECT id, name FROM access_key")
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read names"))?;
    rows.iter()
        .map(|row| Ok((row.text("id")?, row.text("name")?)))
        .collect()
}

/// The name behind an id; the id itself if it has none.
pub(super) fn of(names: &HashMap<String, String>, id: &str) -> String {
    names.get(id).cloned().unwrap_or_else(|| id.to_owned())
}
