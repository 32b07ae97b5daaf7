//! What a new process is to do and to be, and what comes of making it.

use std::{
    ffi::{CStr, CString},
    os::fd::{OwnedFd, RawFd},
    sync::Arc,
};

use super::report::Report;

/// `/dev/null` becomes this descriptor.
pub(crate) const DESCRIPTOR_NULL: RawFd = -1;
/// This descriptor is closed in the child.
pub(crate) const DESCRIPTOR_CLOSED: RawFd = -2;

/// One resource limit.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    /// A `RLIMIT_…` number of this system.
    pub(crate) resource: u32,
    /// The limit in force.
    pub(crate) soft: u64,
    /// The one that it may be raised to.
    pub(crate) hard: u64,
}

/// How the child is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CloneOptions {
    /// `clone3`, not `clone`.
    pub(crate) clone3: bool,
    /// The child shares our memory. A child that changes its credentials must not.
    pub(crate) share_memory: bool,
    /// Ask for a pidfd in the same system call.
    pub(crate) pidfd: bool,
}

/// What the child is to do and to be, with everything resolved that can be resolved before it is there.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    /// Paths to try in turn.
    pub(crate) candidates: &'a [CString],
    /// The working directory; `None` is the parent's.
    pub(crate) cwd: Option<&'a CStr>,
    /// How many arguments there are, `argv[0]` included.
    pub(crate) argument_count: usize,
    /// They stand one behind the other, each with its NUL.
    pub(crate) arguments: &'a [u8],
    /// How many `NAME=value` strings there are.
    pub(crate) variable_count: usize,
    /// They stand one behind the other, each with its NUL.
    pub(crate) environment: &'a [u8],
    /// What becomes descriptor 0, 1, 2, …: one of ours or a `DESCRIPTOR_…` constant.
    pub(crate) descriptors: &'a [RawFd],
    /// `setsid(2)`.
    pub(crate) session: bool,
    /// `setpgid(2)`; 0 is a group of its own.
    pub(crate) process_group: Option<libc::pid_t>,
    /// Descriptor 0 becomes the controlling terminal of the new session, or gets the new group into its foreground.
    pub(crate) controlling_terminal: bool,
    /// `setresuid(2)`.
    pub(crate) uid: Option<libc::uid_t>,
    /// `setresgid(2)`.
    pub(crate) gid: Option<libc::gid_t>,
    /// `setgroups(2)`. Without it, a child with another uid or gid leaves the parent's groups if it may.
    pub(crate) groups: Option<&'a [libc::gid_t]>,
    /// `umask(2)`.
    pub(crate) umask: Option<libc::mode_t>,
    /// `setrlimit(2)`.
    pub(crate) limits: &'a [Limit],
    /// `prctl(PR_SET_NO_NEW_PRIVS)`.
    pub(crate) no_new_privs: bool,
    /// `prctl(PR_SET_PDEATHSIG)`.
    pub(crate) parent_death_signal: Option<i32>,
}

impl Order<'_> {
    /// Whether the child changes its credentials. Then it must not share our memory: the kernel would clear *our*
    /// dumpable flag with its, and a process of another user would run in our memory.
    pub(crate) fn changes_credentials(&self) -> bool {
        self.uid.is_some() || self.gid.is_some() || self.groups.is_some()
    }
}

/// A process that was just made.
#[derive(Debug)]
pub(crate) struct Launched {
    /// Its pid.
    pub(crate) pid: u32,
    /// A descriptor of it, where one was asked for.
    pub(crate) pidfd: Option<OwnedFd>,
    /// Where it tells what went wrong before its exec.
    pub(crate) report: Arc<Report>,
}
