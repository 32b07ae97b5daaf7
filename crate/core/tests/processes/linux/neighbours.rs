//! Others who catch SIGCHLD for children of their own, without a thought for us.

use std::{
    process::Command,
    ptr,
    sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use brood_core::GlobalOrphanQueue;

use super::{
    family::{Family, program, sleeper},
    suite::until,
};

crate::theme! {
    "neighbours",
    in_all_modes: true,
    together: [],
    alone: [
        a_neighbour_that_resets_the_handler_again_and_again,
        a_neighbour_that_was_there_first,
        a_neighbour_whose_handler_takes_no_info,
        a_neighbour_that_passes_the_signal_on_to_us,
        orphans_are_noticed_without_a_signal,
    ],
}

/// How long an end may go unnoticed.
const NOTICED: Duration = Duration::from_secs(1);

/// The neighbour's child, which its handler looks for, as libuv's does.
static CHILD: AtomicI32 = AtomicI32::new(0);
/// Set by the handler when that child has ended.
static FOUND: AtomicBool = AtomicBool::new(false);
static CALLS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn on_signal(signal: libc::c_int) {
    assert_or_abort(signal == libc::SIGCHLD);
    look();
}

extern "C" fn on_signal_with_info(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel, or who stands in for it, gives a siginfo and a context.
    assert_or_abort(signal == libc::SIGCHLD && !context.is_null() && unsafe { (*info).si_signo } == libc::SIGCHLD);
    look();
}

fn assert_or_abort(holds: bool) {
    if !holds {
        std::process::abort();
    }
}

fn look() {
    CALLS.fetch_add(1, Ordering::Relaxed);
    let child = CHILD.load(Ordering::Relaxed);
    if child == 0 {
        return;
    }
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: waitid is async-signal-safe and writes to a siginfo of ours; zeros are a valid one. errno is kept.
    unsafe {
        let errno = *libc::__errno_location();
        let mut info: libc::siginfo_t = std::mem::zeroed();
        if libc::waitid(libc::P_PID, child as libc::id_t, &raw mut info, options) == 0 && info.si_pid() == child {
            FOUND.store(true, Ordering::Relaxed);
        }
        *libc::__errno_location() = errno;
    }
}

fn install(handler: libc::sighandler_t, flags: libc::c_int) -> libc::sigaction {
    // SAFETY: zeros are a valid sigaction; the handlers of this file are async-signal-safe.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags | libc::SA_RESTART;
        let mut previous: libc::sigaction = std::mem::zeroed();
        assert_eq!(libc::sigaction(libc::SIGCHLD, &raw const action, &raw mut previous), 0);
        previous
    }
}

/// Has a child, as `node:child_process` would: handler, child, end, handler called, no handler.
fn has_a_child(handler: libc::sighandler_t, flags: libc::c_int) {
    install(handler, flags);
    FOUND.store(false, Ordering::Relaxed);
    let mut child = Command::new("cat").stdin(std::process::Stdio::piped()).spawn().expect("cat starts");
    CHILD.store(child.id() as i32, Ordering::Relaxed);
    // It ends when we say so: its handler is certainly there, and knows what to look for.
    drop(child.stdin.take());
    until("the neighbour's handler is called for its child", || FOUND.load(Ordering::Relaxed));
    CHILD.store(0, Ordering::Relaxed);
    assert!(child.wait().expect("nobody else reaps it").success());
    install(libc::SIG_DFL, 0);
}

/// Children of ours that come and go for as long as `done` is false; how many. Each end is noticed in time.
fn come_and_go(done: &AtomicBool) -> usize {
    let mut family = Family::new();
    family.environment.listen_to_orphans(true);
    let mut count = 0;
    while !done.load(Ordering::Relaxed) {
        let child = family.spawn(&sleeper());
        family.exec(child);
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.pid as i32), nix::sys::signal::Signal::SIGKILL)
            .expect("it runs");
        let start = Instant::now();
        assert_eq!(family.status(child).signal(), Some(libc::SIGKILL));
        assert!(start.elapsed() < NOTICED, "noticed after {:?}", start.elapsed());
        // And an orphan.
        let child = family.spawn(&sleeper());
        family.environment.drop_child(child.id);
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.pid as i32), nix::sys::signal::Signal::SIGKILL)
            .expect("it runs");
        let start = Instant::now();
        family.until("the orphan's end", |family| family.reaped.pop());
        assert!(start.elapsed() < NOTICED, "noticed after {:?}", start.elapsed());
        count += 1;
    }
    count
}

fn beside_ours(has_a_child: impl Fn(), rounds: usize) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let ours = scope.spawn(|| come_and_go(&done));
        for _ in 0..rounds {
            has_a_child();
            assert!(!ours.is_finished(), "it has failed");
        }
        done.store(true, Ordering::Relaxed);
        assert!(ours.join().expect("no panic") > 0);
    });
    until("nobody is left", || GlobalOrphanQueue.is_empty());
}

fn a_neighbour_that_resets_the_handler_again_and_again() {
    beside_ours(|| has_a_child(on_signal_with_info as *const () as libc::sighandler_t, libc::SA_SIGINFO), 200);
}

fn a_neighbour_that_was_there_first() {
    has_a_child(on_signal as *const () as libc::sighandler_t, 0);
    install(on_signal as *const () as libc::sighandler_t, 0);
    let mut family = Family::new();
    let child = family.spawn(&program("true", &[]));
    assert!(family.status(child).success());
    for _ in 0..20 {
        let calls = CALLS.load(Ordering::Relaxed);
        assert!(Command::new("true").status().expect("true starts").success());
        until("its handler is called", || CALLS.load(Ordering::Relaxed) > calls);
        let child = family.spawn(&program("true", &[]));
        assert!(family.status(child).success());
    }
}

fn a_neighbour_whose_handler_takes_no_info() {
    beside_ours(|| has_a_child(on_signal as *const () as libc::sighandler_t, 0), 100);
}

/// Whom the polite neighbour calls.
static PASS_ON_TO: AtomicUsize = AtomicUsize::new(0);

extern "C" fn on_signal_politely(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    look();
    let next = PASS_ON_TO.load(Ordering::Relaxed);
    if next != libc::SIG_DFL && next != libc::SIG_IGN {
        // SAFETY: it was installed with SA_SIGINFO: only ours is stored here.
        let next: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
            unsafe { std::mem::transmute(ptr::without_provenance::<()>(next)) };
        next(signal, info, context);
    }
}

/// It replaces our handler and calls it; ours goes in front again and calls the one that it finds. Nobody may go round in
/// circles.
fn a_neighbour_that_passes_the_signal_on_to_us() {
    let polite = on_signal_politely as *const () as libc::sighandler_t;
    let beside = || {
        let previous = install(polite, libc::SA_SIGINFO | libc::SA_ONSTACK);
        if previous.sa_flags & libc::SA_SIGINFO != 0 && previous.sa_sigaction != polite {
            PASS_ON_TO.store(previous.sa_sigaction, Ordering::Relaxed);
        }
        FOUND.store(false, Ordering::Relaxed);
        let mut child = Command::new("cat").stdin(std::process::Stdio::piped()).spawn().expect("cat starts");
        CHILD.store(child.id() as i32, Ordering::Relaxed);
        drop(child.stdin.take());
        until("the neighbour's handler is called for its child", || FOUND.load(Ordering::Relaxed));
        CHILD.store(0, Ordering::Relaxed);
        assert!(child.wait().expect("nobody else reaps it").success());
    };
    beside_ours(beside, 100);
}

fn orphans_are_noticed_without_a_signal() {
    let family = Family::new();
    let children: Vec<_> = (0..10).map(|_| family.spawn(&sleeper())).collect();
    drop(family);
    // Nobody is told of anything from here on, but for those who look themselves.
    install(libc::SIG_DFL, 0);
    for child in children {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.pid as i32), nix::sys::signal::Signal::SIGKILL)
            .expect("it runs");
        install(libc::SIG_DFL, 0);
    }
    until("all are reaped", || GlobalOrphanQueue.is_empty());
}
