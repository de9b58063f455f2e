//! The part of the form that decides a case which says what shall be done: the measures that the platform takes, those that stand ticked.
//!
//! What is ticked is all that shall be so: what stands and is not ticked is lifted. Start with [`MeasureForm::of`] and [`read`].

use std::time::Duration;

use moderation::model::{InvalidMeasure, Lasts, Measure, MeasureSettings, Restricted, Stands, Timestamp};
use moderation::views::CaseView;

use super::form::{Fields, FormState};
use super::notice::Told;
use super::shell::Shell;
use super::words::Words;

/// How long measures can last, in hours: a day to a year.
const HOURS: [u64; 8] = [24, 72, 168, 336, 720, 2_160, 4_320, 8_760];

/// The value of what goes on until the end that it has.
const AS_IT_STANDS: &str = "stands";

/// What the form offers.
pub struct MeasureForm {
    /// About the item, then about the account.
    pub groups: Vec<Group>,
    /// What is ticked, for who does not open it.
    pub chosen: Vec<Restricted>,
    /// Whether something must be ticked; else what stands is confirmed where nothing is.
    pub is_needed: bool,
    /// The sentence that names an end, with `{day}` in it, in the language of the notice.
    pub told_until: String,
}

/// Measures about one thing.
pub struct Group {
    /// The key of its name.
    pub key: &'static str,
    /// Its measures.
    pub lines: Vec<Line>,
}

/// One measure.
pub struct Line {
    /// Which.
    pub what: Restricted,
    /// Whether it is ticked.
    pub is_chosen: bool,
    /// Its scope.
    pub scope: Scope,
    /// How long it can last. Empty, if it has no end.
    pub lasts: Vec<Length>,
    /// What the affected person is told of it, with `{scope}` in it.
    pub told: String,
}

/// How long a measure can last.
pub struct Length {
    /// The value in the form.
    pub value: String,
    /// In words.
    pub words: String,
    /// Whether it is chosen.
    pub is_chosen: bool,
    /// Of one that goes on as it stands: the day of its end, as the affected person is told.
    pub day: Option<String>,
}

/// How a scope is filled in.
pub enum Scope {
    /// It has none.
    None,
    /// In words.
    Written(String),
    /// One of these, and whether it is chosen.
    OneOf(Vec<(String, bool)>),
}

impl MeasureForm {
    /// For a case, with what was filled in already; the notice is in the language of `told`.
    pub fn of(view: &CaseView, settings: &MeasureSettings, shell: &Shell, form: &FormState, told: &Words) -> Self {
        let is_filled = form.is("measures", "chosen");
        let line = |what: &Restricted| {
            let stands = view.stands.iter().find(|stands| stands.what == *what);
            let is_meant = match is_filled {
                true => form.has("measure", what.as_str()),
                false => default_measures(&view.stands)
                    .iter()
                    .any(|measure| measure.what == *what),
            };
            let can_be = settings.is_offered(*what) && (view.item.account.is_some() || !what.is_of_account());
            (can_be || stands.is_some()).then(|| Line {
                what: *what,
                is_chosen: is_meant,
                scope: scope(*what, stands, settings, form),
                lasts: lasts(*what, stands, shell, form),
                told: super::notice::sentence(told, *what, &view.item),
            })
        };
        let lines = Restricted::ALL.iter().filter_map(line).collect();
        Self::of_lines(lines, true, told.t("notice.until").to_owned())
    }

    /// For many items at once.
    pub fn of_many(settings: &MeasureSettings, shell: &Shell, form: &FormState) -> Self {
        let offered = Restricted::ALL.iter().filter(|what| settings.is_offered(**what));
        let line = |what: &Restricted| Line {
            what: *what,
            is_chosen: form.has("measure", what.as_str()),
            scope: scope(*what, None, settings, form),
            lasts: lasts(*what, None, shell, form),
            told: String::new(),
        };
        Self::of_lines(offered.map(line).collect(), false, String::new())
    }

    fn of_lines(lines: Vec<Line>, is_needed: bool, told_until: String) -> Self {
        let (account, item): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(|line| line.what.is_of_account());
        let chosen = item.iter().chain(&account).filter(|line| line.is_chosen);
        let chosen = chosen.map(|line| line.what).collect();
        let groups = [("measures.item", item), ("measures.account", account)];
        let groups = groups.into_iter().map(|(key, lines)| Group { key, lines });
        Self {
            groups: groups.filter(|group| !group.lines.is_empty()).collect(),
            chosen,
            is_needed,
            told_until,
        }
    }
}

fn scope(what: Restricted, stands: Option<&Stands>, settings: &MeasureSettings, form: &FormState) -> Scope {
    let stood = stands.map_or("", |stands| stands.scope.as_str());
    let filled = form.value(&scope_field(what));
    let value = if filled.is_empty() { stood } else { filled };
    match what {
        Restricted::Countries => Scope::Written(value.to_owned()),
        Restricted::Label | Restricted::Service => {
            let mut words = settings.scopes(what).to_vec();
            // What stands may be something that is offered no more.
            if !stood.is_empty() && !words.iter().any(|word| word == stood) {
                words.push(stood.to_owned());
            }
            Scope::OneOf(words.into_iter().map(|word| (word.clone(), word == value)).collect())
        }
        _ => Scope::None,
    }
}

fn lasts(what: Restricted, stands: Option<&Stands>, shell: &Shell, form: &FormState) -> Vec<Length> {
    if !what.can_end() {
        return Vec::new();
    }
    let filled = form.value(&lasts_field(what));
    let length = |value: &str, words: String, day: Option<String>| Length {
        value: value.to_owned(),
        words,
        is_chosen: filled == value,
        day,
    };
    let mut lasts = Vec::with_capacity(HOURS.len() + 2);
    if let Some(until) = stands.and_then(|stands| stands.until) {
        let words = shell.with("measures.as_it_stands", "day", shell.day(until));
        lasts.push(length(AS_IT_STANDS, words, Some(super::notice::day(until))));
    }
    lasts.push(length("open", shell.t("measures.open").to_owned(), None));
    for hours in HOURS {
        let words = shell.count("measures.days", hours / 24);
        lasts.push(length(&hours.to_string(), words, None));
    }
    lasts
}

fn scope_field(what: Restricted) -> String {
    format!("scope_{what}")
}

fn lasts_field(what: Restricted) -> String {
    format!("lasts_{what}")
}

/// What is ticked at first: what stands and lasts, or the item itself.
fn default_measures(stands: &[Stands]) -> Vec<Measure> {
    // A warning that was given is over.
    let stands = stands.iter().filter(|stands| stands.what != Restricted::Warning);
    let stands = stands.map(|stands| Measure {
        what: stands.what,
        scope: stands.scope.clone(),
        lasts: Lasts::AsItStands,
    });
    let mut measures: Vec<Measure> = stands.collect();
    if measures.is_empty() {
        measures.push(Measure::new(Restricted::Item, Lasts::Open));
    }
    measures
}

/// The measures in a form, else the key of what is wrong. A form that does not speak of them confirms what stands.
pub fn read(view: &CaseView, settings: &MeasureSettings, fields: &Fields) -> Result<Vec<Measure>, &'static str> {
    if fields.get("measures") != "chosen" {
        return Ok(Vec::new());
    }
    let measures = ticked(fields)?;
    if measures.is_empty() {
        return Err("measures.need");
    }
    let is_standing = |measure: &Measure| {
        let is_it = |stands: &Stands| stands.what == measure.what && stands.scope == measure.scope;
        view.stands.iter().any(is_it)
    };
    check(settings.check(&measures, view.item.account.is_some(), is_standing))?;
    let goes_on = |measure: &Measure| view.stands.iter().any(|stands| stands.what == measure.what);
    if measures
        .iter()
        .any(|measure| measure.lasts == Lasts::AsItStands && !goes_on(measure))
    {
        return Err("measures.ended");
    }
    Ok(measures)
}

/// The same for many items, all of which somebody known posted or not. Nothing ticked confirms what stands.
pub fn read_many(
    settings: &MeasureSettings,
    fields: &Fields,
    have_account: bool,
) -> Result<Vec<Measure>, &'static str> {
    let measures = ticked(fields)?;
    check(settings.check(&measures, have_account, |_| false))?;
    Ok(measures)
}

fn ticked(fields: &Fields) -> Result<Vec<Measure>, &'static str> {
    let read = |word: &str| {
        let what: Restricted = word.parse().map_err(|_| "measures.not_offered")?;
        let lasts = match fields.get(&lasts_field(what)) {
            AS_IT_STANDS => Lasts::AsItStands,
            "" | "open" => Lasts::Open,
            hours => {
                let hours: u64 = hours.parse().map_err(|_| "measures.wrong_lasts")?;
                Lasts::For(Duration::from_secs(hours.saturating_mul(3_600)))
            }
        };
        let written = match what.scope_name() {
            Some(_) => fields.get(&scope_field(what)),
            None => "",
        };
        Ok(Measure::scoped(what, written, lasts))
    };
    fields.all("measure").take(Restricted::ALL.len()).map(read).collect()
}

fn check(checked: Result<(), InvalidMeasure>) -> Result<(), &'static str> {
    checked.map_err(|error| match error {
        InvalidMeasure::Twice | InvalidMeasure::NotOffered => "measures.not_offered",
        InvalidMeasure::NoAccount => "measures.no_account",
        InvalidMeasure::Countries => "measures.wrong_countries",
        InvalidMeasure::Everywhere => "measures.everywhere",
        InvalidMeasure::Scope => "measures.wrong_scope",
        InvalidMeasure::Lasts => "measures.wrong_lasts",
        InvalidMeasure::Ended => "measures.ended",
    })
}

/// What the affected person is told of these measures; of none, what is told when what stands is confirmed.
pub fn told(stands: &[Stands], measures: &[Measure], now: Timestamp) -> Vec<Told> {
    let defaults = default_measures(stands);
    let measures = if measures.is_empty() { &defaults } else { measures };
    let mut told: Vec<Told> = measures
        .iter()
        .map(|measure| {
            let stands = stands.iter().find(|stands| stands.what == measure.what);
            let stands_until = stands.and_then(|stands| stands.until);
            Told {
                what: measure.what,
                scope: measure.scope.clone(),
                until: measure.ends_at(stands_until.filter(|_| measure.what.can_end()), now),
            }
        })
        .collect();
    told.sort_by_key(|told| Restricted::ALL.iter().position(|what| *what == told.what));
    told
}
