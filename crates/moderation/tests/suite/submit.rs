//! An item comes in.

use moderation::flows::cases::decide_case;
use moderation::flows::reveal::{self, ClearPicture};
use moderation::flows::submit::{NewContent, NewMedia, SubmitError, check_item, submit_item};
use moderation::model::{
    ActionKind, Actor, ItemId, Judgement, MediaId, MediaStatus, Outcome, PageRequest, PolicyCode, Queue, Right, Scope,
    Tier,
};
use moderation::store::IdempotencyKey;
use moderation::views;

use super::world::{World, bytes, given, hash_near, hash_of, item};

pub async fn a_confirmed_match_restricts_and_opens_a_case(world: World) {
    let bank = world.bank("known", true).await;
    let entry = world.entry(bank, hash_of(1)).await;
    let verdict = world.submit("post-1", hash_near(1, 31)).await;

    assert_eq!(verdict.outcome, Outcome::Restrict);
    let found = &verdict.media[0].matches[0];
    assert_eq!(
        (found.target.entry, found.distance, found.threshold, found.tier),
        (entry, 31, 31, Tier::Match)
    );
    let case = views::case(&world.app, &world.moderator, verdict.case.unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(case.case.queue, Queue::Matches);
    assert_eq!(case.decisions.len(), 1);
    assert_eq!(case.decisions[0].decision.policy, Some(PolicyCode::TerroristContent));
    assert_eq!(
        case.actions.iter().map(|action| action.kind).collect::<Vec<_>>(),
        [ActionKind::Restrict]
    );
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn an_unconfirmed_match_only_opens_a_case(world: World) {
    let bank = world.bank("unsure", false).await;
    world.entry(bank, hash_of(1)).await;
    let verdict = world.submit("post-1", hash_near(1, 10)).await;
    assert_eq!(verdict.outcome, Outcome::Review);
    let lead = world.submit("post-2", hash_near(1, 32)).await;
    assert_eq!(
        (lead.outcome, lead.media[0].matches[0].tier),
        (Outcome::Review, Tier::Lead)
    );
    let far = world.submit("post-3", hash_near(1, 41)).await;
    assert_eq!((far.outcome, far.media[0].matches.len()), (Outcome::Allow, 0));
    assert_eq!(world.deliver().await, 0);

    let desk = views::desk(&world.app, &world.moderator).await.unwrap();
    let open: Vec<(Queue, i64)> = desk
        .queues
        .iter()
        .map(|q| (q.queue, q.n_open))
        .filter(|(_, n)| *n > 0)
        .collect();
    assert_eq!(open, [(Queue::Matches, 1), (Queue::Leads, 1)]);
}

pub async fn nothing_found_leaves_no_case(world: World) {
    let verdict = world.submit("post-1", hash_of(1)).await;
    assert_eq!((verdict.outcome, verdict.case), (Outcome::Allow, None));
    assert!(verdict.decision.is_some());
}

pub async fn the_same_submission_again_finds_the_same_decision(world: World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    let first = world.submit("post-1", hash_of(1)).await;
    let again = submit_item(
        &world.app,
        &Actor::Operator,
        item("post-1", vec![given(hash_of(1))]),
        None,
    )
    .await
    .unwrap();
    assert!(!again.fresh);
    assert_eq!(again.verdict, first);

    let other = world.submit("post-1", hash_of(2)).await;
    assert_ne!(other.decision, first.decision);
}

pub async fn many_at_once_make_one_decision(world: World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let app = world.app.clone();
        tasks.push(tokio::spawn(async move {
            submit_item(&app, &Actor::Operator, item("post-1", vec![given(hash_of(1))]), None)
                .await
                .unwrap()
        }));
    }
    let mut decisions = Vec::new();
    let mut n_fresh = 0;
    for task in tasks {
        let submitted = task.await.unwrap();
        n_fresh += usize::from(submitted.fresh);
        decisions.push(submitted.verdict.decision.unwrap());
    }
    decisions.dedup();
    assert_eq!((decisions.len(), n_fresh), (1, 1));
    world.deliver().await;
    assert_eq!(world.platform.heard().len(), 1);
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn a_late_retry_with_its_key_finds_its_own_decision(world: World) {
    let key = |key: &str, fingerprint: &str| IdempotencyKey {
        caller: "key_1".to_owned(),
        key: key.to_owned(),
        fingerprint: fingerprint.to_owned(),
    };
    let submit = async |seed: u64, key: &IdempotencyKey| {
        submit_item(
            &world.app,
            &Actor::Operator,
            item("post-1", vec![given(hash_of(seed))]),
            Some(key),
        )
        .await
    };
    let first = submit(1, &key("a", "1")).await.unwrap();
    let second = submit(2, &key("b", "2")).await.unwrap();
    assert!(first.fresh && second.fresh);
    let late = submit(1, &key("a", "1")).await.unwrap();
    assert!(!late.fresh);
    assert_eq!(late.verdict, first.verdict);
    assert!(matches!(submit(3, &key("a", "3")).await, Err(SubmitError::KeyReused)));
    let id: ItemId = "post-1".parse().unwrap();
    let view = views::item(&world.app, &world.moderator, &id).await.unwrap().unwrap();
    assert_eq!(view.item.revision, 2);
}

pub async fn a_key_that_found_a_known_verdict_keeps_it(world: World) {
    let key = |fingerprint: &str| IdempotencyKey {
        caller: "key_1".to_owned(),
        key: "a".to_owned(),
        fingerprint: fingerprint.to_owned(),
    };
    let submit = async |seed: u64, key: &IdempotencyKey| {
        let submission = item("post-1", vec![given(hash_of(seed))]);
        submit_item(&world.app, &Actor::Operator, submission, Some(key)).await
    };
    let first = world.submit("post-1", hash_of(1)).await;
    // The same content, now under a key: nothing is judged anew, and the key is taken all the same.
    assert_eq!(submit(1, &key("1")).await.unwrap().verdict, first);
    world.submit("post-1", hash_of(2)).await;
    let late = submit(1, &key("1")).await.unwrap();
    assert!(!late.fresh);
    assert_eq!(late.verdict, first);
    assert!(matches!(submit(3, &key("3")).await, Err(SubmitError::KeyReused)));
}

pub async fn unconfirmed_matches_hide_no_confirmed_one(world: World) {
    let unsure = world.bank("unsure", false).await;
    // The same hash three hundred times, each time with a digest of its own: more than are told, more than are first read.
    let crowd = (0..300u64)
        .map(|n| {
            let digest = signal::Signal::Md5(signal::Md5::of(&n.to_be_bytes()));
            super::world::entry_of(vec![hash_of(1), digest])
        })
        .collect();
    moderation::flows::banks::import_entries(&world.app, &world.admin, unsure, crowd)
        .await
        .unwrap();
    let known = world.bank("known", true).await;
    let entry = world.entry(known, hash_near(1, 20)).await;

    let verdict = world.submit("post-1", hash_of(1)).await;
    assert_eq!(verdict.outcome, Outcome::Restrict);
    let file = &verdict.media[0];
    assert!(file.matches_capped);
    assert!(file.matches.iter().any(|found| found.target.entry == entry));
    assert!(
        file.matches.is_sorted_by_key(|found| found.distance),
        "the nearest first"
    );
}

pub async fn what_cannot_be_hashed_is_unscanned_and_waits_for_a_person(world: World) {
    let unfetched = NewContent::Unfetched {
        url: "https://example.org/b.jpg".to_owned(),
        reason: "host_not_allowed",
        detail: "the host is not on the list".to_owned(),
    };
    let media = vec![
        bytes("a.jpg", b"this is no image"),
        bytes("empty.png", b""),
        NewMedia {
            transcript: Vec::new(),
            name: "b.jpg".to_owned(),
            content: unfetched,
        },
    ];
    let verdict = submit_item(&world.app, &Actor::Operator, item("post-1", media), None)
        .await
        .unwrap()
        .verdict;
    assert_eq!(verdict.outcome, Outcome::Review);
    for file in &verdict.media {
        assert!(
            matches!(&file.status, MediaStatus::Unscanned { reason, .. } if !reason.is_empty()),
            "{file:?}"
        );
    }
    let case = views::case(&world.app, &world.moderator, verdict.case.unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(case.case.queue, Queue::Unscanned);
    assert_eq!(case.media.len(), 3);
}

pub async fn another_file_that_cannot_be_fetched_is_another_submission(world: World) {
    let submit = async |url: &str| {
        let content = NewContent::Unfetched {
            url: url.to_owned(),
            reason: "fetch_failed",
            detail: "timed out".to_owned(),
        };
        let media = vec![NewMedia {
            transcript: Vec::new(),
            name: "b.jpg".to_owned(),
            content,
        }];
        let submitted = submit_item(&world.app, &Actor::Operator, item("post-1", media), None).await;
        submitted.unwrap().fresh
    };
    assert!(submit("https://example.org/b.jpg").await);
    assert!(!submit("https://example.org/b.jpg").await);
    assert!(submit("https://example.org/c.jpg").await);
}

pub async fn a_file_that_breaks_off_waits_for_a_person_unless_its_part_is_known(world: World) {
    let jpeg = include_bytes!("../data/waves.jpg");
    let cut = &jpeg[..jpeg.len() * 3 / 4];
    let verdict = submit_item(
        &world.app,
        &Actor::Operator,
        item("post-1", vec![bytes("cut.jpg", cut)]),
        None,
    )
    .await
    .unwrap()
    .verdict;
    assert!(
        matches!(verdict.media[0].status, MediaStatus::Scanned { is_intact: false, .. }),
        "{:?}",
        verdict.media[0].status
    );
    assert_eq!(verdict.outcome, Outcome::Review);
    let view = views::case(&world.app, &world.moderator, verdict.case.unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(view.case.queue, Queue::Unscanned);
    assert!(matches!(
        view.media[0].media.status,
        MediaStatus::Scanned { is_intact: false, .. }
    ));

    let bank = world.bank("known", true).await;
    let part = verdict.media[0].signals[0].signal.clone();
    world.entry(bank, part).await;
    let known = check_item(
        &world.app,
        &Actor::Operator,
        item("post-2", vec![bytes("cut.jpg", cut)]),
    )
    .await;
    assert_eq!(known.unwrap().outcome, Outcome::Restrict);
}

pub async fn a_real_image_is_hashed_in_the_jail_and_matched(world: World) {
    let png = include_bytes!("../data/waves.png");
    let jpeg = include_bytes!("../data/waves.jpg");
    let bank = world.bank("known", true).await;
    let new = super::world::entry_of(Vec::new());
    let added = moderation::flows::banks::add_entry(
        &world.app,
        &world.admin,
        bank,
        new,
        Some(bytes::Bytes::copy_from_slice(png).into()),
        None,
    );
    let entry = added.await.unwrap().into_inner();

    let media = vec![bytes("again.jpg", jpeg)];
    let verdict = submit_item(&world.app, &Actor::Operator, item("post-1", media), None)
        .await
        .unwrap()
        .verdict;
    assert_eq!(verdict.outcome, Outcome::Restrict);
    let file = &verdict.media[0];
    assert!(
        matches!(&file.status, MediaStatus::Scanned { media_type, .. } if media_type == "image/jpeg"),
        "{file:?}"
    );
    assert_eq!(file.matches[0].target.entry, entry);
    assert_eq!(file.matches[0].tier, Tier::Match);
    let preview = views::blurred_media_preview(&world.app, &world.moderator, file.id.unwrap()).await;
    assert!(preview.unwrap().unwrap().starts_with(&[0xff, 0xd8]));
    a_look_at_the_clear_picture_is_logged(&world, file.id.unwrap()).await;
}

async fn a_look_at_the_clear_picture_is_logged(world: &World, media: MediaId) {
    let seen = async || {
        let rows = views::list_events(&world.app, &Actor::Operator, &PageRequest::first()).await;
        let rows = rows.unwrap().rows.into_iter();
        let looks = rows.filter(|event| event.kind == "media.revealed");
        looks.map(|event| (event.actor, event.subject)).collect::<Vec<_>>()
    };
    let look = async |actor: &Actor, picture| reveal::reveal_media(&world.app, actor, media, picture).await;
    assert_eq!(seen().await, []);
    for picture in [ClearPicture::Greyscale, ClearPicture::Small, ClearPicture::Greyscale] {
        let bytes = look(&world.moderator, picture).await.unwrap().unwrap();
        assert!(bytes.starts_with(&[0xff, 0xd8]));
    }
    let once = (world.moderator.to_string(), media.to_string());
    assert_eq!(seen().await, std::slice::from_ref(&once));
    look(&world.admin, ClearPicture::Small).await.unwrap();
    world.clock.advance(reveal::NOTED_FOR);
    look(&world.moderator, ClearPicture::Small).await.unwrap();
    let by_another = (world.admin.to_string(), media.to_string());
    assert_eq!(seen().await, [once.clone(), by_another, once]);
    let stranger = Actor::Key {
        key: "key_00000000000000000000000001".parse().unwrap(),
        scopes: vec![Scope::ItemsRead],
    };
    assert!(look(&stranger, ClearPicture::Small).await.is_err());
    let nothing: MediaId = "med_00000000000000000000000001".parse().unwrap();
    let missing = reveal::reveal_media(&world.app, &world.moderator, nothing, ClearPicture::Small).await;
    assert_eq!(missing.unwrap(), None);
    assert_eq!(seen().await.len(), 3, "what was not seen is not in the log");
}

pub async fn new_content_of_a_restricted_item_stays_restricted(world: World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    let first = world.submit("post-1", hash_of(1)).await;
    let edited = world.submit("post-1", hash_of(2)).await;
    assert_eq!((edited.outcome, edited.case), (Outcome::Restrict, first.case));
    world.deliver().await;
    assert_eq!(world.platform.kinds_for("post-1"), ["restrict"]);

    let judgement = Judgement::allow(2, "the picture is gone");
    decide_case(&world.app, &world.moderator, first.case.unwrap(), judgement)
        .await
        .unwrap();
    let later = world.submit("post-1", hash_of(3)).await;
    assert_eq!((later.outcome, later.case), (Outcome::Allow, None));
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn checking_remembers_nothing(world: World) {
    let bank = world.bank("known", true).await;
    world.entry(bank, hash_of(1)).await;
    let verdict = check_item(&world.app, &Actor::Operator, item("post-1", vec![given(hash_of(1))]))
        .await
        .unwrap();
    assert_eq!(
        (verdict.outcome, verdict.decision, verdict.case),
        (Outcome::Restrict, None, None)
    );
    assert_eq!(verdict.media[0].matches.len(), 1);
    let items = views::list_items(&world.app, &world.moderator, &PageRequest::first())
        .await
        .unwrap();
    assert!(items.rows.is_empty());
    assert_eq!(world.deliver().await, 0);
}

pub async fn bad_submissions_leave_nothing_behind(world: World) {
    let mut long = item("post-1", Vec::new());
    long.text = Some("x".repeat(100_001));
    let mut nul = item("post-2", Vec::new());
    nul.account = Some("a\0b".to_owned());
    let crowded = item("post-3", (0..21).map(given_numbered).collect());
    let hollow = item(
        "post-4",
        vec![NewMedia {
            transcript: Vec::new(),
            name: "a".to_owned(),
            content: NewContent::Signals(Vec::new()),
        }],
    );
    for (submission, field) in [(long, "text"), (nul, "account"), (crowded, "media"), (hollow, "media")] {
        let error = submit_item(&world.app, &Actor::Operator, submission, None)
            .await
            .unwrap_err();
        assert!(
            matches!(&error, SubmitError::Invalid { field: found, .. } if *found == field),
            "{error:?}"
        );
    }
    let items = views::list_items(&world.app, &world.moderator, &PageRequest::first())
        .await
        .unwrap();
    assert!(items.rows.is_empty());
}

fn given_numbered(n: u64) -> NewMedia {
    given(hash_of(n))
}

pub async fn one_without_the_right_is_refused(world: World) {
    let key = moderation::flows::access::create_key(&world.app, &Actor::Operator, "reader", vec![Scope::ItemsRead])
        .await
        .unwrap();
    let actor = moderation::flows::access::authenticate_key(&world.app, &key.secret)
        .await
        .unwrap()
        .unwrap();
    let error = submit_item(&world.app, &actor, item("post-1", Vec::new()), None)
        .await
        .unwrap_err();
    assert!(matches!(error, SubmitError::Denied(denied) if denied.right == Right::SubmitItems));
}

/// A platform that uses one key for several requests is told of its mistake, and what it said then is not kept.
pub async fn a_key_that_was_used_keeps_nothing_of_another_request(world: World) {
    let send = async |n: i64| {
        let key = IdempotencyKey {
            caller: "key_1".to_owned(),
            key: "a".to_owned(),
            fingerprint: n.to_string(),
        };
        let mut submission = item("post-1", vec![given(hash_of(1))]);
        submission.platform.views = Some(n);
        (
            n,
            submit_item(&world.app, &Actor::Operator, submission, Some(&key)).await,
        )
    };
    world.submit("post-1", hash_of(1)).await;
    let (a, b, c, d, e) = tokio::join!(send(1), send(2), send(3), send(4), send(5));
    let (kept, refused): (Vec<_>, Vec<_>) = [a, b, c, d, e].into_iter().partition(|(_, answer)| answer.is_ok());
    assert_eq!(kept.len(), 1);
    assert!(
        refused
            .iter()
            .all(|(_, answer)| matches!(answer, Err(SubmitError::KeyReused)))
    );
    let mut conn = world.app.store.reader().await.unwrap();
    let facts = moderation::items::facts_of(&mut conn, &"post-1".parse().unwrap()).await;
    assert_eq!(facts.unwrap().views, Some(kept[0].0));
    drop(conn);
    let log = views::list_newest_events(&world.app, &Actor::Operator, &PageRequest::first()).await;
    let log = log.unwrap().rows;
    let n_submitted = log.iter().filter(|line| line.event.kind == "item.submitted").count();
    assert_eq!(n_submitted, 2, "the first, and the one that was given a verdict");
}
