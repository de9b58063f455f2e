//! Every file is decoded and read where Seawall does it: by `av-worker`, in its jail, through [`media::av::AvHost`].

use crate::kept::Kept;
use anyhow::{Context, Result};
use media::av::{AvHost, AvSettings, AvWant, AvWorkerCommand, Sampling};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::{Path, PathBuf};

/// How long a worker may seem to do nothing.
const STALL_MS_MAX: u32 = 600_000;

/// Everything that matching needs, and nothing that only people look at.
pub const WANT: AvWant = AvWant {
    sampling: Sampling::Full,
    glimpses: true,
    audio: true,
    strip: false,
    from_ms: 0,
};

#[derive(Debug, Clone)]
pub struct Scanner {
    host: AvHost,
    folder: PathBuf,
    /// What of the program decides what a scan finds: a changed one scans anew.
    worker: String,
}

impl Scanner {
    /// Scans are kept in `folder`.
    pub async fn new(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(&folder)?;
        let command = AvWorkerCommand::beside_this_executable()?;
        // The prints are made on this side of the pipe, so this program is part of it too.
        let mut digest = Sha256::new();
        for program in [command.program.clone(), std::env::current_exe()?] {
            digest.update(std::fs::read(&program)?);
        }
        let worker = hex(&digest.finalize());
        let mut settings = AvSettings::new(command);
        // A machine that is busy with other things makes a figure worse, not a scan fail.
        settings.limits.stall_ms_max = STALL_MS_MAX;
        let host = AvHost::new(settings)?;
        host.try_worker().await.context("the worker does not start")?;
        Ok(Self { host, folder, worker })
    }

    pub fn host(&self) -> &AvHost {
        &self.host
    }

    /// Scans kept by whatever version of the programs are good enough: for work on matching alone.
    pub fn take_any_version(&mut self) {
        "any".clone_into(&mut self.worker);
    }

    /// What is found in a file; as it was found before, when that is kept.
    pub async fn scan(&self, path: &Path, sampling: Sampling) -> Result<Kept> {
        let mut digest = Sha256::new();
        digest.update(self.worker.as_bytes());
        // A file's name says how it was made; its folder may move.
        let name = path.file_name().unwrap_or(path.as_os_str());
        digest.update(name.as_encoded_bytes());
        digest.update([u8::from(sampling == Sampling::KeyFrames)]);
        let kept = self.folder.join(hex(&digest.finalize()));
        if let Some(scan) = std::fs::read(&kept)
            .ok()
            .and_then(|bytes| Kept::from_bytes(&bytes).ok())
        {
            return Ok(scan);
        }
        let scan = self.scan_now(path, AvWant { sampling, ..WANT }).await?;
        std::fs::write(kept, scan.to_bytes())?;
        Ok(scan)
    }

    /// What is found in a file, decoded now.
    pub async fn scan_now(&self, path: &Path, want: AvWant) -> Result<Kept> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let scan = self.host.scan(file, want, |_| {}).await;
        let scan = scan.with_context(|| format!("cannot scan {}", path.display()))?;
        Ok(Kept {
            duration_ms: scan.duration_ms,
            frames: scan.frames,
            sound: scan.sound,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
