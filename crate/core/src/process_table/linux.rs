//! The process table of Linux: `/proc`.

use std::{
    fs, io,
    io::Write,
    os::fd::{AsFd, OwnedFd},
    str,
    sync::{Arc, OnceLock},
};

use nix::{
    fcntl::{OFlag, open, openat},
    sys::stat::Mode,
    unistd::{SysconfVar, sysconf},
};

use super::{
    ProcessRow, Table, Visit, crowd,
    stat::{name, number, parse},
};
use crate::sys::{clock, read};

/// What is read of a command line: what a person can read of it, and not the two megabytes that it may be.
const COMMAND: usize = 4096;
/// More than `/proc/PID/stat` ever is: 52 numbers of at most 20 digits, and a name of 16 bytes.
const STAT: usize = 2048;
/// As little as the kernel hands out of a long file at a time.
const PAGE: usize = 2048;
/// More than `/proc/PID/limits` ever is: 17 lines of 80 bytes.
const LIMITS: usize = 4096;
/// The most bytes that are read of a list of children; it has as many as there are pids, of at most 8 bytes each.
const CHILDREN: usize = 32 * 1024 * 1024;
/// What is read in one go from a file that may be long.
const PIECE: usize = 64 * 1024;
/// More than `/proc/loadavg` ever is.
const LOAD: usize = 256;
/// How many pids are handed on at a time while the rest is listed.
const BATCH: usize = 128;
/// How often a list of threads is read once more of which one has ended.
const TRIES: usize = 8;

/// A view of `/proc`. It holds one descriptor, and reads into memory that it keeps.
#[derive(Debug)]
pub(crate) struct ProcessTable {
    proc: Arc<OwnedFd>,
    path: Vec<u8>,
    bytes: Vec<u8>,
    /// The name of the last process that was read.
    name: Vec<u8>,
    page: u64,
    ticks: u64,
}

impl ProcessTable {
    /// Opens the process table.
    ///
    /// # Errors
    ///
    /// `ENOENT` where `/proc` is not mounted, `EMFILE` and `ENFILE` when there is no descriptor left.
    pub(crate) fn open() -> io::Result<Self> {
        let proc = open("/proc", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
        let (page, ticks) = (unit(SysconfVar::PAGE_SIZE, 4096), unit(SysconfVar::CLK_TCK, 100));
        Ok(Self::of(Arc::new(proc), page, ticks))
    }

    fn of(proc: Arc<OwnedFd>, page: u64, ticks: u64) -> Self {
        let [path, bytes, name] = [64, COMMAND, 64].map(Vec::with_capacity);
        Self { proc, path, bytes, name, page, ticks }
    }

    /// The same view for another thread: the descriptor is shared, the memory is not.
    pub(super) fn another(&self) -> Self {
        Self::of(Arc::clone(&self.proc), self.page, self.ticks)
    }

    /// When a process of this start time was made, in milliseconds since the epoch.
    pub(crate) fn epoch_milliseconds(&self, start: u64) -> u64 {
        clock::boot_milliseconds() + start * 1000 / self.ticks
    }

    /// Opens a file below `/proc`. `None` when the process is gone.
    fn open_file(&mut self, path: std::fmt::Arguments<'_>) -> io::Result<Option<OwnedFd>> {
        self.path.clear();
        self.path.write_fmt(path).expect("a vector takes all that is written to it");
        match openat(&self.proc, self.path.as_slice(), OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()) {
            Ok(file) => Ok(Some(file)),
            Err(error) => absent_or(error.into()).map(|_| None),
        }
    }

    /// Reads a file into `self.bytes`. `false` when the process is gone.
    fn read_file(&mut self, limit: usize, file: &OwnedFd) -> io::Result<bool> {
        self.bytes.clear();
        while self.bytes.len() < limit {
            let room = (limit - self.bytes.len()).min(PIECE);
            match read::append(file.as_fd(), &mut self.bytes, room) {
                // These files are made when they are read: less than there was room for is all there is. But a list is handed
                // out by the page.
                Ok(count) if count < room.min(PAGE) => break,
                Ok(_) => {}
                Err(error) => return absent_or(error),
            }
        }
        Ok(true)
    }

    /// Reads a file below `/proc` into `self.bytes`. `false` when the process is gone.
    fn load(&mut self, limit: usize, path: std::fmt::Arguments<'_>) -> io::Result<bool> {
        match self.open_file(path)? {
            Some(file) => self.read_file(limit, &file),
            None => Ok(false),
        }
    }

    fn load_stat(&mut self, path: std::fmt::Arguments<'_>) -> io::Result<Option<ProcessRow>> {
        Ok(if self.load(STAT, path)? { parse(&self.bytes, self.page, self.ticks) } else { None })
    }

    /// The entries of a directory below `/proc` that are numbers; none when the process is gone.
    fn numbers(&self, path: std::fmt::Arguments<'_>) -> io::Result<Vec<u32>> {
        let mut numbers = Vec::new();
        Self::each_number(path, |number| numbers.push(number))?;
        Ok(numbers)
    }

    fn each_number(path: std::fmt::Arguments<'_>, mut take: impl FnMut(u32)) -> io::Result<()> {
        let entries = match fs::read_dir(format!("/proc/{path}")) {
            Ok(entries) => entries,
            Err(error) => return absent_or(error).map(drop),
        };
        for entry in entries {
            match entry {
                Ok(entry) => {
                    if let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
                        take(number);
                    }
                }
                Err(error) => return absent_or(error).map(drop),
            }
        }
        Ok(())
    }

    /// The rows of the threads of a process, in no particular order.
    fn threads(&mut self, pid: u32) -> io::Result<Vec<ProcessRow>> {
        let mut rows = Vec::new();
        for tid in self.numbers(format_args!("{pid}/task"))? {
            rows.extend(self.load_stat(format_args!("{pid}/task/{tid}/stat"))?);
        }
        Ok(rows)
    }
}

impl Table for ProcessTable {
    fn pids(&mut self) -> io::Result<Vec<u32>> {
        self.numbers(format_args!("."))
    }

    fn read(&mut self, pid: u32) -> io::Result<Option<ProcessRow>> {
        let Some(mut row) = self.load_stat(format_args!("{pid}/stat"))? else { return Ok(None) };
        self.name.clear();
        self.name.extend_from_slice(name(&self.bytes).unwrap_or_default());
        // A process whose first thread has ended shows that thread, a zombie, which stays until the others have ended, too.
        // It lives, and its memory is told by those.
        if row.is_over()
            && row.threads > 1
            && let Some(thread) = self.threads(pid)?.iter().find(|thread| !thread.is_over())
        {
            (row.state, row.rss) = (thread.state, thread.rss);
        }
        Ok(Some(row))
    }

    fn command(&mut self, pid: u32) -> io::Result<Option<Vec<u8>>> {
        Ok(self.visit(pid, false)?.map(|visit| visit.command))
    }

    /// The file of the command line is opened first and read last, and it belongs to a process, not to a pid: once that
    /// process was reaped, there is nothing more to be read. So if it can be read, the same process had the pid all the time.
    ///
    /// And if there is something in it, the process had its memory still. That is given up before the children are
    /// (`exit_mm` and `exit_notify` in `do_exit`), so it had them, too, when they were listed.
    fn visit(&mut self, pid: u32, asks_children: bool) -> io::Result<Option<Visit>> {
        let file = self.open_file(format_args!("{pid}/cmdline"))?;
        let Some(row) = self.read(pid)? else { return Ok(None) };
        let children = if asks_children { self.children(&row)? } else { None };
        match &file {
            Some(file) if !self.read_file(COMMAND, file)? => return Ok(None),
            Some(_) => {}
            None => self.bytes.clear(),
        }
        // Programs that write a title of their own into it leave NULs behind.
        let length = self.bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        let command = match &self.bytes[..length] {
            // Zombies and threads of the kernel have a name only.
            [] => [b"[", self.name.as_slice(), b"]"].concat(),
            line => line.iter().map(|&byte| if byte == 0 { b' ' } else { byte }).collect(),
        };
        Ok(Some(Visit { row, command, children, outlived: !self.bytes.is_empty() }))
    }

    fn visit_all(&mut self, pids: &[u32]) -> io::Result<Vec<(u32, Option<Visit>)>> {
        crowd::visit(self, pids.len(), true, |feed| {
            feed(pids);
            Ok(())
        })
    }

    fn visit_others(&mut self, is_known: &(dyn Fn(u32) -> bool + Sync)) -> io::Result<Vec<(u32, Option<Visit>)>> {
        let expected = self.size()?;
        crowd::visit(self, expected, false, |feed| {
            // The first are read while the kernel goes through the rest.
            let mut batch = Vec::with_capacity(BATCH);
            Self::each_number(format_args!("."), |pid| {
                if !is_known(pid) {
                    batch.push(pid);
                }
                if batch.len() == BATCH {
                    feed(&batch);
                    batch.clear();
                }
            })?;
            feed(&batch);
            Ok(())
        })
    }

    fn now(&self) -> u64 {
        clock::since_boot(self.ticks)
    }

    fn children(&mut self, parent: &ProcessRow) -> io::Result<Option<Vec<u32>>> {
        if !lists_children() {
            return Ok(None);
        }
        let pid = parent.identity.pid;
        let mut children = Vec::new();
        // Each thread has the children that it made. Those of a thread that ends go to another one, whose list may have been
        // read already.
        'again: for _ in 0..TRIES {
            children.clear();
            let threads = if parent.threads > 1 { self.numbers(format_args!("{pid}/task"))? } else { vec![pid] };
            for tid in threads {
                if !self.load(CHILDREN, format_args!("{pid}/task/{tid}/children"))? {
                    continue 'again;
                }
                children.extend(words(&self.bytes).filter_map(number).filter_map(|pid| u32::try_from(pid).ok()));
            }
            break;
        }
        Ok(Some(children))
    }

    fn size(&mut self) -> io::Result<usize> {
        // "0.01 0.02 0.03 1/234 567": of 234 threads one runs.
        if !self.load(LOAD, format_args!("loadavg"))? {
            return Ok(0);
        }
        let count = words(&self.bytes).nth(3).and_then(|word| number(word.split(|&byte| byte == b'/').nth(1)?));
        Ok(count.map_or(0, |count| count as usize))
    }

    fn is_stopped(&mut self, row: &ProcessRow) -> io::Result<bool> {
        if row.threads <= 1 || !row.is_stopped() {
            return Ok(row.is_stopped());
        }
        // Each thread stops by itself: the first one may have while another is just about to fork.
        let threads = self.threads(row.identity.pid)?;
        Ok(threads.iter().all(|thread| thread.is_stopped() || thread.is_over()))
    }

    fn mark(&mut self, pid: u32) -> io::Result<Option<u64>> {
        if !self.load(LIMITS, format_args!("{pid}/limits"))? {
            return Ok(None);
        }
        let text = str::from_utf8(&self.bytes).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("Max file locks "));
        // "unlimited" where it was never limited.
        Ok(line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok()))
    }
}

/// What the kernel counts in.
fn unit(name: SysconfVar, usual: u64) -> u64 {
    let value = sysconf(name).ok().flatten();
    value.and_then(|value| u64::try_from(value).ok()).filter(|&value| value > 0).unwrap_or(usual)
}

/// Whether an error says that there is no such process: `ENOENT` when it was gone before the file was opened, `ESRCH` when
/// it went before it was read. `EACCES` is what some containers answer for processes that are not to be seen.
fn absent_or(error: io::Error) -> io::Result<bool> {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ESRCH | libc::EACCES | libc::EPERM) => Ok(false),
        _ => Err(error),
    }
}

/// Whether the kernel tells the children of a thread (`CONFIG_PROC_CHILDREN`, Linux 4.2 and later).
fn lists_children() -> bool {
    static LISTS: OnceLock<bool> = OnceLock::new();
    let pid = std::process::id();
    *LISTS.get_or_init(|| fs::exists(format!("/proc/self/task/{pid}/children")).unwrap_or(false))
}

fn words(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod test {
    use std::process::{self, Command};

    use super::*;

    #[test]
    fn we_are_there_with_what_others_tell_of_us() {
        let mut table = ProcessTable::open().expect("/proc is mounted");
        assert!(table.pids().expect("it can be listed").contains(&process::id()));
        let row = table.read(process::id()).expect("it can be read").expect("we are there");
        assert_eq!(row.ppid as i32, nix::unistd::getppid().as_raw());
        assert_eq!(row.pgid as i32, nix::unistd::getpgrp().as_raw());
        assert!(!row.is_over() && row.rss > 0 && !row.is_kernel);
        let command = table.command(process::id()).expect("it can be read").expect("we are there");
        let command = String::from_utf8(command).expect("UTF-8");
        assert!(command.starts_with(&std::env::args().next().expect("argv[0]")), "{command}");
    }

    #[test]
    fn a_zombie_is_over_and_has_a_name_only() {
        let mut table = ProcessTable::open().expect("/proc is mounted");
        let mut child = Command::new("true").spawn().expect("true starts");
        let pid = child.id();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !table.read(pid).expect("it can be read").expect("it is unreaped").is_over() {
            assert!(std::time::Instant::now() < deadline, "it never ended");
            std::thread::yield_now();
        }
        assert_eq!(table.command(pid).expect("it can be read").as_deref(), Some(&b"[true]"[..]));
        child.wait().expect("it is ours");
        assert_eq!(table.read(pid).expect("gone is an answer"), None);
        assert_eq!(table.command(pid).expect("gone is an answer"), None);
    }
}
