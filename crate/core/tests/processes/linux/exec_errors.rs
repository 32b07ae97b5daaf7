//! Errors that only the exec can tell, and how it is known that it worked.

use std::fs;

use brood_core::{Command, Outcome, Signal, Step};

use super::{
    family::{Family, Scratch, program, sleeper},
    kernel::is_root,
    suite::{skip, until},
};

crate::theme! {
    "exec errors",
    in_all_modes: true,
    together: [
        a_file_without_magic_is_enoexec,
        a_missing_interpreter_is_enoent,
        too_many_arguments_are_e2big,
        a_program_that_is_being_written_is_etxtbsy,
        what_another_user_may_not_execute_is_eacces,
        a_failure_does_not_stick_to_the_next_child,
        watch_exec_tells_of_success,
        watch_exec_leaves_a_failure_to_the_exit,
    ],
    alone: [],
}

fn failure_of(family: &mut Family, command: &Command) -> (Step, i32) {
    let child = family.spawn(command);
    let failure = family.exec_failure(child);
    (failure.step, failure.errno)
}

fn a_file_without_magic_is_enoexec() {
    let scratch = Scratch::new("enoexec");
    let mut family = Family::new();
    for (name, content) in [("text", "echo no magic\n"), ("empty", ""), ("cut", "\x7fELF")] {
        let path = scratch.file(name, content, 0o755);
        let command = program(path.to_str().expect("text"), &[]);
        assert_eq!(failure_of(&mut family, &command), (Step::Exec, libc::ENOEXEC), "{name}");
    }
}

fn a_missing_interpreter_is_enoent() {
    let scratch = Scratch::new("interpreter");
    let path = scratch.file("script", "#!/no/such/interpreter\n", 0o755);
    let mut family = Family::new();
    assert_eq!(failure_of(&mut family, &program(path.to_str().expect("text"), &[])), (Step::Exec, libc::ENOENT));
    // Found by its name as well.
    let command = program("script", &[]).env("PATH", scratch.path()).expect("no NUL");
    assert_eq!(failure_of(&mut family, &command), (Step::Exec, libc::ENOENT));
}

fn too_many_arguments_are_e2big() {
    let mut family = Family::new();
    let one = "x".repeat(200_000);
    assert_eq!(failure_of(&mut family, &program("true", &[&one])), (Step::Exec, libc::E2BIG));
    let many = vec!["x".repeat(100_000); 100];
    let many = program("true", &[]).args(&many).expect("no NUL");
    assert_eq!(failure_of(&mut family, &many), (Step::Exec, libc::E2BIG));
    // A lot, but not too much.
    let long = "y".repeat(100_000);
    assert_eq!(family.text(&program("echo", &[&long])), long);
    let several = vec!["z".repeat(50_000); 10];
    assert_eq!(family.text(&program("echo", &[]).args(&several).expect("no NUL")), several.join(" "));
}

fn a_program_that_is_being_written_is_etxtbsy() {
    let scratch = Scratch::new("busy");
    let path = scratch.join("program");
    fs::copy("/bin/true", &path).expect("a file can be copied");
    let mut family = Family::new();
    let command = program(path.to_str().expect("text"), &[]);
    let writer = fs::File::options().append(true).open(&path).expect("a file of ours");
    assert_eq!(failure_of(&mut family, &command), (Step::Exec, libc::ETXTBSY));
    drop(writer);
    let child = family.spawn(&command);
    assert!(family.status(child).success());
}

fn what_another_user_may_not_execute_is_eacces() {
    if !is_root() {
        return skip("only root may change credentials");
    }
    let scratch = Scratch::new("user");
    scratch.mode("", 0o755);
    let path = scratch.file("mine", "#!/bin/sh\necho mine\n", 0o700);
    let mut family = Family::new();
    let command = program(path.to_str().expect("text"), &[]);
    assert_eq!(family.text(&command), "mine");
    assert_eq!(failure_of(&mut family, &command.clone().uid(1234)), (Step::Exec, libc::EACCES));
    // In a PATH it is passed over for one that this user may execute.
    fs::create_dir(scratch.join("bin")).expect("a directory can be made");
    scratch.file("bin/mine", "#!/bin/sh\necho theirs\n", 0o755);
    let path = format!("{0}:{0}/bin:/bin", scratch.path().display());
    let by_name = program("mine", &[]).env("PATH", &path).expect("no NUL");
    assert_eq!(family.text(&by_name), "mine");
    assert_eq!(family.text(&by_name.clone().uid(1234)), "theirs");
    // Nowhere to be found is told at once, whoever it would have been.
    let error = family.try_spawn(&program("no-such-program", &[]).uid(1234)).expect_err("there is none");
    assert_eq!((error.step(), error.errno()), (Step::Exec, libc::ENOENT));
}

fn a_failure_does_not_stick_to_the_next_child() {
    let scratch = Scratch::new("stick");
    let path = scratch.file("text", "no magic", 0o755);
    let wrong = program(path.to_str().expect("text"), &[]);
    let mut family = Family::new();
    for _ in 0..50 {
        let (bad, good) = (family.spawn(&wrong), family.spawn(&program("true", &[])));
        assert_eq!(family.exec_failure(bad).errno, libc::ENOEXEC);
        assert!(family.status(good).success());
    }
}

fn watch_exec_tells_of_success() {
    let mut family = Family::new();
    for _ in 0..20 {
        let child = family.spawn(&sleeper());
        family.exec(child);
        // Between leaving our memory and having arguments of its own, it has none for a moment.
        let mut name = Vec::new();
        until("it has arguments", || {
            name = fs::read(format!("/proc/{}/cmdline", child.pid)).expect("it runs");
            !name.is_empty()
        });
        assert_eq!(name, b"sleep\x001000\0");
        assert!(family.environment.watch_exec(child.id), "and from then on at once");
        assert!(family.environment.kill(child.id, Signal::KILL).expect("it is ours"));
        family.exit(child);
        assert!(!family.environment.watch_exec(child.id));
    }
    if is_root() {
        // In a copy of our memory it is known by other means.
        let child = family.spawn(&sleeper().uid(1234));
        family.exec(child);
        assert!(family.environment.kill(child.id, Signal::KILL).expect("it is ours"));
        family.exit(child);
    }
}

fn watch_exec_leaves_a_failure_to_the_exit() {
    let scratch = Scratch::new("watch");
    let path = scratch.file("text", "no magic", 0o755);
    let mut family = Family::new();
    let mut commands = vec![program(path.to_str().expect("text"), &[])];
    if is_root() {
        scratch.mode("", 0o755);
        commands.push(program(path.to_str().expect("text"), &[]).uid(1234));
    }
    for command in commands {
        let child = family.spawn(&command);
        assert!(!family.environment.watch_exec(child.id));
        let exit = family.exit(child);
        assert!(matches!(exit.outcome, Outcome::NotExecuted(_)), "{exit:?}");
        // Longer than the driver would wait for its next look.
        let mut rounds = 0;
        until("some time passes", || {
            rounds += 1;
            rounds > 30
        });
        assert!(!family.knows_exec(child));
    }
}
