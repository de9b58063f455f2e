//! Roles: each is a set of rights, and a person holds one or several. Start with [`Role::rights`].
//!
//! Nothing asks for a role; everything asks for a [`Right`]. The table in `docs/operator.md` is written from here.

use std::fmt;
use std::str::FromStr;

use super::Right;

/// What a person is at this platform: a set of rights with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees cases and decides them.
    Moderator,
    /// A moderator who also keeps the banks.
    Senior,
    /// Answers for the desk: the banks, the rules, the log.
    Lead,
    /// Answers authorities: sees everything, changes nothing.
    Legal,
    /// Checks the work of others: reads everything, sees no picture without its blur.
    Auditor,
    /// Wires the platform in: submits, proposes rules, sends orders again; sees no cases.
    Engineer,
    /// Looks after the people at the desk: sees none of what they look at.
    WellnessLead,
    /// May do everything; keeps users and keys.
    Admin,
}

use Right::{
    ApproveProposals, ApproveRules, DecideCases, PlanShifts, ProposeRules, ReadBanks, ReadCases, ReadEvents, ReadItems,
    ReadQuality, ReadRules, ReadWorkload, RetryActions, RevealMedia, SettleReviews, StopRules, SubmitItems,
    TakeOverCases, WriteBanks,
};

impl Role {
    /// All roles, in the order in which they are offered.
    pub const ALL: [Role; 8] = [
        Role::Moderator,
        Role::Senior,
        Role::Lead,
        Role::Legal,
        Role::Auditor,
        Role::Engineer,
        Role::WellnessLead,
        Role::Admin,
    ];

    /// The word for it in tables, JSON and commands.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Moderator => "moderator",
            Role::Senior => "senior",
            Role::Lead => "lead",
            Role::Legal => "legal",
            Role::Auditor => "auditor",
            Role::Engineer => "engineer",
            Role::WellnessLead => "wellness_lead",
            Role::Admin => "admin",
        }
    }

    /// What it may do.
    pub const fn rights(self) -> &'static [Right] {
        match self {
            Role::Moderator => &[ReadItems, ReadCases, RevealMedia, DecideCases, ReadBanks, ReadRules],
            Role::Senior => &[
                ReadItems,
                ReadCases,
                RevealMedia,
                DecideCases,
                TakeOverCases,
                ApproveProposals,
                ReadBanks,
                ReadRules,
                WriteBanks,
                RetryActions,
            ],
            Role::Lead => &[
                ReadItems,
                ReadCases,
                RevealMedia,
                DecideCases,
                TakeOverCases,
                ApproveProposals,
                PlanShifts,
                ReadBanks,
                ReadRules,
                WriteBanks,
                RetryActions,
                SubmitItems,
                ReadEvents,
                ProposeRules,
                ApproveRules,
                StopRules,
                ReadWorkload,
                ReadQuality,
                SettleReviews,
            ],
            Role::Legal => &[ReadItems, ReadCases, RevealMedia, ReadBanks, ReadRules, ReadEvents],
            Role::Auditor => &[ReadItems, ReadCases, ReadBanks, ReadRules, ReadEvents, ReadQuality],
            Role::Engineer => &[
                ReadItems,
                SubmitItems,
                ReadBanks,
                ReadRules,
                ReadEvents,
                RetryActions,
                ProposeRules,
                StopRules,
            ],
            Role::WellnessLead => &[ReadWorkload],
            Role::Admin => &Right::ALL,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a role; the roles are moderator, senior, lead, legal, auditor, engineer, wellness_lead and admin, several with spaces or commas between them"
)]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

/// The roles of one person: at least one, in the order of [`Role::ALL`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles(Vec<Role>);

impl Roles {
    /// These roles; none if there are none.
    pub fn of(roles: &[Role]) -> Option<Self> {
        let held: Vec<Role> = Role::ALL.into_iter().filter(|role| roles.contains(role)).collect();
        (!held.is_empty()).then_some(Self(held))
    }

    /// Whether one of them gives the right.
    pub fn give(&self, right: Right) -> bool {
        self.0.iter().any(|role| role.rights().contains(&right))
    }

    /// Whether this is one of them.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Each of them.
    pub fn each(&self) -> &[Role] {
        &self.0
    }
}

impl From<Role> for Roles {
    fn from(role: Role) -> Self {
        Self(vec![role])
    }
}

/// The words with spaces between them, as tables keep them.
impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.0.iter().map(|role| role.as_str()).collect();
        f.write_str(&words.join(" "))
    }
}

impl FromStr for Roles {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        let roles: Vec<Role> = words.map(str::parse).collect::<Result<_, _>>()?;
        Roles::of(&roles).ok_or(UnknownRole)
    }
}

/// The table of roles and rights that stands in `docs/operator.md`.
pub fn table() -> String {
    let mut text = String::from("| may |");
    for role in Role::ALL {
        text.push_str(&format!(" {} |", role.as_str().replace('_', " ")));
    }
    text.push_str(&format!("\n|---|{}\n", "---|".repeat(Role::ALL.len())));
    for right in Right::ALL {
        text.push_str(&format!("| {right} |"));
        for role in Role::ALL {
            text.push_str(if role.rights().contains(&right) { " ✓ |" } else { " |" });
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Right::ManageAccess;
    use super::*;
    use crate::model::{Actor, Chance, Timestamp, UserId};

    /// Role by role what it may do; a right that a role gains or loses must be changed here too.
    #[test]
    fn each_role_may_what_the_table_says() {
        // moderator senior lead legal auditor engineer wellness_lead admin
        let expected = [
            (SubmitItems, "..l..e.a"),
            (ReadItems, "mslgue.a"),
            (ReadCases, "mslgu..a"),
            (RevealMedia, "mslg...a"),
            (DecideCases, "msl....a"),
            (TakeOverCases, ".sl....a"),
            (ApproveProposals, ".sl....a"),
            (PlanShifts, "..l....a"),
            (ReadBanks, "mslgue.a"),
            (WriteBanks, ".sl....a"),
            (RetryActions, ".sl..e.a"),
            (ReadEvents, "..lgue.a"),
            (ReadRules, "mslgue.a"),
            (ProposeRules, "..l..e.a"),
            (ApproveRules, "..l....a"),
            (StopRules, "..l..e.a"),
            (ReadWorkload, "..l...wa"),
            (ReadQuality, "..l.u..a"),
            (SettleReviews, "..l....a"),
            (ManageAccess, ".......a"),
        ];
        assert_eq!(expected.len(), Right::ALL.len());
        let user = UserId::fresh(Timestamp::from_unix_ms(1), &Chance::seeded(1));
        for (right, line) in expected {
            for (role, letter) in Role::ALL.into_iter().zip(line.chars()) {
                let actor = Actor::person(user, role.into());
                assert_eq!(actor.may(right), letter != '.', "{role} {right}");
                assert_eq!(actor.require(right).is_ok(), letter != '.', "{role} {right}");
            }
        }
    }

    #[test]
    fn several_roles_add_up() {
        let both: Roles = "wellness_lead,moderator".parse().unwrap();
        assert_eq!(both.to_string(), "moderator wellness_lead");
        assert!(both.give(DecideCases) && both.give(ReadWorkload) && !both.give(WriteBanks));
        assert_eq!(both.to_string().parse(), Ok(both));
        assert_eq!("".parse::<Roles>(), Err(UnknownRole));
        assert_eq!("moderator king".parse::<Roles>(), Err(UnknownRole));
        assert_eq!(Roles::of(&[]), None);
    }

    #[test]
    fn the_operators_guide_has_this_table() {
        let guide = include_str!("../../../../docs/operator.md");
        assert!(guide.contains(&table()), "docs/operator.md should have:\n{}", table());
    }
}
