//! People who sign in: invited, given a role, disabled. Start with [`list_users`].

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use moderation::flows::access::{self, AccessError, Invite};
use moderation::model::{Role, Timestamp, User, UserId, UserState};
use moderation::views;

use super::flash::Flash;
use super::form::{Fields, FormState, Posted};
use super::page::{Answer, go_saying, show, show_with};
use super::problem::ConsoleError;
use super::shell::Shell;
use super::visit::Person;
use crate::WebState;

#[derive(Template)]
#[template(path = "users.html")]
struct UsersPage {
    shell: Shell,
    form: FormState,
    users: Vec<UserLine>,
    roles: [Role; 3],
}

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage {
    shell: Shell,
    form: FormState,
    user: UserLine,
    roles: [Role; 3],
}

/// A secret that is shown once: a one-time link or the secret of a key.
#[derive(Template)]
#[template(path = "secret.html")]
pub struct SecretPage {
    /// What every page knows.
    pub shell: Shell,
    /// What it is.
    pub title: String,
    /// What to do with it.
    pub lead: String,
    /// Its label.
    pub label: String,
    /// The secret.
    pub secret: String,
    /// Where to go afterwards, in words.
    pub back: String,
    /// The same as an address.
    pub back_url: &'static str,
}

struct UserLine {
    id: UserId,
    name: String,
    role: Role,
    state: &'static str,
    is_disabled: bool,
    is_me: bool,
    signed_in_at: Option<Timestamp>,
}

impl UserLine {
    fn of(user: User, shell: &Shell) -> Self {
        Self {
            is_me: shell.session.as_ref().is_some_and(|session| session.user.id == user.id),
            id: user.id,
            name: user.name,
            role: user.role,
            state: user.state.as_str(),
            is_disabled: user.state == UserState::Disabled,
            signed_in_at: user.signed_in_at,
        }
    }
}

/// `GET /settings/users`
pub async fn list_users(State(state): State<WebState>, person: Person) -> Answer {
    let form = FormState::filled(Fields::of(&[("role", Role::Moderator.as_str())]));
    users_page(&state, person, StatusCode::OK, form).await
}

async fn users_page(state: &WebState, person: Person, status: StatusCode, form: FormState) -> Answer {
    let users = views::list_users(&state.app, &person.actor).await?;
    let shell = person.shell;
    let users = users.into_iter().map(|user| UserLine::of(user, &shell)).collect();
    show_with(
        status,
        &UsersPage {
            users,
            shell,
            form,
            roles: Role::ALL,
        },
    )
}

/// `POST /settings/users`
pub async fn invite_user(State(state): State<WebState>, Posted { person, fields }: Posted) -> Answer {
    let role: Role = fields
        .get("role")
        .parse()
        .map_err(|_| ConsoleError::BadRequest("no such role"))?;
    let wrong = match access::invite_user(&state.app, &person.actor, fields.get("name"), role).await {
        Ok(invite) => return show_link(&state, person.shell, &invite),
        Err(AccessError::NameTaken) => person.shell.t("users.name_taken").to_owned(),
        Err(AccessError::Invalid { what, .. }) => person.shell.with("common.field_invalid", "what", what),
        Err(error) => return Err(error.into()),
    };
    let form = FormState::filled(fields).wrong("name", wrong);
    users_page(&state, person, StatusCode::UNPROCESSABLE_ENTITY, form).await
}

fn show_link(state: &WebState, shell: Shell, invite: &Invite) -> Answer {
    show(&SecretPage {
        title: shell.with("users.link_title", "name", &invite.name),
        lead: shell.with_two(
            "users.link_lead",
            "name",
            &invite.name,
            "when",
            shell.moment_in(invite.expires_at),
        ),
        label: shell.t("users.link").to_owned(),
        secret: format!("{}/invite/{}", state.settings.public_url, invite.token),
        back: shell.t("users.back").to_owned(),
        back_url: "/settings/users",
        shell,
    })
}

/// `GET /settings/users/{id}`
pub async fn show_user(State(state): State<WebState>, person: Person, Path(id): Path<String>) -> Answer {
    user_page(&state, person, parse(&id)?, StatusCode::OK, None).await
}

async fn user_page(state: &WebState, person: Person, id: UserId, status: StatusCode, wrong: Option<String>) -> Answer {
    let users = views::list_users(&state.app, &person.actor).await?;
    let user = users
        .into_iter()
        .find(|user| user.id == id)
        .ok_or(ConsoleError::NotFound)?;
    let mut form = FormState::filled(Fields::of(&[("role", user.role.as_str())]));
    if let Some(wrong) = wrong {
        form = form.wrong("", wrong);
    }
    let user = UserLine::of(user, &person.shell);
    show_with(
        status,
        &UserPage {
            shell: person.shell,
            form,
            user,
            roles: Role::ALL,
        },
    )
}

/// `POST /settings/users/{id}/role`
pub async fn change_role(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let role: Role = posted
        .fields
        .get("role")
        .parse()
        .map_err(|_| ConsoleError::BadRequest("no such role"))?;
    change_user(&state, posted.person, parse(&id)?, Some(role), None).await
}

/// `POST /settings/users/{id}/disabled`
pub async fn disable_user(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let disabled = match posted.fields.get("disabled") {
        "yes" => true,
        "no" => false,
        _ => return Err(ConsoleError::BadRequest("neither yes nor no")),
    };
    let id = parse(&id)?;
    if disabled && posted.person.actor.user() == Some(id) {
        let wrong = Some(posted.person.shell.t("users.disable_self").to_owned());
        return user_page(&state, posted.person, id, StatusCode::UNPROCESSABLE_ENTITY, wrong).await;
    }
    change_user(&state, posted.person, id, None, Some(disabled)).await
}

async fn change_user(
    state: &WebState,
    person: Person,
    id: UserId,
    role: Option<Role>,
    disabled: Option<bool>,
) -> Answer {
    match access::change_user(&state.app, &person.actor, id, role, disabled).await {
        Ok(()) => {
            let users = if person.actor.user() == Some(id) && role.is_some_and(|role| role < Role::Admin) {
                // Someone who gave away their own right sees no users any more.
                return Ok(go_saying(
                    state,
                    "/desk",
                    &Flash::new("flash.user_changed", person.shell.user_name()),
                ));
            } else {
                views::list_users(&state.app, &person.actor).await?
            };
            let name = users
                .into_iter()
                .find(|user| user.id == id)
                .map(|user| user.name)
                .unwrap_or_default();
            Ok(go_saying(
                state,
                "/settings/users",
                &Flash::new("flash.user_changed", name),
            ))
        }
        Err(AccessError::LastAdmin) => {
            let wrong = Some(person.shell.t("users.last_admin").to_owned());
            user_page(state, person, id, StatusCode::UNPROCESSABLE_ENTITY, wrong).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /settings/users/{id}/reset`
pub async fn reset_user(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let invite = access::reinvite_user(&state.app, &posted.person.actor, parse(&id)?).await?;
    let mut shell = posted.person.shell;
    if posted.person.actor.user() == Some(invite.user) {
        // Their own session has just ended: the page must not offer what they can no longer do.
        shell.session = None;
    }
    show_link(&state, shell, &invite)
}

fn parse(id: &str) -> Result<UserId, ConsoleError> {
    id.parse().map_err(|_| ConsoleError::NotFound)
}
