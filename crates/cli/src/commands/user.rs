//! `seawall user`: the people who sign in.

use std::path::Path;

use anyhow::{Context, anyhow};
use moderation::Seawall;
use moderation::flows::access::{self, Invite};
use moderation::model::{Actor, User};
use moderation::views;
use serde::Serialize;

use super::app;
use crate::args;
use crate::config::{Loaded, settings};
use crate::exit::Exit;
use crate::output;

/// Does what was asked for about people.
pub async fn run(command: args::User, config_file: Option<&Path>) -> anyhow::Result<Exit> {
    let (app, loaded) = app::open_for_upkeep(config_file).await?;
    let outcome = act(&app, &loaded, command).await;
    app::close(app).await;
    outcome.map(|()| Exit::Success)
}

async fn act(app: &Seawall, loaded: &Loaded, command: args::User) -> anyhow::Result<()> {
    let operator = &Actor::Operator;
    match command {
        args::User::Add(args) => {
            let invited = access::invite_user(app, operator, &args.name, args.role).await;
            print_invite(loaded, &invited.context("cannot add the user")?, args.json)
        }
        args::User::Reset(args) => {
            let user = find(app, &args.name).await?;
            let invited = access::reinvite_user(app, operator, user.id).await;
            print_invite(loaded, &invited.context("cannot reset the user")?, args.json)
        }
        args::User::Disable(args) => {
            let user = find(app, &args.name).await?;
            access::change_user(app, operator, user.id, None, Some(true))
                .await
                .context("cannot disable the user")?;
            print_changed(app, &args).await
        }
        args::User::Enable(args) => {
            let user = find(app, &args.name).await?;
            access::change_user(app, operator, user.id, None, Some(false))
                .await
                .context("cannot enable the user")?;
            print_changed(app, &args).await
        }
        args::User::List(args) => list(app, args.json).await,
    }
}

/// An invitation as `--json` prints it.
#[derive(Debug, Serialize)]
struct InviteLine {
    id: String,
    name: String,
    link: String,
    expires_at: String,
}

fn print_invite(loaded: &Loaded, invite: &Invite, json: bool) -> anyhow::Result<()> {
    let link = format!(
        "{}{}",
        settings::public_url(&loaded.config),
        app::invite_path(&invite.token)
    );
    if json {
        let (id, name) = (invite.user.to_string(), invite.name.clone());
        return output::json(&InviteLine {
            id,
            name,
            link,
            expires_at: invite.expires_at.to_string(),
        });
    }
    output::line(&link)?;
    output::talk(&format!(
        "Give this link to {} on a safe way: whoever opens it first chooses the password. It ends at {}.",
        output::printable(&invite.name),
        invite.expires_at
    ));
    Ok(())
}

async fn print_changed(app: &Seawall, args: &args::UserNamed) -> anyhow::Result<()> {
    let user = find(app, &args.name).await?;
    if args.json {
        return output::json(&UserLine::of(&user));
    }
    output::talk(&format!(
        "{} is now {}",
        output::printable(&user.name),
        user.state.as_str()
    ));
    Ok(())
}

async fn find(app: &Seawall, name: &str) -> anyhow::Result<User> {
    let users = views::list_users(app, &Actor::Operator)
        .await
        .context("cannot list the users")?;
    users
        .into_iter()
        .find(|user| user.name == name)
        .ok_or_else(|| anyhow!("there is no user `{}`", output::printable(name)))
}

/// A person as `--json` prints them.
#[derive(Debug, Serialize)]
struct UserLine {
    id: String,
    name: String,
    role: String,
    state: &'static str,
    created_at: String,
    signed_in_at: Option<String>,
}

impl UserLine {
    fn of(user: &User) -> Self {
        Self {
            id: user.id.to_string(),
            name: user.name.clone(),
            role: user.roles.to_string(),
            state: user.state.as_str(),
            created_at: user.created_at.to_string(),
            signed_in_at: user.signed_in_at.map(|at| at.to_string()),
        }
    }
}

async fn list(app: &Seawall, json: bool) -> anyhow::Result<()> {
    let users = views::list_users(app, &Actor::Operator)
        .await
        .context("cannot list the users")?;
    if json {
        return users.iter().try_for_each(|user| output::json(&UserLine::of(user)));
    }
    let cells: Vec<Vec<String>> = users
        .into_iter()
        .map(|user| {
            let signed_in = user
                .signed_in_at
                .map_or_else(|| "never".to_owned(), |at| at.to_string());
            vec![
                user.name,
                user.roles.to_string(),
                user.state.as_str().to_owned(),
                signed_in,
            ]
        })
        .collect();
    output::table(&["NAME", "ROLE", "STATE", "LAST SIGN-IN"], &cells)
}
