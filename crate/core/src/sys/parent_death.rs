//! `prctl(PR_SET_PDEATHSIG)` for ourselves: a signal when our parent dies. Linux.
//!
//! # Safety
//!
//! One system call that takes a number.
#![cfg_attr(any(target_os = "linux", target_os = "android"), expect(unsafe_code, reason = "the system call itself"))]

use std::io;

use crate::Signal;

/// Has the kernel send us `signal` when the thread that made us ends. It is the calling thread that gets it noted.
///
/// # Errors
///
/// `EINVAL` for a signal that this kernel does not have.
///
/// # References
///
/// [`PR_SET_PDEATHSIG(2const)`](https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html)
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn set(signal: Signal) -> io::Result<()> {
    // SAFETY: no memory is involved.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, signal.as_raw()) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// There is no such thing on this system.
///
/// # Errors
///
/// `ENOSYS`, always.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn set(_signal: Signal) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}
