//! The arguments of `seawall policy`.

use std::path::PathBuf;

use clap::{Args as ArgGroup, Subcommand};
use moderation::model::ChangeId;

use super::JsonOnly;

/// `policy`.
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Say what is wrong with rules, and what is likely not meant
    ///
    /// Offline: needs no store and no configuration. All files are one set: definitions of one are known in the others. Of a folder, every
    /// file below it that ends in .rules is taken, in the order of their names.
    ///
    /// Without --json, each mistake is shown with its place, and each rule is listed with its mode, its outcome and about how long it takes. With
    /// it, a line is {"file","line","column","level","code","message","help"?} for each mistake, {"rule","mode","outcomes","owner","cost_ns"} for
    /// each rule of a set without errors, and at the end {"rules","errors","warnings"}.
    ///
    /// Errors make the exit code 1; warnings do not, unless --deny-warnings is given.
    Check(PolicyCheck),
    /// Run the tests that stand in files of rules
    ///
    /// Offline. Every rule counts in a test, drafts too. Samples are read from beside the file that names them. Nothing runs while the rules have
    /// errors.
    ///
    /// With --json, a line is {"test","file","line","passed","events"} for each test, a line as of `policy check` for each failure, {"rule",
    /// "fired","not_fired","undecided","never_true","never_false"} for each rule, and at the end {"tests","failed","rules","never_fired"}: what no
    /// test ever saw hold, or not hold, is not tested.
    ///
    /// A test that fails makes the exit code 1, and so do files without tests.
    Test(PolicyTest),
    /// List the rules that count, each with how it does
    ///
    /// With --json, a line is {"rule","mode","share","outcomes","owner","review_at"?,"fired_7d","undecided_90d","confirmed_90d","reversed_90d",
    /// "precision"?,"suspended"} for each rule, and at the end {"live","rules","open_alarms"}.
    List(JsonOnly),
    /// Write the files of the rules that count, or of another version, into a folder
    ///
    /// They can be kept in git, changed and proposed again: `policy propose` takes the folder. Nothing is written over unless --force is given.
    Export(PolicyExport),
    /// Propose files of rules as the next version
    ///
    /// They are checked and their tests run; only what passes is kept. Nothing is live by it: somebody else has to approve it, in the console or with
    /// `policy approve`. Of a folder every file below it that ends in .rules or .jsonl is taken. All files have to be given, not only those that are
    /// different: what is left out is gone.
    ///
    /// Prints the change's id.
    #[command(visible_alias = "import")]
    Propose(PolicyPropose),
    /// List changes of the rules, the newest first
    ///
    /// With --json, a line is {"change","version","base","state","note","proposed_by","proposed_at"} for each.
    Changes(JsonOnly),
    /// Say what files of rules, or a change, would have decided differently
    ///
    /// Beside the rules that count, over what was judged in the last days: counts of what would be different by outcome, queue, language and rule, and
    /// examples. With --events it is offline: the files are held against the rules that Seawall ships, or against --base, over a file of events, one
    /// JSON object in a line, as `policy events` writes it.
    ///
    /// With --json, prints one JSON object.
    Backtest(PolicyBacktest),
    /// Write what was judged in the last days as lines of JSON, for `policy backtest --events`
    ///
    /// This is content: keep it as such.
    Events(PolicyEvents),
    /// Have a change asked beside the rules that count; its answers are only counted
    Shadow(PolicyShadow),
    /// Make a change live that somebody else proposed
    Approve(PolicyApprove),
    /// Go back to the rules that were live before, or to another version that was live once
    Rollback(PolicyRollback),
}

/// `policy export`.
#[derive(Debug, ArgGroup)]
pub struct PolicyExport {
    /// The folder; it is made if it is missing
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Another version than the one that counts
    #[arg(long, value_name = "NUMBER")]
    pub version: Option<i64>,
    /// Replace files that are there
    #[arg(long)]
    pub force: bool,
}

/// `policy propose`.
#[derive(Debug, ArgGroup)]
pub struct PolicyPropose {
    /// Files of rules and samples, or folders
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub note: String,
}

/// `policy backtest`.
#[derive(Debug, ArgGroup)]
pub struct PolicyBacktest {
    /// Files of rules, or folders, or the id of a change
    #[arg(required = true, value_name = "FILE|CHANGE")]
    pub files: Vec<PathBuf>,
    /// Over how many days
    #[arg(long, value_name = "DAYS", default_value_t = 7, conflicts_with = "events")]
    pub days: u32,
    /// A file of events; then no store is needed
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// With --events: files of the rules to compare with
    #[arg(long, value_name = "FILE", requires = "events")]
    pub base: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `policy events`.
#[derive(Debug, ArgGroup)]
pub struct PolicyEvents {
    /// Over how many days
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    pub days: u32,
}

/// `policy shadow`.
#[derive(Debug, ArgGroup)]
pub struct PolicyShadow {
    /// The change
    #[arg(value_name = "CHANGE")]
    pub change: ChangeId,
    /// Take it out of shadow again
    #[arg(long)]
    pub off: bool,
}

/// `policy approve`.
#[derive(Debug, ArgGroup)]
pub struct PolicyApprove {
    /// The change
    #[arg(value_name = "CHANGE")]
    pub change: ChangeId,
    /// What there is to say about it
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub note: String,
}

/// `policy rollback`.
#[derive(Debug, ArgGroup)]
pub struct PolicyRollback {
    /// A version that was live before; if none is named, the one before the live one
    #[arg(value_name = "NUMBER")]
    pub to: Option<i64>,
    /// The version that you saw live: if another is by now, nothing happens
    #[arg(long, value_name = "NUMBER")]
    pub from: Option<i64>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub why: String,
}

/// `policy check`.
#[derive(Debug, ArgGroup)]
pub struct PolicyCheck {
    /// Files of rules, or folders; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Let warnings make the exit code 1 too
    #[arg(long)]
    pub deny_warnings: bool,
    /// Print lines of JSON
    #[arg(long)]
    pub json: bool,
}

/// `policy test`.
#[derive(Debug, ArgGroup)]
pub struct PolicyTest {
    /// Files of rules, or folders; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print lines of JSON
    #[arg(long)]
    pub json: bool,
}
