//! Any bytes as a file of the index: they are one or they are not, and nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((0, rest)) => drop(index::fuzzing::open_segment(rest)),
        Some((1, rest)) => drop(index::fuzzing::open_meta(rest)),
        Some((_, rest)) => drop(index::fuzzing::open_unsealed_segment(rest)),
        None => {}
    }
});
