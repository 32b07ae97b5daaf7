//! Adoption on the main thread, where the kernel puts what is adopted: so this runs without the usual harness, whose tests
//! have threads of their own.
//!
//! What is tested here and not from JavaScript is a zombie whose thread ends: it falls to the main thread without a SIGCHLD.

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: only Linux has children of threads");
}

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        process::Command,
        sync::mpsc,
        thread,
        time::{Duration, Instant},
    };

    use brood_core::{Adoption, Look};

    const DEADLINE: Duration = Duration::from_secs(30);

    pub(super) fn main() {
        assert_eq!(
            thread::spawn(|| Adoption::new().expect_err("this is another thread").raw_os_error()).join().ok().flatten(),
            Some(nix::libc::EPERM)
        );
        let mut adoption = Adoption::new().expect("this is the main thread of a Linux process");
        assert_eq!(adoption.look(Duration::ZERO), Look::Nothing);
        a_zombie_of_another_thread_is_left_to_it_until_it_ends(&mut adoption);
        a_living_stranger_is_listed(&mut adoption);
        println!("ok");
    }

    /// Looks as often as a look asks for, until there is nobody left. Returns how many were reaped.
    fn reap_all(adoption: &mut Adoption) -> usize {
        let end = Instant::now() + DEADLINE;
        let mut reaped = 0;
        loop {
            assert!(Instant::now() < end, "there is an end");
            match adoption.look(Duration::ZERO) {
                Look::Nothing => return reaped,
                Look::Later(time) => thread::sleep(time.min(Duration::from_millis(10))),
                Look::Ready => reaped += adoption.reap(),
            }
        }
    }

    #[expect(clippy::zombie_processes, reason = "who reaps it is what is tested")]
    fn a_zombie_of_another_thread_is_left_to_it_until_it_ends(adoption: &mut Adoption) {
        let (end, wait_for_end) = mpsc::channel::<()>();
        let (send, receive) = mpsc::channel();
        let owner = thread::spawn(move || {
            let child = Command::new("true").spawn().expect("true starts");
            send.send(child.id()).expect("somebody listens");
            let _ = wait_for_end.recv();
        });
        let pid = receive.recv().expect("the thread has started it");
        let deadline = Instant::now() + DEADLINE;
        while state(pid).is_none_or(|state| state != 'Z') {
            assert!(Instant::now() < deadline, "true ends");
            thread::sleep(Duration::from_millis(1));
        }
        for _ in 0..20 {
            assert!(matches!(adoption.look(Duration::ZERO), Look::Later(_)), "it may fall to us");
            assert_eq!(adoption.reap(), 0);
        }
        assert_eq!(state(pid), Some('Z'));
        drop(end);
        owner.join().expect("the thread ends");
        assert_eq!(reap_all(adoption), 1);
        assert_eq!(state(pid), None);
    }

    fn a_living_stranger_is_listed(adoption: &mut Adoption) {
        let output = Command::new("sh").args(["-c", "sleep 1000 >&- 2>&- & echo $!"]).output().expect("sh starts");
        let pid: u32 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("sh prints a pid");
        assert_eq!(adoption.strangers(), [pid]);
        let raw = nix::unistd::Pid::from_raw(pid.cast_signed());
        nix::sys::signal::kill(raw, nix::sys::signal::Signal::SIGKILL).expect("it is there");
        let deadline = Instant::now() + DEADLINE;
        while !adoption.strangers().is_empty() {
            assert!(Instant::now() < deadline, "it ends");
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(reap_all(adoption), 1);
    }

    fn state(pid: u32) -> Option<char> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.trim_start().chars().next()
    }
}
