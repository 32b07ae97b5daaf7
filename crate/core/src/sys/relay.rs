//! `sigaction(2)` for signals that are to be passed on: each one that comes is a byte in a pipe.
//!
//! For those that Node has no name for, the real-time ones: a listener in JavaScript cannot be had for them.
//!
//! # Safety
//!
//! The handler runs on any thread between any two instructions: it reads an atomic, calls write(2), and keeps `errno`.
#![expect(unsafe_code, reason = "installs a signal handler")]

use std::{
    io::{self, PipeReader, PipeWriter, Read as _},
    mem::MaybeUninit,
    os::fd::{AsRawFd, OwnedFd},
    sync::{
        OnceLock,
        atomic::{AtomicI32, Ordering},
    },
};

use crate::Signal;

static PIPE: OnceLock<(PipeReader, PipeWriter)> = OnceLock::new();
/// The writing end, for the handler, which may not wait for a `OnceLock`.
static WRITER: AtomicI32 = AtomicI32::new(-1);

/// The descriptor that becomes readable after a signal that is relayed.
///
/// # Errors
///
/// `EMFILE` or `ENFILE` when there is no room for it.
pub(crate) fn descriptor() -> io::Result<&'static PipeReader> {
    if PIPE.get().is_none() {
        let (reader, writer) = io::pipe()?;
        // Neither the handler nor the driver may ever wait for the other one.
        let reader = OwnedFd::from(reader);
        let writer = OwnedFd::from(writer);
        super::nonblocking::set_nonblocking(&reader, true)?;
        super::nonblocking::set_nonblocking(&writer, true)?;
        let _ = PIPE.set((reader.into(), writer.into()));
    }
    let (reader, writer) = PIPE.get().expect("it was set above");
    WRITER.store(writer.as_raw_fd(), Ordering::Release);
    Ok(reader)
}

/// Relays `signal` from now on, for as long as the process lives.
///
/// # Errors
///
/// As [`descriptor`]; `EINVAL` for one that cannot be caught.
pub(crate) fn relay(signal: Signal) -> io::Result<()> {
    descriptor()?;
    // SAFETY: zeros are a valid sigaction on every system.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = on_signal as *const () as libc::sighandler_t;
    action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
    // SAFETY: the pointer is to a sigaction, and the handler is fit for any thread.
    if unsafe { libc::sigaction(signal.as_raw(), &raw const action, std::ptr::null_mut()) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// The signals that came since the last look, in the order in which they were handled.
pub(crate) fn drain() -> Vec<i32> {
    let mut signals = Vec::new();
    let mut bytes = [0u8; 64];
    if let Some((reader, _)) = PIPE.get() {
        let mut reader = reader;
        while let Ok(count @ 1..) = reader.read(&mut bytes) {
            signals.extend(bytes[..count].iter().map(|&signal| i32::from(signal)));
        }
    }
    signals
}

extern "C" fn on_signal(signal: libc::c_int) {
    let writer = WRITER.load(Ordering::Acquire);
    let byte = signal as u8;
    // SAFETY: errno's address is this thread's; write takes one byte from our stack.
    unsafe {
        let errno = errno_location();
        let kept = *errno;
        libc::write(writer, (&raw const byte).cast(), 1);
        *errno = kept;
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn errno_location() -> *mut libc::c_int {
    // SAFETY: no condition; the address is this thread's for as long as it lives.
    unsafe { libc::__errno_location() }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn errno_location() -> *mut libc::c_int {
    // SAFETY: as above.
    unsafe { libc::__error() }
}
