//! Whether this system lets us use a kernel facility: found out once, remembered from then on.

use std::{
    io,
    // The standard library's even in a loom model: this orders nothing else, and loom's cannot be in a static.
    sync::atomic::{AtomicU8, Ordering::Relaxed},
};

const UNKNOWN: u8 = 0;
const PRESENT: u8 = 1;
const ABSENT: u8 = 2;

/// What is known about one kernel facility. The first definite answer stays.
#[derive(Debug)]
pub(crate) struct Capability(AtomicU8);

impl Capability {
    /// Nothing is known yet.
    pub(crate) const fn new() -> Self {
        Self(AtomicU8::new(UNKNOWN))
    }

    /// Whether the facility can be used; `None` as long as nobody has found out.
    pub(crate) fn known(&self) -> Option<bool> {
        match self.0.load(Relaxed) {
            PRESENT => Some(true),
            ABSENT => Some(false),
            _ => None,
        }
    }

    /// Remembers that the facility answered, unless it was ruled out before.
    pub(crate) fn found(&self) {
        // A call that was under way when the facility was ruled out must not bring it back, so this is no plain store.
        let _ = self.0.compare_exchange(UNKNOWN, PRESENT, Relaxed, Relaxed);
    }

    /// Rules the facility out.
    pub(crate) fn rule_out(&self) {
        self.0.store(ABSENT, Relaxed);
    }
}

/// Whether `error` says that a system call is not to be had here: `ENOSYS` from a kernel that is too old, and `ENOSYS` or
/// `EPERM` from a seccomp filter, which may choose either.
pub(crate) fn is_refusal(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM))
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn what_was_ruled_out_is_not_found_again() {
        let capability = Capability::new();
        assert_eq!(capability.known(), None);
        capability.found();
        assert_eq!(capability.known(), Some(true));
        capability.rule_out();
        capability.found();
        assert_eq!(capability.known(), Some(false));
    }

    #[test]
    fn only_a_missing_call_and_a_filtered_one_are_refusals() {
        for (errno, refusal) in [(libc::ENOSYS, true), (libc::EPERM, true), (libc::EMFILE, false), (libc::ESRCH, false)]
        {
            assert_eq!(is_refusal(&io::Error::from_raw_os_error(errno)), refusal, "errno {errno}");
        }
    }
}
