//! What the answers say: how alike people decide, how often decisions were wrong, how right each person was about golden cases, and how all that moves from week to week.
//! Pure: answers in, figures out. Start with [`Figures::of`]; `docs/quality.md` says in words what each figure means.

use std::collections::BTreeMap;

use super::reviews::{Answer, Asks, Review};
use super::stats::{Dice, Interval, Metric, Undefined, alpha, bootstrap, kappa, weighted_share, wilson};
use super::strata::{Stratum, WHOLE_PPM};
use crate::model::{Author, Outcome, PolicyCode, Timestamp};

/// Of fewer answers no figure is said: it would say more of chance, and of single people, than of the desk.
pub const ANSWERS_MIN: usize = 10;
/// The most groups of a kind, such as languages, that have figures of their own.
pub const GROUPS_MAX: usize = 20;
/// Weeks whose drift is shown.
pub const WEEKS: i64 = 12;

const WEEK_MS: i64 = 7 * 86_400_000;
/// 1970 began on a Thursday; weeks begin on Monday.
const MONDAY_MS: i64 = 4 * 86_400_000;
/// Where the resampling begins: any number does, as long as it stays.
const SEED: u64 = 20_261_122;

/// What the answers say.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// How alike two people decide: all, then by policy, then by language.
    pub agreement: Vec<Agreement>,
    /// How often decisions of each kind were wrong.
    pub errors: Vec<ErrorRate>,
    /// How many of all that was decided would be wrong, each kind counting as often as it is.
    pub wrong: Option<Weighted>,
    /// Of what stays up, how much should not.
    pub missed: Option<Weighted>,
    /// Of what was restricted, how much should not have been.
    pub overdone: Option<Weighted>,
    /// How often two people agreed, week by week, the oldest first.
    pub weeks: Vec<Week>,
    /// What blind answers say of each rule that restricted.
    pub rules: Vec<Precision>,
    /// Differences that nobody settled yet: they count as neither right nor wrong.
    pub n_disputed: usize,
}

/// How alike two people decide.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Of what.
    pub of: Group,
    /// Items that two people judged.
    pub n: usize,
    /// What can be said; none of fewer than [`ANSWERS_MIN`].
    pub said: Option<Alike>,
}

/// The figures of agreement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alike {
    /// The share on which both said the same, the policy included.
    pub same: Share,
    /// Krippendorff's alpha of the outcomes and policies.
    pub alpha: Result<Figure, Undefined>,
    /// Cohen's kappa of the same, the first answers against the second.
    pub kappa: Result<Figure, Undefined>,
}

/// Items that are looked at together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// All.
    All,
    /// Those that one of the two found against this policy, by its word. Alpha and kappa ask of every item whether it is this policy or not.
    Policy(&'static str),
    /// Those whose text is in this language.
    Language(String),
}

/// A figure and where it may well lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// The figure.
    pub value: f64,
    /// Where it may well lie; none where that cannot be said.
    pub interval: Option<Interval>,
}

/// A share of single things.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// How many are so.
    pub hits: u64,
    /// Of how many.
    pub n: u64,
    /// Where the share may well lie (Wilson).
    pub interval: Interval,
}

impl Share {
    /// The share; none of nothing.
    pub fn of(hits: u64, n: u64) -> Option<Self> {
        wilson(hits, n).map(|interval| Self { hits, n, interval })
    }

    /// The share itself.
    pub fn value(&self) -> f64 {
        self.hits as f64 / self.n.max(1) as f64
    }
}

/// How often decisions of a kind were wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorRate {
    /// Which kind.
    pub stratum: Stratum,
    /// Those of which the truth is known by now.
    pub n: usize,
    /// The share that was wrong; none of fewer than [`ANSWERS_MIN`].
    pub wrong: Option<Share>,
}

/// A share of all that was decided, estimated from what was drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighted {
    /// The estimate.
    pub figure: Figure,
    /// How many answers it rests on.
    pub n: usize,
}

/// A week.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Week {
    /// Its Monday.
    pub begins: Timestamp,
    /// Items that two people judged.
    pub n: usize,
    /// The share on which they said the same; none of fewer than [`ANSWERS_MIN`].
    pub same: Option<Share>,
}

/// How often what was found was right.
#[derive(Debug, Clone, PartialEq)]
pub struct Precision {
    /// What found it: a rule or a bank, by its name.
    pub name: String,
    /// How much of it was looked at.
    pub n: u64,
    /// The share that was right; none of fewer than [`ANSWERS_MIN`].
    pub right: Option<Share>,
}

impl Precision {
    /// Of `right` of `n`.
    pub fn of(name: String, right: u64, n: u64) -> Self {
        let is_enough = n >= ANSWERS_MIN as u64;
        Self {
            name,
            n,
            right: Share::of(right, n).filter(|_| is_enough),
        }
    }
}

/// The Monday of the week that an instant lies in, UTC.
pub fn week_of(at: Timestamp) -> Timestamp {
    Timestamp::from_unix_ms((at.unix_ms() - MONDAY_MS).div_euclid(WEEK_MS) * WEEK_MS + MONDAY_MS)
}

/// An answer as a number: 0 is allowed, the policies follow.
fn category(answer: Answer) -> u32 {
    let place = |policy| PolicyCode::ALL.iter().position(|known| *known == policy);
    match (answer.outcome, answer.policy.and_then(place)) {
        (Outcome::Allow | Outcome::Review, _) => 0,
        (Outcome::Restrict, Some(place)) => place as u32 + 2,
        (Outcome::Restrict, None) => 1,
    }
}

impl Figures {
    /// What these answered questions say at `now`. Those about golden cases are passed over.
    pub fn of(answered: &[Review], now: Timestamp) -> Self {
        let again: Vec<Again<'_>> = answered.iter().filter_map(Again::of).collect();
        let by_people: Vec<&Again<'_>> = again.iter().filter(|again| again.stratum.is_of_a_person()).collect();
        let known = |outcome: Option<Outcome>| {
            let known = again
                .iter()
                .filter(move |again| outcome.is_none_or(|outcome| again.review.first.outcome == outcome));
            known
                .filter_map(|again| Some((again.is_wrong()?, again.chance)))
                .collect::<Vec<_>>()
        };
        Self {
            agreement: agreement(&by_people),
            errors: Stratum::ALL
                .iter()
                .map(|stratum| error_rate(*stratum, &again))
                .collect(),
            wrong: weighted(&known(None), 1),
            missed: weighted(&known(Some(Outcome::Allow)), 2),
            overdone: weighted(&known(Some(Outcome::Restrict)), 3),
            weeks: weeks(&by_people, now),
            rules: rules(&again),
            n_disputed: again.iter().filter(|again| again.review.is_disputed()).count(),
        }
    }
}

/// A decision that was asked again.
struct Again<'a> {
    review: &'a Review,
    stratum: Stratum,
    /// With which chance it was drawn, `0..=1`.
    chance: f64,
    second: Answer,
}

impl<'a> Again<'a> {
    fn of(review: &'a Review) -> Option<Self> {
        match review.asks {
            Asks::Again { stratum, ppm, .. } => Some(Self {
                review,
                stratum,
                chance: f64::from(ppm) / f64::from(WHOLE_PPM),
                second: review.second()?.answer,
            }),
            Asks::Golden { .. } => None,
        }
    }

    fn is_same(&self) -> bool {
        self.review.first == self.second
    }

    /// Whether the outcome was wrong; none while that is not settled. Another policy is no wrong outcome.
    fn is_wrong(&self) -> Option<bool> {
        let first = self.review.first.outcome;
        match self.review.truth() {
            Some(truth) => Some(truth.outcome != first),
            None => (self.second.outcome == first).then_some(false),
        }
    }
}

fn agreement(by_people: &[&Again<'_>]) -> Vec<Agreement> {
    let mut dice = Dice::seeded(SEED);
    let of_answers = |again: &&Again<'_>| (category(again.review.first), category(again.second));
    let all: Vec<(u32, u32)> = by_people.iter().map(of_answers).collect();
    let mut found = vec![Agreement::of(Group::All, &all, &all, dice.bits())];
    for policy in PolicyCode::ALL {
        // This policy or anything else, over all that was judged: the same question of every item.
        let is_it = |answer: Answer| u32::from(answer.policy == Some(*policy));
        let pairs: Vec<(u32, u32)> = by_people
            .iter()
            .map(|again| (is_it(again.review.first), is_it(again.second)))
            .collect();
        let named: Vec<(u32, u32)> = pairs.iter().copied().filter(|(one, other)| one + other > 0).collect();
        if !named.is_empty() {
            found.push(Agreement::of(
                Group::Policy(policy.as_str()),
                &named,
                &pairs,
                dice.bits(),
            ));
        }
    }
    let mut languages: BTreeMap<&str, Vec<(u32, u32)>> = BTreeMap::new();
    for again in by_people {
        if let Some(language) = again.review.language.as_deref() {
            languages.entry(language).or_default().push(of_answers(again));
        }
    }
    let mut languages: Vec<(&str, Vec<(u32, u32)>)> = languages.into_iter().collect();
    languages.sort_by_key(|(_, pairs)| std::cmp::Reverse(pairs.len()));
    for (language, pairs) in languages.into_iter().take(GROUPS_MAX) {
        found.push(Agreement::of(
            Group::Language(language.to_owned()),
            &pairs,
            &pairs,
            dice.bits(),
        ));
    }
    found
}

impl Agreement {
    /// `pairs` are the answers to the group's items; `over` those to which alpha and kappa look.
    fn of(of: Group, pairs: &[(u32, u32)], over: &[(u32, u32)], seed: u64) -> Self {
        let is_enough = pairs.len() >= ANSWERS_MIN;
        Self {
            of,
            n: pairs.len(),
            said: is_enough.then(|| alike(pairs, over, seed)).flatten(),
        }
    }
}

fn alike(pairs: &[(u32, u32)], over: &[(u32, u32)], seed: u64) -> Option<Alike> {
    let same = pairs.iter().filter(|(one, other)| one == other).count();
    let alpha_of = |pairs: &[(u32, u32)]| {
        let units: Vec<[u32; 2]> = pairs.iter().map(|(one, other)| [*one, *other]).collect();
        alpha(units.iter().map(<[u32; 2]>::as_slice), Metric::Nominal)
    };
    Some(Alike {
        same: Share::of(same as u64, pairs.len() as u64)?,
        alpha: with_interval(over, seed, alpha_of),
        kappa: with_interval(over, seed, |pairs| kappa(pairs.iter().copied())),
    })
}

/// A figure of pairs of answers, and what drawing the pairs anew makes of it.
fn with_interval(
    pairs: &[(u32, u32)],
    seed: u64,
    of: impl Fn(&[(u32, u32)]) -> Result<f64, Undefined>,
) -> Result<Figure, Undefined> {
    let value = of(pairs)?;
    let mut again = vec![(0, 0); pairs.len()];
    let interval = bootstrap(pairs.len(), seed, |drawn| {
        for (place, pair) in drawn.iter().zip(&mut again) {
            *pair = pairs[*place];
        }
        of(&again).ok()
    });
    Ok(Figure { value, interval })
}

fn error_rate(stratum: Stratum, again: &[Again<'_>]) -> ErrorRate {
    let of_it = again.iter().filter(|again| again.stratum == stratum);
    let known: Vec<bool> = of_it.filter_map(Again::is_wrong).collect();
    let wrong = known.iter().filter(|is_wrong| **is_wrong).count();
    ErrorRate {
        stratum,
        n: known.len(),
        wrong: Share::of(wrong as u64, known.len() as u64).filter(|_| known.len() >= ANSWERS_MIN),
    }
}

fn weighted(known: &[(bool, f64)], salt: u64) -> Option<Weighted> {
    if known.len() < ANSWERS_MIN {
        return None;
    }
    let value = weighted_share(known.iter().copied())?;
    let interval = bootstrap(known.len(), SEED + salt, |drawn| {
        weighted_share(drawn.iter().map(|place| known[*place]))
    });
    // Where nothing was wrong, or everything, drawing anew finds no other share, and says nothing of how sure that is.
    let interval = interval.filter(|interval| interval.high > interval.low);
    Some(Weighted {
        figure: Figure { value, interval },
        n: known.len(),
    })
}

fn weeks(by_people: &[&Again<'_>], now: Timestamp) -> Vec<Week> {
    let this = week_of(now).unix_ms();
    (0..WEEKS)
        .rev()
        .map(|ago| {
            let begins = this - ago * WEEK_MS;
            let of_it = by_people
                .iter()
                .filter(|again| week_of(again.review.first_at).unix_ms() == begins);
            let same: Vec<bool> = of_it.map(|again| again.is_same()).collect();
            let hits = same.iter().filter(|is_same| **is_same).count();
            Week {
                begins: Timestamp::from_unix_ms(begins),
                n: same.len(),
                same: Share::of(hits as u64, same.len() as u64).filter(|_| same.len() >= ANSWERS_MIN),
            }
        })
        .collect()
}

fn rules(again: &[Again<'_>]) -> Vec<Precision> {
    let mut of: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for again in again.iter().filter(|again| again.stratum == Stratum::RuleRestrict) {
        if let (Author::Rule(rule), Some(is_wrong)) = (&again.review.first_author, again.is_wrong()) {
            let counts = of.entry(rule).or_default();
            counts.0 += u64::from(!is_wrong);
            counts.1 += 1;
        }
    }
    let rules = of
        .into_iter()
        .map(|(rule, (right, n))| Precision::of(rule.to_owned(), right, n));
    rules.take(GROUPS_MAX).collect()
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
