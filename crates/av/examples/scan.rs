//! Scans a file as the server would, and prints timings and what was found, as JSON: `cargo run --release -p av --example scan -- FILE [--key-frames] [--plain]`.
//!
//! `--plain` leaves out glimpses, sound and the strip: what is then left beside decoding is the choice of frames and their hashes. `--frames` prints each frame.
//! The `av-worker` program must be built: `cargo build --release -p av`.

use std::fs::File;
use std::time::Instant;

use anyhow::{Context as _, bail};
use media::av::{AvHost, AvSettings, AvWant, AvWorkerCommand, Sampling};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (flags, files): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
    let [path] = &files[..] else {
        bail!("usage: scan FILE [--key-frames] [--plain] [--frames]");
    };
    let has = |flag: &str| flags.iter().any(|given| given == flag);
    let is_plain = has("--plain");
    let want = AvWant {
        sampling: if has("--key-frames") {
            Sampling::KeyFrames
        } else {
            Sampling::Full
        },
        glimpses: !is_plain,
        audio: !is_plain,
        strip: !is_plain,
        from_ms: 0,
    };
    let host = AvHost::new(AvSettings::new(AvWorkerCommand::beside_this_executable()?))?;
    let file = File::open(path).with_context(|| format!("cannot open `{path}`"))?;
    let started = Instant::now();
    let scan = host.scan(file, want, |_| ()).await?;
    let wall_s = started.elapsed().as_secs_f64();
    let (own_s, worker_s) = cpu_seconds()?;
    let frames = scan.frames.iter().map(|frame| {
        json!({
            "at_ms": frame.at_ms,
            "number": frame.number,
            "scene": frame.is_scene,
            "vpdq": frame.is_vpdq,
            "pdq": frame.pdq.hash.to_string(),
            "quality": frame.pdq.quality,
        })
    });
    let report = json!({
        "mime": scan.mime,
        "duration_ms": scan.duration_ms,
        "scanned_ms": scan.scanned_ms,
        "width": scan.width,
        "height": scan.height,
        "frame_rate": scan.frame_rate,
        "video_codec": scan.video_codec,
        "audio_codec": scan.audio_codec,
        "is_intact": scan.is_intact,
        "md5": scan.md5.to_string(),
        "n_frames": scan.frames.len(),
        "n_vpdq": scan.frames.iter().filter(|frame| frame.is_vpdq).count(),
        "n_scenes": scan.frames.iter().filter(|frame| frame.is_scene).count(),
        "n_sound_items": scan.sound.as_ref().and_then(|sound| sound.played.first()).map_or(0, |played| played.items.len()),
        "waveform_bytes": scan.waveform.len(),
        "strip_pictures": scan.strip.len(),
        "wall_s": wall_s,
        "worker_cpu_s": worker_s,
        "host_cpu_s": own_s,
        "times_real_time": f64::from(scan.scanned_ms) / 1_000.0 / (own_s + worker_s),
        "frames": if has("--frames") { frames.collect() } else { Vec::new() },
    });
    println!("{report:#}");
    Ok(())
}

/// CPU time of this process and of the workers that have ended, from the kernel's table.
fn cpu_seconds() -> anyhow::Result<(f64, f64)> {
    /// A hundred to a second on every Linux.
    const TICK_S: f64 = 0.01;
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|field| field.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    // After the state: user and system time, then those of children.
    Ok(((ticks(11) + ticks(12)) * TICK_S, (ticks(13) + ticks(14)) * TICK_S))
}
