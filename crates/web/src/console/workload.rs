//! How much each person looked at, for who looks after them. Start with [`show_workload`].

use askama::Template;
use axum::extract::State;
use moderation::views::{self, Workload};

use super::page::{Answer, show};
use super::shell::Shell;
use super::visit::Person;
use crate::WebState;

/// Smaller numbers are not told apart: they would say what a person did on an afternoon.
const FEW: i64 = 5;

#[derive(Template)]
#[template(path = "workload.html")]
struct WorkloadPage {
    shell: Shell,
    rows: Vec<Workload>,
    few: i64,
}

/// `GET /workload`
pub async fn show_workload(State(state): State<WebState>, person: Person) -> Answer {
    let rows = views::workload(&state.app, &person.actor).await?;
    show(&WorkloadPage {
        shell: person.shell,
        rows,
        few: FEW,
    })
}
