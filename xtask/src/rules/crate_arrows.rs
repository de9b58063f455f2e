//! Which crate may depend on which. A crate wall is there for another process, another discipline or another reader;
//! an arrow that is not in the table takes the wall down.
//!
//! Dependencies of tests are judged apart: they may point at anything further down, never up.

use crate::finding::Finding;
use crate::tree::workspace_root;
use anyhow::{Context, Result, bail};
use std::process::Command;

const RULE: &str = "crate_arrows";

/// Every crate of the workspace, and what it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("signal", &[]),
    ("av", &["media", "signal"]),
    ("policy", &[]),
    ("index", &["signal"]),
    ("media", &["signal"]),
    ("robustness", &["signal"]),
    ("videobench", &["index", "media", "signal"]),
    ("rulesbench", &["media", "moderation", "policy"]),
    ("moderation", &["signal", "index", "media", "policy"]),
    ("web", &["moderation"]),
    ("cli", &["web", "moderation", "signal", "index", "media", "policy"]),
    (
        "xtask",
        &["cli", "web", "moderation", "signal", "index", "media", "policy"],
    ),
];

/// A dependency of one crate of the workspace on another.
#[derive(Debug, Clone)]
pub struct Arrow {
    /// Name of the crate that depends.
    pub from: String,
    /// Name of the crate it depends on.
    pub to: String,
    /// Only its tests do.
    pub is_for_tests: bool,
    /// The manifest that says so, from the root of the workspace.
    pub manifest: String,
    /// The line in it.
    pub line: usize,
}

/// The crates of this workspace and the arrows between them.
#[derive(Debug, Default)]
pub struct Arrows {
    /// Names and manifests.
    pub crates: Vec<(String, String)>,
    /// In no order.
    pub arrows: Vec<Arrow>,
}

/// Asks Cargo, without touching the network.
pub fn from_cargo() -> Result<Arrows> {
    let root = workspace_root();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(&root)
        .output()
        .context("cannot run `cargo metadata`")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("cannot read what `cargo metadata` says")?;
    let mut found = Arrows::default();
    for package in metadata["packages"]
        .as_array()
        .context("`cargo metadata` names no packages")?
    {
        let from = text(&package["name"])?;
        let manifest_path = text(&package["manifest_path"])?;
        let manifest_text =
            std::fs::read_to_string(&manifest_path).with_context(|| format!("cannot read `{manifest_path}`"))?;
        let manifest = manifest_path
            .strip_prefix(&format!("{}/", root.display()))
            .unwrap_or(&manifest_path)
            .to_string();
        for dependency in package["dependencies"]
            .as_array()
            .context("a package without a list of dependencies")?
        {
            if dependency["path"].is_null() {
                continue;
            }
            let to = text(&dependency["name"])?;
            let starts = |line: &str| line.starts_with(&to) && !line[to.len()..].starts_with(['-', '_']);
            found.arrows.push(Arrow {
                from: from.clone(),
                is_for_tests: dependency["kind"] == "dev",
                manifest: manifest.clone(),
                line: manifest_text.lines().position(starts).map_or(0, |index| index + 1),
                to,
            });
        }
        found.crates.push((from, manifest));
    }
    Ok(found)
}

/// The rule.
pub fn check(found: &Arrows) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, manifest) in &found.crates {
        if allowed_from(name).is_none() {
            findings.push(Finding {
                file: manifest.clone(),
                line: 0,
                rule: RULE,
                what: format!("crate `{name}` is not in the table of crates"),
                remedy: "a new crate is rare: give ARCHITECTURE.md its reason and xtask/src/rules/crate_arrows.rs its arrows".into(),
            });
        }
    }
    for arrow in &found.arrows {
        let is_allowed = if arrow.is_for_tests {
            is_below(&arrow.from, &arrow.to) || arrow.from == arrow.to
        } else {
            allowed_from(&arrow.from).is_some_and(|allowed| allowed.contains(&arrow.to.as_str()))
        };
        if !is_allowed {
            findings.push(Finding {
                file: arrow.manifest.clone(),
                line: arrow.line,
                rule: RULE,
                what: format!("`{}` may not depend on `{}`", arrow.from, arrow.to),
                remedy: "move the code to the crate where its reason to change lives; a new arrow is a commit of its own, with ARCHITECTURE.md".into(),
            });
        }
    }
    findings
}

fn allowed_from(name: &str) -> Option<&'static [&'static str]> {
    ALLOWED
        .iter()
        .find(|(from, _)| *from == name)
        .map(|(_, allowed)| *allowed)
}

/// Whether arrows of the table lead from one crate to the other.
fn is_below(from: &str, to: &str) -> bool {
    allowed_from(from)
        .unwrap_or(&[])
        .iter()
        .any(|next| *next == to || is_below(next, to))
}

fn text(value: &serde_json::Value) -> Result<String> {
    value
        .as_str()
        .map(String::from)
        .context("`cargo metadata` gave something else than text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{assert_found, assert_none};

    fn arrow(from: &str, to: &str, is_for_tests: bool) -> Arrow {
        Arrow {
            from: from.into(),
            to: to.into(),
            is_for_tests,
            manifest: format!("crates/{from}/Cargo.toml"),
            line: 7,
        }
    }

    #[test]
    fn the_tree_keeps_it() {
        let found = from_cargo().expect("cargo answers");
        assert!(
            found
                .arrows
                .iter()
                .any(|arrow| arrow.from == "moderation" && arrow.to == "signal" && arrow.line > 0)
        );
        assert_none(&check(&found));
    }

    #[test]
    fn every_crate_of_the_table_exists() {
        let found = from_cargo().expect("cargo answers");
        for (name, _) in ALLOWED {
            assert!(
                found.crates.iter().any(|(existing, _)| existing == name),
                "the table names `{name}`"
            );
        }
    }

    #[test]
    fn an_arrow_that_is_not_in_the_table_is_refused() {
        let found = Arrows {
            arrows: vec![arrow("signal", "policy", false), arrow("web", "index", false)],
            ..Default::default()
        };
        assert_found(
            &check(&found),
            &[
                ("crates/signal/Cargo.toml:7", "`signal` may not depend on `policy`"),
                ("crates/web/Cargo.toml:7", "`web` may not depend on `index`"),
            ],
        );
    }

    #[test]
    fn tests_may_point_down_but_not_up() {
        let found = Arrows {
            arrows: vec![arrow("web", "signal", true), arrow("signal", "index", true)],
            ..Default::default()
        };
        assert_found(
            &check(&found),
            &[("crates/signal/Cargo.toml:7", "`signal` may not depend on `index`")],
        );
    }

    #[test]
    fn a_crate_without_a_place_is_refused() {
        let found = Arrows {
            crates: vec![("helpers".into(), "crates/helpers/Cargo.toml".into())],
            ..Default::default()
        };
        assert_found(
            &check(&found),
            &[("crates/helpers/Cargo.toml:0", "`helpers` is not in the table")],
        );
    }
}
