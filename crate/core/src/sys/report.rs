//! The few words of memory through which a child tells whether its exec worked.
//!
//! # Safety
//!
//! The words lie in shared anonymous mappings, so that a forked child, whose memory is a copy, reaches them as well as
//! one that shares ours. A mapping is never unmapped, and a slot is handed out again only after its child is certainly
//! gone from it, so the references below are valid for good. All access is atomic.
#![expect(unsafe_code, reason = "memory shared with a process that runs on its own")]

use std::{
    io, ptr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI32, AtomicU32, Ordering},
    },
};

/// What the kernel and the child write to.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct ReportSlot {
    /// Not 0 while the child uses our memory: the kernel zeroes it (`CLONE_CHILD_CLEARTID`) at exec or exit.
    pub(super) in_our_memory: AtomicU32,
    /// The errno of the step that failed; 0 while none has.
    pub(super) errno: AtomicI32,
    /// Which step that was, as a [`Step`](crate::Step)'s number.
    pub(super) step: AtomicU32,
    /// For a failed resource limit or descriptor, its index; else 0.
    pub(super) detail: AtomicU32,
}

const SLOTS_PER_MAPPING: usize = 4096 / size_of::<ReportSlot>();

static FREE: Mutex<Vec<&'static ReportSlot>> = Mutex::new(Vec::new());

/// One child's slot. It belongs to the process from before the clone until after the reap.
#[derive(Debug)]
pub(crate) struct Report {
    slot: &'static ReportSlot,
}

/// What a child wrote before it gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) errno: i32,
    pub(crate) step: u32,
    pub(crate) detail: u32,
}

impl Report {
    /// Takes a free slot and sets it for a child about to be cloned.
    ///
    /// # Errors
    ///
    /// `ENOMEM` when no memory can be mapped.
    pub(crate) fn new(shares_memory: bool) -> io::Result<Self> {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = match free.pop() {
            Some(slot) => slot,
            None => {
                let slots = map_slots()?;
                free.extend(&slots[1..]);
                &slots[0]
            }
        };
        slot.errno.store(0, Ordering::Relaxed);
        slot.detail.store(0, Ordering::Relaxed);
        slot.in_our_memory.store(u32::from(shares_memory), Ordering::Release);
        Ok(Self { slot })
    }

    /// The slot as the child and the kernel see it.
    pub(super) fn slot(&self) -> &'static ReportSlot {
        self.slot
    }

    /// Whether the child has left our memory, by exec or exit, or never shared it.
    pub(crate) fn has_left_our_memory(&self) -> bool {
        self.slot.in_our_memory.load(Ordering::Acquire) == 0
    }

    /// Says that the child is gone, or was never made: nobody writes to the slot any more.
    pub(crate) fn forget_child(&self) {
        self.slot.in_our_memory.store(0, Ordering::Release);
    }

    /// What went wrong in the child before its exec; `None` when nothing did, or nothing yet.
    pub(crate) fn failure(&self) -> Option<Failure> {
        // The child writes errno last, so whoever sees it sees the rest as well.
        let errno = self.slot.errno.load(Ordering::Acquire);
        (errno != 0).then(|| Failure {
            errno,
            step: self.slot.step.load(Ordering::Relaxed),
            detail: self.slot.detail.load(Ordering::Relaxed),
        })
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        // A child that is still between clone and exec could write its error into the next child's slot. That cannot
        // happen while every process is reaped before its report goes; should it ever, 16 bytes are the better loss.
        if self.has_left_our_memory() {
            FREE.lock().unwrap_or_else(PoisonError::into_inner).push(self.slot);
        }
    }
}

fn map_slots() -> io::Result<&'static [ReportSlot]> {
    let length = SLOTS_PER_MAPPING * size_of::<ReportSlot>();
    // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no memory of ours.
    let address = unsafe {
        libc::mmap(
            ptr::null_mut(),
            length,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_SHARED | libc::MAP_ANON,
            -1,
            0,
        )
    };
    if address == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping is page aligned, zeroed (a valid value of every field), as long as the slice, accessed through
    // atomics only, and never unmapped.
    Ok(unsafe { std::slice::from_raw_parts(address.cast(), SLOTS_PER_MAPPING) })
}
