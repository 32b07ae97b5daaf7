//! The kernel's process table: who is there, who is whose parent, and since when.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod crowd;
mod family;
mod gather;
pub(crate) mod links;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
mod rows;
#[cfg(test)]
pub(crate) mod scripted;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) mod stat;

use std::io;

pub use self::family::{FamilyRow, process_family};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use self::linux::ProcessTable;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use crate::sys::process_table::ProcessTable;

/// One process for all time: a pid alone is given to another process some day, but not with the same start time.
///
/// Linux tells start times in hundredths of a second. For two processes to be taken for one, all pids would have to be used
/// up and begun anew within that time, which takes longer even with the smallest range of pids that can be set (301).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The process id.
    pub pid: u32,
    /// When it was made, in the kernel's own unit: ticks since boot on Linux, microseconds since the epoch elsewhere.
    pub start: u64,
}

/// One process, as the kernel had it at the time of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessRow {
    /// The process and its start.
    pub identity: Identity,
    /// The parent's pid; 0 where that is outside of our pid namespace, and for init.
    pub ppid: u32,
    /// The process group; 0 where that was made outside of our pid namespace, and for threads of the kernel.
    pub pgid: u32,
    /// The session; 0 as with the group.
    pub sid: u32,
    /// A letter: R runs, S sleeps, D waits for a device, T is stopped, t is stopped by a tracer, Z is a zombie, I is idle,
    /// X is just going.
    pub state: u8,
    /// How many threads it has.
    pub threads: u32,
    /// Whether it is a thread of the kernel.
    pub is_kernel: bool,
    /// Resident memory in bytes.
    pub rss: u64,
    /// Processor time used so far, by all its threads, in milliseconds.
    pub cpu_time: u64,
}

impl ProcessRow {
    /// Whether it has ended, and is only there for its parent to take its status.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }

    /// Whether it is stopped, by a signal or by a tracer.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.state, b'T' | b't')
    }
}

/// All that one look at a process tells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Visit {
    pub(crate) row: ProcessRow,
    /// As [`Table::command`].
    pub(crate) command: Vec<u8>,
    /// As [`Table::children`]; `None` also where nobody asked.
    pub(crate) children: Option<Vec<u32>>,
    /// Whether it certainly had its children still when they were listed: a process that ends gives them away.
    pub(crate) outlived: bool,
}

/// A process table that can be asked. What is not there (any more) is `None`, not an error.
pub(crate) trait Table {
    /// The pids of all processes that are there from the beginning of this call to its end, and of some others.
    fn pids(&mut self) -> io::Result<Vec<u32>>;

    /// One process.
    fn read(&mut self, pid: u32) -> io::Result<Option<ProcessRow>>;

    /// Its command line, with spaces between the arguments; its name in brackets where it has none.
    fn command(&mut self, pid: u32) -> io::Result<Option<Vec<u8>>>;

    /// The pids of its children; `None` where the table cannot tell. To be asked by way of [`links::children`].
    fn children(&mut self, _parent: &ProcessRow) -> io::Result<Option<Vec<u32>>> {
        Ok(None)
    }

    /// What time it is, as start times go. Who has a lower one was there before this call. 0 where that cannot be told.
    fn now(&self) -> u64 {
        0
    }

    /// One process with its command line and, if asked for, its children; all of the same process.
    fn visit(&mut self, pid: u32, asks_children: bool) -> io::Result<Option<Visit>> {
        let Some(row) = self.read(pid)? else { return Ok(None) };
        let children = if asks_children { self.children(&row)? } else { None };
        let Some(command) = self.command(pid)? else { return Ok(None) };
        Ok(Some(Visit { row, command, children, outlived: !row.is_over() }))
    }

    /// Visits many, with their children, in no particular order.
    fn visit_all(&mut self, pids: &[u32]) -> io::Result<Vec<(u32, Option<Visit>)>> {
        pids.iter().map(|&pid| Ok((pid, self.visit(pid, true)?))).collect()
    }

    /// Visits everybody, without their children, but for those that are known.
    fn visit_others(&mut self, is_known: &(dyn Fn(u32) -> bool + Sync)) -> io::Result<Vec<(u32, Option<Visit>)>> {
        let others = self.pids()?.into_iter().filter(|&pid| !is_known(pid));
        others.map(|pid| Ok((pid, self.visit(pid, false)?))).collect()
    }

    /// How many processes there are, about.
    fn size(&mut self) -> io::Result<usize> {
        Ok(0)
    }

    /// Whether all its threads are stopped.
    fn is_stopped(&mut self, row: &ProcessRow) -> io::Result<bool> {
        Ok(row.is_stopped())
    }

    /// The mark that it has from the spawn it descends from; see [`crate::family`].
    fn mark(&mut self, _pid: u32) -> io::Result<Option<u64>> {
        Ok(None)
    }
}
