//! Running out of descriptors is the bad luck of one child and no verdict on pidfds. A process of its own, because the
//! limit is the whole process'.
#![cfg(not(loom))]

use std::{io, process::Command};

use brood_core::{ExitStatus, OrphanQueue, Pidfd, PidfdReaper, Wait};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

#[derive(Debug)]
struct Child(u32);

impl Wait for Child {
    fn id(&self) -> u32 {
        self.0
    }

    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        unreachable!("nobody is to be asked")
    }
}

#[derive(Debug)]
struct NoQueue;

impl OrphanQueue<Child> for NoQueue {
    fn push_orphan(&self, _orphan: Child) {
        unreachable!("nobody was given up")
    }
}

#[test]
fn a_child_without_a_descriptor_is_given_back_and_the_next_one_has_a_pidfd() {
    if !Pidfd::available() {
        return eprintln!("skipped: no pidfd on this system");
    }
    let mut child = Command::new("true").spawn().expect("true starts");
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("limits can be read");

    setrlimit(Resource::RLIMIT_NOFILE, 0, hard).expect("a limit can be lowered");
    let given_back = PidfdReaper::new(Child(child.id()), NoQueue);
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).expect("a soft limit can be raised again");

    let (error, Child(pid)) = given_back.expect_err("there was no descriptor to be had");
    assert_eq!(error.and_then(|error| error.raw_os_error()), Some(nix::errno::Errno::EMFILE as i32));
    assert!(Pidfd::open(pid).expect("it is our child").is_some());
    child.wait().expect("it is our child");
}
