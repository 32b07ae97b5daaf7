//! Events on their way to one environment, gathered until it comes for them.

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use super::event::{Event, Exit};
use crate::sync::{Mutex, lock};

/// Calls an environment to its outbox. Called from the driver thread; must not block.
pub trait Notify: Send {
    /// Something is in the outbox. Not called again before the outbox was emptied.
    fn notify(&self);
}

/// The outbox of one environment.
pub(crate) struct Outbox {
    contents: Mutex<Contents>,
    /// `None` once the environment is going. The lock is held during the call, so that whoever takes the notifier out
    /// knows that nobody is calling it, and nobody will: on Node.js 20, 22 and early 24, calling a threadsafe function
    /// while its environment goes is a use after free.
    notifier: Mutex<Option<Box<dyn Notify>>>,
    /// Whether somebody listens for orphans.
    pub(crate) wants_reaped: AtomicBool,
}

#[derive(Default)]
struct Contents {
    events: Vec<Event>,
    /// Whether the environment was called and has not come yet.
    called: bool,
}

impl Outbox {
    pub(crate) fn new(notifier: Box<dyn Notify>) -> Self {
        Self { contents: Mutex::default(), notifier: Mutex::new(Some(notifier)), wants_reaped: AtomicBool::new(false) }
    }

    /// Puts an event in. The environment is not called yet: one call is enough for all events of a wake-up.
    pub(crate) fn post(&self, event: Event) {
        lock(&self.contents).events.push(event);
    }

    /// Calls the environment if there is something for it and it was not called yet.
    pub(crate) fn call(&self) {
        {
            let mut contents = lock(&self.contents);
            if contents.events.is_empty() || contents.called {
                return;
            }
            contents.called = true;
        }
        if let Some(notifier) = &*lock(&self.notifier) {
            notifier.notify();
        }
    }

    /// Takes everything out.
    pub(crate) fn empty(&self) -> Vec<Event> {
        let mut contents = lock(&self.contents);
        contents.called = false;
        std::mem::take(&mut contents.events)
    }

    /// Takes the end of one child out, if it is in there.
    pub(crate) fn take_exit(&self, id: u64) -> Option<Exit> {
        let mut contents = lock(&self.contents);
        let index = contents.events.iter().position(|event| matches!(event, Event::Exit(exit) if exit.id == id))?;
        match contents.events.remove(index) {
            Event::Exit(exit) => Some(exit),
            _ => unreachable!("position found an exit there"),
        }
    }

    /// Never calls the environment again. When this returns, no call is under way.
    pub(crate) fn close(&self) {
        *lock(&self.notifier) = None;
        self.wants_reaped.store(false, Ordering::Relaxed);
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Outbox").field("events", &lock(&self.contents).events.len()).finish_non_exhaustive()
    }
}
