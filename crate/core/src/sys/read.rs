//! `read(2)` into the spare room of a vector.
//!
//! # Safety
//!
//! The system call writes to memory that is not initialised yet; clearing it first would cost as much as the read.
#![expect(unsafe_code, reason = "the kernel initialises the memory it reports")]

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

/// Appends at most `limit` bytes to `into`; 0 is the end of the file.
///
/// # Errors
///
/// As [`read(2)`](https://man7.org/linux/man-pages/man2/read.2.html), but for `EINTR`, after which it reads again.
pub(crate) fn append(descriptor: BorrowedFd<'_>, into: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
    into.reserve(limit);
    let room = &mut into.spare_capacity_mut()[..limit];
    loop {
        // SAFETY: `room` is memory of ours that nobody else refers to, as long as is said.
        let result = unsafe { libc::read(descriptor.as_raw_fd(), room.as_mut_ptr().cast(), room.len()) };
        if let Ok(count) = usize::try_from(result) {
            let length = into.len() + count;
            // SAFETY: the kernel has initialised `count` bytes behind the old length.
            unsafe { into.set_len(length) };
            return Ok(count);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
