//! What can go wrong when a process is to be started.

use std::{ffi::CString, fmt, io};

/// The part of a spawn that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Step {
    /// The request itself is wrong.
    Options = 0,
    /// A pipe for the child's stdio could not be made.
    Pipe = 1,
    /// The process could not be made.
    Clone = 2,
    /// Something asked for could not be set up: a descriptor, a limit, a group, a user.
    Setup = 3,
    /// The working directory could not be entered.
    Chdir = 4,
    /// The program could not be found or executed.
    Exec = 5,
}

impl Step {
    pub(crate) fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Options,
            1 => Self::Pipe,
            2 => Self::Clone,
            4 => Self::Chdir,
            5 => Self::Exec,
            _ => Self::Setup,
        }
    }
}

/// Why a process was not started. When this is returned there is no process, not even half of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpawnError {
    step: Step,
    errno: i32,
    syscall: &'static str,
    path: Option<CString>,
}

impl SpawnError {
    pub(crate) fn new(step: Step, error: &io::Error, syscall: &'static str) -> Self {
        Self { step, errno: error.raw_os_error().unwrap_or(libc::EIO), syscall, path: None }
    }

    pub(crate) fn from_errno(step: Step, errno: i32, syscall: &'static str) -> Self {
        Self { step, errno, syscall, path: None }
    }

    pub(crate) fn with_path(mut self, path: impl Into<CString>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Which part failed.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }

    /// The error number, positive, as in `errno(3)`.
    #[must_use]
    pub fn errno(&self) -> i32 {
        self.errno
    }

    /// The system call that said so.
    #[must_use]
    pub fn syscall(&self) -> &'static str {
        self.syscall
    }

    /// The working directory for [`Step::Chdir`], the program for [`Step::Exec`].
    #[must_use]
    pub fn path(&self) -> Option<&CString> {
        self.path.as_ref()
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.syscall, io::Error::from_raw_os_error(self.errno))?;
        match &self.path {
            Some(path) => write!(formatter, " ({})", path.to_string_lossy()),
            None => Ok(()),
        }
    }
}

impl std::error::Error for SpawnError {}

impl From<SpawnError> for io::Error {
    fn from(error: SpawnError) -> Self {
        Self::from_raw_os_error(error.errno)
    }
}
