use std::collections::BTreeMap;

use super::{
    super::catch::{CONTINUE, STOP},
    *,
};
use crate::process_table::{Table, scripted::row};

const OWN: u32 = 50;
const MARK: u64 = 1 << 62;

/// What happens to the processes of a scripted kernel at some time.
type Event = Box<dyn FnOnce(&mut Scripted)>;

/// A kernel whose processes do what is written down, and which keeps a list of the signals sent.
#[derive(Default)]
struct Scripted {
    rows: BTreeMap<u32, ProcessRow>,
    marks: BTreeMap<u32, u64>,
    sent: Vec<(u32, i32)>,
    /// What happens right after this pid has been read.
    after_read: Vec<(u32, Event)>,
    /// What happens at a pause.
    at_pause: Vec<Event>,
    /// Those who do not stop at once.
    slow: HashSet<u32>,
    forbidden: HashSet<u32>,
    /// How many lists of pids are answered.
    lists: Option<usize>,
    /// Whether it can be asked for the children of a process.
    lists_children: bool,
}

impl Scripted {
    fn with(lines: &[(u32, u32, u64)]) -> Self {
        let mut kernel = Self::default();
        for &line in [(1, 0, 0), (OWN, 1, 1)].iter().chain(lines) {
            kernel.born(line);
        }
        kernel
    }

    fn born(&mut self, line: (u32, u32, u64)) {
        self.rows.insert(line.0, row(line));
    }

    fn set(&mut self, pid: u32, change: impl FnOnce(&mut ProcessRow)) {
        change(self.rows.get_mut(&pid).expect("it is in the script"));
    }

    fn got(&self, signal: Signal) -> Vec<u32> {
        let mut pids: Vec<_> = self.sent.iter().filter(|sent| sent.1 == signal.as_raw()).map(|sent| sent.0).collect();
        pids.sort_unstable();
        pids
    }
}

impl Table for Scripted {
    fn pids(&mut self) -> io::Result<Vec<u32>> {
        if let Some(left) = &mut self.lists {
            *left = left.checked_sub(1).ok_or(io::Error::from_raw_os_error(libc::EMFILE))?;
        }
        Ok(self.rows.keys().copied().collect())
    }

    fn read(&mut self, pid: u32) -> io::Result<Option<ProcessRow>> {
        let read = self.rows.get(&pid).copied();
        if let Some(at) = self.after_read.iter().position(|(after, _)| *after == pid) {
            let (_, event) = self.after_read.remove(at);
            event(self);
        }
        Ok(read)
    }

    fn command(&mut self, _pid: u32) -> io::Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn children(&mut self, parent: &ProcessRow) -> io::Result<Option<Vec<u32>>> {
        let pids =
            self.rows.values().filter(|row| row.ppid == parent.identity.pid).map(|row| row.identity.pid).collect();
        Ok(self.lists_children.then_some(pids))
    }

    fn size(&mut self) -> io::Result<usize> {
        Ok(1000)
    }

    fn mark(&mut self, pid: u32) -> io::Result<Option<u64>> {
        Ok(self.marks.get(&pid).copied())
    }
}

impl Kernel for Scripted {
    fn signal(&mut self, identity: Identity, signal: Signal) -> io::Result<bool> {
        let Some(row) = self.rows.get_mut(&identity.pid).filter(|row| row.identity == identity) else {
            return Ok(false);
        };
        if self.forbidden.contains(&identity.pid) {
            return Err(io::Error::from_raw_os_error(libc::EPERM));
        }
        if signal == STOP && !self.slow.contains(&identity.pid) {
            row.state = b'T';
        } else if signal == CONTINUE {
            row.state = b'S';
        }
        self.sent.push((identity.pid, signal.as_raw()));
        Ok(true)
    }

    fn pause(&mut self) {
        if !self.at_pause.is_empty() {
            let event = self.at_pause.remove(0);
            event(self);
        }
    }
}

/// A kernel that lists only processes, and one that lists the children of each, too.
fn both(lines: &[(u32, u32, u64)]) -> [Scripted; 2] {
    [false, true].map(|lists_children| Scripted { lists_children, ..Scripted::with(lines) })
}

/// Kills the family of 10.
fn kill(kernel: &mut Scripted, signal: Signal) -> Vec<u32> {
    let target = Target { roots: vec![Identity { pid: 10, start: 5 }], marks: vec![MARK], ..Target::default() };
    kill_family_of(kernel, &target, signal)
}

fn kill_family_of(kernel: &mut Scripted, target: &Target, signal: Signal) -> Vec<u32> {
    let signalled = super::super::kill_by(kernel, target, signal, OWN).expect("nothing fails");
    let mut pids: Vec<_> = signalled.into_iter().map(|identity| identity.pid).collect();
    pids.sort_unstable();
    pids
}

#[test]
fn all_are_stopped_then_signalled_then_let_go() {
    for mut kernel in both(&[(10, OWN, 5), (11, 10, 6), (12, 11, 7), (13, OWN, 8)]) {
        assert_eq!(kill(&mut kernel, Signal::TERM), [10, 11, 12]);
        let signals: Vec<_> = kernel.sent.iter().map(|sent| sent.1).collect();
        let expected: Vec<_> =
            [libc::SIGSTOP, libc::SIGTERM, libc::SIGCONT].into_iter().flat_map(|signal| [signal; 3]).collect();
        assert_eq!(signals, expected);
        assert_eq!(kernel.sent[3].0, 12, "children first");
    }
}

#[test]
fn a_root_that_is_named_twice_is_signalled_once_and_goes_on() {
    for mut kernel in both(&[(10, OWN, 5), (11, 10, 6)]) {
        let roots = [10, 10, 11].map(|pid| Identity { pid, start: u64::from(pid - 5) }).to_vec();
        assert_eq!(
            kill_family_of(
                &mut kernel,
                &Target { roots, ..Target::default() },
                Signal::from_raw(libc::SIGUSR1).expect("a number in range")
            ),
            [10, 11]
        );
        assert_eq!(kernel.got(STOP), [10, 11]);
        assert_eq!(kernel.got(CONTINUE), [10, 11]);
    }
}

#[test]
fn signal_0_stops_nobody() {
    for mut kernel in both(&[(10, OWN, 5), (11, 10, 6)]) {
        assert_eq!(kill(&mut kernel, Signal::NONE), [10, 11]);
        assert_eq!((kernel.got(STOP).len(), kernel.got(CONTINUE).len()), (0, 0));
    }
}

#[test]
fn who_is_to_be_killed_or_stopped_is_not_continued() {
    for signal in [Signal::KILL, STOP] {
        let mut kernel = Scripted::with(&[(10, OWN, 5), (11, 10, 6)]);
        assert_eq!(kill(&mut kernel, signal), [10, 11]);
        assert_eq!(kernel.got(CONTINUE), [], "{signal:?}");
    }
}

#[test]
fn who_was_stopped_before_goes_on_only_to_end() {
    for (signal, continued) in [(Signal::TERM, vec![10, 11]), (Signal::from_raw(10).expect("SIGUSR1"), vec![10])] {
        let mut kernel = Scripted::with(&[(10, OWN, 5), (11, 10, 6)]);
        kernel.set(11, |row| row.state = b'T');
        assert_eq!(kill(&mut kernel, signal), [10, 11]);
        assert_eq!(kernel.got(CONTINUE), continued, "{signal:?}");
    }
}

#[test]
fn a_child_with_a_lower_pid_than_its_parent_is_found() {
    for mut kernel in both(&[(10, OWN, 5), (90, 10, 6), (3, 90, 7), (80, 3, 8), (2, 80, 9)]) {
        assert_eq!(kill(&mut kernel, Signal::KILL), [2, 3, 10, 80, 90]);
    }
}

#[test]
fn a_child_that_is_born_while_its_parent_is_being_stopped_is_found() {
    for mut kernel in both(&[(10, OWN, 5)]) {
        // The fork was under way, and the child gets a pid that the first search has been past already.
        kernel.slow.insert(10);
        kernel.at_pause.push(Box::new(|kernel| {
            kernel.born((2, 10, 6));
            kernel.set(10, |row| row.state = b'T');
        }));
        assert_eq!(kill(&mut kernel, Signal::KILL), [2, 10]);
    }
}

#[test]
fn a_child_that_is_born_behind_the_search_is_found() {
    let mut kernel = Scripted::with(&[(10, OWN, 5), (11, 10, 6), (90, 1, 2)]);
    kernel.slow.insert(11);
    kernel.after_read.push((90, Box::new(|kernel| kernel.born((2, 11, 7)))));
    kernel.at_pause.push(Box::new(|kernel| kernel.set(11, |row| row.state = b'T')));
    assert_eq!(kill(&mut kernel, Signal::KILL), [2, 10, 11]);
}

#[test]
fn who_is_continued_from_outside_is_stopped_again_and_its_new_child_found() {
    let mut kernel = Scripted::with(&[(10, OWN, 5), (11, 10, 6), (90, 1, 2)]);
    kernel.after_read.push((
        90,
        Box::new(|kernel| {
            kernel.set(10, |row| row.state = b'R');
            kernel.born((3, 10, 7));
        }),
    ));
    assert_eq!(kill(&mut kernel, Signal::KILL), [3, 10, 11]);
    assert_eq!(kernel.got(STOP), [3, 10, 10, 11]);
}

#[test]
fn whom_a_member_has_borne_by_the_time_it_is_met_again_is_found() {
    // 11 does not stop at once. Init is looked at last of all, and 11 has a child by then.
    let mut kernel = Scripted { lists_children: true, ..Scripted::with(&[(10, OWN, 5), (11, 10, 6)]) };
    kernel.slow.insert(11);
    kernel.after_read.push((1, Box::new(|kernel| kernel.born((12, 11, 7)))));
    kernel.at_pause.push(Box::new(|kernel| kernel.set(11, |row| row.state = b'T')));
    assert_eq!(kill(&mut kernel, Signal::KILL), [10, 11, 12]);
}

#[test]
fn who_is_hidden_from_lists_is_found_among_all() {
    // Init cannot be read, as where /proc is mounted with hidepid; the orphan can.
    let mut kernel = Scripted { lists_children: true, ..Scripted::with(&[(10, OWN, 5), (20, 1, 6)]) };
    kernel.rows.remove(&1);
    kernel.marks.insert(20, MARK);
    assert_eq!(kill(&mut kernel, Signal::KILL), [10, 20]);
}

#[test]
fn who_cannot_be_stopped_is_signalled_all_the_same() {
    for mut kernel in both(&[(10, OWN, 5), (11, 10, 6)]) {
        kernel.slow.insert(10);
        kernel.set(10, |row| row.state = b'D');
        assert_eq!(kill(&mut kernel, Signal::TERM), [10, 11]);
    }
}

#[test]
fn a_link_to_a_pid_that_has_changed_hands_is_none() {
    // 11 is our member's child when it is read. By the time 12 is read, it is a stranger with a child of its own.
    for mut kernel in both(&[(10, OWN, 5), (11, 10, 6)]) {
        kernel.after_read.push((
            11,
            Box::new(|kernel| {
                kernel.born((11, 1, 8));
                kernel.born((12, 11, 9));
            }),
        ));
        assert_eq!(kill(&mut kernel, Signal::KILL), [10]);
        // A child that is older than its parent is a child of who had the pid before.
    }
    for mut kernel in both(&[(10, OWN, 5), (11, 10, 8), (12, 11, 6)]) {
        assert_eq!(kill(&mut kernel, Signal::KILL), [10, 11]);
    }
}

#[test]
fn a_link_to_a_member_that_has_gone_is_none() {
    let mut kernel = Scripted::with(&[(10, OWN, 5), (11, 10, 6), (90, 1, 2)]);
    // 11 was taken in. Then it goes, and a stranger has its pid and a child.
    kernel.after_read.push((
        90,
        Box::new(|kernel| {
            kernel.born((11, 1, 8));
            kernel.born((95, 11, 9));
        }),
    ));
    assert_eq!(kill(&mut kernel, Signal::KILL), [10]);
}

#[test]
fn a_root_whose_pid_was_given_away_is_nobodys() {
    for mut kernel in both(&[(10, OWN, 6), (11, 10, 7)]) {
        assert_eq!(kill(&mut kernel, Signal::KILL), []);
    }
}

#[test]
fn orphans_are_known_by_their_mark_by_a_members_session_and_by_a_members_group() {
    let orphans = [(20, 1, 6), (21, 20, 7), (22, 1, 6), (23, OWN, 6), (24, OWN, 6), (25, 1, 6)];
    for mut kernel in both(&[(10, OWN, 5)]) {
        for orphan in orphans {
            kernel.born(orphan);
        }
        kernel.marks.insert(20, MARK);
        kernel.set(22, |row| row.sid = 10);
        kernel.set(23, |row| row.pgid = 10);
        kernel.set(24, |row| row.sid = 20);
        kernel.marks.insert(25, MARK + 1);
        assert_eq!(kill(&mut kernel, Signal::KILL), [10, 20, 21, 22, 23, 24]);
    }
}

#[test]
fn a_child_that_has_ended_has_its_family_by_the_mark() {
    for mut kernel in both(&[(20, 1, 6), (21, OWN, 6), (22, OWN, 6)]) {
        kernel.marks.extend([(20, MARK), (21, MARK)]);
        let target = Target { marks: vec![MARK], ..Target::default() };
        assert_eq!(kill_family_of(&mut kernel, &target, Signal::KILL), [20, 21]);
    }
}

#[test]
fn who_has_merely_joined_a_members_group_is_no_member() {
    // 13 is another child of ours, 15 the child of somebody who is neither.
    for mut kernel in both(&[(10, OWN, 5), (13, OWN, 6), (14, 1, 2), (15, 14, 6)]) {
        for pid in [13, 15] {
            kernel.set(pid, |row| row.pgid = 10);
        }
        let roots = vec![Identity { pid: 10, start: 5 }];
        let target = Target { roots, strangers: HashSet::from([13]), ..Target::default() };
        assert_eq!(kill_family_of(&mut kernel, &target, Signal::KILL), [10]);
    }
}

#[test]
fn neither_ourselves_nor_init_nor_the_kernel_is_ever_signalled() {
    for mut kernel in both(&[(10, 1, 0), (2, 10, 1)]) {
        kernel.set(1, |row| row.ppid = 10);
        kernel.set(2, |row| row.is_kernel = true);
        kernel.set(OWN, |row| row.ppid = 10);
        let target = Target { roots: vec![Identity { pid: 10, start: 0 }], ..Target::default() };
        assert_eq!(kill_family_of(&mut kernel, &target, Signal::KILL), [10]);
        assert_eq!(kernel.got(STOP), [10]);
    }
}

#[test]
fn who_is_not_ours_to_signal_is_passed_over_and_its_children_are_not() {
    for mut kernel in both(&[(10, OWN, 5), (11, 10, 6), (12, 11, 7)]) {
        kernel.forbidden.insert(11);
        assert_eq!(kill(&mut kernel, Signal::KILL), [10, 12]);
    }
    for mut kernel in both(&[(10, OWN, 5)]) {
        kernel.forbidden.insert(10);
        let target = Target { roots: vec![Identity { pid: 10, start: 5 }], ..Target::default() };
        let error = super::super::kill_by(&mut kernel, &target, Signal::KILL, OWN).expect_err("nobody was signalled");
        assert_eq!(error.raw_os_error(), Some(libc::EPERM));
    }
}

#[test]
fn a_search_that_fails_leaves_nobody_stopped() {
    let mut kernel = Scripted::with(&[(10, OWN, 5), (11, 10, 6)]);
    kernel.lists = Some(1);
    let target = Target { roots: vec![Identity { pid: 10, start: 5 }], ..Target::default() };
    let error = super::super::kill_by(&mut kernel, &target, Signal::TERM, OWN).expect_err("no descriptor is left");
    assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
    assert_eq!(kernel.got(Signal::TERM), [10, 11]);
    assert!(kernel.rows.values().all(|row| !row.is_stopped()));
}

#[test]
fn a_zombie_is_neither_signalled_nor_waited_for() {
    for mut kernel in both(&[(10, OWN, 5), (11, 10, 6)]) {
        kernel.set(11, |row| row.state = b'Z');
        assert_eq!(kill(&mut kernel, Signal::KILL), [10]);
    }
}
