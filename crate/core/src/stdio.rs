//! Our ends of the pipes to a child.

use std::{
    io::{self, Read, Write},
    os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
};

use mio::{Interest, Registry, Token, event::Source, unix::SourceFd};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::sys::{descriptor, nonblocking::set_nonblocking, read};

/// What a pipe is given whose reader takes no more than 64 KiB at a time, as a stream of Node.js: room for its writer to go
/// on while that much is looked at. More gains nothing.
const LARGE: usize = 256 * 1024;

/// One end of a pipe or socket pair, readable and writable as its kind allows, and a source of readiness for mio.
#[derive(Debug)]
pub struct Pipe {
    descriptor: OwnedFd,
}

impl From<OwnedFd> for Pipe {
    fn from(descriptor: OwnedFd) -> Self {
        Self { descriptor }
    }
}

impl From<Pipe> for OwnedFd {
    fn from(pipe: Pipe) -> Self {
        pipe.descriptor
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl AsRawFd for Pipe {
    fn as_raw_fd(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }
}

impl Read for &Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(nix::unistd::read(&self.descriptor, buffer)?)
    }
}

impl Write for &Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(nix::unistd::write(&self.descriptor, bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Pipe {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        SourceFd(&self.as_raw_fd()).register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        SourceFd(&self.as_raw_fd()).reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        SourceFd(&self.as_raw_fd()).deregister(registry)
    }
}

/// A [`Pipe`] in non-blocking mode, for the driver to read and write.
///
/// The mode belongs to the open file, not to the descriptor: whoever inherits it would find his stdin non-blocking and
/// fail with `EAGAIN`. [`into_owned_fd`](Self::into_owned_fd) therefore puts it back.
#[derive(Debug)]
pub struct ChildStdio {
    pipe: Pipe,
}

impl ChildStdio {
    /// The descriptor, in blocking mode again, to be handed to another child.
    ///
    /// # Errors
    ///
    /// As [`fcntl(2)`](https://man7.org/linux/man-pages/man2/fcntl.2.html): none that is expected.
    pub fn into_owned_fd(self) -> io::Result<OwnedFd> {
        set_nonblocking(&self.pipe, false)?;
        Ok(self.pipe.descriptor)
    }

    /// Appends what can be read without waiting, at most `limit` bytes, to `into`. 0 is the end of the stream.
    ///
    /// # Errors
    ///
    /// `EAGAIN` when there is nothing now.
    pub fn read_into(&self, into: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
        read::append(self.pipe.as_fd(), into, limit)
    }

    /// The pipe itself.
    pub fn pipe(&mut self) -> &mut Pipe {
        &mut self.pipe
    }
}

impl AsFd for ChildStdio {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

/// Takes our end of a pipe, and makes it non-blocking.
///
/// # Errors
///
/// As [`fcntl(2)`](https://man7.org/linux/man-pages/man2/fcntl.2.html): none that is expected.
pub fn stdio(descriptor: impl Into<OwnedFd>) -> io::Result<ChildStdio> {
    let pipe = Pipe::from(descriptor.into());
    set_nonblocking(&pipe, true)?;
    Ok(ChildStdio { pipe })
}

/// Whether the other end is gone: for a reader all writers, for a writer all readers.
pub(crate) fn has_hung_up(descriptor: &impl AsFd) -> bool {
    let mut interest = [PollFd::new(descriptor.as_fd(), PollFlags::empty())];
    matches!(poll(&mut interest, PollTimeout::ZERO), Ok(1))
        && interest[0].revents().is_some_and(|events| events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR))
}

/// A pipe with these bytes in it and nobody to write more.
///
/// # Errors
///
/// `EMFILE`, `ENFILE`; `EAGAIN` when it cannot be given so much room.
pub(crate) fn refill(bytes: &[u8]) -> io::Result<OwnedFd> {
    let (reader, mut writer) = io::pipe()?;
    enlarge(&writer, bytes.len());
    // Nobody reads yet: what does not fit would be waited for for ever.
    set_nonblocking(&writer, true)?;
    writer.write_all(bytes)?;
    Ok(reader.into())
}

/// Gives our end of a pipe that was handed out as a number more room, for a stream that has shown to be large.
pub fn enlarge_pipe(number: RawFd) {
    if let Ok(pipe) = descriptor::borrow(number) {
        enlarge(&pipe, LARGE);
    }
}

/// Gives a pipe more room, so that a large stream takes fewer turns. Where the system has no such thing, or the user has
/// used his share up, it stays as it is.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn enlarge(pipe: &impl AsFd, size: usize) {
    let _ = nix::fcntl::fcntl(pipe, nix::fcntl::FcntlArg::F_SETPIPE_SZ(i32::try_from(size).unwrap_or(i32::MAX)));
}

/// Pipes have no other size here.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn enlarge(_pipe: &impl AsFd, _size: usize) {}
