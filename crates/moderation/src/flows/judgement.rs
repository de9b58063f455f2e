//! What a person's judgement must say before it becomes a decision, and what of it is kept with that.

use super::cases::{Agreed, CaseError};
use super::measures::Plan;
use crate::model::{Assessment, Case, Judgement, Notice, Outcome};

/// Whether it says what a judgement must say.
pub(super) fn check_judgement(judgement: &Judgement) -> Result<(), CaseError> {
    check_reason(&judgement.reason)?;
    let invalid = |field, what: &str| {
        let what = what.to_owned();
        Err(CaseError::Invalid { field, what })
    };
    match (judgement.outcome, judgement.policy) {
        (Outcome::Review, _) => invalid(
            "outcome",
            "must be restrict or allow: a person's decision ends the review",
        ),
        (Outcome::Restrict, None) => invalid("policy", "must be named to restrict"),
        (Outcome::Restrict, Some(_)) | (Outcome::Allow, _) => check_assessment(judgement),
    }
}

/// Whether the purpose was assessed where it must be, and what the affected person is told can be told.
fn check_assessment(judgement: &Judgement) -> Result<(), CaseError> {
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
    check_notice(judgement.notice.as_ref())
}

/// Whether the affected person can be told this.
pub(super) fn check_notice(notice: Option<&Notice>) -> Result<(), CaseError> {
    match notice.and_then(Notice::flaw) {
        Some(flaw) => Err(CaseError::Invalid {
            field: "notice",
            what: flaw.to_owned(),
        }),
        None => Ok(()),
    }
}

/// What a person's decision rests on. Where nothing is restricted, nobody is told that something is.
pub(super) fn facts(judgement: &Judgement, case: &Case, plan: &Plan, agreed: Option<Agreed>) -> serde_json::Value {
    let mut facts = serde_json::json!({ "case": case.id.to_string(), "queue": case.queue.as_str() });
    plan.add_facts(&mut facts);
    if let Some(assessment) = &judgement.assessment {
        facts["assessment"] = assessment.to_json();
    }
    let notice = judgement.notice.as_ref();
    if let Some(notice) = notice.filter(|_| judgement.outcome == Outcome::Restrict) {
        facts["notice"] = notice.to_json();
    }
    if let Some(agreed) = agreed {
        facts["proposal"] = agreed.proposal.to_string().into();
        if let Some(user) = agreed.approved_by {
            facts["approved_by"] = user.to_string().into();
        }
        if agreed.is_bulk {
            facts["bulk"] = agreed.proposal.to_string().into();
        }
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
