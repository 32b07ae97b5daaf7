//! What a child does not inherit, and what it does not do to its parent.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    thread,
};

use brood_core::{Claim, Descriptor, Signal};
use nix::{
    sys::{
        prctl,
        signal::{SaFlags, SigAction, SigHandler, SigSet, Signal as NixSignal, sigaction, signal},
        wait::{WaitStatus, waitpid},
    },
    unistd::{Pid, gettid},
};

use super::{
    family::{Family, program, sleeper},
    kernel::{is_alive, signals},
    suite::{helper, until},
};

crate::theme! {
    "parents",
    in_all_modes: true,
    together: [],
    alone: [
        no_signal_is_blocked_or_ignored_in_the_child,
        a_handler_of_ours_does_not_run_in_the_child,
        a_child_dies_with_its_parent_if_asked_to,
        a_child_made_by_a_thread_outlives_the_thread,
        the_parent_may_change_its_user,
        has_a_child_that_dies_with_it,
    ],
}

extern "C" fn handler(_: libc::c_int) {
    HANDLED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
}

static HANDLED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);

fn catch(signal: NixSignal) {
    let action = SigAction::new(SigHandler::Handler(handler), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler touches an atomic and nothing else.
    unsafe { sigaction(signal, &action) }.expect("it can be caught");
}

fn ignore(number: NixSignal) {
    // SAFETY: ignoring a signal runs no code.
    unsafe { signal(number, SigHandler::SigIgn) }.expect("it can be ignored");
}

fn no_signal_is_blocked_or_ignored_in_the_child() {
    let mut family = Family::new();
    // What our own parent ignored is not ours to reset. 32 and 33 are the C library's own.
    let signals = |status: &str, name: &str| signals(status, name) & !(1 << 31 | 1 << 32);
    let status = fs::read_to_string("/proc/self/status").expect("/proc is there");
    // As Node.js does.
    let ignored = [NixSignal::SIGPIPE, NixSignal::SIGXFSZ];
    ignored.into_iter().for_each(ignore);
    let caught = [NixSignal::SIGINT, NixSignal::SIGTERM, NixSignal::SIGUSR1, NixSignal::SIGPROF, NixSignal::SIGHUP];
    caught.into_iter().for_each(catch);
    // A shell's background job ignores some of those that are caught here, as nohup does.
    let changed = ignored.iter().chain(&caught).fold(0, |set, signal| set | 1 << (*signal as i32 - 1));
    let usual = signals(&status, "SigIgn") & !changed;
    let status = |family: &mut Family| family.text(&program("cat", &["/proc/self/status"]));
    let told = status(&mut family);
    for (name, expected) in [("SigBlk", 0), ("SigIgn", usual), ("SigCgt", 0), ("SigPnd", 0)] {
        assert_eq!(signals(&told, name), expected, "{name}");
    }
    // And with everything blocked in the thread that spawns.
    let everything = SigSet::all();
    everything.thread_block().expect("signals can be blocked");
    let ours = || signals(&fs::read_to_string("/proc/thread-self/status").expect("/proc is there"), "SigBlk");
    let before = ours();
    let told = status(&mut family);
    let after = ours();
    everything.thread_unblock().expect("signals can be unblocked");
    for (name, expected) in [("SigBlk", 0), ("SigIgn", usual), ("SigCgt", 0)] {
        assert_eq!(signals(&told, name), expected, "{name}");
    }
    assert!(before != 0 && before == after, "ours is what it was: {before:x}, not {after:x}");
    // What somebody ignored on purpose stays ignored, as POSIX wants it: nohup works.
    ignore(NixSignal::SIGHUP);
    let told = status(&mut family);
    assert_eq!((signals(&told, "SigIgn"), signals(&told, "SigBlk")), (usual | 1, 0));
}

/// A signal that is sent to a child before its exec must meet the default action, not a handler that runs in our memory.
fn a_handler_of_ours_does_not_run_in_the_child() {
    catch(NixSignal::SIGTERM);
    catch(NixSignal::SIGUSR1);
    let mut family = Family::new();
    for round in 0..300 {
        let number = if round % 2 == 0 { libc::SIGTERM } else { libc::SIGUSR1 };
        let child = family.spawn(&sleeper());
        assert!(family.environment.kill(child.id, Signal::from_raw(number).expect("a signal")).expect("it is ours"));
        assert_eq!(family.status(child).signal(), Some(number), "round {round}");
    }
    assert_eq!(HANDLED.load(std::sync::atomic::Ordering::Relaxed), 0);
}

/// Runs as a process of its own, on its main thread, with its stdout for the pid.
fn has_a_child_that_dies_with_it() {
    let Some(place) = std::env::var_os("BROOD_TEST_PLACE") else { return };
    let family = Family::new();
    let spawn = || family.spawn(&sleeper().parent_death_signal(Signal::from_raw(libc::SIGUSR2).expect("a signal")));
    let child =
        if place == "main" { spawn() } else { thread::scope(|scope| scope.spawn(spawn).join().expect("no panic")) };
    println!("pid {}", child.pid);
    std::io::stdout().flush().expect("somebody reads");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).expect("somebody writes, or ends");
    // No destructors: nobody else is to kill the child.
    std::process::exit(0);
}

fn a_child_dies_with_its_parent_if_asked_to() {
    // So that it comes to us when its parent has gone, and not to somebody who may or may not reap it.
    prctl::set_child_subreaper(true).expect("Linux 3.4");
    for place in ["main", "thread"] {
        let variables = [("BROOD_TEST_PLACE", place)];
        let mut parent = helper("parents", "has_a_child_that_dies_with_it", &variables).expect("it starts");
        let mut told = BufReader::new(parent.stdout.take().expect("a pipe")).lines();
        let line = told.find_map(|line| Some(line.ok()?.strip_prefix("pid ")?.parse().expect("a pid")));
        let pid: u32 = line.expect("it tells the pid");
        until("it has exec'd", || {
            fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|name| name.starts_with(b"sleep"))
        });
        drop(parent.stdin.take());
        parent.wait().expect("it is our child");
        let pid = Pid::from_raw(pid as i32);
        assert_eq!(waitpid(pid, None), Ok(WaitStatus::Signaled(pid, NixSignal::SIGUSR2, false)));
    }
}

fn a_child_made_by_a_thread_outlives_the_thread() {
    let mut family = Family::new();
    for _ in 0..20 {
        let cat = program("cat", &[]).descriptor(0, Descriptor::Pipe).descriptor(1, Descriptor::Pipe);
        let command = cat.parent_death_signal(Signal::KILL);
        let (child, thread) =
            thread::scope(|scope| scope.spawn(|| (family.spawn(&command), gettid())).join().expect("no panic"));
        // The signal would be sent when the thread is taken apart, some time after it could be joined.
        until("the thread is gone", || !fs::exists(format!("/proc/self/task/{thread}")).expect("/proc is there"));
        let (Claim::Pipe(stdin), Claim::Pipe(stdout)) =
            (family.environment.claim(child.id, 0), family.environment.claim(child.id, 1))
        else {
            panic!("both pipes are there");
        };
        nix::unistd::write(&stdin, b"alive").expect("somebody reads");
        assert_eq!(nix::unistd::read(&stdout, &mut [0; 8]).expect("somebody writes"), 5);
        assert!(is_alive(child.pid));
        drop(stdin);
        assert!(family.status(child).success());
    }
}

/// setuid(2) is about one thread; the C library sends a signal to all others, and waits until each has followed.
fn the_parent_may_change_its_user() {
    let mut family = Family::new();
    let keep = u32::MAX;
    // SAFETY: plain numbers; -1 leaves each id what it is, and every thread has to answer all the same.
    assert_eq!(unsafe { libc::setresgid(keep, keep, keep) }, 0);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::setresuid(keep, keep, keep) }, 0);
    let child = family.spawn(&program("true", &[]));
    assert!(family.status(child).success());
}
