//! Owners of children come and go.

use std::{
    fs::File,
    io::read_to_string,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use brood_core::{Claim, Descriptor, GlobalOrphanQueue, Signal};

use super::{
    family::{Family, everything, program, shell, sleeper, with_drain, with_input},
    kernel::{children, is_alive, zombies},
    suite::until,
};

crate::theme! {
    "environments",
    in_all_modes: true,
    together: [
        a_child_is_its_own_environments_business,
        leftovers_are_its_own_environments_business,
        leftovers_are_claimed_once,
        what_is_released_is_gone,
        close_follows_the_drop_rule,
        close_ends_captures_in_flight,
        nobody_is_called_after_close,
        a_call_stands_for_many_exits,
        many_come_and_go_at_once,
    ],
    alone: [],
}

fn a_child_is_its_own_environments_business() {
    let (mut owner, mut other) = (Family::new(), Family::new());
    let child = owner.spawn(&sleeper().descriptor(1, Descriptor::Pipe).kill_on_drop());
    assert!(!other.environment.kill(child.id, Signal::KILL).expect("there is nobody to fail"));
    assert!(other.environment.try_wait(child.id).is_none());
    assert!(matches!(other.environment.claim(child.id, 1), Claim::Nothing));
    assert!(!other.environment.watch_exec(child.id));
    other.environment.orphan(child.id);
    other.environment.drop_child(child.id);
    other.environment.hurry_capture(child.id);
    drop(other.capture(child, everything()));
    drop(other);
    assert!(is_alive(child.pid));
    assert!(matches!(owner.environment.claim(child.id, 1), Claim::Pipe(_)));
    assert!(owner.environment.kill(child.id, Signal::TERM).expect("it is ours"));
    assert_eq!(owner.status(child).signal(), Some(libc::SIGTERM));
}

fn leftovers_are_its_own_environments_business() {
    let (mut owner, mut other) = (Family::new(), Family::new());
    let child = owner.spawn(&shell("echo left").descriptor(1, Descriptor::Pipe));
    assert!(owner.exit(child).has_leftovers);
    assert!(matches!(other.environment.claim(child.id, 1), Claim::Nothing));
    assert_eq!(other.capture(child, everything()).stdout, b"");
    other.environment.release(child.id);
    other.environment.drop_child(child.id);
    let Claim::Pipe(pipe) = owner.environment.claim(child.id, 1) else { panic!("it is its own") };
    assert_eq!(read_to_string(File::from(pipe)).expect("it has an end"), "left\n");
}

fn leftovers_are_claimed_once() {
    let mut family = Family::new();
    let child = family.spawn(
        &shell("echo 1; echo 2 >&2; echo 3 >&3").descriptor(3, Descriptor::Pipe).descriptor(2, Descriptor::Pipe),
    );
    assert!(family.exit(child).has_leftovers);
    for (index, content) in [(0, None), (1, None), (2, Some("2\n")), (3, Some("3\n")), (4, None)] {
        match (family.environment.claim(child.id, index), content) {
            (Claim::Pipe(pipe), Some(content)) if index < 3 => {
                assert_eq!(read_to_string(File::from(pipe)).expect("it has an end"), content);
            }
            // What goes both ways was no pipe, and is none now.
            (Claim::Bytes(bytes), Some(content)) if index >= 3 => assert_eq!(bytes, content.as_bytes()),
            (Claim::Nothing, None) => {}
            (other, _) => panic!("{index}: {other:?}"),
        }
        assert!(matches!(family.environment.claim(child.id, index), Claim::Nothing));
    }
}

fn what_is_released_is_gone() {
    let mut family = Family::new();
    let child = family.spawn(&shell("echo out").descriptor(1, Descriptor::Pipe));
    assert!(family.exit(child).has_leftovers);
    family.environment.release(child.id);
    assert!(matches!(family.environment.claim(child.id, 1), Claim::Nothing));
    family.environment.release(child.id);
}

fn close_follows_the_drop_rule() {
    let family = Family::new();
    let killed: Vec<_> = (0..20).map(|_| family.spawn(&sleeper().kill_on_drop())).collect();
    let kept: Vec<_> = (0..5)
        .map(|_| {
            let child = family.spawn(&program("cat", &[]).descriptor(0, Descriptor::Pipe));
            (child, family.environment.claim(child.id, 0))
        })
        .collect();
    family.environment.close();
    until("those with kill_on_drop are gone", || killed.iter().all(|child| !is_alive(child.pid)));
    assert!(kept.iter().all(|(child, _)| is_alive(child.pid)));
    until("only the others are left", || GlobalOrphanQueue.len() == 5);
    // Closed is closed.
    family.environment.close();
    drop(kept);
    until("all are reaped", || GlobalOrphanQueue.is_empty() && children().is_empty());
}

fn close_ends_captures_in_flight() {
    let family = Family::new();
    let command = |script| (0..3).fold(shell(script), |command, number| command.descriptor(number, Descriptor::Pipe));
    for _ in 0..5 {
        for (script, options) in [
            ("cat", with_input(vec![b'x'; 1 << 20])),
            ("exec yes", everything()),
            ("exec sleep 1000", everything()),
            ("cat; exec sleep 1000", with_drain(1_000_000)),
            // Captures that outlive their child.
            ("sleep 1000 & exit", everything()),
            ("sleep 1000 & exit", with_drain(1_000_000)),
        ] {
            let child = family.spawn(&command(script).process_group(0).kill_on_drop());
            family.environment.capture(child.id, options).expect("the pipes can be watched");
            if script.ends_with("exit") {
                until("its end", || !is_alive(child.pid));
                let group = nix::unistd::Pid::from_raw(child.pid as i32);
                // Not before the close, but after it: the pipes are held until then.
                thread::spawn(move || {
                    let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
                });
            }
        }
    }
    drop(family);
    until("all are reaped", || zombies() == 0);
}

fn nobody_is_called_after_close() {
    for _ in 0..50 {
        let family = Family::new();
        let children: Vec<_> = (0..5).map(|_| family.spawn(&program("true", &[]))).collect();
        family.environment.listen_to_orphans(true);
        family.environment.close();
        let calls = family.calls();
        until("they are gone", || children.iter().all(|child| super::kernel::state_of(child.pid).is_none()));
        assert_eq!(family.calls(), calls);
        assert_eq!(family.environment.take(), []);
    }
}

fn a_call_stands_for_many_exits() {
    let mut family = Family::new();
    let children: Vec<_> = (0..100).map(|_| family.spawn(&program("true", &[]))).collect();
    // Nobody comes for the events, so there is no second call.
    until("all have ended", || children.iter().all(|child| super::kernel::state_of(child.pid).is_none()));
    assert_eq!(family.calls(), 1);
    for child in children {
        assert!(family.status(child).success());
    }
}

fn many_come_and_go_at_once() {
    let made = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while made.fetch_add(1, Ordering::Relaxed) < 100 {
                    let mut family = Family::new();
                    let piped = program("cat", &[]).descriptor(0, Descriptor::Pipe).descriptor(1, Descriptor::Pipe);
                    let (read, left) = (family.spawn(&piped), family.spawn(&piped.clone().kill_on_drop()));
                    let (orphan, early) = (family.spawn(&program("true", &[])), family.shell("exit 3"));
                    family.environment.orphan(orphan.id);
                    family.environment.capture(left.id, everything()).expect("the pipes can be watched");
                    assert_eq!(family.capture(read, with_input("through")).stdout, b"through");
                    assert_eq!(family.status(early).code(), Some(3));
                    // The rest, mid-flight, is left to the drop.
                }
            });
        }
    });
    until("nobody is left", || children().is_empty());
}
