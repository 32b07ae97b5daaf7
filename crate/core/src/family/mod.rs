//! A process and all its living descendants, found and signalled as one.
//!
//! # How they are found
//!
//! By the links from child to parent; for what a link no longer leads to, because a parent in between has ended and the
//! child fell to init, to a subreaper or to us:
//! - by its [mark](mark), where its family has one: a number that the spawned process was given and that its descendants
//!   inherit, whatever becomes of sessions, groups and parents;
//! - by its session or process group, if a living member leads that.
//!
//! # Why none escapes
//!
//! A process that is stopped makes no child and does not end, so its children stay linked to it. Everybody who is found is
//! stopped at once, and the table is searched until a search that began when all known members were stopped finds nobody
//! new. See [`hunt`] for the races one by one.
//!
//! # Why nobody else is hit
//!
//! Whoever is signalled is told from another process with the same pid by its start time; see [`kernel`].

mod catch;
mod hunt;
mod kernel;
pub(crate) mod mark;

use std::{
    collections::HashSet,
    io, process,
    sync::{Mutex, PoisonError},
};

use self::{hunt::Hunt, kernel::Kernel};
use crate::{
    Identity, Signal,
    process_table::{ProcessTable, Table},
};

/// Whose family is meant.
#[derive(Debug, Default)]
pub(crate) struct Target {
    /// Where it starts. Those that are gone are no matter.
    pub(crate) roots: Vec<Identity>,
    /// The marks of the family.
    pub(crate) marks: Vec<u64>,
    /// Processes that are known to descend from none of the roots, whatever their groups look like: our other children.
    pub(crate) strangers: HashSet<u32>,
}

/// Signals whoever `target` means, and answers who that was. Signal 0 stops nobody and only finds them.
///
/// # Errors
///
/// `ENOENT` where there is no process table, `EMFILE` when there is no descriptor left, `EPERM` when not one of them may
/// be signalled, `EINVAL` for a signal this kernel does not have.
pub(crate) fn kill(target: &Target, signal: Signal) -> io::Result<Vec<Identity>> {
    // Two hunts at the same time would let each other's catch go.
    static HUNTING: Mutex<()> = Mutex::new(());
    let _hunting = HUNTING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut table = ProcessTable::open()?;
    kill_by(&mut table, target, signal, process::id())
}

fn kill_by(kernel: &mut impl Kernel, target: &Target, signal: Signal, own: u32) -> io::Result<Vec<Identity>> {
    let mut hunt = Hunt::new(kernel, target, own, signal != Signal::NONE)?;
    let searched = hunt.search();
    // Also after a search that failed: nobody is left behind stopped.
    let signalled = hunt.release(signal);
    searched.and(signalled)
}

/// Signals the process `pid` (0 for none) and its living descendants, and those of `known` that still run with theirs;
/// answers who was signalled. Never this process, and nobody through it.
///
/// # Errors
///
/// `ESRCH` when neither `pid` nor any of `known` runs, `EPERM` when `pid` is init or this very process, or when not one of
/// them may be signalled; `ENOENT` where there is no process table, `EMFILE` when there is no descriptor left.
pub fn kill_family(pid: u32, known: &[Identity], signal: Signal) -> io::Result<Vec<Identity>> {
    if pid == 1 || pid == process::id() {
        return Err(io::Error::from_raw_os_error(libc::EPERM));
    }
    let mut roots = still_running(known)?;
    if pid != 0 {
        roots.extend(find_running(pid)?);
    }
    if roots.is_empty() {
        return Err(io::Error::from_raw_os_error(libc::ESRCH));
    }
    kill(&Target { roots, ..Target::default() }, signal)
}

/// Those that have not ended. A zombie has.
///
/// # Errors
///
/// `ENOENT` where there is no process table, `EMFILE` when there is no descriptor left.
pub fn still_running(known: &[Identity]) -> io::Result<Vec<Identity>> {
    if known.is_empty() {
        return Ok(Vec::new());
    }
    let mut table = ProcessTable::open()?;
    let mut still = Vec::new();
    for &identity in known {
        if running(&mut table, identity.pid)? == Some(identity) {
            still.push(identity);
        }
    }
    Ok(still)
}

/// The process that has this pid and runs.
pub(crate) fn find_running(pid: u32) -> io::Result<Option<Identity>> {
    running(&mut ProcessTable::open()?, pid)
}

fn running(table: &mut impl Table, pid: u32) -> io::Result<Option<Identity>> {
    Ok(table.read(pid)?.filter(|row| !row.is_over()).map(|row| row.identity))
}
