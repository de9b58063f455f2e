//! Exchanges as clients of HMA keep them. Of the programmes only `sample` can be fetched from so far; a fetch from another
//! fails and says so.

use serde_json::Value;
use signal::{Signal, SignalType};

use super::banks::{insert_bank, remove_bank};
use super::{HmaError, sample};
use crate::flows::{banks as bank_flows, follow};
use crate::hma::{self, Exchange, ExchangeApi, Fetched};
use crate::model::{Actor, NewEntry, Right};
use crate::store::columns::damaged;
use crate::{Seawall, banks};

/// Makes an exchange, and the bank of the same name that its entries go to.
pub async fn create_exchange(
    app: &Seawall,
    actor: &Actor,
    name: &str,
    api: ExchangeApi,
    config: Value,
    is_enabled: bool,
) -> Result<(), HmaError> {
    actor.require(Right::WriteBanks)?;
    let mut tx = app.store.begin("create exchange").await?;
    let bank = insert_bank(app, actor, &mut tx, name, 1.0).await?;
    let now = app.clock.now();
    let exchange = Exchange {
        name: name.to_owned(),
        bank: bank.id,
        api,
        config,
        is_enabled,
        fetched: None,
        n_fetched: 0,
    };
    if !hma::insert_exchange(&mut tx, &exchange, now).await? {
        return Err(HmaError::NameTaken);
    }
    let body = serde_json::json!({ "name": name, "api": api.as_str(), "enabled": is_enabled });
    tx.event(now, actor, "exchange.created", bank.id, body);
    tx.commit().await?;
    follow::catch_up(app).await?;
    Ok(())
}

/// Has an exchange be fetched from, or not.
pub async fn set_exchange_enabled(app: &Seawall, actor: &Actor, name: &str, is_enabled: bool) -> Result<(), HmaError> {
    actor.require(Right::WriteBanks)?;
    let mut tx = app.store.begin("change exchange").await?;
    banks::lock(&mut tx).await?;
    let before = hma::find_exchange(tx.conn(), name).await?.ok_or(HmaError::NotFound)?;
    if before.is_enabled != is_enabled {
        hma::set_exchange_enabled(&mut tx, name, is_enabled).await?;
        let body = serde_json::json!({ "name": name, "enabled": { "from": before.is_enabled, "to": is_enabled } });
        tx.event(app.clock.now(), actor, "exchange.changed", before.bank, body);
    }
    tx.commit().await?;
    Ok(())
}

/// Takes an exchange away, and its bank with it. `false` if there is no such exchange.
pub async fn delete_exchange(app: &Seawall, actor: &Actor, name: &str) -> Result<bool, HmaError> {
    actor.require(Right::WriteBanks)?;
    let mut tx = app.store.begin("remove exchange").await?;
    banks::lock(&mut tx).await?;
    let Some(exchange) = hma::find_exchange(tx.conn(), name).await? else {
        return Ok(false);
    };
    match banks::find_bank(tx.conn(), exchange.bank).await? {
        Some(bank) => remove_bank(app, actor, &mut tx, bank).await?,
        None => hma::delete_exchange(&mut tx, name).await?,
    }
    tx.commit().await?;
    follow::catch_up(app).await?;
    Ok(true)
}

/// Keeps the credentials for a programme, or forgets them.
pub async fn set_credentials(
    app: &Seawall,
    actor: &Actor,
    api: ExchangeApi,
    credentials: Option<&Value>,
) -> Result<(), HmaError> {
    actor.require(Right::WriteBanks)?;
    let mut tx = app.store.begin("keep credentials").await?;
    hma::set_credentials(&mut tx, api, credentials).await?;
    // What they are stands nowhere but in their own table.
    let body = serde_json::json!({ "are_set": credentials.is_some() });
    tx.event(app.clock.now(), actor, "exchange.credentials_changed", api, body);
    tx.commit().await?;
    Ok(())
}

/// Fetches from every enabled exchange, one after the other. What has come before does not come twice.
pub async fn fetch_exchanges(app: &Seawall, actor: &Actor) -> Result<(), HmaError> {
    actor.require(Right::WriteBanks)?;
    let exchanges = hma::list_exchanges(&mut *app.store.reader().await?).await?;
    for exchange in exchanges.into_iter().filter(|exchange| exchange.is_enabled) {
        let (has_succeeded, n_fetched) = match exchange.api {
            ExchangeApi::Sample => {
                let entries = sample_entries()?;
                let n_entries = i64::try_from(entries.len()).unwrap_or(i64::MAX);
                bank_flows::import_entries(app, actor, exchange.bank, entries).await?;
                (true, n_entries)
            }
            ExchangeApi::FbThreatexchange => (false, exchange.n_fetched),
        };
        let mut tx = app.store.begin("keep how a fetch went").await?;
        let fetched = Fetched {
            at: app.clock.now(),
            has_succeeded,
        };
        hma::set_fetched(&mut tx, &exchange.name, fetched, n_fetched).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn sample_entries() -> Result<Vec<NewEntry>, HmaError> {
    let of = |kind: SignalType, values: &[&str]| -> Result<Vec<NewEntry>, HmaError> {
        let read = |value: &&str| -> Result<NewEntry, HmaError> {
            let signal = Signal::parse(kind, value, None).map_err(|error| damaged("sample", error))?;
            Ok(NewEntry {
                name: String::new(),
                labels: Vec::new(),
                source: ExchangeApi::Sample.as_str().to_owned(),
                expires_at: None,
                signals: vec![signal],
            })
        };
        values.iter().map(read).collect()
    };
    let mut entries = of(SignalType::Pdq, &sample::PDQ)?;
    entries.extend(of(SignalType::Md5, &sample::VIDEO_MD5)?);
    Ok(entries)
}
