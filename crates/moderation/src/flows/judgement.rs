//! What a person's judgement must say before it becomes a decision, and what of it is kept with that.

use super::cases::CaseError;
use super::measures::Plan;
use crate::model::{Assessment, Case, Judgement, Notice, Outcome};

/// Whether the purpose was assessed where it must be, and what the affected person is told can be told.
pub(super) fn check_assessment(judgement: &Judgement) -> Result<(), CaseError> {
    let restricts = judgement.outcome == Outcome::Restrict;
    let is_needed = restricts && judgement.policy.is_some_and(Assessment::is_needed_for);
    let invalid = |field, what: String| Err(CaseError::Invalid { field, what });
    match &judgement.assessment {
        None if is_needed => {
            let what = "must say for which purpose it is spread, before it is restricted under this policy".to_owned();
            return invalid("assessment", what);
        }
        None => {}
        Some(assessment) => {
            if let Err(error) = assessment.check(restricts) {
                return invalid("assessment", error.to_string());
            }
        }
    }
    match judgement.notice.as_ref().and_then(Notice::flaw) {
        Some(flaw) => invalid("notice", flaw.to_owned()),
        None => Ok(()),
    }
}

/// What a person's decision rests on. Where nothing is restricted, nobody is told that something is.
pub(super) fn facts(judgement: &Judgement, case: &Case, plan: &Plan) -> serde_json::Value {
    let mut facts = serde_json::json!({ "case": case.id.to_string(), "queue": case.queue.as_str() });
    plan.add_facts(&mut facts);
    if let Some(assessment) = &judgement.assessment {
        facts["assessment"] = assessment.to_json();
    }
    let notice = judgement.notice.as_ref();
    if let Some(notice) = notice.filter(|_| judgement.outcome == Outcome::Restrict) {
        facts["notice"] = notice.to_json();
    }
    facts
}

/// Whether there is a reason, in a text that can be kept.
pub(super) fn check_reason(reason: &str) -> Result<(), CaseError> {
    let length = reason.trim().chars().count();
    if length == 0 {
        return Err(CaseError::Invalid {
            field: "reason",
            what: "must say why".to_owned(),
        });
    }
    if length > Judgement::REASON_LENGTH_MAX {
        let what = format!("is longer than {} characters", Judgement::REASON_LENGTH_MAX);
        return Err(CaseError::Invalid { field: "reason", what });
    }
    if reason.contains('\0') {
        return Err(CaseError::Invalid {
            field: "reason",
            what: "has a NUL character".to_owned(),
        });
    }
    Ok(())
}
