//! `posix_spawn(3)` and `waitpid(2)`, nothing else: the limit of what a program without brood's clone can reach.

use std::{
    collections::VecDeque,
    ffi::CString,
    mem::MaybeUninit,
    ptr,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use crate::{Parameters, measure};

unsafe extern "C" {
    static mut environ: *const *mut libc::c_char;
}

/// That of this program.
pub fn environment() -> *const *mut libc::c_char {
    // SAFETY: nothing changes it.
    unsafe { environ }
}

/// A program to start again and again.
pub struct Program {
    path: CString,
    arguments: Vec<CString>,
}

impl Program {
    pub fn new(path: &str, arguments: &[&str]) -> Self {
        let string = |text: &str| CString::new(text).expect("no NUL in a path");
        Self { path: string(path), arguments: [path].iter().chain(arguments).map(|text| string(text)).collect() }
    }
}

/// A child and our end of its stdout.
pub struct Child {
    pub pid: libc::pid_t,
    pipes: Vec<libc::c_int>,
}

impl Child {
    /// Our end of the pipe to the child's descriptor.
    pub fn pipe(&self, index: usize) -> libc::c_int {
        self.pipes[index]
    }

    /// Waits for its end.
    pub fn wait(self) {
        let mut status = 0;
        // SAFETY: a valid out-pointer, and descriptors that are ours alone.
        unsafe {
            assert_eq!(libc::waitpid(self.pid, &raw mut status, 0), self.pid);
            for pipe in self.pipes {
                libc::close(pipe);
            }
        }
        assert_eq!(status, 0);
    }
}

/// What a child's three descriptors are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stdio {
    Null,
    Pipes,
    /// What Node.js has where others have pipes.
    SocketPairs,
}

/// Starts a program.
pub fn spawn(program: &Program, stdio: Stdio) -> Child {
    let mut argv: Vec<_> = program.arguments.iter().map(|text| text.as_ptr().cast_mut()).collect();
    argv.push(ptr::null_mut());
    let mut actions = MaybeUninit::uninit();
    let mut pid = 0;
    let mut pipes = Vec::new();
    let mut theirs = Vec::new();
    // SAFETY: all pointers are to values that live through the calls, and the file actions are initialised first.
    unsafe {
        libc::posix_spawn_file_actions_init(actions.as_mut_ptr());
        for number in 0..3 {
            if stdio != Stdio::Null {
                let mut ends = [0; 2];
                let result = match stdio {
                    Stdio::SocketPairs => {
                        libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0, ends.as_mut_ptr())
                    }
                    _ => libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC),
                };
                assert_eq!(result, 0);
                let (their, our) = if number == 0 { (ends[0], ends[1]) } else { (ends[1], ends[0]) };
                libc::posix_spawn_file_actions_adddup2(actions.as_mut_ptr(), their, number);
                pipes.push(our);
                theirs.push(their);
            } else {
                let null = c"/dev/null".as_ptr();
                libc::posix_spawn_file_actions_addopen(actions.as_mut_ptr(), number, null, libc::O_RDWR, 0);
            }
        }
        let result = libc::posix_spawn(
            &raw mut pid,
            program.path.as_ptr(),
            actions.as_ptr(),
            ptr::null(),
            argv.as_ptr(),
            environ,
        );
        assert_eq!(result, 0);
        libc::posix_spawn_file_actions_destroy(actions.as_mut_ptr());
        for end in theirs {
            libc::close(end);
        }
    }
    Child { pid, pipes }
}

/// One after the other, on one thread.
pub fn sequential(parameters: &Parameters) {
    let program = Program::new("/bin/true", &[]);
    measure::sequential(parameters, || spawn(&program, parameters.stdio()), Child::wait);
}

/// Two threads, each with its share of the concurrency: every thread keeps so many children, and waits for its oldest.
pub fn throughput(parameters: &Parameters) {
    let concurrency = parameters.number("concurrency", 1);
    let threads = concurrency.min(2);
    let seconds = parameters.seconds();
    let stdio = parameters.stdio();
    let run = |seconds| {
        let done = AtomicUsize::new(0);
        let began = Instant::now();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let program = Program::new("/bin/true", &[]);
                    let mut living = VecDeque::new();
                    while began.elapsed() < seconds {
                        while living.len() < concurrency / threads {
                            living.push_back(spawn(&program, stdio));
                        }
                        living.pop_front().expect("one was just put in").wait();
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                    for child in living {
                        child.wait();
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
    };
    run(seconds / 5);
    measure::tell(&[("rate", run(seconds)), ("resident", measure::status("VmRSS"))]);
}
