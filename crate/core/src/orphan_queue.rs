//! The trait of a place that running processes are handed to when nobody waits for them any more.

/// Takes processes whose handle was dropped while they ran, and sees to it that they are reaped.
pub trait OrphanQueue<T> {
    /// Hands `orphan` over. Returns at once; the process is reaped when it ends.
    fn push_orphan(&self, orphan: T);
}

impl<T, O: OrphanQueue<T> + ?Sized> OrphanQueue<T> for &O {
    fn push_orphan(&self, orphan: T) {
        (**self).push_orphan(orphan);
    }
}
