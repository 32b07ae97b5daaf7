//! The way from a process to its descendants, down the lists of children.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    io,
};

use super::{Table, rows::Rows};

/// Whose descendants all are.
const EVERYBODY: u32 = 1;
/// How often those are asked again to whom somebody may have fallen.
const TRIES: usize = 8;
/// For fewer it is not worth asking how many processes there are.
const FEW: usize = 32;

/// Reads `root` and whoever may be a descendant, by way of the lists of children; or everybody, where there are none, or
/// where that is less work. `None` when there is no such process.
///
/// A process that ends while we are on the way gives its children to one of its ancestors, whose list may have been read
/// already. So when somebody has ended before its children were listed, or has gone, its ancestors are asked once more. It
/// is the same where somebody on a list has gone: the kernel lets go of its lock between two entries and goes on behind
/// the one it was at; if that has gone it counts from the beginning, and may pass over one that has moved up.
pub(super) fn gather(table: &mut impl Table, root: u32) -> io::Result<Option<Rows>> {
    let mut rows = Rows::default();
    if root == EVERYBODY {
        return read_everybody(table, rows, root);
    }
    // By whom each was listed.
    let mut listed = HashMap::from([(root, 0)]);
    let mut waiting = vec![root];
    let mut to_ask_again = BTreeSet::new();
    let mut tries = 0;
    loop {
        let found = listed.len();
        // To find a process by its parent costs more than to find it by going through everybody.
        if found > FEW && 2 * found > table.size()? {
            return read_everybody(table, rows, root);
        }
        let mut next = Vec::new();
        for (pid, visit) in table.visit_all(&waiting)? {
            let Some(visit) = visit else {
                rows.remove(pid);
                ask_ancestors(&mut to_ask_again, &listed, pid);
                listed.remove(&pid);
                continue;
            };
            let Some(children) = &visit.children else { return read_everybody(table, rows, root) };
            for &child in children {
                if let Entry::Vacant(entry) = listed.entry(child) {
                    entry.insert(pid);
                    next.push(child);
                }
            }
            if !visit.outlived {
                ask_ancestors(&mut to_ask_again, &listed, pid);
            }
            rows.insert(visit);
        }
        if next.is_empty() && tries < TRIES {
            tries += 1;
            next.extend(to_ask_again.iter().copied().filter(|&pid| rows.contains(pid)));
            to_ask_again.clear();
        }
        if next.is_empty() {
            return Ok(rows.contains(root).then_some(rows));
        }
        waiting = next;
    }
}

fn read_everybody(table: &mut impl Table, mut rows: Rows, root: u32) -> io::Result<Option<Rows>> {
    let others = table.visit_others(&|pid| rows.contains(pid))?;
    rows.extend(others);
    Ok(rows.contains(root).then_some(rows))
}

/// All above `pid`. Whoever is in the set already has its ancestors there, too.
fn ask_ancestors(to_ask_again: &mut BTreeSet<u32>, listed: &HashMap<u32, u32>, pid: u32) {
    let mut pid = pid;
    while let Some(&parent) = listed.get(&pid)
        && parent != 0
        && to_ask_again.insert(parent)
    {
        pid = parent;
    }
}

#[cfg(test)]
mod test {
    use std::collections::VecDeque;

    use super::{
        super::{ProcessRow, Visit, scripted::row},
        *,
    };

    /// Answers each visit with the next of these: the children, and whether the process was alive when they were listed.
    /// With none left it has gone.
    struct Visits {
        visits: HashMap<u32, VecDeque<(&'static [u32], bool)>>,
        visited: Vec<u32>,
    }

    impl Table for Visits {
        fn pids(&mut self) -> io::Result<Vec<u32>> {
            Ok(vec![1, 2, 3])
        }

        fn read(&mut self, _pid: u32) -> io::Result<Option<ProcessRow>> {
            unreachable!("everybody is visited")
        }

        fn command(&mut self, _pid: u32) -> io::Result<Option<Vec<u8>>> {
            unreachable!("everybody is visited")
        }

        fn visit(&mut self, pid: u32, asks_children: bool) -> io::Result<Option<Visit>> {
            self.visited.push(pid);
            let next = self.visits.get_mut(&pid).and_then(VecDeque::pop_front);
            Ok(next.map(|(children, outlived)| Visit {
                row: row((pid, 1, 1)),
                command: Vec::new(),
                children: asks_children.then(|| children.to_vec()),
                outlived,
            }))
        }

        fn size(&mut self) -> io::Result<usize> {
            Ok(20)
        }
    }

    type Script<'a> = &'a [(u32, &'a [(&'static [u32], bool)])];

    /// Who was visited, in order; and whether there is a family.
    fn visited(root: u32, script: Script<'_>) -> (Vec<u32>, bool) {
        let visits = script.iter().map(|&(pid, visits)| (pid, visits.iter().copied().collect())).collect();
        let mut table = Visits { visits, visited: Vec::new() };
        let is_there = gather(&mut table, root).expect("nothing fails").is_some();
        (table.visited, is_there)
    }

    const LEAF: &[(&[u32], bool)] = &[(&[], true)];

    #[test]
    fn a_quiet_family_is_visited_once() {
        let script: Script<'_> = &[(10, &[(&[11, 12], true)]), (11, &[(&[13], true)]), (12, LEAF), (13, LEAF)];
        assert_eq!(visited(10, script), (vec![10, 11, 12, 13], true));
        assert_eq!(visited(14, script), (vec![14], false));
    }

    #[test]
    fn the_child_of_a_process_that_ended_on_the_way_is_found_with_the_ancestor_it_fell_to() {
        // 12 had 13, and has ended when it is its turn: its list is empty, and 13 is the child of 10 now.
        let (root, middle) = (&[(&[11][..], true), (&[11, 13][..], true)], &[(&[12][..], true), (&[12][..], true)]);
        let ended: Script<'_> = &[(10, root), (11, middle), (12, &[(&[], false)]), (13, LEAF)];
        assert_eq!(visited(10, ended), (vec![10, 11, 12, 10, 11, 13], true));
        // And where it was reaped before that.
        let gone: Script<'_> = &[(10, root), (11, &[(&[12], true), (&[], true)]), (13, LEAF)];
        assert_eq!(visited(10, gone), (vec![10, 11, 12, 10, 11, 13], true));
    }

    #[test]
    fn somebody_who_goes_over_and_over_again_keeps_nobody_waiting() {
        let restless = [(&[11][..], true); 2 * TRIES];
        let (visits, is_there) = visited(10, &[(10, &restless)]);
        assert_eq!((visits.len(), is_there), (2 * (TRIES + 1), true));
    }

    #[test]
    fn init_is_not_asked_for_its_children() {
        assert_eq!(visited(1, &[(1, LEAF), (2, LEAF), (3, LEAF)]), (vec![1, 2, 3], true));
    }
}
