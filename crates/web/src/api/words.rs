//! The closed sets of `moderation` as the API words them, and text that keeps to its bounds.
//!
//! Each is a mirror of a domain enum: a new variant there is a compile error here, so that the OpenAPI document cannot
//! forget it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::ApiError;
use moderation::model;
use moderation::signal;

/// A wire enum with the same words as a domain enum, and the conversions. The words are `tt`: a `literal` would come wrapped,
/// and the OpenAPI document would not see it.
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident = $domain:ty { $($(#[$vdoc:meta])* $variant:ident = $word:tt),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub(crate) enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+ }

        impl From<$domain> for $name {
            fn from(value: $domain) -> Self {
                match value { $(<$domain>::$variant => $name::$variant,)+ }
            }
        }

        impl From<$name> for $domain {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => <$domain>::$variant,)+ }
            }
        }

        #[cfg(test)]
        impl $name {
            const WORDS: &'static [($domain, &'static str)] = &[$((<$domain>::$variant, $word)),+];
        }
    };
}

mirror! {
    /// What kind of thing an item is.
    ItemKind = model::ItemKind {
        Post = "post", Image = "image", Video = "video", Audio = "audio", Document = "document", Profile = "profile",
        Channel = "channel", ReportedMessage = "reported_message", Stream = "stream",
    }
}

mirror! {
    /// Who can see what a channel carries: everyone, everyone who asks, whom a person lets in, the people in the
    /// conversation.
    Audience = model::Audience {
        Public = "public", AutoAdmit = "auto_admit", HumanAdmit = "human_admit", Interpersonal = "interpersonal",
    }
}

mirror! {
    /// Which work goes before which, the first first: what somebody outside set a time for, a threat to life, a stream that goes on, an incident under
    /// way, what a colleague asked help for, everything else.
    Lane = model::Lane {
        Deadline = "deadline", Threat = "threat", Live = "live", Incident = "incident", Escalated = "escalated",
        Rest = "rest",
    }
}

mirror! {
    /// Where a likelihood was learned: from cases of the same rule, near the same bank, of the same queue, or from nothing yet.
    LearnedFrom = model::LearnedFrom { Rule = "rule", Bank = "bank", Queue = "queue", Nothing = "nothing" }
}

mirror! {
    /// What is to happen with an item: it stays, it stays until a person has looked at it, it is made unavailable.
    Outcome = model::Outcome { Allow = "allow", Review = "review", Restrict = "restrict" }
}

/// Where a case waits: `escalated`, `matches`, `reported`, `unscanned`, `leads`, or a queue that a rule names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(max_length = 40, pattern = "^[a-z][a-z0-9_]*$", example = "matches")]
pub(crate) struct Queue(pub String);

impl From<model::Queue> for Queue {
    fn from(queue: model::Queue) -> Self {
        Queue(queue.to_string())
    }
}

mirror! {
    /// Who reports.
    Reporter = model::facts::Reporter {
        User = "user", TrustedFlagger = "trusted_flagger", Partner = "partner", Authority = "authority", Machine = "machine",
    }
}

mirror! {
    /// What is restricted: the item itself, or in some countries; how far it is shown, to whom, its comments, what others can do with it, its looks; or of the
    /// account that posted it: a warning, the account, a service, what it earns, the account for good.
    Restricted = model::Restricted {
        Item = "item", Countries = "countries", Reach = "reach", Age = "age", Comments = "comments",
        Interaction = "interaction", Label = "label", Warning = "warning", Account = "account", Service = "service",
        Monetisation = "monetisation", Termination = "termination",
    }
}

mirror! {
    /// Why a judgement needs a second person: it is on many items, under a policy or by a measure for which the platform wants one.
    SecondReason = model::SecondReason { Items = "many_items", Policy = "policy", Measure = "measure" }
}

mirror! {
    /// How far a proposal got: it waits, a second person agreed, it needed nobody else, a second person disagreed, who made it took it back, nobody looked at it
    /// in time, nothing of it was left.
    ProposalState = model::ProposalState {
        Waiting = "waiting", Approved = "approved", Alone = "alone", Rejected = "rejected", Withdrawn = "withdrawn",
        Lapsed = "lapsed", Stale = "stale",
    }
}

mirror! {
    /// What became of an item of a proposal: nothing yet; it was decided; that was taken back; it was left out; its content changed; somebody decided on it
    /// otherwise; a colleague was at work on it; it cannot be done; the proposal ended without it.
    ProposedState = model::ProposedState {
        Waiting = "waiting", Decided = "decided", Undone = "undone", Excluded = "excluded", Changed = "changed",
        Overtaken = "overtaken", Held = "held", Impossible = "impossible", Dropped = "dropped",
    }
}

mirror! {
    /// What carries a label.
    LabelOn = model::LabelOn { Account = "account", Channel = "channel" }
}

mirror! {
    /// How far a change of the rules got.
    ChangeState = model::ChangeState {
        Tested = "tested", Backtested = "backtested", Shadow = "shadow", Live = "live", Replaced = "replaced",
        Withdrawn = "withdrawn", Rejected = "rejected",
    }
}

mirror! {
    /// The policy that a restriction rests on.
    PolicyCode = model::PolicyCode {
        TerroristContent = "terrorist_content", ViolentExtremism = "violent_extremism",
        PerpetratorContent = "perpetrator_content", HateSpeech = "hate_speech", GraphicViolence = "graphic_violence",
        OtherTerms = "other_terms",
    }
}

mirror! {
    /// Within the match threshold, or only within the wider lead threshold: for human eyes.
    Tier = model::Tier { Match = "match", Lead = "lead" }
}

mirror! {
    /// In what two files are alike over a time: in what is seen, or in what is heard.
    SegmentKind = model::SegmentKind { Picture = "picture", Sound = "sound" }
}

mirror! {
    /// How far a live stream is: it goes on, it is over, or Seawall lost it while it went on.
    StreamState = model::StreamState { Open = "open", Closed = "closed", Interrupted = "interrupted" }
}

mirror! {
    /// Whether an entry is matched against. What was removed stays removed.
    EntryState = model::EntryState { Enabled = "enabled", Disabled = "disabled", Removed = "removed" }
}

mirror! {
    /// By which parts of their pictures the entries of a bank are found beside the whole: by none, or by some twenty crops.
    Crops = model::Crops { None = "none", Few = "few" }
}

mirror! {
    /// What is ordered from the platform.
    ActionKind = model::ActionKind { Restrict = "restrict", Restore = "restore" }
}

mirror! {
    /// What the platform answered to an order.
    Answer = model::action::Answer { Done = "done", AlreadyDone = "already_done", Gone = "gone", Refused = "refused" }
}

mirror! {
    /// What a re-check found: everybody has it, it is restricted, it exists no more, nobody could tell.
    Found = model::action::Found {
        Available = "available", Restricted = "restricted", Gone = "gone", Unknown = "unknown",
    }
}

mirror! {
    /// A kind of signal.
    SignalType = signal::SignalType {
        Pdq = "pdq", Md5 = "md5", Sha256 = "sha256", Vpdq = "vpdq", Chromaprint = "chromaprint",
    }
}

/// The text, if it has from `length_min` to `length_max` characters and none of them is NUL, which the store cannot keep.
pub(crate) fn bounded(field: &str, text: String, length_min: usize, length_max: usize) -> Result<String, ApiError> {
    let length = text.chars().count();
    if length < length_min || length > length_max {
        return Err(ApiError::invalid(
            field,
            format!("has {length} characters; it can have {length_min} to {length_max}"),
        ));
    }
    if text.contains('\0') {
        return Err(ApiError::invalid(field, "has a NUL character"));
    }
    Ok(text)
}

/// The same for text that may be absent.
pub(crate) fn bounded_option(field: &str, text: Option<String>, length_max: usize) -> Result<Option<String>, ApiError> {
    text.map(|text| bounded(field, text, 0, length_max)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_uses_the_words_of_the_house() {
        macro_rules! check {
            ($($name:ident),+) => {$(
                for (domain, word) in $name::WORDS {
                    assert_eq!(domain.as_str(), *word);
                    assert_eq!(serde_json::to_value($name::from(*domain)).unwrap(), *word);
                }
                let words: Vec<&str> = $name::WORDS.iter().map(|(_, word)| *word).collect();
                let schema = &crate::openapi::document()["components"]["schemas"][stringify!($name)];
                assert_eq!(schema["enum"], serde_json::json!(words), stringify!($name));
            )+};
        }
        check!(
            ItemKind,
            Audience,
            Lane,
            LearnedFrom,
            Outcome,
            Reporter,
            Restricted,
            SecondReason,
            ProposalState,
            ProposedState,
            LabelOn,
            ChangeState,
            PolicyCode,
            Tier,
            SegmentKind,
            StreamState,
            EntryState,
            Crops,
            ActionKind,
            Answer,
            Found,
            SignalType
        );
    }
}
