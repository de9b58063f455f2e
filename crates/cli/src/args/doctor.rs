//! The arguments of `seawall doctor`.

use std::path::PathBuf;

use clap::Args as ArgGroup;

/// `doctor`.
#[derive(Debug, ArgGroup)]
pub struct Doctor {
    /// Print a line of JSON for each check: {"check","status","detail","advice"?}
    #[arg(long)]
    pub json: bool,
    /// Only try the platform's receiver of orders at this address, with test orders about an item that does not exist
    #[arg(long, value_name = "URL")]
    pub webhook: Option<String>,
    /// A file with the secret to sign test orders with; without it, that of the configuration
    #[arg(long, value_name = "FILE", requires = "webhook")]
    pub webhook_secret_file: Option<PathBuf>,
}
