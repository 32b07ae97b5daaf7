//! Our children where there is no /proc: only `waitid` can be asked, and it shows one zombie at a time.
//!
//! Good for PID 1. Children belong to the process here, not to its threads, so those of a worker thread cannot be told
//! from strangers: a worker that is blocked for longer than the grace period would lose a status.

use std::{io, time::Duration};

use super::candidates::{BusyThread, Kin, Started, Zombies};
use crate::{
    ExitStatus, driver,
    sys::{kill, waitid},
};

/// This process. With braces, so that it is made by `default()` as its namesake is.
#[derive(Debug, Default)]
pub(crate) struct OwnKin {}

impl Kin for OwnKin {
    fn zombies(&mut self) -> Zombies {
        match waitid::any_ended_here() {
            None => Zombies::None,
            // One of brood's own is in front: the driver is about to reap it, and then the next one shows.
            Some(pid) if driver::own_pids().contains(&pid) => Zombies::Elsewhere,
            Some(pid) => Zombies::Here(vec![pid]),
        }
    }

    fn is_zombie(&mut self, pid: u32) -> bool {
        waitid::has_ended_here(pid) && !driver::own_pids().contains(&pid)
    }

    fn started(&mut self, _pid: u32) -> Started {
        None
    }

    fn age(&self, _started: Started) -> Duration {
        Duration::ZERO
    }

    fn busy_threads(&mut self) -> Vec<BusyThread> {
        Vec::new()
    }

    fn raise_sigchld(&mut self) {
        kill::raise(libc::SIGCHLD);
    }

    fn reap(&mut self, pid: u32) -> io::Result<Option<ExitStatus>> {
        waitid::try_wait_here(pid)
    }
}

/// Living children cannot be listed here.
pub(crate) fn living_strangers() -> Vec<u32> {
    Vec::new()
}
