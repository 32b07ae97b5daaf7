//! Who is alive, and who is told when that changes.

use std::{
    collections::{HashMap, HashSet},
    io,
    os::fd::OwnedFd,
    sync::Arc,
};

use super::{capture::Capture, outbox::Outbox};
use crate::{
    ExitStatus, Wait,
    sync::{Mutex, MutexGuard, lock},
};

/// Who gets the status.
#[derive(Debug, Clone)]
pub(crate) enum Owner {
    /// The environment of this outbox.
    Environment(Arc<Outbox>),
    /// Nobody in particular: the handle was dropped.
    OrphanQueue,
}

impl Owner {
    /// Whether this is the environment of `outbox`.
    pub(crate) fn is(&self, outbox: &Arc<Outbox>) -> bool {
        matches!(self, Self::Environment(own) if Arc::ptr_eq(own, outbox))
    }
}

/// One living child.
#[derive(Debug)]
pub(crate) struct Entry<C> {
    pub(crate) child: C,
    pub(crate) owner: Owner,
    pub(crate) kill_on_drop: bool,
    /// Whatever kills it kills its descendants, too.
    pub(crate) kill_tree: bool,
    /// Our ends of its pipes that nobody has claimed, by the child's descriptor; in blocking mode.
    pub(crate) stdio: Vec<Option<OwnedFd>>,
    pub(crate) capture: Option<Arc<Capture>>,
    /// How often in a row its readiness led to nothing.
    pub(crate) spurious: u32,
}

/// The living children, by an id that is never used twice. Whoever takes an entry out, and there is only one who can, is
/// the one who deals with the child's end: reports it, or hands the child to the orphan queue.
#[derive(Debug)]
pub(crate) struct Registry<C> {
    entries: Mutex<Entries<C>>,
}

/// The registry while it is locked.
#[derive(Debug)]
pub(crate) struct Entries<C> {
    /// Each in a box of its own: a table has up to twice the room that it needs, and more while it grows.
    by_id: HashMap<u64, Box<Entry<C>>>,
    orphans: usize,
}

impl<C> Registry<C> {
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::new(Entries { by_id: HashMap::new(), orphans: 0 }) }
    }

    /// Locks the registry. An event for a child that is being put in waits until it is in.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Entries<C>> {
        lock(&self.entries)
    }
}

impl<C> Entries<C> {
    pub(crate) fn insert(&mut self, id: u64, entry: Entry<C>) {
        self.orphans += usize::from(matches!(entry.owner, Owner::OrphanQueue));
        self.by_id.insert(id, Box::new(entry));
    }

    pub(crate) fn get(&mut self, id: u64) -> Option<&mut Entry<C>> {
        self.by_id.get_mut(&id).map(Box::as_mut)
    }

    /// A child of this environment. Another environment's, or an orphan, is nobody's business.
    pub(crate) fn get_own(&mut self, id: u64, outbox: &Arc<Outbox>) -> Option<&mut Entry<C>> {
        self.get(id).filter(|entry| entry.owner.is(outbox))
    }

    /// Takes a child out if what a `try_wait` said is an end: its status, or the error number that stands for one.
    pub(crate) fn take_ended(
        &mut self,
        id: u64,
        asked: io::Result<Option<ExitStatus>>,
    ) -> Option<(Entry<C>, Result<ExitStatus, i32>)> {
        let ended = match asked {
            Ok(None) => return None,
            Ok(Some(status)) => Ok(status),
            Err(error) => Err(error.raw_os_error().unwrap_or(libc::ECHILD)),
        };
        Some((self.remove(id)?, ended))
    }

    /// Takes a child out: from here on it is the caller's alone.
    pub(crate) fn remove(&mut self, id: u64) -> Option<Entry<C>> {
        let entry = *self.by_id.remove(&id)?;
        self.orphans -= usize::from(matches!(entry.owner, Owner::OrphanQueue));
        Some(entry)
    }

    /// Makes a child that belongs to an environment an orphan.
    pub(crate) fn orphan(&mut self, id: u64) {
        if let Some(entry) = self.by_id.get_mut(&id)
            && !matches!(entry.owner, Owner::OrphanQueue)
        {
            entry.owner = Owner::OrphanQueue;
            entry.kill_on_drop = false;
            self.orphans += 1;
        }
    }

    /// The ids of those that `wanted` picks.
    pub(crate) fn ids(&self, wanted: impl Fn(&Entry<C>) -> bool) -> Vec<u64> {
        self.by_id.iter().filter(|(_, entry)| wanted(entry)).map(|(&id, _)| id).collect()
    }

    /// The pids of all of them.
    pub(crate) fn pids(&self) -> HashSet<u32>
    where
        C: Wait,
    {
        self.by_id.values().map(|entry| entry.child.id()).collect()
    }

    /// Number of orphans.
    pub(crate) fn orphans(&self) -> usize {
        self.orphans
    }
}
