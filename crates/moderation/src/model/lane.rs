//! Where a case stands among those that wait: its lane, its turn within it, and the numbers that put it there. Start with [`Place`].
//!
//! Lanes come one after the other; within one, the case with the earlier turn comes first. What a turn is made of is computed in `routing/order.rs`; here
//! are the values that are kept and shown.

use std::time::Duration;

use policy::{PolicyCode, words};
use serde_json::{Value, json};

use super::Timestamp;

words! {
    /// Which work goes before which. The order here is the order in which cases are handed out.
    Lane, "a lane" {
        /// Somebody outside set a time by which it must be done.
        Deadline = "deadline",
        /// Somebody's life may be in danger.
        Threat = "threat",
        /// A stream that goes on now.
        Live = "live",
        /// Part of an incident under way.
        Incident = "incident",
        /// A colleague asked for help.
        Escalated = "escalated",
        /// Everything else.
        Rest = "rest",
    }
}

impl Lane {
    /// Its place in the order, as it is kept.
    pub fn rank(self) -> i64 {
        match self {
            Lane::Deadline => 0,
            Lane::Threat => 1,
            Lane::Live => 2,
            Lane::Incident => 3,
            Lane::Escalated => 4,
            Lane::Rest => 5,
        }
    }

    /// Whether it is about time: what is in such a lane waits for nothing but a person. These lanes come first.
    pub fn presses(self) -> bool {
        match self {
            Lane::Deadline | Lane::Threat | Lane::Live | Lane::Incident => true,
            Lane::Escalated | Lane::Rest => false,
        }
    }

    /// The lane with this place in the order.
    pub fn of_rank(rank: i64) -> Option<Self> {
        Lane::ALL.iter().copied().find(|lane| lane.rank() == rank)
    }
}

words! {
    /// What a person looks at in a case, as far as the time that it takes goes.
    WorkKind, "a kind of work" {
        /// Words alone.
        Text = "text",
        /// Pictures.
        Image = "image",
        /// Something that moves.
        Video = "video",
        /// Something that is only heard.
        Sound = "sound",
        /// A live stream.
        Stream = "stream",
        /// A file that was not seen here.
        File = "file",
    }
}

words! {
    /// Where the chance that a case breaks a policy was learned.
    LearnedFrom, "a source of a chance" {
        /// From cases that the same rule opened.
        Rule = "rule",
        /// From cases that lie near the same bank.
        Bank = "bank",
        /// From cases of the same queue.
        Queue = "queue",
        /// From nothing yet.
        Nothing = "nothing",
    }
}

/// What is known of a case when it is given its place. Kept with it, so that the place can be computed anew.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlaceFacts {
    /// The rule that opened it.
    pub rule: Option<String>,
    /// The bank that its strongest match lies in: its id, and its name.
    pub bank: Option<(String, String)>,
    /// The policy that it may break.
    pub policy: Option<String>,
    /// The policies that it may be about, as far as anything says so: rules that fired, labels of entries that it lies near to, what it was restricted under.
    pub policies: Vec<PolicyCode>,
    /// How often the item was seen, if the platform says.
    pub views: Option<i64>,
    /// When the item was posted.
    pub posted_at: Option<Timestamp>,
    /// What there is to look at.
    pub work: Option<WorkKind>,
    /// The language that the platform names first.
    pub language: Option<String>,
    /// Until when it is part of an incident.
    pub incident_until: Option<Timestamp>,
    /// Whether it is a stream that goes on.
    pub is_live: bool,
    /// A time that was set for it from outside.
    pub given_due: Option<Timestamp>,
}

/// Where a case stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Its lane.
    pub lane: Lane,
    /// The earlier, the sooner within the lane: when it was opened less its head start, or when it is due.
    pub turn: Timestamp,
    /// By when it should be decided.
    pub due_at: Option<Timestamp>,
    /// A language that it needs: its queue's, or else that of the item.
    pub language: Option<String>,
    /// A skill that only some people have.
    pub skill: Option<String>,
    /// What was known.
    pub facts: PlaceFacts,
    /// What it was computed from; none for a case of before places were computed.
    pub factors: Option<Factors>,
    /// When it was computed.
    pub placed_at: Timestamp,
}

/// The numbers whose product is the index, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Factors {
    /// How likely a person will find that it breaks a policy, 0 to 1.
    pub chance: f64,
    /// Where that was learned.
    pub learned_from: LearnedFrom,
    /// Cases that people confirmed there.
    pub n_confirmed: i64,
    /// Cases that they did not.
    pub n_reversed: i64,
    /// How much it matters.
    pub severity: f64,
    /// How many more people are expected to see it within a day.
    pub views_ahead: f64,
    /// Whether the platform said how often it was seen; if not, that is a default.
    pub views_known: bool,
    /// How long a person is expected to take.
    pub handling: Duration,
    /// How many closed cases say so; 0 if it is a default.
    pub n_handled: i64,
    /// Chance times severity times views, for each minute of work.
    pub index: f64,
    /// By how much waiting that puts it forward.
    pub head_start: Duration,
}

impl Place {
    /// The place of a case that nothing is known of: behind all that has a lane, by its age.
    pub fn by_age(opened_at: Timestamp) -> Self {
        Self {
            lane: Lane::Rest,
            turn: opened_at,
            due_at: None,
            language: None,
            skill: None,
            facts: PlaceFacts::default(),
            factors: None,
            placed_at: Timestamp::from_unix_ms(0),
        }
    }

    /// What has no column of its own, as it is kept.
    pub fn to_json(&self) -> Value {
        let facts = &self.facts;
        let time = |at: Option<Timestamp>| at.map(Timestamp::unix_ms);
        json!({
            "rule": facts.rule, "policy": facts.policy, "views": facts.views, "live": facts.is_live,
            "language": facts.language,
            "policies": facts.policies.iter().map(|policy| policy.as_str()).collect::<Vec<_>>(),
            "bank": facts.bank.as_ref().map(|(id, name)| json!([id, name])),
            "posted_at": time(facts.posted_at), "incident_until": time(facts.incident_until),
            "given_due": time(facts.given_due),
            "factors": self.factors.as_ref().map(|of| json!({
                "chance": of.chance, "learned_from": of.learned_from.as_str(), "confirmed": of.n_confirmed,
                "reversed": of.n_reversed, "severity": of.severity, "views_ahead": of.views_ahead,
                "views_known": of.views_known, "handling_ms": ms(of.handling), "handled": of.n_handled,
                "index": of.index, "head_start_ms": ms(of.head_start),
            })),
        })
    }

    /// Puts back what [`Place::to_json`] wrote. What is missing stays unknown: a place can always be computed anew.
    pub fn fill_from(&mut self, json: &Value) {
        let text = |key: &str| json[key].as_str().map(str::to_owned);
        let time = |key: &str| json[key].as_i64().map(Timestamp::from_unix_ms);
        let facts = &mut self.facts;
        facts.rule = text("rule");
        facts.policy = text("policy");
        let policies = json["policies"].as_array().into_iter().flatten();
        // Of a case of before, the one policy that was known.
        let known = policies.filter_map(Value::as_str).chain(facts.policy.as_deref());
        let mut found: Vec<PolicyCode> = Vec::new();
        for code in known.filter_map(|word| word.parse().ok()) {
            if !found.contains(&code) {
                found.push(code);
            }
        }
        facts.policies = found;
        facts.language = text("language");
        facts.views = json["views"].as_i64();
        facts.is_live = json["live"].as_bool() == Some(true);
        facts.bank = match (json["bank"][0].as_str(), json["bank"][1].as_str()) {
            (Some(id), Some(name)) => Some((id.to_owned(), name.to_owned())),
            (_, _) => None,
        };
        facts.posted_at = time("posted_at");
        facts.incident_until = time("incident_until");
        facts.given_due = time("given_due");
        self.factors = factors_of(&json["factors"]);
    }
}

fn factors_of(json: &Value) -> Option<Factors> {
    let span = |key: &str| json[key].as_u64().map(Duration::from_millis);
    Some(Factors {
        chance: json["chance"].as_f64()?,
        learned_from: json["learned_from"].as_str()?.parse().ok()?,
        n_confirmed: json["confirmed"].as_i64()?,
        n_reversed: json["reversed"].as_i64()?,
        severity: json["severity"].as_f64()?,
        views_ahead: json["views_ahead"].as_f64()?,
        views_known: json["views_known"].as_bool()?,
        handling: span("handling_ms")?,
        n_handled: json["handled"].as_i64()?,
        index: json["index"].as_f64()?,
        head_start: span("head_start_ms")?,
    })
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_that_press_come_first() {
        assert!(Lane::ALL.is_sorted_by_key(|lane| (!lane.presses(), lane.rank())));
    }

    #[test]
    fn lanes_are_kept_in_their_order() {
        let ranks: Vec<i64> = Lane::ALL.iter().map(|lane| lane.rank()).collect();
        assert_eq!(ranks, [0, 1, 2, 3, 4, 5]);
        for lane in Lane::ALL {
            assert_eq!(Lane::of_rank(lane.rank()), Some(*lane));
        }
        assert_eq!(Lane::of_rank(6), None);
    }

    #[test]
    fn a_place_is_read_back() {
        let at = Timestamp::from_unix_ms(1_000);
        let place = Place {
            facts: PlaceFacts {
                rule: Some("near".to_owned()),
                bank: Some(("bank_1".to_owned(), "known".to_owned())),
                policies: vec![PolicyCode::HateSpeech, PolicyCode::GraphicViolence],
                views: Some(3),
                posted_at: Some(at),
                is_live: true,
                ..PlaceFacts::default()
            },
            factors: Some(Factors {
                chance: 0.25,
                learned_from: LearnedFrom::Rule,
                n_confirmed: 1,
                n_reversed: 4,
                severity: 80.0,
                views_ahead: 12.5,
                views_known: true,
                handling: Duration::from_secs(90),
                n_handled: 7,
                index: 166.6,
                head_start: Duration::from_secs(3_600),
            }),
            ..Place::by_age(at)
        };
        let mut read = Place::by_age(at);
        read.fill_from(&place.to_json());
        assert_eq!(read, place);
        read.fill_from(&json!({}));
        assert_eq!(read, Place::by_age(at));
        read.fill_from(&json!({ "policy": "hate_speech" }));
        assert_eq!(read.facts.policies, [PolicyCode::HateSpeech], "a case of before");
    }
}
