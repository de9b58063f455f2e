//! What a provider's claims mean here: roles, queues, a name, whether a second factor was asked. Pure. Start with
//! [`PeopleRules`].

use std::collections::BTreeSet;

use policy::Queue;
use serde_json::{Map, Value};

use crate::model::{QueueSet, Role, Roles};

/// The most groups of one person that are looked at.
const GROUPS_MAX: usize = 2_000;
/// The longest name that is taken over, in characters.
const NAME_LENGTH_MAX: usize = 60;

/// Who comes in, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleRules {
    /// The claim that carries a person's groups; with full stops between, a claim inside another.
    pub groups_claim: String,
    /// What a group gives. With none, roles are given here, and the provider's groups do not count.
    pub roles: Vec<(String, Vec<Role>)>,
    /// Whose cases a group sees. With none, queues are given here.
    pub queues: Vec<(String, Queue)>,
    /// Whether somebody who is not known yet is made a person here.
    pub make_people: bool,
    /// The domains of e-mail addresses that may come in; with none, all.
    pub email_domains: Vec<String>,
}

/// When a code of our own is not asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// The operator vouches that the provider always asks for a second factor.
    pub is_always_asked: bool,
    /// One of these among the methods (`amr`) will do.
    pub methods: Vec<String>,
    /// One of these as the class of the sign-in (`acr`) will do; they are asked for.
    pub classes: Vec<String>,
}

impl PeopleRules {
    /// The roles of somebody with these claims: none where the provider's groups do not count, `Some(None)` where they give
    /// nothing.
    pub fn roles_of(&self, claims: &Map<String, Value>) -> Option<Option<Roles>> {
        if self.roles.is_empty() {
            return None;
        }
        let groups = groups(claims, &self.groups_claim);
        let given = self.roles.iter().filter(|(group, _)| groups.contains(group.as_str()));
        let given: Vec<Role> = given.flat_map(|(_, roles)| roles.iter().copied()).collect();
        Some(Roles::of(&given))
    }

    /// The queues of somebody with these claims: none where they are given here, and a set without a queue for who is in no
    /// group that gives one.
    pub fn queues_of(&self, claims: &Map<String, Value>) -> Option<QueueSet> {
        if self.queues.is_empty() {
            return None;
        }
        let groups = groups(claims, &self.groups_claim);
        let given = self.queues.iter().filter(|(group, _)| groups.contains(group.as_str()));
        let given: BTreeSet<Queue> = given.map(|(_, queue)| *queue).take(QueueSet::QUEUES_MAX).collect();
        Some(QueueSet::Only(given))
    }

    /// Whether the e-mail address is one of a domain that may come in, and the provider does not say that it is unchecked.
    pub fn admits(&self, claims: &Map<String, Value>) -> bool {
        if self.email_domains.is_empty() {
            return true;
        }
        let domain = text(claims, "email")
            .and_then(|email| email.rsplit_once('@'))
            .map(|(_, domain)| domain);
        let is_unchecked = claims
            .get("email_verified")
            .is_some_and(|verified| !(verified.as_bool() == Some(true) || verified.as_str() == Some("true")));
        !is_unchecked
            && domain.is_some_and(|domain| {
                self.email_domains
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(domain))
            })
    }

    /// The claims that have to be known, and that an ID token may lack.
    pub fn lacks(&self, claims: &Map<String, Value>) -> bool {
        let groups_count = !self.roles.is_empty() || !self.queues.is_empty();
        let no_groups = groups_count && find(claims, &self.groups_claim).is_none();
        let no_email = !self.email_domains.is_empty() && !claims.contains_key("email");
        let no_name = self.make_people && name_claim(claims).is_none();
        no_groups || no_email || no_name
    }
}

impl SecondFactor {
    /// Whether the provider asked for a second factor.
    pub fn was_asked(&self, claims: &Map<String, Value>) -> bool {
        let methods: Vec<&str> = match claims.get("amr") {
            Some(Value::Array(methods)) => methods.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(method)) => vec![method],
            _ => Vec::new(),
        };
        let class = text(claims, "acr");
        self.is_always_asked
            || self.methods.iter().any(|method| methods.contains(&method.as_str()))
            || class.is_some_and(|class| self.classes.iter().any(|known| known == class))
    }
}

/// What a new person is called: as the provider calls them for others, without what no name has.
pub fn name_of(claims: &Map<String, Value>, subject: &str) -> String {
    let name: String = name_claim(claims)
        .unwrap_or(subject)
        .chars()
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .take(NAME_LENGTH_MAX)
        .collect();
    match name.trim() {
        "" => "person".to_owned(),
        name => name.to_owned(),
    }
}

fn name_claim(claims: &Map<String, Value>) -> Option<&str> {
    let known = ["preferred_username", "email", "name"];
    known
        .iter()
        .filter_map(|name| text(claims, name))
        .find(|name| !name.trim().is_empty())
}

/// Marks that change how a name is written out, so that it may pass for another.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{00ad}')
}

fn groups<'a>(claims: &'a Map<String, Value>, claim: &str) -> BTreeSet<&'a str> {
    match find(claims, claim) {
        Some(Value::Array(groups)) => groups.iter().take(GROUPS_MAX).filter_map(Value::as_str).collect(),
        Some(Value::String(group)) => BTreeSet::from([group.as_str()]),
        _ => BTreeSet::new(),
    }
}

/// A claim by its name, or by the names of those that it lies in. A claim may have full stops in its own name.
fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(found) = claims.get(name) {
        return Some(found);
    }
    let (first, rest) = name.split_once('.')?;
    find(claims.get(first)?.as_object()?, rest)
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules() -> PeopleRules {
        PeopleRules {
            groups_claim: "groups".to_owned(),
            roles: vec![
                ("desk".to_owned(), vec![Role::Moderator]),
                ("leads".to_owned(), vec![Role::Lead, Role::WellnessLead]),
            ],
            queues: vec![("desk".to_owned(), Queue::Matches), ("leads".to_owned(), Queue::Leads)],
            make_people: false,
            email_domains: Vec::new(),
        }
    }

    fn claims(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn groups_give_roles_and_queues() {
        let rules = rules();
        let roles = |value: Value| rules.roles_of(&claims(value)).unwrap().map(|roles| roles.to_string());
        assert_eq!(
            roles(json!({ "groups": ["desk", "chess"] })).as_deref(),
            Some("moderator")
        );
        assert_eq!(
            roles(json!({ "groups": ["leads", "desk"] })).as_deref(),
            Some("moderator lead wellness_lead")
        );
        assert_eq!(roles(json!({ "groups": "desk" })).as_deref(), Some("moderator"));
        for nothing in [
            json!({}),
            json!({ "groups": [] }),
            json!({ "groups": ["Desk"] }),
            json!({ "groups": { "desk": true } }),
        ] {
            assert_eq!(roles(nothing), None);
        }
        let queues = rules.queues_of(&claims(json!({ "groups": ["desk"] })));
        assert_eq!(queues, Some("matches".parse().unwrap()));
        let nothing = Some(QueueSet::Only(BTreeSet::new()));
        assert_eq!(rules.queues_of(&claims(json!({ "groups": ["chess"] }))), nothing);
        let without = PeopleRules {
            roles: Vec::new(),
            queues: Vec::new(),
            ..rules
        };
        assert_eq!(without.roles_of(&claims(json!({ "groups": ["desk"] }))), None);
        assert_eq!(without.queues_of(&claims(json!({ "groups": ["desk"] }))), None);
    }

    #[test]
    fn groups_may_lie_in_another_claim() {
        let nested = |claim: &str| PeopleRules {
            groups_claim: claim.to_owned(),
            ..rules()
        };
        let keycloak = claims(json!({ "realm_access": { "roles": ["desk"] } }));
        assert!(nested("realm_access.roles").roles_of(&keycloak).unwrap().is_some());
        let dotted = claims(json!({ "https://x.example/groups": ["desk"] }));
        assert!(nested("https://x.example/groups").roles_of(&dotted).unwrap().is_some());
        assert!(nested("realm_access.roles.desk").roles_of(&keycloak).unwrap().is_none());
    }

    #[test]
    fn only_some_domains_may_come_in() {
        let rules = PeopleRules {
            email_domains: vec!["Example.org".to_owned()],
            ..rules()
        };
        let admits = |value: Value| rules.admits(&claims(value));
        assert!(admits(json!({ "email": "a@example.org" })));
        assert!(admits(json!({ "email": "a@EXAMPLE.org", "email_verified": true })));
        for not in [
            json!({}),
            json!({ "email": "a@evil.example" }),
            json!({ "email": "a@example.org@evil.example" }),
            json!({ "email": "a@sub.example.org" }),
            json!({ "email": "example.org" }),
            json!({ "email": "a@example.org", "email_verified": false }),
            json!({ "email": "a@example.org", "email_verified": "false" }),
        ] {
            assert!(!admits(not.clone()), "{not}");
        }
    }

    #[test]
    fn a_second_factor_is_what_the_operator_takes_for_one() {
        let factor = SecondFactor {
            is_always_asked: false,
            methods: vec!["mfa".to_owned()],
            classes: vec!["urn:two".to_owned()],
        };
        let asked = |value: Value| factor.was_asked(&claims(value));
        assert!(asked(json!({ "amr": ["pwd", "mfa"] })));
        assert!(asked(json!({ "acr": "urn:two" })));
        for not in [
            json!({}),
            json!({ "amr": ["pwd"] }),
            json!({ "acr": "0" }),
            json!({ "amr": "mfax" }),
        ] {
            assert!(!asked(not.clone()), "{not}");
        }
        let vouched = SecondFactor {
            is_always_asked: true,
            ..factor
        };
        assert!(vouched.was_asked(&claims(json!({}))));
    }

    #[test]
    fn a_new_person_has_a_name_that_people_can_read() {
        let name = |value: Value| name_of(&claims(value), "sub-1");
        assert_eq!(name(json!({ "preferred_username": "amal", "email": "a@b" })), "amal");
        assert_eq!(name(json!({ "preferred_username": " ", "email": "a@b" })), "a@b");
        assert_eq!(name(json!({ "name": "a\u{202e}dm\nin" })), "admin");
        assert_eq!(name(json!({})), "sub-1");
        assert_eq!(name(json!({ "name": "\u{200b}" })), "person");
        assert_eq!(name(json!({ "name": "x".repeat(500) })).len(), NAME_LENGTH_MAX);
    }
}
