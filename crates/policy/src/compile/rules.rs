//! A rule's own lines: what it serves, what happens, what people are told, who answers for it.

use super::{Compiler, MODES, Scope};
use crate::graph::{Const, NodeId, Op};
use crate::lang::ast::{self, ExprKind};
use crate::lang::parser::parse;
use crate::lang::source::{Report, Span, nearest};
use crate::rules::{Mode, Outcome, Part, PolicyOf, RESTRICTIONS, Rule, Severity, Template};
use crate::schema::KINDS;
use crate::value::Type;
use crate::words::{PolicyCode, Queue, QueueName};

/// Longest that a rule restricts an account before a person has decided.
const ACCOUNT_MS_MAX: i64 = 30 * 86_400_000;
/// A rule that restricts and is wrong more often than this stops doing so, unless it names a floor of its own.
const FLOOR_OF_RESTRICTIONS: f64 = 0.5;
/// Longest reason, in bytes, and most placeholders in it.
const REASON_BYTES_MAX: usize = 2_000;
const PLACEHOLDERS_MAX: usize = 20;

impl Compiler<'_> {
    pub(super) fn rule(&mut self, rule: &ast::Rule, today_ms: i64) -> Option<Rule> {
        let name = &rule.name;
        let mut kinds: u16 = 0;
        for kind in &rule.on {
            if let Some(idx) = self.word_of(kind, KINDS, "a kind of item") {
                kinds |= 1 << idx;
            }
        }
        if rule.on.is_empty() {
            kinds = (1 << KINDS.len()) - 1;
        }
        let condition = match &rule.when {
            Some(when) => self.typed(when, Type::Bool, &Scope::default()),
            None => {
                self.error("missing", name.span, format!("`{}` has no condition", name.text))
                    .help("give it `when:`");
                self.broken(name.span)
            }
        };
        if rule.then.is_empty() {
            self.error("missing", name.span, format!("nothing happens by `{}`", name.text))
                .help("give it `then: case QUEUE`, `then: restrict`, `then: label account NAME 30d` or `then: allow`");
        }
        let outcomes: Vec<Outcome> = rule.then.iter().filter_map(|then| self.outcome(then)).collect();
        let policy = self.policy(rule, &outcomes);
        let reason = match &rule.reason {
            Some((text, span)) => self.template(text, *span),
            None => {
                self.error("missing", name.span, format!("`{}` gives no reason", name.text))
                    .help("give it `reason: \"…\"`: people are told it");
                Template::default()
            }
        };
        if rule.owner.as_ref().is_none_or(|(owner, _)| owner.trim().is_empty()) {
            self.error("missing", name.span, format!("nobody answers for `{}`", name.text))
                .help("give it `owner: \"…\"`");
        }
        if rule.review.is_none() && rule.expires.is_none() {
            self.error(
                "missing",
                name.span,
                format!("`{}` is never looked at again", name.text),
            )
            .help("give it `review: 2027-05-01`, or `expires:`");
        }
        if let Some((ms, span)) = rule.review.filter(|(ms, _)| *ms < today_ms) {
            let day = crate::lang::time_text(ms);
            self.warning(
                "review-passed",
                span,
                format!("it was to be looked at again by {}", &day[..10]),
            );
        }
        if let Some((_, span)) = rule.expires.filter(|(ms, _)| *ms < today_ms) {
            self.warning("expired", span, "this rule has ended: it never fires");
        }
        let severity = match &rule.severity {
            Some(word) => match self.word_of(word, &["low", "medium", "high", "critical"], "a severity") {
                Some(0) => Severity::Low,
                Some(2) => Severity::High,
                Some(3) => Severity::Critical,
                _ => Severity::Medium,
            },
            None => Severity::Medium,
        };
        let (mode, share) = self.mode(rule);
        if let Some((_, span)) = rule.floor.filter(|(share, _)| !(*share > 0.0 && *share < 1.0)) {
            self.error("share", span, "a floor lies between 0% and 100%");
        }
        let restricts = outcomes
            .iter()
            .any(|outcome| matches!(outcome, Outcome::Restrict { .. }));
        let floor = rule.floor.map(|(share, _)| share);
        let keeps_surges = match &rule.surge {
            Some(word) => self.word_of(word, &["suspend", "keep"], "what a surge leads to") == Some(1),
            None => false,
        };
        let written = rule.when.as_ref().map_or(name.span, |when| when.span);
        self.check_condition(condition, written, kinds);
        Some(Rule {
            name: name.text.clone(),
            kinds,
            policy,
            condition,
            outcomes,
            reason,
            written_reason: rule.reason.clone().map(|(reason, _)| reason).unwrap_or_default(),
            severity,
            owner: rule.owner.clone().map(|(owner, _)| owner).unwrap_or_default(),
            review_ms: rule.review.map(|(ms, _)| ms),
            expires_ms: rule.expires.map(|(ms, _)| ms),
            mode,
            share,
            floor: floor.or(restricts.then_some(FLOOR_OF_RESTRICTIONS)),
            keeps_surges,
            file: self.file,
            span: name.span,
        })
    }

    fn mode(&mut self, rule: &ast::Rule) -> (Mode, f64) {
        let Some(given) = &rule.mode else {
            self.error(
                "missing",
                rule.name.span,
                format!("`{}` says not whether it counts", rule.name.text),
            )
            .help("give it `mode: draft`, `mode: shadow` or `mode: live`");
            return (Mode::Draft, 1.0);
        };
        let words: Vec<&str> = MODES.iter().map(|(word, _)| *word).collect();
        let mode = self
            .word_of(&given.word, &words, "a mode")
            .map_or(Mode::Draft, |idx| MODES[idx].1);
        let Some((share, span)) = given.share else {
            return (mode, 1.0);
        };
        if !(0.0..=1.0).contains(&share) {
            self.error("share", span, "a share lies between 0% and 100%");
        }
        if mode != Mode::Live {
            self.error("share", span, "only a live rule has a share of the traffic");
        }
        (mode, share)
    }

    fn policy(&mut self, rule: &ast::Rule, outcomes: &[Outcome]) -> PolicyOf {
        let Some(policy) = &rule.policy else {
            if outcomes
                .iter()
                .any(|outcome| matches!(outcome, Outcome::Restrict { .. }))
            {
                self.error(
                    "missing",
                    rule.name.span,
                    format!("`{}` restricts, and serves no policy", rule.name.text),
                )
                .help("give it `policy: …`");
            }
            return PolicyOf::Nothing;
        };
        if let ExprKind::Name(name) = &policy.kind {
            let known: Vec<&str> = PolicyCode::ALL.iter().map(|code| code.as_str()).collect();
            if known.contains(&name.as_str()) {
                return PolicyOf::Named(name.clone());
            }
            let help = nearest(name, known.iter().copied()).map_or_else(
                || format!("there are {}", known.join(", ")),
                |near| format!("was `{near}` meant?"),
            );
            self.error("unknown-word", policy.span, format!("`{name}` is not a policy"))
                .help(help);
            return PolicyOf::Nothing;
        }
        let node = self.typed(policy, Type::Text, &Scope::default());
        match self.graph.node(node).op {
            Op::Fact(idx) => PolicyOf::Fact(idx),
            _ => {
                self.error(
                    "policy",
                    policy.span,
                    "a policy is one of the policies, or the fact that names one",
                );
                PolicyOf::Nothing
            }
        }
    }

    fn outcome(&mut self, outcome: &ast::Outcome) -> Option<Outcome> {
        let verbs = ["allow", "case", "restrict", "label"];
        let verb = self.word_of(&outcome.verb, &verbs, "an outcome")?;
        let words: Vec<&str> = outcome.words.iter().map(|word| word.text.as_str()).collect();
        let number = outcome.number.map(|(number, _)| number);
        let duration = outcome.duration_ms.map(|(ms, _)| ms);
        let made = match (verb, &words[..], number, duration) {
            (0, [], None, None) => Some(Outcome::Allow),
            (1, [queue] | [queue, _], _, None) if queue.parse::<Queue>().is_err() => {
                let what = format!(
                    "a queue's name has at most {} letters, digits and `_`",
                    QueueName::LENGTH_MAX
                );
                self.error("outcome", outcome.words[0].span, what);
                return None;
            }
            (1, [queue], None, None) => Some(Outcome::Case {
                queue: (*queue).to_owned(),
                priority: 0,
            }),
            (1, [queue, "priority"], Some(priority @ 0..=1000), None) => Some(Outcome::Case {
                queue: (*queue).to_owned(),
                priority: priority as i32,
            }),
            (2, [], None, for_ms) => Some(Outcome::Restrict {
                what: "item".to_owned(),
                for_ms,
            }),
            (2, [what], None, for_ms) => {
                self.word_of(&outcome.words[0], RESTRICTIONS, "what can be restricted")?;
                if matches!(*what, "account" | "monetisation") && for_ms.is_none_or(|ms| ms > ACCOUNT_MS_MAX) {
                    self.error(
                        "account",
                        outcome.span,
                        "a rule alone ends no account: it restricts one for at most 30d",
                    )
                    .help(format!(
                        "write `restrict {what} 7d`, and `case QUEUE` for a person to decide"
                    ));
                    return None;
                }
                Some(Outcome::Restrict {
                    what: (*what).to_owned(),
                    for_ms,
                })
            }
            (3, [on @ ("account" | "channel"), label], None, for_ms) => {
                if for_ms.is_none() {
                    self.warning("label", outcome.span, "this label never ends")
                        .help("write how long, `30d`");
                }
                Some(Outcome::Label {
                    on: (*on).to_owned(),
                    label: (*label).to_owned(),
                    for_ms,
                })
            }
            _ => None,
        };
        if made.is_none() {
            let help = match verb {
                0 => "`allow` stands alone",
                1 => "`case links`, or `case links priority 50` (0 to 1000)",
                2 => "`restrict`, `restrict 24h`, `restrict reach 7d`",
                _ => "`label account spammer 30d`, `label channel spam 30d`",
            };
            self.error("outcome", outcome.span, "this outcome does not read")
                .help(help);
        }
        made
    }

    /// `"{n} accounts posted {link}"`: braces hold a fact, a definition or a question.
    fn template(&mut self, text: &str, span: Span) -> Template {
        let mut template = Template::default();
        if text.trim().is_empty() || text.len() > REASON_BYTES_MAX {
            self.error("reason", span, format!("a reason has 1 to {REASON_BYTES_MAX} bytes"));
        }
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            template.push_text(&rest[..at]);
            let (sign, after) = rest[at..].split_at(1);
            if after.starts_with(sign) {
                template.push_text(sign);
                rest = &after[1..];
                continue;
            }
            let Some(end) = after.find('}').filter(|_| sign == "{") else {
                self.error("reason", span, "a brace stands alone")
                    .help("write it twice to have it shown: {{ }}");
                return template;
            };
            match self.placeholder(&after[..end], span) {
                Some(node) if template.n_values() < PLACEHOLDERS_MAX => template.parts.push(Part::Value(node)),
                Some(_) => {
                    self.error("reason", span, format!("more than {PLACEHOLDERS_MAX} placeholders"));
                    return template;
                }
                None => {}
            }
            rest = &after[end + 1..];
        }
        template.push_text(rest);
        template
    }

    fn placeholder(&mut self, text: &str, span: Span) -> Option<NodeId> {
        let mut report = Report::default();
        let file = parse(&format!("let placeholder = {text}"), self.file, &mut report);
        let Some(value) = file.lets.into_iter().next().filter(|_| !report.has_errors()) else {
            self.error("reason", span, format!("`{{{text}}}` does not read"));
            return None;
        };
        // Its places are within the placeholder, so they are told as the reason's.
        let n_before = self.report.diagnostics.len();
        let node = self.expr(&value.value, &Scope::default());
        for diagnostic in &mut self.report.diagnostics[n_before..] {
            diagnostic.span = span;
        }
        let ty = self.graph.node(node).ty;
        if matches!(ty, Type::Rows(_) | Type::Row(_)) {
            self.error(
                "reason",
                span,
                format!("`{{{text}}}` is a list of rows; say `{{{text}.size()}}`"),
            );
            return None;
        }
        if matches!(self.graph.constant(node), Some(Const::Bool(_))) && ty != Type::Broken {
            self.warning("reason", span, format!("`{{{text}}}` is always the same"));
        }
        Some(node)
    }
}
