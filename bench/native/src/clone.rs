//! The floor of what brood does: `clone(CLONE_VM | CLONE_PIDFD)` with nothing around it, on one thread, and a second thread
//! that waits for the ends and wakes the first. No checks, no copies, no errors: not a way to start a program.

use std::{ffi::c_void, ptr, thread};

use crate::{Parameters, measure};

/// Runs in our memory, on a stack of its own, until the exec.
extern "C" fn child(null: *mut c_void) -> libc::c_int {
    let argv = [c"/bin/true".as_ptr(), ptr::null()];
    // SAFETY: nothing but system calls, with values that live until the exec.
    unsafe {
        for number in 0..3 {
            libc::dup2(*null.cast::<libc::c_int>(), number);
        }
        libc::execve(argv[0], argv.as_ptr(), crate::posix::environment().cast());
        libc::_exit(127)
    }
}

/// An epoll instance with one descriptor in it, or none.
fn poll_of(descriptor: Option<libc::c_int>) -> libc::c_int {
    // SAFETY: no pointer is kept by the kernel.
    unsafe {
        let poll = libc::epoll_create1(libc::EPOLL_CLOEXEC);
        if let Some(descriptor) = descriptor {
            add(poll, descriptor);
        }
        poll
    }
}

fn add(poll: libc::c_int, descriptor: libc::c_int) {
    let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: descriptor as u64 };
    // SAFETY: the event is read during the call alone.
    assert_eq!(unsafe { libc::epoll_ctl(poll, libc::EPOLL_CTL_ADD, descriptor, &raw mut event) }, 0);
}

/// Sleeps until one of the descriptors is readable.
fn wait(poll: libc::c_int) -> libc::c_int {
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    // SAFETY: room for one event is all that is asked for.
    assert_eq!(unsafe { libc::epoll_wait(poll, &raw mut event, 1, -1) }, 1);
    event.u64 as libc::c_int
}

/// Takes the ends of children, and counts them for the first thread.
fn take_ends(poll: libc::c_int, counter: libc::c_int) {
    loop {
        let pidfd = wait(poll);
        // SAFETY: the information is written to memory of ours, and the pidfd is nobody else's.
        unsafe {
            let mut information = std::mem::zeroed();
            assert_eq!(libc::waitid(libc::P_PIDFD, pidfd as libc::id_t, &raw mut information, libc::WEXITED), 0);
            libc::epoll_ctl(poll, libc::EPOLL_CTL_DEL, pidfd, ptr::null_mut());
            libc::close(pidfd);
            let one = 1u64;
            assert_eq!(libc::write(counter, (&raw const one).cast(), 8), 8);
        }
    }
}

/// One after the other. All descriptors of the children are `/dev/null`.
pub fn sequential(parameters: &Parameters) {
    assert!(!parameters.is_piped(), "without pipes only");
    // SAFETY: plain descriptors.
    let (mut null, counter) = unsafe {
        (libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC), libc::eventfd(0, libc::EFD_CLOEXEC))
    };
    let (ends, woken) = (poll_of(None), poll_of(Some(counter)));
    thread::spawn(move || take_ends(ends, counter));
    // There is one child at a time, and it has left the stack when its end is told.
    let mut stack = vec![0u128; 4096];
    let start = || {
        let mut pidfd: libc::c_int = -1;
        let flags = libc::CLONE_VM | libc::CLONE_PIDFD | libc::SIGCHLD;
        // SAFETY: the child runs on the stack alone, and reads what lives as long as this function.
        let pid = unsafe {
            let top = stack.as_mut_ptr().add(stack.len()).cast();
            libc::clone(child, top, flags, (&raw mut null).cast(), &raw mut pidfd)
        };
        assert!(pid > 0);
        add(ends, pidfd);
    };
    measure::sequential(parameters, start, |()| {
        wait(woken);
        let mut count = 0u64;
        // SAFETY: room for the eight bytes that are read.
        assert_eq!(unsafe { libc::read(counter, (&raw mut count).cast(), 8) }, 8);
    });
}
