//! How many connections there may be: in all, and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counts connections.
#[derive(Clone)]
pub struct Connections {
    places: Arc<Semaphore>,
    per_address_max: usize,
    by_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One of all connections.
pub struct Place {
    _permit: Option<OwnedSemaphorePermit>,
}

/// One of the connections of an address.
pub struct AddressPlace {
    address: IpAddr,
    by_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Connections {
    pub fn new(max: usize, per_address_max: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(max)),
            per_address_max,
            by_address: Arc::default(),
        }
    }

    /// Waits until there are fewer than the most.
    pub async fn wait_for_place(&self) -> Place {
        // The semaphore is never closed; if it were, no connection would be counted.
        Place {
            _permit: self.places.clone().acquire_owned().await.ok(),
        }
    }

    /// A place for a connection from the address, or none if it has too many. A `trusted` address has no limit of its own.
    pub fn enter(&self, address: IpAddr, trusted: bool) -> Option<AddressPlace> {
        let mut counts = lock(&self.by_address);
        let count = counts.entry(address).or_insert(0);
        if *count >= self.per_address_max && !trusted {
            return None;
        }
        *count += 1;
        Some(AddressPlace {
            address,
            by_address: self.by_address.clone(),
        })
    }
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let mut counts = lock(&self.by_address);
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

fn lock(counts: &Mutex<HashMap<IpAddr, usize>>) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
    // A poisoned lock means that another thread panicked in here; the counts are sound at every point.
    counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_and_gets_them_back() {
        let connections = Connections::new(10, 2);
        let [a, b] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
        let first = connections.enter(a, false);
        let _second = connections.enter(a, false);
        assert!(first.is_some() && connections.enter(a, false).is_none());
        assert!(connections.enter(b, false).is_some());
        assert!(connections.enter(a, true).is_some());
        drop(first);
        assert!(connections.enter(a, false).is_some());
        drop(_second);
        assert!(
            lock(&connections.by_address).is_empty(),
            "nothing is kept of those who left"
        );
    }
}
