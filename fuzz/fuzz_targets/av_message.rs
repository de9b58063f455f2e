//! What an av-worker says, read as hostile bytes: a row of messages. No panic, whatever they are.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| media::fuzzing::parse_av_message(bytes));
