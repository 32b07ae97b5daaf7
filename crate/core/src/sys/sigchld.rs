//! `sigaction(2)` for SIGCHLD, in a program where others install handlers too.
//!
//! libuv installs its handler with a plain sigaction when the first `child_process` child starts, chains to nobody, and
//! puts `SIG_DFL` back when its last child is gone. So ours can be gone at any time, and a handler that was there before
//! ours must go on being called. Both are dealt with here: ours calls the one that it replaced, and
//! [`ensure_installed`] notices when ours was replaced and goes in front again. A handler that replaced ours and passes the
//! signal on to it is then behind ours as well as in front of it: [`on_signal`] knows when it was called by itself.
//!
//! # Safety
//!
//! The handler runs on any thread between any two instructions: it touches atomics, calls write(2), and keeps `errno`.
#![expect(unsafe_code, reason = "installs a signal handler")]

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    ptr,
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicI32, AtomicPtr, Ordering},
    },
};

/// What was there before our handler.
#[derive(Debug, PartialEq, Eq)]
struct Previous {
    handler: libc::sighandler_t,
    /// Whether it takes three arguments (`SA_SIGINFO`).
    takes_info: bool,
}

/// The event counter that the handler writes to.
static COUNTER: OnceLock<OwnedFd> = OnceLock::new();
/// Its number, for the handler, which may not wait for a `OnceLock`.
static COUNTER_NUMBER: AtomicI32 = AtomicI32::new(-1);
/// Whom the handler passes the signal on to. Points into `KNOWN`, or is null.
static PREVIOUS: AtomicPtr<Previous> = AtomicPtr::new(ptr::null_mut());
/// Every handler that was ever seen: a handful. They are never freed, because a handler of ours that was interrupted
/// for long may still be about to read one. Whoever installs holds this lock.
static KNOWN: Mutex<Vec<&'static Previous>> = Mutex::new(Vec::new());
/// The threads that are in another's handler by way of ours, by their ids; 0 is a free place. The kernel rarely has more
/// than one thread at it. Not thread-local, because memory for that may be allocated when it is first used.
static PASSING_ON: [AtomicI32; 64] = [const { AtomicI32::new(0) }; 64];

/// The descriptor that becomes readable after a SIGCHLD.
///
/// # Errors
///
/// `EMFILE` or `ENFILE` when there is no room for it.
pub(crate) fn descriptor() -> io::Result<BorrowedFd<'static>> {
    if COUNTER.get().is_none() {
        // SAFETY: no memory is involved.
        let number = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if number == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: eventfd returned 0 or more, so the descriptor is open and ours. A second one, made by a thread that
        // came second, is closed again by `set`'s refusal.
        let _ = COUNTER.set(unsafe { OwnedFd::from_raw_fd(number) });
    }
    let counter = COUNTER.get().expect("it was set above");
    COUNTER_NUMBER.store(counter.as_raw_fd(), Ordering::Release);
    // SAFETY: the descriptor lives in a static that is never dropped.
    Ok(unsafe { BorrowedFd::borrow_raw(counter.as_raw_fd()) })
}

/// Forgets the signals that were counted.
pub(crate) fn drain() {
    if let Some(counter) = COUNTER.get() {
        let mut count = 0u64;
        // SAFETY: the buffer is 8 bytes, what an eventfd hands out. EAGAIN means that there was nothing.
        unsafe { libc::read(counter.as_raw_fd(), ptr::from_mut(&mut count).cast(), size_of::<u64>()) };
    }
}

/// Installs the handler unless it is there already. `true`: it was not, so a signal may have gone by unseen.
///
/// # Errors
///
/// As [`descriptor`].
pub(crate) fn ensure_installed() -> io::Result<bool> {
    descriptor()?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let current = swap(None);
    if is_ours(&current) {
        return Ok(false);
    }
    // First whom to pass the signal on to, then the handler that reads it.
    pass_on_to(&mut known, &current);
    let replaced = swap(Some(&ours()));
    if !is_ours(&replaced) && previous_of(&replaced) != previous_of(&current) {
        // libuv came between the look and the swap, and a signal since then has missed its handler. The swap is atomic,
        // so now we know it; one more signal makes up for those it missed, because each of its looks is at all children.
        pass_on_to(&mut known, &replaced);
        // SAFETY: a signal to ourselves.
        unsafe { libc::kill(libc::getpid(), libc::SIGCHLD) };
    }
    Ok(true)
}

fn previous_of(action: &libc::sigaction) -> Previous {
    Previous { handler: action.sa_sigaction, takes_info: action.sa_flags & libc::SA_SIGINFO != 0 }
}

fn pass_on_to(known: &mut Vec<&'static Previous>, action: &libc::sigaction) {
    let previous = previous_of(action);
    let found = match known.iter().find(|&&known| *known == previous) {
        Some(&found) => found,
        None => {
            let leaked: &'static Previous = Box::leak(Box::new(previous));
            known.push(leaked);
            leaked
        }
    };
    PREVIOUS.store(ptr::from_ref(found).cast_mut(), Ordering::Release);
}

fn ours() -> libc::sigaction {
    let mut mask = MaybeUninit::uninit();
    // SAFETY: sigfillset initialises the set.
    let mask = unsafe {
        // All signals, as libuv asks for: its handler takes a lock, and must not be interrupted by itself.
        libc::sigfillset(mask.as_mut_ptr());
        mask.assume_init()
    };
    // SAFETY: zeros are a valid sigaction on every system: no handler, no flags.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = on_signal as *const () as libc::sighandler_t;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
    action.sa_mask = mask;
    action
}

fn is_ours(action: &libc::sigaction) -> bool {
    action.sa_sigaction == on_signal as *const () as libc::sighandler_t
}

/// Installs `action`, if any, and returns the one that was there, in one step.
fn swap(action: Option<&libc::sigaction>) -> libc::sigaction {
    let mut previous = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: both pointers are null or to a sigaction; SIGCHLD can be caught, so the call cannot fail, and `previous` is
    // valid as zeros too.
    unsafe {
        libc::sigaction(libc::SIGCHLD, action.map_or(ptr::null(), ptr::from_ref), previous.as_mut_ptr());
        previous.assume_init()
    }
}

extern "C" fn on_signal(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let counter: RawFd = COUNTER_NUMBER.load(Ordering::Acquire);
    let previous = PREVIOUS.load(Ordering::Acquire);
    // SAFETY: errno's address is this thread's; write takes 8 bytes from our stack; `previous` is null or never freed, and
    // its handler is called as the kernel would.
    unsafe {
        let errno = libc::__errno_location();
        let kept = *errno;
        let one = 1u64;
        libc::write(counter, ptr::from_ref(&one).cast(), size_of::<u64>());
        *errno = kept;
        // One that was installed in front of ours and passes signals on, to ours, is called by ours once ours went in front
        // again: round and round. So a call from within a call goes no further.
        if let Some(previous) = previous.as_ref()
            && previous.handler != libc::SIG_DFL
            && previous.handler != libc::SIG_IGN
            && let Some(_passing_on) = PassingOn::begin()
        {
            if previous.takes_info {
                let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                    std::mem::transmute(previous.handler);
                handler(signal, info, context);
            } else {
                let handler: extern "C" fn(libc::c_int) = std::mem::transmute(previous.handler);
                handler(signal);
            }
        }
    }
}

/// This thread, while it is in another's handler.
struct PassingOn(Option<&'static AtomicI32>);

impl PassingOn {
    /// `None`: it is there already, and that handler has passed the signal on to ours.
    fn begin() -> Option<Self> {
        let thread = nix::unistd::gettid().as_raw();
        if PASSING_ON.iter().any(|place| place.load(Ordering::Relaxed) == thread) {
            return None;
        }
        // With all places taken it goes without: better a handler that might be called in circles than one that is not.
        let take = |place: &&AtomicI32| place.compare_exchange(0, thread, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        Some(Self(PASSING_ON.iter().find(take)))
    }
}

impl Drop for PassingOn {
    fn drop(&mut self) {
        if let Some(place) = self.0 {
            place.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod test {
    use super::*;

    /// What the stranger replaced, to be called by it.
    static REPLACED: AtomicPtr<Previous> = AtomicPtr::new(ptr::null_mut());
    static STRANGER_CALLED: AtomicI32 = AtomicI32::new(0);

    extern "C" fn stranger(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
        STRANGER_CALLED.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the test set it to ours, which takes three arguments, before this was installed.
        unsafe {
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                std::mem::transmute((*REPLACED.load(Ordering::Acquire)).handler);
            handler(signal, info, context);
        }
    }

    #[test]
    fn a_handler_that_passes_on_to_ours_is_not_called_round_and_round() {
        ensure_installed().expect("there is room for a descriptor");
        let replaced = Box::leak(Box::new(previous_of(&swap(None))));
        REPLACED.store(replaced, Ordering::Release);
        let mut action = ours();
        action.sa_sigaction = stranger as *const () as libc::sighandler_t;
        swap(Some(&action));
        assert!(ensure_installed().expect("there is room for a descriptor"), "ours is in front again");
        // SAFETY: a signal to this thread, which has a handler.
        unsafe { libc::raise(libc::SIGCHLD) };
        // Children of other tests may end meanwhile, and each of them is told of once. A round trip would overflow the stack.
        assert!(STRANGER_CALLED.load(Ordering::Relaxed) >= 1, "it goes on being told");
    }
}
