//! What one case stands for: other items that show the same, and the run of posts of its account or channel. A person may decide them together; nothing here
//! decides anything, and what is posted later is not part of it.

use std::collections::HashMap;

use signal::{Pdq, Signal, SignalType};
use sqlx::{AnyConnection, query};

use super::ViewError;
use super::together::{ItemBrief, briefs};
use crate::model::{Actor, CaseId, Item, ItemId, Right, Timestamp, off_thread};
use crate::store::StoreError;
use crate::store::columns::{Columns, damaged};
use crate::{Seawall, cases, items};

/// The most items of a cluster.
pub const CLUSTER_ITEMS_MAX: usize = 200;
/// So many rows are looked at for each reason.
const ROWS_MAX: i64 = 1_000;
/// Hashes that are read at a time, and the most that are compared: the newest.
const HASHES_PAGE: i64 = 5_000;
const HASHES_MAX: usize = 50_000;

/// Why an item belongs to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It has the same file, byte by byte.
    SameFile,
    /// It matches the same known content.
    SameEntry {
        /// How near it lies to that, in bits.
        distance: u32,
    },
    /// One of its pictures is nearly the same.
    Alike {
        /// How near, in bits.
        distance: u32,
    },
    /// The same account posted it about the same time, and the same rule or bank found something about it.
    SameAccount,
    /// It was posted in the same channel about the same time, and the same rule or bank found something about it.
    SameChannel,
}

/// An item of a cluster.
#[derive(Debug, Clone)]
pub struct Member {
    /// What is known of it.
    pub brief: ItemBrief,
    /// Why it belongs to it, the strongest reason first.
    pub why: Vec<Why>,
}

impl Member {
    /// Whether it has the same file: then it is chosen unless somebody says otherwise.
    pub fn is_identical(&self) -> bool {
        self.why.contains(&Why::SameFile)
    }
}

/// What one case stands for.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The item of the case itself.
    pub own: ItemBrief,
    /// The others, the strongest reasons first; at most [`CLUSTER_ITEMS_MAX`].
    pub members: Vec<Member>,
    /// Whether there are more, or not all could be compared.
    pub is_cut: bool,
}

/// What a case stands for: of items about which a case is open, or that no person decided on.
pub async fn cluster(app: &Seawall, actor: &Actor, id: CaseId) -> Result<Option<Cluster>, ViewError> {
    actor.require(Right::ReadCases)?;
    let mut conn = app.store.reader().await?;
    let now = app.clock.now();
    let found = cases::find(&mut conn, id).await?;
    let Some(case) = found.filter(|case| case.is_open_to(actor, now)) else {
        return Ok(None);
    };
    let Some((item, _)) = items::find(&mut conn, &case.item).await? else {
        return Ok(None);
    };
    let Some(own) = briefs(&mut conn, actor, std::slice::from_ref(&item.id), now)
        .await?
        .pop()
    else {
        return Ok(None);
    };
    let mut reasons = remembered(app, &mut conn, &item).await?;
    let asked = own_hashes(app, &mut conn, &item).await?;
    drop(conn);
    let is_short = alike(app, &item, &asked, &mut reasons).await?;
    let mut conn = app.store.reader().await?;
    let (mut members, is_cut) = members(&mut conn, actor, reasons, now).await?;
    let has_more = members.len() > CLUSTER_ITEMS_MAX;
    members.truncate(CLUSTER_ITEMS_MAX);
    Ok(Some(Cluster {
        own,
        members,
        is_cut: is_cut || is_short || has_more,
    }))
}

/// How many items a case stands for by what is remembered of them, without comparing pictures; at most [`CLUSTER_ITEMS_MAX`].
pub async fn n_in_cluster(app: &Seawall, actor: &Actor, item: &Item) -> Result<usize, ViewError> {
    actor.require(Right::ReadCases)?;
    let mut conn = app.store.reader().await?;
    let reasons = remembered(app, &mut conn, item).await?;
    let (members, _) = members(&mut conn, actor, reasons, app.clock.now()).await?;
    Ok(members.len().min(CLUSTER_ITEMS_MAX))
}

type Reasons = HashMap<ItemId, Vec<Why>>;

/// How strong a reason is: the smaller, the stronger.
fn weakness(why: &Why) -> (u8, u32) {
    match why {
        Why::SameFile => (0, 0),
        Why::SameEntry { distance } => (1, *distance),
        Why::Alike { distance } => (2, *distance),
        Why::SameAccount => (3, 0),
        Why::SameChannel => (4, 0),
    }
}

/// The items that the actor reaches and that wait for somebody; whether some were not looked at.
async fn members(
    conn: &mut AnyConnection,
    actor: &Actor,
    reasons: Reasons,
    now: Timestamp,
) -> Result<(Vec<Member>, bool), StoreError> {
    /// More are looked at than are shown: some are decided, or not this person's.
    const LOOKED_AT_MAX: usize = 3 * CLUSTER_ITEMS_MAX;
    let mut sorted: Vec<(ItemId, Vec<Why>)> = reasons.into_iter().collect();
    for (_, why) in &mut sorted {
        why.sort_by_key(weakness);
    }
    sorted.sort_by(|(a, why_a), (b, why_b)| {
        let of = |why: &[Why]| why.first().map(weakness);
        (of(why_a), a).cmp(&(of(why_b), b))
    });
    let is_cut = sorted.len() > LOOKED_AT_MAX;
    sorted.truncate(LOOKED_AT_MAX);
    let ids: Vec<ItemId> = sorted.iter().map(|(id, _)| id.clone()).collect();
    let mut reasons: Reasons = sorted.into_iter().collect();
    let found = briefs(conn, actor, &ids, now).await?;
    let waits = |brief: &ItemBrief| brief.open_case.is_some() || !brief.is_decided_by_person;
    let found = found.into_iter().filter(waits).map(|brief| Member {
        why: reasons.remove(&brief.item.id).unwrap_or_default(),
        brief,
    });
    Ok((found.collect(), is_cut))
}

/// What needs no comparing: the same files, the same known content, runs of posts.
async fn remembered(app: &Seawall, conn: &mut AnyConnection, item: &Item) -> Result<Reasons, StoreError> {
    let at = StoreError::at("look for items that belong together");
    let mut reasons = Reasons::new();
    let rows = query(
        "SELECT DISTINCT m.item_id FROM items_media om
         JOIN items_signal own ON own.media_id = om.id AND own.type IN ('md5', 'sha256')
         JOIN items_signal s ON s.type = own.type AND s.value = own.value
         JOIN items_media m ON m.id = s.media_id
         JOIN items_item i ON i.id = m.item_id AND i.revision = m.revision
         WHERE om.item_id = $1 AND om.revision = $2 AND m.item_id <> $1 LIMIT $3",
    )
    .bind(item.id.to_string())
    .bind(item.revision)
    .bind(ROWS_MAX)
    .fetch_all(&mut *conn)
    .await
    .map_err(&at)?;
    for row in &rows {
        reasons.entry(row.parse("item_id")?).or_default().push(Why::SameFile);
    }
    let rows = query(
        "SELECT o.item_id, MIN(o.distance) AS distance
         FROM (SELECT t.item_id, t.distance FROM matching_match t JOIN items_item i ON i.id = t.item_id AND i.revision = t.revision
               WHERE t.tier = 'match' AND t.item_id <> $1
                 AND t.entry_id IN (SELECT own.entry_id FROM matching_match own
                                    WHERE own.item_id = $1 AND own.revision = $2 AND own.tier = 'match')
               LIMIT $3) o
         GROUP BY o.item_id",
    )
    .bind(item.id.to_string())
    .bind(item.revision)
    .bind(ROWS_MAX)
    .fetch_all(&mut *conn)
    .await
    .map_err(&at)?;
    for row in &rows {
        let why = Why::SameEntry {
            distance: row.number("distance")?,
        };
        reasons.entry(row.parse("item_id")?).or_default().push(why);
    }
    for (column, value, why) in [
        ("account", &item.account, Why::SameAccount),
        ("channel", &item.channel, Why::SameChannel),
    ] {
        let Some(value) = value else { continue };
        for id in run_of(app, conn, item, (column, value)).await? {
            reasons.entry(id).or_default().push(why);
        }
    }
    Ok(reasons)
}

/// What was posted by the same account, or in the same channel, about the same time, and of which the same rule said something or the same bank has something.
async fn run_of(
    app: &Seawall,
    conn: &mut AnyConnection,
    item: &Item,
    (column, value): (&'static str, &str),
) -> Result<Vec<ItemId>, StoreError> {
    let statement = format!(
        "SELECT i.id FROM items_item i
         WHERE i.{column} = $1 AND i.updated_at >= $3 AND i.updated_at <= $4 AND i.id <> $2
           AND (EXISTS (SELECT 1 FROM decisions_decision d
                        WHERE d.item_id = i.id AND d.revision = i.revision AND d.author_kind = 'rule' AND d.outcome <> 'allow'
                          AND d.author IN (SELECT own.author FROM decisions_decision own
                                           WHERE own.item_id = $2 AND own.revision = $5 AND own.author_kind = 'rule'
                                             AND own.outcome <> 'allow'))
             OR EXISTS (SELECT 1 FROM matching_match t
                        WHERE t.item_id = i.id AND t.revision = i.revision
                          AND t.bank_id IN (SELECT own.bank_id FROM matching_match own
                                            WHERE own.item_id = $2 AND own.revision = $5)))
         ORDER BY i.updated_at DESC, i.id LIMIT $6"
    );
    let window = app.settings.desk.run;
    let rows = query(sqlx::AssertSqlSafe(statement))
        .bind(value.to_owned())
        .bind(item.id.to_string())
        .bind(item.updated_at.before(window).unix_ms())
        .bind(item.updated_at.after(window).unix_ms())
        .bind(item.revision)
        .bind(ROWS_MAX)
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("look for a run of posts"))?;
    rows.iter().map(|row| row.parse("id")).collect()
}

/// The hashes of the item's own pictures.
async fn own_hashes(app: &Seawall, conn: &mut AnyConnection, item: &Item) -> Result<Vec<Pdq>, StoreError> {
    /// Pictures of one item that are compared.
    const OWN_MAX: i64 = 64;
    let rows = query(
        "SELECT s.value, s.quality FROM items_media m JOIN items_signal s ON s.media_id = m.id
         WHERE m.item_id = $1 AND m.revision = $2 AND s.type = 'pdq' ORDER BY s.media_id, s.idx LIMIT $3",
    )
    .bind(item.id.to_string())
    .bind(item.revision)
    .bind(OWN_MAX)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read the hashes of an item"))?;
    let mut hashes = Vec::with_capacity(rows.len());
    for row in &rows {
        let kept = Signal::parse(SignalType::Pdq, &row.text("value")?, row.opt_number("quality")?);
        let kept = kept.map_err(|error| damaged("value", error))?;
        hashes.extend(app.matcher.settings().comparable(&kept));
    }
    Ok(hashes)
}

/// Adds items with a picture that is nearly the same; says whether older ones were not compared.
async fn alike(app: &Seawall, item: &Item, asked: &[Pdq], reasons: &mut Reasons) -> Result<bool, StoreError> {
    if asked.is_empty() {
        return Ok(false);
    }
    let settings = app.matcher.settings();
    let within = settings.unjudged().match_bits;
    let (mut n_compared, mut after) = (0, None);
    loop {
        let page = items::newest_hashes(&mut *app.store.reader().await?, after, HASHES_PAGE).await?;
        let Some(last) = page.last() else { return Ok(false) };
        after = Some((last.media, last.idx));
        n_compared += page.len();
        off_thread(|| {
            for kept in page.iter().filter(|kept| kept.item != item.id) {
                let Some(hash) = settings.comparable(&kept.signal) else {
                    continue;
                };
                let nearest = asked.iter().map(|own| own.distance(hash)).min();
                let Some(distance) = nearest.filter(|distance| *distance <= within) else {
                    continue;
                };
                let known = reasons.entry(kept.item.clone()).or_default();
                let before = known.iter_mut().find_map(|why| match why {
                    Why::Alike { distance } => Some(distance),
                    _ => None,
                });
                match before {
                    Some(before) => *before = distance.min(*before),
                    None => known.push(Why::Alike { distance }),
                }
            }
        });
        if n_compared >= HASHES_MAX {
            return Ok(true);
        }
    }
}
