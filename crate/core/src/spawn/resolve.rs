//! From a program's name to the files to try, and what of it can be said before there is a process.

use std::{
    ffi::{CStr, CString, OsStr},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::AtFlags,
    sys::stat::{SFlag, stat},
    unistd::{AccessFlags, faccessat},
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
        return match executable(&seen_from(cwd, name), changes_credentials) {
            Ok(()) => Ok(vec![file.to_owned()]),
            Err(errno) => Err(failure(errno)),
        };
    }
    let path = environment.get(b"PATH").unwrap_or(DEFAULT_PATH);
    let mut refused = None;
    let mut candidates = Vec::new();
    for directory in path.split(|&byte| byte == b':') {
        let mut candidate = Vec::with_capacity(directory.len() + 1 + name.len());
        if !directory.is_empty() {
            // An empty entry is the working directory; it needs the dot, or exec would not see a path at all.
            candidate.extend_from_slice(directory);
            candidate.push(b'/');
        } else {
            candidate.extend_from_slice(b"./");
        }
        candidate.extend_from_slice(name);
        match executable(&seen_from(cwd, &candidate), changes_credentials) {
            Ok(()) => {
                candidates.push(CString::new(candidate).expect("both parts come from C strings"));
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
    if changes_credentials { Ok(()) } else { accessible(OsStr::from_bytes(cwd.to_bytes())).map_err(failure) }
}

/// A path that the child will use from `cwd`, as it looks from here.
fn seen_from(cwd: Option<&CStr>, path: &[u8]) -> PathBuf {
    let path = Path::new(OsStr::from_bytes(path));
    match cwd {
        // An absolute path takes the place of the directory.
        Some(cwd) => Path::new(OsStr::from_bytes(cwd.to_bytes())).join(path),
        None => path.to_owned(),
    }
}

fn executable(path: &Path, changes_credentials: bool) -> Result<(), Errno> {
    if !changes_credentials {
        accessible(path.as_os_str())?;
    }
    let mode = stat(path)?.st_mode;
    // A directory passes the access check as well, and exec would refuse it with EACCES.
    if SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits()) == SFlag::S_IFREG { Ok(()) } else { Err(Errno::EACCES) }
}

/// Whether we may execute, or search, `path` with the credentials that exec will use.
fn accessible(path: &OsStr) -> Result<(), Errno> {
    // access(2) asks for the real user, exec for the effective one. They differ in setuid programs alone, and asking for
    // the effective one costs two system calls more before Linux 5.8.
    let flags = if nix::unistd::getuid() == nix::unistd::geteuid() { AtFlags::empty() } else { AtFlags::AT_EACCESS };
    faccessat(nix::fcntl::AT_FDCWD, path, AccessFlags::X_OK, flags)
}
