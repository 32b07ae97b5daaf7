//! What `/proc` and the kernel know about this process and its children.

use std::{
    collections::BTreeMap,
    fs,
    os::fd::RawFd,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        prctl,
        resource::{Resource, getrlimit},
    },
    unistd::Uid,
};

/// How long a process that has gone may be seen.
const SETTLING: Duration = Duration::from_secs(10);

pub(crate) fn is_root() -> bool {
    Uid::effective().is_root()
}

/// The state letter and the parent of each process there is.
fn processes() -> Vec<(u32, char, u32)> {
    fs::read_dir("/proc")
        .expect("/proc is there")
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let mut fields = stat.rsplit_once(") ")?.1.split(' ');
            Some((pid, fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
        })
        .collect()
}

/// Our children, zombies and all.
pub(crate) fn children() -> Vec<(u32, char)> {
    let me = std::process::id();
    processes().into_iter().filter(|&(_, _, parent)| parent == me).map(|(pid, state, _)| (pid, state)).collect()
}

/// Our children that have ended and were not reaped.
pub(crate) fn zombies() -> usize {
    children().iter().filter(|&&(_, state)| state == 'Z').count()
}

/// The state letter of a process, `None` when there is none.
pub(crate) fn state_of(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Whether a process is there and not a zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    state_of(pid).is_some_and(|state| state != 'Z')
}

/// A line of a `status` file of `/proc`.
pub(crate) fn field<'a>(status: &'a str, name: &str) -> &'a str {
    let line = status.lines().find_map(|line| line.strip_prefix(name).and_then(|rest| rest.strip_prefix(':')));
    line.unwrap_or_else(|| panic!("no {name} in {status}")).trim()
}

/// A line of a `status` file that is a set of signals.
pub(crate) fn signals(status: &str, name: &str) -> u64 {
    u64::from_str_radix(field(status, name), 16).expect("a hexadecimal number")
}

/// Our open descriptors, without the one that this takes to look.
pub(crate) fn descriptors() -> BTreeMap<RawFd, PathBuf> {
    fs::read_dir("/proc/self/fd")
        .expect("/proc is there")
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let number = entry.file_name().to_str()?.parse().ok()?;
            Some((number, fs::read_link(entry.path()).ok()?))
        })
        .filter(|(_, target): &(RawFd, PathBuf)| !target.starts_with(format!("/proc/{}/fd", std::process::id())))
        .collect()
}

pub(crate) fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("/proc is there").count()
}

/// Whether all our children are gone, or go soon.
pub(crate) fn has_no_children() -> bool {
    let start = Instant::now();
    while !children().is_empty() {
        if start.elapsed() > SETTLING {
            println!("    left behind: {:?}", children());
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

/// All about ourselves that a child of ours might change, or leave behind.
#[derive(Debug, PartialEq)]
pub(crate) struct Ourselves {
    children: Vec<(u32, char)>,
    descriptors: BTreeMap<RawFd, PathBuf>,
    threads: usize,
    orphans: usize,
    dumpable: bool,
    no_new_privs: bool,
    status: Vec<(&'static str, String)>,
    cwd: PathBuf,
    group: i32,
    session: Option<i32>,
    limits: Vec<nix::Result<(u64, u64)>>,
    caught: u64,
}

impl Ourselves {
    pub(crate) fn now() -> Self {
        let status = fs::read_to_string("/proc/thread-self/status").expect("/proc is there");
        let fields = ["Uid", "Gid", "Groups", "Umask", "SigBlk", "SigIgn", "SigPnd", "CapEff", "Seccomp"];
        // The driver is there for SIGCHLD, and comes to it when it likes.
        let caught = signals(&status, "SigCgt") & !(1 << (libc::SIGCHLD - 1));
        Self {
            children: children(),
            descriptors: descriptors(),
            threads: threads(),
            orphans: brood_core::GlobalOrphanQueue.len(),
            dumpable: prctl::get_dumpable().expect("it can be asked"),
            no_new_privs: prctl::get_no_new_privs().expect("it can be asked"),
            status: fields.map(|name| (name, field(&status, name).to_owned())).to_vec(),
            cwd: std::env::current_dir().expect("we are somewhere"),
            group: nix::unistd::getpgrp().as_raw(),
            session: nix::unistd::getsid(None).ok().map(nix::unistd::Pid::as_raw),
            limits: LIMITS.map(getrlimit).into(),
            caught,
        }
    }

    /// Whether we are what we were, or are so soon: a child that was killed takes a moment to go.
    pub(crate) fn is_still_so(&self) -> bool {
        let start = Instant::now();
        loop {
            let now = Self::now();
            if now == *self {
                return true;
            }
            if start.elapsed() > SETTLING {
                println!("    we were {self:?}\n    we are  {now:?}");
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// All resource limits.
pub(crate) const LIMITS: [Resource; 16] = [
    Resource::RLIMIT_CPU,
    Resource::RLIMIT_FSIZE,
    Resource::RLIMIT_DATA,
    Resource::RLIMIT_STACK,
    Resource::RLIMIT_CORE,
    Resource::RLIMIT_RSS,
    Resource::RLIMIT_NPROC,
    Resource::RLIMIT_NOFILE,
    Resource::RLIMIT_MEMLOCK,
    Resource::RLIMIT_AS,
    Resource::RLIMIT_LOCKS,
    Resource::RLIMIT_SIGPENDING,
    Resource::RLIMIT_MSGQUEUE,
    Resource::RLIMIT_NICE,
    Resource::RLIMIT_RTPRIO,
    Resource::RLIMIT_RTTIME,
];
