//! How a file's picture was looked at, in words, and the shape that is drawn over it where an entry was found. It knows no page.
//! Start with [`Overlay`] and [`view_words`].

use moderation::model::{Match, MediaStatus};

use super::shell::Shell;

/// Corners of a shape, in ten-thousandths of the picture's width and height.
type Corners = [(i32, i32); 4];

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
    /// The shape of a match; none where the whole picture was compared, or its size is not known.
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
        Some(Self::new(*width, *height, corners))
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
}
