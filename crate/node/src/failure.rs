//! Errors as data: TypeScript makes the error objects, with the classes and messages that users see.

use std::io;

use brood_core::{SpawnFailure, Step};
use napi_derive::napi;

/// The same number on every Unix.
pub(crate) const EINVAL: i32 = 22;

/// The number that stands for an error. Never 0, which would say that all is well, also where the kernel did not say it.
pub(crate) fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(EINVAL)
}

/// Why there is no child.
#[napi(object, object_from_js = false)]
pub struct BindingFailure {
    /// The step, by its number.
    pub step: u32,
    /// The error number, positive.
    pub errno: i32,
    /// The system call that said so.
    pub syscall: &'static str,
    /// The working directory or program that was the matter, if one was.
    pub path: Option<String>,
}

impl From<SpawnFailure> for BindingFailure {
    fn from(failure: SpawnFailure) -> Self {
        match failure {
            // TypeScript packs no such request, but for a NUL in a string, which it then looks for.
            SpawnFailure::Request(_) => {
                Self { step: Step::Options as u32, errno: EINVAL, syscall: "spawn", path: None }
            }
            SpawnFailure::Spawn(error) => Self {
                step: error.step() as u32,
                errno: error.errno(),
                syscall: error.syscall(),
                path: error.path().map(|path| path.to_string_lossy().into_owned()),
            },
        }
    }
}
