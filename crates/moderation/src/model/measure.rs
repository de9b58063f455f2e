//! Measures: what can be done about an item and the account that posted it, each reversible. Pure.
//!
//! They are those that a statement of reasons can name (Art. 17(1) of Regulation (EU) 2022/2065): visibility (a)–(b), monetisation, the service, the account;
//! and a warning, which restricts nothing. A decision of a person says all that shall be so: what stood and is not named is lifted.

use std::time::Duration;

use policy::words;

use super::{ActionKind, Timestamp};

words! {
    /// What is restricted, or available again.
    Restricted, "what can be restricted" {
        /// The item itself: nobody sees it.
        Item = "item",
        /// The item in some countries: its scope names them.
        Countries = "countries",
        /// How far it is shown to others.
        Reach = "reach",
        /// Who sees it: adults only.
        Age = "age",
        /// Its comments.
        Comments = "comments",
        /// What others can do with it: like, share, answer.
        Interaction = "interaction",
        /// Its looks: a label stands by it, its scope says which.
        Label = "label",
        /// Nothing: the account that posted it is warned.
        Warning = "warning",
        /// The account that posted it, as a rule for a time.
        Account = "account",
        /// One of the platform's services, for that account: its scope says which.
        Service = "service",
        /// What the account earns.
        Monetisation = "monetisation",
        /// The account, for good: it is closed, and kept for as long as somebody can object.
        Termination = "termination",
    }
}

impl Restricted {
    /// Whether it is the account that it restricts: one of several items may do so, and the last one that lets go frees it.
    pub const fn is_of_account(self) -> bool {
        match self {
            Restricted::Warning
            | Restricted::Account
            | Restricted::Service
            | Restricted::Monetisation
            | Restricted::Termination => true,
            Restricted::Item
            | Restricted::Countries
            | Restricted::Reach
            | Restricted::Age
            | Restricted::Comments
            | Restricted::Interaction
            | Restricted::Label => false,
        }
    }

    /// Whether it is a state that lasts until another item lets go of it, too. Each warning is one of its own.
    pub const fn is_shared(self) -> bool {
        self.is_of_account() && !matches!(self, Restricted::Warning)
    }

    /// Whether it can have an end.
    pub const fn can_end(self) -> bool {
        !matches!(self, Restricted::Item | Restricted::Warning | Restricted::Termination)
    }

    /// Whether the platform can be asked, later, if it is so. A warning was given or not; nothing of it is left to see.
    pub const fn can_be_rechecked(self) -> bool {
        !matches!(self, Restricted::Warning)
    }

    /// What its scope is called where it is told; none where it has none.
    pub const fn scope_name(self) -> Option<&'static str> {
        match self {
            Restricted::Countries => Some("countries"),
            Restricted::Label => Some("label"),
            Restricted::Service => Some("service"),
            Restricted::Item
            | Restricted::Reach
            | Restricted::Age
            | Restricted::Comments
            | Restricted::Interaction
            | Restricted::Warning
            | Restricted::Account
            | Restricted::Monetisation
            | Restricted::Termination => None,
        }
    }

    /// The word of the order. What is not about the item as a whole has words of its own: a platform that does not know them refuses the order instead of
    /// taking the item down, or worse, putting it back.
    pub fn order_word(self, kind: ActionKind) -> String {
        match (self, kind) {
            (Restricted::Item, kind) => kind.to_string(),
            (Restricted::Label, ActionKind::Restrict) => "add_label".to_owned(),
            (Restricted::Label, ActionKind::Restore) => "remove_label".to_owned(),
            (Restricted::Warning, ActionKind::Restrict) => "warn_account".to_owned(),
            (Restricted::Warning, ActionKind::Restore) => "withdraw_warning".to_owned(),
            (Restricted::Termination, ActionKind::Restrict) => "terminate_account".to_owned(),
            (Restricted::Termination, ActionKind::Restore) => "reinstate_account".to_owned(),
            (what, kind) => format!("{kind}_{what}"),
        }
    }
}

/// How long a measure lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lasts {
    /// As long as it would, if it stands already; else until somebody decides.
    AsItStands,
    /// Until somebody decides.
    Open,
    /// For so long.
    For(Duration),
}

/// One measure of a judgement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Measure {
    /// What.
    pub what: Restricted,
    /// Countries, a label or a service, where the kind has one; else empty. Countries are ISO 3166-1 codes in the order of the alphabet, a space between two.
    pub scope: String,
    /// How long.
    pub lasts: Lasts,
}

/// One thing that is restricted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stands {
    /// What.
    pub what: Restricted,
    /// In which countries, with which label, which service.
    pub scope: String,
    /// Until when.
    pub until: Option<Timestamp>,
}

/// A measure that cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMeasure {
    /// The same one is named twice.
    #[error("names the same measure twice")]
    Twice,
    /// The operator said that the platform cannot do it.
    #[error("names a measure that this platform does not take")]
    NotOffered,
    /// The item was posted by nobody that Seawall knows.
    #[error("is about an account, and nobody is known to have posted the item")]
    NoAccount,
    /// No countries, or something that is none.
    #[error("must name one or more countries by their ISO 3166-1 codes of two letters")]
    Countries,
    /// The item is unavailable everywhere already.
    #[error("makes the item unavailable everywhere and in some countries: choose one")]
    Everywhere,
    /// No such label or service.
    #[error("must name one of the labels or services that the platform has")]
    Scope,
    /// Its time was over since somebody looked at it.
    #[error("names what ended meanwhile")]
    Ended,
    /// It has no end, or lasts too short or too long.
    #[error("must last one hour to ten years, where it can end at all")]
    Lasts,
}

impl Measure {
    /// The shortest that a measure lasts.
    pub const LASTS_MIN: Duration = Duration::from_secs(3_600);
    /// The longest.
    pub const LASTS_MAX: Duration = Duration::from_secs(3_650 * 24 * 3_600);
    /// The most characters of a label's or a service's name.
    pub const WORD_LENGTH_MAX: usize = 32;

    /// One without a scope.
    pub const fn new(what: Restricted, lasts: Lasts) -> Self {
        Self {
            what,
            scope: String::new(),
            lasts,
        }
    }

    /// One with what a person wrote for its scope, made tidy: `fr, de,FR` are the countries `DE FR`.
    pub fn scoped(what: Restricted, written: &str, lasts: Lasts) -> Self {
        let scope = match what {
            Restricted::Countries => {
                let is_between = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '،');
                let mut codes: Vec<String> = written.split(is_between).map(str::to_ascii_uppercase).collect();
                codes.retain(|code| !code.is_empty());
                codes.sort();
                codes.dedup();
                codes.join(" ")
            }
            _ => written.trim().to_owned(),
        };
        Self { what, scope, lasts }
    }

    /// As it is kept while it waits: `lasts` is `stands`, `open` or a number of seconds.
    pub fn to_json(&self) -> serde_json::Value {
        let lasts: serde_json::Value = match self.lasts {
            Lasts::AsItStands => "stands".into(),
            Lasts::Open => "open".into(),
            Lasts::For(length) => length.as_secs().into(),
        };
        serde_json::json!({ "what": self.what.as_str(), "scope": self.scope, "lasts": lasts })
    }

    /// The measure in such JSON.
    pub fn of_json(json: &serde_json::Value) -> Option<Self> {
        let lasts = &json["lasts"];
        Some(Self {
            what: json["what"].as_str()?.parse().ok()?,
            scope: json["scope"].as_str()?.to_owned(),
            lasts: match lasts.as_str() {
                Some("stands") => Lasts::AsItStands,
                Some("open") => Lasts::Open,
                Some(_) => return None,
                None => Lasts::For(Duration::from_secs(lasts.as_u64()?)),
            },
        })
    }

    /// When it ends, if it is taken now and stands already until `stands_until`.
    pub fn ends_at(&self, stands_until: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
        match self.lasts {
            Lasts::AsItStands => stands_until,
            Lasts::Open => None,
            Lasts::For(length) => Some(now.after(length)),
        }
    }
}

/// What the platform can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasureSettings {
    /// The measures that people may choose.
    pub offered: Vec<Restricted>,
    /// The labels that the platform knows; with none, no label is offered.
    pub labels: Vec<String>,
    /// The services that it can close to an account, one by one; with none, none is offered.
    pub services: Vec<String>,
}

impl Default for MeasureSettings {
    fn default() -> Self {
        Self {
            offered: Restricted::ALL.to_vec(),
            labels: Vec::new(),
            services: Vec::new(),
        }
    }
}

impl MeasureSettings {
    /// The words that the scope of a measure can be, where it is one of some.
    pub fn scopes(&self, what: Restricted) -> &[String] {
        match what {
            Restricted::Label => &self.labels,
            Restricted::Service => &self.services,
            _ => &[],
        }
    }

    /// Whether people may choose it.
    pub fn is_offered(&self, what: Restricted) -> bool {
        let is_empty = matches!(what, Restricted::Label | Restricted::Service) && self.scopes(what).is_empty();
        self.offered.contains(&what) && !is_empty
    }

    /// Whether all of a judgement's measures can be taken, on an item that somebody known posted or not. What stands already, with the same scope, may
    /// stand on though the platform takes it no more.
    pub fn check(
        &self,
        measures: &[Measure],
        has_account: bool,
        stands: impl Fn(&Measure) -> bool,
    ) -> Result<(), InvalidMeasure> {
        for (place, measure) in measures.iter().enumerate() {
            if measures[..place].iter().any(|earlier| earlier.what == measure.what) {
                return Err(InvalidMeasure::Twice);
            }
            if let Lasts::For(length) = measure.lasts
                && (!measure.what.can_end() || length < Measure::LASTS_MIN || length > Measure::LASTS_MAX)
            {
                return Err(InvalidMeasure::Lasts);
            }
            if stands(measure) {
                continue;
            }
            if !self.is_offered(measure.what) {
                return Err(InvalidMeasure::NotOffered);
            }
            if measure.what.is_of_account() && !has_account {
                return Err(InvalidMeasure::NoAccount);
            }
            self.check_scope(measure)?;
        }
        let names = |what| measures.iter().any(|measure| measure.what == what);
        match names(Restricted::Item) && names(Restricted::Countries) {
            true => Err(InvalidMeasure::Everywhere),
            false => Ok(()),
        }
    }

    fn check_scope(&self, measure: &Measure) -> Result<(), InvalidMeasure> {
        match measure.what {
            Restricted::Countries => {
                let mut codes = measure.scope.split(' ').peekable();
                let is_right = codes.peek().is_some_and(|first| !first.is_empty()) && codes.all(is_country);
                is_right.then_some(()).ok_or(InvalidMeasure::Countries)
            }
            Restricted::Label | Restricted::Service => {
                let is_known = self.scopes(measure.what).contains(&measure.scope);
                is_known.then_some(()).ok_or(InvalidMeasure::Scope)
            }
            _ => measure.scope.is_empty().then_some(()).ok_or(InvalidMeasure::Scope),
        }
    }
}

/// Whether these two letters name a country: ISO 3166-1 alpha-2, and `XK`, which it leaves to its users and they give to Kosovo.
pub fn is_country(code: &str) -> bool {
    code.len() == 2 && COUNTRIES.split(' ').any(|country| country == code)
}

const COUNTRIES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP \
    KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ \
    NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW \
    SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ \
    UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3_600);

    fn settings() -> MeasureSettings {
        MeasureSettings {
            labels: vec!["graphic".to_owned()],
            ..MeasureSettings::default()
        }
    }

    fn check(measures: &[Measure]) -> Result<(), InvalidMeasure> {
        settings().check(measures, true, |_| false)
    }

    #[test]
    fn every_measure_has_words_of_its_own_and_none_takes_the_item_down_by_mistake() {
        let mut words: Vec<String> = Vec::new();
        for what in Restricted::ALL {
            words.push(what.order_word(ActionKind::Restrict));
            words.push(what.order_word(ActionKind::Restore));
        }
        let n = words.len();
        words.sort();
        words.dedup();
        assert_eq!(words.len(), n);
        assert_eq!(Restricted::Item.order_word(ActionKind::Restrict), "restrict");
        assert_eq!(Restricted::Account.order_word(ActionKind::Restore), "restore_account");
    }

    #[test]
    fn countries_are_written_as_people_do_and_kept_tidy() {
        let countries = |written| Measure::scoped(Restricted::Countries, written, Lasts::Open);
        assert_eq!(countries(" fr, de;FR،at ").scope, "AT DE FR");
        for (written, expected) in [
            ("de", Ok(())),
            ("", Err(InvalidMeasure::Countries)),
            ("de xx", Err(InvalidMeasure::Countries)),
            ("germany", Err(InvalidMeasure::Countries)),
            ("UK", Err(InvalidMeasure::Countries)),
        ] {
            assert_eq!(check(&[countries(written)]), expected, "{written}");
        }
        assert_eq!(COUNTRIES.split(' ').filter(|code| code.len() == 2).count(), 250);
        assert!(!is_country("") && !is_country(" A"));
    }

    #[test]
    fn what_cannot_be_taken_is_refused() {
        let open = |what| Measure::new(what, Lasts::Open);
        let lasting = |what, length| Measure::new(what, Lasts::For(length));
        for (measures, expected) in [
            (
                vec![open(Restricted::Item), lasting(Restricted::Account, DAY * 7)],
                Ok(()),
            ),
            (
                vec![open(Restricted::Age), open(Restricted::Age)],
                Err(InvalidMeasure::Twice),
            ),
            (vec![open(Restricted::Service)], Err(InvalidMeasure::NotOffered)),
            (vec![open(Restricted::Label)], Err(InvalidMeasure::Scope)),
            (vec![Measure::scoped(Restricted::Label, "graphic", Lasts::Open)], Ok(())),
            (
                vec![Measure::scoped(Restricted::Label, "rude", Lasts::Open)],
                Err(InvalidMeasure::Scope),
            ),
            (
                vec![Measure::scoped(Restricted::Age, "18", Lasts::Open)],
                Err(InvalidMeasure::Scope),
            ),
            (vec![lasting(Restricted::Termination, DAY)], Err(InvalidMeasure::Lasts)),
            (vec![lasting(Restricted::Item, DAY)], Err(InvalidMeasure::Lasts)),
            (
                vec![lasting(Restricted::Account, Duration::from_secs(60))],
                Err(InvalidMeasure::Lasts),
            ),
            (
                vec![lasting(Restricted::Account, DAY * 4_000)],
                Err(InvalidMeasure::Lasts),
            ),
            (
                vec![
                    open(Restricted::Item),
                    Measure::scoped(Restricted::Countries, "DE", Lasts::Open),
                ],
                Err(InvalidMeasure::Everywhere),
            ),
        ] {
            assert_eq!(check(&measures), expected, "{measures:?}");
        }
    }

    #[test]
    fn a_measure_is_read_as_it_was_written() {
        for lasts in [Lasts::AsItStands, Lasts::Open, Lasts::For(DAY * 7)] {
            let measure = Measure::scoped(Restricted::Countries, "DE FR", lasts);
            assert_eq!(Measure::of_json(&measure.to_json()), Some(measure));
        }
        assert_eq!(
            Measure::of_json(&serde_json::json!({ "what": "age", "scope": "", "lasts": "long" })),
            None
        );
    }

    #[test]
    fn what_is_about_an_account_needs_one_and_what_stands_may_stand_on() {
        let settings = settings();
        for what in Restricted::ALL {
            let scope = match what {
                Restricted::Countries => "DE",
                Restricted::Label => "graphic",
                _ => "",
            };
            let measure = [Measure::scoped(*what, scope, Lasts::AsItStands)];
            let refused = settings.check(&measure, false, |_| false);
            let expected = match what {
                Restricted::Service => Err(InvalidMeasure::NotOffered),
                what if what.is_of_account() => Err(InvalidMeasure::NoAccount),
                _ => Ok(()),
            };
            assert_eq!(refused, expected, "{what}");
            assert_eq!(settings.check(&measure, false, |_| true), Ok(()), "{what}");
        }
    }
}
