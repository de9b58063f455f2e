//! Seccomp: the list of system calls a decoder needs. Any other ends the process at once, by `SIGSYS`.

use std::collections::BTreeMap;

use super::Cell;
use libc::c_long;
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};

pub(super) fn lock(cell: Cell) -> Result<(), Error> {
    let mut allowed = allowed()?;
    match cell {
        Cell::Pictures => {}
        Cell::Av => {
            // Standard input is the file: it may be read in any order, nothing else.
            allowed.insert(
                libc::SYS_lseek,
                vec![SeccompRule::new(vec![is(0, SeccompCmpOp::Eq, 0)?])?],
            );
            // FFmpeg asks the C library for tables of the character sets that television names its programmes in, and goes on without. The call
            // reaches the filter below, which lets it fail.
            allowed.insert(libc::SYS_openat, Vec::new());
            apply(
                BTreeMap::from([(libc::SYS_openat, Vec::new())]),
                SeccompAction::Allow,
                SeccompAction::Errno(libc::EACCES as u32),
            )?;
        }
    }
    // The strictest of several filters decides.
    apply(allowed, SeccompAction::KillProcess, SeccompAction::Allow)
}

fn apply(calls: BTreeMap<c_long, Vec<SeccompRule>>, others: SeccompAction, these: SeccompAction) -> Result<(), Error> {
    let filter: BpfProgram =
        SeccompFilter::new(calls, others, these, std::env::consts::ARCH.try_into()?)?.try_into()?;
    seccompiler::apply_filter(&filter)
}

/// The calls and, where they have arguments that matter, which arguments. A call with several rules is allowed by any.
fn allowed() -> Result<BTreeMap<c_long, Vec<SeccompRule>>, Error> {
    let any = Vec::new;
    let no_code = || is(2, SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64), 0);
    let process = u64::from(std::process::id());
    Ok(BTreeMap::from([
        // The two pipes, and standard error for a last word. A descriptor that leaked into the process is of no use.
        (
            libc::SYS_read,
            vec![SeccompRule::new(vec![is(0, SeccompCmpOp::Eq, 0)?])?],
        ),
        (
            libc::SYS_write,
            vec![
                SeccompRule::new(vec![is(0, SeccompCmpOp::Eq, 1)?])?,
                SeccompRule::new(vec![is(0, SeccompCmpOp::Eq, 2)?])?,
            ],
        ),
        // Memory, never executable, never a file.
        (
            libc::SYS_mmap,
            vec![SeccompRule::new(vec![
                no_code()?,
                is(
                    3,
                    SeccompCmpOp::MaskedEq(libc::MAP_ANONYMOUS as u64),
                    libc::MAP_ANONYMOUS as u64,
                )?,
            ])?],
        ),
        (libc::SYS_mprotect, vec![SeccompRule::new(vec![no_code()?])?]),
        (libc::SYS_munmap, any()),
        (libc::SYS_mremap, any()),
        (libc::SYS_madvise, any()),
        (libc::SYS_brk, any()),
        // Locks, clocks (when the kernel does not lend its page for them), the seeds of hash maps.
        (libc::SYS_futex, any()),
        (libc::SYS_clock_gettime, any()),
        (libc::SYS_getrandom, any()),
        // The end: by itself, or by `abort` when memory runs out, which signals this process and no other.
        (libc::SYS_exit, any()),
        (libc::SYS_exit_group, any()),
        (libc::SYS_getpid, any()),
        (libc::SYS_gettid, any()),
        (libc::SYS_rt_sigprocmask, any()),
        (libc::SYS_rt_sigaction, any()),
        (libc::SYS_rt_sigreturn, any()),
        (libc::SYS_sigaltstack, any()),
        (
            libc::SYS_tgkill,
            vec![SeccompRule::new(vec![
                is(0, SeccompCmpOp::Eq, process)?,
                is(2, SeccompCmpOp::Eq, libc::SIGABRT as u64)?,
            ])?],
        ),
        // Continues one of the above after a stop.
        (libc::SYS_restart_syscall, any()),
    ]))
}

/// Every argument compared here is an `int` to the kernel, which ignores the upper half of the register.
fn is(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, Error> {
    Ok(SeccompCondition::new(
        argument,
        SeccompCmpArgLen::Dword,
        operator,
        value,
    )?)
}

/// In a trial the refused call fails instead of ending the process.
pub(super) fn try_filter() -> Result<String, String> {
    let refuse_sockets = || -> Result<(), Error> {
        apply(
            BTreeMap::from([(libc::SYS_socket, Vec::new())]),
            SeccompAction::Allow,
            SeccompAction::Errno(libc::EPERM as u32),
        )
    };
    refuse_sockets().map_err(|error| error.to_string())?;
    match std::net::UdpSocket::bind("127.0.0.1:0") {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Ok("making a socket was refused".to_owned()),
        _ => Err("accepted, but a socket could still be made".to_owned()),
    }
}
