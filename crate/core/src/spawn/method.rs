//! Which system call makes our children, found out by trying.

use std::{
    env,
    sync::{
        OnceLock,
        atomic::{AtomicU8, Ordering},
    },
};

use crate::sys::clone;

/// The ways to make a process, the best one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum SpawnMethod {
    /// `clone3(2)` in our memory. Linux 5.5 and later, unless a seccomp filter refuses it.
    Clone3 = 1,
    /// `clone(2)` in our memory.
    Clone = 2,
    /// `posix_spawn(3)`: any other system and architecture.
    PosixSpawn = 3,
}

/// 0 until the first look.
static CURRENT: AtomicU8 = AtomicU8::new(0);

impl SpawnMethod {
    /// The way that the next child will be made: the one that `BROOD_SPAWN` names, else the best that was not refused.
    pub fn current() -> Self {
        match CURRENT.load(Ordering::Relaxed) {
            1 => Self::Clone3,
            2 => Self::Clone,
            3 => Self::PosixSpawn,
            _ => {
                let first = forced().unwrap_or_else(Self::best);
                CURRENT.store(first as u8, Ordering::Relaxed);
                first
            }
        }
    }

    fn best() -> Self {
        if !clone::AVAILABLE {
            Self::PosixSpawn
        } else if clone::clone3_is_there() {
            Self::Clone3
        } else {
            Self::Clone
        }
    }

    /// Remembers that this way was refused, and names the next one. `None` when there is no other.
    pub(crate) fn refused(self) -> Option<Self> {
        let next = match self {
            Self::Clone3 => Self::Clone,
            Self::Clone => Self::PosixSpawn,
            Self::PosixSpawn => return None,
        };
        CURRENT.fetch_max(next as u8, Ordering::Relaxed);
        Some(next)
    }
}

/// The one that the environment variable `BROOD_SPAWN` asks for, for tests and for working around a broken kernel.
fn forced() -> Option<SpawnMethod> {
    static FORCED: OnceLock<Option<SpawnMethod>> = OnceLock::new();
    *FORCED.get_or_init(|| match env::var("BROOD_SPAWN").ok()?.as_str() {
        "posix_spawn" => Some(SpawnMethod::PosixSpawn),
        "clone" if clone::AVAILABLE => Some(SpawnMethod::Clone),
        "clone3" if clone::AVAILABLE => Some(SpawnMethod::Clone3),
        _ => None,
    })
}
