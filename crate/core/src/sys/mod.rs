//! The kernel, one facility a file. The only place with `unsafe` code: everything above is safe Rust.
//!
//! Each file that needs it opens with `#![expect(unsafe_code)]` under a heading that says why, and each block carries
//! its own `// SAFETY:` line.

#[cfg(raw_clone)]
mod arena;
pub(crate) mod at_exit;
pub(crate) mod blocked_signals;
#[cfg(raw_clone)]
mod child_main;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) mod clock;
#[cfg(raw_clone)]
pub(crate) mod clone;
#[cfg(not(raw_clone))]
#[path = "fork.rs"]
pub(crate) mod clone;
pub(crate) mod descriptor;
pub(crate) mod environ;
pub(crate) mod kill;
#[cfg(raw_clone)]
pub(crate) mod launch;
#[cfg(not(raw_clone))]
pub(crate) use self::clone as launch;
// A kernel without the facility gets a file with the same names in it, so that nothing above has to ask which it is.
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "no_memory.rs")]
pub(crate) mod memory;
pub(crate) mod nonblocking;
pub(crate) mod order;
pub(crate) mod parent_death;
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "no_pidfd.rs")]
pub(crate) mod pidfd;
pub(crate) mod posix_spawn;
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "no_probe.rs")]
pub(crate) mod probe;
#[cfg(target_os = "freebsd")]
#[path = "process_table_freebsd.rs"]
pub(crate) mod process_table;
#[cfg(target_vendor = "apple")]
#[path = "process_table_apple.rs"]
pub(crate) mod process_table;
#[cfg(raw_clone)]
mod raw;
pub(crate) mod read;
pub(crate) mod relay;
pub(crate) mod report;
pub(crate) mod rlimit;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) mod sigchld;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "sigchld_kqueue.rs"]
pub(crate) mod sigchld;
pub(crate) mod subreaper;
pub(crate) mod terminal;
#[expect(unreachable_pub, reason = "re-exported at the crate root")]
pub mod thread;
pub(crate) mod waitid;
