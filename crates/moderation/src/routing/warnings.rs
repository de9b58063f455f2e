//! When somebody is told that a case is still open: set points after it was opened and before it is due, and the moment at which it is. Pure.

use super::settings::QueueSettings;
use crate::model::Timestamp;

/// The points at which a case is told of, the earliest first, each once; the last is when it is due. None for a queue without points and time.
pub fn points(queue: &QueueSettings, opened_at: Timestamp, due_at: Option<Timestamp>) -> Vec<Timestamp> {
    let after = queue.warn_after.iter().map(|span| opened_at.after(*span));
    let before = queue
        .warn_before
        .iter()
        .filter_map(|span| due_at.map(|due_at| due_at.before(*span)));
    let mut points: Vec<Timestamp> = after.chain(before).chain(due_at).filter(|at| *at > opened_at).collect();
    points.sort_unstable();
    points.dedup();
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_case_is_told_of_at_its_points_and_when_it_is_due() {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        let opened = Timestamp::from_unix_ms(0);
        let queue = QueueSettings {
            warn_after: [5, 15, 30].map(minutes).to_vec(),
            warn_before: [15, 30, 90].map(minutes).to_vec(),
            ..QueueSettings::default()
        };
        let at = |due: Option<u64>| -> Vec<i64> {
            let due_at = due.map(|due| opened.after(minutes(due)));
            let points = points(&queue, opened, due_at);
            points.into_iter().map(|at| at.unix_ms() / 60_000).collect()
        };
        assert_eq!(at(Some(60)), [5, 15, 30, 45, 60]);
        assert_eq!(at(None), [5, 15, 30]);
    }
}
