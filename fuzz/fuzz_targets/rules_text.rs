//! Any text as a file of rules: it is refused with places that lie in the file, or it can be asked about an event.
#![no_main]

use libfuzzer_sys::fuzz_target;
use policy::compile::compile;
use policy::window::{Seed, State};
use policy::{Event, Lists, Scratch, Source};

fuzz_target!(|text: &str| {
    let sources = [Source::new("fuzz.rules", text)];
    let compiled = compile(&sources, 0);
    for diagnostic in &compiled.report.diagnostics {
        assert!(diagnostic.span.end as usize <= text.len());
        assert!(!diagnostic.render(&sources).is_empty());
    }
    assert_eq!(compiled.rules.is_none(), compiled.report.has_errors());
    let Some(rules) = compiled.rules else {
        return;
    };
    let mut state = State::new(&rules.windows(), Seed::default());
    let mut scratch = Scratch::default();
    let event = Event::at(1_800_000_000_000);
    let said = rules.evaluate(&event, &Lists::default(), &state, &mut scratch);
    state.apply(&said.bumps);
    assert!(!said.explain(&rules, &event).is_empty());
});
