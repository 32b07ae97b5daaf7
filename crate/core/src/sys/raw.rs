//! System calls without the C library: for the child that shares our memory and must not touch `errno`.
//!
//! # Safety
//!
//! Inline assembly. Each function passes its arguments to the kernel as they are; what they mean is for the caller to
//! get right. Nothing here allocates, locks, panics or writes to thread-local storage.
#![expect(unsafe_code, reason = "inline assembly that enters the kernel")]

use std::arch::asm;

/// Makes a system call with up to five arguments and returns what the kernel answered: a result, or `-errno`.
///
/// # Safety
///
/// The arguments must be what this system call takes; pointers among them must be valid for what the kernel does with
/// them.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) unsafe fn syscall(number: libc::c_long, a: usize, b: usize, c: usize, d: usize, e: usize) -> isize {
    let result: isize;
    // SAFETY: the x86-64 Linux convention: the number in rax, arguments in rdi, rsi, rdx, r10, r8; the kernel keeps all
    // registers but rax, rcx and r11.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
            out("rcx") _, out("r11") _,
            options(nostack),
        );
    }
    result
}

/// Makes a system call with up to five arguments and returns what the kernel answered: a result, or `-errno`.
///
/// # Safety
///
/// The arguments must be what this system call takes; pointers among them must be valid for what the kernel does with
/// them.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub(super) unsafe fn syscall(number: libc::c_long, a: usize, b: usize, c: usize, d: usize, e: usize) -> isize {
    let result: isize;
    // SAFETY: the AArch64 Linux convention: the number in x8, arguments in x0 to x4, the result in x0; the kernel keeps
    // all other registers.
    unsafe {
        asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e,
            options(nostack),
        );
    }
    result
}

/// Makes a clone-like system call whose child goes on at `entry(argument)` on the stack it was given. Returns to the
/// parent alone, with the child's pid or `-errno`.
///
/// # Safety
///
/// The five arguments must describe a clone with a stack of its own, aligned to 16 bytes and deep enough for `entry`;
/// `argument` must be what `entry` expects and, where memory is shared, must live until the child has left it.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
pub(super) unsafe fn clone_onto_stack(
    number: libc::c_long,
    arguments: [usize; 5],
    entry: extern "C" fn(*const libc::c_void) -> !,
    argument: *const libc::c_void,
) -> isize {
    let result: isize;
    let [a, b, c, d, e] = arguments;
    // SAFETY: the parent falls through to label 2 with all registers kept but rax, rcx and r11. The child starts on its
    // own empty stack, finds entry and argument in registers that the kernel copied, and never comes back: `entry`
    // diverges, and the trap behind it says so to the processor too.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r13",
            "call r12",
            "ud2",
            "2:",
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
            in("r12") entry, in("r13") argument,
            out("rcx") _, out("r11") _,
        );
    }
    result
}

/// Makes a clone-like system call whose child goes on at `entry(argument)` on the stack it was given. Returns to the
/// parent alone, with the child's pid or `-errno`.
///
/// # Safety
///
/// The five arguments must describe a clone with a stack of its own, aligned to 16 bytes and deep enough for `entry`;
/// `argument` must be what `entry` expects and, where memory is shared, must live until the child has left it.
#[cfg(target_arch = "aarch64")]
#[inline(never)]
pub(super) unsafe fn clone_onto_stack(
    number: libc::c_long,
    arguments: [usize; 5],
    entry: extern "C" fn(*const libc::c_void) -> !,
    argument: *const libc::c_void,
) -> isize {
    let result: isize;
    let [a, b, c, d, e] = arguments;
    // SAFETY: as on x86-64: the parent falls through to label 2, the child diverges in `entry` on a stack of its own.
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, x21",
            "blr x20",
            "brk #1",
            "2:",
            in("x8") number,
            inlateout("x0") a => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e,
            in("x20") entry, in("x21") argument,
        );
    }
    result
}
