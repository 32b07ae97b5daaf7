//! From a parent to its children, without going through everybody.

use std::io;

use super::{ProcessRow, Table};

/// How often a list is read once more of which somebody has gone.
const TRIES: usize = 8;

/// The rows of the children of `parent`, but for those that `is_known` already. `None` where the table cannot tell, or
/// where going through everybody is less work: `found` is how many have been found so far.
///
/// The kernel lets go of its lock between two entries of the list, and goes on behind the entry it was at. If that one has
/// gone it counts from the beginning, and may pass over one that has moved up. So a list counts only if nobody on it has
/// gone: then none is missing who was there all the time.
pub(crate) fn children(
    table: &mut impl Table,
    parent: &ProcessRow,
    found: usize,
    is_known: impl Fn(u32) -> bool,
) -> io::Result<Option<Vec<ProcessRow>>> {
    let mut rows = Vec::new();
    for _ in 0..TRIES {
        let Some(pids) = table.children(parent)? else { return Ok(None) };
        // To find a process by its parent costs about twice as much as to find it by going through everybody.
        if 2 * (found + pids.len()) > table.size()? {
            return Ok(None);
        }
        rows.clear();
        let mut has_gone = false;
        for pid in pids {
            if is_known(pid) {
                continue;
            }
            match table.read(pid)? {
                Some(row) => rows.push(row),
                None => has_gone = true,
            }
        }
        if !has_gone {
            break;
        }
    }
    Ok(Some(rows))
}

#[cfg(test)]
mod test {
    use super::{super::scripted::row, *};

    /// A table of children that go, one with each list that is read.
    struct Going {
        lists: Vec<Vec<u32>>,
    }

    impl Table for Going {
        fn pids(&mut self) -> io::Result<Vec<u32>> {
            unreachable!("nobody goes through everybody")
        }

        fn read(&mut self, pid: u32) -> io::Result<Option<ProcessRow>> {
            let is_there = self.lists.first().is_none_or(|next| next.contains(&pid));
            Ok(is_there.then(|| row((pid, 1, 1))))
        }

        fn command(&mut self, _pid: u32) -> io::Result<Option<Vec<u8>>> {
            Ok(None)
        }

        fn children(&mut self, _parent: &ProcessRow) -> io::Result<Option<Vec<u32>>> {
            Ok(Some(self.lists.remove(0)))
        }

        fn size(&mut self) -> io::Result<usize> {
            Ok(20)
        }
    }

    fn pids(lists: &[&[u32]], found: usize) -> Option<Vec<u32>> {
        let mut table = Going { lists: lists.iter().map(|list| list.to_vec()).collect() };
        let rows = children(&mut table, &row((1, 0, 0)), found, |pid| pid == 7).expect("nothing fails")?;
        Some(rows.into_iter().map(|row| row.identity.pid).collect())
    }

    #[test]
    fn a_list_of_which_somebody_has_gone_is_read_once_more() {
        // When 2 went, the kernel passed over 3.
        assert_eq!(pids(&[&[2, 4], &[3, 4]], 0), Some(vec![3, 4]));
        assert_eq!(pids(&[&[2, 3, 4]], 0), Some(vec![2, 3, 4]));
    }

    #[test]
    fn who_is_known_is_not_read() {
        assert_eq!(pids(&[&[2, 7]], 0), Some(vec![2]));
    }

    #[test]
    fn a_large_family_is_found_by_going_through_everybody() {
        assert_eq!(pids(&[&[2, 3, 4]], 7), Some(vec![2, 3, 4]));
        assert_eq!(pids(&[&[2, 3, 4]], 8), None);
    }
}
