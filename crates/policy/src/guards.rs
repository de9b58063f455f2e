//! What most rules fail by. Conditions begin with what is cheap: the kind of item, a number, a truth value. Those are taken out of the
//! graph and asked in a row; what is said of the kind is known before any event comes. Only a rule that passes is asked whole.
//!
//! Nothing that is said depends on it: the same facts count as looked at, and what is unknown is left to the graph.

use crate::event::Event;
use crate::graph::{Const, Graph, NodeId, Op};
use crate::lang::ast::BinaryOp;
use crate::rules::{Mode, Rule};
use crate::schema::{KINDS, at};
use crate::value::{TextRef, Value};

/// Most comparisons that are asked of one rule before it is asked whole.
const GUARDS_MAX: usize = 16;

/// The rules that are asked about items of one kind.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) rules: Vec<AskedRule>,
    guards: Vec<Guard>,
    /// Facts that are looked at whatever the event is: places in `FACTS`, a bit each.
    pub(crate) facts_read: u128,
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

/// A fact against a number that stands in the rules.
#[derive(Debug, Clone, Copy)]
struct Guard {
    fact: u8,
    test: Test,
    than: i64,
}

#[derive(Debug, Clone, Copy)]
enum Test {
    /// It was worked out for the kind; the fact is looked at.
    Known(bool),
    /// The truth value itself.
    Is(bool),
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

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
            let (mut is_never, mut facts_read) = (false, 0_u128);
            for part in parts(graph, rule.condition).iter().take(GUARDS_MAX) {
                let Some(guard) = kind.and_then(|kind| guard(graph, *part, kind)) else {
                    break;
                };
                match guard.test {
                    // A rule that ends looks at nothing after its end.
                    Test::Known(holds) if entry.n == 0 && rule.expires_ms.is_none() => {
                        facts_read |= 1 << guard.fact;
                        entry.n_known += u32::from(holds);
                        is_never = !holds;
                    }
                    _ => {
                        asked.guards.push(guard);
                        entry.n += 1;
                    }
                }
                if is_never {
                    break;
                }
            }
            asked.facts_read |= facts_read;
            if !is_never {
                asked.rules.push(entry);
            }
        }
        asked
    }

    /// Asks a rule's guards, and adds what they look at to `facts_read`.
    pub(crate) fn guarded(&self, rule: &AskedRule, event: &Event, facts_read: &mut u128) -> Guarded {
        let first = rule.first as usize;
        let mut n_true = rule.n_known as usize;
        for guard in &self.guards[first..first + rule.n as usize] {
            *facts_read |= 1 << guard.fact;
            match guard.holds(event) {
                Some(true) => n_true += 1,
                Some(false) => return Guarded::Fails,
                None => break,
            }
        }
        Guarded::Passes(n_true)
    }
}

impl Guard {
    /// None if the fact is not known.
    fn holds(&self, event: &Event) -> Option<bool> {
        let value = match (self.test, event.fact(self.fact as usize)) {
            (Test::Known(holds), _) => return Some(holds),
            (Test::Is(wanted), Value::Bool(b)) => return Some(b == wanted),
            (_, Value::Int(n) | Value::Time(n) | Value::Duration(n) | Value::Bits(n)) => n,
            _ => return None,
        };
        match self.test {
            Test::Known(_) | Test::Is(_) => None,
            Test::Equal => Some(value == self.than),
            Test::NotEqual => Some(value != self.than),
            Test::Less => Some(value < self.than),
            Test::LessOrEqual => Some(value <= self.than),
            Test::Greater => Some(value > self.than),
            Test::GreaterOrEqual => Some(value >= self.than),
        }
    }
}

/// What all has to hold.
fn parts(graph: &Graph, condition: NodeId) -> &[NodeId] {
    match &graph.node(condition).op {
        Op::All(parts) => parts,
        _ => &[],
    }
}

fn guard(graph: &Graph, part: NodeId, kind: usize) -> Option<Guard> {
    let fact_of = |node: NodeId| match graph.node(node).op {
        Op::Fact(fact) => Some(fact),
        _ => None,
    };
    let known = |holds| Guard {
        fact: at::ITEM_KIND as u8,
        test: Test::Known(holds),
        than: 0,
    };
    match &graph.node(part).op {
        Op::Fact(fact) => Some(Guard {
            fact: *fact,
            test: Test::Is(true),
            than: 0,
        }),
        Op::Not(inner) => Some(Guard {
            fact: fact_of(*inner)?,
            test: Test::Is(false),
            than: 0,
        }),
        Op::InTexts(item, set) if fact_of(*item)? as usize == at::ITEM_KIND => {
            let set = &graph.text_sets[*set as usize];
            Some(known(set.iter().any(|text| **text == *KINDS[kind])))
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
                    BinaryOp::Equal => Some(known(is_it)),
                    BinaryOp::NotEqual => Some(known(!is_it)),
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
            let test = match op {
                BinaryOp::Equal => Test::Equal,
                BinaryOp::NotEqual => Test::NotEqual,
                BinaryOp::Less => Test::Less,
                BinaryOp::LessOrEqual => Test::LessOrEqual,
                BinaryOp::Greater => Test::Greater,
                BinaryOp::GreaterOrEqual => Test::GreaterOrEqual,
                BinaryOp::In
                | BinaryOp::Add
                | BinaryOp::Subtract
                | BinaryOp::Multiply
                | BinaryOp::Divide
                | BinaryOp::Remainder => return None,
            };
            Some(Guard { fact, test, than })
        }
        _ => None,
    }
}
