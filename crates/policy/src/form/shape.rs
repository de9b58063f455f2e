//! What a rule of a form looks for: the condition that says it, and the events that show it.

use super::proof::{Expect, Step, TestPlan};
use super::texts::{Pattern, WORDS_SHOWN, compiled, raw, texts, without, word_pattern};
use super::{RuleForm, is_name, name_help, quoted, wrong_words};

/// What a rule looks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Several accounts post the same thing.
    SameThing(SameThing),
    /// An account posts many items.
    ManyItems {
        /// So many are not too many yet.
        more_than: u32,
        /// In this time.
        within: Span,
    },
    /// It matches known content.
    Known(Known),
    /// Its text holds one of some words.
    Words(Vec<String>),
    /// Its text matches a pattern.
    Pattern(Pattern),
    /// It, or who posted it, stands in a list that is kept outside of the rules.
    Listed {
        /// What is looked up.
        what: Listed,
        /// The list's name.
        list: String,
    },
    /// It was reported, and many have seen it.
    ReportedAndSeen {
        /// At least so often.
        views: u32,
    },
}

/// Several accounts post the same thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SameThing {
    /// So many different accounts.
    pub accounts: u32,
    /// What they post.
    pub thing: Thing,
    /// In this time.
    pub within: Span,
    /// One of them is younger than this.
    pub younger: Option<Span>,
}

/// What several accounts post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// The same address.
    Link,
    /// Addresses of the same machine.
    Host,
    /// The same text.
    Text,
    /// Media near the same entry of a bank.
    Entry,
}

/// It matches known content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Of this bank; of any, if none is named.
    pub bank: Option<String>,
    /// With this label.
    pub label: Option<String>,
    /// How near.
    pub tier: Tier,
}

/// How near known content lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Near enough for a match.
    Match,
    /// Only near enough for a look.
    Lead,
    /// Either.
    Any,
}

/// What is looked up in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// The addresses in it.
    Link,
    /// The machines of the addresses in it.
    Host,
    /// Who posted it.
    Account,
}

/// A span of time as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// How many.
    pub n: u32,
    /// Of what.
    pub unit: Unit,
}

/// A unit of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
    /// Days.
    Days,
}

impl Unit {
    /// All of them.
    pub const ALL: [Unit; 3] = [Unit::Minutes, Unit::Hours, Unit::Days];

    /// As the language writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Unit::Minutes => "min",
            Unit::Hours => "h",
            Unit::Days => "d",
        }
    }

    const fn ms(self) -> i64 {
        match self {
            Unit::Minutes => 60_000,
            Unit::Hours => 3_600_000,
            Unit::Days => 86_400_000,
        }
    }
}

impl Span {
    /// The longest window of a form, in days.
    pub const WINDOW_DAYS_MAX: i64 = 90;
    /// The greatest age of an account that a form asks for, in days.
    pub const AGE_DAYS_MAX: i64 = 3_650;

    fn ms(self) -> i64 {
        i64::from(self.n) * self.unit.ms()
    }

    fn is_at_most(self, days: i64) -> bool {
        self.n > 0 && self.ms() <= days * Unit::Days.ms()
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.n, self.unit.as_str())
    }
}

impl Shape {
    /// The most accounts or items that a form counts: so many the windows count exactly, and its tests show each of them.
    pub const COUNT_MAX: u32 = 50;
    /// The most words or phrases.
    pub const WORDS_MAX: usize = 100;
    /// The most characters of each.
    pub const WORD_LENGTH_MAX: usize = 80;
    /// The most views.
    pub const VIEWS_MAX: u32 = 1_000_000_000;
    /// The most bytes of a pattern, and of the texts that show what it matches.
    pub const PATTERN_BYTES_MAX: usize = 1_000;

    pub(super) fn errors(&self, say: &mut impl FnMut(&'static str, String)) {
        let mut window = |span: &Span| {
            if !span.is_at_most(Span::WINDOW_DAYS_MAX) {
                say("within", format!("is 1min to {}d", Span::WINDOW_DAYS_MAX));
            }
        };
        match self {
            Shape::SameThing(same) => {
                window(&same.within);
                if !(2..=Self::COUNT_MAX).contains(&same.accounts) {
                    say("accounts", format!("are 2 to {}", Self::COUNT_MAX));
                }
                if same.younger.is_some_and(|age| !age.is_at_most(Span::AGE_DAYS_MAX)) {
                    say("younger", format!("is 1min to {}d", Span::AGE_DAYS_MAX));
                }
            }
            Shape::ManyItems { more_than, within } => {
                window(within);
                if !(1..=Self::COUNT_MAX).contains(more_than) {
                    say("more_than", format!("is 1 to {}", Self::COUNT_MAX));
                }
            }
            Shape::Known(known) => {
                for (field, words) in [("bank", &known.bank), ("label", &known.label)] {
                    if let Some(what) = words
                        .as_deref()
                        .and_then(|words| wrong_words(words, RuleForm::WORDS_LENGTH_MAX))
                    {
                        say(field, what);
                    }
                }
                if known.bank.is_none() && known.label.is_none() {
                    say(
                        "bank",
                        "or a label is needed: matches of all banks have rules already".to_owned(),
                    );
                }
            }
            Shape::Words(words) => {
                let is_bad = |word: &String| wrong_words(word, Self::WORD_LENGTH_MAX).is_some() || word.trim() != word;
                if words.is_empty() || words.len() > Self::WORDS_MAX || words.iter().any(is_bad) {
                    let what = format!(
                        "are 1 to {} lines of at most {} characters",
                        Self::WORDS_MAX,
                        Self::WORD_LENGTH_MAX
                    );
                    say("words", what);
                } else if let Err(what) = compiled(&word_pattern(words)) {
                    say("words", what);
                }
            }
            Shape::Pattern(pattern) => pattern.errors(say),
            Shape::Listed { list, .. } => {
                if !is_name(list, 64) {
                    say("list", name_help(64));
                }
            }
            Shape::ReportedAndSeen { views } => {
                if !(1..=Self::VIEWS_MAX).contains(views) {
                    say("views", format!("are 1 to {}", Self::VIEWS_MAX));
                }
            }
        }
    }

    /// As a person would write it.
    pub(super) fn condition(&self) -> String {
        match self {
            Shape::SameThing(same) => same.condition(),
            Shape::ManyItems { more_than, within } => {
                // Different items: one that is sent again because more have seen it is still one.
                format!("distinct(item.id, by: account.id, within: {within}) > {more_than}")
            }
            Shape::Known(known) => known.condition(),
            Shape::Words(words) => format!("item.text.matches({})", raw(&word_pattern(words))),
            Shape::Pattern(pattern) => format!("item.text.matches({})", raw(&pattern.pattern)),
            Shape::Listed { what, list } => match what {
                Listed::Link => format!("links.exists(l, l.url in {list})"),
                Listed::Host => format!("links.exists(l, l.host in {list})"),
                Listed::Account => format!("account.id in {list}"),
            },
            Shape::ReportedAndSeen { views } => format!("item.reported && item.views >= {views}"),
        }
    }

    /// What people are told if nothing else is said.
    pub(super) fn reason(&self) -> String {
        match self {
            Shape::SameThing(same) => {
                let what = match same.thing {
                    Thing::Link => "the same address",
                    Thing::Host => "addresses of the same site",
                    Thing::Text => "the same text",
                    Thing::Entry => "the same known content",
                };
                let young = same.younger.map(|age| format!(", one of them younger than {age}"));
                let young = young.unwrap_or_default();
                format!(
                    "{} different accounts posted {what} within {}{young}",
                    same.accounts, same.within
                )
            }
            Shape::ManyItems { more_than, within } => {
                format!("the account posted more than {more_than} items within {within}")
            }
            Shape::Known(known) => match known.tier {
                Tier::Match => "matches content that is known".to_owned(),
                Tier::Lead | Tier::Any => "lies near content that is known".to_owned(),
            },
            Shape::Words(_) | Shape::Pattern(_) => "its text says what a rule looks for".to_owned(),
            Shape::Listed { what, .. } => match what {
                Listed::Link | Listed::Host => "holds an address that is listed".to_owned(),
                Listed::Account => "the account is listed".to_owned(),
            },
            Shape::ReportedAndSeen { views } => format!("was reported by a person, and seen at least {views} times"),
        }
    }

    /// The list that has to be declared beside the rule.
    pub(super) fn list(&self) -> Option<&str> {
        match self {
            Shape::Listed { list, .. } => Some(list),
            _ => None,
        }
    }

    /// Events that show what it finds and what it leaves alone.
    pub(super) fn tests(&self) -> Vec<TestPlan> {
        match self {
            Shape::SameThing(same) => same.tests(),
            Shape::ManyItems { more_than, within } => many_items(*more_than, *within),
            Shape::Known(known) => known.tests(),
            Shape::Words(words) => {
                let shown = words.iter().take(WORDS_SHOWN);
                texts(shown.map(String::as_str).collect(), without(words))
            }
            Shape::Pattern(pattern) => texts(vec![&pattern.example], pattern.other.clone()),
            Shape::Listed { what, .. } => listed(*what),
            Shape::ReportedAndSeen { views } => {
                let seen = |reported, views: u32, expect| {
                    Step::new(0, format!("item.reported: {reported}, item.views: {views}"), expect)
                };
                let few = [
                    seen(true, *views - 1, Expect::Nothing),
                    seen(false, *views, Expect::Nothing),
                ];
                vec![
                    TestPlan::new("fires", vec![seen(true, *views, Expect::Fires)]),
                    TestPlan::new("leaves_others", few.to_vec()),
                ]
            }
        }
    }
}

impl SameThing {
    fn condition(&self) -> String {
        let Self { accounts, within, .. } = self;
        let (list, by) = match self.thing {
            Thing::Link => (Some(("links", "l")), "l.url"),
            Thing::Host => (Some(("links", "l")), "l.host"),
            Thing::Entry => (Some(("matches", "m")), "m.entry"),
            Thing::Text => (None, "item.text"),
        };
        let mut condition = format!("distinct(account.id, by: {by}, within: {within}) >= {accounts}");
        if let Some(age) = self.younger {
            condition +=
                &format!("\n             && count(by: {by}, where: account.age < {age}, within: {within}) >= 1");
        }
        match list {
            Some((list, row)) => format!("{list}.exists({row}, {condition})"),
            None => condition,
        }
    }

    fn tests(&self) -> Vec<TestPlan> {
        let thing = match self.thing {
            Thing::Link => r#"links: [{url: "https://a.example/1", host: "a.example"}]"#,
            Thing::Host => r#"links: [{url: "https://a.example/1", host: "a.example"}]"#,
            Thing::Text => r#"item.text: "the same words""#,
            Thing::Entry => r#"matches: [{entry: "entry-1"}]"#,
        };
        let young_ms = self.younger.map(Span::ms);
        let step = |idx: u32, of: u32, is_young: bool, expect| {
            let at_ms = spread(self.within, self.accounts, idx);
            let age = young_ms.map(|ms| format!("account.age: {}, ", span(if is_young { ms / 2 } else { ms * 2 })));
            let age = age.unwrap_or_default();
            Step::new(
                at_ms,
                format!(r#"item.kind: "post", account.id: "account-{of}", {age}{thing}"#),
                expect,
            )
        };
        let last = self.accounts - 1;
        let series = |young: Option<u32>, is_one: bool, at_last: Expect| {
            let steps = (0..=last).map(|idx| {
                let expect = if idx == last { at_last } else { Expect::Nothing };
                step(idx, if is_one { 1 } else { idx + 1 }, young == Some(idx), expect)
            });
            steps.collect::<Vec<_>>()
        };
        let mut tests = vec![
            TestPlan::new("fires", series(Some(0), false, Expect::Fires)),
            TestPlan::new("leaves_one_account_alone", series(Some(0), true, Expect::Nothing)),
        ];
        if self.younger.is_some() {
            tests.push(TestPlan::new(
                "leaves_older_accounts",
                series(None, false, Expect::Nothing),
            ));
        }
        tests
    }
}

fn many_items(more_than: u32, within: Span) -> Vec<TestPlan> {
    let series = |is_one_account: bool, is_one_item: bool, at_last: Expect| {
        let steps = (0..=more_than).map(|idx| {
            let expect = if idx == more_than { at_last } else { Expect::Nothing };
            let account = if is_one_account { 1 } else { idx + 1 };
            let item = if is_one_item { 1 } else { idx + 1 };
            let facts = format!(r#"item.kind: "post", item.id: "item-{item}", account.id: "account-{account}""#);
            Step::new(spread(within, more_than + 1, idx), facts, expect)
        });
        steps.collect::<Vec<_>>()
    };
    vec![
        TestPlan::new("fires", series(true, false, Expect::Fires)),
        TestPlan::new("leaves_many_accounts", series(false, false, Expect::Nothing)),
        TestPlan::new("counts_an_item_once", series(true, true, Expect::Nothing)),
    ]
}

impl Known {
    fn condition(&self) -> String {
        let mut parts = Vec::new();
        match self.tier {
            Tier::Match => parts.push(r#"m.tier == "match""#.to_owned()),
            Tier::Lead => parts.push(r#"m.tier == "lead""#.to_owned()),
            Tier::Any => {}
        }
        if let Some(bank) = &self.bank {
            parts.push(format!("m.bank == {}", quoted(bank)));
        }
        if let Some(label) = &self.label {
            parts.push(format!("{} in m.labels", quoted(label)));
        }
        if self.tier == Tier::Match {
            // What nobody confirmed is for people: see `RuleForm::errors`.
            parts.push("m.confirmed".to_owned());
        }
        format!("matches.exists(m, {})", parts.join(" && "))
    }

    fn tests(&self) -> Vec<TestPlan> {
        let row = |tier: &str, bank: &str, label: Option<&str>, confirmed: bool, expect| {
            let label = label.map(quoted).unwrap_or_default();
            let bank = quoted(bank);
            let row = format!("tier: \"{tier}\", bank: {bank}, labels: [{label}], confirmed: {confirmed}");
            Step::new(0, format!("matches: [{{{row}}}]"), expect)
        };
        let tier = match self.tier {
            Tier::Match | Tier::Any => "match",
            Tier::Lead => "lead",
        };
        let bank = self.bank.as_deref().unwrap_or("some bank");
        let label = self.label.as_deref();
        let mut fires = vec![row(tier, bank, label, true, Expect::Fires)];
        if self.tier == Tier::Any {
            fires.push(row("lead", bank, label, true, Expect::Fires));
        }
        let mut others = vec![Step::new(0, "matches: []".to_owned(), Expect::Nothing)];
        if self.bank.is_some() {
            others.push(row(tier, &format!("not {bank}"), label, true, Expect::Nothing));
        }
        if self.label.is_some() {
            others.push(row(tier, bank, None, true, Expect::Nothing));
        }
        match self.tier {
            Tier::Match => {
                others.push(row("lead", bank, label, true, Expect::Nothing));
                others.push(row("match", bank, label, false, Expect::Nothing));
            }
            Tier::Lead => others.push(row("match", bank, label, true, Expect::Nothing)),
            Tier::Any => {}
        }
        vec![TestPlan::new("fires", fires), TestPlan::new("leaves_others", others)]
    }
}

fn listed(what: Listed) -> Vec<TestPlan> {
    let (facts, none) = match what {
        Listed::Link | Listed::Host => (
            r#"links: [{url: "https://a.example/1", host: "a.example"}]"#,
            Some("links: []"),
        ),
        Listed::Account => (r#"account.id: "account-1""#, None),
    };
    // What stands in a list that is kept outside is not known to a test.
    let mut tests = vec![TestPlan::new(
        "asks_the_list",
        vec![Step::new(0, facts.to_owned(), Expect::Unknown)],
    )];
    if let Some(none) = none {
        let step = Step::new(0, none.to_owned(), Expect::Nothing);
        tests.push(TestPlan::new("leaves_others", vec![step]));
    }
    tests
}

/// When the event `idx` of `n` happens, so that all of them lie within a window: whole seconds.
fn spread(within: Span, n: u32, idx: u32) -> i64 {
    let step_s = within.ms() / 1_000 / i64::from(n);
    // A minute is the shortest window, and fifty-one events are the most.
    step_s.max(1) * i64::from(idx) * 1_000
}

/// A span of time as the language writes it, in the largest unit that is whole.
pub(super) fn span(ms: i64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    let unit = units.into_iter().find(|(length, _)| ms > 0 && ms % length == 0);
    match unit {
        Some((length, name)) => format!("{}{name}", ms / length),
        None if ms == 0 => "0s".to_owned(),
        None => format!("{ms}ms"),
    }
}
