//! One JavaScript environment (the main thread, a worker), or anything else that owns children.

use std::{
    fmt, io,
    os::fd::OwnedFd,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use mio::{Interest, Token};

use super::{
    Driver,
    capture::{Capture, CaptureOptions, Source, Stream},
    driver,
    event::{Event, Exit},
    leftovers::Leftover,
    outbox::{Notify, Outbox},
    registry::{Entry, Owner},
    timers::Timer,
};
use crate::{
    DecodeError, GlobalOrphanQueue, Kill, Request, Signal, SpawnError, Step, Wait,
    child::{Child, build_child},
    family::mark,
    orphan_guard::OrphanGuard,
    process::give_up,
    spawn::{self, Started},
    stdio,
    sync::lock,
    sys,
};

/// A child that was just started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spawned {
    /// What this child is called here; never used twice, and small enough for a double.
    pub id: u64,
    /// Its pid.
    pub pid: u32,
}

/// Why there is no child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpawnFailure {
    /// The buffer is no request.
    Request(DecodeError),
    /// The request could not be met.
    Spawn(SpawnError),
}

impl fmt::Display for SpawnFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(formatter),
            Self::Spawn(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for SpawnFailure {}

/// One of a child's pipes, handed over.
#[derive(Debug)]
pub enum Claim {
    /// There is none, or it was handed over already.
    Nothing,
    /// Our end, in blocking mode.
    Pipe(OwnedFd),
    /// The child is gone and so is the pipe; this was left in it, and there can be no other one: it was a socket
    /// pair, or there is no descriptor left.
    Bytes(Vec<u8>),
}

/// An owner of children. What becomes of them when it goes is the drop rule: those with `kill_on_drop` are killed, and
/// all that still run go to the orphan queue.
#[derive(Debug)]
pub struct Environment {
    pub(super) driver: &'static Driver,
    pub(super) outbox: Arc<Outbox>,
}

impl Environment {
    /// Registers an environment. `notifier` is called when there are events to [`take`](Self::take).
    ///
    /// # Errors
    ///
    /// When the driver cannot be started: `EMFILE`, `ENFILE`, `EAGAIN`. Worth another try later.
    pub fn new(notifier: Box<dyn Notify>) -> io::Result<Self> {
        let driver = driver()?;
        let outbox = Arc::new(Outbox::new(notifier));
        lock(&driver.outboxes).push(Arc::clone(&outbox));
        Ok(Self { driver, outbox })
    }

    /// Starts a process and returns while it is on its way to exec.
    ///
    /// # Errors
    ///
    /// All that can be known without waiting for the child. Then there is no process, not even half of one.
    pub fn spawn(&self, buffer: &[u8]) -> Result<Spawned, SpawnFailure> {
        let request = Request::decode(buffer).map_err(SpawnFailure::Request)?;
        // PR_SET_PDEATHSIG is about the thread that cloned: a child made by a worker would get its signal when the worker
        // ends. The driver thread, like the main thread, lives as long as the process.
        if request.parent_death_signal.is_some() && !sys::thread::is_main() {
            return self.spawn_on_driver(buffer.to_vec());
        }
        self.driver.spawn(&request, &self.outbox).map_err(SpawnFailure::Spawn)
    }

    fn spawn_on_driver(&self, buffer: Vec<u8>) -> Result<Spawned, SpawnFailure> {
        let outbox = Arc::clone(&self.outbox);
        let spawned = self.driver.ask(move |driver| {
            let request = Request::decode(&buffer).map_err(SpawnFailure::Request)?;
            driver.spawn(&request, &outbox).map_err(SpawnFailure::Spawn)
        });
        spawned
            .unwrap_or_else(|| Err(SpawnFailure::Spawn(SpawnError::from_errno(Step::Clone, libc::ECANCELED, "clone"))))
    }

    /// Asks whether the child has ended, without blocking. An end that is found here is not told again.
    #[must_use]
    pub fn try_wait(&self, id: u64) -> Option<Exit> {
        if self.driver.children.lock().get_own(id, &self.outbox).is_some() {
            self.driver.reap_if_ended(id);
        }
        // Found now, or by the driver before.
        let exit = self.outbox.take_exit(id);
        // Its captured output may have been completed by its end.
        self.outbox.call();
        exit
    }

    /// Sends a signal. `false` when the child has ended, noticed or not.
    ///
    /// # Errors
    ///
    /// `EPERM` when the child changed its credentials, `EINVAL` for a signal this kernel does not have.
    pub fn kill(&self, id: u64, signal: Signal) -> io::Result<bool> {
        let mut entries = self.driver.children.lock();
        let Some(entry) = entries.get_own(id, &self.outbox) else { return Ok(false) };
        // A signal to a zombie is delivered, says the kernel. That is no use to anybody: look first.
        let asked = entry.child.try_wait();
        if !matches!(asked, Ok(None)) {
            self.driver.settle(&mut entries, id, asked);
            drop(entries);
            self.outbox.call();
            return Ok(false);
        }
        entry.child.kill(signal)
    }

    /// Hands over our end of the pipe to the child's descriptor `index`, once.
    #[must_use]
    pub fn claim(&self, id: u64, index: usize) -> Claim {
        let mut entries = self.driver.children.lock();
        if let Some(entry) = entries.get_own(id, &self.outbox) {
            return match entry.stdio.get_mut(index).and_then(Option::take) {
                Some(pipe) => Claim::Pipe(pipe),
                None => Claim::Nothing,
            };
        }
        match self.take_leftover(id, index) {
            Some(Leftover::Pipe(pipe)) => Claim::Pipe(pipe),
            // A pipe again, so that it can become another child's stdin just as if the first one had not ended yet.
            Some(Leftover::Bytes(bytes)) if index < 3 => stdio::refill(&bytes).map_or(Claim::Bytes(bytes), Claim::Pipe),
            Some(Leftover::Bytes(bytes)) => Claim::Bytes(bytes),
            None => Claim::Nothing,
        }
    }

    fn take_leftover(&self, id: u64, index: usize) -> Option<Leftover> {
        lock(&self.driver.leftovers).take(id, index, &self.outbox, &self.driver.registry)
    }

    /// Gathers what is left to come of the child's stdout and stderr, where they are pipes that nobody has claimed, and
    /// feeds its stdin. Ends in one [`Event::Output`].
    ///
    /// # Errors
    ///
    /// `ENOMEM` or `ENOSPC` when a pipe cannot be watched. The pipes are closed then.
    pub fn capture(&self, id: u64, options: CaptureOptions) -> io::Result<()> {
        let mut entries = self.driver.children.lock();
        let has_ended = entries.get_own(id, &self.outbox).is_none();
        let mut take = |index: usize| match entries.get_own(id, &self.outbox) {
            Some(entry) => entry.stdio.get_mut(index).and_then(Option::take).map(Source::Pipe),
            None => self.take_leftover(id, index).map(|leftover| match leftover {
                Leftover::Pipe(pipe) => Source::Pipe(pipe),
                Leftover::Bytes(bytes) => Source::Bytes(bytes),
            }),
        };
        let sources = [take(1), take(2)];
        let stdin = match options.input.as_ref().and_then(|_| take(0)) {
            Some(Source::Pipe(pipe)) => Some(pipe),
            _ => None,
        };
        let capture = Arc::new(Capture::new(id, Arc::clone(&self.outbox), sources, stdin, options)?);
        if let Some(entry) = entries.get_own(id, &self.outbox) {
            entry.capture = Some(Arc::clone(&capture));
        }
        // From here on the driver may come upon the capture; it takes the registry's lock before the capture's, if at all.
        drop(entries);
        let streams = capture.streams();
        for &stream in &streams {
            self.register_stream(&capture, stream)?;
        }
        if has_ended && let Some(drain) = capture.child_ended(&self.driver.registry) {
            lock(&self.driver.timers).set(drain, Timer::Drain(Arc::clone(&capture)));
            self.driver.wake();
        }
        if capture.report() {
            self.outbox.call();
        }
        if capture.is_over() {
            // Its end came while it was being registered.
            self.driver.forget_streams(&capture);
        }
        Ok(())
    }

    fn register_stream(&self, capture: &Arc<Capture>, stream: Stream) -> io::Result<()> {
        let token = self.driver.new_id() as usize;
        // First into the table, then into the poll: its first event can come before the call below is back.
        lock(&self.driver.streams).insert(token, (Arc::clone(capture), stream));
        let registered = capture.register(stream, &self.driver.registry, Token(token));
        if registered.is_err() {
            // The caller is told by the error.
            capture.say_nothing();
            self.driver.abandon(capture);
        }
        registered
    }

    /// From now on, or as soon as the child ends, its capture waits for nothing more.
    pub fn hurry_capture(&self, id: u64) {
        let capture = match self.driver.children.lock().get_own(id, &self.outbox) {
            Some(entry) => {
                if let Some(capture) = &entry.capture {
                    capture.hurry();
                }
                return;
            }
            None => lock(&self.driver.streams)
                .values()
                .find(|(capture, _)| capture.id == id && Arc::ptr_eq(&capture.outbox, &self.outbox))
                .map(|(capture, _)| Arc::clone(capture)),
        };
        if let Some(capture) = capture {
            self.driver.abandon(&capture);
            if capture.report() {
                self.outbox.call();
            }
        }
    }

    /// Whether the child has exec'd. `false` when that is not known yet: an [`Event::Exec`] or [`Event::Exit`] will tell.
    #[must_use]
    pub fn watch_exec(&self, id: u64) -> bool {
        const FIRST_LOOK: Duration = Duration::from_millis(1);
        let mut entries = self.driver.children.lock();
        let Some(entry) = entries.get_own(id, &self.outbox) else { return false };
        let process = entry.child.process();
        if process.is_past_exec() {
            return process.exec_failure().is_none();
        }
        lock(&self.driver.timers).set(FIRST_LOOK, Timer::Exec(id, FIRST_LOOK));
        self.driver.wake();
        false
    }

    /// The drop rule, for one child: kills it if it was spawned with `kill_on_drop`, closes what is ours of its pipes, and
    /// hands it to the orphan queue if it still runs. Nothing more is told of it here.
    pub fn drop_child(&self, id: u64) {
        self.driver.kill_trees(&[id]);
        self.driver.drop_child(id, &self.outbox);
        self.release(id);
    }

    /// Gives the child to the orphan queue, whatever `kill_on_drop` says.
    pub fn orphan(&self, id: u64) {
        if let Some(entry) = self.driver.children.lock().get_own(id, &self.outbox) {
            entry.kill_on_drop = false;
        }
        self.drop_child(id);
    }

    /// Lets go of what is left of the pipes of a child that has ended.
    pub fn release(&self, id: u64) {
        lock(&self.driver.leftovers).release(id, &self.outbox, &self.driver.registry);
    }

    /// Whether orphans that were reaped are to be told here.
    pub fn listen_to_orphans(&self, listen: bool) {
        self.outbox.wants_reaped.store(listen, Ordering::Relaxed);
    }

    /// Takes all events.
    #[must_use]
    pub fn take(&self) -> Vec<Event> {
        self.outbox.empty()
    }

    /// The end of this environment: nobody calls its notifier any more, and all its children follow the drop rule.
    pub fn close(&self) {
        self.outbox.close();
        lock(&self.driver.outboxes).retain(|outbox| !Arc::ptr_eq(outbox, &self.outbox));
        let ids = self.driver.children.lock().ids(|entry| entry.owner.is(&self.outbox));
        self.driver.kill_trees(&ids);
        for id in ids {
            self.driver.drop_child(id, &self.outbox);
        }
        lock(&self.driver.leftovers).release_all(&self.outbox, &self.driver.registry);
        // Captures that outlived their child.
        let captures: Vec<_> = lock(&self.driver.streams)
            .values()
            .filter(|(capture, _)| Arc::ptr_eq(&capture.outbox, &self.outbox))
            .map(|(capture, _)| Arc::clone(capture))
            .collect();
        for capture in captures {
            self.driver.abandon(&capture);
        }
        drop(self.outbox.empty());
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        self.close();
    }
}

impl Driver {
    fn spawn(&self, request: &Request<'_>, outbox: &Arc<Outbox>) -> Result<Spawned, SpawnError> {
        let id = self.new_id();
        let Started { process, pidfd, stdio } = spawn::start(request, mark::of(id))?;
        let pid = process.id();
        let mut child = build_child(process, pidfd).map_err(|(error, process)| {
            give_up(OrphanGuard::new(process, GlobalOrphanQueue));
            SpawnError::new(Step::Setup, &error, "sigaction")
        })?;
        let mut entries = self.children.lock();
        // Under the lock: a child that has ended already is reported at once, and found as soon as the lock is free.
        if let Child::Pidfd(reaper) = &mut child
            && let Err(error) = self.registry.register(reaper, Token(id as usize), Interest::READABLE)
        {
            drop(entries);
            give_up(child);
            return Err(SpawnError::new(Step::Setup, &error, "epoll_ctl"));
        }
        let is_signalled = matches!(child, Child::Signal(_));
        entries.insert(
            id,
            Entry {
                child,
                owner: Owner::Environment(Arc::clone(outbox)),
                kill_on_drop: request.kill_on_drop,
                kill_tree: request.kill_tree,
                stdio,
                capture: None,
                spurious: 0,
            },
        );
        drop(entries);
        if is_signalled {
            lock(&self.signalled).push(id);
            // The first look: it may have ended before its watch was taken.
            self.wake();
        }
        Ok(Spawned { id, pid })
    }

    fn drop_child(&self, id: u64, outbox: &Arc<Outbox>) {
        let mut entries = self.children.lock();
        let Some(entry) = entries.get_own(id, outbox) else {
            drop(entries);
            // It has ended, and that was not told yet: an orphan that was reaped before it was one.
            if let Some(Exit { pid, outcome, duration, .. }) = outbox.take_exit(id) {
                self.post_reaped(&Event::Reaped { pid, outcome, duration, adopted: false });
                self.call_all();
            }
            return;
        };
        if entry.kill_on_drop {
            // EPERM: it has changed its credentials, and is not ours to kill any more.
            let _ = entry.child.kill(Signal::KILL);
        }
        let pipes = std::mem::take(&mut entry.stdio);
        let capture = entry.capture.take();
        // Not taken apart and handed over: it stays registered as it is, and its end, which may come at this moment or have
        // come already, is told once, by whoever finds it.
        let signalled = match &entry.child {
            Child::Pidfd(_) => {
                entries.orphan(id);
                None
            }
            Child::Signal(_) => entries.remove(id),
        };
        drop(entries);
        drop(pipes);
        if let Some(capture) = capture {
            self.abandon(&capture);
            capture.give_up();
            // Who waits for the output is told that there is no more of it.
            if capture.report() {
                outbox.call();
            }
        }
        if let Some(Entry { child: Child::Signal(reaper), .. }) = signalled {
            self.push_without_pidfd(reaper.into_inner());
        }
    }
}
