//! One core, ten minutes of 720p: as fast as FFmpeg decodes the same file to nothing?

use crate::corpus::Corpus;
use crate::scans::{Scanner, WANT};
use anyhow::{Context, Result, ensure};
use media::av::{AvWant, Sampling};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How often each is measured; the least time counts, for whatever else runs only adds to it.
const ROUNDS: usize = 3;

/// What one file took.
struct Speed {
    encoder: String,
    seconds: f64,
    ffmpeg_pictures: Duration,
    ffmpeg_both: Duration,
    full_pictures: Duration,
    full_both: Duration,
    key_frames: Duration,
    n_frames: usize,
    n_key_frames: usize,
}

/// The section on speed. Whoever calls has bound this process, and with it the workers, to one core.
pub async fn markdown(scanner: &Scanner, corpus: &Corpus) -> Result<String> {
    let mut text = format!(
        "### Speed\n\n\
         Ten minutes of 1280 x 720 H.264 with AAC sound, in turns, on one core, by the clock; the least of {ROUNDS}. FFmpeg is `ffmpeg -threads 1 -i FILE -f null -`. \
         How much of its speed is left depends on how dear a picture is to decode, and that is the encoder's choice: the same ten minutes were encoded twice.\n\n\
         | encoded by | what | FFmpeg decodes to nothing | Seawall, full sampling | of FFmpeg's speed |\n|---|---|--:|--:|--:|\n"
    );
    let mut by_key_frames = String::new();
    for (encoder, path) in &corpus.ten_minutes {
        let speed = measure(scanner, encoder, path).await?;
        text.push_str(&speed.rows());
        by_key_frames.push_str(&speed.key_frames_line());
    }
    write!(
        text,
        "\nBy key frames alone, pictures (what it costs in recall stands in the table above):\n\n{by_key_frames}"
    )?;
    Ok(text)
}

async fn measure(scanner: &Scanner, encoder: &str, path: &Path) -> Result<Speed> {
    let mut speed = Speed {
        encoder: encoder.to_owned(),
        seconds: 0.0,
        ffmpeg_pictures: Duration::MAX,
        ffmpeg_both: Duration::MAX,
        full_pictures: Duration::MAX,
        full_both: Duration::MAX,
        key_frames: Duration::MAX,
        n_frames: 0,
        n_key_frames: 0,
    };
    let pictures = AvWant { audio: false, ..WANT };
    let keys = AvWant {
        sampling: Sampling::KeyFrames,
        ..pictures
    };
    for _ in 0..ROUNDS {
        speed.ffmpeg_pictures = speed.ffmpeg_pictures.min(decoded_to_nothing(path, &["-an"])?);
        let (took, n_frames, duration_ms) = scanned(scanner, path, pictures).await?;
        speed.full_pictures = speed.full_pictures.min(took);
        (speed.n_frames, speed.seconds) = (n_frames, f64::from(duration_ms) / 1000.0);
        speed.ffmpeg_both = speed.ffmpeg_both.min(decoded_to_nothing(path, &[])?);
        speed.full_both = speed.full_both.min(scanned(scanner, path, WANT).await?.0);
        let (took, n_frames, _) = scanned(scanner, path, keys).await?;
        speed.key_frames = speed.key_frames.min(took);
        speed.n_key_frames = n_frames;
    }
    Ok(speed)
}

impl Speed {
    fn times(&self, took: Duration) -> String {
        format!(
            "{:.1} s, {:.0}x real time",
            took.as_secs_f64(),
            self.seconds / took.as_secs_f64()
        )
    }

    fn rows(&self) -> String {
        let share =
            |limit: Duration, took: Duration| format!("**{:.0} %**", 100.0 * limit.as_secs_f64() / took.as_secs_f64());
        format!(
            "| {encoder} | pictures | {} | {} ({} frames described) | {} |\n\
             | {encoder} | pictures and sound | {} | {} | {} |\n",
            self.times(self.ffmpeg_pictures),
            self.times(self.full_pictures),
            self.n_frames,
            share(self.ffmpeg_pictures, self.full_pictures),
            self.times(self.ffmpeg_both),
            self.times(self.full_both),
            share(self.ffmpeg_both, self.full_both),
            encoder = self.encoder,
        )
    }

    fn key_frames_line(&self) -> String {
        format!(
            "- {}: {} ({} frames described)\n",
            self.encoder,
            self.times(self.key_frames),
            self.n_key_frames
        )
    }
}

fn decoded_to_nothing(path: &Path, options: &[&str]) -> Result<Duration> {
    let began = Instant::now();
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-v", "error", "-threads", "1", "-i"])
        .arg(path);
    let status = command
        .args(options)
        .args(["-f", "null", "-"])
        .status()
        .context("no ffmpeg")?;
    ensure!(status.success(), "ffmpeg failed");
    Ok(began.elapsed())
}

async fn scanned(scanner: &Scanner, path: &Path, want: AvWant) -> Result<(Duration, usize, u32)> {
    let began = Instant::now();
    let scan = scanner.scan_now(path, want).await?;
    Ok((began.elapsed(), scan.frames.len(), scan.duration_ms))
}
