//! Every Rust file opens by saying what it is for, so that a reader who arrives by search knows where they are.

use crate::finding::Finding;
use crate::tree::Tree;

const RULE: &str = "module_docs";

/// A sentence, not a title.
const WORDS_MIN: usize = 4;

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust_under("") {
        let opening: String = file
            .text
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .collect::<Vec<_>>()
            .join(" ");
        if opening.split_whitespace().count() < WORDS_MIN {
            findings.push(Finding {
                file: file.path.clone(),
                line: 1,
                rule: RULE,
                what: "does not open with `//!`".into(),
                remedy: "say in a sentence what it is for, what it must never know, and where to start reading".into(),
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
    fn a_file_that_does_not_introduce_itself_is_refused() {
        for text in [
            "",
            "fn f() {}\n",
            "//! Cases.\nfn f() {}\n",
            "use a;\n//! Cases and what becomes of them.\n",
        ] {
            assert_found(
                &check(&Tree::of(&[("crates/a/src/lib.rs", text)])),
                &[("crates/a/src/lib.rs:1", "does not open")],
            );
        }
        assert_none(&check(&Tree::of(&[(
            "crates/a/src/lib.rs",
            "//! Cases and what becomes\n//! of them.\n",
        )])));
    }
}
