//! The rules of the house that no compiler checks, one file each: what the rule is, why, and a test that it can fail.
//! A rule is a function from the [`Tree`] to [`Finding`]s. Start reading at [`room_arrows`].

pub mod crate_arrows;
pub mod doc_links;
pub mod file_length;
pub mod forbidden_words;
pub mod migrations;
pub mod module_docs;
pub mod room_arrows;
pub mod table_owners;
pub mod unsafe_code;

use crate::finding::Finding;
use crate::tree::Tree;
use anyhow::Result;

/// Everything that is wrong with a tree.
pub fn check_all(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings = crate_arrows::check(&crate_arrows::from_cargo()?);
    findings.extend(room_arrows::check(tree));
    findings.extend(table_owners::check(tree));
    findings.extend(unsafe_code::check(tree));
    findings.extend(module_docs::check(tree));
    findings.extend(file_length::check(tree));
    findings.extend(forbidden_words::check(tree));
    findings.extend(migrations::check(tree));
    findings.extend(doc_links::check(tree));
    Ok(findings)
}
