//! From a program's name to a file.

use std::fs;

use brood_core::{Command, Step};

use super::family::{Family, Scratch, program};

crate::theme! {
    "path",
    in_all_modes: true,
    together: [
        the_first_directory_that_has_it_wins,
        it_is_the_childs_path_that_counts,
        empty_entries_are_the_cwd,
        without_a_path_the_usual_directories_are_searched,
        directories_and_files_that_are_not_executable_are_passed_over,
        what_was_found_but_may_not_run_is_eacces_what_was_not_found_enoent,
        a_name_with_a_slash_is_a_path,
    ],
    alone: [],
}

fn with_path(command: Command, path: &str) -> Command {
    command.env("PATH", path).expect("no NUL")
}

/// The errno and the path of the error at once.
fn refusal(family: &Family, command: &Command) -> (i32, String) {
    let error = family.try_spawn(command).expect_err("there is nothing to execute");
    assert_eq!((error.step(), error.syscall()), (Step::Exec, "execve"));
    (error.errno(), error.path().expect("the program is named").to_str().expect("text").to_owned())
}

/// Directories `a` and `b`, both with programs in them that tell their own name.
fn two_directories(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    for directory in ["a", "b"] {
        fs::create_dir(scratch.join(directory)).expect("a directory can be made");
        scratch.file(&format!("{directory}/which"), &format!("#!/bin/sh\necho {directory}\n"), 0o755);
    }
    scratch
}

fn the_first_directory_that_has_it_wins() {
    let scratch = two_directories("first");
    let mut family = Family::new();
    let here = scratch.path().display();
    for (path, told) in [
        (format!("{here}/a:{here}/b"), "a"),
        (format!("{here}/b:{here}/a"), "b"),
        (format!("/no/such/directory:{here}/b/"), "b"),
        (format!("{here}/a/which:{here}/b"), "b"),
    ] {
        assert_eq!(family.text(&with_path(program("which", &[]), &path)), told, "{path}");
    }
}

fn it_is_the_childs_path_that_counts() {
    let family = Family::new();
    let empty = Scratch::new("empty");
    let path = empty.path().to_str().expect("text");
    assert_eq!(refusal(&family, &with_path(program("true", &[]), path)), (libc::ENOENT, "true".into()));
}

fn empty_entries_are_the_cwd() {
    let scratch = two_directories("dot");
    let mut family = Family::new();
    for path in ["", ":/no/such/directory", "/no/such/directory:", "/no/such/directory::/neither", "."] {
        let command = with_path(program("which", &[]), path).cwd(scratch.join("b")).expect("no NUL");
        assert_eq!(family.text(&command), "b", "{path:?}");
        // A relative one is seen from the child's own directory, too.
        let command = with_path(program("which", &[]), "a").cwd(scratch.path()).expect("no NUL");
        assert_eq!(family.text(&command), "a");
    }
    assert_eq!(refusal(&family, &with_path(program("which", &[]), "")), (libc::ENOENT, "which".into()));
}

fn without_a_path_the_usual_directories_are_searched() {
    let mut family = Family::new();
    assert_eq!(family.text(&program("echo", &["found"]).env_clear()), "found");
    let command = program("no-such-program", &[]).env_clear();
    assert_eq!(refusal(&family, &command), (libc::ENOENT, "no-such-program".into()));
}

fn directories_and_files_that_are_not_executable_are_passed_over() {
    let scratch = two_directories("over");
    fs::create_dir(scratch.join("a/thing")).expect("a directory can be made");
    scratch.file("a/text", "not a program", 0o644);
    for name in ["thing", "text"] {
        scratch.file(&format!("b/{name}"), "#!/bin/sh\necho right\n", 0o755);
    }
    let mut family = Family::new();
    let path = format!("{0}/a:{0}/b", scratch.path().display());
    for name in ["thing", "text"] {
        assert_eq!(family.text(&with_path(program(name, &[]), &path)), "right", "{name}");
    }
}

fn what_was_found_but_may_not_run_is_eacces_what_was_not_found_enoent() {
    let scratch = two_directories("refused");
    scratch.file("b/text", "not a program", 0o644);
    fs::create_dir(scratch.join("b/thing")).expect("a directory can be made");
    let family = Family::new();
    let path = format!("{0}/a:{0}/b", scratch.path().display());
    for (name, errno) in
        [("text", libc::EACCES), ("thing", libc::EACCES), ("nothing", libc::ENOENT), ("", libc::ENOENT)]
    {
        assert_eq!(refusal(&family, &with_path(program(name, &[]), &path)), (errno, name.into()));
    }
}

fn a_name_with_a_slash_is_a_path() {
    let scratch = two_directories("slash");
    scratch.file("text", "not a program", 0o644);
    let mut family = Family::new();
    let which = scratch.join("a/which");
    assert_eq!(family.text(&with_path(program(which.to_str().expect("text"), &[]), "/nowhere")), "a");
    for (name, errno) in [
        ("a", libc::EACCES),
        ("text", libc::EACCES),
        ("missing", libc::ENOENT),
        ("text/below", libc::ENOTDIR),
        ("a/which/", libc::ENOTDIR),
    ] {
        let path = format!("{}/{name}", scratch.path().display());
        assert_eq!(refusal(&family, &program(&path, &[])), (errno, path));
    }
}
