//! How the console looks for one person, kept in their browser. Start with [`save_preferences`].

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::header;

use super::cookies::Cookie;
use super::form::OpenForm;
use super::page::{Answer, go_to, show};
use super::shell::Shell;
use super::visit::{Person, local_path};
use crate::WebState;

/// How long a browser keeps the choice.
const LIFETIME: Duration = Duration::from_secs(400 * 24 * 3600);

#[derive(Template)]
#[template(path = "preferences.html")]
struct PreferencesPage {
    shell: Shell,
}

/// `GET /preferences`
pub async fn show_preferences(Person { shell, .. }: Person) -> Answer {
    show(&PreferencesPage { shell })
}

/// `POST /preferences`: each field that is sent changes one choice. Open to those who are not signed in, because they too
/// read a language.
pub async fn save_preferences(State(state): State<WebState>, form: OpenForm) -> Answer {
    form.require_token_of_session()?;
    let OpenForm { shell, fields } = form;
    let mut prefs = shell.prefs;
    for name in ["lang", "theme", "keys", "pictures", "zone"] {
        prefs.set(name, fields.get(name));
    }
    let back = match fields.get("back") {
        // The page of someone who is not signed in has no desk to fall back to.
        back if back.starts_with("/sign-in") || back.starts_with("/invite/") => back,
        back => local_path(back),
    };
    let mut response = go_to(if back.bytes().all(|b| b.is_ascii_graphic()) {
        back
    } else {
        "/desk"
    });
    let cookie = Cookie::Prefs.write(&prefs.to_cookie(), LIFETIME, state.settings.secure_cookies());
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}
