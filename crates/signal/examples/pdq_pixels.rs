//! Hashes raw pixels from standard input, for comparison with other implementations.
//!
//! Input: any number of pictures, each a line `WIDTH HEIGHT CHANNELS` followed by the bytes of its pixels, rows from the
//! top, 3 channels (RGB) or 1 (luma). Output: for each picture a line `HASH QUALITY`, and with `--dihedral` the hashes of
//! all eight positions before the quality. With `--time N` each picture is hashed N times and the fastest and the middle
//! time follow, in nanoseconds.

use anyhow::{Context as _, bail};
use signal::pdq::{self, LumaImage, PdqSignal, RgbImage};
use std::io::{BufRead, Read as _, Write as _};
use std::time::Instant;

/// The longest that a picture is hashed again and again for its times.
const REPEATS_MAX: usize = 100_000;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (dihedral, repeats) = match arguments.as_slice() {
        [] => (false, 0),
        ["--dihedral"] => (true, 0),
        ["--time", repeats] => (false, repeats.parse::<usize>()?.min(REPEATS_MAX)),
        _ => bail!("usage: pdq_pixels [--dihedral | --time N] < PICTURES"),
    };
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    let mut header = String::new();
    let mut pixels = Vec::new();
    while input.read_line(&mut header)? > 0 {
        let numbers: Vec<u32> = header
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()
            .with_context(|| header.clone())?;
        let &[width, height, channels] = numbers.as_slice() else {
            bail!("not WIDTH HEIGHT CHANNELS: {header:?}")
        };
        pixels.resize(width as usize * height as usize * channels as usize, 0);
        input.read_exact(&mut pixels)?;
        let hash = || -> anyhow::Result<Vec<PdqSignal>> {
            Ok(match (channels, dihedral) {
                (1, false) => vec![pdq::hash_luma(LumaImage::new(width, height, &pixels)?)],
                (3, false) => vec![pdq::hash_rgb(RgbImage::new(width, height, &pixels)?)],
                (3, true) => pdq::hash_rgb_dihedral(RgbImage::new(width, height, &pixels)?).to_vec(),
                _ => bail!("{channels} channels"),
            })
        };
        let signals = hash()?;
        for signal in &signals {
            write!(output, "{} ", signal.hash)?;
        }
        write!(output, "{}", signals[0].quality)?;
        let mut times = Vec::new();
        for _ in 0..repeats {
            let start = Instant::now();
            std::hint::black_box(hash()?);
            times.push(start.elapsed().as_nanos());
        }
        times.sort_unstable();
        if let (Some(fastest), Some(middle)) = (times.first(), times.get(times.len() / 2)) {
            write!(output, " {fastest} {middle}")?;
        }
        writeln!(output)?;
        output.flush()?;
        header.clear();
    }
    Ok(())
}
