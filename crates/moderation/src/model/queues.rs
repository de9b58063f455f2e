//! Which queues a person works on. Start with [`QueueSet`].

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use policy::Queue;

/// The queues whose cases a person sees and decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueSet {
    /// All, those that rules make later among them.
    All,
    /// These alone.
    Only(BTreeSet<Queue>),
}

impl QueueSet {
    /// The most queues that a set names.
    pub const QUEUES_MAX: usize = 50;

    /// Whether the queue is among them.
    pub fn has(&self, queue: Queue) -> bool {
        match self {
            QueueSet::All => true,
            QueueSet::Only(queues) => queues.contains(&queue),
        }
    }
}

/// As statements compare it: `*` for all, else each word between spaces, so that a word is found with the spaces around it.
impl fmt::Display for QueueSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            QueueSet::All => f.write_str("*"),
            QueueSet::Only(queues) => {
                f.write_str(" ")?;
                queues.iter().try_for_each(|queue| write!(f, "{queue} "))
            }
        }
    }
}

/// A text that names no set of queues.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not names of queues")]
pub struct UnknownQueues;

impl FromStr for QueueSet {
    type Err = UnknownQueues;

    fn from_str(text: &str) -> Result<Self, UnknownQueues> {
        if text.trim() == "*" {
            return Ok(QueueSet::All);
        }
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        let queues: BTreeSet<Queue> = words
            .map(|word| word.parse().map_err(|_| UnknownQueues))
            .collect::<Result<_, _>>()?;
        if queues.len() > Self::QUEUES_MAX {
            return Err(UnknownQueues);
        }
        Ok(QueueSet::Only(queues))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_read_as_it_was_written() {
        for (text, expected) in [
            ("*", "*"),
            ("", " "),
            ("leads, matches", " matches leads "),
            (" my_queue ", " my_queue "),
        ] {
            let set: QueueSet = text.parse().unwrap();
            assert_eq!(set.to_string(), expected);
            assert_eq!(set.to_string().parse(), Ok(set));
        }
        assert!("No Queue!".parse::<QueueSet>().is_err());
        let set: QueueSet = "leads".parse().unwrap();
        assert!(set.has(Queue::Leads) && !set.has(Queue::Matches) && QueueSet::All.has(Queue::Matches));
    }
}
