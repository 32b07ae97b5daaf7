//! Child processes without a stop, a race or a zombie: the part of brood that touches the kernel.
//!
//! Nothing here knows that JavaScript exists. `unsafe` code lives in `sys` alone, one file per kernel facility.

#![deny(unsafe_code)]

mod adopt;
mod capabilities;
mod capability;
mod child;
mod driver;
mod error;
mod exit_status;
mod family;
mod global_orphan_queue;
mod hand_over;
mod kill;
mod orphan;
mod orphan_guard;
mod orphan_queue;
mod pidfd;
mod pidfd_reaper;
mod probe;
mod process;
mod process_table;
mod reap;
mod signal;
mod spawn;
mod stdio;
mod supervise;
mod sync;
mod sys;
#[cfg(all(test, not(loom)))]
mod test_doubles;
mod usage;
mod wait;
mod watch;

pub use adopt::{Adoption, Look};
pub use capabilities::{Capabilities, capabilities};
pub use driver::{CaptureOptions, Claim, Environment, Event, Exit, Notify, Outcome, Output, SpawnFailure, Spawned};
pub use error::{SpawnError, Step};
pub use exit_status::ExitStatus;
pub use family::{kill_family, still_running};
pub use global_orphan_queue::GlobalOrphanQueue;
pub use hand_over::HandOver;
pub use kill::Kill;
pub use orphan::OrphanQueueImpl;
pub use orphan_queue::OrphanQueue;
pub use pidfd::Pidfd;
pub use pidfd_reaper::PidfdReaper;
pub use probe::{Probe, probes};
pub use process::{ExecFailure, SpawnedProcess};
pub use process_table::{FamilyRow, Identity, ProcessRow, process_family};
pub use reap::Reaper;
pub use signal::Signal;
pub use spawn::{Command, DecodeError, Descriptor, Request, SpawnMethod, Strings};
pub use stdio::{ChildStdio, Pipe, enlarge_pipe, stdio};
pub use supervise::{Terminal, die_with_parent, take_stop};
pub use sys::thread::is_main as is_main_thread;
pub use usage::Usage;
pub use wait::Wait;
pub use watch::{SignalSource, Watch};
