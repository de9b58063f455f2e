//! People who sign in: invited, given roles and queues, disabled. Start with [`list_users`].

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use moderation::flows::access::{self, AccessError, Invite, ProviderSignInError};
use moderation::model::{Key, KeyId, Queue, QueueSet, Right, Role, Roles, Timestamp, User, UserId, UserState};
use moderation::views;

use super::account::SessionRow;
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
    roles: [Role; 8],
}

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage {
    shell: Shell,
    form: FormState,
    user: UserLine,
    roles: [Role; 8],
    queues: Vec<QueueChoice>,
    has_all_queues: bool,
    sessions: Vec<SessionRow>,
    tokens: Vec<Key>,
    tokens_base: String,
    /// What the identity provider is called, if there is one.
    provider: Option<String>,
    /// The provider's word for the person, if it is known.
    subject: Option<String>,
}

/// A queue that a person may be given.
struct QueueChoice {
    queue: Queue,
    is_given: bool,
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
    roles: Roles,
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
            roles: user.roles,
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
    let Some(roles) = chosen_roles(&fields)? else {
        let wrong = person.shell.t("users.need_role").to_owned();
        let form = FormState::filled(fields).wrong("role", wrong);
        return users_page(&state, person, StatusCode::UNPROCESSABLE_ENTITY, form).await;
    };
    let wrong = match access::invite_user(&state.app, &person.actor, fields.get("name"), roles).await {
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
    let held: Vec<(&str, &str)> = user.roles.each().iter().map(|role| ("role", role.as_str())).collect();
    let mut form = FormState::filled(Fields::of(&held));
    let queues = queue_choices(state, &person, &user).await?;
    let has_all_queues = user.queues == QueueSet::All;
    let sessions = access::list_sessions(&state.app, &person.actor, id).await?;
    let tokens = access::list_tokens(&state.app, &person.actor, id).await?;
    let identities = access::list_identities(&state.app, &person.actor, id).await?;
    let issuer = super::provider::issuer(state);
    let subject = identities
        .into_iter()
        .find(|identity| Some(identity.issuer.as_str()) == issuer)
        .map(|identity| identity.subject);
    let shell = &person.shell;
    let sessions = sessions.into_iter().map(|line| SessionRow::of(line, shell)).collect();
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
            queues,
            has_all_queues,
            sessions,
            tokens,
            tokens_base: format!("/settings/users/{id}/tokens"),
            provider: super::provider::name(state),
            subject,
        },
    )
}

/// The roles that were chosen; none if no box was.
fn chosen_roles(fields: &Fields) -> Result<Option<Roles>, ConsoleError> {
    let roles: Result<Vec<Role>, _> = fields.all("role").map(str::parse).collect();
    let roles = roles.map_err(|_| ConsoleError::BadRequest("no such role"))?;
    Ok(Roles::of(&roles))
}

/// The queues that there are, and those that the person was given, though nothing waits in them now.
async fn queue_choices(state: &WebState, person: &Person, user: &User) -> Result<Vec<QueueChoice>, ConsoleError> {
    let mut queues: Vec<Queue> = if person.actor.may(Right::ReadCases) {
        let desk = views::desk(&state.app, &person.actor).await?;
        desk.queues.iter().map(|count| count.queue).collect()
    } else {
        Queue::ALL.to_vec()
    };
    if let QueueSet::Only(given) = &user.queues {
        queues.extend(
            given
                .iter()
                .filter(|queue| !queues.contains(queue))
                .copied()
                .collect::<Vec<_>>(),
        );
    }
    let choice = |queue| QueueChoice {
        queue,
        is_given: user.queues != QueueSet::All && user.queues.has(queue),
    };
    Ok(queues.into_iter().map(choice).collect())
}

/// `POST /settings/users/{id}/queues`
pub async fn change_queues(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let fields = &posted.fields;
    let queues = if fields.get("which") == "all" {
        QueueSet::All
    } else {
        let named: Vec<&str> = fields.all("queue").collect();
        named
            .join(" ")
            .parse()
            .map_err(|_| ConsoleError::BadRequest("no such queue"))?
    };
    let id = parse(&id)?;
    access::change_queues(&state.app, &posted.person.actor, id, queues).await?;
    Ok(go_saying(
        &state,
        &format!("/settings/users/{id}"),
        &Flash::new("flash.bank_saved", ""),
    ))
}

/// `POST /settings/users/{id}/sessions`: ends them all, and the tokens with them.
pub async fn end_sessions(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    access::end_all_sessions(&state.app, &posted.person.actor, id).await?;
    Ok(go_saying(
        &state,
        &format!("/settings/users/{id}"),
        &Flash::new("flash.sessions_ended", ""),
    ))
}

/// `POST /settings/users/{id}/tokens/{token}/revoke`
pub async fn revoke_token(
    State(state): State<WebState>,
    Path((id, token)): Path<(String, String)>,
    posted: Posted,
) -> Answer {
    let id = parse(&id)?;
    let token: KeyId = token.parse().map_err(|_| ConsoleError::NotFound)?;
    access::revoke_token(&state.app, &posted.person.actor, id, token).await?;
    Ok(go_saying(
        &state,
        &format!("/settings/users/{id}"),
        &Flash::new("flash.token_revoked", ""),
    ))
}

/// `POST /settings/users/{id}/identity`: joins the person to who the identity provider says they are.
pub async fn link_identity(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    let linked = access::link_identity(&state.app, &posted.person.actor, id, posted.fields.get("subject")).await;
    match linked {
        Ok(()) => Ok(go_saying(
            &state,
            &format!("/settings/users/{id}"),
            &Flash::new("flash.identity_linked", ""),
        )),
        Err(ProviderSignInError::Access(AccessError::Invalid { .. })) => {
            let wrong = Some(posted.person.shell.t("provider.subject_bad").to_owned());
            user_page(&state, posted.person, id, StatusCode::UNPROCESSABLE_ENTITY, wrong).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /settings/users/{id}/identity/remove`
pub async fn unlink_identity(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    match access::unlink_identity(&state.app, &posted.person.actor, id).await {
        Ok(()) => Ok(go_saying(
            &state,
            &format!("/settings/users/{id}"),
            &Flash::new("flash.identity_unlinked", ""),
        )),
        Err(ProviderSignInError::Access(AccessError::Invalid { .. })) => {
            let wrong = Some(posted.person.shell.t("provider.only_way").to_owned());
            user_page(&state, posted.person, id, StatusCode::UNPROCESSABLE_ENTITY, wrong).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /settings/users/{id}/role`
pub async fn change_role(State(state): State<WebState>, Path(id): Path<String>, posted: Posted) -> Answer {
    let id = parse(&id)?;
    match chosen_roles(&posted.fields)? {
        Some(roles) => change_user(&state, posted.person, id, Some(roles), None).await,
        None => {
            let wrong = Some(posted.person.shell.t("users.need_role").to_owned());
            user_page(&state, posted.person, id, StatusCode::UNPROCESSABLE_ENTITY, wrong).await
        }
    }
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
    roles: Option<Roles>,
    disabled: Option<bool>,
) -> Answer {
    match access::change_user(&state.app, &person.actor, id, roles.clone(), disabled).await {
        Ok(()) => {
            let keeps = |roles: &Roles| roles.give(Right::ManageAccess);
            let users = if person.actor.user() == Some(id) && roles.is_some_and(|roles| !keeps(&roles)) {
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
