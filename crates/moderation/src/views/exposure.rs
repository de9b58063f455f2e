//! How much a person uncovered, shown to that person and nobody else; who looks after people sees counts of the last day and week in [`super::workload()`].

use sqlx::{AnyConnection, query};

use super::ViewError;
use crate::Seawall;
use crate::model::care::CareSettings;
use crate::model::{Actor, Exposure, PolicyCode, Timestamp};
use crate::routing::wishes;
use crate::store::StoreError;
use crate::store::columns::Columns;

/// The most looks of a day that are counted.
const LOOKS_MAX: i64 = 5_000;
/// So many days are shown.
pub const EXPOSURE_DAYS: i64 = 14;

/// How much a person uncovered on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExposureDay {
    /// The beginning of the day, UTC.
    pub day: Timestamp,
    /// Clear pictures.
    pub n: i64,
}

/// How much the person uncovered of late, and whether they rest. Programs and the command line never do.
pub async fn exposure(app: &Seawall, actor: &Actor) -> Result<Exposure, ViewError> {
    let mut conn = app.store.reader().await?;
    Ok(exposure_of(app, &mut conn, actor).await?)
}

pub(crate) async fn exposure_of(
    app: &Seawall,
    conn: &mut AnyConnection,
    actor: &Actor,
) -> Result<Exposure, StoreError> {
    let Some(user) = actor.user() else {
        return Ok(Exposure::default());
    };
    let now = app.clock.now();
    let rows = query(
        // Written as the index of the workload is: else the whole log would be read.
        "SELECT at FROM store_event
         WHERE at > $1 AND kind IN ('media.revealed', 'entry.revealed', 'case.decided') AND kind <> 'case.decided' AND actor = $2
         ORDER BY at DESC LIMIT $3",
    )
    .bind(now.before(CareSettings::DAY).unix_ms())
    .bind(user.to_string())
    .bind(LOOKS_MAX)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("count what a person looked at"))?;
    let looks: Result<Vec<Timestamp>, StoreError> = rows.iter().map(|row| row.time("at")).collect();
    Ok(app.settings.care.exposure(&looks?, now))
}

/// What the person said that they do not want to be given. Nobody else sees it.
pub async fn own_wishes(app: &Seawall, actor: &Actor) -> Result<Vec<PolicyCode>, ViewError> {
    match actor.user().filter(|_| actor.token().is_none()) {
        Some(user) => Ok(wishes::of(&mut *app.store.reader().await?, user).await?.not),
        None => Ok(Vec::new()),
    }
}

/// How much the person uncovered, day by day, the latest first.
pub async fn exposure_days(app: &Seawall, actor: &Actor) -> Result<Vec<ExposureDay>, ViewError> {
    let Some(user) = actor.user() else {
        return Ok(Vec::new());
    };
    const DAY_MS: i64 = 86_400_000;
    let today = app.clock.now().unix_ms().div_euclid(DAY_MS);
    let rows = query(
        "SELECT at / 86400000 AS day, COUNT(*) AS n FROM store_event
         WHERE at >= $1 AND kind IN ('media.revealed', 'entry.revealed', 'case.decided') AND kind <> 'case.decided' AND actor = $2
         GROUP BY at / 86400000",
    )
    .bind((today - EXPOSURE_DAYS + 1) * DAY_MS)
    .bind(user.to_string())
    .fetch_all(&mut *app.store.reader().await?)
    .await
    .map_err(StoreError::at("count what a person looked at, day by day"))?;
    let mut days: Vec<ExposureDay> = (0..EXPOSURE_DAYS)
        .map(|ago| ExposureDay {
            day: Timestamp::from_unix_ms((today - ago) * DAY_MS),
            n: 0,
        })
        .collect();
    for row in &rows {
        let ago = today - row.int("day")?;
        if let Some(day) = usize::try_from(ago).ok().and_then(|ago| days.get_mut(ago)) {
            day.n = row.int("n")?;
        }
    }
    Ok(days)
}
