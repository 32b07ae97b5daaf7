//! The themes, and what they share.

mod capture;
mod descriptors;
mod environments;
mod exec_errors;
mod exhaustion;
mod family;
mod kernel;
mod lifecycle;
mod neighbours;
mod options;
mod orphans;
mod parents;
mod path;
mod seccomp;
pub(crate) mod suite;
mod threads;

pub(crate) fn main() -> std::process::ExitCode {
    suite::main(&[
        lifecycle::THEME,
        orphans::THEME,
        options::THEME,
        path::THEME,
        descriptors::THEME,
        exec_errors::THEME,
        capture::THEME,
        environments::THEME,
        parents::THEME,
        neighbours::THEME,
        threads::THEME,
        exhaustion::THEME,
        seccomp::THEME,
    ])
}
