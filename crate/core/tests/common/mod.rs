//! What the tests of real processes share: an environment whose events can be waited for with a deadline.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]

use std::{
    collections::HashMap,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use brood_core::{
    CaptureOptions, Command, Environment, Event, ExecFailure, Exit, ExitStatus, Notify, Outcome, Output, SpawnFailure,
    Spawned,
};

/// Long enough for a loaded machine; nothing here waits that long unless it fails.
pub const DEADLINE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Bell {
    rung: Mutex<u64>,
    heard: Condvar,
}

struct Ringer(Arc<Bell>);

impl Notify for Ringer {
    fn notify(&self) {
        *self.0.rung.lock().unwrap() += 1;
        self.0.heard.notify_all();
    }
}

/// An environment and the events that came to it.
pub struct Family {
    pub environment: Environment,
    bell: Arc<Bell>,
    exits: HashMap<u64, Exit>,
    outputs: HashMap<u64, Output>,
    execs: Vec<u64>,
    pub reaped: Vec<(u32, Outcome)>,
}

impl Family {
    pub fn new() -> Self {
        let bell = Arc::new(Bell::default());
        let environment = Environment::new(Box::new(Ringer(Arc::clone(&bell)))).expect("the driver starts");
        Self {
            environment,
            bell,
            exits: HashMap::new(),
            outputs: HashMap::new(),
            execs: Vec::new(),
            reaped: Vec::new(),
        }
    }

    pub fn spawn(&self, command: &Command) -> Spawned {
        self.try_spawn(command).expect("the process starts")
    }

    pub fn try_spawn(&self, command: &Command) -> Result<Spawned, SpawnFailure> {
        self.environment.spawn(&command.encode())
    }

    pub fn shell(&self, script: &str) -> Spawned {
        self.spawn(&shell(script))
    }

    fn sort(&mut self) {
        for event in self.environment.take() {
            match event {
                Event::Exit(exit) => assert!(self.exits.insert(exit.id, exit).is_none(), "one exit a child"),
                Event::Output(output) => assert!(self.outputs.insert(output.id, output).is_none(), "one output"),
                Event::Exec { id } => self.execs.push(id),
                Event::Reaped { pid, outcome, .. } => self.reaped.push((pid, outcome)),
            }
        }
    }

    /// Takes events in until `wanted` finds what it looks for.
    pub fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(&mut Self) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            self.sort();
            if let Some(found) = wanted(self) {
                return found;
            }
            assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
            // The bell can ring before the wait begins; a short wait makes that a delay instead of a hang.
            let rung = self.bell.rung.lock().unwrap();
            let _ = self.bell.heard.wait_timeout(rung, Duration::from_millis(10)).unwrap();
        }
    }

    pub fn exit(&mut self, child: Spawned) -> Exit {
        self.until("an exit", |family| family.exits.remove(&child.id))
    }

    pub fn status(&mut self, child: Spawned) -> ExitStatus {
        match self.exit(child).outcome {
            Outcome::Ended { status, .. } => status,
            other => panic!("{other:?}"),
        }
    }

    pub fn exec_failure(&mut self, child: Spawned) -> ExecFailure {
        match self.exit(child).outcome {
            Outcome::NotExecuted(failure) => failure,
            other => panic!("{other:?}"),
        }
    }

    pub fn exec(&mut self, child: Spawned) {
        if !self.environment.watch_exec(child.id) {
            self.until("an exec", |family| family.execs.contains(&child.id).then_some(()));
        }
    }

    pub fn capture(&mut self, child: Spawned, options: CaptureOptions) -> Output {
        self.environment.capture(child.id, options).expect("the pipes can be watched");
        self.output(child)
    }

    pub fn output(&mut self, child: Spawned) -> Output {
        self.until("an output", |family| family.outputs.remove(&child.id))
    }
}

pub fn shell(script: &str) -> Command {
    Command::new("sh").and_then(|sh| sh.args(["-c", script])).expect("no NUL in it")
}

pub fn everything() -> CaptureOptions {
    CaptureOptions { input: None, max_buffer: usize::MAX, drain: None }
}

/// Polls until `done`, with a deadline.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Children of this process that have ended and were not reaped.
pub fn zombies() -> usize {
    let me = std::process::id();
    std::fs::read_dir("/proc")
        .expect("/proc is there")
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("stat")).ok())
        .filter(|stat| {
            let fields: Vec<_> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
            fields.first() == Some(&"Z") && fields.get(1).and_then(|ppid| ppid.parse().ok()) == Some(me)
        })
        .count()
}

/// Open descriptors of this process.
pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc is there").count()
}
