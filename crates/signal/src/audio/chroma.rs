//! From mono PCM to the energy of the twelve notes, as Chromaprint takes it, at several pitches at once.
//!
//! A spectrum is taken three times as often as Chromaprint does: every third is the one that Chromaprint takes, and what lies between is there for
//! queries that were played faster or slower. A higher pitch is the same spectrum with the notes elsewhere, so that it costs a few sums and no spectrum.

use super::RATE;
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Notes of an octave.
pub(super) const NOTES: usize = 12;
/// Energy of each note, from A upwards.
pub(super) type Chroma = [f64; NOTES];

/// Samples under a window.
pub(super) const WINDOW: usize = 4096;
/// Samples from one of Chromaprint's windows to the next.
pub(super) const HOP: usize = WINDOW / 3;
/// Our windows for one of Chromaprint's.
pub(super) const FINE: usize = 3;
/// Samples from one of our windows to the next.
const FINE_HOP: usize = HOP / FINE;

/// Lowest and highest frequency that counts, in Hz.
const FREQUENCY_MIN: f64 = 28.0;
const FREQUENCY_MAX: f64 = 3520.0;
/// An A, in Hz.
const BASE: f64 = 440.0 / 16.0;

/// A run of the spectrum's bins that belong to one note.
struct Run {
    note: usize,
    from: f64,
    to: f64,
}

/// Turns PCM into chroma.
pub(super) struct Chromas {
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    /// For each pitch, which bins are which note.
    pitches: Vec<Vec<Run>>,
    pending: Vec<f32>,
    frame: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    scratch: Vec<Complex<f32>>,
    /// `sums[i]` is the energy of all bins before the `i`th.
    sums: Vec<f64>,
}

impl Chromas {
    /// For pitches as ratios to what was printed.
    pub fn new(pitches: impl Iterator<Item = f64>) -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(WINDOW);
        let turn = 2.0 * std::f64::consts::PI / (WINDOW - 1) as f64;
        Self {
            window: (0..WINDOW)
                .map(|i| (0.54 - 0.46 * (turn * i as f64).cos()) as f32)
                .collect(),
            pitches: pitches.map(runs).collect(),
            pending: Vec::new(),
            frame: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            sums: vec![0.0; WINDOW / 2 + 2],
            fft,
        }
    }

    /// Where to put samples before [`run`](Self::run).
    pub fn pending(&mut self) -> &mut Vec<f32> {
        &mut self.pending
    }

    /// Every window that is whole, in order of time: the number of the pitch, and the chroma at it.
    pub fn run(&mut self, mut take: impl FnMut(usize, &Chroma)) {
        let mut from = 0;
        while let Some(samples) = self.pending.get(from..from + WINDOW) {
            for ((to, sample), weight) in self.frame.iter_mut().zip(samples).zip(&self.window) {
                *to = sample * weight;
            }
            // It fails only on buffers of another length, and these were made for it.
            let done = self
                .fft
                .process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch);
            debug_assert!(done.is_ok());
            let mut sum = 0.0;
            for (to, bin) in self.sums[1..].iter_mut().zip(&self.spectrum) {
                sum += f64::from(bin.norm_sqr());
                *to = sum;
            }
            for (number, runs) in self.pitches.iter().enumerate() {
                let mut chroma = [0.0; NOTES];
                for run in runs {
                    chroma[run.note] += below(&self.sums, run.to) - below(&self.sums, run.from);
                }
                take(number, &chroma);
            }
            from += FINE_HOP;
        }
        self.pending.drain(..from);
    }
}

/// Energy below a place between bins.
fn below(sums: &[f64], at: f64) -> f64 {
    let whole = at as usize;
    let part = at - whole as f64;
    if part == 0.0 {
        return sums[whole];
    }
    sums[whole] + (sums[whole + 1] - sums[whole]) * part
}

/// Which bins are which note, when all is higher by a ratio.
fn runs(pitch: f64) -> Vec<Run> {
    let hz = f64::from(RATE) / WINDOW as f64;
    let first = ((FREQUENCY_MIN / hz).round() as usize).max(1);
    let end = ((FREQUENCY_MAX / hz).round() as usize).min(WINDOW / 2);
    let note = |bin: usize| {
        let octave = (bin as f64 * hz / BASE).log2();
        (NOTES as f64 * (octave - octave.floor())) as usize
    };
    // A bin holds what lies half a bin around it; so does it when all is higher.
    let place = |bin: usize| match pitch == 1.0 {
        true => bin as f64,
        false => ((bin as f64 - 0.5) * pitch + 0.5).clamp(0.0, (WINDOW / 2) as f64),
    };
    let mut runs: Vec<Run> = Vec::new();
    for bin in first..end {
        let (from, to) = (place(bin), place(bin + 1));
        match runs.last_mut() {
            Some(run) if run.note == note(bin) => run.to = to,
            _ => runs.push(Run {
                note: note(bin),
                from,
                to,
            }),
        }
    }
    runs
}
