//! `tty_ioctl(4)` and `credentials(7)`: terminals, sessions and process groups.
//!
//! # Safety
//!
//! System calls with plain numbers, and integers and signal actions of our own.
#![expect(unsafe_code, reason = "the system calls themselves")]

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd},
};

use super::blocked_signals::BlockedSignals;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Our process group.
pub(crate) fn own_group() -> i32 {
    // SAFETY: no memory is involved, and it cannot fail.
    unsafe { libc::getpgrp() }
}

/// Whether we lead a session.
pub(crate) fn leads_session() -> bool {
    // SAFETY: no memory is involved, and it cannot fail for ourselves.
    unsafe { libc::getsid(0) == libc::getpid() }
}

/// The process group in the foreground of the terminal that controls us.
///
/// # Errors
///
/// `ENOTTY` when this is no terminal, or not the one that controls us.
pub(crate) fn foreground(terminal: BorrowedFd<'_>) -> io::Result<i32> {
    // SAFETY: no memory is involved.
    check(unsafe { libc::tcgetpgrp(terminal.as_raw_fd()) })
}

/// Puts a process group of our session into the foreground, also from the background.
///
/// # Errors
///
/// `ENOTTY` as with [`foreground`], `EPERM` when the group is in another session, `ESRCH` or `EINVAL` when there is none.
pub(crate) fn set_foreground(terminal: BorrowedFd<'_>, group: i32) -> io::Result<()> {
    // A group in the background that tries this is stopped by SIGTTOU, unless it does not take that.
    let _blocked = BlockedSignals::new();
    // SAFETY: no memory is involved.
    check(unsafe { libc::tcsetpgrp(terminal.as_raw_fd(), group) }).map(drop)
}

/// Lets go of the terminal that controls us, for the whole session, so that another session can have it. For its leader
/// alone.
///
/// # Errors
///
/// `ENOTTY` when it does not control us.
pub(crate) fn leave(terminal: BorrowedFd<'_>) -> io::Result<()> {
    // The kernel tells the group in the foreground, which is ours, by SIGHUP and SIGCONT. Ignored ones are not even queued:
    // nobody is to take them for signals from outside.
    let hangup = ignore(libc::SIGHUP);
    let resume = ignore(libc::SIGCONT);
    // SAFETY: no memory is involved.
    let result = check(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCNOTTY) });
    restore(libc::SIGHUP, &hangup);
    restore(libc::SIGCONT, &resume);
    result.map(drop)
}

fn ignore(signal: libc::c_int) -> libc::sigaction {
    // SAFETY: zeros are a valid sigaction on every system.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = libc::SIG_IGN;
    let mut previous = action;
    // SAFETY: both pointers are to a sigaction; these signals can be caught, so the call cannot fail.
    unsafe { libc::sigaction(signal, &raw const action, &raw mut previous) };
    previous
}

fn restore(signal: libc::c_int, action: &libc::sigaction) {
    // SAFETY: the action is one that was there before.
    unsafe { libc::sigaction(signal, action, std::ptr::null_mut()) };
}
