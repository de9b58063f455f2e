//! Where people of the platform sign in.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use moderation::access::provider::people::{PeopleRules, SecondFactor};
use moderation::access::provider::{LocalSignIn, ProviderSettings, safe_url};
use moderation::model::{QueueSet, Role};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{ConfigError, Secret};

/// Where people sign in: the company's identity provider (OpenID Connect), such as Keycloak, Entra ID, Okta or Google Workspace. Without an issuer
/// they sign in here, with a password and a code. docs/single-sign-on.md tells more.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Oidc {
    /// The provider's own address, exactly as it writes it in `/.well-known/openid-configuration` below it: `https://…`.
    pub issuer: Option<String>,
    /// By which name the provider knows this Seawall.
    pub client_id: Option<String>,
    /// The secret that goes with it. Better kept in a file of its own: see `client_secret_file`.
    pub client_secret: Option<Secret>,
    /// A file that holds the secret and nothing else. White space around it is left out.
    pub client_secret_file: Option<PathBuf>,
    /// What people call the provider: it stands on the button of the sign-in page.
    pub name: String,
    /// What the provider is asked for, `openid` among it.
    pub scopes: Vec<String>,
    /// How long one question to the provider may take, in milliseconds.
    pub timeout_ms: u64,
    /// The claim that carries a person's groups or roles; with full stops between, a claim inside another (`realm_access.roles`).
    pub groups_claim: String,
    /// Which roles a group gives, such as `{ desk = ["moderator"] }`. They are taken anew at each sign-in; who is in none of these groups does not come
    /// in. Empty: roles are given in the console.
    pub roles: BTreeMap<String, Vec<String>>,
    /// Whose cases a group sees: names of queues. Who is in none of these groups sees the cases of no queue. Empty: queues are given in the console.
    pub queues: BTreeMap<String, Vec<String>>,
    /// Make a person of somebody who comes for the first time and is in one of the groups of `roles`. Otherwise people are invited first, and joined to
    /// who they are at the provider.
    pub make_people: bool,
    /// Let in only who has an e-mail address of one of these domains. Empty: all.
    pub email_domains: Vec<String>,
    /// Who may still sign in with a password and a code: `everyone`, `admins` (the way in while the provider is down), `nobody`. A one-time link,
    /// which `seawall user reset` makes, lets its person in whatever stands here.
    pub local_sign_in: LocalSignInWord,
    /// Never ask for a code of Seawall's own after the provider: you vouch that it always asks for a second factor.
    pub second_factor_always: bool,
    /// Methods (`amr`) that the provider names when it asked for a second factor: with one of these, no code is asked for here.
    pub second_factor_amr: Vec<String>,
    /// Classes of sign-in (`acr`) that stand for a second factor. The provider is asked for them.
    pub second_factor_acr: Vec<String>,
    /// For how many seconds a fresh sign-in at the provider proves that it is the person, where a password and a code would.
    pub proof_s: u64,
}

/// Who may do without the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LocalSignInWord {
    /// Whoever has a password.
    Everyone,
    /// Admins alone.
    Admins,
    /// Nobody.
    Nobody,
}

/// The longest name of a provider, in characters: it stands on a button.
const NAME_LENGTH_MAX: usize = 40;
/// The longest that a fresh sign-in proves anything.
const PROOF_S_MAX: u64 = 3_600;
/// The longest that one question to the provider takes.
const TIMEOUT_MS_MAX: u64 = 30_000;

impl Default for Oidc {
    fn default() -> Self {
        Self {
            issuer: None,
            client_id: None,
            client_secret: None,
            client_secret_file: None,
            name: "your company".to_owned(),
            scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
            timeout_ms: 5_000,
            groups_claim: "groups".to_owned(),
            roles: BTreeMap::new(),
            queues: BTreeMap::new(),
            make_people: false,
            email_domains: Vec::new(),
            local_sign_in: LocalSignInWord::Everyone,
            second_factor_always: false,
            second_factor_amr: vec!["mfa".to_owned()],
            second_factor_acr: Vec::new(),
            proof_s: 300,
        }
    }
}

impl Oidc {
    /// What the flows go by; none without an issuer.
    pub fn settings(&self) -> Result<Option<ProviderSettings>, ConfigError> {
        let (Some(issuer), Some(client_id)) = (&self.issuer, &self.client_id) else {
            return Ok(None);
        };
        Ok(Some(ProviderSettings {
            issuer: issuer.clone(),
            client_id: client_id.clone(),
            client_secret: self.secret()?.map(|secret| secret.reveal().to_owned()),
            name: self.name.clone(),
            scopes: self.scopes.clone(),
            timeout: Duration::from_millis(self.timeout_ms),
            people: self.people()?,
            second_factor: SecondFactor {
                is_always_asked: self.second_factor_always,
                methods: self.second_factor_amr.clone(),
                classes: self.second_factor_acr.clone(),
            },
            local_sign_in: match self.local_sign_in {
                LocalSignInWord::Everyone => LocalSignIn::Everyone,
                LocalSignInWord::Admins => LocalSignIn::Admins,
                LocalSignInWord::Nobody => LocalSignIn::Nobody,
            },
            proof_lasts: Duration::from_secs(self.proof_s),
        }))
    }

    /// The secret, from its file if it is kept there.
    fn secret(&self) -> Result<Option<Secret>, ConfigError> {
        let Some(path) = &self.client_secret_file else {
            return Ok(self.client_secret.clone());
        };
        let read = std::fs::read_to_string(path);
        let text = read.map_err(|source| ConfigError::SecretFile {
            key: "oidc.client_secret_file",
            path: path.clone(),
            source,
        })?;
        match text.trim() {
            "" => senseless("oidc.client_secret_file", "must name a file with a secret in it"),
            secret => Ok(Some(Secret::new(secret))),
        }
    }

    fn people(&self) -> Result<PeopleRules, ConfigError> {
        let mut roles = Vec::with_capacity(self.roles.len());
        for (group, words) in &self.roles {
            let given: Result<Vec<Role>, _> = words.iter().map(|word| word.parse()).collect();
            match given {
                Ok(given) if !given.is_empty() => roles.push((group.clone(), given)),
                Ok(_) => return senseless("oidc.roles", "must give each group at least one role"),
                Err(error) => return senseless("oidc.roles", &error.to_string()),
            }
        }
        let mut queues = Vec::new();
        for (group, words) in &self.queues {
            let given: Result<QueueSet, _> = words.join(" ").parse();
            match given {
                Ok(QueueSet::Only(given)) => queues.extend(given.into_iter().map(|queue| (group.clone(), queue))),
                Ok(QueueSet::All) | Err(_) => {
                    return senseless(
                        "oidc.queues",
                        "must give each group names of queues, such as [\"matches\"]",
                    );
                }
            }
        }
        Ok(PeopleRules {
            groups_claim: self.groups_claim.clone(),
            roles,
            queues,
            make_people: self.make_people,
            email_domains: self.email_domains.clone(),
        })
    }

    /// Says what makes no sense although it is of the right kind.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if let Some(issuer) = &self.issuer {
            let is_address = safe_url(issuer).is_some_and(|url| url.query().is_none());
            if !is_address {
                return senseless("oidc.issuer", "must begin with https:// (http:// only on this machine)");
            }
        }
        if self.issuer.is_some() != self.client_id.is_some() {
            return senseless("oidc.client_id", "must be set where oidc.issuer is, and only there");
        }
        if self.client_secret.is_some() && self.client_secret_file.is_some() {
            return senseless(
                "oidc.client_secret",
                "must not be set beside oidc.client_secret_file: choose one",
            );
        }
        if self.issuer.is_none() && self.local_sign_in != LocalSignInWord::Everyone {
            return senseless(
                "oidc.local_sign_in",
                "must be \"everyone\" without oidc.issuer: there is no other way in",
            );
        }
        let name_length = self.name.trim().chars().count();
        if !(1..=NAME_LENGTH_MAX).contains(&name_length) || self.name.chars().any(char::is_control) {
            return senseless("oidc.name", "must have 1 to 40 characters");
        }
        let is_scope = |scope: &String| !scope.is_empty() && scope.bytes().all(|b| b.is_ascii_graphic());
        if !self.scopes.iter().any(|scope| scope == "openid") || !self.scopes.iter().all(is_scope) {
            return senseless("oidc.scopes", "must have openid among them, and no spaces inside one");
        }
        if !(1..=TIMEOUT_MS_MAX).contains(&self.timeout_ms) {
            return senseless("oidc.timeout_ms", "must be 1 to 30000");
        }
        if !(30..=PROOF_S_MAX).contains(&self.proof_s) {
            return senseless("oidc.proof_s", "must be 30 to 3600");
        }
        if self.make_people && self.roles.is_empty() {
            return senseless(
                "oidc.make_people",
                "must not be set without oidc.roles: whoever is made needs a role",
            );
        }
        if self
            .email_domains
            .iter()
            .any(|domain| domain.is_empty() || domain.contains('@'))
        {
            return senseless("oidc.email_domains", "must name domains, such as example.org");
        }
        self.people().map(drop)
    }
}

fn senseless<T>(key: &'static str, what: &str) -> Result<T, ConfigError> {
    Err(ConfigError::Senseless {
        key,
        what: what.to_owned(),
    })
}
