//! `clone3(2)` and `clone(2)`, raw: a child in our memory, or in a copy of it, on a stack of its own.
//!
//! # Safety
//!
//! With `CLONE_VM` and without `CLONE_VFORK` parent and child run in the same memory at the same time. The rules that
//! make it sound stand in [`child_main`](super::child_main) (what the child may do) and [`arena`](super::arena) (how
//! long its memory lives). Raw, because musl's `clone` refuses `CLONE_CHILD_CLEARTID` and neither library has `clone3`.
#![expect(unsafe_code, reason = "raw system calls that start another process in our memory")]

use std::{
    io,
    os::fd::{FromRawFd, OwnedFd},
};

use super::{arena::Arena, child_main::Plan, order::CloneOptions, raw, report::Report};

/// Whether this system and architecture has the raw clone below.
pub(crate) const AVAILABLE: bool = true;

/// Since Linux 5.5 and for `clone3` alone: handlers are reset to the default by the kernel.
pub(super) const CLEAR_SIGHAND: u64 = 0x1_0000_0000;

/// The size of `struct clone_args` in its first version, which has all that is used here.
const CLONE_ARGUMENTS: usize = 64;

#[repr(C, align(8))]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

const _: () = assert!(size_of::<CloneArguments>() == CLONE_ARGUMENTS);

/// Clones a child that carries out `plan` on the arena's stack. All signals must be blocked by the caller.
///
/// # Errors
///
/// `ENOSYS`, `EPERM` or `EINVAL` when this call, or a flag of it, is not to be had here; `EAGAIN` when there are too many
/// processes; `EMFILE` or `ENFILE` when the pidfd found no room; `ENOMEM`.
///
/// # References
///
/// [`clone(2)`](https://man7.org/linux/man-pages/man2/clone.2.html)
pub(super) fn clone(
    arena: &Arena,
    plan: *const Plan,
    report: &Report,
    options: CloneOptions,
) -> io::Result<(u32, Option<OwnedFd>)> {
    let mut flags = 0;
    if options.share_memory {
        flags |= libc::CLONE_VM as u64 | libc::CLONE_CHILD_CLEARTID as u64;
    }
    if options.pidfd {
        flags |= libc::CLONE_PIDFD as u64;
    }
    let mut pidfd: libc::c_int = -1;
    let pidfd_address = &raw mut pidfd as usize;
    let child_tid = report.slot().in_our_memory.as_ptr() as usize;
    let (stack, stack_size) = arena.stack();
    let entry = super::child_main::child_main;
    let result = if options.clone3 {
        let arguments = CloneArguments {
            flags: flags | CLEAR_SIGHAND,
            pidfd: pidfd_address as u64,
            child_tid: child_tid as u64,
            parent_tid: 0,
            exit_signal: libc::SIGCHLD as u64,
            stack: stack as u64,
            stack_size: stack_size as u64,
            tls: 0,
        };
        let arguments = [&raw const arguments as usize, CLONE_ARGUMENTS, 0, 0, 0];
        // SAFETY: the stack is the arena's, page aligned, and nobody else's until the child has left it; the plan lies
        // in the same arena; pidfd and the arguments live in this frame, which the kernel is done with when it returns.
        unsafe { raw::clone_onto_stack(libc::SYS_clone3, arguments, entry, plan.cast()) }
    } else {
        let flags = flags as usize | libc::SIGCHLD as usize;
        let top = stack as usize + stack_size;
        // The pidfd takes the place of the parent's tid; the last two arguments depend on the architecture.
        let arguments = if cfg!(target_arch = "x86_64") {
            [flags, top, pidfd_address, child_tid, 0]
        } else {
            [flags, top, pidfd_address, 0, child_tid]
        };
        // SAFETY: as above.
        unsafe { raw::clone_onto_stack(libc::SYS_clone, arguments, entry, plan.cast()) }
    };
    if result < 0 {
        return Err(io::Error::from_raw_os_error(-result as i32));
    }
    // SAFETY: with CLONE_PIDFD the kernel has stored a new descriptor, which is ours alone.
    let pidfd = (options.pidfd && pidfd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(pidfd) });
    Ok((result as u32, pidfd))
}

/// Whether `clone3` can be called here. Makes no process: the kernel refuses an argument struct of no size, unless a
/// filter or an old kernel refuses the call itself.
pub(crate) fn clone3_is_there() -> bool {
    // SAFETY: a null pointer with size 0 is refused before it is read.
    let result = unsafe { raw::syscall(libc::SYS_clone3, 0, 0, 0, 0, 0) };
    result == -libc::EINVAL as isize
}
