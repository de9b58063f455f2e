//! Who is on shift when: days of the week and hours, as clocks say them where the shift is meant.

use std::fmt;
use std::str::FromStr;

use sqlx::any::AnyRow;
use sqlx::query;

use crate::model::{Chance, UserId, Zone};
use crate::store::columns::{Columns, damaged};
use crate::store::{AnyConnection, StoreError, Tx};

/// The most shifts of all people together.
pub const SHIFTS_MAX: i64 = 500;

/// The id of a shift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShiftId(u64);

impl ShiftId {
    /// A new id.
    pub fn fresh(chance: &Chance) -> Self {
        Self(u64::from_be_bytes(chance.bytes()))
    }
}

impl fmt::Display for ShiftId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shift_{:016x}", self.0)
    }
}

/// A text that is no id of a shift.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form `shift_…`")]
pub struct NoShiftId;

impl FromStr for ShiftId {
    type Err = NoShiftId;

    fn from_str(text: &str) -> Result<Self, NoShiftId> {
        let digits = text.strip_prefix("shift_").filter(|digits| digits.len() == 16);
        let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        number.map(Self).ok_or(NoShiftId)
    }
}

/// A person is on shift on some days of each week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// Its id.
    pub id: ShiftId,
    /// Who.
    pub user: UserId,
    /// On which days it begins; 0 is Monday.
    pub days: Vec<u8>,
    /// At which minute of the day it begins.
    pub from_minute: u16,
    /// How long it lasts by the clock, at most a day.
    pub n_minutes: u16,
    /// By whose clocks.
    pub zone: Zone,
}

impl Shift {
    /// Minutes of a day: the longest shift.
    pub const MINUTES_MAX: u16 = 24 * 60;
}

/// Keeps a shift.
pub async fn insert(tx: &mut Tx, shift: &Shift) -> Result<(), StoreError> {
    let days: String = shift.days.iter().map(u8::to_string).collect();
    query(
        "INSERT INTO routing_shift (id, user_id, days, from_minute, n_minutes, zone) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(shift.id.to_string())
    .bind(shift.user.to_string())
    .bind(days)
    .bind(i64::from(shift.from_minute))
    .bind(i64::from(shift.n_minutes))
    .bind(shift.zone.name())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep a shift"))?;
    Ok(())
}

/// Forgets a shift; whose it was, if it was there.
pub async fn delete(tx: &mut Tx, id: ShiftId) -> Result<Option<UserId>, StoreError> {
    let row = query("DELETE FROM routing_shift WHERE id = $1 RETURNING user_id")
        .bind(id.to_string())
        .fetch_optional(tx.conn())
        .await
        .map_err(StoreError::at("forget a shift"))?;
    row.map(|row| row.parse("user_id")).transpose()
}

/// All shifts.
pub async fn all(conn: &mut AnyConnection) -> Result<Vec<Shift>, StoreError> {
    let rows = query(
        "SELECT id, user_id, days, from_minute, n_minutes, zone FROM routing_shift ORDER BY user_id, from_minute, id LIMIT $1",
    )
    .bind(SHIFTS_MAX)
    .fetch_all(conn)
    .await
    .map_err(StoreError::at("read shifts"))?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Shift, StoreError> {
    let days = row.text("days")?;
    let days: Option<Vec<u8>> = days
        .chars()
        .map(|day| day.to_digit(7).and_then(|day| u8::try_from(day).ok()))
        .collect();
    Ok(Shift {
        id: row.parse("id")?,
        user: row.parse("user_id")?,
        days: days.ok_or_else(|| damaged("days", "not days of a week"))?,
        from_minute: row.number("from_minute")?,
        n_minutes: row.number("n_minutes")?,
        zone: row.parse("zone")?,
    })
}
