//! The process table of macOS: `proc_listallpids`, `proc_pidinfo` of libproc, and `sysctl(3)` for command lines.
//!
//! # Safety
//!
//! The kernel writes structures and bytes into memory of ours whose size it is told.
#![expect(unsafe_code, reason = "the calls themselves, and structures that the kernel filled in")]

use std::{
    io,
    mem::{self, MaybeUninit},
    ptr,
};

use libc::c_int;

use crate::process_table::{Identity, ProcessRow, Table};

/// What is kept of a command line.
const COMMAND: usize = 4096;
/// `P_SYSTEM`: a process of the kernel.
const SYSTEM: u32 = 0x200;
/// Also find a process that has ended and was not reaped.
const FIND_ZOMBIES: u64 = 1;

/// The process table; there is nothing to hold open.
#[derive(Debug)]
pub(crate) struct ProcessTable;

impl ProcessTable {
    /// Opens the process table. Never fails here.
    pub(crate) fn open() -> io::Result<Self> {
        Ok(Self)
    }

    /// When a process of this start time was made, in milliseconds since the epoch.
    #[expect(clippy::unused_self, reason = "Linux needs it")]
    pub(crate) fn epoch_milliseconds(&self, start: u64) -> u64 {
        start / 1000
    }
}

/// What the kernel knows of one process. `None` when there is none, or none that we may ask about.
fn info<T>(pid: u32, flavor: c_int, argument: u64) -> Option<T> {
    let mut info = MaybeUninit::<T>::zeroed();
    let size = mem::size_of::<T>() as c_int;
    // SAFETY: the buffer is as large as is said.
    let written = unsafe { libc::proc_pidinfo(pid as c_int, flavor, argument, info.as_mut_ptr().cast(), size) };
    // SAFETY: it is filled in, and consists of numbers only, for which zeros would do as well.
    (written == size).then(|| unsafe { info.assume_init() })
}

/// Nanoseconds in so many ticks of the clock that processor time is told in.
#[expect(deprecated, reason = "one call is not worth another dependency")]
fn nanoseconds(ticks: u64) -> u64 {
    let mut timebase = libc::mach_timebase_info { numer: 0, denom: 0 };
    // SAFETY: the pointer is valid for a write of its type.
    unsafe { libc::mach_timebase_info(&raw mut timebase) };
    (u128::from(ticks) * u128::from(timebase.numer) / u128::from(timebase.denom.max(1))) as u64
}

impl Table for ProcessTable {
    fn pids(&mut self) -> io::Result<Vec<u32>> {
        loop {
            // SAFETY: without a buffer, their number is told.
            let count = unsafe { libc::proc_listallpids(ptr::null_mut(), 0) };
            let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
            // Room for some more than there were a moment ago.
            let mut pids = vec![0_u32; count + 64];
            let size = (pids.len() * mem::size_of::<u32>()) as c_int;
            // SAFETY: the buffer is as large as is said.
            let found = unsafe { libc::proc_listallpids(pids.as_mut_ptr().cast(), size) };
            let found = usize::try_from(found).map_err(|_| io::Error::last_os_error())?;
            if found < pids.len() {
                pids.truncate(found);
                return Ok(pids);
            }
        }
    }

    fn read(&mut self, pid: u32) -> io::Result<Option<ProcessRow>> {
        let Some(process) = info::<libc::proc_bsdinfo>(pid, libc::PROC_PIDTBSDINFO, FIND_ZOMBIES) else {
            return Ok(None);
        };
        // Not told of zombies, nor of processes of other users.
        let task = info::<libc::proc_taskinfo>(pid, libc::PROC_PIDTASKINFO, 0);
        // SAFETY: no memory is involved.
        let sid = unsafe { libc::getsid(pid as c_int) };
        Ok(Some(ProcessRow {
            identity: Identity { pid, start: process.pbi_start_tvsec * 1_000_000 + process.pbi_start_tvusec },
            ppid: process.pbi_ppid,
            pgid: process.pbi_pgid,
            sid: u32::try_from(sid).unwrap_or(0),
            // SIDL, SRUN, SSLEEP, SSTOP, SZOMB. All that live are said to run.
            state: *b"?IRSTZ".get(process.pbi_status as usize).unwrap_or(&b'?'),
            threads: task.map_or(1, |task| task.pti_threadnum as u32),
            is_kernel: process.pbi_flags & SYSTEM != 0,
            rss: task.map_or(0, |task| task.pti_resident_size),
            cpu_time: task.map_or(0, |task| nanoseconds(task.pti_total_user + task.pti_total_system) / 1_000_000),
        }))
    }

    fn command(&mut self, pid: u32) -> io::Result<Option<Vec<u8>>> {
        if let Some(command) = arguments(pid) {
            return Ok(Some(command));
        }
        let Some(process) = info::<libc::proc_bsdinfo>(pid, libc::PROC_PIDTBSDINFO, FIND_ZOMBIES) else {
            return Ok(None);
        };
        let name = process.pbi_name.iter().map(|&letter| letter as u8).take_while(|&byte| byte != 0);
        Ok(Some([b'['].into_iter().chain(name).chain([b']']).collect()))
    }
}

/// The arguments of a process of ours, joined by spaces: their number, the program's path, NULs, then one behind the other.
fn arguments(pid: u32) -> Option<Vec<u8>> {
    let mut mib = [libc::CTL_KERN, libc::KERN_PROCARGS2, pid as c_int];
    let mut bytes = vec![0_u8; 1024 * 1024];
    let mut size = bytes.len();
    // SAFETY: the buffer is as large as is said.
    let result =
        unsafe { libc::sysctl(mib.as_mut_ptr(), 3, bytes.as_mut_ptr().cast(), &raw mut size, ptr::null_mut(), 0) };
    if result != 0 {
        return None;
    }
    let (count, rest) = bytes.get(..size)?.split_first_chunk::<4>()?;
    let path = rest.iter().position(|&byte| byte == 0)?;
    let first = path + rest.get(path..)?.iter().position(|&byte| byte != 0)?;
    let count = usize::try_from(i32::from_ne_bytes(*count)).ok()?;
    let mut command = rest.get(first..)?.split(|&byte| byte == 0).take(count).collect::<Vec<_>>().join(&b' ');
    command.truncate(COMMAND);
    Some(command)
}
