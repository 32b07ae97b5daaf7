//! What a child can be asked to be, and that we stay what we are.

use std::{env, ffi::OsString, fs, os::unix::ffi::OsStringExt};

use brood_core::{Command, Signal, Step};
use nix::{
    sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit},
    unistd::{Gid, Uid, setresgid, setresuid},
};

use super::{
    family::{Family, Scratch, program, shell, sleeper, strings},
    kernel::{LIMITS, field, is_root},
    suite::skip,
};

crate::theme! {
    "options",
    in_all_modes: true,
    together: [
        cwd_is_entered,
        a_missing_cwd_is_named,
        the_program_is_looked_for_from_the_cwd,
        the_environment_is_what_was_asked_for,
        the_last_writer_of_a_variable_wins,
        without_one_the_environment_is_ours,
        a_session_of_its_own,
        a_process_group_of_its_own_or_anothers,
        a_process_group_that_is_not_there,
        umask_is_set,
        every_limit_is_set,
        a_wrong_limit_is_told_with_its_index,
        no_new_privs_is_set,
        credentials_are_set,
        the_groups_of_another_user_are_left,
        everything_at_once,
    ],
    alone: [
        credentials_need_permission,
    ],
}

fn cat(file: &str) -> Command {
    program("cat", &[file])
}

fn cwd_is_entered() {
    let scratch = Scratch::new("cwd");
    let mut family = Family::new();
    let pwd = program("pwd", &["-P"]);
    assert_eq!(family.text(&pwd.clone().cwd(scratch.path()).expect("no NUL")), scratch.path().to_str().expect("text"));
    assert_eq!(family.text(&pwd.clone().cwd("/").expect("no NUL")), "/");
    let here = env::current_dir().expect("we are somewhere");
    assert_eq!(family.text(&pwd.clone().cwd(".").expect("no NUL")), here.to_str().expect("text"));
    assert_eq!(family.text(&pwd), here.to_str().expect("text"));
}

fn a_missing_cwd_is_named() {
    let scratch = Scratch::new("no-cwd");
    scratch.file("file", "", 0o644);
    let family = Family::new();
    for (name, errno) in [("missing", libc::ENOENT), ("file", libc::ENOTDIR), ("file/below", libc::ENOTDIR)] {
        let cwd = scratch.join(name);
        // Whatever the program is: the cwd comes first.
        for command in [program("true", &[]), program("no-such-program", &[]), program("./true", &[])] {
            let error = family.try_spawn(&command.cwd(&cwd).expect("no NUL")).expect_err("there is no such directory");
            assert_eq!((error.step(), error.errno(), error.syscall()), (Step::Chdir, errno, "chdir"));
            assert_eq!(error.path().and_then(|path| path.to_str().ok()), cwd.to_str());
        }
    }
}

fn the_program_is_looked_for_from_the_cwd() {
    let scratch = Scratch::new("from-cwd");
    scratch.file("program", "#!/bin/sh\necho found\n", 0o755);
    fs::create_dir(scratch.join("below")).expect("a directory can be made");
    let mut family = Family::new();
    for (cwd, name) in [("", "./program"), ("below", "../program"), ("below", "./../program")] {
        let command = program(name, &[]).cwd(scratch.join(cwd)).expect("no NUL");
        assert_eq!(family.text(&command), "found");
    }
    let error = family.try_spawn(&program("./program", &[])).expect_err("it is not in our own directory");
    assert_eq!((error.step(), error.errno()), (Step::Exec, libc::ENOENT));
}

fn the_environment_is_what_was_asked_for() {
    let mut family = Family::new();
    let environ = || cat("/proc/self/environ");
    assert_eq!(family.read(&environ().env_clear()), b"");
    let odd = environ()
        .env("B", "2")
        .and_then(|command| command.env("A", "with = and \n in it"))
        .and_then(|command| command.env("EMPTY", ""))
        .and_then(|command| command.env(OsString::from_vec(vec![0xff, 0xfe]), OsString::from_vec(vec![0x80])))
        .expect("no NUL in it");
    assert_eq!(family.read(&odd), b"B=2\0A=with = and \n in it\0EMPTY=\0\xff\xfe=\x80\0");
    let long = "x".repeat(100_000);
    assert_eq!(family.read(&environ().env("LONG", &long).expect("no NUL")), format!("LONG={long}\0").into_bytes());
}

fn the_last_writer_of_a_variable_wins() {
    let mut family = Family::new();
    let command = cat("/proc/self/environ")
        .env("A", "first")
        .and_then(|command| command.env("B", "1"))
        .and_then(|command| command.env("A", "last"))
        .expect("no NUL");
    assert_eq!(family.read(&command), b"A=last\0B=1\0");
}

fn without_one_the_environment_is_ours() {
    let mut family = Family::new();
    let inherited = family.read(&cat("/proc/self/environ"));
    let ours: Vec<_> = env::vars_os()
        .map(|(name, value)| {
            let mut variable = name;
            variable.push("=");
            variable.push(value);
            variable
        })
        .collect();
    assert_eq!(strings(&inherited), ours);
}

/// The process group and the session of the program that runs.
fn group_and_session(family: &mut Family, command: &Command) -> (i32, i32, i32) {
    let stat = family.text(command);
    let pid = stat.split(' ').next().and_then(|pid| pid.parse().ok());
    let fields: Vec<i32> = stat
        .rsplit_once(") ")
        .map(|(_, rest)| rest.split(' ').skip(2).take(2).filter_map(|field| field.parse().ok()).collect())
        .expect("a stat line");
    (pid.expect("a pid"), fields[0], fields[1])
}

fn a_session_of_its_own() {
    let mut family = Family::new();
    let (pid, group, session) = group_and_session(&mut family, &cat("/proc/self/stat").session());
    assert_eq!((group, session), (pid, pid));
}

fn a_process_group_of_its_own_or_anothers() {
    let mut family = Family::new();
    let ours = nix::unistd::getsid(None).expect("we have one").as_raw();
    let (pid, group, session) = group_and_session(&mut family, &cat("/proc/self/stat").process_group(0));
    assert_eq!((group, session), (pid, ours));

    let leader = family.spawn(&sleeper().process_group(0));
    family.exec(leader);
    let (_, group, session) = group_and_session(&mut family, &cat("/proc/self/stat").process_group(leader.pid as i32));
    assert_eq!((group, session), (leader.pid as i32, ours));
    assert!(family.environment.kill(leader.id, Signal::KILL).expect("it is ours"));
    family.exit(leader);

    let (_, group, _) = group_and_session(&mut family, &cat("/proc/self/stat"));
    assert_eq!(group, nix::unistd::getpgrp().as_raw());
}

fn a_process_group_that_is_not_there() {
    let mut family = Family::new();
    for (group, errno) in [(i32::MAX, libc::EPERM), (-1, libc::EINVAL)] {
        let child = family.spawn(&program("true", &[]).process_group(group));
        let failure = family.exec_failure(child);
        assert_eq!((failure.step, failure.errno), (Step::Setup, errno));
    }
}

fn umask_is_set() {
    let mut family = Family::new();
    for mask in [0o000, 0o022, 0o077, 0o777] {
        let told = family.text(&shell("umask").umask(mask));
        assert_eq!(u32::from_str_radix(&told, 8), Ok(mask));
    }
}

/// The soft and hard limit that `/proc/self/limits` tells.
fn told_limits(limits: &str, resource: usize) -> (u64, u64) {
    const NAMES: [&str; 16] = [
        "Max cpu time",
        "Max file size",
        "Max data size",
        "Max stack size",
        "Max core file size",
        "Max resident set",
        "Max processes",
        "Max open files",
        "Max locked memory",
        "Max address space",
        "Max file locks",
        "Max pending signals",
        "Max msgqueue size",
        "Max nice priority",
        "Max realtime priority",
        "Max realtime timeout",
    ];
    let line = limits.lines().find_map(|line| line.strip_prefix(NAMES[resource])).expect("all limits are told");
    let mut words = line.split_whitespace().map(|word| word.parse().unwrap_or(RLIM_INFINITY));
    (words.next().expect("a soft limit"), words.next().expect("a hard limit"))
}

fn every_limit_is_set() {
    let mut family = Family::new();
    for (index, resource) in LIMITS.into_iter().enumerate() {
        let (_, hard) = getrlimit(resource).expect("limits can be read");
        // Something that cat can live with, below what is allowed, and not what we have.
        let wanted = match resource {
            Resource::RLIMIT_NOFILE => (100, 200),
            Resource::RLIMIT_STACK | Resource::RLIMIT_AS | Resource::RLIMIT_DATA => (1 << 30, 1 << 31),
            Resource::RLIMIT_NPROC => (hard.min(90_000) - 2, hard.min(90_000) - 1),
            _ => (hard.min(1 << 20) / 3, hard.min(1 << 20) / 2),
        };
        let limits = family.text(&cat("/proc/self/limits").limit(resource as u32, wanted.0, wanted.1));
        assert_eq!(told_limits(&limits, index), wanted, "{resource:?}");
    }
    let limits = family.text(&cat("/proc/self/limits").limit(Resource::RLIMIT_CORE as u32, 0, 0).limit(
        Resource::RLIMIT_NOFILE as u32,
        64,
        64,
    ));
    assert_eq!((told_limits(&limits, 4), told_limits(&limits, 7)), ((0, 0), (64, 64)));
}

fn a_wrong_limit_is_told_with_its_index() {
    let mut family = Family::new();
    let core = |command: Command, soft, hard| command.limit(Resource::RLIMIT_CORE as u32, soft, hard);
    let fine = || core(program("true", &[]), 0, 0);
    for (command, detail) in
        [(program("true", &[]).limit(999, 0, 0), 0), (fine().limit(999, 0, 0), 1), (core(core(fine(), 0, 0), 2, 1), 2)]
    {
        let child = family.spawn(&command);
        let failure = family.exec_failure(child);
        assert_eq!((failure.step, failure.errno, failure.detail), (Step::Setup, libc::EINVAL, detail));
    }
}

fn no_new_privs_is_set() {
    let mut family = Family::new();
    let status = family.text(&cat("/proc/self/status").no_new_privs());
    assert_eq!(field(&status, "NoNewPrivs"), "1");
    let status = family.text(&cat("/proc/self/status"));
    assert_eq!(field(&status, "NoNewPrivs"), "0");
}

fn credentials_are_set() {
    if !is_root() {
        return skip("only root may change credentials");
    }
    let mut family = Family::new();
    let status = family.text(&cat("/proc/self/status").uid(1234).gid(2345).groups([3, 4, 50_000]));
    assert_eq!(field(&status, "Uid").split_whitespace().collect::<Vec<_>>(), ["1234"; 4]);
    assert_eq!(field(&status, "Gid").split_whitespace().collect::<Vec<_>>(), ["2345"; 4]);
    assert_eq!(field(&status, "Groups"), "3 4 50000");
    assert_eq!(field(&status, "CapEff"), "0000000000000000");
    let status = family.text(&cat("/proc/self/status").groups([7]));
    assert_eq!((field(&status, "Groups"), &field(&status, "Uid")[..1]), ("7", "0"));
    let status = family.text(&cat("/proc/self/status").gid(99).groups([]));
    assert_eq!((field(&status, "Groups"), &field(&status, "Gid")[..2]), ("", "99"));
}

fn the_groups_of_another_user_are_left() {
    if !is_root() {
        return skip("only root may change credentials");
    }
    let mut family = Family::new();
    for command in [cat("/proc/self/status").uid(1234), cat("/proc/self/status").gid(1234)] {
        assert_eq!(field(&family.text(&command), "Groups"), "");
    }
}

fn everything_at_once() {
    let scratch = Scratch::new("everything");
    scratch.mode("", 0o755);
    let mut family = Family::new();
    let mut command = shell("cat /proc/self/status /proc/self/limits; umask; pwd; echo $A")
        .cwd(scratch.path())
        .and_then(|command| command.env("A", "set"))
        .expect("no NUL")
        .session()
        .umask(0o027)
        .limit(Resource::RLIMIT_CORE as u32, 0, 0)
        .no_new_privs()
        .parent_death_signal(Signal::KILL)
        .kill_on_drop();
    if is_root() {
        command = command.uid(1234).gid(2345);
    }
    let told = family.text(&command);
    assert_eq!((field(&told, "NoNewPrivs"), told_limits(&told, 4)), ("1", (0, 0)));
    assert!(told.ends_with(&format!("0027\n{}\nset", scratch.path().display())), "{told}");
}

fn credentials_need_permission() {
    if is_root() {
        let nobody = 65_533;
        nix::unistd::setgroups(&[]).expect("root may");
        setresgid(Gid::from_raw(nobody), Gid::from_raw(nobody), Gid::from_raw(nobody)).expect("root may");
        setresuid(Uid::from_raw(nobody), Uid::from_raw(nobody), Uid::from_raw(nobody)).expect("root may");
    }
    let mut family = Family::new();
    for command in [program("true", &[]).uid(0), program("true", &[]).gid(0), program("true", &[]).groups([0])] {
        let child = family.spawn(&command);
        let failure = family.exec_failure(child);
        assert_eq!((failure.step, failure.errno), (Step::Setup, libc::EPERM));
    }
    // Our own ones are no change, and a wish for them can be met: that the groups stay is no error.
    let (uid, gid) = (Uid::current().as_raw(), Gid::current().as_raw());
    assert_eq!(family.text(&program("id", &["-u"]).uid(uid).gid(gid)), uid.to_string());
    // A hard limit cannot be raised.
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("limits can be read");
    setrlimit(Resource::RLIMIT_NOFILE, 100, hard - 1).expect("a limit can be lowered");
    let child = family.spawn(&program("true", &[]).limit(Resource::RLIMIT_NOFILE as u32, 100, hard));
    let failure = family.exec_failure(child);
    assert_eq!((failure.step, failure.errno), (Step::Setup, libc::EPERM));
}
