//! The section of the configuration file about the order of work at the desk. The comment of each field is its manual.

use std::collections::BTreeMap;
use std::time::Duration;

use moderation::model::{Lane, PolicyCode, Queue};
use moderation::routing::{Choice, QueueSettings, RoutingSettings};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;

/// In which order cases are handed out, to whom, and who is told in time. docs/operator.md explains the order.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Routing {
    /// What holds of a queue, by its name: those that are always there, and those that rules made.
    pub queues: BTreeMap<String, RoutingQueue>,
    /// By how much more or less a policy matters than others, in percent, by its word.
    pub policies: BTreeMap<String, u32>,
    /// Cases that are imagined as confirmed before anything is known of a queue.
    pub prior_confirmed: u32,
    /// Cases that are imagined as not confirmed.
    pub prior_reversed: u32,
    /// How often an item is expected to be seen within a day where the platform does not say how often it was.
    pub views_ahead: u32,
    /// How long a case of words or pictures is expected to take, in seconds, before enough were closed to say; what plays takes twice as long.
    pub handling_s: u32,
    /// How many minutes of waiting each doubling of a case's index stands for.
    pub head_start_min: u32,
    /// The most minutes of waiting that an index stands for: no case is overtaken by one that was opened later than this after it.
    pub head_start_min_max: u32,
    /// How many hours ahead it is looked for times at which nobody is on shift.
    pub coverage_ahead_h: u32,
}

/// What holds of a queue.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RoutingQueue {
    /// Its lane: `deadline`, `threat`, `live`, `incident`, `escalated` or `rest`. Each goes before those that follow it.
    pub lane: Option<String>,
    /// How many minutes after it was opened a case is due.
    pub due_min: Option<u32>,
    /// How many minutes after it was opened the platform is told of a case that is still open.
    pub warn_after_min: Vec<u32>,
    /// The same, before it is due.
    pub warn_before_min: Vec<u32>,
    /// By how much more or less its cases matter, in percent.
    pub severity_percent: u32,
    /// A skill that its cases need. Nobody has one who was not given it on the page of shifts.
    pub skill: Option<String>,
    /// A language that its cases need, whatever the platform says of the item.
    pub language: Option<String>,
}

impl Default for RoutingQueue {
    fn default() -> Self {
        Self {
            lane: None,
            due_min: None,
            warn_after_min: Vec::new(),
            warn_before_min: Vec::new(),
            severity_percent: 100,
            skill: None,
            language: None,
        }
    }
}

impl Default for Routing {
    fn default() -> Self {
        let settings = RoutingSettings::default();
        let minutes = |span: Duration| u32::try_from(span.as_secs() / 60).unwrap_or(u32::MAX);
        Self {
            queues: BTreeMap::new(),
            policies: BTreeMap::new(),
            prior_confirmed: 2,
            prior_reversed: 2,
            views_ahead: 100,
            handling_s: u32::try_from(settings.handling_default.as_secs()).unwrap_or(u32::MAX),
            head_start_min: minutes(settings.head_start_per_doubling),
            head_start_min_max: minutes(settings.head_start_max),
            coverage_ahead_h: minutes(settings.coverage_ahead) / 60,
        }
    }
}

/// The furthest ahead that anything here lies: a year.
const AHEAD_MIN_MAX: u32 = 366 * 24 * 60;

impl Routing {
    /// Says whether it makes sense.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.settings().map(drop)
    }

    /// What flows go by.
    pub fn settings(&self) -> Result<RoutingSettings, ConfigError> {
        let wrong = |key: &'static str, what: String| ConfigError::Senseless { key, what };
        if self.prior_confirmed == 0 || self.prior_reversed == 0 {
            let what = "and routing.prior_reversed must be at least 1: what was never seen may be so all the same";
            return Err(wrong("routing.prior_confirmed", what.to_owned()));
        }
        if self.head_start_min > self.head_start_min_max || self.head_start_min_max > AHEAD_MIN_MAX {
            let what = "must be at most routing.head_start_min_max, and that at most a year";
            return Err(wrong("routing.head_start_min", what.to_owned()));
        }
        if self.coverage_ahead_h == 0 || self.coverage_ahead_h > 7 * 24 {
            return Err(wrong("routing.coverage_ahead_h", "must be 1 to 168: a week".to_owned()));
        }
        let mut settings = RoutingSettings {
            prior: (f64::from(self.prior_confirmed), f64::from(self.prior_reversed)),
            views_ahead_default: f64::from(self.views_ahead.max(1)),
            handling_default: Duration::from_secs(u64::from(self.handling_s.max(1))),
            head_start_per_doubling: minutes(self.head_start_min),
            head_start_max: minutes(self.head_start_min_max),
            coverage_ahead: minutes(self.coverage_ahead_h * 60),
            ..RoutingSettings::default()
        };
        for (policy, percent) in &self.policies {
            let known: Result<PolicyCode, _> = policy.parse();
            known.map_err(|_| wrong("routing.policies", format!("names `{policy}`, which is no policy")))?;
            settings.policies.insert(policy.clone(), f64::from(*percent) / 100.0);
        }
        for (name, queue) in &self.queues {
            let known: Queue = name
                .parse()
                .map_err(|_| wrong("routing.queues", format!("names `{name}`, which is no name of a queue")))?;
            let of = queue
                .settings()
                .map_err(|what| wrong("routing.queues", format!("{name}: {what}")))?;
            settings.queues.insert(known, of);
        }
        Ok(settings)
    }
}

impl RoutingQueue {
    fn settings(&self) -> Result<QueueSettings, String> {
        let lane = match &self.lane {
            Some(word) => {
                let lanes: Vec<&str> = Lane::ALL.iter().map(|lane| lane.as_str()).collect();
                let known: Result<Lane, _> = word.parse();
                Some(known.map_err(|_| format!("lane must be one of {}", lanes.join(", ")))?)
            }
            None => None,
        };
        let points = [&self.warn_after_min, &self.warn_before_min];
        if points.iter().any(|points| points.len() > RoutingSettings::WARNINGS_MAX) {
            return Err(format!("at most {} warnings", RoutingSettings::WARNINGS_MAX));
        }
        let spans = points.into_iter().flatten().chain(&self.due_min);
        if spans.into_iter().any(|span| *span == 0 || *span > AHEAD_MIN_MAX) {
            return Err("due_min and warnings must be at least a minute and at most a year".to_owned());
        }
        if self.due_min.is_none() && !self.warn_before_min.is_empty() {
            return Err("warn_before_min needs due_min".to_owned());
        }
        let word = |key: &str, word: &Option<String>| match word.as_deref().map(str::parse::<Choice>) {
            None => Ok(None),
            Some(Ok(Choice::Only(words))) if words.len() == 1 => Ok(words.into_iter().next()),
            Some(_) => Err(format!("{key} must be one word")),
        };
        Ok(QueueSettings {
            lane,
            due: self.due_min.map(minutes),
            warn_after: self.warn_after_min.iter().copied().map(minutes).collect(),
            warn_before: self.warn_before_min.iter().copied().map(minutes).collect(),
            severity: f64::from(self.severity_percent) / 100.0,
            skill: word("skill", &self.skill)?,
            language: word("language", &self.language)?,
        })
    }
}

fn minutes(n: u32) -> Duration {
    Duration::from_secs(u64::from(n) * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<RoutingSettings, String> {
        let routing: Routing = toml::from_str(text).map_err(|error| error.to_string())?;
        routing.settings().map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_those_of_the_order() {
        assert_eq!(read("").unwrap(), RoutingSettings::default());
    }

    #[test]
    fn a_queue_gets_its_lane_and_its_times() {
        let text = "[policies]\nterrorist_content = 150\n[queues.orders]\nlane = \"deadline\"\ndue_min = 60\nwarn_after_min = [5, 15, 30]\nwarn_before_min = [15]\nskill = \"legal\"";
        let settings = read(text).unwrap();
        let queue = settings.of("orders".parse().unwrap());
        assert_eq!((queue.lane, queue.due), (Some(Lane::Deadline), Some(minutes(60))));
        assert_eq!(queue.warn_after, [5, 15, 30].map(minutes));
        assert_eq!((queue.skill.as_deref(), queue.language), (Some("legal"), None));
        assert_eq!(settings.policies["terrorist_content"], 1.5);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, word) in [
            ("[queues.orders]\nlane = \"fast\"", "deadline, threat"),
            ("[queues.orders]\nwarn_before_min = [5]", "needs due_min"),
            ("[queues.orders]\ndue_min = 0", "at least a minute"),
            ("[queues.\"Not a name\"]", "no name of a queue"),
            ("[policies]\nrude = 1", "no policy"),
            ("prior_confirmed = 0", "at least 1"),
            ("[queues.orders]\nskill = \"two words\"", "one word"),
            ("[queues.orders]\ndue = 1", "unknown field"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
