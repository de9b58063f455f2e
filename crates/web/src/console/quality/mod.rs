//! How right decisions are: the figures, how much is asked twice, golden cases. Second opinions are in `reviews.rs`, their differences in `disputes.rs`.
//! Start with [`show_quality`].

mod answer;
mod disputes;
mod golden;
mod reviews;

use askama::Template;
use axum::extract::State;
use moderation::flows::quality::{self as flow, QualityError};
use moderation::model::Timestamp;
use moderation::quality::figures::{ANSWERS_MIN, Agreement, Figures, Group, Precision, Weighted};
use moderation::quality::golden::Golden;
use moderation::quality::strata::Stratum;
use moderation::views;

use super::figures::{ShareWords, agreement_words, percent, percent_between};
use super::flash::Flash;
use super::form::Posted;
use super::page::{Answer, go_saying, show};
use super::plot::Dots;
use super::problem::ConsoleError;
use super::shell::Shell;
use super::visit::Person;
use crate::WebState;

pub use disputes::{list_disputes, settle_dispute, show_dispute};
pub use golden::{make_golden, retire_golden, show_new_golden};
pub use reviews::{answer_review, show_review, show_reviews, take_review};

#[derive(Template)]
#[template(path = "quality.html")]
struct QualityPage {
    shell: Shell,
    answers_min: usize,
    n_waiting: i64,
    n_disputed: usize,
    agreement: Vec<AgreementLine>,
    estimates: Vec<(&'static str, Option<EstimateLine>)>,
    strata: Vec<StratumLine>,
    weeks: Vec<WeekLine>,
    plot: Dots,
    blind_rules: Vec<PrecisionLine>,
    rules: Vec<PrecisionLine>,
    banks: Vec<PrecisionLine>,
    people: Vec<(String, ShareWords)>,
    golden: Vec<Golden>,
}

struct AgreementLine {
    of: String,
    n: usize,
    said: Option<AgreementWords>,
}

struct AgreementWords {
    same: ShareWords,
    alpha: String,
    kappa: String,
}

impl AgreementLine {
    fn of(shell: &Shell, line: &Agreement) -> Self {
        Self {
            of: match &line.of {
                Group::All => shell.t("quality.all").to_owned(),
                Group::Policy(policy) => shell.word("policy", policy),
                Group::Language(language) => shell.with("quality.in_language", "language", language),
            },
            n: line.n,
            said: line.said.map(|said| AgreementWords {
                same: ShareWords::of(shell, said.same),
                alpha: agreement_words(shell, said.alpha),
                kappa: agreement_words(shell, said.kappa),
            }),
        }
    }
}

struct EstimateLine {
    share: String,
    between: Option<String>,
    n: usize,
}

impl EstimateLine {
    fn of(shell: &Shell, estimate: Weighted) -> Self {
        Self {
            share: percent(shell, estimate.figure.value),
            between: estimate
                .figure
                .interval
                .map(|interval| percent_between(shell, interval)),
            n: estimate.n,
        }
    }
}

struct StratumLine {
    stratum: Stratum,
    n: usize,
    wrong: Option<ShareWords>,
    /// How much is asked twice, in percent as a field takes it.
    share: String,
}

struct WeekLine {
    begins: String,
    n: usize,
    same: Option<ShareWords>,
}

/// How often what a rule or bank found was right.
pub struct PrecisionLine {
    /// The rule or bank.
    pub name: String,
    /// How much was looked at.
    pub n: u64,
    /// How much was right.
    pub right: Option<ShareWords>,
}

impl PrecisionLine {
    fn all(shell: &Shell, lines: Vec<Precision>) -> Vec<Self> {
        let lines = lines.into_iter().map(|line| Self {
            n: line.n,
            right: line.right.map(|right| ShareWords::of(shell, right)),
            name: line.name,
        });
        lines.collect()
    }
}

/// `GET /quality`
pub async fn show_quality(State(state): State<WebState>, person: Person) -> Answer {
    let view = views::quality(&state.app, &person.actor).await?;
    let shell = person.shell;
    let Figures {
        agreement,
        errors,
        wrong,
        missed,
        overdone,
        weeks,
        rules,
        n_disputed,
    } = view.figures;
    let strata = errors.into_iter().map(|rate| StratumLine {
        stratum: rate.stratum,
        n: rate.n,
        wrong: rate.wrong.map(|wrong| ShareWords::of(&shell, wrong)),
        share: share_field(view.shares.of(rate.stratum)),
    });
    let shares: Vec<Option<(f64, f64, f64)>> = weeks
        .iter()
        .map(|week| {
            week.same
                .map(|same| (same.interval.low, same.value(), same.interval.high))
        })
        .collect();
    let days: Vec<String> = weeks.iter().map(|week| day_words(week.begins)).collect();
    let estimates = [("wrong", wrong), ("missed", missed), ("overdone", overdone)];
    show(&QualityPage {
        answers_min: ANSWERS_MIN,
        n_waiting: view.n_waiting,
        n_disputed,
        agreement: agreement.iter().map(|line| AgreementLine::of(&shell, line)).collect(),
        estimates: estimates
            .map(|(key, found)| (key, found.map(|found| EstimateLine::of(&shell, found))))
            .into(),
        strata: strata.collect(),
        plot: Dots::of(&shell, &shares, &days),
        weeks: weeks
            .into_iter()
            .map(|week| WeekLine {
                begins: day_words(week.begins),
                n: week.n,
                same: week.same.map(|same| ShareWords::of(&shell, same)),
            })
            .collect(),
        blind_rules: PrecisionLine::all(&shell, rules),
        rules: PrecisionLine::all(&shell, view.rules),
        banks: PrecisionLine::all(&shell, view.banks),
        people: view
            .people
            .into_iter()
            .map(|(name, share)| (name, ShareWords::of(&shell, share)))
            .collect(),
        golden: view.golden,
        shell,
    })
}

/// `POST /quality/shares`
pub async fn set_shares(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let read = Stratum::ALL
        .iter()
        .map(|stratum| Some((*stratum, ppm_of(fields.get(stratum.as_str()))?)));
    let Some(shares) = read.collect::<Option<Vec<(Stratum, u32)>>>() else {
        return Ok(go_saying(&state, "/quality", &Flash::new("problem.quality.share", "")));
    };
    for (stratum, ppm) in shares {
        flow::set_share(&state.app, &person.actor, stratum, ppm).await?;
    }
    Ok(go_saying(&state, "/quality", &Flash::new("flash.quality.shares", "")))
}

/// Millionths as a field shows them: percent, with no more digits than needed.
fn share_field(ppm: u32) -> String {
    format!("{}", f64::from(ppm) / 10_000.0)
}

/// Percent, as it was typed, in millionths.
fn ppm_of(text: &str) -> Option<u32> {
    let percent: f64 = text.trim().replace(',', ".").parse().ok()?;
    let is_share = (0.0..=100.0).contains(&percent);
    // Cast safety: at most a million.
    is_share.then(|| (percent * 10_000.0).round() as u32)
}

/// The day, as tables and plots say it.
pub fn day_words(at: Timestamp) -> String {
    at.to_string().get(..10).unwrap_or_default().to_owned()
}

/// What forms do not show beside a field.
impl From<QualityError> for ConsoleError {
    fn from(error: QualityError) -> Self {
        match error {
            QualityError::Denied(denied) => ConsoleError::Denied(denied),
            QualityError::NotFound { .. } => ConsoleError::NotFound,
            QualityError::Refused(_) | QualityError::Changed | QualityError::Invalid { .. } => {
                ConsoleError::BadRequest("the question does not take this")
            }
            QualityError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_typed_in_percent() {
        assert_eq!(ppm_of("5"), Some(50_000));
        assert_eq!(ppm_of(" 0,05 "), Some(500));
        assert_eq!(share_field(500), "0.05");
        for bad in ["", "x", "-1", "101", "NaN", "inf"] {
            assert_eq!(ppm_of(bad), None, "{bad}");
        }
    }
}
