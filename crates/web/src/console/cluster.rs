//! `/cases/{id}/cluster`: what one case stands for, with check boxes. What is ticked goes into a basket.

use askama::Template;
use axum::extract::{Path, State};
use moderation::model::CaseId;
use moderation::views::{self, Why};

use super::page::{Answer, show};
use super::problem::ConsoleError;
use super::shell::Shell;
use super::together::ItemCard;
use super::visit::Person;
use crate::WebState;

#[derive(Template)]
#[template(path = "cluster.html")]
struct ClusterPage {
    shell: Shell,
    id: CaseId,
    own: ItemCard,
    members: Vec<MemberLine>,
    n_members: usize,
    is_cut: bool,
}

struct MemberLine {
    card: ItemCard,
    why: Vec<(&'static str, Option<u32>)>,
    is_identical: bool,
}

/// `GET /cases/{id}/cluster`
pub async fn show_cluster(State(state): State<WebState>, person: Person, Path(id): Path<String>) -> Answer {
    let id: CaseId = id.parse().map_err(|_| ConsoleError::NotFound)?;
    let found = views::cluster(&state.app, &person.actor, id)
        .await?
        .ok_or(ConsoleError::NotFound)?;
    let members: Vec<MemberLine> = found
        .members
        .iter()
        .map(|member| MemberLine {
            is_identical: member.is_identical(),
            why: member.why.iter().map(words_of).collect(),
            card: ItemCard::of(&member.brief),
        })
        .collect();
    show(&ClusterPage {
        id,
        own: ItemCard::of(&found.own),
        n_members: members.len(),
        members,
        is_cut: found.is_cut,
        shell: person.shell,
    })
}

/// The key of the words for a reason, and how near it is in bits.
fn words_of(why: &Why) -> (&'static str, Option<u32>) {
    match why {
        Why::SameFile => ("cluster.same_file", None),
        Why::SameEntry { distance } => ("cluster.same_entry", Some(*distance)),
        Why::Alike { distance } => ("cluster.alike", Some(*distance)),
        Why::SameAccount => ("cluster.same_account", None),
        Why::SameChannel => ("cluster.same_channel", None),
    }
}
