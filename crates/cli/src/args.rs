//! What can be asked for: every command, its arguments and its help.
//!
//! The doc comments are the manual: `--help` prints them, and [`help_markdown`] turns them into the page that is kept with
//! the documentation.

mod doctor;
mod policy;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Args as ArgGroup, CommandFactory, Parser, Subcommand};
use moderation::model::{Roles, Scope};

pub use doctor::Doctor;
pub use policy::{
    Policy, PolicyApprove, PolicyBacktest, PolicyCheck, PolicyEvents, PolicyExport, PolicyPropose, PolicyRollback,
    PolicyShadow, PolicyTest,
};

const EXIT_CODES: &str = "\
Exit codes: 0, all was done and nothing is wrong; 1, something failed or is wrong; 2, the arguments or the configuration make no sense.
Data goes to standard output, talk to standard error.";

/// Finds known terrorist and violent-extremist content among what the users of a platform post, lets people decide, and
/// tells the platform.
#[derive(Debug, Parser)]
#[command(name = "seawall", version, after_help = EXIT_CODES, max_term_width = 110)]
pub struct Args {
    /// The configuration file.
    ///
    /// Without it, the file that SEAWALL_CONFIG names is read, else ./seawall.toml, else /etc/seawall/seawall.toml; if there
    /// is none, the defaults hold. Any key can be set from outside as SEAWALL_SECTION_KEY, such as SEAWALL_HTTP_LISTEN.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    #[command(subcommand)]
    pub command: Command,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the HTTP API and the console, and deliver actions
    ///
    /// The first start prints a link on standard error that signs the administrator in once. Stops on SIGTERM or SIGINT
    /// after finishing what runs; a second signal stops at once.
    Serve(Serve),

    /// Serve a demonstration with generated, benign data
    ///
    /// Abstract pictures and their edited copies, accounts, reports, and a stand-in for a platform that receives and confirms
    /// orders. Listens on this machine alone, and prints where to look and how to sign in.
    Demo(Demo),

    /// Print the signals of files, a line each
    ///
    /// Files are decoded in a worker that can open no file and no socket. The lines come in the order of the files; a file that cannot be
    /// hashed does not stop the others, and makes the exit code 1.
    ///
    /// Without --json, a line holds the PDQ hash, its quality (0 to 100; below 50 the hash means little) and the file. Failures are told on
    /// standard error.
    ///
    /// With --json, a line is {"file","media_type","width","height","signals":[{"type","value","quality"?}]} or
    /// {"file","error":{"type","detail"}}. The first signal is PDQ of the first frame as the file stores it; a signal of another view or frame
    /// has "view" or "frame" as well. In the line of a damaged file, of which only a part could be seen, stands "intact":false.
    ///
    /// With --views, each line of JSON has "views":[{"view","left","top","width","height","pdq","quality"}], the likeliest first, places in
    /// shares of the picture's sides; "keypoints", how many it has; and "views_version", which changes when the same picture gives other
    /// views. As text, the views stand below the file's line.
    Hash(Hash),

    /// Look for files of a folder that are near to a bank's entries
    ///
    /// Offline: needs no store and no configuration. Goes through all folders below, follows symbolic links, takes each folder once.
    ///
    /// Without --json, a line holds tier, distance, kind of signal, view, entry and file. With it, a line is
    /// {"file","entry","bank","signal","distance","threshold","tier","view"} for each entry that a file is near to, or
    /// {"file","error":{"type","detail"}} for a file that could not be read. A file that cannot be decoded is still compared by its digests.
    ///
    /// A file is also looked up as it would be in a mirror, turned, without its borders and in parts: `view` names what was near, such as
    /// whole.flip_y or trimmed, and `part` {"left","top","width","height"}, shares of its sides, says where that lies if it is not the whole.
    /// The entries of a bank file are bare hashes: copies that were turned by a few degrees or cropped much are found only by a bank
    /// of the store whose entries came with their pictures.
    ///
    /// Ends with a summary on standard error. Matches do not change the exit code; a file that could not be read makes it 1, and so does a
    /// line of the bank that does not read.
    Scan(Scan),

    /// Make, import, export and list banks of known content
    #[command(subcommand)]
    Bank(Bank),

    /// Check, test and try rules on events of before; propose, approve and roll back what is live
    #[command(subcommand)]
    Policy(Policy),

    /// Invite and manage the people who sign in
    #[command(subcommand)]
    User(User),

    /// Make and revoke API keys
    #[command(subcommand)]
    Key(Key),

    /// Check the configuration, the store, the jail and the machine, and say what to do
    ///
    /// With --webhook, check the platform's receiver of orders instead: whether it takes each kind of order, knows a repeat, refuses kinds that it does
    /// not know, and takes nothing that is signed wrongly or long ago.
    ///
    /// The exit code is 0 if nothing is wrong, warnings or not; 1 if something is; 2 if the arguments or the configuration make no sense.
    Doctor(Doctor),

    /// Check that the event log is whole
    ///
    /// Walks the log from its first line: numbers without gaps, each line holding the hash of the one before. Prints the last hash: note it
    /// elsewhere, and nobody can rewrite the log unnoticed.
    Verify(Verify),

    /// Write all that the store holds to one file
    Backup(Backup),

    /// Read a backup into an empty store
    Restore(Restore),

    /// Decode files for the server, from inside a jail
    #[command(hide = true)]
    MediaWorker,

    /// Serve only the demonstration's stand-in for a platform
    #[command(hide = true)]
    DemoPlatform(DemoPlatform),
}

/// `serve`.
#[derive(Debug, ArgGroup)]
pub struct Serve {
    /// Listen here instead of where the configuration says
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Serve the paths of Hasher-Matcher-Actioner as its development mode does, for trying out and testing its clients
    ///
    /// Without keys, with /dev/factory_reset and the other helpers, fetching from this machine's own addresses. Listens on the loopback
    /// alone. Everything is kept in a folder that is deleted at the end: the configured store is never opened, nothing is delivered.
    #[arg(long)]
    pub hma_dev: bool,
    #[command(flatten)]
    pub jail: Jail,
}

/// Whether to run where the kernel cannot enforce the whole jail.
#[derive(Debug, Clone, Copy, ArgGroup)]
pub struct Jail {
    /// Decode files even if this system cannot lock the worker in completely
    #[arg(long)]
    pub allow_weak_jail: bool,
}

/// `demo`.
#[derive(Debug, ArgGroup)]
pub struct Demo {
    /// Keep the data in this folder; without it, they are gone when the demonstration ends
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Listen here; only addresses of this machine's loopback are taken
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8410")]
    pub listen: SocketAddr,
    /// Where the platform's stand-in listens; without it, 127.0.0.1:8411, or any free port if that is taken
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub platform_listen: Option<SocketAddr>,
    /// Print where to look as one line of JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub jail: Jail,
}

/// `hash`.
#[derive(Debug, ArgGroup)]
pub struct Hash {
    /// The files; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Also print the views by which a picture is recognised when it was edited: mirrored and turned, without its borders, what stands
    /// out in it, halves and quarters
    #[arg(long)]
    pub views: bool,
    /// Print lines of JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub jail: Jail,
}

/// `scan`.
#[derive(Debug, ArgGroup)]
pub struct Scan {
    /// The folder
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The bank: columns type,value,quality,name,labels, or a plain list of PDQ hashes
    #[arg(long, value_name = "BANK.csv")]
    pub bank: PathBuf,
    /// Print lines of JSON
    #[arg(long)]
    pub json: bool,
    /// Print only what lies within this many bits, and call all of it a match. Without it, what lies within 31 bits is a match, what lies
    /// within 40 a lead
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=256))]
    pub threshold: Option<u32>,
    /// Least nearness of what is printed: `match` prints matches alone, `lead` prints leads too
    #[arg(long, value_name = "TIER", value_enum, default_value_t = ScanTier::Lead)]
    pub tier: ScanTier,
    #[command(flatten)]
    pub jail: Jail,
}

/// How near a file must be to an entry for `scan` to print it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ScanTier {
    /// Matches alone
    Match,
    /// Matches and leads
    Lead,
}

/// `bank`.
#[derive(Debug, Subcommand)]
pub enum Bank {
    /// Write a bank from a folder of known files
    ///
    /// Columns: type,value,quality,name,labels. Each file is an entry, named by its path in the folder.
    Make(BankMake),
    /// Add the entries of a file to a bank of the store
    ///
    /// What the bank holds already is left alone, so that the same file can be imported again. Lines that do not read are told and left out;
    /// the exit code is then 1.
    Import(BankImport),
    /// Write a bank of the store as a file
    Export(BankExport),
    /// List the banks of the store
    List(JsonOnly),
}

/// `bank make`.
#[derive(Debug, ArgGroup)]
pub struct BankMake {
    /// The folder of known files
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The file to write; `-` is standard output
    #[arg(long, value_name = "BANK.csv")]
    pub out: PathBuf,
    /// Give each entry this label; may stand more than once
    #[arg(long = "label", value_name = "LABEL", action = ArgAction::Append)]
    pub labels: Vec<String>,
    /// Replace the file if there is one
    #[arg(long)]
    pub force: bool,
    /// Print a line of JSON about each file that could not be read, and a summary
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub jail: Jail,
}

/// `bank import`.
#[derive(Debug, ArgGroup)]
pub struct BankImport {
    /// The file; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The bank's name
    #[arg(long, value_name = "NAME")]
    pub bank: String,
    /// Make the bank if there is none of that name
    #[arg(long)]
    pub create: bool,
    /// With --create: people have confirmed what is in it, so that a match restricts before anyone looks
    #[arg(long, requires = "create")]
    pub confirmed: bool,
    /// Where the entries came from, for people; the file's name without it
    #[arg(long, value_name = "TEXT")]
    pub source: Option<String>,
    /// Print a summary as a line of JSON
    #[arg(long)]
    pub json: bool,
}

/// `bank export`.
#[derive(Debug, ArgGroup)]
pub struct BankExport {
    /// The bank's name
    #[arg(long, value_name = "NAME")]
    pub bank: String,
    /// The file to write; `-` is standard output
    #[arg(long, value_name = "BANK.csv", default_value = "-")]
    pub out: PathBuf,
    /// Replace the file if there is one
    #[arg(long)]
    pub force: bool,
}

/// A command with nothing to choose but the form of its answer.
#[derive(Debug, Clone, Copy, ArgGroup)]
pub struct JsonOnly {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `user`.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Invite a person: prints a link that lets them choose a password, once
    Add(UserAdd),
    /// List the people
    List(JsonOnly),
    /// Forget a person's password and codes, and print a link for new ones
    Reset(UserNamed),
    /// Let a person sign in no more, and end their sessions
    Disable(UserNamed),
    /// Let a disabled person sign in again
    Enable(UserNamed),
}

/// `user add`.
#[derive(Debug, ArgGroup)]
pub struct UserAdd {
    /// The name to sign in with
    #[arg(value_name = "NAME")]
    pub name: String,
    /// One role or several with commas: moderator, senior, lead, legal, auditor, engineer, wellness_lead, admin. What each may do is in docs/operator.md
    #[arg(long, value_name = "ROLE", default_value = "moderator")]
    pub role: Roles,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A command about one person.
#[derive(Debug, ArgGroup)]
pub struct UserNamed {
    /// The name they sign in with
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `key`.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a key: prints its secret, once
    Create(KeyCreate),
    /// List the keys, without their secrets
    List(JsonOnly),
    /// Make a key useless
    Revoke(KeyRevoke),
}

/// `key create`.
#[derive(Debug, ArgGroup)]
pub struct KeyCreate {
    /// What people call it
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What it opens: items:write, items:read, banks:read, banks:write, cases:read, actions:write, events:read, rules:read, rules:write,
    /// rules:approve (refuses changes and rolls back; approving is a person's work); may stand more than once
    #[arg(long = "scope", value_name = "SCOPE", required = true, action = ArgAction::Append, value_delimiter = ',')]
    pub scopes: Vec<Scope>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `key revoke`.
#[derive(Debug, ArgGroup)]
pub struct KeyRevoke {
    /// The key's id, as `key list` shows it
    #[arg(value_name = "ID")]
    pub id: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `verify`.
#[derive(Debug, ArgGroup)]
pub struct Verify {
    /// Print JSON: {"events","head","faults":[…]}
    #[arg(long)]
    pub json: bool,
}

/// `backup`.
#[derive(Debug, ArgGroup)]
pub struct Backup {
    /// The file to write; `-` is standard output
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Replace the file if there is one
    #[arg(long)]
    pub force: bool,
    /// Print a summary as a line of JSON, unless the backup itself goes to standard output
    #[arg(long)]
    pub json: bool,
}

/// `restore`.
#[derive(Debug, ArgGroup)]
pub struct Restore {
    /// The file to read; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Print a summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// `demo-platform`.
#[derive(Debug, ArgGroup)]
pub struct DemoPlatform {
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8411")]
    pub listen: SocketAddr,
    /// The secret that orders are signed with
    #[arg(long, value_name = "SECRET")]
    pub secret: String,
    /// Of so many orders, answer the first attempt at one with 503; 0 for none
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub fail_every: u32,
    /// Refuse orders about this item; may stand more than once
    #[arg(long = "refuse", value_name = "ITEM", action = ArgAction::Append)]
    pub refused: Vec<String>,
    /// Say `gone` to orders about this item; may stand more than once
    #[arg(long = "gone", value_name = "ITEM", action = ArgAction::Append)]
    pub gone: Vec<String>,
}

/// The help of every command, as one page of Markdown. The same on every terminal and with every environment.
pub fn help_markdown() -> String {
    let mut page = String::from(
        "# The command line\n\nWritten by the program itself (`make codegen`): what `seawall --help` and the help of each command say.\n",
    );
    let mut command = Args::command().term_width(110);
    command.build();
    describe(&mut command, "seawall", &mut page);
    page
}

fn describe(command: &mut clap::Command, path: &str, page: &mut String) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    page.push_str(&format!(
        "\n## `{path}`\n\n```text\n{}\n```\n",
        help.join("\n").trim_end()
    ));
    for below in command.get_subcommands_mut() {
        if !below.is_hide_set() && below.get_name() != "help" {
            let path = format!("{path} {}", below.get_name());
            describe(below, &path, page);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_help_page_names_every_command_and_hides_what_is_hidden() {
        let page = help_markdown();
        for heading in [
            "## `seawall`",
            "## `seawall bank import`",
            "## `seawall user reset`",
            "## `seawall key create`",
        ] {
            assert!(page.contains(&format!("\n{heading}\n")), "{heading}");
        }
        assert!(!page.contains("media-worker") && !page.contains("demo-platform"));
        assert!(!page.contains('\u{1b}'), "no colours");
        assert_eq!(page, help_markdown());
    }
}
