//! Children that nobody waits for any more.

use brood_core::{Descriptor, GlobalOrphanQueue, Outcome, Signal};
use nix::{
    sys::signal::{Signal as NixSignal, kill},
    unistd::Pid,
};

use super::{
    family::{Family, program, shell, sleeper},
    kernel::{is_alive, zombies},
    suite::until,
};

crate::theme! {
    "orphans",
    in_all_modes: true,
    together: [
        the_queue_counts_who_runs_and_forgets_who_ended,
        orphans_are_reaped_without_being_asked,
        reap_orphans_says_how_many,
        all_who_listen_are_told,
        a_hundred_orphans_at_once,
        an_orphan_that_never_became_its_program_is_told_as_such,
        dropping_closes_our_ends_of_its_pipes,
    ],
    alone: [],
}

fn end(pid: u32) {
    kill(Pid::from_raw(pid as i32), NixSignal::SIGKILL).expect("it runs");
}

fn the_queue_counts_who_runs_and_forgets_who_ended() {
    let family = Family::new();
    let children: Vec<_> = (0..3).map(|_| family.spawn(&sleeper())).collect();
    assert!(GlobalOrphanQueue.is_empty());
    for (count, child) in (1..).zip(&children) {
        family.environment.drop_child(child.id);
        assert_eq!(GlobalOrphanQueue.len(), count);
        // Not ours any more.
        assert!(!family.environment.kill(child.id, Signal::KILL).expect("there is nobody to fail"));
        assert!(family.environment.try_wait(child.id).is_none());
    }
    for child in &children {
        assert!(is_alive(child.pid));
        end(child.pid);
    }
    until("all of them are reaped", || GlobalOrphanQueue.is_empty() && zombies() == 0);
}

fn orphans_are_reaped_without_being_asked() {
    for _ in 0..20 {
        let family = Family::new();
        let child = family.spawn(&program("true", &[]));
        drop(family);
        until("it is gone", || super::kernel::state_of(child.pid).is_none());
    }
    assert!(GlobalOrphanQueue.is_empty());
}

fn reap_orphans_says_how_many() {
    let mut family = Family::new();
    family.environment.listen_to_orphans(true);
    assert_eq!(GlobalOrphanQueue.reap_orphans(), 0);
    let children: Vec<_> = (0..20).map(|_| family.spawn(&sleeper())).collect();
    children.iter().for_each(|child| family.environment.drop_child(child.id));
    assert_eq!(GlobalOrphanQueue.reap_orphans(), 0, "all of them run");
    children.iter().for_each(|child| end(child.pid));
    let mut reaped = 0;
    until("all of them have ended", || {
        reaped += GlobalOrphanQueue.reap_orphans();
        GlobalOrphanQueue.is_empty()
    });
    // The driver has had some of them first, and whoever it was, each is told once.
    assert!(reaped <= 20);
    family.until("all are told", |family| (family.reaped.len() == 20).then_some(()));
    family.sort();
    assert_eq!(family.reaped.len(), 20);
}

fn all_who_listen_are_told() {
    let (mut first, mut second, mut deaf) = (Family::new(), Family::new(), Family::new());
    first.environment.listen_to_orphans(true);
    second.environment.listen_to_orphans(true);
    deaf.environment.listen_to_orphans(true);
    deaf.environment.listen_to_orphans(false);
    let owner = Family::new();
    let child = owner.spawn(&shell("read line; exit 9").descriptor(0, Descriptor::Pipe));
    // Its stdin ends with its owner.
    drop(owner);
    for family in [&mut first, &mut second] {
        let (pid, outcome) = family.until("the orphan's end", |family| family.reaped.pop());
        assert_eq!(pid, child.pid);
        assert!(matches!(outcome, Outcome::Ended { status, .. } if status.code() == Some(9)), "{outcome:?}");
    }
    deaf.sort();
    assert_eq!(deaf.reaped, []);
}

fn a_hundred_orphans_at_once() {
    let mut family = Family::new();
    family.environment.listen_to_orphans(true);
    let other = Family::new();
    let mut pids: Vec<_> = (0..100).map(|_| other.spawn(&sleeper()).pid).collect();
    drop(other);
    pids.iter().for_each(|&pid| end(pid));
    family.until("all are told", |family| (family.reaped.len() >= 100).then_some(()));
    let mut told: Vec<_> = family.reaped.iter().map(|&(pid, _)| pid).collect();
    told.sort_unstable();
    pids.sort_unstable();
    assert_eq!(told, pids, "each once");
}

fn an_orphan_that_never_became_its_program_is_told_as_such() {
    let scratch = super::family::Scratch::new("orphan");
    let path = scratch.file("no-program", "no magic in it", 0o755);
    let mut family = Family::new();
    family.environment.listen_to_orphans(true);
    let child = family.spawn(&program(path.to_str().expect("text"), &[]));
    family.environment.drop_child(child.id);
    // It may have ended before it was dropped, and then nobody is told.
    until("it is gone", || super::kernel::state_of(child.pid).is_none());
    family.sort();
    for (pid, outcome) in family.reaped.drain(..) {
        assert_eq!(pid, child.pid);
        assert!(matches!(outcome, Outcome::NotExecuted(failure) if failure.errno == libc::ENOEXEC), "{outcome:?}");
    }
}

fn dropping_closes_our_ends_of_its_pipes() {
    let mut family = Family::new();
    family.environment.listen_to_orphans(true);
    let child = family.spawn(&shell("cat; exit 4").descriptor(0, Descriptor::Pipe).descriptor(1, Descriptor::Pipe));
    family.environment.drop_child(child.id);
    // The end of its stdin ends it.
    let (_, outcome) = family.until("the orphan's end", |family| family.reaped.pop());
    assert!(matches!(outcome, Outcome::Ended { status, .. } if status.code() == Some(4)), "{outcome:?}");
}
