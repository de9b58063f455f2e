//! BMP: sizes and run lengths that lie.

pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let bmp = |width: i32, height: i32, bits: u16, compression: u32, colours: u32, data: &[u8]| {
        let mut file = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
        file.extend(width.to_le_bytes());
        file.extend(height.to_le_bytes());
        file.extend(1_u16.to_le_bytes());
        file.extend(bits.to_le_bytes());
        file.extend(compression.to_le_bytes());
        file.extend([0; 12]);
        file.extend(colours.to_le_bytes());
        file.extend([0; 4]);
        file.extend(data);
        file
    };
    let palette = [0x40; 1024];
    let rle = |codes: &[u8]| [&palette[..], codes].concat();
    vec![
        ("bomb-65535-squared.bmp", bmp(65_535, 65_535, 24, 0, 0, &[0; 64])),
        ("bomb-largest.bmp", bmp(i32::MAX, i32::MAX, 32, 0, 0, &[0; 64])),
        ("bomb-100-million-pixels.bmp", bmp(10_000, 10_000, 24, 0, 0, &[0; 64])),
        (
            "bomb-100-million-pixels-rle.bmp",
            bmp(10_000, 10_000, 8, 1, 256, &rle(&[0xff, 1].repeat(400_000))),
        ),
        ("lowest-height.bmp", bmp(8, i32::MIN, 24, 0, 0, &[0; 64])),
        ("negative-width.bmp", bmp(-8, 8, 24, 0, 0, &[0; 64])),
        ("upside-down-short.bmp", bmp(8, -8, 24, 0, 0, &[0; 64])),
        ("no-pixels.bmp", bmp(0, 0, 24, 0, 0, &[])),
        ("five-bits.bmp", bmp(8, 8, 5, 0, 0, &[0; 64])),
        ("colours-without-end.bmp", bmp(8, 8, 8, 0, u32::MAX, &[0; 64])),
        (
            "rle-past-the-row.bmp",
            bmp(8, 8, 8, 1, 256, &rle(&[0xff, 1, 0, 2, 0xff, 0xff, 0xff, 2, 0, 1])),
        ),
        (
            "rle-jump-outside.bmp",
            bmp(8, 8, 8, 1, 256, &rle(&[0, 2, 0xff, 0xff].repeat(10_000))),
        ),
        ("rle-4-odd.bmp", bmp(9, 8, 4, 2, 16, &rle(&[0, 0xff, 1, 2, 3]))),
        ("jpeg-inside.bmp", bmp(8, 8, 0, 4, 0, &[0xff, 0xd8, 0xff])),
        ("masks-of-nothing.bmp", bmp(8, 8, 16, 3, 0, &[0; 200])),
        ("masks-that-overlap.bmp", bmp(8, 8, 32, 3, 0, &[0xff; 400])),
        ("unknown-compression.bmp", bmp(8, 8, 24, 99, 0, &[0; 64])),
    ]
}
