//! Tools for working on Seawall itself. `cargo test -p xtask` judges the whole tree by the rules of the house;
//! `cargo run -p xtask -- help` says what else there is.
//!
//! It may know every crate; no crate knows it. Start reading at [`rules`].

mod codegen;
mod finding;
mod rules;
#[cfg(test)]
mod samples;
mod source;
mod tree;

use anyhow::{Context, Result, bail};
use std::process::ExitCode;

const HELP: &str = "\
cargo run -p xtask -- COMMAND

  tidy               judge the tree by the rules of the house (`cargo test -p xtask` does the same)
  codegen [--check]  write the generated files, or with --check only say which have drifted
  migrations         record the digests of migrations that are not recorded yet";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    let root = tree::workspace_root();
    match words {
        ["tidy"] => {
            let tree = tree::Tree::read(&root).context("cannot read the tree")?;
            let findings = rules::check_all(&tree)?;
            if findings.is_empty() {
                eprintln!("{} files, nothing found", tree.files.len());
                return Ok(());
            }
            bail!("{}", finding::list(&findings))
        }
        ["codegen"] => codegen::write(&root, &codegen::generated()),
        ["codegen", "--check"] => codegen::check(&root, &codegen::generated()),
        ["migrations"] => rules::migrations::record(&root),
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => bail!("{HELP}"),
    }
}
