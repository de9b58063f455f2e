//! What bytes are, by how they begin. Names and declared types are not believed; neither is anything further inside.

use crate::MediaType;
use crate::wire::Unsupported;

/// The type, or what else the bytes look like.
pub(super) fn media_type(bytes: &[u8]) -> Result<MediaType, Unsupported> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Ok(MediaType::Jpeg),
        [b'\x89', b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(MediaType::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Ok(MediaType::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(MediaType::WebP),
        [b'R', b'I', b'F', b'F', ..] => Err(Unsupported::Riff),
        // Two letters are too little evidence: the size of the header that follows must be one of those in use.
        [
            b'B',
            b'M',
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            _,
            12 | 16 | 40 | 52 | 56 | 64 | 108 | 124,
            0,
            0,
            0,
            ..,
        ] => Ok(MediaType::Bmp),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Ok(MediaType::Tiff),
        [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => Err(Unsupported::Jpeg2000),
        [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] | [0xff, 0x0a, ..] => Err(Unsupported::JpegXl),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => iso_media(bytes),
        [0, 0, 1 | 2, 0, ..] => Err(Unsupported::Icon),
        [b'8', b'B', b'P', b'S', ..] => Err(Unsupported::Photoshop),
        [b'%', b'P', b'D', b'F', ..] => Err(Unsupported::Pdf),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Err(Unsupported::Matroska),
        [b'O', b'g', b'g', b'S', ..] => Err(Unsupported::Ogg),
        [b'I', b'D', b'3', ..] | [0xff, 0xf2 | 0xf3 | 0xfa | 0xfb, ..] => Err(Unsupported::Mp3),
        [b'P', b'K', 3, 4, ..]
        | [0x1f, 0x8b, ..]
        | [b'R', b'a', b'r', b'!', ..]
        | [b'7', b'z', 0xbc, 0xaf, ..]
        | [0xfd, b'7', b'z', b'X', b'Z', ..]
        | [0x28, 0xb5, 0x2f, 0xfd, ..] => Err(Unsupported::Archive),
        _ => {
            let text = bytes
                .strip_prefix(&[0xef, 0xbb, 0xbf])
                .unwrap_or(bytes)
                .trim_ascii_start();
            Err(if text.starts_with(b"<") {
                Unsupported::Svg
            } else {
                Unsupported::Unknown
            })
        }
    }
}

/// The file type box: its size, its name, the major brand, a version, and the brands it is compatible with.
fn iso_media(bytes: &[u8]) -> Result<MediaType, Unsupported> {
    const BRANDS_MAX: usize = 32;
    let size_bytes = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    let brands_box = &bytes[..size_bytes.min(bytes.len())];
    let major = brands_box.get(8..12);
    let compatible = brands_box.get(16..).unwrap_or_default().chunks_exact(4);
    let brands: Vec<&[u8]> = major.into_iter().chain(compatible.take(BRANDS_MAX)).collect();
    let has = |wanted: &[&[u8; 4]]| brands.iter().any(|brand| wanted.iter().any(|wanted| brand == wanted));
    if has(&[b"avif", b"avis"]) {
        Ok(MediaType::Avif)
    } else if has(&[
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1",
    ]) {
        Ok(MediaType::Heic)
    } else {
        Err(Unsupported::IsoMedia)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_bytes_are_of_no_type() {
        let whole = b"\0\0\0\x18ftypmif1\0\0\0\0avifmiaf";
        assert_eq!(media_type(whole), Ok(MediaType::Avif));
        for end in 0..8 {
            assert_eq!(media_type(&whole[..end]), Err(Unsupported::Unknown), "{end}");
        }
        assert_eq!(media_type(&whole[..8]), Err(Unsupported::IsoMedia));
        assert_eq!(media_type(&whole[..12]), Ok(MediaType::Heic));
        for start in [
            &b"\xff"[..],
            b"\xff\xd8",
            b"GIF89",
            b"\x89PNG\r\n\x1a",
            b"RIF",
            b"BM",
            b"II",
            b"MM\0",
        ] {
            assert_eq!(media_type(start), Err(Unsupported::Unknown), "{start:?}");
        }
    }

    #[test]
    fn a_box_that_lies_about_its_size_ends_with_the_bytes() {
        assert_eq!(media_type(b"\xff\xff\xff\xffftypheic\0\0\0\0"), Ok(MediaType::Heic));
        assert_eq!(media_type(b"\0\0\0\0ftypavif\0\0\0\0"), Err(Unsupported::IsoMedia));
        assert_eq!(media_type(b"\0\0\0\x14ftypisom\0\0\0\0avif"), Ok(MediaType::Avif));
    }

    #[test]
    fn what_cannot_be_decoded_is_named() {
        let check = |bytes: &[u8], name| assert_eq!(media_type(bytes).unwrap_err().name(), name);
        check(b"\0\0\0\x14ftypisom\0\0\0\0mp42", "an MP4 or QuickTime file");
        check(b"\xef\xbb\xbf \n<svg>", "SVG or other XML");
        check(b"%PDF-1.7", "PDF");
        check(b"PK\x03\x04", "an archive");
        check(b"RIFF\0\0\0\0AVI ", "an AVI or WAV file");
        check(b"BMW is a maker of cars", "an unknown type");
    }
}
