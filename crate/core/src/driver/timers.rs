//! What the driver has to do at a later time.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    sync::Arc,
    time::{Duration, Instant},
};

use super::capture::Capture;

/// One of those things.
#[derive(Debug)]
pub(crate) enum Timer {
    /// The time to go on reading after the exit is over.
    Drain(Arc<Capture>),
    /// Look whether the child has exec'd; look again after twice this time if not.
    Exec(u64, Duration),
    /// Arm the child's pidfd again, which was readable too often without an exit.
    Rearm(u64),
}

#[derive(Debug)]
struct Due {
    at: Instant,
    timer: Timer,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

/// The timers, the next one first.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<Due>>,
}

impl Timers {
    /// Sets a timer. A time that is too far off to be told is as good as never.
    pub(crate) fn set(&mut self, after: Duration, timer: Timer) {
        if let Some(at) = Instant::now().checked_add(after) {
            self.heap.push(Reverse(Due { at, timer }));
        }
    }

    /// The time until the next one, zero when it is due.
    pub(crate) fn until_next(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse(due)| due.at.saturating_duration_since(Instant::now()))
    }

    /// Takes one out that is due.
    pub(crate) fn pop_due(&mut self) -> Option<Timer> {
        if self.until_next()? > Duration::ZERO {
            return None;
        }
        self.heap.pop().map(|Reverse(due)| due.timer)
    }
}
