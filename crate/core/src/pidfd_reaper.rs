//! The reaper of a child that has a pidfd.

use std::{
    io,
    ops::{Deref, DerefMut},
};

use mio::{Interest, Registry, Token, event::Source};

use crate::{ExitStatus, Kill, OrphanQueue, Pidfd, Signal, Wait, capability::is_refusal, orphan_guard::OrphanGuard};

/// Reaps one child when its [`Pidfd`] says that it has ended; a child that still runs when this is dropped goes to the
/// orphan queue.
///
/// It is a mio [`Source`], to be registered for [`Interest::READABLE`] by whoever polls, who then calls
/// [`poll_exit`](Self::poll_exit) at each event, and who deregisters it before it is dropped: see the caveats of [`Pidfd`].
///
/// Derefs to the child, for what is the child's own. Its status is to be asked for here: behind this back it would be lost
/// to the caller of `poll_exit`.
#[derive(Debug)]
pub struct PidfdReaper<W: Wait, Q: OrphanQueue<W>> {
    child: OrphanGuard<W, Q>,
    pidfd: Pidfd,
}

impl<W: Wait, Q: OrphanQueue<W>> PidfdReaper<W, Q> {
    /// Opens a pidfd for `inner`, a child that nobody has reaped.
    ///
    /// # Errors
    ///
    /// Gives the child back, for another reaper to take: with `None` where pidfds are not to be had, with the error of
    /// [`Pidfd::open`] where they are and it failed.
    pub fn new(inner: W, orphan_queue: Q) -> Result<Self, (Option<io::Error>, W)> {
        Self::new_by(inner, orphan_queue, Pidfd::open)
    }

    fn new_by(
        inner: W,
        orphan_queue: Q,
        open: impl FnOnce(u32) -> io::Result<Option<Pidfd>>,
    ) -> Result<Self, (Option<io::Error>, W)> {
        match open(inner.id()) {
            Ok(Some(pidfd)) => Ok(Self::with_pidfd(inner, pidfd, orphan_queue)),
            Ok(None) => Err((None, inner)),
            Err(error) => Err((Some(error), inner)),
        }
    }

    /// Takes a child together with a pidfd that refers to it.
    #[must_use]
    pub fn with_pidfd(inner: W, pidfd: Pidfd, orphan_queue: Q) -> Self {
        Self { child: OrphanGuard::new(inner, orphan_queue), pidfd }
    }

    /// Gives the child back and closes the pidfd. The orphan queue hears nothing of it.
    #[must_use]
    pub fn into_inner(self) -> W {
        self.child.into_inner()
    }

    /// Takes the status if the child has ended; to be called when the pidfd was readable. Otherwise the readiness was
    /// spurious: calls `rearm`, which reregisters the pidfd under the token and interest it has, and answers `None`.
    ///
    /// A traced child (under strace, say) is dead, and its pidfd readable, but has no status for us until its tracer has
    /// looked. A rearm at once would have this called over and over for that time, thousands of times in a row: after the
    /// first time, `rearm` had better put the reregistering off for a moment.
    ///
    /// # Errors
    ///
    /// `ECHILD` when somebody else has taken the status, or what `rearm` returned.
    pub fn poll_exit(&mut self, rearm: impl FnOnce(&mut Pidfd) -> io::Result<()>) -> io::Result<Option<ExitStatus>> {
        let status = self.try_wait()?;
        if status.is_none() {
            // mio reports edges, and the one that brought us here is used up. A child that ended since the try_wait above
            // may have been part of it, and then no other will follow. Reregistering makes the kernel look at the level:
            // a pidfd that is readable by then is reported anew, and one that becomes so later is a new edge. No exit
            // falls between the two.
            rearm(&mut self.pidfd)?;
        }
        Ok(status)
    }
}

impl<W: Wait + Kill, Q: OrphanQueue<W>> PidfdReaper<W, Q> {
    fn kill_by(&mut self, signal: Signal, send: impl FnOnce(&Pidfd) -> io::Result<bool>) -> io::Result<bool> {
        let Self { child, pidfd } = self;
        child.kill_by(|inner| match send(pidfd) {
            // EPERM is a filter's or genuine, and only the other way of sending can tell. It hits nobody else: nobody
            // reaped the child that we know of, so the pid is still its own.
            Err(error) if is_refusal(&error) => inner.kill(signal),
            sent => sent,
        })
    }
}

impl<W: Wait, Q: OrphanQueue<W>> Wait for PidfdReaper<W, Q> {
    fn id(&self) -> u32 {
        self.child.id()
    }

    /// As [`Wait::try_wait`], but never `EINTR`, and the same answer ever after once the child was reaped: it is not asked
    /// again, since its pid may be another's by then.
    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }
}

impl<W: Wait + Kill, Q: OrphanQueue<W>> Kill for PidfdReaper<W, Q> {
    /// Sends `signal` through the pidfd; by the child's own [`Kill`] where that is refused. `false` once the child was
    /// reaped.
    fn kill(&mut self, signal: Signal) -> io::Result<bool> {
        self.kill_by(signal, |pidfd| pidfd.send_signal(signal))
    }
}

impl<W: Wait, Q: OrphanQueue<W>> Source for PidfdReaper<W, Q> {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.pidfd.register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.pidfd.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.pidfd.deregister(registry)
    }
}

impl<W: Wait, Q: OrphanQueue<W>> Deref for PidfdReaper<W, Q> {
    type Target = W;

    fn deref(&self) -> &W {
        &self.child
    }
}

impl<W: Wait, Q: OrphanQueue<W>> DerefMut for PidfdReaper<W, Q> {
    fn deref_mut(&mut self) -> &mut W {
        &mut self.child
    }
}

#[cfg(all(test, not(loom)))]
mod test {
    use std::{
        fs::File,
        process::Command,
        time::{Duration, Instant},
    };

    use mio::{Events, Poll};

    use super::*;
    use crate::{
        sys,
        test_doubles::{MockQueue, MockWait},
    };

    const DEADLINE: Duration = Duration::from_secs(20);
    const TOKEN: Token = Token(7);

    /// A child of this process, by its pid.
    #[derive(Debug)]
    struct RealChild {
        pid: u32,
        /// Number of looks that are to find it running whatever the kernel says.
        pretends: usize,
        /// Number of signals it was sent by its pid.
        kills: usize,
    }

    impl RealChild {
        #[expect(clippy::zombie_processes, reason = "reaping it is what is tested")]
        fn spawn(program: &str, argument: &str) -> Self {
            let child = Command::new(program).arg(argument).spawn().expect("the program starts");
            Self { pid: child.id(), pretends: 0, kills: 0 }
        }
    }

    impl Wait for RealChild {
        fn id(&self) -> u32 {
            self.pid
        }

        fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
            if self.pretends > 0 {
                self.pretends -= 1;
                return Ok(None);
            }
            sys::waitid::try_wait(self.pid)
        }
    }

    impl Kill for RealChild {
        fn kill(&mut self, _signal: Signal) -> io::Result<bool> {
            self.kills += 1;
            Ok(true)
        }
    }

    /// A mio poll with one reaper in it, and the number of times it was rearmed.
    struct Driver {
        poll: Poll,
        events: Events,
        rearmed: usize,
    }

    impl Driver {
        fn watching<W: Wait, Q: OrphanQueue<W>>(reaper: &mut PidfdReaper<W, Q>) -> Self {
            let poll = Poll::new().expect("a poll can be made");
            poll.registry().register(reaper, TOKEN, Interest::READABLE).expect("a pidfd can be polled");
            Self { poll, events: Events::with_capacity(4), rearmed: 0 }
        }

        /// Waits for the next event and polls the reaper once.
        fn turn<W: Wait, Q: OrphanQueue<W>>(&mut self, reaper: &mut PidfdReaper<W, Q>) -> Option<ExitStatus> {
            let end = Instant::now() + DEADLINE;
            while self.events.is_empty() {
                let left = end.checked_duration_since(Instant::now()).expect("an event comes in time");
                match self.poll.poll(&mut self.events, Some(left)) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    polled => polled.expect("a poll can be polled"),
                }
            }
            assert!(self.events.iter().all(|event| event.token() == TOKEN && event.is_readable()));
            self.events.clear();
            let (registry, rearmed) = (self.poll.registry(), &mut self.rearmed);
            let status = reaper.poll_exit(|pidfd| {
                *rearmed += 1;
                registry.reregister(pidfd, TOKEN, Interest::READABLE)
            });
            status.expect("the child is ours")
        }

        fn until_exit<W: Wait, Q: OrphanQueue<W>>(mut self, reaper: &mut PidfdReaper<W, Q>) -> ExitStatus {
            let status = loop {
                if let Some(status) = self.turn(reaper) {
                    break status;
                }
            };
            self.poll.registry().deregister(reaper).expect("it was registered");
            status
        }
    }

    fn pidfd_available() -> bool {
        let available = Pidfd::available();
        if !available {
            eprintln!("skipped: no pidfd on this system");
        }
        available
    }

    /// For a child that is no process: a descriptor that refers to none. Sending through it is EBADF.
    fn no_pidfd() -> Pidfd {
        Pidfd::from_owned(File::open("/dev/null").expect("/dev/null opens").into())
    }

    #[test]
    fn an_exit_is_noticed() {
        if !pidfd_available() {
            return;
        }
        let queue = MockQueue::new();
        let mut reaper = PidfdReaper::new(RealChild::spawn("true", ""), &queue).expect("a pidfd is to be had");
        let status = Driver::watching(&mut reaper).until_exit(&mut reaper);
        assert!(status.success());
        drop(reaper);
        assert!(queue.all_enqueued.borrow().is_empty());
    }

    #[test]
    fn spurious_readiness_rearms_and_the_exit_is_not_lost() {
        if !pidfd_available() {
            return;
        }
        let queue = MockQueue::new();
        let child = RealChild { pretends: 2, ..RealChild::spawn("true", "") };
        let mut reaper = PidfdReaper::new(child, &queue).expect("a pidfd is to be had");
        let mut driver = Driver::watching(&mut reaper);
        // The level does not change any more: each of these events is the rearm's doing.
        assert_eq!(driver.turn(&mut reaper), None);
        assert_eq!(driver.turn(&mut reaper), None);
        assert!(driver.turn(&mut reaper).expect("the third look is an honest one").success());
        assert_eq!(driver.rearmed, 2);
    }

    #[test]
    fn a_rearm_that_fails_is_told() {
        let queue = MockQueue::new();
        let mut reaper = PidfdReaper::with_pidfd(MockWait::new(1), no_pidfd(), &queue);
        let error = reaper.poll_exit(|_| Err(io::Error::from_raw_os_error(libc::ENOMEM)));
        assert_eq!(error.expect_err("the rearm failed").raw_os_error(), Some(libc::ENOMEM));
        // The status is still to be had.
        assert!(reaper.poll_exit(|_| unreachable!("nothing to rearm for")).expect("the child is ours").is_some());
    }

    #[test]
    fn a_killed_child_is_reaped_with_its_signal() {
        if !pidfd_available() || !Pidfd::signal_available() {
            return;
        }
        let queue = MockQueue::new();
        let mut reaper = PidfdReaper::new(RealChild::spawn("sleep", "1800"), &queue).expect("a pidfd is to be had");
        let driver = Driver::watching(&mut reaper);
        assert!(reaper.kill(Signal::KILL).expect("the child is ours"));
        assert_eq!(reaper.kills, 0, "no pid was used");
        assert_eq!(driver.until_exit(&mut reaper).signal(), Some(libc::SIGKILL));
        assert!(!reaper.kill(Signal::KILL).expect("there is nobody to fail"));
        assert_eq!(reaper.kills, 0);
    }

    #[test]
    fn where_the_pidfd_is_refused_the_child_is_killed_by_its_own_means() {
        let (queue, child) = (MockQueue::new(), MockWait::new(1));
        let kills = child.kills.clone();
        let mut reaper = PidfdReaper::with_pidfd(child, no_pidfd(), &queue);
        let answering = |errno| move |_: &Pidfd| Err(io::Error::from_raw_os_error(errno));
        for (count, errno) in [libc::ENOSYS, libc::EPERM].into_iter().enumerate() {
            assert!(reaper.kill_by(Signal::TERM, answering(errno)).expect("the child takes it"));
            assert_eq!(kills.borrow().len(), count + 1);
        }
        let error = reaper.kill_by(Signal::TERM, answering(libc::EINVAL)).expect_err("no such signal");
        assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
        assert!(!reaper.kill_by(Signal::TERM, |_| Ok(false)).expect("gone is an answer"));
        assert_eq!(*kills.borrow(), [Signal::TERM, Signal::TERM]);
    }

    #[test]
    fn drop_enqueues_a_running_child() {
        if !pidfd_available() {
            return;
        }
        let queue = MockQueue::new();
        let mut child = Command::new("sleep").arg("1800").spawn().expect("sleep starts");
        let wait = RealChild { pid: child.id(), pretends: 0, kills: 0 };
        drop(PidfdReaper::new(wait, &queue).expect("a pidfd is to be had"));
        assert_eq!(queue.all_enqueued.borrow().len(), 1);
        child.kill().expect("the child is ours");
        child.wait().expect("the drop did not reap it");
    }

    #[test]
    fn drop_reaps_if_possible() {
        let (queue, mut child) = (MockQueue::new(), MockWait::new(0));
        drop(PidfdReaper::with_pidfd(&mut child, no_pidfd(), &queue));
        assert!(queue.all_enqueued.borrow().is_empty());
        assert_eq!(child.total_waits.get(), 1);
    }

    #[test]
    fn drop_does_not_enqueue_a_child_that_cannot_be_waited_for() {
        let queue = MockQueue::new();
        drop(PidfdReaper::with_pidfd(MockWait::with_err(libc::ECHILD), no_pidfd(), &queue));
        assert!(queue.all_enqueued.borrow().is_empty());
    }

    #[test]
    fn without_pidfds_the_child_is_given_back() {
        let queue = MockQueue::new();
        let (error, child) =
            PidfdReaper::new_by(MockWait::new(0), &queue, |_| Ok(None)).expect_err("no pidfd, no reaper");
        assert!(error.is_none(), "a fallback is no failure");
        assert_eq!(child.total_waits.get(), 0, "the child was left alone");
        assert!(queue.all_enqueued.borrow().is_empty());
    }

    #[test]
    fn with_pidfds_that_are_broken_the_child_is_given_back_with_the_error() {
        let queue = MockQueue::new();
        let out_of_descriptors = |_| Err(io::Error::from_raw_os_error(libc::EMFILE));
        let (error, child) =
            PidfdReaper::new_by(MockWait::new(0), &queue, out_of_descriptors).expect_err("no pidfd, no reaper");
        assert_eq!(error.and_then(|error| error.raw_os_error()), Some(libc::EMFILE));
        assert_eq!(child.total_waits.get(), 0, "the child was left alone");
        assert!(queue.all_enqueued.borrow().is_empty());
    }

    #[test]
    fn once_the_status_is_taken_it_is_not_asked_again() {
        let (queue, child) = (MockQueue::new(), MockWait::new(0).interrupted(1));
        let waits = child.total_waits.clone();
        let mut reaper = PidfdReaper::with_pidfd(child, no_pidfd(), &queue);
        let never = |_: &mut Pidfd| unreachable!("nothing to rearm for");
        let status = reaper.poll_exit(never).expect("EINTR is no answer");
        assert_eq!(status, Some(ExitStatus::from_code(0)));
        assert_eq!(reaper.poll_exit(never).expect("the status stays"), status);
        assert_eq!(reaper.try_wait().expect("the status stays"), status);
        assert!(!reaper.kill(Signal::KILL).expect("there is nobody to fail"));
        drop(reaper);
        assert_eq!(waits.get(), 2);
    }

    #[test]
    fn derefs_to_the_child() {
        let queue = MockQueue::new();
        let reaper = PidfdReaper::with_pidfd(MockWait::new(1), no_pidfd(), &queue);
        assert_eq!((reaper.id(), reaper.total_waits.get()), (42, 0));
    }
}
