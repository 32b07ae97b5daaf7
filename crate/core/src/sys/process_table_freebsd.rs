//! The process table of FreeBSD: `sysctl(3)` with `KERN_PROC`.
//!
//! # Safety
//!
//! The kernel writes structures and bytes into memory of ours whose size it is told.
#![expect(unsafe_code, reason = "the call itself, and structures that the kernel filled in")]

use std::{ffi::CStr, io, mem, ptr};

use libc::{c_int, kinfo_proc};

use crate::process_table::{Identity, ProcessRow, Table};

/// What is kept of a command line.
const COMMAND: usize = 4096;

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

/// Reads what `mib` names, as many `T` as there are. `None` when there is no such process.
fn ask<T>(mib: &[c_int]) -> io::Result<Option<Vec<T>>> {
    loop {
        let mut size = 0;
        let count = mib.len() as libc::c_uint;
        // SAFETY: without a buffer, only the size is written.
        if unsafe { libc::sysctl(mib.as_ptr(), count, ptr::null_mut(), &raw mut size, ptr::null(), 0) } != 0 {
            return absent();
        }
        // Room for some more than there were a moment ago.
        let mut found = Vec::<T>::with_capacity(size / mem::size_of::<T>() + 64);
        size = found.capacity() * mem::size_of::<T>();
        let room = found.as_mut_ptr().cast();
        // SAFETY: the buffer is as large as is said, and the kernel writes no more than that.
        if unsafe { libc::sysctl(mib.as_ptr(), count, room, &raw mut size, ptr::null(), 0) } == 0 {
            // SAFETY: the kernel filled in that many bytes, and any bytes are a valid `T`: numbers, arrays and pointers.
            unsafe { found.set_len(size / mem::size_of::<T>()) };
            return Ok(Some(found));
        }
        // More processes than there was room for.
        if io::Error::last_os_error().raw_os_error() != Some(libc::ENOMEM) {
            return absent();
        }
    }
}

fn absent<T>() -> io::Result<Option<T>> {
    match io::Error::last_os_error() {
        error if matches!(error.raw_os_error(), Some(libc::ESRCH | libc::EPERM)) => Ok(None),
        error => Err(error),
    }
}

fn find(pid: u32) -> io::Result<Option<kinfo_proc>> {
    let mib = [libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_PID, pid as c_int];
    Ok(ask::<kinfo_proc>(&mib)?.and_then(|found| found.into_iter().next()))
}

fn page_size() -> u64 {
    let size = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|size| u64::try_from(size).ok()).unwrap_or(4096)
}

fn to_row(process: &kinfo_proc) -> ProcessRow {
    let time = process.ki_start;
    ProcessRow {
        identity: Identity { pid: process.ki_pid as u32, start: time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64 },
        ppid: process.ki_ppid as u32,
        pgid: process.ki_pgid as u32,
        sid: process.ki_sid as u32,
        // SIDL, SRUN, SSLEEP, SSTOP, SZOMB, SWAIT, SLOCK.
        state: *b"?IRSTZDD".get(process.ki_stat as usize).unwrap_or(&b'?'),
        threads: process.ki_numthreads as u32,
        is_kernel: process.ki_flag & libc::P_KPROC as libc::c_long != 0,
        rss: process.ki_rssize as u64 * page_size(),
        cpu_time: process.ki_runtime / 1000,
    }
}

impl Table for ProcessTable {
    fn pids(&mut self) -> io::Result<Vec<u32>> {
        let mib = [libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_PROC];
        let found = ask::<kinfo_proc>(&mib)?.unwrap_or_default();
        Ok(found.iter().map(|process| process.ki_pid as u32).collect())
    }

    fn read(&mut self, pid: u32) -> io::Result<Option<ProcessRow>> {
        Ok(find(pid)?.as_ref().map(to_row))
    }

    fn command(&mut self, pid: u32) -> io::Result<Option<Vec<u8>>> {
        let mib = [libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_ARGS, pid as c_int];
        let mut bytes = ask::<u8>(&mib)?.unwrap_or_default();
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        if !bytes.is_empty() {
            bytes.truncate(COMMAND);
            return Ok(Some(bytes.into_iter().map(|byte| if byte == 0 { b' ' } else { byte }).collect()));
        }
        let Some(process) = find(pid)? else { return Ok(None) };
        // SAFETY: the kernel ends the name with a NUL within the array.
        let name = unsafe { CStr::from_ptr(process.ki_comm.as_ptr()) };
        Ok(Some([b"[", name.to_bytes(), b"]"].concat()))
    }
}
