//! What a process has to do to run one command in its own place: its terminal, its signals, its parent.

use std::io;

use crate::{
    Signal,
    sys::{descriptor, parent_death, terminal, waitid},
};

/// The terminal that controls this process, by one of its descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    descriptor: i32,
}

impl Terminal {
    /// The terminal behind this descriptor, if it is the one that controls us.
    #[must_use]
    pub fn of(descriptor: i32) -> Option<Self> {
        terminal::foreground(descriptor::borrow(descriptor).ok()?).is_ok().then_some(Self { descriptor })
    }

    /// Whether we lead the session that the terminal belongs to, so that it is ours to give away.
    #[must_use]
    pub fn is_ours(self) -> bool {
        terminal::leads_session()
    }

    /// The process group in the foreground.
    ///
    /// # Errors
    ///
    /// `ENOTTY` when the terminal controls us no more.
    pub fn foreground(self) -> io::Result<i32> {
        terminal::foreground(descriptor::borrow(self.descriptor)?)
    }

    /// The process group that we are in.
    #[must_use]
    pub fn own_group() -> i32 {
        terminal::own_group()
    }

    /// Puts a process group into the foreground; `None` is our own.
    ///
    /// # Errors
    ///
    /// `ENOTTY` when the terminal controls us no more, `EPERM` or `ESRCH` when there is no such group in our session.
    pub fn set_foreground(self, group: Option<i32>) -> io::Result<()> {
        terminal::set_foreground(descriptor::borrow(self.descriptor)?, group.unwrap_or_else(terminal::own_group))
    }

    /// Gives it up, so that a child with a session of its own can have it. The hang-up that the kernel announces to us for
    /// that is not delivered.
    ///
    /// # Errors
    ///
    /// `ENOTTY` when the terminal controls us no more.
    pub fn leave(self) -> io::Result<()> {
        terminal::leave(descriptor::borrow(self.descriptor)?)
    }
}

/// The signal that has stopped a child of ours, told once for each time it was stopped.
#[must_use]
pub fn take_stop(pid: u32) -> Option<i32> {
    waitid::take_stop(pid)
}

/// Has the kernel send us `signal` when our parent dies.
///
/// # Errors
///
/// `ESRCH` when it has died already: then no signal will come. `ENOSYS` where there is no such thing (not Linux).
pub fn die_with_parent(parent: u32, signal: Signal) -> io::Result<()> {
    parent_death::set(signal)?;
    // In this order: a parent that dies after the look has a signal sent. Its place is taken by init or a subreaper, so that
    // only the pid it had tells.
    if nix::unistd::getppid().as_raw().cast_unsigned() == parent {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(libc::ESRCH))
    }
}
