//! The jail: what a worker gives up before it reads the first byte, and how to tell whether this system can enforce it.
//!
//! The parts overlap on purpose. Seccomp alone already refuses to open a file or a socket; landlock refuses the same
//! should a call slip through the list, and the limits hold whatever the code does with the calls it is allowed.

mod landlock;
mod limits;
mod seccomp;

use std::fmt;

pub(crate) use limits::ProcessLimits;

/// One part of the jail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// `no_new_privs`: no program that is started may gain rights.
    NoNewPrivs,
    /// Landlock: no path in the file system can be opened.
    LandlockFiles,
    /// Landlock: no TCP connection can be made or accepted. A second lock: seccomp already refuses every socket.
    LandlockNetwork,
    /// Limits on memory, CPU time, open files, written files and core dumps.
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

    /// A part that forbids all that this one does, so that a system without this one is still whole: the list of system
    /// calls has no `socket`. Kernels that many servers run (Debian 12 has 6.1) know Landlock for files only.
    pub fn covered_by(self) -> Option<Part> {
        match self {
            Part::LandlockNetwork => Some(Part::Seccomp),
            Part::NoNewPrivs | Part::LandlockFiles | Part::ResourceLimits | Part::Seccomp => None,
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Part::NoNewPrivs => "use a Linux kernel of version 3.5 or later",
            Part::LandlockFiles => {
                "use a Linux kernel of version 5.13 or later with landlock among its security modules (`lsm=landlock,…` on \
                 the kernel's command line), and a container runtime whose seccomp profile allows the landlock calls"
            }
            Part::LandlockNetwork => {
                "nothing must be done while seccomp works, which forbids sockets altogether; a Linux kernel of version 6.7 or \
                 later with landlock and TCP/IP support forbids them a second time"
            }
            Part::ResourceLimits => "start Seawall with hard limits that are not below those it sets for its workers",
            Part::Seccomp => {
                "use a Linux kernel with CONFIG_SECCOMP_FILTER, and a container runtime that allows nested filters"
            }
        }
    }
}

/// The parts of the jail that are in force, as a set.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Parts(u8);

impl Parts {
    pub(crate) fn with(self, part: Part) -> Self {
        Self(self.0 | 1 << part as u8)
    }

    pub(crate) fn has(self, part: Part) -> bool {
        self.0 & 1 << part as u8 != 0
    }

    /// The parts that are neither in force nor covered by another that is.
    pub(crate) fn missing(self) -> Vec<Part> {
        let covered = |part: Part| part.covered_by().is_some_and(|other| self.has(other));
        Part::ALL
            .into_iter()
            .filter(|part| !self.has(*part) && !covered(*part))
            .collect()
    }

    pub(crate) fn to_bits(self) -> u8 {
        self.0
    }

    /// Unknown bits are dropped: they claim nothing.
    pub(crate) fn from_bits(bits: u8) -> Self {
        Self(bits & ((1 << Part::ALL.len()) - 1))
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(Part::ALL.into_iter().filter(|part| self.has(*part)))
            .finish()
    }
}

/// What a worker needs beside memory and its pipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nothing: files come through the pipe.
    Pictures,
    /// Standard input may be a file, and the program maps some two hundred libraries.
    Av,
}

/// Locks this process up and tells which parts are in force. There is no way back.
///
/// The process must have one thread: landlock and seccomp bind the calling thread and those it starts, and after this it
/// can start none.
pub(crate) fn lock(cell: Cell, limits: ProcessLimits) -> Parts {
    let mut parts = Parts::default();
    for part in Part::ALL {
        let locked = match part {
            Part::NoNewPrivs => nix::sys::prctl::set_no_new_privs().is_ok(),
            Part::LandlockFiles => landlock::lock_files().is_ok(),
            Part::LandlockNetwork => landlock::lock_network().is_ok(),
            Part::ResourceLimits => limits.apply(cell).is_ok(),
            Part::Seccomp => seccomp::lock(cell).is_ok(),
        };
        if locked {
            parts = parts.with(part);
        }
    }
    parts
}

/// What this system can enforce, for `seawall doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JailReport {
    /// One line per part, in the order of [`Part::ALL`].
    pub checks: Vec<JailCheck>,
}

impl JailReport {
    /// True when every part can be enforced, or another that covers it.
    pub fn is_complete(&self) -> bool {
        self.checks.iter().all(|check| check.works || self.covers(check.part))
    }

    /// True when a part that can be enforced here covers this one.
    pub fn covers(&self, part: Part) -> bool {
        let works = |other: Part| self.checks.iter().any(|check| check.part == other && check.works);
        part.covered_by().is_some_and(works)
    }
}

/// Whether one part of the jail can be enforced here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JailCheck {
    /// The part.
    pub part: Part,
    /// True when a trial was enforced by the kernel.
    pub works: bool,
    /// What was seen, in a few words.
    pub detail: String,
    /// What to do when it does not work.
    pub advice: Option<&'static str>,
}

/// Tries each part in a thread of its own that then ends, so that the caller is not locked up, and tells what the kernel
/// enforced. Takes a few milliseconds.
///
/// The limits are the exception: they bind the whole process, so they are compared with its hard limits, not set.
pub fn probe() -> JailReport {
    let checks = Part::ALL.map(|part| {
        let trial = match part {
            Part::NoNewPrivs => in_thread(|| {
                nix::sys::prctl::set_no_new_privs().map_err(|error| error.to_string())?;
                match nix::sys::prctl::get_no_new_privs() {
                    Ok(true) => Ok("in force".to_owned()),
                    _ => Err("accepted but not in force".to_owned()),
                }
            }),
            Part::LandlockFiles => in_thread(landlock::try_files),
            Part::LandlockNetwork => in_thread(landlock::try_network),
            Part::ResourceLimits => limits::try_limits(&crate::Limits::default()),
            Part::Seccomp => in_thread(seccomp::try_filter),
        };
        match trial {
            Ok(detail) => JailCheck {
                part,
                works: true,
                detail,
                advice: None,
            },
            Err(detail) => JailCheck {
                part,
                works: false,
                detail,
                advice: Some(part.advice()),
            },
        }
    });
    JailReport { checks: checks.into() }
}

fn in_thread(trial: impl FnOnce() -> Result<String, String> + Send) -> Result<String, String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .spawn_scoped(scope, trial)
            .map_err(|error| error.to_string())?;
        thread.join().unwrap_or_else(|_| Err("the trial broke off".to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_parts_survives_the_wire() {
        let parts = Parts::default().with(Part::NoNewPrivs).with(Part::Seccomp);
        assert_eq!(Parts::from_bits(parts.to_bits()), parts);
        assert_eq!(
            parts.missing(),
            [Part::LandlockFiles, Part::ResourceLimits],
            "seccomp covers the network"
        );
        let without_seccomp = Parts::from_bits(0b01011);
        assert_eq!(without_seccomp.missing(), [Part::LandlockNetwork, Part::Seccomp]);
        assert_eq!(Parts::from_bits(0xff).missing(), []);
        assert_eq!(Parts::from_bits(0xe0), Parts::default());
    }

    #[test]
    fn the_probe_locks_up_nobody_but_itself() {
        let report = probe();
        assert_eq!(
            report.checks.iter().map(|check| check.part).collect::<Vec<_>>(),
            Part::ALL
        );
        for check in &report.checks {
            assert_eq!(check.works, check.advice.is_none(), "{check:?}");
        }
        std::fs::read_dir("/").expect("this thread can still open files");
        assert!(!nix::sys::prctl::get_no_new_privs().unwrap());
        std::net::TcpListener::bind("127.0.0.1:0").expect("this thread can still open sockets");
    }
}
