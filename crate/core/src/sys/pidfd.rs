//! `pidfd_open(2)`, `pidfd_send_signal(2)`: a process as a descriptor. Linux 5.3 and later.
//!
//! # Safety
//!
//! Makes the system calls itself: not every C library brood is built against wraps them. A descriptor is owned from
//! the line that receives it.
#![expect(unsafe_code, reason = "raw system calls, and the ownership of the descriptor one of them returns")]

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    ptr,
};

use crate::Signal;

/// Makes a pidfd that `waitid(2)` never blocks on. Linux 5.10 and later.
pub(crate) const PIDFD_NONBLOCK: u32 = libc::O_NONBLOCK.cast_unsigned();

/// Opens a descriptor that refers to `pid`; it is close-on-exec, and readable once the process has ended.
///
/// # Errors
///
/// `ENOSYS` before Linux 5.3, `ENOSYS` or `EPERM` under a seccomp filter, `EINVAL` for a flag this kernel does not have,
/// `EMFILE` or `ENFILE` when the process or the system is out of descriptors, `ESRCH` when `pid` is gone and was reaped.
/// Never `EINTR`: it does not sleep.
///
/// # References
///
/// [`pidfd_open(2)`](https://man7.org/linux/man-pages/man2/pidfd_open.2.html)
pub(crate) fn pidfd_open(pid: u32, flags: u32) -> io::Result<OwnedFd> {
    // SAFETY: both arguments are plain numbers.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) };
    if result == -1 {
        return Err(io::Error::last_os_error());
    }
    let descriptor = RawFd::try_from(result).expect("the kernel numbers descriptors with an int");
    // SAFETY: pidfd_open returned >= 0, so this descriptor is open and ours.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Sends `signal` to the process that `pidfd` refers to, and to no other one ever.
///
/// # Errors
///
/// `ESRCH` when the process is gone and was reaped, `EPERM` when it changed its credentials or a seccomp filter says so,
/// `ENOSYS` before Linux 5.1, `EINVAL` for a signal this kernel does not have. Never `EINTR`: it does not sleep.
///
/// # References
///
/// [`pidfd_send_signal(2)`](https://man7.org/linux/man-pages/man2/pidfd_send_signal.2.html)
pub(crate) fn pidfd_send_signal(pidfd: BorrowedFd<'_>, signal: Signal) -> io::Result<()> {
    let no_info = ptr::null::<libc::siginfo_t>();
    // SAFETY: the descriptor is open for the time of the call; a null siginfo makes the kernel fill in what kill(2) does.
    let result =
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal.as_raw(), no_info, 0_u32) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
