//! The one orphan queue of this OS process.

use crate::{OrphanQueue, SpawnedProcess, driver};

/// Takes a process that nobody waits for any more, on behalf of all threads and all JavaScript environments. The driver
/// reaps it when it ends.
///
/// An orphan with a pidfd is reaped at its own readiness, whatever the number of the others; only those without one are
/// asked at each SIGCHLD, by an [`OrphanQueueImpl`](crate::OrphanQueueImpl).
#[derive(Debug, Clone, Copy)]
pub struct GlobalOrphanQueue;

impl OrphanQueue<SpawnedProcess> for GlobalOrphanQueue {
    fn push_orphan(&self, orphan: SpawnedProcess) {
        driver::push_orphan(orphan);
    }
}

impl GlobalOrphanQueue {
    /// Number of orphans that have not been reaped.
    #[must_use]
    pub fn len(&self) -> usize {
        driver::orphan_count()
    }

    /// Whether there is nobody to reap.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reaps the orphans that have ended, now. Never blocks. Returns the number reaped.
    pub fn reap_orphans(&self) -> usize {
        driver::reap_orphans()
    }
}
