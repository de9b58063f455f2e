//! `seawall key`: what programs of the platform come in with.

use std::path::Path;

use anyhow::Context;
use moderation::Seawall;
use moderation::flows::access;
use moderation::model::{Actor, Key, KeyId, Scope};
use moderation::views::{self, KeyRow};
use serde::Serialize;

use super::app;
use crate::args;
use crate::exit::{BadUsage, Exit};
use crate::output;

/// Does what was asked for about keys.
pub async fn run(command: args::Key, config_file: Option<&Path>) -> anyhow::Result<Exit> {
    let (app, _) = app::open_for_upkeep(config_file).await?;
    let outcome = act(&app, command).await;
    app::close(app).await;
    outcome.map(|()| Exit::Success)
}

/// A key as `--json` prints it.
#[derive(Debug, Serialize)]
struct KeyLine {
    id: String,
    name: String,
    scopes: Vec<&'static str>,
    /// The person who made it, if one did.
    made_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    created_at: String,
    used_at: Option<String>,
    revoked_at: Option<String>,
}

impl KeyLine {
    fn of(key: &Key, secret: Option<String>) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            scopes: key.scopes.iter().map(|scope| scope.as_str()).collect(),
            made_by: key.made_by.map(|user| user.to_string()),
            secret,
            created_at: key.created_at.to_string(),
            used_at: key.used_at.map(|at| at.to_string()),
            revoked_at: key.revoked_at.map(|at| at.to_string()),
        }
    }
}

async fn act(app: &Seawall, command: args::Key) -> anyhow::Result<()> {
    match command {
        args::Key::Create(args) => {
            let made = access::create_key(app, &Actor::Operator, &args.name, args.scopes)
                .await
                .context("cannot make the key")?;
            if args.json {
                return output::json(&KeyLine::of(&made.key, Some(made.secret)));
            }
            output::line(&made.secret)?;
            output::talk(&format!(
                "This is the secret of {}. Keep it now: it is not shown again. Send it as `Authorization: Bearer …`.",
                made.key.id
            ));
            Ok(())
        }
        args::Key::List(args) => {
            let keys = views::list_keys(app, &Actor::Operator)
                .await
                .context("cannot list the keys")?;
            if args.json {
                return keys
                    .iter()
                    .try_for_each(|row| output::json(&KeyLine::of(&row.key, None)));
            }
            let cells: Vec<Vec<String>> = keys.iter().map(cells).collect();
            output::table(&["ID", "NAME", "STATE", "MADE BY", "LAST USED", "SCOPES"], &cells)
        }
        args::Key::Revoke(args) => {
            let id: KeyId = args
                .id
                .parse()
                .map_err(|error| BadUsage(format!("`{}`: {error}", output::printable(&args.id))))?;
            access::revoke_key(app, &Actor::Operator, id)
                .await
                .context("cannot revoke the key")?;
            if args.json {
                let keys = views::list_keys(app, &Actor::Operator)
                    .await
                    .context("cannot list the keys")?;
                return keys
                    .iter()
                    .filter(|row| row.key.id == id)
                    .try_for_each(|row| output::json(&KeyLine::of(&row.key, None)));
            }
            output::talk(&format!("{id} opens nothing any more"));
            Ok(())
        }
    }
}

fn cells(row: &KeyRow) -> Vec<String> {
    let key = &row.key;
    let used = key.used_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let state = if key.revoked_at.is_some() { "revoked" } else { "active" };
    let scopes: Vec<&str> = key.scopes.iter().copied().map(Scope::as_str).collect();
    vec![
        key.id.to_string(),
        key.name.clone(),
        state.to_owned(),
        row.made_by_name.clone().unwrap_or_else(|| "nobody".to_owned()),
        used,
        scopes.join(","),
    ]
}
