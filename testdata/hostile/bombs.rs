//! Files built by hand to exhaust a decoder's memory, time or stack, or to lead it in circles.

use std::io::Write as _;

use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};

/// Each with its name. `read` gives a sample's bytes.
pub(super) fn all(read: impl Fn(&str) -> Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    let mut files = Vec::new();
    files.extend(pngs());
    files.extend(jpegs(&read));
    files.extend(gifs());
    files.extend(tiffs());
    files.extend(bmps());
    files.extend(webps(&read));
    files.extend(heifs(&read));
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

// ---- PNG

fn pngs() -> Vec<(&'static str, Vec<u8>)> {
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

// ---- JPEG

fn jpegs(read: &impl Fn(&str) -> Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    let (baseline, progressive, turned) = (read("420.jpg"), read("progressive.jpg"), read("turned-6.jpg"));
    let with_size = |jpeg: &[u8], width: u16, height: u16| {
        let mut jpeg = jpeg.to_vec();
        let frame = find(&jpeg, |two| matches!(two, [0xff, 0xc0 | 0xc2]));
        jpeg[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
        jpeg[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
        jpeg
    };
    let scan_at = |jpeg: &[u8]| find(jpeg, |two| two == [0xff, 0xda]);
    // Every scan visits every block of the picture again: cheap to write, dear to read.
    let many_scans = |width, height, n: usize| {
        let jpeg = with_size(&progressive, width, height);
        let start = scan_at(&jpeg);
        let header_bytes = usize::from(u16::from_be_bytes([jpeg[start + 2], jpeg[start + 3]])) + 2;
        let scan = [&jpeg[start..start + header_bytes], &[0; 8][..]].concat();
        [&jpeg[..start], &scan.repeat(n), &[0xff, 0xd9]].concat()
    };
    let with_segment = |marker: u8, body: &[u8]| {
        let size = (body.len() as u16 + 2).to_be_bytes();
        [&baseline[..2], &[0xff, marker], &size, body, &baseline[2..]].concat()
    };
    let exif = |tiff: &[u8]| with_segment(0xe1, &[b"Exif\0\0", tiff].concat());
    let loop_ifd = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\x08\0\0\0";
    let loop_sub_ifd = b"II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0";
    let huge_count = b"II*\0\x08\0\0\0\xff\xff\x12\x01\x03\0\xff\xff\xff\xff\xff\xff\xff\xff";
    let mut wild_orientation = turned.clone();
    if let Some(tag) = turned
        .windows(4)
        .position(|window| window == b"\x12\x01\x03\x00" || window == b"\x01\x12\x00\x03")
    {
        wild_orientation[tag + 8..tag + 12].fill(0xff);
    }
    let scan = scan_at(&baseline);
    vec![
        ("bomb-65535-squared.jpg", with_size(&baseline, 65_535, 65_535)),
        (
            "bomb-65535-squared-progressive.jpg",
            with_size(&progressive, 65_535, 65_535),
        ),
        ("bomb-100-million-pixels.jpg", with_size(&baseline, 10_000, 10_000)),
        (
            "bomb-100-million-pixels-progressive.jpg",
            with_size(&progressive, 10_000, 10_000),
        ),
        ("bomb-many-scans.jpg", many_scans(2_000, 2_000, 3_000)),
        ("bomb-many-scans-large.jpg", many_scans(8_000, 8_000, 20_000)),
        ("no-width.jpg", with_size(&baseline, 0, 80)),
        ("no-height.jpg", with_size(&baseline, 120, 0)),
        ("one-wide.jpg", with_size(&baseline, 1, 65_535)),
        ("exif-loop.jpg", exif(loop_ifd)),
        ("exif-loop-below.jpg", exif(loop_sub_ifd)),
        ("exif-huge-count.jpg", exif(huge_count)),
        ("exif-offset-outside.jpg", exif(b"MM\0*\xff\xff\xff\xff")),
        ("exif-empty.jpg", exif(b"")),
        ("exif-wild-orientation.jpg", wild_orientation),
        (
            "segment-of-no-size.jpg",
            [&baseline[..2], &[0xff, 0xe5, 0, 0], &baseline[2..]].concat(),
        ),
        (
            "segment-past-the-end.jpg",
            [&baseline[..2], &[0xff, 0xe5, 0xff, 0xff], &baseline[2..40]].concat(),
        ),
        ("tables-missing.jpg", [&baseline[..2], &baseline[scan..]].concat()),
        ("frame-twice.jpg", [&baseline[..scan], &baseline[2..]].concat()),
        (
            "many-comments.jpg",
            [&baseline[..2], &b"\xff\xfe\0\x03x".repeat(200_000), &baseline[2..]].concat(),
        ),
        (
            "many-fill-bytes.jpg",
            [&baseline[..2], &[0xff; 1 << 20][..], &baseline[3..]].concat(),
        ),
        ("restart-every-block.jpg", with_segment(0xdd, &[0, 1])),
        (
            "huffman-of-ones.jpg",
            with_segment(0xc4, &[&[0][..], &[0xff; 16], &[0xff; 255]].concat()),
        ),
        ("only-end.jpg", vec![0xff, 0xd8, 0xff, 0xd9]),
    ]
}

fn find(bytes: &[u8], matches: impl Fn(&[u8]) -> bool) -> usize {
    bytes.windows(2).position(matches).unwrap_or_default()
}

// ---- GIF

fn gifs() -> Vec<(&'static str, Vec<u8>)> {
    let head = |width: u16, height: u16| {
        let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
        [b"GIF89a", &size[..], b"\x80\0\0\0\0\0\xff\xff\xff"].concat()
    };
    let frame = |x: u16, y: u16, width: u16, height: u16, data: &[u8]| {
        let place = [x, y, width, height].map(u16::to_le_bytes).concat();
        [b"!\xf9\x04\x08\0\0\0\0,", &place[..], b"\0", data].concat()
    };
    let pixel = b"\x02\x02D\x01\0";
    let one = frame(0, 0, 1, 1, pixel);
    let whole = |parts: &[&[u8]]| [&parts.concat()[..], b";"].concat();
    // A code that clears the table again and again, never a pixel.
    let clears = [&b"\x02"[..], &[&[0xff][..], &[0x24; 255]].concat().repeat(2_000), b"\0"].concat();
    vec![
        ("endless.gif", [&head(16, 16)[..], &one.repeat(200_000)].concat()),
        (
            "endless-on-a-large-canvas.gif",
            [&head(4_000, 4_000)[..], &one.repeat(50_000)].concat(),
        ),
        (
            "endless-extensions.gif",
            [&head(1, 1)[..], &b"!\xfe\x01x\0".repeat(500_000)].concat(),
        ),
        (
            "endless-sub-blocks.gif",
            [&head(1, 1)[..], b"!\xfe", &b"\x01x".repeat(1_000_000)].concat(),
        ),
        (
            "endless-clears.gif",
            whole(&[&head(2_000, 2_000), &frame(0, 0, 2_000, 2_000, &clears)]),
        ),
        ("bomb-65535-squared.gif", whole(&[&head(65_535, 65_535), &one])),
        (
            "bomb-65535-squared-frame.gif",
            whole(&[&head(1, 1), &frame(0, 0, 65_535, 65_535, pixel)]),
        ),
        (
            "bomb-100-million-pixels.gif",
            whole(&[&head(10_000, 10_000), &one.repeat(50)]),
        ),
        ("no-pixels.gif", whole(&[&head(0, 0), &one])),
        (
            "frame-of-no-size.gif",
            whole(&[&head(4, 4), &frame(0, 0, 0, 0, pixel), &one]),
        ),
        (
            "frame-of-no-size-later.gif",
            whole(&[&head(4, 4), &one, &frame(0, 0, 0, 5, pixel), &one]),
        ),
        (
            "frame-outside.gif",
            whole(&[&head(4, 4), &frame(65_535, 65_535, 4, 4, pixel)]),
        ),
        (
            "frame-half-outside.gif",
            whole(&[&head(4, 4), &frame(2, 2, 4, 4, pixel)]),
        ),
        ("no-frames.gif", whole(&[&head(4, 4)])),
        ("no-data.gif", whole(&[&head(4, 4), &frame(0, 0, 4, 4, b"\x02\0")])),
        (
            "code-of-no-bits.gif",
            whole(&[&head(4, 4), &frame(0, 0, 4, 4, b"\0\x01\0\0")]),
        ),
        (
            "code-of-255-bits.gif",
            whole(&[&head(4, 4), &frame(0, 0, 4, 4, b"\xff\x01\0\0")]),
        ),
        (
            "code-unknown.gif",
            whole(&[&head(4, 4), &frame(0, 0, 4, 4, b"\x02\x04\xff\xff\xff\xff\0")]),
        ),
        (
            "no-colours.gif",
            whole(&[b"GIF89a\x04\0\x04\0\0\0\0", &frame(0, 0, 4, 4, pixel)]),
        ),
        (
            "script.gif",
            b"GIF89a/*\x01\0\x80\0\0\0\0\0\xff\xff\xff*/=1;alert(1)//".to_vec(),
        ),
    ]
}

// ---- TIFF

fn tiffs() -> Vec<(&'static str, Vec<u8>)> {
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

// ---- BMP

fn bmps() -> Vec<(&'static str, Vec<u8>)> {
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

// ---- WebP

fn webps(read: &impl Fn(&str) -> Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    let chunk = |name: &[u8; 4], body: &[u8]| {
        let padding = &[0][..body.len() % 2];
        [&name[..], &(body.len() as u32).to_le_bytes(), body, padding].concat()
    };
    let riff = |chunks: &[Vec<u8>]| {
        let body = [b"WEBP".to_vec(), chunks.concat()].concat();
        [b"RIFF", &(body.len() as u32).to_le_bytes()[..], &body].concat()
    };
    let three = |value: u32| value.to_le_bytes()[..3].to_vec();
    let extended = |flags: u8, width: u32, height: u32| {
        chunk(
            b"VP8X",
            &[vec![flags, 0, 0, 0], three(width - 1), three(height - 1)].concat(),
        )
    };
    let loops = chunk(b"ANIM", &[0; 6]);
    let lossless = read("lossless.webp")[12..].to_vec();
    let frame = |x: u32, y: u32, width: u32, height: u32, picture: &[u8]| {
        let place = [
            three(x),
            three(y),
            three(width - 1),
            three(height - 1),
            three(0),
            vec![0],
        ]
        .concat();
        chunk(b"ANMF", &[&place[..], picture].concat())
    };
    let one_pixel = chunk(
        b"VP8L",
        &[0x2f, 0, 0, 0, 0x10, 0x07, 0x10, 0x11, 0x11, 0x88, 0x88, 0xfe, 0x07, 0],
    );
    let huge_lossless = chunk(b"VP8L", &[&[0x2f, 0xff, 0xff, 0xff, 0x0f][..], &[0x55; 256]].concat());
    let huge_lossy = chunk(
        b"VP8 ",
        &[
            &[0x10, 0x10, 0, 0x9d, 1, 0x2a, 0xff, 0x3f, 0xff, 0x3f][..],
            &[0x55; 256],
        ]
        .concat(),
    );
    let mut lying_size = read("lossy.webp");
    lying_size[4..8].fill(0xff);
    let mut lying_chunk = read("lossy.webp");
    lying_chunk[16..20].fill(0xff);
    let many = [
        vec![extended(2, 16, 16), loops.clone()],
        vec![frame(0, 0, 1, 1, &one_pixel); 50_000],
    ]
    .concat();
    let many_large = [
        vec![extended(2, 4_000, 4_000), loops.clone()],
        vec![frame(0, 0, 1, 1, &one_pixel); 20_000],
    ]
    .concat();
    vec![
        (
            "bomb-largest-canvas.webp",
            riff(&[
                extended(2, 1 << 24, 1 << 24),
                loops.clone(),
                frame(0, 0, 1, 1, &one_pixel),
            ]),
        ),
        ("bomb-16383-squared-lossless.webp", riff(&[huge_lossless])),
        ("bomb-16383-squared-lossy.webp", riff(&[huge_lossy])),
        ("endless.webp", riff(&many)),
        ("endless-on-a-large-canvas.webp", riff(&many_large)),
        (
            "frame-outside.webp",
            riff(&[
                extended(2, 16, 16),
                loops.clone(),
                frame(1 << 20, 1 << 20, 120, 80, &lossless),
            ]),
        ),
        (
            "frame-larger-than-canvas.webp",
            riff(&[extended(2, 16, 16), loops.clone(), frame(0, 0, 120, 80, &lossless)]),
        ),
        (
            "frame-that-lies.webp",
            riff(&[extended(2, 240, 160), loops.clone(), frame(0, 0, 240, 160, &lossless)]),
        ),
        ("animation-without-frames.webp", riff(&[extended(2, 16, 16), loops])),
        ("only-a-canvas.webp", riff(&[extended(0, 16, 16)])),
        (
            "alpha-without-picture.webp",
            riff(&[extended(0x10, 16, 16), chunk(b"ALPH", &[1, 0, 0])]),
        ),
        ("empty-chunks.webp", riff(&vec![chunk(b"XXXX", &[]); 100_000])),
        ("lying-size.webp", lying_size),
        ("lying-chunk.webp", lying_chunk),
    ]
}

// ---- AVIF and HEIC

fn heifs(read: &impl Fn(&str) -> Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
    let (avif, heic) = (read("420.avif"), read("420.heic"));
    let bx = |name: &[u8; 4], body: &[u8]| [&(body.len() as u32 + 8).to_be_bytes()[..], name, body].concat();
    let full = |name: &[u8; 4], body: &[u8]| bx(name, &[&[0; 4], body].concat());
    let start = bx(b"ftyp", b"heic\0\0\0\0mif1heic");
    let with = |file: &[u8], property: &[u8; 4], at: usize, bytes: &[u8]| {
        let mut file = file.to_vec();
        if let Some(found) = file.windows(4).position(|window| window == property) {
            file[found + 4 + at..][..bytes.len()].copy_from_slice(bytes);
        }
        file
    };
    let mut nested = Vec::new();
    for _ in 0..20_000 {
        nested = [&((nested.len() as u32) + 8).to_be_bytes()[..], b"moov", &nested].concat();
        if nested.len() > 4_000_000 {
            break;
        }
    }

    // A grid of 256 by 256 tiles that are all the same picture: items 1 (the grid) and 2 (the tile), or the grid itself.
    let grid = |tile: u16, width: u16, height: u16| {
        let item = |id: u16, kind: &[u8; 4]| {
            bx(
                b"infe",
                &[&[2, 0, 0, 0][..], &id.to_be_bytes(), &[0, 0], kind, &[0]].concat(),
            )
        };
        let grid_data = [&[0, 0, 255, 255][..], &width.to_be_bytes(), &height.to_be_bytes()].concat();
        let n_tiles: u16 = 65_535;
        let meta = full(
            b"meta",
            &[
                full(b"hdlr", b"\0\0\0\0pict\0\0\0\0\0\0\0\0\0\0\0\0\0"),
                full(b"pitm", &[0, 1]),
                full(b"iinf", &[&[0, 2][..], &item(1, b"grid"), &item(2, b"hvc1")].concat()),
                full(
                    b"iref",
                    &bx(
                        b"dimg",
                        &[
                            &[0, 1][..],
                            &n_tiles.to_be_bytes(),
                            &tile.to_be_bytes().repeat(n_tiles.into()),
                        ]
                        .concat(),
                    ),
                ),
                bx(
                    b"iprp",
                    &[
                        bx(
                            b"ipco",
                            &full(
                                b"ispe",
                                &[
                                    0,
                                    0,
                                    width.to_be_bytes()[0],
                                    width.to_be_bytes()[1],
                                    0,
                                    0,
                                    height.to_be_bytes()[0],
                                    height.to_be_bytes()[1],
                                ],
                            ),
                        ),
                        full(b"ipma", &[0, 0, 0, 2, 0, 1, 1, 1, 0, 2, 1, 1]),
                    ]
                    .concat(),
                ),
                // Both items lie in the box of data below, in whole.
                [&bx(
                    b"iloc",
                    &[
                        &[1, 0, 0, 0, 0x44, 0, 0, 2][..],
                        &[0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8],
                        &[0, 2, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 8],
                    ]
                    .concat(),
                )[..]]
                .concat(),
                bx(b"idat", &grid_data),
            ]
            .concat(),
        );
        [start.clone(), meta].concat()
    };
    let largest = [0xff; 8];
    vec![
        ("bomb-largest.avif", with(&avif, b"ispe", 4, &largest)),
        ("bomb-largest.heic", with(&heic, b"ispe", 4, &largest)),
        (
            "bomb-100-million-pixels.avif",
            with(&avif, b"ispe", 4, &[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]),
        ),
        (
            "bomb-100-million-pixels.heic",
            with(&heic, b"ispe", 4, &[0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10]),
        ),
        ("no-pixels.avif", with(&avif, b"ispe", 4, &[0; 8])),
        ("no-pixels.heic", with(&heic, b"ispe", 4, &[0; 8])),
        ("no-configuration.avif", with(&avif, b"av1C", 0, &[0; 4])),
        ("no-configuration.heic", with(&heic, b"hvcC", 0, &[0; 22])),
        ("location-outside.avif", with(&avif, b"iloc", 4, &[0xff; 20])),
        ("location-outside.heic", with(&heic, b"iloc", 4, &[0xff; 20])),
        ("wrong-codec.avif", with(&avif, b"av01", 0, b"")),
        ("grid-bomb.heic", grid(2, 10_000, 10_000)),
        ("grid-of-itself.heic", grid(1, 10_000, 10_000)),
        ("nested.heic", [start.clone(), nested].concat()),
        ("only-a-type.heic", start.clone()),
        ("box-of-no-size.heic", [&start[..], &[0; 8]].concat()),
        (
            "boxes-without-end.heic",
            [start.clone(), bx(b"free", b"").repeat(200_000)].concat(),
        ),
        (
            "largest-box.heic",
            [&start[..], b"\0\0\0\x01meta\xff\xff\xff\xff\xff\xff\xff\xff"].concat(),
        ),
    ]
}
