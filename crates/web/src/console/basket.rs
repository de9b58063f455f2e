//! `/basket`: what was ticked in a search or a cluster, what one judgement on all of it touches, and the form that gives it. Start with [`show_basket`].
//!
//! The basket lives in the page: its form names each item with the revision that is shown, and what is unticked is left out. So it works without scripts, and
//! nothing is kept until somebody decides.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use moderation::flows::proposals::{self as flow, Chosen, ProposalError};
use moderation::model::{
    Assessment, DecisionId, ItemId, Judgement, Measure, Notice, Outcome, PlatformFacts, PolicyCode, Purpose,
    RabatFactor, Timestamp,
};
use moderation::views::{self, ItemBrief};

use super::flash::Flash;
use super::form::{FormState, Posted};
use super::judgement::{self, Factor};
use super::measures::{self, MeasureForm, Scope};
use super::notice::{self, Drafter, Found};
use super::page::{Answer, go_saying, show, show_with};
use super::shell::Shell;
use super::together::{ItemCard, named};
use super::visit::Person;
use super::words::Lang;
use crate::WebState;

/// The most groups that a count names.
const GROUPS_SHOWN_MAX: usize = 5;

#[derive(Template)]
#[template(path = "basket.html")]
struct BasketPage {
    shell: Shell,
    form: FormState,
    lines: Vec<Line>,
    n_lines: usize,
    n_unreached: usize,
    n_open: usize,
    n_without_case: usize,
    counts: Vec<Count>,
    decide: Done,
    items_over: usize,
    policies: &'static [PolicyCode],
    purposes: &'static [Purpose],
    factors: Vec<Factor>,
    reasons: Vec<(PolicyCode, String)>,
    drafts: Vec<Draft>,
    reason_length_max: usize,
    note_length_max: usize,
}

impl BasketPage {
    fn asks_purpose(&self, policy: &PolicyCode) -> bool {
        Assessment::is_needed_for(*policy)
    }
}

/// What is done with all of it.
struct Done {
    measures: MeasureForm,
}

struct Line {
    card: ItemCard,
    is_chosen: bool,
}

/// How many of what was chosen are of each kind.
struct Count {
    key: &'static str,
    groups: Vec<(String, usize)>,
    n_more: usize,
}

/// What the affected people of one language would be told, by the example of one item.
struct Draft {
    lang: Lang,
    n_items: usize,
    policy: PolicyCode,
    text: String,
}

/// `GET /basket`: nothing is kept, so there is nothing in it.
pub async fn show_empty(State(state): State<WebState>, person: Person) -> Answer {
    basket_page(&state, person, FormState::default(), Vec::new(), None)
        .await
        .and_then(|page| show(&page))
}

/// `POST /basket`: what was ticked elsewhere.
pub async fn show_basket(State(state): State<WebState>, posted: Posted) -> Answer {
    let Posted { person, fields } = posted;
    let chosen = fields.all("item").filter_map(|id| id.parse().ok()).collect();
    let page = basket_page(&state, person, FormState::default(), chosen, None).await?;
    show(&page)
}

/// `POST /basket/decide`
pub async fn decide_basket(State(state): State<WebState>, posted: Posted) -> Answer {
    let Posted { person, fields } = posted;
    let chosen: Vec<(i64, Option<DecisionId>, ItemId)> = fields.all("seen").filter_map(named).collect();
    let ids: Vec<ItemId> = chosen.iter().map(|(_, _, id)| id.clone()).collect();
    // What was unticked stays on the page, unticked.
    let mut shown: Vec<ItemId> = fields.all("shown").filter_map(|id| id.parse().ok()).collect();
    shown.extend(ids.iter().filter(|id| !shown.contains(id)).cloned().collect::<Vec<_>>());
    let shown_again = |person: Person, form: FormState, status: StatusCode| {
        let (state, shown, ids) = (&state, shown.clone(), ids.clone());
        async move {
            let page = basket_page(state, person, form, shown, Some(ids)).await?;
            show_with(status, &page)
        }
    };
    let mut form = FormState::filled(fields.clone());
    if chosen.is_empty() {
        form = form.wrong("items", person.shell.t("together.need_items"));
    }
    let known = views::basket(&state.app, &person.actor, &ids).await?;
    let restricts = fields.get("outcome") == Outcome::Restrict.as_str();
    let have_account = known.items.iter().all(|brief| brief.item.account.is_some());
    let measures = match measures::read_many(&state.app.settings.measures, &fields, have_account) {
        Ok(measures) if restricts => measures,
        Err(key) if restricts => {
            form = form.wrong("measures", person.shell.t(key));
            Vec::new()
        }
        Ok(_) | Err(_) => Vec::new(),
    };
    let judgement = match judgement::read_alike(&person.shell, &fields, form) {
        Ok(judgement) => Judgement { measures, ..judgement },
        Err(form) => return shown_again(person, form, StatusCode::UNPROCESSABLE_ENTITY).await,
    };
    let telling = Telling {
        reason: fields.get("reason"),
        measures: judgement.measures.clone(),
        now: person.shell.now,
        own: person.shell.words.lang,
    };
    let chosen = chosen.into_iter().map(|(revision, seen, item)| {
        let brief = known.items.iter().find(|brief| brief.item.id == item);
        let notice = judgement.policy.zip(brief);
        Chosen {
            notice: notice.map(|(policy, brief)| telling.notice(brief, policy)),
            item,
            revision,
            seen,
        }
    });
    let form = FormState::filled(fields.clone());
    match flow::decide_together(&state.app, &person.actor, chosen.collect(), judgement).await {
        Ok(done) => {
            let n_items = person.shell.count("together.chosen_items", done.n_items);
            let n_items = match done.left_out.len() {
                0 => n_items,
                n_left => format!("{n_items}; {}", person.shell.count("together.left_out_now", n_left)),
            };
            let key = match done.reasons.is_empty() {
                true => "flash.decided_together",
                false => "flash.proposed_together",
            };
            let address = format!("/proposals/{}", done.id);
            Ok(go_saying(&state, &address, &Flash::new(key, n_items)))
        }
        Err(ProposalError::NothingLeft(_)) => {
            let form = form.wrong("items", person.shell.t("together.nothing_left"));
            shown_again(person, form, StatusCode::CONFLICT).await
        }
        Err(ProposalError::Invalid { field, what }) => {
            let form = form.wrong(field, person.shell.with("common.field_invalid", "what", what));
            shown_again(person, form, StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `ticked`: what the person has left ticked; none if they have not seen the page yet.
async fn basket_page(
    state: &WebState,
    person: Person,
    form: FormState,
    chosen: Vec<ItemId>,
    ticked: Option<Vec<ItemId>>,
) -> Result<BasketPage, super::problem::ConsoleError> {
    let basket = views::basket(&state.app, &person.actor, &chosen).await?;
    let shell = person.shell;
    let lines: Vec<Line> = basket
        .items
        .iter()
        .map(|brief| {
            let card = ItemCard::of(brief);
            // What a person decided already, and nobody asked about again, is not decided anew unless somebody wants it.
            let is_done = card.is_by_person && card.open_case.is_none();
            Line {
                is_chosen: card.is_free() && ticked.as_ref().map_or(!is_done, |ticked| ticked.contains(&card.id)),
                card,
            }
        })
        .collect();
    let telling = Telling {
        reason: form.value("reason"),
        measures: measures::read_many(&state.app.settings.measures, form.fields(), true).unwrap_or_default(),
        now: shell.now,
        own: shell.words.lang,
    };
    let factor = |factor: &RabatFactor| Factor::of(*factor, &form);
    Ok(BasketPage {
        n_lines: lines.len(),
        n_unreached: basket.n_unreached,
        n_open: lines.iter().filter(|line| line.card.open_case.is_some()).count(),
        n_without_case: lines.iter().filter(|line| line.card.open_case.is_none()).count(),
        counts: counts(&shell, &basket.items),
        decide: Done {
            measures: MeasureForm::of_many(&state.app.settings.measures, &shell, &form),
        },
        items_over: state.app.settings.two_person.items_over,
        policies: PolicyCode::ALL,
        purposes: Purpose::ALL,
        factors: RabatFactor::ALL.iter().map(factor).collect(),
        reasons: PolicyCode::ALL
            .iter()
            .map(|policy| (*policy, notice::standard_reason(shell.words, *policy)))
            .collect(),
        drafts: telling.drafts(&basket.items),
        reason_length_max: Judgement::REASON_LENGTH_MAX,
        note_length_max: Assessment::NOTE_LENGTH_MAX,
        lines,
        form,
        shell,
    })
}

fn counts(shell: &Shell, items: &[ItemBrief]) -> Vec<Count> {
    let count = |key, name: &dyn Fn(&ItemBrief) -> String| {
        let mut groups: BTreeMap<String, usize> = BTreeMap::new();
        for brief in items {
            *groups.entry(name(brief)).or_default() += 1;
        }
        let mut groups: Vec<(String, usize)> = groups.into_iter().collect();
        groups.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let n_more = groups.len().saturating_sub(GROUPS_SHOWN_MAX);
        groups.truncate(GROUPS_SHOWN_MAX);
        Count { key, groups, n_more }
    };
    let unknown = || shell.t("together.unknown").to_owned();
    vec![
        count("together.by_outcome", &|brief| {
            let outcome = brief
                .outcome
                .map_or_else(unknown, |outcome| shell.word("outcome", outcome));
            match brief.is_decided_by_person {
                true => format!("{outcome} ({})", shell.t("together.by_a_person")),
                false => outcome,
            }
        }),
        count("together.by_account", &|brief| {
            brief.item.account.clone().unwrap_or_else(unknown)
        }),
        count("together.by_language", &|brief| {
            let first = brief.languages.iter().flatten().next();
            first.cloned().unwrap_or_else(unknown)
        }),
    ]
}

/// How people are told.
struct Telling<'a> {
    reason: &'a str,
    measures: Vec<Measure>,
    now: Timestamp,
    own: Lang,
}

impl Telling<'_> {
    fn lang(&self, brief: &ItemBrief) -> Lang {
        let facts = PlatformFacts {
            languages: brief.languages.clone(),
            ..PlatformFacts::default()
        };
        notice::language(None, &facts, self.own)
    }

    fn drafter(&self, brief: &ItemBrief) -> Drafter {
        let found = match (brief.is_reported, brief.is_matched, brief.open_case.is_some()) {
            (true, _, _) => Some(Found::Reported),
            (false, true, _) => Some(Found::Compared),
            (false, false, true) => Some(Found::Ruled),
            (false, false, false) => None,
        };
        let told = measures::told(&brief.stands, &self.measures, self.now);
        Drafter::of(&brief.item, found, told, self.lang(brief))
    }

    /// What the affected person is told: the draft, with the reason that was given.
    fn notice(&self, brief: &ItemBrief, policy: PolicyCode) -> Notice {
        Notice {
            language: self.lang(brief).code().to_owned(),
            text: self.drafter(brief).leaving(policy, "", self.reason),
        }
    }

    /// For each language and policy what one person would be told.
    fn drafts(&self, items: &[ItemBrief]) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for lang in Lang::ALL {
            let of_it: Vec<&ItemBrief> = items.iter().filter(|brief| self.lang(brief) == lang).collect();
            let Some(example) = of_it.first() else { continue };
            drafts.extend(PolicyCode::ALL.iter().map(|policy| Draft {
                lang,
                n_items: of_it.len(),
                policy: *policy,
                text: self.notice(example, *policy).text,
            }));
        }
        drafts
    }
}
