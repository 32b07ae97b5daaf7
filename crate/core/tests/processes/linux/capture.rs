//! Output gathered natively.

use std::{
    fs,
    time::{Duration, Instant},
};

use brood_core::{CaptureOptions, Claim, Command, Descriptor, Signal, Spawned};
use nix::{
    sys::signal::{Signal as NixSignal, kill},
    unistd::Pid,
};

use super::{
    family::{Family, Scratch, everything, program, shell, sleeper, with_drain, with_input},
    kernel::is_alive,
    suite::until,
};

crate::theme! {
    "capture",
    in_all_modes: true,
    together: [
        large_streams_both_ways_at_once,
        both_streams_are_large,
        an_output_that_is_very_large,
        more_than_wanted_kills,
        just_as_much_as_wanted_is_fine,
        a_child_may_close_its_stdin_early,
        empty_input_is_the_end_of_stdin,
        no_input_leaves_stdin_alone,
        input_is_fed_where_no_output_is_captured,
        input_is_fed_on_when_the_output_has_ended,
        input_that_nobody_reads_ends_with_the_child,
        a_child_that_ends_first_leaves_its_output,
        leftovers_obey_the_limit,
        what_was_claimed_is_not_captured,
        many_at_once,
        without_a_drain_a_grandchild_is_waited_for,
        a_drain_is_the_longest_wait_for_a_grandchild,
        no_drain_time_takes_what_is_there,
        a_grandchild_may_outlive_the_capture_of_leftovers,
        a_hurried_capture_ends_with_its_child,
        a_hurried_capture_whose_child_has_ended_ends_at_once,
        the_output_is_told_even_when_the_exit_was_asked_for,
        a_capture_keeps_the_child_reapable_on_its_own,
    ],
    alone: [],
}

const MEGABYTE: usize = 1024 * 1024;

fn piped(command: Command) -> Command {
    (0..3).fold(command, |command, number| command.descriptor(number, Descriptor::Pipe))
}

/// Bytes that tell when two of them were swapped.
fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32 / 4).flat_map(|number| number.wrapping_mul(2_654_435_761).to_ne_bytes()).collect()
}

/// Not by `assert_eq`, which would print megabytes.
fn assert_same(left: &[u8], right: &[u8]) {
    assert_eq!(left.len(), right.len());
    assert!(left == right, "the first difference is at {:?}", left.iter().zip(right).position(|(a, b)| a != b));
}

fn large_streams_both_ways_at_once() {
    let mut family = Family::new();
    let input = pattern(8 * MEGABYTE);
    let child = family.spawn(&piped(program("cat", &[])));
    let output = family.capture(child, with_input(input.clone()));
    assert_same(&output.stdout, &input);
    assert_eq!((output.stderr.len(), output.truncated, output.overflow), (0, false, None));
    assert!(family.status(child).success());
}

fn both_streams_are_large() {
    let mut family = Family::new();
    let input = pattern(8 * MEGABYTE);
    let child = family.spawn(&piped(program("tee", &["/dev/stderr"])));
    let output = family.capture(child, with_input(input.clone()));
    assert_same(&output.stdout, &input);
    assert_same(&output.stderr, &input);
    assert!(family.status(child).success());
}

/// Past all changes in how its memory is come by.
fn an_output_that_is_very_large() {
    let mut family = Family::new();
    let input = pattern(8 * MEGABYTE).repeat(10);
    let child = family.spawn(&piped(program("cat", &[])));
    let output = family.capture(child, with_input(input.clone()));
    assert_same(&output.stdout, &input);
    assert!(family.status(child).success());
}

fn more_than_wanted_kills() {
    let mut family = Family::new();
    for (script, stream, most) in
        [("exec yes", 1, 100_000), ("exec yes >&2", 2, 0), ("exec yes", 1, 5 * MEGABYTE), ("exec yes >&2", 2, 65_536)]
    {
        let child = family.spawn(&piped(shell(script)));
        let output = family.capture(child, CaptureOptions { max_buffer: most, ..everything() });
        assert_eq!((output.truncated, output.overflow), (true, Some(stream)));
        let (full, empty) = if stream == 1 { (output.stdout, output.stderr) } else { (output.stderr, output.stdout) };
        assert_eq!((full.len(), empty.len()), (most, 0));
        assert_eq!(family.status(child).signal(), Some(libc::SIGKILL));
    }
}

fn just_as_much_as_wanted_is_fine() {
    let mut family = Family::new();
    for length in [0, 1, 65_535, 65_536, 65_537, MEGABYTE] {
        let child = family.spawn(&piped(program("cat", &[])));
        let options = CaptureOptions { max_buffer: length, ..with_input(vec![b'x'; length]) };
        let output = family.capture(child, options);
        assert_eq!((output.stdout.len(), output.truncated, output.overflow), (length, false, None));
        assert!(family.status(child).success());
    }
}

fn a_child_may_close_its_stdin_early() {
    let mut family = Family::new();
    for (script, told) in [("exec 0<&-; echo done", "done\n"), ("head -c 1", "x"), ("true", "")] {
        let child = family.spawn(&piped(shell(script)));
        let output = family.capture(child, with_input(vec![b'x'; 8 * MEGABYTE]));
        assert_eq!((output.stdout.as_slice(), output.truncated), (told.as_bytes(), false));
        assert!(family.status(child).success());
    }
}

fn empty_input_is_the_end_of_stdin() {
    let mut family = Family::new();
    let child = family.spawn(&piped(program("cat", &[])));
    assert_eq!(family.capture(child, with_input("")).stdout, b"");
    assert!(family.status(child).success());
}

fn no_input_leaves_stdin_alone() {
    let mut family = Family::new();
    let child = family.spawn(&piped(program("cat", &[])));
    family.environment.capture(child.id, everything()).expect("the pipes can be watched");
    let Claim::Pipe(stdin) = family.environment.claim(child.id, 0) else { panic!("it is still there") };
    nix::unistd::write(&stdin, b"by hand").expect("somebody reads");
    drop(stdin);
    assert_eq!(family.output(child).stdout, b"by hand");
    family.exit(child);
}

fn input_is_fed_where_no_output_is_captured() {
    let scratch = Scratch::new("input");
    let mut family = Family::new();
    for length in [1, 8 * MEGABYTE] {
        let (path, input) = (scratch.join("copy"), pattern(length.next_multiple_of(4)));
        let command = program("cp", &["/dev/stdin", path.to_str().expect("text")]).descriptor(0, Descriptor::Pipe);
        let child = family.spawn(&command);
        let output = family.capture(child, with_input(input.clone()));
        assert_eq!((output.stdout.len(), output.stderr.len(), output.truncated), (0, 0, false));
        assert!(family.status(child).success());
        assert_same(&fs::read(&path).expect("it was made"), &input);
    }
}

fn input_is_fed_on_when_the_output_has_ended() {
    let scratch = Scratch::new("fed-on");
    let (path, input) = (scratch.join("copy"), pattern(8 * MEGABYTE));
    let mut family = Family::new();
    let script = format!("exec >&- 2>&-; exec cat > {}", path.display());
    let child = family.spawn(&piped(shell(&script)));
    family.capture(child, with_input(input.clone()));
    assert!(family.status(child).success());
    assert_same(&fs::read(&path).expect("it was made"), &input);
}

fn input_that_nobody_reads_ends_with_the_child() {
    let mut family = Family::new();
    for script in ["exec >&- 2>&-; read line", "read line"] {
        let child = family.spawn(&piped(shell(script)));
        let mut input = b"line\n".to_vec();
        input.resize(8 * MEGABYTE, b'x');
        family.capture(child, with_input(input));
        assert!(family.status(child).success());
    }
}

/// A child that has written and ended before anybody asked.
fn ended(family: &mut Family, script: &str) -> Spawned {
    let child = family.spawn(&piped(shell(script)));
    assert!(family.exit(child).has_leftovers);
    child
}

fn a_child_that_ends_first_leaves_its_output() {
    let mut family = Family::new();
    let child = ended(&mut family, "echo out; echo err >&2");
    let output = family.capture(child, everything());
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    // As much as a pipe holds.
    let child = ended(&mut family, "head -c 65536 /dev/zero");
    assert_eq!(family.capture(child, everything()).stdout.len(), 65_536);
    // There is nothing more of it.
    assert_eq!(family.capture(child, everything()).stdout.len(), 0);
    // One that wrote nothing leaves nothing.
    let child = family.spawn(&piped(program("true", &[])));
    assert!(!family.exit(child).has_leftovers);
    assert_eq!(family.capture(child, with_input("in")).stdout, b"");
}

fn leftovers_obey_the_limit() {
    let mut family = Family::new();
    let child = ended(&mut family, "echo a long line");
    let output = family.capture(child, CaptureOptions { max_buffer: 3, ..everything() });
    assert_eq!((output.stdout.as_slice(), output.truncated, output.overflow), (&b"a l"[..], true, Some(1)));
}

fn what_was_claimed_is_not_captured() {
    let mut family = Family::new();
    let child = family.spawn(&piped(shell("read line; echo out; echo err >&2")));
    let Claim::Pipe(_stdout) = family.environment.claim(child.id, 1) else { panic!("it was not claimed before") };
    drop(family.environment.claim(child.id, 0));
    let output = family.capture(child, everything());
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b""[..], &b"err\n"[..]));
    assert!(matches!(family.environment.claim(child.id, 2), Claim::Nothing), "the capture has it");
    family.exit(child);
}

fn many_at_once() {
    let mut family = Family::new();
    let children: Vec<_> = (0..100)
        .map(|number| {
            let script = format!("head -c {} /dev/zero; echo {number} >&2", 1000 * number);
            let child = family.spawn(&piped(shell(&script)));
            family.environment.capture(child.id, with_input("ignored")).expect("the pipes can be watched");
            child
        })
        .collect();
    for (number, child) in children.into_iter().enumerate() {
        let output = family.output(child);
        assert_eq!((output.stdout.len(), output.stderr), (1000 * number, format!("{number}\n").into_bytes()));
        assert!(family.status(child).success());
    }
}

/// A shell that ends and leaves a grandchild that holds its stdout, and tells the grandchild's pid there.
fn with_grandchild() -> Command {
    piped(shell("sleep 1000 <&- 2>&- & echo $!")).session()
}

fn pid_in(stdout: &[u8]) -> u32 {
    std::str::from_utf8(stdout).ok().and_then(|text| text.trim().parse().ok()).expect("a pid")
}

fn end(pid: u32) {
    kill(Pid::from_raw(pid as i32), NixSignal::SIGKILL).expect("it runs");
}

/// The only process that has this one as its session.
fn grandchild_of(child: Spawned) -> u32 {
    let mut found = None;
    until("the grandchild is there", || {
        found = fs::read_dir("/proc").expect("/proc is there").find_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let session: u32 = stat.rsplit_once(") ")?.1.split(' ').nth(3)?.parse().ok()?;
            (session == child.pid && pid != child.pid && is_alive(pid)).then_some(pid)
        });
        found.is_some()
    });
    found.expect("until found it")
}

fn without_a_drain_a_grandchild_is_waited_for() {
    let mut family = Family::new();
    let child = family.spawn(&with_grandchild());
    family.environment.capture(child.id, everything()).expect("the pipes can be watched");
    assert!(family.status(child).success());
    let grandchild = grandchild_of(child);
    assert!(!family.knows_output(child));
    end(grandchild);
    let output = family.output(child);
    assert_eq!((pid_in(&output.stdout), output.truncated), (grandchild, false));
}

fn a_drain_is_the_longest_wait_for_a_grandchild() {
    let mut family = Family::new();
    let start = Instant::now();
    let child = family.spawn(&with_grandchild());
    let output = family.capture(child, with_drain(50));
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert!(output.truncated);
    end(pid_in(&output.stdout));
    assert!(family.status(child).success());
    // A stream that ends is not waited for any longer.
    let child = family.spawn(&piped(shell("echo out")));
    let output = family.capture(child, with_drain(1_000_000));
    assert_eq!((output.stdout.as_slice(), output.truncated), (&b"out\n"[..], false));
    family.exit(child);
}

fn no_drain_time_takes_what_is_there() {
    let mut family = Family::new();
    for _ in 0..20 {
        let child = family.spawn(&with_grandchild());
        let output = family.capture(child, with_drain(0));
        assert!(output.truncated);
        end(pid_in(&output.stdout));
        assert!(family.status(child).success());
        let child = family.spawn(&piped(shell("echo out; echo err >&2")));
        let output = family.capture(child, with_drain(0));
        assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
        assert!(!output.truncated);
        family.exit(child);
    }
}

fn a_grandchild_may_outlive_the_capture_of_leftovers() {
    let mut family = Family::new();
    for drain in [0, 20] {
        let child = family.spawn(&with_grandchild());
        assert!(family.exit(child).has_leftovers);
        let output = family.capture(child, with_drain(drain));
        assert!(output.truncated);
        end(pid_in(&output.stdout));
    }
    let child = family.spawn(&with_grandchild());
    family.exit(child);
    let Claim::Pipe(stdout) = family.environment.claim(child.id, 1) else { panic!("somebody still holds it") };
    let mut told = [0; 16];
    let length = nix::unistd::read(&stdout, &mut told).expect("it can be read");
    end(pid_in(&told[..length]));
    assert!(matches!(family.environment.claim(child.id, 1), Claim::Nothing));
}

fn a_hurried_capture_ends_with_its_child() {
    let mut family = Family::new();
    let child = family.spawn(&with_grandchild());
    family.environment.capture(child.id, everything()).expect("the pipes can be watched");
    family.environment.hurry_capture(child.id);
    let output = family.output(child);
    assert!(output.truncated);
    end(pid_in(&output.stdout));
    assert!(family.status(child).success());
    // It does not end before the child does.
    let child = family.spawn(&piped(program("cat", &[])));
    family.environment.capture(child.id, everything()).expect("the pipes can be watched");
    let Claim::Pipe(stdin) = family.environment.claim(child.id, 0) else { panic!("it is still there") };
    family.environment.hurry_capture(child.id);
    nix::unistd::write(&stdin, b"late").expect("somebody reads");
    drop(stdin);
    assert_eq!(family.output(child).stdout, b"late");
    family.exit(child);
}

fn a_hurried_capture_whose_child_has_ended_ends_at_once() {
    let mut family = Family::new();
    let child = family.spawn(&with_grandchild());
    family.environment.capture(child.id, everything()).expect("the pipes can be watched");
    assert!(family.status(child).success());
    family.environment.hurry_capture(child.id);
    let output = family.output(child);
    assert!(output.truncated);
    end(pid_in(&output.stdout));
    // Once more is nothing more, whoever it is about.
    family.environment.hurry_capture(child.id);
    family.environment.hurry_capture(u64::MAX);
    family.sort();
}

/// `until` of a family waits for calls, so an output that nobody was called for is never found.
fn the_output_is_told_even_when_the_exit_was_asked_for() {
    let mut family = Family::new();
    for _ in 0..30 {
        let child = family.spawn(&with_grandchild());
        family.environment.capture(child.id, with_drain(0)).expect("the pipes can be watched");
        while family.environment.try_wait(child.id).is_none() {
            std::hint::spin_loop();
        }
        let output = family.output(child);
        end(pid_in(&output.stdout));
    }
}

fn a_capture_keeps_the_child_reapable_on_its_own() {
    let mut family = Family::new();
    let child = family.spawn(&sleeper().descriptor(1, Descriptor::Pipe));
    family.environment.capture(child.id, everything()).expect("the pipe can be watched");
    assert!(family.environment.kill(child.id, Signal::KILL).expect("it is ours"));
    assert_eq!(family.status(child).signal(), Some(libc::SIGKILL));
    assert_eq!(family.output(child).stdout, b"");
    // Dropped while it is captured: who waits for the output is told that there is no more, and nothing else is told.
    let child = family.spawn(&sleeper().descriptor(1, Descriptor::Pipe).kill_on_drop());
    family.environment.capture(child.id, everything()).expect("the pipe can be watched");
    family.environment.drop_child(child.id);
    until("its end", || !is_alive(child.pid));
    assert!(family.output(child).truncated);
    assert!(!family.knows_output(child) && !family.knows_exit(child));
}
