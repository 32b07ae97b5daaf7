//! The drop rule, once for all reapers.

use std::{
    io,
    ops::{Deref, DerefMut},
};

use crate::{ExitStatus, Kill, OrphanQueue, Signal, Wait, wait::try_wait_uninterrupted};

/// A child whose status is taken at most once, and that goes to the orphan queue when it is dropped while it runs.
#[derive(Debug)]
pub(crate) struct OrphanGuard<W: Wait, Q: OrphanQueue<W>> {
    /// `None` only while this is being dropped, or was taken apart.
    inner: Option<W>,
    orphan_queue: Q,
    end: End,
}

/// What became of the child. Past `NotYet` its pid may be anybody's, so it is asked and told nothing more.
#[derive(Debug)]
enum End {
    NotYet,
    /// In a box, because every living child would hold the room for it.
    Taken(Box<ExitStatus>),
    /// Somebody else took the status.
    Stolen,
}

impl<W: Wait, Q: OrphanQueue<W>> OrphanGuard<W, Q> {
    pub(crate) fn new(inner: W, orphan_queue: Q) -> Self {
        Self { inner: Some(inner), orphan_queue, end: End::NotYet }
    }

    /// Takes the child out. The orphan queue hears nothing of it.
    pub(crate) fn into_inner(mut self) -> W {
        self.inner.take().expect("inner has gone away")
    }

    /// Sends a signal by `send`, unless the child was reaped: then there is nobody to send it to.
    pub(crate) fn kill_by(&mut self, send: impl FnOnce(&mut W) -> io::Result<bool>) -> io::Result<bool> {
        match self.end {
            End::NotYet => send(self),
            End::Taken(_) | End::Stolen => Ok(false),
        }
    }
}

impl<W: Wait, Q: OrphanQueue<W>> Wait for OrphanGuard<W, Q> {
    fn id(&self) -> u32 {
        (**self).id()
    }

    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        match &self.end {
            End::Taken(status) => return Ok(Some(**status)),
            End::Stolen => return Err(io::Error::from_raw_os_error(libc::ECHILD)),
            End::NotYet => {}
        }
        let asked = try_wait_uninterrupted(&mut **self);
        match &asked {
            Ok(Some(status)) => self.end = End::Taken(Box::new(*status)),
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) => self.end = End::Stolen,
            Ok(None) | Err(_) => {}
        }
        asked
    }
}

impl<W: Wait + Kill, Q: OrphanQueue<W>> Kill for OrphanGuard<W, Q> {
    fn kill(&mut self, signal: Signal) -> io::Result<bool> {
        self.kill_by(|inner| inner.kill(signal))
    }
}

impl<W: Wait, Q: OrphanQueue<W>> Deref for OrphanGuard<W, Q> {
    type Target = W;

    fn deref(&self) -> &W {
        self.inner.as_ref().expect("inner has gone away")
    }
}

impl<W: Wait, Q: OrphanQueue<W>> DerefMut for OrphanGuard<W, Q> {
    fn deref_mut(&mut self) -> &mut W {
        self.inner.as_mut().expect("inner has gone away")
    }
}

impl<W: Wait, Q: OrphanQueue<W>> Drop for OrphanGuard<W, Q> {
    fn drop(&mut self) {
        if self.inner.is_none() {
            // Taken out by `into_inner`.
            return;
        }
        // One last look spares the queue a child that has ended. One that cannot be waited for would sit there for nothing.
        let still_running = matches!(self.try_wait(), Ok(None));
        let orphan = self.inner.take().expect("inner has gone away");
        if still_running {
            self.orphan_queue.push_orphan(orphan);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod test {
    use super::*;
    use crate::test_doubles::{MockQueue, MockWait};

    #[test]
    fn drop_reaps_if_possible() {
        let (queue, child) = (MockQueue::new(), MockWait::new(0));
        let waits = child.total_waits.clone();
        drop(OrphanGuard::new(child, &queue));
        assert_eq!(waits.get(), 1);
        assert!(queue.all_enqueued.borrow().is_empty());
    }

    #[test]
    fn drop_enqueues_a_running_child() {
        let (queue, child) = (MockQueue::new(), MockWait::new(2));
        let waits = child.total_waits.clone();
        drop(OrphanGuard::new(child, &queue));
        assert_eq!(waits.get(), 1);
        assert_eq!(queue.all_enqueued.borrow().len(), 1);
    }

    #[test]
    fn drop_does_not_enqueue_a_child_that_cannot_be_waited_for() {
        let queue = MockQueue::new();
        drop(OrphanGuard::new(MockWait::with_err(libc::ECHILD), &queue));
        assert!(queue.all_enqueued.borrow().is_empty());
    }

    #[test]
    fn drop_asks_again_when_a_signal_came_in_between() {
        let (queue, child) = (MockQueue::new(), MockWait::new(1).interrupted(2));
        let waits = child.total_waits.clone();
        drop(OrphanGuard::new(child, &queue));
        assert_eq!(waits.get(), 3);
        assert_eq!(queue.all_enqueued.borrow().len(), 1);
    }

    #[test]
    fn once_the_status_is_taken_the_child_is_not_asked_again() {
        let (queue, child) = (MockQueue::new(), MockWait::new(0));
        let (waits, kills) = (child.total_waits.clone(), child.kills.clone());
        let mut guard = OrphanGuard::new(child, &queue);
        for _ in 0..3 {
            assert_eq!(guard.try_wait().expect("the status stays"), Some(ExitStatus::from_code(0)));
        }
        assert!(!guard.kill(Signal::KILL).expect("a reaped child cannot fail to be killed"));
        drop(guard);
        assert_eq!(waits.get(), 1);
        assert!(kills.borrow().is_empty());
        assert!(queue.all_enqueued.borrow().is_empty());
    }

    #[test]
    fn once_the_status_was_stolen_the_child_is_not_asked_again() {
        let (queue, child) = (MockQueue::new(), MockWait::with_err(libc::ECHILD));
        let (waits, kills) = (child.total_waits.clone(), child.kills.clone());
        let mut guard = OrphanGuard::new(child, &queue);
        for _ in 0..3 {
            let error = guard.try_wait().expect_err("the status is somebody else's");
            assert_eq!(error.raw_os_error(), Some(libc::ECHILD));
        }
        assert!(!guard.kill(Signal::KILL).expect("a reaped child cannot fail to be killed"));
        drop(guard);
        assert_eq!(waits.get(), 1);
        assert!(kills.borrow().is_empty());
    }

    #[test]
    fn another_error_than_echild_does_not_end_the_waiting() {
        let (queue, child) = (MockQueue::new(), MockWait::with_err(libc::ENOMEM));
        let waits = child.total_waits.clone();
        let mut guard = OrphanGuard::new(child, &queue);
        assert!(guard.try_wait().is_err());
        assert!(guard.try_wait().is_err());
        assert_eq!(waits.get(), 2);
    }

    #[test]
    fn kill_reaches_a_running_child() {
        let (queue, child) = (MockQueue::new(), MockWait::new(2));
        let kills = child.kills.clone();
        let mut guard = OrphanGuard::new(child, &queue);
        assert!(guard.kill(Signal::TERM).expect("the child takes it"));
        assert_eq!(*kills.borrow(), [Signal::TERM]);
    }
}
