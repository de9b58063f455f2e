//! What bytes look like: a video or sound, or something for the picture worker?

use super::wire::CONTAINERS;

/// As many bytes of a file as decide.
pub const SNIFF_BYTES: usize = 512;

const TS_PACKET: usize = 188;
/// Blu-ray's, with a time stamp before each.
const M2TS_PACKET: usize = 192;
/// Where the name of the kind of Matroska stands, at the latest.
const DOC_TYPE_BYTES: usize = 64;

/// Whether a file that begins with these bytes is a video or a sound, as far as bytes tell: ISO media that is no AVIF or HEIC, Matroska, AVI, WAV, Ogg, MP3, ADTS, MPEG-TS,
/// MPEG program streams, FLAC, AMR. Pictures, GIF among them, are for [`crate::MediaHost`].
pub fn is_av(first_bytes: &[u8]) -> bool {
    container_of(first_bytes).is_some()
}

/// Index in [`CONTAINERS`] of what these first bytes look like. FFmpeg is told which demuxer to use, so that none of its three hundred others ever sees the file.
pub fn container_of(first_bytes: &[u8]) -> Option<u8> {
    let begins = |magic: &[u8]| first_bytes.starts_with(magic);
    let mime = if let Some(brand) = iso_media_brand(first_bytes) {
        match brand {
            Brand::Picture => return None,
            Brand::QuickTime => "video/quicktime",
            Brand::Mobile => "video/3gpp",
            Brand::Other => "video/mp4",
        }
    } else if begins(b"\x1a\x45\xdf\xa3") {
        let start = &first_bytes[..first_bytes.len().min(DOC_TYPE_BYTES)];
        if start.windows(4).any(|word| word == b"webm") {
            "video/webm"
        } else {
            "video/x-matroska"
        }
    } else if matches!(first_bytes.get(..4), Some(b"RIFF" | b"RF64")) {
        match first_bytes.get(8..12) {
            Some(b"AVI " | b"AVIX") => "video/x-msvideo",
            Some(b"WAVE") => "audio/wav",
            _ => return None,
        }
    } else if begins(b"OggS") {
        "video/ogg"
    } else if begins(b"fLaC") {
        "audio/flac"
    } else if begins(b"#!AMR") {
        "audio/amr"
    } else if begins(b"\x00\x00\x01\xba") {
        "video/mpeg"
    } else if is_transport_stream(first_bytes) {
        "video/mp2t"
    } else if begins(b"ID3") {
        // What follows the tag is looked at where it can be reached.
        "audio/mpeg"
    } else {
        mpeg_audio(first_bytes)?
    };
    let found = CONTAINERS.iter().position(|container| container.with_pictures == mime);
    found.and_then(|index| u8::try_from(index).ok())
}

enum Brand {
    Picture,
    QuickTime,
    Mobile,
    Other,
}

fn iso_media_brand(bytes: &[u8]) -> Option<Brand> {
    match bytes.get(4..8)? {
        b"ftyp" => Some(match bytes.get(8..12).unwrap_or_default() {
            // Sequences of pictures too: the picture worker shows the first.
            b"avif" | b"avis" | b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"mif1" | b"msf1"
            | b"miaf" | b"crx " | b"jxl " | b"jp2 " => Brand::Picture,
            b"qt  " => Brand::QuickTime,
            [b'3', b'g', ..] => Brand::Mobile,
            _ => Brand::Other,
        }),
        // QuickTime before there were brands.
        b"moov" | b"mdat" | b"wide" | b"skip" | b"free" | b"pnot" => Some(Brand::QuickTime),
        // Segments of streams.
        b"styp" | b"moof" | b"sidx" => Some(Brand::Other),
        _ => None,
    }
}

/// Eleven bits of ones, and fields that are not the reserved ones. JPEG begins `ff d8`, UTF-16 text `ff fe`: `ff fe` is a reserved combination.
fn mpeg_audio(bytes: &[u8]) -> Option<&'static str> {
    let &[0xff, second, third, ..] = bytes else {
        return None;
    };
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    let is_adts = second & 0xf6 == 0xf0 && third >> 2 & 0xf < 13;
    let is_mp3 = second & 0xe0 == 0xe0 && version != 1 && layer == 1 && third >> 4 != 0xf && third >> 2 & 3 != 3;
    match (is_adts, is_mp3) {
        (true, _) => Some("audio/aac"),
        (false, true) => Some("audio/mpeg"),
        (false, false) => None,
    }
}

fn is_transport_stream(bytes: &[u8]) -> bool {
    let is_packet = |at: usize| bytes.get(at).is_none_or(|byte| *byte == 0x47);
    let follows = |from: usize, packet: usize| {
        bytes.len() > from && bytes[from] == 0x47 && is_packet(from + packet) && is_packet(from + 2 * packet)
    };
    // One packet at least, or a text that begins with a G would do.
    bytes.len() > TS_PACKET && (follows(0, TS_PACKET) || follows(4, M2TS_PACKET))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_container_is_told_from_the_first_bytes() {
        let check = |bytes: &[u8], demuxer, mime| {
            let container = CONTAINERS[usize::from(container_of(bytes).unwrap())];
            assert_eq!((container.demuxer, container.with_pictures), (demuxer, mime));
        };
        check(b"\0\0\0\x14ftypisom\0\0\x02\0isom", "mov", "video/mp4");
        check(b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "mov", "video/quicktime");
        check(b"\0\0\0\x14ftyp3gp5\0\0\0\0", "mov", "video/3gpp");
        check(b"\x1a\x45\xdf\xa3\x9f\x42\x82\x84webm", "matroska", "video/webm");
        check(
            b"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska",
            "matroska",
            "video/x-matroska",
        );
        check(b"\xff\xf1\x50\x80", "aac", "audio/aac");
        check(b"ID3\x04", "mp3", "audio/mpeg");
        check(b"\0\0\x01\xba\x44", "mpeg", "video/mpeg");
    }

    #[test]
    fn videos_and_sounds_are_told_from_pictures_and_texts() {
        let ts = |packet: usize, from: usize| {
            let mut bytes = vec![0; 3 * packet];
            (0..3).for_each(|n| bytes[from + n * packet] = 0x47);
            bytes
        };
        let av: &[&[u8]] = &[
            b"\0\0\0\x14ftypisom\0\0\x02\0isom",
            b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
            b"\0\0\0\x08wide",
            b"\x1a\x45\xdf\xa3\x01",
            b"RIFF\0\0\0\0AVI LIST",
            b"RIFF\0\0\0\0WAVEfmt ",
            b"OggS\0",
            b"fLaC\0",
            b"#!AMR\n",
            b"#!AMR-WB\n",
            b"ID3\x04",
            b"\xff\xfb\x90\x64",
            b"\xff\xf1\x50\x80",
            b"\0\0\x01\xba\x44",
            &ts(188, 0),
            &ts(192, 4),
        ];
        for bytes in av {
            assert!(is_av(bytes), "{bytes:?}");
        }
        let other: &[&[u8]] = &[
            b"",
            b"\xff",
            b"\xff\xd8\xff\xe0",
            b"\x89PNG\r\n\x1a\n",
            b"GIF89a",
            b"RIFF\0\0\0\0WEBPVP8 ",
            b"\0\0\0\x18ftypavif\0\0\0\0mif1miaf",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
            b"\xff\xfeH\0i\0",
            b"Good morning, this is a text",
            &[0x47; 20],
            b"#EXTM3U\n#EXT-X-VERSION:3\n",
            b"ffconcat version 1.0\n",
            b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
        ];
        for bytes in other {
            assert!(!is_av(bytes), "{bytes:?}");
        }
    }
}
