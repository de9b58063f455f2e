//! Banks as clients of HMA keep them: by name, with the share of lookups in which a bank takes part.

use crate::flows::follow;
use crate::hma::{self, HmaBank, ratio_of};
use crate::model::{Actor, Bank, BankId, Crops, Right};
use crate::store::Tx;
use crate::{Seawall, banks};

use super::{HmaError, find_bank};

/// What is to change in a bank; none leaves a thing as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct BankUpdate {
    /// Its name.
    pub name: Option<String>,
    /// See [`HmaBank::ratio`].
    pub ratio: Option<f64>,
}

/// Makes a bank. People have not confirmed what will be in it: its matches are for people to decide.
pub async fn create_bank(app: &Seawall, actor: &Actor, name: &str, ratio: f64) -> Result<HmaBank, HmaError> {
    actor.require(Right::WriteBanks)?;
    let mut tx = app.store.begin("create bank").await?;
    let bank = insert_bank(app, actor, &mut tx, name, ratio).await?;
    tx.commit().await?;
    follow::catch_up(app).await?;
    Ok(bank)
}

pub(super) async fn insert_bank(
    app: &Seawall,
    actor: &Actor,
    tx: &mut Tx,
    name: &str,
    ratio: f64,
) -> Result<HmaBank, HmaError> {
    check_name(name)?;
    let now = app.clock.now();
    let bank = Bank {
        id: BankId::fresh(now, &app.chance),
        name: name.to_owned(),
        description: String::new(),
        confirmed: false,
        enabled: ratio > 0.0,
        crops: Crops::Few,
        created_at: now,
    };
    if !banks::insert_bank(tx, &bank).await? {
        return Err(HmaError::NameTaken);
    }
    hma::set_ratio(tx, bank.id, ratio).await?;
    let body = serde_json::json!({ "name": bank.name, "confirmed": false, "ratio": ratio });
    tx.event(now, actor, "bank.created", bank.id, body);
    Ok(HmaBank {
        id: bank.id,
        name: bank.name,
        ratio,
    })
}

/// Renames a bank, or changes in which share of lookups it takes part. A bank that takes part in none is disabled
/// everywhere.
pub async fn update_bank(app: &Seawall, actor: &Actor, name: &str, update: BankUpdate) -> Result<HmaBank, HmaError> {
    actor.require(Right::WriteBanks)?;
    let mut tx = app.store.begin("change bank").await?;
    let now = app.clock.now();
    banks::lock(&mut tx).await?;
    let before = find_bank(tx.conn(), name).await?.ok_or(HmaError::NotFound)?;
    let said = hma::bank_notes(tx.conn(), before.id).await?.map(|notes| notes.ratio);
    let mut after = HmaBank {
        id: before.id,
        name: before.name.clone(),
        ratio: ratio_of(before.enabled, said),
    };
    if let Some(name) = update.name.filter(|name| *name != before.name) {
        check_name(&name)?;
        if !banks::rename_bank(&mut tx, before.id, &name).await? {
            return Err(HmaError::NameTaken);
        }
        let body = serde_json::json!({ "name": { "from": before.name, "to": name } });
        tx.event(now, actor, "bank.changed", before.id, body);
        after.name = name;
    }
    if let Some(ratio) = update.ratio {
        let is_enabled = ratio > 0.0;
        // Also where only the ratio changes: whoever remembers it follows the feed.
        let changed = Bank {
            name: after.name.clone(),
            enabled: is_enabled,
            ..before.clone()
        };
        banks::update_bank(&mut tx, &before, &changed).await?;
        hma::set_ratio(&mut tx, before.id, ratio).await?;
        let body = serde_json::json!({
            "enabled": { "from": before.enabled, "to": is_enabled },
            "ratio": { "from": after.ratio, "to": ratio },
        });
        tx.event(now, actor, "bank.changed", before.id, body);
        after.ratio = ratio;
    }
    tx.commit().await?;
    follow::catch_up(app).await?;
    Ok(after)
}

/// Takes a bank away, with all that is in it and the exchange that fed it: nothing matches it from now on. Its row stays
/// under another name, so that old evidence can be read. `false` if there is no such bank.
pub async fn delete_bank(app: &Seawall, actor: &Actor, name: &str) -> Result<bool, HmaError> {
    actor.require(Right::WriteBanks)?;
    let mut tx = app.store.begin("remove bank").await?;
    banks::lock(&mut tx).await?;
    let Some(bank) = find_bank(tx.conn(), name).await? else {
        return Ok(false);
    };
    remove_bank(app, actor, &mut tx, bank).await?;
    tx.commit().await?;
    follow::catch_up(app).await?;
    Ok(true)
}

/// Under the lock of the banks.
pub(super) async fn remove_bank(app: &Seawall, actor: &Actor, tx: &mut Tx, bank: Bank) -> Result<(), HmaError> {
    let now = app.clock.now();
    if let Some(exchange) = hma::exchange_of_bank(tx.conn(), bank.id).await? {
        hma::delete_exchange(tx, &exchange).await?;
        tx.event(
            now,
            actor,
            "exchange.removed",
            bank.id,
            serde_json::json!({ "name": exchange }),
        );
    }
    let n_removed = banks::remove_entries(tx, Some(bank.id)).await?;
    // Ids are unique, and so is the name.
    banks::rename_bank(tx, bank.id, &format!("{} (removed, {})", bank.name, bank.id)).await?;
    let gone = Bank {
        enabled: false,
        ..bank.clone()
    };
    banks::update_bank(tx, &bank, &gone).await?;
    hma::set_bank_removed(tx, bank.id, now).await?;
    let body = serde_json::json!({ "name": bank.name, "n_entries": n_removed });
    tx.event(now, actor, "bank.removed", bank.id, body);
    Ok(())
}

/// Upper-case letters, digits and underscores, not a digit first.
fn check_name(name: &str) -> Result<(), HmaError> {
    let is_first = |c: char| c.is_ascii_uppercase() || c == '_';
    let is_good = name.starts_with(is_first) && name.chars().all(|c| is_first(c) || c.is_ascii_digit());
    if !is_good {
        return Err(HmaError::Invalid {
            what: "Bank names must be UPPER_WITH_UNDERSCORE".to_owned(),
        });
    }
    if name.len() > Bank::NAME_LENGTH_MAX {
        return Err(HmaError::Invalid {
            what: format!("Bank names must be at most {} characters", Bank::NAME_LENGTH_MAX),
        });
    }
    Ok(())
}
