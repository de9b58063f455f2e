//! Coming in and going out: sign-in, sign-out, and the one-time link. Start with [`sign_in`]. The way through the identity
//! provider is in `provider.rs`.

use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use moderation::access::secrets::PASSWORD_LENGTH_MIN;
use moderation::flows::access::{self, AccessError, Attempt, DEVICE_LIFETIME, InviteView, SESSION_LIFETIME, SignedIn};
use qrcode::{Color, EcLevel, QrCode};
use serde::Deserialize;

use super::cookies::Cookie;
use super::form::{Fields, FormState, OpenForm, Posted};
use super::page::{Answer, go_to, show, show_with};
use super::problem::ConsoleError;
use super::shell::Shell;
use super::visit::{Visitor, local_path};
use crate::layers::rate_unit;
use crate::{RequestInfo, WebState};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    shell: Shell,
    form: FormState,
    next: String,
    /// What the identity provider is called, if there is one.
    provider: Option<String>,
    /// Whether anybody may come in with a password.
    has_form: bool,
}

/// After signing out, where the identity provider may still know the person.
#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutPage {
    shell: Shell,
    provider: String,
    url: String,
}

#[derive(Template)]
#[template(path = "invite.html")]
struct InvitePage {
    shell: Shell,
    form: FormState,
    action: String,
    name: String,
    secret: String,
    uri: String,
    qr: QrPicture,
    password_length_min: usize,
}

#[derive(Template)]
#[template(path = "invite_gone.html")]
struct InviteGonePage {
    shell: Shell,
}

/// Where to go after signing in.
#[derive(Debug, Deserialize)]
pub struct Next {
    /// A path of this server.
    #[serde(default)]
    pub next: String,
}

/// `GET /sign-in`
pub async fn show_sign_in(State(state): State<WebState>, Visitor(shell): Visitor, Query(query): Query<Next>) -> Answer {
    let next = local_path(&query.next).to_owned();
    if shell.session.is_some() {
        return Ok(go_to(&next));
    }
    sign_in_page(&state, shell, StatusCode::OK, FormState::default(), next)
}

/// The page that lets people in, by whatever way there is.
pub fn sign_in_page(state: &WebState, shell: Shell, status: StatusCode, form: FormState, next: String) -> Answer {
    let page = SignInPage {
        provider: super::provider::name(state),
        has_form: access::may_sign_in_locally(&state.app),
        shell,
        form,
        next,
    };
    show_with(status, &page)
}

/// `POST /sign-in`
pub async fn sign_in(
    State(state): State<WebState>,
    Extension(info): Extension<RequestInfo>,
    headers: HeaderMap,
    OpenForm { shell, fields }: OpenForm,
) -> Answer {
    let next = local_path(fields.get("next")).to_owned();
    let name = fields.get("name");
    let attempt = Attempt {
        name,
        password: fields.get("password"),
        totp_code: &digits(fields.get("code")),
        address: &rate_unit(info.client).to_string(),
        device_token: Cookie::Device.read(&headers, state.settings.secure_cookies()),
    };
    let error = match access::sign_in(&state.app, &attempt).await {
        Ok(signed_in) => return enter(&state, &headers, &signed_in, &next).await,
        Err(AccessError::TooManyAttempts { until }) => shell.with("sign_in.locked", "when", shell.moment_in(until)),
        Err(AccessError::Refused) => shell.t("sign_in.refused").to_owned(),
        Err(error) => return Err(error.into()),
    };
    let form = FormState::filled(Fields::of(&[("name", name)])).wrong("", error);
    sign_in_page(&state, shell, StatusCode::UNPROCESSABLE_ENTITY, form, next)
}

/// `POST /sign-out`
pub async fn sign_out(State(state): State<WebState>, headers: HeaderMap, posted: Posted) -> Answer {
    let secure = state.settings.secure_cookies();
    let mut elsewhere = None;
    if let Some(token) = Cookie::Session.read(&headers, secure) {
        let back = format!("{}/sign-in", state.settings.public_url);
        elsewhere = access::sign_out_everywhere(&state.app, token, &back).await?;
    }
    let mut shell = posted.person.shell;
    shell.session = None;
    // Not a redirect: browsers let no form lead to another site.
    let mut response = match (elsewhere, super::provider::name(&state)) {
        (Some(url), Some(provider)) => show(&SignedOutPage { shell, provider, url })?,
        (_, _) => go_to("/sign-in"),
    };
    response
        .headers_mut()
        .append(header::SET_COOKIE, Cookie::Session.clear(secure));
    Ok(response)
}

/// `GET /invite/{token}`
pub async fn show_invite(State(state): State<WebState>, Visitor(shell): Visitor, Path(token): Path<String>) -> Answer {
    match access::open_invite(&state.app, &token).await {
        Ok(invite) => show(&invite_page(shell, &token, invite, FormState::default())?),
        Err(AccessError::InviteGone) => show_with(StatusCode::GONE, &InviteGonePage { shell }),
        Err(error) => Err(error.into()),
    }
}

/// `POST /invite/{token}`
pub async fn accept_invite(
    State(state): State<WebState>,
    Path(token): Path<String>,
    headers: HeaderMap,
    OpenForm { shell, fields }: OpenForm,
) -> Answer {
    let invite = match access::open_invite(&state.app, &token).await {
        Ok(invite) => invite,
        Err(AccessError::InviteGone) => return show_with(StatusCode::GONE, &InviteGonePage { shell }),
        Err(error) => return Err(error.into()),
    };
    let password = fields.get("password");
    let form = FormState::default();
    let form = if password != fields.get("again") {
        form.wrong("again", shell.t("invite.mismatch"))
    } else {
        match access::accept_invite(&state.app, &token, password, &digits(fields.get("code"))).await {
            Ok(signed_in) => return enter(&state, &headers, &signed_in, "/desk").await,
            Err(AccessError::InviteGone) => return show_with(StatusCode::GONE, &InviteGonePage { shell }),
            Err(AccessError::Invalid { field: "password", .. }) => {
                form.wrong("password", shell.with("invite.password_hint", "n", PASSWORD_LENGTH_MIN))
            }
            Err(AccessError::Invalid { .. } | AccessError::Refused) => form.wrong("code", shell.t("invite.bad_code")),
            Err(error) => return Err(error.into()),
        }
    };
    show_with(
        StatusCode::UNPROCESSABLE_ENTITY,
        &invite_page(shell, &token, invite, form)?,
    )
}

/// Someone has just proved who they are: a fresh session takes the place of whatever the browser held before.
pub async fn enter(state: &WebState, headers: &HeaderMap, signed_in: &SignedIn, next: &str) -> Answer {
    let secure = state.settings.secure_cookies();
    if let Some(old) = Cookie::Session.read(headers, secure) {
        access::sign_out(&state.app, old).await?;
    }
    let mut response: Response = go_to(next).into_response();
    let cookie = Cookie::Session.write(&signed_in.session_token, lifetime(signed_in, state), secure);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    let device = Cookie::Device.write(&signed_in.device_token, DEVICE_LIFETIME, secure);
    response.headers_mut().append(header::SET_COOKIE, device);
    Ok(response)
}

fn lifetime(signed_in: &SignedIn, state: &WebState) -> Duration {
    signed_in
        .session
        .expires_at
        .since(state.app.clock.now())
        .min(SESSION_LIFETIME)
}

fn invite_page(shell: Shell, token: &str, invite: InviteView, form: FormState) -> Result<InvitePage, ConsoleError> {
    Ok(InvitePage {
        shell,
        form,
        action: format!("/invite/{token}"),
        name: invite.user_name,
        secret: invite.totp_secret_base32,
        qr: QrPicture::of(&invite.totp_uri)?,
        uri: invite.totp_uri,
        password_length_min: PASSWORD_LENGTH_MIN,
    })
}

/// The digits that were typed, without the spaces and hyphens that are shown between them.
pub fn digits(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect()
}

/// A QR code as the path of an SVG: dark modules as rows of rectangles on a square of `side` units.
pub struct QrPicture {
    /// How many units a side has.
    pub side: usize,
    /// The path.
    pub path: String,
}

impl QrPicture {
    /// The quiet zone that scanners need, in modules.
    const MARGIN: usize = 4;

    /// The code of a text.
    pub fn of(text: &str) -> Result<Self, ConsoleError> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M)
            .map_err(|error| ConsoleError::Internal(Box::new(error)))?;
        let width = code.width();
        let modules = code.to_colors();
        let mut path = String::new();
        for (row_idx, row) in modules.chunks(width).enumerate() {
            let mut column = 0;
            while column < width {
                let run = row[column..]
                    .iter()
                    .take_while(|module| **module == Color::Dark)
                    .count();
                if run > 0 {
                    path.push_str(&format!(
                        "M{} {}h{run}v1h-{run}z",
                        column + Self::MARGIN,
                        row_idx + Self::MARGIN
                    ));
                }
                column += run.max(1);
            }
        }
        Ok(Self {
            side: width + 2 * Self::MARGIN,
            path,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The picture holds exactly the dark modules: as many units of area as the code has.
    #[test]
    fn the_picture_is_the_code() {
        let text = "otpauth://totp/Seawall:admin?secret=JBSWY3DPEHPK3PXP&issuer=Seawall";
        let picture = QrPicture::of(text).unwrap();
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        let n_dark = code
            .to_colors()
            .into_iter()
            .filter(|module| *module == Color::Dark)
            .count();
        let drawn: usize = picture
            .path
            .split('h')
            .skip(1)
            .filter_map(|run| run.split('v').next()?.parse::<usize>().ok())
            .sum();
        assert_eq!(drawn, n_dark);
        assert_eq!(picture.side, code.width() + 8);
        assert!(
            picture.path.starts_with("M4 4h7v1h-7z"),
            "a finder pattern stands in the corner"
        );
    }

    #[test]
    fn a_code_may_be_typed_with_its_gap() {
        assert_eq!(digits(" 123 456 "), "123456");
    }
}
