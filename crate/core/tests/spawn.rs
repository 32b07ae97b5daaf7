//! Real processes, from a request to an exit.

mod common;

use brood_core::{CaptureOptions, Command, Descriptor, Signal, SpawnFailure, Step};
use common::{Family, everything, shell};

#[test]
fn a_program_runs_and_its_status_comes_once() {
    let mut family = Family::new();
    let child = family.shell("exit 7");
    assert_eq!(family.status(child).code(), Some(7));
}

#[test]
fn output_of_both_streams_is_gathered() {
    let mut family = Family::new();
    let command = shell("echo out; echo err >&2; cat")
        .descriptor(0, Descriptor::Pipe)
        .descriptor(1, Descriptor::Pipe)
        .descriptor(2, Descriptor::Pipe);
    let child = family.spawn(&command);
    let output = family.capture(child, CaptureOptions { input: Some(b"in\n".to_vec()), ..everything() });
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"out\nin\n"[..], &b"err\n"[..]));
    assert!(!output.truncated);
    assert!(family.status(child).success());
}

#[test]
fn a_missing_program_is_an_error_at_once() {
    let family = Family::new();
    let missing = Command::new("no-such-program-anywhere").unwrap();
    match family.try_spawn(&missing) {
        Err(SpawnFailure::Spawn(error)) => {
            assert_eq!((error.step(), error.errno()), (Step::Exec, libc::ENOENT));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn many_children_are_spawned_and_waited_for_in_a_loop() {
    let mut family = Family::new();
    for round in 0..20 {
        let children: Vec<_> = (0..50).map(|_| family.spawn(&Command::new("true").unwrap())).collect();
        for child in children {
            assert!(family.status(child).success(), "round {round}");
        }
    }
    assert_eq!(common::zombies(), 0);
}

#[test]
fn a_killed_child_tells_its_signal() {
    let mut family = Family::new();
    let child = family.spawn(&Command::new("sleep").and_then(|sleep| sleep.args(["1000"])).unwrap());
    assert!(family.environment.kill(child.id, Signal::TERM).unwrap());
    assert_eq!(family.status(child).signal(), Some(libc::SIGTERM));
    assert!(!family.environment.kill(child.id, Signal::TERM).unwrap());
}
