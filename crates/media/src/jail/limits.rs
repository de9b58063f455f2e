//! Resource limits: bounds that hold whatever a worker does with the system calls it is allowed.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::Cell;
use crate::Limits;

impl Cell {
    /// Room for the program, its libraries and stacks beside the memory that a decoder may ask for.
    fn program_bytes(self) -> u64 {
        match self {
            Cell::Pictures => 512 << 20,
            Cell::Av => 1 << 30,
        }
    }
}

/// What a worker process may use in its whole life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProcessLimits {
    /// Writable memory, in bytes.
    pub(crate) memory_bytes_max: u64,
    /// CPU time, in seconds. The last resort: the host's own clock stops a worker long before.
    pub(crate) cpu_s_max: u64,
}

impl ProcessLimits {
    pub(super) fn apply(self, cell: Cell) -> nix::Result<()> {
        for (resource, value) in self.resources(cell) {
            setrlimit(resource, value, value)?;
        }
        Ok(())
    }

    fn resources(self, cell: Cell) -> [(Resource, u64); 9] {
        [
            // RLIMIT_DATA counts what is private and writable: the heap and every large buffer.
            (Resource::RLIMIT_DATA, self.memory_bytes_max),
            (
                Resource::RLIMIT_AS,
                self.memory_bytes_max.saturating_add(cell.program_bytes()),
            ),
            (Resource::RLIMIT_CPU, self.cpu_s_max),
            (Resource::RLIMIT_CORE, 0),
            (Resource::RLIMIT_FSIZE, 0),
            (Resource::RLIMIT_MEMLOCK, 0),
            (Resource::RLIMIT_MSGQUEUE, 0),
            (Resource::RLIMIT_NPROC, 0),
            // After landlock, which needs a descriptor for its rules. The open pipes stay usable.
            (Resource::RLIMIT_NOFILE, 0),
        ]
    }
}

/// Limits bind a process, so the trial compares instead of setting: a hard limit below ours cannot be raised.
pub(super) fn try_limits(limits: &Limits) -> Result<String, String> {
    let wanted = ProcessLimits {
        memory_bytes_max: limits.memory_bytes_max,
        cpu_s_max: 1,
    };
    for (resource, value) in wanted.resources(Cell::Av) {
        let (_, hard) = getrlimit(resource).map_err(|error| error.to_string())?;
        if hard < value {
            return Err(format!("the hard limit of {resource:?} is {hard}, below {value}"));
        }
    }
    Ok("can be set".to_owned())
}
