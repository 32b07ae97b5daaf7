//! Those members of a family that were found: stopped, signalled, let go.

use std::{collections::HashMap, io};

use super::kernel::Kernel;
use crate::{Identity, ProcessRow, Signal};

/// How many pauses are made for members to stop: for one that sleeps in the kernel, and for one that only needs to be given
/// a processor.
const PATIENCE: (u32, u32) = (50, 2500);

pub(super) const STOP: Signal = Signal::from_raw(libc::SIGSTOP).expect("a number in range");
pub(super) const CONTINUE: Signal = Signal::from_raw(libc::SIGCONT).expect("a number in range");

#[derive(Debug)]
struct Member {
    start: u64,
    /// Stopped before we came.
    was_stopped: bool,
    /// All its threads have been seen stopped, or nobody waits for that any more.
    is_settled: bool,
    /// It was waited for in vain.
    is_given_up: bool,
    /// Ours to signal.
    is_reachable: bool,
}

/// The members found so far.
#[derive(Debug)]
pub(super) struct Catch {
    members: HashMap<u32, Member>,
    /// Parents before their children, as a rule.
    order: Vec<u32>,
    /// How often somebody was taken in.
    additions: usize,
    stops: bool,
    /// Somebody was there and not ours to signal.
    is_refused: bool,
}

impl Catch {
    /// Nobody yet. Without `stops` nobody will be stopped.
    pub(super) fn new(stops: bool) -> Self {
        Self { members: HashMap::new(), order: Vec::new(), additions: 0, stops, is_refused: false }
    }

    /// Whether members are stopped.
    pub(super) fn stops(&self) -> bool {
        self.stops
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// How often somebody was taken in.
    pub(super) fn additions(&self) -> usize {
        self.additions
    }

    /// Their pids, parents before their children as a rule.
    pub(super) fn pids(&self) -> impl Iterator<Item = u32> {
        self.order.iter().copied()
    }

    /// Whether a member has this pid.
    pub(super) fn contains(&self, pid: u32) -> bool {
        self.members.contains_key(&pid)
    }

    /// The start time of the member that has this pid.
    pub(super) fn start_of(&self, pid: u32) -> Option<u64> {
        Some(self.members.get(&pid)?.start)
    }

    /// Takes a process in, and stops it. `false` when it has ended meanwhile.
    pub(super) fn add(&mut self, kernel: &mut impl Kernel, row: &ProcessRow) -> io::Result<bool> {
        let identity = row.identity;
        let is_reachable = match kernel.signal(identity, if self.stops { STOP } else { Signal::NONE }) {
            Ok(true) => true,
            Ok(false) => return Ok(false),
            // It changed its credentials. Its children may be ours to signal nevertheless.
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
                self.is_refused = true;
                false
            }
            Err(error) => return Err(error),
        };
        let member = Member {
            start: identity.start,
            was_stopped: row.is_stopped(),
            is_settled: !self.stops || !is_reachable,
            is_given_up: false,
            is_reachable,
        };
        self.members.insert(identity.pid, member);
        self.order.push(identity.pid);
        self.additions += 1;
        Ok(true)
    }

    /// A member is met again. `true` when it has to be stopped again.
    pub(super) fn look_again(&mut self, kernel: &mut impl Kernel, row: &ProcessRow) -> io::Result<bool> {
        let Some(member) = self.members.get_mut(&row.identity.pid) else { return Ok(false) };
        if row.identity.start != member.start || row.is_over() {
            self.forget(row.identity.pid);
            // Whoever has its pid now is looked at next time.
            return Ok(!row.is_over());
        }
        if !self.stops || !member.is_reachable || member.is_given_up || row.is_stopped() {
            return Ok(false);
        }
        member.is_settled = false;
        kernel.signal(row.identity, STOP)
    }

    /// Lets a member be none any more.
    pub(super) fn forget(&mut self, pid: u32) {
        self.members.remove(&pid);
        self.order.retain(|&other| other != pid);
    }

    /// Waits until all members are stopped.
    pub(super) fn settle(&mut self, kernel: &mut impl Kernel) -> io::Result<()> {
        let mut waiting: Vec<u32> = self.order.iter().copied().filter(|pid| !self.members[pid].is_settled).collect();
        let mut pauses = 0;
        while !waiting.is_empty() {
            let mut rest = Vec::new();
            for pid in waiting {
                let Some(member) = self.members.get_mut(&pid) else { continue };
                match kernel.read(pid)? {
                    Some(row) if row.identity.start == member.start && !row.is_over() => {
                        let patience = if row.state == b'D' { PATIENCE.0 } else { PATIENCE.1 };
                        member.is_given_up = pauses >= patience;
                        member.is_settled = member.is_given_up || kernel.is_stopped(&row)?;
                        if !member.is_settled {
                            rest.push(pid);
                        }
                    }
                    // Gone; the next search leaves it out.
                    _ => member.is_settled = true,
                }
            }
            waiting = rest;
            if !waiting.is_empty() {
                kernel.pause();
                pauses += 1;
            }
        }
        Ok(())
    }

    /// Sends the signal to all members, and lets those go on that are not to stay stopped. Answers who got the signal.
    ///
    /// Children come before their parents. The end of a parent may orphan a process group with stopped members in it, and to
    /// those the kernel sends SIGHUP and SIGCONT: by then they must have the signal that was meant for them.
    pub(super) fn release(self, kernel: &mut impl Kernel, signal: Signal) -> io::Result<Vec<Identity>> {
        let mut signalled = Vec::new();
        let (mut failure, mut is_refused) = (None, self.is_refused);
        let reachable = self.order.iter().rev().filter_map(|&pid| {
            let member = self.members.get(&pid).filter(|member| member.is_reachable)?;
            Some((Identity { pid, start: member.start }, member))
        });
        for (identity, _) in reachable.clone() {
            match kernel.signal(identity, signal) {
                Ok(true) => signalled.push(identity),
                Ok(false) => {}
                Err(error) if error.raw_os_error() == Some(libc::EPERM) => is_refused = true,
                Err(error) => failure = Some(error),
            }
        }
        if self.stops && !stays_stopped(signal) {
            for (identity, member) in reachable {
                // Who was stopped before does not go on by a signal that has nothing to do with it; but who is asked to end
                // must be able to.
                if !member.was_stopped || asks_to_end(signal) {
                    let _ = kernel.signal(identity, CONTINUE);
                }
            }
        }
        match failure {
            Some(error) => Err(error),
            None if signalled.is_empty() && is_refused => Err(io::Error::from_raw_os_error(libc::EPERM)),
            None => Ok(signalled),
        }
    }
}

/// A signal after which a process is to be stopped, or one that needs no SIGCONT.
fn stays_stopped(signal: Signal) -> bool {
    matches!(signal.as_raw(), libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU | libc::SIGKILL)
}

fn asks_to_end(signal: Signal) -> bool {
    matches!(signal.as_raw(), libc::SIGTERM | libc::SIGINT | libc::SIGHUP | libc::SIGQUIT | libc::SIGABRT)
}
