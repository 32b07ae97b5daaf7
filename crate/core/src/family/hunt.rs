//! The search for the members of a family, and what is done with them.
//!
//! # Races
//!
//! - *Somebody is born while we search.* Its parent was read earlier in the search and is stopped by now, or has not been
//!   read yet and will be found; in the first case the next search finds the child. The last search is one that began
//!   when all members were stopped and that found nobody, so nobody was born in it either.
//! - *A fork was under way when its process was sent SIGSTOP.* It may still succeed. So sent is not enough: a member counts as
//!   stopped when the kernel shows all its threads as stopped, and the search after that finds the child.
//! - *A process ends between the table and the signal, and its children fall to somebody else.* Those that were known stay
//!   members: they are known by their identity, not by their link. Those that were not are found by their mark, or by the
//!   session or group that a living member leads. (One that has no mark and left session and group of every living member is
//!   not found. That is an escape.)
//! - *A pid changes hands.* A link from a child C to the pid of a member P counts only if P is found to be still there after C was
//!   read, and C is not older than P: then nobody else had that pid in between.
//! - *Somebody outside continues a stopped member.* The next search sees it run, and stops it again.
//! - *A member cannot be stopped*: it sleeps in the kernel for a device, or in `vfork(2)` until its child, which we have
//!   stopped, has exec'd. It is waited for for a moment, and then done without: it gets its signal all the same, and cannot
//!   return from the kernel before.
//! - *All this in the face of a fork bomb.* Every search stops all that were there when it began, and goes on to those who are
//!   new since. What is stopped takes up the room that the bomb may fill, so there is less of it each time.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
};

use super::{Target, catch::Catch, kernel::Kernel};
use crate::{Identity, ProcessRow, Signal, process_table::links};

/// More searches than a bomb has needed so far, by far.
const MOST_SEARCHES: usize = 256;
/// How often one search asks for pids that are new since it began.
const MOST_CHASES: usize = 64;

/// One hunt, from the first look to the last signal.
#[derive(Debug)]
pub(super) struct Hunt<'a, K> {
    kernel: &'a mut K,
    target: &'a Target,
    own: u32,
    /// Whoever orphans of this family can fall to: the ancestors of its roots.
    reapers: HashSet<u32>,
    marks: HashMap<Identity, Option<u64>>,
    catch: Catch,
}

impl<'a, K: Kernel> Hunt<'a, K> {
    /// Looks at where to start. `own` is who is never a member. Without `stops` nobody is stopped.
    pub(super) fn new(kernel: &'a mut K, target: &'a Target, own: u32, stops: bool) -> io::Result<Self> {
        let mut reapers = HashSet::from([1]);
        // Who we spawned has us and our ancestors above it. So did a child of ours that has ended.
        let spawner = (!target.marks.is_empty()).then_some(own);
        reapers.extend(spawner);
        for pid in target.roots.iter().map(|root| root.pid).chain(spawner) {
            let mut next = pid;
            while let Some(row) = kernel.read(next)?
                && reapers.insert(row.ppid)
            {
                next = row.ppid;
            }
        }
        // The parent of init, and of who came into our pid namespace from outside.
        reapers.remove(&0);
        Ok(Self { kernel, target, own, reapers, marks: HashMap::new(), catch: Catch::new(stops) })
    }

    /// Finds all members, and stops them.
    pub(super) fn search(&mut self) -> io::Result<()> {
        for root in &self.target.roots {
            // Named twice, as the first of those who are known is: it is stopped by us by now, and not of its own accord.
            if self.catch.start_of(root.pid) == Some(root.start) {
                continue;
            }
            if let Some(row) = self.kernel.read(root.pid)?
                && row.identity == *root
                && self.can_be_member(&row)
            {
                self.catch.add(self.kernel, &row)?;
            }
        }
        if !self.catch.stops() {
            return self.sweep().map(drop);
        }
        for _ in 0..MOST_SEARCHES {
            self.catch.settle(self.kernel)?;
            if !self.sweep()? {
                break;
            }
        }
        Ok(())
    }

    /// Signals all members, and lets go of them. Answers who got the signal.
    pub(super) fn release(self, signal: Signal) -> io::Result<Vec<Identity>> {
        self.catch.release(self.kernel, signal)
    }

    /// Looks for members once. `true` when there is reason to do it again: somebody was found, has gone, or did not stay
    /// stopped.
    fn sweep(&mut self) -> io::Result<bool> {
        let before = self.catch.additions();
        let has_changed = match self.sweep_by_lists()? {
            Some(has_changed) => has_changed,
            None => self.sweep_through_all()?,
        };
        Ok(has_changed || self.catch.additions() != before)
    }

    /// Goes from the members to their children, and through the children of those to whom orphans fall: what that costs
    /// depends on the family, not on how many other processes there are. `None` where it cannot be done, or not for less.
    fn sweep_by_lists(&mut self) -> io::Result<Option<bool>> {
        let mut has_changed = false;
        let mut waiting: VecDeque<u32> = self.catch.pids().collect();
        let mut reapers: Vec<u32> = self.reapers.iter().copied().collect();
        loop {
            let (parent, is_member) = match waiting.pop_front() {
                Some(pid) => (pid, true),
                None => match reapers.pop() {
                    Some(pid) => (pid, false),
                    None => return Ok(Some(has_changed)),
                },
            };
            let row = self.kernel.read(parent)?;
            if is_member {
                match &row {
                    Some(row) => has_changed |= self.catch.look_again(self.kernel, row)?,
                    None => self.catch.forget(parent),
                }
                if !self.catch.contains(parent) {
                    has_changed = true;
                    continue;
                }
            }
            let Some(row) = row else {
                // Whoever is to be found among its children is not, if it is hidden (as init can be) or has just gone.
                return Ok(None);
            };
            let catch = &self.catch;
            let children = links::children(self.kernel, &row, catch.len(), |pid| catch.contains(pid))?;
            let Some(children) = children else { return Ok(None) };
            for child in children {
                if self.can_be_member(&child) && self.belongs(&child)? && self.catch.add(self.kernel, &child)? {
                    waiting.push_back(child.identity.pid);
                }
            }
        }
    }

    /// Goes through the whole table, and then through what is new in it.
    fn sweep_through_all(&mut self) -> io::Result<bool> {
        let mut has_changed = false;
        let mut seen = HashSet::new();
        let mut others = Vec::new();
        for _ in 0..MOST_CHASES {
            let before = seen.len();
            for pid in self.kernel.pids()? {
                if !seen.insert(pid) {
                    continue;
                }
                let Some(row) = self.kernel.read(pid)? else { continue };
                if self.catch.contains(pid) {
                    has_changed |= self.catch.look_again(self.kernel, &row)?;
                } else if self.can_be_member(&row) {
                    if self.belongs(&row)? {
                        self.catch.add(self.kernel, &row)?;
                    } else {
                        others.push(row);
                    }
                }
            }
            self.look_at_others(&mut others)?;
            if seen.len() == before {
                break;
            }
        }
        Ok(has_changed)
    }

    /// Members that were read before those by which they are known: pids start from the lowest again once they are used up.
    fn look_at_others(&mut self, others: &mut Vec<ProcessRow>) -> io::Result<()> {
        loop {
            let before = others.len();
            let mut rest = Vec::with_capacity(before);
            for row in others.drain(..) {
                if self.belongs(&row)? {
                    self.catch.add(self.kernel, &row)?;
                } else {
                    rest.push(row);
                }
            }
            *others = rest;
            if others.len() == before {
                return Ok(());
            }
        }
    }

    /// Never ourselves, never init, never a part of the kernel, and nobody who has ended.
    fn can_be_member(&self, row: &ProcessRow) -> bool {
        row.identity.pid > 1 && row.identity.pid != self.own && !row.is_kernel && !row.is_over()
    }

    fn belongs(&mut self, row: &ProcessRow) -> io::Result<bool> {
        if self.is_led_by(row, row.ppid)? {
            return Ok(true);
        }
        // A process that has a parent, and that is neither a member nor a reaper of orphans, is no orphan. That keeps out who
        // has merely joined a member's group.
        if !self.reapers.contains(&row.ppid) {
            return Ok(false);
        }
        if self.is_marked(row.identity)? {
            return Ok(true);
        }
        if self.target.strangers.contains(&row.identity.pid) {
            return Ok(false);
        }
        // A number that is a session's or a group's is given to no process, even when its leader has gone. So where a member
        // has the number, it was this member who made the session or group.
        Ok(self.is_led_by(row, row.sid)? || self.is_led_by(row, row.pgid)?)
    }

    /// Whether `leader` is a member that was there before the process, and still is.
    fn is_led_by(&mut self, row: &ProcessRow, leader: u32) -> io::Result<bool> {
        let Some(start) = self.catch.start_of(leader) else { return Ok(false) };
        if start > row.identity.start {
            return Ok(false);
        }
        let now = self.kernel.read(leader)?;
        Ok(now.is_some_and(|now| now.identity.start == start))
    }

    fn is_marked(&mut self, identity: Identity) -> io::Result<bool> {
        if self.target.marks.is_empty() {
            return Ok(false);
        }
        let mark = match self.marks.get(&identity) {
            Some(&known) => known,
            None => {
                let mark = self.kernel.mark(identity.pid)?;
                self.marks.insert(identity, mark);
                mark
            }
        };
        Ok(mark.is_some_and(|mark| self.target.marks.contains(&mark)))
    }
}

#[cfg(test)]
#[path = "hunt_test.rs"]
mod test;
