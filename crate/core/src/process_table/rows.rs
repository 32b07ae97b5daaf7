//! What was read of the process table so far, and what follows from it.

use std::collections::HashMap;

use super::{ProcessRow, Visit};

/// Everybody who was read, by pid.
#[derive(Debug, Default)]
pub(super) struct Rows {
    by_pid: HashMap<u32, (ProcessRow, Vec<u8>)>,
}

impl Rows {
    pub(super) fn contains(&self, pid: u32) -> bool {
        self.by_pid.contains_key(&pid)
    }

    pub(super) fn get(&self, pid: u32) -> Option<&ProcessRow> {
        self.by_pid.get(&pid).map(|(row, _)| row)
    }

    pub(super) fn insert(&mut self, visit: Visit) {
        self.by_pid.insert(visit.row.identity.pid, (visit.row, visit.command));
    }

    pub(super) fn extend(&mut self, visits: Vec<(u32, Option<Visit>)>) {
        self.by_pid.reserve(visits.len());
        visits.into_iter().filter_map(|(_, visit)| visit).for_each(|visit| self.insert(visit));
    }

    /// Takes a newer reading of the same process.
    pub(super) fn update(&mut self, row: ProcessRow) {
        if let Some((old, _)) = self.by_pid.get_mut(&row.identity.pid) {
            *old = row;
        }
    }

    pub(super) fn remove(&mut self, pid: u32) -> Option<(ProcessRow, Vec<u8>)> {
        self.by_pid.remove(&pid)
    }

    /// The pids of `root` and its descendants, parents before their children. A child is never older than its parent:
    /// where it seems to be, the parent's pid was given to another process after the child had been read.
    pub(super) fn descend(&self, root: u32, can_be_parent: impl Fn(&ProcessRow) -> bool) -> Vec<u32> {
        let Some(first) = self.get(root) else { return Vec::new() };
        let rows: Vec<&ProcessRow> = self.by_pid.values().map(|(row, _)| row).collect();
        // For each parent the child that was met last, and for each child the one with the same parent that was met before it.
        let mut last_met = HashMap::new();
        let siblings: Vec<_> = (0..).zip(&rows).map(|(index, row)| last_met.insert(row.ppid, index)).collect();
        let mut members = vec![first];
        let mut next = 0;
        // Everybody has one parent, and the root's does not count: so nobody is met twice, even where rows that were read at
        // different times are each other's ancestors.
        while let Some(&parent) = members.get(next) {
            next += 1;
            if !can_be_parent(parent) {
                continue;
            }
            let latest = last_met.get(&parent.identity.pid).copied();
            let children = std::iter::successors(latest, |&index: &u32| siblings[index as usize]);
            let is_child = |row: &&ProcessRow| row.identity.pid != root && is_younger(row, parent);
            members.extend(children.map(|index| rows[index as usize]).filter(is_child));
        }
        members.into_iter().map(|row| row.identity.pid).collect()
    }

    /// Those whose parent, as they were read, is not there or cannot be their parent.
    pub(super) fn dangling(&self, root: u32) -> Vec<u32> {
        let rows = self.by_pid.values().map(|(row, _)| row);
        let dangling = rows.filter(|row| row.identity.pid != root && row.ppid != 0 && !self.has_parent(row));
        dangling.map(|row| row.identity.pid).collect()
    }

    /// Whether its parent is there, lives, and is no younger than it.
    pub(super) fn has_parent(&self, row: &ProcessRow) -> bool {
        self.get(row.ppid).is_some_and(|parent| !parent.is_over() && is_younger(row, parent))
    }
}

fn is_younger(row: &ProcessRow, than: &ProcessRow) -> bool {
    row.identity.start >= than.identity.start
}
