//! An environment whose events can be waited for with a deadline.

use std::{
    collections::HashMap,
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use brood_core::{
    CaptureOptions, Command, Descriptor, Environment, Event, ExecFailure, Exit, ExitStatus, Notify, Outcome, Output,
    SpawnError, SpawnFailure, Spawned,
};

use super::suite::DEADLINE;

#[derive(Default)]
struct Bell {
    rung: Mutex<u64>,
    heard: Condvar,
}

struct Ringer(Arc<Bell>);

impl Notify for Ringer {
    fn notify(&self) {
        *self.0.rung.lock().expect("nobody panics here") += 1;
        self.0.heard.notify_all();
    }
}

/// An environment and the events that came to it.
pub(crate) struct Family {
    pub(crate) environment: Environment,
    bell: Arc<Bell>,
    /// How many rings were answered.
    answered: u64,
    exits: HashMap<u64, Exit>,
    outputs: HashMap<u64, Output>,
    execs: Vec<u64>,
    pub(crate) reaped: Vec<(u32, Outcome)>,
}

impl Family {
    pub(crate) fn new() -> Self {
        Self::try_new().expect("the driver starts")
    }

    pub(crate) fn try_new() -> std::io::Result<Self> {
        let bell = Arc::new(Bell::default());
        let environment = Environment::new(Box::new(Ringer(Arc::clone(&bell))))?;
        Ok(Self {
            environment,
            bell,
            answered: 0,
            exits: HashMap::new(),
            outputs: HashMap::new(),
            execs: Vec::new(),
            reaped: Vec::new(),
        })
    }

    pub(crate) fn spawn(&self, command: &Command) -> Spawned {
        self.try_spawn(command).expect("the process starts")
    }

    pub(crate) fn try_spawn(&self, command: &Command) -> Result<Spawned, SpawnError> {
        self.environment.spawn(&command.encode()).map_err(|failure| match failure {
            SpawnFailure::Spawn(error) => error,
            SpawnFailure::Request(error) => panic!("{error}"),
        })
    }

    pub(crate) fn shell(&self, script: &str) -> Spawned {
        self.spawn(&shell(script))
    }

    /// How often the environment was called.
    pub(crate) fn calls(&self) -> u64 {
        *self.bell.rung.lock().expect("nobody panics here")
    }

    /// Takes events in.
    pub(crate) fn sort(&mut self) {
        for event in self.environment.take() {
            match event {
                Event::Exit(exit) => assert!(self.exits.insert(exit.id, exit).is_none(), "one exit a child"),
                Event::Output(output) => assert!(self.outputs.insert(output.id, output).is_none(), "one output"),
                Event::Exec { id } => self.execs.push(id),
                Event::Reaped { pid, outcome, .. } => self.reaped.push((pid, outcome)),
                Event::Signal { .. } => unreachable!("no signal is relayed here"),
            }
        }
    }

    /// Takes events in, each time the environment is called and only then, until `wanted` finds what it looks for.
    pub(crate) fn until<T>(&mut self, what: &str, mut wanted: impl FnMut(&mut Self) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(found) = wanted(self) {
                return found;
            }
            let mut rung = self.bell.rung.lock().expect("nobody panics here");
            while *rung == self.answered {
                let left = DEADLINE.checked_sub(start.elapsed());
                let left = left.unwrap_or_else(|| panic!("{what}: not within {DEADLINE:?}"));
                rung = self.bell.heard.wait_timeout(rung, left).expect("nobody panics here").0;
            }
            self.answered = *rung;
            drop(rung);
            self.sort();
        }
    }

    pub(crate) fn exit(&mut self, child: Spawned) -> Exit {
        self.until("an exit", |family| family.exits.remove(&child.id))
    }

    /// Whether the end of the child was told already.
    pub(crate) fn knows_exit(&mut self, child: Spawned) -> bool {
        self.sort();
        self.exits.contains_key(&child.id)
    }

    /// Whether its output was told already.
    pub(crate) fn knows_output(&mut self, child: Spawned) -> bool {
        self.sort();
        self.outputs.contains_key(&child.id)
    }

    pub(crate) fn status(&mut self, child: Spawned) -> ExitStatus {
        match self.exit(child).outcome {
            Outcome::Ended { status, .. } => status,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn exec_failure(&mut self, child: Spawned) -> ExecFailure {
        match self.exit(child).outcome {
            Outcome::NotExecuted(failure) => failure,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the child has exec'd.
    pub(crate) fn exec(&mut self, child: Spawned) {
        if !self.environment.watch_exec(child.id) {
            self.until("an exec", |family| family.execs.contains(&child.id).then_some(()));
        }
    }

    pub(crate) fn knows_exec(&mut self, child: Spawned) -> bool {
        self.sort();
        self.execs.contains(&child.id)
    }

    pub(crate) fn capture(&mut self, child: Spawned, options: CaptureOptions) -> Output {
        self.environment.capture(child.id, options).expect("the pipes can be watched");
        self.output(child)
    }

    pub(crate) fn output(&mut self, child: Spawned) -> Output {
        self.until("an output", |family| family.outputs.remove(&child.id))
    }

    /// Runs a program that is to succeed, and returns what it wrote to stdout.
    pub(crate) fn read(&mut self, command: &Command) -> Vec<u8> {
        let child = self.spawn(&command.clone().descriptor(1, Descriptor::Pipe));
        let output = self.capture(child, everything());
        let status = self.status(child);
        assert!(status.success(), "{status:?} of {command:?} that wrote {}", String::from_utf8_lossy(&output.stdout));
        output.stdout
    }

    /// As [`read`](Self::read), for text without what surrounds it.
    pub(crate) fn text(&mut self, command: &Command) -> String {
        String::from_utf8(self.read(command)).expect("text").trim().to_owned()
    }
}

/// Has everything made that is made once.
pub(crate) fn warm_up() -> Family {
    let mut family = Family::new();
    let child = family.spawn(&program("true", &[]));
    assert!(family.status(child).success());
    family
}

pub(crate) fn program(name: &str, arguments: &[&str]) -> Command {
    Command::new(name).and_then(|command| command.args(arguments)).expect("no NUL in it")
}

pub(crate) fn shell(script: &str) -> Command {
    program("sh", &["-c", script])
}

/// A process that runs until it is killed.
pub(crate) fn sleeper() -> Command {
    program("sleep", &["1000"])
}

pub(crate) fn everything() -> CaptureOptions {
    CaptureOptions { input: None, max_buffer: usize::MAX, drain: None }
}

pub(crate) fn with_drain(drain: u64) -> CaptureOptions {
    CaptureOptions { drain: Some(Duration::from_millis(drain)), ..everything() }
}

pub(crate) fn with_input(input: impl Into<Vec<u8>>) -> CaptureOptions {
    CaptureOptions { input: Some(input.into()), ..everything() }
}

/// A directory that is there for one case.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("brood-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory can be made");
        Self(path.canonicalize().expect("it was just made"))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes a file of this content and mode.
    pub(crate) fn file(&self, name: &str, content: &str, mode: u32) -> PathBuf {
        let path = self.join(name);
        std::fs::write(&path, content).expect("a file can be written");
        self.mode(name, mode);
        path
    }

    pub(crate) fn mode(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.join(name), permissions).expect("a file of ours");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The strings of a block in which each ends in a NUL, as `/proc` shows arguments and environments.
pub(crate) fn strings(block: &[u8]) -> Vec<&OsStr> {
    block
        .split_inclusive(|&byte| byte == 0)
        .map(|piece| OsStr::from_bytes(piece.strip_suffix(b"\0").unwrap_or(piece)))
        .collect()
}
