//! What was found in an open stream, or is said in it, becomes an item: matches, a decision, a case and an order, by the same path as a submission.
//!
//! It is written when it says more than what was told before. Start with [`Watch::judge`].

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use signal::SignalType;

use super::{Flaw, Watch};
use crate::flows::judging::{self, KnownItem};
use crate::flows::lookup;
use crate::flows::remember::{Judged, Kept, remember};
use crate::flows::scan::{ScannedFile, ScannedRecording};
use crate::flows::streams::said::fired_by_words;
use crate::flows::streams::shown::preview_at;
use crate::flows::streams::{Live, StreamHit};
use crate::flows::submit::SubmitError;
use crate::items::NewItem;
use crate::matching::{Found, Played};
use crate::model::{EntryId, ItemKind, Match, MediaStatus, PlatformFacts, Tier, spoken};
use crate::{Seawall, decisions};

impl Watch {
    /// Remembers and tells what was found, if it says more than what was told before.
    pub async fn judge(&mut self, app: &Seawall, live: &Live) -> Result<(), SubmitError> {
        if !self.is_due {
            return Ok(());
        }
        self.judge_now(app, live, false).await
    }

    /// The same at the end, when segments are as long as they will be.
    pub async fn judge_last(&mut self, app: &Seawall, live: &Live) -> Result<(), SubmitError> {
        if self.n_told > 0 {
            self.look_back(app);
        }
        // What rules looked at for its words goes on being seen and heard.
        let is_longer = self.n_told > 0 && (self.has_grown || !self.told_rules.is_empty());
        if !self.is_due && !is_longer {
            return Ok(());
        }
        self.judge_now(app, live, is_longer).await
    }

    async fn judge_now(&mut self, app: &Seawall, live: &Live, is_longer: bool) -> Result<(), SubmitError> {
        let played = Played {
            seen: self.seen.iter().map(|(handle, all)| (*handle, all.clone())).collect(),
            heard: self.heard.iter().map(|(handle, all)| (*handle, all.clone())).collect(),
        };
        let found = lookup::found_in_stream(app, played, &self.pictures, self.plays.duration_ms).await?;
        let says_more = found
            .matches
            .iter()
            .any(|m| match self.told.get(&(m.target.entry, m.signal_type)) {
                None => true,
                Some(told) => *told == Tier::Lead && m.tier == Tier::Match,
            });
        let rules = match self.is_said_due {
            true => self.newly_fired(app, live, &found).await?,
            false => BTreeSet::new(),
        };
        let has_grown = is_longer && (!found.matches.is_empty() || !self.told_rules.is_empty());
        let tells_flaw = self.flaw.is_some() && !self.is_flaw_told;
        let says_more = says_more || !rules.is_empty();
        // What a person decided stands until something is found that they did not know, or not all can be looked at any more.
        let is_worth_it = says_more || tells_flaw || (has_grown && !is_decided(app, live).await?);
        if is_worth_it {
            self.remember(app, live, found, says_more).await?;
            self.told_rules.extend(rules);
        }
        self.is_said_due = false;
        self.is_due = false;
        Ok(())
    }

    /// Rules that fire for what is said, and were not told of yet. They are asked, and nothing is remembered.
    async fn newly_fired(&self, app: &Seawall, live: &Live, found: &Found) -> Result<BTreeSet<String>, SubmitError> {
        let (item, status, now) = (
            item_of(live, String::new()),
            self.status(live.n_bytes()),
            app.clock.now(),
        );
        let matches = found.matches.iter().collect();
        let silent = KnownItem::of_new(&item, now, vec![&status], matches, None);
        let without = judging::look(app, &silent, now).await?;
        let said = KnownItem {
            transcript: spoken(self.said.lines().iter()),
            ..silent
        };
        let with = judging::look(app, &said, now).await?;
        let fired = fired_by_words(&with, &without);
        Ok(fired.difference(&self.told_rules).cloned().collect())
    }

    async fn remember(&mut self, app: &Seawall, live: &Live, found: Found, says_more: bool) -> Result<(), SubmitError> {
        let at_ms = self.plays.duration_ms;
        let best_ms = found.matches.first().and_then(begins_ms);
        let tells_flaw = self.flaw.is_some() && !self.is_flaw_told;
        let hit = (says_more || tells_flaw).then_some(StreamHit { stream: live.id, at_ms });
        let tiers: Vec<((EntryId, SignalType), Tier)> = found
            .matches
            .iter()
            .map(|m| ((m.target.entry, m.signal_type), m.tier))
            .collect();
        // Each time under a number of its own. One under which something was written before, by who was cut off then, is passed over.
        loop {
            let n_told = self.n_told + 1;
            let digest = hex::encode(Sha256::digest(format!("{}/{n_told}", live.id).as_bytes()));
            let judged = Judged {
                item: item_of(live, digest),
                files: vec![self.file(live, best_ms.unwrap_or(at_ms))],
                found: vec![found.clone()],
                hit,
            };
            let kept = remember(app, &live.opened_by, judged, None).await?;
            self.n_told = n_told;
            if !matches!(kept, Kept::Same) {
                break;
            }
        }
        self.is_flaw_told = true;
        self.has_grown = false;
        self.told.extend(tiers);
        Ok(())
    }

    /// The stream as the one file of its item, with a picture of that moment.
    fn file(&self, live: &Live, at_ms: u32) -> ScannedFile {
        let strip = self.shown.strip(&self.found_at());
        ScannedFile {
            name: "stream".to_owned(),
            transcript: self.said.lines(),
            status: self.status(live.n_bytes()),
            signals: Vec::new(),
            previews: preview_at(&strip, at_ms),
            looks: None,
            recording: (!self.frames.is_empty() || !strip.is_empty()).then(|| ScannedRecording {
                duration_ms: self.plays.duration_ms,
                frames: self.frames.iter().cloned().collect(),
                strip,
                ..ScannedRecording::default()
            }),
        }
    }

    fn status(&self, size_bytes: u64) -> MediaStatus {
        match &self.flaw {
            Some(Flaw::Unscanned { reason, detail }) => MediaStatus::Unscanned {
                reason: (*reason).to_owned(),
                detail: detail.clone(),
            },
            None if self.has_nothing() => MediaStatus::Unscanned {
                reason: "not_seen".to_owned(),
                detail: "nothing of the stream was seen or heard yet".to_owned(),
            },
            flaw @ (None | Some(Flaw::Damaged)) => MediaStatus::Scanned {
                media_type: self.mime.clone(),
                size_bytes,
                width: self.size.0,
                height: self.size.1,
                is_intact: flaw.is_none(),
                plays: Some(self.plays.clone()),
            },
        }
    }
}

/// The item that a stream is.
fn item_of(live: &Live, digest: String) -> NewItem {
    NewItem {
        id: live.new.item.clone(),
        kind: ItemKind::Stream,
        account: live.new.account.clone(),
        channel: live.new.channel.clone(),
        audience: live.new.audience,
        url: live.new.url.clone(),
        text: None,
        report: None,
        platform: PlatformFacts::default(),
        content: digest.clone(),
        digest,
    }
}

/// Whether a person decided last what becomes of the stream's item.
async fn is_decided(app: &Seawall, live: &Live) -> Result<bool, SubmitError> {
    let latest = decisions::latest_of_item(&mut *app.store.reader().await?, &live.new.item).await?;
    Ok(latest.is_some_and(|decision| decision.is_of_a_person()))
}

/// When what was found begins.
fn begins_ms(m: &Match) -> Option<u32> {
    let segment = m.segments.iter().find(|segment| segment.tier == m.tier);
    let frame = || m.frame.map(|frame| frame.at_ms);
    segment.map(|segment| segment.query.from_ms).or_else(frame)
}
