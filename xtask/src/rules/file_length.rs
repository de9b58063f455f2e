//! A file has one subject. One that grows past the limit usually has two.

use crate::finding::Finding;
use crate::tree::Tree;

const RULE: &str = "file_length";
const LINES_MAX: usize = 600;

/// Files that may be longer, and why.
const ALLOWED: &[(&str, &str)] = &[(
    "testdata/hostile/bombs.rs",
    "a catalogue of hostile files, one small function each",
)];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust_under("") {
        let n_lines = file.text.lines().count();
        if n_lines > LINES_MAX && !ALLOWED.iter().any(|(path, _)| *path == file.path) {
            findings.push(Finding {
                file: file.path.clone(),
                line: n_lines,
                rule: RULE,
                what: format!("{n_lines} lines; the limit is {LINES_MAX}"),
                remedy: "give its second subject (often its tests) a file of its own".into(),
            });
        }
    }
    for (path, _) in ALLOWED {
        if tree
            .get(path)
            .is_some_and(|file| file.text.lines().count() <= LINES_MAX)
        {
            findings.push(Finding {
                file: (*path).into(),
                line: 0,
                rule: RULE,
                what: "is short again and still on the list of long files".into(),
                remedy: "take it off the list in xtask/src/rules/file_length.rs".into(),
            });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{assert_found, assert_none};

    #[test]
    fn the_tree_keeps_it() {
        assert_none(&check(&Tree::of_workspace()));
    }

    #[test]
    fn a_long_file_is_refused() {
        let long = "// line\n".repeat(LINES_MAX + 1);
        let tree = Tree::of(&[
            ("crates/a/src/lib.rs", &long),
            ("crates/a/src/b.rs", &long[8..]),
            ("docs/a.md", &long),
        ]);
        assert_found(&check(&tree), &[("crates/a/src/lib.rs:601", "601 lines")]);
    }
}
