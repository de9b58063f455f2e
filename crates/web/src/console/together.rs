//! Items among others, as the pages of baskets, clusters and proposals show them: a line each. It knows no page. Start with [`ItemCard`].

use moderation::model::{
    CaseId, DecisionId, ItemId, ItemKind, Outcome, PreviewKind, ProposalId, Restricted, Timestamp,
};
use moderation::views::ItemBrief;

use super::evidence::media_url;
use super::page::in_query;

/// The most characters of its text that a line shows.
const TEXT_SHOWN_MAX: usize = 240;

/// An item as a line shows it.
pub struct ItemCard {
    /// Which.
    pub id: ItemId,
    /// Its page, or that of its case.
    pub href: String,
    /// What kind of thing it is.
    pub kind: ItemKind,
    /// Who posted it.
    pub account: Option<String>,
    /// The languages that the platform named.
    pub languages: String,
    /// The beginning of its text.
    pub text: Option<String>,
    /// A picture of it, blurred.
    pub preview: Option<String>,
    /// What was last decided.
    pub outcome: Option<Outcome>,
    /// Whether a person decided that.
    pub is_by_person: bool,
    /// What is restricted, where that is not the item itself.
    pub parts: Vec<Restricted>,
    /// The open case about it.
    pub open_case: Option<CaseId>,
    /// A colleague who holds that.
    pub holder: Option<String>,
    /// What waits for a second person about it.
    pub proposal: Option<ProposalId>,
    /// When it was last submitted.
    pub at: Timestamp,
    /// Its revision with the decision in force, a space, its id: what a form says was looked at.
    pub seen: String,
}

impl ItemCard {
    /// The item as it is shown.
    pub fn of(brief: &ItemBrief) -> Self {
        let item = &brief.item;
        let case = brief.open_case.as_ref().map(|case| case.id);
        Self {
            href: match case {
                Some(case) => format!("/cases/{case}"),
                None => format!("/item?id={}", in_query(item.id.as_str())),
            },
            kind: item.kind,
            account: item.account.clone(),
            languages: brief.languages.iter().flatten().cloned().collect::<Vec<_>>().join(", "),
            text: item.text.as_ref().map(|text| shortened(text)),
            preview: brief.media.map(|id| media_url(id, PreviewKind::Blurred)),
            outcome: brief.outcome,
            is_by_person: brief.is_decided_by_person,
            parts: match brief.stands.iter().any(|stands| stands.what == Restricted::Item) {
                true => Vec::new(),
                false => brief.stands.iter().map(|stands| stands.what).collect(),
            },
            open_case: case,
            holder: brief
                .is_held_by_another
                .then(|| brief.holder_name.clone().unwrap_or_default()),
            proposal: brief.proposal,
            at: item.updated_at,
            seen: match brief.decision {
                Some(decision) => format!("{}.{decision} {}", item.revision, item.id),
                None => format!("{} {}", item.revision, item.id),
            },
            id: item.id.clone(),
        }
    }

    /// Whether it can be decided on together with others now.
    pub fn is_free(&self) -> bool {
        self.holder.is_none() && self.proposal.is_none()
    }
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(TEXT_SHOWN_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Which item a form names, the revision that was looked at, and the decision that was in force then where it says so.
pub fn named(value: &str) -> Option<(i64, Option<DecisionId>, ItemId)> {
    let (seen, id) = value.split_once(' ')?;
    let (revision, decision) = match seen.split_once('.') {
        Some((revision, decision)) => (revision, Some(decision.parse().ok()?)),
        None => (seen, None),
    };
    Some((revision.parse().ok()?, decision, id.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_may_have_spaces_and_begin_with_a_number() {
        let named = |text| named(text).map(|(revision, _, id)| (revision, id.to_string()));
        assert_eq!(named("3 12 posts"), Some((3, "12 posts".to_owned())));
        assert_eq!(named("post-1"), None);
        assert_eq!(named("x post-1"), None);
        assert_eq!(named("1 "), None);
        assert_eq!(named("1.x post-1"), None);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&"ä".repeat(300)).chars().count(), TEXT_SHOWN_MAX + 1);
    }
}
