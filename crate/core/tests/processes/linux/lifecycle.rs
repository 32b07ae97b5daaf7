//! From a spawn to an exit: statuses, signals, handles.

use std::{
    fs,
    os::fd::AsRawFd,
    process,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use brood_core::{Claim, Descriptor, Kill, Outcome, Signal, Wait, stdio};
use nix::sys::signal::{SigHandler, Signal as NixSignal, signal};

use super::{
    family::{Family, everything, program, shell, sleeper, with_input},
    kernel::{is_alive, zombies},
    suite::{is_plain_mode, is_sigchld_mode, skip, until},
};

crate::theme! {
    "lifecycle",
    in_all_modes: true,
    together: [
        a_program_runs_and_its_status_comes_once,
        an_exit_code_keeps_its_whole_range,
        a_signal_is_told_by_its_number_real_time_signals_too,
        a_program_sees_the_name_it_is_given,
        many_children_are_spawned_and_waited_for_in_a_loop,
        many_children_at_once,
        a_killed_child_tells_its_signal,
        kill_after_the_end_is_harmless,
        signal_zero_only_asks,
        a_signal_between_clone_and_exec_is_not_lost,
        try_wait_takes_the_exit_once,
        kill_on_drop_kills,
        without_kill_on_drop_a_dropped_child_runs_on,
        a_finished_child_that_is_dropped_is_told_once,
        orphan_overrides_kill_on_drop,
        the_output_of_one_child_is_the_input_of_the_next,
        time_and_usage_are_the_childs_own,
        children_of_others_are_left_to_them,
    ],
    alone: [
        a_status_that_somebody_else_took_is_told_as_lost,
    ],
}

fn a_program_runs_and_its_status_comes_once() {
    let mut family = Family::new();
    let child = family.shell("exit 7");
    let exit = family.exit(child);
    assert!(matches!(exit.outcome, Outcome::Ended { status, .. } if status.code() == Some(7)), "{exit:?}");
    assert_eq!((exit.id, exit.pid, exit.has_leftovers), (child.id, child.pid, false));
    // `Family` fails at a second one.
    assert!(family.environment.try_wait(child.id).is_none());
    family.sort();
}

fn an_exit_code_keeps_its_whole_range() {
    let mut family = Family::new();
    for code in [0, 1, 126, 127, 128, 254, 255] {
        let child = family.shell(&format!("exit {code}"));
        let status = family.status(child);
        assert_eq!((status.code(), status.signal(), status.success()), (Some(code), None, code == 0));
    }
}

fn a_signal_is_told_by_its_number_real_time_signals_too() {
    let mut family = Family::new();
    for number in [1, 2, 9, 11, 15, 31, 34, 50, 64] {
        let child = family.shell(&format!("ulimit -c 0; kill -{number} $$; sleep 1000"));
        let status = family.status(child);
        assert_eq!((status.code(), status.signal(), status.core_dumped()), (None, Some(number), false));
    }
}

fn a_program_sees_the_name_it_is_given() {
    let mut family = Family::new();
    let named = shell("echo $0").argv0("a name of its own").expect("no NUL in it");
    assert_eq!(family.text(&named), "a name of its own");
    assert_eq!(family.text(&shell("echo $0")), "sh");
    let cat = program("cat", &["/proc/self/cmdline"]).argv0("").expect("no NUL in it");
    assert_eq!(family.read(&cat), b"\0/proc/self/cmdline\0");
}

fn many_children_are_spawned_and_waited_for_in_a_loop() {
    let mut family = Family::new();
    for round in 0..100 {
        let child = family.spawn(&program("true", &[]));
        assert!(family.status(child).success(), "round {round}");
    }
    assert_eq!(zombies(), 0);
}

fn many_children_at_once() {
    let mut family = Family::new();
    let children: Vec<_> = (0..200).map(|code| family.shell(&format!("exit {code}"))).collect();
    for (code, child) in (0..).zip(children) {
        assert_eq!(family.status(child).code(), Some(code));
    }
    assert_eq!(zombies(), 0);
}

fn a_killed_child_tells_its_signal() {
    let mut family = Family::new();
    for number in [libc::SIGTERM, libc::SIGKILL, 40] {
        let child = family.spawn(&sleeper());
        assert!(family.environment.kill(child.id, Signal::from_raw(number).expect("a signal")).expect("it is ours"));
        assert_eq!(family.status(child).signal(), Some(number));
    }
}

fn kill_after_the_end_is_harmless() {
    let mut family = Family::new();
    let child = family.spawn(&sleeper());
    assert!(family.environment.kill(child.id, Signal::KILL).expect("it is ours"));
    until("the end", || !is_alive(child.pid));
    // Not told yet, perhaps not even noticed.
    assert!(!family.environment.kill(child.id, Signal::TERM).expect("there is nobody to fail"));
    assert_eq!(family.status(child).signal(), Some(libc::SIGKILL));
    for _ in 0..3 {
        assert!(!family.environment.kill(child.id, Signal::KILL).expect("there is nobody to fail"));
    }
    assert!(!family.environment.kill(u64::MAX, Signal::KILL).expect("there is nobody to fail"));
}

fn signal_zero_only_asks() {
    let mut family = Family::new();
    let child = family.spawn(&sleeper());
    assert!(family.environment.kill(child.id, Signal::NONE).expect("it is ours"));
    assert!(is_alive(child.pid));
    // 64 is the last; what the kernel does not know it says so about.
    assert!(Signal::from_raw(65).is_none() && Signal::from_raw(-1).is_none());
    assert!(family.environment.kill(child.id, Signal::KILL).expect("it is ours"));
    family.exit(child);
    assert!(!family.environment.kill(child.id, Signal::NONE).expect("there is nobody to fail"));
}

fn a_signal_between_clone_and_exec_is_not_lost() {
    let mut family = Family::new();
    for round in 0..200 {
        let child = family.spawn(&sleeper());
        assert!(family.environment.kill(child.id, Signal::TERM).expect("it is ours"), "round {round}");
        assert_eq!(family.status(child).signal(), Some(libc::SIGTERM), "round {round}");
    }
}

fn try_wait_takes_the_exit_once() {
    let mut family = Family::new();
    let child = family.spawn(&sleeper());
    for _ in 0..100 {
        assert_eq!(family.environment.try_wait(child.id), None);
    }
    assert!(family.environment.kill(child.id, Signal::KILL).expect("it is ours"));
    let mut exit = None;
    until("the exit", || {
        exit = family.environment.try_wait(child.id);
        exit.is_some()
    });
    assert!(exit.is_some_and(|exit| exit.id == child.id && exit.pid == child.pid));
    assert_eq!(family.environment.try_wait(child.id), None);
    assert!(!family.knows_exit(child), "it is not told again");
}

fn kill_on_drop_kills() {
    let family = Family::new();
    let (child, told) = (family.spawn(&sleeper().kill_on_drop()), family.calls());
    family.environment.drop_child(child.id);
    until("the end", || !is_alive(child.pid));
    assert_eq!(told, family.calls(), "nobody is told of it");
    // All at once, with the environment.
    let children: Vec<_> = (0..20).map(|_| family.spawn(&sleeper().kill_on_drop())).collect();
    drop(family);
    for child in children {
        until("the end", || !is_alive(child.pid));
    }
    until("no zombie", || zombies() == 0);
}

fn without_kill_on_drop_a_dropped_child_runs_on() {
    let mut family = Family::new();
    let cat = program("cat", &[]).descriptor(0, Descriptor::Pipe).descriptor(1, Descriptor::Pipe);
    let child = family.spawn(&cat);
    let (Claim::Pipe(stdin), Claim::Pipe(stdout)) =
        (family.environment.claim(child.id, 0), family.environment.claim(child.id, 1))
    else {
        panic!("both pipes are there");
    };
    family.environment.listen_to_orphans(true);
    family.environment.drop_child(child.id);
    // It answers, so it runs.
    nix::unistd::write(&stdin, b"x").expect("somebody reads");
    assert_eq!(nix::unistd::read(&stdout, &mut [0; 8]).expect("somebody writes"), 1);
    drop((stdin, stdout));
    let outcome = family.until("the orphan's end", |family| family.reaped.pop());
    assert_eq!(outcome.0, child.pid);
    assert!(matches!(outcome.1, Outcome::Ended { status, .. } if status.success()));
}

fn a_finished_child_that_is_dropped_is_told_once() {
    let mut family = Family::new();
    family.environment.listen_to_orphans(true);
    let child = family.spawn(&program("true", &[]).kill_on_drop());
    assert!(family.status(child).success());
    family.environment.drop_child(child.id);
    // One that nobody has noticed yet.
    let child = family.spawn(&program("true", &[]));
    until("its end", || !is_alive(child.pid));
    assert_eq!(family.reaped, [], "it was told as an exit");
    family.environment.drop_child(child.id);
    // Whoever found its end, before the drop or after it: it is told once, as an orphan's.
    let (pid, _) = family.until("its reap", |family| family.reaped.pop());
    assert_eq!((pid, zombies()), (child.pid, 0));
    family.sort();
    assert!(family.reaped.is_empty() && !family.knows_exit(child));
}

fn orphan_overrides_kill_on_drop() {
    let mut family = Family::new();
    family.environment.listen_to_orphans(true);
    let child = family.spawn(&shell("read line; exit 3").descriptor(0, Descriptor::Pipe).kill_on_drop());
    let stdin = family.environment.claim(child.id, 0);
    family.environment.orphan(child.id);
    drop(stdin);
    let (pid, outcome) = family.until("the orphan's end", |family| family.reaped.pop());
    assert_eq!(pid, child.pid);
    assert!(matches!(outcome, Outcome::Ended { status, .. } if status.code() == Some(3)), "{outcome:?}");
}

fn the_output_of_one_child_is_the_input_of_the_next() {
    let mut family = Family::new();
    let first = family.spawn(&shell("cat; echo first").descriptor(0, Descriptor::Pipe).descriptor(1, Descriptor::Pipe));
    let Claim::Pipe(pipe) = family.environment.claim(first.id, 1) else { panic!("it was not claimed before") };
    // In the mode that the driver would read it in.
    let between = stdio(pipe).expect("a pipe can be made non-blocking");
    let script = "cat; grep flags /proc/self/fdinfo/0";
    let next = |number| shell(script).descriptor(0, Descriptor::Hand(number)).descriptor(1, Descriptor::Pipe);
    let second = family.spawn(&next(std::os::fd::AsFd::as_fd(&between).as_raw_fd()));
    drop(between);
    // The second one is reading from an empty pipe by now, or will be: EAGAIN would end it.
    family.exec(second);
    family.environment.capture(second.id, everything()).expect("the pipe can be watched");
    family.capture(first, with_input("given\n"));
    let output = String::from_utf8(family.output(second).stdout).expect("text");
    let flags = output.strip_prefix("given\nfirst\nflags:").unwrap_or_else(|| panic!("{output}"));
    let flags = u32::from_str_radix(flags.trim(), 8).expect("an octal number");
    assert_eq!(flags & libc::O_NONBLOCK as u32, 0, "blocking again");
    assert!(family.status(first).success() && family.status(second).success());

    // By the owned descriptor, too.
    let echo = shell("read line; echo again").descriptor(0, Descriptor::Pipe).descriptor(1, Descriptor::Pipe);
    let first = family.spawn(&echo);
    let Claim::Pipe(pipe) = family.environment.claim(first.id, 1) else { panic!("it was not claimed before") };
    let owned = stdio(pipe).and_then(brood_core::ChildStdio::into_owned_fd).expect("there and back");
    let cat = program("cat", &[]).descriptor(0, Descriptor::Inherit(owned.as_raw_fd()));
    let second = family.spawn(&cat.descriptor(1, Descriptor::Pipe));
    drop(family.environment.claim(first.id, 0));
    assert_eq!(family.capture(second, everything()).stdout, b"again\n");
    family.exit(second);
    family.exit(first);
}

fn time_and_usage_are_the_childs_own() {
    let mut family = Family::new();
    let child = family.shell("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done");
    let exit = family.exit(child);
    let Outcome::Ended { status, .. } = exit.outcome else { panic!("{exit:?}") };
    let cpu = status.usage().user_cpu_time + status.usage().system_cpu_time;
    assert!(cpu > 1000, "{cpu} µs");
    assert!(exit.duration.as_micros() as i64 >= cpu / 2, "{:?} for {cpu} µs", exit.duration);
    let child = family.spawn(&program("true", &[]));
    assert!(family.status(child).usage().user_cpu_time < 1_000_000);
}

/// The standard library waits for its own children while ours come and go, and neither takes the other's status.
fn children_of_others_are_left_to_them() {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut family = Family::new();
            while !done.load(Ordering::Relaxed) {
                let child = family.shell("exit 5");
                assert_eq!(family.status(child).code(), Some(5));
            }
        });
        for _ in 0..50 {
            let mut child = process::Command::new("sh").args(["-c", "exit 6"]).spawn().expect("sh starts");
            // Left as a zombie for a while: nobody may reap it but us.
            until("its end", || !is_alive(child.id()));
            assert_eq!(child.wait().expect("it is still ours").code(), Some(6));
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// A program that ignores SIGCHLD has its children reaped by the kernel.
fn a_status_that_somebody_else_took_is_told_as_lost() {
    if is_sigchld_mode() {
        return skip("in this mode SIGCHLD is not ignored for long");
    }
    // SAFETY: ignoring a signal runs no code.
    unsafe { signal(NixSignal::SIGCHLD, SigHandler::SigIgn) }.expect("SIGCHLD can be ignored");
    let mut family = Family::new();
    // Where the pidfd is opened afterwards, it can be too late for it: then SIGCHLD is caught, and not ignored any more.
    for _ in 0..if is_plain_mode() { 10 } else { 1 } {
        let child = family.spawn(&program("true", &[]));
        let exit = family.exit(child);
        assert_eq!((exit.pid, exit.outcome), (child.pid, Outcome::Lost(libc::ECHILD)));
        assert!(!family.environment.kill(child.id, Signal::KILL).expect("there is nobody to fail"));
    }
    // An orphan that cannot be waited for does not stay for ever.
    let child = family.spawn(&sleeper());
    family.environment.drop_child(child.id);
    fs::metadata(format!("/proc/{}", child.pid)).expect("it runs");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.pid as i32), NixSignal::SIGKILL).expect("it is ours");
    until("nobody is left", || brood_core::GlobalOrphanQueue.is_empty());
}

/// The traits are for others to implement, by reference too.
#[expect(dead_code, reason = "it is enough that it compiles")]
fn both_traits_work_by_reference(mut child: impl Wait + Kill) {
    fn takes(child: impl Wait + Kill) {
        drop(child);
    }
    takes(&mut child);
}
