//! Crops of an entry, so that a query that shows a part of it lies near one of them.

use crate::luma::{Luma, Rect};
use crate::pdq::{self, PdqSignal};
use crate::views::Share;

/// How many crops an entry gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grid {
    /// None.
    #[default]
    None,
    /// 24: the frame less 2, 5, 10 and 20 percent on each side, less a tenth, a fifth and a half on one, less a tenth or a half in a corner.
    Few,
    /// 378: every part of 57 to 97 percent of the sides, in steps of a thirtieth. For an incident, for a time.
    Dense,
}

impl Grid {
    /// The parts of a picture, as shares of its sides: left, top, width, height.
    pub fn shares(self) -> Vec<Share> {
        match self {
            Self::None => Vec::new(),
            Self::Few => few(),
            Self::Dense => dense(),
        }
    }
}

fn few() -> Vec<Share> {
    let share = |left: u16, top: u16, right: u16, bottom: u16| Share {
        left,
        top,
        width: 10_000 - left - right,
        height: 10_000 - top - bottom,
    };
    let mut found = Vec::new();
    for all in [200, 500, 1000, 2000] {
        found.push(share(all, all, all, all));
    }
    for one in [1000, 2000, 5000] {
        found.extend([
            share(one, 0, 0, 0),
            share(0, one, 0, 0),
            share(0, 0, one, 0),
            share(0, 0, 0, one),
        ]);
    }
    for corner in [1000, 5000] {
        found.extend([
            share(corner, corner, 0, 0),
            share(0, corner, corner, 0),
            share(corner, 0, 0, corner),
            share(0, 0, corner, corner),
        ]);
    }
    found
}

/// Places along a side at most.
const PLACES_MAX: u16 = 6;

/// Windows of the picture's shape. Large ones at every step of a thirtieth; small ones further apart, since there are more of them.
fn dense() -> Vec<Share> {
    const STEPS: u16 = 30;
    /// Sizes from this many steps.
    const LEAST: u16 = 17;
    let unit = |steps: u16| (u32::from(steps) * 10_000 / u32::from(STEPS)) as u16;
    let mut found = Vec::new();
    for size in (LEAST..STEPS).rev() {
        let room = STEPS - size;
        let n = (room + 1).min(PLACES_MAX);
        for row in 0..n {
            for column in 0..n {
                let place = |at: u16| unit((2 * at * room + n - 1) / (2 * (n - 1).max(1)));
                found.push(Share {
                    left: place(column),
                    top: place(row),
                    width: unit(size),
                    height: unit(size),
                });
            }
        }
    }
    found
}

/// The hashes of the crops of a picture.
pub fn crops(picture: &Luma, grid: Grid) -> Vec<(Share, PdqSignal)> {
    let place = |share: u16, side: usize| (usize::from(share) * side + 5000) / 10_000;
    let hash = |share: Share| {
        let rect = Rect {
            left: place(share.left, picture.width()),
            top: place(share.top, picture.height()),
            width: place(share.width, picture.width()),
            height: place(share.height, picture.height()),
        };
        (share, pdq::hash_luma(picture.crop(rect).image()))
    };
    grid.shares().into_iter().map(hash).collect()
}
