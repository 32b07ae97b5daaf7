//! Strangers that fall to this process.

use std::{cell::RefCell, time::Duration};

use brood_core::{Adoption, Look};
use napi::bindgen_prelude::Either;
use napi_derive::napi;

/// As long as this is not stopped, the process is one that strangers fall to.
#[napi]
pub struct BindingAdoption {
    adoption: RefCell<Option<Adoption>>,
}

/// Begins to adopt. A number is the errno of what kept us from it. For the main thread alone.
#[napi]
pub fn open_adoption() -> Either<BindingAdoption, i32> {
    match Adoption::new() {
        Ok(adoption) => Either::A(BindingAdoption { adoption: RefCell::new(Some(adoption)) }),
        Err(error) => Either::B(error.raw_os_error().unwrap_or(0)),
    }
}

#[napi]
impl BindingAdoption {
    /// Looks who has ended. Negative: nobody. 0: reap after a full turn of the event loop. Else: look again after so many
    /// milliseconds. `grace` is in milliseconds.
    #[napi]
    pub fn look(&self, grace: f64) -> f64 {
        let grace = Duration::try_from_secs_f64(grace / 1e3).unwrap_or(Duration::MAX);
        match self.adoption.borrow_mut().as_mut().map(|adoption| adoption.look(grace)) {
            None | Some(Look::Nothing) => -1.0,
            Some(Look::Ready) => 0.0,
            Some(Look::Later(time)) => (time.as_secs_f64() * 1e3).max(1.0),
        }
    }

    /// Reaps those that the last look was ready for. Returns how many.
    #[napi]
    pub fn reap(&self) -> u32 {
        self.adoption.borrow_mut().as_mut().map_or(0, |adoption| adoption.reap() as u32)
    }

    /// The pids of the living children of the main thread that are not brood's.
    #[napi]
    pub fn strangers(&self) -> Vec<u32> {
        self.adoption.borrow_mut().as_mut().map_or_else(Vec::new, Adoption::strangers)
    }

    /// Adopts no more.
    #[napi]
    pub fn stop(&self) {
        self.adoption.take();
    }
}
