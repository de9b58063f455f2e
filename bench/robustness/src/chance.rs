//! Chance that begins at names, so that a draw is the same whatever was drawn before it and on whichever core.

use sha2::{Digest, Sha256};

/// SplitMix64, the generator of Steele, Lea and Flood (2014): enough for choosing sizes and colours.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Begins where the words say. The same words give the same draws.
    pub fn of(words: &[&str], seed: u64) -> Self {
        let mut digest = Sha256::new();
        for word in words {
            digest.update((word.len() as u64).to_le_bytes());
            digest.update(word.as_bytes());
        }
        digest.update(seed.to_le_bytes());
        let digest = digest.finalize();
        let mut start = [0; 8];
        start.copy_from_slice(&digest[..8]);
        Self(u64::from_le_bytes(start))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// From 0 up to but without 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.share()
    }

    /// Below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.share() * n as f64) as usize
    }

    pub fn pick<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }

    /// Any colour.
    pub fn colour(&mut self) -> [u8; 3] {
        [0; 3].map(|_: u8| self.below(256) as u8)
    }

    /// From the normal distribution around 0 with deviation 1.
    pub fn normal(&mut self) -> f64 {
        // Box and Muller's transform; the share is turned round so that its logarithm exists.
        let radius = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.share()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_from_words_and_seed() {
        let first = |words: &[&str], seed| Chance::of(words, seed).next();
        assert_eq!(first(&["a", "b"], 1), first(&["a", "b"], 1));
        assert_ne!(first(&["a", "b"], 1), first(&["ab"], 1));
        assert_ne!(first(&["a", "b"], 1), first(&["a", "b"], 2));
    }

    #[test]
    fn draws_are_spread_as_they_say() {
        let mut chance = Chance::of(&["spread"], 0);
        let n = 20_000;
        let normal: Vec<f64> = (0..n).map(|_| chance.normal()).collect();
        let mean = normal.iter().sum::<f64>() / f64::from(n);
        let variance = normal.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        let counts = (0..n).fold([0; 4], |mut counts, _| {
            counts[chance.below(4)] += 1;
            counts
        });
        assert!(counts.iter().all(|count| (4_700..5_300).contains(count)), "{counts:?}");
    }
}
