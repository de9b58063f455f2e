//! API keys: made, shown once, revoked. Start with [`list_keys`].

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use moderation::flows::access::{self, AccessError};
use moderation::model::{Key, KeyId, Scope, Timestamp};
use moderation::views::{self, KeyRow};

use super::flash::Flash;
use super::form::{FormState, Posted};
use super::page::{Answer, go_saying, show, show_with};
use super::problem::ConsoleError;
use super::shell::Shell;
use super::users::SecretPage;
use super::visit::Person;
use crate::WebState;

#[derive(Template)]
#[template(path = "keys.html")]
struct KeysPage {
    shell: Shell,
    form: FormState,
    keys: Vec<KeyLine>,
    scopes: Vec<Scope>,
}

struct KeyLine {
    id: KeyId,
    name: String,
    scopes: Vec<Scope>,
    made_by: Option<String>,
    used_at: Option<Timestamp>,
    is_revoked: bool,
}

impl KeyLine {
    fn of(row: KeyRow) -> Self {
        let KeyRow { key, made_by_name } = row;
        let is_revoked = key.revoked_at.is_some();
        Self {
            id: key.id,
            name: key.name,
            scopes: key.scopes,
            made_by: made_by_name,
            used_at: key.used_at,
            is_revoked,
        }
    }
}

/// A question before something that cannot be undone.
#[derive(Template)]
#[template(path = "confirm_step.html")]
pub struct ConfirmPage {
    /// What every page knows.
    pub shell: Shell,
    /// The question.
    pub title: String,
    /// What follows from a yes.
    pub lead: String,
    /// The words of the button.
    pub submit: String,
    /// Where the form goes.
    pub action: String,
    /// What it carries.
    pub fields: Vec<(&'static str, String)>,
    /// Where a no leads.
    pub back: String,
}

/// `GET /settings/keys`
pub async fn list_keys(State(state): State<WebState>, person: Person) -> Answer {
    keys_page(&state, person, StatusCode::OK, FormState::default()).await
}

async fn keys_page(state: &WebState, person: Person, status: StatusCode, form: FormState) -> Answer {
    let keys = views::list_keys(&state.app, &person.actor)
        .await?
        .into_iter()
        .map(KeyLine::of)
        .collect();
    show_with(
        status,
        &KeysPage {
            shell: person.shell,
            form,
            keys,
            scopes: Scope::of_keys(),
        },
    )
}

/// `POST /settings/keys`
pub async fn create_key(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let scopes: Result<Vec<Scope>, _> = fields.all("scope").map(str::parse).collect();
    let scopes = scopes.map_err(|_| ConsoleError::BadRequest("no such scope"))?;
    let mut form = FormState::filled(fields.clone());
    if fields.get("name").trim().is_empty() {
        form = form.wrong("name", person.shell.t("keys.need_name"));
    }
    if scopes.is_empty() {
        form = form.wrong("scopes", person.shell.t("keys.need_scope"));
    }
    if !form.has_errors() {
        match access::create_key(&state.app, &person.actor, fields.get("name"), scopes).await {
            Ok(new) => {
                let shell = person.shell;
                return show(&SecretPage {
                    title: shell.with("keys.secret_title", "name", &new.key.name),
                    lead: shell.t("keys.secret_lead").to_owned(),
                    label: shell.t("keys.secret").to_owned(),
                    secret: new.secret,
                    back: shell.t("keys.back").to_owned(),
                    back_url: "/settings/keys",
                    shell,
                });
            }
            Err(AccessError::Invalid { field, what }) => {
                form = form.wrong(field, person.shell.with("common.field_invalid", "what", what));
            }
            Err(error) => return Err(error.into()),
        }
    }
    keys_page(&state, person, StatusCode::UNPROCESSABLE_ENTITY, form).await
}

/// `GET /settings/keys/{id}/revoke`
pub async fn ask_revoke_key(State(state): State<WebState>, person: Person, Path(id): Path<String>) -> Answer {
    let key = find(&state, &person, &id).await?;
    let shell = person.shell;
    show(&ConfirmPage {
        title: shell.with("keys.revoke_title", "name", key.name),
        lead: shell.t("keys.revoke_lead").to_owned(),
        submit: shell.t("keys.revoke_submit").to_owned(),
        action: format!("/settings/keys/{id}/revoke"),
        fields: Vec::new(),
        back: "/settings/keys".to_owned(),
        shell,
    })
}

/// `POST /settings/keys/{id}/revoke`
pub async fn revoke_key(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let key = find(&state, &posted.person, &id).await?;
    access::revoke_key(&state.app, &posted.person.actor, key.id).await?;
    Ok(go_saying(
        &state,
        "/settings/keys",
        &Flash::new("flash.key_revoked", key.name),
    ))
}

async fn find(state: &WebState, person: &Person, id: &str) -> Result<Key, ConsoleError> {
    let id: KeyId = id.parse().map_err(|_| ConsoleError::NotFound)?;
    let keys = views::list_keys(&state.app, &person.actor).await?;
    keys.into_iter()
        .map(|row| row.key)
        .find(|key| key.id == id && key.revoked_at.is_none())
        .ok_or(ConsoleError::NotFound)
}
