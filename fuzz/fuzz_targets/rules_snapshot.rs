//! Any bytes as the memory of windows: refused, or read and asked without harm.
#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::window::{Bump, Seed, State, WindowKind, WindowSpec, decode_bumps};

fuzz_target!(|bytes: &[u8]| {
    let kinds = [
        WindowKind::Count,
        WindowKind::Distinct,
        WindowKind::Sum,
        WindowKind::Since,
    ];
    let specs: Vec<WindowSpec> = (1..)
        .zip(kinds)
        .map(|(id, kind)| WindowSpec {
            id,
            kind,
            within_ms: 60_000,
            ago_ms: 0,
            text: String::new(),
        })
        .collect();
    let mut state = State::new(&specs, Seed::default());
    if let Ok(bumps) = decode_bumps(&state, bytes) {
        state.apply(&bumps);
    }
    if state.restore(bytes).is_ok() {
        assert_eq!(state.snapshot().len(), bytes.len());
    }
    for window in 0..4 {
        let bump = Bump {
            window,
            key: 1,
            value: 7,
            time_ms: 1_800_000_000_000,
        };
        state.apply(&[bump]);
        state.read(window, 1, bump.time_ms, Some(7));
    }
});
