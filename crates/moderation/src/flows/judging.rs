//! What is known of an item becomes the facts that rules read; [`super::deciding`] does what they say.

use std::collections::{HashMap, HashSet};

use policy::LIST_ROWS_MAX;
use serde_json::{Map, Value, json};

use crate::items::NewItem;
use crate::model::facts::PlatformFacts;
use crate::model::{
    Audience, DecisionId, EntryId, ItemId, ItemKind, LabelOn, Match, MediaStatus, PolicyCode, Tier, Timestamp,
};
use crate::rules::judge::{NewEvent, Turn};
use crate::rules::{Judged, labels};
use crate::store::{AnyConnection, StoreError, Tx};
use crate::{Seawall, banks};

/// The most matches that rules look at. Those that weigh most come first.
const MATCHES_MAX: usize = 1_000;

/// An item with all that was found out about it.
pub(super) struct KnownItem<'a> {
    pub id: &'a ItemId,
    pub kind: ItemKind,
    pub account: Option<&'a str>,
    pub channel: Option<&'a str>,
    pub audience: Option<Audience>,
    pub url: Option<&'a str>,
    pub text: Option<&'a str>,
    /// What is said in its files.
    pub transcript: Option<String>,
    /// Whether a person reported it.
    pub reported: bool,
    /// What the platform says beside its content.
    pub platform: &'a PlatformFacts,
    /// When it was posted; when it first came, if the platform does not say. Judged again, it is no newer.
    pub posted_at: Timestamp,
    /// What became of each of its files.
    pub media: Vec<&'a MediaStatus>,
    /// What they lie near to.
    pub matches: Vec<&'a Match>,
    /// The policy under which it is restricted now, if its content changed since.
    pub restricted_before: Option<PolicyCode>,
}

impl<'a> KnownItem<'a> {
    /// An item as it is submitted, of whose files nothing that is said was written down. It first came at a moment.
    pub fn of_new(
        item: &'a NewItem,
        received_at: Timestamp,
        media: Vec<&'a MediaStatus>,
        matches: Vec<&'a Match>,
        restricted_before: Option<PolicyCode>,
    ) -> Self {
        Self {
            id: &item.id,
            kind: item.kind,
            account: item.account.as_deref(),
            channel: item.channel.as_deref(),
            audience: item.audience,
            url: item.url.as_deref(),
            text: item.text.as_deref(),
            transcript: None,
            reported: item.report.is_some(),
            platform: &item.platform,
            posted_at: item.platform.posted_at.unwrap_or(received_at),
            media,
            matches,
            restricted_before,
        }
    }
}

/// Labels of the account and of the channel, in force now.
#[derive(Debug, Default)]
pub(super) struct Labels {
    account: Vec<String>,
    channel: Vec<String>,
}

impl Labels {
    pub async fn of(
        conn: &mut AnyConnection,
        account: Option<&str>,
        channel: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let mut found = Self::default();
        if let Some(account) = account {
            let in_force = labels::in_force(&mut *conn, LabelOn::Account, account, now).await?;
            found.account = in_force.into_iter().map(|label| label.label).collect();
        }
        if let Some(channel) = channel {
            let in_force = labels::in_force(&mut *conn, LabelOn::Channel, channel, now).await?;
            found.channel = in_force.into_iter().map(|label| label.label).collect();
        }
        Ok(found)
    }
}

/// The entries that matches point at, each once.
pub(super) fn entries_of(matches: &[&Match]) -> Vec<EntryId> {
    let mut entries: Vec<EntryId> = matches.iter().map(|m| m.target.entry).collect();
    entries.sort_unstable();
    entries.dedup();
    entries.truncate(MATCHES_MAX);
    entries
}

/// The facts, as [`policy::Event::from_json`] takes them.
pub(super) fn facts(
    known: &KnownItem<'_>,
    own: &Labels,
    entry_labels: &HashMap<EntryId, Vec<String>>,
) -> Map<String, Value> {
    let (platform, at) = (known.platform, known.posted_at);
    let mut map = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            map.insert(name.to_owned(), value);
        }
    };
    let text = |text: Option<&str>| text.map(Value::from);
    let age = |made: Option<Timestamp>| made.map(|made| Value::from(at.since(made).as_millis() as i64));
    put("time", Some(Value::from(at.unix_ms())));
    put("item.id", Some(Value::from(known.id.as_str())));
    put("item.kind", Some(Value::from(known.kind.as_str())));
    put("item.text", text(known.text));
    put("item.transcript", text(known.transcript.as_deref()));
    put("item.url", text(known.url));
    put(
        "item.audience",
        known.audience.map(|audience| Value::from(audience.as_str())),
    );
    put("item.languages", platform.languages.clone().map(Value::from));
    put("item.views", platform.views.map(Value::from));
    put(
        "item.reported",
        Some(Value::from(
            known.reported || platform.reports.as_ref().is_some_and(|r| !r.is_empty()),
        )),
    );
    put(
        "item.restricted_under",
        known.restricted_before.map(|policy| Value::from(policy.as_str())),
    );

    let account = &platform.account;
    put("account.id", text(known.account));
    put("account.name", text(account.name.as_deref()));
    put("account.age", age(account.created_at));
    put("account.items", account.items.map(Value::from));
    put("account.restricted", account.restricted.map(Value::from));
    put("account.strikes", account.strikes.map(Value::from));
    put("account.trust", account.trust.map(Value::from));
    put("account.followers", account.followers.map(Value::from));
    put(
        "account.labels",
        known.account.map(|_| both(account.labels.as_deref(), &own.account)),
    );
    let channel = &platform.channel;
    put("channel.id", text(known.channel));
    put("channel.name", text(channel.name.as_deref()));
    put("channel.age", age(channel.created_at));
    put("channel.members", channel.members.map(Value::from));
    put(
        "channel.labels",
        known.channel.map(|_| both(channel.labels.as_deref(), &own.channel)),
    );

    let count = |is_so: fn(&MediaStatus) -> bool| known.media.iter().filter(|status| is_so(status)).count();
    let is_unscanned = |status: &MediaStatus| matches!(status, MediaStatus::Unscanned { .. });
    let is_damaged = |status: &MediaStatus| matches!(status, MediaStatus::Scanned { is_intact: false, .. });
    put("media.unscanned", Some(Value::from(count(is_unscanned))));
    put("media.damaged", Some(Value::from(count(is_damaged))));
    put(
        "media",
        Some(known.media.iter().map(|status| media_row(status)).collect()),
    );
    put("matches", Some(match_rows(&known.matches, entry_labels)));
    let links = match &platform.links {
        Some(links) => Some(links.iter().map(|link| link_row(link)).collect()),
        None => known.text.map(|text| links_in(text).map(link_row).collect()),
    };
    put("links", links);
    put(
        "reports",
        platform.reports.as_ref().map(|reports| {
            let rows = reports
                .iter()
                .map(|report| json!({ "by": report.by.as_str(), "policy": report.policy, "age": age(report.at) }));
            rows.collect()
        }),
    );
    map
}

/// The platform's labels and our own, each once.
fn both(platform: Option<&[String]>, own: &[String]) -> Value {
    let mut all: Vec<&String> = platform.unwrap_or_default().iter().chain(own).collect();
    all.sort();
    all.dedup();
    all.into_iter().map(|label| Value::from(label.as_str())).collect()
}

fn media_row(status: &MediaStatus) -> Value {
    match status {
        MediaStatus::Scanned {
            media_type,
            size_bytes,
            is_intact,
            plays,
            ..
        } => {
            let status = if *is_intact { "scanned" } else { "damaged" };
            let length = plays.as_ref().map(|plays| plays.duration_ms);
            json!({ "kind": media_type, "status": status, "size": size_bytes, "length": length })
        }
        // The platform hashed it: that is as good as having done so here.
        MediaStatus::Given => json!({ "status": "scanned" }),
        MediaStatus::Unscanned { .. } => json!({ "status": "unscanned" }),
    }
}

/// Matches in confirmed banks first, then the others, then leads: a limit never hides what weighs most.
fn match_rows(matches: &[&Match], labels: &HashMap<EntryId, Vec<String>>) -> Value {
    let mut sorted: Vec<&&Match> = matches.iter().collect();
    sorted.sort_by_key(|m| (m.tier == Tier::Lead, !m.target.bank_confirmed, m.distance));
    let rows = sorted.into_iter().take(MATCHES_MAX + 1).map(|m| {
        json!({
            "tier": m.tier.as_str(), "bank": m.target.bank_name, "confirmed": m.target.bank_confirmed,
            "entry": m.target.entry.to_string(), "labels": labels.get(&m.target.entry), "signal": m.signal_type.as_str(),
            "distance": m.distance, "threshold": m.threshold, "view": m.view,
        })
    });
    rows.collect()
}

/// An address that is too long to be looked up is not known, which is not the same as not being there.
fn link_row(link: &str) -> Value {
    let url = (link.len() <= PlatformFacts::LINK_LENGTH_MAX).then_some(link);
    json!({ "url": url, "host": host_of(link) })
}

/// The name of the machine, in small letters; nothing if the address has none.
fn host_of(link: &str) -> Option<String> {
    let (_, rest) = link.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then(|| host.to_lowercase())
}

/// Addresses that stand in a text, each once. One more than rules read, so that they know when there are more.
fn links_in(text: &str) -> impl Iterator<Item = &str> {
    let mut found: Vec<&str> = Vec::new();
    let mut seen = HashSet::new();
    let mut rest = text;
    while found.len() <= LIST_ROWS_MAX
        && let Some(at) = rest.find("://")
    {
        let before = &rest[..at];
        let scheme = ["https", "http"].into_iter().find(|scheme| {
            let from = before.len().checked_sub(scheme.len());
            from.and_then(|from| before.get(from..))
                .is_some_and(|end| end.eq_ignore_ascii_case(scheme))
        });
        let Some(scheme) = scheme else {
            rest = &rest[at + 3..];
            continue;
        };
        let from = at - scheme.len();
        let ends = |c: char| c.is_whitespace() || c.is_control() || "<>\"'`|\\^{}".contains(c);
        let length = rest[from..].find(ends).unwrap_or(rest.len() - from);
        let link = rest[from..from + length].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '…']);
        let is_link = link.len() > scheme.len() + 3;
        if is_link && seen.insert(link) {
            found.push(link);
        }
        rest = &rest[from + length.max(at + 3 - from)..];
    }
    found.into_iter()
}

/// Takes the turn to judge, and gathers the facts; the item's row is locked.
pub(super) async fn take_turn<'a>(
    app: &'a Seawall,
    tx: &mut Tx,
    known: &KnownItem<'_>,
    now: Timestamp,
) -> Result<(Turn<'a>, Map<String, Value>), StoreError> {
    let entry_labels = banks::labels_of_entries(tx.conn(), &entries_of(&known.matches)).await?;
    // From here on everybody else who judges waits.
    let turn = app.judge.turn(tx).await?;
    // Only now: who judged just before may have set one.
    let labels = Labels::of(tx.conn(), known.account, known.channel, now).await?;
    Ok((turn, facts(known, &labels, &entry_labels)))
}

/// What the rules say, with nothing remembered.
pub(super) async fn look(app: &Seawall, known: &KnownItem<'_>, now: Timestamp) -> Result<Judged, StoreError> {
    let mut conn = app.store.reader().await?;
    let labels = Labels::of(&mut conn, known.account, known.channel, now).await?;
    let entry_labels = banks::labels_of_entries(&mut conn, &entries_of(&known.matches)).await?;
    drop(conn);
    app.judge.look(&app.store, &facts(known, &labels, &entry_labels)).await
}

/// Asks the rules, in the transaction that will remember what they say; the item's row is locked. The turn is to be told of the commit.
pub(super) async fn judge<'a>(
    app: &'a Seawall,
    tx: &mut Tx,
    known: &KnownItem<'_>,
    decision: DecisionId,
    now: Timestamp,
) -> Result<(Turn<'a>, Judged), StoreError> {
    let (mut turn, facts) = take_turn(app, tx, known, now).await?;
    let new = NewEvent {
        decision,
        item: known.id,
        facts: &facts,
        now,
    };
    let judged = turn.judge(tx, &new).await?;
    Ok((turn, judged))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_a_text() {
        let text = "see https://A.example/x?y=1. Or (http://b.example:8080/), HTTP://c.example… ftp://d.example and https:// \
            twice https://A.example/x?y=1! नमस्ते://x https://user@e.example#top";
        let found: Vec<(&str, Option<String>)> = links_in(text).map(|link| (link, host_of(link))).collect();
        let host = |host: &str| Some(host.to_owned());
        assert_eq!(
            found,
            [
                ("https://A.example/x?y=1", host("a.example")),
                ("http://b.example:8080/", host("b.example")),
                ("HTTP://c.example", host("c.example")),
                ("https://user@e.example#top", host("e.example")),
            ]
        );
        assert_eq!(host_of("https://[::1]:80/"), host("::1"));
        assert_eq!(links_in(&"http://".repeat(100_000)).count(), 1);
    }

    /// A rule that looks for one address among them must not take those it does not see for harmless.
    #[test]
    fn an_address_that_is_not_looked_at_is_unknown() {
        let long = format!("https://long.example/{}", "a".repeat(PlatformFacts::LINK_LENGTH_MAX));
        let rows = |n: usize| -> Vec<Value> {
            let many = (0..n).map(|n| format!("https://a.example/{n}"));
            let text = many.chain([long.clone()]).collect::<Vec<_>>().join(" ");
            links_in(&text).map(link_row).collect()
        };
        assert_eq!(rows(150).pop(), Some(json!({ "url": null, "host": "long.example" })));
        let event = |n: usize| {
            let facts = json!({ "links": rows(n) });
            let rule = "list bad\nrule r { policy: other_terms when: links.exists(l, l.url in bad) then: case links \
                reason: \"r\" owner: \"t\" review: 2030-01-01 mode: live }";
            let rules = policy::compile::compile(&[policy::Source::new("r.rules", rule)], 0)
                .rules
                .unwrap();
            let mut lists = policy::Lists::new(policy::window::Seed::default());
            lists.open("bad");
            let event = policy::Event::from_json(&facts).unwrap();
            let state = policy::window::State::new(&rules.windows(), policy::window::Seed::default());
            let said = rules.evaluate(&event, &lists, &state, &mut policy::Scratch::default());
            said.undecided.len()
        };
        assert_eq!(event(3), 1, "of one that is too long");
        assert_eq!(event(LIST_ROWS_MAX), 1, "of those past the most that are read");
        assert_eq!(links_in("https://a.example https://b.example").count(), 2);
    }
}
