//! A child with the reaper that suits it.

use std::io;

use crate::{
    ExitStatus, GlobalOrphanQueue, Kill, Pidfd, PidfdReaper, Reaper, Signal, SignalSource, SpawnedProcess, Wait,
    driver::{Sigchld, SigchldWatch},
};

/// A running child of ours, reaped through its pidfd or at SIGCHLD. Dropped while it runs, it goes to the
/// [`GlobalOrphanQueue`].
#[derive(Debug)]
pub(crate) enum Child {
    /// Its end is an event of its own.
    Pidfd(PidfdReaper<SpawnedProcess, GlobalOrphanQueue>),
    /// It is asked after each signal.
    Signal(Reaper<SpawnedProcess, GlobalOrphanQueue, SigchldWatch>),
}

/// Gives a new process the best reaper there is for it: through the pidfd that came with the clone, else through one that
/// is opened now, else, where there are none or no descriptor is left, at SIGCHLD.
///
/// # Errors
///
/// Gives the process back when not even SIGCHLD can be watched.
pub(crate) fn build_child(process: SpawnedProcess, pidfd: Option<Pidfd>) -> Result<Child, (io::Error, SpawnedProcess)> {
    let process = match pidfd {
        Some(pidfd) => return Ok(Child::Pidfd(PidfdReaper::with_pidfd(process, pidfd, GlobalOrphanQueue))),
        None => match PidfdReaper::new(process, GlobalOrphanQueue) {
            Ok(reaper) => return Ok(Child::Pidfd(reaper)),
            Err((_, process)) => process,
        },
    };
    // The watch is taken after the clone. A child that has ended meanwhile is found by the first look, which the driver
    // takes at every child that is new.
    match Sigchld.watch() {
        Ok(watch) => Ok(Child::Signal(Reaper::new(process, GlobalOrphanQueue, watch))),
        Err(error) => Err((error, process)),
    }
}

impl Child {
    /// The process, for what is neither waiting nor killing.
    pub(crate) fn process(&self) -> &SpawnedProcess {
        match self {
            Self::Pidfd(reaper) => reaper,
            Self::Signal(reaper) => reaper,
        }
    }
}

impl Wait for Child {
    fn id(&self) -> u32 {
        self.process().id()
    }

    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        match self {
            Self::Pidfd(reaper) => reaper.try_wait(),
            Self::Signal(reaper) => reaper.try_wait(),
        }
    }
}

impl Kill for Child {
    fn kill(&mut self, signal: Signal) -> io::Result<bool> {
        match self {
            Self::Pidfd(reaper) => reaper.kill(signal),
            Self::Signal(reaper) => reaper.kill(signal),
        }
    }
}
