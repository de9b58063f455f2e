//! Items with all that is known of them, and verdicts as they were given.

use std::collections::HashMap;

use sqlx::{AnyConnection, query};

use super::cases::{CaseView, DecisionView, stands_of};
use super::reach::{reaches_item, reaches_media};
use super::{ViewError, names};
use crate::matching::evidence;
use crate::model::{
    Action, Actor, Case, CaseId, DecisionId, EntryId, EntryState, Item, ItemId, Match, Media, MediaId, MediaVerdict,
    Outcome, PreviewKind, Recheck, Right, StripPlace, TranscriptLine, Translation, Verdict,
};
use crate::store::StoreError;
use crate::store::columns::{Columns, damaged};
use crate::{Seawall, actions, banks, cases, decisions, items};

/// A line of the list of items.
#[derive(Debug, Clone)]
pub struct ItemRow {
    /// The item.
    pub item: Item,
    /// What was last decided on it.
    pub outcome: Option<Outcome>,
    /// The open case about it.
    pub open_case: Option<CaseId>,
    /// How many files it has.
    pub n_media: i64,
    /// How many of them could not be hashed.
    pub n_unscanned: i64,
}

/// An item with all that is known of it.
#[derive(Debug, Clone)]
pub struct ItemView {
    /// The item.
    pub item: Item,
    /// The languages of its text, as the platform named them.
    pub languages: Vec<String>,
    /// Its text in other languages.
    pub translations: Vec<Translation>,
    /// Why a person reported it.
    pub report: Option<String>,
    /// Its files.
    pub media: Vec<MediaView>,
    /// Decisions, oldest first: the newest [`CaseView::PAST_MAX`].
    pub decisions: Vec<DecisionView>,
    /// All cases, oldest first.
    pub cases: Vec<Case>,
    /// Orders, oldest first; as many.
    pub actions: Vec<Action>,
    /// What re-checks of them found, oldest first.
    pub rechecks: Vec<Recheck>,
}

/// A file with its matches.
#[derive(Debug, Clone)]
pub struct MediaView {
    /// The file.
    pub media: Media,
    /// Which previews there are.
    pub previews: Vec<PreviewKind>,
    /// Small pictures of it in the order of time, if it is a video.
    pub strip: Vec<StripPlace>,
    /// What is said in it, as the platform wrote it down.
    pub transcript: Vec<TranscriptLine>,
    /// What it matched, the nearest first.
    pub matches: Vec<MatchView>,
    /// There were more matches than are kept.
    pub matches_capped: bool,
}

/// A match with the entry it points at.
#[derive(Debug, Clone)]
pub struct MatchView {
    /// The match, as it was found.
    pub m: Match,
    /// What people call the entry.
    pub entry_name: String,
    /// Its labels.
    pub entry_labels: Vec<String>,
    /// Where it came from.
    pub entry_source: String,
    /// Whether there are previews of it.
    pub entry_has_previews: bool,
    /// Whether it is matched against now.
    pub entry_state: EntryState,
    /// How long the entry plays, if it does.
    pub entry_duration_ms: Option<u32>,
    /// Small pictures of the entry in the order of time, if it came as a video.
    pub entry_strip: Vec<StripPlace>,
}

/// An item with all that is known of it.
pub async fn item(app: &Seawall, actor: &Actor, id: &ItemId) -> Result<Option<ItemView>, ViewError> {
    actor.require(Right::ReadItems)?;
    let mut conn = app.store.reader().await?;
    if !reaches_item(&mut conn, actor, id).await? {
        return Ok(None);
    }
    let Some((item, report)) = items::find(&mut conn, id).await? else {
        return Ok(None);
    };
    let media = media_views(&mut conn, id, item.revision).await?;
    let facts = items::facts_of(&mut conn, id).await?;
    let translations = items::translations(&mut conn, id, item.revision).await?;
    let names = names::all(&mut conn).await?;
    let decisions = decisions::list_of_item(&mut conn, id, CaseView::PAST_MAX).await?;
    let decisions = decisions
        .into_iter()
        .map(|decision| DecisionView::of(decision, &names))
        .collect();
    let mut cases = cases::list_of_item(&mut conn, id).await?;
    cases.retain(|case| actor.queues().has(case.queue));
    let actions = actions::list_of_item(&mut conn, id, CaseView::PAST_MAX).await?;
    let rechecks = actions::rechecks::of_item(&mut conn, id, CaseView::PAST_MAX).await?;
    Ok(Some(ItemView {
        item,
        languages: facts.languages.unwrap_or_default(),
        translations,
        report,
        media,
        decisions,
        cases,
        actions,
        rechecks,
    }))
}

/// The verdict in force on an item.
pub async fn verdict(app: &Seawall, actor: &Actor, id: &ItemId) -> Result<Option<Verdict>, ViewError> {
    actor.require(Right::ReadItems)?;
    if !reaches_item(&mut *app.store.reader().await?, actor, id).await? {
        return Ok(None);
    }
    Ok(verdict_in_force(app, id).await?)
}

/// The blurred preview (JPEG) of a file. The clear ones are [`crate::flows::reveal`]'s, because a look at them is logged.
pub async fn blurred_media_preview(app: &Seawall, actor: &Actor, id: MediaId) -> Result<Option<Vec<u8>>, ViewError> {
    actor.require(Right::ReadCases)?;
    let mut conn = app.store.reader().await?;
    if !reaches_media(&mut conn, actor, id).await? {
        return Ok(None);
    }
    Ok(items::preview(&mut conn, id, PreviewKind::Blurred).await?)
}

/// A blurred picture (JPEG) of a video's strip. The clear ones are [`crate::flows::reveal`]'s.
pub async fn blurred_strip_picture(
    app: &Seawall,
    actor: &Actor,
    id: MediaId,
    idx: u32,
) -> Result<Option<Vec<u8>>, ViewError> {
    actor.require(Right::ReadCases)?;
    let mut conn = app.store.reader().await?;
    if !reaches_media(&mut conn, actor, id).await? {
        return Ok(None);
    }
    Ok(items::strip_picture(&mut conn, id, idx, true).await?)
}

/// How loud a file is: a byte for each tenth of a second.
pub async fn waveform(app: &Seawall, actor: &Actor, id: MediaId) -> Result<Option<Vec<u8>>, ViewError> {
    actor.require(Right::ReadCases)?;
    let mut conn = app.store.reader().await?;
    if !reaches_media(&mut conn, actor, id).await? {
        return Ok(None);
    }
    Ok(items::waveform(&mut conn, id).await?)
}

pub(crate) async fn verdict_in_force(app: &Seawall, item: &ItemId) -> Result<Option<Verdict>, StoreError> {
    let mut conn = app.store.reader().await?;
    match decisions::latest_of_item(&mut conn, item).await? {
        Some(decision) => verdict_with(&mut conn, &decision).await.map(Some),
        None => Ok(None),
    }
}

pub(crate) async fn verdict_of_decision(app: &Seawall, id: DecisionId) -> Result<Option<Verdict>, StoreError> {
    let mut conn = app.store.reader().await?;
    match decisions::find(&mut conn, id).await? {
        Some(decision) => verdict_with(&mut conn, &decision).await.map(Some),
        None => Ok(None),
    }
}

async fn verdict_with(conn: &mut AnyConnection, decision: &crate::model::Decision) -> Result<Verdict, StoreError> {
    let mut matches: HashMap<MediaId, Vec<Match>> = HashMap::new();
    for (media, found) in evidence::list(conn, &decision.item, decision.revision).await? {
        matches.entry(media).or_default().push(found);
    }
    let media = items::list_media(conn, &decision.item, decision.revision).await?;
    let media = media
        .into_iter()
        .map(|new| MediaVerdict {
            id: Some(new.media.id),
            name: new.media.name,
            status: new.media.status,
            signals: new.media.signals,
            matches: matches.remove(&new.media.id).unwrap_or_default(),
            matches_capped: new.matches_capped,
        })
        .collect();
    Ok(Verdict {
        item: decision.item.clone(),
        outcome: decision.outcome,
        decision: Some(decision.id),
        case: decision.case,
        measures: stands_of(conn, &decision.item).await?,
        media,
    })
}

/// The files of an item's revision, with their matches and the entries these point at.
pub(super) async fn media_views(
    conn: &mut AnyConnection,
    item: &ItemId,
    revision: i64,
) -> Result<Vec<MediaView>, StoreError> {
    let media = items::list_media(conn, item, revision).await?;
    let mut previews: HashMap<MediaId, Vec<PreviewKind>> = HashMap::new();
    for (id, kind) in items::preview_kinds(conn, item, revision).await? {
        previews.entry(id).or_default().push(kind);
    }
    let mut strips: HashMap<MediaId, Vec<StripPlace>> = HashMap::new();
    for (id, place) in items::strip_places(conn, item, revision).await? {
        strips.entry(id).or_default().push(place);
    }
    let mut transcripts: HashMap<MediaId, Vec<TranscriptLine>> = HashMap::new();
    transcripts.extend(items::transcripts(conn, item, revision).await?);
    let entry_strips = strips_of_entries(conn, item, revision).await?;
    let rows = query(
        "SELECT m.media_id, m.entry_id, m.bank_id, m.bank_name, m.bank_confirmed, m.type, m.value, m.distance, m.threshold,
                m.tier, m.view, m.frame_index, m.frame_at_ms, m.part, m.entry_part, m.sighting, m.nearest_benign_bits, m.segments, e.name AS entry_name, e.labels AS entry_labels,
                e.source AS entry_source, e.state AS entry_state,
                (SELECT COUNT(*) FROM banks_preview p WHERE p.entry_id = m.entry_id) AS n_previews,
                COALESCE((SELECT t.duration_ms FROM banks_timeline t WHERE t.entry_id = m.entry_id),
                         (SELECT s.duration_ms FROM banks_sound s WHERE s.entry_id = m.entry_id)) AS entry_duration_ms
         FROM matching_match m JOIN banks_entry e ON e.id = m.entry_id
         WHERE m.item_id = $1 AND m.revision = $2 ORDER BY m.media_id, m.idx",
    )
    .bind(item.to_string())
    .bind(revision)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read matches with their entries"))?;
    let mut matches: HashMap<MediaId, Vec<MatchView>> = HashMap::new();
    for row in &rows {
        let entry_labels =
            serde_json::from_str(&row.text("entry_labels")?).map_err(|error| damaged("labels", error))?;
        let m = evidence::read(row)?;
        let view = MatchView {
            entry_strip: entry_strips.get(&m.target.entry).cloned().unwrap_or_default(),
            m,
            entry_name: row.text("entry_name")?,
            entry_labels,
            entry_source: row.text("entry_source")?,
            entry_has_previews: row.int("n_previews")? > 0,
            entry_state: row.parse("entry_state")?,
            entry_duration_ms: row.opt_number("entry_duration_ms")?,
        };
        matches.entry(row.parse("media_id")?).or_default().push(view);
    }
    let views = media
        .into_iter()
        .map(|new| MediaView {
            strip: strips.remove(&new.media.id).unwrap_or_default(),
            transcript: transcripts.remove(&new.media.id).unwrap_or_default(),
            previews: previews.remove(&new.media.id).unwrap_or_default(),
            matches: matches.remove(&new.media.id).unwrap_or_default(),
            matches_capped: new.matches_capped,
            media: new.media,
        })
        .collect();
    Ok(views)
}

/// The strips of the entries that the files of an item's revision matched.
async fn strips_of_entries(
    conn: &mut AnyConnection,
    item: &ItemId,
    revision: i64,
) -> Result<HashMap<EntryId, Vec<StripPlace>>, StoreError> {
    let rows = query(
        "SELECT entry_id, idx, at_ms FROM banks_strip
         WHERE entry_id IN (SELECT m.entry_id FROM matching_match m WHERE m.item_id = $1 AND m.revision = $2)
         ORDER BY entry_id, idx",
    )
    .bind(item.to_string())
    .bind(revision)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the strips of matched entries"))?;
    let mut strips: HashMap<EntryId, Vec<StripPlace>> = HashMap::new();
    for row in &rows {
        let strip = strips.entry(row.parse("entry_id")?).or_default();
        strip.push(banks::read_place(row)?);
    }
    Ok(strips)
}

/// An entry's id; kept here so that a match view can be linked to its entry.
impl MatchView {
    /// The entry that the match points at.
    pub fn entry(&self) -> EntryId {
        self.m.target.entry
    }
}
