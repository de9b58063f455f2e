//! A person's own page: how much they uncovered, what the caps are, and what they do not want to be given. Nobody else sees it. Start with [`show_exposure`].

use askama::Template;
use axum::extract::State;
use moderation::flows::wishes::{WishError, set_wishes};
use moderation::model::care::CareSettings;
use moderation::model::{Exposure, PolicyCode};
use moderation::views::{self, ExposureDay};

use super::flash::Flash;
use super::form::Posted;
use super::page::{Answer, go_saying, show};
use super::problem::ConsoleError;
use super::shell::Shell;
use super::visit::Person;
use crate::WebState;

#[derive(Template)]
#[template(path = "exposure.html")]
struct ExposurePage {
    shell: Shell,
    exposure: Exposure,
    days: Vec<ExposureDay>,
    caps: CareSettings,
    /// Each policy, and whether the person does not want to be given it.
    wishes: Vec<(PolicyCode, bool)>,
}

/// `GET /exposure`
pub async fn show_exposure(State(state): State<WebState>, person: Person) -> Answer {
    let exposure = views::exposure(&state.app, &person.actor).await?;
    let days = views::exposure_days(&state.app, &person.actor).await?;
    let not = views::own_wishes(&state.app, &person.actor).await?;
    show(&ExposurePage {
        shell: person.shell,
        exposure,
        days,
        caps: state.app.settings.care,
        wishes: PolicyCode::ALL
            .iter()
            .map(|policy| (*policy, not.contains(policy)))
            .collect(),
    })
}

/// `POST /exposure/wishes`: what the person does not want to be given.
pub async fn save_wishes(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let not: Result<Vec<PolicyCode>, _> = fields.all("not").map(str::parse).collect();
    let not = not.map_err(|_| ConsoleError::BadRequest("no such policy"))?;
    match set_wishes(&state.app, &person.actor, &not).await {
        Ok(()) => Ok(go_saying(&state, "/exposure", &Flash::new("flash.wishes_saved", ""))),
        Err(WishError::Denied(denied)) => Err(ConsoleError::Denied(denied)),
        Err(WishError::Store(error)) => Err(error.into()),
    }
}
