//! Time zones: what the clocks on a wall say at an instant, and at which instant they say something. The rules of all zones are in the program, so that every machine
//! says the same. Instants are kept and exported in UTC; a zone is for people's eyes, and for what people mean by a time of day. Pure.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::Timestamp;

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut names: Vec<String> = DATABASE.available().map(|name| name.as_str().to_owned()).collect();
    names.sort();
    names
});

/// A time zone of the tz database, by its name there, such as `Asia/Kathmandu`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Zone(&'static str);

impl Zone {
    /// Universal time.
    pub const UTC: Zone = Zone("UTC");

    /// The zone with this name.
    pub fn named(name: &str) -> Option<Self> {
        let at = NAMES.binary_search_by(|known| known.as_str().cmp(name)).ok()?;
        Some(Zone(&NAMES[at]))
    }

    /// Those that are listed to people: universal time, and every place. Old names and bare offsets are taken, but not listed.
    pub fn listed() -> Vec<Zone> {
        const AREAS: [&str; 9] = [
            "Africa/",
            "America/",
            "Antarctica/",
            "Asia/",
            "Atlantic/",
            "Australia/",
            "Europe/",
            "Indian/",
            "Pacific/",
        ];
        let is_place = |name: &&String| AREAS.iter().any(|area| name.starts_with(area));
        let places = NAMES.iter().filter(is_place).map(|name| Zone(name.as_str()));
        std::iter::once(Zone::UTC).chain(places).collect()
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// What clocks there say at an instant; none for an instant that no calendar has.
    pub fn civil(self, at: Timestamp) -> Option<DateTime> {
        let instant = jiff::Timestamp::from_millisecond(at.unix_ms()).ok()?;
        Some(self.rules().to_datetime(instant))
    }

    /// When clocks there say so: where they say it twice, the first time; where they never do, as long after the jump as it would have been after it began.
    pub fn instant(self, civil: DateTime) -> Option<Timestamp> {
        let instant = self.rules().to_timestamp(civil).ok()?;
        Some(Timestamp::from_unix_ms(instant.as_millisecond()))
    }

    /// How far its clocks are from universal time at an instant, as people write it: `UTC`, `UTC+1`, `UTC+5:45`.
    pub fn offset(self, at: Timestamp) -> String {
        let instant = jiff::Timestamp::from_millisecond(at.unix_ms()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let minutes = self.rules().to_offset(instant).seconds() / 60;
        let (sign, minutes) = match minutes {
            0 => return "UTC".to_owned(),
            minutes if minutes < 0 => ('-', -minutes),
            minutes => ('+', minutes),
        };
        match minutes % 60 {
            0 => format!("UTC{sign}{}", minutes / 60),
            rest => format!("UTC{sign}{}:{rest:02}", minutes / 60),
        }
    }

    fn rules(self) -> TimeZone {
        match self.0 {
            "UTC" => TimeZone::UTC,
            // What has a name here has rules in the database: both come from there.
            name => DATABASE.get(name).unwrap_or(TimeZone::UTC),
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A text that names no time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no time zone of the tz database, such as `Europe/Berlin` or `UTC`")]
pub struct UnknownZone;

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(text: &str) -> Result<Self, UnknownZone> {
        Zone::named(text).ok_or(UnknownZone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        let instant: jiff::Timestamp = text.parse().unwrap();
        Timestamp::from_unix_ms(instant.as_millisecond())
    }

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    #[test]
    fn clocks_say_what_they_say_there() {
        let check = |name: &str, instant: &str, civil: &str, offset: &str| {
            let (zone, at) = (zone(name), at(instant));
            assert_eq!(zone.civil(at).unwrap().to_string(), civil, "{name}");
            assert_eq!(zone.offset(at), offset, "{name}");
        };
        check("UTC", "2026-03-29T01:30:00Z", "2026-03-29T01:30:00", "UTC");
        check("Europe/Berlin", "2026-03-29T00:59:00Z", "2026-03-29T01:59:00", "UTC+1");
        check("Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00", "UTC+2");
        check(
            "Asia/Kathmandu",
            "2026-03-29T20:00:00Z",
            "2026-03-30T01:45:00",
            "UTC+5:45",
        );
        check(
            "America/St_Johns",
            "2026-01-01T00:00:00Z",
            "2025-12-31T20:30:00",
            "UTC-3:30",
        );
    }

    #[test]
    fn a_time_of_day_is_one_instant_on_days_of_change_too() {
        let check = |civil: &str, instant: &str| {
            let found = zone("Europe/Berlin").instant(civil.parse().unwrap()).unwrap();
            assert_eq!(found, at(instant), "{civil}");
        };
        check("2026-03-29T08:00:00", "2026-03-29T06:00:00Z");
        check("2026-03-28T08:00:00", "2026-03-28T07:00:00Z");
        check("2026-03-29T02:30:00", "2026-03-29T01:30:00Z");
        check("2026-10-25T02:30:00", "2026-10-25T00:30:00Z");
    }

    #[test]
    fn only_zones_of_the_database_are_taken() {
        for name in [
            "",
            "europe/berlin",
            "Mars/Olympus",
            "Europe/Berlin ",
            "<script>",
            "../../etc/passwd",
        ] {
            assert_eq!(Zone::named(name), None, "{name}");
        }
        let listed = Zone::listed();
        assert_eq!(listed[0], Zone::UTC);
        assert!(listed.len() > 300 && listed.contains(&zone("Asia/Kathmandu")));
        assert!(listed.iter().all(|zone| Zone::named(zone.name()) == Some(*zone)));
    }
}
