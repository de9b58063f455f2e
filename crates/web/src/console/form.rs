//! Forms: what was sent, whether it may be believed, and what was wrong with it when the page is shown again.
//!
//! [`Posted`] and [`Upload`] are the only ways in which a handler gets at a form of someone signed in, and both check the
//! session's token first, so that no handler can forget to. Start there.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use moderation::flows::files::FileContent;

use super::problem::ConsoleError;
use super::shell::Shell;
use super::visit::{Person, SignInFirst, Visitor};
use crate::WebState;
use crate::body::Share;
use crate::problem::ApiError;
use crate::upload::Form;

/// Most fields of one form: two for each item of the fullest basket, and the judgement on them.
const FIELDS_MAX: usize = 2 * moderation::model::Proposal::ITEMS_MAX + 100;

/// Most bytes of all fields of a form with a file, without the file.
const UPLOAD_FIELDS_BYTES_MAX: usize = 64 << 10;

/// The fields of a form, in the order in which they were sent.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Fields with these names and values.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        Self(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    fn parse(bytes: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(bytes).take(FIELDS_MAX);
        // Browsers send line ends as CR LF; what is kept has LF.
        Self(
            pairs
                .map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n")))
                .collect(),
        )
    }

    /// The value of the first field with this name; nothing if there is none.
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    /// The values of all fields with this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A form as the page shows it: what is filled in, and what is wrong.
#[derive(Debug, Clone, Default)]
pub struct FormState {
    values: Fields,
    errors: Vec<(String, String)>,
}

impl FormState {
    /// A form with these fields filled in.
    pub fn filled(values: Fields) -> Self {
        Self {
            values,
            errors: Vec::new(),
        }
    }

    /// The same form with something wrong; an error that is about no field has no name.
    #[must_use]
    pub fn wrong(mut self, field: &str, text: impl Into<String>) -> Self {
        self.errors.push((field.to_owned(), text.into()));
        self
    }

    /// All that is filled in.
    pub const fn fields(&self) -> &Fields {
        &self.values
    }

    /// What stands in a field.
    pub fn value(&self, name: &str) -> &str {
        self.values.get(name)
    }

    /// Whether exactly this stands in a field.
    pub fn is(&self, name: &str, value: &str) -> bool {
        self.value(name) == value
    }

    /// Whether this stands in the second field of a span of time, its unit.
    pub fn unit_is(&self, name: &str, unit: &str) -> bool {
        self.is(&format!("{name}_unit"), unit)
    }

    /// Whether a field of several has this value among them.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.values.all(name).any(|found| found == value)
    }

    /// What is wrong with a field.
    pub fn error(&self, name: &str) -> Option<&str> {
        self.errors
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, text)| text.as_str())
    }

    /// All that is wrong.
    pub fn errors(&self) -> &[(String, String)] {
        &self.errors
    }

    /// Whether anything is.
    pub fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }
}

/// A form that someone signed in sent from a page of their session.
#[derive(Debug)]
pub struct Posted {
    /// Who.
    pub person: Person,
    /// What.
    pub fields: Fields,
}

/// Why a form is not taken.
#[derive(Debug)]
pub enum FormRejection {
    /// Nobody is signed in.
    SignIn(SignInFirst),
    /// Something else.
    Error(ConsoleError),
}

impl IntoResponse for FormRejection {
    fn into_response(self) -> Response {
        match self {
            FormRejection::SignIn(first) => first.into_response(),
            FormRejection::Error(error) => error.into_response(),
        }
    }
}

impl From<ConsoleError> for FormRejection {
    fn from(error: ConsoleError) -> Self {
        FormRejection::Error(error)
    }
}

impl<S: Send + Sync> FromRequest<S> for Posted {
    type Rejection = FormRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, FormRejection> {
        let (mut parts, body) = request.into_parts();
        let person = person_of(&mut parts, state).await?;
        let fields = read_fields(Request::from_parts(parts, body), state).await?;
        check_token(&person.shell, fields.get("csrf"))?;
        Ok(Self { person, fields })
    }
}

/// A form that anyone may send: it changes nothing but the sender's own cookies, or proves itself by a secret.
#[derive(Debug)]
pub struct OpenForm {
    /// Who sent it, perhaps signed in.
    pub shell: Shell,
    /// What.
    pub fields: Fields,
}

impl OpenForm {
    /// Refuses what was not sent from a page of the session, if there is one.
    pub fn require_token_of_session(&self) -> Result<(), ConsoleError> {
        if self.shell.session.is_some() {
            check_token(&self.shell, self.fields.get("csrf"))
        } else {
            Ok(())
        }
    }
}

impl<S: Send + Sync> FromRequest<S> for OpenForm {
    type Rejection = ConsoleError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ConsoleError> {
        let (mut parts, body) = request.into_parts();
        let Visitor(shell) = Visitor::from_request_parts(&mut parts, state).await?;
        let fields = read_fields(Request::from_parts(parts, body), state).await?;
        Ok(Self { shell, fields })
    }
}

/// A form with a file that someone signed in sent from a page of their session.
#[derive(Debug)]
pub struct Upload {
    /// Who.
    pub person: Person,
    /// What.
    pub fields: Fields,
    /// The file, and the name that it had on the person's machine; none if they chose none.
    pub file: Option<(String, FileContent)>,
    /// What the file takes of memory or disk.
    pub held: Share,
}

impl FromRequest<WebState> for Upload {
    type Rejection = FormRejection;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, FormRejection> {
        let (mut parts, body) = request.into_parts();
        let person = person_of(&mut parts, state).await?;
        let mut form = Form::of(state, Request::from_parts(parts, body))
            .await
            .map_err(unread)?;
        let (mut fields, mut file, mut held) = (Fields::default(), None, Share::default());
        let mut n_bytes_left = UPLOAD_FIELDS_BYTES_MAX;
        while let Some(part) = form.next().await.map_err(unread)? {
            let name = part.name();
            if fields.0.len() >= FIELDS_MAX {
                return Err(ConsoleError::BadRequest("the form cannot be read").into());
            }
            if let Some(file_name) = part.file_name() {
                // The token stands before the file in our pages: nothing large is read for a stranger.
                check_token(&person.shell, fields.get("csrf"))?;
                let (content, share) = part.file().await.map_err(unread)?;
                if content.size_bytes() > 0 || !file_name.is_empty() {
                    (file, held) = (Some((file_name, content)), share);
                }
                continue;
            }
            let (value, _) = part.bytes(n_bytes_left).await.map_err(unread)?;
            n_bytes_left -= value.len();
            fields
                .0
                .push((name, String::from_utf8_lossy(&value).replace("\r\n", "\n")));
        }
        check_token(&person.shell, fields.get("csrf"))?;
        Ok(Self {
            person,
            fields,
            file,
            held,
        })
    }
}

/// Why a form with a file is not taken, for people.
fn unread(error: ApiError) -> ConsoleError {
    match error {
        ApiError::TooLarge { .. } => ConsoleError::TooLarge,
        ApiError::Busy { .. } => ConsoleError::Busy,
        _ => ConsoleError::BadRequest("the form cannot be read"),
    }
}

fn too_large_or(status: axum::http::StatusCode) -> ConsoleError {
    if status == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        ConsoleError::TooLarge
    } else {
        ConsoleError::BadRequest("the form cannot be read")
    }
}

async fn person_of<S: Send + Sync>(parts: &mut axum::http::request::Parts, state: &S) -> Result<Person, FormRejection> {
    Person::from_request_parts(parts, state)
        .await
        .map_err(FormRejection::SignIn)
}

async fn read_fields<S: Send + Sync>(request: Request, state: &S) -> Result<Fields, ConsoleError> {
    let bytes = Bytes::from_request(request, state)
        .await
        .map_err(|error| too_large_or(error.status()))?;
    Ok(Fields::parse(&bytes))
}

/// The token is compared without telling by the time it takes how much of it was right.
fn check_token(shell: &Shell, sent: &str) -> Result<(), ConsoleError> {
    let known = shell.csrf().as_bytes();
    let sent = sent.as_bytes();
    let differs = known
        .iter()
        .zip(sent)
        .fold(known.len() ^ sent.len(), |sum, (a, b)| sum | usize::from(a ^ b));
    if known.is_empty() || differs != 0 {
        Err(ConsoleError::Forged)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_order_and_line_ends_made_plain() {
        let fields = Fields::parse(b"scope=a&scope=b+c&reason=one%0D%0Atwo&csrf=");
        assert_eq!(fields.all("scope").collect::<Vec<_>>(), ["a", "b c"]);
        assert_eq!(fields.get("reason"), "one\ntwo");
        assert_eq!(fields.get("none"), "");
    }

    #[test]
    fn a_form_has_a_limit() {
        let many = "a=1&".repeat(FIELDS_MAX + 50);
        assert_eq!(Fields::parse(many.as_bytes()).0.len(), FIELDS_MAX);
    }
}
