//! PNG: small files that unfold, animations without end, headers that lie.

use flate2::Crc;

use super::{deflate, zeros};

pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let grey = |width, height| {
        png(
            width,
            height,
            8,
            0,
            &[("IDAT", &zeros(u64::from(width) * u64::from(height) + u64::from(height)))],
        )
    };
    let small = |chunks: &[(&str, &[u8])]| png(8, 8, 8, 0, chunks);
    let pixels = zeros(8 * 9);
    let text_bomb = [&b"Comment\0\0"[..], &zeros(200 << 20)].concat();
    let profile_bomb = [&b"profile\0\0"[..], &zeros(200 << 20)].concat();
    let control = |sequence: u32, width: u32, height: u32, x: u32, y: u32| {
        let mut body = Vec::new();
        [sequence, width, height, x, y]
            .iter()
            .for_each(|value| body.extend(value.to_be_bytes()));
        body.extend([0, 1, 0, 100, 2, 1]);
        body
    };
    let endless = |n: u32, width, height| {
        let mut chunks = vec![("acTL".to_owned(), [n.to_be_bytes(), [0; 4]].concat())];
        chunks.push(("fcTL".to_owned(), control(0, width, height, 0, 0)));
        let whole = zeros(u64::from(width + 1) * u64::from(height));
        chunks.push(("IDAT".to_owned(), whole));
        for i in 0..n.min(20_000) {
            chunks.push(("fcTL".to_owned(), control(2 * i + 1, 1, 1, 0, 0)));
            chunks.push(("fdAT".to_owned(), [&(2 * i + 2).to_be_bytes()[..], &zeros(2)].concat()));
        }
        let chunks: Vec<(&str, &[u8])> = chunks
            .iter()
            .map(|(name, body)| (name.as_str(), body.as_slice()))
            .collect();
        png(width, height, 8, 0, &chunks)
    };
    let outside = control(0, 8, 8, u32::MAX - 1, u32::MAX - 1);
    let many_empty: Vec<(&str, &[u8])> = vec![("IDAT", &[]); 100_000];
    let many_text: Vec<(&str, &[u8])> = vec![("tEXt", b"a\0b"); 100_000];
    vec![
        (
            "bomb-65535-squared.png",
            png(65_535, 65_535, 8, 6, &[("IDAT", &zeros(1 << 20))]),
        ),
        (
            "bomb-four-thousand-million-squared.png",
            png(u32::MAX, u32::MAX, 16, 6, &[("IDAT", &zeros(1 << 20))]),
        ),
        (
            "bomb-2-to-the-31-by-1.png",
            png(0x7fff_ffff, 1, 8, 0, &[("IDAT", &zeros(1 << 20))]),
        ),
        // As large as is accepted: 100 million pixels out of 100 KB.
        ("bomb-100-million-pixels.png", grey(10_000, 10_000)),
        // 16-bit RGBA: 800 MB for the same number of pixels.
        (
            "bomb-800-megabytes.png",
            png(10_000, 10_000, 16, 6, &[("IDAT", &zeros(100 << 20))]),
        ),
        (
            "bomb-more-rows-than-announced.png",
            png(8, 8, 8, 0, &[("IDAT", &zeros(500 << 20))]),
        ),
        (
            "bomb-in-a-comment.png",
            small(&[("zTXt", &text_bomb), ("IDAT", &pixels)]),
        ),
        (
            "bomb-in-a-profile.png",
            small(&[("iCCP", &profile_bomb), ("IDAT", &pixels)]),
        ),
        (
            "many-empty-chunks.png",
            small(&[&many_empty[..], &[("IDAT", &pixels)]].concat()),
        ),
        (
            "many-comments.png",
            small(&[&many_text[..], &[("IDAT", &pixels)]].concat()),
        ),
        ("endless.png", endless(u32::MAX, 8, 8)),
        ("endless-on-a-large-canvas.png", endless(u32::MAX, 4_000, 4_000)),
        (
            "frame-outside.png",
            small(&[
                ("acTL", &[0, 0, 0, 1, 0, 0, 0, 0]),
                ("fcTL", &outside),
                ("IDAT", &pixels),
            ]),
        ),
        (
            "animation-without-frames.png",
            small(&[("acTL", &[0; 8]), ("IDAT", &pixels)]),
        ),
        (
            "control-without-frames.png",
            small(&[("acTL", &[0, 0, 0, 9, 0, 0, 0, 0]), ("IDAT", &pixels)]),
        ),
        ("no-pixels.png", png(0, 8, 8, 0, &[("IDAT", &pixels)])),
        ("no-rows.png", png(8, 0, 8, 0, &[("IDAT", &pixels)])),
        ("three-bits.png", png(8, 8, 3, 0, &[("IDAT", &pixels)])),
        ("unknown-color.png", png(8, 8, 8, 7, &[("IDAT", &pixels)])),
        ("no-palette.png", png(8, 8, 8, 3, &[("IDAT", &pixels)])),
        (
            "palette-too-small.png",
            png(8, 8, 8, 3, &[("PLTE", &[1, 2, 3]), ("IDAT", &deflate(&[9; 72]))]),
        ),
        (
            "palette-of-a-byte.png",
            png(8, 8, 8, 3, &[("PLTE", &[1]), ("IDAT", &pixels)]),
        ),
        ("no-data.png", small(&[])),
        ("unknown-filter.png", small(&[("IDAT", &deflate(&[0xff; 72]))])),
        ("two-headers.png", small(&[("IHDR", &[0xff; 13]), ("IDAT", &pixels)])),
        ("critical-unknown.png", small(&[("ABCD", b"?"), ("IDAT", &pixels)])),
    ]
}

fn png(width: u32, height: u32, depth: u8, color: u8, chunks: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &str, body: &[u8]| {
        let mut crc = Crc::new();
        crc.update(name.as_bytes());
        crc.update(body);
        file.extend((body.len() as u32).to_be_bytes());
        file.extend(name.as_bytes());
        file.extend(body);
        file.extend(crc.sum().to_be_bytes());
    };
    chunk(
        "IHDR",
        &[
            &width.to_be_bytes()[..],
            &height.to_be_bytes(),
            &[depth, color, 0, 0, 0],
        ]
        .concat(),
    );
    for (name, body) in chunks {
        chunk(name, body);
    }
    chunk("IEND", &[]);
    file
}
