//! GIF: animations without end, frames of no size and outside of the picture.

pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
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
