//! Lists and labels, for people.

use crate::Seawall;
use crate::model::{Actor, Label, LabelOn, ListEntry, Page, PageRequest, Right, RuleList};
use crate::rules::judge::CompiledVersion;
use crate::rules::standing::not_installed;
use crate::rules::{labels, lists, standing};
use crate::store::AnyConnection;
use crate::views::{ViewError, names};

/// A list in a line.
#[derive(Debug, Clone)]
pub struct RuleListRow {
    /// The list.
    pub list: RuleList,
    /// How many entries are in force.
    pub n_entries: i64,
    /// Who made it.
    pub created_by_name: String,
    /// Whether the live rules name it.
    pub is_used: bool,
}

/// All lists, by their names; such that live rules name and nobody made are not among them.
pub async fn list_rule_lists(app: &Seawall, actor: &Actor) -> Result<Vec<RuleListRow>, ViewError> {
    actor.require(Right::ReadRules)?;
    let mut conn = app.store.reader().await?;
    let live = live(app, &mut conn).await?;
    let names = names::all(&mut conn).await?;
    let mut rows = Vec::new();
    for list in lists::all(&mut conn).await? {
        rows.push(RuleListRow {
            n_entries: lists::count(&mut conn, &list.name, app.clock.now()).await?,
            created_by_name: names::of(&names, &list.created_by),
            is_used: live.rules.lists().contains(&list.name),
            list,
        });
    }
    Ok(rows)
}

/// A list and a page of its entries, by their keys.
pub async fn rule_list(
    app: &Seawall,
    actor: &Actor,
    name: &str,
    request: &PageRequest,
) -> Result<Option<(RuleListRow, Page<ListEntry>)>, ViewError> {
    actor.require(Right::ReadRules)?;
    let mut conn = app.store.reader().await?;
    let Some(list) = lists::find(&mut conn, name).await? else {
        return Ok(None);
    };
    let now = app.clock.now();
    let after = request.cursor.as_deref().unwrap_or_default();
    let found = lists::entries(&mut conn, name, after, now, request.probe()).await?;
    let live = live(app, &mut conn).await?;
    let row = RuleListRow {
        n_entries: lists::count(&mut conn, name, now).await?,
        created_by_name: names::of(&names::all(&mut conn).await?, &list.created_by),
        is_used: live.rules.lists().contains(&list.name),
        list,
    };
    Ok(Some((row, Page::cut(found, request, |entry| entry.key.clone()))))
}

/// Labels in force, by what carries them; with a name only those of that name.
pub async fn list_labels(
    app: &Seawall,
    actor: &Actor,
    label: Option<&str>,
    request: &PageRequest,
) -> Result<Page<Label>, ViewError> {
    actor.require(Right::ReadRules)?;
    // A subject may hold any character but the one that the store cannot keep.
    let parts: Option<Vec<&str>> = request.cursor.as_ref().map(|cursor| cursor.split('\u{1f}').collect());
    let after = match parts.as_deref() {
        None => None,
        Some([kind, subject, name]) => Some((*kind, *subject, *name)),
        Some(_) => return Err(ViewError::BadCursor),
    };
    let mut conn = app.store.reader().await?;
    let found = labels::list(&mut conn, label, after, app.clock.now(), request.probe()).await?;
    let place = |label: &Label| format!("{}\u{1f}{}\u{1f}{}", label.on, label.subject, label.label);
    Ok(Page::cut(found, request, place))
}

/// The labels of an account or a channel in force, by their names.
pub async fn labels_of(app: &Seawall, actor: &Actor, on: LabelOn, subject: &str) -> Result<Vec<Label>, ViewError> {
    actor.require(Right::ReadRules)?;
    let mut conn = app.store.reader().await?;
    Ok(labels::in_force(&mut conn, on, subject, app.clock.now()).await?)
}

async fn live(app: &Seawall, conn: &mut AnyConnection) -> Result<std::sync::Arc<CompiledVersion>, ViewError> {
    let kept = standing::read(conn).await?.ok_or_else(not_installed)?;
    Ok(app.judge.compiled(conn, kept.standing.live).await?)
}
