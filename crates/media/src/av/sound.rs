//! What is made of decoded sound: prints, and a waveform to look at.

use signal::audio::{Printer, QueryPrints};

use super::{SOUND_RATE, WAVEFORM_MS};

/// Samples that one byte of a waveform stands for, in thousandths.
const MILLISAMPLES: u64 = SOUND_RATE as u64 * WAVEFORM_MS as u64;

/// Listens to a sound piece by piece.
pub(super) struct Listener {
    at_ms: u32,
    printer: Option<Printer>,
    waveform: Vec<u8>,
    n_samples: u64,
    peak: u16,
}

impl Listener {
    pub(super) fn new(at_ms: u32) -> Self {
        Self {
            at_ms,
            printer: Printer::new(SOUND_RATE, 1).ok(),
            waveform: Vec::new(),
            n_samples: 0,
            peak: 0,
        }
    }

    pub(super) fn push(&mut self, samples: &[i16]) {
        if let Some(printer) = &mut self.printer {
            printer.push(samples);
        }
        for sample in samples {
            self.peak = self.peak.max(sample.unsigned_abs());
            self.n_samples += 1;
            // A tenth of a second is no whole number of samples.
            if self.n_samples * 1_000 >= (self.waveform.len() as u64 + 1) * MILLISAMPLES {
                self.end_peak();
            }
        }
    }

    /// When the sound begins, its prints and waveform.
    pub(super) fn finish(mut self) -> (u32, Option<QueryPrints>, Vec<u8>) {
        if self.peak > 0 {
            self.end_peak();
        }
        (self.at_ms, self.printer.map(Printer::finish), self.waveform)
    }

    fn end_peak(&mut self) {
        self.waveform.push((self.peak >> 7).min(255) as u8);
        self.peak = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waveform_has_ten_peaks_a_second() {
        let mut listener = Listener::new(0);
        let second: Vec<i16> = (0..SOUND_RATE)
            .map(|at| if at < SOUND_RATE / 2 { 16_384 } else { -1_000 })
            .collect();
        for piece in second.chunks(97) {
            listener.push(piece);
        }
        let (_, _, waveform) = listener.finish();
        assert_eq!(waveform, [128, 128, 128, 128, 128, 7, 7, 7, 7, 7]);
        let mut listener = Listener::new(0);
        listener.push(&[i16::MIN; 10]);
        assert_eq!(listener.finish().2, [255]);
    }
}
