//! Many processes of Linux, read by several threads.
//!
//! What it costs to look at a process is the kernel's work, microseconds of it, and it can be done for many processes at
//! once. The threads live for as long as one table is read.

use std::{
    io, panic,
    sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    thread::{self, Builder},
};

use nix::unistd::{SysconfVar, sysconf};

use super::{Table, Visit, linux::ProcessTable};
use crate::sys::blocked_signals;

/// So many processes are worth a thread: it costs about what it costs to look at two of them, and shares the work.
const WORTH_A_THREAD: usize = 64;
/// More would only wait for each other in the kernel.
const MOST_HELPERS: usize = 15;
/// How many a thread takes at a time.
const HANDFUL: usize = 16;
/// What a helper has on its stack is little: paths and a few numbers.
const STACK: usize = 128 * 1024;

type Visits = Vec<(u32, Option<Visit>)>;

/// Those who are still to be visited.
#[derive(Debug)]
struct Feed {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug)]
struct Waiting {
    pids: Vec<u32>,
    /// Whether there may be more to come.
    is_open: bool,
}

impl Feed {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, pids: &[u32]) {
        self.lock().pids.extend_from_slice(pids);
        self.changed.notify_all();
    }

    fn close(&self) {
        self.lock().is_open = false;
        self.changed.notify_all();
    }

    /// Takes some; none when there will be no more.
    fn take(&self, into: &mut Vec<u32>) {
        let mut waiting = self.lock();
        while waiting.pids.is_empty() && waiting.is_open {
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let rest = waiting.pids.len().saturating_sub(HANDFUL);
        into.extend(waiting.pids.drain(rest..));
    }

    /// Visits until nobody is left. Who fails gives back what it has taken: another one may have better luck, with a
    /// descriptor for example.
    fn work_off(&self, table: &mut ProcessTable, asks_children: bool) -> (Visits, io::Result<()>) {
        let mut visits = Vec::new();
        let mut taken = Vec::with_capacity(HANDFUL);
        loop {
            self.take(&mut taken);
            if taken.is_empty() {
                return (visits, Ok(()));
            }
            while let Some(&pid) = taken.last() {
                match table.visit(pid, asks_children) {
                    Ok(visit) => visits.push((pid, visit)),
                    Err(error) => {
                        self.add(&taken);
                        return (visits, Err(error));
                    }
                }
                taken.pop();
            }
        }
    }
}

/// Visits those whom `list` feeds, about `expected` of them, in no particular order.
pub(super) fn visit(
    table: &mut ProcessTable,
    expected: usize,
    asks_children: bool,
    list: impl FnOnce(&mut dyn FnMut(&[u32])) -> io::Result<()>,
) -> io::Result<Visits> {
    let feed = Feed { waiting: Mutex::new(Waiting { pids: Vec::new(), is_open: true }), changed: Condvar::new() };
    let helpers = (expected / WORTH_A_THREAD).min(processors() - 1).min(MOST_HELPERS);
    let (mut visits, listed) = thread::scope(|scope| {
        let feed = &feed;
        let mut handles = Vec::with_capacity(helpers);
        for _ in 0..helpers {
            let mut table = table.another();
            let help = move || {
                // Signals to the process are for the threads of the program.
                blocked_signals::block_for_good();
                feed.work_off(&mut table, asks_children).0
            };
            match Builder::new().name("brood-table".into()).stack_size(STACK).spawn_scoped(scope, help) {
                Ok(handle) => handles.push(handle),
                // No more threads for this user: then with fewer.
                Err(_) => break,
            }
        }
        let listed = list(&mut |pids| feed.add(pids));
        feed.close();
        let mut visits = feed.work_off(table, asks_children).0;
        for handle in handles {
            // Joined by hand: the scope alone would wait for what they do, not until they are gone.
            visits.extend(handle.join().unwrap_or_else(|panic| panic::resume_unwind(panic)));
        }
        (visits, listed)
    });
    listed?;
    // What was given back, now that nobody else holds a descriptor. If it fails again there is no way.
    let (rest, result) = feed.work_off(table, asks_children);
    visits.extend(rest);
    result.map(|()| visits)
}

fn processors() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    // Not available_parallelism(), which reads the limits of control groups, too: a thread too many does no harm here.
    *COUNT.get_or_init(|| {
        let online = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten();
        online.and_then(|count| usize::try_from(count).ok()).unwrap_or(1).max(1)
    })
}

#[cfg(test)]
mod test {
    use std::{
        collections::HashSet,
        process::{self, Command},
    };

    use super::*;

    #[test]
    fn everybody_who_is_fed_is_visited_once_however_many_help() {
        let mut table = ProcessTable::open().expect("/proc is mounted");
        let children: Vec<_> =
            (0..20).map(|_| Command::new("sleep").arg("1000").spawn().expect("sleep starts")).collect();
        let pids: Vec<u32> = children.iter().map(process::Child::id).collect();
        for expected in [0, 20, 64, 10_000] {
            let visits = visit(&mut table, expected, true, |feed| {
                pids.chunks(7).for_each(&mut *feed);
                feed(&[u32::MAX]);
                Ok(())
            });
            let visits = visits.expect("nothing fails");
            assert_eq!(visits.len(), 21);
            let found: HashSet<u32> = visits.iter().filter_map(|(pid, visit)| visit.as_ref().map(|_| *pid)).collect();
            assert_eq!(found, pids.iter().copied().collect());
        }
        for mut child in children {
            child.kill().expect("it is ours");
            child.wait().expect("it is ours");
        }
    }

    #[test]
    fn a_list_that_fails_fails_the_whole_and_leaves_nobody_waiting() {
        let mut table = ProcessTable::open().expect("/proc is mounted");
        let result = visit(&mut table, 10_000, false, |feed| {
            feed(&[process::id()]);
            Err(io::Error::from_raw_os_error(libc::EMFILE))
        });
        assert_eq!(result.expect_err("it was refused").raw_os_error(), Some(libc::EMFILE));
    }
}
