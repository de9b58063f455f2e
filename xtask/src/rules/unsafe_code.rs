//! Where `unsafe` may stand. Only where a reason is written here, and each block says above it, in a comment that begins with
//! `SAFETY:`, why it is sound.

use crate::finding::Finding;
use crate::source;
use crate::tree::{File, Tree};
use syn::visit::Visit;

const RULE: &str = "unsafe_code";

/// Beginnings of paths that may hold `unsafe`, and why.
const ALLOWED: &[(&str, &str)] = &[
    ("crates/signal/", "vector instructions of the hash kernels"),
    (
        "crates/index/",
        "vector instructions of the search kernel, memory-mapped segments",
    ),
    ("crates/media/", "the jail of the worker: rlimits, descriptors, seccomp"),
];

/// How far above a block its comment may stand.
const SAFETY_LINES_ABOVE_MAX: usize = 8;

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust_under("crates/").chain(tree.rust_under("xtask/")) {
        let parsed = match source::parse(file, RULE) {
            Ok(parsed) => parsed,
            Err(finding) => {
                findings.push(finding);
                continue;
            }
        };
        let mut visitor = UnsafeVisitor { uses: Vec::new() };
        visitor.visit_file(&parsed);
        let is_allowed = ALLOWED.iter().any(|(prefix, _)| file.path.starts_with(prefix));
        for (line, what) in visitor.uses {
            let finding = |what: String, remedy: &str| Finding {
                file: file.path.clone(),
                line,
                rule: RULE,
                what,
                remedy: remedy.into(),
            };
            if !is_allowed {
                findings.push(finding(
                    format!("{what} where none may stand"),
                    "write it safely, or move it to `signal`, `index` or `media`, which are reviewed for it",
                ));
            } else if what == BLOCK && !says_why(file, line) {
                findings.push(finding(
                    format!("{what} without a reason"),
                    "say above it why it is sound: `// SAFETY: …`",
                ));
            }
        }
    }
    findings
}

const BLOCK: &str = "an unsafe block";

fn says_why(file: &File, line: usize) -> bool {
    let first = line.saturating_sub(SAFETY_LINES_ABOVE_MAX + 1);
    file.text
        .lines()
        .skip(first)
        .take(line - first)
        .any(|text| text.contains("SAFETY:"))
}

struct UnsafeVisitor {
    uses: Vec<(usize, &'static str)>,
}

impl<'ast> Visit<'ast> for UnsafeVisitor {
    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.uses.push((block.unsafe_token.span.start().line, BLOCK));
        syn::visit::visit_expr_unsafe(self, block);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let Some(token) = signature.unsafety {
            self.uses.push((token.span.start().line, "an unsafe function"));
        }
        syn::visit::visit_signature(self, signature);
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        if let Some(token) = block.unsafety {
            self.uses.push((token.span.start().line, "an unsafe impl"));
        }
        syn::visit::visit_item_impl(self, block);
    }

    fn visit_item_trait(&mut self, definition: &'ast syn::ItemTrait) {
        if let Some(token) = definition.unsafety {
            self.uses.push((token.span.start().line, "an unsafe trait"));
        }
        syn::visit::visit_item_trait(self, definition);
    }

    fn visit_item_foreign_mod(&mut self, block: &'ast syn::ItemForeignMod) {
        self.uses.push((source::line_of(&block.abi), "a foreign block"));
        syn::visit::visit_item_foreign_mod(self, block);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{assert_found, assert_none};

    fn check_file(path: &str, text: &str) -> Vec<Finding> {
        check(&Tree::of(&[(path, text)]))
    }

    #[test]
    fn the_tree_keeps_it() {
        assert_none(&check(&Tree::of_workspace()));
    }

    #[test]
    fn unsafe_outside_its_rooms_is_refused() {
        let text =
            "fn f() {\n    // SAFETY: none\n    unsafe { g() }\n}\nunsafe fn h() {}\nunsafe impl Send for S {}\n";
        assert_found(
            &check_file("crates/web/src/lib.rs", text),
            &[
                ("crates/web/src/lib.rs:3", "an unsafe block where none may stand"),
                ("crates/web/src/lib.rs:5", "an unsafe function"),
                ("crates/web/src/lib.rs:6", "an unsafe impl"),
            ],
        );
    }

    #[test]
    fn a_block_needs_its_reason() {
        assert_none(&check_file(
            "crates/index/src/scan.rs",
            "fn f() {\n    // SAFETY: the length is checked above.\n    unsafe { g() }\n}\n",
        ));
        assert_found(
            &check_file("crates/index/src/scan.rs", "fn f() {\n    unsafe { g() }\n}\n"),
            &[("crates/index/src/scan.rs:2", "without a reason")],
        );
    }
}
