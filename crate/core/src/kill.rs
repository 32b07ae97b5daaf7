//! The trait of a process that can be signalled.

use std::io;

use crate::Signal;

/// A process that can be sent a signal.
pub trait Kill {
    /// Sends `signal`. `true` when it was delivered, `false` when the process is already gone; it never reaches another
    /// process that was given the same pid. Signal 0 is delivered to nobody and only asks.
    ///
    /// # Errors
    ///
    /// `EPERM` when the process changed its credentials, `EINVAL` for a signal this kernel does not have.
    ///
    /// # References
    ///
    /// [`kill(2)`](https://man7.org/linux/man-pages/man2/kill.2.html),
    /// [`pidfd_send_signal(2)`](https://man7.org/linux/man-pages/man2/pidfd_send_signal.2.html)
    fn kill(&mut self, signal: Signal) -> io::Result<bool>;
}

impl<T: Kill + ?Sized> Kill for &mut T {
    fn kill(&mut self, signal: Signal) -> io::Result<bool> {
        (**self).kill(signal)
    }
}
