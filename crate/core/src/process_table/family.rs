//! A process and its descendants, read while they come and go.

use std::{collections::HashSet, io};

use super::{ProcessRow, ProcessTable, Table, gather::gather, rows::Rows};

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

/// Reads the process `pid` and its descendants, in the order of their pids. `None` when there is no such process.
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

/// Reads who may be a member, and then those once more of whom it is not certain whose children they are.
///
/// That a process C, whose parent was the pid p when it was read, was the child of the process P that had the pid p when it
/// was read itself, is certain when
/// - P is not younger than C, and C was there before any of them was read. For whoever else can have had the pid p: one that
///   was gone before P came would leave P younger than C. One that came after P had gone is younger than all that was there
///   when P was read, so than C; and a process' parent, be it by birth or by adoption, is older than the process.
/// - or P was read first, then C, then P again, and it was the same process both times: then it had the pid in between.
///
/// So those who were born meanwhile are read once more, and then their parents; and so are those whose parent has gone,
/// has ended, or is too young. All others were read once, and that is enough.
fn read_family(table: &mut impl Table, root: u32) -> io::Result<Option<Vec<Member>>> {
    let begin = table.now();
    let Some(mut rows) = gather(table, root)? else { return Ok(None) };
    for _ in 0..ROUNDS {
        let doubtful = doubtful(&rows, root, begin);
        if !read_again(table, &mut rows, &doubtful)? {
            break;
        }
        if !rows.contains(root) {
            return Ok(None);
        }
    }
    let mut members = rows.descend(root, |parent| parent.identity.pid == root || !parent.is_over());
    members.sort_unstable();
    Ok(Some(members.into_iter().filter_map(|pid| rows.remove(pid)).collect()))
}

/// Who is to be read once more, children before their parents.
fn doubtful(rows: &Rows, root: u32, begin: u64) -> Vec<u32> {
    let dangling = rows.dangling(root);
    let members = rows.descend(root, |_| true);
    let is_member: HashSet<u32> = if dangling.is_empty() { HashSet::new() } else { members.iter().copied().collect() };
    let mut doubtful: Vec<u32> = dangling.iter().copied().filter(|pid| !is_member.contains(pid)).collect();
    let dangling: HashSet<u32> = dangling.into_iter().collect();
    // The root stays what it is also without children. With them, it has to be there to the end.
    let mut parents: HashSet<u32> = (members.len() > 1).then_some(root).into_iter().collect();
    for pid in members.into_iter().rev() {
        let Some(row) = rows.get(pid) else { continue };
        let is_uncertain = pid != root && (row.identity.start >= begin || dangling.contains(&pid));
        if is_uncertain {
            parents.insert(row.ppid);
        }
        if is_uncertain || parents.contains(&pid) {
            doubtful.push(pid);
        }
    }
    doubtful
}

/// Reads these once more. `true` when it was not as before.
fn read_again(table: &mut impl Table, rows: &mut Rows, pids: &[u32]) -> io::Result<bool> {
    let mut has_changed = false;
    for &pid in pids {
        let Some(&before) = rows.get(pid) else { continue };
        let Some(now) = table.read(pid)? else {
            rows.remove(pid);
            has_changed = true;
            continue;
        };
        has_changed |= now.identity != before.identity || now.ppid != before.ppid || now.is_over() != before.is_over();
        if now.identity == before.identity {
            rows.update(now);
        } else {
            // Another process, with another command line.
            rows.remove(pid);
            rows.extend(vec![(pid, table.visit(pid, false)?)]);
        }
    }
    Ok(has_changed)
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
    fn who_was_there_before_is_read_once_and_who_was_born_meanwhile_twice() {
        let make = |now| {
            let mut script = Script::of(&[(10, 1, 5), (11, 10, 6), (12, 11, 7), (13, 12, 8)]);
            script.now = now;
            // Whoever is read a second time is gone.
            script.then(12, &[None]).then(13, &[None])
        };
        assert_eq!(family(|| make(9)), Some(vec![10, 11, 12, 13]));
        assert_eq!(family(|| make(8)), Some(vec![10, 11]), "13 is young, and 12 its parent");
    }

    #[test]
    fn who_was_there_before_is_read_again_when_its_parent_has_gone() {
        let make = || {
            let mut script = Script::of(&[(9, 1, 4), (10, 1, 5), (12, 11, 7)]).then(12, &[Some((12, 10, 7))]);
            script.now = 100;
            script
        };
        let members = read_family(&mut make(), 10).expect("a script does not fail").expect("10 is there");
        assert_eq!(members.len(), 2);
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
