//! The kernel, one facility a file. The only place with `unsafe` code: everything above is safe Rust.
//!
//! Each file that needs it opens with `#![allow(unsafe_code)]` under a heading that says why, and each block carries
//! its own `// SAFETY:` line.

// A kernel without the facility gets a file with the same names in it, so that nothing above has to ask which it is.
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "no_pidfd.rs")]
pub(crate) mod pidfd;
pub(crate) mod waitid;
