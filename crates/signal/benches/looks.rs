//! What the looks of a picture cost, step by step: `cargo bench -p signal --bench looks`.

use divan::{Bencher, black_box};
use signal::pdq::RgbImage;
use signal::{Looks, Luma, keypoints, views};

fn main() {
    divan::main();
}

/// A 1080p picture with detail of many sizes: sums of waves, no two periods alike.
fn picture() -> Vec<u8> {
    let wave = |x: f32, y: f32| {
        let mut sum = 0.0;
        for n in 1..12 {
            let n = n as f32;
            sum +=
                ((x * (0.7 + 0.31 * n) + y * (1.3 - 0.17 * n)) * 0.011 * n).sin() * ((x - 2.0 * y) * 0.0041 * n).cos();
        }
        (127.0 + 18.0 * sum) as u8
    };
    let pixels = (0..1080).flat_map(|y| (0..1920).map(move |x| wave(x as f32, y as f32)));
    pixels.flat_map(|grey| [grey, grey / 2 + 60, 255 - grey]).collect()
}

#[divan::bench]
fn reduce(bencher: Bencher) {
    let rgb = picture();
    let image = RgbImage::new(1920, 1080, &rgb).unwrap();
    bencher.bench_local(|| Luma::reduce(black_box(image), Luma::WORK_SIDE));
}

#[divan::bench]
fn parts(bencher: Bencher) {
    let rgb = picture();
    let luma = Luma::reduce(RgbImage::new(1920, 1080, &rgb).unwrap(), Luma::WORK_SIDE);
    bencher.bench_local(|| views::parts(black_box(&luma)));
}

#[divan::bench]
fn keypoints(bencher: Bencher) {
    let rgb = picture();
    let luma = Luma::reduce(RgbImage::new(1920, 1080, &rgb).unwrap(), Luma::WORK_SIDE);
    bencher.bench_local(|| keypoints::find(black_box(&luma), 128));
}

#[divan::bench]
fn all(bencher: Bencher) {
    let rgb = picture();
    let image = RgbImage::new(1920, 1080, &rgb).unwrap();
    bencher.bench_local(|| Looks::of(black_box(image)));
}
