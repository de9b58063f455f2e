//! The rules that Seawall ships are version 1 of a new store. A store that still has them unchanged follows those of a newer Seawall.
//!
//! What was installed once is never installed again: a restart undoes no rollback, and while old and new programs run side by side, or the
//! newer one is taken back, the rules stay as they are.

use policy::{DEFAULT_RULES, DEFAULT_RULES_FILE};

use super::check::checked;
use crate::Seawall;
use crate::model::{Actor, RuleFile, RulesSource};
use crate::rules::versions::NewVersion;
use crate::rules::{standing, versions};
use crate::store::{AnyConnection, StoreError, Tx};

/// Installs the shipped rules, if there are none or older ones that nobody changed. Doing it again changes nothing.
pub async fn install(app: &Seawall) -> Result<(), StoreError> {
    let files = shipped();
    let mut conn = app.store.reader().await?;
    let kept = standing::read(&mut conn).await?;
    if is_done(&mut conn, kept.as_ref(), &files).await? {
        return Ok(());
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

/// Whether there is nothing to install: people chose other rules, or these were installed before.
async fn is_done(
    conn: &mut AnyConnection,
    kept: Option<&standing::Kept>,
    files: &[RuleFile],
) -> Result<bool, StoreError> {
    let Some(kept) = kept else { return Ok(false) };
    let live = versions::find(&mut *conn, kept.standing.live).await?;
    if live.is_none_or(|live| live.source != RulesSource::Shipped) {
        return Ok(true);
    }
    versions::was_shipped(conn, &versions::digest(files)).await
}

async fn install_in(app: &Seawall, tx: &mut Tx, files: &[RuleFile]) -> Result<(), StoreError> {
    let last_seq = standing::lock(tx).await?;
    let now = app.clock.now();
    let before = standing::read(tx.conn()).await?;
    // Another process may have been first.
    if is_done(tx.conn(), before.as_ref(), files).await? {
        return Ok(());
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
