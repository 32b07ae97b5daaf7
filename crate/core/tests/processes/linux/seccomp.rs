//! Under seccomp filters that refuse system calls, as containers and sandboxes have them.

use std::{collections::BTreeSet, fs, io, os::fd::AsRawFd};

use brood_core::{Descriptor, GlobalOrphanQueue, Signal, SpawnMethod, capabilities};
use nix::sys::prctl;

use super::{
    family::{Family, Scratch, everything, program, shell, sleeper, with_input},
    kernel::{is_alive, is_root, zombies},
    suite::until,
};

crate::theme! {
    "seccomp",
    in_all_modes: false,
    together: [],
    alone: [
        pidfd_open_is_not_there,
        pidfd_open_is_forbidden,
        clone3_is_not_there,
        clone3_is_forbidden,
        close_range_is_not_there,
        close_range_is_forbidden,
        pidfd_send_signal_is_not_there,
        pidfd_send_signal_is_forbidden,
        faccessat2_is_not_there,
        faccessat2_is_forbidden,
        nothing_new_is_there,
        everything_new_is_forbidden,
        a_filter_that_comes_later,
    ],
}

const ALL: [libc::c_long; 5] =
    [libc::SYS_pidfd_open, libc::SYS_clone3, libc::SYS_close_range, libc::SYS_pidfd_send_signal, libc::SYS_faccessat2];

fn pidfd_open_is_not_there() {
    works_without(&[libc::SYS_pidfd_open], libc::ENOSYS);
}

fn pidfd_open_is_forbidden() {
    works_without(&[libc::SYS_pidfd_open], libc::EPERM);
}

fn clone3_is_not_there() {
    works_without(&[libc::SYS_clone3], libc::ENOSYS);
}

fn clone3_is_forbidden() {
    works_without(&[libc::SYS_clone3], libc::EPERM);
}

fn close_range_is_not_there() {
    works_without(&[libc::SYS_close_range], libc::ENOSYS);
}

fn close_range_is_forbidden() {
    works_without(&[libc::SYS_close_range], libc::EPERM);
}

fn pidfd_send_signal_is_not_there() {
    works_without(&[libc::SYS_pidfd_send_signal], libc::ENOSYS);
}

fn pidfd_send_signal_is_forbidden() {
    works_without(&[libc::SYS_pidfd_send_signal], libc::EPERM);
}

fn faccessat2_is_not_there() {
    works_without(&[libc::SYS_faccessat2], libc::ENOSYS);
}

fn faccessat2_is_forbidden() {
    works_without(&[libc::SYS_faccessat2], libc::EPERM);
}

fn nothing_new_is_there() {
    works_without(&ALL, libc::ENOSYS);
}

fn everything_new_is_forbidden() {
    works_without(&ALL, libc::EPERM);
}

/// A program that puts itself into a sandbox when it has started up.
fn a_filter_that_comes_later() {
    let mut family = super::family::warm_up();
    let child = family.spawn(&sleeper());
    refuse(&ALL, libc::EPERM);
    assert!(family.environment.kill(child.id, Signal::TERM).expect("there is another way"));
    assert_eq!(family.status(child).signal(), Some(libc::SIGTERM));
    all_works(&mut family);
    assert_eq!(capabilities().spawn, SpawnMethod::Clone);
}

/// Has the kernel answer `errno` to these system calls, in all threads of this process and in its children.
fn refuse(calls: &[libc::c_long], errno: i32) {
    let statement = |code, k| libc::sock_filter { code, jt: 0, jf: 0, k };
    let load_number = statement((libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, 0);
    let mut program = vec![load_number];
    for &call in calls {
        // The next statement if it is this call, else the one behind it.
        program.push(libc::sock_filter {
            code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
            jt: 0,
            jf: 1,
            k: call as u32,
        });
        program.push(statement((libc::BPF_RET | libc::BPF_K) as u16, libc::SECCOMP_RET_ERRNO | errno as u32));
    }
    program.push(statement((libc::BPF_RET | libc::BPF_K) as u16, libc::SECCOMP_RET_ALLOW));
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    prctl::set_no_new_privs().expect("Linux 3.5");
    // SAFETY: the kernel copies the program, which is as long as is said.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_TSYNC,
            &raw const filter,
        )
    };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
    // SAFETY: arguments that each of them refuses: no such process, flags, size or file.
    let answers = calls.iter().map(|&call| unsafe {
        let result = libc::syscall(call, -1, usize::MAX, 0, usize::MAX);
        (result, io::Error::last_os_error().raw_os_error())
    });
    assert!(answers.into_iter().all(|answer| answer == (-1, Some(errno))), "the filter is in force");
}

fn works_without(calls: &[libc::c_long], errno: i32) {
    // With clone3 forbidden, and not just missing, the C library makes no threads: the driver's has to be there before.
    let mut family = Family::new();
    refuse(calls, errno);
    let is_refused = |call| calls.contains(&call);
    let capabilities = capabilities();
    assert_eq!(capabilities.reaps_by_pidfd, !is_refused(libc::SYS_pidfd_open));
    assert_eq!(
        capabilities.kills_by_pidfd,
        !is_refused(libc::SYS_pidfd_open) && !is_refused(libc::SYS_pidfd_send_signal)
    );
    let method = if is_refused(libc::SYS_clone3) { SpawnMethod::Clone } else { SpawnMethod::Clone3 };
    assert_eq!(capabilities.spawn, method);
    all_works(&mut family);
    assert_eq!(brood_core::capabilities(), capabilities, "what was said is still true");
}

fn all_works(family: &mut Family) {
    let child = family.shell("exit 7");
    assert_eq!(family.status(child).code(), Some(7));
    let children: Vec<_> = (0..20).map(|code| family.shell(&format!("exit {code}"))).collect();
    for (code, child) in (0..).zip(children) {
        assert_eq!(family.status(child).code(), Some(code));
    }
    let child = family.spawn(&sleeper());
    assert!(family.environment.kill(child.id, Signal::NONE).expect("it is ours"));
    assert!(family.environment.kill(child.id, Signal::from_raw(64).expect("a signal")).expect("it is ours"));
    assert_eq!(family.status(child).signal(), Some(64));
    assert!(!family.environment.kill(child.id, Signal::KILL).expect("there is nobody to fail"));

    let cat = (0..3).fold(program("cat", &[]), |command, number| command.descriptor(number, Descriptor::Pipe));
    let child = family.spawn(&cat);
    assert_eq!(family.capture(child, with_input("through")).stdout, b"through");
    assert!(family.status(child).success());

    no_descriptor_leaks(family);
    programs_with_few_permissions_are_found(family);
    missing_programs_are_missing(family);
    if is_root() {
        assert_eq!(family.text(&program("id", &["-u"]).uid(1234)), "1234");
    }

    family.environment.listen_to_orphans(true);
    let (killed, orphan) = (family.spawn(&sleeper().kill_on_drop()), family.spawn(&sleeper()));
    family.environment.drop_child(killed.id);
    family.environment.drop_child(orphan.id);
    until("it is killed", || !is_alive(killed.pid));
    assert!(is_alive(orphan.pid));
    let pid = nix::unistd::Pid::from_raw(orphan.pid as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("it runs");
    family.until("both are reaped", |family| family.reaped.iter().any(|&(pid, _)| pid == orphan.pid).then_some(()));
    until("both are reaped", || GlobalOrphanQueue.is_empty() && zombies() == 0);
}

fn no_descriptor_leaks(family: &mut Family) {
    let file = fs::File::open("/dev/zero").expect("it is there");
    // SAFETY: plain numbers; copies without close-on-exec, closed below.
    let leaked = [0, 50, 300].map(|from| unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD, from) });
    let child = family.spawn(&program("ls", &["/proc/self/fd"]).descriptor(1, Descriptor::Pipe));
    let listed = String::from_utf8(family.capture(child, everything()).stdout).expect("text");
    // 3 is what ls itself reads.
    let seen: BTreeSet<i32> = listed.lines().filter_map(|line| line.parse().ok()).collect();
    assert_eq!(seen, BTreeSet::from([0, 1, 2, 3]));
    family.exit(child);
    for number in leaked {
        // SAFETY: it is ours, and nobody else uses it.
        unsafe { libc::close(number) };
    }
}

/// A file that not everybody may execute takes another look before the clone, and that look may be refused.
fn programs_with_few_permissions_are_found(family: &mut Family) {
    let scratch = Scratch::new("few");
    let path = scratch.file("program", "#!/bin/sh\npwd -P\n", 0o700);
    scratch.mode("", 0o700);
    let by_path = program(path.to_str().expect("text"), &[]).cwd(scratch.path()).expect("no NUL");
    assert_eq!(family.text(&by_path), scratch.path().to_str().expect("text"));
    let by_name = program("program", &[]).env("PATH", scratch.path()).expect("no NUL").cwd("/").expect("no NUL");
    assert_eq!(family.text(&by_name), "/");
}

fn missing_programs_are_missing(family: &mut Family) {
    let scratch = Scratch::new("missing");
    scratch.file("text", "", 0o600);
    let error = family.try_spawn(&program("no-such-program", &[])).expect_err("there is none");
    assert_eq!(error.errno(), libc::ENOENT);
    // Whether at once or by the child, it is the right error.
    let path = scratch.join("text");
    match family.try_spawn(&program(path.to_str().expect("text"), &[])) {
        Err(error) => assert_eq!(error.errno(), libc::EACCES),
        Ok(child) => assert_eq!(family.exec_failure(child).errno, libc::EACCES),
    }
    let child = family.spawn(&shell("exit 0"));
    assert!(family.status(child).success());
}
