//! The memory a child lives on between clone and exec: its stack, and copies of all it reads.
//!
//! # Safety
//!
//! The parent goes on while the child runs in the same memory. So nothing of the child's may be on the parent's stack
//! or heap, and an arena is used again only after the kernel has zeroed the word that says the child has left
//! ([`Report::has_left_our_memory`]). Until then it is in the pool's list of busy arenas, which owns it.
#![expect(unsafe_code, reason = "a private mapping that is written through raw pointers")]

use std::{
    ffi::CStr,
    io, ptr,
    sync::{Arc, Mutex, PoisonError},
};

use super::report::Report;

/// The child's stack: a dozen system calls in one frame need less than one page, and unoptimised builds a little more.
const STACK: usize = 16 * 1024;
/// Most requests (arguments and environment) fit; a larger one gets an arena of its own size.
const USUAL: usize = 64 * 1024;
/// Idle arenas that are kept for the next spawns.
const KEPT: usize = 32;

static POOL: Mutex<Pool> = Mutex::new(Pool { idle: Vec::new(), busy: Vec::new() });

struct Pool {
    idle: Vec<Arena>,
    /// Arenas of children that had not left our memory when last looked at.
    busy: Vec<(Arena, Arc<Report>)>,
}

/// A mapping: the stack at its low end, growing down, and the child's data above.
#[derive(Debug)]
pub(crate) struct Arena {
    address: *mut u8,
    length: usize,
    /// Where the next piece of data goes, as an offset.
    next: usize,
}

// SAFETY: the mapping belongs to this value alone; nothing about it is tied to a thread.
unsafe impl Send for Arena {}

impl Arena {
    /// Takes an idle arena with room for `data` bytes, or maps a new one. Arenas whose child has left come back here.
    ///
    /// # Errors
    ///
    /// `ENOMEM` when no memory can be mapped.
    pub(crate) fn take(data: usize) -> io::Result<Self> {
        {
            let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
            let Pool { idle, busy } = &mut *pool;
            let mut index = 0;
            while index < busy.len() {
                if busy[index].1.has_left_our_memory() {
                    let (arena, _) = busy.swap_remove(index);
                    if arena.length == USUAL && idle.len() < KEPT {
                        idle.push(arena);
                    }
                } else {
                    index += 1;
                }
            }
            if STACK + data <= USUAL
                && let Some(mut arena) = idle.pop()
            {
                arena.next = STACK;
                return Ok(arena);
            }
        }
        Self::map((STACK + data).next_multiple_of(4096).max(USUAL))
    }

    fn map(length: usize) -> io::Result<Self> {
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no memory of ours.
        let address = unsafe {
            libc::mmap(
                ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANON,
                -1,
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { address: address.cast(), length, next: STACK })
    }

    /// Gives the arena back after the clone. It is idle again when the child of `report` has left our memory.
    pub(crate) fn give_back(self, report: &Arc<Report>) {
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        pool.busy.push((self, Arc::clone(report)));
    }

    /// The end of the stack, where the child starts: aligned as both architectures want it.
    pub(super) fn stack(&self) -> (*mut u8, usize) {
        (self.address, STACK)
    }

    /// Copies a value in and returns where it is.
    ///
    /// # Panics
    ///
    /// When the arena was taken with too little room: a mistake in [`take`](Self::take)'s caller, seen before any clone.
    pub(super) fn put<T: Copy>(&mut self, value: T) -> *const T {
        self.put_slice(&[value])
    }

    /// Copies a slice in and returns where it starts.
    pub(super) fn put_slice<T: Copy>(&mut self, values: &[T]) -> *const T {
        let start = self.next.next_multiple_of(align_of::<T>());
        let end = start + size_of_val(values);
        assert!(end <= self.length, "an arena of {} bytes cannot hold {end}", self.length);
        self.next = end;
        // SAFETY: start..end lies in the mapping, is aligned for T (the mapping is page aligned), and nobody but this
        // value refers to it. T is Copy, so it has no destructor to miss.
        unsafe {
            let target = self.address.add(start).cast::<T>();
            ptr::copy_nonoverlapping(values.as_ptr(), target, values.len());
            target
        }
    }

    /// Copies a string in, its NUL included.
    pub(super) fn put_string(&mut self, text: &CStr) -> *const libc::c_char {
        self.put_slice(text.to_bytes_with_nul()).cast()
    }

    /// Copies NUL-terminated strings that stand one behind the other, and returns an array of pointers to them that ends
    /// in a null pointer, as `execve(2)` takes it.
    pub(super) fn put_strings(&mut self, count: usize, block: &[u8]) -> *const *const libc::c_char {
        let text = self.put_slice(block);
        let mut pointers: Vec<*const libc::c_char> = Vec::with_capacity(count + 1);
        let mut rest = block;
        // By strings, not by bytes: this is on the way of every spawn, for every byte of the environment.
        while pointers.len() < count
            && let Ok(string) = CStr::from_bytes_until_nul(rest)
        {
            pointers.push(text.wrapping_add(block.len() - rest.len()).cast());
            rest = &rest[string.to_bytes_with_nul().len()..];
        }
        pointers.push(ptr::null());
        self.put_slice(&pointers)
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and no child lives on it: busy arenas are owned by the pool, which lets them go
        // only when their child has left.
        unsafe { libc::munmap(self.address.cast(), self.length) };
    }
}
