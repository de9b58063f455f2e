//! Which decisions are asked of a second person, and with what chance: kinds of decisions, each with a share of its own. Also of what was let go and of what rules
//! decided alone, or nobody would ever see what was missed.

use policy::words;
use sqlx::{AnyConnection, query};

use crate::model::{Outcome, Timestamp};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

words! {
    /// A kind of decision.
    Stratum, "a kind of decision" {
        /// A person restricted.
        PersonRestrict = "person_restrict",
        /// A person let it go.
        PersonAllow = "person_allow",
        /// A rule restricted.
        RuleRestrict = "rule_restrict",
        /// A rule let it go: nobody looked.
        RuleAllow = "rule_allow",
    }
}

/// A share of one.
pub const WHOLE_PPM: u32 = 1_000_000;

impl Stratum {
    /// The kind of a decision; none of what is not decided yet.
    pub const fn of(is_of_a_person: bool, outcome: Outcome) -> Option<Self> {
        match (is_of_a_person, outcome) {
            (_, Outcome::Review) => None,
            (true, Outcome::Restrict) => Some(Stratum::PersonRestrict),
            (true, Outcome::Allow) => Some(Stratum::PersonAllow),
            (false, Outcome::Restrict) => Some(Stratum::RuleRestrict),
            (false, Outcome::Allow) => Some(Stratum::RuleAllow),
        }
    }

    /// How many of a million are asked of a second person, unless a lead chose otherwise: of what a person decided 5 %, of what a rule restricted 3 %, of what a rule
    /// let go, which is nearly everything, one in 2,000.
    pub const fn shipped_ppm(self) -> u32 {
        match self {
            Stratum::PersonRestrict | Stratum::PersonAllow => 50_000,
            Stratum::RuleRestrict => 30_000,
            Stratum::RuleAllow => 500,
        }
    }

    /// Whether a person decided: only then do the two answers say how alike people decide.
    pub const fn is_of_a_person(self) -> bool {
        matches!(self, Stratum::PersonRestrict | Stratum::PersonAllow)
    }
}

/// The share of each kind, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares([u32; Stratum::ALL.len()]);

impl Shares {
    /// The share of one kind.
    pub fn of(&self, stratum: Stratum) -> u32 {
        let place = Stratum::ALL.iter().position(|known| *known == stratum);
        place.and_then(|place| self.0.get(place)).copied().unwrap_or(0)
    }
}

/// Whether a draw of `0..1` falls on a decision of this share.
pub fn is_drawn(share_ppm: u32, unit: f64) -> bool {
    unit * f64::from(WHOLE_PPM) < f64::from(share_ppm)
}

/// The shares that hold now.
pub async fn shares(conn: &mut AnyConnection) -> Result<Shares, StoreError> {
    let rows = query("SELECT stratum, ppm FROM quality_share")
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read how much is asked twice"))?;
    let mut shares: Vec<u32> = Stratum::ALL.iter().map(|stratum| stratum.shipped_ppm()).collect();
    for row in &rows {
        let stratum: Stratum = row.parse("stratum")?;
        if let Some(place) = Stratum::ALL.iter().position(|known| *known == stratum) {
            shares[place] = row.number("ppm")?;
        }
    }
    let mut found = [0; Stratum::ALL.len()];
    found.copy_from_slice(&shares);
    Ok(Shares(found))
}

/// Sets the share of one kind.
pub async fn set_share(tx: &mut Tx, stratum: Stratum, ppm: u32, now: Timestamp) -> Result<(), StoreError> {
    query(
        "INSERT INTO quality_share (stratum, ppm, changed_at) VALUES ($1, $2, $3)
         ON CONFLICT (stratum) DO UPDATE SET ppm = excluded.ppm, changed_at = excluded.changed_at",
    )
    .bind(stratum.as_str())
    .bind(i64::from(ppm))
    .bind(now.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("set how much is asked twice"))?;
    Ok(())
}

/// Up to which decision it was drawn, locked until the transaction ends; none if it never was.
pub async fn drawn_up_to(tx: &mut Tx) -> Result<Option<String>, StoreError> {
    // A write that changes nothing takes the row's lock in both engines.
    let row = query("UPDATE quality_drawn SET up_to = up_to WHERE id = 1 RETURNING up_to")
        .fetch_optional(tx.conn())
        .await
        .map_err(StoreError::at("look up to where it was drawn"))?;
    row.map(|row| row.text("up_to")).transpose()
}

/// Keeps up to which decision it was drawn.
pub async fn set_drawn_up_to(tx: &mut Tx, decision: &str) -> Result<(), StoreError> {
    query(
        "INSERT INTO quality_drawn (id, up_to) VALUES (1, $1)
         ON CONFLICT (id) DO UPDATE SET up_to = excluded.up_to",
    )
    .bind(decision.to_owned())
    .execute(tx.conn())
    .await
    .map_err(StoreError::at("keep up to where it was drawn"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_drawn_as_often_as_it_says() {
        assert!(is_drawn(WHOLE_PPM, 0.999_999_9) && !is_drawn(0, 0.0));
        assert!(is_drawn(500, 0.000_499) && !is_drawn(500, 0.000_5));
    }
}
