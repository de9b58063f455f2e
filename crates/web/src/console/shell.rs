//! What every page knows besides its own matter: the words, the person, the time, and how to say things with them.
//!
//! Start with [`Shell`]; templates call its methods. It reads nothing from the store.

use std::fmt::Display;
use std::time::Duration;

use moderation::flows::access::actor_of;
use moderation::model::{Right, Role, Roles, Scope, Session, Timestamp, Zone};
use moderation::views::PROPOSALS_COUNTED_MAX;

use super::assets;
use super::flash::Flash;
use super::prefs::Prefs;
use super::words::Words;

/// What every page knows.
#[derive(Debug, Clone)]
pub struct Shell {
    /// The words in the person's language.
    pub words: &'static Words,
    /// What the person chose.
    pub prefs: Prefs,
    /// The platform's time zone, for those who chose none.
    pub zone_of_platform: Zone,
    /// The instant of the request.
    pub now: Timestamp,
    /// Path and query of the request: where to come back to.
    pub here: String,
    /// Who is signed in.
    pub session: Option<Session>,
    /// What was just done.
    pub flash: Option<Flash>,
    /// Until when pictures stay covered for them, on pages that show some.
    pub rests_until: Option<Timestamp>,
    /// How many proposals wait for them to say yes or no; [`PROPOSALS_COUNTED_MAX`] for so many or more.
    pub n_proposals: i64,
}

/// `text` set apart so that its direction does not disturb what stands around it.
pub fn isolated(text: &str) -> String {
    format!("\u{2068}{text}\u{2069}")
}

/// Something that has an instant: lets templates pass values and references alike.
pub trait At {
    /// The instant.
    fn at(&self) -> Timestamp;
}

impl At for Timestamp {
    fn at(&self) -> Timestamp {
        *self
    }
}

impl<T: At + ?Sized> At for &T {
    fn at(&self) -> Timestamp {
        (**self).at()
    }
}

/// Something that counts: lets templates pass values and references alike.
pub trait Count {
    /// The count.
    fn n(&self) -> u64;
}

macro_rules! count {
    ($($type:ty),+) => { $(impl Count for $type { fn n(&self) -> u64 { u64::try_from(*self).unwrap_or(0) } })+ };
}
count!(u8, u32, u64, usize, i64);

impl<T: Count + ?Sized> Count for &T {
    fn n(&self) -> u64 {
        (**self).n()
    }
}

impl Shell {
    /// The words at `key`.
    pub fn t<'a>(&self, key: &'a str) -> &'a str {
        self.words.t(key)
    }

    /// The words at `key` with one value put in.
    pub fn with(&self, key: &str, name: &str, value: impl Display) -> String {
        self.words.with(key, name, &value.to_string())
    }

    /// The words at `key` with two values put in.
    pub fn with_two(&self, key: &str, name: &str, value: impl Display, other: &str, second: impl Display) -> String {
        self.words
            .with_all(key, &[(name, &value.to_string()), (other, &second.to_string())])
    }

    /// The counted words at `key`.
    pub fn count(&self, key: &str, n: impl Count) -> String {
        self.words.count(key, n.n())
    }

    /// A number as the language writes it.
    pub fn number(&self, n: impl Count) -> String {
        self.words.number(n.n())
    }

    /// The words for one of a closed set, such as `queue` and `matches`; the bare word if it is not known.
    pub fn word(&self, set: &str, word: impl Display) -> String {
        let word = word.to_string();
        self.words.get(&format!("{set}.{word}")).map_or(word, str::to_owned)
    }

    /// A rule's reason in this language; a person's reason as it is.
    pub fn reason<'a>(&self, reason: &'a str) -> &'a str {
        self.words.get(&format!("reason.{reason}")).unwrap_or(reason)
    }

    /// What an event of this kind is, in words.
    pub fn event(&self, kind: &str) -> String {
        self.words
            .get(&format!("event.{}", kind.replace('.', "_")))
            .unwrap_or(kind)
            .to_owned()
    }

    /// Who did something: a name as it is, or the words for those who have none.
    pub fn actor<'a>(&self, name: &'a str) -> &'a str {
        match name {
            "operator" => self.words.t("log.operator"),
            "system" => self.words.t("log.system"),
            name => name,
        }
    }

    /// Why a file was not scanned, in words.
    pub fn unscanned(&self, reason: &str) -> String {
        self.word("unscanned", reason)
    }

    /// What an API key with this scope opens, in words.
    pub fn scope(&self, scope: &Scope) -> String {
        self.word("scope", scope.as_str().replace(':', "_"))
    }

    /// What a person with this role does, in words.
    pub fn role_help(&self, role: &Role) -> String {
        self.word("role", format!("{role}_help"))
    }

    /// The language's tag.
    pub fn lang(&self) -> &'static str {
        self.words.lang.code()
    }

    /// The language's direction.
    pub fn dir(&self) -> &'static str {
        self.words.lang.dir()
    }

    /// A length of time in its largest unit, such as `3 h`.
    fn span(&self, span: Duration) -> String {
        let minutes = span.as_secs() / 60;
        let (key, n) = match minutes {
            0..=119 => ("time.minutes", minutes.max(1)),
            120..=2_879 => ("time.hours", minutes / 60),
            _ => ("time.days", minutes / 1_440),
        };
        self.words.with(key, "n", &n.to_string())
    }

    /// How long ago something was, such as `3 h`.
    pub fn span_since(&self, at: impl At) -> String {
        self.span(self.now.since(at.at()))
    }

    /// How long until something is.
    pub fn span_until(&self, at: impl At) -> String {
        self.span(at.at().since(self.now))
    }

    /// How long ago something was, in words.
    pub fn ago(&self, at: impl At) -> String {
        if self.now.since(at.at()) < Duration::from_secs(60) {
            return self.words.t("time.now").to_owned();
        }
        self.words.with("time.ago", "span", &self.span_since(at))
    }

    /// In how long something will be, in words.
    pub fn moment_in(&self, at: impl At) -> String {
        if at.at() <= self.now {
            return self.words.t("time.now").to_owned();
        }
        self.words.with("time.in", "span", &self.span_until(at))
    }

    /// The time zone in which they are told times.
    pub fn zone(&self) -> Zone {
        self.prefs.zone.unwrap_or(self.zone_of_platform)
    }

    /// What clocks say there, to the minute; in UTC where no calendar has the instant.
    fn civil(&self, at: Timestamp) -> String {
        match self.zone().civil(at) {
            Some(civil) => civil.strftime("%Y-%m-%d %H:%M").to_string(),
            None => at.to_string(),
        }
    }

    /// Day and time, and how far its clocks are from UTC.
    pub fn absolute(&self, at: impl At) -> String {
        let at = at.at();
        isolated(&format!("{} {}", self.civil(at), self.zone().offset(at)))
    }

    /// The day.
    pub fn day(&self, at: impl At) -> String {
        self.civil(at.at()).chars().take(10).collect()
    }

    /// The day in UTC, of what is counted by such days.
    pub fn day_utc(&self, at: impl At) -> String {
        at.at().to_string().chars().take(10).collect()
    }

    /// The time of day, and how far its clocks are from UTC.
    pub fn clock_time(&self, at: impl At) -> String {
        let at = at.at();
        let civil = self.civil(at);
        isolated(&format!(
            "{} {}",
            civil.get(11..16).unwrap_or_default(),
            self.zone().offset(at)
        ))
    }

    /// The instant at which a day begins that somebody wrote, such as `2027-01-31`; of the `nth` day after it.
    pub fn day_begins(&self, day: &str, nth: i64) -> Option<Timestamp> {
        let day: jiff::civil::Date = day.trim().parse().ok().filter(|_| day.trim().len() == 10)?;
        let day = day.checked_add(jiff::Span::new().try_days(nth).ok()?).ok()?;
        self.zone().instant(day.at(0, 0, 0, 0))
    }

    /// The token that forms of this session carry.
    pub fn csrf(&self) -> &str {
        self.session.as_ref().map_or("", |session| &session.csrf_token)
    }

    /// The name of who is signed in.
    pub fn user_name(&self) -> &str {
        self.session.as_ref().map_or("", |session| &session.user.name)
    }

    /// The first letter of it.
    pub fn initial(&self) -> String {
        self.user_name()
            .chars()
            .next()
            .map(|c| c.to_uppercase().to_string())
            .unwrap_or_default()
    }

    /// The roles of who is signed in, in words.
    pub fn role_word(&self) -> String {
        let session = self.session.as_ref();
        session
            .map(|session| self.roles(&session.user.roles))
            .unwrap_or_default()
    }

    /// Roles in words.
    pub fn roles(&self, roles: &Roles) -> String {
        let words: Vec<String> = roles
            .each()
            .iter()
            .map(|role| self.word("role", role.as_str()))
            .collect();
        words.join(" · ")
    }

    /// Whether the page is this path or below it.
    pub fn is_in(&self, path: &str) -> bool {
        self.here.starts_with(path)
    }

    fn may(&self, right: Right) -> bool {
        let Some(session) = &self.session else { return false };
        actor_of(&session.user).may(right)
    }

    /// Whether to offer cases.
    pub fn may_read_cases(&self) -> bool {
        self.may(Right::ReadCases)
    }

    /// Whether to offer what is done with cases.
    pub fn may_decide_cases(&self) -> bool {
        self.may(Right::DecideCases)
    }

    /// Whether to offer cases that colleagues hold.
    pub fn may_take_over_cases(&self) -> bool {
        self.may(Right::TakeOverCases)
    }

    /// Whether to count what waits for them as the second person.
    pub fn may_approve_proposals(&self) -> bool {
        self.may(Right::ApproveProposals)
    }

    /// How many proposals wait for them, as short as it can be said: `99+` is more than 99.
    pub fn n_proposals_short(&self) -> String {
        match self.n_proposals < PROPOSALS_COUNTED_MAX {
            true => self.number(self.n_proposals),
            false => format!("{}+", self.number(PROPOSALS_COUNTED_MAX - 1)),
        }
    }

    /// The same in words.
    pub fn n_proposals_words(&self) -> String {
        match self.n_proposals < PROPOSALS_COUNTED_MAX {
            true => self.count("proposals.n_waiting", self.n_proposals),
            false => self.with("proposals.many_waiting", "n", self.number(PROPOSALS_COUNTED_MAX - 1)),
        }
    }

    /// Whether to offer shifts and skills.
    pub fn may_plan_shifts(&self) -> bool {
        self.may(Right::PlanShifts)
    }

    /// Whether to offer pictures without their blur.
    pub fn may_reveal_media(&self) -> bool {
        self.rests_until.is_none() && self.may(Right::RevealMedia)
    }

    /// Whether to offer items and orders.
    pub fn may_read_items(&self) -> bool {
        self.may(Right::ReadItems)
    }

    /// Whether to offer banks.
    pub fn may_read_banks(&self) -> bool {
        self.may(Right::ReadBanks)
    }

    /// Whether to offer how much people looked at.
    pub fn may_read_workload(&self) -> bool {
        self.may(Right::ReadWorkload)
    }

    /// Whether to offer the figures of quality and of the desk.
    pub fn may_read_quality(&self) -> bool {
        self.may(Right::ReadQuality)
    }

    /// Whether to offer what settles blind reviews.
    pub fn may_settle_reviews(&self) -> bool {
        self.may(Right::SettleReviews)
    }

    /// Whether to offer changes of banks.
    pub fn may_write_banks(&self) -> bool {
        self.may(Right::WriteBanks)
    }

    /// Whether to offer the rules.
    pub fn may_read_rules(&self) -> bool {
        self.may(Right::ReadRules)
    }

    /// Whether to offer changes of the rules, and of lists and labels.
    pub fn may_propose_rules(&self) -> bool {
        self.may(Right::ProposeRules)
    }

    /// Whether to offer what stops rules: refusing a change, going back.
    pub fn may_stop_rules(&self) -> bool {
        self.may(Right::StopRules)
    }

    /// Whether to offer the event log.
    pub fn may_read_events(&self) -> bool {
        self.may(Right::ReadEvents)
    }

    /// Whether to offer another attempt at an action.
    pub fn may_retry_actions(&self) -> bool {
        self.may(Right::RetryActions)
    }

    /// Whether to offer users and keys.
    pub fn may_manage_access(&self) -> bool {
        self.may(Right::ManageAccess)
    }

    /// Where the style sheet is.
    pub fn style_url(&self) -> &'static str {
        assets::style_url()
    }

    /// Where the script is.
    pub fn script_url(&self) -> &'static str {
        assets::script_url()
    }

    /// Where the icon is.
    pub fn icon_url(&self) -> &'static str {
        assets::icon_url()
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::Lang;
    use super::*;

    fn shell(lang: Lang) -> Shell {
        Shell {
            words: Words::of(lang),
            prefs: Prefs::default(),
            zone_of_platform: Zone::UTC,
            now: Timestamp::from_unix_ms(1_795_226_786_007),
            here: "/desk".to_owned(),
            session: None,
            flash: None,
            rests_until: None,
            n_proposals: 0,
        }
    }

    fn bare(text: &str) -> String {
        text.replace(['\u{2068}', '\u{2069}'], "")
    }

    #[test]
    fn ages_are_said_in_their_largest_unit() {
        let shell = shell(Lang::En);
        let check = |seconds, expected: &str| {
            assert_eq!(
                bare(&shell.ago(shell.now.before(Duration::from_secs(seconds)))),
                expected
            );
        };
        check(0, "just now");
        check(59, "just now");
        check(60, "1 min ago");
        check(119 * 60, "119 min ago");
        check(2 * 3600, "2 h ago");
        check(47 * 3600, "47 h ago");
        check(5 * 86_400, "5 d ago");
        assert_eq!(bare(&shell.absolute(shell.now)), "2026-11-21 02:06 UTC");
        assert_eq!(bare(&shell.clock_time(shell.now)), "02:06 UTC");
    }

    #[test]
    fn times_are_told_in_the_zone_of_who_reads_them() {
        let mut shell = shell(Lang::En);
        shell.zone_of_platform = Zone::named("Europe/Berlin").unwrap();
        let at = |text: &str| {
            let instant: jiff::Timestamp = text.parse().unwrap();
            Timestamp::from_unix_ms(instant.as_millisecond())
        };
        // The hour before and after clocks are put forward.
        let (before, after) = (at("2026-03-29T00:59:00Z"), at("2026-03-29T01:00:00Z"));
        assert_eq!(bare(&shell.absolute(before)), "2026-03-29 01:59 UTC+1");
        assert_eq!(bare(&shell.absolute(after)), "2026-03-29 03:00 UTC+2");
        assert_eq!(shell.day_begins("2026-03-29", 0), Some(at("2026-03-28T23:00:00Z")));
        assert_eq!(
            shell.day_begins("2026-03-29", 1),
            Some(at("2026-03-29T22:00:00Z")),
            "a day of 23 hours"
        );
        shell.prefs.zone = Zone::named("Asia/Kathmandu");
        let late = at("2026-03-29T20:00:00Z");
        assert_eq!(bare(&shell.absolute(late)), "2026-03-30 01:45 UTC+5:45");
        assert_eq!(
            (shell.day(late).as_str(), shell.day_utc(late).as_str()),
            ("2026-03-30", "2026-03-29")
        );
        assert_eq!(bare(&shell.clock_time(late)), "01:45 UTC+5:45");
        for wrong in ["", "2026-02-30", "tomorrow", "2026-03-29T00:00:00Z"] {
            assert_eq!(shell.day_begins(wrong, 0), None, "{wrong}");
        }
    }

    #[test]
    fn more_than_is_counted_is_not_said_to_be_so_many() {
        let mut shell = shell(Lang::En);
        shell.n_proposals = 99;
        assert_eq!(shell.n_proposals_short(), "99");
        shell.n_proposals = 100;
        assert_eq!(shell.n_proposals_short(), "99+");
        assert!(bare(&shell.n_proposals_words()).contains("more than 99"));
    }

    #[test]
    fn a_rules_reason_is_translated_and_a_persons_is_not() {
        let shell = shell(Lang::De);
        assert_ne!(shell.reason("was reported by a person"), "was reported by a person");
        assert_eq!(shell.reason("ist Satire"), "ist Satire");
    }
}
