//! For servers that are there to be tried out: everything is forgotten, and banks are filled with chance.

use signal::{Md5, Pdq, Signal};

use super::HmaError;
use super::banks::insert_bank;
use crate::flows::{follow, rules};
use crate::model::{Actor, EntryId, NewEntry, Right};
use crate::store::wipe;
use crate::{Seawall, banks};

/// How many banks [`seed_banks`] makes.
const SEED_BANKS: usize = 2;
/// How many entries each of them gets, by halves PDQ hashes and MD5 digests.
const SEED_ENTRIES: usize = 5_000;
/// How often it is tried to forget everything while others go on adding entries.
const ATTEMPTS_MAX: usize = 20;

/// Forgets everything: banks, items, cases, people, the log. Numbers of entries begin at 1 again. Only the operator may, and
/// only where this process alone has the store: another that follows the feed could miss that entries went.
pub async fn forget_everything(app: &Seawall, actor: &Actor) -> Result<(), HmaError> {
    actor.require(Right::ManageAccess)?;
    for _ in 0..ATTEMPTS_MAX {
        // First by the feed, so that the index forgets as well; then the rows.
        let mut tx = app.store.begin("remove all entries").await?;
        banks::lock(&mut tx).await?;
        banks::remove_entries(&mut tx, None).await?;
        tx.commit().await?;
        follow::catch_up(app).await?;

        let mut tx = app.store.begin("forget everything").await?;
        banks::lock(&mut tx).await?;
        if banks::remove_entries(&mut tx, None).await? > 0 {
            // Others added some meanwhile.
            continue;
        }
        wipe::empty(&mut tx, banks::CHANGES).await?;
        tx.commit().await?;
        // Numbers of entries begin anew.
        app.remembered.forget();
        app.sample.begin_anew();
        app.judge.forget().await;
        rules::install(app).await?;
        return Ok(());
    }
    Err(HmaError::Busy)
}

/// Makes banks and fills them with hashes that mean nothing.
pub async fn seed_banks(app: &Seawall, actor: &Actor) -> Result<(), HmaError> {
    actor.require(Right::WriteBanks)?;
    let mut tx = app.store.begin("seed banks").await?;
    let now = app.clock.now();
    for bank_idx in 0..SEED_BANKS {
        let bank = insert_bank(app, actor, &mut tx, &format!("SEED_BANK_{bank_idx}"), 1.0).await?;
        let entries: Vec<(EntryId, NewEntry)> = (0..SEED_ENTRIES)
            .map(|entry_idx| {
                let signal = match entry_idx % 2 {
                    0 => Signal::Pdq {
                        hash: Pdq::from_bytes(app.chance.bytes()),
                        quality: None,
                    },
                    _ => Signal::Md5(Md5::from_bytes(app.chance.bytes())),
                };
                let entry = NewEntry {
                    name: String::new(),
                    labels: Vec::new(),
                    source: "seed".to_owned(),
                    expires_at: None,
                    signals: vec![signal],
                };
                (EntryId::fresh(now, &app.chance), entry)
            })
            .collect();
        banks::insert_entries(&mut tx, bank.id, &entries, now).await?;
        let body = serde_json::json!({ "added": SEED_ENTRIES, "already_present": 0 });
        tx.event(now, actor, "bank.imported", bank.id, body);
    }
    tx.commit().await?;
    follow::catch_up(app).await?;
    Ok(())
}
