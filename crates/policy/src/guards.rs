//! What most rules fail by. Conditions begin with what is cheap: the kind of item, a number, a truth value. Those are taken out of the
//! graph and asked in a row; what is said of the kind is known before any event comes. Only a rule that passes is asked whole.
//!
//! Nothing that is said depends on it: the same facts count as looked at, and what is unknown is left to the graph.

use crate::event::Event;
use crate::graph::{Const, Graph, NodeId, Op};
use crate::lang::ast::BinaryOp;
use crate::rules::{Mode, Rule};
use crate::schema::{FACTS, KINDS, at};
use crate::value::{TextRef, Value};

/// Most comparisons that are asked of one rule before it is asked whole.
const GUARDS_MAX: usize = 16;

/// The rules that are asked about items of one kind.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) rules: Vec<AskedRule>,
    guards: Vec<Guard>,
    /// Whether a rule looks at the kind, whatever else the event is.
    looks_at_kind: bool,
}

/// A rule, and where its guards stand.
#[derive(Debug)]
pub(crate) struct AskedRule {
    pub(crate) rule: u32,
    pub(crate) condition: NodeId,
    /// When it ends.
    pub(crate) expires_ms: i64,
    first: u32,
    n: u32,
    /// How many parts of the condition hold for every item of the kind, before the guards.
    n_known: u32,
}

/// A number that has to lie between two others.
#[derive(Debug, Clone, Copy)]
struct Guard {
    low: i64,
    high: i64,
    /// Whether it has to lie outside instead.
    is_outside: bool,
    /// The fact whose number it is; a truth value is 0 or 1.
    number: u8,
    /// The fact that is looked at: another only where the answer does not depend on it.
    looked_at: u8,
}

/// What is known of a part of a condition before any event comes.
enum Part {
    /// It is true, or false, for every item of the kind.
    Known(bool),
    Guard(Guard),
}

/// Which facts were looked at.
pub(crate) struct LookedAt([bool; FACTS.len()]);

/// What the guards say.
pub(crate) enum Guarded {
    /// The condition is false.
    Fails,
    /// So many of its first parts are true; the rest is to be asked.
    Passes(usize),
}

impl Asked {
    /// The rules that are asked about items of this kind; about those of unknown kind, all.
    pub(crate) fn of(kind: Option<usize>, rules: &[Rule], graph: &Graph) -> Self {
        let mut asked = Self::default();
        for (idx, rule) in rules.iter().enumerate() {
            let is_about = kind.is_none_or(|kind| rule.kinds & (1 << kind) != 0);
            if rule.mode == Mode::Draft || !is_about {
                continue;
            }
            let mut entry = AskedRule {
                rule: idx as u32,
                condition: rule.condition,
                expires_ms: rule.expires_ms.unwrap_or(i64::MAX),
                first: asked.guards.len() as u32,
                n: 0,
                n_known: 0,
            };
            let (mut is_never, mut looks_at_kind) = (false, false);
            for part in parts(graph, rule.condition).iter().take(GUARDS_MAX) {
                let guard = match kind.and_then(|kind| part_of(graph, *part, kind)) {
                    // A rule that ends looks at nothing after its end.
                    Some(Part::Known(holds)) if entry.n == 0 && rule.expires_ms.is_none() => {
                        looks_at_kind = true;
                        entry.n_known += u32::from(holds);
                        is_never = !holds;
                        if is_never {
                            break;
                        }
                        continue;
                    }
                    Some(Part::Known(holds)) => Guard::known(holds),
                    Some(Part::Guard(guard)) => guard,
                    None => break,
                };
                asked.guards.push(guard);
                entry.n += 1;
            }
            asked.looks_at_kind |= looks_at_kind;
            if !is_never {
                asked.rules.push(entry);
            }
        }
        asked
    }

    /// What is looked at for every event.
    pub(crate) fn looked_at(&self) -> LookedAt {
        let mut looked_at = LookedAt([false; FACTS.len()]);
        looked_at.0[at::ITEM_KIND] = self.looks_at_kind;
        looked_at
    }

    /// Asks a rule's guards, and adds what they look at.
    pub(crate) fn guarded(&self, rule: &AskedRule, event: &Event, looked_at: &mut LookedAt) -> Guarded {
        let first = rule.first as usize;
        let mut n_true = rule.n_known as usize;
        for guard in &self.guards[first..first + rule.n as usize] {
            looked_at.0[guard.looked_at as usize] = true;
            match guard.holds(event) {
                Some(true) => n_true += 1,
                Some(false) => return Guarded::Fails,
                None => break,
            }
        }
        Guarded::Passes(n_true)
    }
}

impl LookedAt {
    /// Places in `FACTS`, a bit each.
    pub(crate) fn bits(&self) -> u128 {
        let looked_at = self.0.iter().enumerate().filter(|(_, is_looked_at)| **is_looked_at);
        looked_at.fold(0, |bits, (fact, _)| bits | 1 << fact)
    }
}

impl Guard {
    /// True or false whatever comes: a time is always known.
    fn known(holds: bool) -> Self {
        Self {
            low: i64::MIN,
            high: i64::MAX,
            is_outside: !holds,
            number: at::TIME as u8,
            looked_at: at::ITEM_KIND as u8,
        }
    }

    /// None if the fact is not known.
    fn holds(&self, event: &Event) -> Option<bool> {
        let number = match event.fact(self.number as usize) {
            Value::Int(n) | Value::Time(n) | Value::Duration(n) | Value::Bits(n) => n,
            Value::Bool(b) => i64::from(b),
            _ => return None,
        };
        Some((self.low <= number && number <= self.high) != self.is_outside)
    }
}

/// What all has to hold.
fn parts(graph: &Graph, condition: NodeId) -> &[NodeId] {
    match &graph.node(condition).op {
        Op::All(parts) => parts,
        _ => &[],
    }
}

fn part_of(graph: &Graph, part: NodeId, kind: usize) -> Option<Part> {
    let fact_of = |node: NodeId| match graph.node(node).op {
        Op::Fact(fact) => Some(fact),
        _ => None,
    };
    let between = |fact, low, high, is_outside| {
        Some(Part::Guard(Guard {
            low,
            high,
            is_outside,
            number: fact,
            looked_at: fact,
        }))
    };
    match &graph.node(part).op {
        Op::Fact(fact) => between(*fact, 1, 1, false),
        Op::Not(inner) => between(fact_of(*inner)?, 0, 0, false),
        Op::InTexts(item, set) if fact_of(*item)? as usize == at::ITEM_KIND => {
            let set = &graph.text_sets[*set as usize];
            Some(Part::Known(set.iter().any(|text| **text == *KINDS[kind])))
        }
        Op::Compare(op, left, right) => {
            let fact = fact_of(*left)?;
            let constant = graph.constant(*right)?;
            if fact as usize == at::ITEM_KIND {
                let Value::Text(TextRef::Rules(text)) = constant.value() else {
                    return None;
                };
                let is_it = *graph.texts[text as usize] == *KINDS[kind];
                return match op {
                    BinaryOp::Equal => Some(Part::Known(is_it)),
                    BinaryOp::NotEqual => Some(Part::Known(!is_it)),
                    _ => None,
                };
            }
            let than = match constant {
                Const::Int(n) | Const::Time(n) | Const::Duration(n) | Const::Bits(n) => n,
                Const::Bool(_) | Const::Float(_) | Const::Text(_) => return None,
            };
            // A share may be compared with a whole number: the graph does that.
            if graph.node(*left).ty != graph.node(*right).ty {
                return None;
            }
            match op {
                BinaryOp::Equal => between(fact, than, than, false),
                BinaryOp::NotEqual => between(fact, than, than, true),
                BinaryOp::Less => between(fact, than, i64::MAX, true),
                BinaryOp::LessOrEqual => between(fact, i64::MIN, than, false),
                BinaryOp::Greater => between(fact, i64::MIN, than, true),
                BinaryOp::GreaterOrEqual => between(fact, than, i64::MAX, false),
                BinaryOp::In
                | BinaryOp::Add
                | BinaryOp::Subtract
                | BinaryOp::Multiply
                | BinaryOp::Divide
                | BinaryOp::Remainder => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compile::compile;
    use crate::window::{Seed, State};
    use crate::{Evaluation, Event, Given, Lists, Rules, Scratch, Source};

    const PARTS: &[&str] = &[
        "item.kind == \"post\"",
        "item.kind != \"image\"",
        "item.kind in [\"post\", \"profile\"]",
        "account.age < 48h",
        "account.age >= 24h",
        "account.followers != 3",
        "account.followers == 2",
        "account.followers <= 1",
        "item.views > 2",
        "item.reported",
        "!item.reported",
        "(item.reported || account.strikes > 0)",
        "item.text.matches(r\"(?i)\\bfree\\s+coins?\\b\")",
        "item.text.matches(r\"https?://[a-z.]*coin7\")",
        "item.text.matches(r\"(?:Walk|river)[0-9]{2,}\")",
        "item.text.matches(r\"river$\")",
        "item.text.matches(r\"^\\w+ie\")",
        "count(by: account.id, within: 1h) > 2",
        "distinct(item.text, by: account.id, within: 1h, where: item.views > 1) >= 2",
    ];
    const WORDS: &[&str] = &[
        "free ", "FREE", " coins", "coin7", "http://", "walk", "Walk12", "river", "river77 ", "ie", " ", "ſ", "İ",
    ];

    impl Rules {
        /// The same rules, every condition asked of the graph and every pattern of the whole text.
        fn without_shortcuts(mut self) -> Self {
            for asked in &mut self.by_kind {
                asked.guards.clear();
                asked.looks_at_kind = false;
            }
            let plain = |kind: usize| {
                let about = self.rules.iter().enumerate();
                let about = about.filter(|(_, rule)| rule.mode != Mode::Draft && rule.kinds & (1 << kind) != 0);
                let about = about.map(|(idx, rule)| AskedRule {
                    rule: idx as u32,
                    condition: rule.condition,
                    expires_ms: rule.expires_ms.unwrap_or(i64::MAX),
                    first: 0,
                    n: 0,
                    n_known: 0,
                });
                about.collect()
            };
            for kind in 0..KINDS.len() {
                self.by_kind[kind].rules = plain(kind);
            }
            self.pattern_groups.fill(None);
            self
        }
    }

    fn rules(drawn: &[(Vec<usize>, u8)]) -> Rules {
        let mut text = String::from(
            "rule else { when: true then: allow reason: \"r\" owner: \"o\" review: 2030-01-01 mode: live }\n",
        );
        for (idx, (parts, form)) in drawn.iter().enumerate() {
            let parts: Vec<&str> = parts.iter().map(|part| PARTS[*part]).collect();
            let on = if form % 3 == 0 { "on: post, image" } else { "" };
            let end = if form % 5 == 0 {
                "expires: 2027-01-16"
            } else {
                "review: 2030-01-01"
            };
            let mode = if form % 7 == 0 { "shadow" } else { "live" };
            let rule = format!(
                "rule r{idx} {{ {on} when: {} then: case q reason: \"of {{account.followers}}\" owner: \"o\" {end} mode: {mode} }}\n",
                parts.join(" && ")
            );
            // What can never hold is refused by the checker, and is not what is asked here.
            if compile(&[Source::new("a.rules", rule.clone())], 0).rules.is_some() {
                text.push_str(&rule);
            }
        }
        let sources = [Source::new("a.rules", text)];
        let compiled = compile(&sources, 0);
        let report = compiled.report.render(&sources);
        compiled.rules.unwrap_or_else(|| panic!("{report}"))
    }

    fn said(rules: &Rules, events: &[Event]) -> Vec<Evaluation> {
        let mut state = State::new(&rules.windows(), Seed::default());
        let (lists, mut scratch) = (Lists::default(), Scratch::default());
        let said = events.iter().map(|event| {
            let said = rules.evaluate(event, &lists, &state, &mut scratch);
            state.apply(&said.bumps);
            said
        });
        said.collect()
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let number = || proptest::option::of(0_i64..4);
        let text = proptest::option::of(proptest::collection::vec(0..WORDS.len(), 0..8));
        let event = (
            0_usize..5,
            number(),
            number(),
            number(),
            proptest::option::of(any::<bool>()),
            text,
        );
        let made = event.prop_map(|(kind, age, followers, views, reported, text)| {
            // Half of them come after the end of the rules that end.
            let mut event = Event::at(1_800_000_000_000 + views.unwrap_or(0) * 90_000_000);
            let mut given = vec![("account.id", Given::from(["ann", "bob"][kind % 2]))];
            given.extend(
                ["post", "image", "profile", "stream"]
                    .get(kind)
                    .map(|kind| ("item.kind", Given::from(*kind))),
            );
            given.extend(age.map(|n| ("account.age", Given::Duration(n * 86_400_000))));
            given.extend(followers.map(|n| ("account.followers", Given::Int(n))));
            given.extend(views.map(|n| ("item.views", Given::Int(n))));
            given.extend(reported.map(|is| ("item.reported", Given::Bool(is))));
            let text = text.map(|words| words.iter().map(|word| WORDS[*word]).collect());
            given.extend(text.map(|text| ("item.text", Given::Text(text))));
            for (name, value) in &given {
                event.set(name, value).expect("fits");
            }
            event
        });
        proptest::collection::vec(made, 1..12)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn nothing_that_is_said_depends_on_shortcuts(
            drawn in proptest::collection::vec((proptest::collection::vec(0..PARTS.len(), 1..5), any::<u8>()), 1..12),
            events in events(),
        ) {
            let plain = rules(&drawn).without_shortcuts();
            prop_assert_eq!(said(&rules(&drawn), &events), said(&plain, &events));
        }
    }
}
