//! The rules that Seawall ships are version 1 of a new store. A store that still has them unchanged follows those of a newer Seawall.

use policy::{DEFAULT_RULES, DEFAULT_RULES_FILE};

use super::check::checked;
use crate::Seawall;
use crate::model::{Actor, RuleFile, RulesSource};
use crate::rules::versions::NewVersion;
use crate::rules::{standing, versions};
use crate::store::{StoreError, Tx};

/// Installs the shipped rules, if there are none or older ones that nobody changed. Doing it again changes nothing.
pub async fn install(app: &Seawall) -> Result<(), StoreError> {
    let files = shipped();
    let mut conn = app.store.reader().await?;
    if let Some(kept) = standing::read(&mut conn).await? {
        let live = versions::find(&mut conn, kept.standing.live).await?;
        let is_older =
            live.is_some_and(|live| live.source == RulesSource::Shipped && live.digest != versions::digest(&files));
        if !is_older {
            return Ok(());
        }
    }
    drop(conn);
    let mut tx = app.store.begin("install rules").await?;
    install_in(app, &mut tx, &files).await?;
    tx.commit().await
}

fn shipped() -> Vec<RuleFile> {
    vec![RuleFile {
        name: DEFAULT_RULES_FILE.to_owned(),
        text: DEFAULT_RULES.to_owned(),
    }]
}

async fn install_in(app: &Seawall, tx: &mut Tx, files: &[RuleFile]) -> Result<(), StoreError> {
    let last_seq = standing::lock(tx).await?;
    let now = app.clock.now();
    let before = standing::read(tx.conn()).await?;
    if let Some(kept) = &before {
        // Another process may have been first.
        let live = versions::find(tx.conn(), kept.standing.live).await?;
        let is_done =
            live.is_some_and(|live| live.source != RulesSource::Shipped || live.digest == versions::digest(files));
        if is_done {
            return Ok(());
        }
    }
    let new = NewVersion {
        files: files.to_vec(),
        note: format!("the rules that Seawall {} ships", env!("CARGO_PKG_VERSION")),
        author: Actor::System.to_string(),
        source: RulesSource::Shipped,
        n_rules: checked(files, now.unix_ms()).rules.len(),
    };
    let number = versions::insert(tx, &new, now).await?;
    if before.is_none() {
        let seed = hex::encode(app.chance.bytes::<16>());
        standing::insert(tx, &seed, number, now).await?;
    }
    // The shipped rules keep no windows: nothing has to be remembered for them.
    standing::set_live(tx, number, last_seq, &Actor::System.to_string(), &new.note, now).await?;
    let body = serde_json::json!({ "version": number, "source": new.source.as_str() });
    tx.event(now, &Actor::System, "rules.live", number, body);
    Ok(())
}
