//! The 44 edits: what people do to a picture before they post it again. Names and measures are those of the tool that the
//! project's figures began with; the drawing is ours. It knows nothing of signals.
//!
//! Start with [`EDITS`], the list.

use crate::{
    chance::Chance,
    paint::{self, Letters, Weight},
    picture::{BLACK, Colour, Picture, WHITE, byte},
};
use anyhow::Result;

/// What an edit may use beside the picture.
pub struct Surroundings<'a> {
    pub chance: Chance,
    /// Another photo, for picture-in-picture.
    pub backdrop: &'a Picture,
}

type Edit = fn(&Picture, &mut Surroundings<'_>) -> Result<Picture>;

/// Name and doing of every edit, in the order in which they are reported.
pub const EDITS: [(&str, Edit); 44] = [
    ("identity", |picture, _| Ok(picture.clone())),
    ("jpeg_q50", |picture, _| jpeg(picture, 50)),
    ("jpeg_q10", |picture, _| jpeg(picture, 10)),
    ("resize_50", |picture, _| Ok(resized(picture, 0.5))),
    ("resize_20", |picture, _| Ok(resized(picture, 0.2))),
    ("stretch_square", |picture, _| Ok(picture.scaled(400, 400))),
    ("grayscale", |picture, _| Ok(picture.map(|pixel| [grey(pixel); 3]))),
    ("brightness_1.5", |picture, _| {
        Ok(by_channel(picture, |value| value * 1.5))
    }),
    ("gamma_0.5", |picture, _| Ok(gamma(picture, 0.5))),
    ("gamma_2.2", |picture, _| Ok(gamma(picture, 2.2))),
    ("hue_90", |picture, _| Ok(picture.map(|pixel| hue_turned(pixel, 90.0)))),
    ("invert", |picture, _| {
        Ok(picture.map(|pixel| pixel.map(|value| 255 - value)))
    }),
    ("blur_3", |picture, _| Ok(picture.blurred(3.0))),
    ("noise_25", |picture, around| {
        Ok(noisy(picture, 25.0, &mut around.chance))
    }),
    ("crop_2", |picture, _| Ok(cropped(picture, Sides::all(0.02)))),
    ("crop_5", |picture, _| Ok(cropped(picture, Sides::all(0.05)))),
    ("crop_10", |picture, _| Ok(cropped(picture, Sides::all(0.1)))),
    ("crop_20", |picture, _| Ok(cropped(picture, Sides::all(0.2)))),
    ("crop_right_10", |picture, _| {
        Ok(cropped(
            picture,
            Sides {
                right: 0.1,
                ..Sides::NONE
            },
        ))
    }),
    ("crop_left_half", |picture, _| {
        Ok(cropped(
            picture,
            Sides {
                right: 0.5,
                ..Sides::NONE
            },
        ))
    }),
    ("crop_random_70", |picture, around| {
        Ok(crop_random_70(picture, &mut around.chance))
    }),
    ("mirror", |picture, _| Ok(picture.mirrored())),
    ("rotate_90", |picture, _| Ok(picture.turned_left())),
    ("rotate_180", |picture, _| Ok(picture.turned_half())),
    ("rotate_2deg", |picture, _| Ok(rotated(picture, 2.0, BLACK))),
    ("rotate_5deg", |picture, _| Ok(rotated(picture, 5.0, BLACK))),
    ("rotate_15deg", |picture, _| Ok(rotated(picture, 15.0, BLACK))),
    ("letterbox_12", |picture, _| Ok(padded(picture, LETTERBOX_12, BLACK))),
    ("pillarbox_25", |picture, _| {
        Ok(padded(
            picture,
            Sides {
                left: 0.25,
                right: 0.25,
                ..Sides::NONE
            },
            BLACK,
        ))
    }),
    ("white_frame_5", |picture, _| {
        Ok(padded(picture, Sides::all(0.05), WHITE))
    }),
    ("blurred_pillarbox", |picture, _| Ok(blurred_pillarbox(picture))),
    ("caption_band_20", |picture, _| Ok(caption_band_20(picture))),
    ("watermark_text", |picture, _| Ok(watermark_text(picture))),
    ("logo_3", |picture, _| Ok(logo(picture, 0.03))),
    ("logo_10", |picture, _| Ok(logo(picture, 0.10))),
    ("emoji_5", |picture, _| Ok(emoji(picture, 0.05))),
    ("emoji_20", |picture, _| Ok(emoji(picture, 0.20))),
    ("phone_light", |picture, _| Ok(phone(picture, Screen::Light))),
    ("phone_dark", |picture, _| Ok(phone(picture, Screen::Dark))),
    ("pip_70", |picture, around| {
        Ok(picture_in_picture(picture, 0.7, around.backdrop))
    }),
    ("pip_50", |picture, around| {
        Ok(picture_in_picture(picture, 0.5, around.backdrop))
    }),
    ("camcorder", |picture, around| camcorder(picture, &mut around.chance)),
    ("combo_mirror_crop_caption_jpeg", |picture, _| {
        jpeg(&caption_band_20(&cropped(&picture.mirrored(), Sides::all(0.05))), 30)
    }),
    ("combo_letterbox_logo_resize_jpeg", |picture, _| {
        jpeg(&resized(&logo(&padded(picture, LETTERBOX_12, BLACK), 0.03), 0.5), 30)
    }),
];

const LETTERBOX_12: Sides = Sides {
    top: 0.12,
    bottom: 0.12,
    ..Sides::NONE
};

/// Shares of the width (left, right) and of the height (top, bottom).
#[derive(Debug, Clone, Copy)]
pub struct Sides {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Sides {
    pub const NONE: Self = Self::all(0.0);

    pub const fn all(share: f64) -> Self {
        Self {
            left: share,
            top: share,
            right: share,
            bottom: share,
        }
    }
}

/// As a JPEG encoder and decoder leave it.
pub fn jpeg(picture: &Picture, quality: u8) -> Result<Picture> {
    let mut bytes = Vec::new();
    let (width, height) = (u32::try_from(picture.width)?, u32::try_from(picture.height)?);
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality).encode(
        &picture.rgb,
        width,
        height,
        image::ExtendedColorType::Rgb8,
    )?;
    Picture::decode(&bytes)
}

pub fn resized(picture: &Picture, factor: f64) -> Picture {
    let side = |pixels: usize| ((pixels as f64 * factor) as usize).max(8);
    picture.scaled(side(picture.width), side(picture.height))
}

pub fn cropped(picture: &Picture, off: Sides) -> Picture {
    let (width, height) = (picture.width as f64, picture.height as f64);
    let (left, top) = ((width * off.left) as usize, (height * off.top) as usize);
    let (right, bottom) = (
        (width * (1.0 - off.right)) as usize,
        (height * (1.0 - off.bottom)) as usize,
    );
    picture.part(left, top, right.saturating_sub(left), bottom.saturating_sub(top))
}

pub fn padded(picture: &Picture, more: Sides, colour: Colour) -> Picture {
    let (width, height) = (picture.width as f64, picture.height as f64);
    let [left, right] = [more.left, more.right].map(|share| (width * share) as usize);
    let [top, bottom] = [more.top, more.bottom].map(|share| (height * share) as usize);
    let mut out = Picture::filled(picture.width + left + right, picture.height + top + bottom, colour);
    out.paste(picture, left, top);
    out
}

/// Turned about its middle against the clock; the canvas stays as it is.
pub fn rotated(picture: &Picture, degrees: f64, outside: Colour) -> Picture {
    let (sine, cosine) = degrees.to_radians().sin_cos();
    let (middle_x, middle_y) = (picture.width as f64 / 2.0, picture.height as f64 / 2.0);
    picture.warped(outside, |x, y| {
        let (x, y) = (x - middle_x, y - middle_y);
        (cosine * x - sine * y + middle_x, sine * x + cosine * y + middle_y)
    })
}

fn crop_random_70(picture: &Picture, chance: &mut Chance) -> Picture {
    // 1 - 0.163 is the side of a square of 70 % of the area.
    let (x, y) = (chance.between(0.0, 0.163), chance.between(0.0, 0.163));
    cropped(
        picture,
        Sides {
            left: x,
            top: y,
            right: 0.163 - x,
            bottom: 0.163 - y,
        },
    )
}

fn grey([red, green, blue]: Colour) -> u8 {
    byte(0.299 * f32::from(red) + 0.587 * f32::from(green) + 0.114 * f32::from(blue))
}

fn by_channel(picture: &Picture, change: impl Fn(f32) -> f32) -> Picture {
    let table: Vec<u8> = (0..=255u8)
        .map(|value| change(f32::from(value)).clamp(0.0, 255.0) as u8)
        .collect();
    picture.map(|pixel| pixel.map(|value| table[usize::from(value)]))
}

fn gamma(picture: &Picture, exponent: f32) -> Picture {
    by_channel(picture, |value| (value / 255.0).powf(exponent) * 255.0)
}

/// The same saturation and value with another hue.
fn hue_turned(pixel: Colour, degrees: f32) -> Colour {
    let [red, green, blue] = pixel.map(f32::from);
    let (value, least) = (red.max(green).max(blue), red.min(green).min(blue));
    let chroma = value - least;
    if chroma == 0.0 {
        return pixel;
    }
    let sixth = if value == red {
        ((green - blue) / chroma).rem_euclid(6.0)
    } else if value == green {
        (blue - red) / chroma + 2.0
    } else {
        (red - green) / chroma + 4.0
    };
    let sixth = (sixth + degrees / 60.0).rem_euclid(6.0);
    // Each channel rises, stays, falls and stays along the circle, a third of it after the other.
    [5.0, 3.0, 1.0].map(|start| {
        let at = (start + sixth).rem_euclid(6.0);
        byte(value - chroma * at.min(4.0 - at).clamp(0.0, 1.0))
    })
}

fn noisy(picture: &Picture, deviation: f64, chance: &mut Chance) -> Picture {
    let mut out = picture.clone();
    for value in &mut out.rgb {
        *value = (f64::from(*value) + deviation * chance.normal()).clamp(0.0, 255.0) as u8;
    }
    out
}

/// The picture upright before itself, wider and blurred, as portrait videos are shown on wide screens.
fn blurred_pillarbox(picture: &Picture) -> Picture {
    let (width, height) = (picture.width as f64, picture.height as f64);
    let wide = if width / height < 1.78 {
        height * 1.78
    } else {
        width * 1.5
    };
    let wide = wide.max(width * 1.3) as usize;
    let back = picture
        .scaled(wide, (wide as f64 * height / width) as usize)
        .blurred(25.0);
    let mut out = back.part(0, (back.height - picture.height) / 2, wide, picture.height);
    out.paste(picture, (wide - picture.width) / 2, 0);
    out
}

fn caption_band_20(picture: &Picture) -> Picture {
    caption(
        picture,
        &["WHEN YOU SEE THIS PICTURE", "SHARE WITH ALL YOUR FRIENDS"],
        0.2,
    )
}

/// A white band above, with two lines of text.
fn caption(picture: &Picture, lines: &[&str], share: f64) -> Picture {
    let mut out = padded(
        picture,
        Sides {
            top: share,
            ..Sides::NONE
        },
        WHITE,
    );
    let letters = Letters {
        size: capitals(picture.width as f64 / 800.0),
        weight: Weight::Bold,
        colour: BLACK,
        opacity: 1.0,
    };
    let baseline = picture.height as f64 * share * 0.4;
    write(&mut out, lines, (10.0, baseline), letters);
    out
}

/// The size of letters whose capitals are 22 pixels tall, times a scale.
fn capitals(scale: f64) -> f64 {
    22.0 * scale / paint::CAPITAL
}

/// Lines of text, the first with its feet at `at`.
fn write(picture: &mut Picture, lines: &[&str], at: (f64, f64), letters: Letters) {
    for (n, line) in lines.iter().enumerate() {
        paint::text(
            picture,
            line,
            at.0,
            at.1 + letters.size * (0.82 * n as f64 - paint::BASELINE),
            letters,
        );
    }
}

fn watermark_text(picture: &Picture) -> Picture {
    let mut out = picture.clone();
    let letters = Letters {
        size: capitals(picture.width as f64 / 500.0),
        weight: Weight::Bold,
        colour: WHITE,
        opacity: 0.6,
    };
    write(
        &mut out,
        &["SAMPLE CHANNEL @handle"; 3],
        (10.0, (picture.height / 2) as f64),
        letters,
    );
    out
}

/// A red square with a white disc in the lower right corner, of a share of the area.
fn logo(picture: &Picture, share: f64) -> Picture {
    let mut out = picture.clone();
    let side = ((picture.width * picture.height) as f64 * share).sqrt() as usize;
    let (left, top) = (
        picture.width as isize - side as isize - 8,
        picture.height as isize - side as isize - 8,
    );
    paint::rectangle(&mut out, left, top, side + 1, side + 1, [200, 30, 30]);
    let middle = (left as f64 + side as f64 / 2.0, top as f64 + side as f64 / 2.0);
    paint::disc(&mut out, middle, side as f64 / 3.0, WHITE);
    out
}

/// A smiling face in the middle, of a share of the area.
fn emoji(picture: &Picture, share: f64) -> Picture {
    let mut out = picture.clone();
    let radius = ((picture.width * picture.height) as f64 * share / std::f64::consts::PI).sqrt();
    let (x, y) = ((picture.width / 2) as f64, (picture.height / 2) as f64);
    paint::disc(&mut out, (x, y), radius, [255, 210, 0]);
    for side in [-1.0, 1.0] {
        paint::disc(
            &mut out,
            (x + side * radius / 3.0, y - radius / 4.0),
            radius / 8.0,
            BLACK,
        );
    }
    paint::smile(
        &mut out,
        (x, y + radius / 6.0),
        (radius / 2.0, radius / 3.0),
        radius / 12.0,
        BLACK,
    );
    out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Screen {
    Light,
    Dark,
}

/// A screenshot of a post: status line, author, the picture over the whole width, comments.
fn phone(picture: &Picture, screen: Screen) -> Picture {
    const WIDTH: usize = 540;
    const TOP: usize = 220;
    let shot = picture.scaled(WIDTH, picture.height * WIDTH / picture.width);
    let height = (shot.height + 300).max(1170);
    let mut page = Picture::filled(WIDTH, height, [250; 3]);
    paint::rectangle(&mut page, 0, 0, WIDTH, 60, [30; 3]);
    let ink = |size, colour| Letters {
        size,
        weight: Weight::Bold,
        colour,
        opacity: 1.0,
    };
    write(&mut page, &["12:45"], (20.0, 42.0), ink(capitals(1.0), WHITE));
    paint::disc(&mut page, (45.0, 130.0), 28.0, [90, 140, 220]);
    let dark = ink(capitals(0.8), [20; 3]);
    write(&mut page, &["some_user_01", "@handle"], (90.0, 125.0), dark);
    let below = (TOP + shot.height + 50).min(height - 120) as f64;
    write(
        &mut page,
        &["Liked by 1,204 people", "look at this one everybody", "#sample #tag"],
        (20.0, below),
        dark,
    );
    if screen == Screen::Dark {
        page = page.map(|pixel| pixel.map(|value| 255 - value));
    }
    page.paste(&shot, 0, TOP);
    page
}

fn picture_in_picture(picture: &Picture, scale: f64, backdrop: &Picture) -> Picture {
    let mut out = backdrop.scaled(picture.width, picture.height);
    let small = resized(picture, scale);
    out.paste(
        &small,
        (picture.width - small.width) / 2,
        (picture.height - small.height) / 2,
    );
    out
}

/// Filmed from a screen: from the side, unsharp, darker, with noise, saved small.
fn camcorder(picture: &Picture, chance: &mut Chance) -> Result<Picture> {
    const D: f64 = 0.06;
    let (w, h) = (picture.width as f64, picture.height as f64);
    let corners = [
        (w * D, h * D * 0.5),
        (w * (1.0 - D * 0.4), h * D),
        (w * (1.0 - D), h * (1.0 - D * 0.6)),
        (w * D * 0.5, h * (1.0 - D)),
    ];
    let back = homography(corners, [(0.0, 0.0), (w, 0.0), (w, h), (0.0, h)]);
    let seen = picture.warped([15, 15, 18], |x, y| {
        let [u, v, scale] = [0, 3, 6].map(|row| back[row] * x + back[row + 1] * y + back[row + 2]);
        (u / scale, v / scale)
    });
    let mut out = seen.blurred(1.2);
    for value in &mut out.rgb {
        let darker = (f64::from(*value) / 255.0).powf(1.25) * 235.0;
        *value = (darker + 5.0 * chance.normal()).clamp(0.0, 255.0) as u8;
    }
    jpeg(&out, 50)
}

/// The nine numbers, row by row, of the perspective that takes four points to four others.
fn homography(from: [(f64, f64); 4], to: [(f64, f64); 4]) -> [f64; 9] {
    // Two equations for each point, in eight unknowns; the ninth is 1.
    let mut rows = [[0.0; 9]; 8];
    for (n, ((x, y), (u, v))) in from.into_iter().zip(to).enumerate() {
        rows[2 * n] = [x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u];
        rows[2 * n + 1] = [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v];
    }
    for column in 0..8 {
        let largest = (column..8)
            .max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))
            .unwrap_or(column);
        rows.swap(column, largest);
        let pivot = rows[column].map(|value| value / rows[column][column]);
        rows[column] = pivot;
        for (n, row) in rows.iter_mut().enumerate() {
            if n != column {
                let factor = row[column];
                for (value, from_pivot) in row.iter_mut().zip(pivot) {
                    *value -= factor * from_pivot;
                }
            }
        }
    }
    let mut numbers = [1.0; 9];
    for (number, row) in numbers.iter_mut().zip(rows) {
        *number = row[8];
    }
    numbers
}

#[cfg(test)]
#[path = "edits_tests.rs"]
mod tests;
