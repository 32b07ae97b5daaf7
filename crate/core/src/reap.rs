//! The reaper of a child that has no pidfd: it is asked whenever a SIGCHLD came.

use std::{
    io,
    ops::{Deref, DerefMut},
};

use crate::{ExitStatus, Kill, OrphanQueue, Signal, Wait, Watch, orphan_guard::OrphanGuard};

/// Reaps one child by asking it after each SIGCHLD; a child that still runs when this is dropped goes to the orphan queue.
///
/// Signals coalesce: one may stand for the ends of several children, so every child is asked after each.
///
/// Derefs to the child, for what is the child's own. Its status is to be asked for here: behind this back it would be lost
/// to the caller of `poll_exit`.
#[derive(Debug)]
pub struct Reaper<W: Wait, Q: OrphanQueue<W>, S: Watch> {
    child: OrphanGuard<W, Q>,
    signal: S,
}

impl<W: Wait, Q: OrphanQueue<W>, S: Watch> Reaper<W, Q, S> {
    /// Takes a child together with a watch on SIGCHLD; later signals are seen, however soon they come.
    #[must_use]
    pub fn new(inner: W, orphan_queue: Q, signal: S) -> Self {
        Self { child: OrphanGuard::new(inner, orphan_queue), signal }
    }

    /// Gives the child back. The orphan queue hears nothing of it.
    #[must_use]
    pub fn into_inner(self) -> W {
        self.child.into_inner()
    }

    /// Takes the status if the child has ended; to be called once after this was made and then after each signal.
    ///
    /// # Errors
    ///
    /// `ECHILD` when somebody else has taken the status.
    pub fn poll_exit(&mut self) -> io::Result<Option<ExitStatus>> {
        loop {
            // The watch was there BEFORE the child is asked. Taken afterwards, it would miss a child that ends between
            // the two, and there may never be another signal. For the same reason a signal is used up before the child
            // is asked, never after: what comes from here on is for the next round.
            let changed = self.signal.has_changed();
            if let Some(status) = self.try_wait()? {
                return Ok(Some(status));
            }
            // A signal that was used up may have been the last one. Only a round that began without any is sure that
            // the end of the child, which runs, is still to be announced.
            if !changed {
                return Ok(None);
            }
        }
    }
}

impl<W: Wait, Q: OrphanQueue<W>, S: Watch> Wait for Reaper<W, Q, S> {
    fn id(&self) -> u32 {
        self.child.id()
    }

    /// As [`Wait::try_wait`], but never `EINTR`, and the same answer ever after once the child was reaped: it is not asked
    /// again, since its pid may be another's by then.
    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}

impl<W: Wait + Kill, Q: OrphanQueue<W>, S: Watch> Kill for Reaper<W, Q, S> {
    /// Sends `signal` by the child's own [`Kill`]; `false` once the child was reaped.
    fn kill(&mut self, signal: Signal) -> io::Result<bool> {
        self.child.kill(signal)
    }
}

impl<W: Wait, Q: OrphanQueue<W>, S: Watch> Deref for Reaper<W, Q, S> {
    type Target = W;

    fn deref(&self) -> &W {
        &self.child
    }
}

impl<W: Wait, Q: OrphanQueue<W>, S: Watch> DerefMut for Reaper<W, Q, S> {
    fn deref_mut(&mut self) -> &mut W {
        &mut self.child
    }
}

#[cfg(all(test, not(loom)))]
mod test {
    use std::{cell::Cell, rc::Rc};

    use super::*;
    use crate::{
        SignalSource,
        test_doubles::{MockQueue, MockSource, MockWait, ScriptedWatch},
    };

    #[test]
    fn a_signal_leads_to_one_more_look() {
        let (queue, child) = (MockQueue::new(), MockWait::new(3));
        let signal = ScriptedWatch::new([false, true, false, false]);
        let (waits, looks) = (child.total_waits.clone(), signal.total_looks.clone());
        let mut grim = Reaper::new(child, &queue, signal);

        // Runs, and nobody said otherwise.
        assert_eq!(grim.poll_exit().expect("the child is ours"), None);
        assert_eq!((looks.get(), waits.get()), (1, 1));

        // Runs; a signal had come, which takes a second round.
        assert_eq!(grim.poll_exit().expect("the child is ours"), None);
        assert_eq!((looks.get(), waits.get()), (3, 3));

        // Has ended.
        assert_eq!(grim.poll_exit().expect("the child is ours"), Some(ExitStatus::from_code(0)));
        assert_eq!((looks.get(), waits.get()), (4, 4));
        assert!(queue.all_enqueued.borrow().is_empty());
    }

    /// Runs when it is asked, and ends, with its signal, before the answer arrives.
    struct EndsBehindOurBack<'source>(&'source MockSource, Rc<Cell<bool>>);

    impl Wait for EndsBehindOurBack<'_> {
        fn id(&self) -> u32 {
            42
        }

        fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
            if self.1.replace(true) {
                return Ok(Some(ExitStatus::from_code(7)));
            }
            self.0.raise();
            Ok(None)
        }
    }

    #[test]
    fn a_signal_between_registration_and_the_look_is_not_lost() {
        let (queue, source) = (MockQueue::new(), MockSource::default());
        let signal = source.watch().expect("the source is in order");
        let mut grim = Reaper::new(EndsBehindOurBack(&source, Rc::default()), &queue, signal);
        assert_eq!(grim.poll_exit().expect("the child is ours"), None);
        assert!(grim.signal.has_changed(), "the signal is there for whoever waits for it");
        assert_eq!(grim.poll_exit().expect("the child is ours"), Some(ExitStatus::from_code(7)));
    }

    #[test]
    fn a_signal_from_before_the_first_look_is_followed_by_a_look() {
        let (queue, source) = (MockQueue::new(), MockSource::default());
        let signal = source.watch().expect("the source is in order");
        source.raise();
        let mut grim = Reaper::new(MockWait::new(0), &queue, signal);
        assert!(grim.poll_exit().expect("the child is ours").is_some());
    }

    #[test]
    fn an_error_is_told() {
        let queue = MockQueue::new();
        let mut grim = Reaper::new(MockWait::with_err(libc::ECHILD), &queue, ScriptedWatch::new([false]));
        assert_eq!(grim.poll_exit().expect_err("the status was stolen").raw_os_error(), Some(libc::ECHILD));
    }

    #[test]
    fn a_look_that_a_signal_came_into_is_taken_again() {
        let queue = MockQueue::new();
        let mut grim = Reaper::new(MockWait::new(0).interrupted(2), &queue, ScriptedWatch::new([false]));
        assert!(grim.poll_exit().expect("EINTR is no answer").is_some());
    }

    #[test]
    fn once_the_status_is_taken_it_is_not_asked_again() {
        let (queue, child) = (MockQueue::new(), MockWait::new(0));
        let waits = child.total_waits.clone();
        let mut grim = Reaper::new(child, &queue, ScriptedWatch::new([false, false]));
        let status = grim.poll_exit().expect("the child is ours");
        assert_eq!(grim.poll_exit().expect("the status stays"), status);
        assert_eq!(grim.try_wait().expect("the status stays"), status);
        assert_eq!(waits.get(), 1);
    }

    #[test]
    fn kill_reaches_the_child_until_it_was_reaped() {
        let (queue, child) = (MockQueue::new(), MockWait::new(0));
        let kills = child.kills.clone();
        let mut grim = Reaper::new(child, &queue, ScriptedWatch::new([false]));
        assert!(grim.kill(Signal::KILL).expect("the child takes it"));
        assert!(grim.poll_exit().expect("the child is ours").is_some());
        assert!(!grim.kill(Signal::KILL).expect("there is nobody to fail"));
        assert_eq!(*kills.borrow(), [Signal::KILL]);
    }

    #[test]
    fn derefs_to_the_child() {
        let queue = MockQueue::new();
        let grim = Reaper::new(MockWait::new(1), &queue, ScriptedWatch::new([]));
        assert_eq!(grim.total_waits.get(), 0);
        assert_eq!(grim.id(), 42);
    }

    #[test]
    fn drop_reaps_if_possible() {
        let (queue, mut child) = (MockQueue::new(), MockWait::new(0));
        drop(Reaper::new(&mut child, &queue, ScriptedWatch::new([])));
        assert!(queue.all_enqueued.borrow().is_empty());
        assert_eq!((child.total_waits.get(), child.kills.borrow().len()), (1, 0));
    }

    #[test]
    fn drop_enqueues_a_running_child() {
        let (queue, mut child) = (MockQueue::new(), MockWait::new(2));
        drop(Reaper::new(&mut child, &queue, ScriptedWatch::new([])));
        assert_eq!(queue.all_enqueued.borrow().len(), 1);
        drop(queue);
        assert_eq!((child.total_waits.get(), child.kills.borrow().len()), (1, 0));
    }
}
