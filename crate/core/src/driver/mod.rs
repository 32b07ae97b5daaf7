//! The driver: one thread and one `mio::Poll` for the whole OS process, shared by all threads and environments.

mod capture;
mod environment;
mod event;
mod family;
mod leftovers;
mod outbox;
mod registry;
mod sigchld;
mod timers;
mod turn;

use std::{
    collections::HashMap,
    fmt, io,
    os::fd::AsRawFd,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use mio::{Interest, Poll, Token, Waker, unix::SourceFd};

pub(crate) use self::sigchld::{Sigchld, SigchldWatch};
pub use self::{
    capture::CaptureOptions,
    environment::{Claim, Environment, SpawnFailure, Spawned},
    event::{Event, Exit, Outcome, Output},
    outbox::Notify,
};
use self::{
    capture::{Capture, Stream},
    event::Outcome::{Ended, Lost, NotExecuted},
    leftovers::Leftover,
    outbox::Outbox,
    registry::{Entries, Entry, Owner, Registry},
    timers::{Timer, Timers},
};
use crate::{
    ExitStatus, OrphanQueueImpl, PidfdReaper, SpawnedProcess, Wait, child::Child,
    global_orphan_queue::GlobalOrphanQueue, sync::lock, sys, usage,
};

/// Somebody wants the driver to look at its jobs and timers.
const WAKE: Token = Token(0);
/// A SIGCHLD came.
const SIGNAL: Token = Token(1);
/// Tokens from here on are ids of children and of captured pipes.
const FIRST_ID: u64 = 2;

/// Orphans without a pidfd.
static ORPHANS: OrphanQueueImpl<SpawnedProcess, SigchldWatch> = OrphanQueueImpl::new();

type Job = Box<dyn FnOnce(&'static Driver) + Send>;

/// What the driver thread and all others share.
///
/// Locks are taken in the order of the fields, never the other way round; the orphan queue's come last of all.
struct Driver {
    registry: mio::Registry,
    waker: Waker,
    next_id: AtomicU64,
    children: Registry<Child>,
    /// The ids of children without a pidfd.
    signalled: Mutex<Vec<u64>>,
    /// What is left of the pipes of children that are gone, by the child's id.
    leftovers: Mutex<HashMap<u64, (Arc<Outbox>, Vec<Option<Leftover>>)>>,
    /// Captured pipes, by their token.
    streams: Mutex<HashMap<usize, (Arc<Capture>, Stream)>>,
    timers: Mutex<Timers>,
    jobs: Mutex<Vec<Job>>,
    outboxes: Mutex<Vec<Arc<Outbox>>>,
}

impl fmt::Debug for Driver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Driver").finish_non_exhaustive()
    }
}

/// The driver, started if it is not running.
///
/// # Errors
///
/// `EMFILE` or `ENFILE` when there is no room for its descriptors, `EAGAIN` when there is none for its thread. The next
/// call tries again.
fn driver() -> io::Result<&'static Driver> {
    static DRIVER: OnceLock<Driver> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    if let Some(driver) = DRIVER.get() {
        return Ok(driver);
    }
    crate::capabilities::heed_environment();
    let _starting = lock(&STARTING);
    if let Some(driver) = DRIVER.get() {
        return Ok(driver);
    }
    let poll = Poll::new()?;
    let made = Driver {
        registry: poll.registry().try_clone()?,
        waker: Waker::new(poll.registry(), WAKE)?,
        next_id: AtomicU64::new(FIRST_ID),
        children: Registry::new(),
        signalled: Mutex::default(),
        leftovers: Mutex::default(),
        streams: Mutex::default(),
        timers: Mutex::default(),
        jobs: Mutex::default(),
        outboxes: Mutex::default(),
    };
    // Opened now, while there is room: it is needed when there is none left for a pidfd.
    let signals = sys::sigchld::descriptor()?;
    poll.registry().register(&mut SourceFd(&signals.as_raw_fd()), SIGNAL, Interest::READABLE)?;
    let (send, receive) = std::sync::mpsc::channel::<&'static Driver>();
    thread::Builder::new().name("brood-driver".into()).stack_size(256 * 1024).spawn(move || {
        // Signals are for the program's own threads.
        sys::blocked_signals::block_for_good();
        if let Ok(driver) = receive.recv() {
            turn::run(driver, poll);
        }
    })?;
    let driver = DRIVER.get_or_init(|| made);
    let _ = send.send(driver);
    Ok(driver)
}

/// Takes an orphan over.
pub(crate) fn push_orphan(orphan: SpawnedProcess) {
    // There is no orphan without a child, and no child without the driver.
    if let Ok(driver) = driver() {
        driver.push_orphan(orphan);
    }
}

/// Number of orphans that have not been reaped.
pub(crate) fn orphan_count() -> usize {
    driver().map_or(0, |driver| driver.children.lock().orphans()) + ORPHANS.len()
}

/// Reaps the orphans that have ended, now.
pub(crate) fn reap_orphans() -> usize {
    driver().map_or(0, Driver::reap_orphans)
}

impl Driver {
    fn new_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes the driver thread look at its jobs, timers and orphans.
    fn wake(&self) {
        // A full event counter is a wake-up already; nothing else can fail.
        let _ = self.waker.wake();
    }

    fn push_orphan(&self, orphan: SpawnedProcess) {
        let mut reaper = match PidfdReaper::new(orphan, GlobalOrphanQueue) {
            Ok(reaper) => reaper,
            Err((_, orphan)) => return self.push_without_pidfd(orphan),
        };
        let id = self.new_id();
        let mut entries = self.children.lock();
        // Under the lock: an orphan that has ended meanwhile is reported at once, and found as soon as the lock is free.
        if self.registry.register(&mut reaper, Token(id as usize), Interest::READABLE).is_err() {
            drop(entries);
            return self.push_without_pidfd(reaper.into_inner());
        }
        entries.insert(
            id,
            Entry {
                child: Child::Pidfd(reaper),
                owner: Owner::OrphanQueue,
                kill_on_drop: false,
                kill_tree: false,
                stdio: Vec::new(),
                capture: None,
                spurious: 0,
            },
        );
    }

    fn push_without_pidfd(&self, orphan: SpawnedProcess) {
        ORPHANS.push_orphan(orphan);
        // The queue looks at a new orphan once without a signal, and it is the driver thread that looks.
        self.wake();
    }

    fn reap_orphans(&self) -> usize {
        let ids = self.children.lock().ids(|entry| matches!(entry.owner, Owner::OrphanQueue));
        let reaped = ids.into_iter().filter(|&id| self.reap_if_ended(id)).count();
        let reaped = reaped + ORPHANS.reap_now(|orphan, status| self.report_orphan(&orphan, status));
        self.call_all();
        reaped
    }

    /// Asks one child whether it has ended, and deals with its end if so.
    fn reap_if_ended(&self, id: u64) -> bool {
        let mut entries = self.children.lock();
        let Some(entry) = entries.get(id) else { return false };
        let asked = entry.child.try_wait();
        self.settle(&mut entries, id, asked)
    }

    /// Deals with what a `try_wait` said; `true` when the child is gone.
    fn settle(&self, entries: &mut Entries<Child>, id: u64, asked: io::Result<Option<ExitStatus>>) -> bool {
        let outcome = match asked {
            Ok(None) => return false,
            Ok(Some(status)) => Ok(status),
            Err(error) => Err(error.raw_os_error().unwrap_or(libc::ECHILD)),
        };
        let Some(mut entry) = entries.remove(id) else { return false };
        self.deregister(&mut entry.child);
        self.finish(id, entry, outcome);
        true
    }

    fn deregister(&self, child: &mut Child) {
        if let Child::Pidfd(reaper) = child {
            // It can only fail for a descriptor that is not registered.
            let _ = self.registry.deregister(reaper);
        }
    }

    /// Tells the owner of a child's end. The registry is locked: somebody who asks for the child's pipes meanwhile finds
    /// them there, or finds them among the leftovers, but never in between.
    fn finish(&self, id: u64, entry: Entry<Child>, ended: Result<ExitStatus, i32>) {
        let process = entry.child.process();
        let outcome = match (ended, process.exec_failure()) {
            (_, Some(failure)) => NotExecuted(failure),
            (Ok(status), None) => Ended { status, max_rss_is_own: usage::max_rss_is_own(status.usage()) },
            (Err(errno), None) => Lost(errno),
        };
        let (pid, duration) = (process.id(), process.age());
        let leftovers = leftovers::settle(entry.stdio);
        if let Some(capture) = &entry.capture {
            if let Some(drain) = capture.child_ended(&self.registry) {
                lock(&self.timers).set(drain, Timer::Drain(Arc::clone(capture)));
                self.wake();
            }
            if capture.report() {
                self.forget_streams(capture);
            }
        }
        match entry.owner {
            Owner::Environment(outbox) => {
                let has_leftovers = !leftovers.is_empty();
                if has_leftovers {
                    lock(&self.leftovers).insert(id, (Arc::clone(&outbox), leftovers));
                }
                outbox.post(Event::Exit(Exit { id, pid, outcome, duration, has_leftovers }));
            }
            Owner::OrphanQueue => self.post_reaped(&Event::Reaped { pid, outcome, duration }),
        }
    }

    fn report_orphan(&self, orphan: &SpawnedProcess, status: ExitStatus) {
        let outcome = match orphan.exec_failure() {
            Some(failure) => NotExecuted(failure),
            None => Ended { status, max_rss_is_own: usage::max_rss_is_own(status.usage()) },
        };
        self.post_reaped(&Event::Reaped { pid: orphan.id(), outcome, duration: orphan.age() });
    }

    fn post_reaped(&self, event: &Event) {
        let Event::Reaped { pid, outcome, duration } = *event else { return };
        for outbox in &*lock(&self.outboxes) {
            if outbox.wants_reaped.load(Ordering::Relaxed) {
                outbox.post(Event::Reaped { pid, outcome, duration });
            }
        }
    }

    /// Calls every environment that has something in its outbox: one call each, however much it is.
    fn call_all(&self) {
        let outboxes = lock(&self.outboxes).clone();
        for outbox in outboxes {
            outbox.call();
        }
    }
}
