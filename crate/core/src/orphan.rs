//! The queue that reaps children nobody waits for any more.

use crate::{
    ExitStatus, OrphanQueue, SignalSource, Wait, Watch,
    sync::{Mutex, MutexGuard, lock, try_lock},
    wait::try_wait_uninterrupted,
};

/// An [`OrphanQueue`] that looks after its orphans whenever a SIGCHLD came. `T` is an orphan, `S` the [`Watch`] on SIGCHLD.
///
/// # Races
///
/// An orphan can end at any moment, and its SIGCHLD comes once. There are three places where it could be missed:
///
/// - *Before the first watch was taken.* Taking the watch is followed by one look at everybody.
/// - *Between the last `try_wait` of its former owner and [`push_orphan`](Self::push_orphan)*, when a look in between has
///   used the signal up without finding the orphan in the queue. So an orphan that is new is looked at once by the next
///   [`reap_orphans`](Self::reap_orphans), signal or not: whichever comes last, the push or the signal, leads to a look.
/// - *While somebody else drains.* A look that finds the door shut uses up nothing: the signal stays in the watch for the
///   next one. A program in which several threads look has to see to it that there is a next one; one driver thread that
///   looks after each signal is enough. [`reap_now`](Self::reap_now) never shuts the door.
#[derive(Debug)]
pub struct OrphanQueueImpl<T, S> {
    /// The watch on SIGCHLD; `None` until there was an orphan to watch for. Whoever holds this lock is the one that drains.
    /// Taken before `queue`, never after it.
    sigchild: Mutex<Option<S>>,
    queue: Mutex<Orphans<T>>,
}

#[derive(Debug)]
struct Orphans<T> {
    all: Vec<T>,
    /// How many from the front have been looked at since they came; the others are new.
    seen: usize,
}

/// An orphan that has left the queue: with its status, or without one when it could not be waited for.
type Gone<T> = (T, Option<ExitStatus>);

impl<T, S> OrphanQueueImpl<T, S> {
    /// An empty queue that watches nothing yet.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        Self { sigchild: Mutex::new(None), queue: Mutex::new(Orphans { all: Vec::new(), seen: 0 }) }
    }

    /// An empty queue that watches nothing yet.
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Self {
        Self { sigchild: Mutex::new(None), queue: Mutex::new(Orphans { all: Vec::new(), seen: 0 }) }
    }

    /// Number of orphans that have not been reaped.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.queue).all.len()
    }

    /// Whether there is nobody to reap.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Hands `orphan` over. The next [`reap_orphans`](Self::reap_orphans) looks at it even without a signal; whoever pushes
    /// from a thread that does not look itself has to wake the one that does.
    pub fn push_orphan(&self, orphan: T) {
        lock(&self.queue).all.push(orphan);
    }
}

impl<T: Wait, S> OrphanQueueImpl<T, S> {
    /// The pids of those that have not been reaped.
    pub(crate) fn pids(&self) -> Vec<u32> {
        lock(&self.queue).all.iter().map(Wait::id).collect()
    }
}

impl<T: Wait, S: Watch> OrphanQueueImpl<T, S> {
    /// Reaps the orphans that have ended, if a signal says that there may be some. Never blocks for longer than the
    /// look of another thread takes. Returns the number reaped.
    ///
    /// Does nothing when somebody else is at it. Takes its watch from `source` only once there is an orphan; when that fails
    /// the orphans stay and the next call tries again.
    ///
    /// `on_reap` is told of each orphan that was reaped, after all locks were let go: it may push. An orphan that cannot
    /// be waited for, because somebody else has taken its status, is let go without a word.
    pub fn reap_orphans(&self, source: &impl SignalSource<Watch = S>, on_reap: impl FnMut(T, ExitStatus)) -> usize {
        // Whoever holds the lock is draining: two would only ask the same orphans twice.
        let Some(mut sigchild) = try_lock(&self.sigchild) else { return 0 };
        let everybody = match &mut *sigchild {
            // The signal is used up BEFORE anybody is asked. The other way round, a signal that came after an orphan had
            // been asked would be used up without a look that followed it.
            Some(watch) => watch.has_changed(),
            None => {
                // A program without orphans never touches SIGCHLD. The queue's lock is let go again: taking a watch may
                // have to wait for a thread that is just pushing.
                if self.is_empty() {
                    return 0;
                }
                let Ok(watch) = source.watch() else { return 0 };
                *sigchild = Some(watch);
                // One of them may have ended before the watch was there to see it.
                true
            }
        };
        let queue = lock(&self.queue);
        let first = if everybody { 0 } else { queue.seen };
        let gone = drain_orphan_queue(queue, first);
        drop(sigchild);
        tell(gone, on_reap)
    }

    /// Reaps the orphans that have ended, signal or not. Never blocks for longer than the look of another thread takes.
    /// Returns the number reaped.
    ///
    /// For those who do not want to wait for the signal. It leaves the watch alone, so that it neither uses up a signal
    /// nor keeps a [`reap_orphans`](Self::reap_orphans) of another thread from its work, and waits for the queue rather
    /// than bailing out: the answer 0 then means that nobody was left to reap. `on_reap` as there.
    pub fn reap_now(&self, on_reap: impl FnMut(T, ExitStatus)) -> usize {
        tell(drain_orphan_queue(lock(&self.queue), 0), on_reap)
    }
}

/// Asks each orphan from `first` on once, takes out those that have ended or cannot be waited for, and lets the queue go.
fn drain_orphan_queue<T: Wait>(mut queue: MutexGuard<'_, Orphans<T>>, first: usize) -> Vec<Gone<T>> {
    let mut gone = Vec::new();
    // Should a `try_wait` panic, everybody from here on counts as new and is looked at again.
    queue.seen = first;
    // Backwards, because swap_remove fills the gap with the last one, which was asked already.
    for index in (first..queue.all.len()).rev() {
        match try_wait_uninterrupted(&mut queue.all[index]) {
            Ok(None) => {}
            Ok(Some(status)) => gone.push((queue.all.swap_remove(index), Some(status))),
            // ECHILD: somebody else took the status. Asking again would get the same answer for ever, or, once the pid is
            // in use again, another child's status.
            Err(_) => gone.push((queue.all.swap_remove(index), None)),
        }
    }
    queue.seen = queue.all.len();
    gone
}

/// Tells `on_reap` of those that left a status, and drops the others. Called without locks: both run other people's code.
fn tell<T>(gone: Vec<Gone<T>>, mut on_reap: impl FnMut(T, ExitStatus)) -> usize {
    let mut reaped = 0;
    for (orphan, status) in gone {
        if let Some(status) = status {
            reaped += 1;
            on_reap(orphan, status);
        }
    }
    reaped
}

impl<T, S> Default for OrphanQueueImpl<T, S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, S> OrphanQueue<T> for OrphanQueueImpl<T, S> {
    fn push_orphan(&self, orphan: T) {
        self.push_orphan(orphan);
    }
}

#[cfg(all(test, not(loom)))]
mod test {
    use std::{
        io,
        panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    };

    use super::*;
    use crate::test_doubles::{MockSource, MockWait, MockWatch};

    type Orphanage = OrphanQueueImpl<MockWait, MockWatch>;

    fn ignore(_: MockWait, _: ExitStatus) {}

    /// An orphanage that has its watch already.
    fn watching(source: &MockSource) -> Orphanage {
        let orphanage = Orphanage::new();
        *lock(&orphanage.sigchild) = Some(source.watch().expect("the source is in order"));
        orphanage
    }

    #[test]
    fn drain_attempts_a_single_reap_of_all_queued_orphans() {
        let orphans = [MockWait::new(0), MockWait::new(2), MockWait::new(1), MockWait::with_err(libc::ECHILD)];
        let waits = orphans.each_ref().map(|orphan| orphan.total_waits.clone());
        let waits = || waits.each_ref().map(|waits| waits.get());
        let orphanage = Orphanage::new();
        orphans.into_iter().for_each(|orphan| orphanage.push_orphan(orphan));
        assert_eq!(orphanage.len(), 4);

        let drain = || drain_orphan_queue(lock(&orphanage.queue), 0).len();
        assert_eq!((drain(), orphanage.len(), waits()), (2, 2, [1, 1, 1, 1]));
        assert_eq!((drain(), orphanage.len(), waits()), (1, 1, [1, 2, 2, 1]));
        assert_eq!((drain(), orphanage.len(), waits()), (1, 0, [1, 3, 2, 1]));
        // Safe when empty.
        assert_eq!((drain(), orphanage.len(), waits()), (0, 0, [1, 3, 2, 1]));
    }

    #[test]
    fn drain_asks_again_when_a_signal_came_in_between() {
        let orphanage = Orphanage::new();
        orphanage.push_orphan(MockWait::new(0).interrupted(3));
        assert_eq!(orphanage.reap_now(ignore), 1);
        assert!(orphanage.is_empty());
    }

    #[test]
    fn no_reap_if_no_signal_received() {
        let source = MockSource::default();
        let orphanage = watching(&source);
        let orphan = MockWait::new(2);
        let waits = orphan.total_waits.clone();
        orphanage.push_orphan(orphan);

        // It is new: looked at once, and then no more.
        for _ in 0..3 {
            assert_eq!(orphanage.reap_orphans(&source, ignore), 0);
            assert_eq!(waits.get(), 1);
        }
        source.raise();
        assert_eq!(orphanage.reap_orphans(&source, ignore), 0);
        assert_eq!(waits.get(), 2);
        source.raise();
        assert_eq!(orphanage.reap_orphans(&source, ignore), 1);
        assert_eq!(waits.get(), 3);
    }

    #[test]
    fn a_signal_that_came_before_the_push_is_not_missed() {
        let source = MockSource::default();
        let orphanage = watching(&source);
        // The child ends after the last look of its owner; the signal is used up while the queue is empty.
        source.raise();
        assert_eq!(orphanage.reap_orphans(&source, ignore), 0);
        orphanage.push_orphan(MockWait::new(0));
        assert_eq!(orphanage.reap_orphans(&source, ignore), 1);
    }

    #[test]
    fn a_new_orphan_does_not_cost_the_others_a_look() {
        let source = MockSource::default();
        let orphanage = watching(&source);
        let old = MockWait::new(9);
        let waits = old.total_waits.clone();
        orphanage.push_orphan(old);
        orphanage.reap_orphans(&source, ignore);
        orphanage.push_orphan(MockWait::new(0));
        orphanage.push_orphan(MockWait::new(1));
        assert_eq!(orphanage.reap_orphans(&source, ignore), 1);
        assert_eq!((orphanage.len(), waits.get()), (2, 1));
    }

    #[test]
    fn no_reap_if_signal_lock_held() {
        let source = MockSource::default();
        let orphanage = watching(&source);
        let orphan = MockWait::new(0);
        let waits = orphan.total_waits.clone();
        orphanage.push_orphan(orphan);
        source.raise();

        let somebody_else = lock(&orphanage.sigchild);
        assert_eq!(orphanage.reap_orphans(&source, ignore), 0);
        assert_eq!(waits.get(), 0);
        drop(somebody_else);
        // The signal was left for this look.
        assert_eq!(orphanage.reap_orphans(&source, ignore), 1);
    }

    #[test]
    fn does_not_register_signal_if_queue_empty() {
        let source = MockSource::default();
        let orphanage = Orphanage::new();
        orphanage.reap_orphans(&source, ignore);
        assert_eq!(source.total_watches.get(), 0);

        let orphan = MockWait::new(2);
        let waits = orphan.total_waits.clone();
        orphanage.push_orphan(orphan);
        orphanage.reap_orphans(&source, ignore);
        assert_eq!(source.total_watches.get(), 1);
        assert_eq!(waits.get(), 1, "everybody is looked at when the watch is taken");

        orphanage.reap_orphans(&source, ignore);
        assert_eq!(source.total_watches.get(), 1, "one watch is enough");
    }

    #[test]
    fn everybody_is_looked_at_when_the_watch_is_taken() {
        let source = MockSource::default();
        let orphanage = Orphanage::new();
        orphanage.push_orphan(MockWait::new(1));
        // Seen already, by a look that had no use for a watch; it ends before there is one.
        assert_eq!(orphanage.reap_now(ignore), 0);
        assert_eq!(orphanage.reap_orphans(&source, ignore), 1);
    }

    #[test]
    fn does_nothing_if_signal_could_not_be_registered_and_tries_again_later() {
        let source = MockSource::default();
        source.broken.set(true);
        let orphanage = Orphanage::new();
        let orphan = MockWait::new(0);
        let waits = orphan.total_waits.clone();
        orphanage.push_orphan(orphan);

        assert_eq!(orphanage.reap_orphans(&source, ignore), 0);
        assert!(lock(&orphanage.sigchild).is_none());
        assert_eq!((waits.get(), orphanage.len()), (0, 1));

        source.broken.set(false);
        assert_eq!(orphanage.reap_orphans(&source, ignore), 1);
    }

    #[test]
    fn reap_now_asks_everybody_without_a_signal_and_without_a_watch() {
        let orphanage = Orphanage::new();
        orphanage.push_orphan(MockWait::new(0));
        orphanage.push_orphan(MockWait::new(1));
        let somebody_else = lock(&orphanage.sigchild);
        assert_eq!(orphanage.reap_now(ignore), 1);
        assert_eq!(orphanage.reap_now(ignore), 1);
        assert_eq!(orphanage.reap_now(ignore), 0);
        drop(somebody_else);
    }

    #[test]
    fn on_reap_is_told_who_ended_and_how_and_not_of_those_that_could_not_be_waited_for() {
        let orphanage = Orphanage::new();
        orphanage.push_orphan(MockWait::with_err(libc::ECHILD));
        orphanage.push_orphan(MockWait::new(0));
        let mut told = Vec::new();
        assert_eq!(orphanage.reap_now(|orphan, status| told.push((orphan.id(), status))), 1);
        assert_eq!(told, [(42, ExitStatus::from_code(0))]);
        assert!(orphanage.is_empty());
    }

    #[test]
    fn on_reap_may_push_and_look() {
        let source = MockSource::default();
        let orphanage = watching(&source);
        orphanage.push_orphan(MockWait::new(0));
        let mut inner = None;
        let reaped = orphanage.reap_orphans(&source, |_, _| {
            orphanage.push_orphan(MockWait::new(0));
            inner = Some(orphanage.reap_orphans(&source, ignore));
        });
        assert_eq!((reaped, inner, orphanage.len()), (1, Some(1), 0));
    }

    #[test]
    fn a_panic_of_on_reap_leaves_the_queue_in_order() {
        let orphanage = Orphanage::new();
        orphanage.push_orphan(MockWait::new(1));
        orphanage.push_orphan(MockWait::new(0));
        let panicked =
            catch_unwind(AssertUnwindSafe(|| orphanage.reap_now(|_, _| resume_unwind(Box::new("on purpose")))));
        assert!(panicked.is_err());
        assert_eq!(orphanage.reap_now(ignore), 1);
    }

    /// Runs at the first look, makes the second one panic, and has ended at the third.
    #[derive(Default)]
    struct PanicsAtSecondLook(usize);

    impl Wait for PanicsAtSecondLook {
        fn id(&self) -> u32 {
            42
        }

        fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
            self.0 += 1;
            match self.0 {
                1 => Ok(None),
                2 => resume_unwind(Box::new("on purpose")),
                _ => Ok(Some(ExitStatus::from_code(0))),
            }
        }
    }

    #[test]
    fn a_panic_of_a_look_makes_up_for_the_signal_it_used() {
        let source = MockSource::default();
        let orphanage = OrphanQueueImpl::new();
        orphanage.push_orphan(PanicsAtSecondLook::default());
        let look = || orphanage.reap_orphans(&source, |_, _| {});
        assert_eq!(look(), 0);
        source.raise();
        assert!(catch_unwind(AssertUnwindSafe(look)).is_err());
        assert_eq!(look(), 1);
    }
}
