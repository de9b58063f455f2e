//! What a person is given next at the desk: a case; now and then, between two cases, a decision that is asked a second time, or a golden case that looks like one.
//!
//! Who has to go and look for second opinions does so when there is time, in a mood for them, or never. Here nobody chooses the moment, and nobody can tell which
//! of the questions measure them. Start with [`take_next`].

use super::cases::{CaseError, person, take_next_case};
use super::offering::Suited;
use super::quality::{QualityError, take_review};
use crate::Seawall;
use crate::model::{Actor, CaseId, Queue, ReviewId};

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// A case, which the person holds now.
    Case(CaseId),
    /// A question, which the person holds now.
    Question(ReviewId),
}

/// What the person does next: of `queue` alone, or of all that they work on. A question takes the place of a case with the share that the settings give, but of
/// none that presses: while one waits in those queues in a lane of its own, only cases are handed out.
pub async fn take_next(app: &Seawall, actor: &Actor, queue: Option<Queue>) -> Result<Option<Work>, CaseError> {
    person(actor)?;
    if app.chance.unit() < app.settings.desk.second_opinions && !does_one_press(app, actor).await? {
        match take_review(app, actor).await {
            Ok(Some(question)) => return Ok(Some(Work::Question(question))),
            // Somebody else was faster, or what was asked is gone: a case, then.
            Ok(None)
            | Err(QualityError::NotFound { .. } | QualityError::Refused(_) | QualityError::Changed)
            | Err(QualityError::Invalid { .. }) => {}
            Err(QualityError::Denied(denied)) => return Err(denied.into()),
            Err(QualityError::Store(error)) => return Err(error.into()),
        }
    }
    Ok(take_next_case(app, actor, queue).await?.map(Work::Case))
}

/// Whether a free case that the person may be given is about time. Such cases come first.
async fn does_one_press(app: &Seawall, actor: &Actor) -> Result<bool, CaseError> {
    let suited = Suited::of(app, actor, person(actor)?).await?;
    let (free, _) = suited.free_cases(app, &actor.queues().to_string(), 0).await?;
    Ok(free.iter().any(|case| case.place.lane.presses()))
}
