//! Links between documents must lead somewhere. Addresses on the web are not followed.

use crate::finding::Finding;
use crate::tree::Tree;

const RULE: &str = "doc_links";

/// The rule.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path.ends_with(".md")) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut is_code = false;
        for (idx, line) in file.text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                is_code = !is_code;
            }
            if is_code {
                continue;
            }
            for target in targets(line) {
                let path = target.split('#').next().unwrap_or(target);
                if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                    continue;
                }
                let resolved = resolve(folder, path);
                let is_folder = tree
                    .files
                    .iter()
                    .any(|other| other.path.starts_with(&format!("{resolved}/")));
                if tree.get(&resolved).is_none() && !is_folder {
                    findings.push(Finding {
                        file: file.path.clone(),
                        line: idx + 1,
                        rule: RULE,
                        what: format!("links to `{target}`, which is not there"),
                        remedy: "mend the link, or write what it points to".into(),
                    });
                }
            }
        }
    }
    findings
}

/// What stands in the round brackets of `[text](target)`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(at, opening)| {
        let rest = &line[at + opening.len()..];
        rest.find(')').map(|end| &rest[..end])
    })
}

/// A path from the root of the workspace.
fn resolve(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
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
    fn a_link_that_leads_nowhere_is_refused() {
        let text = "see [a](b.md), [b](../README.md#top)\n```\n[c](none.md)\n```\n[d](gone.md) [e](https://example.org/x.md) [f](adr/)\n";
        let tree = Tree::of(&[
            ("docs/a.md", text),
            ("docs/b.md", ""),
            ("README.md", ""),
            ("docs/adr/1.md", ""),
        ]);
        assert_found(&check(&tree), &[("docs/a.md:5", "links to `gone.md`")]);
    }
}
