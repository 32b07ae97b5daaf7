//! What `brood run` and `brood doctor` need of the system.

use brood_core::{Signal, Terminal};
use napi_derive::napi;

use crate::failure::{EINVAL, errno};

/// The terminal that controls this process.
#[napi(object, object_from_js = false)]
pub struct BindingTerminal {
    /// Whether we lead its session, so that it is ours to give away.
    pub is_ours: bool,
    /// The process group in its foreground.
    pub foreground: i32,
    /// Our own process group.
    pub group: i32,
}

fn result(result: std::io::Result<()>) -> i32 {
    result.err().map_or(0, |error| errno(&error))
}

/// What is known of the terminal behind a descriptor, if it is the one that controls us.
#[napi]
pub fn terminal(descriptor: i32) -> Option<BindingTerminal> {
    let terminal = Terminal::of(descriptor)?;
    Some(BindingTerminal {
        is_ours: terminal.is_ours(),
        foreground: terminal.foreground().ok()?,
        group: Terminal::own_group(),
    })
}

/// Puts a process group of our session into the foreground; 0 is our own. Returns 0 or an errno.
#[napi]
pub fn set_foreground(descriptor: i32, group: i32) -> i32 {
    Terminal::of(descriptor).map_or(EINVAL, |terminal| result(terminal.set_foreground((group != 0).then_some(group))))
}

/// Gives the terminal up, so that a child with a session of its own can have it. Returns 0 or an errno.
#[napi]
pub fn leave_terminal(descriptor: i32) -> i32 {
    Terminal::of(descriptor).map_or(EINVAL, |terminal| result(terminal.leave()))
}

/// The signal that has stopped a child, told once for each time, or 0.
#[napi]
pub fn take_stop(pid: u32) -> i32 {
    brood_core::take_stop(pid).unwrap_or(0)
}

/// Has the kernel send us a signal when our parent, which has this pid, dies. Returns 0 or an errno.
#[napi]
pub fn die_with_parent(parent: u32, signal: i32) -> i32 {
    Signal::from_raw(signal).map_or(EINVAL, |signal| result(brood_core::die_with_parent(parent, signal)))
}

/// One facility of the kernel.
#[napi(object, object_from_js = false)]
pub struct BindingProbe {
    /// What it is.
    pub name: &'static str,
    /// The error number that speaks against it, or 0.
    pub errno: i32,
}

/// Tries the facilities that differ from machine to machine.
#[napi]
pub fn probes() -> Vec<BindingProbe> {
    brood_core::probes()
        .into_iter()
        .map(|probe| BindingProbe { name: probe.name, errno: probe.errno.unwrap_or(0) })
        .collect()
}
