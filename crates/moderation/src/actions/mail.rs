//! E-mail to the people who are to be woken: short, in plain words, with a link, and with nothing of what anybody posted.
//!
//! It speaks SMTP to one server that the operator names, over TLS unless that is this machine. It must never write to a person whom a decision affects: that is the
//! platform's to do.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

/// How mail is sent, and to whom.
#[derive(Clone)]
pub struct MailSettings {
    /// `smtps://user:password@host:465`, `smtp://host:587?tls=required`, or `smtp://127.0.0.1:25` for a server on this machine.
    pub url: String,
    /// Who it is from: `Seawall <seawall@platform.example.org>`.
    pub from: String,
    /// Who is woken.
    pub to: Vec<String>,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Where the console is, for links.
    pub console: String,
}

impl std::fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailSettings")
            .field("from", &self.from)
            .field("to", &self.to.len())
            .finish_non_exhaustive()
    }
}

/// Mail cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The server's address is not one that can be used.
    #[error(
        "the address of the mail server must be smtps://…, smtp://…?tls=required, or smtp:// with a server on this machine"
    )]
    Server,
    /// An address is none.
    #[error("`{0}` is no address of mail")]
    Address(String),
    /// Nobody to write to, or too many.
    #[error("mail needs one to {} addresses", MailSettings::TO_MAX)]
    Recipients,
}

impl MailSettings {
    /// The most people who are woken by mail.
    pub const TO_MAX: usize = 50;
}

/// Sends mail.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    console: String,
    timeout: Duration,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// One letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The same each time that it is sent: mail programs show a repeat once.
    pub key: String,
    /// One line.
    pub subject: String,
    /// Lines of plain text.
    pub text: String,
    /// A path of the console.
    pub path: String,
}

impl Mailer {
    /// Sets mail up; connects to nothing yet.
    pub fn new(settings: &MailSettings) -> Result<Self, MailError> {
        // Another part of the process may have chosen the same provider before; that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if !is_private_enough(&settings.url) {
            return Err(MailError::Server);
        }
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.url).map_err(|_| MailError::Server)?;
        let mailbox = |address: &String| address.parse().map_err(|_| MailError::Address(address.clone()));
        if settings.to.is_empty() || settings.to.len() > MailSettings::TO_MAX {
            return Err(MailError::Recipients);
        }
        Ok(Self {
            transport: transport.timeout(Some(settings.timeout)).build(),
            from: mailbox(&settings.from)?,
            to: settings.to.iter().map(mailbox).collect::<Result<_, _>>()?,
            console: settings.console.trim_end_matches('/').to_owned(),
            timeout: settings.timeout,
        })
    }

    /// How long one attempt may take.
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether the server takes us: connects, greets, encrypts and signs in as for a letter, and sends none. Else why not, in words that hold no secret.
    pub async fn try_server(&self) -> Result<(), String> {
        match tokio::time::timeout(self.timeout, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err("the mail server took us and then did not answer".to_owned()),
            Ok(Err(error)) => Err(why(&error).to_owned()),
            Err(_) => Err("the mail server did not answer in time".to_owned()),
        }
    }

    /// Sends a letter to each of them by itself, so that one address that is no more keeps it from nobody else; how many it reached. Else why nobody's was taken,
    /// in words that name no address.
    pub async fn send(&self, letter: &Letter) -> Result<usize, String> {
        let mut n_taken = 0;
        let mut refused = None;
        for to in &self.to {
            match self.send_to(letter, to).await {
                Ok(()) => n_taken += 1,
                Err(error) => refused = Some(error),
            }
        }
        match (n_taken, refused) {
            (0, Some(error)) => Err(error),
            (n_taken, refused) => {
                if let Some(error) = refused {
                    let n_refused = self.to.len() - n_taken;
                    tracing::warn!(letter.id = %letter.key, n_refused, error, "a letter did not reach everybody");
                }
                Ok(n_taken)
            }
        }
    }

    async fn send_to(&self, letter: &Letter, to: &Mailbox) -> Result<(), String> {
        let unwritten = |_| "the letter cannot be written".to_owned();
        let message = self.message(letter).map_err(unwritten)?;
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.email.clone()]).map_err(unwritten)?;
        let bytes = message.formatted();
        let sent = self.transport.send_raw(&envelope, &bytes);
        match tokio::time::timeout(self.timeout, sent).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(why(&error).to_owned()),
            Err(_) => Err("the mail server did not answer in time".to_owned()),
        }
    }

    fn message(&self, letter: &Letter) -> Result<Message, lettre::error::Error> {
        // Nobody learns who else is written to.
        let message = Message::builder()
            .from(self.from.clone())
            .to(self.from.clone())
            .subject(one_line(&letter.subject))
            .message_id(Some(format!("<{}@{}>", letter.key, self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN);
        let text = format!("{}\n\n{}{}\n", letter.text.trim_end(), self.console, letter.path);
        let mut message = message.body(text)?;
        // Answers by machines to machines are of no use (RFC 3834).
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        message
            .headers_mut()
            .insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
        Ok(message)
    }
}

/// What went wrong, without what the server said: it may repeat addresses.
fn why(error: &lettre::transport::smtp::Error) -> &'static str {
    match error {
        error if error.is_permanent() => "the mail server refused it for good",
        error if error.is_transient() => "the mail server refused it for now",
        error if error.is_tls() => "the mail server's TLS failed",
        _ => "the mail server could not be reached",
    }
}

/// Nothing that came from outside begins another line of the head.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether nobody on the way can read it: TLS is demanded, or the server is on this machine.
fn is_private_enough(url: &str) -> bool {
    let Ok(address) = url.parse::<reqwest::Url>() else {
        return false;
    };
    let is_here = match address.host_str() {
        Some("localhost") => true,
        Some(host) => host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback()),
        None => false,
    };
    // Of several the first counts.
    let tls = address.query_pairs().find(|(name, _)| name == "tls");
    let demands_tls = tls.is_some_and(|(_, value)| value == "required");
    match address.scheme() {
        "smtps" => true,
        "smtp" => demands_tls || is_here,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str, to: &[&str]) -> MailSettings {
        MailSettings {
            url: url.to_owned(),
            from: "Seawall <seawall@platform.example.org>".to_owned(),
            to: to.iter().map(|to| (*to).to_owned()).collect(),
            timeout: Duration::from_secs(5),
            console: "https://seawall.example.org/".to_owned(),
        }
    }

    #[test]
    fn mail_goes_over_tls_or_stays_on_this_machine() {
        for (url, is_fine) in [
            ("smtps://u:p@mail.example.org", true),
            ("smtp://mail.example.org:587?tls=required", true),
            ("smtp://mail.example.org:587", false),
            ("smtp://mail.example.org:587?tls=opportunistic", false),
            ("smtp://mail.example.org:587?tls=opportunistic&tls=required", false),
            ("smtp://127.0.0.1:25", true),
            ("smtp://[::1]:25", true),
            ("smtp://localhost:25", true),
            ("smtp://127.0.0.1.example.org:25", false),
            ("http://mail.example.org", false),
            ("mail.example.org", false),
        ] {
            assert_eq!(is_private_enough(url), is_fine, "{url}");
            assert_eq!(
                Mailer::new(&settings(url, &["a@example.org"])).is_ok(),
                is_fine,
                "{url}"
            );
        }
        let many: Vec<String> = (0..=MailSettings::TO_MAX)
            .map(|n| format!("a{n}@example.org"))
            .collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for to in [&[][..], &many[..], &["nobody"]] {
            assert!(
                Mailer::new(&settings("smtps://mail.example.org", to)).is_err(),
                "{to:?}"
            );
        }
    }

    #[test]
    fn a_letter_names_nobody_whom_it_goes_to_and_no_line_is_smuggled_into_its_head() {
        let mailer = Mailer::new(&settings(
            "smtps://mail.example.org",
            &["a@example.org", "b@example.org"],
        ))
        .unwrap();
        let letter = Letter {
            key: "due_1".to_owned(),
            subject: "Overdue\r\nBcc: x@example.org".to_owned(),
            text: "A case waits.\n.\nQUIT".to_owned(),
            path: "/cases/case_1".to_owned(),
        };
        let message = mailer.message(&letter).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("a@example.org") && !head.contains("\r\nBcc"), "{head}");
        assert!(head.contains("Message-ID: <due_1@platform.example.org>"), "{head}");
        assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
        assert!(body.contains("https://seawall.example.org/cases/case_1"), "{body}");
    }
}
