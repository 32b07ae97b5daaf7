//! A process and its descendants, read while they come and go.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
};

use super::{ProcessRow, ProcessTable, Table, links};

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

/// Everybody who was read, by pid, and when: the how manieth reading that was.
#[derive(Debug, Default)]
struct Rows {
    by_pid: HashMap<u32, (usize, ProcessRow)>,
    readings: usize,
}

impl Rows {
    fn insert(&mut self, row: ProcessRow) {
        self.readings += 1;
        self.by_pid.insert(row.identity.pid, (self.readings, row));
    }

    fn get(&self, pid: u32) -> Option<&ProcessRow> {
        self.by_pid.get(&pid).map(|(_, row)| row)
    }

    fn was_read_before(&self, pid: u32, other: u32) -> bool {
        let reading = |pid| self.by_pid.get(&pid).map(|&(reading, _)| reading);
        reading(pid) < reading(other)
    }

    /// The pids of `root` and its descendants, parents before their children. A child is never older than its parent:
    /// where it seems to be, the parent's pid was given to another process after the child had been read.
    fn descend(&self, root: u32, can_be_parent: impl Fn(&ProcessRow) -> bool) -> Vec<u32> {
        let mut children: HashMap<u32, Vec<&ProcessRow>> = HashMap::new();
        for (_, row) in self.by_pid.values() {
            children.entry(row.ppid).or_default().push(row);
        }
        let mut members: Vec<u32> = self.get(root).map(|row| row.identity.pid).into_iter().collect();
        let mut next = 0;
        while let Some(parent) = members.get(next).and_then(|&pid| self.get(pid)) {
            next += 1;
            if !can_be_parent(parent) {
                continue;
            }
            // Taken out: rows that are each other's ancestors, as those read at different times can be, are visited once.
            let born = children.remove(&parent.identity.pid).unwrap_or_default();
            let is_child = |row: &&ProcessRow| row.identity.pid != root && row.identity.start >= parent.identity.start;
            members.extend(born.into_iter().filter(is_child).map(|row| row.identity.pid));
        }
        members
    }
}

/// Reads `root` and whoever may be a descendant, by way of the lists of children; or everybody, where there are none, or
/// where that is less work. `None` when there is no such process.
fn gather(table: &mut impl Table, root: u32) -> io::Result<Option<Rows>> {
    let Some(first) = table.read(root)? else { return Ok(None) };
    let mut rows = Rows::default();
    rows.insert(first);
    let mut waiting = VecDeque::from([first]);
    while let Some(parent) = waiting.pop_front() {
        let Some(children) = links::children(table, &parent, rows.by_pid.len(), |_| false)? else {
            for pid in table.pids()? {
                if let Some(row) = table.read(pid)? {
                    rows.insert(row);
                }
            }
            return Ok(Some(rows));
        };
        for child in children {
            // Somebody who was met before has changed its parent in the middle of it.
            if rows.get(child.identity.pid).is_none() {
                waiting.push_back(child);
            }
            rows.insert(child);
        }
    }
    Ok(Some(rows))
}

/// Reads who may be a member once, then those on whom that depends a second time, children before their parents.
///
/// That order is what makes a link certain. A parent P is read first, then its child C, then P again. If C's parent was the
/// pid of P, and P has the same start time both times, then it was P that had the pid in between. If P has gone, its pid
/// may have been anybody's in between, and C is read once more; so it is where C was read before P.
fn read_family(table: &mut impl Table, root: u32) -> io::Result<Option<Vec<Member>>> {
    let Some(mut rows) = gather(table, root)? else { return Ok(None) };
    let mut commands = HashMap::new();
    for _ in 0..ROUNDS {
        let members = rows.descend(root, |_| true);
        let parents: HashMap<u32, u32> = members.iter().filter_map(|&pid| Some((pid, rows.get(pid)?.ppid))).collect();
        let with_children: HashSet<u32> = parents.values().copied().collect();
        let mut is_certain = true;
        for &pid in members.iter().rev() {
            let Some(command) = table.command(pid)? else {
                // It has gone. That is of no consequence if nobody was its child.
                rows.by_pid.remove(&pid);
                is_certain &= !with_children.contains(&pid);
                continue;
            };
            commands.insert(pid, command);
            let needs_second_reading =
                pid == root || with_children.contains(&pid) || rows.was_read_before(pid, parents[&pid]);
            if !needs_second_reading {
                continue;
            }
            let before = rows.by_pid.remove(&pid);
            match (before, table.read(pid)?) {
                (Some((_, before)), Some(now)) => {
                    let is_same = now.identity == before.identity && (now.ppid == before.ppid || pid == root);
                    // A zombie has no children: they have another parent from the moment it ended.
                    is_certain &= is_same && !(now.is_over() && with_children.contains(&pid));
                    rows.insert(now);
                }
                _ => is_certain &= !with_children.contains(&pid),
            }
        }
        if rows.get(root).is_none() {
            return Ok(None);
        }
        if is_certain {
            break;
        }
        // Whose parent went, or turned out to be another one, has somebody else for a parent by now.
        for pid in members {
            match table.read(pid)? {
                Some(row) => rows.insert(row),
                None => drop(rows.by_pid.remove(&pid)),
            }
        }
    }
    let members = rows.descend(root, |parent| parent.identity.pid == root || !parent.is_over()).into_iter();
    Ok(Some(members.filter_map(|pid| Some((*rows.get(pid)?, commands.remove(&pid)?))).collect()))
}

#[cfg(test)]
mod test {
    use super::{
        super::scripted::{Script, row},
        *,
    };

    /// The pids of the family under 10, in order, found by going through everybody and by the lists of children.
    fn family(make: impl Fn() -> Script) -> Option<Vec<u32>> {
        let [through_all, by_lists] = [false, true].map(|lists_children| {
            let mut script = make();
            script.lists_children = lists_children;
            let members = read_family(&mut script, 10).expect("a script does not fail")?;
            let mut pids: Vec<_> = members.into_iter().map(|(row, _)| row.identity.pid).collect();
            pids.sort_unstable();
            Some(pids)
        });
        assert_eq!(through_all, by_lists);
        through_all
    }

    #[test]
    fn a_family_is_the_process_and_its_descendants() {
        let lines = [(1, 0, 0), (10, 1, 5), (11, 10, 6), (12, 11, 7), (13, 1, 8), (9, 12, 9)];
        assert_eq!(family(|| Script::of(&lines)), Some(vec![9, 10, 11, 12]));
        assert_eq!(family(|| Script::of(&lines[..1])), None);
    }

    #[test]
    fn a_child_is_never_listed_under_a_parent_that_is_younger() {
        // 11 has been 12's parent, has gone, and the pid is another process' now.
        assert_eq!(family(|| Script::of(&[(10, 1, 5), (11, 10, 9), (12, 11, 7)])), Some(vec![10, 11]));
    }

    #[test]
    fn a_pid_that_changes_hands_between_two_readings_is_noticed() {
        // Read first as our child 11. By the time 12 is read, 11 is a stranger's child and 12 is the child of that one.
        let make = || Script::of(&[(10, 1, 5), (11, 10, 6), (12, 11, 9)]).then(11, &[Some((11, 1, 8))]);
        assert_eq!(family(make), Some(vec![10]));
    }

    #[test]
    fn a_child_that_was_read_before_its_parent_is_read_once_more() {
        // When 5 was read, 11 was somebody else, who was of the same age and has left 5 to init since.
        let make = || Script::of(&[(5, 11, 9), (10, 1, 5), (11, 10, 9)]).then(5, &[Some((5, 1, 9))]);
        let mut script = make();
        let members = read_family(&mut script, 10).expect("a script does not fail").expect("10 is there");
        assert_eq!(members.len(), 2);
    }

    #[test]
    fn who_vanishes_is_left_out_and_its_children_are_where_they_fell() {
        let make = || {
            let script = Script::of(&[(10, 1, 5), (11, 10, 6), (12, 11, 7), (13, 11, 8)]);
            script.then(11, &[None]).then(12, &[Some((12, 10, 7))]).then(13, &[Some((13, 1, 8))])
        };
        assert_eq!(family(make), Some(vec![10, 12]), "12 fell to 10, a subreaper, and 13 to init");
    }

    #[test]
    fn who_ends_meanwhile_has_no_children_left() {
        // 11 is a zombie when it is read for the second time.
        let mut ended = row((11, 10, 6));
        ended.state = b'Z';
        let make = || {
            let script = Script::of(&[(10, 1, 5), (11, 10, 6), (12, 11, 7), (13, 11, 8)]);
            script.then_row(11, ended).then(12, &[Some((12, 10, 7))]).then(13, &[Some((13, 1, 8))])
        };
        assert_eq!(family(make), Some(vec![10, 11, 12]));
        // One that seems to have children to the end.
        let make = || Script::of(&[(10, 1, 5), (11, 10, 6), (12, 11, 7), (13, 12, 8)]).then_row(11, ended);
        assert_eq!(family(make), Some(vec![10, 11]));
    }

    #[test]
    fn a_root_that_vanishes_is_no_family() {
        let mut script = Script::of(&[(10, 1, 5), (11, 10, 6)]).then(10, &[Some((10, 1, 5)), None]);
        assert_eq!(read_family(&mut script, 10).expect("a script does not fail"), None);
    }

    #[test]
    fn a_circle_of_stale_rows_comes_to_an_end() {
        assert_eq!(family(|| Script::of(&[(10, 12, 5), (11, 10, 5), (12, 11, 5)])), Some(vec![10, 11, 12]));
    }

    #[test]
    fn who_changes_all_the_time_keeps_nobody_waiting() {
        let changes: Vec<_> = (0..100).map(|time| Some((11, 10 + time as u32 % 2, 7 + time))).collect();
        let members = family(|| Script::of(&[(10, 1, 5), (11, 10, 6), (12, 11, 7)]).then(11, &changes));
        assert!(members.is_some_and(|members| !members.contains(&12)));
    }
}
