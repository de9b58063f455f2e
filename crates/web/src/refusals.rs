//! What flows refuse, in the words of the API's problems. Start with [`crate::problem::ApiError`].

use moderation::flows::actions::ActionError;
use moderation::flows::proposals::ProposalError;
use moderation::flows::rules::RulesError;
use moderation::flows::translate::TranslateError;
use moderation::model::ProposalRefused;

use crate::problem::ApiError;

impl From<TranslateError> for ApiError {
    fn from(error: TranslateError) -> Self {
        match error {
            TranslateError::Denied(denied) => denied.into(),
            TranslateError::NotFound { what } => ApiError::NotFound { thing: what },
            TranslateError::Changed => ApiError::Conflict {
                what: "The item has another revision: what was translated is not what is there.",
                remedy: "Get the item, translate its text, and name its revision.",
            },
            TranslateError::Invalid { field, what } => ApiError::invalid(field, what),
            TranslateError::Store(error) => error.into(),
        }
    }
}

impl From<ActionError> for ApiError {
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::Denied(denied) => denied.into(),
            ActionError::NotFound => ApiError::NotFound { thing: "action" },
            ActionError::Confirmed => ApiError::Conflict {
                what: "The platform confirmed this action before; there is nothing to retry.",
                remedy: "Leave it.",
            },
            ActionError::Withdrawn => ApiError::Conflict {
                what: "The decision behind this action was undone before it left; there is nothing to retry.",
                remedy: "Leave it.",
            },
            ActionError::Superseded => ApiError::Conflict {
                what: "A later order about the same item took this action's place; delivering it now would undo that one.",
                remedy: "Leave it.",
            },
            ActionError::Store(error) => error.into(),
        }
    }
}

impl From<ProposalError> for ApiError {
    fn from(error: ProposalError) -> Self {
        let (what, remedy) = match error {
            ProposalError::Denied(denied) => return denied.into(),
            ProposalError::NotFound => return ApiError::NotFound { thing: "proposal" },
            ProposalError::Invalid { field, what } => {
                let field = if field == "items" { "leave_out" } else { field };
                return ApiError::invalid(field, what);
            }
            ProposalError::NothingLeft(_) => ("Nothing of it can be decided any more.", "Look at it again."),
            ProposalError::Refused(ProposalRefused::Ended { .. }) => {
                ("The proposal waits no longer.", "Look at it to see what became of it.")
            }
            ProposalError::Refused(ProposalRefused::SamePerson) => (
                "Whoever proposed something cannot be its second person.",
                "Have somebody else say yes or no to it, or withdraw it.",
            ),
            ProposalError::Refused(ProposalRefused::NotYours) => {
                ("Somebody else proposed this.", "Reject it instead, if you may.")
            }
            ProposalError::Refused(ProposalRefused::TooLate) => (
                "It did not become decisions, or what was decided has left.",
                "Decide anew on its items.",
            ),
            ProposalError::Store(error) => return error.into(),
        };
        ApiError::Conflict { what, remedy }
    }
}

impl From<RulesError> for ApiError {
    fn from(error: RulesError) -> Self {
        /// Of what the checker says, so much stands in a problem; `POST /api/v1/rules/check` says all of it.
        const SHOWN_MAX: usize = 2_000;
        match error {
            RulesError::Denied(denied) => denied.into(),
            RulesError::NotFound { what } => ApiError::NotFound { thing: what },
            RulesError::Invalid { field, what } => ApiError::invalid(field, what),
            RulesError::Refused(report) => {
                let shown: String = report.rendered.chars().take(SHOWN_MAX).collect();
                ApiError::invalid("files", format!("do not pass the checker or their own tests:\n{shown}"))
            }
            RulesError::NotOpen { .. } => ApiError::Conflict {
                what: "The change was decided before.",
                remedy: "Look at it, and propose another.",
            },
            RulesError::Stale { .. } => ApiError::Conflict {
                what: "Other rules became live since you looked.",
                remedy: "Look at them; propose a change anew on top of them.",
            },
            RulesError::SamePerson => ApiError::Conflict {
                what: "Whoever proposed a change, themselves or by a key that they made, cannot approve it.",
                remedy: "Have another lead or admin approve it in the console, or the operator with `seawall policy approve`.",
            },
            RulesError::Same => ApiError::Conflict {
                what: "Nothing is different from the live rules.",
                remedy: "Leave it.",
            },
            RulesError::Busy => ApiError::Busy {
                what: "As many backtests are run as one process runs at a time.",
            },
            RulesError::Store(error) => error.into(),
        }
    }
}
