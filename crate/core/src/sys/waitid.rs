//! `waitid(2)` with its rusage: the end of one child, never of anybody's.
//!
//! # Safety
//!
//! Makes the system call itself. The C library's `waitid` hides the fifth argument, the rusage, and the packed status of
//! `wait4` cannot tell every real-time signal; wrappers that convert after reaping have lost statuses for good.
#![expect(unsafe_code, reason = "the raw system call, and fields of a union the kernel filled in")]

use std::{io, mem::MaybeUninit};

use crate::{ExitStatus, Usage};

/// Asks whether the child `pid` has ended, and reaps it if so. Never blocks.
///
/// # Errors
///
/// `ECHILD` when `pid` is no unreaped child of this process, `EINTR` when a signal came in between.
///
/// # References
///
/// [`waitid(2)`](https://man7.org/linux/man-pages/man2/waitid.2.html)
pub(crate) fn try_wait(pid: u32) -> io::Result<Option<ExitStatus>> {
    wait(pid, libc::WEXITED | libc::WNOHANG)
}

/// Waits until the child `pid` has ended and reaps it. Only for children that were just sent SIGKILL.
///
/// # Errors
///
/// `ECHILD` when `pid` is no unreaped child of this process.
pub(crate) fn wait_killed(pid: u32) -> io::Result<()> {
    loop {
        match wait(pid, libc::WEXITED) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result.map(drop),
        }
    }
}

fn timeval_to_micros(time: libc::timeval) -> i64 {
    i64::from(time.tv_sec) * 1_000_000 + i64::from(time.tv_usec)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn wait(pid: u32, options: i32) -> io::Result<Option<ExitStatus>> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both out-pointers are valid for writes of their types, and the kernel writes nowhere else.
    let result =
        unsafe { libc::syscall(libc::SYS_waitid, libc::P_PID, pid, info.as_mut_ptr(), options, usage.as_mut_ptr()) };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroed is a valid siginfo_t and a valid rusage; the kernel filled in what it has.
    let (info, usage) = unsafe { (info.assume_init(), usage.assume_init()) };
    // SAFETY: after a successful waitid the union holds the SIGCHLD fields, or zeros when nobody has ended.
    let (ended, number) = unsafe { (info.si_pid(), info.si_status()) };
    if ended == 0 {
        return Ok(None);
    }
    let usage = Usage {
        user_cpu_time: timeval_to_micros(usage.ru_utime),
        system_cpu_time: timeval_to_micros(usage.ru_stime),
        max_rss: usage.ru_maxrss,
        shared_memory_size: usage.ru_ixrss,
        unshared_data_size: usage.ru_idrss,
        unshared_stack_size: usage.ru_isrss,
        minor_page_faults: usage.ru_minflt,
        major_page_faults: usage.ru_majflt,
        swapped_out: usage.ru_nswap,
        fs_read: usage.ru_inblock,
        fs_write: usage.ru_oublock,
        ipc_sent: usage.ru_msgsnd,
        ipc_received: usage.ru_msgrcv,
        signals_count: usage.ru_nsignals,
        voluntary_context_switches: usage.ru_nvcsw,
        involuntary_context_switches: usage.ru_nivcsw,
    };
    let status = if info.si_code == libc::CLD_EXITED {
        ExitStatus::from_code(number)
    } else {
        ExitStatus::from_signal(number, info.si_code == libc::CLD_DUMPED)
    };
    Ok(Some(ExitStatus { usage, ..status }))
}
