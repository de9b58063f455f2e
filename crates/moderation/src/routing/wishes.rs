//! What people do not want to be given: policies that a case may be about. Each person says so for themselves, and nobody else is shown it.

use policy::PolicyCode;
use sqlx::query;

use crate::model::{Place, UserId};
use crate::store::columns::Columns;
use crate::store::{AnyConnection, StoreError, Tx};

/// What one person does not want to be given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wishes {
    /// Policies, in the order in which they are listed to people.
    pub not: Vec<PolicyCode>,
}

impl Wishes {
    /// Those of these words, each once.
    pub fn without(policies: &[PolicyCode]) -> Self {
        let is_named = |policy: &PolicyCode| policies.contains(policy);
        Self {
            not: PolicyCode::ALL.iter().copied().filter(is_named).collect(),
        }
    }

    /// Whether they let a case that stands there be given to the person. Of what nothing is known, nothing speaks against it.
    pub fn suit(&self, place: &Place) -> bool {
        !place.facts.policies.iter().any(|policy| self.not.contains(policy))
    }
}

/// What a person does not want to be given.
pub async fn of(conn: &mut AnyConnection, user: UserId) -> Result<Wishes, StoreError> {
    let rows = query("SELECT policy FROM routing_wish WHERE user_id = $1")
        .bind(user.to_string())
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read what a person does not want"))?;
    let policies: Result<Vec<PolicyCode>, StoreError> = rows.iter().map(|row| row.parse("policy")).collect();
    Ok(Wishes::without(&policies?))
}

/// What everybody does not want to be given who said something.
pub async fn all(conn: &mut AnyConnection) -> Result<Vec<(UserId, PolicyCode)>, StoreError> {
    let rows = query("SELECT user_id, policy FROM routing_wish ORDER BY user_id, policy")
        .fetch_all(conn)
        .await
        .map_err(StoreError::at("read what people do not want"))?;
    rows.iter()
        .map(|row| Ok((row.parse("user_id")?, row.parse("policy")?)))
        .collect()
}

/// Says what a person does not want to be given, in place of what they said before.
pub async fn put(tx: &mut Tx, user: UserId, wishes: &Wishes) -> Result<(), StoreError> {
    let at = StoreError::at("keep what a person does not want");
    query("DELETE FROM routing_wish WHERE user_id = $1")
        .bind(user.to_string())
        .execute(tx.conn())
        .await
        .map_err(&at)?;
    for policy in &wishes.not {
        query("INSERT INTO routing_wish (user_id, policy) VALUES ($1, $2)")
            .bind(user.to_string())
            .bind(policy.as_str())
            .execute(tx.conn())
            .await
            .map_err(&at)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PlaceFacts, Timestamp};

    #[test]
    fn what_may_be_about_something_unwanted_is_not_given() {
        let mut place = Place::by_age(Timestamp::from_unix_ms(0));
        let wishes = Wishes::without(&[PolicyCode::GraphicViolence, PolicyCode::GraphicViolence]);
        assert_eq!(wishes.not, [PolicyCode::GraphicViolence]);
        assert!(wishes.suit(&place), "nothing is known of it");
        place.facts = PlaceFacts {
            policies: vec![PolicyCode::HateSpeech, PolicyCode::GraphicViolence],
            ..PlaceFacts::default()
        };
        assert!(!wishes.suit(&place));
        assert!(Wishes::without(&[PolicyCode::TerroristContent]).suit(&place));
    }
}
