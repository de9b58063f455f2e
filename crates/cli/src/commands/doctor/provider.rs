//! Does the identity provider answer, and what has to be registered there?

use moderation::access::provider::{LocalSignIn, Provider};
use moderation::model::{Clock, Role, SystemClock};

use super::{Finding, ok, warning, wrong};
use crate::config::sections::names_loopback;
use crate::config::{Loaded, settings};

const CHECK: &str = "identity provider";

/// Nothing without a provider.
pub(super) async fn check(loaded: &Loaded) -> Vec<Finding> {
    let provider_settings = match loaded.config.oidc.settings() {
        Ok(Some(provider_settings)) => provider_settings,
        Ok(None) => return Vec::new(),
        Err(error) => {
            let detail = format!("{:#}", anyhow::Error::new(error));
            return vec![wrong(CHECK, detail, "let the user that runs Seawall read the file")];
        }
    };
    let (issuer, public_url) = (provider_settings.issuer.clone(), settings::public_url(&loaded.config));
    let mut findings = vec![ok(
        "identity provider registration",
        format!(
            "register there the redirect URI {}, after signing out {public_url}/sign-in, and for back-channel logout {}",
            web::callback_url(&public_url),
            web::logout_url(&public_url)
        ),
    )];
    if provider_settings.local_sign_in == LocalSignIn::Nobody {
        findings.push(ok(
            "identity provider outage",
            "nobody signs in with a password; `seawall user reset NAME` makes a link that lets its person in",
        ));
    }
    let roles = &provider_settings.people.roles;
    if !roles.is_empty() && !roles.iter().any(|(_, roles)| roles.contains(&Role::Admin)) {
        findings.push(warning(
            "identity provider admins",
            "no group of oidc.roles gives `admin`: an administrator who signs in there stops being one, and the last is refused",
            "add a group that gives `admin`, or let administrators keep to password and code and do not join them",
        ));
    }
    if !public_url.starts_with("https://") && !names_loopback(&public_url) {
        findings.push(warning(
            "identity provider tls",
            format!("browsers come back to {public_url}, unencrypted"),
            "set http.public_url to https://…: most providers take no other",
        ));
    }
    let provider = match Provider::new(provider_settings) {
        Ok(provider) => provider,
        Err(error) => {
            let detail = format!("{:#}", anyhow::Error::new(error));
            findings.push(wrong(CHECK, detail, "correct oidc.issuer"));
            return findings;
        }
    };
    let now = SystemClock.now();
    let advice = "open the address below in a browser on this machine: it should show JSON whose `issuer` is exactly oidc.issuer";
    match provider.discovery(now).await {
        Ok(discovery) => {
            findings.push(ok(CHECK, format!("{issuer} answers")));
            if !discovery.takes_pkce {
                findings.push(warning(
                    "identity provider codes",
                    "the provider does not say that it takes PKCE with S256",
                    "turn PKCE on for the client, if the provider has it",
                ));
            }
            if !discovery.tells_of_logout {
                findings.push(ok(
                    "identity provider logout",
                    "the provider does not say that it tells of people who sign out: their sessions here end by themselves",
                ));
            }
        }
        Err(error) => {
            let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
            findings.push(wrong(CHECK, format!("{address}: {error}"), advice));
            return findings;
        }
    }
    findings.push(match provider.keys(now).await {
        Ok(keys) if !keys.is_empty() => ok("identity provider keys", format!("{} keys are there", keys.len())),
        Ok(_) => wrong(
            "identity provider keys",
            "the provider publishes no key that can be used",
            "let it sign with RS256, PS256, ES256 or EdDSA",
        ),
        Err(error) => wrong("identity provider keys", error.to_string(), advice),
    });
    findings
}
