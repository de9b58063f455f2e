//! How often guessing at sign-ins failed, and how long the next guess has to wait.
//!
//! Failures are counted in lanes: for an address, for a name as tried from an address, for a name from everywhere, and for a
//! browser that its user has signed in with before. A lane lets some failures pass, then makes each next attempt wait
//! longer, and forgives a failure from time to time. It never knows whether a name exists, so it cannot tell.
//!
//! Start with [`Lane`]; the arithmetic is [`Tally`]'s. Sources: NIST SP 800-63B, "Rate limiting (throttling)"; OWASP, "Slow
//! Down Online Guessing Attacks with Device Cookies".

use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::query;

use crate::model::{Timestamp, UserId};
use crate::store::columns::Columns;
use crate::store::{StoreError, Tx};

/// How patient a lane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// So many failures cost no wait.
    pub free: i64,
    /// The wait after the first failure that does; each further one doubles it.
    pub wait_min: Duration,
    /// The longest wait.
    pub wait_max: Duration,
    /// A failure is forgiven each time so much time has passed without another.
    pub forgiven_every: Duration,
}

impl Patience {
    /// One address, whatever names it tries. Many people may share an address.
    pub const ADDRESS: Self = Self {
        free: 60,
        wait_min: Duration::from_secs(5),
        wait_max: Duration::from_secs(60),
        forgiven_every: Duration::from_secs(60),
    };
    /// One name from one address, or from a browser that is known for it: someone who mistypes, or someone who guesses.
    pub const NAME_FROM_ADDRESS: Self = Self {
        free: 5,
        wait_min: Duration::from_secs(30),
        wait_max: Duration::from_secs(3600),
        forgiven_every: Duration::from_secs(3600),
    };
    /// One name from everywhere but its own browsers. It takes several addresses to get here.
    pub const NAME: Self = Self {
        free: 20,
        wait_min: Duration::from_secs(30),
        wait_max: Duration::from_secs(3600),
        forgiven_every: Duration::from_secs(3600),
    };

    /// After this many failures waits grow no more, and none is counted beyond, so that what is forgiven soon shows.
    fn failures_max(self) -> i64 {
        let mut doublings = 0;
        while self.wait_min * (1 << doublings) < self.wait_max {
            doublings += 1;
        }
        self.free + 1 + i64::from(doublings)
    }
}

/// The failures that are counted in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    key: String,
    patience: Patience,
    /// Whether who signs in through it is alone in it, so that a success shows the failures before it to be slips.
    is_own: bool,
}

impl Lane {
    /// Of an address.
    pub fn of_address(address: &str) -> Self {
        Self::new(&["address", address], Patience::ADDRESS, false)
    }

    /// Of a name as tried from an address.
    pub fn of_name_from(name: &str, address: &str) -> Self {
        Self::new(&["name from", address, name], Patience::NAME_FROM_ADDRESS, true)
    }

    /// Of a name from everywhere.
    pub fn of_name(name: &str) -> Self {
        Self::new(&["name", name], Patience::NAME, false)
    }

    /// Of a browser that its user has signed in with before, by the hash of its token.
    pub fn of_device(token_hash: &str) -> Self {
        Self::new(&["device", token_hash], Patience::NAME_FROM_ADDRESS, true)
    }

    /// Of a person who is signed in and proves once more that it is them.
    pub fn of_own(user: &str) -> Self {
        Self::new(&["own", user], Patience::NAME_FROM_ADDRESS, true)
    }

    /// Hashed, because what is typed as a name may be anything, a password among others.
    fn new(parts: &[&str], patience: Patience, is_own: bool) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        Self {
            key: hex::encode(hasher.finalize()),
            patience,
            is_own,
        }
    }
}

/// What is counted in a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Failures that are not forgiven.
    pub n_failures: i64,
    /// When they were counted.
    pub counted_at: Timestamp,
    /// No attempt is looked at before.
    pub open_at: Timestamp,
}

impl Tally {
    /// The tally with one failure more. An attempt is counted before it is looked at, so that many at once are many.
    pub fn charged(self, patience: Patience, now: Timestamp) -> Self {
        let forgiven = now.since(self.counted_at).as_secs() / patience.forgiven_every.as_secs().max(1);
        let forgiven = i64::try_from(forgiven).unwrap_or(i64::MAX);
        let n_failures = (self.n_failures.saturating_sub(forgiven).max(0) + 1).min(patience.failures_max());
        let open_at = match u32::try_from(n_failures - patience.free - 1) {
            Err(_) => now,
            Ok(doublings) => now.after(
                patience
                    .wait_min
                    .saturating_mul(1 << doublings.min(20))
                    .min(patience.wait_max),
            ),
        };
        Self {
            n_failures,
            counted_at: now,
            open_at,
        }
    }
}

/// Counts one attempt in each lane as a failure. `Err` with the moment from which on another is looked at if a lane is shut;
/// the caller then gives the transaction up, so that only what was looked at counts.
pub async fn charge(tx: &mut Tx, lanes: &[Lane], now: Timestamp) -> Result<Result<Vec<Tally>, Timestamp>, StoreError> {
    let at = StoreError::at("count an attempt to sign in");
    let mut shut_until = None;
    let mut tallies = Vec::with_capacity(lanes.len());
    for lane in lanes {
        // The write takes the row's lock in both engines, also where the row is new.
        let row = query(
            "INSERT INTO access_attempt (lane, n_failures, counted_at, open_at) VALUES ($1, 0, $2, $2)
             ON CONFLICT (lane) DO UPDATE SET lane = excluded.lane RETURNING n_failures, counted_at, open_at",
        )
        .bind(lane.key.clone())
        .bind(now.unix_ms())
        .fetch_one(tx.conn())
        .await
        .map_err(&at)?;
        let tally = Tally {
            n_failures: row.int("n_failures")?,
            counted_at: row.time("counted_at")?,
            open_at: row.time("open_at")?,
        };
        if tally.open_at > now {
            shut_until = shut_until.max(Some(tally.open_at));
        }
        tallies.push(tally.charged(lane.patience, now));
    }
    if let Some(until) = shut_until {
        return Ok(Err(until));
    }
    for (lane, tally) in lanes.iter().zip(&tallies) {
        write(tx, lane, *tally).await?;
    }
    Ok(Ok(tallies))
}

/// The attempt succeeded: it is no failure, and the lanes that are this person's alone begin anew.
pub async fn forgive(tx: &mut Tx, lanes: &[Lane], now: Timestamp) -> Result<(), StoreError> {
    let at = StoreError::at("forget a success among the failures");
    for lane in lanes {
        let statement = if lane.is_own {
            "UPDATE access_attempt SET n_failures = 0, open_at = $2 WHERE lane = $1"
        } else {
            "UPDATE access_attempt SET n_failures = n_failures - 1, open_at = $2 WHERE lane = $1 AND n_failures > 0"
        };
        query(statement)
            .bind(lane.key.clone())
            .bind(now.unix_ms())
            .execute(tx.conn())
            .await
            .map_err(&at)?;
    }
    Ok(())
}

/// Forgets lanes in which nothing was counted since `before`.
pub async fn forget_attempts_before(tx: &mut Tx, before: Timestamp) -> Result<(), StoreError> {
    query("DELETE FROM access_attempt WHERE counted_at < $1")
        .bind(before.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget attempts to sign in"))?;
    Ok(())
}

/// Remembers that a user has signed in with a browser.
pub async fn put_device(
    tx: &mut Tx,
    token_hash: &str,
    user: UserId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let at = StoreError::at("remember a browser");
    query("DELETE FROM access_device WHERE expires_at <= $1")
        .bind(now.unix_ms())
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    query(
        "INSERT INTO access_device (token_hash, user_id, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (token_hash) DO UPDATE SET expires_at = excluded.expires_at",
    )
    .bind(token_hash.to_owned())
    .bind(user.to_string())
    .bind(expires_at.unix_ms())
    .execute(tx.conn())
    .await
    .map_err(&at)?;
    Ok(())
}

/// Whose browser it is, if anyone has signed in with it before.
pub async fn find_device(tx: &mut Tx, token_hash: &str, now: Timestamp) -> Result<Option<UserId>, StoreError> {
    let row = query("SELECT user_id FROM access_device WHERE token_hash = $1 AND expires_at > $2")
        .bind(token_hash.to_owned())
        .bind(now.unix_ms())
        .fetch_optional(tx.conn())
        .await
        .map_err(StoreError::at("look a browser up"))?;
    row.map(|row| row.parse("user_id")).transpose()
}

/// Forgets all browsers of a user.
pub async fn delete_devices_of(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    query("DELETE FROM access_device WHERE user_id = $1")
        .bind(user.to_string())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("forget the browsers of a user"))?;
    Ok(())
}

async fn write(tx: &mut Tx, lane: &Lane, tally: Tally) -> Result<(), StoreError> {
    query("UPDATE access_attempt SET n_failures = $1, counted_at = $2, open_at = $3 WHERE lane = $4")
        .bind(tally.n_failures)
        .bind(tally.counted_at.unix_ms())
        .bind(tally.open_at.unix_ms())
        .bind(lane.key.clone())
        .execute(tx.conn())
        .await
        .map_err(StoreError::at("count an attempt to sign in"))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: u64 = 24 * 3600;

    /// Guesses as fast as a lane lets through, for so long; how many were looked at.
    fn n_guesses(patience: Patience, for_s: u64) -> usize {
        let start = Timestamp::from_unix_ms(1_000_000);
        let (mut now, mut n) = (start, 0);
        let mut tally = Tally {
            n_failures: 0,
            counted_at: start,
            open_at: start,
        };
        while now.since(start).as_secs() < for_s {
            tally = tally.charged(patience, now);
            n += 1;
            now = tally.open_at.max(now.after(Duration::from_secs(1)));
        }
        n
    }

    #[test]
    fn who_guesses_gets_few_guesses() {
        // Less than the hundred failures in a row that NIST SP 800-63B allows, for one who has a day and many addresses.
        let (of_many, of_one) = (
            n_guesses(Patience::NAME, DAY_S),
            n_guesses(Patience::NAME_FROM_ADDRESS, DAY_S),
        );
        assert!(of_many < 60 && of_one < 45, "{of_many} {of_one}");
    }

    #[test]
    fn who_mistypes_waits_little_and_is_forgiven() {
        let patience = Patience::NAME_FROM_ADDRESS;
        let start = Timestamp::from_unix_ms(1_000_000);
        let mut tally = Tally {
            n_failures: 0,
            counted_at: start,
            open_at: start,
        };
        for _ in 0..patience.free {
            tally = tally.charged(patience, start);
            assert_eq!(tally.open_at, start);
        }
        let waits: Vec<u64> = (0..9)
            .map(|_| {
                tally = tally.charged(patience, start);
                tally.open_at.since(start).as_secs()
            })
            .collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]);
        let next_day = start.after(Duration::from_secs(DAY_S));
        assert_eq!(tally.charged(patience, next_day).n_failures, 1);
    }

    #[test]
    fn lanes_do_not_meet() {
        let lanes = [
            Lane::of_name("a"),
            Lane::of_address("a"),
            Lane::of_device("a"),
            Lane::of_name_from("a", "b"),
            Lane::of_name_from("b", "a"),
            Lane::of_name_from("", "ab"),
        ];
        for (idx, lane) in lanes.iter().enumerate() {
            assert!(lanes[..idx].iter().all(|other| other.key != lane.key), "{idx}");
        }
    }
}
