//! Child processes without a stop, a race or a zombie: the part of brood that touches the kernel.
//!
//! Nothing here knows that JavaScript exists. `unsafe` code lives in [`sys`](self) alone, one file per kernel facility.

#![deny(unsafe_code)]

mod capability;
mod exit_status;
mod kill;
mod orphan;
mod orphan_guard;
mod orphan_queue;
mod pidfd;
mod pidfd_reaper;
mod reap;
mod signal;
mod sync;
mod sys;
#[cfg(all(test, not(loom)))]
mod test_doubles;
mod usage;
mod wait;
mod watch;

pub use exit_status::ExitStatus;
pub use kill::Kill;
pub use orphan::OrphanQueueImpl;
pub use orphan_queue::OrphanQueue;
pub use pidfd::Pidfd;
pub use pidfd_reaper::PidfdReaper;
pub use reap::Reaper;
pub use signal::Signal;
pub use usage::Usage;
pub use wait::Wait;
pub use watch::{SignalSource, Watch};
