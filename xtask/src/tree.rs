//! The files of the workspace as values, so that a rule can be fed a made-up tree and be seen to refuse it.
//! It knows no rule.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Folders that hold what tools made, not what people wrote.
const SKIPPED_FOLDERS: &[&str] = &[
    "target",
    ".git",
    ".tools",
    ".seawall",
    "node_modules",
    "__pycache__",
    "corpus",
    "artifacts",
    ".hypothesis",
];

/// One text file.
#[derive(Debug, Clone)]
pub struct File {
    /// From the root of the workspace, with `/`.
    pub path: String,
    /// The whole text.
    pub text: String,
}

/// Every text file that people wrote. Files that are not UTF-8 are left out.
#[derive(Debug)]
pub struct Tree {
    /// In the order of their paths.
    pub files: Vec<File>,
}

impl Tree {
    /// Reads the tree under a folder.
    pub fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).with_context(|| format!("cannot list `{}`", folder.display()))? {
                let entry = entry?;
                let name = entry.file_name();
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    if !SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) {
                        folders.push(entry.path());
                    }
                } else if kind.is_file() {
                    let bytes = std::fs::read(entry.path())?;
                    let Ok(text) = String::from_utf8(bytes) else { continue };
                    let path = entry.path().strip_prefix(root)?.to_string_lossy().replace('\\', "/");
                    files.push(File { path, text });
                }
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// Rust files whose path starts so.
    pub fn rust_under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a File> {
        self.files
            .iter()
            .filter(move |file| file.path.starts_with(prefix) && file.path.ends_with(".rs"))
    }

    /// The file at a path.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// Where the workspace lies.
pub fn workspace_root() -> PathBuf {
    let own_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    own_folder.parent().unwrap_or(own_folder).to_path_buf()
}

#[cfg(test)]
impl Tree {
    /// The tree this test was built from.
    pub fn of_workspace() -> Self {
        Self::read(&workspace_root()).expect("the workspace can be read")
    }

    /// A made-up tree.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let mut files: Vec<File> = files
            .iter()
            .map(|(path, text)| File {
                path: (*path).into(),
                text: (*text).into(),
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_read_without_what_tools_made() {
        let tree = Tree::of_workspace();
        assert!(tree.get("xtask/src/tree.rs").is_some());
        assert!(tree.get("Cargo.toml").is_some());
        assert!(
            !tree
                .files
                .iter()
                .any(|file| file.path.starts_with("target/") || file.path.starts_with(".git/"))
        );
    }
}
