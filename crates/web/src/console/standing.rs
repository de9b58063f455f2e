//! Why a case stands where it stands, for people: its lane, what comes before it, and the numbers behind that. Start with [`StandingCard`].

use std::time::Duration;

use moderation::model::{Factors, Lane, LearnedFrom, Timestamp};
use moderation::views::Standing;

use super::shell::Shell;

/// A case that is due sooner than this is shown as pressing.
const NEAR: Duration = Duration::from_secs(15 * 60);

/// Why a case stands where it stands.
pub struct StandingCard {
    /// Its lane.
    pub lane: Lane,
    /// What comes before it, in words.
    pub ahead: String,
    /// By when it is due.
    pub due: Option<Due>,
    /// Since when it waits.
    pub opened_at: Timestamp,
    /// How much waiting its index stands for; none where only the time that it is due counts.
    pub head_start: Option<String>,
    /// What was multiplied: a name, a value, and where it came from, in words.
    pub factors: Vec<(String, String, String)>,
}

/// By when something is due.
#[derive(Debug, Clone, Copy)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// Whether that is over.
    pub is_over: bool,
    /// Whether it is over soon.
    pub is_near: bool,
}

impl Due {
    /// As it is now.
    pub fn of(at: Timestamp, now: Timestamp) -> Self {
        Self {
            at,
            is_over: at <= now,
            is_near: at.since(now) <= NEAR,
        }
    }

    /// How long that is, in words.
    pub fn words(&self, shell: &Shell) -> String {
        match self.is_over {
            true => shell.with("standing.overdue", "span", shell.span_since(self.at)),
            false => shell.with("standing.due_in", "span", shell.span_until(self.at)),
        }
    }
}

impl StandingCard {
    /// In this person's words.
    pub fn of(standing: Standing, opened_at: Timestamp, shell: &Shell) -> Self {
        let place = standing.place;
        let ahead = match standing.n_ahead {
            Standing::AHEAD_MAX.. => shell.count("standing.ahead_many", standing.n_ahead),
            n => shell.count("standing.ahead", n),
        };
        let is_by_time = place.lane == Lane::Deadline;
        let factors = place.factors.as_ref();
        let head_start = factors.filter(|_| !is_by_time);
        Self {
            lane: place.lane,
            ahead,
            due: place.due_at.map(|at| Due::of(at, shell.now)),
            opened_at,
            head_start: head_start.map(|of| shell.span_since(shell.now.before(of.head_start))),
            factors: factors.map(|of| lines(of, &place.facts, shell)).unwrap_or_default(),
        }
    }
}

fn lines(of: &Factors, facts: &moderation::model::PlaceFacts, shell: &Shell) -> Vec<(String, String, String)> {
    let source = match of.learned_from {
        LearnedFrom::Rule => facts.rule.clone(),
        LearnedFrom::Bank => facts.bank.as_ref().map(|(_, name)| name.clone()),
        LearnedFrom::Queue | LearnedFrom::Nothing => None,
    };
    let n_cases = of.n_confirmed.saturating_add(of.n_reversed);
    let learned = match of.learned_from {
        LearnedFrom::Nothing => shell.t("standing.learned_nothing").to_owned(),
        from => shell.words.with_all(
            &format!("standing.learned_{from}"),
            &[
                ("n", &shell.number(of.n_confirmed)),
                ("all", &shell.number(n_cases)),
                ("name", source.as_deref().unwrap_or_default()),
            ],
        ),
    };
    let views = match of.views_known {
        true => "standing.views_known",
        false => "standing.by_default",
    };
    let handled = match of.n_handled {
        0 => shell.t("standing.by_default").to_owned(),
        n => shell.count("standing.handled", n),
    };
    let minutes = format!("{:.1}", of.handling.as_secs_f64() / 60.0);
    let name = |key: &str| shell.t(key).to_owned();
    vec![
        (
            name("standing.chance"),
            format!("{} %", shell.number(whole(of.chance * 100.0))),
            learned,
        ),
        (
            name("standing.severity"),
            shell.number(whole(of.severity)),
            name("standing.severity_from"),
        ),
        (name("standing.views"), shell.number(whole(of.views_ahead)), name(views)),
        (
            name("standing.handling"),
            shell.with("time.minutes", "n", minutes),
            handled,
        ),
        (
            name("standing.index"),
            shell.number(whole(of.index)),
            name("standing.index_from"),
        ),
    ]
}

/// A number without its fraction.
fn whole(number: f64) -> u64 {
    format!("{:.0}", number.max(0.0)).parse().unwrap_or(u64::MAX)
}
