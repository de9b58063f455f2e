//! A migration that somebody may have run is never edited: their database would differ from ours for ever. The digest of each is
//! recorded in `crates/moderation/migrations/CHECKSUMS`; the file only grows.

use crate::finding::Finding;
use crate::tree::{File, Tree};
use anyhow::{Result, bail};
use sha2::{Digest, Sha256};
use std::path::Path;

const RULE: &str = "migrations";
const FOLDER: &str = "crates/moderation/migrations/";
const RECORD: &str = "crates/moderation/migrations/CHECKSUMS";
const RECORD_COMMAND: &str = "cargo run -p xtask -- migrations";

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut finding = |file: &str, line: usize, what: String, remedy: String| {
        findings.push(Finding {
            file: file.into(),
            line,
            rule: RULE,
            what,
            remedy,
        });
    };
    let recorded = recorded(tree);
    for migration in migrations(tree) {
        let name = &migration.path[FOLDER.len()..];
        match recorded.iter().find(|line| line.name == name) {
            None => finding(
                &migration.path,
                0,
                "is not recorded".into(),
                format!("run `{RECORD_COMMAND}`"),
            ),
            Some(line) if line.digest != digest(migration) => finding(
                &migration.path,
                0,
                "was edited after it was recorded".into(),
                "undo the edit and write a new migration: databases that ran this one will not run it again".into(),
            ),
            Some(_) => {}
        }
    }
    for line in &recorded {
        if tree.get(&format!("{FOLDER}{}", line.name)).is_none() {
            let what = format!("`{}` is recorded and gone", line.name);
            finding(
                RECORD,
                line.line,
                what,
                "bring it back: a new database runs every migration in turn".into(),
            );
        }
    }
    findings
}

/// Appends what is not recorded yet. What is recorded stays as it is.
pub fn record(root: &Path) -> Result<()> {
    let tree = Tree::read(root)?;
    let recorded = recorded(&tree);
    let mut text = tree.get(RECORD).map(|file| file.text.clone()).unwrap_or_default();
    for migration in migrations(&tree) {
        let name = &migration.path[FOLDER.len()..];
        match recorded.iter().find(|line| line.name == name) {
            Some(line) if line.digest != digest(migration) => {
                bail!(
                    "`{}` was edited after it was recorded; write a new migration instead",
                    migration.path
                )
            }
            Some(_) => {}
            None => {
                text.push_str(&format!("{}  {name}\n", digest(migration)));
                eprintln!("recorded {name}");
            }
        }
    }
    std::fs::write(root.join(RECORD), text)?;
    Ok(())
}

struct Recorded {
    digest: String,
    name: String,
    line: usize,
}

fn recorded(tree: &Tree) -> Vec<Recorded> {
    let lines = tree
        .get(RECORD)
        .map(|file| file.text.as_str())
        .unwrap_or_default()
        .lines();
    lines
        .enumerate()
        .filter_map(|(idx, line)| {
            let (digest, name) = line.split_once("  ")?;
            Some(Recorded {
                digest: digest.into(),
                name: name.into(),
                line: idx + 1,
            })
        })
        .collect()
}

fn migrations(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files
        .iter()
        .filter(|file| file.path.starts_with(FOLDER) && file.path.ends_with(".sql"))
}

fn digest(file: &File) -> String {
    hex::encode(Sha256::digest(file.text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{assert_found, assert_none};

    const FIRST: &str = "crates/moderation/migrations/0001_start.sql";
    const SECOND: &str = "crates/moderation/migrations/0002_more.sql";

    #[test]
    fn the_tree_keeps_it() {
        assert_none(&check(&Tree::of_workspace()));
    }

    #[test]
    fn new_edited_and_vanished_migrations_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        std::fs::create_dir_all(root.join(FOLDER)).expect("a folder");
        std::fs::write(root.join(FIRST), "CREATE TABLE a (id TEXT);\n").expect("written");
        let read = || Tree::read(root).expect("the folder can be read");

        assert_found(
            &check(&read()),
            &[("crates/moderation/migrations/0001_start.sql:0", "is not recorded")],
        );
        record(root).expect("recorded");
        assert_none(&check(&read()));

        std::fs::write(root.join(FIRST), "CREATE TABLE b (id TEXT);\n").expect("written");
        assert_found(
            &check(&read()),
            &[("crates/moderation/migrations/0001_start.sql:0", "was edited")],
        );
        record(root).expect_err("an edited migration is not recorded again");

        std::fs::rename(root.join(FIRST), root.join(SECOND)).expect("renamed");
        assert_found(
            &check(&read()),
            &[
                ("crates/moderation/migrations/0002_more.sql:0", "is not recorded"),
                (
                    "crates/moderation/migrations/CHECKSUMS:1",
                    "`0001_start.sql` is recorded and gone",
                ),
            ],
        );
    }
}
