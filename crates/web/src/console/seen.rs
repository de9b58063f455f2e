//! How a file's picture was looked at, in words, and the shape that is drawn over it where an entry was found. It knows no page.
//! Start with [`Overlay`] and [`view_words`].

use moderation::model::{Match, MediaStatus};

use super::shell::Shell;

/// Corners of a shape, in ten-thousandths of the picture's width and height.
type Corners = [(i32, i32); 4];

/// The corners of the whole picture.
const WHOLE: Corners = [(0, 0), (10_000, 0), (10_000, 10_000), (0, 10_000)];
/// A corner that is no further from the picture's is the picture's: what is the whole needs no shape.
const CORNER_TOLERANCE: u32 = 250;

/// Where in a file's picture an entry was found, in pixels of that picture. What lies outside of it is cut off by the page.
#[derive(Debug, PartialEq, Eq)]
pub struct Overlay {
    /// The picture's width.
    pub width: u32,
    /// The picture's height.
    pub height: u32,
    /// The corners of the shape, as SVG writes them.
    pub points: String,
    /// The picture without the shape, as an SVG path to be filled by the even-odd rule.
    pub outside: String,
}

impl Overlay {
    /// The shape of a match; none where it is the whole picture, or the picture's size is not known.
    pub fn of(found: &Match, status: &MediaStatus) -> Option<Self> {
        let MediaStatus::Scanned { width, height, .. } = status else {
            return None;
        };
        let of_part = || {
            let part = found.part?;
            let (left, top) = (i32::from(part.left), i32::from(part.top));
            let (right, bottom) = (left + i32::from(part.width), top + i32::from(part.height));
            Some([(left, top), (right, top), (right, bottom), (left, bottom)])
        };
        let corners = found.sighting.map(|seen| seen.corners).or_else(of_part)?;
        (!is_whole(corners)).then(|| Self::new(*width, *height, corners))
    }

    fn new(width: u32, height: u32, corners: Corners) -> Self {
        let place = |share: i32, side: u32| i64::from(share) * i64::from(side) / 10_000;
        let points = corners.map(|(x, y)| format!("{},{}", place(x, width), place(y, height)));
        Self {
            outside: format!("M0,0H{width}V{height}H0ZM{}Z", points.join("L")),
            points: points.join(" "),
            width,
            height,
        }
    }
}

/// Whether these are the picture's own corners, in whatever order: a mirrored picture's are the same.
fn is_whole(corners: Corners) -> bool {
    let is_near =
        |(x, y): (i32, i32), (to_x, to_y): (i32, i32)| x.abs_diff(to_x).max(y.abs_diff(to_y)) <= CORNER_TOLERANCE;
    WHOLE
        .iter()
        .all(|of_picture| corners.iter().any(|corner| is_near(*corner, *of_picture)))
}

/// How a file was looked at, in words. A name that this version does not know is shown as it is.
pub fn view_words(shell: &Shell, view: &str) -> String {
    let mut names = view.split('.');
    let part = names.next().unwrap_or_default();
    let mut words = vec![part_words(shell, part)];
    words.extend(names.map(|turn| shell.word("view_turn", turn)));
    words.join(shell.t("view_turn.joint"))
}

fn part_words(shell: &Shell, part: &str) -> String {
    let percent = part
        .strip_prefix("centre_")
        .and_then(|percent| percent.parse::<u8>().ok());
    if let Some(percent) = percent {
        return shell.with("view.centre", "n", percent);
    }
    match part.strip_prefix("tile_").and_then(|tile| tile.split_once("_of_")) {
        Some((at, tiles)) => shell.with_two("view.tile", "n", at, "tiles", tiles.replace('x', " × ")),
        None => shell.word("view", part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_drawn_in_pixels_of_the_picture_and_may_lie_outside() {
        let corners = [(-500, 0), (10_000, 2_500), (10_500, 10_000), (0, 7_500)];
        let overlay = Overlay::new(400, 200, corners);
        assert_eq!((overlay.width, overlay.height), (400, 200));
        assert_eq!(overlay.points, "-20,0 400,50 420,200 0,150");
        assert_eq!(overlay.outside, "M0,0H400V200H0ZM-20,0L400,50L420,200L0,150Z");
    }

    #[test]
    fn the_whole_is_not_outlined_mirrored_or_not() {
        let nearly = [(120, -80), (9_950, 30), (10_060, 10_000), (0, 9_800)];
        let mirrored = [nearly[1], nearly[0], nearly[3], nearly[2]];
        assert!(is_whole(nearly) && is_whole(mirrored));
        assert!(!is_whole([(600, 0), (10_000, 0), (10_000, 10_000), (600, 10_000)]));
    }
}
