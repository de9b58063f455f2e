//! What the rules say of one event: which fired, which could not be decided and why, what they looked at, what is to be remembered.

use serde_json::{Value as Json, json};

use crate::eval::{CounterRead, Evaluator, NEVER_MS, Scratch};
use crate::event::Event;
use crate::graph::{NodeId, Op, children};
use crate::guards::Guarded;
use crate::lists::Lists;
use crate::rules::{Mode, Outcome, Part, PolicyOf, Rule, Rules};
use crate::schema::{FACTS, KINDS, LISTS, at};
use crate::value::{ListRef, Type, Value, duration_words};
use crate::window::{Bump, Seed, State, stable_id};

/// Most causes that are told of one rule that could not be decided.
const CAUSES_MAX: usize = 8;
/// Longest text in a reason, in characters: more is cut, and shown as cut.
const SHOWN_MAX: usize = 200;

/// What the rules say.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Rules that fired, in the order of the files.
    pub fired: Vec<Fired>,
    /// The one of `fired` that decides, if one that counts fired.
    pub deciding: Option<usize>,
    /// Rules that could not be decided.
    pub undecided: Vec<Undecided>,
    /// Facts that were looked at: places in [`FACTS`], a bit each.
    pub facts_read: u128,
    /// Lists that were looked at: places in [`LISTS`], a bit each.
    pub lists_read: u32,
    /// What windows said.
    pub counters: Vec<CounterRead>,
    /// What is to be remembered, once, if the event is.
    pub bumps: Vec<Bump>,
}

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// Its place among the rules.
    pub rule: usize,
    /// Whether it counts; else it is in shadow, or the item is not in its share.
    pub counts: bool,
    /// The policy it serves.
    pub policy: Option<String>,
    /// The reason, with what was seen in it.
    pub reason: String,
}

/// A rule that could not be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// Its place among the rules.
    pub rule: usize,
    /// Why, as far as it was found.
    pub causes: Vec<Cause>,
}

/// Why something is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The fact was not told.
    Fact(u8),
    /// The column was not told for a row.
    Column(u8, u8),
    /// The list was not told.
    Rows(u8),
    /// The list that is kept outside is not there.
    Outside(u32),
    /// The window does not know its key, or whether the event belongs to it.
    Window(u32),
    /// A calculation that has no result.
    Arithmetic,
    /// What was looked at is longer than rules look.
    Cut,
    /// It would have taken too long.
    TooLong,
}

impl Rules {
    /// Asks all rules about an event. The state is read and not changed: pass [`Evaluation::bumps`] to [`State::apply`] once.
    pub fn evaluate(&self, event: &Event, lists: &Lists, state: &State, scratch: &mut Scratch) -> Evaluation {
        self.prepare(event, lists, state.seed(), scratch);
        self.finish(event, lists, state, scratch)
    }

    /// The first step: all that needs no window. It may run for many events at once, each with a scratch of its own.
    pub fn prepare(&self, event: &Event, lists: &Lists, seed: Seed, scratch: &mut Scratch) {
        let mut evaluator = Evaluator::begin(self, event, lists, seed, scratch);
        evaluator.prepare_windows();
        let kind = event.kind();
        let asked = kind.map_or(&self.of_unknown_kind, |kind| &self.by_kind[kind]);
        let mut looked_at = asked.looked_at();
        for entry in &asked.rules {
            if event.time_ms() >= entry.expires_ms {
                continue;
            }
            let n_true = match asked.guarded(entry, event, &mut looked_at) {
                Guarded::Fails => continue,
                Guarded::Passes(n_true) => n_true,
            };
            let mut answer = evaluator.ask_rest(entry.condition, n_true);
            if kind.is_none() && answer != Value::Bool(false) && self.rules[entry.rule as usize].kinds != ALL_KINDS {
                answer = Value::Unknown;
            }
            if answer != Value::Bool(false) {
                let is_exhausted = evaluator.is_exhausted();
                evaluator.scratch.answers.push((entry.rule, answer, is_exhausted));
            }
        }
        evaluator.scratch.facts_read |= looked_at.bits();
    }

    /// The second step, for the event that the scratch was prepared for.
    pub fn finish(&self, event: &Event, lists: &Lists, state: &State, scratch: &mut Scratch) -> Evaluation {
        let answers = std::mem::take(&mut scratch.answers);
        let mut evaluator = Evaluator::resume(self, event, lists, state, scratch);
        let mut fired = Vec::new();
        let mut undecided = Vec::new();
        for (idx, answer, was_exhausted) in &answers {
            let idx = *idx as usize;
            let rule = &self.rules[idx];
            let (answer, is_exhausted) = match answer {
                Value::Pending => (evaluator.ask(rule.condition), evaluator.is_exhausted()),
                known => (*known, *was_exhausted),
            };
            match answer {
                Value::Bool(false) => {}
                Value::Bool(true) => {
                    let reason = evaluator.render(rule);
                    fired.push(Fired {
                        rule: idx,
                        counts: rule.mode == Mode::Live && is_in_share(rule, event),
                        policy: match &rule.policy {
                            PolicyOf::Nothing => None,
                            PolicyOf::Named(name) => Some(name.clone()),
                            PolicyOf::Fact(fact) => event.fact_text(*fact as usize).map(str::to_owned),
                        },
                        reason,
                    });
                }
                _ => {
                    let mut causes = Vec::new();
                    if event.kind().is_none() && rule.kinds != ALL_KINDS {
                        causes.push(Cause::Fact(at::ITEM_KIND as u8));
                    }
                    if is_exhausted {
                        causes.push(Cause::TooLong);
                    } else {
                        evaluator.ask(rule.condition);
                        evaluator.causes(rule.condition, [0; 2], &mut causes, 0);
                    }
                    causes.sort_unstable();
                    causes.dedup();
                    causes.truncate(CAUSES_MAX);
                    undecided.push(Undecided { rule: idx, causes });
                }
            }
        }
        let deciding = self.deciding(&fired);
        let evaluation = Evaluation {
            fired,
            deciding,
            undecided,
            facts_read: scratch.facts_read,
            lists_read: scratch.lists_read,
            counters: scratch.counters.clone(),
            bumps: scratch.bumps.clone(),
        };
        scratch.answers = answers;
        evaluation
    }

    /// The strongest outcome decides; of equals the more pressing, then the graver, then the one that stands first.
    fn deciding(&self, fired: &[Fired]) -> Option<usize> {
        let weight = |fired: &Fired| {
            let rule = &self.rules[fired.rule];
            let strength = rule.outcomes.iter().map(Outcome::strength).max().unwrap_or(0);
            let priority = |outcome: &Outcome| match outcome {
                Outcome::Case { priority, .. } => *priority,
                Outcome::Allow | Outcome::Label { .. } | Outcome::Restrict { .. } => 0,
            };
            let priority = rule.outcomes.iter().map(priority).max().unwrap_or(0);
            (strength, priority, rule.severity)
        };
        let counting = fired.iter().enumerate().filter(|(_, fired)| fired.counts);
        counting
            .max_by_key(|(idx, fired)| (weight(fired), std::cmp::Reverse(*idx)))
            .map(|(idx, _)| idx)
    }
}

const ALL_KINDS: u16 = (1 << KINDS.len()) - 1;

/// The same item is always in or always out: a rule that is tried on a tenth shows all it does to that tenth.
fn is_in_share(rule: &Rule, event: &Event) -> bool {
    if rule.share >= 1.0 {
        return true;
    }
    let item = event.fact_text(at::ITEM_ID).unwrap_or("");
    let drawn = stable_id(&format!("{}\n{item}", rule.name)) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits are a float's")]
    let drawn = drawn as f64 / (1_u64 << 53) as f64;
    drawn < rule.share
}

impl Evaluator<'_> {
    fn render(&mut self, rule: &Rule) -> String {
        let mut out = String::new();
        for part in &rule.reason.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(node) => {
                    let value = self.ask(*node);
                    out.push_str(&self.shown(value));
                }
            }
        }
        out
    }

    /// A value in words.
    fn shown(&self, value: Value) -> String {
        match value {
            Value::Unknown | Value::Pending => "unknown".to_owned(),
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            Value::Int(n) => n.to_string(),
            Value::Float(x) => format!("{x:.2}"),
            Value::Text(text) => {
                let text = self.text(text);
                let shown: String = text.chars().take(SHOWN_MAX).collect();
                if shown.len() < text.len() {
                    format!("{shown}…")
                } else {
                    shown
                }
            }
            Value::Time(ms) => crate::lang::time_text(ms)[..16].replace('T', " "),
            Value::Duration(ms) if ms >= NEVER_MS => "never".to_owned(),
            Value::Duration(ms) => duration_words(ms),
            Value::Bits(n) => format!("{n} bits"),
            Value::List(list) => match list {
                ListRef::Texts(_) => {
                    let n = self.list_len(list).min(10);
                    let texts: Vec<&str> = (0..n)
                        .map(|at| self.text(crate::value::TextRef::Event(self.row(list, at))))
                        .collect();
                    texts.join(", ")
                }
                ListRef::Rows(_) | ListRef::Kept { .. } => format!("{} rows", self.list_len(list)),
            },
        }
    }

    /// What made a node unknown: the leaves from which it came.
    fn causes(&mut self, id: NodeId, mut rows: [u32; 2], causes: &mut Vec<Cause>, depth: u32) {
        if causes.len() >= CAUSES_MAX * 4 || depth > 200 || self.eval(id, rows) != Value::Unknown {
            return;
        }
        let rules = self.rules();
        let op = &rules.graph.node(id).op;
        let n_before = causes.len();
        match op {
            Op::Fact(idx) => causes.push(Cause::Fact(*idx)),
            Op::Rows(list) => causes.push(Cause::Rows(*list)),
            Op::Cell { list, column, .. } => causes.push(Cause::Column(*list, *column)),
            Op::Window(window) | Op::Rate(window, _) => {
                let window_of = &rules.graph.windows[*window as usize];
                let inside = window_of.keys.iter().chain(&window_of.only).chain(&window_of.value);
                for node in inside {
                    self.causes(*node, rows, causes, depth + 1);
                }
                if causes.len() == n_before {
                    causes.push(Cause::Window(*window));
                }
            }
            Op::Exists { list, depth: var, body }
            | Op::Every { list, depth: var, body }
            | Op::Filter { list, depth: var, body } => {
                self.causes(*list, rows, causes, depth + 1);
                if let Value::List(list) = self.eval(*list, rows) {
                    for at in 0..self.list_len(list).min(100) {
                        rows[*var as usize] = self.row(list, at);
                        self.causes(*body, rows, causes, depth + 1);
                    }
                }
            }
            _ => {
                for child in children(op) {
                    self.causes(child, rows, causes, depth + 1);
                }
                if let (Op::InList(_, list), true) = (op, causes.len() == n_before) {
                    causes.push(Cause::Outside(*list));
                }
            }
        }
        if causes.len() == n_before {
            let is_arithmetic = matches!(op, Op::Arithmetic(..) | Op::Minus(_));
            causes.push(if is_arithmetic { Cause::Arithmetic } else { Cause::Cut });
        }
    }
}

impl Evaluation {
    /// The names of the rules that fired and count.
    pub fn counting<'a>(&'a self, rules: &'a Rules) -> impl Iterator<Item = &'a Rule> {
        self.fired
            .iter()
            .filter(|fired| fired.counts)
            .map(|fired| &rules.rules[fired.rule])
    }

    /// In plain words: what was decided, why, on which facts, and what could not be known.
    pub fn explain(&self, rules: &Rules, event: &Event) -> String {
        let mut lines = Vec::new();
        match self.deciding {
            Some(idx) => {
                let fired = &self.fired[idx];
                let rule = &rules.rules[fired.rule];
                let outcomes: Vec<String> = rule.outcomes.iter().map(ToString::to_string).collect();
                lines.push(format!(
                    "{}, by rule `{}`: {}",
                    outcomes.join(", "),
                    rule.name,
                    fired.reason
                ));
            }
            None => lines.push("No rule that counts fired.".to_owned()),
        }
        for (idx, fired) in self
            .fired
            .iter()
            .enumerate()
            .filter(|(idx, _)| Some(*idx) != self.deciding)
        {
            let _ = idx;
            let also = if fired.counts { "Also" } else { "Without counting" };
            lines.push(format!(
                "{also}: rule `{}`: {}",
                rules.rules[fired.rule].name, fired.reason
            ));
        }
        for undecided in &self.undecided {
            let causes: Vec<String> = undecided.causes.iter().map(|cause| cause.words(rules)).collect();
            let name = &rules.rules[undecided.rule].name;
            lines.push(format!("Could not be decided: rule `{name}`: {}.", causes.join("; ")));
        }
        for counter in &self.counters {
            let window = &rules.graph.windows[counter.window as usize];
            let is_time = matches!(window.spec.kind, crate::window::WindowKind::FirstSeen);
            let value = counter.reading.value.map_or_else(
                || "nothing yet".to_owned(),
                |value| {
                    if is_time {
                        crate::lang::time_text(value)
                    } else {
                        value.to_string()
                    }
                },
            );
            let error = counter.reading.error;
            let error = if error > 0 {
                format!(", give or take {error}")
            } else {
                String::new()
            };
            lines.push(format!("Counted: {} was {value}{error}.", window.spec.text));
        }
        let facts: Vec<String> = self
            .facts(event)
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        if !facts.is_empty() {
            lines.push(format!("Looked at: {}.", facts.join(", ")));
        }
        lines.join("\n")
    }

    /// The facts that were looked at, with what they were; of lists, how many rows.
    fn facts<'a>(&'a self, event: &'a Event) -> impl Iterator<Item = (&'static str, Json)> + 'a {
        let facts = FACTS
            .iter()
            .enumerate()
            .filter(|(idx, _)| self.facts_read >> idx & 1 == 1);
        let lists = LISTS
            .iter()
            .enumerate()
            .filter(|(idx, _)| self.lists_read >> idx & 1 == 1);
        let facts = facts.map(|(idx, field)| (field.name, plain(event, event.fact(idx), field.ty)));
        facts.chain(lists.map(|(idx, list)| {
            let n = event.rows(idx as u8).map(|rows| json!({ "rows": rows.n }));
            (list.name, n.unwrap_or(Json::Null))
        }))
    }

    /// As JSON, for the decision that rests on it: the same for the same rules, event and state. Long texts stand as their length alone.
    pub fn to_value(&self, rules: &Rules, event: &Event) -> Json {
        let name = |rule: usize| rules.rules[rule].name.as_str();
        let fired = self.fired.iter().enumerate().map(|(idx, fired)| {
            json!({
                "rule": name(fired.rule), "counts": fired.counts, "decides": self.deciding == Some(idx),
                "policy": fired.policy.as_deref(), "reason": fired.reason,
            })
        });
        let undecided = self.undecided.iter().map(|undecided| {
            let causes = undecided.causes.iter().map(|cause| Json::from(cause.words(rules)));
            json!({ "rule": name(undecided.rule), "why": causes.collect::<Json>() })
        });
        let counters = self.counters.iter().map(|counter| {
            json!({
                "window": rules.graph.windows[counter.window as usize].spec.text, "key": format!("{:016x}", counter.key),
                "value": counter.reading.value, "error": counter.reading.error,
            })
        });
        let facts = self.facts(event).map(|(name, value)| (name.to_owned(), value));
        json!({
            "fired": fired.collect::<Json>(), "undecided": undecided.collect::<Json>(),
            "counters": counters.collect::<Json>(), "facts": Json::Object(facts.collect()),
        })
    }

    /// The same as text.
    pub fn to_json(&self, rules: &Rules, event: &Event) -> String {
        self.to_value(rules, event).to_string()
    }
}

/// A value as JSON. Content is not kept with a decision: a text that is not a name or a word is told by its length.
fn plain(event: &Event, value: Value, ty: Type) -> Json {
    const NAME_BYTES_MAX: usize = 64;
    match value {
        Value::Bool(b) => b.into(),
        Value::Int(n) | Value::Time(n) | Value::Duration(n) | Value::Bits(n) => n.into(),
        Value::Float(x) => x.into(),
        Value::Text(crate::value::TextRef::Event(idx)) => {
            let text = &event.text_at(idx).text;
            let is_word =
                matches!(ty, Type::Word(_)) || text.len() <= NAME_BYTES_MAX && !text.contains(char::is_whitespace);
            if is_word {
                Json::from(&**text)
            } else {
                json!({ "bytes": text.len() })
            }
        }
        Value::List(ListRef::Texts(idx)) => json!({ "rows": event.text_list(idx).texts.len() }),
        Value::Text(_) | Value::List(_) | Value::Unknown | Value::Pending => Json::Null,
    }
}

impl Cause {
    /// In words.
    pub fn words(self, rules: &Rules) -> String {
        match self {
            Cause::Fact(idx) => format!("`{}` is not known", FACTS[idx as usize].name),
            Cause::Rows(list) => format!("`{}` are not known", LISTS[list as usize].name),
            Cause::Column(list, column) => {
                let list = &LISTS[list as usize];
                format!(
                    "`{}` of one of the `{}` is not known",
                    list.columns[column as usize].name, list.name
                )
            }
            Cause::Outside(list) => format!("the list `{}` is not there", rules.outside[list as usize]),
            Cause::Window(window) => {
                format!("`{}` cannot be asked", rules.graph.windows[window as usize].spec.text)
            }
            Cause::Arithmetic => "a calculation has no result".to_owned(),
            Cause::Cut => "a text or list is longer than rules look".to_owned(),
            Cause::TooLong => "it would take too long".to_owned(),
        }
    }
}
