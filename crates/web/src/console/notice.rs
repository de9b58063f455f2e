//! What the affected person is told of a restriction: drafted from the policy, the reason and how the item was found, in the language of the item where the
//! console speaks it, and shown for editing before it leaves.
//!
//! It says what Art. 17(3) of Regulation (EU) 2022/2065 asks of a statement of reasons as far as it is known here: what is restricted, the facts, whether
//! machines were used to find it and who decided, the ground, and how to object. It must never name who at the desk decided, or who reported.

use moderation::model::{Item, PlatformFacts, PolicyCode, Restricted, Timestamp};
use sha2::{Digest, Sha256};

use super::words::{Lang, Words};

/// How an item was found, as far as the person is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A machine compared it with known content.
    Compared,
    /// Somebody reported it.
    Reported,
    /// By a rule of the platform.
    Ruled,
}

/// All that a draft is made of, for one item.
#[derive(Debug, Clone)]
pub struct Drafter {
    /// The language of the notice.
    pub lang: Lang,
    item: Item,
    found: Option<Found>,
    told: Vec<Told>,
}

/// A measure, as the person is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What.
    pub what: Restricted,
    /// In which countries, with which label, which service.
    pub scope: String,
    /// Until when.
    pub until: Option<Timestamp>,
}

/// The sentence about one measure, with `{scope}` still in it.
pub fn sentence(words: &Words, what: Restricted, item: &Item) -> String {
    let kind = words.t(&format!("kind.{}", item.kind)).to_lowercase();
    let day = day(item.received_at);
    let values = [("kind", kind.as_str()), ("day", day.as_str())];
    plain(&words.with_all(&format!("notice_measure.{what}"), &values))
}

/// It leaves the console for places that may show the marks that set values apart.
fn plain(text: &str) -> String {
    text.replace(['\u{2068}', '\u{2069}'], "")
}

/// The day, as it is told to anybody anywhere.
pub fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// One draft, for one policy.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The policy.
    pub policy: PolicyCode,
    /// What is said for a reason where the person who decides writes none, in their own language.
    pub reason: String,
    /// The text, with that reason in the language of the notice.
    pub text: String,
    /// The standard reason in the language of the notice, as it stands in the text.
    pub told: String,
}

impl Draft {
    /// What stands beside the draft in a form, so that it is known again as a draft whatever is chosen later: see [`is_as_drafted`].
    pub fn mark(&self) -> String {
        mark(&self.text)
    }
}

/// Whether this is the text of the draft that had this mark, left as it was.
pub fn is_as_drafted(written: &str, marked: &str) -> bool {
    !marked.is_empty() && mark(written) == marked
}

/// The same for a text whatever a browser makes of the ends of its lines.
fn mark(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    hex::encode(Sha256::digest(lines.join("\n").as_bytes()))
}

/// The language in which the person is told: the one that is asked for, the first of the item's that the console speaks, or that of who decides.
pub fn language(asked: Option<&str>, facts: &PlatformFacts, own: Lang) -> Lang {
    let spoken = facts.languages.iter().flatten();
    let spoken = spoken.filter_map(|tag| Lang::from_code(tag.split('-').next().unwrap_or_default()));
    asked
        .and_then(Lang::from_code)
        .or_else(|| spoken.into_iter().next())
        .unwrap_or(own)
}

/// What is said for a reason to restrict under a policy, where nobody writes one.
pub fn standard_reason(words: &Words, policy: PolicyCode) -> String {
    words.t(&format!("standard.{policy}")).to_owned()
}

impl Drafter {
    /// For an item that was found so, as far as it is known, and about which this is done.
    pub fn of(item: &Item, found: Option<Found>, told: Vec<Told>, lang: Lang) -> Self {
        Self {
            lang,
            item: item.clone(),
            found,
            told,
        }
    }

    /// What is done, and until when.
    fn what(&self, words: &Words) -> String {
        let sentences = self.told.iter().map(|told| {
            let sentence = sentence(words, told.what, &self.item).replace("{scope}", &told.scope.replace(' ', ", "));
            match told.until {
                Some(until) => format!("{sentence} {}", words.with("notice.until", "day", &day(until))),
                None => sentence,
            }
        });
        sentences.collect::<Vec<_>>().join(" ")
    }

    /// The text, with a reason in somebody's own words.
    pub fn text(&self, policy: PolicyCode, reason: &str) -> String {
        let words = Words::of(self.lang);
        let found = self.found.map(|found| match found {
            Found::Compared => "notice.found_by_machine",
            Found::Reported => "notice.found_by_report",
            Found::Ruled => "notice.found_by_rule",
        });
        let found = found.map(|key| format!("{} ", words.t(key))).unwrap_or_default();
        let help = words.t(&format!("policy_help.{policy}")).to_owned();
        let policy = words.t(&format!("policy.{policy}")).to_owned();
        let paragraphs = [
            self.what(words),
            words.with_all("notice.ground", &[("policy", &policy), ("help", &help)]),
            words.with("notice.why", "reason", reason.trim()),
            format!("{found}{}", words.t("notice.person")),
            words.t("notice.object").to_owned(),
        ];
        plain(&paragraphs.join("\n\n"))
    }

    /// A draft for each policy, for who reads `own`.
    pub fn drafts(&self, own: &Words) -> Vec<Draft> {
        let draft = |policy: &PolicyCode| {
            let told = standard_reason(Words::of(self.lang), *policy);
            Draft {
                policy: *policy,
                reason: standard_reason(own, *policy),
                text: self.text(*policy, &told),
                told,
            }
        };
        PolicyCode::ALL.iter().map(draft).collect()
    }

    /// Whether this is a draft that nobody changed, with the standard reason or the one that was given.
    pub fn is_draft(&self, policy: PolicyCode, written: &str, reason: &str) -> bool {
        let told = standard_reason(Words::of(self.lang), policy);
        [told.as_str(), reason]
            .iter()
            .any(|reason| written.trim() == self.text(policy, reason).trim())
    }

    /// What leaves: what was written; where the draft was left as it was, the draft with the reason that was given.
    pub fn leaving(&self, policy: PolicyCode, written: &str, reason: &str) -> String {
        let told = standard_reason(Words::of(self.lang), policy);
        let is_untouched = written.trim().is_empty() || self.is_draft(policy, written, reason);
        match is_untouched {
            true if reason.trim().is_empty() => self.text(policy, &told),
            true => self.text(policy, reason),
            false => written.trim().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use moderation::model::ItemKind;

    use super::*;

    fn told(what: Restricted) -> Told {
        Told {
            what,
            scope: String::new(),
            until: None,
        }
    }

    fn drafter(found: Option<Found>, lang: Lang) -> Drafter {
        let item = Item {
            id: "post-1".parse().unwrap(),
            kind: ItemKind::Post,
            account: Some("magpie".to_owned()),
            channel: None,
            audience: None,
            url: None,
            text: None,
            revision: 1,
            received_at: Timestamp::from_unix_ms(1_795_226_786_007),
            updated_at: Timestamp::from_unix_ms(1_795_226_786_007),
        };
        Drafter::of(&item, found, vec![told(Restricted::Item)], lang)
    }

    #[test]
    fn it_is_said_in_the_language_of_the_item_where_it_can_be() {
        let facts = |tags: &[&str]| PlatformFacts {
            languages: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
            ..PlatformFacts::default()
        };
        assert_eq!(language(None, &facts(&["tr", "fr-CA", "ar"]), Lang::En), Lang::Fr);
        assert_eq!(language(None, &facts(&["tr"]), Lang::De), Lang::De);
        assert_eq!(language(Some("ar"), &facts(&["fr"]), Lang::De), Lang::Ar);
        assert_eq!(language(Some("xx"), &PlatformFacts::default(), Lang::En), Lang::En);
    }

    #[test]
    fn a_draft_says_what_the_rule_the_reason_and_the_way_to_object() {
        for lang in Lang::ALL {
            let drafter = drafter(Some(Found::Compared), lang);
            let words = Words::of(lang);
            for draft in drafter.drafts(words) {
                let policy = words.t(&format!("policy.{}", draft.policy)).to_owned();
                for said in [&policy, &draft.told, words.t("notice.object"), "2026-11-21"] {
                    assert!(draft.text.contains(said), "{}: {said} in {}", lang.code(), draft.text);
                }
                assert!(!draft.text.contains(['{', '}', '\u{2068}']), "{}", draft.text);
                assert_eq!(draft.reason, draft.told);
            }
        }
    }

    #[test]
    fn what_is_not_known_is_not_said_and_a_part_is_not_the_whole() {
        let words = Words::of(Lang::En);
        let mut drafter = drafter(None, Lang::En);
        let policy = PolicyCode::ALL[0];
        let whole = drafter.text(policy, "x");
        for found in [
            "notice.found_by_machine",
            "notice.found_by_report",
            "notice.found_by_rule",
        ] {
            assert!(!whole.contains(words.t(found)));
        }
        assert!(whole.contains("no longer available"));
        drafter.told = vec![told(Restricted::Reach)];
        assert!(!drafter.text(policy, "x").contains("no longer available"));
    }

    #[test]
    fn each_measure_is_told_with_its_scope_and_its_end() {
        let until = Timestamp::from_unix_ms(1_795_226_786_007);
        for lang in Lang::ALL {
            let mut drafter = drafter(None, lang);
            let mut sentences = Vec::new();
            for what in Restricted::ALL {
                let scope = what.scope_name().map_or("", |_| "DE FR");
                drafter.told = vec![Told {
                    scope: scope.to_owned(),
                    until: Some(until),
                    ..told(*what)
                }];
                let said = drafter.what(Words::of(lang));
                assert!(said.contains("2026-11-21") && !said.contains('{'), "{what}: {said}");
                assert_eq!(said.contains("DE, FR"), what.scope_name().is_some(), "{what}: {said}");
                sentences.push(said);
            }
            let n = sentences.len();
            sentences.sort();
            sentences.dedup();
            assert_eq!(sentences.len(), n, "no two measures are told in the same words");
        }
    }

    #[test]
    fn a_draft_is_known_by_its_mark_whatever_is_chosen_later() {
        let mut drafter = drafter(None, Lang::En);
        let draft = drafter.drafts(Words::of(Lang::En)).remove(0);
        drafter.told = vec![told(Restricted::Reach)];
        assert!(!drafter.is_draft(draft.policy, &draft.text, ""));
        let sent = draft.text.replace('\n', "\r\n") + "\r\n";
        assert!(is_as_drafted(&sent, &draft.mark()));
        assert!(!is_as_drafted(&format!("{} P.S.", draft.text), &draft.mark()));
        assert!(!is_as_drafted("", ""));
    }

    #[test]
    fn a_draft_that_was_left_as_it_was_takes_the_reason_up() {
        let drafter = drafter(Some(Found::Reported), Lang::En);
        let draft = &drafter.drafts(Words::of(Lang::De))[0];
        assert_ne!(
            draft.reason, draft.told,
            "who decides reads German, who is told English"
        );
        let leaves = |written: &str, reason: &str| drafter.leaving(draft.policy, written, reason);
        assert!(leaves(&draft.text, "It shows how to build one.").contains("It shows how to build one."));
        assert_eq!(leaves(&draft.text, " "), draft.text);
        assert_eq!(
            leaves("", ""),
            draft.text,
            "without scripts a closed part of a form may be empty"
        );
        assert_eq!(leaves(" My own words. ", "x"), "My own words.");
    }
}
