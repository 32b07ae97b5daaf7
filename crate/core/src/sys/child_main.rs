//! What the child does between clone and exec, in one straight line.
//!
//! # Safety
//!
//! The child shares the parent's memory and the thread-local storage of the thread that made it, while the parent runs
//! on. Therefore it may not: touch `errno`, allocate, free, lock, panic, unwind, call the C library, call through the
//! dynamic linker, or write anywhere but to its own stack, its plan's fields and its report. It makes raw system calls
//! and nothing else. Whatever it reads was copied for it into its arena. Its descriptor table, working directory, umask,
//! signal handlers, limits and credentials are its own (no `CLONE_FILES`, `CLONE_FS`, `CLONE_SIGHAND`, `CLONE_THREAD`).
#![expect(unsafe_code, reason = "raw pointers into the arena, and raw system calls")]

use std::sync::atomic::Ordering;

use libc::{c_char, c_int, c_void};

use super::{
    order::{DESCRIPTOR_CLOSED, DESCRIPTOR_NULL, Limit},
    raw::syscall,
    report::ReportSlot,
};
use crate::Step;

/// All that the child reads. Every pointer is into the arena, but for the report, which is never freed.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) report: *const ReportSlot,
    /// Paths to try in turn, as `execvp(3)` does; ends in null.
    pub(super) candidates: *const *const c_char,
    pub(super) argv: *const *const c_char,
    pub(super) envp: *const *const c_char,
    /// Null: stay in the parent's.
    pub(super) cwd: *const c_char,
    /// What becomes descriptor 0, 1, 2, …: a descriptor of the parent's, or one of the constants below.
    pub(super) descriptors: *mut c_int,
    pub(super) descriptor_count: usize,
    pub(super) limits: *const Limit,
    pub(super) limit_count: usize,
    pub(super) groups: *const libc::gid_t,
    pub(super) group_count: usize,
    pub(super) parent: libc::pid_t,
    pub(super) process_group: libc::pid_t,
    pub(super) uid: libc::uid_t,
    pub(super) gid: libc::gid_t,
    pub(super) umask: libc::mode_t,
    pub(super) parent_death_signal: c_int,
    /// A set of the `SET_…` bits.
    pub(super) flags: u32,
}

pub(super) const SET_SESSION: u32 = 1;
pub(super) const SET_PROCESS_GROUP: u32 = 1 << 1;
pub(super) const SET_UID: u32 = 1 << 2;
pub(super) const SET_GID: u32 = 1 << 3;
pub(super) const SET_GROUPS: u32 = 1 << 4;
/// A failing setgroups is no error: nobody asked for it by name (dropping the parent's groups along with its uid).
pub(super) const SET_GROUPS_IF_ALLOWED: u32 = 1 << 5;
pub(super) const SET_UMASK: u32 = 1 << 6;
pub(super) const SET_NO_NEW_PRIVS: u32 = 1 << 7;
pub(super) const SET_PARENT_DEATH_SIGNAL: u32 = 1 << 8;
/// The kernel has already reset the handlers (`CLONE_CLEAR_SIGHAND`).
pub(super) const HANDLERS_ARE_RESET: u32 = 1 << 9;
/// Descriptor 0 is a terminal that is to be the child's own.
pub(super) const SET_TERMINAL: u32 = 1 << 10;

/// The first lines of the kernel's `struct sigaction`; zeros mean `SIG_DFL` without flags.
#[repr(C)]
#[derive(Clone, Copy)]
struct KernelSigaction {
    handler: usize,
    rest: [u64; 3],
}

/// The child's entry, on its own stack with every signal blocked. Ends in another program or in exit.
pub(super) extern "C" fn child_main(plan: *const c_void) -> ! {
    // SAFETY: the plan was placed in the arena by the function that cloned us; the arena outlives our stay in it.
    unsafe {
        let plan = &*plan.cast::<Plan>();
        let (step, errno, detail) = prepare_and_exec(plan);
        let report = &*plan.report;
        report.step.store(step as u32, Ordering::Relaxed);
        report.detail.store(detail, Ordering::Relaxed);
        // Last, so that whoever sees the errno sees what goes with it. That the parent sees it before our exit: the
        // kernel's exit path is a full barrier, and our status is only there after it.
        report.errno.store(errno, Ordering::Release);
        loop {
            syscall(libc::SYS_exit_group, 127, 0, 0, 0, 0);
        }
    }
}

/// Returns only on failure: the step, the errno, and the index of the descriptor or limit that failed.
///
/// # Safety
///
/// As [`child_main`].
#[inline(always)]
unsafe fn prepare_and_exec(plan: &Plan) -> (Step, c_int, u32) {
    // Turns `-errno` into a return from here; an iterator, `?` or a panic path would pull in code that may not run.
    macro_rules! attempt {
        ($step:expr, $detail:expr, $call:expr) => {{
            let result: isize = $call;
            if result < 0 {
                return ($step, -result as c_int, $detail as u32);
            }
            result
        }};
    }
    // SAFETY: every call below is given plain numbers, pointers into the arena, or pointers to locals, each of the type
    // the man page asks for.
    unsafe {
        reset_signal_handlers(plan.flags & HANDLERS_ARE_RESET != 0);

        if plan.flags & SET_SESSION != 0 {
            attempt!(Step::Setup, 0, syscall(libc::SYS_setsid, 0, 0, 0, 0, 0));
        }
        if plan.flags & SET_PROCESS_GROUP != 0 {
            attempt!(Step::Setup, 0, syscall(libc::SYS_setpgid, 0, plan.process_group as usize, 0, 0, 0));
        }

        // Descriptors, first half: those that lie where another one must go move out of the way, above all targets.
        let count = plan.descriptor_count;
        let mut i = 0;
        while i < count {
            let source = *plan.descriptors.add(i);
            if source >= 0 && (source as usize) < count && source as usize != i {
                let moved = attempt!(
                    Step::Setup,
                    i,
                    syscall(libc::SYS_fcntl, source as usize, libc::F_DUPFD_CLOEXEC as usize, count, 0, 0)
                );
                *plan.descriptors.add(i) = moved as c_int;
            }
            i += 1;
        }
        // Second half: into place. A descriptor that is already there only loses its close-on-exec flag.
        i = 0;
        // Where `/dev/null` was put first: the next ones are copies of it.
        let mut null_at = usize::MAX;
        while i < count {
            let source = *plan.descriptors.add(i);
            if source == DESCRIPTOR_NULL && null_at != usize::MAX {
                attempt!(Step::Setup, i, syscall(libc::SYS_dup3, null_at, i, 0, 0, 0));
            } else if source == DESCRIPTOR_NULL {
                null_at = i;
                let null = attempt!(
                    Step::Setup,
                    i,
                    syscall(
                        libc::SYS_openat,
                        libc::AT_FDCWD as usize,
                        c"/dev/null".as_ptr() as usize,
                        (libc::O_RDWR | libc::O_CLOEXEC) as usize,
                        0,
                        0
                    )
                );
                if null as usize == i {
                    attempt!(Step::Setup, i, syscall(libc::SYS_fcntl, i, libc::F_SETFD as usize, 0, 0, 0));
                } else {
                    attempt!(Step::Setup, i, syscall(libc::SYS_dup3, null as usize, i, 0, 0, 0));
                    // Where the parent had closed its own 0, 1 or 2, this may be the place of a descriptor to come.
                    if null as usize >= count {
                        syscall(libc::SYS_close, null as usize, 0, 0, 0, 0);
                    }
                }
            } else if source == DESCRIPTOR_CLOSED {
                syscall(libc::SYS_close, i, 0, 0, 0, 0);
            } else if source as usize == i {
                attempt!(Step::Setup, i, syscall(libc::SYS_fcntl, i, libc::F_SETFD as usize, 0, 0, 0));
            } else {
                attempt!(Step::Setup, i, syscall(libc::SYS_dup3, source as usize, i, 0, 0, 0));
            }
            i += 1;
        }
        close_on_exec_from(if count < 3 { 3 } else { count });
        if plan.flags & SET_TERMINAL != 0 {
            take_terminal(plan.flags & SET_SESSION != 0);
        }

        // Before the credentials: the parent may look into directories, raise limits and leave groups that the child's
        // user may not.
        if !plan.cwd.is_null() {
            attempt!(Step::Chdir, 0, syscall(libc::SYS_chdir, plan.cwd as usize, 0, 0, 0, 0));
        }
        if plan.flags & SET_UMASK != 0 {
            syscall(libc::SYS_umask, plan.umask as usize, 0, 0, 0, 0);
        }
        i = 0;
        while i < plan.limit_count {
            let limit = plan.limits.add(i);
            let values = [(*limit).soft, (*limit).hard];
            attempt!(
                Step::Setup,
                i,
                syscall(libc::SYS_prlimit64, 0, (*limit).resource as usize, values.as_ptr() as usize, 0, 0)
            );
            i += 1;
        }
        if plan.flags & SET_GROUPS != 0 {
            attempt!(Step::Setup, 0, syscall(libc::SYS_setgroups, plan.group_count, plan.groups as usize, 0, 0, 0));
        } else if plan.flags & SET_GROUPS_IF_ALLOWED != 0 {
            syscall(libc::SYS_setgroups, 0, 0, 0, 0, 0);
        }
        if plan.flags & SET_GID != 0 {
            let gid = plan.gid as usize;
            attempt!(Step::Setup, 0, syscall(libc::SYS_setresgid, gid, gid, gid, 0, 0));
        }
        if plan.flags & SET_UID != 0 {
            let uid = plan.uid as usize;
            attempt!(Step::Setup, 0, syscall(libc::SYS_setresuid, uid, uid, uid, 0, 0));
        }
        if plan.flags & SET_NO_NEW_PRIVS != 0 {
            attempt!(Step::Setup, 0, syscall(libc::SYS_prctl, libc::PR_SET_NO_NEW_PRIVS as usize, 1, 0, 0, 0));
        }
        if plan.flags & SET_PARENT_DEATH_SIGNAL != 0 {
            // After the credentials, because changing them clears it.
            attempt!(
                Step::Setup,
                0,
                syscall(libc::SYS_prctl, libc::PR_SET_PDEATHSIG as usize, plan.parent_death_signal as usize, 0, 0, 0)
            );
            // The parent may have died before the prctl: then no signal will come. Its place is taken by init or by a
            // subreaper, so only a comparison with the pid it had tells (0: it is outside of our pid namespace).
            let parent = syscall(libc::SYS_getppid, 0, 0, 0, 0, 0);
            if parent != plan.parent as isize {
                return (Step::Setup, libc::ESRCH, 0);
            }
        }

        let nothing_blocked = 0u64;
        syscall(
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK as usize,
            (&raw const nothing_blocked) as usize,
            0,
            size_of::<u64>(),
            0,
        );
        exec_first(plan)
    }
}

/// Tries the candidates in turn as `execvp(3)` does, but for its fallback to a shell (a script without `#!` is ENOEXEC).
///
/// # Safety
///
/// As [`child_main`].
#[inline(always)]
unsafe fn exec_first(plan: &Plan) -> (Step, c_int, u32) {
    let mut errno = libc::ENOENT;
    // SAFETY: the candidates end in null; argv and envp are arrays of strings that end in null.
    unsafe {
        let mut candidate = plan.candidates;
        while !(*candidate).is_null() {
            let result = syscall(libc::SYS_execve, *candidate as usize, plan.argv as usize, plan.envp as usize, 0, 0);
            match -result as c_int {
                libc::EACCES => errno = libc::EACCES,
                libc::ENOENT | libc::ENOTDIR => {}
                other => return (Step::Exec, other, 0),
            }
            candidate = candidate.add(1);
        }
    }
    (Step::Exec, errno, 0)
}

/// Gives every signal with a handler its default action, and the two that Node ignores. exec would do the former, but
/// only after the mask was opened: a handler must not run here, in memory that is not ours alone.
///
/// # Safety
///
/// As [`child_main`].
#[inline(always)]
unsafe fn reset_signal_handlers(handlers_are_reset: bool) {
    let default = KernelSigaction { handler: libc::SIG_DFL, rest: [0; 3] };
    let mut current = default;
    // SAFETY: both structs are as large as the kernel's on x86-64 and AArch64 and live on our stack.
    unsafe {
        let mut signal = 1usize;
        while signal <= 64 {
            let ignored_by_node = signal == libc::SIGPIPE as usize || signal == libc::SIGXFSZ as usize;
            if !ignored_by_node && !handlers_are_reset {
                syscall(libc::SYS_rt_sigaction, signal, 0, (&raw mut current) as usize, size_of::<u64>(), 0);
            }
            // What somebody asked to be ignored stays ignored, as POSIX wants it.
            let has_handler =
                !handlers_are_reset && current.handler != libc::SIG_DFL && current.handler != libc::SIG_IGN;
            if ignored_by_node || has_handler {
                syscall(libc::SYS_rt_sigaction, signal, (&raw const default) as usize, 0, size_of::<u64>(), 0);
                current = default;
            }
            signal += 1;
        }
    }
}

/// Makes descriptor 0 the controlling terminal of our new session, or puts our new process group into its foreground. A
/// terminal that belongs to another session stays there, and the program runs without it.
///
/// # Safety
///
/// As [`child_main`].
#[inline(always)]
unsafe fn take_terminal(has_session: bool) {
    // SAFETY: plain numbers, and the address of an integer on our stack. A group in the background that moves itself to the
    // front would be stopped by SIGTTOU, if that were not blocked here as all signals are.
    unsafe {
        if has_session {
            syscall(libc::SYS_ioctl, 0, libc::TIOCSCTTY as usize, 0, 0, 0);
        } else {
            let group = syscall(libc::SYS_getpid, 0, 0, 0, 0, 0) as libc::pid_t;
            syscall(libc::SYS_ioctl, 0, libc::TIOCSPGRP as usize, (&raw const group) as usize, 0, 0);
        }
    }
}

/// Marks every descriptor from `first` on close-on-exec: what other libraries opened without it does not reach the
/// child.
///
/// # Safety
///
/// As [`child_main`].
#[inline(always)]
unsafe fn close_on_exec_from(first: usize) {
    // The one flag of close_range(2), new in Linux 5.11.
    const CLOSE_RANGE_CLOEXEC: usize = 4;
    // SAFETY: plain numbers, and a buffer on our stack.
    unsafe {
        if syscall(libc::SYS_close_range, first, c_int::MAX as usize, CLOSE_RANGE_CLOEXEC, 0, 0) >= 0 {
            return;
        }
        // An older kernel (ENOSYS, EINVAL) or a seccomp filter (EPERM): ask which descriptors there are.
        let directory = syscall(
            libc::SYS_openat,
            libc::AT_FDCWD as usize,
            c"/proc/self/fd".as_ptr() as usize,
            (libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC) as usize,
            0,
            0,
        );
        if directory >= 0 {
            mark_listed(directory as usize, first);
            return;
        }
        // No /proc, or no descriptor left to read it with: try all there can be.
        let mut limit = [0u64; 2];
        syscall(libc::SYS_prlimit64, 0, libc::RLIMIT_NOFILE as usize, 0, (&raw mut limit) as usize, 0);
        let mut descriptor = first;
        while (descriptor as u64) < limit[0] {
            syscall(libc::SYS_fcntl, descriptor, libc::F_SETFD as usize, libc::FD_CLOEXEC as usize, 0, 0);
            descriptor += 1;
        }
    }
}

/// Marks every descriptor from `first` on that the directory `/proc/self/fd` lists.
///
/// # Safety
///
/// As [`child_main`].
#[inline(always)]
unsafe fn mark_listed(directory: usize, first: usize) {
    // The layout of struct linux_dirent64: inode and offset (8 bytes each), record length (2), type (1), name.
    const RECORD_LENGTH: usize = 16;
    const NAME: usize = 19;
    let mut entries = [0u64; 128];
    // SAFETY: the kernel fills the buffer with whole records; every read stays inside the bytes it says it wrote.
    unsafe {
        loop {
            let start = entries.as_mut_ptr().cast::<u8>();
            let filled = syscall(libc::SYS_getdents64, directory, start as usize, size_of::<[u64; 128]>(), 0, 0);
            if filled <= 0 {
                return;
            }
            let mut offset = 0usize;
            while offset < filled as usize {
                let record = start.add(offset);
                let mut name = record.add(NAME);
                let mut descriptor = 0usize;
                let mut is_number = *name != 0;
                while *name != 0 {
                    let digit = (*name).wrapping_sub(b'0');
                    is_number &= digit < 10;
                    descriptor = descriptor.wrapping_mul(10).wrapping_add(digit as usize);
                    name = name.add(1);
                }
                if is_number && descriptor >= first {
                    syscall(libc::SYS_fcntl, descriptor, libc::F_SETFD as usize, libc::FD_CLOEXEC as usize, 0, 0);
                }
                offset += record.add(RECORD_LENGTH).cast::<u16>().read_unaligned() as usize;
            }
        }
    }
}
