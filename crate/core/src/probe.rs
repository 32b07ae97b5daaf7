//! A close look at this machine, for people who want to know why something is as it is.

use crate::{
    Command, GlobalOrphanQueue, Request, SpawnError, family::mark, orphan_guard::OrphanGuard, process::give_up, spawn,
    sys,
};

/// One facility of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// What it is.
    pub name: &'static str,
    /// The error number that speaks against it; `None` where it can be used.
    pub errno: Option<i32>,
}

/// Tries every facility that differs from kernel to kernel and from sandbox to sandbox. Starts one process, `/bin/true`,
/// to see whether it comes with its pidfd.
#[must_use]
pub fn probes() -> Vec<Probe> {
    let mut probes: Vec<_> = sys::probe::all()
        .into_iter()
        .map(|(name, errno)| Probe { name, errno: (errno != 0).then_some(errno) })
        .collect();
    if !probes.is_empty() {
        let errno = match pidfd_in_clone() {
            Ok(true) => None,
            Ok(false) => Some(libc::ENOSYS),
            Err(error) => Some(error.errno()),
        };
        probes.push(Probe { name: "pidfd in the same call as the clone", errno });
    }
    let subreaper = sys::subreaper::is_set().err().and_then(|error| error.raw_os_error());
    probes.push(Probe { name: "subreaper", errno: subreaper });
    probes
}

fn pidfd_in_clone() -> Result<bool, SpawnError> {
    let command = Command::new("/bin/true").expect("there is no NUL inside");
    let buffer = command.encode();
    let request = Request::decode(&buffer).expect("this is how requests are made");
    let started = spawn::start(&request, mark::of(0))?;
    // It is not to be waited for longer than need be, and is in nobody's registry.
    give_up(OrphanGuard::new(started.process, GlobalOrphanQueue));
    Ok(started.pidfd.is_some())
}
