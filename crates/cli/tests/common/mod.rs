//! What the tests of the program share: the program itself, a folder of its own, pictures.

#![allow(dead_code, reason = "each test program uses another part of this")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use cli::demo::files;
use signal::pdq::{self, PdqSignal};
use tempfile::TempDir;

/// The program, with nothing of this machine's configuration.
pub fn seawall() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seawall"));
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("SEAWALL_")) {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// What the program printed and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Standard output as lines of JSON.
    pub fn json(&self) -> Vec<serde_json::Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
            .collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs the program to its end.
pub fn run(command: &mut Command) -> Ran {
    command.output().unwrap().into()
}

/// Runs the program to its end in a folder.
pub fn run_in(dir: &Path, args: &[&str]) -> Ran {
    run(seawall().current_dir(dir).args(args))
}

/// A folder with files, gone when the test ends.
pub fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    dir
}

/// A picture of whole numbers only, the same on every machine.
pub fn picture(seed: u32) -> image::RgbImage {
    image::RgbImage::from_fn(160, 120, |x, y| {
        let (cx, cy) = ((seed * 37) % 160, (seed * 53) % 120);
        let away = x.abs_diff(cx).pow(2) + y.abs_diff(cy).pow(2);
        let stripe = ((x * (seed % 5 + 1) + y * (seed % 7 + 2)) / 16 % 2) * 60;
        image::Rgb([
            (away / 64 % 256) as u8,
            (stripe + x / 2) as u8,
            (255 - (y * 2).min(255)) as u8,
        ])
    })
}

/// A PNG file.
pub fn png(picture: &image::RgbImage) -> Vec<u8> {
    files::png(picture).unwrap()
}

/// PDQ of a picture's pixels, without the program.
pub fn pdq(picture: &image::RgbImage) -> PdqSignal {
    pdq::hash_rgb(pdq::RgbImage::new(picture.width(), picture.height(), picture.as_raw()).unwrap())
}

/// A store in a folder of its own, with a configuration file.
pub struct Home {
    /// The folder.
    pub dir: TempDir,
}

impl Home {
    /// A configuration with `more` after the store's address.
    pub fn new(more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let text = format!(
            "[store]\nurl = \"sqlite://{}\"\n{more}",
            dir.path().join("store/seawall.db").display()
        );
        std::fs::write(dir.path().join("seawall.toml"), text).unwrap();
        Self { dir }
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.dir.path().join("seawall.toml")
    }

    /// The program with this configuration.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = seawall();
        command
            .current_dir(self.dir.path())
            .arg("--config")
            .arg(self.config())
            .args(args);
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        run(&mut self.command(args))
    }

    /// Runs it and expects success.
    pub fn ok(&self, args: &[&str]) -> Ran {
        let ran = self.run(args);
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran
    }
}
