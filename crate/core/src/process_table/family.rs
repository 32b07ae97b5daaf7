//! A process and its descendants, read while they come and go.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    io,
};

use super::{ProcessRow, ProcessTable, Table};

/// How often what changed while it was read is read once more. What still changes then is left out.
const ROUNDS: usize = 8;

/// A process and its command line.
type Member = (ProcessRow, Vec<u8>);

/// One member of a family, in units that need no explanation.
#[derive(Debug, Clone, PartialEq)]
pub struct FamilyRow {
    /// As the kernel has it.
    pub row: ProcessRow,
    /// When it was made: milliseconds since the epoch.
    pub start_time: u64,
    /// Its command line, with spaces between the arguments; its name in brackets where it has none. At most 4 KiB.
    pub command: Vec<u8>,
}

/// Reads the process `pid` and its descendants, in no particular order. `None` when there is no such process.
///
/// The kernel has no way to read it all at once. What comes out is such that each member was the child of the member
/// that is its parent: never of another process that had the parent's pid before or after. A process that was there all
/// the time and changed its parent in the middle of it may be missing, unless the new parent is a member too.
///
/// # Errors
///
/// `ENOENT` where there is no process table to be read (`/proc` is not mounted), `EMFILE` when there is no descriptor left.
pub fn process_family(pid: u32) -> io::Result<Option<Vec<FamilyRow>>> {
    let mut table = ProcessTable::open()?;
    let Some(members) = read_family(&mut table, pid)? else { return Ok(None) };
    let complete = |(row, command): (ProcessRow, _)| FamilyRow {
        row,
        start_time: table.epoch_milliseconds(row.identity.start),
        command,
    };
    Ok(Some(members.into_iter().map(complete).collect()))
}

/// Reads everybody once, then those that look like members a second time, children before their parents.
///
/// That order is what makes a link certain. A parent P is read first, then its child C, then P again. If C's parent was the
/// pid of P, and P has the same start time both times, then it was P that had the pid in between. If P has gone, its pid
/// may have been anybody's in between, and C is read once more.
fn read_family(table: &mut impl Table, root: u32) -> io::Result<Option<Vec<Member>>> {
    let mut rows = HashMap::new();
    for pid in table.pids()? {
        if let Some(row) = table.read(pid)? {
            rows.insert(pid, row);
        }
    }
    // A table may keep what is somebody else's out of its list.
    if let Entry::Vacant(vacant) = rows.entry(root) {
        match table.read(root)? {
            Some(row) => vacant.insert(row),
            None => return Ok(None),
        };
    }
    let mut commands = HashMap::new();
    for _ in 0..ROUNDS {
        let members = descend(&rows, root);
        let parents: HashSet<u32> = members.iter().filter_map(|pid| Some(rows.get(pid)?.ppid)).collect();
        let mut is_certain = true;
        for pid in members.iter().rev() {
            // Between two readings of a row that is the same both times: it is the command of that process.
            let command = table.command(*pid)?;
            let before = rows.remove(pid);
            let now = table.read(*pid)?;
            let (Some(before), Some(now)) = (before, now) else {
                // It has gone. That is of no consequence if nobody was its child.
                is_certain &= !parents.contains(pid);
                continue;
            };
            if now.identity == before.identity {
                commands.insert(*pid, command);
                is_certain &= now.ppid == before.ppid || *pid == root;
            } else {
                // Another process has its pid, and is a member or is none.
                is_certain = false;
            }
            rows.insert(*pid, now);
        }
        if !rows.contains_key(&root) {
            return Ok(None);
        }
        if is_certain {
            break;
        }
        // Whose parent went, or turned out to be another one, has somebody else for a parent by now.
        for pid in members {
            match table.read(pid)? {
                Some(row) => rows.insert(pid, row),
                None => rows.remove(&pid),
            };
        }
    }
    let members = descend(&rows, root);
    let complete = |pid| Some((rows.remove(&pid)?, commands.remove(&pid)?));
    Ok(Some(members.into_iter().filter_map(complete).collect()))
}

/// The pids of `root` and its descendants, parents before their children. A child is never older than its parent: where
/// it seems to be, the parent's pid was given to another process after the child had been read.
fn descend(rows: &HashMap<u32, ProcessRow>, root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<&ProcessRow>> = HashMap::new();
    for row in rows.values() {
        children.entry(row.ppid).or_default().push(row);
    }
    let mut members: Vec<u32> = rows.get(&root).map(|row| row.identity.pid).into_iter().collect();
    let mut next = 0;
    while let Some(parent) = members.get(next).and_then(|pid| rows.get(pid)) {
        next += 1;
        // Taken out: rows that are each other's ancestors, as those read at different times can be, are visited once.
        let born = children.remove(&parent.identity.pid).unwrap_or_default();
        let born =
            born.into_iter().filter(|row| row.identity.pid != root && row.identity.start >= parent.identity.start);
        members.extend(born.map(|row| row.identity.pid));
    }
    members
}

#[cfg(test)]
mod test {
    use super::{super::scripted::Script, *};

    /// The pids of the family under 10, in order.
    fn family(script: &mut Script) -> Option<Vec<u32>> {
        let members = read_family(script, 10).expect("a script does not fail")?;
        let mut pids: Vec<_> = members.into_iter().map(|(row, _)| row.identity.pid).collect();
        pids.sort_unstable();
        Some(pids)
    }

    #[test]
    fn a_family_is_the_process_and_its_descendants() {
        let mut script = Script::of(&[(1, 0, 0), (10, 1, 5), (11, 10, 6), (12, 11, 7), (13, 1, 8), (9, 12, 9)]);
        assert_eq!(family(&mut script), Some(vec![9, 10, 11, 12]));
        assert_eq!(family(&mut Script::of(&[(1, 0, 0)])), None);
    }

    #[test]
    fn a_child_is_never_listed_under_a_parent_that_is_younger() {
        // 11 has been 12's parent, has gone, and the pid is another process' now.
        assert_eq!(family(&mut Script::of(&[(10, 1, 5), (11, 10, 9), (12, 11, 7)])), Some(vec![10, 11]));
    }

    #[test]
    fn a_pid_that_changes_hands_between_two_readings_is_noticed() {
        let mut script = Script::of(&[(10, 1, 5), (11, 10, 6), (12, 11, 9)]);
        // Read first as our child 11. By the time 12 is read, 11 is a stranger's child and 12 is the child of that one.
        script.then(11, &[Some((11, 1, 8))]);
        assert_eq!(family(&mut script), Some(vec![10]));
    }

    #[test]
    fn who_vanishes_is_left_out_and_its_children_are_where_they_fell() {
        let mut script = Script::of(&[(10, 1, 5), (11, 10, 6), (12, 11, 7), (13, 11, 8)]);
        script.then(11, &[None]);
        script.then(12, &[Some((12, 11, 7)), Some((12, 10, 7))]);
        script.then(13, &[Some((13, 11, 8)), Some((13, 1, 8))]);
        assert_eq!(family(&mut script), Some(vec![10, 12]), "12 fell to 10, a subreaper, and 13 to init");
    }

    #[test]
    fn a_root_that_vanishes_is_no_family() {
        let mut script = Script::of(&[(10, 1, 5), (11, 10, 6)]);
        script.then(10, &[None]);
        assert_eq!(family(&mut script), None);
    }

    #[test]
    fn a_circle_of_stale_rows_comes_to_an_end() {
        let mut script = Script::of(&[(10, 12, 5), (11, 10, 5), (12, 11, 5)]);
        assert_eq!(family(&mut script), Some(vec![10, 11, 12]));
    }

    #[test]
    fn who_changes_all_the_time_keeps_nobody_waiting() {
        let mut script = Script::of(&[(10, 1, 5), (11, 10, 6), (12, 11, 7)]);
        let changes: Vec<_> = (0..100).map(|time| Some((11, 10, 7 + time))).collect();
        script.then(11, &changes);
        assert_eq!(family(&mut script), Some(vec![10]));
    }
}
