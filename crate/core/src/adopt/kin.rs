//! Our children and threads, as /proc and `waitid` show them.

use std::{collections::HashSet, fs, io, time::Duration};

use nix::unistd::{SysconfVar, sysconf};

use super::candidates::{BusyThread, Kin, Started, Zombies};
use crate::{
    ExitStatus, ProcessRow, driver,
    process_table::stat,
    sys::{clock, kill, waitid},
};

/// This process.
#[derive(Debug, Default)]
pub(crate) struct OwnKin {
    /// Brood's own children, as of the last look.
    own: HashSet<u32>,
}

impl Kin for OwnKin {
    fn zombies(&mut self) -> Zombies {
        // One system call for the usual answer: the others have reaped what was theirs, and /proc is left alone.
        if waitid::any_ended().is_none() {
            return Zombies::None;
        }
        self.own = driver::own_pids();
        if waitid::any_ended_here().is_some() {
            let here: Vec<_> = children_of_main_thread()
                .into_iter()
                .filter(|pid| !self.own.contains(pid) && waitid::has_ended_here(*pid))
                .collect();
            if !here.is_empty() {
                return Zombies::Here(here);
            }
        }
        let elsewhere = children_of_other_threads();
        if elsewhere.into_iter().any(|pid| !self.own.contains(&pid) && waitid::has_ended(pid)) {
            return Zombies::Elsewhere;
        }
        Zombies::None
    }

    fn is_zombie(&mut self, pid: u32) -> bool {
        waitid::has_ended_here(pid)
    }

    fn started(&mut self, pid: u32) -> Started {
        Some(stat(&format!("/proc/{pid}/stat"))?.identity.start)
    }

    fn age(&self, started: Started) -> Duration {
        started.and_then(age).unwrap_or_default()
    }

    fn busy_threads(&mut self) -> Vec<BusyThread> {
        threads().filter(|&id| id != std::process::id()).filter_map(busy).collect()
    }

    fn raise_sigchld(&mut self) {
        kill::raise(libc::SIGCHLD);
    }

    fn reap(&mut self, pid: u32) -> io::Result<Option<ExitStatus>> {
        waitid::try_wait_here(pid)
    }
}

/// The living children of the main thread that are not brood's.
pub(crate) fn living_strangers() -> Vec<u32> {
    let own = driver::own_pids();
    children_of_main_thread().into_iter().filter(|pid| !own.contains(pid) && !waitid::has_ended_here(*pid)).collect()
}

fn threads() -> impl Iterator<Item = u32> {
    numbers_in("/proc/self/task")
}

/// The names in a directory that are numbers.
fn numbers_in(directory: &str) -> impl Iterator<Item = u32> + use<> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// What `/proc/self/task/TID/children` lists, `None` where the kernel was built without it (`CONFIG_PROC_CHILDREN`).
fn children_of(thread: u32) -> Option<Vec<u32>> {
    let list = fs::read(format!("/proc/self/task/{thread}/children")).ok()?;
    Some(list.split(u8::is_ascii_whitespace).filter_map(|pid| stat::number(pid)?.try_into().ok()).collect())
}

fn children_of_main_thread() -> Vec<u32> {
    // Without a list, all children of the process: what belongs to another thread is told apart by `waitid`.
    children_of(std::process::id()).unwrap_or_else(children_by_scan)
}

fn children_of_other_threads() -> Vec<u32> {
    let main = std::process::id();
    match children_of(main) {
        Some(_) => threads().filter(|&thread| thread != main).filter_map(children_of).flatten().collect(),
        None => children_by_scan(),
    }
}

/// Every process whose parent is us.
fn children_by_scan() -> Vec<u32> {
    let us = std::process::id();
    numbers_in("/proc").filter(|pid| stat(&format!("/proc/{pid}/stat")).is_some_and(|stat| stat.ppid == us)).collect()
}

/// A process or thread as its `stat` file has it. The times stay as they are there, in clock ticks: of a thousand to a second
/// each would be one of the milliseconds that are asked for.
fn stat(path: &str) -> Option<ProcessRow> {
    const AS_THEY_ARE: u64 = 1000;
    stat::parse(&fs::read(path).ok()?, 1, AS_THEY_ARE)
}

/// A thread of ours that is running, or would if it were let: `R`, and `T` or `t` while it is stopped. One that sleeps in a
/// wait for a child is `S`; `D` waits for a device.
fn busy(id: u32) -> Option<BusyThread> {
    let stat = stat(&format!("/proc/self/task/{id}/stat"))?;
    if stat.state != b'R' && !stat.is_stopped() {
        return None;
    }
    // Nanoseconds on the processor; a kernel without them (`CONFIG_SCHED_INFO`) leaves the clock ticks.
    let precise = fs::read(format!("/proc/self/task/{id}/schedstat")).ok();
    let precise = precise.and_then(|text| stat::number(text.split(|&byte| byte == b' ').next()?)).unwrap_or(0);
    Some(BusyThread { id, ran: precise + stat.cpu_time })
}

fn age(started: u64) -> Option<Duration> {
    let ticks = u64::try_from(sysconf(SysconfVar::CLK_TCK).ok()??).ok()?;
    // The clock that the kernel counts start times by.
    let started = Duration::from_millis(started.saturating_mul(1000) / ticks);
    Some(clock::uptime().saturating_sub(started))
}

#[cfg(all(test, not(loom)))]
mod test {
    use super::*;

    #[test]
    fn a_thread_that_computes_is_busy_and_gets_on() {
        let (send, receive) = std::sync::mpsc::channel();
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                send.send(nix::unistd::gettid().as_raw() as u32).expect("somebody listens");
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
            let id = receive.recv().expect("the thread says who it is");
            let first = busy(id).expect("it computes");
            let mut next = first;
            while next == first {
                next = busy(id).expect("it computes");
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            assert!(next.ran > first.ran);
        });
    }

    #[test]
    fn a_thread_that_sleeps_is_not_busy() {
        let (send, receive) = std::sync::mpsc::channel();
        let (wake, sleep) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                send.send(nix::unistd::gettid().as_raw() as u32).expect("somebody listens");
                let _ = sleep.recv();
            });
            let id = receive.recv().expect("the thread says who it is");
            while busy(id).is_some() {}
            drop(wake);
        });
    }

    #[test]
    fn our_own_age_is_less_than_that_of_the_machine() {
        let mut kin = OwnKin::default();
        let started = kin.started(std::process::id());
        assert!(started.is_some(), "/proc knows us");
        let age = kin.age(started);
        assert!(age < Duration::from_secs(3600), "{age:?}");
    }

    #[test]
    fn the_scan_and_the_lists_find_the_same_children() {
        let mut child = std::process::Command::new("sleep").arg("1800").spawn().expect("sleep starts");
        // Tests run on threads of their own, and other tests have children of their own.
        let listed = children_of_other_threads();
        assert!(listed.contains(&child.id()), "{listed:?}");
        assert!(children_by_scan().contains(&child.id()));
        assert!(!children_of_main_thread().contains(&child.id()));
        child.kill().expect("the child is ours");
        child.wait().expect("the child is ours");
    }
}
