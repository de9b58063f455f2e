//! Files built by hand to exhaust a decoder's memory, time or stack, or to lead it in circles.

mod bmp;
mod gif;
mod heif;
mod jpeg;
mod png;
mod tiff;
mod webp;

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// Each with its name. `read` gives a sample's bytes.
pub(super) fn all(read: impl Fn(&str) -> Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = Vec::new();
    files.extend(png::all());
    files.extend(jpeg::all(&read));
    files.extend(gif::all());
    files.extend(tiff::all());
    files.extend(bmp::all());
    files.extend(webp::all(&read));
    files.extend(heif::all(&read));
    files.extend([
        ("empty.jpg", Vec::new()),
        ("one-byte.png", vec![0x89]),
        ("zeros.jpg", vec![0; 1 << 20]),
        ("ones.gif", vec![0xff; 1 << 20]),
        ("magic-only.jpg", vec![0xff, 0xd8, 0xff]),
        ("magic-only.gif", b"GIF89a".to_vec()),
        ("magic-only.webp", b"RIFF\0\0\0\0WEBP".to_vec()),
        ("magic-only.tif", b"II*\0".to_vec()),
    ]);
    files
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .unwrap_or_default()
}

/// Compressed zeros, a thousandth of their size.
fn zeros(n: u64) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let block = [0; 1 << 16];
    let mut left = n;
    while left > 0 {
        let now = left.min(block.len() as u64) as usize;
        encoder.write_all(&block[..now]).unwrap_or_default();
        left -= now as u64;
    }
    encoder.finish().unwrap_or_default()
}
