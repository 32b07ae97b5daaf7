//! What this machine lets us use, and what belongs to no environment.

use brood_core::{GlobalOrphanQueue, SpawnMethod};
use napi_derive::napi;

/// What this machine lets us use, as found at run time.
#[napi(object, object_from_js = false)]
pub struct BindingCapabilities {
    /// `clone3`, `clone` or `posix_spawn`.
    pub spawn: &'static str,
    /// `pidfd` or `sigchld`.
    pub reaper: &'static str,
    /// `pidfd` or `pid`.
    pub kill: &'static str,
    /// Whether this process can be a child subreaper.
    pub subreaper: bool,
}

/// Asks the kernel.
#[napi]
pub fn capabilities() -> BindingCapabilities {
    let found = brood_core::capabilities();
    BindingCapabilities {
        spawn: match found.spawn {
            SpawnMethod::Clone3 => "clone3",
            SpawnMethod::Clone => "clone",
            SpawnMethod::PosixSpawn => "posix_spawn",
        },
        reaper: if found.reaps_by_pidfd { "pidfd" } else { "sigchld" },
        kill: if found.kills_by_pidfd { "pidfd" } else { "pid" },
        subreaper: found.subreaper,
    }
}

/// Number of orphans of this OS process that have not been reaped.
#[napi]
pub fn orphan_count() -> u32 {
    GlobalOrphanQueue.len() as u32
}

/// Reaps the orphans that have ended; the number reaped.
#[napi]
pub fn reap_orphans() -> u32 {
    GlobalOrphanQueue.reap_orphans() as u32
}

/// Gives a pipe that was claimed more room: it has shown to carry much.
#[napi]
pub fn enlarge_pipe(descriptor: i32) {
    brood_core::enlarge_pipe(descriptor);
}

/// Whether this thread is the one that the process began with: the one whose `process.env` is the process' environment.
#[napi]
pub fn is_main_thread() -> bool {
    brood_core::is_main_thread()
}
