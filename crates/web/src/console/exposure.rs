//! A person's own page: how much they uncovered, and what the caps are. Nobody else sees it. Start with [`show_exposure`].

use askama::Template;
use axum::extract::State;
use moderation::model::Exposure;
use moderation::model::care::CareSettings;
use moderation::views::{self, ExposureDay};

use super::page::{Answer, show};
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
}

/// `GET /exposure`
pub async fn show_exposure(State(state): State<WebState>, person: Person) -> Answer {
    let exposure = views::exposure(&state.app, &person.actor).await?;
    let days = views::exposure_days(&state.app, &person.actor).await?;
    show(&ExposurePage {
        shell: person.shell,
        exposure,
        days,
        caps: state.app.settings.care,
    })
}
