//! Any pixels of any small size: there is always a hash, its quality is a percentage, and the first of the eight dihedral hashes is
//! that of the picture as it is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signal::pdq::{RgbImage, hash_rgb, hash_rgb_dihedral};

/// Enough for every path (up-scaling, windows, uneven blocks) and small enough for many runs a second.
const SIDE_MAX: usize = 300;

fuzz_target!(|input: (u16, u16, &[u8])| {
    let (width, height, seed) = input;
    let (width, height) = (usize::from(width) % SIDE_MAX + 1, usize::from(height) % SIDE_MAX + 1);
    let n_bytes = width * height * 3;
    let pixels: Vec<u8> = if seed.is_empty() {
        vec![0; n_bytes]
    } else {
        seed.iter().copied().cycle().take(n_bytes).collect()
    };

    let image = RgbImage::new(width as u32, height as u32, &pixels).expect("the buffer has the size of the image");
    let plain = hash_rgb(image);
    assert!(plain.quality <= 100);
    assert_eq!(hash_rgb_dihedral(image)[0].hash, plain.hash);

    assert!(RgbImage::new(width as u32 + 1, height as u32, &pixels).is_err());
});
