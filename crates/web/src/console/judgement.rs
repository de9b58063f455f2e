//! The form that decides a case: what it offers, and the judgement that it comes back with.
//!
//! What may be left out is filled in by the standard words of the outcome and the policy, so that a decision takes three keys; what must be chosen by a person
//! never has a default: the outcome, the policy, the purpose. Start with [`DecideForm`] and [`read`].

use moderation::model::{
    Assessment, InvalidAssessment, Judgement, Measure, MeasureSettings, Notice, Outcome, PolicyCode, Purpose,
    RabatFactor, Timestamp,
};
use moderation::views::CaseView;

use super::form::{Fields, FormState};
use super::measures::{self, MeasureForm};
use super::notice::{self, Draft, Drafter, Found};
use super::shell::Shell;
use super::words::{Lang, Words};

/// What the form offers beside the outcome.
pub struct DecideForm {
    /// The policies that may be broken.
    pub policies: &'static [PolicyCode],
    /// The purposes that an item may be spread for.
    pub purposes: &'static [Purpose],
    /// The six factors.
    pub factors: Vec<Factor>,
    /// What can be done.
    pub measures: MeasureForm,
    /// What the affected person would be told, for each policy.
    pub drafts: Vec<DraftField>,
    /// In which language.
    pub notice_lang: Lang,
}

/// A factor, and how it was weighed.
pub struct Factor {
    /// Which.
    pub factor: RabatFactor,
    /// Every weight, and whether it is chosen.
    pub weights: Vec<(u8, bool)>,
}

impl Factor {
    /// The factor, with the weight that was chosen in the form.
    pub fn of(factor: RabatFactor, form: &FormState) -> Self {
        let weights = Assessment::SCALE.map(|weight| (weight, form.is(&factor_field(factor), &weight.to_string())));
        Self {
            factor,
            weights: weights.collect(),
        }
    }
}

/// A draft, and what stands in its field.
pub struct DraftField {
    /// The draft.
    pub draft: Draft,
    /// What stands there.
    pub written: String,
}

impl DecideForm {
    /// For a case, with what was filled in already. `asked` is a language that the notice shall be in.
    pub fn of(
        view: &CaseView,
        settings: &MeasureSettings,
        shell: &Shell,
        form: &FormState,
        asked: Option<&str>,
    ) -> Self {
        let asked = asked.or_else(|| Some(form.value("notice_language")).filter(|tag| !tag.is_empty()));
        let lang = notice::language(asked, &view.facts, shell.words.lang);
        // Of measures that cannot be taken the person is not told.
        let measures = measures::read(view, settings, form.fields()).unwrap_or_default();
        let drafter = drafter(view, lang, &measures, shell.now);
        let reason = form.value("reason");
        let drafts = drafter.drafts(shell.words).into_iter().map(|draft| {
            let written = form.value(&notice_field(draft.policy));
            // What nobody changed follows what is chosen now.
            let is_marked = notice::is_as_drafted(written, form.value(&mark_field(draft.policy)));
            let is_own = !written.is_empty() && !is_marked && !drafter.is_draft(draft.policy, written, reason);
            DraftField {
                written: if is_own { written.to_owned() } else { draft.text.clone() },
                draft,
            }
        });
        let factor = |factor: &RabatFactor| Factor::of(*factor, form);
        Self {
            policies: PolicyCode::ALL,
            purposes: Purpose::ALL,
            factors: RabatFactor::ALL.iter().map(factor).collect(),
            drafts: drafts.collect(),
            measures: MeasureForm::of(view, settings, shell, form, Words::of(lang)),
            notice_lang: lang,
        }
    }
}

impl DecideForm {
    /// Whether nobody restricts under this policy before they said what it is spread for.
    pub fn asks_purpose(&self, policy: &PolicyCode) -> bool {
        Assessment::is_needed_for(*policy)
    }
}

fn drafter(view: &CaseView, lang: Lang, measures: &[Measure], now: Timestamp) -> Drafter {
    let facts = &view.case.place.facts;
    let found = match (view.report.is_some(), facts.bank.is_some(), facts.rule.is_some()) {
        (true, _, _) => Some(Found::Reported),
        (false, true, _) => Some(Found::Compared),
        (false, false, true) => Some(Found::Ruled),
        (false, false, false) => None,
    };
    Drafter::of(&view.item, found, measures::told(&view.stands, measures, now), lang)
}

/// What the person is told: what was written; where a draft was left as it was, that of what is done in the end.
fn leaving(
    view: &CaseView,
    lang: Lang,
    policy: PolicyCode,
    (fields, measures, now): (&Fields, &[Measure], Timestamp),
) -> String {
    let (written, reason) = (fields.get(&notice_field(policy)), fields.get("reason"));
    let in_the_end = drafter(view, lang, measures, now);
    let shown_first = drafter(view, lang, &[], now);
    let was_shown = notice::is_as_drafted(written, fields.get(&mark_field(policy)))
        || shown_first.is_draft(policy, written, reason)
        || in_the_end.is_draft(policy, written, reason);
    let written = if was_shown { "" } else { written };
    in_the_end.leaving(policy, written, reason)
}

fn notice_field(policy: PolicyCode) -> String {
    format!("notice_{policy}")
}

fn mark_field(policy: PolicyCode) -> String {
    format!("drafted_{policy}")
}

fn factor_field(factor: RabatFactor) -> String {
    format!("rabat_{factor}")
}

/// The judgement in a form; else the form with what is wrong.
pub fn read(
    view: &CaseView,
    settings: &MeasureSettings,
    shell: &Shell,
    fields: &Fields,
) -> Result<Judgement, FormState> {
    let revision = view.item.revision;
    let mut form = FormState::filled(fields.clone());
    // What was judged must be what is stored: the platform may have submitted something else meanwhile.
    if fields.get("revision") != revision.to_string() {
        form = form.wrong("", shell.t("decide.changed"));
    }
    let restricts = fields.get("outcome") == Outcome::Restrict.as_str();
    let measures = match measures::read(view, settings, fields) {
        Ok(measures) if restricts => measures,
        Err(key) if restricts => {
            form = form.wrong("measures", shell.words.t(key));
            Vec::new()
        }
        Ok(_) | Err(_) => Vec::new(),
    };
    let judged = read_alike(shell, fields, form)?;
    let notice = judged.policy.map(|policy| {
        let lang = Lang::from_code(fields.get("notice_language")).unwrap_or(shell.words.lang);
        Notice {
            language: lang.code().to_owned(),
            text: leaving(view, lang, policy, (fields, &measures, shell.now)),
        }
    });
    Ok(Judgement {
        revision,
        measures,
        notice,
        ..judged
    })
}

/// All of the judgement that is the same for each item, if there are many; else the form with what is wrong.
pub fn read_alike(shell: &Shell, fields: &Fields, mut form: FormState) -> Result<Judgement, FormState> {
    let outcome = fields.get("outcome").parse::<Outcome>().ok();
    let outcome = outcome.filter(|outcome| *outcome != Outcome::Review);
    let restricts = outcome == Some(Outcome::Restrict);
    let policy = fields.get("policy").parse::<PolicyCode>().ok().filter(|_| restricts);
    if outcome.is_none() {
        form = form.wrong("outcome", shell.t("decide.need_outcome"));
    }
    if restricts && policy.is_none() {
        form = form.wrong("policy", shell.t("decide.need_policy"));
    }
    // A purpose that was chosen before another policy was is asked no more, and its field is hidden.
    let is_asked = !restricts || policy.is_none_or(Assessment::is_needed_for);
    let assessment = assessment(fields).filter(|_| is_asked);
    if policy.is_some_and(Assessment::is_needed_for) && assessment.is_none() {
        form = form.wrong("assessment", shell.t("assess.need"));
    }
    if let Some(Err(wrong)) = assessment.as_ref().map(|assessment| assessment.check(restricts)) {
        let key = match wrong {
            InvalidAssessment::NoteMissing => "assess.need_note",
            InvalidAssessment::Note => "assess.note_too_long",
            InvalidAssessment::Factor => "assess.wrong_factor",
        };
        form = form.wrong("assessment", shell.words.t(key));
    }
    let Some(outcome) = outcome.filter(|_| !form.has_errors()) else {
        return Err(form);
    };
    let written = fields.get("reason");
    let reason = match (written.trim().is_empty(), policy) {
        (false, _) => written.to_owned(),
        (true, Some(policy)) => notice::standard_reason(shell.words, policy),
        (true, None) => shell.t("standard.allow").to_owned(),
    };
    Ok(Judgement {
        revision: 0,
        outcome,
        policy,
        measures: Vec::new(),
        reason,
        assessment,
        notice: None,
    })
}

/// None where no purpose was chosen.
fn assessment(fields: &Fields) -> Option<Assessment> {
    let weight = |factor: &RabatFactor| {
        let weight = fields.get(&factor_field(*factor));
        // What is no number is off the scale, and refused as such.
        (!weight.is_empty()).then(|| (*factor, weight.parse().unwrap_or(0)))
    };
    Some(Assessment {
        purpose: fields.get("purpose").parse().ok()?,
        note: fields.get("assessment_note").to_owned(),
        rabat: RabatFactor::ALL.iter().filter_map(weight).collect(),
    })
}
