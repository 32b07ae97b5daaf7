//! The child's descriptors: pipes are made, the others looked up.

use std::{
    io,
    os::{
        fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::net::UnixStream,
    },
};

use super::request::Descriptor;
use crate::{
    SpawnError, Step,
    sys::{
        descriptor,
        nonblocking::set_nonblocking,
        order::{DESCRIPTOR_CLOSED, DESCRIPTOR_NULL},
    },
};

/// What was made for one child.
#[derive(Debug)]
pub(crate) struct Descriptors {
    /// Our end of each pipe, in blocking mode, by the child's descriptor; empty without pipes.
    pub(crate) ours: Vec<Option<OwnedFd>>,
    /// What each of the child's descriptors is a copy of.
    pub(crate) sources: Vec<RawFd>,
    /// The child's ends. Closed after the clone, or the pipes would never end.
    _theirs: Vec<OwnedFd>,
}

impl Descriptors {
    /// Makes the pipes.
    ///
    /// # Errors
    ///
    /// `EMFILE` or `ENFILE` when there is no room for a pipe, `EBADF` for a descriptor that is not open.
    pub(crate) fn new(requested: &[Descriptor]) -> Result<Self, SpawnError> {
        let mut made = Self {
            ours: Vec::with_capacity(requested.len()),
            sources: Vec::with_capacity(requested.len()),
            _theirs: Vec::new(),
        };
        // Before any pipe is made: it could be given the very number that is not open.
        for descriptor in requested {
            match *descriptor {
                Descriptor::Inherit(ours) => drop(open(ours)?),
                Descriptor::Hand(ours) => set_nonblocking(&open(ours)?, false)
                    .map_err(|error| SpawnError::new(Step::Setup, &error, "ioctl"))?,
                Descriptor::Null | Descriptor::Pipe | Descriptor::Closed | Descriptor::SameAs(_) => {}
            }
        }
        for (index, descriptor) in requested.iter().enumerate() {
            let (source, ours) = match *descriptor {
                Descriptor::Null => (DESCRIPTOR_NULL, None),
                Descriptor::Closed => (DESCRIPTOR_CLOSED, None),
                Descriptor::SameAs(earlier) => (made.sources[earlier], None),
                Descriptor::Inherit(ours) | Descriptor::Hand(ours) => (ours, None),
                Descriptor::Pipe => {
                    let (ours, theirs) = pair(index)?;
                    let source = theirs.as_raw_fd();
                    made._theirs.push(theirs);
                    (source, Some(ours))
                }
            };
            made.sources.push(source);
            made.ours.push(ours);
        }
        if made.ours.iter().all(Option::is_none) {
            // Kept for as long as the child lives.
            made.ours = Vec::new();
        }
        Ok(made)
    }
}

/// Looks whether a descriptor of ours is open, so that a wrong number is an error before there is a process.
fn open<'a>(number: RawFd) -> Result<BorrowedFd<'a>, SpawnError> {
    descriptor::borrow(number).map_err(|error| SpawnError::new(Step::Setup, &error, "fcntl"))
}

/// Our end and the child's. Both are close-on-exec from birth: a child cloned by another thread at this moment does not
/// get them.
fn pair(index: usize) -> Result<(OwnedFd, OwnedFd), SpawnError> {
    let failure = |syscall| move |error: io::Error| SpawnError::new(Step::Pipe, &error, syscall);
    if index >= 3 {
        let (ours, theirs) = UnixStream::pair().map_err(failure("socketpair"))?;
        return Ok((ours.into(), theirs.into()));
    }
    // A real pipe, not a socket pair: the child can open /dev/stdout, which a socket refuses with ENXIO.
    let (reader, writer) = io::pipe().map_err(failure("pipe2"))?;
    Ok(if index == 0 { (writer.into(), reader.into()) } else { (reader.into(), writer.into()) })
}
