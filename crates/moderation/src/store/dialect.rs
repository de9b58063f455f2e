//! What differs between the engines. Everything else is one text.

use sqlx::AnyConnection;

use super::tx::Lock;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Embedded, in one file.
    Sqlite,
    /// A server.
    Postgres,
}

/// Whether an error code of either engine says that the database is away, full or overloaded. SQLite's are numbers whose low
/// byte is the kind (sqlite.org/rescode.html); Postgres has five characters, of which two are the class (appendix A).
pub(super) fn says_unavailable(code: &str) -> bool {
    const SQLITE: [i32; 5] = [
        5,  /* busy */
        6,  /* locked */
        10, /* I/O */
        13, /* full */
        14, /* cannot open */
    ];
    match code.len() {
        5 => ["08", "53", "57P", "55P03"].iter().any(|class| code.starts_with(class)),
        _ => code.parse::<i32>().is_ok_and(|code| SQLITE.contains(&(code & 0xff))),
    }
}

/// Whether an error code of SQLite says that another connection was faster.
pub(super) fn says_busy(code: &str) -> bool {
    code.parse::<i32>().is_ok_and(|code| code & 0xff == 5)
}

impl Engine {
    pub(super) fn of_url(url: &str) -> Option<Self> {
        if url.starts_with("sqlite:") {
            Some(Engine::Sqlite)
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            Some(Engine::Postgres)
        } else {
            None
        }
    }

    /// The address with what Seawall always wants: a missing SQLite file is made.
    pub(super) fn connect_url(self, url: &str) -> String {
        match self {
            Engine::Sqlite if !url.contains("mode=") => {
                format!("{url}{}mode=rwc", if url.contains('?') { '&' } else { '?' })
            }
            Engine::Sqlite | Engine::Postgres => url.to_owned(),
        }
    }

    /// Settings of a new connection. SQLite syncs at every commit: what was acknowledged survives a power cut too.
    pub(super) async fn prepare_connection(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        let settings: &[&'static str] = match self {
            Engine::Sqlite => &[
                "PRAGMA busy_timeout = 20000",
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = FULL",
                "PRAGMA foreign_keys = ON",
                "PRAGMA trusted_schema = OFF",
                "PRAGMA cache_size = -16000",
            ],
            Engine::Postgres => &[
                "SET lock_timeout = '20s'",
                "SET idle_in_transaction_session_timeout = '60s'",
            ],
        };
        for setting in settings {
            sqlx::query(*setting).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// The statement that begins a transaction which will write.
    pub(super) const fn begin(self) -> &'static str {
        match self {
            // Takes the write lock at once, so that a transaction never fails half-way for want of it.
            Engine::Sqlite => "BEGIN IMMEDIATE",
            Engine::Postgres => "BEGIN",
        }
    }

    /// The statement that begins a transaction which reads one moment of the whole store.
    pub(super) const fn begin_snapshot(self) -> &'static str {
        match self {
            Engine::Sqlite => "BEGIN",
            Engine::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }

    /// A statement that waits for the lock and holds it until the transaction ends. SQLite has one writer anyway.
    pub(super) const fn lock(self, lock: Lock) -> Option<&'static str> {
        match (self, lock) {
            (Engine::Sqlite, _) => None,
            (Engine::Postgres, Lock::Migrations) => Some("SELECT pg_advisory_xact_lock(7300418)"),
            (Engine::Postgres, Lock::Users) => Some("SELECT pg_advisory_xact_lock(7300419)"),
            (Engine::Postgres, Lock::Accounts) => Some("SELECT pg_advisory_xact_lock(7300420)"),
        }
    }

    /// At the end of a sub-select: rows that another worker is taking are passed over.
    pub(super) const fn skip_locked(self) -> &'static str {
        match self {
            Engine::Sqlite => "",
            Engine::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// A statement that counts anew what a table and its indexes hold. Postgres plans by such counts and makes them when it comes to it, a minute
    /// or a tenth of the table later; until then it would rather read a whole table than a new index. One that is being counted is left alone.
    /// SQLite plans by the statement.
    pub(super) fn refresh_statistics(self, table: &str) -> Option<String> {
        match self {
            Engine::Sqlite => None,
            Engine::Postgres => Some(format!("ANALYZE (SKIP_LOCKED) {table}")),
        }
    }

    /// A migration in the engine's own words. Text is compared by its bytes in both engines: ids sort by their time in
    /// databases of every language, and an index outlives an update of the system's sorting rules.
    pub(super) fn migration(self, text: &str) -> String {
        match self {
            Engine::Sqlite => text.replace("{{BLOB}}", "BLOB"),
            Engine::Postgres => text
                .replace(" TEXT", " TEXT COLLATE \"C\"")
                .replace("{{BLOB}}", "BYTEA"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_is_away_is_told_from_one_that_refuses() {
        for code in [
            "08006", "57P01", "57P03", "53100", "53300", "55P03", "5", "517", "13", "14",
        ] {
            assert!(says_unavailable(code), "{code}");
        }
        for code in ["23505", "42P01", "57014", "40001", "1", "2067", "1555", "11", ""] {
            assert!(!says_unavailable(code), "{code}");
        }
    }
}
