//! What is said in live streams: kept with what is found, in its own time, and read by rules while the stream goes on.

use moderation::flows::cases::decide_case;
use moderation::flows::streams::{StreamError, close_stream, push_transcript};
use moderation::model::{
    Actor, ItemKind, Judgement, MediaStatus, Outcome, StreamId, StreamVerdict, Tier, TranscriptLine,
};
use moderation::views;

use super::recordings::{cut, film, video};
use super::rules;
use super::streams::{open, push};
use super::world::World;

const RULE: &str = "rule said { policy: other_terms when: item.kind == \"stream\" && item.transcript.contains(\"harbour\") \
    then: case words reason: \"it is said\" owner: \"t\" review: 2030-01-01 mode: live } \
    rule found { policy: terrorist_content when: matches.exists(m, m.confirmed && m.tier == \"match\") \
    then: restrict, case matches priority 100 reason: \"it is known\" owner: \"t\" review: 2030-01-01 mode: live } \
    rule any_stream { policy: other_terms when: item.kind == \"stream\" then: case words reason: \"any\" owner: \"t\" \
    review: 2030-01-01 mode: live }";

fn line(from_s: u32, text: &str) -> TranscriptLine {
    TranscriptLine {
        from_ms: from_s * 1_000,
        to_ms: from_s * 1_000 + 1_500,
        text: text.to_owned(),
        language: Some("en".to_owned()),
    }
}

async fn say(world: &World, id: StreamId, lines: Vec<TranscriptLine>) -> Result<(), StreamError> {
    push_transcript(&world.app, &Actor::Operator, id, lines).await
}

async fn texts_of(world: &World, item: &str) -> Option<Vec<String>> {
    let view = views::item(&world.app, &world.moderator, &item.parse().unwrap()).await;
    let lines = view.unwrap()?.media.remove(0).transcript;
    assert!(lines.is_sorted_by_key(|line| line.from_ms));
    Some(lines.into_iter().map(|line| line.text).collect())
}

pub async fn what_is_said_in_a_stream_is_kept_with_its_item_and_rules_read_it(world: World) {
    let known = film(1, 120);
    let bank = world.bank("films", true).await;
    world.entry(bank, video(&known)).await;
    let shown = cut(&[&film(2, 30), &known[40..80]]);
    let id = open(&world.app, "live-1").await;
    push(&world, id, &shown[..30]).await;
    say(&world, id, vec![line(5, "good morning"), line(20, "now look")])
        .await
        .unwrap();
    assert_eq!(texts_of(&world, "live-1").await, None, "words alone make no item");

    push(&world, id, &shown[30..60]).await;
    let before = ["good morning", "now look"];
    assert_eq!(texts_of(&world, "live-1").await.unwrap(), before);
    // What is said while it goes on, one line twice and one late, is there when it is over.
    say(&world, id, vec![line(45, "here it is")]).await.unwrap();
    say(&world, id, vec![line(33, "a late one"), line(45, "here it is")])
        .await
        .unwrap();
    close_stream(&world.app, &Actor::Operator, id).await.unwrap();
    assert_eq!(
        texts_of(&world, "live-1").await.unwrap(),
        ["good morning", "now look", "a late one", "here it is"]
    );
    let late = say(&world, id, vec![line(50, "too late")]).await;
    assert!(matches!(late, Err(StreamError::NotOpen)), "{late:?}");

    let other = open(&world.app, "live-2").await;
    let wrong = [
        vec![line(5, "a"), line(4, "b")],
        vec![line(0, "")],
        vec![line(0, "a\0b")],
        vec![line(0, &"a".repeat(TranscriptLine::LENGTH_MAX + 1))],
        vec![line(0, "a"); TranscriptLine::LINES_MAX + 1],
        vec![line(0, &"a".repeat(TranscriptLine::LENGTH_MAX)); 51],
    ];
    for lines in wrong {
        let refused = say(&world, other, lines).await;
        assert!(
            matches!(
                refused,
                Err(StreamError::Invalid {
                    field: "transcript",
                    ..
                })
            ),
            "{refused:?}"
        );
    }
    assert_eq!(world.faults().await, Vec::<String>::new());
}

pub async fn rules_for_what_is_said_are_told_of_once_and_a_person_stands(world: World) {
    rules::live(&world, RULE).await;
    let mut listener = world.app.streams.subscribe();
    let mut told = || -> Option<StreamVerdict> { listener.try_recv().ok() };
    let id = open(&world.app, "live-1").await;
    say(&world, id, vec![line(1, "good morning")]).await.unwrap();
    assert_eq!(told(), None, "a rule for every stream speaks of no words");
    push(&world, id, &film(2, 20)).await;
    say(&world, id, vec![line(12, "from the harbour")]).await.unwrap();
    let verdict = told().unwrap();
    assert_eq!((verdict.tier, verdict.outcome), (None, Outcome::Review));
    assert_eq!((verdict.stream, verdict.at_ms), (id, 19_000));
    let view = views::item(&world.app, &world.moderator, &verdict.item).await;
    let view = view.unwrap().unwrap();
    assert_eq!(view.item.kind, ItemKind::Stream);
    assert!(matches!(
        view.media[0].media.status,
        MediaStatus::Scanned { is_intact: true, .. }
    ));
    assert_eq!(
        texts_of(&world, "live-1").await.unwrap(),
        ["good morning", "from the harbour"]
    );
    say(&world, id, vec![line(14, "the harbour again")]).await.unwrap();
    assert_eq!(told(), None, "once is enough");

    // What a person decided stands; a match that comes later is news to them.
    let judgement = Judgement::allow(view.item.revision, "weather report");
    decide_case(&world.app, &world.moderator, verdict.case.unwrap(), judgement)
        .await
        .unwrap();
    say(&world, id, vec![line(16, "harbour, harbour")]).await.unwrap();
    let in_force = views::verdict(&world.app, &world.moderator, &verdict.item).await;
    assert_eq!(in_force.unwrap().unwrap().outcome, Outcome::Allow);
    let known = film(1, 60);
    let bank = world.bank("films", true).await;
    world.entry(bank, video(&known)).await;
    push(&world, id, &cut(&[&film(2, 20), &known])[20..]).await;
    let last = std::iter::from_fn(&mut told).last().unwrap();
    assert_eq!((last.tier, last.outcome), (Some(Tier::Match), Outcome::Restrict));
    close_stream(&world.app, &Actor::Operator, id).await.unwrap();

    // Of a stream of which nothing but words came nobody saw anything.
    let silent = open(&world.app, "live-2").await;
    say(&world, silent, vec![line(1, "at the harbour")]).await.unwrap();
    let view = views::item(&world.app, &world.moderator, &"live-2".parse().unwrap()).await;
    let status = view.unwrap().unwrap().media.remove(0).media.status;
    let MediaStatus::Unscanned { reason, .. } = status else {
        panic!("{status:?}")
    };
    assert_eq!(reason, "not_seen");
    push(&world, silent, &film(3, 20)).await;
    close_stream(&world.app, &Actor::Operator, silent).await.unwrap();
    let view = views::item(&world.app, &world.moderator, &"live-2".parse().unwrap()).await;
    let status = view.unwrap().unwrap().media.remove(0).media.status;
    assert!(matches!(status, MediaStatus::Scanned { .. }), "{status:?}");
    assert_eq!(world.faults().await, Vec::<String>::new());
}
