//! A submission: an item as the platform sends it, with its bounds and its digests.

use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use signal::Signal;

use super::files::{FileContent, SpooledFile};
use super::submit::SubmitError;
use crate::Seawall;
use crate::items::facts_to_json;
use crate::model::{Audience, ItemId, ItemKind, PlatformFacts, Timestamp, TranscriptLine};

/// An item to be judged.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The platform's own name for it.
    pub id: ItemId,
    /// What kind of thing it is.
    pub kind: ItemKind,
    /// Who posted it.
    pub account: Option<String>,
    /// Where.
    pub channel: Option<String>,
    /// Who can see it.
    pub audience: Option<Audience>,
    /// Where it stands on the platform; shown to moderators as text, never fetched.
    pub url: Option<String>,
    /// Its text.
    pub text: Option<String>,
    /// Why a person reported it. Who did is not asked.
    pub report: Option<String>,
    /// What the platform says beside its content, for the rules.
    pub platform: PlatformFacts,
    /// Its files.
    pub media: Vec<NewMedia>,
}

impl Submission {
    /// The most characters of an item's text.
    pub const TEXT_LENGTH_MAX: usize = 100_000;
    /// The most characters of any other text of a submission.
    pub const FIELD_LENGTH_MAX: usize = 2_000;
    /// The most signals that one file may come with.
    pub const SIGNALS_MAX: usize = 1_000;
}

/// Of one file there may be the hash of its pictures and that of its sound.
const LONG_SIGNALS_MAX: usize = 2;

/// A file of an item to be judged.
#[derive(Debug, Clone)]
pub struct NewMedia {
    /// The platform's name for it.
    pub name: String,
    /// What there is of it.
    pub content: NewContent,
    /// What is said in it, if the platform wrote that down.
    pub transcript: Vec<TranscriptLine>,
}

/// What there is of a file.
#[derive(Debug, Clone)]
pub enum NewContent {
    /// Its bytes.
    Bytes(Bytes),
    /// Its bytes, in a temporary file.
    File(SpooledFile),
    /// Signals that the platform computed before.
    Signals(Vec<Signal>),
    /// Nothing: it was to be fetched and could not be.
    Unfetched {
        /// Where it was to be fetched from.
        url: String,
        /// A stable word for why.
        reason: &'static str,
        /// The same for people.
        detail: String,
    },
}

pub(super) fn check_bounds(app: &Seawall, submission: &Submission) -> Result<(), SubmitError> {
    let invalid = |field, what: String| Err(SubmitError::Invalid { field, what });
    if submission.media.len() > app.settings.media_per_item_max {
        return invalid(
            "media",
            format!("has more than {} files", app.settings.media_per_item_max),
        );
    }
    let texts = [
        ("account", &submission.account, Submission::FIELD_LENGTH_MAX),
        ("channel", &submission.channel, Submission::FIELD_LENGTH_MAX),
        ("url", &submission.url, Submission::FIELD_LENGTH_MAX),
        ("report", &submission.report, Submission::FIELD_LENGTH_MAX),
        ("text", &submission.text, Submission::TEXT_LENGTH_MAX),
    ];
    for (field, text, length_max) in texts {
        let Some(text) = text else { continue };
        if text.chars().count() > length_max {
            return invalid(field, format!("is longer than {length_max} characters"));
        }
        if text.contains('\0') {
            return invalid(field, "has a NUL character".to_owned());
        }
    }
    check_platform(&submission.platform, app.clock.now())?;
    check_transcripts(&submission.media)?;
    for file in &submission.media {
        if file.name.chars().count() > Submission::FIELD_LENGTH_MAX || file.name.chars().any(char::is_control) {
            return invalid(
                "media",
                "has a file whose name is too long or has a control character".to_owned(),
            );
        }
        match &file.content {
            NewContent::Signals(signals) if signals.is_empty() => {
                return invalid("media", "has a file with neither bytes nor signals".to_owned());
            }
            NewContent::Signals(signals) if signals.len() > Submission::SIGNALS_MAX => {
                return invalid(
                    "media",
                    format!("has a file with more than {} signals", Submission::SIGNALS_MAX),
                );
            }
            NewContent::Signals(signals)
                if signals.iter().filter(|signal| signal.is_long()).count() > LONG_SIGNALS_MAX =>
            {
                return invalid(
                    "media",
                    "has a file with the hashes of several videos or sounds".to_owned(),
                );
            }
            NewContent::Signals(_) | NewContent::Bytes(_) | NewContent::File(_) | NewContent::Unfetched { .. } => {}
        }
    }
    Ok(())
}

fn check_transcripts(media: &[NewMedia]) -> Result<(), SubmitError> {
    let invalid = |what: &str| {
        Err(SubmitError::Invalid {
            field: "media",
            what: format!("has a transcript {what}"),
        })
    };
    for lines in media.iter().map(|file| &file.transcript) {
        if let Some(what) = wrong_transcript(lines) {
            return invalid(what);
        }
    }
    if media.iter().map(|file| n_chars(&file.transcript)).sum::<usize>() > TranscriptLine::TEXT_LENGTH_MAX {
        return invalid("that, with those of the other files, is too long");
    }
    Ok(())
}

/// What is wrong with a transcript, if anything is.
pub(super) fn wrong_transcript(lines: &[TranscriptLine]) -> Option<&'static str> {
    if lines.len() > TranscriptLine::LINES_MAX {
        return Some("of too many lines");
    }
    if !lines.is_sorted_by_key(|line| line.from_ms) || lines.iter().any(|line| line.to_ms < line.from_ms) {
        return Some("whose lines are out of order, or end before they begin");
    }
    for line in lines {
        let length = line.text.chars().count();
        if length == 0 || length > TranscriptLine::LENGTH_MAX || line.text.contains('\0') {
            return Some("with a line that is empty, too long, or has a NUL character");
        }
        if !line.language.as_deref().is_none_or(is_language) {
            return Some("with a language that is not written like `en` or `pt-BR`");
        }
    }
    (n_chars(lines) > TranscriptLine::TEXT_LENGTH_MAX).then_some("that is too long")
}

fn n_chars(lines: &[TranscriptLine]) -> usize {
    lines.iter().map(|line| line.text.chars().count()).sum()
}

/// Whether it is written as a language's tag is.
fn is_language(tag: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    tag.len() <= TranscriptLine::LANGUAGE_LENGTH_MAX && tag.split('-').all(is_plain)
}

/// How far ahead of ours the platform's clock may be.
const AHEAD_MAX: Duration = Duration::from_secs(3600);

fn check_platform(platform: &PlatformFacts, now: Timestamp) -> Result<(), SubmitError> {
    let invalid = |field, what: &str| {
        Err(SubmitError::Invalid {
            field,
            what: what.to_owned(),
        })
    };
    let (account, channel) = (&platform.account, &platform.channel);
    let times = [
        ("posted_at", platform.posted_at),
        ("account_facts", account.created_at),
        ("channel_facts", channel.created_at),
    ];
    for (field, at) in times {
        if at.is_some_and(|at| at.unix_ms() < 0 || at > now.after(AHEAD_MAX)) {
            return invalid(field, "has a time that lies in the future, or before 1970");
        }
    }
    let counts = [
        ("views", platform.views),
        ("account_facts", account.items),
        ("account_facts", account.restricted),
        ("account_facts", account.strikes),
        ("account_facts", account.followers),
        ("channel_facts", channel.members),
    ];
    for (field, count) in counts {
        if count.is_some_and(|count| count < 0) {
            return invalid(field, "has a number below zero");
        }
    }
    if account.trust.is_some_and(|trust| !(0.0..=1.0).contains(&trust)) {
        return invalid("account_facts", "has a trust that is not between 0 and 1");
    }
    let lists = [
        ("languages", &platform.languages),
        ("links", &platform.links),
        ("account_facts", &account.labels),
        ("channel_facts", &channel.labels),
    ];
    let is_bad = |text: &String| text.chars().count() > Submission::FIELD_LENGTH_MAX || text.contains('\0');
    for (field, list) in lists {
        let list = list.as_deref().unwrap_or_default();
        if list.len() > PlatformFacts::ROWS_MAX || list.iter().any(is_bad) {
            return invalid(
                field,
                "has too many texts, or one that is too long or has a NUL character",
            );
        }
    }
    let reports = platform.reports.as_deref().unwrap_or_default();
    let texts = reports.iter().filter_map(|report| report.policy.as_ref());
    if reports.len() > PlatformFacts::ROWS_MAX || texts.clone().any(is_bad) {
        return invalid("reports", "are too many, or name a policy that is too long");
    }
    let names = [("account_facts", &account.name), ("channel_facts", &channel.name)];
    for (field, name) in names {
        if name.as_ref().is_some_and(is_bad) {
            return invalid(field, "has a name that is too long or has a NUL character");
        }
    }
    Ok(())
}

/// What tells one submission from another: SHA-256, in hex, over parts each with its length before it.
pub(super) struct Digests {
    /// Over every part: the same digest is the same submission.
    pub whole: String,
    /// Over what the item holds. How often it was seen, what is known of its account and that it was reported change while nobody touches it.
    pub content: String,
}

pub(super) fn digests(submission: &Submission) -> Digests {
    let platform = &submission.platform;
    let (mut whole, mut content) = (Parts::default(), Parts::default());
    let names = [
        submission.id.as_str(),
        submission.kind.as_str(),
        submission.audience.map_or("", Audience::as_str),
    ];
    for name in names {
        whole.add(name.as_bytes());
        content.add(name.as_bytes());
    }
    let texts = [
        &submission.account,
        &submission.channel,
        &submission.url,
        &submission.text,
    ];
    for text in texts {
        whole.add_text(text.as_deref());
        content.add_text(text.as_deref());
    }
    whole.add_text(submission.report.as_deref());
    // What is known of an item is a part of what is judged. Items of before, of which nothing was said, keep their digests.
    if !platform.is_empty() {
        whole.add(b"platform");
        whole.add(facts_to_json(platform).to_string().as_bytes());
    }
    // The addresses in it and its languages are of its content, though the platform found them.
    let held = PlatformFacts {
        languages: platform.languages.clone(),
        links: platform.links.clone(),
        ..PlatformFacts::default()
    };
    content.add(facts_to_json(&held).to_string().as_bytes());
    for file in &submission.media {
        for part in parts_of_file(file) {
            whole.add(&part);
            content.add(&part);
        }
    }
    Digests {
        whole: whole.into_hex(),
        content: content.into_hex(),
    }
}

#[derive(Default)]
struct Parts(Sha256);

impl Parts {
    fn add(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn add_text(&mut self, text: Option<&str>) {
        self.add(if text.is_some() { b"1" } else { b"0" });
        self.add(text.unwrap_or_default().as_bytes());
    }

    fn into_hex(self) -> String {
        hex::encode(self.0.finalize())
    }
}

fn parts_of_file(file: &NewMedia) -> Vec<Vec<u8>> {
    let mut parts = vec![file.name.clone().into_bytes()];
    match &file.content {
        NewContent::Bytes(bytes) => parts.extend([b"bytes".to_vec(), Sha256::digest(bytes).to_vec()]),
        // The same file is the same submission, however it came.
        NewContent::File(file) => {
            let sha256 = FileContent::from(file.clone()).sha256();
            parts.extend([b"bytes".to_vec(), sha256.to_bytes().to_vec()]);
        }
        NewContent::Signals(signals) => {
            parts.push(b"signals".to_vec());
            for signal in signals {
                let quality = signal.quality().map(|quality| quality.to_string());
                parts.extend([
                    signal.signal_type().as_str().as_bytes().to_vec(),
                    signal.value().into_bytes(),
                    quality.unwrap_or_default().into_bytes(),
                ]);
            }
        }
        // Once it can be fetched, its bytes make it another submission.
        NewContent::Unfetched { url, reason, .. } => {
            parts.extend([
                b"unfetched".to_vec(),
                url.clone().into_bytes(),
                reason.as_bytes().to_vec(),
            ]);
        }
    }
    if !file.transcript.is_empty() {
        parts.push(b"transcript".to_vec());
    }
    for line in &file.transcript {
        parts.extend([
            [line.from_ms.to_be_bytes(), line.to_ms.to_be_bytes()].concat(),
            line.text.clone().into_bytes(),
            line.language.clone().unwrap_or_default().into_bytes(),
        ]);
    }
    parts
}
