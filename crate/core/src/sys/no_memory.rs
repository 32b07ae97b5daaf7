//! A kernel that takes no advice about memory that is not there yet: it comes page by page, as it is written to.

use std::mem::MaybeUninit;

/// Nothing can be done ahead.
pub(crate) fn populate(_room: &mut [MaybeUninit<u8>]) {}

/// How large the pages are is the kernel's business.
pub(crate) fn prefer_huge_pages(_bytes: &mut Vec<u8>, _prefer: bool) {}
