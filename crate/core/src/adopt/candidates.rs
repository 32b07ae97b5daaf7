//! From "there is a zombie" to "it belongs to nobody".

use std::{
    collections::HashMap,
    fmt::Debug,
    io,
    time::{Duration, Instant},
};

use crate::ExitStatus;

/// How long to wait for a thread that has not run since: at first, and at most.
const FIRST_PATIENCE: Duration = Duration::from_millis(5);
const LONGEST_PATIENCE: Duration = Duration::from_millis(100);
/// How often to look whether a zombie that belongs to another thread has fallen to the main one: at first, and at most.
const FIRST_LOOK_ELSEWHERE: Duration = Duration::from_millis(50);
const LONGEST_LOOK_ELSEWHERE: Duration = Duration::from_secs(1);

/// When a process was started, in the kernel's clock ticks: with the pid, what tells one process from another. `None` where
/// the kernel does not let us see.
pub(crate) type Started = Option<u64>;

/// A thread of ours that could run and does not, or does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BusyThread {
    pub(crate) id: u32,
    /// What it has had of the processor; goes up whenever it runs.
    pub(crate) ran: u64,
}

/// Zombies that are none of brood's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Zombies {
    /// There are none.
    None,
    /// Some belong to other threads, whose business they are as long as those live. None to the main thread.
    Elsewhere,
    /// These pids are of zombies that belong to the main thread.
    Here(Vec<u32>),
}

/// What the kernel says about our children and threads.
pub(crate) trait Kin: Debug {
    /// The zombies that are none of brood's.
    fn zombies(&mut self) -> Zombies;

    /// Whether this child of the main thread is a zombie now.
    fn is_zombie(&mut self, pid: u32) -> bool;

    /// When this one was started.
    fn started(&mut self, pid: u32) -> Started;

    /// How long ago that was.
    fn age(&self, started: Started) -> Duration;

    /// The threads of ours, but for the calling one, that are neither asleep nor waiting for a device.
    fn busy_threads(&mut self) -> Vec<BusyThread>;

    /// Makes everybody who reaps at SIGCHLD look again.
    fn raise_sigchld(&mut self);

    /// Reaps a child of the main thread.
    fn reap(&mut self, pid: u32) -> io::Result<Option<ExitStatus>>;
}

/// What a look leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// There is nobody: look again at the next SIGCHLD.
    Nothing,
    /// Look again after this time, whether or not a SIGCHLD comes.
    Later(Duration),
    /// Reap, once the event loop has made a full turn from here on.
    Ready,
}

#[derive(Debug)]
struct Candidate {
    started: Started,
    /// When it was first seen, and its age then.
    seen: Instant,
    age: Duration,
    stage: Stage,
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The grace period has to pass.
    Grace,
    /// Threads that might be about to reap it have to run.
    Threads,
    /// The event loop has to turn.
    Turn,
}

/// Those that may belong to nobody.
#[derive(Debug)]
pub(crate) struct Candidates<K> {
    kin: K,
    /// By their pid.
    all: HashMap<u32, Candidate>,
    /// The threads that have not been asleep, and have not run, since the candidates at [`Stage::Threads`] came there.
    awaited: Vec<BusyThread>,
    patience: Duration,
    patience_elsewhere: Duration,
}

impl<K: Kin> Candidates<K> {
    pub(crate) fn new(kin: K) -> Self {
        Self {
            kin,
            all: HashMap::new(),
            awaited: Vec::new(),
            patience: FIRST_PATIENCE,
            patience_elsewhere: FIRST_LOOK_ELSEWHERE,
        }
    }

    /// Looks who is there, and takes those further who can be.
    pub(crate) fn look(&mut self, now: Instant, grace: Duration) -> Look {
        match self.kin.zombies() {
            Zombies::Here(zombies) => self.update(zombies, now),
            Zombies::Elsewhere => {
                self.all.clear();
                // When their thread ends they fall to the main one, and no SIGCHLD will say so.
                let patience = self.patience_elsewhere;
                self.patience_elsewhere = (patience * 2).min(LONGEST_LOOK_ELSEWHERE);
                return Look::Later(patience);
            }
            Zombies::None => self.all.clear(),
        }
        self.patience_elsewhere = FIRST_LOOK_ELSEWHERE;
        if self.all.is_empty() {
            return Look::Nothing;
        }
        if !self.all.values().any(|candidate| candidate.stage == Stage::Threads) {
            self.patience = FIRST_PATIENCE;
            let mut any = false;
            for candidate in self.all.values_mut() {
                if candidate.stage == Stage::Grace && now.saturating_duration_since(candidate.seen) >= grace {
                    candidate.stage = Stage::Threads;
                    any = true;
                }
            }
            if !any {
                return Look::Later(self.rest_of_grace(now, grace));
            }
            self.awaited = self.kin.busy_threads();
        } else {
            // Asleep or gone now, or further than it was: either way it has run since those candidates were zombies, and
            // somebody who was woken up to reap one of them reaps it before he does anything else.
            let busy = self.kin.busy_threads();
            self.awaited.retain(|thread| busy.contains(thread));
        }
        if !self.awaited.is_empty() {
            let patience = self.patience;
            self.patience = (patience * 2).min(LONGEST_PATIENCE);
            return Look::Later(patience);
        }
        for candidate in self.all.values_mut().filter(|candidate| candidate.stage == Stage::Threads) {
            candidate.stage = Stage::Turn;
        }
        self.kin.raise_sigchld();
        Look::Ready
    }

    /// Brings the list up to date. One that was there before keeps its time and its stage; should its pid be another
    /// process' by now, that is found out before it is reaped.
    fn update(&mut self, zombies: Vec<u32>, now: Instant) {
        let mut before = std::mem::take(&mut self.all);
        for pid in zombies {
            let candidate = before.remove(&pid).unwrap_or_else(|| {
                let started = self.kin.started(pid);
                Candidate { started, seen: now, age: self.kin.age(started), stage: Stage::Grace }
            });
            self.all.insert(pid, candidate);
        }
    }

    fn rest_of_grace(&self, now: Instant, grace: Duration) -> Duration {
        let longest = self.all.values().map(|candidate| now.saturating_duration_since(candidate.seen)).max();
        grace.saturating_sub(longest.unwrap_or_default())
    }

    /// Reaps those that were ready for it and are still there, and returns how many.
    pub(crate) fn reap(&mut self, mut on_reap: impl FnMut(u32, ExitStatus, Duration)) -> usize {
        let mut reaped = 0;
        for (pid, Candidate { started, age, .. }) in self.all.extract_if(|_, candidate| candidate.stage == Stage::Turn)
        {
            // The same process, and still a zombie: then nobody has reaped it in all this time. Should somebody do so just
            // now, the kernel gives the status to one of us, and the pid to no other process between these lines: it goes
            // through all the others first.
            if self.kin.started(pid) == started
                && self.kin.is_zombie(pid)
                && let Ok(Some(status)) = self.kin.reap(pid)
            {
                reaped += 1;
                on_reap(pid, status, age);
            }
        }
        reaped
    }
}

#[cfg(all(test, not(loom)))]
mod test;
