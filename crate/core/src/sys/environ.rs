//! `environ(7)`: a copy of this process' own environment.
//!
//! # Safety
//!
//! Reads the C library's array. Sound on a thread that no other one changes the environment under; see
//! [`copy`].
#![expect(unsafe_code, reason = "walks an array of C strings that belongs to the C library")]

use std::ffi::CStr;

unsafe extern "C" {
    #[cfg(not(target_vendor = "apple"))]
    static mut environ: *const *const libc::c_char;
}

#[cfg(not(target_vendor = "apple"))]
fn array() -> *const *const libc::c_char {
    // SAFETY: a read of one pointer; that nobody writes it meanwhile is the condition on `copy`.
    unsafe { environ }
}

#[cfg(target_vendor = "apple")]
fn array() -> *const *const libc::c_char {
    // SAFETY: _NSGetEnviron returns the address of the array, which lives as long as the process.
    unsafe { (*libc::_NSGetEnviron()).cast::<*const libc::c_char>().cast_const() }
}

/// Appends every `NAME=value` string, with its NUL, and returns how many there were.
///
/// To be called on the main thread of a Node.js program: `process.env` is written there, and a worker writes to a copy
/// of its own. (A worker with `env: SHARE_ENV` writes here too: a program that does so while the main thread spawns
/// should pass `env`.)
pub(crate) fn copy(into: &mut Vec<u8>) -> usize {
    let mut count = 0;
    let mut next = array();
    if next.is_null() {
        return 0;
    }
    // SAFETY: the array ends in a null pointer and holds C strings, all valid as long as nobody changes them.
    unsafe {
        while !(*next).is_null() {
            into.extend_from_slice(CStr::from_ptr(*next).to_bytes_with_nul());
            count += 1;
            next = next.add(1);
        }
    }
    count
}
