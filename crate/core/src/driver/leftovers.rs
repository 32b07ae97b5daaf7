//! What is left of a child's pipes when it has ended and nobody has claimed them.

use std::os::fd::OwnedFd;

use crate::stdio;

/// One of them.
#[derive(Debug)]
pub(crate) enum Leftover {
    /// Somebody else, a grandchild, still holds the other end.
    Pipe(OwnedFd),
    /// The other end is closed for good: these are the bytes that were still inside.
    Bytes(Vec<u8>),
}

/// Closes what can be closed, so that a child whose output nobody reads costs no descriptor once it is gone. What was in
/// the pipe is kept: it is at most what a pipe holds.
pub(crate) fn settle(stdio: Vec<Option<OwnedFd>>) -> Vec<Option<Leftover>> {
    let mut leftovers: Vec<_> =
        stdio.into_iter().enumerate().map(|(index, pipe)| pipe.and_then(|pipe| settle_one(index, pipe))).collect();
    if leftovers.iter().all(Option::is_none) {
        leftovers.clear();
    }
    leftovers
}

fn settle_one(index: usize, pipe: OwnedFd) -> Option<Leftover> {
    if !stdio::has_hung_up(&pipe) {
        return Some(Leftover::Pipe(pipe));
    }
    // Writing to it can only fail from now on.
    if index == 0 {
        return None;
    }
    let pipe = stdio::stdio(pipe).ok()?;
    let mut bytes = Vec::new();
    // With no writer left this comes to an end, and never to a wait.
    while pipe.read_into(&mut bytes, 4096).is_ok_and(|count| count > 0) {}
    (!bytes.is_empty()).then_some(Leftover::Bytes(bytes))
}
