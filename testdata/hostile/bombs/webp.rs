//! WebP: chunks that lie, frames that do not fit.

pub(super) fn all(read: &impl Fn(&str) -> Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
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
