//! `fork(2)`: for what `posix_spawn` cannot express, on systems without a raw clone of ours.
//!
//! # Safety
//!
//! Between fork and exec the child calls async-signal-safe functions alone: it is a copy of one thread of a program
//! that has many, and any lock may be held for ever. All that it needs is laid out before the fork.
#![expect(unsafe_code, reason = "fork, and system calls in the child")]

use std::{
    io, ptr,
    sync::{Arc, atomic::Ordering},
};

use super::{
    blocked_signals::BlockedSignals,
    order::{CloneOptions, DESCRIPTOR_CLOSED, DESCRIPTOR_NULL, Launched, Order},
    report::Report,
};
use crate::Step;

/// There is no raw clone here.
pub(crate) const AVAILABLE: bool = false;

/// There is no `clone3` here.
pub(crate) fn clone3_is_there() -> bool {
    false
}

/// Forks the child. Returns while it is still on its way to exec.
///
/// # Errors
///
/// `ENOSYS` where a clone that shares memory is asked for; `EAGAIN` and `ENOMEM` from fork.
pub(crate) fn launch(order: &Order<'_>, options: CloneOptions) -> io::Result<Launched> {
    if options.share_memory || options.clone3 {
        return Err(io::Error::from_raw_os_error(libc::ENOSYS));
    }
    let report = Arc::new(Report::new(false)?);
    let strings = |count, block: &[u8]| {
        let mut pointers: Vec<*const libc::c_char> =
            block.split_inclusive(|&byte| byte == 0).take(count).map(|string| string.as_ptr().cast()).collect();
        pointers.push(ptr::null());
        pointers
    };
    let argv = strings(order.argument_count, order.arguments);
    let envp = strings(order.variable_count, order.environment);
    let mut descriptors = order.descriptors.to_vec();
    let parent = std::process::id();
    let blocked = BlockedSignals::new();
    // SAFETY: the child goes into `child` and never comes back.
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: this is the child; the arrays are its own copies.
            let (step, errno) = unsafe { child(order, &argv, &envp, &mut descriptors, parent) };
            let slot = report.slot();
            slot.step.store(step as u32, Ordering::Relaxed);
            slot.errno.store(errno, Ordering::Release);
            // SAFETY: ends the child without running anything of the parent's.
            unsafe { libc::_exit(127) }
        }
        pid => {
            drop(blocked);
            Ok(Launched { pid: pid as u32, pidfd: None, report })
        }
    }
}

fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

/// Returns only on failure.
///
/// # Safety
///
/// Only in the child, after fork.
unsafe fn child(
    order: &Order<'_>,
    argv: &[*const libc::c_char],
    envp: &[*const libc::c_char],
    descriptors: &mut [i32],
    _parent: u32,
) -> (Step, i32) {
    macro_rules! attempt {
        ($step:expr, $call:expr) => {{
            let result = $call;
            if result == -1 {
                return ($step, errno());
            }
            result
        }};
    }
    // SAFETY: async-signal-safe calls with plain numbers and C strings.
    unsafe {
        for signal in 1..32 {
            if signal != libc::SIGKILL && signal != libc::SIGSTOP {
                libc::signal(signal, libc::SIG_DFL);
            }
        }
        if order.session {
            attempt!(Step::Setup, libc::setsid());
        }
        if let Some(group) = order.process_group {
            attempt!(Step::Setup, libc::setpgid(0, group));
        }
        let count = descriptors.len() as i32;
        for (target, source) in descriptors.iter_mut().enumerate() {
            if *source >= 0 && *source < count && *source != target as i32 {
                *source = attempt!(Step::Setup, libc::fcntl(*source, libc::F_DUPFD_CLOEXEC, count));
            }
        }
        for (target, &source) in descriptors.iter().enumerate() {
            let target = target as i32;
            match source {
                DESCRIPTOR_NULL => {
                    let null = attempt!(Step::Setup, libc::open(c"/dev/null".as_ptr(), libc::O_RDWR));
                    if null != target {
                        attempt!(Step::Setup, libc::dup2(null, target));
                        if null >= count {
                            libc::close(null);
                        }
                    }
                }
                DESCRIPTOR_CLOSED => {
                    libc::close(target);
                }
                source if source == target => {
                    attempt!(Step::Setup, libc::fcntl(target, libc::F_SETFD, 0));
                }
                source => {
                    attempt!(Step::Setup, libc::dup2(source, target));
                }
            }
        }
        if order.controlling_terminal {
            // A terminal that cannot be had is no error. All signals are blocked, SIGTTOU among them.
            if order.session {
                libc::ioctl(0, libc::TIOCSCTTY as _, 0);
            } else {
                libc::tcsetpgrp(0, libc::getpid());
            }
        }
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        let highest = i32::try_from(limit.rlim_cur).unwrap_or(65_536).min(65_536);
        for descriptor in count.max(3)..highest {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
        if let Some(cwd) = order.cwd {
            attempt!(Step::Chdir, libc::chdir(cwd.as_ptr()));
        }
        if let Some(mask) = order.umask {
            libc::umask(mask);
        }
        for limit in order.limits {
            let value = libc::rlimit { rlim_cur: limit.soft as libc::rlim_t, rlim_max: limit.hard as libc::rlim_t };
            attempt!(Step::Setup, libc::setrlimit(limit.resource as _, &raw const value));
        }
        match order.groups {
            Some(groups) => {
                attempt!(Step::Setup, libc::setgroups(groups.len() as _, groups.as_ptr()));
            }
            None if order.changes_credentials() => {
                libc::setgroups(0, ptr::null());
            }
            None => {}
        }
        if let Some(gid) = order.gid {
            attempt!(Step::Setup, libc::setgid(gid));
        }
        if let Some(uid) = order.uid {
            attempt!(Step::Setup, libc::setuid(uid));
        }
        #[cfg(target_os = "linux")]
        {
            if order.no_new_privs {
                attempt!(Step::Setup, libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
            }
            if let Some(signal) = order.parent_death_signal {
                attempt!(Step::Setup, libc::prctl(libc::PR_SET_PDEATHSIG, signal));
                if libc::getppid() as u32 != _parent {
                    return (Step::Setup, libc::ESRCH);
                }
            }
        }
        #[cfg(not(target_os = "linux"))]
        if order.no_new_privs || order.parent_death_signal.is_some() {
            return (Step::Setup, libc::ENOSYS);
        }
        let mut nothing = std::mem::MaybeUninit::uninit();
        libc::sigemptyset(nothing.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, nothing.as_ptr(), ptr::null_mut());
        let mut last = libc::ENOENT;
        for candidate in order.candidates {
            libc::execve(candidate.as_ptr(), argv.as_ptr(), envp.as_ptr());
            match errno() {
                libc::EACCES => last = libc::EACCES,
                libc::ENOENT | libc::ENOTDIR => {}
                other => return (Step::Exec, other),
            }
        }
        (Step::Exec, last)
    }
}
