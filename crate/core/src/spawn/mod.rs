//! From a request to a running process, without waiting for its exec.

mod command;
mod descriptors;
mod environment;
mod method;
mod request;
#[cfg(all(test, not(loom)))]
mod request_test;
mod resolve;

use std::{io, os::fd::OwnedFd, time::Instant};

pub use command::Command;
pub use method::SpawnMethod;
pub use request::{DecodeError, Descriptor, Request, Strings};

use self::{descriptors::Descriptors, environment::Environment};
use crate::{
    Pidfd, SpawnError, SpawnedProcess, Step,
    sys::{
        launch::launch,
        order::{CloneOptions, Launched, Order},
        posix_spawn, rlimit,
    },
};

/// A process that is on its way to exec, and our ends of its pipes.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) process: SpawnedProcess,
    /// `None`: it goes the SIGCHLD way, because there are no pidfds here or no room for one.
    pub(crate) pidfd: Option<Pidfd>,
    /// By the child's descriptor; in blocking mode.
    pub(crate) stdio: Vec<Option<OwnedFd>>,
}

/// Starts a process. It and its descendants carry `mark`, where that can be.
///
/// # Errors
///
/// A [`SpawnError`] for all that can be known without the child: the program, the working directory, descriptors, room
/// for a process. What only the exec can tell is written to the process' report.
pub(crate) fn start(request: &Request<'_>, mark: u64) -> Result<Started, SpawnError> {
    let changes_credentials = request.uid.is_some() || request.gid.is_some() || request.groups.is_some();
    let environment = Environment::new(request.environment);
    if let Some(cwd) = request.cwd {
        resolve::check_cwd(cwd, changes_credentials)?;
    }
    let candidates = resolve::resolve(request.file, request.cwd, &environment, changes_credentials)?;
    let descriptors = Descriptors::new(&request.descriptors)?;
    let mut limits = request.limits.clone();
    // Not for posix_spawn(3), which sets no limits: the child would have to be forked for nothing but its mark.
    if SpawnMethod::current() != SpawnMethod::PosixSpawn {
        // Whoever asks for this very limit gets what he asked for.
        limits.extend(rlimit::to_carry(mark).filter(|mark| limits.iter().all(|limit| limit.resource != mark.resource)));
    }
    let order = Order {
        candidates: &candidates,
        cwd: request.cwd,
        argument_count: request.arguments.count,
        arguments: request.arguments.bytes,
        variable_count: environment.count,
        environment: &environment.bytes,
        descriptors: &descriptors.sources,
        session: request.session,
        process_group: request.process_group,
        controlling_terminal: request.controlling_terminal,
        uid: request.uid,
        gid: request.gid,
        groups: request.groups.as_deref(),
        umask: request.umask,
        limits: &limits,
        no_new_privs: request.no_new_privs,
        parent_death_signal: request.parent_death_signal.map(crate::Signal::as_raw),
    };
    let started = Instant::now();
    let (process, pidfd) = make(&order, started)?;
    Ok(Started { process, pidfd, stdio: descriptors.ours })
}

/// Makes the process by the best method that this machine lets us use.
fn make(order: &Order<'_>, started: Instant) -> Result<(SpawnedProcess, Option<Pidfd>), SpawnError> {
    let failure = |error: &io::Error, syscall| SpawnError::new(Step::Clone, error, syscall);
    let mut method = SpawnMethod::current();
    let mut wants_pidfd = Pidfd::available();
    loop {
        if method == SpawnMethod::PosixSpawn && posix_spawn::can_express(order) {
            match posix_spawn::spawn(order) {
                Ok(pid) => return Ok((SpawnedProcess::with_known_exec(pid, started), None)),
                Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOMEM)) => {
                    return Err(failure(&error, "posix_spawn"));
                }
                // What only exec can tell is told by the child, whatever made it: the fork below will meet it again.
                Err(_) => {}
            }
        }
        let options = CloneOptions {
            clone3: method == SpawnMethod::Clone3,
            share_memory: method != SpawnMethod::PosixSpawn && !order.changes_credentials(),
            pidfd: wants_pidfd,
        };
        let syscall = if options.clone3 { "clone3" } else { "clone" };
        // A child in a copy of our memory has no word there for the kernel to zero. The end of a pipe tells instead.
        let exec_pipe = if options.share_memory {
            None
        } else {
            Some(io::pipe().map_err(|error| SpawnError::new(Step::Pipe, &error, "pipe2"))?)
        };
        match launch(order, options) {
            Ok(Launched { pid, pidfd, report }) => {
                let reader = exec_pipe.map(|(reader, _)| OwnedFd::from(reader));
                let process = SpawnedProcess::new(pid, report, reader, started);
                return Ok((process, pidfd.map(Pidfd::from_owned)));
            }
            Err(error) => match error.raw_os_error() {
                // No room for the pidfd is this child's bad luck alone: it goes the SIGCHLD way.
                Some(libc::EMFILE | libc::ENFILE) if options.pidfd => wants_pidfd = false,
                // Under qemu-user, as in a container for another architecture: it carries fork over to its own machine, and
                // knows no CLONE_PIDFD there. Asked for by pidfd_open(2) later on, the descriptor is had all the same.
                Some(libc::EINVAL) if options.pidfd && method == SpawnMethod::PosixSpawn => wants_pidfd = false,
                // An old kernel, or a seccomp profile that does not know the call. EINVAL: clone3 without the flag that
                // resets the handlers, Linux 5.3 and 5.4.
                Some(libc::ENOSYS | libc::EPERM | libc::EINVAL) => {
                    method = method.refused().ok_or_else(|| failure(&error, syscall))?;
                }
                _ => return Err(failure(&error, syscall)),
            },
        }
    }
}
