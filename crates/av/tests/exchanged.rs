//! Hashes that are exchanged are those that others compute: of frames so smooth that rounding decides, too.

mod common;

use std::path::Path;

use common::{Studio, host, scan_with};
use media::av::AvWant;
use signal::pdq::{LumaImage, RgbImage, hash_luma, hash_rgb};

const WIDTH: u32 = 640;
const HEIGHT: u32 = 360;
/// Colours that run into each other, as on title cards. Those that are not named would be drawn by lot.
const SMOOTH: &str = "-f lavfi -i gradients=size=640x360:rate=10:nb_colors=3:seed=9:speed=0.05:c0=#802040:c1=#e0a060:c2=#203060:duration=6";
/// Edges everywhere.
const SHARP: &str = "-f lavfi -i testsrc2=size=640x360:rate=10:duration=6";

/// All frames of a film as FFmpeg's own program decodes them.
fn frames(studio: &Studio, film: &Path, format: &str) -> Vec<Vec<u8>> {
    let raw = studio.ffmpeg(
        &format!("-i {} -pix_fmt {format} -f rawvideo", film.display()),
        &format!("{format}.raw"),
    );
    let bytes = std::fs::read(raw).unwrap();
    let n_channels = if format == "gray" { 1 } else { 3 };
    let frame_bytes = n_channels * WIDTH as usize * HEIGHT as usize;
    bytes.chunks_exact(frame_bytes).map(<[u8]>::to_vec).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_are_hashed_as_vpdq_does() {
    for (made, differs) in [(SMOOTH, true), (SHARP, false)] {
        let studio = Studio::new();
        let film = studio.ffmpeg(
            &format!("{made} -c:v libx264 -preset veryfast -crf 24 -pix_fmt yuv420p"),
            "a.mp4",
        );
        let rgb = frames(&studio, &film, "rgb24").into_iter();
        let theirs: Vec<_> = rgb
            .map(|pixels| hash_rgb(RgbImage::new(WIDTH, HEIGHT, &pixels).unwrap()).hash)
            .collect();
        let grey = frames(&studio, &film, "gray").into_iter();
        let of_grey: Vec<_> = grey
            .map(|pixels| hash_luma(LumaImage::new(WIDTH, HEIGHT, &pixels).unwrap()).hash)
            .collect();
        // Of those that vPDQ takes, each tenth.
        let furthest = theirs
            .iter()
            .zip(&of_grey)
            .step_by(10)
            .map(|(theirs, grey)| theirs.distance(*grey))
            .max();
        assert_eq!(
            furthest.unwrap() > 10,
            differs,
            "{made}: the luma alone is {furthest:?} bits off"
        );
        for glimpses in [true, false] {
            let want = AvWant {
                glimpses,
                ..AvWant::EVERYTHING
            };
            let scan = scan_with(&host(), film.clone(), want).await.unwrap();
            assert_eq!(scan.frames.iter().filter(|frame| frame.is_vpdq).count(), 6);
            for frame in scan.frames.iter().filter(|frame| frame.is_vpdq) {
                let bits = frame.pdq.hash.distance(theirs[frame.number as usize]);
                assert!(bits <= 4, "{made}: frame {} is {bits} bits off", frame.number);
            }
        }
    }
}
