//! `madvise(2)`: memory that is there before something is read into it.
//!
//! # Safety
//!
//! No advice that is given here changes what is in the memory, whomever it belongs to.
#![expect(unsafe_code, reason = "the system call itself")]

use std::mem::MaybeUninit;

use nix::unistd::{SysconfVar, sysconf};

/// Has memory of ours made present. Else each of its pages takes a fault when it is first written to; and where the kernel
/// is the writer, as in a `read(2)` from a pipe, the faults fall into the time in which it has the pipe locked: whoever
/// writes to the pipe waits for them.
///
/// Best effort: before Linux 5.14, and where memory is short, nothing happens.
pub(crate) fn populate(room: &mut [MaybeUninit<u8>]) {
    let page = page_size();
    let start = room.as_ptr().addr();
    advise(start.next_multiple_of(page), (start + room.len()) / page * page, libc::MADV_POPULATE_WRITE);
}

/// Whether the memory of a vector is to be made of huge pages: hundreds of faults, and of entries in the page tables, become
/// one. Best effort: where the administrator has not enabled them nothing happens.
///
/// It is for a vector so large that `malloc(3)` gave it a mapping of its own. `mremap(2)`, by which such a one grows without
/// being copied, takes one mapping, and advice for a part of it would make it two: so it is all of it, to the ends of its
/// pages, the allocator's word before it included.
pub(crate) fn prefer_huge_pages(bytes: &mut Vec<u8>, prefer: bool) {
    let page = page_size();
    let start = bytes.as_ptr().addr();
    let advice = if prefer { libc::MADV_HUGEPAGE } else { libc::MADV_NOHUGEPAGE };
    advise(start / page * page, (start + bytes.capacity()).next_multiple_of(page), advice);
}

fn page_size() -> usize {
    sysconf(SysconfVar::PAGE_SIZE).ok().flatten().and_then(|size| usize::try_from(size).ok()).unwrap_or(4096)
}

fn advise(first: usize, end: usize, advice: libc::c_int) {
    if first < end {
        // SAFETY: whatever the range, what is in memory stays as it is; a range that is not mapped is refused.
        unsafe { libc::madvise(std::ptr::without_provenance_mut(first), end - first, advice) };
    }
}
