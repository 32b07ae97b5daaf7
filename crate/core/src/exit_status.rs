//! How a process ended.

use crate::Usage;

/// How a process ended and what it used, decoded from what `waitid(2)` says, not from the packed status of `wait(2)`:
/// real-time signals and exit codes keep their whole range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitStatus {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) core_dumped: bool,
    pub(crate) usage: Usage,
}

impl ExitStatus {
    /// A process that ended by itself, with this code and no usage to speak of.
    #[must_use]
    pub fn from_code(code: i32) -> Self {
        Self { code: Some(code), signal: None, core_dumped: false, usage: Usage::default() }
    }

    /// A process that a signal ended, with no usage to speak of.
    #[must_use]
    pub fn from_signal(signal: i32, core_dumped: bool) -> Self {
        Self { code: None, signal: Some(signal), core_dumped, usage: Usage::default() }
    }

    /// The exit code, 0 to 255; `None` when a signal ended the process.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.code
    }

    /// The number of the signal that ended the process, real-time signals included; `None` when it ended by itself.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.signal
    }

    /// Whether the kernel wrote a core dump.
    #[must_use]
    pub fn core_dumped(&self) -> bool {
        self.core_dumped
    }

    /// Whether the process ended with exit code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }

    /// What the process used, as `waitid` filled it in when it was reaped.
    #[must_use]
    pub fn usage(&self) -> &Usage {
        &self.usage
    }
}
