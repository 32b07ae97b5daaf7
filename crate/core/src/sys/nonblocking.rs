//! `ioctl(FIONBIO)`: blocking or not, in one system call where `fcntl` takes two.
//!
//! # Safety
//!
//! The operation reads one integer of ours.
#![expect(unsafe_code, reason = "the system call itself")]

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
};

/// Sets or clears `O_NONBLOCK` of an open file.
///
/// # Errors
///
/// `ENOTTY` for a file that has no such mode; pipes and sockets have.
pub(crate) fn set_nonblocking(descriptor: &impl AsFd, nonblocking: bool) -> io::Result<()> {
    let value = libc::c_int::from(nonblocking);
    // SAFETY: the argument is the address of an integer, which is what this operation reads.
    if unsafe { libc::ioctl(descriptor.as_fd().as_raw_fd(), libc::FIONBIO, &raw const value) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
