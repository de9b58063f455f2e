//! TIFF: directories that lead in circles, strips and tiles that lie.

use super::zeros;

pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
    const WIDTH: u16 = 256;
    const HEIGHT: u16 = 257;
    const BITS: u16 = 258;
    const COMPRESSION: u16 = 259;
    const PHOTOMETRIC: u16 = 262;
    const STRIP_OFFSETS: u16 = 273;
    const SAMPLES: u16 = 277;
    const ROWS_PER_STRIP: u16 = 278;
    const STRIP_SIZES: u16 = 279;
    const TILE_WIDTH: u16 = 322;
    const TILE_HEIGHT: u16 = 323;

    // A little-endian file of one directory at 8, each entry a 32-bit number, and its data behind.
    let tiff = |changes: &[(u16, u32, u32)], next: u32, data: &[u8]| {
        let mut entries = vec![
            (WIDTH, 1, 8),
            (HEIGHT, 1, 8),
            (BITS, 1, 8),
            (COMPRESSION, 1, 1),
            (PHOTOMETRIC, 1, 1),
            (STRIP_OFFSETS, 1, 200),
            (SAMPLES, 1, 1),
            (ROWS_PER_STRIP, 1, 8),
            (STRIP_SIZES, 1, data.len() as u32),
        ];
        for change in changes {
            entries.retain(|entry| entry.0 != change.0);
            entries.push(*change);
        }
        entries.sort_unstable();
        let mut file = b"II*\0\x08\0\0\0".to_vec();
        file.extend((entries.len() as u16).to_le_bytes());
        for (tag, count, value) in entries {
            file.extend(tag.to_le_bytes());
            file.extend(4_u16.to_le_bytes());
            file.extend(count.to_le_bytes());
            file.extend(value.to_le_bytes());
        }
        file.extend(next.to_le_bytes());
        file.resize(200, 0);
        file.extend(data);
        file
    };
    let grey = [0x80; 64];
    let large = 65_535;
    vec![
        ("one-directory.tif", tiff(&[], 0, &grey)),
        ("directory-loop.tif", tiff(&[], 8, &grey)),
        ("directory-outside.tif", b"II*\0\xff\xff\xff\xff".to_vec()),
        ("directory-of-itself.tif", b"II*\0\0\0\0\0".to_vec()),
        ("directory-of-65535.tif", b"II*\0\x08\0\0\0\xff\xff".to_vec()),
        (
            "bomb-65535-squared.tif",
            tiff(
                &[(WIDTH, 1, large), (HEIGHT, 1, large), (ROWS_PER_STRIP, 1, large)],
                0,
                &grey,
            ),
        ),
        (
            "bomb-four-thousand-million-squared.tif",
            tiff(&[(WIDTH, 1, u32::MAX), (HEIGHT, 1, u32::MAX)], 0, &grey),
        ),
        (
            "bomb-100-million-pixels.tif",
            tiff(
                &[
                    (WIDTH, 1, 10_000),
                    (HEIGHT, 1, 10_000),
                    (ROWS_PER_STRIP, 1, 10_000),
                    (COMPRESSION, 1, 8),
                ],
                0,
                &zeros(100_000_000),
            ),
        ),
        ("bomb-deflate.tif", tiff(&[(COMPRESSION, 1, 8)], 0, &zeros(500 << 20))),
        (
            "bomb-strips.tif",
            tiff(
                &[(STRIP_OFFSETS, u32::MAX, 200), (STRIP_SIZES, u32::MAX, 200)],
                0,
                &grey,
            ),
        ),
        ("bomb-samples.tif", tiff(&[(SAMPLES, 1, 65_535)], 0, &grey)),
        ("bomb-bits.tif", tiff(&[(BITS, 1, 65_535)], 0, &grey)),
        (
            "bomb-tiles.tif",
            tiff(&[(TILE_WIDTH, 1, u32::MAX), (TILE_HEIGHT, 1, u32::MAX)], 0, &grey),
        ),
        (
            "tiles-of-no-size.tif",
            tiff(&[(TILE_WIDTH, 1, 0), (TILE_HEIGHT, 1, 0)], 0, &grey),
        ),
        ("strip-outside.tif", tiff(&[(STRIP_OFFSETS, 1, u32::MAX)], 0, &grey)),
        ("strip-too-long.tif", tiff(&[(STRIP_SIZES, 1, u32::MAX)], 0, &grey)),
        ("strip-is-the-directory.tif", tiff(&[(STRIP_OFFSETS, 1, 8)], 0, &grey)),
        ("rows-of-none.tif", tiff(&[(ROWS_PER_STRIP, 1, 0)], 0, &grey)),
        ("no-pixels.tif", tiff(&[(WIDTH, 1, 0), (HEIGHT, 1, 0)], 0, &grey)),
        ("no-samples.tif", tiff(&[(SAMPLES, 1, 0)], 0, &grey)),
        ("unknown-compression.tif", tiff(&[(COMPRESSION, 1, 65_000)], 0, &grey)),
        ("lzw-garbage.tif", tiff(&[(COMPRESSION, 1, 5)], 0, &[0xff; 64])),
        (
            "jpeg-garbage.tif",
            tiff(&[(COMPRESSION, 1, 7), (PHOTOMETRIC, 1, 6), (SAMPLES, 1, 3)], 0, &grey),
        ),
        (
            "fax-garbage.tif",
            tiff(&[(COMPRESSION, 1, 4), (BITS, 1, 1)], 0, &[0x55; 64]),
        ),
        (
            "packbits-past-the-end.tif",
            tiff(&[(COMPRESSION, 1, 32_773)], 0, &[0x7f, 1, 2]),
        ),
        (
            "big-loop.tif",
            b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0".to_vec(),
        ),
        (
            "big-outside.tif",
            b"MM\0+\0\x08\0\0\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        ),
    ]
}
