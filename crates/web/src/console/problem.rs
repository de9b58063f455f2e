//! What a page says when it cannot do what was asked.
//!
//! A handler returns [`ConsoleError`]; the answer carries a [`Problem`], and `visit.rs`, which knows the language and the
//! person, makes a page of it. Start with [`ConsoleError`].

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use moderation::flows::access::{AccessError, ProviderSignInError};
use moderation::flows::actions::ActionError;
use moderation::flows::banks::BankError;
use moderation::flows::cases::CaseError;
use moderation::flows::proposals::ProposalError;
use moderation::flows::rules::RulesError;
use moderation::flows::shifts::ShiftError;
use moderation::flows::translate::TranslateError;
use moderation::model::Denied;
use moderation::store::StoreError;
use moderation::views::ViewError;

/// Why a page was not shown or a form not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// There is no such page or thing.
    #[error("not found")]
    NotFound,
    /// The person's role does not include it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The form did not come from a page of this session.
    #[error("the form did not come from a page of this session")]
    Forged,
    /// The request is not one that our pages send.
    #[error("{0}")]
    BadRequest(&'static str),
    /// The upload is larger than the limit.
    #[error("the upload is too large")]
    TooLarge,
    /// Too much to do.
    #[error("busy")]
    Busy,
    /// The store cannot be reached just now.
    #[error("the store cannot be reached")]
    Unavailable(#[source] StoreError),
    /// Our own fault.
    #[error("the console failed")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What a problem page shows, by the keys of its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// The status.
    pub status: StatusCode,
    /// The key of the title.
    pub title: &'static str,
    /// The key of what to do.
    pub more: &'static str,
}

impl Problem {
    /// The problem that an answer without a page of its own stands for, such as one from a layer below the console.
    pub fn of_status(status: StatusCode) -> Self {
        let (title, more) = match status {
            StatusCode::NOT_FOUND => ("problem.not_found", "problem.not_found_more"),
            StatusCode::FORBIDDEN => ("problem.denied", "problem.denied_more"),
            StatusCode::PAYLOAD_TOO_LARGE => ("problem.too_large", "problem.too_large_more"),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => ("problem.busy", "problem.busy_more"),
            status if status.is_server_error() => ("problem.internal", "problem.internal_more"),
            _ => ("problem.bad_request", "problem.bad_request_more"),
        };
        Self { status, title, more }
    }
}

impl ConsoleError {
    fn problem(&self) -> Problem {
        match self {
            ConsoleError::NotFound => Problem::of_status(StatusCode::NOT_FOUND),
            ConsoleError::Denied(_) => Problem::of_status(StatusCode::FORBIDDEN),
            ConsoleError::Forged => Problem {
                status: StatusCode::FORBIDDEN,
                title: "problem.forged",
                more: "problem.forged_more",
            },
            ConsoleError::BadRequest(_) => Problem::of_status(StatusCode::BAD_REQUEST),
            ConsoleError::TooLarge => Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE),
            ConsoleError::Busy | ConsoleError::Unavailable(_) => Problem::of_status(StatusCode::SERVICE_UNAVAILABLE),
            ConsoleError::Internal(_) => Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        ConsoleError::Internal(Box::new(error))
    }
}

impl IntoResponse for ConsoleError {
    fn into_response(self) -> Response {
        let failure: Option<&dyn std::error::Error> = match &self {
            ConsoleError::Internal(error) => Some(error.as_ref()),
            ConsoleError::Unavailable(error) => Some(error),
            _ => None,
        };
        if let Some(error) = failure {
            tracing::error!(error, "the console failed");
        }
        let problem = self.problem();
        let mut response = problem.status.into_response();
        response.extensions_mut().insert(problem);
        response
    }
}

impl From<StoreError> for ConsoleError {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() {
            ConsoleError::Unavailable(error)
        } else {
            ConsoleError::internal(error)
        }
    }
}

impl From<askama::Error> for ConsoleError {
    fn from(error: askama::Error) -> Self {
        ConsoleError::internal(error)
    }
}

impl From<ViewError> for ConsoleError {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Denied(denied) => ConsoleError::Denied(denied),
            ViewError::Resting { .. } => ConsoleError::BadRequest("pictures stay covered for a while"),
            ViewError::BadCursor => ConsoleError::BadRequest("the cursor is not one of ours"),
            ViewError::Store(error) => error.into(),
        }
    }
}

/// What forms do not show beside a field.
impl From<BankError> for ConsoleError {
    fn from(error: BankError) -> Self {
        match error {
            BankError::Denied(denied) => ConsoleError::Denied(denied),
            BankError::NotFound => ConsoleError::NotFound,
            BankError::NameTaken | BankError::Invalid { .. } | BankError::Unscannable(_) | BankError::KeyReused => {
                ConsoleError::BadRequest("the bank does not take this")
            }
            BankError::Busy => ConsoleError::Busy,
            BankError::Store(error) => error.into(),
        }
    }
}

/// What forms do not show beside a field.
impl From<ShiftError> for ConsoleError {
    fn from(error: ShiftError) -> Self {
        match error {
            ShiftError::Denied(denied) => ConsoleError::Denied(denied),
            ShiftError::NotFound => ConsoleError::NotFound,
            ShiftError::Invalid { .. } => ConsoleError::BadRequest("the shift does not take this"),
            ShiftError::Store(error) => error.into(),
        }
    }
}

/// What forms do not show beside a field.
impl From<CaseError> for ConsoleError {
    fn from(error: CaseError) -> Self {
        match error {
            CaseError::Denied(denied) => ConsoleError::Denied(denied),
            CaseError::NotFound => ConsoleError::NotFound,
            CaseError::Transition(_)
            | CaseError::Changed { .. }
            | CaseError::Invalid { .. }
            | CaseError::SecondPerson { .. }
            | CaseError::Proposed => ConsoleError::BadRequest("the case does not take this"),
            CaseError::Store(error) => error.into(),
        }
    }
}

impl From<TranslateError> for ConsoleError {
    fn from(error: TranslateError) -> Self {
        match error {
            TranslateError::Denied(denied) => ConsoleError::Denied(denied),
            TranslateError::NotFound { .. } => ConsoleError::NotFound,
            TranslateError::Changed | TranslateError::Invalid { .. } => {
                ConsoleError::BadRequest("the item does not take this translation")
            }
            TranslateError::Store(error) => error.into(),
        }
    }
}

/// What forms do not show beside a field.
impl From<ProposalError> for ConsoleError {
    fn from(error: ProposalError) -> Self {
        match error {
            ProposalError::Denied(denied) => ConsoleError::Denied(denied),
            ProposalError::NotFound => ConsoleError::NotFound,
            ProposalError::Refused(_) | ProposalError::NothingLeft(_) | ProposalError::Invalid { .. } => {
                ConsoleError::BadRequest("the proposal does not take this")
            }
            ProposalError::Store(error) => error.into(),
        }
    }
}

/// What forms do not show beside a field.
impl From<RulesError> for ConsoleError {
    fn from(error: RulesError) -> Self {
        match error {
            RulesError::Denied(denied) => ConsoleError::Denied(denied),
            RulesError::NotFound { .. } => ConsoleError::NotFound,
            RulesError::Invalid { .. }
            | RulesError::Refused(_)
            | RulesError::NotOpen { .. }
            | RulesError::Stale { .. }
            | RulesError::SamePerson
            | RulesError::Same => ConsoleError::BadRequest("the rules do not take this"),
            RulesError::Busy => ConsoleError::Busy,
            RulesError::Store(error) => error.into(),
        }
    }
}

/// What pages do not say in words of their own.
impl From<ActionError> for ConsoleError {
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::Denied(denied) => ConsoleError::Denied(denied),
            ActionError::NotFound => ConsoleError::NotFound,
            ActionError::Confirmed | ActionError::Withdrawn | ActionError::Superseded => {
                ConsoleError::BadRequest("there is nothing to retry")
            }
            ActionError::Store(error) => error.into(),
        }
    }
}

/// What forms do not show beside a field.
impl From<AccessError> for ConsoleError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Denied(denied) => ConsoleError::Denied(denied),
            AccessError::NotFound => ConsoleError::NotFound,
            AccessError::Busy => ConsoleError::Busy,
            AccessError::Refused
            | AccessError::TooManyAttempts { .. }
            | AccessError::InviteGone
            | AccessError::Invalid { .. }
            | AccessError::NameTaken
            | AccessError::LastAdmin => ConsoleError::BadRequest("this is not taken"),
            AccessError::Secret(error) => ConsoleError::internal(error),
            AccessError::Store(error) => error.into(),
        }
    }
}

/// What forms do not show beside a field, and pages do not say in words of their own.
impl From<ProviderSignInError> for ConsoleError {
    fn from(error: ProviderSignInError) -> Self {
        match error {
            ProviderSignInError::Off => ConsoleError::NotFound,
            ProviderSignInError::Access(error) => error.into(),
            ProviderSignInError::Store(error) => error.into(),
            ProviderSignInError::Unreachable(_) => ConsoleError::Busy,
            ProviderSignInError::Stale
            | ProviderSignInError::Cancelled { .. }
            | ProviderSignInError::LinkFirst
            | ProviderSignInError::Refused { .. } => ConsoleError::BadRequest("this is not taken"),
        }
    }
}
