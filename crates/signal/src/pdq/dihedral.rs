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
