//! `prctl(PR_SET_CHILD_SUBREAPER)`: being the one that orphaned descendants fall to. Linux 3.4 and later.
//!
//! # Safety
//!
//! System calls that take a number, or write one integer of ours.
#![cfg_attr(
    any(target_os = "linux", target_os = "android"),
    expect(unsafe_code, reason = "the system calls themselves")
)]

use std::io;

/// Whether this process is a subreaper.
///
/// # Errors
///
/// Whatever a kernel without subreapers says (`EINVAL`), or a seccomp filter.
///
/// # References
///
/// [`PR_GET_CHILD_SUBREAPER(2const)`](https://man7.org/linux/man-pages/man2/PR_GET_CHILD_SUBREAPER.2const.html)
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn is_set() -> io::Result<bool> {
    let mut is_subreaper: libc::c_int = 0;
    // SAFETY: the argument is the address of an integer, which is what this operation writes.
    if unsafe { libc::prctl(libc::PR_GET_CHILD_SUBREAPER, &raw mut is_subreaper) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(is_subreaper != 0)
}

/// Makes this process a subreaper, or a process like any other again. What has fallen to it before stays its child.
///
/// # Errors
///
/// As [`is_set`].
///
/// # References
///
/// [`PR_SET_CHILD_SUBREAPER(2const)`](https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html)
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn set(is_subreaper: bool) -> io::Result<()> {
    // SAFETY: no memory is involved.
    if unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, libc::c_ulong::from(is_subreaper)) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// There are no subreapers on this system.
///
/// # Errors
///
/// `ENOSYS`, always.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn is_set() -> io::Result<bool> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}

/// There are no subreapers on this system.
///
/// # Errors
///
/// `ENOSYS`, always.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn set(_is_subreaper: bool) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}
