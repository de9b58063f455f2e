//! Where the program is that decodes videos.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What to do without it.
pub const INSTALL_HINT: &str = "install FFmpeg's libraries (Debian: libavformat-dev libavcodec-dev libavutil-dev libswscale-dev libswresample-dev), \
     build the program with `cargo build --release -p av`, and put it beside `seawall`";

/// Its name.
const NAME: &str = "av-worker";

/// The program that becomes a worker, and its arguments.
#[derive(Debug, Clone)]
pub struct AvWorkerCommand {
    /// Path of the program.
    pub program: PathBuf,
    /// Arguments before those that the host appends.
    pub args: Vec<OsString>,
}

/// There is no such program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("videos and sounds cannot be decoded: there is no program {}; {INSTALL_HINT}", program.display())]
pub struct NoAvWorker {
    /// Where it was looked for.
    pub program: PathBuf,
}

impl AvWorkerCommand {
    /// The program at this path.
    pub fn at(program: impl Into<PathBuf>) -> Result<Self, NoAvWorker> {
        let program = program.into();
        // What is there is tried when the host starts; here only a name is looked for.
        if !program.is_file() {
            return Err(NoAvWorker { program });
        }
        Ok(Self {
            program,
            args: Vec::new(),
        })
    }

    /// `av-worker` in the folder of the running executable, where `make run` and packages put it.
    pub fn beside_this_executable() -> Result<Self, NoAvWorker> {
        let program = std::env::current_exe().unwrap_or_default();
        Self::at(beside(&program))
    }
}

/// Cargo puts tests and examples one folder below the programs.
fn beside(program: &Path) -> PathBuf {
    let folder = program.parent().unwrap_or(Path::new(""));
    let folder = match folder.file_name().and_then(|name| name.to_str()) {
        Some("deps" | "examples") => folder.parent().unwrap_or(folder),
        _ => folder,
    };
    folder.join(NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lies_beside_the_program() {
        let check = |program: &str, expected: &str| assert_eq!(beside(Path::new(program)), Path::new(expected));
        check("/usr/bin/seawall", "/usr/bin/av-worker");
        check("/t/release/seawall", "/t/release/av-worker");
        check("/t/debug/deps/host-1234", "/t/debug/av-worker");
        check("/t/debug/examples/scan", "/t/debug/av-worker");
    }

    #[test]
    fn without_it_the_reason_says_what_to_do() {
        let error = AvWorkerCommand::at("/nonexistent/av-worker").unwrap_err();
        assert!(error.to_string().contains("/nonexistent/av-worker"), "{error}");
        assert!(error.to_string().contains("libavformat-dev"), "{error}");
    }
}
