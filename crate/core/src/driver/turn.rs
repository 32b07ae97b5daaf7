//! The driver thread: wait, look at what is ready, tell the environments, and again.

use std::{
    collections::HashSet,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use mio::{Events, Interest, Poll, Token};

use super::{
    Driver, ORPHANS, RELAY, SIGNAL, WAKE,
    capture::{Capture, Progress, Stream},
    event::Event,
    registry::Owner,
    sigchld::Sigchld,
    timers::Timer,
};
use crate::{Kill, Signal, child::Child, sync::lock, sys};

/// How often the signal handler is looked after while somebody depends on it: an exit whose signal went to a handler that
/// replaced ours is noticed after this time.
const HANDLER_LOOK: Duration = Duration::from_millis(15);
/// Readiness without an exit, this often in a row, is a traced child whose tracer has not looked: time has to pass.
const MOST_SPURIOUS: u32 = 3;
const SPURIOUS_PAUSE: Duration = Duration::from_millis(10);
/// The longest time between two looks at whether a child has exec'd.
const LONGEST_EXEC_LOOK: Duration = Duration::from_millis(20);

/// A pipe that has more to give than one turn allows.
type Unfinished = Vec<(usize, Arc<Capture>, Stream)>;

/// Runs for as long as the process does.
pub(super) fn run(driver: &'static Driver, mut poll: Poll) -> ! {
    let mut events = Events::with_capacity(1024);
    let mut scratch = Vec::new();
    let mut unfinished = Unfinished::new();
    loop {
        driver.turn(&mut poll, &mut events, &mut scratch, &mut unfinished);
    }
}

/// Does one thing. A panic is a mistake of ours in that one thing, and is told on stderr by the panic hook; the children of a
/// whole program must not pay for it, so everything else is done all the same. What is ready is told but once.
fn guarded(thing: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(thing));
}

impl Driver {
    fn turn(&'static self, poll: &mut Poll, events: &mut Events, scratch: &mut Vec<u8>, unfinished: &mut Unfinished) {
        let timeout = if unfinished.is_empty() { self.time_to_wait() } else { Some(Duration::ZERO) };
        match poll.poll(events, timeout) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                // epoll_wait has no other error for a descriptor that is open. Should there be one, do not spin.
                std::thread::sleep(HANDLER_LOOK);
            }
            _ => {}
        }
        for event in events.iter() {
            guarded(|| self.on_event(event.token(), scratch, unfinished));
        }
        for (token, capture, stream) in std::mem::take(unfinished) {
            guarded(|| self.advance(token, &capture, stream, scratch, unfinished));
        }
        let jobs = std::mem::take(&mut *lock(&self.jobs));
        for job in jobs {
            guarded(|| job(self));
        }
        guarded(|| self.look_at_signalled());
        guarded(|| self.run_timers());
        guarded(|| self.call_all());
    }

    fn on_event(&self, token: Token, scratch: &mut Vec<u8>, unfinished: &mut Unfinished) {
        match token {
            WAKE => {}
            SIGNAL => {
                sys::sigchld::drain();
                Sigchld.notice();
            }
            RELAY => self.relay_signals(),
            token => self.on_ready(token, scratch, unfinished),
        }
    }

    fn time_to_wait(&self) -> Option<Duration> {
        let timer = lock(&self.timers).until_next();
        // mio rounds up to the next millisecond, as epoll_wait takes it: never a turn too early.
        if self.depends_on_signals() {
            Some(timer.map_or(HANDLER_LOOK, |timer| timer.min(HANDLER_LOOK)))
        } else {
            timer
        }
    }

    fn depends_on_signals(&self) -> bool {
        !ORPHANS.is_empty() || !lock(&self.signalled).is_empty()
    }

    fn on_ready(&self, token: Token, scratch: &mut Vec<u8>, unfinished: &mut Unfinished) {
        let stream = lock(&self.streams).get(&token.0).cloned();
        match stream {
            Some((capture, stream)) => self.advance(token.0, &capture, stream, scratch, unfinished),
            None => self.on_child_ready(token.0 as u64),
        }
    }

    /// The pidfd of a child is readable.
    fn on_child_ready(&self, id: u64) {
        let mut entries = self.children.lock();
        let Some(entry) = entries.get(id) else {
            drop(entries);
            // A pipe that outlived its child; or a child that somebody else has reaped in this very turn.
            return lock(&self.leftovers).look(Token(id as usize), &self.registry);
        };
        let Child::Pidfd(reaper) = &mut entry.child else { return };
        entry.spurious += 1;
        let pause = entry.spurious > MOST_SPURIOUS;
        let asked = reaper.poll_exit(|pidfd| {
            if pause || self.registry.reregister(pidfd, Token(id as usize), Interest::READABLE).is_err() {
                // No memory for the registration is no end of the child: it is tried again.
                lock(&self.timers).set(SPURIOUS_PAUSE, Timer::Rearm(id));
            }
            Ok(())
        });
        self.settle(&mut entries, id, asked);
    }

    /// Children and orphans without a pidfd: all of them are asked after a signal, because signals coalesce.
    fn look_at_signalled(&self) {
        if !self.depends_on_signals() {
            return;
        }
        Sigchld.look_after_handler();
        let ids = lock(&self.signalled).clone();
        let mut gone = HashSet::new();
        for id in ids {
            // The lock is let go between two children: a thread that spawns does not wait for all of them.
            let mut entries = self.children.lock();
            let is_gone = match entries.get(id).map(|entry| &mut entry.child) {
                Some(Child::Signal(reaper)) => {
                    let asked = reaper.poll_exit();
                    self.settle(&mut entries, id, asked)
                }
                _ => true,
            };
            if is_gone {
                gone.insert(id);
            }
        }
        if !gone.is_empty() {
            lock(&self.signalled).retain(|id| !gone.contains(id));
        }
        ORPHANS.reap_orphans(&Sigchld, |orphan, status| self.report_orphan(&orphan, status));
    }

    fn advance(
        &self,
        token: usize,
        capture: &Arc<Capture>,
        stream: Stream,
        scratch: &mut Vec<u8>,
        unfinished: &mut Unfinished,
    ) {
        match capture.advance(stream, &self.registry, scratch) {
            Progress::Waiting => return,
            Progress::Unfinished => {
                unfinished.push((token, Arc::clone(capture), stream));
                return;
            }
            Progress::Ended => {}
            Progress::Overflow => {
                // Nobody wants the rest, so there is no use in asking politely.
                self.kill_whole_tree(capture.id);
                if let Some(entry) = self.children.lock().get(capture.id) {
                    let _ = entry.child.kill(Signal::KILL);
                }
                self.abandon(capture);
            }
        }
        lock(&self.streams).remove(&token);
        capture.report();
    }

    fn run_timers(&self) {
        loop {
            // Not `while let`: the lock would be held in the body.
            let due = lock(&self.timers).pop_due();
            match due {
                None => return,
                Some(Timer::Drain(capture)) => {
                    self.abandon(&capture);
                    capture.report();
                }
                Some(Timer::Exec(id, after)) => self.look_at_exec(id, after),
                Some(Timer::Rearm(id)) => self.rearm(id),
            }
        }
    }

    fn look_at_exec(&self, id: u64, after: Duration) {
        let mut entries = self.children.lock();
        // Gone: its exit told all there is to tell.
        let Some(entry) = entries.get(id) else { return };
        let process = entry.child.process();
        if !process.is_past_exec() {
            let next = (after * 2).min(LONGEST_EXEC_LOOK);
            return lock(&self.timers).set(next, Timer::Exec(id, next));
        }
        // A failure is told along with the exit, which is on its way.
        if process.exec_failure().is_none()
            && let Owner::Environment(outbox) = &entry.owner
        {
            outbox.post(Event::Exec { id });
        }
    }

    fn rearm(&self, id: u64) {
        let mut entries = self.children.lock();
        if let Some(entry) = entries.get(id)
            && let Child::Pidfd(reaper) = &mut entry.child
            && self.registry.reregister(reaper, Token(id as usize), Interest::READABLE).is_err()
        {
            lock(&self.timers).set(SPURIOUS_PAUSE, Timer::Rearm(id));
        }
    }

    /// Ends a capture with what is there.
    pub(super) fn abandon(&self, capture: &Capture) {
        capture.abandon(&self.registry);
        self.forget_streams(capture);
    }

    /// Takes all pipes of a capture out of the table.
    pub(super) fn forget_streams(&self, capture: &Capture) {
        let mut streams = lock(&self.streams);
        for token in capture.take_tokens() {
            streams.remove(&token.0);
        }
    }
}
