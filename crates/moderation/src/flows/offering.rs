//! What a person may be given to do: the one place for whatever keeps work from somebody. Their skills, their wishes, and that they rest from pictures.
//!
//! It keeps nothing from who opens a case by themselves.

use crate::model::{Actor, Case, Place, UserId, WorkKind};
use crate::quality::reviews::Review;
use crate::routing::{Skills, Wishes, people, wishes};
use crate::store::{AnyConnection, StoreError};
use crate::views::exposure_of;
use crate::{Seawall, cases, items, proposals};

/// How many cases are looked at when many people ask for the next one at the same time.
pub(super) const TRIES_MAX: i64 = 20;

/// A person, as far as it matters what they may be given.
pub(super) struct Suited {
    skills: Skills,
    wishes: Wishes,
    /// They uncovered so much that pictures stay covered for them: see [`crate::model::care`].
    is_resting: bool,
}

impl Suited {
    /// The person now.
    pub async fn of(app: &Seawall, actor: &Actor, user: UserId) -> Result<Self, StoreError> {
        let mut conn = app.store.reader().await?;
        Ok(Self {
            skills: people::of(&mut conn, user).await?,
            wishes: wishes::of(&mut conn, user).await?,
            is_resting: exposure_of(app, &mut conn, actor).await?.rests_until.is_some(),
        })
    }

    /// Free cases of these queues that the person may be given, in the order in which they are handed out, and whether there are no more. Pages of [`TRIES_MAX`].
    pub async fn free_cases(&self, app: &Seawall, queues: &str, page: i64) -> Result<(Vec<Case>, bool), StoreError> {
        let seeker = cases::Seeker {
            queues: queues.to_owned(),
            languages: self.skills.languages.to_string(),
            work: match self.is_resting {
                true => self.unseen_work(),
                false => self.skills.work.to_string(),
            },
            skills: self.skills.skills.to_string(),
            not: self.wishes.not.clone(),
        };
        let now = app.clock.now().unix_ms();
        let mut conn = app.store.reader().await?;
        let place = (TRIES_MAX, page * TRIES_MAX);
        let mut free = cases::list_free(&mut conn, &seeker, now, proposals::none_waits, place).await?;
        let is_last = i64::try_from(free.len()).is_ok_and(|n| n < TRIES_MAX);
        free.retain(|case| self.may_have(&case.place));
        Ok((free, is_last))
    }

    /// Whether they may be asked what they would have decided: of an item that they might have been given. Where no case says what is to be seen, only who
    /// takes all work is shown files.
    pub async fn may_be_asked(&self, conn: &mut AnyConnection, review: &Review) -> Result<bool, StoreError> {
        if let Some(case) = cases::list_of_item(conn, &review.item).await?.last() {
            return Ok(self.may_have(&case.place));
        }
        let language = review.language.as_deref();
        let reads = language.is_none_or(|language| self.skills.languages.has(language));
        let shows = !items::list_media(conn, &review.item, review.revision).await?.is_empty();
        let takes_all = !self.is_resting && WorkKind::ALL.iter().all(|kind| self.skills.work.has(kind.as_str()));
        Ok(reads && (takes_all || (!shows && self.skills.work.has(WorkKind::Text.as_str()))))
    }

    fn may_have(&self, place: &Place) -> bool {
        let is_unseen = matches!(place.facts.work, None | Some(WorkKind::Text | WorkKind::File));
        self.skills.suit(place) && self.wishes.suit(place) && (is_unseen || !self.is_resting)
    }

    /// Of the kinds of work that the person takes those in which nothing is to be seen.
    fn unseen_work(&self) -> String {
        let unseen = [WorkKind::Text, WorkKind::File].map(WorkKind::as_str);
        let kept = unseen.into_iter().filter(|kind| self.skills.work.has(kind));
        format!(" {} ", kept.collect::<Vec<_>>().join(" "))
    }
}
