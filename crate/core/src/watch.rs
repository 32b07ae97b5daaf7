//! "A child may have ended": what a state machine asks of a source of SIGCHLD, and no more than that.

use std::io;

/// A look at a source of signals, from a point in time on.
pub trait Watch {
    /// Whether a signal came since this was last asked (or since the watch was taken). Signals coalesce: `true` says one
    /// or more.
    fn has_changed(&mut self) -> bool;
}

impl<T: Watch + ?Sized> Watch for &mut T {
    fn has_changed(&mut self) -> bool {
        (**self).has_changed()
    }
}

/// Something that can be asked for a [`Watch`] on SIGCHLD.
pub trait SignalSource {
    /// The watch this source hands out.
    type Watch: Watch;

    /// Takes a watch. Every signal that comes after this call has returned is seen by it.
    ///
    /// # Errors
    ///
    /// Whatever kept the handler from being installed or the driver from running; worth another try later.
    fn watch(&self) -> io::Result<Self::Watch>;
}

impl<S: SignalSource + ?Sized> SignalSource for &S {
    type Watch = S::Watch;

    fn watch(&self) -> io::Result<S::Watch> {
        (**self).watch()
    }
}
