//! How long a hash takes: the quick way on a photo-like picture, the reference's order on a flat one.

use divan::{Bencher, black_box};
use signal::pdq::{self, LumaImage, RgbImage};

fn main() {
    divan::main();
}

const SIZES: [(u32, u32); 4] = [(256, 256), (1280, 720), (1920, 1080), (3840, 2160)];

/// Rings of many widths: structure at every frequency, no ties.
fn picture(width: u32, height: u32, channels: u32) -> Vec<u8> {
    let number = |n: u32| {
        let (x, y) = (n / channels % width, n / channels / width);
        ((x * x / 97 + y * y / 31 + x * y / 53 + n % channels * 40) >> 3) as u8
    };
    (0..width * height * channels).map(number).collect()
}

#[divan::bench(args = SIZES)]
fn rgb(bencher: Bencher, (width, height): (u32, u32)) {
    let pixels = picture(width, height, 3);
    let image = RgbImage::new(width, height, &pixels).unwrap();
    bencher.bench_local(|| pdq::hash_rgb(black_box(image)));
}

#[divan::bench(args = SIZES)]
fn rgb_dihedral(bencher: Bencher, (width, height): (u32, u32)) {
    let pixels = picture(width, height, 3);
    let image = RgbImage::new(width, height, &pixels).unwrap();
    bencher.bench_local(|| pdq::hash_rgb_dihedral(black_box(image)));
}

#[divan::bench(args = SIZES)]
fn luma(bencher: Bencher, (width, height): (u32, u32)) {
    let pixels = picture(width, height, 1);
    let image = LumaImage::new(width, height, &pixels).unwrap();
    bencher.bench_local(|| pdq::hash_luma(black_box(image)));
}

#[divan::bench(args = SIZES)]
fn flat_rgb(bencher: Bencher, (width, height): (u32, u32)) {
    let pixels = vec![77; (width * height * 3) as usize];
    let image = RgbImage::new(width, height, &pixels).unwrap();
    bencher.bench_local(|| pdq::hash_rgb(black_box(image)));
}
