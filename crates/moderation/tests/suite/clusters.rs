//! What one case stands for.

use std::time::Duration;

use moderation::flows::cases::decide_case;
use moderation::flows::submit::{NewMedia, submit_item};
use moderation::model::{Actor, Judgement, Queue, QueueSet, Role, UserId};
use moderation::views::{self, Why};

use super::pictures::Picture;
use super::world::{World, bytes, given, hash_near, hash_of, item};

async fn post(world: &World, id: &str, account: &str, media: NewMedia) -> Option<moderation::model::CaseId> {
    let mut new = item(id, vec![media]);
    new.account = Some(account.to_owned());
    let done = submit_item(&world.app, &Actor::Operator, new, None).await.unwrap();
    done.verdict.case
}

pub async fn a_case_stands_for_what_shows_the_same(world: World) {
    let bank = world.bank("known", false).await;
    world.entry(bank, hash_of(1)).await;
    let case = post(&world, "own", "heron", given(hash_of(1))).await.unwrap();
    post(&world, "same-entry", "magpie", given(hash_near(1, 9)))
        .await
        .unwrap();
    // Nearly the same as this item, too far from the entry to match it.
    post(&world, "unlike", "magpie", given(hash_of(5))).await;
    // A lead, and so not the same known content: but the account's own run of posts.
    post(&world, "run", "heron", given(hash_near(1, 35))).await;
    post(&world, "harmless", "heron", given(hash_of(6))).await;
    let done = post(&world, "done", "swift", given(hash_near(1, 2))).await.unwrap();
    decide_case(&world.app, &world.colleague, done, Judgement::allow(1, "fine"))
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(25 * 3_600));
    post(&world, "later", "heron", given(hash_near(1, 36))).await;

    let found = views::cluster(&world.app, &world.moderator, case)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.own.item.id.as_str(), "own");
    let members: Vec<(&str, &[Why])> = found
        .members
        .iter()
        .map(|member| (member.brief.item.id.as_str(), &member.why[..]))
        .collect();
    assert_eq!(
        members,
        [
            (
                "same-entry",
                &[Why::SameEntry { distance: 9 }, Why::Alike { distance: 9 }][..]
            ),
            ("run", &[Why::SameAccount][..]),
        ],
        "not what was decided, what a day lies between, or what nothing was found about"
    );
    assert!(!found.is_cut && !found.members[0].is_identical());
    let own = found.own.item.clone();
    assert_eq!(
        views::n_in_cluster(&world.app, &world.moderator, &own).await.unwrap(),
        2
    );

    // Of other queues nobody learns anything.
    let elsewhere = Actor::Person {
        user: UserId::fresh(
            moderation::model::Timestamp::from_unix_ms(7),
            &moderation::model::Chance::seeded(3),
        ),
        roles: Role::Moderator.into(),
        queues: QueueSet::Only([Queue::Unscanned].into()),
        token: None,
    };
    assert!(views::cluster(&world.app, &elsewhere, case).await.unwrap().is_none());
}

pub async fn the_same_file_is_told_from_one_that_only_looks_like_it(world: World) {
    let picture = Picture::scene(7);
    let (whole, smaller) = (picture.bmp(), picture.resized(288, 216).bmp());
    let reported = |id: &str, content: &[u8]| {
        let mut new = item(id, vec![bytes("a.bmp", content)]);
        new.account = Some(format!("account of {id}"));
        new.report = Some("look".to_owned());
        new
    };
    for (id, content) in [("first", &whole), ("second", &whole), ("third", &smaller)] {
        submit_item(&world.app, &Actor::Operator, reported(id, content), None)
            .await
            .unwrap();
    }
    let first = views::item(&world.app, &world.admin, &"first".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let case = first.cases[0].id;
    let found = views::cluster(&world.app, &world.moderator, case)
        .await
        .unwrap()
        .unwrap();
    let members: Vec<(&str, bool)> = found
        .members
        .iter()
        .map(|member| (member.brief.item.id.as_str(), member.is_identical()))
        .collect();
    assert_eq!(members, [("second", true), ("third", false)]);
    assert!(matches!(found.members[1].why[..], [Why::Alike { .. }]));
}
