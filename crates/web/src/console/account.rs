//! What a person sees to themselves: their sessions, their password, their recovery codes, their tokens. Start with
//! [`show_account`].

use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use moderation::access::secrets::PASSWORD_LENGTH_MIN;
use moderation::flows::access::{self, AccessError, OwnAccess, Proof};
use moderation::model::{Key, KeyId, Scope, Session, SessionLine, Timestamp, UserId};

use super::flash::Flash;
use super::form::{Fields, FormState, Posted};
use super::page::{Answer, go_saying, show, show_with};
use super::problem::ConsoleError;
use super::session::digits;
use super::shell::Shell;
use super::users::SecretPage;
use super::visit::Person;
use crate::WebState;

const HERE: &str = "/account";
/// How long a token is good if nothing else is chosen, in days.
const TOKEN_DAYS: &str = "90";

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    shell: Shell,
    form: FormState,
    sessions: Vec<SessionRow>,
    n_codes: i64,
    tokens: Vec<Key>,
    scopes: Vec<Scope>,
    days: String,
    password_length_min: usize,
    own: OwnAccess,
    provider: String,
}

/// Recovery codes, shown once.
#[derive(Template)]
#[template(path = "recovery.html")]
struct RecoveryPage {
    shell: Shell,
    codes: Vec<String>,
}

/// A session as pages list it.
pub struct SessionRow {
    /// Its name.
    pub id: String,
    /// When its person signed in.
    pub created_at: Timestamp,
    /// When it was last used.
    pub seen_at: Timestamp,
    /// Roughly which browser; empty if it is not known.
    pub agent: String,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

impl SessionRow {
    /// The line of a session, for the person who looks.
    pub fn of(line: SessionLine, shell: &Shell) -> Self {
        Self {
            is_this: shell.session.as_ref().is_some_and(|session| session.id == line.id),
            id: line.id.to_string(),
            created_at: line.created_at,
            seen_at: line.seen_at,
            agent: line.agent,
        }
    }
}

/// `GET /account`
pub async fn show_account(State(state): State<WebState>, person: Person) -> Answer {
    account_page(&state, person, StatusCode::OK, FormState::default()).await
}

/// The page, with what was wrong with a form of it.
pub async fn account_page(state: &WebState, person: Person, status: StatusCode, form: FormState) -> Answer {
    let (user, session) = who(&person)?;
    let own = access::own_access(&state.app, &session).await?;
    let sessions = access::list_sessions(&state.app, &person.actor, user).await?;
    let tokens = access::list_tokens(&state.app, &person.actor, user).await?;
    let n_codes = access::n_recovery_codes(&state.app, &person.actor).await?;
    let shell = person.shell;
    let scopes = shell
        .session
        .as_ref()
        .map(|session| access::scopes_of(&session.user.roles));
    let days = match form.value("days") {
        "" => TOKEN_DAYS.to_owned(),
        days => days.to_owned(),
    };
    let page = AccountPage {
        sessions: sessions.into_iter().map(|line| SessionRow::of(line, &shell)).collect(),
        scopes: scopes.unwrap_or_default(),
        password_length_min: PASSWORD_LENGTH_MIN,
        shell,
        form,
        n_codes,
        tokens,
        days,
        provider: own.provider.clone().unwrap_or_default(),
        own,
    };
    show_with(status, &page)
}

/// `POST /account/sessions`: ends one session, or all others.
pub async fn end_sessions(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let (user, session) = who(&person)?;
    let id = fields.get("session");
    if id == "others" {
        access::end_other_sessions(&state.app, &person.actor, user, &session.id).await?;
    } else {
        access::end_session(&state.app, &person.actor, user, id).await?;
    }
    Ok(go_saying(&state, HERE, &Flash::new("flash.sessions_ended", "")))
}

/// `POST /account/password`
pub async fn change_password(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let (_, session) = who(&person)?;
    let code = digits(fields.get("code"));
    let proof = proof_of(&fields, &code);
    let form = FormState::default();
    let shell = &person.shell;
    let form = if fields.get("new") != fields.get("again") {
        form.wrong("again", shell.t("invite.mismatch"))
    } else {
        match access::change_password(&state.app, &session, &proof, fields.get("new")).await {
            Ok(()) => return Ok(go_saying(&state, HERE, &Flash::new("flash.password_changed", ""))),
            Err(AccessError::Invalid { .. }) => {
                form.wrong("new", shell.with("invite.password_hint", "n", PASSWORD_LENGTH_MIN))
            }
            Err(error) => unproven(shell, form, "password", error)?,
        }
    };
    account_page(&state, person, StatusCode::UNPROCESSABLE_ENTITY, form).await
}

/// `POST /account/recovery`
pub async fn renew_recovery_codes(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let (_, session) = who(&person)?;
    let code = digits(fields.get("code"));
    let proof = proof_of(&fields, &code);
    match access::renew_recovery_codes(&state.app, &session, &proof).await {
        Ok(codes) => show(&RecoveryPage {
            shell: person.shell,
            codes: codes.iter().map(|code| in_groups(code)).collect(),
        }),
        Err(error) => {
            let form = unproven(&person.shell, FormState::default(), "recovery-password", error)?;
            account_page(&state, person, StatusCode::UNPROCESSABLE_ENTITY, form).await
        }
    }
}

/// `POST /account/tokens`
pub async fn create_token(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let scopes: Result<Vec<Scope>, _> = fields.all("scope").map(str::parse).collect();
    let scopes = scopes.map_err(|_| ConsoleError::BadRequest("no such scope"))?;
    let days: u64 = fields.get("days").trim().parse().unwrap_or(0);
    let lifetime = Duration::from_secs(days.saturating_mul(24 * 3600));
    let (_, session) = who(&person)?;
    let code = digits(fields.get("code"));
    let proof = proof_of(&fields, &code);
    let shell = &person.shell;
    let made = access::create_token(&state.app, &session, &proof, fields.get("name"), &scopes, lifetime).await;
    let (field, wrong) = match made {
        Ok(new) => {
            return show(&SecretPage {
                title: shell.with("keys.secret_title", "name", &new.key.name),
                lead: shell.t("keys.secret_lead").to_owned(),
                label: shell.t("keys.secret").to_owned(),
                secret: new.secret,
                back: shell.t("account.back").to_owned(),
                back_url: HERE,
                shell: person.shell,
            });
        }
        Err(AccessError::Invalid { field: "scopes", .. }) => ("scopes", shell.t("keys.need_scope").to_owned()),
        Err(AccessError::Invalid { field: "days", .. }) => ("days", shell.t("account.token_days_bad").to_owned()),
        Err(AccessError::Invalid { what, .. }) => ("name", shell.with("common.field_invalid", "what", what)),
        Err(error) => {
            let form = unproven(shell, FormState::filled(fields), "token-password", error)?;
            return account_page(&state, person, StatusCode::UNPROCESSABLE_ENTITY, form).await;
        }
    };
    let form = FormState::filled(fields).wrong(field, wrong);
    account_page(&state, person, StatusCode::UNPROCESSABLE_ENTITY, form).await
}

/// `POST /account/tokens/{id}/revoke`
pub async fn revoke_token(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let (user, _) = who(&posted.person)?;
    let id: KeyId = id.parse().map_err(|_| ConsoleError::NotFound)?;
    access::revoke_token(&state.app, &posted.person.actor, user, id).await?;
    Ok(go_saying(&state, HERE, &Flash::new("flash.token_revoked", "")))
}

/// What a form proves: what was typed, or that its person has just been at the identity provider.
pub fn proof_of<'a>(fields: &'a Fields, code: &'a str) -> Proof<'a> {
    match fields.get("proof") {
        "provider" => Proof::AtProvider { code },
        _ => Proof::Typed {
            password: fields.get("password"),
            code,
        },
    }
}

/// Who asks, and in which session.
pub fn who(person: &Person) -> Result<(UserId, Session), ConsoleError> {
    let session = person.shell.session.clone();
    let session = session.ok_or(ConsoleError::BadRequest("nobody is signed in"))?;
    Ok((session.user.id, session))
}

/// The form again, if it is the proof that was not taken.
pub fn unproven(shell: &Shell, form: FormState, field: &str, error: AccessError) -> Result<FormState, ConsoleError> {
    match error {
        AccessError::Refused => Ok(form.wrong(field, shell.t("account.unproven"))),
        AccessError::TooManyAttempts { until } => {
            Ok(form.wrong(field, shell.with("sign_in.locked", "when", shell.moment_in(until))))
        }
        error => Err(error.into()),
    }
}

/// A code in groups of four, which are easier to copy by hand.
fn in_groups(code: &str) -> String {
    let chars: Vec<char> = code.chars().collect();
    let groups: Vec<String> = chars.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join(" ")
}
