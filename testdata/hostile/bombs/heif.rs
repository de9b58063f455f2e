//! AVIF and HEIC: boxes in boxes, grids of themselves, sizes that lie.

pub(super) fn all(read: &impl Fn(&str) -> Vec<u8>) -> Vec<(&'static str, Vec<u8>)> {
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
