//! Writes the hostile files of `testdata/hostile/` into a folder: `make_hostile FOLDER [SEED]`.

#[path = "../../../testdata/hostile/mod.rs"]
mod hostile;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(folder), seed) = (args.next(), args.next().map_or(Ok(1), |seed| seed.parse())) else {
        eprintln!("usage: make_hostile FOLDER [SEED]");
        return ExitCode::from(2);
    };
    let Ok(seed) = seed else {
        eprintln!("the seed is a whole number");
        return ExitCode::from(2);
    };
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/formats");
    let files = hostile::files(&samples, seed);
    let written = std::fs::create_dir_all(&folder).and_then(|()| {
        files
            .iter()
            .try_for_each(|file| std::fs::write(Path::new(&folder).join(&file.name), &file.bytes))
    });
    match written {
        Ok(()) => {
            println!("{} files in {folder}", files.len());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot write to {folder}: {error}");
            ExitCode::FAILURE
        }
    }
}
