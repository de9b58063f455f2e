//! Landlock: the kernel refuses this thread every path, and every TCP port.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetError, RulesetStatus, Scope,
};

/// No path may be opened, changed or executed. What the first version of landlock knows is required; later versions add
/// the finer accesses (truncate, device control) and keep abstract sockets and signals inside.
pub(super) fn lock_files() -> Result<(), RulesetError> {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(ABI::V6))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .restrict_self()?;
    debug_assert_ne!(
        status.ruleset,
        RulesetStatus::NotEnforced,
        "required accesses are enforced or an error"
    );
    Ok(())
}

/// No TCP port may be bound or connected to.
pub(super) fn lock_network() -> Result<(), RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessNet::from_all(ABI::V4))?
        .create()?
        .restrict_self()?;
    Ok(())
}

pub(super) fn try_files() -> Result<String, String> {
    lock_files().map_err(|error| error.to_string())?;
    match std::fs::read_dir("/") {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok("opening / was refused".to_owned()),
        _ => Err("accepted, but / could still be opened".to_owned()),
    }
}

pub(super) fn try_network() -> Result<String, String> {
    lock_network().map_err(|error| error.to_string())?;
    match std::net::TcpListener::bind("127.0.0.1:0") {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Ok("binding a port of 127.0.0.1 was refused".to_owned())
        }
        _ => Err("accepted, but a port of 127.0.0.1 could still be bound".to_owned()),
    }
}
