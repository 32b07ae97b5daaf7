//! Killing children together with their descendants.

use std::io;

use super::{Driver, environment::Environment};
use crate::{
    Identity, Signal, Wait,
    family::{self, Target, mark},
};

impl Environment {
    /// Signals the child and all its living descendants, and those of `known` that still run; answers who was signalled.
    /// Signal 0 only finds them. Of a child that has ended, the descendants are found that carry its mark.
    ///
    /// # Errors
    ///
    /// As [`kill_family`](crate::kill_family), but for `ESRCH`: then the answer is nobody.
    pub fn kill_tree(&self, id: u64, known: &[Identity], signal: Signal) -> io::Result<Vec<Identity>> {
        let mut target = self.driver.target(&[id])?;
        target.roots.extend(family::still_running(known)?);
        family::kill(&target, signal)
    }
}

impl Driver {
    /// The families of these children.
    fn target(&self, ids: &[u64]) -> io::Result<Target> {
        let mut target = Target { marks: ids.iter().map(|&id| mark::of(id)).collect(), ..Target::default() };
        let mut entries = self.children.lock();
        for &id in ids {
            // Under the lock: nobody reaps it now, so whoever has the pid is the child.
            if let Some(entry) = entries.get(id)
                && let Some(identity) = family::find_running(entry.child.id())?
            {
                target.roots.push(identity);
            }
        }
        let others = entries.ids(|_| true).into_iter().filter(|id| !ids.contains(id)).collect::<Vec<_>>();
        target.strangers = others.into_iter().filter_map(|id| Some(entries.get(id)?.child.id())).collect();
        Ok(target)
    }

    /// Kills those of these children that are to be killed when they are dropped, and that with all their descendants. What
    /// fails here does not keep the child itself from being killed.
    pub(super) fn kill_trees(&self, ids: &[u64]) {
        let ids: Vec<_> = {
            let mut entries = self.children.lock();
            let mut is_wanted = |id| entries.get(id).is_some_and(|entry| entry.kill_on_drop && entry.kill_tree);
            ids.iter().copied().filter(|&id| is_wanted(id)).collect()
        };
        if !ids.is_empty() {
            let _ = self.target(&ids).and_then(|target| family::kill(&target, Signal::KILL));
        }
    }

    /// Kills the descendants of a child whose output is too much, if it is one of those.
    pub(super) fn kill_whole_tree(&self, id: u64) {
        if self.children.lock().get(id).is_some_and(|entry| entry.kill_tree) {
            let _ = self.target(&[id]).and_then(|target| family::kill(&target, Signal::KILL));
        }
    }
}
