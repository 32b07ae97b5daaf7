//! `clock_gettime(2)`: when this machine was started, and how long ago.
//!
//! # Safety
//!
//! One call that writes one structure of ours.
#![expect(unsafe_code, reason = "the call itself")]

use std::{
    mem::MaybeUninit,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// A clock that differs by less than this many milliseconds has not been set, only adjusted.
const ADJUSTMENT: u64 = 1000;

fn time_of(clock: libc::clockid_t) -> (u64, u64) {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: the pointer is valid for a write of its type. The clocks asked for are always there.
    unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) };
    // SAFETY: zeroed is a valid timespec.
    let time = unsafe { time.assume_init() };
    (u64::try_from(time.tv_sec).unwrap_or(0), u64::try_from(time.tv_nsec).unwrap_or(0))
}

fn milliseconds(clock: libc::clockid_t) -> u64 {
    let (seconds, nanoseconds) = time_of(clock);
    seconds * 1000 + nanoseconds / 1_000_000
}

/// The time since the machine (or the time namespace) was started, sleep included, in so many `ticks` a second.
pub(crate) fn since_boot(ticks: u64) -> u64 {
    let (seconds, nanoseconds) = time_of(libc::CLOCK_BOOTTIME);
    seconds * ticks + nanoseconds * ticks / 1_000_000_000
}

/// The time since the machine (or the time namespace) was started: what the kernel counts start times by.
pub(crate) fn uptime() -> Duration {
    Duration::from_millis(milliseconds(libc::CLOCK_BOOTTIME))
}

/// When the machine (or the time namespace) was started, in milliseconds since the epoch. The same number from call to
/// call as long as nobody sets the clock, so that a start time computed from it stays the same, too.
pub(crate) fn boot_milliseconds() -> u64 {
    static KNOWN: AtomicU64 = AtomicU64::new(0);
    let now = milliseconds(libc::CLOCK_REALTIME).saturating_sub(milliseconds(libc::CLOCK_BOOTTIME));
    let known = KNOWN.load(Ordering::Relaxed);
    if known.abs_diff(now) < ADJUSTMENT {
        return known;
    }
    KNOWN.store(now, Ordering::Relaxed);
    now
}
