//! Any text as a signal of any kind: it is refused, or what is written of it reads back as the same. Digits of hexadecimal come back as they were given.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signal::{Signal, SignalType};

fuzz_target!(|input: (&str, Option<u8>)| {
    let (text, quality) = input;
    for kind in SignalType::ALL {
        if let Ok(signal) = Signal::parse(kind, text, quality) {
            if !matches!(kind, SignalType::Vpdq | SignalType::Chromaprint) {
                assert_eq!(signal.value(), text.to_ascii_lowercase());
            }
            assert_eq!(Signal::parse(kind, &signal.value(), quality), Ok(signal));
        }
    }
});
