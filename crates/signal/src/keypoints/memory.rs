//! Memory that is used again: a picture's blurred images take megabytes, and to ask the system for them anew each time took a quarter of the time.

/// Rows and planes of numbers that nobody uses now.
#[derive(Default)]
pub(super) struct Memory {
    free: Vec<Vec<f32>>,
}

impl Memory {
    /// So many numbers, of which nothing is known.
    pub(super) fn take(&mut self, n: usize) -> Vec<f32> {
        let fits = self.free.iter().enumerate().filter(|(_, free)| free.capacity() >= n);
        let least = fits.min_by_key(|(_, free)| free.capacity()).map(|(at, _)| at);
        let mut taken = match least {
            Some(at) => self.free.swap_remove(at),
            None => {
                // In place of the largest, so that there are never more than were taken at once.
                let largest = (0..self.free.len()).max_by_key(|at| self.free[*at].capacity());
                largest.map(|at| self.free.swap_remove(at));
                Vec::with_capacity(n)
            }
        };
        taken.resize(n, 0.0);
        taken
    }

    /// They are not needed any more.
    pub(super) fn give_back(&mut self, taken: Vec<f32>) {
        self.free.push(taken);
    }
}
