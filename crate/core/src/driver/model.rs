//! The registry and the outboxes under every order of events that threads can bring about.
//!
//! Run by `RUSTFLAGS="--cfg loom" cargo test -p brood-core --release --lib --test loom loom_`.

use std::{io, sync::Arc, time::Duration};

use loom::{
    model::Builder,
    sync::atomic::{
        AtomicBool, AtomicUsize,
        Ordering::{AcqRel, Acquire, Release},
    },
    thread,
};

use super::{
    event::{Event, Exit, Outcome},
    outbox::{Notify, Outbox},
    registry::{Entry, Owner, Registry},
};
use crate::{ExitStatus, Kill, Signal, Wait};

const ID: u64 = 7;

/// Switches between threads at places where none has to wait; without a bound three threads take minutes.
fn model(run: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(run);
}

/// The kernel's side of one child.
#[derive(Debug, Default)]
struct Kernel {
    ended: AtomicBool,
    reaped: AtomicBool,
}

/// Our side of it.
#[derive(Debug, Clone)]
struct Child(Arc<Kernel>);

impl Wait for Child {
    fn id(&self) -> u32 {
        42
    }

    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        if !self.0.ended.load(Acquire) {
            return Ok(None);
        }
        assert!(!self.0.reaped.swap(true, AcqRel), "reaped twice: in the kernel this would be another child by now");
        Ok(Some(ExitStatus::from_code(0)))
    }
}

impl Kill for Child {
    fn kill(&mut self, _signal: Signal) -> io::Result<bool> {
        assert!(!self.0.reaped.load(Acquire), "a signal to a pid that may be another's by now");
        self.0.ended.store(true, Release);
        Ok(true)
    }
}

/// Counts its calls, and must not be called once it is closed.
#[derive(Debug, Clone, Default)]
struct Environment {
    calls: Arc<AtomicUsize>,
    closed: Arc<AtomicBool>,
}

impl Notify for Environment {
    fn notify(&self) {
        assert!(!self.closed.load(Acquire), "called after its end");
        self.calls.fetch_add(1, AcqRel);
    }
}

/// A registry with one child in it, and what became of the child.
#[derive(Debug, Clone)]
struct World {
    registry: Arc<Registry<Child>>,
    outbox: Arc<Outbox>,
    environment: Environment,
    kernel: Arc<Kernel>,
    /// How often it was made an orphan.
    orphaned: Arc<AtomicUsize>,
    /// How often it was reaped as one.
    reaped: Arc<AtomicUsize>,
}

impl World {
    fn new() -> Self {
        let (environment, kernel) = (Environment::default(), Arc::new(Kernel::default()));
        let outbox = Arc::new(Outbox::new(Box::new(environment.clone())));
        let registry = Arc::new(Registry::new());
        let entry = Entry {
            child: Child(Arc::clone(&kernel)),
            owner: Owner::Environment(Arc::clone(&outbox)),
            kill_on_drop: false,
            kill_tree: false,
            stdio: Vec::new(),
            capture: None,
            spurious: 0,
        };
        registry.lock().insert(ID, entry);
        Self { registry, outbox, environment, kernel, orphaned: Arc::default(), reaped: Arc::default() }
    }

    /// Runs in a thread of its own.
    fn spawn(&self, run: impl FnOnce(Self) + 'static) -> thread::JoinHandle<()> {
        let world = self.clone();
        thread::spawn(move || run(world))
    }

    /// The driver, or a `try_wait`: asks, and tells the owner.
    fn look(&self) {
        let mut entries = self.registry.lock();
        let Some(entry) = entries.get(ID) else { return };
        let asked = entry.child.try_wait();
        if let Some((entry, Ok(status))) = entries.take_ended(ID, asked) {
            match entry.owner {
                Owner::Environment(outbox) => outbox.post(Event::Exit(Exit {
                    id: ID,
                    pid: 42,
                    outcome: Outcome::Ended { status, max_rss_is_own: false },
                    duration: Duration::ZERO,
                    has_leftovers: false,
                })),
                Owner::OrphanQueue => {
                    self.reaped.fetch_add(1, AcqRel);
                }
            }
        }
        drop(entries);
        self.outbox.call();
    }

    fn kill(&self) {
        let mut entries = self.registry.lock();
        if let Some(entry) = entries.get_own(ID, &self.outbox)
            && !self.kernel.ended.load(Acquire)
        {
            entry.child.kill(Signal::KILL).expect("nothing can fail");
        }
    }

    /// The drop rule.
    fn drop_child(&self) {
        let mut entries = self.registry.lock();
        if entries.get_own(ID, &self.outbox).is_some() {
            entries.orphan(ID);
            self.orphaned.fetch_add(1, AcqRel);
        }
    }

    fn end(&self) {
        self.kernel.ended.store(true, Release);
    }

    /// The child was dealt with by exactly one, in exactly one way.
    fn check(&self) {
        self.look();
        let told = self.outbox.empty().len();
        let (orphaned, reaped) = (self.orphaned.load(Acquire), self.reaped.load(Acquire));
        assert_eq!(told + orphaned, 1, "{told} told, {orphaned} orphaned");
        assert_eq!(reaped, orphaned, "an orphan that nobody has reaped, or a status that went two ways");
        assert!(self.kernel.reaped.load(Acquire), "a zombie");
        assert!(told == 0 || self.environment.calls.load(Acquire) > 0, "nobody was called for it");
    }
}

fn join(threads: impl IntoIterator<Item = thread::JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("no panic");
    }
}

#[test]
fn loom_an_exit_and_a_drop_at_once_deal_with_the_child_once() {
    model(|| {
        let world = World::new();
        let kernel = world.spawn(|world| {
            world.end();
            world.look();
        });
        world.drop_child();
        join([kernel]);
        world.check();
    });
}

#[test]
fn loom_exit_kill_and_drop_at_once_deal_with_the_child_once() {
    model(|| {
        let world = World::new();
        let threads = [
            world.spawn(|world| {
                world.end();
                world.look();
            }),
            world.spawn(|world| world.kill()),
        ];
        world.drop_child();
        join(threads);
        world.check();
    });
}

#[test]
fn loom_two_looks_and_a_kill_take_the_status_once() {
    model(|| {
        let world = World::new();
        let threads = [world.spawn(|world| world.look()), world.spawn(|world| world.look())];
        world.kill();
        join(threads);
        world.check();
    });
}

#[test]
fn loom_two_drops_are_one() {
    model(|| {
        let world = World::new();
        let other = world.spawn(|world| world.drop_child());
        world.drop_child();
        world.end();
        join([other]);
        world.check();
    });
}

/// What is posted while the environment empties its outbox is found by it, or it is called once more.
#[test]
fn loom_no_event_stays_behind_without_a_call() {
    model(|| {
        let (environment, told) = (Environment::default(), Arc::new(AtomicUsize::new(0)));
        let outbox = Arc::new(Outbox::new(Box::new(environment.clone())));
        let driver = thread::spawn({
            let outbox = Arc::clone(&outbox);
            move || {
                for id in 0..2 {
                    outbox.post(Event::Exec { id });
                    outbox.call();
                }
            }
        });
        let mut answered = 0;
        for _ in 0..2 {
            let calls = environment.calls.load(Acquire);
            if calls > answered {
                answered = calls;
                told.fetch_add(outbox.empty().len(), AcqRel);
            }
        }
        driver.join().expect("no panic");
        if environment.calls.load(Acquire) > answered {
            told.fetch_add(outbox.empty().len(), AcqRel);
        }
        assert_eq!(told.load(Acquire), 2);
    });
}

/// On Node.js 20, 22 and early 24 this would be a use after free.
#[test]
fn loom_nobody_is_called_once_close_is_back() {
    model(|| {
        let environment = Environment::default();
        let outbox = Arc::new(Outbox::new(Box::new(environment.clone())));
        let driver = thread::spawn({
            let outbox = Arc::clone(&outbox);
            move || {
                outbox.post(Event::Exec { id: ID });
                outbox.call();
            }
        });
        outbox.close();
        environment.closed.store(true, Release);
        driver.join().expect("no panic");
    });
}
