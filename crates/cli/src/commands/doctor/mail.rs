//! Of `seawall doctor`: does the mail server of `[mail]` take us? It is connected to, greeted, and signed in to as for a letter; none is sent.

use moderation::actions::mail::Mailer;

use super::{Finding, ok, warning, wrong};
use crate::config::{Loaded, settings};

/// Nothing where no mail is set up.
pub(super) async fn check(loaded: &Loaded) -> Option<Finding> {
    let settings = match loaded.config.mail.settings(settings::public_url(&loaded.config)) {
        Ok(settings) => settings?,
        Err(error) => {
            let detail = format!("{:#}", anyhow::Error::new(error));
            return Some(wrong(
                "mail",
                detail,
                "correct [mail]; docs/seawall.sample.toml names every key",
            ));
        }
    };
    let mailer = match Mailer::new(&settings) {
        Ok(mailer) => mailer,
        Err(error) => return Some(wrong("mail", error.to_string(), "correct [mail]")),
    };
    Some(match mailer.try_server().await {
        Ok(()) => {
            let detail = format!("the mail server takes us; {} are written to", settings.to.len());
            ok("mail", detail + ", and no letter was sent now")
        }
        // It may be away for a while; letters are tried again.
        Err(why) if why.ends_with("for now") => {
            warning("mail", why, "try again; if it stays, ask who runs the mail server")
        }
        Err(why) => wrong(
            "mail",
            why,
            "see that mail.smtp names the server, its port and its TLS rightly, with a name and password that it takes: until then nobody is woken by mail",
        ),
    })
}
