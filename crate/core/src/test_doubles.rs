//! Stand-ins for a process, a queue and a source of SIGCHLD, which do what a test tells them to.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    io, mem,
    rc::Rc,
};

use crate::{ExitStatus, Kill, OrphanQueue, Signal, SignalSource, Wait, Watch};

/// A child that ends, in the way the script says, at a certain `try_wait`.
#[derive(Debug)]
pub(crate) struct MockWait {
    /// Number of `try_wait`s so far; shared, so that it can be read once the child has been given away.
    pub(crate) total_waits: Rc<Cell<usize>>,
    /// The signals sent so far.
    pub(crate) kills: Rc<RefCell<Vec<Signal>>>,
    /// Number of `try_wait`s that find it running.
    num_wait_until_status: usize,
    /// Number of `EINTR`s still to come before the first real answer.
    interruptions: usize,
    end: Result<ExitStatus, i32>,
}

impl MockWait {
    /// Exits with code 0, and says so after `num_wait_until_status` looks.
    pub(crate) fn new(num_wait_until_status: usize) -> Self {
        Self {
            total_waits: Rc::default(),
            kills: Rc::default(),
            num_wait_until_status,
            interruptions: 0,
            end: Ok(ExitStatus::from_code(0)),
        }
    }

    /// Cannot be waited for.
    pub(crate) fn with_err(errno: i32) -> Self {
        Self { end: Err(errno), ..Self::new(0) }
    }

    /// Answers `EINTR` that many times before anything else.
    pub(crate) fn interrupted(self, interruptions: usize) -> Self {
        Self { interruptions, ..self }
    }
}

impl Wait for MockWait {
    fn id(&self) -> u32 {
        42
    }

    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let waits = self.total_waits.get();
        self.total_waits.set(waits + 1);
        if self.interruptions > 0 {
            self.interruptions -= 1;
            self.num_wait_until_status += 1;
            return Err(io::Error::from_raw_os_error(libc::EINTR));
        }
        if waits < self.num_wait_until_status {
            return Ok(None);
        }
        // Like the kernel: there is one status, and after that an error.
        mem::replace(&mut self.end, Err(libc::ECHILD)).map(Some).map_err(io::Error::from_raw_os_error)
    }
}

impl Kill for MockWait {
    fn kill(&mut self, signal: Signal) -> io::Result<bool> {
        self.kills.borrow_mut().push(signal);
        Ok(true)
    }
}

/// Keeps what it is given.
#[derive(Debug)]
pub(crate) struct MockQueue<W> {
    pub(crate) all_enqueued: RefCell<Vec<W>>,
}

impl<W> MockQueue<W> {
    pub(crate) fn new() -> Self {
        Self { all_enqueued: RefCell::default() }
    }
}

impl<W> OrphanQueue<W> for MockQueue<W> {
    fn push_orphan(&self, orphan: W) {
        self.all_enqueued.borrow_mut().push(orphan);
    }
}

/// Gives scripted answers, and panics when it is asked more often than the script foresees.
#[derive(Debug)]
pub(crate) struct ScriptedWatch {
    pub(crate) total_looks: Rc<Cell<usize>>,
    answers: VecDeque<bool>,
}

impl ScriptedWatch {
    pub(crate) fn new(answers: impl IntoIterator<Item = bool>) -> Self {
        Self { total_looks: Rc::default(), answers: answers.into_iter().collect() }
    }
}

impl Watch for ScriptedWatch {
    fn has_changed(&mut self) -> bool {
        self.total_looks.set(self.total_looks.get() + 1);
        self.answers.pop_front().expect("the script has an answer for each look")
    }
}

/// A source that a test raises signals on, and that can be out of order.
#[derive(Debug, Default)]
pub(crate) struct MockSource {
    signals: Rc<Cell<usize>>,
    /// Number of watches handed out.
    pub(crate) total_watches: Cell<usize>,
    pub(crate) broken: Cell<bool>,
}

impl MockSource {
    pub(crate) fn raise(&self) {
        self.signals.set(self.signals.get() + 1);
    }
}

impl SignalSource for MockSource {
    type Watch = MockWatch;

    fn watch(&self) -> io::Result<MockWatch> {
        if self.broken.get() {
            return Err(io::Error::other("the driver is gone"));
        }
        self.total_watches.set(self.total_watches.get() + 1);
        Ok(MockWatch { signals: Rc::clone(&self.signals), seen: self.signals.get() })
    }
}

/// A watch on a [`MockSource`].
#[derive(Debug)]
pub(crate) struct MockWatch {
    signals: Rc<Cell<usize>>,
    seen: usize,
}

impl Watch for MockWatch {
    fn has_changed(&mut self) -> bool {
        let seen = mem::replace(&mut self.seen, self.signals.get());
        seen != self.seen
    }
}
