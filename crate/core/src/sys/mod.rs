//! The kernel, one facility a file. The only place with `unsafe` code: everything above is safe Rust.
//!
//! Each file that needs it opens with `#![allow(unsafe_code)]` under a heading that says why, and each block carries
//! its own `// SAFETY:` line.

pub(crate) mod waitid;
