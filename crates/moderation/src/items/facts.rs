//! What the platform said of an item beside its content, as it is kept: JSON, so that a new fact needs no new column.

use serde_json::{Map, Value, json};
use sqlx::{AnyConnection, query};

use crate::model::facts::{AccountFacts, ChannelFacts, PlatformFacts, ReportFact};
use crate::model::{ItemId, Timestamp};
use crate::store::StoreError;
use crate::store::columns::{Columns, damaged};

/// What was said of the present revision.
pub async fn facts_of(conn: &mut AnyConnection, item: &ItemId) -> Result<PlatformFacts, StoreError> {
    let row = query("SELECT facts FROM items_item WHERE id = $1")
        .bind(item.to_string())
        .fetch_optional(conn)
        .await
        .map_err(StoreError::at("read what was said of an item"))?;
    let text = match row {
        Some(row) => row.opt_text("facts")?,
        None => None,
    };
    match text {
        None => Ok(PlatformFacts::default()),
        Some(text) => {
            let json: Value = serde_json::from_str(&text).map_err(|error| damaged("facts", error))?;
            of_json(&json).ok_or_else(|| damaged("facts", "a fact of another kind"))
        }
    }
}

/// What was said, as JSON. The same facts give the same bytes.
pub fn facts_to_json(facts: &PlatformFacts) -> Value {
    let mut map = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            map.insert(key.to_owned(), value);
        }
    };
    let time = |at: Option<Timestamp>| at.map(|at| Value::from(at.unix_ms()));
    let (account, channel) = (&facts.account, &facts.channel);
    put("posted_at", time(facts.posted_at));
    put("languages", facts.languages.clone().map(Value::from));
    put("views", facts.views.map(Value::from));
    put("links", facts.links.clone().map(Value::from));
    put(
        "reports",
        facts.reports.as_ref().map(|reports| {
            let rows = reports.iter().map(|report| {
                json!({ "by": report.by.as_str(), "policy": report.policy, "at": report.at.map(Timestamp::unix_ms) })
            });
            Value::Array(rows.collect())
        }),
    );
    put("account.name", account.name.clone().map(Value::from));
    put("account.created_at", time(account.created_at));
    put("account.items", account.items.map(Value::from));
    put("account.restricted", account.restricted.map(Value::from));
    put("account.strikes", account.strikes.map(Value::from));
    put("account.trust", account.trust.map(Value::from));
    put("account.followers", account.followers.map(Value::from));
    put("account.labels", account.labels.clone().map(Value::from));
    put("channel.name", channel.name.clone().map(Value::from));
    put("channel.created_at", time(channel.created_at));
    put("channel.members", channel.members.map(Value::from));
    put("channel.labels", channel.labels.clone().map(Value::from));
    Value::Object(map)
}

/// None, if something is not of the kind that was written.
fn of_json(json: &Value) -> Option<PlatformFacts> {
    fn opt<T>(json: &Value, key: &str, read: impl Fn(&Value) -> Option<T>) -> Option<Option<T>> {
        match json.get(key) {
            None | Some(Value::Null) => Some(None),
            Some(value) => read(value).map(Some),
        }
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let time = |value: &Value| value.as_i64().map(Timestamp::from_unix_ms);
    let texts = |value: &Value| value.as_array()?.iter().map(text).collect::<Option<Vec<_>>>();
    let reports = |value: &Value| {
        let rows = value.as_array()?.iter().map(|row| {
            Some(ReportFact {
                by: row["by"].as_str()?.parse().ok()?,
                policy: opt(row, "policy", text)?,
                at: opt(row, "at", time)?,
            })
        });
        rows.collect::<Option<Vec<_>>>()
    };
    Some(PlatformFacts {
        posted_at: opt(json, "posted_at", time)?,
        languages: opt(json, "languages", texts)?,
        views: opt(json, "views", Value::as_i64)?,
        links: opt(json, "links", texts)?,
        reports: opt(json, "reports", reports)?,
        account: AccountFacts {
            name: opt(json, "account.name", text)?,
            created_at: opt(json, "account.created_at", time)?,
            items: opt(json, "account.items", Value::as_i64)?,
            restricted: opt(json, "account.restricted", Value::as_i64)?,
            strikes: opt(json, "account.strikes", Value::as_i64)?,
            trust: opt(json, "account.trust", Value::as_f64)?,
            followers: opt(json, "account.followers", Value::as_i64)?,
            labels: opt(json, "account.labels", texts)?,
        },
        channel: ChannelFacts {
            name: opt(json, "channel.name", text)?,
            created_at: opt(json, "channel.created_at", time)?,
            members: opt(json, "channel.members", Value::as_i64)?,
            labels: opt(json, "channel.labels", texts)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::Reporter;

    #[test]
    fn what_is_kept_is_read_back() {
        let at = Some(Timestamp::from_unix_ms(1_795_000_000_000));
        let facts = PlatformFacts {
            posted_at: at,
            languages: Some(vec!["ar".to_owned()]),
            views: Some(3),
            links: Some(Vec::new()),
            reports: Some(vec![ReportFact {
                by: Reporter::TrustedFlagger,
                policy: None,
                at,
            }]),
            account: AccountFacts {
                trust: Some(0.25),
                labels: Some(vec!["new".to_owned()]),
                ..AccountFacts::default()
            },
            channel: ChannelFacts {
                created_at: at,
                ..ChannelFacts::default()
            },
        };
        assert_eq!(of_json(&facts_to_json(&facts)), Some(facts));
        assert_eq!(of_json(&json!({})), Some(PlatformFacts::default()));
        assert_eq!(of_json(&json!({ "views": "many" })), None);
    }
}
