//! `atexit(3)`: the last word before the process ends of its own accord, wherever in it `exit(3)` is called.
//!
//! # Safety
//!
//! Registers a plain function. The image that it lies in has to stay mapped, as the driver thread asks for anyway.
#![expect(unsafe_code, reason = "a function pointer for the C library")]

use std::{
    panic::catch_unwind,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::driver::kill_on_exit;

/// The process that registered: one that somebody forked off it has no business with its children.
static REGISTERED_IN: AtomicU32 = AtomicU32::new(0);

/// Has [`kill_on_exit`] called when the process ends by `exit(3)` or by coming back from `main`. To be called once.
pub(crate) fn register() {
    REGISTERED_IN.store(std::process::id(), Ordering::Relaxed);
    // SAFETY: the function takes nothing, and its image is never unmapped. Should there be no room for it, which POSIX
    // allows from the 33rd on, there is nothing to be done about it.
    unsafe { libc::atexit(at_exit) };
}

extern "C" fn at_exit() {
    if std::process::id() == REGISTERED_IN.load(Ordering::Relaxed) {
        // A panic must not keep the program from ending with the code it wants.
        let _ = catch_unwind(kill_on_exit);
    }
}
