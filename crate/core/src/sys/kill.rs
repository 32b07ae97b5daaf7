//! `kill(2)` by pid, for any signal number.
//!
//! # Safety
//!
//! One system call with plain numbers. Typed wrappers know no real-time signals.
#![expect(unsafe_code, reason = "the system call itself")]

use std::io;

/// Sends `signal` to `pid`; `false` when there is no such process.
///
/// # Errors
///
/// `EPERM`, `EINVAL`.
pub(crate) fn kill(pid: u32, signal: i32) -> io::Result<bool> {
    // SAFETY: no memory is involved.
    if unsafe { libc::kill(pid as libc::pid_t, signal) } == 0 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ESRCH) => Ok(false),
        error => Err(error),
    }
}

/// Sends `signal` to the calling thread: its handler has run when this returns, unless the thread has it blocked.
pub(crate) fn raise(signal: i32) {
    // SAFETY: no memory is involved. It fails for a number that is no signal alone.
    unsafe { libc::raise(signal) };
}
