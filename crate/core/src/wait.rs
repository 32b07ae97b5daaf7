//! The trait of a process that can be waited for.

use std::io;

use crate::ExitStatus;

/// A process whose end can be asked for without blocking.
pub trait Wait {
    /// The process id the kernel gave this process.
    fn id(&self) -> u32;

    /// Asks whether the process has ended, and takes its status if so. Never blocks: `None` while it runs.
    ///
    /// # Errors
    ///
    /// `EINTR` when a signal came in between (ask again), `ECHILD` when somebody else has taken the status.
    ///
    /// # References
    ///
    /// [`waitid(2)`](https://man7.org/linux/man-pages/man2/waitid.2.html)
    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>>;
}

impl<T: Wait + ?Sized> Wait for &mut T {
    fn id(&self) -> u32 {
        (**self).id()
    }

    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        (**self).try_wait()
    }
}

/// Asks `child` until a signal does not come in between.
///
/// # Errors
///
/// Those of [`Wait::try_wait`] without `EINTR`.
pub(crate) fn try_wait_uninterrupted<W: Wait + ?Sized>(child: &mut W) -> io::Result<Option<ExitStatus>> {
    loop {
        match child.try_wait() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
