//! What a process and the descendants it waited for have used up.

use std::sync::{
    OnceLock,
    atomic::{AtomicI64, Ordering},
};

use nix::sys::resource::{UsageWho, getrusage};

/// The fields of `struct rusage` as the kernel filled them in when the process was reaped.
///
/// # References
///
/// [`getrusage(2)`](https://man7.org/linux/man-pages/man2/getrusage.2.html)
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time spent in user mode, in microseconds.
    pub user_cpu_time: i64,
    /// CPU time spent in the kernel, in microseconds.
    pub system_cpu_time: i64,
    /// Peak resident set size in kilobytes. Can be an inheritance from the process that spawned it: see
    /// [`Outcome::Ended`](crate::Outcome::Ended).
    pub max_rss: i64,
    /// Integral shared memory size; unused on Linux.
    pub shared_memory_size: i64,
    /// Integral unshared data size; unused on Linux.
    pub unshared_data_size: i64,
    /// Integral unshared stack size; unused on Linux.
    pub unshared_stack_size: i64,
    /// Page faults served without input or output.
    pub minor_page_faults: i64,
    /// Page faults that needed input or output.
    pub major_page_faults: i64,
    /// Times swapped out of memory; unused on Linux.
    pub swapped_out: i64,
    /// Times the file system had to read.
    pub fs_read: i64,
    /// Times the file system had to write.
    pub fs_write: i64,
    /// Messages sent over IPC; unused on Linux.
    pub ipc_sent: i64,
    /// Messages received over IPC; unused on Linux.
    pub ipc_received: i64,
    /// Signals received; unused on Linux.
    pub signals_count: i64,
    /// Times the process gave the processor up before its time slice ended.
    pub voluntary_context_switches: i64,
    /// Times it lost the processor to another or to the end of its time slice.
    pub involuntary_context_switches: i64,
}

/// Whether a peak resident set size that the kernel reported for a child of ours is certainly the child's own.
///
/// exec carries the peak of the memory it leaves over to the new program (`setmax_mm_hiwater_rss` in `fs/exec.c`), and the
/// memory that our children leave is ours. A peak above our own, which never falls, can only be the child's.
pub(crate) fn max_rss_is_own(child: &Usage) -> bool {
    // Our peak when it was last asked for: it has not fallen since, so most children need no asking.
    static PEAK: AtomicI64 = AtomicI64::new(0);
    if child.max_rss <= PEAK.load(Ordering::Relaxed) + slack() {
        return false;
    }
    let Ok(ours) = getrusage(UsageWho::RUSAGE_SELF) else { return false };
    PEAK.fetch_max(ours.max_rss(), Ordering::Relaxed);
    child.max_rss > ours.max_rss() + slack()
}

/// How far the kernel's two readings of the same memory can lie apart, in kilobytes: it counts pages per processor and
/// adds them up roughly, to `max(32, 2n)` pages on each of n processors.
fn slack() -> i64 {
    static SLACK: OnceLock<i64> = OnceLock::new();
    *SLACK.get_or_init(|| {
        // All there can be, not those that we may use: the kernel counts on each of them.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let processors = {
            use nix::unistd::{SysconfVar, sysconf};
            sysconf(SysconfVar::_NPROCESSORS_CONF).ok().flatten().unwrap_or(1).max(1)
        };
        // nix has no name for the number elsewhere.
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as i64);
        processors * (2 * processors).max(32) * 4
    })
}
