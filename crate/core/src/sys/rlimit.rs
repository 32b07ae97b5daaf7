//! `setrlimit(2)` with `RLIMIT_LOCKS`: a limit that limits nothing.
//!
//! # Safety
//!
//! Two calls that read and write one structure of ours.
#![cfg_attr(
    all(any(target_os = "linux", target_os = "android"), target_pointer_width = "64"),
    expect(unsafe_code, reason = "the calls themselves")
)]

use super::order::Limit;

/// The limit that a new process carries `mark` in, all its descendants inheriting it; `None` where that cannot be.
///
/// `RLIMIT_LOCKS` has had no effect since Linux 2.4.25, but is there, inherited and told like all the others. Sandboxes that
/// make the kernel's answers themselves refuse to set it, and so might a filter: whether it can be set is tried on
/// ourselves, with the value that it has.
///
/// # References
///
/// [`getrlimit(2)`](https://man7.org/linux/man-pages/man2/getrlimit.2.html)
#[cfg(all(any(target_os = "linux", target_os = "android"), target_pointer_width = "64"))]
pub(crate) fn to_carry(mark: u64) -> Option<Limit> {
    use std::sync::OnceLock;

    static CAN_BE_SET: OnceLock<bool> = OnceLock::new();
    let can_be_set = *CAN_BE_SET.get_or_init(|| {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the pointer is valid for a write of its type.
        let is_known = unsafe { libc::getrlimit(libc::RLIMIT_LOCKS, &raw mut limit) } == 0;
        // A hard limit would have to be lowered by a child; and somebody seems to use it for something.
        is_known
            && limit.rlim_max == libc::RLIM_INFINITY
            // SAFETY: the pointer is valid for a read of its type.
            && unsafe { libc::setrlimit(libc::RLIMIT_LOCKS, &raw const limit) } == 0
    });
    can_be_set.then_some(Limit { resource: libc::RLIMIT_LOCKS as _, soft: mark, hard: libc::RLIM_INFINITY })
}

/// There is no limit here that limits nothing.
#[cfg(not(all(any(target_os = "linux", target_os = "android"), target_pointer_width = "64")))]
pub(crate) fn to_carry(_mark: u64) -> Option<Limit> {
    None
}
