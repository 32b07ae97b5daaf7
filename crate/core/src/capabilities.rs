//! What this machine lets us use, as found at run time.

use std::{env, sync::OnceLock};

use crate::{Pidfd, SpawnMethod, sys::subreaper};

/// What is in use on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// How processes are made.
    pub spawn: SpawnMethod,
    /// Whether their ends are told by pidfds; else by SIGCHLD.
    pub reaps_by_pidfd: bool,
    /// Whether signals go through pidfds; else to pids.
    pub kills_by_pidfd: bool,
    /// Whether this process can become the reaper of its descendants' orphans.
    pub subreaper: bool,
}

/// Asks the kernel, once, without making a process.
#[must_use]
pub fn capabilities() -> Capabilities {
    heed_environment();
    Capabilities {
        spawn: SpawnMethod::current(),
        reaps_by_pidfd: Pidfd::available(),
        kills_by_pidfd: Pidfd::available() && Pidfd::signal_available(),
        subreaper: subreaper::is_set().is_ok(),
    }
}

/// `BROOD_REAPER=sigchld` makes all children go the SIGCHLD way, for tests and for working around a broken kernel.
pub(crate) fn heed_environment() {
    static HEEDED: OnceLock<()> = OnceLock::new();
    HEEDED.get_or_init(|| {
        if env::var_os("BROOD_REAPER").is_some_and(|reaper| reaper == "sigchld") {
            Pidfd::forbid();
        }
    });
}
