//! Which thread this is.

/// Whether this is the thread that the process began with, and will end with.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn is_main() -> bool {
    nix::unistd::gettid() == nix::unistd::getpid()
}

/// There is no `PR_SET_PDEATHSIG` here, which is what makes the difference elsewhere.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn is_main() -> bool {
    true
}
