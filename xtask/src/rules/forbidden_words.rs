//! Words that tie the tree to the place where somebody worked on it. A clone must read the same everywhere.

use crate::finding::Finding;
use crate::tree::Tree;

const RULE: &str = "forbidden_words";

/// Each in two halves, so that this file does not find itself.
const FORBIDDEN: &[(&str, &str)] = &[("../sha", "red"), ("DESIGN", ".md"), ("/wo", "rk/")];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        for (idx, line) in file.text.lines().enumerate() {
            for (start, end) in FORBIDDEN {
                let word = format!("{start}{end}");
                if line.match_indices(&word).any(|(at, _)| begins_a_path(line, at)) {
                    findings.push(Finding {
                        file: file.path.clone(),
                        line: idx + 1,
                        rule: RULE,
                        what: format!("`{word}` is a place on somebody's machine"),
                        remedy: "say it in the project's own terms, with a path from its root".into(),
                    });
                }
            }
        }
    }
    findings
}

/// A part of a longer path or of an address is not a place on a machine.
fn begins_a_path(line: &str, at: usize) -> bool {
    let before = line[..at].chars().next_back();
    !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | ')'))
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
    fn a_place_on_a_machine_is_refused() {
        let text = format!("fine\nsee {}{}/notes\nin `{}{}main`\n", "../sha", "red", "/wo", "rk/");
        assert_found(
            &check(&Tree::of(&[("docs/a.md", &text)])),
            &[("docs/a.md:2", "../sha"), ("docs/a.md:3", "/wo")],
        );
    }

    #[test]
    fn a_part_of_a_longer_path_is_not() {
        let text = format!("net{}{}x and example.org{}{}x\n", "/wo", "rk/", "/wo", "rk/");
        assert_none(&check(&Tree::of(&[("docs/a.md", &text)])));
    }
}
