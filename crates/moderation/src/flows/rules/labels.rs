//! People and programs set labels on accounts and channels, and take them away. Rules read them, and set some themselves.

use serde_json::json;

use super::{RulesError, invalid, text};
use crate::Seawall;
use crate::flows::submit::Submission;
use crate::model::{Actor, Label, LabelOn, Right, Timestamp};
use crate::rules::labels;

/// A label to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLabel {
    /// What carries it.
    pub on: LabelOn,
    /// Which, by the platform's name.
    pub subject: String,
    /// The label: small letters, digits, `_` and `-`.
    pub label: String,
    /// When it ends.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// The most characters of a reason.
const REASON_LENGTH_MAX: usize = 500;

/// Sets a label. One that is there already gets the new end and reason.
pub async fn set_label(app: &Seawall, actor: &Actor, new: NewLabel) -> Result<(), RulesError> {
    actor.require(Right::ProposeRules)?;
    let subject = text("subject", &new.subject, 1, Submission::FIELD_LENGTH_MAX)?;
    let reason = text("reason", &new.reason, 1, REASON_LENGTH_MAX)?;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if new.label.is_empty() || new.label.chars().count() > Label::LENGTH_MAX || !new.label.chars().all(is_plain) {
        let what = format!("has 1 to {} small letters, digits, `_` and `-`", Label::LENGTH_MAX);
        return Err(invalid("label", what));
    }
    let now = app.clock.now();
    if new.until.is_some_and(|until| until <= now) {
        return Err(invalid("until", "must lie in the future"));
    }
    let mut tx = app.store.begin("set label").await?;
    let known = labels::in_force(tx.conn(), new.on, &subject, now).await?;
    if known.len() >= Label::N_MAX && !known.iter().any(|known| known.label == new.label) {
        return Err(invalid("label", format!("would be one of more than {}", Label::N_MAX)));
    }
    let label = Label {
        on: new.on,
        subject,
        label: new.label,
        until: new.until,
        set_by: actor.to_string(),
        reason,
        set_at: now,
    };
    labels::set(&mut tx, &label).await?;
    let body = json!({
        "label": label.label, "on": label.on.as_str(), "until": label.until.map(|until| until.to_string()),
    });
    tx.event(now, actor, "label.set", &label.subject, body);
    tx.commit().await?;
    Ok(())
}

/// Takes a label away.
pub async fn remove_label(
    app: &Seawall,
    actor: &Actor,
    on: LabelOn,
    subject: &str,
    label: &str,
) -> Result<(), RulesError> {
    actor.require(Right::ProposeRules)?;
    let mut tx = app.store.begin("remove label").await?;
    if !labels::remove(&mut tx, on, subject, label).await? {
        return Err(RulesError::NotFound { what: "label" });
    }
    let body = json!({ "label": label, "on": on.as_str() });
    tx.event(app.clock.now(), actor, "label.removed", subject, body);
    tx.commit().await?;
    Ok(())
}
