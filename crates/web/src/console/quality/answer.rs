//! An answer as forms give it: an outcome, a policy where something is restricted, and why.

use moderation::model::{Outcome, PolicyCode};
use moderation::quality::reviews::Answer;

use crate::console::form::{Fields, FormState};
use crate::console::shell::Shell;

/// The answer of a form, or the form with what is missing said beside its fields.
pub fn answer_of(shell: &Shell, fields: &Fields) -> Result<Answer, Box<FormState>> {
    let outcome = fields.get("outcome").parse::<Outcome>().ok();
    let outcome = outcome.filter(|outcome| *outcome != Outcome::Review);
    let policy = fields.get("policy").parse::<PolicyCode>().ok();
    let mut form = FormState::filled(fields.clone());
    if outcome.is_none() {
        form = form.wrong("outcome", shell.t("decide.need_outcome"));
    }
    if outcome == Some(Outcome::Restrict) && policy.is_none() {
        form = form.wrong("policy", shell.t("decide.need_policy"));
    }
    if fields.get("reason").trim().is_empty() {
        form = form.wrong("reason", shell.t("decide.need_reason"));
    }
    match outcome {
        Some(outcome) if !form.has_errors() => Ok(Answer { outcome, policy }),
        Some(_) | None => Err(Box::new(form)),
    }
}
