//! The driver: one thread and one `mio::Poll` for the whole OS process, shared by all threads and environments.

mod answer;
mod capture;
mod environment;
mod event;
mod family;
mod gathering;
mod leftovers;
#[cfg(all(test, loom))]
mod model;
mod outbox;
mod registry;
mod relay;
mod sigchld;
mod timers;
mod turn;

use std::{
    collections::{HashMap, HashSet},
    fmt, io,
    os::fd::AsRawFd,
    sync::{
        Arc, LazyLock, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
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
    leftovers::Leftovers,
    outbox::Outbox,
    registry::{Entries, Entry, Owner, Registry},
    timers::{Timer, Timers},
};
use crate::{
    ExitStatus, Kill, OrphanQueueImpl, PidfdReaper, Signal, SpawnedProcess, Wait,
    child::Child,
    global_orphan_queue::GlobalOrphanQueue,
    sync::{Mutex, lock},
    sys, usage,
};

/// Somebody wants the driver to look at its jobs and timers.
const WAKE: Token = Token(0);
/// A SIGCHLD came.
const SIGNAL: Token = Token(1);
/// A signal came that is to be passed on.
const RELAY: Token = Token(2);
/// Tokens from here on are ids of children and of captured pipes.
const FIRST_ID: u64 = 3;

/// Orphans without a pidfd. (Lazy for the loom models alone: loom's locks cannot be made before the program runs.)
static ORPHANS: LazyLock<OrphanQueueImpl<SpawnedProcess, SigchldWatch>> = LazyLock::new(OrphanQueueImpl::new);

static DRIVER: OnceLock<Driver> = OnceLock::new();

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
    /// What is left of the pipes of children that are gone.
    leftovers: Mutex<Leftovers>,
    /// Captured pipes, by their token.
    streams: Mutex<HashMap<usize, (Arc<Capture>, Stream)>>,
    timers: Mutex<Timers>,
    jobs: Mutex<Vec<Job>>,
    outboxes: Mutex<Vec<Arc<Outbox>>>,
    /// Who is told of the signals that are relayed.
    relayed_to: Mutex<Option<Arc<Outbox>>>,
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
    static STARTING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    if let Some(driver) = DRIVER.get() {
        return Ok(driver);
    }
    crate::capabilities::heed_environment();
    let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
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
        relayed_to: Mutex::default(),
    };
    // Opened now, while there is room: it is needed when there is none left for a pidfd.
    let signals = sys::sigchld::descriptor()?;
    poll.registry().register(&mut SourceFd(&signals.as_raw_fd()), SIGNAL, Interest::READABLE)?;
    let thread = thread::Builder::new().name("brood-driver".into()).stack_size(256 * 1024).spawn(move || {
        // Signals are for the program's own threads.
        sys::blocked_signals::block_for_good();
        loop {
            // Only after the thread is there: without it there is no driver.
            if let Some(driver) = DRIVER.get() {
                turn::run(driver, poll);
            }
            thread::park();
        }
    })?;
    let driver = DRIVER.get_or_init(|| made);
    thread.thread().unpark();
    sys::at_exit::register();
    Ok(driver)
}

/// Kills the children that are not to outlive their handle: the program is about to end.
///
/// An environment that is closed has done so already. The main thread's is not when the program ends by `process.exit()`:
/// Node runs no clean-up hooks then, and not all of its 'exit' listeners if one of them exits itself.
pub(crate) fn kill_on_exit() {
    let Some(driver) = DRIVER.get() else { return };
    let ids = driver.children.lock().ids(|entry| entry.kill_on_drop);
    driver.kill_trees(&ids);
    let mut entries = driver.children.lock();
    for id in ids {
        if let Some(entry) = entries.get(id) {
            // EPERM: it has changed its credentials, and is not ours to kill any more.
            let _ = entry.child.kill(Signal::KILL);
        }
    }
}

/// Starts the driver if it is not running.
///
/// # Errors
///
/// As [`driver`].
pub(crate) fn start() -> io::Result<()> {
    driver().map(drop)
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

/// The pids of all children of brood's that have not been reaped, orphans included.
pub(crate) fn own_pids() -> HashSet<u32> {
    let Ok(driver) = driver() else { return HashSet::new() };
    // A child on its way from the registry to the orphan queue is in neither for a moment. That is done by the thread
    // that the child belongs to (by the main thread, or by a worker before it ends), and whoever asks here asks about
    // children of its own thread.
    let mut pids = driver.children.lock().pids();
    pids.extend(ORPHANS.pids());
    pids
}

/// Tells everybody who listens of a process that was adopted and reaped.
pub(crate) fn report_adopted(pid: u32, status: ExitStatus, duration: Duration) {
    if let Ok(driver) = driver() {
        // Its peak memory is its parent's if that was larger, and nobody knows how large that was.
        let outcome = Ended { status, max_rss_is_own: false };
        driver.post_reaped(&Event::Reaped { pid, outcome, duration, adopted: true });
        driver.call_all();
    }
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
        let Some((mut entry, ended)) = entries.take_ended(id, asked) else { return false };
        self.deregister(&mut entry.child);
        self.finish(id, entry, ended);
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
        if let Some(capture) = &entry.capture {
            if let Some(drain) = capture.child_ended(&self.registry) {
                lock(&self.timers).set(drain, Timer::Drain(Arc::clone(capture)));
                self.wake();
            }
            capture.report();
            if capture.is_over() {
                self.forget_streams(capture);
            }
        }
        match entry.owner {
            Owner::Environment(outbox) => {
                let has_pipes = entry.stdio.iter().any(Option::is_some);
                let new_token = || Token(self.new_id() as usize);
                let has_leftovers =
                    has_pipes && lock(&self.leftovers).keep(id, &outbox, entry.stdio, &self.registry, new_token);
                outbox.post(Event::Exit(Exit { id, pid, outcome, duration, has_leftovers }));
            }
            Owner::OrphanQueue => self.post_reaped(&Event::Reaped { pid, outcome, duration, adopted: false }),
        }
    }

    fn report_orphan(&self, orphan: &SpawnedProcess, status: ExitStatus) {
        let outcome = match orphan.exec_failure() {
            Some(failure) => NotExecuted(failure),
            None => Ended { status, max_rss_is_own: usage::max_rss_is_own(status.usage()) },
        };
        self.post_reaped(&Event::Reaped { pid: orphan.id(), outcome, duration: orphan.age(), adopted: false });
    }

    fn post_reaped(&self, event: &Event) {
        let Event::Reaped { pid, outcome, duration, adopted } = *event else { return };
        for outbox in &*lock(&self.outboxes) {
            if outbox.wants_reaped.load(Ordering::Relaxed) {
                outbox.post(Event::Reaped { pid, outcome, duration, adopted });
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

#[cfg(all(test, not(loom)))]
mod test {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::{Command, Descriptor};

    struct Deaf;

    impl Notify for Deaf {
        fn notify(&self) {}
    }

    fn until(what: &str, mut done: impl FnMut() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(20), "{what}: not in time");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// There is one driver, and one wants its tables for oneself.
    static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

    #[test]
    fn a_pipe_that_a_grandchild_holds_is_closed_as_soon_as_that_has_gone() {
        let _alone = lock(&ALONE);
        let environment = Environment::new(Box::new(Deaf)).expect("the driver starts");
        let driver = driver().expect("it is running");
        // The grandchild waits for the end of its stdin.
        let script = "exec 4<&0; (exec 2>&- 3>&-; cat <&4; echo late) & echo early; echo error >&2";
        let shell = Command::new("sh").and_then(|sh| sh.args(["-c", script])).expect("no NUL");
        let shell = (0..4).fold(shell, |shell, number| shell.descriptor(number, Descriptor::Pipe));
        let child = environment.spawn(&shell.encode()).expect("sh starts");
        let Claim::Pipe(stdin) = environment.claim(child.id, 0) else { panic!("nobody has claimed it") };
        let mut exit = None;
        until("it has ended", || {
            exit = environment.try_wait(child.id);
            exit.is_some()
        });
        assert!(exit.is_some_and(|exit| exit.has_leftovers));
        assert!(lock(&driver.leftovers).is_watched(child.id), "cat has its stdout");
        drop(stdin);
        until("nothing is watched any more", || !lock(&driver.leftovers).is_watched(child.id));
        for (index, content) in [(1, Some("early\nlate\n")), (2, Some("error\n")), (0, None), (3, None)] {
            match (environment.claim(child.id, index), content) {
                (Claim::Pipe(pipe), Some(content)) => {
                    let text = io::read_to_string(std::fs::File::from(pipe)).expect("it has an end");
                    assert_eq!(text, content);
                }
                (Claim::Nothing, None) => {}
                (other, _) => panic!("{index}: {other:?}"),
            }
        }
        assert!(lock(&driver.leftovers).is_empty());
    }

    #[test]
    fn a_pipe_that_is_claimed_or_released_is_not_watched_any_more() {
        let _alone = lock(&ALONE);
        let environment = Environment::new(Box::new(Deaf)).expect("the driver starts");
        let driver = driver().expect("it is running");
        let shell = Command::new("sh").and_then(|sh| sh.args(["-c", "sleep 1000 & echo $!"])).expect("no NUL");
        let shell = shell.descriptor(1, Descriptor::Pipe).descriptor(2, Descriptor::Pipe);
        let child = environment.spawn(&shell.encode()).expect("sh starts");
        until("it has ended", || environment.try_wait(child.id).is_some());
        let Claim::Pipe(pipe) = environment.claim(child.id, 1) else { panic!("sleep has it") };
        assert!(lock(&driver.leftovers).is_watched(child.id), "the other one");
        environment.release(child.id);
        assert!(lock(&driver.leftovers).is_empty());
        let mut pid = Vec::new();
        sys::read::append(std::os::fd::AsFd::as_fd(&pipe), &mut pid, 64).expect("it was written before sh ended");
        let pid = String::from_utf8(pid).ok().and_then(|pid| pid.trim().parse().ok()).expect("a pid");
        assert!(sys::kill::kill(pid, Signal::KILL.as_raw()).expect("it is ours"));
    }

    /// Whatever ends a capture, and whoever: the child, its pipes, a drop, a hurry, the end of the environment.
    #[test]
    fn no_table_keeps_anything_of_a_child_that_is_gone() {
        let _alone = lock(&ALONE);
        let environment = Environment::new(Box::new(Deaf)).expect("the driver starts");
        let driver = driver().expect("it is running");
        let input = || Some(vec![b'x'; 1 << 20]);
        let ended = ["cat", "head -c 1", "exec >&- 2>&-; head -c 1", "exec <&-; echo out", "exec >&-; cat >&2"];
        let running = ["cat; exec sleep 1000", "exec >&- 2>&-; exec sleep 1000", "exec sleep 1000"];
        for (round, script) in ended.iter().chain(&running).cycle().take(160).enumerate() {
            let shell = Command::new("sh").and_then(|sh| sh.args(["-c", script])).expect("no NUL");
            let piped = if round % 5 == 4 { 1 } else { 3 };
            let shell = (0..piped).fold(shell, |shell, number| shell.descriptor(number, Descriptor::Pipe));
            let child = environment.spawn(&shell.process_group(0).kill_on_drop().encode()).expect("sh starts");
            let drain = [None, Some(Duration::ZERO), Some(Duration::from_millis(5))][round % 3];
            let options = CaptureOptions { input: input(), max_buffer: usize::MAX, drain };
            environment.capture(child.id, options).expect("the pipes can be watched");
            // An end can be found by others than the driver, before it has come to the pipes that are closed with it.
            let is_asked = ended.contains(script) && round % 2 == 0;
            while is_asked && environment.try_wait(child.id).is_none() {
                std::hint::spin_loop();
            }
            if running.contains(script) {
                if round % 2 == 0 {
                    environment.hurry_capture(child.id);
                }
                environment.drop_child(child.id);
            }
        }
        until("all children are gone", || driver.children.lock().ids(|_| true).is_empty());
        until("all streams are gone", || lock(&driver.streams).is_empty());
        assert!(lock(&driver.leftovers).is_empty());
        drop(environment);
        assert!(lock(&driver.outboxes).is_empty());
    }
}
