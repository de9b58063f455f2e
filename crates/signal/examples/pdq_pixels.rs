//! Hashes raw pixels from standard input, for comparison with other implementations.
//!
//! Input: any number of pictures, each a line `WIDTH HEIGHT CHANNELS` followed by the bytes of its pixels, rows from the
//! top, 3 channels (RGB) or 1 (luma). Output: for each picture a line `HASH QUALITY`, and with `--dihedral` the hashes of
//! all eight positions before the quality.

use anyhow::{Context as _, bail};
use signal::pdq::{self, LumaImage, PdqSignal, RgbImage};
use std::io::{BufRead, Read as _, Write as _};

fn main() -> anyhow::Result<()> {
    let dihedral = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => false,
        [flag] if flag == "--dihedral" => true,
        _ => bail!("usage: pdq_pixels [--dihedral] < PICTURES"),
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
        let signals: Vec<PdqSignal> = match (channels, dihedral) {
            (1, false) => vec![pdq::hash_luma(LumaImage::new(width, height, &pixels)?)],
            (3, false) => vec![pdq::hash_rgb(RgbImage::new(width, height, &pixels)?)],
            (3, true) => pdq::hash_rgb_dihedral(RgbImage::new(width, height, &pixels)?).to_vec(),
            _ => bail!("{channels} channels"),
        };
        for signal in &signals {
            write!(output, "{} ", signal.hash)?;
        }
        writeln!(output, "{}", signals[0].quality)?;
        output.flush()?;
        header.clear();
    }
    Ok(())
}
