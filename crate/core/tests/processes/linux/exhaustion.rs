//! Out of descriptors, out of processes: an error that says so, or success, and all is well once there is room.

use std::{collections::BTreeSet, env, fs::File, os::fd::AsRawFd};

use brood_core::{Command, Descriptor, Outcome, Signal, Step};
use nix::{
    sys::resource::{Resource, getrlimit, setrlimit},
    unistd::{Gid, Uid, setresgid, setresuid},
};

use super::{
    family::{Family, everything, program, shell, sleeper},
    kernel::{descriptors, is_root},
    suite::until,
};

crate::theme! {
    "exhaustion",
    in_all_modes: true,
    together: [],
    alone: [
        no_descriptor_left_for_any_step_of_a_spawn,
        no_descriptor_left_for_any_step_of_a_spawn_as_another_user,
        no_descriptor_left_for_a_pidfd,
        no_descriptor_left_for_the_driver,
        no_descriptor_left_for_an_orphan,
        no_process_left,
    ],
}

/// Lets nobody open a descriptor of this number or above.
fn limit_descriptors(below: u64) {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("limits can be read");
    setrlimit(Resource::RLIMIT_NOFILE, below, hard).expect("a soft limit can be lowered, and raised again");
}

/// The first number above all that are open, with no free one below as long as the files are.
fn above_all() -> (u64, Vec<File>) {
    let highest = descriptors().last_key_value().map_or(0, |(&number, _)| number);
    let mut fillers = Vec::new();
    loop {
        let file = File::open("/dev/null").expect("there is room");
        if file.as_raw_fd() > highest {
            return (file.as_raw_fd() as u64, fillers);
        }
        fillers.push(file);
    }
}

fn is_out_of_descriptors(errno: i32) -> bool {
    errno == libc::EMFILE
}

/// At each number of descriptors that are left, from none to enough: it works, or fails for the right reason, and
/// nothing stays open.
fn at_every_limit(command: &Command) {
    let mut family = super::family::warm_up();
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).expect("limits can be read");
    let (base, _fillers) = above_all();
    let before = descriptors();
    let mut results = BTreeSet::new();
    for room in 0..16 {
        for _ in 0..3 {
            limit_descriptors(base + room);
            let spawned = family.try_spawn(command);
            let result = match spawned {
                Err(error) => {
                    assert!(is_out_of_descriptors(error.errno()), "room for {room}: {error:?}");
                    assert!(matches!(error.step(), Step::Pipe | Step::Clone), "room for {room}: {error:?}");
                    "refused"
                }
                Ok(child) => {
                    let output = family.capture(child, everything());
                    match family.exit(child).outcome {
                        Outcome::Ended { status, .. } => {
                            assert!(status.success(), "room for {room}: {status:?}");
                            assert_eq!(output.stdout, b"out\n");
                            "worked"
                        }
                        Outcome::NotExecuted(failure) => {
                            assert!(is_out_of_descriptors(failure.errno), "room for {room}: {failure:?}");
                            "failed in the child"
                        }
                        lost @ Outcome::Lost(_) => panic!("{lost:?}"),
                    }
                }
            };
            limit_descriptors(soft);
            results.insert((room, result));
            until("nothing stays open", || descriptors() == before);
            let child = family.spawn(&program("true", &[]));
            assert!(family.status(child).success(), "it works once there is room");
        }
    }
    assert!(results.contains(&(0, "refused")) && results.contains(&(15, "worked")), "{results:?}");
}

fn piped(script: &str) -> Command {
    (0..4).fold(shell(script), |command, number| command.descriptor(number, Descriptor::Pipe))
}

fn no_descriptor_left_for_any_step_of_a_spawn() {
    at_every_limit(&piped("echo out"));
    at_every_limit(&program("echo", &["out"]).descriptor(1, Descriptor::Pipe).descriptor(2, Descriptor::SameAs(1)));
}

fn no_descriptor_left_for_any_step_of_a_spawn_as_another_user() {
    if is_root() {
        at_every_limit(&piped("echo out").uid(1234));
    }
}

/// A child that needs none of ours but its pidfd goes without, and nobody can tell the difference.
fn no_descriptor_left_for_a_pidfd() {
    let mut family = super::family::warm_up();
    family.environment.listen_to_orphans(true);
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("limits can be read");
    let before = descriptors();
    let inherits = |command: Command| {
        // Its own limit is what it was, or it could not even load its libraries.
        let command = command.limit(Resource::RLIMIT_NOFILE as u32, soft, hard);
        (0..3).fold(command, |command, number| command.descriptor(number, Descriptor::Inherit(number as i32)))
    };
    limit_descriptors(0);
    let tried: Vec<_> = [inherits(program("sh", &["-c", "exit 5"])), inherits(sleeper()), inherits(sleeper())]
        .iter()
        .map(|command| family.try_spawn(command))
        .collect();
    // A copy of our memory takes a pipe to tell of the exec.
    let forks = env::var("BROOD_SPAWN").is_ok_and(|method| method == "posix_spawn");
    if forks && tried.iter().all(|result| result.as_ref().is_err_and(|error| error.errno() == libc::EMFILE)) {
        return limit_descriptors(soft);
    }
    let [exits, killed, orphan] = tried
        .try_into()
        .map(|tried: [_; 3]| tried.map(|child| child.expect("it goes without")))
        .expect("there were three");
    assert_eq!(family.status(exits).code(), Some(5));
    assert!(family.environment.kill(killed.id, Signal::TERM).expect("it is ours"));
    assert_eq!(family.status(killed).signal(), Some(libc::SIGTERM));
    family.environment.drop_child(orphan.id);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(orphan.pid as i32), nix::sys::signal::Signal::SIGKILL)
        .expect("it runs");
    family.until("the orphan's end", |family| family.reaped.pop());
    limit_descriptors(soft);
    assert_eq!(descriptors(), before);
    let child = family.spawn(&program("true", &[]));
    assert!(family.status(child).success());
}

fn no_descriptor_left_for_the_driver() {
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).expect("limits can be read");
    let (base, _fillers) = above_all();
    let before = descriptors();
    let mut started = None;
    for room in 0..10 {
        limit_descriptors(base + room);
        match Family::try_new() {
            Ok(family) => {
                started = Some(room);
                drop(family);
                break;
            }
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::EMFILE), "room for {room}"),
        }
        limit_descriptors(soft);
        // The counter of signals is made once, and kept for the next try.
        assert!(descriptors().len() <= before.len() + 1, "{:?}", descriptors());
    }
    limit_descriptors(soft);
    assert!(started.is_some_and(|room| room > 1), "{started:?}");
    let mut family = Family::new();
    let child = family.spawn(&program("true", &[]));
    assert!(family.status(child).success());
}

fn no_descriptor_left_for_an_orphan() {
    let family = super::family::warm_up();
    let children: Vec<_> = (0..10).map(|_| family.spawn(&sleeper())).collect();
    let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).expect("limits can be read");
    limit_descriptors(0);
    for child in &children[..5] {
        family.environment.drop_child(child.id);
    }
    // Some that were made without a pidfd.
    limit_descriptors(soft);
    drop(family);
    assert_eq!(brood_core::GlobalOrphanQueue.len(), 10);
    for child in children {
        let pid = nix::unistd::Pid::from_raw(child.pid as i32);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("it runs");
    }
    until("all are reaped", || brood_core::GlobalOrphanQueue.is_empty());
}

fn no_process_left() {
    let mut family = super::family::warm_up();
    if is_root() {
        // The limit does not bind root. A user that nobody else is.
        let nobody = 64_000 + std::process::id() % 1000;
        nix::unistd::setgroups(&[]).expect("root may");
        setresgid(Gid::from_raw(nobody), Gid::from_raw(nobody), Gid::from_raw(nobody)).expect("root may");
        setresuid(Uid::from_raw(nobody), Uid::from_raw(nobody), Uid::from_raw(nobody)).expect("root may");
    } else if env::var_os("CI").is_none() {
        return super::suite::skip("the limit counts all processes of a user");
    }
    let (soft, hard) = getrlimit(Resource::RLIMIT_NPROC).expect("limits can be read");
    let before = descriptors();
    for round in 0..3 {
        setrlimit(Resource::RLIMIT_NPROC, 8, hard).expect("a soft limit can be lowered");
        let mut children = Vec::new();
        let error = loop {
            match family.try_spawn(&sleeper().descriptor(1, Descriptor::Pipe)) {
                Ok(child) => children.push(child),
                Err(error) => break error,
            }
            assert!(children.len() < 10, "there is a limit");
        };
        assert_eq!((error.step(), error.errno()), (Step::Clone, libc::EAGAIN), "round {round}");
        assert!(!children.is_empty());
        // Those that are there are as well as ever.
        for child in children {
            assert!(family.environment.kill(child.id, Signal::KILL).expect("it is ours"));
            assert_eq!(family.status(child).signal(), Some(libc::SIGKILL));
        }
        let child = family.spawn(&program("true", &[]));
        assert!(family.status(child).success(), "it works once there is room");
        setrlimit(Resource::RLIMIT_NPROC, soft, hard).expect("a soft limit can be raised again");
        assert_eq!(descriptors(), before);
    }
}
