//! What people add to a case that decides nothing: comments for each other, and what a text says in another language.

use std::time::Duration;

use moderation::flows::cases::{CaseError, decide_case};
use moderation::flows::comments::{comment_on_case, take_comment_back};
use moderation::flows::quality::{draw_reviews, set_share, take_review};
use moderation::flows::submit::submit_item;
use moderation::flows::translate::{NewTranslation, TranslateError, put_translation, remove_translation};
use moderation::model::{Actor, Comment, ItemId, Judgement, PageRequest, Queue, QueueSet, Role, Translation};
use moderation::quality::strata::{Stratum, WHOLE_PPM};
use moderation::views;

use super::world::{World, given, hash_of, item};

async fn known(world: &World) {
    let bank = world.bank("known", false).await;
    world.entry(bank, hash_of(1)).await;
}

/// A colleague who works on other queues alone.
fn elsewhere(actor: &Actor) -> Actor {
    Actor::Person {
        user: actor.user().unwrap(),
        roles: Role::Moderator.into(),
        queues: QueueSet::Only([Queue::Unscanned].into()),
        token: None,
    }
}

pub async fn comments_stay_among_those_who_see_the_case(world: World) {
    known(&world).await;
    let (app, amal, ben) = (&world.app, &world.moderator, &world.colleague);
    let case = world.submit("post-1", hash_of(1)).await.case.unwrap();
    for text in ["", "  ", "a\0b", &"x".repeat(Comment::LENGTH_MAX + 1)] {
        let refused = comment_on_case(app, amal, case, text).await;
        assert!(
            matches!(refused, Err(CaseError::Invalid { field: "comment", .. })),
            "{text:?}"
        );
    }
    let secret = "the uncle of the poster called us";
    let first = comment_on_case(app, amal, case, &format!("  {secret}\n"))
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(1));
    let second = comment_on_case(app, ben, case, "I think it is satire").await.unwrap();
    let stranger = elsewhere(ben);
    assert!(matches!(
        comment_on_case(app, &stranger, case, "hello").await,
        Err(CaseError::NotFound)
    ));
    assert!(
        matches!(take_comment_back(app, ben, case, first).await, Err(CaseError::NotFound)),
        "not one's own"
    );

    let comments = || async { views::case(app, ben, case).await.unwrap().unwrap().comments };
    let said: Vec<_> = comments()
        .await
        .into_iter()
        .map(|one| (one.author_name, one.comment.text.unwrap()))
        .collect();
    let [amal_name, ben_name] = [&said[0].0, &said[1].0];
    assert_ne!(amal_name, ben_name);
    assert_eq!(
        (said[0].1.as_str(), said[1].1.as_str()),
        (secret, "I think it is satire")
    );

    // It can be commented on after the decision, and what is taken back is gone from the store.
    decide_case(app, &world.admin, case, Judgement::allow(1, "satire"))
        .await
        .unwrap();
    comment_on_case(app, amal, case, "well seen").await.unwrap();
    for _ in 0..2 {
        take_comment_back(app, amal, case, first).await.unwrap();
    }
    let left = comments().await;
    assert_eq!((left.len(), &left[0].comment.text), (3, &None));
    let log = views::list_newest_events(app, &world.admin, &PageRequest::first())
        .await
        .unwrap();
    let log = format!("{log:?}");
    assert!(log.contains("case.commented") && log.contains(&second.to_string()));
    assert_eq!(log.matches("case.comment_taken_back").count(), 1, "once");
    assert!(
        !log.contains("uncle") && !log.contains("satire\""),
        "the log forgets nothing: it never learns what was said"
    );
    assert_eq!(world.faults().await, Vec::<String>::new());
}

/// Whoever commented had a hand in it: they are not asked what they would have decided.
pub async fn who_commented_is_not_asked_blindly(world: World) {
    known(&world).await;
    for stratum in Stratum::ALL {
        let ppm = if stratum.is_of_a_person() { WHOLE_PPM } else { 0 };
        set_share(&world.app, &world.admin, *stratum, ppm).await.unwrap();
    }
    draw_reviews(&world.app).await.unwrap();
    let case = world.submit("post-1", hash_of(1)).await.case.unwrap();
    comment_on_case(&world.app, &world.colleague, case, "I know this one")
        .await
        .unwrap();
    decide_case(&world.app, &world.moderator, case, Judgement::allow(1, "why"))
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(180));
    assert_eq!(draw_reviews(&world.app).await.unwrap(), 1);
    assert_eq!(take_review(&world.app, &world.colleague).await.unwrap(), None);
    assert!(take_review(&world.app, &world.admin).await.unwrap().is_some());
}

fn into(language: &str, text: &str) -> NewTranslation {
    NewTranslation {
        revision: 1,
        language: language.to_owned(),
        text: text.to_owned(),
        translator: Some("a translator".to_owned()),
    }
}

pub async fn a_text_is_read_in_another_language(world: World) {
    known(&world).await;
    let app = &world.app;
    let case = world.submit("post-1", hash_of(1)).await.case.unwrap();
    let id: ItemId = "post-1".parse().unwrap();
    let invalid = [
        into("", "x"),
        into("fr FR", "x"),
        into("fr", " "),
        into("fr", &"x".repeat(Translation::LENGTH_MAX + 1)),
        NewTranslation {
            translator: Some("y".repeat(101)),
            ..into("fr", "x")
        },
    ];
    for new in invalid {
        let shown = format!("{:.60?}", new);
        let refused = put_translation(app, &world.moderator, &id, new).await;
        assert!(matches!(refused, Err(TranslateError::Invalid { .. })), "{shown}");
    }
    put_translation(app, &world.moderator, &id, into("fr", "un essai"))
        .await
        .unwrap();
    put_translation(app, &Actor::System, &id, into("fr", "une publication"))
        .await
        .unwrap();
    put_translation(app, &world.moderator, &id, into("de", "neuer Beitrag"))
        .await
        .unwrap();
    let texts = |world: &World| {
        let (app, actor) = (world.app.clone(), world.colleague.clone());
        async move {
            let view = views::case(&app, &actor, case).await.unwrap().unwrap();
            let pairs = view.translations.into_iter().map(|one| (one.language, one.text));
            pairs.collect::<Vec<_>>()
        }
    };
    let of = |pairs: &[(&str, &str)]| {
        pairs
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        texts(&world).await,
        of(&[("de", "neuer Beitrag"), ("fr", "une publication")])
    );

    // Nothing is decided anew by it, and nobody elsewhere learns of the item.
    let view = views::case(app, &world.moderator, case).await.unwrap().unwrap();
    assert_eq!((view.item.revision, view.decisions.len()), (1, 1));
    let stranger = elsewhere(&world.colleague);
    assert!(matches!(
        put_translation(app, &stranger, &id, into("fr", "x")).await,
        Err(TranslateError::NotFound { .. })
    ));
    let missing: ItemId = "nothing".parse().unwrap();
    assert!(matches!(
        put_translation(app, &world.moderator, &missing, into("fr", "x")).await,
        Err(TranslateError::NotFound { .. })
    ));
    remove_translation(app, &world.moderator, &id, 1, "de").await.unwrap();
    assert!(matches!(
        remove_translation(app, &world.moderator, &id, 1, "de").await,
        Err(TranslateError::NotFound { .. })
    ));
    for n in 0..Translation::LANGUAGES_MAX - 1 {
        put_translation(
            app,
            &world.moderator,
            &id,
            into(&format!("x{}", ["aa", "bb", "cc", "dd", "ee", "ff", "gg"][n]), "t"),
        )
        .await
        .unwrap();
    }
    let one_more = put_translation(app, &world.moderator, &id, into("sw", "t")).await;
    assert!(matches!(
        one_more,
        Err(TranslateError::Invalid { field: "language", .. })
    ));

    // Another text: what was translated is not there any more.
    let mut changed = item("post-1", vec![given(hash_of(1))]);
    changed.text = Some("another text".to_owned());
    submit_item(app, &Actor::System, changed, None).await.unwrap();
    assert_eq!(texts(&world).await, of(&[]));
    assert!(matches!(
        put_translation(app, &world.moderator, &id, into("fr", "x")).await,
        Err(TranslateError::Changed)
    ));
    let again = NewTranslation {
        revision: 2,
        ..into("fr", "un autre texte")
    };
    put_translation(app, &world.moderator, &id, again).await.unwrap();
    assert_eq!(texts(&world).await, of(&[("fr", "un autre texte")]));
}
