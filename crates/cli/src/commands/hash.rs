//! `seawall hash`: the signals of files, a line each, in the order in which they were named.

use futures_util::StreamExt;
use media::av::AvScan;
use media::{Scan, Want};
use serde::Serialize;
use signal::video::Frame;
use signal::views::{self, ViewSignal};
use signal::{SignalType, vpdq};

use crate::args::Hash;
use crate::exit::Exit;
use crate::offline::files::FileError;
use crate::offline::hasher::{FileScan, Hashed, Hasher, PartLine, SignalLine, path_text, recording_signals, signals};
use crate::output;

/// A line of JSON about a file.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Hashed {
        file: &'a str,
        media_type: &'static str,
        width: u32,
        height: u32,
        signals: Vec<SignalLine>,
        /// There, and false, if the file is damaged and only what could be seen of it was hashed.
        #[serde(skip_serializing_if = "Option::is_none")]
        intact: Option<bool>,
        /// What it is recognised by when it was edited, if that was asked for.
        #[serde(flatten)]
        looks: Option<LooksLine>,
    },
    Recording {
        file: &'a str,
        media_type: &'static str,
        width: u32,
        height: u32,
        duration_ms: u32,
        #[serde(skip_serializing_if = "Option::is_none")]
        video_codec: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        audio_codec: Option<&'static str>,
        /// Digests, `vpdq` and `chromaprint`, in the forms in which they are exchanged.
        signals: Vec<SignalLine>,
        /// The frames that were taken; those of vPDQ are among them.
        frames: Vec<FrameLine>,
        #[serde(skip_serializing_if = "Option::is_none")]
        intact: Option<bool>,
    },
    Failed {
        file: &'a str,
        error: &'a FileError,
    },
}

/// A frame of a video.
#[derive(Debug, Serialize)]
struct FrameLine {
    frame: u64,
    at_ms: u32,
    pdq: String,
    quality: u8,
    /// Whether it is one of those that vPDQ takes.
    vpdq: bool,
    /// Whether it begins a scene.
    scene: bool,
}

impl FrameLine {
    fn of(frame: &Frame) -> Self {
        Self {
            frame: frame.number,
            at_ms: frame.at_ms,
            pdq: frame.pdq.hash.to_string(),
            quality: frame.pdq.quality,
            vpdq: frame.is_vpdq,
            scene: frame.is_scene,
        }
    }
}

/// What a picture is recognised by when it was edited.
#[derive(Debug, Serialize)]
struct LooksLine {
    views: Vec<ViewLine>,
    /// How many keypoints it has.
    keypoints: usize,
    /// Changes whenever the same picture gives other views.
    views_version: u32,
}

/// A view, and where in the picture it lies.
#[derive(Debug, Serialize)]
struct ViewLine {
    view: String,
    #[serde(flatten)]
    part: PartLine,
    pdq: String,
    quality: u8,
}

impl LooksLine {
    fn of(scan: &Scan) -> Option<Self> {
        let looks = scan.looks.as_ref()?;
        Some(Self {
            views: looks.views.iter().map(ViewLine::of).collect(),
            keypoints: looks.keypoints.len(),
            views_version: views::VERSION,
        })
    }
}

impl ViewLine {
    fn of(seen: &ViewSignal) -> Self {
        Self {
            view: seen.view.to_string(),
            part: seen.share.into(),
            pdq: seen.pdq.hash.to_string(),
            quality: seen.pdq.quality,
        }
    }
}

/// Hashes the files; [`Exit::Failure`] if any could not be.
pub async fn run(args: Hash) -> anyhow::Result<Exit> {
    let want = match args.views {
        true => Want::SignalsAndLooks,
        false => Want::Signals,
    };
    let hasher = Hasher::start(args.jail.allow_weak_jail, want).await?;
    let mut exit = Exit::Success;
    // Of one file the lines are vPDQ's own, for its tools.
    let is_one = args.files.len() == 1;
    let mut hashed = std::pin::pin!(hasher.hash(args.files));
    while let Some(hashed) = hashed.next().await {
        if hashed.outcome.is_err() {
            exit = Exit::Failure;
        }
        hasher.bars().suspend(|| match args.json {
            true => print_json(&hashed),
            false => print_text(&hashed, is_one),
        })?;
    }
    Ok(exit)
}

fn print_json(hashed: &Hashed) -> anyhow::Result<()> {
    let file = &path_text(&hashed.path);
    output::json(&match &hashed.outcome {
        Ok(FileScan::Recording(scan)) => Line::Recording {
            file,
            media_type: scan.mime,
            width: scan.width,
            height: scan.height,
            duration_ms: scan.duration_ms,
            video_codec: scan.video_codec,
            audio_codec: scan.audio_codec,
            signals: recording_signals(scan).iter().map(|signal| signal.line()).collect(),
            frames: scan.frames.iter().map(FrameLine::of).collect(),
            intact: (!scan.is_intact).then_some(false),
        },
        Ok(FileScan::Picture(scan)) => Line::Hashed {
            file,
            media_type: scan.media_type.mime(),
            width: scan.width,
            height: scan.height,
            signals: signals(scan).iter().map(|signal| signal.line()).collect(),
            intact: (!scan.is_intact).then_some(false),
            looks: LooksLine::of(scan),
        },
        Err(error) => Line::Failed { file, error },
    })
}

fn print_text(hashed: &Hashed, is_one: bool) -> anyhow::Result<()> {
    let file = output::printable(&path_text(&hashed.path));
    match &hashed.outcome {
        Ok(FileScan::Recording(scan)) => print_recording(scan, &file, is_one),
        Ok(FileScan::Picture(scan)) => {
            // The host promises at least one frame, and frame 0 first.
            let pdq = signals(scan)
                .into_iter()
                .find(|signal| signal.signal.signal_type() == SignalType::Pdq);
            if !scan.is_intact {
                output::talk(&format!(
                    "seawall: {file}: damaged; what could be seen of it was hashed"
                ));
            }
            let (value, quality) = pdq.map_or_else(Default::default, |pdq| {
                (pdq.signal.value(), pdq.signal.quality().unwrap_or(0))
            });
            output::line(&format!("{value}  {quality:>3}  {file}"))?;
            let views = scan.looks.iter().flat_map(|looks| &looks.views);
            views.map(ViewLine::of).try_for_each(|seen| {
                let ViewLine {
                    view,
                    part,
                    pdq,
                    quality,
                } = seen;
                let percent = |share: f64| share * 100.0;
                let (left, top) = (percent(part.left), percent(part.top));
                let (width, height) = (percent(part.width), percent(part.height));
                output::line(&format!(
                    "  {pdq}  {quality:>3}  {view}  {width:.1}% x {height:.1}% at {left:.1}%, {top:.1}%"
                ))
            })
        }
        Err(error) => {
            output::talk(&format!("seawall: {file}: {}", output::printable(&error.detail)));
            Ok(())
        }
    }
}

/// vPDQ's lines, `frame,quality,hash,seconds`. Of a sound, its fingerprint as AcoustID writes it.
fn print_recording(scan: &AvScan, file: &str, is_one: bool) -> anyhow::Result<()> {
    if !scan.is_intact {
        output::talk(&format!("seawall: {file}: not all of it could be looked at"));
    }
    let behind = if is_one { String::new() } else { format!("  {file}") };
    let lines = vpdq::to_lines(&vpdq::of_frames(&scan.frames, scan.frame_rate));
    lines
        .lines()
        .try_for_each(|line| output::line(&format!("{line}{behind}")))?;
    match &scan.sound {
        Some(sound) if scan.frames.is_empty() => output::line(&format!("{}{behind}", sound.print().to_acoustid())),
        Some(_) | None => Ok(()),
    }
}
