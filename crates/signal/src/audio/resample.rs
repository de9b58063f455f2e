//! PCM of any rate and any number of channels, made mono at the rate that prints are made from.
//!
//! A windowed sinc that lets pass what Chromaprint's own resampler lets pass: four fifths of what the lower of the two rates can carry.

use super::RATE;

/// Least and greatest rate that is taken.
pub const RATE_MIN: u32 = 2_000;
/// See [`RATE_MIN`].
pub const RATE_MAX: u32 = 768_000;
/// Most channels that are taken.
pub const CHANNELS_MAX: u16 = 64;

/// Kernels between two samples of the input.
const PHASES: usize = 256;
/// Samples of the input under the kernel, when nothing is left out.
const TAPS: f64 = 16.0;
/// Share of the lower rate's band that passes.
const PASSES: f64 = 0.8;
/// Shape of the Kaiser window.
const KAISER: f64 = 9.0;

/// Takes PCM in pieces.
pub(super) struct Resampler {
    channels: usize,
    /// Samples of a frame (one for each channel) that is not whole yet.
    partial: Vec<i16>,
    /// `None` where the input already has the rate.
    sinc: Option<Sinc>,
}

struct Sinc {
    /// Samples of the input for one of the output.
    step: f64,
    taps: usize,
    /// [`PHASES`] kernels of `taps` each.
    kernels: Vec<f32>,
    /// Input that is still needed.
    input: Vec<f32>,
    /// Where in `input` the next sample lies.
    at: f64,
}

impl Resampler {
    /// For a rate and a number of channels within the limits.
    pub fn new(rate: u32, channels: u16) -> Self {
        Self {
            channels: usize::from(channels),
            partial: Vec::new(),
            sinc: (rate != RATE).then(|| Sinc::new(rate)),
        }
    }

    /// Interleaved samples in, whatever can be made of them out.
    pub fn push(&mut self, mut samples: &[i16], out: &mut Vec<f32>) {
        let channels = self.channels;
        let mut mono = Mono {
            sinc: self.sinc.as_mut(),
            out,
        };
        if !self.partial.is_empty() {
            let missing = (channels - self.partial.len()).min(samples.len());
            let (now, later) = samples.split_at(missing);
            self.partial.extend(now);
            samples = later;
            if self.partial.len() < channels {
                return;
            }
            mono.push(mean(&self.partial));
            self.partial.clear();
        }
        let frames = samples.chunks_exact(channels);
        self.partial.extend(frames.remainder());
        for frame in frames {
            mono.push(mean(frame));
        }
        if let Some(sinc) = self.sinc.as_mut() {
            sinc.run(out);
        }
    }

    /// Mono samples between -1 and 1. What is no number is silence.
    pub fn push_mono(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        let mut mono = Mono {
            sinc: self.sinc.as_mut(),
            out,
        };
        for &sample in samples {
            mono.push(if sample.is_finite() {
                sample.clamp(-1.0, 1.0)
            } else {
                0.0
            });
        }
        if let Some(sinc) = self.sinc.as_mut() {
            sinc.run(out);
        }
    }
}

/// Where mono samples go.
struct Mono<'a> {
    sinc: Option<&'a mut Sinc>,
    out: &'a mut Vec<f32>,
}

impl Mono<'_> {
    fn push(&mut self, sample: f32) {
        match &mut self.sinc {
            Some(sinc) => sinc.input.push(sample),
            None => self.out.push(sample),
        }
    }
}

fn mean(frame: &[i16]) -> f32 {
    let sum: i32 = frame.iter().copied().map(i32::from).sum();
    (sum / frame.len() as i32) as f32 / f32::from(i16::MAX)
}

impl Sinc {
    fn new(rate: u32) -> Self {
        let step = f64::from(rate) / f64::from(RATE);
        let factor = (PASSES / step).min(1.0);
        let taps = (TAPS / factor).ceil() as usize;
        let centre = (taps / 2) as f64 - 1.0;
        let mut kernels = Vec::with_capacity(PHASES * taps);
        for phase in 0..PHASES {
            let shift = phase as f64 / PHASES as f64;
            let kernel: Vec<f64> = (0..taps)
                .map(|tap| {
                    let x = tap as f64 - centre - shift;
                    sinc(x * factor) * kaiser(2.0 * x / taps as f64)
                })
                .collect();
            let sum: f64 = kernel.iter().sum();
            kernels.extend(kernel.iter().map(|weight| (weight / sum) as f32));
        }
        Self {
            step,
            taps,
            kernels,
            // Half a kernel of silence, so that the first sample out is the first sample in.
            input: vec![0.0; centre as usize],
            at: 0.0,
        }
    }

    fn run(&mut self, out: &mut Vec<f32>) {
        loop {
            let first = self.at as usize;
            let Some(under) = self.input.get(first..first + self.taps) else {
                break;
            };
            let phase = ((self.at - first as f64) * PHASES as f64) as usize;
            let kernel = &self.kernels[phase * self.taps..][..self.taps];
            out.push(dot(kernel, under));
            self.at += self.step;
        }
        let used = (self.at as usize).min(self.input.len());
        self.input.drain(..used);
        self.at -= used as f64;
    }
}

/// In eight sums, which the compiler turns into vectors.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0_f32; LANES];
    let (a_lanes, b_lanes) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = a_lanes
        .remainder()
        .iter()
        .zip(b_lanes.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a_lanes.zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

fn sinc(x: f64) -> f64 {
    let angle = std::f64::consts::PI * x;
    if angle.abs() < 1e-9 { 1.0 } else { angle.sin() / angle }
}

/// From -1 to 1, 0 beyond.
fn kaiser(x: f64) -> f64 {
    let inside = 1.0 - x * x;
    if inside <= 0.0 {
        0.0
    } else {
        bessel(KAISER * inside.sqrt()) / bessel(KAISER)
    }
}

/// The modified Bessel function of the first kind, order 0.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for k in 1..64 {
        term *= (x / 2.0 / f64::from(k)).powi(2);
        sum += term;
    }
    sum
}
