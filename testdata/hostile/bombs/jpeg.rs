//! JPEG: sizes that lie, scans without end, EXIF that leads in circles.

pub(super) fn all(read: &impl Fn(&str) -> Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
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
