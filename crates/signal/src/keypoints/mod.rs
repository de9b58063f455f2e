//! Keypoints: small distinctive places of a picture, by which a part of it is found again however it was cropped, turned, shrunk or pasted.
//!
//! Each has a place, a size, a direction and a code of 256 bits. Two pictures show the same thing where many keypoints of one look like those of
//! the other *and* lie to each other as those do: see [`align`].

mod describe;
mod memory;
pub(crate) mod repeats;
mod scale_space;

pub mod align;
pub mod verify;

use crate::luma::Luma;
use crate::pdq::Pdq;
use memory::Memory;
use scale_space::{Blob, ScaleSpace};
use std::cell::Cell;

/// Bits within which two keypoints look alike.
pub const ALIKE_BITS_MAX: u32 = 31;

/// A distinctive place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keypoint {
    /// What it looks like.
    pub code: Pdq,
    /// What it looks like in a mirror.
    pub mirrored: Pdq,
    /// Where and how it lies.
    pub place: Place,
}

/// Where a keypoint lies in its picture, in pixels of it from its edges, so that it stays true when the picture is resized.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// From the left.
    pub x: f32,
    /// From the top.
    pub y: f32,
    /// Its size: the blur at which it stands out most.
    pub sigma: f32,
    /// Its direction in radians, clockwise from the right.
    pub direction: f32,
}

thread_local! {
    /// Some ten megabytes, and only in threads that look for keypoints: those of workers.
    static MEMORY: Cell<Memory> = Cell::default();
}

/// The `max` most distinctive keypoints of a picture, the strongest first.
pub fn find(picture: &Luma, max: usize) -> Vec<Keypoint> {
    let mut memory = MEMORY.take();
    let found = find_with(picture, max, &mut memory);
    MEMORY.set(memory);
    found
}

fn find_with(picture: &Luma, max: usize, memory: &mut Memory) -> Vec<Keypoint> {
    #[cfg(target_arch = "x86_64")]
    {
        if std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512vl") {
            #[expect(unsafe_code, reason = "a function compiled for features of this processor")]
            // SAFETY: the processor has the features that the function is compiled for.
            return unsafe { find_avx512(picture, max, memory) };
        }
        if std::is_x86_feature_detected!("avx2") {
            #[expect(unsafe_code, reason = "a function compiled for features of this processor")]
            // SAFETY: the processor has the feature that the function is compiled for.
            return unsafe { find_avx2(picture, max, memory) };
        }
    }
    find_anywhere(picture, max, memory)
}

/// The same sums in the same order, so the same keypoints.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn find_avx2(picture: &Luma, max: usize, memory: &mut Memory) -> Vec<Keypoint> {
    find_anywhere(picture, max, memory)
}

/// And these.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,avx512f,avx512vl")]
fn find_avx512(picture: &Luma, max: usize, memory: &mut Memory) -> Vec<Keypoint> {
    find_anywhere(picture, max, memory)
}

#[inline(always)]
fn find_anywhere(picture: &Luma, max: usize, memory: &mut Memory) -> Vec<Keypoint> {
    let space = ScaleSpace::new(picture, memory);
    let strength = |blob: &Blob| blob.contrast * blob.sigma.powf(0.5);
    let with_strength = |blob: Blob| (strength(&blob), blob);
    let mut blobs: Vec<(f32, Blob)> = space.blobs(memory).into_iter().map(with_strength).collect();
    blobs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut found = Vec::with_capacity(max);
    for (_, blob) in &blobs {
        for direction in describe::directions(&space, blob) {
            let (code, mirrored) = describe::describe(&space, blob, direction);
            found.push(Keypoint {
                code,
                mirrored,
                place: Place {
                    // A blob lies at the middle of a pixel, a place counts from the picture's edge.
                    x: blob.x + 0.5,
                    y: blob.y + 0.5,
                    sigma: blob.sigma,
                    direction,
                },
            });
        }
        if found.len() >= max {
            break;
        }
    }
    found.truncate(max);
    space.end(memory);
    found
}

/// Keypoints of a picture that may look like one that is kept.
const TWINS_MAX: usize = 2;

/// Those of a picture's keypoints that look like few others of it. The knots of a weave, the tiles of a wall and the letters of a text look like those of any
/// other; they say nothing of which picture it is.
pub fn distinctive(points: &[Keypoint]) -> impl Iterator<Item = &Keypoint> {
    points.iter().filter(|point| {
        let like_it = points.iter().filter(|other| {
            other.code.distance(point.code) <= ALIKE_BITS_MAX || other.mirrored.distance(point.code) <= ALIKE_BITS_MAX
        });
        // It looks like itself.
        like_it.take(1 + TWINS_MAX + 1).count() <= 1 + TWINS_MAX
    })
}

impl Place {
    /// The same place in a picture resized so.
    pub fn scaled(self, by: f32) -> Self {
        Self {
            x: self.x * by,
            y: self.y * by,
            sigma: self.sigma * by,
            direction: self.direction,
        }
    }
}

#[cfg(test)]
mod tests;
