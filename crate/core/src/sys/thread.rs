//! Which thread this is.
//!
//! # Safety
//!
//! One call without arguments, on systems where a thread has no number to compare.
#![cfg_attr(not(any(target_os = "linux", target_os = "android")), expect(unsafe_code, reason = "the C library's call"))]

/// Whether this is the thread that the process began with, and will end with.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn is_main() -> bool {
    nix::unistd::gettid() == nix::unistd::getpid()
}

/// Whether this is the thread that the process began with, and will end with.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn is_main() -> bool {
    // SAFETY: the call has no arguments and no conditions.
    unsafe { libc::pthread_main_np() != 0 }
}
