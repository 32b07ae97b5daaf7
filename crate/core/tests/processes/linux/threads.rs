//! Many threads that spawn at once, while others change what a child is made from.

use std::{
    env,
    sync::{
        RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use brood_core::{Descriptor, Signal};

use super::{
    family::{Family, everything, program, sleeper, strings},
    suite::is_plain_mode,
};

crate::theme! {
    "threads",
    in_all_modes: true,
    together: [arguments_and_environments_are_not_torn, kill_drop_and_exit_race],
    alone: [],
}

/// A lock for `environ`, which the C library has none for.
static ENVIRON: RwLock<()> = RwLock::new(());

fn arguments_and_environments_are_not_torn() {
    let spawns = if is_plain_mode() { 2000 } else { 320 };
    let (next, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            // What the allocator gives back to one is what another one gets.
            let mut heap: Vec<Vec<u8>> = Vec::new();
            let mut round = 0_usize;
            while !done.load(Ordering::Relaxed) {
                round += 1;
                heap.push(vec![0xaa; round * 37 % 9000]);
                if heap.len() > 200 {
                    heap.drain(..150);
                }
                let _writing = ENVIRON.write().expect("nobody panics with it");
                let name = format!("BROOD_TEST_{}", round % 50);
                // SAFETY: everybody else in this program who reads or writes the environment holds the lock.
                unsafe {
                    if round.is_multiple_of(3) {
                        env::remove_var(name);
                    } else {
                        env::set_var(name, "v".repeat(round * 31 % 3000));
                    }
                }
            }
        });
        let spawners: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut family = Family::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= spawns {
                            return;
                        }
                        spawn_and_check(&mut family, number);
                    }
                })
            })
            .collect();
        let failed = spawners.into_iter().map(thread::ScopedJoinHandle::join).filter(Result::is_err).count();
        done.store(true, Ordering::Relaxed);
        assert_eq!(failed, 0);
    });
    for number in 0..50 {
        // SAFETY: no other thread runs that knows of the environment.
        unsafe { env::remove_var(format!("BROOD_TEST_{number}")) };
    }
}

fn spawn_and_check(family: &mut Family, number: usize) {
    // Files that are not there, for which cat is sorry on stderr: arguments to be recognised by.
    let arguments: Vec<_> =
        (0..20).map(|index| format!("{number}-{}", "a".repeat(number * (index + 1) % 500))).collect();
    let command = program("cat", &["/proc/self/cmdline", "/proc/self/environ"]).args(&arguments).expect("no NUL");
    let mut expected: Vec<String> = ["cat", "/proc/self/cmdline", "/proc/self/environ"].map(str::to_owned).into();
    expected.extend(arguments);
    let inherits = number.is_multiple_of(2);
    let (child, variables) = if inherits {
        let _reading = ENVIRON.read().expect("nobody panics with it");
        let ours: Vec<String> = env::vars().map(|(name, value)| format!("{name}={value}")).collect();
        (family.spawn(&command.descriptor(1, Descriptor::Pipe)), ours)
    } else {
        let variables: Vec<_> =
            (0..20).map(|index| (format!("V{index}"), "e".repeat(number * (index + 3) % 700))).collect();
        let command = variables
            .iter()
            .try_fold(command, |command, (name, value)| command.env(name, value))
            .expect("no NUL")
            .descriptor(1, Descriptor::Pipe);
        (family.spawn(&command), variables.into_iter().map(|(name, value)| format!("{name}={value}")).collect())
    };
    expected.extend(variables);
    let output = family.capture(child, everything()).stdout;
    let told: Vec<_> = strings(&output).into_iter().map(|string| string.to_string_lossy()).collect();
    assert_eq!(told, expected, "spawn {number}");
    family.exit(child);
}

/// Each child meets its end, a kill and a drop at about the same time, from three sides.
fn kill_drop_and_exit_race() {
    let family = Family::new();
    for round in 0..100 {
        let children: Vec<_> = (0..4).map(|_| family.spawn(&sleeper().kill_on_drop())).collect();
        thread::scope(|scope| {
            scope.spawn(|| {
                for child in &children {
                    family.environment.kill(child.id, Signal::KILL).expect("it is ours, or gone");
                }
            });
            scope.spawn(|| {
                for child in children.iter().rev() {
                    if round % 2 == 0 {
                        family.environment.drop_child(child.id);
                    } else {
                        let _ = family.environment.try_wait(child.id);
                    }
                }
            });
            scope.spawn(|| brood_core::GlobalOrphanQueue.reap_orphans());
        });
        for child in children {
            family.environment.drop_child(child.id);
        }
    }
}
