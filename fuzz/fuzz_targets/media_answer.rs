//! Any bytes as the answer of a worker that was taken over: the host refuses them or makes previews of them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| media::fuzzing::parse_answer(bytes));
