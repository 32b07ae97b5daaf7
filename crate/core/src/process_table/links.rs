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
