//! Nobody sees more than the caps allow, and everybody sees their own count.

use std::time::Duration;

use moderation::flows::reveal::{self, ClearPicture, NOTED_FOR};
use moderation::flows::submit::submit_item;
use moderation::model::{Actor, Clock, MediaId, Role};
use moderation::views::{self, ViewError};

use super::pictures::Picture;
use super::world::{World, bytes, item};

/// So many files, one picture each.
async fn files(world: &World, n: u64) -> Vec<MediaId> {
    let mut files = Vec::new();
    let per_item = world.app.settings.media_per_item_max as u64;
    for first in (0..n).step_by(per_item as usize) {
        let pictures = (first..n.min(first + per_item)).map(|seed| bytes("a.bmp", &Picture::scene(seed).bmp()));
        // Of what nobody has to look at no preview is kept.
        let mut post = item(&format!("post-{first}"), pictures.collect());
        post.report = Some("look".to_owned());
        let submitted = submit_item(&world.app, &Actor::Operator, post, None).await.unwrap();
        files.extend(submitted.verdict.media.iter().filter_map(|file| file.id));
    }
    files
}

pub async fn who_has_seen_much_sees_no_more_until_a_break(world: World) {
    let care = world.app.settings.care;
    let files = files(&world, u64::from(care.reveals_in_a_row) + 1).await;
    let (user, _, _) = world.join("amal", Role::Moderator).await;
    let amal = Actor::person(user, Role::Moderator.into());
    let look = async |who: &Actor, file| reveal::reveal_media(&world.app, who, file, ClearPicture::Small).await;
    let (last, first) = files.split_last().unwrap();
    for file in first {
        assert!(look(&amal, *file).await.unwrap().is_some());
        world.clock.advance(Duration::from_secs(10));
    }
    let until = match look(&amal, *last).await {
        Err(ViewError::Resting { until }) => until,
        other => panic!("{other:?}"),
    };
    // What was seen a moment ago stays open; a colleague goes on; nothing was noted that was not seen.
    assert!(look(&amal, *first.last().unwrap()).await.is_ok());
    assert!(look(&world.colleague, *last).await.is_ok());
    let exposure = views::exposure(&world.app, &amal).await.unwrap();
    assert_eq!(
        (exposure.n_day, exposure.n_in_a_row),
        (care.reveals_in_a_row, care.reveals_in_a_row)
    );
    assert_eq!(exposure.rests_until, Some(until));
    world.clock.advance(until.since(world.clock.now()));
    assert!(look(&amal, *last).await.is_ok());
    let today = views::exposure_days(&world.app, &amal).await.unwrap()[0].n;
    assert_eq!(today, i64::from(care.reveals_in_a_row) + 1);
    // Who looks after people is told sums; programs and the command line have no page of their own.
    assert_eq!(views::exposure(&world.app, &Actor::Operator).await.unwrap().n_day, 0);
    assert!(NOTED_FOR > care.rest, "a second look within a break is none");
}
