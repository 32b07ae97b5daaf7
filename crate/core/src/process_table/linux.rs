//! The process table of Linux: `/proc`.

use std::{
    fs, io,
    io::Write,
    os::fd::{AsFd, OwnedFd},
    str,
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, open, openat},
    sys::stat::Mode,
    unistd::{SysconfVar, sysconf},
};

use super::{Identity, ProcessRow, Table};
use crate::sys::read;

/// What is read of a command line: what a person can read of it, and not the two megabytes that it may be.
const COMMAND: usize = 4096;
/// More than `/proc/PID/stat` ever is: 52 numbers of at most 20 digits, and a name of 16 bytes.
const STAT: usize = 2048;
/// More than `/proc/PID/limits` ever is: 17 lines of 80 bytes.
const LIMITS: usize = 4096;
/// `PF_KTHREAD`.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// A view of `/proc`. It holds one descriptor, and reads into memory that it keeps.
#[derive(Debug)]
pub(crate) struct ProcessTable {
    proc: OwnedFd,
    path: Vec<u8>,
    bytes: Vec<u8>,
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
        Ok(Self {
            proc,
            path: Vec::with_capacity(64),
            bytes: Vec::with_capacity(COMMAND),
            page: unit(SysconfVar::PAGE_SIZE, 4096),
            ticks: unit(SysconfVar::CLK_TCK, 100),
        })
    }

    /// When a process of this start time was made, in milliseconds since the epoch.
    pub(crate) fn epoch_milliseconds(&self, start: u64) -> u64 {
        crate::sys::clock::boot_milliseconds() + start * 1000 / self.ticks
    }

    /// Reads a file below `/proc` into `self.bytes`. `false` when the process is gone.
    fn load(&mut self, limit: usize, path: std::fmt::Arguments<'_>) -> io::Result<bool> {
        self.bytes.clear();
        self.path.clear();
        self.path.write_fmt(path).expect("a vector takes all that is written to it");
        let path = self.path.as_slice();
        let file = match openat(&self.proc, path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()) {
            Ok(file) => file,
            Err(error) => return absent_or(error.into()),
        };
        while self.bytes.len() < limit {
            let room = limit - self.bytes.len();
            match read::append(file.as_fd(), &mut self.bytes, room) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => return absent_or(error),
            }
        }
        Ok(true)
    }

    fn load_stat(&mut self, path: std::fmt::Arguments<'_>) -> io::Result<Option<ProcessRow>> {
        Ok(if self.load(STAT, path)? { parse(&self.bytes, self.page, self.ticks) } else { None })
    }

    /// The rows of the threads of a process, in no particular order.
    fn threads(&mut self, pid: u32) -> io::Result<Vec<ProcessRow>> {
        let mut rows = Vec::new();
        for tid in match numbers(&format!("/proc/{pid}/task")) {
            Ok(tids) => tids,
            Err(error) => return absent_or(error).map(|_| rows),
        } {
            rows.extend(self.load_stat(format_args!("{pid}/task/{tid}/stat"))?);
        }
        Ok(rows)
    }
}

impl Table for ProcessTable {
    fn pids(&mut self) -> io::Result<Vec<u32>> {
        numbers("/proc")
    }

    fn read(&mut self, pid: u32) -> io::Result<Option<ProcessRow>> {
        let Some(mut row) = self.load_stat(format_args!("{pid}/stat"))? else { return Ok(None) };
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

    fn command(&mut self, pid: u32) -> io::Result<Vec<u8>> {
        if self.load(COMMAND, format_args!("{pid}/cmdline"))? {
            // Programs that write a title of their own into it leave NULs behind.
            let length = self.bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            if length > 0 {
                return Ok(self.bytes[..length].iter().map(|&byte| if byte == 0 { b' ' } else { byte }).collect());
            }
        }
        // Zombies and threads of the kernel have a name only.
        self.load(COMMAND, format_args!("{pid}/comm"))?;
        let name = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        Ok([b"[", name, b"]"].concat())
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

/// The entries of a directory that are numbers.
fn numbers(path: &str) -> io::Result<Vec<u32>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(path)? {
        match entry {
            Ok(entry) => numbers.extend(entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok())),
            // The process whose threads these are is gone.
            Err(error) if error.raw_os_error() == Some(Errno::ENOENT as i32) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(numbers)
}

/// Reads one line of `/proc/PID/stat`. `None` for a process that is being taken out of the table right now.
///
/// The second field is the program's name in parentheses, and the name may hold anything: spaces, parentheses, newlines.
/// What comes behind it are numbers and one letter, so the last parenthesis is the end of it.
///
/// # References
///
/// [`proc_pid_stat(5)`](https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html)
fn parse(bytes: &[u8], page: u64, ticks: u64) -> Option<ProcessRow> {
    let pid = number(bytes.split(|&byte| byte == b' ').next()?)?;
    let end = bytes.iter().rposition(|&byte| byte == b')')?;
    // From the third field on.
    let mut fields = bytes.get(end + 2..)?.split(|&byte| byte == b' ');
    let state = *fields.next()?.first()?;
    let mut next = |skip: usize| number(fields.nth(skip)?);
    let ppid = next(0)?;
    // -1 for both where the process has just been reaped.
    let pgid = next(0)?;
    let sid = next(0)?;
    let flags = next(2)?;
    let (user, system) = (next(4)?, next(0)?);
    let threads = next(4)?;
    let start = next(1)?;
    let rss = next(1)?;
    Some(ProcessRow {
        identity: Identity { pid: u32::try_from(pid).ok()?, start },
        ppid: u32::try_from(ppid).ok()?,
        pgid: u32::try_from(pgid).ok()?,
        sid: u32::try_from(sid).ok()?,
        state,
        threads: u32::try_from(threads).ok()?,
        is_kernel: flags & KERNEL_THREAD != 0,
        rss: rss * page,
        cpu_time: (user + system) * 1000 / ticks,
    })
}

/// A number without a sign; `None` for one below zero.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &digit| {
        let digit = digit.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod test {
    use std::process::{self, Command};

    use super::*;

    const REST: &str = "S 7 8 9 0 -1 4194304 97 0 0 0 30 20 5 6 20 0 3 0 457002 3133440 350 18446744073709551615 1 2";

    fn parsed(name: &str, rest: &str) -> Option<ProcessRow> {
        parse(format!("42 ({name}) {rest}\n").as_bytes(), 4096, 100)
    }

    #[test]
    fn a_line_is_read_whatever_the_name_holds() {
        let row = ProcessRow {
            identity: Identity { pid: 42, start: 457_002 },
            ppid: 7,
            pgid: 8,
            sid: 9,
            state: b'S',
            threads: 3,
            is_kernel: false,
            rss: 350 * 4096,
            cpu_time: 500,
        };
        for name in ["cat", "", " ", ")", ") S 1 2 3 (", "a\nb", "))))", "42 (x) R 1 1 1", "\u{e9}"] {
            assert_eq!(parsed(name, REST), Some(row), "{name:?}");
        }
        assert_eq!(parse(b"42 (\xff\xfe) S 7 8 9", 4096, 100), None, "cut off");
        let bytes = [b"42 (\xff) ".as_slice(), REST.as_bytes()].concat();
        assert_eq!(parse(&bytes, 4096, 100), Some(row), "no UTF-8");
    }

    #[test]
    fn a_process_that_is_being_reaped_is_none() {
        assert_eq!(parsed("x", &REST.replace("7 8 9", "0 -1 -1")), None);
    }

    #[test]
    fn nothing_that_is_no_stat_is_one() {
        for bytes in [&b""[..], b"42", b"42 (", b"42 (x", b"42 (x)", b"42 (x) ", b"x (x) S", b"4294967296 (x) S"] {
            assert_eq!(parse(bytes, 4096, 100), None, "{bytes:?}");
        }
        assert_eq!(parsed("x", &REST.replace("457002", "99999999999999999999999")), None);
    }

    #[test]
    fn we_are_there_with_what_others_tell_of_us() {
        let mut table = ProcessTable::open().expect("/proc is mounted");
        assert!(table.pids().expect("it can be listed").contains(&process::id()));
        let row = table.read(process::id()).expect("it can be read").expect("we are there");
        assert_eq!(row.ppid as i32, nix::unistd::getppid().as_raw());
        assert_eq!(row.pgid as i32, nix::unistd::getpgrp().as_raw());
        assert!(!row.is_over() && row.rss > 0 && !row.is_kernel);
        let command = String::from_utf8(table.command(process::id()).expect("it can be read")).expect("UTF-8");
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
        assert_eq!(table.command(pid).expect("it can be read"), b"[true]");
        child.wait().expect("it is ours");
        assert_eq!(table.read(pid).expect("gone is an answer"), None);
    }
}
