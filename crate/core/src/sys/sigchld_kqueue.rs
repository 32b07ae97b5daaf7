//! `EVFILT_SIGNAL`: SIGCHLD on macOS and the BSDs, beside any handler.
//!
//! # Safety
//!
//! Calls kqueue(2) and kevent(2) with events on our own stack.
#![expect(unsafe_code, reason = "kqueue's interface is made of pointers")]

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
    ptr,
    sync::OnceLock,
};

static QUEUE: OnceLock<OwnedFd> = OnceLock::new();

/// The descriptor that becomes readable after a SIGCHLD.
///
/// # Errors
///
/// `EMFILE` or `ENFILE` when there is no room for it.
pub(crate) fn descriptor() -> io::Result<BorrowedFd<'static>> {
    if QUEUE.get().is_none() {
        // SAFETY: no memory is involved.
        let number = unsafe { libc::kqueue() };
        if number == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: kqueue returned 0 or more, so the descriptor is open and ours.
        let queue = unsafe { OwnedFd::from_raw_fd(number) };
        // SAFETY: zeros are a valid kevent.
        let mut event: libc::kevent = unsafe { std::mem::zeroed() };
        event.ident = libc::SIGCHLD as _;
        event.filter = libc::EVFILT_SIGNAL;
        event.flags = libc::EV_ADD | libc::EV_CLEAR;
        // SAFETY: one event in, none out.
        if unsafe { libc::kevent(queue.as_raw_fd(), &raw const event, 1, ptr::null_mut(), 0, ptr::null()) } == -1 {
            return Err(io::Error::last_os_error());
        }
        // A child that another thread clones must not get it; a kqueue is not inherited by fork anyway.
        let _ = QUEUE.set(queue);
    }
    let queue = QUEUE.get().expect("it was set above");
    // SAFETY: the descriptor lives in a static that is never dropped.
    Ok(unsafe { BorrowedFd::borrow_raw(queue.as_raw_fd()) })
}

/// Forgets the signals that were counted.
pub(crate) fn drain() {
    if let Some(queue) = QUEUE.get() {
        let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: zeros are a valid kevent; one event out, and no waiting.
        unsafe {
            let mut event: libc::kevent = std::mem::zeroed();
            libc::kevent(queue.as_raw_fd(), ptr::null(), 0, &raw mut event, 1, &raw const none);
        }
    }
}

/// Opens the queue. It cannot be replaced by others, so no signal goes by unseen.
///
/// # Errors
///
/// As [`descriptor`].
pub(crate) fn ensure_installed() -> io::Result<bool> {
    descriptor().map(|_| false)
}
