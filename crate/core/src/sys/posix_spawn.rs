//! `posix_spawn(3)`: for systems and architectures without a raw clone of ours.
//!
//! # Safety
//!
//! Calls into the C library with attributes and file actions that it initialised itself. Extensions that not every
//! C library has are looked up by name, so that the addon loads where they are missing.
#![expect(unsafe_code, reason = "the C library's interface is made of pointers")]

use std::{ffi::CStr, io, mem::MaybeUninit, ptr};

use libc::{c_char, c_int, c_short, posix_spawn_file_actions_t, posix_spawnattr_t};

use super::order::{DESCRIPTOR_CLOSED, DESCRIPTOR_NULL, Order};

/// `POSIX_SPAWN_SETSID`, where there is one.
const SETSID: Option<c_int> = if cfg!(target_os = "linux") {
    Some(0x80)
} else if cfg!(target_vendor = "apple") {
    Some(0x400)
} else {
    None
};

/// `POSIX_SPAWN_CLOEXEC_DEFAULT`: every descriptor not named is closed.
const CLOEXEC_DEFAULT: c_int = if cfg!(target_vendor = "apple") { 0x4000 } else { 0 };

type AddChdir = unsafe extern "C" fn(*mut posix_spawn_file_actions_t, *const c_char) -> c_int;
type AddCloseFrom = unsafe extern "C" fn(*mut posix_spawn_file_actions_t, c_int) -> c_int;

fn symbol(name: &CStr) -> *mut libc::c_void {
    // SAFETY: a look-up among what is loaded already; the name ends in NUL.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}

fn add_chdir() -> Option<AddChdir> {
    let found = symbol(c"posix_spawn_file_actions_addchdir_np");
    // SAFETY: the symbol of this name has this type wherever it exists (glibc 2.29, musl 1.1.24, macOS 10.15, FreeBSD 13).
    (!found.is_null()).then(|| unsafe { std::mem::transmute::<*mut libc::c_void, AddChdir>(found) })
}

fn add_close_from() -> Option<AddCloseFrom> {
    let found = symbol(c"posix_spawn_file_actions_addclosefrom_np");
    // SAFETY: the symbol of this name has this type wherever it exists (glibc 2.34, FreeBSD 14).
    (!found.is_null()).then(|| unsafe { std::mem::transmute::<*mut libc::c_void, AddCloseFrom>(found) })
}

/// Whether `posix_spawn` can do all of this. Else the child is forked.
pub(crate) fn can_express(order: &Order<'_>) -> bool {
    !order.changes_credentials()
        && order.umask.is_none()
        && order.limits.is_empty()
        && !order.no_new_privs
        && !order.controlling_terminal
        && order.parent_death_signal.is_none()
        && (!order.session || SETSID.is_some())
        && (order.cwd.is_none() || add_chdir().is_some())
        && (CLOEXEC_DEFAULT != 0 || add_close_from().is_some())
        // The targets are filled in order, so none of them may be the source of a later one.
        && order.descriptors.iter().enumerate().all(|(target, &source)| {
            source < 0 || source as usize == target || source as usize >= order.descriptors.len()
        })
}

/// Initialised attributes and file actions, destroyed at the end.
struct Spawn {
    attributes: MaybeUninit<posix_spawnattr_t>,
    actions: MaybeUninit<posix_spawn_file_actions_t>,
}

impl Drop for Spawn {
    fn drop(&mut self) {
        // SAFETY: both were initialised in `new`.
        unsafe {
            libc::posix_spawnattr_destroy(self.attributes.as_mut_ptr());
            libc::posix_spawn_file_actions_destroy(self.actions.as_mut_ptr());
        }
    }
}

fn check(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(result)) }
}

impl Spawn {
    fn new() -> Self {
        let mut spawn = Self { attributes: MaybeUninit::uninit(), actions: MaybeUninit::uninit() };
        // SAFETY: both functions initialise what they are given. On every C library in use they can only fail for want
        // of memory, which they do not allocate here.
        unsafe {
            libc::posix_spawnattr_init(spawn.attributes.as_mut_ptr());
            libc::posix_spawn_file_actions_init(spawn.actions.as_mut_ptr());
        }
        spawn
    }

    fn set_attributes(&mut self, order: &Order<'_>) -> io::Result<()> {
        let mut flags = libc::POSIX_SPAWN_SETSIGDEF as c_int | libc::POSIX_SPAWN_SETSIGMASK as c_int | CLOEXEC_DEFAULT;
        let attributes = self.attributes.as_mut_ptr();
        let mut set = MaybeUninit::uninit();
        // SAFETY: the attributes are initialised, and sigemptyset initialises the set.
        unsafe {
            check(libc::sigemptyset(set.as_mut_ptr()))?;
            check(libc::posix_spawnattr_setsigmask(attributes, set.as_ptr()))?;
            // Handlers are reset by posix_spawn itself; these two Node ignores.
            libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
            libc::sigaddset(set.as_mut_ptr(), libc::SIGXFSZ);
            check(libc::posix_spawnattr_setsigdefault(attributes, set.as_ptr()))?;
            if let Some(group) = order.process_group {
                flags |= libc::POSIX_SPAWN_SETPGROUP as c_int;
                check(libc::posix_spawnattr_setpgroup(attributes, group))?;
            }
            if order.session {
                flags |= SETSID.unwrap_or(0);
            }
            check(libc::posix_spawnattr_setflags(attributes, flags as c_short))
        }
    }

    fn set_actions(&mut self, order: &Order<'_>) -> io::Result<()> {
        let actions = self.actions.as_mut_ptr();
        for (target, &source) in order.descriptors.iter().enumerate() {
            let target = target as c_int;
            // SAFETY: the actions are initialised; strings end in NUL and are copied by the C library, or outlive this.
            check(unsafe {
                match source {
                    DESCRIPTOR_NULL => {
                        libc::posix_spawn_file_actions_addopen(actions, target, c"/dev/null".as_ptr(), libc::O_RDWR, 0)
                    }
                    DESCRIPTOR_CLOSED => libc::posix_spawn_file_actions_addclose(actions, target),
                    source => libc::posix_spawn_file_actions_adddup2(actions, source, target),
                }
            })?;
        }
        if CLOEXEC_DEFAULT == 0
            && let Some(add_close_from) = add_close_from()
        {
            // SAFETY: the actions are initialised.
            check(unsafe { add_close_from(actions, order.descriptors.len().max(3) as c_int) })?;
        }
        if let Some(cwd) = order.cwd
            && let Some(add_chdir) = add_chdir()
        {
            // SAFETY: as above.
            check(unsafe { add_chdir(actions, cwd.as_ptr()) })?;
        }
        Ok(())
    }
}

fn pointers(count: usize, block: &[u8]) -> Vec<*mut c_char> {
    let mut pointers: Vec<_> =
        block.split_inclusive(|&byte| byte == 0).take(count).map(|string| string.as_ptr().cast_mut().cast()).collect();
    pointers.push(ptr::null_mut());
    pointers
}

/// Spawns the child and waits for its exec.
///
/// # Errors
///
/// Whatever the C library says: what kept the process from being made, or the exec from working.
///
/// # References
///
/// [`posix_spawn(3)`](https://man7.org/linux/man-pages/man3/posix_spawn.3.html)
pub(crate) fn spawn(order: &Order<'_>) -> io::Result<u32> {
    let mut spawn = Spawn::new();
    spawn.set_attributes(order)?;
    spawn.set_actions(order)?;
    let argv = pointers(order.argument_count, order.arguments);
    let envp = pointers(order.variable_count, order.environment);
    let mut error = io::Error::from_raw_os_error(libc::ENOENT);
    for candidate in order.candidates {
        let mut pid = 0;
        // SAFETY: attributes and actions are initialised; argv and envp are arrays of C strings that end in null.
        let result = check(unsafe {
            libc::posix_spawn(
                &raw mut pid,
                candidate.as_ptr(),
                spawn.actions.as_ptr(),
                spawn.attributes.as_ptr(),
                argv.as_ptr(),
                envp.as_ptr(),
            )
        });
        match result {
            Ok(()) => return Ok(pid as u32),
            Err(now) if matches!(now.raw_os_error(), Some(libc::EACCES | libc::ENOENT | libc::ENOTDIR)) => error = now,
            Err(now) => return Err(now),
        }
    }
    Err(error)
}
