//! Any bytes as a file: the worker's decoders refuse them or hash them, and the host accepts the answer.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| media::fuzzing::decode(bytes));
