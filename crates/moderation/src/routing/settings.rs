//! What the operator chose about the order of work: for each queue its lane, its time, and who may be given it. Every number that is no measurement
//! stands here, with its default.

use std::collections::BTreeMap;
use std::time::Duration;

use policy::Queue;

use crate::model::{Lane, WorkKind};

/// What the operator chose about the order of work.
#[derive(Debug, Clone, PartialEq)]
pub struct RoutingSettings {
    /// What was said of a queue.
    pub queues: BTreeMap<Queue, QueueSettings>,
    /// By how much more or less a policy matters than others, by its word.
    pub policies: BTreeMap<String, f64>,
    /// Cases that are imagined as confirmed, and as not, before anything is known of a source.
    pub prior: (f64, f64),
    /// How often an item is expected to be seen within a day where the platform does not say.
    pub views_ahead_default: f64,
    /// How long a case of each kind is expected to take before enough were closed to say.
    pub handling_default: Duration,
    /// How much waiting each doubling of the index stands for.
    pub head_start_per_doubling: Duration,
    /// The most waiting that an index stands for. No case is overtaken by one that was opened later than this after it.
    pub head_start_max: Duration,
    /// How far ahead it is looked for times at which nobody is on shift.
    pub coverage_ahead: Duration,
}

/// What the operator chose about a queue.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueSettings {
    /// Its lane, if not what else is known says.
    pub lane: Option<Lane>,
    /// By when its cases should be decided, after they were opened.
    pub due: Option<Duration>,
    /// When to tell of a case that is still open, after it was opened.
    pub warn_after: Vec<Duration>,
    /// The same, before it is due.
    pub warn_before: Vec<Duration>,
    /// By how much more or less its cases matter than their priority says.
    pub severity: f64,
    /// A skill that only some people have, and that its cases need.
    pub skill: Option<String>,
    /// A language that its cases need, whatever the platform says.
    pub language: Option<String>,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self {
            lane: None,
            due: None,
            warn_after: Vec::new(),
            warn_before: Vec::new(),
            severity: 1.0,
            skill: None,
            language: None,
        }
    }
}

impl Default for RoutingSettings {
    fn default() -> Self {
        Self {
            queues: BTreeMap::new(),
            policies: BTreeMap::new(),
            prior: (2.0, 2.0),
            views_ahead_default: 100.0,
            handling_default: Duration::from_secs(120),
            head_start_per_doubling: Duration::from_secs(3600),
            head_start_max: Duration::from_secs(24 * 3600),
            coverage_ahead: Duration::from_secs(24 * 3600),
        }
    }
}

impl RoutingSettings {
    /// The most times at which a case of a queue is told of.
    pub const WARNINGS_MAX: usize = 8;

    /// What holds of a queue.
    pub fn of(&self, queue: Queue) -> QueueSettings {
        self.queues.get(&queue).cloned().unwrap_or_default()
    }

    /// How much a case matters, from 1: the priority that its rule gave it, or its queue's usual weight, times what the operator said.
    pub fn severity(&self, queue: Queue, priority: i32, policy: Option<&str>) -> f64 {
        /// Of what a colleague could not decide.
        const ESCALATED: i64 = 100;
        let usual = match queue {
            Queue::Escalated => ESCALATED,
            queue => queue.weight(0),
        };
        let base = if priority > 0 { i64::from(priority) } else { usual };
        let by_policy = policy.and_then(|policy| self.policies.get(policy)).copied();
        #[expect(clippy::cast_precision_loss, reason = "a priority is at most a thousand")]
        let base = base.clamp(1, 1_000) as f64;
        base * self.of(queue).severity * by_policy.unwrap_or(1.0)
    }

    /// How long a case of a kind is expected to take before enough were closed to say.
    pub fn handling_of(&self, work: WorkKind) -> Duration {
        match work {
            WorkKind::Text | WorkKind::Image | WorkKind::File => self.handling_default,
            // What plays has to be watched.
            WorkKind::Video | WorkKind::Sound | WorkKind::Stream => self.handling_default * 2,
        }
    }
}
