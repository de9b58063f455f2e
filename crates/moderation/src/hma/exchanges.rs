//! Exchanges as clients of HMA configure them: where entries of a bank come from, and how the last fetch went.

use policy::words;
use serde_json::Value;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::model::{BankId, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

words! {
    /// The programme that an exchange speaks with.
    ExchangeApi, "an exchange's programme" {
        /// A handful of published examples, for trying things out.
        Sample = "sample",
        /// Meta's ThreatExchange.
        FbThreatexchange = "fb_threatexchange",
    }
}

/// An exchange.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// Its name, which was also its bank's when it was made.
    pub name: String,
    /// The bank that its entries go to.
    pub bank: BankId,
    /// The programme.
    pub api: ExchangeApi,
    /// What the programme needs to know, by field.
    pub config: Value,
    /// Whether it is fetched from.
    pub is_enabled: bool,
    /// The last fetch, if there was one.
    pub fetched: Option<Fetched>,
    /// Entries that it has given so far.
    pub n_fetched: i64,
}

/// How a fetch went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched {
    /// When it ended.
    pub at: Timestamp,
    /// Whether everything came.
    pub has_succeeded: bool,
}

/// Keeps a new exchange; `false` if the name is taken.
pub async fn insert_exchange(tx: &mut Tx, exchange: &Exchange, now: Timestamp) -> Result<bool, StoreError> {
    let done = query(
        "INSERT INTO hma_exchange (name, bank_id, api, config, enabled, created_at, n_fetched)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO NOTHING",
    )
    .bind(exchange.name.clone())
    .bind(exchange.bank.to_string())
    .bind(exchange.api.as_str())
    .bind(exchange.config.to_string())
    .bind(i64::from(exchange.is_enabled))
    .bind(now.unix_ms())
    .bind(exchange.n_fetched)
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep an exchange"))?;
    Ok(done.rows_affected() == 1)
}

/// All exchanges, the oldest first.
pub async fn list_exchanges(conn: &mut AnyConnection) -> Result<Vec<Exchange>, StoreError> {
    let rows = query(
        "SELECT name, bank_id, api, config, enabled, fetched_at, fetch_succeeded, n_fetched FROM hma_exchange
         ORDER BY created_at, bank_id",
    )
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read exchanges"))?;
    rows.iter().map(read).collect()
}

/// The exchange, by its name.
pub async fn find_exchange(conn: &mut AnyConnection, name: &str) -> Result<Option<Exchange>, StoreError> {
    let row = query(
        "SELECT name, bank_id, api, config, enabled, fetched_at, fetch_succeeded, n_fetched FROM hma_exchange
         WHERE name = $1",
    )
    .bind(name.to_owned())
    .fetch_optional(conn)
    .await
    .map_err(StoreError::at("read an exchange"))?;
    row.map(|row| read(&row)).transpose()
}

/// The name of the exchange that a bank's entries come from.
pub async fn exchange_of_bank(conn: &mut AnyConnection, bank: BankId) -> Result<Option<String>, StoreError> {
    let row = query("SELECT name FROM hma_exchange WHERE bank_id = $1")
        .bind(bank.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read an exchange"))?;
    row.map(|row| row.text("name")).transpose()
}

/// Writes whether an exchange is fetched from.
pub async fn set_exchange_enabled(tx: &mut Tx, name: &str, is_enabled: bool) -> Result<(), StoreError> {
    query("UPDATE hma_exchange SET enabled = $1 WHERE name = $2")
        .bind(i64::from(is_enabled))
        .bind(name.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("change an exchange"))?;
    Ok(())
}

/// Writes how a fetch went, and how many entries have come by now.
pub async fn set_fetched(tx: &mut Tx, name: &str, fetched: Fetched, n_fetched: i64) -> Result<(), StoreError> {
    query("UPDATE hma_exchange SET fetched_at = $1, fetch_succeeded = $2, n_fetched = $3 WHERE name = $4")
        .bind(fetched.at.unix_ms())
        .bind(i64::from(fetched.has_succeeded))
        .bind(n_fetched)
        .bind(name.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("keep how a fetch went"))?;
    Ok(())
}

/// Forgets an exchange; not its bank.
pub async fn delete_exchange(tx: &mut Tx, name: &str) -> Result<(), StoreError> {
    query("DELETE FROM hma_exchange WHERE name = $1")
        .bind(name.to_owned())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget an exchange"))?;
    Ok(())
}

/// Whether there are credentials for a programme.
pub async fn has_credentials(conn: &mut AnyConnection, api: ExchangeApi) -> Result<bool, StoreError> {
    let row = query("SELECT COUNT(*) AS n FROM hma_credential WHERE api = $1")
        .bind(api.as_str())
        .fetch_one(conn)
        .await
        .map_err(StoreError::at("look for credentials"))?;
    Ok(row.int("n")? > 0)
}

/// Keeps the credentials for a programme, or forgets them. Nothing gives them out again but the fetch that needs them.
pub async fn set_credentials(tx: &mut Tx, api: ExchangeApi, credentials: Option<&Value>) -> Result<(), StoreError> {
    query("DELETE FROM hma_credential WHERE api = $1")
        .bind(api.as_str())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget credentials"))?;
    if let Some(credentials) = credentials {
        query("INSERT INTO hma_credential (api, value) VALUES ($1, $2)")
            .bind(api.as_str())
            .bind(credentials.to_string())
            .execute(tx.conn())
            .await
            .map_err(StoreError::at("keep credentials"))?;
    }
    Ok(())
}

fn read(row: &AnyRow) -> Result<Exchange, StoreError> {
    let fetched = match (row.opt_time("fetched_at")?, row.opt_int("fetch_succeeded")?) {
        (Some(at), Some(succeeded)) => Some(Fetched {
            at,
            has_succeeded: succeeded != 0,
        }),
        (_, _) => None,
    };
    Ok(Exchange {
        name: row.text("name")?,
        bank: row.parse("bank_id")?,
        api: row.parse("api")?,
        config: row.json("config")?,
        is_enabled: row.flag("enabled")?,
        fetched,
        n_fetched: row.int("n_fetched")?,
    })
}
