//! What is left of a child's pipes when it has ended and nobody has claimed them.

use std::{
    collections::{HashMap, hash_map},
    os::fd::OwnedFd,
    sync::Arc,
};

use mio::{Interest, Registry, Token, event::Source};

use super::outbox::Outbox;
use crate::stdio::{self, Pipe};

/// One of them.
#[derive(Debug)]
pub(super) enum Leftover {
    /// Somebody else, a grandchild, still holds the other end.
    Pipe(OwnedFd),
    /// The other end is closed for good: these are the bytes that were still inside.
    Bytes(Vec<u8>),
}

/// The leftovers of one child.
#[derive(Debug)]
struct OfChild {
    owner: Arc<Outbox>,
    /// By the child's descriptor, with the token by which a pipe is watched.
    pipes: Vec<Option<(Leftover, Option<Token>)>>,
}

/// The leftovers of all children that are gone.
///
/// A pipe that somebody else still holds is watched until he has closed it, too. Often that is a moment later: whom the child
/// has started last has not come to opening a stdin of its own yet, and of a family that is killed each one dies at its
/// own pace.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    by_child: HashMap<u64, OfChild>,
    by_token: HashMap<Token, (u64, usize)>,
}

/// That the other end is closed is told whatever one asks for, and nothing else is of interest.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn interest(_index: usize) -> Interest {
    Interest::PRIORITY
}

/// That the other end is closed is told along with what can be read or written.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn interest(index: usize) -> Interest {
    if index == 0 { Interest::WRITABLE } else { Interest::READABLE }
}

impl Leftovers {
    /// Closes what can be closed, so that a child whose output nobody reads costs no descriptor once it is gone. What was in
    /// a pipe is kept: it is at most what a pipe holds. `false` when nothing is left.
    pub(super) fn keep(
        &mut self,
        id: u64,
        owner: &Arc<Outbox>,
        stdio: Vec<Option<OwnedFd>>,
        registry: &Registry,
        new_token: impl Fn() -> Token,
    ) -> bool {
        let pipes: Vec<_> = stdio
            .into_iter()
            .enumerate()
            .map(|(index, pipe)| {
                let leftover = settle(index, pipe?)?;
                let Leftover::Pipe(pipe) = leftover else { return Some((leftover, None)) };
                let token = new_token();
                let mut pipe = Pipe::from(pipe);
                // Where it cannot be watched, for want of memory, it stays until the handle is collected.
                let token = pipe.register(registry, token, interest(index)).is_ok().then_some(token);
                self.by_token.extend(token.map(|token| (token, (id, index))));
                Some((Leftover::Pipe(pipe.into()), token))
            })
            .collect();
        let is_any = pipes.iter().any(Option::is_some);
        if is_any {
            self.by_child.insert(id, OfChild { owner: Arc::clone(owner), pipes });
        }
        is_any
    }

    /// Hands one over. It is not watched any more.
    pub(super) fn take(&mut self, id: u64, index: usize, owner: &Arc<Outbox>, registry: &Registry) -> Option<Leftover> {
        self.by_child.get(&id).filter(|child| Arc::ptr_eq(&child.owner, owner))?;
        self.take_out(id, index, registry)
    }

    fn take_out(&mut self, id: u64, index: usize, registry: &Registry) -> Option<Leftover> {
        let hash_map::Entry::Occupied(mut entry) = self.by_child.entry(id) else { return None };
        let pipes = &mut entry.get_mut().pipes;
        let taken = pipes.get_mut(index).and_then(Option::take);
        if pipes.iter().all(Option::is_none) {
            entry.remove();
        }
        let (leftover, token) = taken?;
        let Some(token) = token else { return Some(leftover) };
        self.by_token.remove(&token);
        let Leftover::Pipe(pipe) = leftover else { return Some(leftover) };
        let mut pipe = Pipe::from(pipe);
        // Also where it is about to be closed: a child on its way to exec may hold a copy, which would keep it registered.
        let _ = pipe.deregister(registry);
        Some(Leftover::Pipe(pipe.into()))
    }

    /// Looks at the pipe that is watched by this token, if it is one of these, and closes it if it has hung up.
    pub(super) fn look(&mut self, token: Token, registry: &Registry) {
        let Some(&(id, index)) = self.by_token.get(&token) else { return };
        let leftover = self.by_child.get(&id).and_then(|child| child.pipes.get(index)?.as_ref());
        if !matches!(leftover, Some((Leftover::Pipe(pipe), _)) if stdio::has_hung_up(pipe)) {
            return;
        }
        let Some(owner) = self.by_child.get(&id).map(|child| Arc::clone(&child.owner)) else { return };
        let Some(Leftover::Pipe(pipe)) = self.take_out(id, index, registry) else { return };
        if let Some(leftover) = settle(index, pipe) {
            let child = self.by_child.entry(id).or_insert_with(|| OfChild { owner, pipes: Vec::new() });
            if child.pipes.len() <= index {
                child.pipes.resize_with(index + 1, || None);
            }
            child.pipes[index] = Some((leftover, None));
        }
    }

    /// Lets go of those of one child.
    pub(super) fn release(&mut self, id: u64, owner: &Arc<Outbox>, registry: &Registry) {
        let count = self.by_child.get(&id).filter(|child| Arc::ptr_eq(&child.owner, owner));
        for index in 0..count.map_or(0, |child| child.pipes.len()) {
            drop(self.take_out(id, index, registry));
        }
    }

    /// Lets go of those of an environment.
    pub(super) fn release_all(&mut self, owner: &Arc<Outbox>, registry: &Registry) {
        let own = self.by_child.iter().filter(|(_, child)| Arc::ptr_eq(&child.owner, owner));
        for id in own.map(|(&id, _)| id).collect::<Vec<_>>() {
            self.release(id, owner, registry);
        }
    }

    #[cfg(all(test, not(loom)))]
    pub(super) fn is_empty(&self) -> bool {
        self.by_child.is_empty() && self.by_token.is_empty()
    }

    #[cfg(all(test, not(loom)))]
    pub(super) fn is_watched(&self, id: u64) -> bool {
        self.by_token.values().any(|&(child, _)| child == id)
    }
}

fn settle(index: usize, pipe: OwnedFd) -> Option<Leftover> {
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
