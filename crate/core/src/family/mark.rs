//! The mark of a family: how a descendant is known whose parents are all gone.
//!
//! A double fork and a `setsid` cut all that leads from a daemon back to where it comes from: its parent is init, or whoever
//! reaps orphans, and its session and group are its own. What it cannot help having is what it inherited. brood gives each
//! process it spawns a number of its own as the soft limit `RLIMIT_LOCKS`, which limits nothing, is inherited by fork and
//! kept by exec, and is told in `/proc/PID/limits`.
//!
//! A descendant that sets this limit itself (`ulimit -x`), or that brood in another program spawned and marked anew, does
//! not carry the mark any more, and its own descendants do not.

use std::{
    hash::{BuildHasher, RandomState},
    sync::OnceLock,
};

/// What a program would hardly choose for a limit, and the kernel does not take for none.
const HIGH: u64 = 1 << 62;

/// The mark of the child that is called `id` here. No other program's is the same: they start from random numbers, and
/// there are 2^62 of them.
pub(crate) fn of(id: u64) -> u64 {
    static FIRST: OnceLock<u64> = OnceLock::new();
    let first = *FIRST.get_or_init(|| RandomState::new().hash_one(0));
    HIGH | (first.wrapping_add(id) & (HIGH - 1))
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn each_child_has_its_own_and_none_means_unlimited() {
        let marks: std::collections::HashSet<u64> = (0..1000).map(of).collect();
        assert_eq!(marks.len(), 1000);
        assert!(marks.iter().all(|mark| (HIGH..HIGH * 2).contains(mark)));
        assert_eq!(of(7), of(7));
    }
}
