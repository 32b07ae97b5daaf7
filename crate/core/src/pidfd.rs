//! A process as a descriptor: readable once it has ended, and signalled without the pid.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
    process,
};

use mio::{Interest, Registry, Token, event::Source, unix::SourceFd};

use crate::{
    Signal,
    capability::{Capability, is_refusal},
    sys::pidfd::{PIDFD_NONBLOCK, pidfd_open, pidfd_send_signal},
};

static OPEN: Capability = Capability::new();
static SEND_SIGNAL: Capability = Capability::new();

/// A descriptor that refers to one process and never to another that was given the same pid.
///
/// As a mio [`Source`] it becomes readable when the process has ended, and stays so.
///
/// # Caveats
///
/// Deregister it before it is dropped. A registration belongs to what a descriptor refers to, and ends by itself only when
/// the last descriptor for that is closed. A child that is just between clone and exec holds a copy of each of our
/// descriptors, close-on-exec or not: a pidfd that is merely closed in that moment goes on reporting under its token,
/// which by then may be somebody else's.
#[derive(Debug)]
pub struct Pidfd {
    descriptor: OwnedFd,
}

impl Pidfd {
    /// Opens a descriptor for the process `pid`; `None` where pidfds are not to be had, which is remembered.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE` or `ENOMEM` when there is no descriptor left for this process, `ESRCH` when it is gone and was
    /// reaped. Those are one process' bad luck and are not remembered.
    ///
    /// # References
    ///
    /// [`pidfd_open(2)`](https://man7.org/linux/man-pages/man2/pidfd_open.2.html)
    pub fn open(pid: u32) -> io::Result<Option<Self>> {
        Self::open_by(&OPEN, |flags| pidfd_open(pid, flags))
    }

    fn open_by(known: &Capability, mut call: impl FnMut(u32) -> io::Result<OwnedFd>) -> io::Result<Option<Self>> {
        if known.known() == Some(false) {
            return Ok(None);
        }
        let opened = match call(PIDFD_NONBLOCK) {
            // Linux 5.3 to 5.9 know no flags. Nothing here waits on the descriptor itself, so it may as well block.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => call(0),
            opened => opened,
        };
        match opened {
            Ok(descriptor) => {
                known.found();
                Ok(Some(Self { descriptor }))
            }
            Err(error) if is_refusal(&error) => {
                known.rule_out();
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Takes over a pidfd that came from somewhere else, such as `clone(2)` with `CLONE_PIDFD`.
    #[must_use]
    pub fn from_owned(descriptor: OwnedFd) -> Self {
        Self { descriptor }
    }

    /// Whether pidfds are to be had: asked of the kernel once, by opening one for ourselves.
    #[must_use]
    pub fn available() -> bool {
        OPEN.known().unwrap_or_else(|| match Self::open(process::id()) {
            Ok(pidfd) => pidfd.is_some(),
            // Out of descriptors: the call is there, or it would have been refused before it came to that.
            Err(_) => true,
        })
    }

    /// Makes pidfds unavailable for the rest of this program, so that all children go the SIGCHLD way.
    pub(crate) fn forbid() {
        OPEN.rule_out();
        SEND_SIGNAL.rule_out();
    }

    /// Whether signals can be sent through a pidfd: asked of the kernel once, by sending ourselves signal 0.
    pub(crate) fn signal_available() -> bool {
        SEND_SIGNAL.known().unwrap_or_else(|| match Self::open(process::id()) {
            Ok(Some(pidfd)) => {
                // We may always signal ourselves: here, EPERM can only come from a filter.
                if pidfd.send_signal(Signal::NONE).is_err_and(|error| is_refusal(&error)) {
                    SEND_SIGNAL.rule_out();
                }
                SEND_SIGNAL.known() == Some(true)
            }
            Ok(None) => false,
            // No descriptor to try it with; the call is older than pidfd_open and most likely there.
            Err(_) => true,
        })
    }

    /// Sends `signal` to the process. `true` when it was delivered (also to a zombie), `false` when the process was reaped.
    ///
    /// # Errors
    ///
    /// `ENOSYS` where the system has no such call, which is remembered, `EPERM` when the process changed its credentials or
    /// a seccomp filter refuses, `EINVAL` for a signal this kernel does not have.
    ///
    /// # References
    ///
    /// [`pidfd_send_signal(2)`](https://man7.org/linux/man-pages/man2/pidfd_send_signal.2.html)
    pub fn send_signal(&self, signal: Signal) -> io::Result<bool> {
        send_signal_by(&SEND_SIGNAL, || pidfd_send_signal(self.as_fd(), signal))
    }
}

fn send_signal_by(known: &Capability, call: impl FnOnce() -> io::Result<()>) -> io::Result<bool> {
    if known.known() == Some(false) {
        return Err(io::Error::from_raw_os_error(libc::ENOSYS));
    }
    match call() {
        Ok(()) => {
            known.found();
            Ok(true)
        }
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {
            known.found();
            Ok(false)
        }
        Err(error) => {
            // EPERM decides nothing: it can be about this one process.
            if error.raw_os_error() == Some(libc::ENOSYS) {
                known.rule_out();
            }
            Err(error)
        }
    }
}

impl AsFd for Pidfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Source for Pidfd {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        SourceFd(&self.descriptor.as_raw_fd()).register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        SourceFd(&self.descriptor.as_raw_fd()).reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.descriptor.as_raw_fd()).deregister(registry)
    }
}

#[cfg(test)]
mod test {
    use std::{fs::File, process::Command};

    use super::*;

    fn errno<T>(number: i32) -> io::Result<T> {
        Err(io::Error::from_raw_os_error(number))
    }

    fn some_descriptor() -> OwnedFd {
        File::open("/dev/null").expect("/dev/null opens").into()
    }

    #[test]
    fn a_kernel_without_the_flag_is_asked_without_it() {
        let (known, mut asked) = (Capability::new(), Vec::new());
        let opened = Pidfd::open_by(&known, |flags| {
            asked.push(flags);
            if flags == 0 { Ok(some_descriptor()) } else { errno(libc::EINVAL) }
        });
        assert!(opened.expect("the second try is in order").is_some());
        assert_eq!(asked, [PIDFD_NONBLOCK, 0]);
        assert_eq!(known.known(), Some(true));
    }

    #[test]
    fn a_refusal_is_remembered() {
        for number in [libc::ENOSYS, libc::EPERM] {
            let known = Capability::new();
            assert!(Pidfd::open_by(&known, |_| errno(number)).expect("a refusal is no failure").is_none());
            assert!(Pidfd::open_by(&known, |_| unreachable!("asked again")).expect("still no failure").is_none());
        }
    }

    #[test]
    fn bad_luck_is_told_and_not_remembered() {
        for number in [libc::EMFILE, libc::ENFILE, libc::ESRCH, libc::ENOMEM] {
            let known = Capability::new();
            let error = Pidfd::open_by(&known, |_| errno(number)).expect_err("the call failed");
            assert_eq!((error.raw_os_error(), known.known()), (Some(number), None));
        }
    }

    #[test]
    fn a_missing_way_to_send_signals_is_remembered_and_a_permission_is_not() {
        let known = Capability::new();
        let error = send_signal_by(&known, || errno(libc::EPERM)).expect_err("not permitted");
        assert_eq!((error.raw_os_error(), known.known()), (Some(libc::EPERM), None));
        let error = send_signal_by(&known, || errno(libc::ENOSYS)).expect_err("missing");
        assert_eq!((error.raw_os_error(), known.known()), (Some(libc::ENOSYS), Some(false)));
        let error = send_signal_by(&known, || unreachable!("asked again")).expect_err("still missing");
        assert_eq!(error.raw_os_error(), Some(libc::ENOSYS));
    }

    #[test]
    fn a_process_that_was_reaped_is_no_error() {
        assert!(!send_signal_by(&Capability::new(), || errno(libc::ESRCH)).expect("gone is an answer"));
        if !Pidfd::available() {
            return eprintln!("skipped: no pidfd on this system");
        }
        let mut child = Command::new("true").spawn().expect("true starts");
        let pidfd = Pidfd::open(child.id()).expect("it is our child").expect("pidfds are available");
        assert!(pidfd.send_signal(Signal::NONE).expect("it is our child"), "running or a zombie");
        child.wait().expect("it is our child");
        if Pidfd::signal_available() {
            assert!(!pidfd.send_signal(Signal::KILL).expect("gone is an answer"));
        }
        let error = Pidfd::open(child.id()).expect_err("reaped");
        assert_eq!(error.raw_os_error(), Some(libc::ESRCH));
    }
}
