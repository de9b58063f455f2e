//! Live streams, where what comes is made or timed so that something could be missed.

use std::time::Duration;

use moderation::flows::banks::set_entry_state;
use moderation::flows::hunts::hunt_due;
use moderation::flows::incidents::set_incident;
use moderation::flows::streams::{
    StreamError, StreamInput, StreamSettings, close_stream, open_stream, push_frames, push_segment,
};
use moderation::model::{Actor, EntryState, Outcome, StreamState};
use moderation::views;
use signal::Signal;

use super::recordings::{film, video};
use super::streams::{matches_of, open, shows, state_of, stream, submit_video};
use super::world::{World, hash_near, hash_of};

/// One picture becomes another so slowly that no frame differs much from the one before.
pub async fn a_picture_that_comes_little_by_little_is_found(world: World) {
    let bank = world.bank("pictures", true).await;
    let entry = world.entry(bank, hash_of(1)).await;
    let id = open(&world.app, "live-1").await;
    let steps: Vec<Signal> = (0..=40).rev().map(|step| hash_near(1, 3 * step)).collect();
    for (at, piece) in steps.chunks(10).enumerate() {
        push_frames(&world.app, &Actor::Operator, id, shows(at as u32 * 10, piece))
            .await
            .unwrap();
    }
    assert_eq!(matches_of(&world, "live-1").await[0].target.entry, entry);
    close_stream(&world.app, &Actor::Operator, id).await.unwrap();
    let found = matches_of(&world, "live-1").await;
    assert!(found[0].distance <= 4, "{found:?}");
}

/// A piece ends with a frame of the same millisecond as the first of the next.
pub async fn two_frames_of_one_moment_are_both_seen(world: World) {
    let bank = world.bank("pictures", true).await;
    let entry = world.entry(bank, hash_of(1)).await;
    let id = open(&world.app, "live-1").await;
    let push = async |frames| push_frames(&world.app, &Actor::Operator, id, frames).await.unwrap();
    push(shows(0, &[hash_of(7), hash_of(8)])).await;
    push(shows(1, &[hash_of(1)])).await;
    assert_eq!(matches_of(&world, "live-1").await[0].target.entry, entry);
}

pub async fn who_goes_away_in_the_middle_does_not_cut_off_what_is_found(world: World) {
    let bank = world.bank("pictures", true).await;
    for seed in [1, 2] {
        world.entry(bank, hash_of(seed)).await;
    }
    let id = open(&world.app, "live-1").await;
    let mut listener = world.app.streams.subscribe();
    {
        let pushed = push_frames(&world.app, &Actor::Operator, id, shows(0, &[hash_of(1)]));
        // Long enough to begin, and far too short to end.
        let given_up = tokio::time::timeout(Duration::from_micros(1), pushed).await;
        assert!(given_up.is_err() || listener.try_recv().is_ok());
    }
    let told = tokio::time::timeout(Duration::from_secs(20), async {
        while views::item(&world.app, &world.moderator, &"live-1".parse().unwrap())
            .await
            .unwrap()
            .is_none()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    told.await.expect("it is told without who sent it");
    push_frames(&world.app, &Actor::Operator, id, shows(1, &[hash_of(2)]))
        .await
        .unwrap();
    assert_eq!(matches_of(&world, "live-1").await.len(), 2, "and so is what comes next");
}

pub async fn what_cannot_be_done_with_a_stream_is_said(world: World) {
    let other = world.second_process().await;
    let id = open(&world.app, "live-1").await;
    world.clock.advance(Duration::from_secs(5));
    let bytes = push_segment(&world.app, &Actor::Operator, id, vec![0x47; 188].into()).await;
    assert!(
        matches!(bytes, Err(StreamError::Invalid { field: "body", .. })),
        "{bytes:?}"
    );
    let closed = close_stream(&other, &Actor::Operator, id).await;
    assert!(matches!(closed, Err(StreamError::Elsewhere)), "{closed:?}");
    assert_eq!(state_of(&world.app, id).await.0, StreamState::Open);
    close_stream(&world.app, &Actor::Operator, id).await.unwrap();
    close_stream(&other, &Actor::Operator, id).await.unwrap();
}

pub async fn no_more_streams_open_at_once_than_may(world: World) {
    let open_max = StreamSettings::default().open_max;
    let asked = (0..open_max + 8).map(|n| {
        let app = world.app.clone();
        tokio::spawn(async move {
            let new = stream(&format!("live-{n}"));
            open_stream(&app, &Actor::Operator, new, StreamInput::Frames)
                .await
                .is_ok()
        })
    });
    let asked: Vec<_> = asked.collect();
    let mut n_open = 0;
    for one in asked {
        n_open += usize::from(one.await.unwrap());
    }
    assert!(n_open <= open_max && n_open == world.app.streams.len(), "{n_open}");
    for n in n_open..open_max {
        open(&world.app, &format!("more-{n}")).await;
    }
}

/// An item is looked up before the entry is known, and remembered after the hunt.
pub async fn what_was_being_submitted_during_a_hunt_is_found(world: World) {
    let known = film(1, 60);
    let bank = world.bank("films", true).await;
    let entry = world.entry(bank, video(&known)).await;
    let until = Some(world.app.clock.now().after(Duration::from_secs(3600)));
    set_incident(&world.app, &world.admin, entry, until).await.unwrap();
    assert_eq!(hunt_due(&world.app, "hunter").await.unwrap(), 1);
    // As one whose lookup found nothing: the entry counted for nothing then.
    set_entry_state(&world.app, &world.admin, entry, EntryState::Disabled)
        .await
        .unwrap();
    assert_eq!(submit_video(&world, "posted", &known).await.outcome, Outcome::Allow);
    set_entry_state(&world.app, &world.admin, entry, EntryState::Enabled)
        .await
        .unwrap();
    assert_eq!(hunt_due(&world.app, "hunter").await.unwrap(), 0, "not yet");
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(hunt_due(&world.app, "hunter").await.unwrap(), 1);
    let found = matches_of(&world, "posted").await;
    assert_eq!(found[0].target.entry, entry);
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(hunt_due(&world.app, "hunter").await.unwrap(), 0, "once is enough");
}
