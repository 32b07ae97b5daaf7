//! `waitid(2)` with its rusage: the end of one child, never of anybody's. `wait4(2)` where `waitid` has no rusage.
//!
//! # Safety
//!
//! Makes the system call itself. The C library's `waitid` hides the fifth argument, the rusage, which only Linux has;
//! wrappers that convert after reaping have lost statuses for good.
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
    wait(pid, libc::WNOHANG)
}

/// Whether the child `pid` still runs. Takes nothing.
///
/// # Errors
///
/// None that is expected: a `pid` that is no unreaped child of this process does not run.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn is_running(pid: u32) -> io::Result<bool> {
    match wait(pid, libc::WNOHANG | libc::WNOWAIT) {
        Ok(status) => Ok(status.is_none()),
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the child `pid` is there, running or ended: `wait4` cannot look without taking.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn is_running(pid: u32) -> io::Result<bool> {
    super::kill::kill(pid, 0)
}

/// Whether the child `pid` has ended and was not waited for, whichever of our threads it belongs to. Takes nothing.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn has_ended(pid: u32) -> bool {
    peek(libc::P_PID, pid, 0).is_some()
}

/// Whether the child `pid` of the calling thread has ended and was not waited for. Takes nothing.
///
/// A child belongs to the thread that cloned it, an adopted one to the first thread of the process. Where children belong
/// to the process as a whole (not Linux), to any of them.
pub(crate) fn has_ended_here(pid: u32) -> bool {
    peek(libc::P_PID, pid, THIS_THREAD).is_some()
}

/// One of our children that has ended and was not waited for, if there is any. Takes nothing: this is no `waitpid(-1)`.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn any_ended() -> Option<u32> {
    peek(libc::P_ALL, 0, 0)
}

/// As [`any_ended`], among the children of the calling thread.
pub(crate) fn any_ended_here() -> Option<u32> {
    peek(libc::P_ALL, 0, THIS_THREAD)
}

/// Reaps the child `pid` of the calling thread if it has ended; a child of another thread is none of its business.
///
/// # Errors
///
/// `ECHILD` when `pid` is no unreaped child of this thread.
pub(crate) fn try_wait_here(pid: u32) -> io::Result<Option<ExitStatus>> {
    wait(pid, libc::WNOHANG | THIS_THREAD)
}

/// The signal that has stopped the child `pid`, told once for each time. Takes nothing of its end.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn take_stop(pid: u32) -> Option<i32> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: the out-pointer is valid for writes of its type.
    let result = unsafe { libc::waitid(libc::P_PID, pid, info.as_mut_ptr(), libc::WSTOPPED | libc::WNOHANG) };
    if result == -1 {
        return None;
    }
    // SAFETY: zeroed is a valid siginfo_t, which stays so when nobody has stopped.
    let info = unsafe { info.assume_init() };
    // SAFETY: after a successful waitid the union holds the SIGCHLD fields, or zeros.
    unsafe { (info.si_pid() != 0).then(|| info.si_status()) }
}

/// Not without `WSTOPPED` for `waitid`, which not every other system takes alone.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn take_stop(_pid: u32) -> Option<i32> {
    None
}

/// `__WNOTHREAD`; `waitid` takes it since Linux 4.7.
#[cfg(any(target_os = "linux", target_os = "android"))]
const THIS_THREAD: i32 = 0x2000_0000;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const THIS_THREAD: i32 = 0;

/// Looks for one that has ended without taking it.
fn peek(kind: libc::idtype_t, id: u32, whose: i32) -> Option<u32> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: the out-pointer is valid for writes of its type. WNOWAIT: no status is taken.
    let result = unsafe {
        libc::waitid(kind, id as libc::id_t, info.as_mut_ptr(), libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | whose)
    };
    if result == -1 {
        return None;
    }
    // SAFETY: zeroed is a valid siginfo_t, which stays so when nobody has ended.
    let info = unsafe { info.assume_init() };
    // SAFETY: after a successful waitid the union holds the SIGCHLD fields, or zeros.
    u32::try_from(unsafe { info.si_pid() }).ok().filter(|&pid| pid != 0)
}

/// Waits for the end of `pid`. `options` is `WNOHANG` or 0.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn wait(pid: u32, options: i32) -> io::Result<Option<ExitStatus>> {
    let options = libc::WEXITED | options;
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
    let status = if info.si_code == libc::CLD_EXITED {
        ExitStatus::from_code(number)
    } else {
        ExitStatus::from_signal(number, info.si_code == libc::CLD_DUMPED)
    };
    Ok(Some(ExitStatus { usage: decode_usage(&usage), ..status }))
}

/// Waits for the end of `pid`. `options` is `WNOHANG` or 0.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn wait(pid: u32, options: i32) -> io::Result<Option<ExitStatus>> {
    // To wait4 0 and the negative numbers are groups of processes, or everybody's: never those.
    let pid = match libc::pid_t::try_from(pid) {
        Ok(pid) if pid > 0 => pid,
        _ => return Err(io::Error::from_raw_os_error(libc::EINVAL)),
    };
    let mut packed = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both out-pointers are valid for writes of their types, and the kernel writes nowhere else.
    let result = unsafe { libc::wait4(pid, &raw mut packed, options, usage.as_mut_ptr()) };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroed is a valid rusage; the kernel filled in what it has.
    let usage = unsafe { usage.assume_init() };
    let status = if result == 0 {
        return Ok(None);
    } else if libc::WIFEXITED(packed) {
        ExitStatus::from_code(libc::WEXITSTATUS(packed))
    } else if libc::WIFSIGNALED(packed) {
        ExitStatus::from_signal(libc::WTERMSIG(packed), libc::WCOREDUMP(packed))
    } else {
        // Stopped, under a tracer: not an end.
        return Ok(None);
    };
    Ok(Some(ExitStatus { usage: decode_usage(&usage), ..status }))
}

fn decode_usage(usage: &libc::rusage) -> Usage {
    // Darwin counts the peak in bytes, everybody else in kilobytes.
    let max_rss_unit = if cfg!(target_vendor = "apple") { 1024 } else { 1 };
    Usage {
        user_cpu_time: timeval_to_micros(usage.ru_utime),
        system_cpu_time: timeval_to_micros(usage.ru_stime),
        max_rss: widen(usage.ru_maxrss) / max_rss_unit,
        shared_memory_size: widen(usage.ru_ixrss),
        unshared_data_size: widen(usage.ru_idrss),
        unshared_stack_size: widen(usage.ru_isrss),
        minor_page_faults: widen(usage.ru_minflt),
        major_page_faults: widen(usage.ru_majflt),
        swapped_out: widen(usage.ru_nswap),
        fs_read: widen(usage.ru_inblock),
        fs_write: widen(usage.ru_oublock),
        ipc_sent: widen(usage.ru_msgsnd),
        ipc_received: widen(usage.ru_msgrcv),
        signals_count: widen(usage.ru_nsignals),
        voluntary_context_switches: widen(usage.ru_nvcsw),
        involuntary_context_switches: widen(usage.ru_nivcsw),
    }
}

fn timeval_to_micros(time: libc::timeval) -> i64 {
    widen(time.tv_sec) * 1_000_000 + widen(time.tv_usec)
}

/// A C number as an `i64`: `long`, `time_t` and `suseconds_t` have 32 bits here and 64 there.
fn widen(number: impl Into<i64>) -> i64 {
    number.into()
}

#[cfg(all(test, not(loom)))]
mod test {
    use std::process::Command;

    use super::*;

    /// How a shell that runs `script` ends.
    #[expect(clippy::zombie_processes, reason = "reaping it is what is tested")]
    fn end_of(script: &str) -> ExitStatus {
        let child = Command::new("sh").args(["-c", script]).spawn().expect("sh starts");
        wait(child.id(), 0).expect("the child is ours").expect("a blocking wait ends with the child")
    }

    #[test]
    fn an_exit_code_keeps_its_whole_range() {
        assert_eq!(end_of("exit 255").code(), Some(255));
        assert!(end_of("exit 0").success());
    }

    #[test]
    fn a_signal_is_told_by_its_number() {
        let status = end_of("kill -9 $$");
        assert_eq!((status.code(), status.signal(), status.core_dumped()), (None, Some(9), false));
    }

    #[test]
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn a_real_time_signal_is_told_by_its_number() {
        assert_eq!(end_of("kill -64 $$").signal(), Some(64));
    }

    #[test]
    #[expect(clippy::zombie_processes, reason = "reaping it is what is tested")]
    fn a_running_child_is_kept_and_a_killed_one_reaped_once() {
        let mut child = Command::new("sleep").arg("1800").spawn().expect("sleep starts");
        assert_eq!(try_wait(child.id()).expect("the child is ours"), None);
        child.kill().expect("the child is ours");
        assert_eq!(wait(child.id(), 0).expect("the child is ours").and_then(|status| status.signal()), Some(9));
        let error = try_wait(child.id()).expect_err("nobody is left to wait for");
        assert_eq!(error.raw_os_error(), Some(libc::ECHILD));
    }

    #[test]
    fn nobody_in_particular_is_never_waited_for() {
        assert_eq!(try_wait(0).expect_err("0 is no process").raw_os_error(), Some(libc::EINVAL));
        assert_eq!(try_wait(u32::MAX).expect_err("-1 is no process").raw_os_error(), Some(libc::EINVAL));
    }
}
