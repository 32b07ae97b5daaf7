//! Whether this kernel has a facility, and lets us use it: each is tried in a way that changes nothing. Linux.
//!
//! # Safety
//!
//! Raw system calls with plain numbers, null pointers that the kernel refuses, and memory of our own.
#![expect(unsafe_code, reason = "raw system calls")]

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr,
};

use super::pidfd::{PIDFD_NONBLOCK, pidfd_open};

/// `PIDFD_THREAD`: a descriptor of a thread. Linux 6.9.
const PIDFD_THREAD: u32 = libc::O_EXCL.cast_unsigned();
/// `PIDFD_SIGNAL_PROCESS_GROUP`: a signal to the whole group. Linux 6.9.
const PIDFD_SIGNAL_PROCESS_GROUP: u32 = 1 << 2;
/// The first version of `struct pidfd_info`, in words of 8 bytes.
const PIDFD_INFO: usize = 64 / 8;
/// `PIDFD_GET_INFO`: who it is and how it ended. Linux 6.13. `_IOWR(0xff, 11, struct pidfd_info)`.
const PIDFD_GET_INFO: u64 = (3 << 30) | ((PIDFD_INFO as u64 * 8) << 16) | (0xff << 8) | 11;
/// `P_PIDFD` of `waitid(2)`. Linux 5.4.
const P_PIDFD: u32 = 3;
/// `CLONE_INTO_CGROUP`. Linux 5.7.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
/// `CLOSE_RANGE_CLOEXEC`. Linux 5.11.
const CLOSE_RANGE_CLOEXEC: u32 = 4;

/// 0 where a call worked, else its errno.
fn errno(result: libc::c_long) -> i32 {
    if result == -1 { last() } else { 0 }
}

fn last() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO)
}

/// A facility is there when the kernel refuses a call for the reason that it is to refuse it for.
fn refused_for(result: libc::c_long, reason: i32) -> i32 {
    match errno(result) {
        errno if errno == reason => 0,
        0 => libc::EIO,
        errno => errno,
    }
}

/// Each facility by its name, with 0 or the errno that speaks against it.
pub(crate) fn all() -> Vec<(&'static str, i32)> {
    let own = std::process::id();
    let pidfd = pidfd_open(own, 0);
    let refusal = pidfd.as_ref().err().and_then(io::Error::raw_os_error).unwrap_or(0);
    let by_pidfd = |probe: &dyn Fn(&OwnedFd) -> i32| pidfd.as_ref().map_or(refusal, probe);
    let flag = |flag| pidfd_open(own, flag).err().and_then(|error| error.raw_os_error()).unwrap_or(0);
    vec![
        ("clone3", clone3()),
        ("clone3 into a cgroup", clone3_into_cgroup()),
        ("pidfd_open", refusal),
        ("pidfd_open, non-blocking", flag(PIDFD_NONBLOCK)),
        ("pidfd_open of a thread", flag(PIDFD_THREAD)),
        ("pidfd_send_signal", by_pidfd(&|pidfd| send_nothing(pidfd, 0))),
        ("pidfd_send_signal to a group", by_pidfd(&send_nothing_to_group)),
        ("pidfd_getfd", by_pidfd(&getfd)),
        ("pidfd information", by_pidfd(&information)),
        ("waitid on a pidfd", by_pidfd(&wait)),
        ("close_range, close-on-exec", close_range()),
    ]
}

fn clone3() -> i32 {
    // SAFETY: an argument struct of no size is refused before it is read; there is no process.
    refused_for(unsafe { libc::syscall(libc::SYS_clone3, ptr::null::<u64>(), 0_usize) }, libc::EINVAL)
}

fn clone3_into_cgroup() -> i32 {
    // A filter may look at the size of the arguments, and let this through that it refuses to brood.
    match clone3() {
        0 => {}
        errno => return errno,
    }
    let mut arguments = [0_u64; 11];
    arguments[0] = CLONE_INTO_CGROUP;
    // No process has a descriptor of this number.
    arguments[10] = i32::MAX as u64;
    // SAFETY: a kernel with the flag refuses the descriptor, and one without it the flag; there is no process.
    refused_for(unsafe { libc::syscall(libc::SYS_clone3, arguments.as_ptr(), size_of_val(&arguments)) }, libc::EBADF)
}

fn send_nothing(pidfd: &OwnedFd, flags: u32) -> i32 {
    // SAFETY: the descriptor is open; signal 0 is delivered to nobody.
    errno(unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), 0, ptr::null::<libc::siginfo_t>(), flags)
    })
}

fn send_nothing_to_group(pidfd: &OwnedFd) -> i32 {
    match send_nothing(pidfd, PIDFD_SIGNAL_PROCESS_GROUP) {
        // The flag is known, and there is no group of our number.
        libc::ESRCH => 0,
        errno => errno,
    }
}

fn getfd(pidfd: &OwnedFd) -> i32 {
    // SAFETY: both descriptors are open.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), pidfd.as_raw_fd(), 0_u32) };
    if result >= 0 {
        // SAFETY: the kernel has just made this descriptor for us; it is closed here.
        drop(unsafe { OwnedFd::from_raw_fd(result as i32) });
    }
    errno(result)
}

fn information(pidfd: &OwnedFd) -> i32 {
    let mut information = [0_u64; PIDFD_INFO];
    // SAFETY: the operation's number says how much memory it reads and writes, which is what there is.
    errno(unsafe { libc::syscall(libc::SYS_ioctl, pidfd.as_raw_fd(), PIDFD_GET_INFO, information.as_mut_ptr()) })
}

fn wait(pidfd: &OwnedFd) -> i32 {
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: nothing is written through null pointers. We are no child of ours, and nothing is taken.
    let result = unsafe {
        libc::syscall(
            libc::SYS_waitid,
            P_PIDFD,
            pidfd.as_raw_fd(),
            ptr::null_mut::<libc::siginfo_t>(),
            options,
            ptr::null_mut::<libc::rusage>(),
        )
    };
    refused_for(result, libc::ECHILD)
}

fn close_range() -> i32 {
    // SAFETY: there are no descriptors of these numbers.
    errno(unsafe { libc::syscall(libc::SYS_close_range, u32::MAX, u32::MAX, CLOSE_RANGE_CLOEXEC) })
}
