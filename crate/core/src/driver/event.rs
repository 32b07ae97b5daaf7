//! What an environment is told.

use std::time::Duration;

use crate::{ExecFailure, ExitStatus};

/// How a process came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It ran and ended.
    Ended {
        /// How, and what it used.
        status: ExitStatus,
        /// Whether `status.usage().max_rss` is certainly the process' own peak. exec carries the peak of the memory it
        /// leaves over to the new program, so a child of a large program starts out with a large peak.
        max_rss_is_own: bool,
    },
    /// It never became the program that was asked for.
    NotExecuted(ExecFailure),
    /// Somebody else waited for it and has its status; the error number says what we were told.
    Lost(i32),
}

/// The end of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// Which child.
    pub id: u64,
    /// Its pid, free for others from now on.
    pub pid: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// From its clone to its reap.
    pub duration: Duration,
    /// Whether something is left of its pipes, to be claimed or released.
    pub has_leftovers: bool,
}

/// What a child wrote to its captured pipes.
#[derive(Debug, PartialEq, Eq)]
pub struct Output {
    /// Which child.
    pub id: u64,
    /// All of its stdout; empty where that is no captured pipe.
    pub stdout: Vec<u8>,
    /// All of its stderr; empty where that is no captured pipe.
    pub stderr: Vec<u8>,
    /// Whether the capture ended before the stream did.
    pub truncated: bool,
    /// The stream (1 or 2) that was more than the caller wanted to have. The child was killed for it.
    pub overflow: Option<usize>,
}

/// Something that an environment waits for.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A child of this environment has ended.
    Exit(Exit),
    /// A child of this environment has exec'd.
    Exec {
        /// Which child.
        id: u64,
    },
    /// The output of a child of this environment is complete.
    Output(Output),
    /// An orphan of this OS process was reaped. Told to every environment that asked for it.
    Reaped {
        /// The pid it had.
        pid: u32,
        /// How it ended.
        outcome: Outcome,
        /// From its clone to its reap.
        duration: Duration,
        /// Whether it was none of our children, but fell to us when its own parent ended.
        adopted: bool,
    },
    /// A signal came that this environment asked for.
    Signal {
        /// Its number.
        number: i32,
    },
}
