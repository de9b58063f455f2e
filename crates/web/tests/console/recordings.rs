//! What the console shows of videos and sounds: the time line, the frames, how loud a file is.

use axum::http::StatusCode;
use moderation::flows::streams::{self, StreamInput};
use moderation::flows::submit::{NewContent, NewMedia};
use moderation::model::{Actor, EntryId, MediaId, NewStream, NewStripPicture, PageRequest, Role, TranscriptLine};
use moderation::signal::Signal;
use moderation::signal::vpdq::{self, Feature};
use moderation::views;
use moderation::{banks, items};

use crate::films::{film, sound, video};
use crate::people::{Person, submit};
use crate::world::World;

/// A world with a known video of a minute, and someone who leads.
async fn world_with_video() -> (World, Person, String) {
    let world = World::new().await;
    let bank = world.bank("Films", true).await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    let hashes = format!(
        "{}\nchromaprint:{}",
        video(&[&film(1, 60)]).value(),
        sound(1, 400).value()
    );
    let fields = [("name", "A film"), ("hashes", &hashes)];
    let added = lee.post(&world, &format!("/banks/{bank}/add-hash"), &fields).await;
    assert_eq!(added.leads_to(), format!("/banks/{bank}"));
    let page = lee.get(&world, &format!("/banks/{bank}")).await;
    let entry = page.body.split("href=\"/entries/").nth(1).unwrap();
    let entry = format!("/entries/{}", entry.split('"').next().unwrap());
    (world, lee, entry)
}

/// The case of an item with a file of these signals.
async fn case_of(world: &World, id: &str, signals: Vec<Signal>) -> String {
    let case = submit(world, id, signals[0].clone(), |submission| {
        submission.url = Some("https://videos.example.org/7".to_owned());
        submission.media = vec![NewMedia {
            transcript: Vec::new(),
            name: "posted.mp4".to_owned(),
            content: NewContent::Signals(signals),
        }];
    })
    .await;
    format!("/cases/{case}")
}

/// Ten seconds of something else, then from 20 to 40 s of the known video.
fn clip() -> Signal {
    video(&[&film(2, 10), &film(1, 60)[20..40]])
}

#[tokio::test]
async fn a_case_draws_where_both_agree_and_says_it_again_as_a_table() {
    let (world, lee, _) = world_with_video().await;
    let case = case_of(&world, "v-1", vec![clip()]).await;
    let page = lee.get(&world, &case).await;
    page.says(200, "0:19 in common Match");
    page.says(200, "Where both agree");
    page.says(200, "Run Posted file Known content How it agrees");
    page.says(200, "by chance practically never");
    page.says(200, "at the same speed");
    page.says(200, "https://videos.example.org/7#t=9");
    let words = page.words();
    assert!(words.contains("of the posted file is 0:20–0:"), "{words}");
    assert!(!words.contains("bits apart"), "a share of time is no distance");
    assert!(
        !page.body.contains("href=\"https://"),
        "what the platform sent is never linked"
    );
    assert!(
        page.body.contains("role=\"img\"") && page.body.contains("<desc id="),
        "a drawing says what it shows"
    );
    assert!(!page.body.contains(" style=") && !page.body.contains("<video") && !page.body.contains("<audio"));

    lee.get(&world, "/desk")
        .await
        .says(200, "seen or heard in it Match Films");
    let cookie = format!("{}; seawall_prefs=lang=ar", lee.cookie);
    let page = crate::people::get(&world, &case, &[("cookie", &cookie)]).await;
    page.says(200, "أين يتطابق الاثنان");
    assert!(
        page.body.contains("<svg class=\"tl\" direction=\"ltr\""),
        "time runs from left to right"
    );
}

#[tokio::test]
async fn what_is_seen_and_heard_stands_on_one_time_line() {
    let (world, lee, _) = world_with_video().await;
    let case = case_of(&world, "v-2", vec![clip(), sound(1, 400)]).await;
    let page = lee.get(&world, &case).await;
    assert_eq!(page.body.matches("<svg class=\"tl\"").count(), 1);
    page.says(200, "the sound agrees");
    assert!(page.body.contains("tl-bar picture tier-match") && page.body.contains("tl-bar sound tier-lead"));
}

#[tokio::test]
async fn frames_are_blurred_the_matched_are_marked_and_uncovering_one_is_noted() {
    let (world, lee, _) = world_with_video().await;
    let case = case_of(&world, "v-3", vec![clip()]).await;
    let page = lee.get(&world, &case).await;
    assert!(
        !page.body.contains("class=\"strip\""),
        "there are no frames of a bare hash"
    );

    let media = only_media(&world, "v-3").await;
    let strip = [2_000, 12_000, 22_000].map(|at_ms| NewStripPicture {
        at_ms,
        small: vec![1; 10],
        blurred: vec![2; 10],
    });
    let mut tx = world.app.store.begin("test").await.unwrap();
    items::insert_strip(&mut tx, media, strip.into(), Vec::new())
        .await
        .unwrap();
    tx.commit().await.unwrap();

    let page = lee.get(&world, &case).await;
    page.says(200, "Frames of the posted file Go to the match: 0:10");
    assert_eq!(page.body.matches("class=\"is-inside\"").count(), 2);
    assert!(page.body.contains("href=\"#file-1-frame-1\"") && page.body.contains("id=\"file-1-frame-1\""));
    let blurred = lee.get(&world, &format!("/media/{media}/strip/1/blurred")).await;
    assert_eq!(
        (blurred.status, blurred.body.as_bytes()),
        (StatusCode::OK, &[2; 10][..])
    );
    assert!(!reveals(&world).await.contains("media.revealed"));
    let clear = lee.get(&world, &format!("/media/{media}/strip/1/small")).await;
    assert_eq!((clear.status, clear.body.as_bytes()), (StatusCode::OK, &[1; 10][..]));
    assert!(reveals(&world).await.contains("media.revealed"));
    for gone in ["7/small", "1/greyscale", "1/other", "x/small"] {
        let answer = lee.get(&world, &format!("/media/{media}/strip/{gone}")).await;
        assert!(answer.status.is_client_error(), "{gone} {}", answer.status);
    }
    let stranger = crate::people::get(&world, &format!("/media/{media}/strip/1/small"), &[]).await;
    assert!(
        stranger.header("location").starts_with("/sign-in"),
        "{}",
        stranger.status
    );
}

#[tokio::test]
async fn frames_of_the_known_video_lie_below_the_posted_of_the_same_moments() {
    let (world, lee, entry) = world_with_video().await;
    let case = case_of(&world, "v-7", vec![clip()]).await;
    let media = only_media(&world, "v-7").await;
    let pictures = |times: &[u32]| -> Vec<NewStripPicture> {
        let picture = |at_ms: &u32| NewStripPicture {
            at_ms: *at_ms,
            small: vec![1; 10],
            blurred: vec![2; 10],
        };
        times.iter().map(picture).collect()
    };
    let id: EntryId = entry.trim_start_matches("/entries/").parse().unwrap();
    let mut tx = world.app.store.begin("test").await.unwrap();
    let posted = pictures(&[2_000, 12_000, 22_000]);
    items::insert_strip(&mut tx, media, posted, Vec::new()).await.unwrap();
    let known = pictures(&[0, 22_000, 27_000, 32_000, 50_000]);
    banks::insert_strip(&mut tx, id, known).await.unwrap();
    tx.commit().await.unwrap();

    // What is shown at 0:12 is known from 0:22, what is shown at 0:22 from 0:32.
    let page = lee.get(&world, &case).await;
    page.says(
        200,
        "The same moments Above: the posted file. Below: the known content at the corresponding time. Run 1 0:12 0:22 0:22 0:32",
    );
    assert!(page.body.contains(&format!("src=\"{entry}/strip/1/blurred\"")));
    let page = lee.get(&world, &entry).await;
    page.says(200, "Frames of the known content 0:00 0:22 0:27 0:32 0:50");

    let blurred = lee.get(&world, &format!("{entry}/strip/1/blurred")).await;
    assert_eq!(
        (blurred.status, blurred.body.as_bytes()),
        (StatusCode::OK, &[2; 10][..])
    );
    assert!(!reveals(&world).await.contains("entry.revealed"));
    let clear = lee.get(&world, &format!("{entry}/strip/1/small")).await;
    assert_eq!((clear.status, clear.body.as_bytes()), (StatusCode::OK, &[1; 10][..]));
    assert!(reveals(&world).await.contains("entry.revealed"));
    for gone in ["7/small", "1/greyscale", "1/other", "x/small"] {
        let answer = lee.get(&world, &format!("{entry}/strip/{gone}")).await;
        assert!(answer.status.is_client_error(), "{gone} {}", answer.status);
    }
    let stranger = crate::people::get(&world, &format!("{entry}/strip/1/small"), &[]).await;
    assert!(stranger.header("location").starts_with("/sign-in"));

    // An auditor sees the blurred alone: a browser without scripts would load the clear ones with the page.
    let auditor = Person::join(&world, "aud", Role::Auditor).await;
    for path in [&case, &entry] {
        let page = auditor.get(&world, path).await;
        page.says(200, "0:22");
        assert!(page.body.contains("/strip/1/blurred\""), "{path}");
        assert!(
            !page.body.contains("/small\"") && !page.body.contains("class=\"clear"),
            "{path}"
        );
    }
    for path in [
        format!("{entry}/strip/1/small"),
        format!("/media/{media}/strip/1/small"),
    ] {
        auditor.get(&world, &path).await.says(403, "You may not do this");
    }
    // An engineer, who sees no cases, sees the entry without its frames.
    let engineer = Person::join(&world, "eng", Role::Engineer).await;
    let page = engineer.get(&world, &entry).await;
    page.says(200, "A film");
    assert!(!page.body.contains("/strip/"));

    let fields = [("state", "removed")];
    lee.post(&world, &format!("{entry}/state"), &fields).await;
    let gone = lee.get(&world, &format!("{entry}/strip/1/blurred")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "it went with the entry");
    let words = lee.get(&world, &case).await.words();
    assert!(!words.contains("The same moments"), "{words}");
}

#[tokio::test]
async fn what_is_said_stands_below_the_time_line_and_leads_to_the_frames() {
    let (world, lee, _) = world_with_video().await;
    let line = |from_ms, text: &str| TranscriptLine {
        from_ms,
        to_ms: from_ms + 1_000,
        text: text.to_owned(),
        language: Some("fr".to_owned()),
    };
    let case = submit(&world, "v-8", clip(), |submission| {
        submission.media[0].transcript = vec![line(1_000, "bonjour à tous"), line(15_000, "au port")];
    })
    .await;
    let page = lee.get(&world, &format!("/cases/{case}")).await;
    page.says(
        200,
        "What is said in it 0:01 bonjour à tous 0:15 au port inside the match",
    );
    assert!(page.body.contains("lang=\"fr\">bonjour"), "{}", page.body);
    assert!(!page.body.contains("-frame-"), "there are no frames to go to");

    let media = only_media(&world, "v-8").await;
    let picture = |at_ms| NewStripPicture {
        at_ms,
        small: vec![1; 10],
        blurred: vec![2; 10],
    };
    let strip = vec![picture(1_000), picture(14_000)];
    let mut tx = world.app.store.begin("test").await.unwrap();
    items::insert_strip(&mut tx, media, strip, Vec::new()).await.unwrap();
    tx.commit().await.unwrap();
    let page = lee.get(&world, &format!("/cases/{case}")).await;
    assert!(
        page.body
            .contains("href=\"#file-1-frame-1\"><bdi dir=\"ltr\">0:15</bdi>")
    );
}

#[tokio::test]
async fn what_is_said_in_a_stream_stands_at_its_time_and_what_lies_in_the_match_is_marked() {
    let (world, lee, _) = world_with_video().await;
    let new = NewStream {
        item: "live-9".parse().unwrap(),
        account: None,
        channel: None,
        audience: None,
        url: None,
    };
    let stream = streams::open_stream(&world.app, &Actor::Operator, new, StreamInput::Frames).await;
    let stream = stream.unwrap().into_inner();
    let line = |from_ms, text: &str| TranscriptLine {
        from_ms,
        to_ms: from_ms + 1_000,
        text: text.to_owned(),
        language: None,
    };
    let lines = vec![line(2_000, "before it"), line(25_000, "in the middle of it")];
    streams::push_transcript(&world.app, &Actor::Operator, stream, lines)
        .await
        .unwrap();
    let shown = [&film(2, 10)[..], &film(1, 60)[20..50]].concat();
    let in_order = shown.into_iter().enumerate().map(|(second, feature)| Feature {
        at_ms: second as u32 * 1_000,
        ..feature
    });
    let frames = vpdq::to_frames(&in_order.collect::<Vec<_>>());
    streams::push_frames(&world.app, &Actor::Operator, stream, frames)
        .await
        .unwrap();
    streams::close_stream(&world.app, &Actor::Operator, stream)
        .await
        .unwrap();
    let verdict = views::verdict(&world.app, &Actor::Operator, &"live-9".parse().unwrap()).await;
    let case = verdict.unwrap().unwrap().case.unwrap();
    let page = lee.get(&world, &format!("/cases/{case}")).await;
    page.says(
        200,
        "What is said in it 0:02 before it 0:25 in the middle of it inside the match",
    );
}

async fn only_media(world: &World, item: &str) -> MediaId {
    let view = views::item(&world.app, &Actor::Operator, &item.parse().unwrap())
        .await
        .unwrap();
    view.unwrap().media[0].media.id
}

async fn reveals(world: &World) -> String {
    let newest = PageRequest::first();
    let events = views::list_newest_events(&world.app, &Actor::Operator, &newest).await;
    format!("{:?}", events.unwrap().rows)
}

#[tokio::test]
async fn an_entry_says_what_is_kept_and_gives_it_to_partners() {
    let (world, lee, entry) = world_with_video().await;
    let page = lee.get(&world, &entry).await;
    page.says(200, "Video 0:59 · 60 frames kept · Download its vPDQ hash");
    page.says(200, "Download its fingerprint");
    assert!(!page.words().contains("[\""), "a long hash is not read by people");
    let hash = lee.get(&world, &format!("{entry}/signals/vpdq")).await;
    assert_eq!((hash.status.as_u16(), hash.body), (200, video(&[&film(1, 60)]).value()));
    assert_eq!(
        lee.get(&world, &format!("{entry}/signals/chromaprint")).await.body,
        sound(1, 400).value()
    );
    assert_eq!(lee.get(&world, &format!("{entry}/signals/md5")).await.status, 404);
}

#[tokio::test]
async fn a_video_that_nothing_can_decode_is_not_banked_and_the_form_says_why() {
    let world = World::new().await;
    let bank = world.bank("Films", true).await;
    let lee = Person::join(&world, "lee", Role::Lead).await;
    let film: &[u8] = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2";
    let parts: [(&str, &str, &[u8]); 2] = [("name", "", b"Film"), ("file", "a.mp4", film)];
    let answer = lee.upload(&world, &format!("/banks/{bank}/add-file"), &parts).await;
    answer.says(422, "Videos and sounds cannot be decoded here");
}

#[tokio::test]
async fn streams_are_listed_with_how_far_they_were_looked_at() {
    let world = World::new().await;
    let lee = Person::join(&world, "lee", Role::Moderator).await;
    lee.get(&world, "/streams").await.says(200, "No stream goes on");
    let new = NewStream {
        item: "live-1".parse().unwrap(),
        account: Some("magpie".to_owned()),
        channel: None,
        audience: None,
        url: None,
    };
    let stream = streams::open_stream(&world.app, &Actor::Operator, new, StreamInput::Frames).await;
    let stream = stream.unwrap().into_inner();
    lee.get(&world, "/streams")
        .await
        .says(200, "live-1 magpie Going on 0:00");
    streams::close_stream(&world.app, &Actor::Operator, stream)
        .await
        .unwrap();
    lee.get(&world, "/streams").await.says(200, "No stream goes on");
    lee.get(&world, "/streams?state=all")
        .await
        .says(200, "live-1 magpie Over ended by the platform");
    lee.get(&world, "/items").await.says(200, "Live streams");
}
