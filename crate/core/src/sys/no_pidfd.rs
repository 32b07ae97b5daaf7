//! The names of `pidfd.rs` for kernels that have no pidfd: each answers `ENOSYS`, as a Linux that is too old does.

use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd},
};

use crate::Signal;

pub(crate) const PIDFD_NONBLOCK: u32 = 0;

pub(crate) fn pidfd_open(_pid: u32, _flags: u32) -> io::Result<OwnedFd> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}

pub(crate) fn pidfd_send_signal(_pidfd: BorrowedFd<'_>, _signal: Signal) -> io::Result<()> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}
