//! Memory that is used again: a picture's blurred images take megabytes, and to ask the system for them anew each time took a quarter of the time.

/// Rows and planes of numbers that nobody uses now.
#[derive(Default)]
pub(super) struct Memory {
    free: Vec<Vec<f32>>,
}

impl Memory {
    /// So many numbers, of which nothing is known.
    pub(super) fn take(&mut self, n: usize) -> Vec<f32> {
        // The least that will do, or else the largest, which then grows.
        let fits = self.free.iter().enumerate().filter(|(_, free)| free.capacity() >= n);
        let best = fits.min_by_key(|(_, free)| free.capacity());
        let largest = || self.free.iter().enumerate().max_by_key(|(_, free)| free.capacity());
        let mut taken = match best.or_else(largest).map(|(at, _)| at) {
            Some(at) => self.free.swap_remove(at),
            None => Vec::new(),
        };
        taken.resize(n, 0.0);
        taken
    }

    /// They are not needed any more.
    pub(super) fn give_back(&mut self, taken: Vec<f32>) {
        self.free.push(taken);
    }
}
