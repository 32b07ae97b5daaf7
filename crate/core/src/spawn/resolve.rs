//! From a program's name to the files to try, and what of it can be said before there is a process.

use std::ffi::{CStr, CString};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags},
    sys::stat::{Mode, SFlag, mode_t, stat},
    unistd::{AccessFlags, access, faccessat},
};

use super::environment::Environment;
use crate::{SpawnError, Step};

/// Where programs are looked for without a `PATH`: what `execvp(3)` uses.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// The files to try in turn, as `execvp(3)` would: `file` itself if it has a slash, else each directory of the child's
/// `PATH`. Looks before the clone, so that a missing program is an error at once; the one that was found comes alone.
/// A child with other credentials may be allowed other files: for it all candidates that exist are left to its own exec.
///
/// # Errors
///
/// `ENOENT`, `ENOTDIR`, `EACCES` (found, but no file that we may execute), with the name as it was given.
pub(crate) fn resolve(
    file: &CStr,
    cwd: Option<&CStr>,
    environment: &Environment<'_>,
    changes_credentials: bool,
) -> Result<Vec<CString>, SpawnError> {
    let failure = |errno: Errno| SpawnError::from_errno(Step::Exec, errno as i32, "execve").with_path(file);
    let name = file.to_bytes();
    if name.is_empty() {
        return Err(failure(Errno::ENOENT));
    }
    if name.contains(&b'/') {
        return match executable(file, cwd, changes_credentials) {
            Ok(()) => Ok(vec![file.to_owned()]),
            Err(errno) => Err(failure(errno)),
        };
    }
    let path = environment.get(b"PATH").unwrap_or(DEFAULT_PATH);
    let mut refused = None;
    let mut candidates = Vec::new();
    for directory in path.split(|&byte| byte == b':') {
        let mut candidate = Vec::with_capacity(directory.len() + name.len() + 3);
        // An empty entry is the working directory; it needs the dot, or exec would not see a path at all.
        candidate.extend_from_slice(if directory.is_empty() { b"." } else { directory });
        candidate.push(b'/');
        candidate.extend_from_slice(name);
        let candidate = CString::new(candidate).expect("both parts come from C strings");
        match executable(&candidate, cwd, changes_credentials) {
            Ok(()) => {
                candidates.push(candidate);
                if !changes_credentials {
                    return Ok(candidates);
                }
            }
            Err(Errno::EACCES) => refused = Some(Errno::EACCES),
            Err(_) => {}
        }
    }
    if candidates.is_empty() { Err(failure(refused.unwrap_or(Errno::ENOENT))) } else { Ok(candidates) }
}

/// Whether the working directory can be entered.
///
/// # Errors
///
/// `ENOENT`, `ENOTDIR` or `EACCES`, with the directory as it was given.
pub(crate) fn check_cwd(cwd: &CStr, changes_credentials: bool) -> Result<(), SpawnError> {
    let failure = |errno: Errno| SpawnError::from_errno(Step::Chdir, errno as i32, "chdir").with_path(cwd);
    let found = stat(cwd).map_err(failure)?;
    if SFlag::from_bits_truncate(found.st_mode & SFlag::S_IFMT.bits()) != SFlag::S_IFDIR {
        return Err(failure(Errno::ENOTDIR));
    }
    permitted(cwd, found.st_mode, changes_credentials).map_err(failure)
}

/// Whether exec would take `path`, as the child finds it from `cwd`, for a file to execute.
fn executable(path: &CStr, cwd: Option<&CStr>, changes_credentials: bool) -> Result<(), Errno> {
    match cwd {
        Some(cwd) if path.to_bytes().first() != Some(&b'/') => {
            let joined = [cwd.to_bytes(), b"/", path.to_bytes()].concat();
            executable_here(&CString::new(joined).expect("all parts come from C strings"), changes_credentials)
        }
        _ => executable_here(path, changes_credentials),
    }
}

/// One system call for a program that everybody may execute, as nearly all are: this is on the way of every spawn, once
/// for each directory of the `PATH`.
fn executable_here(path: &CStr, changes_credentials: bool) -> Result<(), Errno> {
    let mode = stat(path)?.st_mode;
    if SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits()) != SFlag::S_IFREG {
        // A directory passes an access check, and exec refuses it.
        return Err(Errno::EACCES);
    }
    permitted(path, mode, changes_credentials)
}

/// Whether we may execute, or search, `path` with the credentials that exec will use.
fn permitted(path: &CStr, mode: mode_t, changes_credentials: bool) -> Result<(), Errno> {
    let everybody = Mode::S_IXUSR | Mode::S_IXGRP | Mode::S_IXOTH;
    if Mode::from_bits_truncate(mode).contains(everybody) || changes_credentials {
        return Ok(());
    }
    // access(2) asks for the real user, exec for the effective one. They differ in setuid programs alone, and asking for
    // the effective one takes faccessat2 (Linux 5.8), as the C library's faccessat does whatever it is asked: seccomp
    // profiles older than that refuse it, and EPERM looks like an answer.
    if nix::unistd::getuid() == nix::unistd::geteuid() && nix::unistd::getgid() == nix::unistd::getegid() {
        return access(path, AccessFlags::X_OK);
    }
    match faccessat(AT_FDCWD, path, AccessFlags::X_OK, AtFlags::AT_EACCESS) {
        // Nobody can tell but exec.
        Err(Errno::EPERM | Errno::ENOSYS) => Ok(()),
        answer => answer,
    }
}
