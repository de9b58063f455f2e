//! Files that mean harm or mean nothing: damaged, cut off, lying about themselves, or built to exhaust whoever opens them.
//!
//! All are made here from the samples in `testdata/formats/` and from nothing, the same for the same seed. Nothing in them
//! is worth looking at. `cargo run -p media --example make_hostile -- FOLDER [SEED]` writes them out; the test
//! `crates/media/tests/hostile.rs` gives them all to the media host.

mod bombs;

use std::path::Path;

/// One file, with the name it claims for itself.
pub struct Hostile {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// One sample for each way of decoding.
const SAMPLES: [&str; 13] = [
    "420.jpg",
    "progressive.jpg",
    "turned-6.jpg",
    "rgb.png",
    "moving.png",
    "moving.gif",
    "lossy.webp",
    "lossless.webp",
    "moving.webp",
    "24bit.bmp",
    "lzw.tif",
    "420.avif",
    "420.heic",
];

/// At least 2,000 files.
pub fn files(samples: &Path, seed: u64) -> Vec<Hostile> {
    let mut random = Random(seed);
    let mut files = Vec::new();
    let mut add = |name: String, bytes: Vec<u8>| files.push(Hostile { name, bytes });
    let read = |name: &str| std::fs::read(samples.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));

    for sample in SAMPLES {
        let whole = read(sample);
        let (_, extension) = sample.split_once('.').unwrap_or_default();
        let stem = sample.replace('.', "-");
        for percent in 0..100 {
            let cut = whole[..whole.len() * percent / 100].to_vec();
            add(format!("truncated-{stem}-{percent:02}.{extension}"), cut);
        }
        for n in 0..30 {
            let mut flipped = whole.clone();
            for _ in 0..=random.below(32) {
                let at = random.below(flipped.len());
                flipped[at] ^= 1 << random.below(8);
            }
            add(format!("flipped-{stem}-{n:02}.{extension}"), flipped);
        }
        for n in 0..20 {
            // The first bytes hold the dimensions, the tables and the sizes of everything else.
            let mut lying = whole.clone();
            for _ in 0..=random.below(8) {
                let at = 4 + random.below(lying.len().min(400) - 4);
                lying[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][random.below(6)];
            }
            add(format!("lying-{stem}-{n:02}.{extension}"), lying);
        }
        for n in 0..5 {
            let (a, b) = (random.below(whole.len()), random.below(whole.len()));
            let (from, to) = (a.min(b), a.max(b));
            add(
                format!("doubled-{stem}-{n}.{extension}"),
                [&whole[..to], &whole[from..]].concat(),
            );
            add(
                format!("gap-{stem}-{n}.{extension}"),
                [&whole[..from], &whole[to..]].concat(),
            );
            let mut blank = whole.clone();
            blank[from..to].fill(if n % 2 == 0 { 0 } else { 0xff });
            add(format!("blank-{stem}-{n}.{extension}"), blank);
        }
        for other in SAMPLES {
            let (_, other_extension) = other.split_once('.').unwrap_or_default();
            let other_stem = other.replace('.', "-");
            if other_extension != extension {
                add(
                    format!("renamed-{stem}-as-{other_stem}.{other_extension}"),
                    whole.clone(),
                );
                // A head of one type on the body of another.
                let body = read(other);
                let head = whole.len().min(64);
                add(
                    format!("head-of-{stem}-on-{other_stem}.{extension}"),
                    [&whole[..head], &body[..]].concat(),
                );
            }
        }
        for (language, text) in [
            ("html", &b"<!doctype html><script>document.title = 1</script>"[..]),
            ("zip", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
            ("pdf", b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"),
        ] {
            add(
                format!("polyglot-{stem}-{language}.{extension}"),
                [&whole[..], text].concat(),
            );
            add(
                format!("polyglot-{language}-{stem}.{language}"),
                [text, &whole[..]].concat(),
            );
        }
    }
    for n in 0..20 {
        let noise = (0..random.below(4096)).map(|_| random.below(256) as u8).collect();
        add(format!("noise-{n:02}.bin"), noise);
    }
    for (name, bytes) in bombs::all(read) {
        add(name.to_owned(), bytes);
    }
    files
}

/// SplitMix64: enough to choose what to break.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}
