//! Files that are generated from the code and committed, so that a change of an interface shows in the diff that makes it.
//! It knows which function makes which file, and nothing about what stands in them.

use anyhow::{Context, Result, bail};
use std::path::Path;

/// A file and the function that makes it.
pub struct Generated {
    /// From the root of the workspace.
    pub path: &'static str,
    /// The whole text.
    pub make: fn() -> String,
}

/// Every generated file.
pub fn generated() -> Vec<Generated> {
    vec![
        Generated {
            path: "docs/openapi.json",
            make: web::openapi_json,
        },
        Generated {
            path: "docs/config.schema.json",
            make: cli::config::schema_json,
        },
        Generated {
            path: "docs/cli.md",
            make: cli::help_markdown,
        },
    ]
}

/// Writes those that differ.
pub fn write(root: &Path, files: &[Generated]) -> Result<()> {
    for file in files {
        let text = with_last_newline((file.make)());
        let path = root.join(file.path);
        if std::fs::read_to_string(&path).is_ok_and(|existing| existing == text) {
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("cannot write `{}`", file.path))?;
        eprintln!("wrote {}", file.path);
    }
    Ok(())
}

/// Fails when a committed file is not what the code says now, naming the first line that differs.
pub fn check(root: &Path, files: &[Generated]) -> Result<()> {
    let mut drifted = Vec::new();
    for file in files {
        let made = with_last_newline((file.make)());
        let committed = std::fs::read_to_string(root.join(file.path)).unwrap_or_default();
        if made != committed {
            let n_same = made.lines().zip(committed.lines()).take_while(|(a, b)| a == b).count();
            let line_of = |text: &str| text.lines().nth(n_same).unwrap_or("(the end)").trim().to_string();
            drifted.push(format!(
                "{}:{}: drifted\n    committed: {}\n    the code:  {}",
                file.path,
                n_same + 1,
                line_of(&committed),
                line_of(&made)
            ));
        }
    }
    if drifted.is_empty() {
        return Ok(());
    }
    bail!("{}\nRun `make codegen` and commit what it writes.", drifted.join("\n"))
}

fn with_last_newline(mut text: String) -> String {
    while text.ends_with('\n') {
        text.pop();
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_files_are_what_the_code_says() {
        if let Err(drift) = check(&crate::tree::workspace_root(), &generated()) {
            panic!("\n{drift:#}");
        }
    }

    #[test]
    fn drift_is_found_and_mended() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = [Generated {
            path: "docs/made.md",
            make: || "one\ntwo".into(),
        }];
        let message = |result: Result<()>| format!("{:#}", result.expect_err("it has drifted"));

        assert!(message(check(folder.path(), &files)).starts_with("docs/made.md:1: drifted"));
        write(folder.path(), &files).expect("written");
        check(folder.path(), &files).expect("no drift");

        std::fs::write(folder.path().join("docs/made.md"), "one\n2\n").expect("written");
        let said = message(check(folder.path(), &files));
        assert!(
            said.contains("docs/made.md:2: drifted")
                && said.contains("committed: 2")
                && said.contains("the code:  two"),
            "{said}"
        );
    }
}
