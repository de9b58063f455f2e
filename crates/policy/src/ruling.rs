//! What is to be done by what the rules say: the strongest outcome, and every effect of the others that does not contradict it.

use crate::Evaluation;
use crate::rules::{Outcome as RuleOutcome, Rules};
use crate::words::{Outcome, PolicyCode, Queue};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// What is to happen with the item now.
    pub outcome: Outcome,
    /// Where a person will look at it and how soon, if one should.
    pub case: Option<(Queue, i32)>,
    /// The policy that the outcome rests on, if something is restricted.
    pub policy: Option<PolicyCode>,
    /// The rule that decided; [`NO_RULE`] if none that counts fired.
    pub rule: String,
    /// Why, in words.
    pub reason: String,
    /// What is restricted.
    pub restrictions: Vec<Restriction>,
    /// Labels to be set.
    pub labels: Vec<NewLabel>,
}

/// What decided, where no rule did.
pub const NO_RULE: &str = "no_rule";

/// Something that is made unavailable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// One of [`crate::RESTRICTIONS`].
    pub what: String,
    /// How long; until a person decides if it does not say.
    pub for_ms: Option<i64>,
}

/// A label that a rule sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLabel {
    /// `account` or `channel`.
    pub on: String,
    /// The label.
    pub label: String,
    /// How long.
    pub for_ms: Option<i64>,
    /// The rule.
    pub rule: String,
    /// Why.
    pub reason: String,
}

impl Ruling {
    /// In a word or two, as lists of differences name it: `allow`, `case links`, `restrict item`.
    pub fn brief(&self) -> String {
        let first = |what: &str| self.restrictions.iter().any(|known| known.what == what);
        match (self.outcome, self.case) {
            (Outcome::Restrict, _) => {
                let what = crate::RESTRICTIONS.iter().find(|what| first(what));
                format!("restrict {}", what.copied().unwrap_or("item"))
            }
            (_, Some((queue, _))) => format!("case {queue}"),
            (_, None) if !self.labels.is_empty() => format!("label {}", self.labels[0].label),
            (outcome, None) => outcome.as_str().to_owned(),
        }
    }
}

impl Evaluation {
    /// What is to be done. Restrictions and labels of all rules that count hold, of the same restriction the longest; a
    /// case is opened if any of them asks for one, where the deciding rule says, else where the most pressing of the others does. So no rule's effect is dropped in silence.
    pub fn ruling(&self, rules: &Rules) -> Ruling {
        let mut ruling = Ruling {
            outcome: Outcome::Allow,
            case: None,
            policy: None,
            rule: NO_RULE.to_owned(),
            reason: "no rule speaks against it".to_owned(),
            restrictions: Vec::new(),
            labels: Vec::new(),
        };
        let mut other_case: Option<(Queue, i32)> = None;
        for (idx, fired) in self.fired.iter().enumerate().filter(|(_, fired)| fired.counts) {
            let rule = &rules.rules()[fired.rule];
            let decides = self.deciding == Some(idx);
            if decides {
                ruling.rule.clone_from(&rule.name);
                ruling.reason.clone_from(&fired.reason);
                ruling.policy = fired.policy.as_deref().and_then(|policy| policy.parse().ok());
            }
            for outcome in &rule.outcomes {
                match outcome {
                    RuleOutcome::Allow => {}
                    RuleOutcome::Label { on, label, for_ms } => ruling.labels.push(NewLabel {
                        on: on.clone(),
                        label: label.clone(),
                        for_ms: *for_ms,
                        rule: rule.name.clone(),
                        reason: fired.reason.clone(),
                    }),
                    RuleOutcome::Case { queue, priority } => {
                        // The checker lets no other names through.
                        let Ok(queue) = queue.parse::<Queue>() else { continue };
                        let place = if decides { &mut ruling.case } else { &mut other_case };
                        if place.is_none_or(|(_, known)| known < *priority) {
                            *place = Some((queue, *priority));
                        }
                    }
                    RuleOutcome::Restrict { what, for_ms } => {
                        let known = ruling.restrictions.iter_mut().find(|known| known.what == *what);
                        match known {
                            // No end is later than any.
                            Some(known) => known.for_ms = known.for_ms.zip(*for_ms).map(|(a, b)| a.max(b)),
                            None => ruling.restrictions.push(Restriction {
                                what: what.clone(),
                                for_ms: *for_ms,
                            }),
                        }
                    }
                }
            }
        }
        ruling.case = ruling.case.or(other_case);
        if ruling.restrictions.is_empty() {
            ruling.policy = None;
        }
        ruling.outcome = match (ruling.restrictions.is_empty(), ruling.case) {
            (false, _) => Outcome::Restrict,
            (true, Some(_)) => Outcome::Review,
            (true, None) => Outcome::Allow,
        };
        ruling
    }
}
