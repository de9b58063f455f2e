//! Small pictures of one open stream: the last ones, and those around what was found. It knows no entry. Start with [`Shown`].

use std::collections::VecDeque;

use media::Previews;
use media::av::{STRIP_PICTURES_MAX, StripPicture};
use signal::Span;

/// Pictures that are remembered before anything is found near them: a minute and a half of them.
const LATEST_MAX: usize = 18;
/// So long before and after what was found, pictures tell what it was a part of.
pub(super) const AROUND_MS: u32 = 30_000;

/// What was shown.
#[derive(Debug, Default)]
pub(super) struct Shown {
    latest: VecDeque<StripPicture>,
    /// Older ones around what was found; no more than a strip holds.
    around: Vec<StripPicture>,
}

impl Shown {
    /// A picture was shown. Says whether it lies around what was found at these times.
    pub fn push(&mut self, picture: StripPicture, found: &[Span]) -> bool {
        let is_near = is_around(&picture, found);
        self.latest.push_back(picture);
        if self.latest.len() > LATEST_MAX
            && let Some(oldest) = self.latest.pop_front()
            && is_around(&oldest, found)
        {
            self.around.push(oldest);
            thin(&mut self.around);
        }
        is_near
    }

    /// The strip of what was found at these times; of a stream in which nothing was found, its last pictures.
    pub fn strip(&self, found: &[Span]) -> Vec<StripPicture> {
        let is_told = |picture: &&StripPicture| found.is_empty() || is_around(picture, found);
        let latest = self.latest.iter().filter(is_told);
        let mut strip: Vec<StripPicture> = self.around.iter().chain(latest).cloned().collect();
        thin(&mut strip);
        strip
    }
}

/// Of a strip the picture that was shown nearest to that time stands for it.
pub(super) fn preview_at(strip: &[StripPicture], at_ms: u32) -> Option<Previews> {
    let nearest = strip.iter().min_by_key(|picture| picture.at_ms.abs_diff(at_ms))?;
    Some(Previews {
        small: nearest.small.clone(),
        blurred: nearest.blurred.clone(),
        greyscale: Vec::new(),
    })
}

fn is_around(picture: &StripPicture, found: &[Span]) -> bool {
    found.iter().any(|span| {
        let reaches = span.from_ms.saturating_sub(AROUND_MS)..=span.to_ms.saturating_add(AROUND_MS);
        reaches.contains(&picture.at_ms)
    })
}

/// Leaves out those that are missed least: whose neighbours are nearest to each other.
fn thin(strip: &mut Vec<StripPicture>) {
    while strip.len() > STRIP_PICTURES_MAX {
        let apart = |idx: &usize| strip[idx + 1].at_ms.saturating_sub(strip[idx - 1].at_ms);
        let Some(idx) = (1..strip.len() - 1).min_by_key(apart) else {
            return;
        };
        strip.remove(idx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(at_s: u32) -> StripPicture {
        StripPicture {
            at_ms: at_s * 1_000,
            small: vec![1],
            blurred: vec![2],
        }
    }

    fn times(strip: &[StripPicture]) -> Vec<u32> {
        strip.iter().map(|picture| picture.at_ms / 1_000).collect()
    }

    fn span(from_s: u32, to_s: u32) -> Span {
        Span {
            from_ms: from_s * 1_000,
            to_ms: to_s * 1_000,
        }
    }

    #[test]
    fn a_long_stream_leaves_its_last_pictures_and_those_around_what_was_found() {
        let mut shown = Shown::default();
        for at_s in (0..600).step_by(5) {
            shown.push(picture(at_s), &[]);
        }
        assert_eq!(times(&shown.strip(&[])), (510..600).step_by(5).collect::<Vec<_>>());
        let found = [span(590, 595)];
        assert!(shown.push(picture(600), &found));
        for at_s in (605..3_600).step_by(5) {
            shown.push(picture(at_s), &found);
        }
        assert_eq!(times(&shown.strip(&found)), (560..=625).step_by(5).collect::<Vec<_>>());
    }

    #[test]
    fn what_was_found_for_long_is_shown_from_its_beginning_to_its_end() {
        let mut shown = Shown::default();
        for at_s in (0..7_200).step_by(5) {
            shown.push(picture(at_s), &[span(0, at_s)]);
        }
        let strip = times(&shown.strip(&[span(0, 7_195)]));
        assert_eq!(strip.len(), STRIP_PICTURES_MAX);
        assert_eq!((strip[0], strip[STRIP_PICTURES_MAX - 1]), (0, 7_195));
        assert!(strip.is_sorted());
    }

    #[test]
    fn the_picture_nearest_to_what_was_found_stands_for_it() {
        let strip = [0, 5, 10].map(|at_s| StripPicture {
            small: vec![at_s],
            ..picture(at_s.into())
        });
        assert_eq!(preview_at(&strip, 6_000).unwrap().small, [5]);
        assert!(preview_at(&[], 0).is_none());
    }
}
