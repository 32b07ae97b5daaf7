//! A signal by its number.

/// A signal number, 0 (the existence test of `kill(2)`) and the real-time signals included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signal(i32);

impl Signal {
    /// Delivered to nobody: asks whether the process is there.
    pub const NONE: Self = Self(0);
    /// Cannot be caught, blocked or ignored.
    pub const KILL: Self = Self(libc::SIGKILL);
    /// The polite request to end.
    pub const TERM: Self = Self(libc::SIGTERM);

    /// A signal from its number, `None` when no kernel brood runs on has such a signal.
    #[must_use]
    pub const fn from_raw(number: i32) -> Option<Self> {
        // Linux has 64 signals on every architecture but MIPS, the BSDs have fewer; which of them exist here is for the
        // kernel to say (EINVAL).
        if number >= 0 && number <= 64 { Some(Self(number)) } else { None }
    }

    /// The number that the kernel knows this signal by.
    #[must_use]
    pub const fn as_raw(self) -> i32 {
        self.0
    }
}
