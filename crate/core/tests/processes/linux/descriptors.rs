//! The child's descriptors: those asked for, and no others.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
};

use brood_core::{Claim, Command, Descriptor, Step};

use super::{
    family::{Family, Scratch, everything, program, shell, with_input},
    kernel::{self, descriptors},
};

crate::theme! {
    "descriptors",
    in_all_modes: true,
    together: [
        by_default_all_three_are_the_null_device,
        each_is_a_pipe_of_its_own,
        one_can_be_the_same_as_another,
        what_is_closed_is_not_open,
        those_from_three_on_are_sockets_for_both_ways,
        the_devices_of_the_standard_streams_can_be_opened,
        they_are_in_blocking_mode,
        what_others_left_open_does_not_reach_the_child,
        a_wrong_number_is_an_error_at_once,
        a_wrong_number_is_not_mistaken_for_a_pipe_that_was_made_for_it,
        every_permutation_of_a_few,
    ],
    alone: [
        standard_descriptors_can_be_swapped,
        a_parent_without_standard_descriptors,
        many_descriptors,
    ],
}

/// What each descriptor of the child refers to, told on its descriptor `on`, which is left out, as is the one that it
/// takes to look.
fn seen_by_child(family: &mut Family, command: Command, on: usize) -> BTreeMap<RawFd, PathBuf> {
    let child = family.spawn(&command.descriptor(on, Descriptor::Pipe));
    let mut told = Vec::new();
    match family.environment.claim(child.id, on) {
        Claim::Pipe(pipe) => drop(File::from(pipe).read_to_end(&mut told).expect("the pipe can be read")),
        Claim::Bytes(bytes) => told = bytes,
        Claim::Nothing => {}
    }
    let told = String::from_utf8(told).expect("text");
    assert!(family.status(child).success(), "{told}");
    told.lines()
        .filter_map(|line| line.split_once(" -> "))
        .map(|(name, target)| {
            let number = name.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number");
            (number, PathBuf::from(target))
        })
        .filter(|&(number, ref target): &(RawFd, PathBuf)| number != on as RawFd && !target.ends_with("fd"))
        .collect()
}

/// A program that lists its descriptors on `on`.
fn lister(on: usize) -> Command {
    // ls itself writes to descriptor 1. The shell that is looked at must not be the one that redirects, or it would keep a
    // copy of what it replaced.
    let script =
        if on == 1 { "exec ls -l /proc/self/fd".to_owned() } else { format!("(ls -l /proc/$$/fd) >&{on}; exit 0") };
    shell(&script)
}

fn open(path: &std::path::Path) -> File {
    File::options().create(true).append(true).read(true).open(path).expect("a file can be made")
}

fn by_default_all_three_are_the_null_device() {
    let mut family = Family::new();
    let null = || PathBuf::from("/dev/null");
    assert_eq!(seen_by_child(&mut family, lister(1), 1), BTreeMap::from([(0, null()), (2, null())]));
    // For both ways.
    let child = family.shell("read line; echo out && echo err >&2 && test -z \"$line\"");
    assert!(family.status(child).success());
}

fn each_is_a_pipe_of_its_own() {
    let mut family = Family::new();
    let all = (0..3)
        .fold(shell("cat; echo out; echo err >&2"), |command, number| command.descriptor(number, Descriptor::Pipe));
    let child = family.spawn(&all);
    let output = family.capture(child, with_input("in\n"));
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"in\nout\n"[..], &b"err\n"[..]));
    assert!(family.status(child).success());
}

fn one_can_be_the_same_as_another() {
    let mut family = Family::new();
    let both = shell("echo 1; echo 2 >&2; echo 3; echo 4 >&5")
        .descriptor(1, Descriptor::Pipe)
        .descriptor(2, Descriptor::SameAs(1))
        .descriptor(5, Descriptor::SameAs(2));
    assert_eq!(family.text(&both), "1\n2\n3\n4");
    let closed = lister(1).descriptor(2, Descriptor::Closed).descriptor(3, Descriptor::SameAs(2));
    assert_eq!(seen_by_child(&mut family, closed, 1), BTreeMap::from([(0, PathBuf::from("/dev/null"))]));
}

fn what_is_closed_is_not_open() {
    let mut family = Family::new();
    let closed = |command: Command, numbers: &[usize]| {
        numbers.iter().fold(command, |command, &number| command.descriptor(number, Descriptor::Closed))
    };
    assert_eq!(seen_by_child(&mut family, closed(lister(1), &[0, 2]), 1), BTreeMap::new());
    let child = family.spawn(&closed(shell("exit 3"), &[0, 1, 2]));
    assert_eq!(family.status(child).code(), Some(3));
    // 3 and 4 were not asked for, 6 was.
    let seen = seen_by_child(&mut family, closed(lister(1), &[5]).descriptor(6, Descriptor::Null), 1);
    assert_eq!(seen.into_keys().collect::<Vec<_>>(), [0, 2, 6]);
}

fn those_from_three_on_are_sockets_for_both_ways() {
    let mut family = Family::new();
    let script = "for number in 3 4 5 6 7 8; do eval \"read line <&$number; echo $number:\\$line >&$number\"; done";
    let command = (3..=8).fold(shell(script), |command, number| command.descriptor(number, Descriptor::Pipe));
    let child = family.spawn(&command);
    for number in 3..=8 {
        let Claim::Pipe(end) = family.environment.claim(child.id, number) else { panic!("it was not claimed before") };
        let mut end = UnixStream::from(end);
        writeln!(end, "hello").expect("somebody reads");
        let mut told = [0; 8];
        end.read_exact(&mut told).expect("somebody writes");
        assert_eq!(std::str::from_utf8(&told), Ok(format!("{number}:hello\n").as_str()));
        assert!(matches!(family.environment.claim(child.id, number), Claim::Nothing), "once");
    }
    assert!(family.status(child).success());
}

fn the_devices_of_the_standard_streams_can_be_opened() {
    let mut family = Family::new();
    let script = "cat /dev/stdin > /dev/stdout && echo err > /dev/stderr";
    let piped = (0..3).fold(shell(script), |command, number| command.descriptor(number, Descriptor::Pipe));
    let child = family.spawn(&piped);
    let output = family.capture(child, with_input("in\n"));
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"in\n"[..], &b"err\n"[..]));
    assert!(family.status(child).success());
    let child = family.shell(script);
    assert!(family.status(child).success(), "as the null device");
}

fn they_are_in_blocking_mode() {
    let mut family = Family::new();
    let script = "for number in 0 1 2 3; do grep flags /proc/$$/fdinfo/$number; done";
    let command =
        [0, 1, 2, 3].into_iter().fold(shell(script), |command, number| command.descriptor(number, Descriptor::Pipe));
    let child = family.spawn(&command);
    // Even while ours are not.
    let output = String::from_utf8(family.capture(child, everything()).stdout).expect("text");
    assert_eq!(output.lines().count(), 4);
    for line in output.lines() {
        let flags = u32::from_str_radix(line.trim_start_matches("flags:").trim(), 8).expect("an octal number");
        assert_eq!(flags & libc::O_NONBLOCK as u32, 0, "{output}");
    }
    family.exit(child);
}

/// A copy of a descriptor, not close-on-exec, under a number of at least `from`.
fn leaky_copy(of: &impl AsRawFd, from: RawFd) -> OwnedFd {
    // SAFETY: plain numbers; the descriptor that comes of it is ours alone.
    unsafe {
        let number = libc::fcntl(of.as_raw_fd(), libc::F_DUPFD, from);
        assert!(number >= from, "{}", io::Error::last_os_error());
        OwnedFd::from_raw_fd(number)
    }
}

fn what_others_left_open_does_not_reach_the_child() {
    let mut family = Family::new();
    let null = File::open("/dev/zero").expect("it is there");
    let _leaked: Vec<_> = [3, 10, 63, 64, 500, 1000].map(|from| leaky_copy(&null, from)).into();
    for last in [2, 4, 40] {
        // The highest one moves the border between what is asked for and what is not.
        let seen = seen_by_child(&mut family, lister(1).descriptor(last, Descriptor::Null), 1);
        let expected = [0, 2, last as RawFd].into_iter().map(|number| (number, PathBuf::from("/dev/null"))).collect();
        assert_eq!(seen, expected);
    }
    if kernel::is_root() {
        let seen = seen_by_child(&mut family, lister(1).uid(1234), 1);
        assert_eq!(seen.into_keys().collect::<Vec<_>>(), [0, 2]);
    }
}

fn a_wrong_number_is_an_error_at_once() {
    let family = Family::new();
    let before = descriptors();
    for wrong in [Descriptor::Inherit(9999), Descriptor::Hand(9999)] {
        for at in [0, 1, 2, 7] {
            let command = program("true", &[])
                .descriptor(0, Descriptor::Pipe)
                .descriptor(1, Descriptor::Pipe)
                .descriptor(at, wrong);
            let error = family.try_spawn(&command).expect_err("that is not open");
            assert_eq!((error.step(), error.errno()), (Step::Setup, libc::EBADF));
        }
    }
    assert_eq!(descriptors(), before);
}

fn a_wrong_number_is_not_mistaken_for_a_pipe_that_was_made_for_it() {
    let family = Family::new();
    // The number that the next descriptor gets, and the ones after it.
    let next = File::open("/dev/null").expect("it is there").as_raw_fd();
    for number in next..next + 6 {
        if descriptors().contains_key(&number) {
            continue;
        }
        for wrong in [Descriptor::Inherit(number), Descriptor::Hand(number)] {
            let command = program("true", &[])
                .descriptor(0, Descriptor::Pipe)
                .descriptor(1, Descriptor::Pipe)
                .descriptor(2, wrong);
            let error = family.try_spawn(&command).expect_err("that is not open");
            assert_eq!((error.step(), error.errno()), (Step::Setup, libc::EBADF));
        }
    }
}

/// Three files, open at the very numbers that they are to go to, in all orders and with all repetitions.
fn every_permutation_of_a_few() {
    let scratch = Scratch::new("permutations");
    let mut family = Family::new();
    let (first, copies) = ([60, 61, 62], [60, 61, 62, 63]);
    let files: Vec<_> = copies
        .iter()
        .map(|&number| {
            let path = scratch.join(&number.to_string());
            let copy = leaky_copy(&open(&path), number);
            assert_eq!(copy.as_raw_fd(), number, "the number is free");
            (copy, path)
        })
        .collect();
    // Each of the three is one of the four, the null device, or nothing.
    for choice in 0..6_usize.pow(3) {
        let kinds = [choice % 6, choice / 6 % 6, choice / 36];
        let mut command = lister(1);
        let mut expected = BTreeMap::from([(0, PathBuf::from("/dev/null")), (2, PathBuf::from("/dev/null"))]);
        for (&number, &kind) in first.iter().zip(&kinds) {
            let descriptor = match kind {
                0..4 => Descriptor::Inherit(files[kind].0.as_raw_fd()),
                4 => Descriptor::Null,
                _ => Descriptor::Closed,
            };
            command = command.descriptor(number as usize, descriptor);
            match kind {
                0..4 => drop(expected.insert(number, files[kind].1.clone())),
                4 => drop(expected.insert(number, PathBuf::from("/dev/null"))),
                _ => {}
            }
        }
        assert_eq!(seen_by_child(&mut family, command, 1), expected, "{kinds:?}");
    }
}

/// Makes `number` a copy of a descriptor, or nothing.
fn put(number: RawFd, source: Option<&OwnedFd>) {
    // SAFETY: plain numbers. This process is about to end, and nobody else in it uses these descriptors.
    unsafe {
        match source {
            Some(source) => assert_eq!(libc::dup2(source.as_raw_fd(), number), number),
            None => {
                libc::close(number);
            }
        }
    }
}

/// Our stdin, stdout and stderr, to be put back before anything is printed.
fn kept() -> [OwnedFd; 3] {
    [0, 1, 2].map(|number| leaky_copy(&number, 100))
}

fn standard_descriptors_can_be_swapped() {
    let scratch = Scratch::new("swapped");
    let kept = kept();
    let paths = ["zero", "one", "two", "five"].map(|name| scratch.join(name));
    let [zero, one, two, five] = [0, 1, 2, 3].map(|index| leaky_copy(&open(&paths[index]), 70));
    for (number, file) in [(0, &zero), (1, &one), (2, &two), (5, &five)] {
        put(number, Some(file));
    }
    // After 5 was taken, or it might be one of the driver's.
    let mut family = Family::new();
    let wanted = [
        [(0, 5), (1, 0), (2, 1)],
        [(0, 1), (1, 0), (2, 2)],
        [(0, 1), (1, 2), (2, 0)],
        [(0, 2), (1, 0), (2, 1)],
        [(0, 0), (1, 0), (2, 0)],
        [(0, 5), (1, 5), (2, 0)],
    ];
    let seen = wanted.map(|map| {
        let command = map
            .iter()
            .fold(lister(3), |command, &(child, ours)| command.descriptor(child as usize, Descriptor::Inherit(ours)));
        seen_by_child(&mut family, command, 3)
    });
    for (number, file) in (0..).zip(&kept) {
        put(number, Some(file));
    }
    for (map, seen) in wanted.into_iter().zip(seen) {
        let path_of = |ours| paths[if ours == 5 { 3 } else { ours as usize }].clone();
        let expected = map.into_iter().map(|(child, ours)| (child, path_of(ours))).collect();
        assert_eq!(seen, expected, "{map:?}");
    }
}

/// Then the pipes that we make, and what the child opens, get numbers that are asked for.
fn a_parent_without_standard_descriptors() {
    let mut family = Family::new();
    let kept = kept();
    let kinds = [Descriptor::Null, Descriptor::Closed, Descriptor::Pipe, Descriptor::SameAs(0)];
    let mut wrong = Vec::new();
    for closed in 0..8 {
        for choice in 0..kinds.len().pow(3) {
            for number in 0..3 {
                put(number, (closed & 1 << number == 0).then_some(&kept[number as usize]));
            }
            let chosen = [choice % 4, choice / 4 % 4, choice / 16 % 4].map(|index| kinds[index]);
            if chosen[0] == Descriptor::SameAs(0) {
                continue;
            }
            let command =
                chosen.iter().enumerate().fold(lister(3), |command, (number, &kind)| command.descriptor(number, kind));
            let seen = seen_by_child(&mut family, command, 3);
            let is_right = (0..3).all(|number| {
                let kind = match chosen[number] {
                    Descriptor::SameAs(0) => chosen[0],
                    kind => kind,
                };
                let target = seen.get(&(number as RawFd)).and_then(|target| target.to_str());
                match kind {
                    Descriptor::Null => target == Some("/dev/null"),
                    Descriptor::Closed => target.is_none(),
                    _ => target.is_some_and(|target| target.starts_with("pipe:")),
                }
            });
            if !is_right || seen.keys().any(|&number| number > 2) {
                wrong.push((closed, chosen, seen));
            }
        }
    }
    for (number, file) in (0..).zip(&kept) {
        put(number, Some(file));
    }
    assert!(wrong.is_empty(), "{} are wrong, such as {:?}", wrong.len(), wrong.first());
}

fn many_descriptors() {
    let mut family = Family::new();
    let command = (3..300).fold(lister(1), |command, number| command.descriptor(number, Descriptor::Pipe));
    let seen = seen_by_child(&mut family, command, 1);
    assert_eq!(seen.len(), 299);
    assert!(seen.iter().skip(2).all(|(_, target)| target.to_str().is_some_and(|target| target.starts_with("socket:"))));
}
