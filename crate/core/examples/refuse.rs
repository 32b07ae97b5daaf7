//! `refuse ERRNO SYSCALL[,SYSCALL…] -- COMMAND…`: runs a command under a seccomp filter that answers these system calls
//! with this error (`ENOSYS` or `EPERM`), as old container runtimes and sandboxes do. For tests; not part of the library.
//!
//! Exits with 77 when no filter can be installed here, with 2 when it is used wrongly.
#![cfg_attr(
    all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")),
    expect(unsafe_code, reason = "prctl(2) takes a filter by pointer")
)]

fn main() {
    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    let code = linux::run();
    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let code = {
        eprintln!("refuse: there is no seccomp here");
        77
    };
    std::process::exit(code);
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod linux {
    use std::{env, io, mem::offset_of, os::unix::process::CommandExt, process::Command};

    const WRONG_USE: i32 = 2;
    const NO_SECCOMP: i32 = 77;

    /// `AUDIT_ARCH_…` of linux/audit.h: which system call table a number is from.
    const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };

    /// The size that glibc passes to clone3 when it makes a thread. Since 2.34 it does so, and of the two refusals it takes
    /// ENOSYS alone for a reason to try clone: Node itself would not start. Older ones and musl never call clone3, so for them
    /// EPERM is for brood alone; that is what is made here of a newer one.
    const GLIBC_CLONE_ARGUMENTS: u32 = 88;
    /// Where the low half of the second argument lies behind the first.
    const SIZE_ARGUMENT: u32 = 8;

    const SYSCALLS: [(&str, libc::c_long); 9] = [
        ("clone3", libc::SYS_clone3),
        ("close_range", libc::SYS_close_range),
        ("faccessat2", libc::SYS_faccessat2),
        ("pidfd_getfd", libc::SYS_pidfd_getfd),
        ("pidfd_open", libc::SYS_pidfd_open),
        ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
        ("prctl", libc::SYS_prctl),
        ("seccomp", libc::SYS_seccomp),
        ("waitid", libc::SYS_waitid),
    ];

    pub(super) fn run() -> i32 {
        let arguments: Vec<String> = env::args().skip(1).collect();
        let [errno, names, dashes, file, rest @ ..] = arguments.as_slice() else { return usage("too few arguments") };
        if dashes != "--" {
            return usage("no -- in front of the command");
        }
        let errno = match errno.as_str() {
            "ENOSYS" => libc::ENOSYS,
            "EPERM" => libc::EPERM,
            other => return usage(other),
        };
        let mut numbers = Vec::new();
        for name in names.split(',') {
            match SYSCALLS.iter().find(|(known, _)| *known == name) {
                Some(&(_, number)) => numbers.push(number as u32),
                None => return usage(name),
            }
        }
        if let Err(error) = install(&filter(errno as u32, &numbers)) {
            eprintln!("refuse: no filter can be installed: {error}");
            return NO_SECCOMP;
        }
        let error = Command::new(file).args(rest).exec();
        eprintln!("refuse: {file}: {error}");
        127
    }

    fn usage(what: &str) -> i32 {
        let known: Vec<_> = SYSCALLS.iter().map(|(name, _)| *name).collect();
        eprintln!("refuse: {what}\nusage: refuse ENOSYS|EPERM SYSCALL[,SYSCALL…] -- COMMAND…\nof {}", known.join(", "));
        WRONG_USE
    }

    const fn statement(code: u32, k: u32) -> libc::sock_filter {
        libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
    }

    /// Goes `jt` statements further when the value is `k`, else `jf`.
    const fn jump_if_equal(k: u32, jt: u8, jf: u8) -> libc::sock_filter {
        libc::sock_filter { code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16, jt, jf, k }
    }

    fn filter(errno: u32, numbers: &[u32]) -> Vec<libc::sock_filter> {
        let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
        let answer = libc::BPF_RET | libc::BPF_K;
        let mut program = vec![
            statement(load, offset_of!(libc::seccomp_data, arch) as u32),
            // Another table has other numbers: let them through.
            jump_if_equal(ARCHITECTURE, 1, 0),
            statement(answer, libc::SECCOMP_RET_ALLOW),
            statement(load, offset_of!(libc::seccomp_data, nr) as u32),
        ];
        for &number in numbers {
            let refusal = statement(answer, libc::SECCOMP_RET_ERRNO | errno);
            if number == libc::SYS_clone3 as u32 && errno == libc::EPERM as u32 {
                program.extend([
                    jump_if_equal(number, 0, 4),
                    statement(load, offset_of!(libc::seccomp_data, args) as u32 + SIZE_ARGUMENT),
                    jump_if_equal(GLIBC_CLONE_ARGUMENTS, 0, 1),
                    statement(answer, libc::SECCOMP_RET_ALLOW),
                    refusal,
                ]);
            } else {
                program.extend([jump_if_equal(number, 0, 1), refusal]);
            }
        }
        program.push(statement(answer, libc::SECCOMP_RET_ALLOW));
        program
    }

    fn install(program: &[libc::sock_filter]) -> io::Result<()> {
        let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
        // SAFETY: plain numbers. Without it only root may install a filter.
        check(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })?;
        // SAFETY: the program lives until the call is back; the kernel copies it and looks it through.
        check(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) })
    }

    fn check(result: i32) -> io::Result<()> {
        if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}
