//! Demuxing and decoding in this process, as an av-worker does. It looks for panics of ours and for answers that the host would refuse; FFmpeg's own mistakes are
//! for its own fuzzing, and for the jail.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut said = Vec::new();
    let mut hear = |body: &media::av::wire::Body| {
        said.extend(media::av::wire::encode(body));
        Ok(())
    };
    // Whether it is refused is not the question.
    let _ = av::run(
        av::Input::memory(bytes.to_vec()),
        &media::fuzzing::av_request(),
        &mut hear,
    );
    media::fuzzing::accept_av_messages(&said);
});
