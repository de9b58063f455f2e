//! What people do not want to be given is not given to them, is nobody else's business, and is not forgotten when somebody has to be there.

use std::time::Duration;

use moderation::flows::cases::{take_case, take_next_case};
use moderation::flows::shifts::{NewShift, add_shift, tell_of_gaps};
use moderation::flows::wishes::{WishError, set_wishes};
use moderation::model::{
    Actor, CaseId, Chance, Clock, KeyId, PageRequest, PolicyCode, QueueSet, Role, Scope, Timestamp, Token, Zone,
};
use moderation::routing::QueueSettings;
use moderation::{banks, views};

use super::routing::with_queues;
use super::rules::{live, post, rule, submit};
use super::world::{World, entry_of, hash_of};

/// A case that a rule under a policy opens.
async fn case_of(world: &World, id: &str) -> CaseId {
    submit(&world.app, post(id, "ann", "order")).await.case.unwrap()
}

async fn with_rule(world: &World) {
    // Its policy is `other_terms`.
    let order = rule("order", "item.text.contains(\"order\")", "case orders", "");
    let plain = rule("plain", "item.text.contains(\"plain\")", "case orders", "");
    live(world, &format!("{order}{}", plain.replace("policy: other_terms", ""))).await;
}

pub async fn what_a_person_does_not_want_is_not_given_to_them(world: World) {
    with_rule(&world).await;
    let case = case_of(&world, "a").await;
    let app = &world.app;
    set_wishes(app, &world.moderator, &[PolicyCode::OtherTerms, PolicyCode::HateSpeech])
        .await
        .unwrap();
    let next = async |who: &Actor| take_next_case(app, who, None).await.unwrap();
    assert_eq!(next(&world.moderator).await, None);
    // Behind more than a page of what they do not want waits what they take.
    for at in 0..30 {
        case_of(&world, &format!("unwanted-{at}")).await;
    }
    let wanted = submit(app, post("wanted", "ann", "plain")).await.case.unwrap();
    assert_eq!(
        next(&world.moderator).await,
        Some(wanted),
        "nothing says what it is about"
    );
    // On purpose they may.
    take_case(app, &world.moderator, case).await.unwrap();
    assert!(next(&world.colleague).await.is_some());
    set_wishes(app, &world.moderator, &[]).await.unwrap();
    assert!(next(&world.moderator).await.is_some());
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_label_of_known_content_says_what_a_case_may_be_about(world: World) {
    let app = &world.app;
    let bank = world.bank("unsure", false).await;
    let mut entry = entry_of(vec![hash_of(2)]);
    entry.labels = vec!["graphic_violence".to_owned(), "film".to_owned()];
    moderation::flows::banks::add_entry(app, &world.admin, bank, entry, None, None)
        .await
        .unwrap();
    let case = world.submit("a", hash_of(2)).await.case.unwrap();
    let view = views::case(app, &world.moderator, case).await.unwrap().unwrap();
    assert_eq!(view.case.place.facts.policies, [PolicyCode::GraphicViolence]);
    set_wishes(app, &world.moderator, &[PolicyCode::GraphicViolence])
        .await
        .unwrap();
    assert_eq!(take_next_case(app, &world.moderator, None).await.unwrap(), None);
    assert_eq!(take_next_case(app, &world.colleague, None).await.unwrap(), Some(case));
    let found = banks::find_bank(&mut app.store.reader().await.unwrap(), bank).await;
    assert!(found.unwrap().is_some());
}

pub async fn nobody_else_sees_what_somebody_does_not_want(world: World) {
    let app = &world.app;
    let not = [PolicyCode::GraphicViolence];
    set_wishes(app, &world.moderator, &not).await.unwrap();
    set_wishes(app, &world.moderator, &not).await.unwrap();
    assert_eq!(views::own_wishes(app, &world.moderator).await.unwrap(), not);
    for who in [&world.admin, &world.colleague] {
        assert!(views::own_wishes(app, who).await.unwrap().is_empty());
    }
    let log = views::list_events(app, &world.admin, &PageRequest::first())
        .await
        .unwrap();
    let said: Vec<_> = log
        .rows
        .iter()
        .filter(|event| event.kind == "user.wishes_changed")
        .collect();
    assert_eq!(said.len(), 1, "the same again is no change");
    assert_eq!(said[0].body, "{}");
    let log = format!("{:?}", log.rows);
    assert!(!log.contains("graphic_violence"), "{log}");

    // Neither a token, nor who decides nothing.
    let of_token = Actor::Person {
        user: world.moderator.user().unwrap(),
        roles: Role::Moderator.into(),
        queues: QueueSet::All,
        token: Some(Token {
            key: KeyId::fresh(Timestamp::from_unix_ms(7), &Chance::seeded(7)),
            scopes: Scope::ALL.to_vec(),
        }),
    };
    assert!(views::own_wishes(app, &of_token).await.unwrap().is_empty());
    let auditor = Actor::person(world.colleague.user().unwrap(), Role::Auditor.into());
    for who in [&of_token, &auditor, &Actor::Operator] {
        let denied = set_wishes(app, who, &[]).await;
        assert!(matches!(denied, Err(WishError::Denied(_))), "{who}");
    }
}

pub async fn a_queue_that_nobody_there_takes_whole_counts_as_uncovered(mut world: World) {
    let orders = QueueSettings {
        due: Some(Duration::from_secs(3_600)),
        ..QueueSettings::default()
    };
    world.app = with_queues(&world.app, &[("orders", orders)]);
    let app = &world.app;
    let (amal, _, _) = world.join("amal", Role::Moderator).await;
    let (ben, _, _) = world.join("ben", Role::Moderator).await;
    let of = |user| Actor::person(user, Role::Moderator.into());
    let cover = async || views::coverage(app, &world.admin).await.unwrap().queues.remove(0);
    let uncovered = async || views::uncovered(app, &world.colleague).await.unwrap().len();

    // Nobody has planned a shift, and nobody is told; but that nobody takes what may come is told.
    set_wishes(app, &of(amal), &[PolicyCode::GraphicViolence])
        .await
        .unwrap();
    assert_eq!(uncovered().await, 0);
    set_wishes(app, &of(ben), &[PolicyCode::GraphicViolence, PolicyCode::HateSpeech])
        .await
        .unwrap();
    assert!(cover().await.is_refused);
    assert_eq!(uncovered().await, 1);
    set_wishes(app, &of(ben), &[PolicyCode::HateSpeech]).await.unwrap();
    assert_eq!(uncovered().await, 0);

    // Day and night somebody is there, but from eight to sixteen only who does not take everything.
    let shift = |user, from_hour: u16, hours: u16| NewShift {
        user,
        days: (0..7).collect(),
        from_minute: from_hour * 60,
        n_minutes: hours * 60,
        zone: Zone::UTC,
    };
    add_shift(app, &world.admin, shift(amal, 0, 24)).await.unwrap();
    let limited = cover().await;
    assert!(limited.is_limited && !limited.is_refused && limited.n_qualified == 2);
    assert_eq!(limited.gaps.len(), 1, "{:?}", limited.gaps);
    add_shift(app, &world.admin, shift(ben, 16, 16)).await.unwrap();
    let limited = cover().await;
    assert!(limited.is_limited && !limited.gaps.is_empty());
    assert!(!limited.has_nobody_in(&limited.gaps[0]), "amal is there");
    let now = world.clock.now();
    for gap in &limited.gaps {
        let begins = gap.from.to_string();
        assert!(gap.from == now || begins.ends_with("T08:00:00.000Z"), "{begins}");
        assert!(gap.until.since(gap.from) <= Duration::from_secs(8 * 3_600), "{gap:?}");
    }
    tell_of_gaps(app).await.unwrap();
    world.deliver().await;
    let kinds: Vec<String> = world.platform.heard().into_iter().map(|heard| heard.kind).collect();
    assert_eq!(kinds, ["coverage.gap"]);
    // Who did not want what is not told.
    let told = &world.platform.heard()[0].body;
    assert!(
        !told.contains("violence") && !told.contains(&amal.to_string()),
        "{told}"
    );
    set_wishes(app, &of(amal), &[]).await.unwrap();
    let whole = cover().await;
    assert!(whole.gaps.is_empty() && !whole.is_limited, "{whole:?}");
}
