//! A decision in plain words: which rules fired and why, which could not be decided, what was counted and looked at. For the case page, and for
//! the statement of reasons, which takes [`Explanation::sentence`].

use serde_json::Value;

use crate::Seawall;
use crate::decisions;
use crate::model::{Actor, Author, Decision, DecisionId, Outcome, Restricted, Right};
use crate::views::{ViewError, reaches_item};

/// A decision in plain words.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The decision.
    pub decision: Decision,
    /// The version of the rules that judged; none if a person decided, or rules of before versions were kept.
    pub version: Option<i64>,
    /// What was decided and why, for the person whose item it is: no names of rules, banks or people.
    pub sentence: String,
    /// Whether rules found nothing now, and what was restricted before stays so.
    pub stands: bool,
    /// Rules that fired, the deciding one first.
    pub fired: Vec<FiredRule>,
    /// Rules that could not be decided, and why.
    pub undecided: Vec<UndecidedRule>,
    /// What windows said.
    pub counters: Vec<CounterSeen>,
    /// Facts that were looked at, with what they were; of texts and lists only how long.
    pub facts: Vec<(String, String)>,
    /// All of it as lines of plain words, for people at the desk.
    pub lines: Vec<String>,
}

/// A rule that fired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiredRule {
    /// Its name.
    pub rule: String,
    /// Why, with what was seen.
    pub reason: String,
    /// Whether it counted: not in shadow, and the item in its share.
    pub counts: bool,
    /// Whether it decided.
    pub decides: bool,
    /// The policy that it serves.
    pub policy: Option<String>,
}

/// A rule that could not be decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndecidedRule {
    /// Its name.
    pub rule: String,
    /// Why, in words.
    pub why: Vec<String>,
}

/// What a window said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterSeen {
    /// The window, as its author wrote it.
    pub window: String,
    /// What it said; none if there was nothing yet.
    pub value: Option<i64>,
    /// How far the truth may lie from it.
    pub error: i64,
}

/// A decision in plain words.
pub async fn explain(app: &Seawall, actor: &Actor, id: DecisionId) -> Result<Option<Explanation>, ViewError> {
    actor.require(Right::ReadItems)?;
    let mut conn = app.store.reader().await?;
    match decisions::find(&mut conn, id).await? {
        Some(decision) if reaches_item(&mut conn, actor, &decision.item).await? => Ok(Some(explanation(decision))),
        Some(_) | None => Ok(None),
    }
}

pub(super) fn explanation(decision: Decision) -> Explanation {
    let said = &decision.facts["rules"];
    let text = |json: &Value| json.as_str().unwrap_or_default().to_owned();
    let rows = |key: &str| said[key].as_array().into_iter().flatten();
    let mut fired: Vec<FiredRule> = rows("fired")
        .map(|fired| FiredRule {
            rule: text(&fired["rule"]),
            reason: text(&fired["reason"]),
            counts: fired["counts"] == true,
            decides: fired["decides"] == true,
            policy: fired["policy"].as_str().map(str::to_owned),
        })
        .collect();
    fired.sort_by_key(|fired| (!fired.decides, !fired.counts));
    let undecided = rows("undecided").map(|undecided| UndecidedRule {
        rule: text(&undecided["rule"]),
        why: undecided["why"].as_array().into_iter().flatten().map(text).collect(),
    });
    let counters = rows("counters").map(|counter| CounterSeen {
        window: text(&counter["window"]),
        value: counter["value"].as_i64(),
        error: counter["error"].as_i64().unwrap_or(0),
    });
    let facts = said["facts"].as_object().into_iter().flatten();
    let facts = facts.map(|(name, value)| (name.clone(), words_of(value)));
    let mut explanation = Explanation {
        version: match decision.author {
            Author::Rule(_) => decision.versions.rules.parse().ok(),
            Author::Person(_) => None,
        },
        sentence: sentence(&decision),
        stands: decision.facts["stands"].is_string(),
        undecided: undecided.collect(),
        counters: counters.collect(),
        facts: facts.collect(),
        fired,
        lines: Vec::new(),
        decision,
    };
    explanation.lines = lines(&explanation);
    explanation
}

fn sentence(decision: &Decision) -> String {
    let done = match decision.outcome {
        Outcome::Allow => "It stays available".to_owned(),
        Outcome::Review => "It stays available until a person has looked at it".to_owned(),
        Outcome::Restrict => {
            let parts = decision.restricted().into_iter().map(|what| match what {
                Restricted::Item => "it was made unavailable",
                Restricted::Reach => "it is shown to fewer people",
                Restricted::Comments => "its comments were closed",
                Restricted::Account => "the account that posted it was restricted",
                Restricted::Age => "only adults see it",
                Restricted::Interaction => "nobody can like, share or answer it",
                Restricted::Monetisation => "the account that posted it earns nothing",
                // No rule can say these; people do.
                Restricted::Countries => "it was made unavailable in some countries",
                Restricted::Label => "a label stands by it",
                Restricted::Warning => "the account that posted it was warned",
                Restricted::Service => "a service was closed to the account that posted it",
                Restricted::Termination => "the account that posted it was closed",
            });
            let mut parts: Vec<&str> = parts.collect();
            let last = parts.pop().unwrap_or_default();
            let said = match parts.is_empty() {
                true => last.to_owned(),
                false => format!("{} and {last}", parts.join(", ")),
            };
            let (first, rest) = said.split_at(1);
            first.to_uppercase() + rest
        }
    };
    let by = match decision.author {
        Author::Rule(_) => "by automated means",
        Author::Person(_) => "by a person",
    };
    format!("{done}, {by}: {}.", decision.reason.trim_end_matches('.'))
}

fn lines(explanation: &Explanation) -> Vec<String> {
    let mut lines = vec![explanation.sentence.clone()];
    if explanation.stands {
        lines.push(
            "Rules find nothing now; what was restricted stays so until its time is over or a person decides."
                .to_owned(),
        );
    }
    for fired in &explanation.fired {
        let FiredRule { rule, reason, .. } = fired;
        lines.push(match (fired.decides, fired.counts) {
            (true, _) => format!("Rule `{rule}` decided: {reason}."),
            (false, true) => format!("Rule `{rule}` fired too: {reason}."),
            (false, false) => format!("Rule `{rule}` would have fired, without counting: {reason}."),
        });
    }
    for undecided in &explanation.undecided {
        let why = undecided.why.join("; ");
        lines.push(format!("Rule `{}` could not be decided: {why}.", undecided.rule));
    }
    for counter in &explanation.counters {
        let value = counter
            .value
            .map_or_else(|| "nothing yet".to_owned(), |value| value.to_string());
        let error = if counter.error > 0 {
            format!(", give or take {}", counter.error)
        } else {
            String::new()
        };
        lines.push(format!("Counted: {} was {value}{error}.", counter.window));
    }
    if !explanation.facts.is_empty() {
        let facts = explanation
            .facts
            .iter()
            .map(|(name, value)| format!("{name} = {value}"));
        lines.push(format!("Looked at: {}.", facts.collect::<Vec<_>>().join(", ")));
    }
    if let Some(version) = explanation.version {
        lines.push(format!("Judged by version {version} of the rules."));
    }
    lines
}

/// A fact as it was kept, in words: content was not kept, only how long it was.
fn words_of(value: &Value) -> String {
    match value {
        Value::Null => "not known".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(map) => match (map.get("rows"), map.get("bytes")) {
            (Some(rows), _) => format!("{rows} rows"),
            (_, Some(bytes)) => format!("{bytes} bytes"),
            (None, None) => value.to_string(),
        },
        Value::Number(_) | Value::Array(_) => value.to_string(),
    }
}
