//! The eight ways to lay a picture on a table, and what each does to the cosine coefficients.

use super::spectrum::Coefficients;

/// A turn or mirroring of the picture. The hash of the turned picture follows from the coefficients of the original:
/// a mirrored axis flips the sign of every other coefficient, a swap of the axes transposes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dihedral {
    /// As it is.
    Original,
    /// Turned a quarter counter-clockwise: the right edge becomes the top.
    Rotate90,
    /// Turned upside down.
    Rotate180,
    /// Turned a quarter clockwise: the left edge becomes the top.
    Rotate270,
    /// Top and bottom swapped.
    FlipX,
    /// Left and right swapped, as in a mirror.
    FlipY,
    /// Rows and columns swapped: mirrored at the diagonal from top left to bottom right.
    FlipPlus,
    /// Mirrored at the diagonal from top right to bottom left.
    FlipMinus,
}

impl Dihedral {
    /// All eight, in the order in which their hashes are returned.
    pub const ALL: [Self; 8] = [
        Self::Original,
        Self::Rotate90,
        Self::Rotate180,
        Self::Rotate270,
        Self::FlipX,
        Self::FlipY,
        Self::FlipPlus,
        Self::FlipMinus,
    ];

    /// The name used in files, APIs and evidence. It never changes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Rotate90 => "rotate_90",
            Self::Rotate180 => "rotate_180",
            Self::Rotate270 => "rotate_270",
            Self::FlipX => "flip_x",
            Self::FlipY => "flip_y",
            Self::FlipPlus => "flip_plus",
            Self::FlipMinus => "flip_minus",
        }
    }

    /// Whether columns become rows.
    pub const fn swaps_sides(self) -> bool {
        matches!(
            self,
            Self::Rotate90 | Self::Rotate270 | Self::FlipPlus | Self::FlipMinus
        )
    }

    /// This turn, and `next` of what it gives.
    pub fn then(self, next: Self) -> Self {
        let corners = next.of_corners(self.of_corners([0, 1, 2, 3]));
        let is_same = |turn: &Self| turn.of_corners([0, 1, 2, 3]) == corners;
        // The eight turns are all there are, so one of them does the same to the corners.
        Self::ALL.into_iter().find(is_same).unwrap_or(Self::Original)
    }

    /// Where the corners go: upper left, upper right, lower left, lower right.
    const fn of_corners(self, [a, b, c, d]: [u8; 4]) -> [u8; 4] {
        match self {
            Self::Original => [a, b, c, d],
            Self::Rotate90 => [b, d, a, c],
            Self::Rotate180 => [d, c, b, a],
            Self::Rotate270 => [c, a, d, b],
            Self::FlipX => [c, d, a, b],
            Self::FlipY => [b, a, d, c],
            Self::FlipPlus => [a, c, b, d],
            Self::FlipMinus => [d, b, c, a],
        }
    }

    /// The coefficients of the turned picture. Coefficient 0 of an axis is the first *odd* cosine, which changes its sign
    /// when the axis is mirrored.
    pub(super) fn apply(self, original: &Coefficients) -> Coefficients {
        let (transpose, mirror_rows, mirror_columns) = match self {
            Self::Original => (false, false, false),
            Self::FlipX => (false, true, false),
            Self::FlipY => (false, false, true),
            Self::Rotate180 => (false, true, true),
            Self::FlipPlus => (true, false, false),
            Self::Rotate270 => (true, true, false),
            Self::Rotate90 => (true, false, true),
            Self::FlipMinus => (true, true, true),
        };
        let mut turned = [[0.0; 16]; 16];
        for (i, row) in original.iter().enumerate() {
            for (j, &coefficient) in row.iter().enumerate() {
                let negative = (mirror_rows && i % 2 == 0) ^ (mirror_columns && j % 2 == 0);
                let value = if negative { -coefficient } else { coefficient };
                if transpose {
                    turned[j][i] = value;
                } else {
                    turned[i][j] = value;
                }
            }
        }
        turned
    }
}

impl std::fmt::Display for Dihedral {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Luma;
    use crate::pdq::nearly_hash_luma_dihedral;

    #[test]
    fn two_turns_are_one() {
        let picture = Luma::new(3, 2, vec![1, 2, 3, 4, 5, 6]).unwrap();
        for first in Dihedral::ALL {
            for next in Dihedral::ALL {
                let twice = picture.turned(first).turned(next);
                assert_eq!(twice, picture.turned(first.then(next)), "{first} then {next}");
            }
        }
    }

    #[test]
    fn hashes_of_a_turned_picture_are_those_of_the_picture_in_another_order() {
        let pixel = |x: usize, y: usize| ((x * 7 + y * y * 3 + (x * y) / 5) % 251) as u8;
        let pixels = (0..96).flat_map(|y| (0..160).map(move |x| pixel(x, y))).collect();
        let picture = Luma::new(160, 96, pixels).unwrap();
        let hashes = nearly_hash_luma_dihedral(picture.image());
        for turn in Dihedral::ALL {
            let turned = nearly_hash_luma_dihedral(picture.turned(turn).image());
            for (at, next) in Dihedral::ALL.into_iter().enumerate() {
                let distance = turned[at].hash.distance(hashes[turn.then(next) as usize].hash);
                assert!(distance <= 24, "{turn} then {next}: {distance}");
            }
        }
    }
}
