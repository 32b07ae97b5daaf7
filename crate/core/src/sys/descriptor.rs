//! Descriptors that come as numbers from outside.
//!
//! # Safety
//!
//! A number becomes a borrowed descriptor after a look at whether it is open. Whoever passed it in promises not to
//! close it during the call, as with any system call that takes a descriptor.
#![expect(unsafe_code, reason = "a number from outside is taken for a descriptor")]

use std::{
    io,
    os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd},
};

/// Borrows the descriptor of this number.
///
/// # Errors
///
/// `EBADF` when it is not open.
pub(crate) fn borrow<'a>(number: RawFd) -> io::Result<BorrowedFd<'a>> {
    // SAFETY: F_GETFD reads a flag and touches no memory.
    if number < 0 || unsafe { libc::fcntl(number, libc::F_GETFD) } == -1 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // SAFETY: it is open, and the caller of `spawn` keeps it so while the call lasts.
    Ok(unsafe { BorrowedFd::borrow_raw(number) })
}

/// Closes the descriptor of this number. Only for one that was ours, and that nobody has taken over.
pub(crate) fn close(number: RawFd) {
    // SAFETY: the caller has made sure that it is still what he gave away, and that there is nobody left to take it.
    drop(unsafe { OwnedFd::from_raw_fd(number) });
}
