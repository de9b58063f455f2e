//! Measures the rules: `bench/rules.sh` runs it and writes what it prints into bench/README.md.

#![allow(clippy::cast_precision_loss, reason = "figures to be read by people")]

mod engine;
mod generated;
mod inline;
mod memory;

use clap::Parser;

/// What is measured.
#[derive(Debug, Parser)]
enum Args {
    /// The engine alone, in memory
    Rules { n_rules: usize, n_posts: usize },
    /// Posts submitted to a whole Seawall with these rules live, decisions kept in a store
    Inline {
        n_rules: usize,
        n_posts: usize,
        /// Who submits at the same time
        n_clients: usize,
        /// The address of an empty store; a new file if none is given
        store: Option<String>,
    },
    /// Keys in three windows
    Memory { n_keys: u64 },
}

fn main() -> anyhow::Result<()> {
    match Args::parse() {
        Args::Rules { n_rules, n_posts } => engine::measure(n_rules, &generated::posts(n_posts)),
        Args::Inline {
            n_rules,
            n_posts,
            n_clients,
            store,
        } => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(inline::measure(n_rules, n_posts, n_clients, store))?;
        }
        Args::Memory { n_keys } => memory::measure(n_keys),
    }
    Ok(())
}
