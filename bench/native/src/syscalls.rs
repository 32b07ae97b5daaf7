//! What each system call of a spawn and an exit takes by itself, in microseconds: the middle of many.

use std::{ptr, time::Instant};

use crate::{
    measure,
    posix::{Program, Stdio, spawn},
};

/// What is to be seen in so short a time is the fastest half; a batch makes the clock's own time disappear in it.
fn micros(mut call: impl FnMut()) -> f64 {
    const BATCH: u32 = 20;
    let mut samples: Vec<_> = (0..500)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..BATCH {
                call();
            }
            measure::micros(start.elapsed()) / f64::from(BATCH)
        })
        .collect();
    measure::percentile(&mut samples, 0.5)
}

/// Each of them, with arguments as brood gives them.
pub fn measure_all() {
    // SAFETY: every pointer is to a value of the type that the call wants, and every descriptor was just opened here.
    unsafe {
        let stat = micros(|| {
            let mut found = std::mem::zeroed::<libc::stat>();
            assert_eq!(libc::stat(c"/bin/true".as_ptr(), &raw mut found), 0);
        });
        let mask = micros(|| {
            let mut all = std::mem::zeroed::<libc::sigset_t>();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const all, ptr::null_mut());
        });
        let mut ends = [0; 2];
        let pipe_and_close = micros(|| {
            assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
            libc::close(ends[0]);
            libc::close(ends[1]);
        });
        assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
        let copy_and_close = micros(|| {
            libc::close(libc::fcntl(ends[0], libc::F_DUPFD_CLOEXEC, 0));
        });
        let fcntl = micros(|| {
            libc::fcntl(ends[0], libc::F_GETFL);
        });
        let poll = libc::epoll_create1(libc::EPOLL_CLOEXEC);
        let mut event = libc::epoll_event { events: (libc::EPOLLIN | libc::EPOLLET) as u32, u64: 0 };
        let add_and_delete = micros(|| {
            assert_eq!(libc::epoll_ctl(poll, libc::EPOLL_CTL_ADD, ends[0], &raw mut event), 0);
            libc::epoll_ctl(poll, libc::EPOLL_CTL_DEL, ends[0], ptr::null_mut());
        });
        let counter = libc::eventfd(0, libc::EFD_CLOEXEC);
        let one = 1u64;
        let write = micros(|| {
            assert_eq!(libc::write(counter, (&raw const one).cast(), 8), 8);
        });
        let getrusage = micros(|| {
            let mut usage = std::mem::zeroed::<libc::rusage>();
            libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        });
        let program = Program::new("/bin/true", &[]);
        let mut waits = Vec::new();
        let mut pidfds = Vec::new();
        for _ in 0..200 {
            let child = spawn(&program, Stdio::Null);
            let start = Instant::now();
            let pidfd = libc::syscall(libc::SYS_pidfd_open, child.pid, 0) as libc::c_int;
            libc::close(pidfd);
            pidfds.push(measure::micros(start.elapsed()));
            let mut info = std::mem::zeroed::<libc::siginfo_t>();
            let id = child.pid as libc::id_t;
            assert_eq!(libc::waitid(libc::P_PID, id, &raw mut info, libc::WEXITED | libc::WNOWAIT), 0);
            let start = Instant::now();
            child.wait();
            waits.push(measure::micros(start.elapsed()));
        }
        measure::tell(&[
            ("newfstatat of the program", stat),
            ("rt_sigprocmask", mask),
            ("pipe2 and two close", pipe_and_close),
            ("close, and the copy that it closes", copy_and_close),
            ("fcntl", fcntl),
            ("epoll_ctl, add and delete", add_and_delete),
            ("write to an event counter", write),
            ("getrusage", getrusage),
            ("pidfd_open and close", measure::percentile(&mut pidfds, 0.5)),
            ("waitid of one that has ended", measure::percentile(&mut waits, 0.5)),
        ]);
    }
}
