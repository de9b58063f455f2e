//! What one event adds to each window, and what windows say of it.

use crate::eval::{CounterRead, Evaluator, NEVER_MS, Own, Rows};
use crate::graph::NodeId;
use crate::value::Value;
use crate::window::{Bump, KeyHasher, WindowKind};

/// Most rows of a list by which one window is kept for one event.
const BUMPS_PER_WINDOW_MAX: u32 = 100;
impl Evaluator<'_> {
    /// Works out what each window will remember of the event.
    pub(crate) fn prepare_windows(&mut self) {
        let rules = self.rules;
        for (idx, window) in rules.graph.windows.iter().enumerate() {
            self.scratch.steps = 0;
            match window.over {
                None => {
                    let own = self.own(idx, [0; 2]);
                    self.scratch.own.push(own);
                    self.bump(idx, own);
                }
                Some(over) => {
                    self.scratch.own.push(Own::Unknown);
                    let Value::List(list) = self.eval(over.list, [0; 2]) else {
                        continue;
                    };
                    for at in 0..self.list_len(list).min(BUMPS_PER_WINDOW_MAX) {
                        let mut rows = [0; 2];
                        rows[over.depth as usize] = self.row(list, at);
                        let own = self.own(idx, rows);
                        // The same key twice in one event is one occurrence.
                        let is_new = !self.scratch.bumps.iter().any(|bump| {
                            let same = bump.window == idx as u32;
                            same && matches!(own, Own::Known { key, value } if key == bump.key && value == Some(bump.value))
                        });
                        if is_new {
                            self.bump(idx, own);
                        }
                    }
                }
            }
        }
    }

    fn bump(&mut self, window: usize, own: Own) {
        if let Own::Known {
            key,
            value: Some(value),
        } = own
        {
            self.scratch.bumps.push(Bump {
                window: window as u32,
                key,
                value,
                time_ms: self.event.time_ms(),
            });
        }
    }

    fn own(&mut self, idx: usize, rows: Rows) -> Own {
        let rules = self.rules;
        let window = &rules.graph.windows[idx];
        let mut hasher = KeyHasher::new(self.seed);
        for key in &window.keys {
            if !self.hash(*key, rows, &mut hasher) {
                return Own::Unknown;
            }
        }
        let key = hasher.finish();
        match window.only.map_or(Value::Bool(true), |only| self.eval(only, rows)) {
            Value::Bool(true) => {}
            Value::Bool(false) => return Own::Known { key, value: None },
            _ => return Own::Unknown,
        }
        let value = match (window.spec.kind, window.value) {
            (WindowKind::Sum, Some(value)) => match self.eval(value, rows) {
                Value::Int(n) => n as u64,
                _ => return Own::Unknown,
            },
            (_, Some(value)) => {
                let mut hasher = KeyHasher::new(self.seed);
                if !self.hash(value, rows, &mut hasher) {
                    return Own::Unknown;
                }
                hasher.finish()
            }
            (_, None) => 0,
        };
        Own::Known {
            key,
            value: Some(value),
        }
    }

    fn hash(&mut self, node: NodeId, rows: Rows, hasher: &mut KeyHasher) -> bool {
        match self.eval(node, rows) {
            Value::Text(text) => hasher.part(b't', self.text(text).as_bytes()),
            Value::Int(n) => hasher.part(b'i', &n.to_le_bytes()),
            Value::Bool(b) => hasher.part(b'b', &[u8::from(b)]),
            _ => return false,
        }
        true
    }

    pub(crate) fn read_window(&mut self, window: u32, rows: Rows) -> Value {
        let Some(state) = self.state else {
            return Value::Pending;
        };
        let spec = &self.rules.graph.windows[window as usize];
        let own = match spec.over {
            None => self.scratch.own[window as usize],
            Some(_) => self.own(window as usize, rows),
        };
        let Own::Known { key, value } = own else {
            return Value::Unknown;
        };
        let kind = spec.spec.kind;
        let reading = state.read(window, key, self.event.time_ms(), value);
        let read = CounterRead { window, key, reading };
        if !self.scratch.counters.contains(&read) {
            self.scratch.counters.push(read);
        }
        match (kind, reading.value) {
            (WindowKind::Count | WindowKind::Distinct | WindowKind::Sum | WindowKind::Quota(_), Some(n)) => {
                Value::Int(n)
            }
            (WindowKind::FirstSeen, Some(ms)) => Value::Time(ms),
            (WindowKind::Since | WindowKind::Session(_), Some(ms)) => Value::Duration(ms),
            (WindowKind::Since, None) => Value::Duration(NEVER_MS),
            (WindowKind::Session(_), None) => Value::Duration(0),
            (_, None) => Value::Unknown,
        }
    }
}
