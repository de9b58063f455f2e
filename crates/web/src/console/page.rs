//! How handlers answer: a page, or the way to one with a sentence about what was done. Start with [`show`].

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use moderation::model::PageRequest;

use super::cookies::Cookie;
use super::flash::{self, Flash};
use super::problem::ConsoleError;
use super::shell::Shell;
use crate::WebState;

/// What handlers return.
pub type Answer = Result<Response, ConsoleError>;

/// A page.
pub fn show(page: &impl Template) -> Answer {
    show_with(StatusCode::OK, page)
}

/// A page with another status, such as a form that was not taken.
pub fn show_with(status: StatusCode, page: &impl Template) -> Answer {
    Ok((status, Html(page.render()?)).into_response())
}

/// The way to another page.
pub fn go_to(address: &str) -> Response {
    Redirect::to(address).into_response()
}

/// The way to another page, which says what was done.
pub fn go_saying(state: &WebState, address: &str, flash: &Flash) -> Response {
    let mut response = go_to(address);
    let cookie = Cookie::Flash.write(&flash.to_cookie(), flash::LIFETIME, state.settings.secure_cookies());
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// `text` as it stands in the query of an address.
pub fn in_query(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The page that `cursor` asks for.
pub fn page_request(cursor: Option<String>, limit: u32) -> PageRequest {
    PageRequest {
        cursor: cursor.filter(|cursor| !cursor.is_empty()),
        limit,
    }
}

/// A JPEG for one page of one person.
pub fn jpeg(bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("inline")),
    ];
    (headers, bytes).into_response()
}

/// What a page of someone signed in says when it cannot do what was asked.
#[derive(Template)]
#[template(path = "problem.html")]
pub struct ProblemPage {
    /// What every page knows.
    pub shell: Shell,
    /// The status.
    pub status: u16,
    /// What is wrong.
    pub title: String,
    /// What to do.
    pub more: String,
    /// The request, for the administrator.
    pub request_id: Option<String>,
}

/// The same for someone who is not signed in.
#[derive(Template)]
#[template(path = "problem_plain.html")]
pub struct ProblemPlainPage {
    /// What every page knows.
    pub shell: Shell,
    /// What is wrong.
    pub title: String,
    /// What to do.
    pub more: String,
    /// The request, for the administrator.
    pub request_id: Option<String>,
}
