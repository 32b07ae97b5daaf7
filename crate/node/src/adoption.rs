//! Strangers that fall to this process.

use std::{
    cell::{Cell, RefCell},
    time::Duration,
};

use brood_core::{Adoption, Look};
use napi::{Env, Result};
use napi_derive::napi;

use crate::failure::errno;

thread_local! {
    /// As long as there is one, the process is one that strangers fall to. On the main thread, or nowhere.
    static ADOPTION: RefCell<Option<Adoption>> = const { RefCell::new(None) };
    /// Whether the environment stops it when it goes.
    static IS_HOOKED: Cell<bool> = const { Cell::new(false) };
}

fn adopting<T>(act: impl FnOnce(&mut Adoption) -> T) -> Option<T> {
    ADOPTION.with_borrow_mut(|adoption| adoption.as_mut().map(act))
}

/// Begins to adopt. Returns 0, or the errno of what kept us from it. For the main thread alone.
#[napi]
pub fn start_adoption(env: Env) -> Result<i32> {
    match Adoption::new() {
        Ok(adoption) => {
            if !IS_HOOKED.replace(true) {
                env.add_env_cleanup_hook((), |()| {
                    IS_HOOKED.set(false);
                    stop_adoption();
                })?;
            }
            ADOPTION.set(Some(adoption));
            Ok(0)
        }
        Err(error) => Ok(errno(&error)),
    }
}

/// Looks who has ended. Negative: nobody. 0: reap after a full turn of the event loop. Else: look again after so many
/// milliseconds. `grace` is in milliseconds.
#[napi]
pub fn look_for_strangers(grace: f64) -> f64 {
    let grace = Duration::try_from_secs_f64(grace / 1e3).unwrap_or(Duration::MAX);
    match adopting(|adoption| adoption.look(grace)) {
        None | Some(Look::Nothing) => -1.0,
        Some(Look::Ready) => 0.0,
        Some(Look::Later(time)) => (time.as_secs_f64() * 1e3).max(1.0),
    }
}

/// Reaps those that the last look was ready for. Returns how many.
#[napi]
pub fn reap_strangers() -> u32 {
    adopting(|adoption| adoption.reap() as u32).unwrap_or(0)
}

/// The pids of the living children of the main thread that are not brood's.
#[napi]
pub fn strangers() -> Vec<u32> {
    adopting(Adoption::strangers).unwrap_or_default()
}

/// Adopts no more.
#[napi]
pub fn stop_adoption() {
    drop(ADOPTION.take());
}
