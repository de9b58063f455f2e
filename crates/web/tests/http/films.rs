//! Hashes of films that nobody made: frames and sounds that only a number has.

use moderation::model::Chance;
use moderation::signal::audio::Print;
use moderation::signal::pdq::PdqSignal;
use moderation::signal::vpdq::Feature;
use moderation::signal::{Pdq, Signal};

/// Frames of a film, one a second.
pub fn film(seed: u64, seconds: u32) -> Vec<Feature> {
    let chance = Chance::seeded(seed);
    let feature = |second| Feature {
        number: None,
        pdq: PdqSignal {
            hash: Pdq::from_bytes(chance.bytes()),
            quality: 100,
        },
        at_ms: second * 1_000,
    };
    (0..seconds).map(feature).collect()
}

/// The vPDQ hash of films one after the other.
pub fn video(parts: &[&[Feature]]) -> Signal {
    let all = parts.iter().flat_map(|part| part.iter());
    let shown = all.enumerate().map(|(second, feature)| Feature {
        at_ms: second as u32 * 1_000,
        ..*feature
    });
    Signal::vpdq(&shown.collect::<Vec<_>>()).unwrap()
}

/// The fingerprint of a sound.
pub fn sound(seed: u64, items: usize) -> Signal {
    let chance = Chance::seeded(seed);
    let items = (0..items).map(|_| u32::from_be_bytes(chance.bytes())).collect();
    Signal::chromaprint(Print { items }).unwrap()
}
