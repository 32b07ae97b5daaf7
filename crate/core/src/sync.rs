//! The locks: the standard library's, or loom's where a model explores every order of events.

#[cfg(not(loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

#[cfg(loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};

use std::sync::{PoisonError, TryLockError};

/// Takes the lock, and goes on after a panic of somebody who held it.
///
/// What these locks guard is valid at every step: a list of processes, a watch. Refusing to touch it for ever after
/// would turn one panic, which may well be a callback's, into zombies for the rest of the program.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the lock if nobody holds it; goes on after a panic like [`lock`].
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

#[cfg(all(test, not(loom)))]
mod test {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn a_panic_under_the_lock_does_not_keep_others_out() {
        let mutex = Mutex::new(1);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let _guard = lock(&mutex);
            // Not panic!(): nothing is to be printed by a test that passes.
            std::panic::resume_unwind(Box::new("on purpose"));
        }));
        assert!(panicked.is_err());
        assert!(mutex.is_poisoned());
        *lock(&mutex) += 1;
        assert_eq!(try_lock(&mutex).as_deref(), Some(&2));
    }

    #[test]
    fn a_held_lock_is_not_waited_for() {
        let mutex = Mutex::new(());
        let guard = lock(&mutex);
        assert!(try_lock(&mutex).is_none());
        drop(guard);
        assert!(try_lock(&mutex).is_some());
    }
}
