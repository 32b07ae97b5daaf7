//! Strangers: descendants that fall to us when their own parent ends, and that nobody else would reap.
//!
//! `docs/orphans.md` tells the whole story: what the kernel does, how a stranger is told from the child of somebody else in
//! this process, and every race on the way.

mod candidates;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod kin;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "kin_elsewhere.rs"]
mod kin;

use std::{
    io,
    time::{Duration, Instant},
};

pub use self::candidates::Look;
use self::{candidates::Candidates, kin::OwnKin};
use crate::{driver, sys};

/// As long as this lives, the process is one that strangers fall to, and they can be reaped.
///
/// Lives on the main thread, to which the kernel gives what is adopted. Whoever has it does three things, again and again:
/// [`look`](Self::look) after a SIGCHLD and whenever a look said so; a full turn of the event loop, poll phase included,
/// when the look said [`Look::Ready`]; then [`reap`](Self::reap).
#[derive(Debug)]
pub struct Adoption {
    candidates: Candidates<OwnKin>,
    /// Whether it was us who made this process a subreaper.
    sets_subreaper: bool,
}

impl Adoption {
    /// Makes this process a subreaper, unless it is one, or is PID 1, which is better.
    ///
    /// # Errors
    ///
    /// `EPERM` on another thread than the main one. `ENOSYS` on a system without subreapers, unless we are PID 1. Whatever
    /// kept the driver from starting.
    pub fn new() -> io::Result<Self> {
        if !sys::thread::is_main() {
            return Err(io::Error::from_raw_os_error(libc::EPERM));
        }
        // The children of brood's own are to be known before anybody is taken for a stranger.
        driver::start()?;
        let sets_subreaper = std::process::id() != 1 && !sys::subreaper::is_set()?;
        if sets_subreaper {
            sys::subreaper::set(true)?;
        }
        Ok(Self { candidates: Candidates::new(OwnKin::default()), sets_subreaper })
    }

    /// Looks who has ended, and says what to do next. `grace` is how long a zombie must have been one.
    pub fn look(&mut self, grace: Duration) -> Look {
        self.candidates.look(Instant::now(), grace)
    }

    /// Reaps those that the last look was ready for and that nobody has reaped since. Returns how many; each is reported
    /// as an [`Event::Reaped`](crate::Event::Reaped).
    pub fn reap(&mut self) -> usize {
        self.candidates.reap(driver::report_adopted)
    }

    /// The living children of the main thread that are not brood's: strangers, and what other parts of the program have
    /// started there.
    #[must_use]
    pub fn strangers(&mut self) -> Vec<u32> {
        kin::living_strangers()
    }
}

impl Drop for Adoption {
    fn drop(&mut self) {
        if self.sets_subreaper {
            // What could be set can be cleared.
            let _ = sys::subreaper::set(false);
        }
    }
}
