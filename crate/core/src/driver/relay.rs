//! Signals that are passed on to an environment.

use std::{io, os::fd::AsRawFd, sync::Arc};

use mio::{Interest, unix::SourceFd};

use super::{Driver, Environment, RELAY, event::Event};
use crate::{Signal, sync::lock, sys::relay};

impl Environment {
    /// Has this signal told here from now on, as an [`Event::Signal`], whatever it did before. One environment has them
    /// all: the last one that asked.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` when there is no room for a pipe, `EINVAL` for a signal that cannot be caught.
    pub fn relay_signal(&self, signal: Signal) -> io::Result<()> {
        let descriptor = relay::descriptor()?;
        let known = lock(&self.driver.relayed_to).replace(Arc::clone(&self.outbox)).is_some();
        if !known {
            let registry = &self.driver.registry;
            registry.register(&mut SourceFd(&descriptor.as_raw_fd()), RELAY, Interest::READABLE)?;
        }
        relay::relay(signal)
    }
}

impl Driver {
    /// Tells of the signals that came.
    pub(super) fn relay_signals(&self) {
        let signals = relay::drain();
        if let Some(outbox) = &*lock(&self.relayed_to) {
            signals.into_iter().for_each(|number| outbox.post(Event::Signal { number }));
        }
    }
}
