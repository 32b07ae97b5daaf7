//! Real processes, in every mode: each theme runs in a process of its own, once for each way to spawn and to reap.
//!
//! `cargo test -p brood-core --test processes [-- part of a theme's or case's name]`. With `BROOD_REAPER` or `BROOD_SPAWN`
//! set, in that mode alone.
//!
//! After each case the process is looked over: no child, zombie, descriptor or thread more than before, and nothing about
//! ourselves changed. All of that is asked of `/proc`.

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("skipped: there is no /proc here");
}
