//! The story of a candidate, told by a family that does what the test says.

use std::{
    io,
    time::{Duration, Instant},
};

use super::{BusyThread, Candidates, FIRST_PATIENCE, Kin, LONGEST_LOOK_ELSEWHERE, Look, Started, Zombies};
use crate::ExitStatus;

const GRACE: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct MockKin {
    zombies: Zombies,
    busy: Vec<BusyThread>,
    raised: usize,
    reaped: Vec<u32>,
    /// Another one, and all pids are those of other processes.
    generation: u64,
}

impl Kin for MockKin {
    fn zombies(&mut self) -> Zombies {
        self.zombies.clone()
    }

    fn is_zombie(&mut self, pid: u32) -> bool {
        matches!(&self.zombies, Zombies::Here(zombies) if zombies.contains(&pid))
    }

    fn started(&mut self, pid: u32) -> Started {
        Some(u64::from(pid) * 10 + self.generation)
    }

    fn age(&self, _started: Started) -> Duration {
        Duration::from_secs(7)
    }

    fn busy_threads(&mut self) -> Vec<BusyThread> {
        self.busy.clone()
    }

    fn raise_sigchld(&mut self) {
        self.raised += 1;
    }

    fn reap(&mut self, pid: u32) -> io::Result<Option<ExitStatus>> {
        self.reaped.push(pid);
        Ok(Some(ExitStatus::from_code(0)))
    }
}

fn family(zombies: &[u32]) -> Candidates<MockKin> {
    let kin = MockKin { zombies: Zombies::None, busy: Vec::new(), raised: 0, reaped: Vec::new(), generation: 0 };
    let mut candidates = Candidates::new(kin);
    candidates.show(zombies);
    candidates
}

impl Candidates<MockKin> {
    fn show(&mut self, zombies: &[u32]) {
        self.kin.zombies = Zombies::Here(zombies.to_vec());
    }

    fn reap_all(&mut self) -> Vec<u32> {
        let mut told = Vec::new();
        let count = self.reap(|pid, _, age| {
            assert_eq!(age, Duration::from_secs(7));
            told.push(pid);
        });
        assert_eq!(count, told.len());
        assert_eq!(std::mem::take(&mut self.kin.reaped), told);
        told
    }
}

#[test]
fn nobody_is_reaped_before_the_grace_period_is_over() {
    let (mut candidates, start) = (family(&[5]), Instant::now());
    assert_eq!(candidates.look(start, GRACE), Look::Later(GRACE));
    assert_eq!(candidates.look(start + GRACE * 3 / 4, GRACE), Look::Later(GRACE / 4));
    assert_eq!(candidates.reap_all(), []);
    assert_eq!(candidates.kin.raised, 0);
    assert_eq!(candidates.look(start + GRACE, GRACE), Look::Ready);
    assert_eq!(candidates.kin.raised, 1, "libuv is made to look before it is too late");
    assert_eq!(candidates.reap_all(), [5]);
}

#[test]
fn nobody_is_reaped_without_a_look_that_was_ready() {
    let (mut candidates, start) = (family(&[5]), Instant::now());
    candidates.look(start, GRACE);
    candidates.look(start + GRACE, GRACE);
    candidates.show(&[5, 6]);
    assert_eq!(candidates.reap_all(), [5], "6 came after the look");
    assert_eq!(candidates.look(start + GRACE * 2, GRACE), Look::Later(GRACE), "and begins with its own grace period");
}

#[test]
fn one_that_its_owner_reaps_in_time_is_forgotten() {
    let (mut candidates, start) = (family(&[5]), Instant::now());
    candidates.look(start, GRACE);
    candidates.kin.zombies = Zombies::None;
    assert_eq!(candidates.look(start + GRACE, GRACE), Look::Nothing);
    assert_eq!(candidates.reap_all(), []);
}

#[test]
fn one_that_its_owner_reaps_in_the_last_turn_is_left_to_him() {
    let (mut candidates, start) = (family(&[5, 6]), Instant::now());
    candidates.look(start, GRACE);
    assert_eq!(candidates.look(start + GRACE, GRACE), Look::Ready);
    candidates.show(&[6]);
    assert_eq!(candidates.reap_all(), [6]);
}

#[test]
fn another_process_with_the_same_pid_begins_anew() {
    let (mut candidates, start) = (family(&[5]), Instant::now());
    candidates.look(start, GRACE);
    candidates.kin.generation += 1;
    assert_eq!(candidates.look(start + GRACE, GRACE), Look::Ready, "nobody has looked closely yet");
    assert_eq!(candidates.reap_all(), []);
    assert_eq!(candidates.look(start + GRACE, GRACE), Look::Later(GRACE));
    assert_eq!(candidates.look(start + GRACE * 2, GRACE), Look::Ready);
    assert_eq!(candidates.reap_all(), [5]);
}

#[test]
fn a_thread_that_has_not_run_is_waited_for() {
    let (mut candidates, start) = (family(&[5]), Instant::now());
    candidates.look(start, GRACE);
    candidates.kin.busy = vec![BusyThread { id: 70, ran: 3 }, BusyThread { id: 71, ran: 3 }];
    let mut now = start + GRACE;
    assert_eq!(candidates.look(now, GRACE), Look::Later(FIRST_PATIENCE));
    now += FIRST_PATIENCE;
    assert_eq!(candidates.look(now, GRACE), Look::Later(FIRST_PATIENCE * 2));
    assert_eq!(candidates.reap_all(), []);
    // One runs on, the other one falls asleep.
    candidates.kin.busy = vec![BusyThread { id: 71, ran: 4 }];
    assert_eq!(candidates.look(now, GRACE), Look::Ready);
    assert_eq!(candidates.reap_all(), [5]);
}

#[test]
fn one_that_comes_while_threads_are_waited_for_waits_for_threads_of_its_own() {
    let (mut candidates, start) = (family(&[5]), Instant::now());
    candidates.look(start, GRACE);
    candidates.kin.busy = vec![BusyThread { id: 70, ran: 3 }];
    candidates.look(start + GRACE, GRACE);
    candidates.show(&[5, 6]);
    candidates.look(start + GRACE, GRACE);
    candidates.kin.busy = vec![BusyThread { id: 70, ran: 4 }];
    // 6 has had its grace, but thread 70 may have been woken up for it since it last ran.
    assert_eq!(candidates.look(start + GRACE * 2, GRACE), Look::Ready);
    assert_eq!(candidates.reap_all(), [5]);
    assert!(matches!(candidates.look(start + GRACE * 2, GRACE), Look::Later(_)));
    candidates.kin.busy.clear();
    assert_eq!(candidates.look(start + GRACE * 2, GRACE), Look::Ready);
    assert_eq!(candidates.reap_all(), [6]);
}

#[test]
fn zombies_of_other_threads_are_looked_after_less_and_less_often() {
    let (mut candidates, start) = (family(&[]), Instant::now());
    candidates.kin.zombies = Zombies::Elsewhere;
    let mut before = Duration::ZERO;
    for _ in 0..10 {
        let Look::Later(next) = candidates.look(start, GRACE) else { panic!("they may fall to us") };
        assert!(next > before || next == LONGEST_LOOK_ELSEWHERE);
        before = next;
    }
    assert_eq!(before, LONGEST_LOOK_ELSEWHERE);
    // The thread ends: its grace period begins when it has fallen to us, not before.
    candidates.show(&[5]);
    assert_eq!(candidates.look(start, GRACE), Look::Later(GRACE));
}

#[test]
fn without_a_grace_period_the_turn_and_the_threads_are_waited_for_all_the_same() {
    let (mut candidates, start) = (family(&[5]), Instant::now());
    candidates.kin.busy = vec![BusyThread { id: 70, ran: 3 }];
    assert_eq!(candidates.look(start, Duration::ZERO), Look::Later(FIRST_PATIENCE));
    candidates.kin.busy.clear();
    assert_eq!(candidates.look(start, Duration::ZERO), Look::Ready);
    assert_eq!(candidates.reap_all(), [5]);
}
