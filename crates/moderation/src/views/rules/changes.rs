//! Versions of the rules, and changes with all that is known of them.

use sqlx::AnyConnection;

use super::diff::{FileDiff, diff_files};
use crate::model::{
    Actor, Backtest, Change, ChangeId, KeyId, Page, PageRequest, Right, RuleFile, RulesVersion, ShadowExample,
    ShadowResult, Standing,
};
use crate::rules::standing::not_installed;
use crate::rules::{changes, differences, standing, versions};
use crate::store::StoreError;
use crate::views::reach::{only_reached, reached_comparison};
use crate::views::{ViewError, cursor, names};
use crate::{Seawall, access};

/// A version in a line.
#[derive(Debug, Clone)]
pub struct VersionRow {
    /// The version.
    pub version: RulesVersion,
    /// Who wrote it.
    pub author_name: String,
    /// Whether it counts.
    pub is_live: bool,
    /// Whether it is watched.
    pub is_shadow: bool,
}

/// A version with its files.
#[derive(Debug, Clone)]
pub struct VersionView {
    /// The version.
    pub row: VersionRow,
    /// Its files.
    pub files: Vec<RuleFile>,
    /// The version that counts now.
    pub live: i64,
}

/// A change in a line.
#[derive(Debug, Clone)]
pub struct ChangeRow {
    /// The change.
    pub change: Change,
    /// Who proposed it.
    pub proposed_by_name: String,
    /// Who decided it.
    pub decided_by_name: Option<String>,
}

/// A change with all that is known of it. What its checker and tests say is [`crate::flows::rules::check`]'s to find out anew.
#[derive(Debug, Clone)]
pub struct ChangeView {
    /// The change.
    pub row: ChangeRow,
    /// Its files.
    pub files: Vec<RuleFile>,
    /// What is different from the version that was live when it was proposed.
    pub diff: Vec<FileDiff>,
    /// What was counted in shadow; none if it never was there.
    pub shadow: Option<ShadowResult>,
    /// Which versions judge now.
    pub standing: Standing,
    /// Whether other rules became live since it was proposed.
    pub is_stale: bool,
    /// Whether the one who looks could approve it.
    pub may_approve: bool,
    /// Whether the one who looks proposed it.
    pub is_own: bool,
    /// Whether a key that they made did.
    pub is_by_own_key: bool,
}

/// Versions, the newest first.
pub async fn list_rules_versions(
    app: &Seawall,
    actor: &Actor,
    request: &PageRequest,
) -> Result<Page<VersionRow>, ViewError> {
    actor.require(Right::ReadRules)?;
    let before: Option<i64> = cursor(request)?;
    let mut conn = app.store.reader().await?;
    let kept = standing::read(&mut conn).await?.ok_or_else(not_installed)?;
    let names = names::all(&mut conn).await?;
    let found = versions::list(&mut conn, before.unwrap_or(i64::MAX), request.probe()).await?;
    let rows = found.into_iter().map(|version| row(version, &kept.standing, &names));
    Ok(Page::cut(rows.collect(), request, |row| row.version.number.to_string()))
}

/// A version with its files.
pub async fn rules_version(app: &Seawall, actor: &Actor, number: i64) -> Result<Option<VersionView>, ViewError> {
    actor.require(Right::ReadRules)?;
    let mut conn = app.store.reader().await?;
    let kept = standing::read(&mut conn).await?.ok_or_else(not_installed)?;
    let Some(version) = versions::find(&mut conn, number).await? else {
        return Ok(None);
    };
    let names = names::all(&mut conn).await?;
    Ok(Some(VersionView {
        row: row(version, &kept.standing, &names),
        files: versions::files(&mut conn, number).await?,
        live: kept.standing.live,
    }))
}

fn row(version: RulesVersion, standing: &Standing, names: &std::collections::HashMap<String, String>) -> VersionRow {
    VersionRow {
        author_name: names::of(names, &version.author),
        is_live: version.number == standing.live,
        is_shadow: standing.shadow.is_some_and(|(number, _)| number == version.number),
        version,
    }
}

/// What is different between two versions; none if one of them does not exist.
pub async fn diff_versions(
    app: &Seawall,
    actor: &Actor,
    from: i64,
    to: i64,
) -> Result<Option<Vec<FileDiff>>, ViewError> {
    actor.require(Right::ReadRules)?;
    let mut conn = app.store.reader().await?;
    for number in [from, to] {
        if versions::find(&mut conn, number).await?.is_none() {
            return Ok(None);
        }
    }
    let (old, new) = (
        versions::files(&mut conn, from).await?,
        versions::files(&mut conn, to).await?,
    );
    Ok(Some(diff_files(&old, &new)))
}

/// Changes, the newest first; only those that may still become live if `open_only`.
pub async fn list_changes(
    app: &Seawall,
    actor: &Actor,
    open_only: bool,
    request: &PageRequest,
) -> Result<Page<ChangeRow>, ViewError> {
    actor.require(Right::ReadRules)?;
    let before: Option<ChangeId> = cursor(request)?;
    let mut conn = app.store.reader().await?;
    let names = names::all(&mut conn).await?;
    let found = changes::list(&mut conn, before, open_only, request.probe()).await?;
    let mut rows = Vec::with_capacity(found.len());
    for change in found {
        rows.push(change_row(reached(&mut conn, actor, change).await?, &names));
    }
    Ok(Page::cut(rows, request, |row| row.change.id.to_string()))
}

/// The change, with those examples of its backtest that the actor reaches.
async fn reached(conn: &mut AnyConnection, actor: &Actor, change: Change) -> Result<Change, StoreError> {
    let backtest = match change.backtest {
        Some(backtest) => Some(Backtest {
            found: reached_comparison(conn, actor, backtest.found).await?,
            ..backtest
        }),
        None => None,
    };
    Ok(Change { backtest, ..change })
}

fn change_row(change: Change, names: &std::collections::HashMap<String, String>) -> ChangeRow {
    ChangeRow {
        proposed_by_name: names::of(names, &change.proposed_by),
        decided_by_name: change.decided_by.as_deref().map(|by| names::of(names, by)),
        change,
    }
}

/// A change with all that is known of it.
pub async fn change(app: &Seawall, actor: &Actor, id: ChangeId) -> Result<Option<ChangeView>, ViewError> {
    actor.require(Right::ReadRules)?;
    let mut conn = app.store.reader().await?;
    let Some(change) = changes::find(&mut conn, id).await? else {
        return Ok(None);
    };
    let kept = standing::read(&mut conn).await?.ok_or_else(not_installed)?;
    let names = names::all(&mut conn).await?;
    let files = versions::files(&mut conn, change.version).await?;
    let before = versions::files(&mut conn, change.base).await?;
    let shadow = match change.shadow_since {
        Some(_) => {
            let found = differences::of_change(&mut conn, id).await?;
            let item_of = |example: &ShadowExample| Some(example.item.clone());
            Some(ShadowResult {
                examples: only_reached(&mut conn, actor, found.examples, item_of).await?,
                ..found
            })
        }
        None => None,
    };
    let change = reached(&mut conn, actor, change).await?;
    let is_own = change.proposed_by == actor.to_string();
    let maker = match change.proposed_by.parse::<KeyId>() {
        Ok(key) => access::maker_of_key(&mut conn, key).await?,
        Err(_) => None,
    };
    let is_by_own_key = maker.is_some() && maker == actor.user();
    let is_stale = change.state.is_open() && change.base != kept.standing.live;
    Ok(Some(ChangeView {
        diff: diff_files(&before, &files),
        files,
        shadow,
        may_approve: actor.may(Right::ApproveRules) && !is_own && !is_by_own_key && !is_stale && change.state.is_open(),
        is_own,
        is_by_own_key,
        is_stale,
        standing: kept.standing,
        row: change_row(change, &names),
    }))
}
