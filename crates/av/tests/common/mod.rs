//! Videos and sounds made with FFmpeg's own program, and a host that scans them.

#![allow(dead_code, reason = "each test uses a part")]

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use media::ScanError;
use media::av::{AvHost, AvLimits, AvScan, AvSettings, AvWant, AvWorkerCommand};
use tempfile::TempDir;

/// Two moving patterns, one after the other: a cut at three seconds.
pub const PICTURES: &str = "testsrc2=size=320x240:rate=25:duration=3[a];smptebars=size=320x240:rate=25:duration=3[b];[a][b]concat,format=yuv420p";
/// Six seconds of a tone that goes up.
pub const SOUND: &str = "aevalsrc=0.5*sin(2*PI*(300+100*t)*t):duration=6:sample_rate=44100";

/// A folder of videos that goes away with the test.
pub struct Studio(TempDir);

impl Studio {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs FFmpeg with these arguments, separated by spaces, and returns the file it wrote.
    pub fn ffmpeg(&self, args: &str, name: &str) -> PathBuf {
        let path = self.path(name);
        let output = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-y"])
            .args(args.split(' ').filter(|arg| !arg.is_empty()))
            .arg(&path)
            .current_dir(self.0.path())
            .output()
            .expect("the program `ffmpeg` is installed by scripts/setup.sh test");
        assert!(
            output.status.success(),
            "{args}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        path
    }

    /// Pictures and sound, encoded so.
    pub fn video(&self, args: &str, name: &str) -> PathBuf {
        self.ffmpeg(&format!("-f lavfi -i {PICTURES} -f lavfi -i {SOUND} {args}"), name)
    }

    pub fn pictures(&self, args: &str, name: &str) -> PathBuf {
        self.ffmpeg(&format!("-f lavfi -i {PICTURES} {args}"), name)
    }

    pub fn sound(&self, args: &str, name: &str) -> PathBuf {
        self.ffmpeg(&format!("-f lavfi -i {SOUND} {args}"), name)
    }
}

pub fn settings() -> AvSettings {
    let worker = AvWorkerCommand::at(env!("CARGO_BIN_EXE_av-worker")).unwrap();
    AvSettings {
        scans_max: 2,
        limits: AvLimits {
            // Far more than is needed: machines that test are busy.
            time_ms_max: 120_000,
            stall_ms_max: 60_000,
            memory_bytes_max: 512 << 20,
            ..AvLimits::default()
        },
        ..AvSettings::new(worker)
    }
}

pub fn host() -> AvHost {
    AvHost::new(settings()).unwrap()
}

pub async fn scan(path: PathBuf) -> Result<AvScan, ScanError> {
    scan_with(&host(), path, AvWant::EVERYTHING).await
}

pub async fn scan_with(host: &AvHost, path: PathBuf, want: AvWant) -> Result<AvScan, ScanError> {
    host.scan(File::open(path).unwrap(), want, |_| ()).await
}

pub async fn scan_bytes(host: &AvHost, bytes: &[u8]) -> Result<AvScan, ScanError> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    host.scan(file, AvWant::EVERYTHING, |_| ()).await
}
