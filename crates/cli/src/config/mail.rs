//! The section of the configuration file about e-mail to the people who are to be woken. The comment of each field is its manual.

use std::path::PathBuf;
use std::time::Duration;

use moderation::actions::mail::{MailSettings, Mailer};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, Secret};

/// E-mail to people of the platform who are to be woken: a case is due or overdue, nobody will be on shift for urgent work, the platform did not do what it
/// confirmed. It names the queue, the time and a link; nothing of what anybody posted, and nobody.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Mail {
    /// The mail server: `smtps://user:password@mail.example.org`, `smtp://user:password@mail.example.org:587?tls=required`, or `smtp://127.0.0.1:25`. Without
    /// TLS only a server of this machine is spoken to. With none, no mail is sent.
    pub smtp: Option<Secret>,
    /// A file whose first line is that address: better, if it has a password.
    pub smtp_file: Option<PathBuf>,
    /// Who it is from: `Seawall <seawall@platform.example.org>`.
    pub from: Option<String>,
    /// Who is woken; up to 50 addresses.
    pub to: Vec<String>,
}

/// How long one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(20);

impl Mail {
    /// Says what makes no sense although it is of the right kind. Does not touch files.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let senseless = |key, what: &str| {
            Err(ConfigError::Senseless {
                key,
                what: what.to_owned(),
            })
        };
        if self.smtp.is_some() && self.smtp_file.is_some() {
            return senseless("mail.smtp", "must not be set beside mail.smtp_file: choose one");
        }
        let is_on = self.smtp.is_some() || self.smtp_file.is_some();
        if is_on && self.from.is_none() {
            return senseless("mail.from", "must be set: mail is from somebody");
        }
        if !is_on && !self.to.is_empty() {
            return senseless("mail.smtp_file", "must be set: nobody takes the mail");
        }
        Ok(())
    }

    /// What it means to the parts of Seawall, with links to this console; none, if no mail is sent.
    pub fn settings(&self, console: String) -> Result<Option<MailSettings>, ConfigError> {
        let url = match (&self.smtp, &self.smtp_file) {
            (Some(url), _) => url.reveal().to_owned(),
            (None, Some(path)) => {
                let read = std::fs::read_to_string(path).map_err(|error| ConfigError::Senseless {
                    key: "mail.smtp_file",
                    what: format!("cannot be read: {error}"),
                })?;
                read.lines().next().unwrap_or_default().trim().to_owned()
            }
            (None, None) => return Ok(None),
        };
        let settings = MailSettings {
            url,
            from: self.from.clone().unwrap_or_default(),
            to: self.to.clone(),
            timeout: TIMEOUT,
            console,
        };
        Mailer::new(&settings).map_err(|error| ConfigError::Senseless {
            key: "mail",
            what: error.to_string(),
        })?;
        Ok(Some(settings))
    }
}
