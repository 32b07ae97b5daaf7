//! The signal driver: who waits for SIGCHLD, and how signals become looks.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{SignalSource, Watch, sys::sigchld};

/// Signals seen so far, and the occasions on which one may have been missed.
static SEEN: AtomicU64 = AtomicU64::new(0);

/// The source of SIGCHLD for this program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sigchld;

/// A look at [`Sigchld`] from a point in time on.
#[derive(Debug)]
pub(crate) struct SigchldWatch {
    seen: u64,
}

impl Sigchld {
    /// Counts a signal, or an occasion on which one may have been missed: everybody who watches looks.
    pub(crate) fn notice(self) {
        SEEN.fetch_add(1, Ordering::Release);
    }

    /// Goes in front of whatever replaced the handler. Called while there is anybody to watch for, a few dozen times a
    /// second: libuv puts its own in place, or none, without a word.
    pub(crate) fn look_after_handler(self) {
        // No room for a descriptor cannot happen here: it was there when the first watch was taken.
        if sigchld::ensure_installed().unwrap_or(false) {
            self.notice();
        }
    }
}

impl SignalSource for Sigchld {
    type Watch = SigchldWatch;

    fn watch(&self) -> io::Result<SigchldWatch> {
        // In this order: a signal between the two is counted after the number was read, and seen.
        let seen = SEEN.load(Ordering::Acquire);
        sigchld::ensure_installed()?;
        Ok(SigchldWatch { seen })
    }
}

impl Watch for SigchldWatch {
    fn has_changed(&mut self) -> bool {
        let now = SEEN.load(Ordering::Acquire);
        std::mem::replace(&mut self.seen, now) != now
    }
}
