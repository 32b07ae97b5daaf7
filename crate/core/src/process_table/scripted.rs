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
pub(crate) struct Script(BTreeMap<u32, VecDeque<Option<ProcessRow>>>);

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
        Self(lines.iter().map(|&line| (line.0, VecDeque::from([Some(row(line))]))).collect())
    }

    /// What is answered from the second reading on.
    pub(crate) fn then(&mut self, pid: u32, answers: &[Option<Line>]) {
        self.0.entry(pid).or_default().extend(answers.iter().map(|line| line.map(row)));
    }
}

impl Table for Script {
    fn pids(&mut self) -> io::Result<Vec<u32>> {
        Ok(self.0.keys().copied().collect())
    }

    fn read(&mut self, pid: u32) -> io::Result<Option<ProcessRow>> {
        let Some(answers) = self.0.get_mut(&pid) else { return Ok(None) };
        Ok(if answers.len() > 1 { answers.pop_front().flatten() } else { answers.front().copied().flatten() })
    }

    fn command(&mut self, pid: u32) -> io::Result<Vec<u8>> {
        Ok(format!("command {pid}").into_bytes())
    }
}
