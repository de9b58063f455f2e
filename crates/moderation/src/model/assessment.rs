//! What a person assesses before they restrict something as terrorist or violent-extremist content: for which purpose it is spread and, where they wish, how
//! grave the incitement is. Pure.
//!
//! Material that is spread to teach, to report, as art, for research, to prevent or counter terrorism, or as a view in public debate is no terrorist
//! content, and an assessment has to find the true purpose: Art. 1(3) of Regulation (EU) 2021/784. The six factors are those of the Rabat Plan of Action
//! (A/HRC/22/17/Add.4, §29).

use policy::{PolicyCode, words};

words! {
    /// For which purpose an item is spread.
    Purpose, "a purpose" {
        /// For none that the law leaves out.
        None = "none",
        /// To teach.
        Education = "education",
        /// To report the news.
        Journalism = "journalism",
        /// As art.
        Art = "art",
        /// For research.
        Research = "research",
        /// To prevent or counter terrorism.
        Countering = "countering_terrorism",
        /// As a polemic or controversial view in public debate.
        Debate = "public_debate",
    }
}

words! {
    /// One of the six factors of the Rabat Plan of Action.
    RabatFactor, "a factor" {
        /// The social and political context.
        Context = "context",
        /// The speaker's standing.
        Speaker = "speaker",
        /// The intent.
        Intent = "intent",
        /// The content and its form.
        Content = "content",
        /// How far it reaches.
        Extent = "extent",
        /// How likely harm is, and how soon.
        Likelihood = "likelihood",
    }
}

/// What a person found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// The purpose.
    pub purpose: Purpose,
    /// Why it is restricted although it is said to have a purpose that the law leaves out; or what the purpose was seen by. May be empty.
    pub note: String,
    /// The factors that were weighed, each from 1 (speaks against a restriction) to 5 (speaks for one).
    pub rabat: Vec<(RabatFactor, u8)>,
}

/// What is wrong with an assessment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAssessment {
    /// It is restricted in spite of a purpose that the law leaves out.
    #[error("must say why it is restricted although it is spread for a purpose that the law leaves out")]
    NoteMissing,
    /// The note is too long, or has a character that no text has.
    #[error(
        "has a note that is longer than {} characters or has a NUL character",
        Assessment::NOTE_LENGTH_MAX
    )]
    Note,
    /// A factor outside its scale, or twice.
    #[error("weighs a factor twice, or not from 1 to 5")]
    Factor,
}

impl Assessment {
    /// The most characters of a note.
    pub const NOTE_LENGTH_MAX: usize = 2_000;
    /// The scale of a factor.
    pub const SCALE: std::ops::RangeInclusive<u8> = 1..=5;

    /// No purpose that the law leaves out, and no factor weighed.
    pub const fn no_purpose() -> Self {
        Self {
            purpose: Purpose::None,
            note: String::new(),
            rabat: Vec::new(),
        }
    }

    /// Whether nobody may restrict under this policy without one.
    pub const fn is_needed_for(policy: PolicyCode) -> bool {
        match policy {
            PolicyCode::TerroristContent | PolicyCode::ViolentExtremism | PolicyCode::PerpetratorContent => true,
            PolicyCode::HateSpeech | PolicyCode::GraphicViolence | PolicyCode::OtherTerms => false,
        }
    }

    /// Says what is wrong with it.
    pub fn check(&self, restricts: bool) -> Result<(), InvalidAssessment> {
        let note = self.note.trim();
        if note.chars().count() > Self::NOTE_LENGTH_MAX || note.contains('\0') {
            return Err(InvalidAssessment::Note);
        }
        if restricts && self.purpose != Purpose::None && note.is_empty() {
            return Err(InvalidAssessment::NoteMissing);
        }
        let is_twice = |idx: usize| self.rabat[..idx].iter().any(|(factor, _)| *factor == self.rabat[idx].0);
        let is_off = |idx: usize| !Self::SCALE.contains(&self.rabat[idx].1);
        if (0..self.rabat.len()).any(|idx| is_twice(idx) || is_off(idx)) {
            return Err(InvalidAssessment::Factor);
        }
        Ok(())
    }

    /// As it stands among a decision's facts.
    pub fn to_json(&self) -> serde_json::Value {
        let rabat = self.rabat.iter();
        let rabat = rabat.map(|(factor, weight)| (factor.as_str().to_owned(), serde_json::Value::from(*weight)));
        serde_json::json!({
            "purpose": self.purpose.as_str(),
            "note": self.note.trim(),
            "rabat": rabat.collect::<serde_json::Map<_, _>>(),
        })
    }

    /// From a decision's facts; none where nothing was assessed.
    pub fn of_facts(facts: &serde_json::Value) -> Option<Self> {
        let json = facts.get("assessment")?;
        let weight = |factor: &RabatFactor| {
            let weight = json["rabat"][factor.as_str()].as_u64()?;
            Some((*factor, u8::try_from(weight).ok()?))
        };
        Some(Self {
            purpose: json["purpose"].as_str()?.parse().ok()?,
            note: json["note"].as_str().unwrap_or_default().to_owned(),
            rabat: RabatFactor::ALL.iter().filter_map(weight).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_that_the_law_leaves_out_is_overruled_in_words_only() {
        let reported = Assessment {
            purpose: Purpose::Journalism,
            ..Assessment::no_purpose()
        };
        assert_eq!(reported.check(true), Err(InvalidAssessment::NoteMissing));
        assert_eq!(reported.check(false), Ok(()));
        let said = Assessment {
            note: "The report is made up; its frame is the group's own.".to_owned(),
            ..reported
        };
        assert_eq!(said.check(true), Ok(()));
        assert_eq!(Assessment::no_purpose().check(true), Ok(()));
    }

    #[test]
    fn factors_stay_on_their_scale() {
        let weighed = |rabat: &[(RabatFactor, u8)]| Assessment {
            rabat: rabat.to_vec(),
            ..Assessment::no_purpose()
        };
        assert_eq!(
            weighed(&[(RabatFactor::Intent, 5), (RabatFactor::Extent, 1)]).check(true),
            Ok(())
        );
        for wrong in [
            &[(RabatFactor::Intent, 0)][..],
            &[(RabatFactor::Intent, 6)],
            &[(RabatFactor::Intent, 2), (RabatFactor::Intent, 2)],
        ] {
            assert_eq!(weighed(wrong).check(true), Err(InvalidAssessment::Factor));
        }
    }

    #[test]
    fn it_comes_back_from_a_decisions_facts() {
        let assessment = Assessment {
            purpose: Purpose::Debate,
            note: "a speech".to_owned(),
            rabat: vec![(RabatFactor::Context, 3), (RabatFactor::Likelihood, 1)],
        };
        let facts = serde_json::json!({ "assessment": assessment.to_json() });
        assert_eq!(Assessment::of_facts(&facts), Some(assessment));
        assert_eq!(Assessment::of_facts(&serde_json::json!({})), None);
    }
}
