//! Which module of `moderation` may use which. It is a star: a room uses `model` and `store` and no other room; `flows` joins
//! rooms to write, `views` joins them to read. So a room can be read, tested and changed without knowing its neighbours.
//!
//! Every folder or file directly in `crates/moderation/src` that is none of these, and not `seawall`, is a room. `seawall` puts the
//! parts together when the program starts: it may use all of them, and only flows and views may use it.

use crate::finding::Finding;
use crate::source;
use crate::tree::Tree;
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;
use syn::visit::Visit;

const RULE: &str = "room_arrows";
const SOURCE: &str = "crates/moderation/src/";

/// What a room may use beyond itself.
const COMMON: &[&str] = &["model", "store"];

/// Arrows between rooms that are allowed all the same: from, to, why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[];

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let modules = top_modules(tree);
    let mut findings = Vec::new();
    for file in source::shipped(tree, SOURCE) {
        let module = source::module_path(&file.path);
        let Some(from) = module.first() else { continue };
        let parsed = match source::parse(file, RULE) {
            Ok(parsed) => parsed,
            Err(finding) => {
                findings.push(finding);
                continue;
            }
        };
        let mut visitor = PathVisitor {
            module: module.clone(),
            reached: Vec::new(),
        };
        visitor.visit_file(&parsed);
        for Reached { name, line } in visitor.reached {
            let finding = |what: String, remedy: &str| Finding {
                file: file.path.clone(),
                line,
                rule: RULE,
                what,
                remedy: remedy.into(),
            };
            if !modules.contains(&name) {
                if !matches!(from.as_str(), "flows" | "views" | "seawall") {
                    findings.push(finding(
                        format!("`{from}` takes `{name}` from the root of the crate, which hides the room it lives in"),
                        "name the module that owns it: `crate::<module>::…`",
                    ));
                }
            } else if !may_use(from, &name) {
                findings.push(finding(
                    format!("`{from}` may not use `{name}`"),
                    "what joins two rooms is a flow (it writes) or a view (it reads); what both need belongs in `model`",
                ));
            }
        }
    }
    findings
}

/// Names of the modules directly under the root of the crate.
pub fn top_modules(tree: &Tree) -> BTreeSet<String> {
    tree.rust_under(SOURCE)
        .filter_map(|file| source::module_path(&file.path).into_iter().next())
        .collect()
}

fn may_use(from: &str, to: &str) -> bool {
    if from == to {
        return true;
    }
    match from {
        "model" => false,
        "store" => to == "model",
        "flows" => true,
        "views" => to != "flows",
        "seawall" => true,
        _ => COMMON.contains(&to) || EXCEPTIONS.iter().any(|(a, b, _)| *a == from && *b == to),
    }
}

struct Reached {
    /// First name after `crate`.
    name: String,
    line: usize,
}

/// Collects what every path of a file reaches, counted from the root of the crate.
struct PathVisitor {
    /// Where the visitor stands.
    module: Vec<String>,
    reached: Vec<Reached>,
}

impl PathVisitor {
    /// `names` as written, e.g. `[super, banks, Bank]`.
    fn reach(&mut self, names: &[String], line: usize) {
        let mut base: Vec<String> = match names.first().map(String::as_str) {
            Some("crate") => Vec::new(),
            Some("self" | "super") => self.module.clone(),
            _ => return,
        };
        let mut rest = names;
        while let [first, after @ ..] = rest
            && matches!(first.as_str(), "crate" | "self" | "super")
        {
            if first == "super" {
                base.pop();
            }
            rest = after;
        }
        let whole: Vec<&String> = base.iter().chain(rest).collect();
        match whole.first() {
            Some(name) => self.reached.push(Reached {
                name: name.to_string(),
                line,
            }),
            // `pub(crate)`, or `super` alone in a file at the top: it names nothing.
            None if rest.is_empty() => {}
            None => {}
        }
    }

    fn reach_use(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
        match tree {
            syn::UseTree::Path(path) => self.reach_use(&path.tree, &with(path.ident.to_string())),
            syn::UseTree::Name(name) => self.reach(&with(name.ident.to_string()), source::line_of(&name.ident)),
            syn::UseTree::Rename(rename) => self.reach(&with(rename.ident.to_string()), source::line_of(&rename.ident)),
            syn::UseTree::Glob(glob) => self.reach(&with("*".into()), source::line_of(glob)),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.reach_use(item, before)),
        }
    }

    /// Paths inside a macro call are only tokens: `crate :: a :: b`.
    fn reach_tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut idx = 0;
        while idx < tokens.len() {
            match &tokens[idx] {
                TokenTree::Group(group) => self.reach_tokens(group.stream()),
                TokenTree::Ident(first) => {
                    let line = first.span().start().line;
                    let mut names = vec![first.to_string()];
                    while let [TokenTree::Punct(a), TokenTree::Punct(b), TokenTree::Ident(next), ..] =
                        &tokens[idx + 1..]
                        && a.as_char() == ':'
                        && b.as_char() == ':'
                    {
                        names.push(next.to_string());
                        idx += 3;
                    }
                    if names.len() > 1 {
                        self.reach(&names, line);
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            idx += 1;
        }
    }
}

impl<'ast> Visit<'ast> for PathVisitor {
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !source::is_test_only(&item.attrs) {
            self.reach_use(&item.tree, &[]);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if names.len() > 1 {
            self.reach(&names, source::line_of(path));
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        self.reach_tokens(called.tokens.clone());
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if source::is_test_only(&module.attrs) {
            return;
        }
        self.module.push(module.ident.to_string());
        syn::visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        if !source::is_test_only(&function.attrs) {
            syn::visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_impl(&mut self, block: &'ast syn::ItemImpl) {
        if !source::is_test_only(&block.attrs) {
            syn::visit::visit_item_impl(self, block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{assert_found, assert_none};

    const MODULES: &[(&str, &str)] = &[
        ("crates/moderation/src/model/mod.rs", ""),
        ("crates/moderation/src/store/mod.rs", ""),
        ("crates/moderation/src/banks/mod.rs", ""),
        ("crates/moderation/src/flows/mod.rs", ""),
        ("crates/moderation/src/views/mod.rs", ""),
    ];

    fn check_file(path: &str, text: &str) -> Vec<Finding> {
        let path = format!("crates/moderation/src/{path}");
        let mut files = MODULES.to_vec();
        files.retain(|(existing, _)| *existing != path);
        files.push((&path, text));
        check(&Tree::of(&files))
    }

    #[test]
    fn the_tree_keeps_it() {
        assert_none(&check(&Tree::of_workspace()));
    }

    #[test]
    fn a_room_uses_itself_model_and_store() {
        let text =
            "use crate::{model::BankId, store::Tx};\nuse super::open;\nfn f() -> crate::cases::Case { self::g() }\n";
        assert_none(&check_file("cases/close.rs", text));
    }

    #[test]
    fn a_room_that_uses_another_room_is_refused_however_it_is_written() {
        let place = "crates/moderation/src/cases/close.rs:1";
        let said = "`cases` may not use `banks`";
        assert_found(
            &check_file("cases/close.rs", "use crate::banks::Bank;\n"),
            &[(place, said)],
        );
        assert_found(
            &check_file("cases/close.rs", "use crate::{model::Id, banks::{Bank as B}};\n"),
            &[(place, said)],
        );
        assert_found(&check_file("cases/close.rs", "use crate::banks;\n"), &[(place, said)]);
        assert_found(
            &check_file("cases/close.rs", "use super::super::banks::Bank;\n"),
            &[(place, said)],
        );
        assert_found(
            &check_file("cases/close.rs", "fn f(b: &crate::banks::Bank) {}\n"),
            &[(place, said)],
        );
        assert_found(
            &check_file("cases/close.rs", "fn f() { vec![crate::banks::all()]; }\n"),
            &[(place, said)],
        );
        assert_found(
            &check_file("cases/close.rs", "mod deep { use super::super::super::banks::Bank; }\n"),
            &[(place, said)],
        );
        assert_found(
            &check_file("cases/close.rs", "fn f() -> Vec<crate::banks::Bank> { vec![] }\n"),
            &[(place, said)],
        );
    }

    #[test]
    fn rooms_use_neither_flows_nor_views() {
        assert_found(
            &check_file("cases.rs", "use crate::flows;\nuse crate::views;\n"),
            &[
                ("crates/moderation/src/cases.rs:1", "`cases` may not use `flows`"),
                ("crates/moderation/src/cases.rs:2", "`cases` may not use `views`"),
            ],
        );
    }

    #[test]
    fn what_comes_through_the_root_is_refused() {
        assert_found(
            &check_file("cases/mod.rs", "use crate::Bank;\nuse crate::*;\n"),
            &[
                ("crates/moderation/src/cases/mod.rs:1", "takes `Bank` from the root"),
                ("crates/moderation/src/cases/mod.rs:2", "takes `*` from the root"),
            ],
        );
    }

    #[test]
    fn model_uses_nothing_and_store_only_model() {
        assert_found(
            &check_file("model/id.rs", "use crate::store::Tx;\n"),
            &[("crates/moderation/src/model/id.rs:1", "`model` may not use `store`")],
        );
        assert_found(
            &check_file("store/tx.rs", "use crate::model::Id;\nuse crate::banks::Bank;\n"),
            &[("crates/moderation/src/store/tx.rs:2", "`store` may not use `banks`")],
        );
    }

    #[test]
    fn flows_and_views_join_rooms_but_views_do_not_write() {
        assert_none(&check_file("flows/submit.rs", "use crate::{banks, model, views};\n"));
        assert_found(
            &check_file("views/desk.rs", "use crate::banks;\nuse crate::flows;\n"),
            &[("crates/moderation/src/views/desk.rs:2", "`views` may not use `flows`")],
        );
    }

    #[test]
    fn the_whole_is_put_together_in_one_place_that_no_room_sees() {
        assert_none(&check_file("seawall.rs", "use crate::{banks, flows, store};\n"));
        let files = [
            ("crates/moderation/src/seawall.rs", ""),
            ("crates/moderation/src/banks.rs", "use crate::seawall::Seawall;\n"),
        ];
        assert_found(
            &check(&Tree::of(&files)),
            &[("crates/moderation/src/banks.rs:1", "`banks` may not use `seawall`")],
        );
    }

    #[test]
    fn tests_may_use_neighbours() {
        assert_none(&check_file(
            "cases/mod.rs",
            "#[cfg(test)]\nmod tests { use crate::banks::Bank; }\n",
        ));
    }

    #[test]
    fn a_file_that_cannot_be_judged_is_refused() {
        assert_found(
            &check_file("cases/mod.rs", "fn (\n"),
            &[("crates/moderation/src/cases/mod.rs:1", "cannot be parsed")],
        );
    }
}
