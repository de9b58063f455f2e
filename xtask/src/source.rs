//! What the rules ask of Rust source: its shipped items, its string literals, its comments. It knows no rule.
//!
//! "Shipped" leaves out what only tests compile: a test may lay out a neighbour's rows to see its own room work.

use crate::finding::Finding;
use crate::tree::{File, Tree};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;
use syn::spanned::Spanned;
use syn::visit::Visit;

/// A string literal and the line it starts at.
#[derive(Debug, PartialEq, Eq)]
pub struct Literal {
    /// Its value, escapes resolved.
    pub value: String,
    /// Counted from 1.
    pub line: usize,
}

/// Parses a file; what does not parse is a finding, since a rule that skips a file does not hold there.
pub fn parse(file: &File, rule: &'static str) -> Result<syn::File, Finding> {
    syn::parse_file(&file.text).map_err(|error| Finding {
        file: file.path.clone(),
        line: error.span().start().line,
        rule,
        what: format!("cannot be parsed: {error}"),
        remedy: "make it compile; the rule cannot be checked before".into(),
    })
}

/// Rust files under a prefix that are compiled into what is shipped.
pub fn shipped<'a>(tree: &'a Tree, prefix: &'a str) -> Vec<&'a File> {
    let test_only = test_only_prefixes(tree, prefix);
    tree.rust_under(prefix)
        .filter(|file| {
            let is_named_test = file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
            let is_bench = file.path.contains("/benches/") || file.path.contains("/examples/");
            !is_named_test && !is_bench && !test_only.iter().any(|start| file.path.starts_with(start.as_str()))
        })
        .collect()
}

/// Beginnings of paths of modules declared as `#[cfg(test)] mod name;`.
fn test_only_prefixes(tree: &Tree, prefix: &str) -> BTreeSet<String> {
    let mut starts = BTreeSet::new();
    for file in tree.rust_under(prefix) {
        let Ok(parsed) = syn::parse_file(&file.text) else {
            continue;
        };
        for item in &parsed.items {
            if let syn::Item::Mod(module) = item
                && module.content.is_none()
                && is_test_only(&module.attrs)
            {
                let folder = folder_of_children(&file.path);
                starts.insert(format!("{folder}/{}.rs", module.ident));
                starts.insert(format!("{folder}/{}/", module.ident));
            }
        }
    }
    starts
}

/// Where the out-of-line modules of a file lie: `src/a.rs` has them in `src/a`, `src/a/mod.rs` too, `src/lib.rs` in `src`.
fn folder_of_children(path: &str) -> &str {
    let without_extension = path.strip_suffix(".rs").unwrap_or(path);
    match without_extension.rsplit_once('/') {
        Some((folder, "mod" | "lib" | "main")) => folder,
        _ => without_extension,
    }
}

/// The path of the module that a file is, within its crate: `crates/x/src/a/b.rs` is `[a, b]`, `lib.rs` is `[]`.
pub fn module_path(path: &str) -> Vec<String> {
    let inside = path.split_once("/src/").map_or(path, |(_, inside)| inside);
    let mut parts: Vec<String> = inside
        .strip_suffix(".rs")
        .unwrap_or(inside)
        .split('/')
        .map(String::from)
        .collect();
    if parts
        .last()
        .is_some_and(|last| last == "mod" || last == "lib" || last == "main")
    {
        parts.pop();
    }
    parts
}

/// Whether an item carries `#[test]` or a `#[cfg(…)]` that asks for `test`.
pub fn is_test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        if attribute.path().is_ident("test") {
            return true;
        }
        let syn::Meta::List(list) = &attribute.meta else {
            return false;
        };
        // `not(test)` is shipped code, and an `any(test, …)` is compiled without it too.
        list.path.is_ident("cfg") && matches!(list.tokens.to_string().as_str(), "test" | "any (test)" | "all (test)")
    })
}

struct LiteralVisitor {
    literals: Vec<Literal>,
}

/// All string literals of the shipped part of a file, those inside macros included, those in attributes (docs, error texts) not.
pub fn shipped_literals(parsed: &syn::File) -> Vec<Literal> {
    let mut visitor = LiteralVisitor { literals: Vec::new() };
    visitor.visit_file(parsed);
    visitor.literals
}

impl LiteralVisitor {
    fn push(&mut self, literal: &syn::LitStr) {
        self.literals.push(Literal {
            value: literal.value(),
            line: literal.span().start().line,
        });
    }

    fn push_tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Literal(literal) => {
                    if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                        self.push(&text);
                    }
                }
                TokenTree::Group(group) => self.push_tokens(group.stream()),
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for LiteralVisitor {
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.push(literal);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.push_tokens(called.tokens.clone());
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test_only(&module.attrs) {
            syn::visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !is_test_only(&function.attrs) {
            syn::visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        if !is_test_only(&block.attrs) {
            syn::visit::visit_item_impl(self, block);
        }
    }
}

/// The line a piece of syntax starts at.
pub fn line_of(spanned: &impl Spanned) -> usize {
    spanned.span().start().line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literals(text: &str) -> Vec<(String, usize)> {
        let parsed = syn::parse_file(text).expect("the snippet parses");
        shipped_literals(&parsed)
            .into_iter()
            .map(|literal| (literal.value, literal.line))
            .collect()
    }

    #[test]
    fn literals_are_found_in_calls_constants_and_macros() {
        let text = "const A: &str = \"one\";\nfn f() {\n    g(\"two\");\n    h!(x, { \"three\" });\n}\n";
        assert_eq!(
            literals(text),
            [("one".into(), 1), ("two".into(), 3), ("three".into(), 4)]
        );
    }

    #[test]
    fn literals_of_docs_and_tests_are_left_out() {
        let text =
            "//! doc\n/// doc\n#[error(\"text\")]\nstruct S;\n#[cfg(test)]\nmod tests { const A: &str = \"no\"; }\n";
        assert_eq!(literals(text), []);
        assert_eq!(
            literals("#[cfg(not(test))]\nmod m { const A: &str = \"yes\"; }\n"),
            [("yes".into(), 2)]
        );
    }

    #[test]
    fn files_that_only_tests_compile_are_not_shipped() {
        let tree = Tree::of(&[
            ("crates/a/src/lib.rs", "mod b;\n#[cfg(test)]\nmod support;\n"),
            ("crates/a/src/b.rs", ""),
            ("crates/a/src/b/tests.rs", ""),
            ("crates/a/src/support.rs", ""),
            ("crates/a/src/support/deep.rs", ""),
            ("crates/a/tests/whole.rs", ""),
        ]);
        let paths: Vec<&str> = shipped(&tree, "crates/a/")
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        assert_eq!(paths, ["crates/a/src/b.rs", "crates/a/src/lib.rs"]);
    }

    #[test]
    fn module_paths_follow_the_files() {
        assert_eq!(module_path("crates/a/src/lib.rs"), Vec::<String>::new());
        assert_eq!(module_path("crates/a/src/b/mod.rs"), ["b"]);
        assert_eq!(module_path("crates/a/src/b/c.rs"), ["b", "c"]);
    }
}
