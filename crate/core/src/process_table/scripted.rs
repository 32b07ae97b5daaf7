//! A process table whose every answer is written down beforehand.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
};

use super::{Identity, ProcessRow, Table};

/// pid, ppid, start.
pub(crate) type Line = (u32, u32, u64);

/// Answers with what comes next in the script of a pid, and with the last of it from then on.
#[derive(Debug, Default)]
pub(crate) struct Script {
    rows: BTreeMap<u32, VecDeque<Option<ProcessRow>>>,
    /// Whether it can be asked for the children of a process.
    pub(crate) lists_children: bool,
    /// What time it is.
    pub(crate) now: u64,
}

/// A row of a sleeping process in group and session 1.
pub(crate) fn row((pid, ppid, start): Line) -> ProcessRow {
    ProcessRow {
        identity: Identity { pid, start },
        ppid,
        pgid: 1,
        sid: 1,
        state: b'S',
        threads: 1,
        is_kernel: false,
        rss: 0,
        cpu_time: 0,
    }
}

impl Script {
    /// A table that stays as it is.
    pub(crate) fn of(lines: &[Line]) -> Self {
        let rows = lines.iter().map(|&line| (line.0, VecDeque::from([Some(row(line))]))).collect();
        Self { rows, lists_children: false, now: 0 }
    }

    /// What is answered from the second reading on.
    pub(crate) fn then(mut self, pid: u32, answers: &[Option<Line>]) -> Self {
        self.rows.entry(pid).or_default().extend(answers.iter().map(|line| line.map(row)));
        self
    }
}

impl Script {
    /// As [`then`](Self::then), with a row of any kind.
    pub(crate) fn then_row(mut self, pid: u32, row: ProcessRow) -> Self {
        self.rows.entry(pid).or_default().push_back(Some(row));
        self
    }
}

impl Table for Script {
    fn pids(&mut self) -> io::Result<Vec<u32>> {
        Ok(self.rows.keys().copied().collect())
    }

    fn read(&mut self, pid: u32) -> io::Result<Option<ProcessRow>> {
        let Some(answers) = self.rows.get_mut(&pid) else { return Ok(None) };
        Ok(if answers.len() > 1 { answers.pop_front().flatten() } else { answers.front().copied().flatten() })
    }

    fn command(&mut self, pid: u32) -> io::Result<Option<Vec<u8>>> {
        Ok(Some(format!("command {pid}").into_bytes()))
    }

    fn children(&mut self, parent: &ProcessRow) -> io::Result<Option<Vec<u32>>> {
        if !self.lists_children {
            return Ok(None);
        }
        let is_child = |row: &ProcessRow| row.ppid == parent.identity.pid;
        let first = |answers: &VecDeque<Option<ProcessRow>>| answers.front().copied().flatten();
        let pids = self.rows.iter().filter(|(_, answers)| first(answers).as_ref().is_some_and(is_child));
        Ok(Some(pids.map(|(&pid, _)| pid).collect()))
    }

    fn now(&self) -> u64 {
        self.now
    }

    fn size(&mut self) -> io::Result<usize> {
        Ok(1000)
    }
}
