//! A process of ours, by its pid.

use std::{
    io,
    os::fd::OwnedFd,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    ExitStatus, Kill, Signal, Step, Wait, stdio,
    sys::{kill, report::Report, waitid},
};

/// A process that was spawned and not reaped yet.
///
/// Its pid is safe to use exactly that long: the kernel gives it to nobody else before it is reaped, and only the owner
/// of this value reaps it.
#[derive(Debug)]
pub struct SpawnedProcess {
    pid: u32,
    started: Instant,
    exec: Exec,
    reaped: bool,
}

/// How to find out about the exec.
#[derive(Debug)]
enum Exec {
    /// The kernel zeroes a word of the report when a child that shares our memory leaves it.
    Report(Arc<Report>),
    /// The end of this pipe: its other end is closed by a forked child's exec.
    Pipe(Arc<Report>, OwnedFd),
    /// It had worked when the process was made.
    Done,
}

/// Why there was no exec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecFailure {
    /// What was being done.
    pub step: Step,
    /// The error number, positive.
    pub errno: i32,
    /// The index of the descriptor or limit for [`Step::Setup`], else 0.
    pub detail: u32,
}

impl SpawnedProcess {
    pub(crate) fn new(pid: u32, report: Arc<Report>, exec_pipe: Option<OwnedFd>, started: Instant) -> Self {
        let exec = match exec_pipe {
            Some(pipe) => Exec::Pipe(report, pipe),
            None => Exec::Report(report),
        };
        Self { pid, started, exec, reaped: false }
    }

    /// A process whose exec is known to have worked.
    pub(crate) fn with_known_exec(pid: u32, started: Instant) -> Self {
        Self { pid, started, exec: Exec::Done, reaped: false }
    }

    /// The time since it was made.
    pub(crate) fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether it is known to have exec'd, or to have failed to.
    pub(crate) fn is_past_exec(&self) -> bool {
        match &self.exec {
            Exec::Report(report) => report.has_left_our_memory(),
            Exec::Pipe(_, pipe) => stdio::has_hung_up(pipe),
            Exec::Done => true,
        }
    }

    /// Why there was no exec; `None` when there was one, or when it is still to come.
    pub(crate) fn exec_failure(&self) -> Option<ExecFailure> {
        let (Exec::Report(report) | Exec::Pipe(report, _)) = &self.exec else { return None };
        let failure = report.failure()?;
        Some(ExecFailure { step: Step::from_number(failure.step), errno: failure.errno, detail: failure.detail })
    }
}

impl Wait for SpawnedProcess {
    fn id(&self) -> u32 {
        self.pid
    }

    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = waitid::try_wait(self.pid);
        match &status {
            Ok(Some(_)) => {
                self.reaped = true;
                if let Exec::Report(report) = &self.exec {
                    // The kernel has said so itself, but for one that dumped core on its way to exec (older kernels).
                    report.forget_child();
                }
            }
            // Somebody else took the status. The pid may belong to another process by now.
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) => self.reaped = true,
            _ => {}
        }
        status
    }
}

impl Kill for SpawnedProcess {
    fn kill(&mut self, signal: Signal) -> io::Result<bool> {
        // The one who holds `&mut self` is the only one who could reap it in between. A stranger who waits for any child
        // cannot be kept from it, but looking first leaves him a moment instead of for ever.
        if self.reaped || !waitid::is_running(self.pid)? {
            return Ok(false);
        }
        kill::kill(self.pid, signal.as_raw())
    }
}

/// Kills and reaps a process that nobody will ever hear of.
pub(crate) fn give_up(mut process: impl Wait + Kill) {
    if process.kill(Signal::KILL).is_err() {
        // EPERM: it has already exec'd a program that changes its user. It goes to the orphan queue when it is dropped.
        return;
    }
    // It can only end now; and if somebody else has reaped it, that is as good. Asked for by the reaper itself, which is
    // to know that the pid is free: another child of ours may have it by the time that the reaper is dropped.
    while let Ok(None) = process.try_wait() {
        std::thread::sleep(Duration::from_micros(100));
    }
}
