//! `prctl(PR_SET_CHILD_SUBREAPER)`: being the one that orphaned descendants fall to. Linux 3.4 and later.
//!
//! # Safety
//!
//! One system call that writes one integer of ours.
#![cfg_attr(any(target_os = "linux", target_os = "android"), expect(unsafe_code, reason = "the system call itself"))]

/// Whether this kernel has subreapers and lets us ask.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn is_there() -> bool {
    let mut is_subreaper: libc::c_int = 0;
    // SAFETY: the argument is the address of an integer, which is what this operation writes.
    unsafe { libc::prctl(libc::PR_GET_CHILD_SUBREAPER, &raw mut is_subreaper) == 0 }
}

/// There are no subreapers on this system.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn is_there() -> bool {
    false
}
