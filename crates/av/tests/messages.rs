//! What a worker says of real and broken files, in this process: the host must accept every word of it.

mod common;

use common::Studio;
use media::av::wire::encode;
use media::fuzzing::{accept_av_messages, av_request};

#[test]
fn the_host_accepts_whatever_the_worker_says() {
    let studio = Studio::new();
    for (name, args) in [
        (
            "a.mp4",
            "-t 4 -c:v libx264 -preset ultrafast -c:a aac -movflags +faststart",
        ),
        ("a.ts", "-t 4 -c:v libx264 -preset ultrafast -c:a aac"),
        ("a.ogg", "-vn -c:a libvorbis"),
    ] {
        let bytes = std::fs::read(studio.video(args, name)).unwrap();
        for parts in [8, 5, 3] {
            let mut said = Vec::new();
            let part = bytes[..bytes.len() * parts / 8].to_vec();
            let run = av::run(av::Input::memory(part), &av_request(), &mut |body| {
                said.extend(encode(body));
                Ok(())
            });
            assert!(!said.is_empty() && (run.is_ok() || parts < 8), "{name}");
            accept_av_messages(&said);
        }
    }
}

#[test]
fn a_host_that_is_gone_ends_the_run() {
    let studio = Studio::new();
    let bytes = std::fs::read(studio.pictures("-c:v libx264 -preset ultrafast", "a.mp4")).unwrap();
    let mut n_sent = 0;
    let run = av::run(av::Input::memory(bytes), &av_request(), &mut |_| {
        n_sent += 1;
        if n_sent < 3 {
            Ok(())
        } else {
            Err(media::av::worker::Gone)
        }
    });
    assert_eq!((run, n_sent), (Err(av::Stop::Gone), 3));
}
