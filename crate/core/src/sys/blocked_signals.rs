//! `rt_sigprocmask(2)`: every signal blocked for a few microseconds.
//!
//! # Safety
//!
//! The raw system call on Linux, because the C library's wrapper leaves its own two signals (thread cancellation and
//! setuid in all threads) unblocked: their handlers would run in a child that shares our memory.
#![expect(unsafe_code, reason = "the raw system call")]

use std::{mem::MaybeUninit, ptr};

/// All signals of the calling thread are blocked while this lives; then the mask is what it was.
#[derive(Debug)]
pub(crate) struct BlockedSignals {
    previous: Mask,
}

#[cfg(target_os = "linux")]
type Mask = u64;
#[cfg(not(target_os = "linux"))]
type Mask = libc::sigset_t;

impl BlockedSignals {
    /// Blocks them all, real-time signals included.
    pub(crate) fn new() -> Self {
        Self { previous: set_mask(&all()) }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        set_mask(&self.previous);
    }
}

/// Blocks every signal of the calling thread for as long as the thread lives, but for those that the C library has for
/// itself: when another thread calls `setuid(2)`, it sends one to each thread and waits until all of them have followed.
pub(crate) fn block_for_good() {
    let mut mask = MaybeUninit::uninit();
    // SAFETY: sigfillset initialises the set, without the C library's own signals; it is passed on to be read.
    unsafe {
        libc::sigfillset(mask.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, mask.as_ptr(), ptr::null_mut());
    }
}

#[cfg(target_os = "linux")]
fn all() -> Mask {
    Mask::MAX
}

#[cfg(target_os = "linux")]
fn set_mask(mask: &Mask) -> Mask {
    let mut previous: Mask = 0;
    // SAFETY: both pointers are to 8 bytes, the size of the kernel's signal set that the last argument names. With such
    // arguments the call cannot fail.
    unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            ptr::from_ref(mask),
            ptr::from_mut(&mut previous),
            size_of::<Mask>(),
        );
    }
    previous
}

#[cfg(not(target_os = "linux"))]
fn all() -> Mask {
    let mut mask = MaybeUninit::uninit();
    // SAFETY: sigfillset initialises the set it is given.
    unsafe {
        libc::sigfillset(mask.as_mut_ptr());
        mask.assume_init()
    }
}

#[cfg(not(target_os = "linux"))]
fn set_mask(mask: &Mask) -> Mask {
    let mut previous = *mask;
    // SAFETY: both pointers are to signal sets of this C library.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, ptr::from_ref(mask), ptr::from_mut(&mut previous)) };
    previous
}
