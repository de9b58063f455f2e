//! Any bytes as what is kept of a video or a sound: refused, or written back as the same; and nothing is taken for a copy that breaks the one who looks.
#![no_main]

use index::videos::VideoIndex;
use libfuzzer_sys::fuzz_target;
use signal::audio::{Print, QueryPrints};
use signal::video::Timeline;
use signal::vpdq;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(timeline) = Timeline::from_bytes(bytes) {
        assert_eq!(Timeline::from_bytes(&timeline.to_bytes()).as_ref(), Ok(&timeline));
        let index = VideoIndex::new();
        index.add(1, &timeline);
        index.learn(1, &timeline);
        let query = vpdq::to_frames(&vpdq::of_timeline(&timeline));
        for (_, segments) in index.look_up(&query) {
            assert!(
                segments
                    .iter()
                    .all(|segment| segment.query.from_ms <= segment.query.to_ms)
            );
        }
    }
    if let Ok(print) = Print::from_bytes(bytes) {
        assert_eq!(Print::from_bytes(&print.to_bytes()).as_ref(), Ok(&print));
    }
    if let Ok(prints) = QueryPrints::from_bytes(bytes) {
        assert_eq!(QueryPrints::from_bytes(&prints.to_bytes()).as_ref(), Ok(&prints));
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(features) = vpdq::parse(text)
    {
        let frames = vpdq::to_frames(&features);
        assert!(frames.windows(2).all(|two| two[0].at_ms <= two[1].at_ms));
    }
});
