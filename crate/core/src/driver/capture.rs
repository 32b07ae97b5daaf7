//! Output gathered natively: both pipes read to their ends, and input fed, on the driver thread.

use std::{
    io::{self, Write},
    os::fd::OwnedFd,
    sync::Arc,
    time::Duration,
};

use mio::{Interest, Registry, Token};

use super::{
    event::{Event, Output},
    gathering::Gathering,
    outbox::Outbox,
};
use crate::{
    ChildStdio, stdio,
    sync::{Mutex, lock},
};

/// What one stream may take of the driver's time before the others have their turn, in bytes.
const TURN: usize = 4 * 1024 * 1024;

/// How to capture.
#[derive(Debug, Default)]
pub struct CaptureOptions {
    /// Written to the child's stdin, which is closed behind it. `None` leaves stdin alone.
    pub input: Option<Vec<u8>>,
    /// Bytes per stream; more kills the child.
    pub max_buffer: usize,
    /// How long to go on reading after the exit; `None` is to the end of the stream.
    pub drain: Option<Duration>,
}

/// Where a captured stream comes from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A pipe that may still grow.
    Pipe(OwnedFd),
    /// All there was, read when the child ended.
    Bytes(Vec<u8>),
}

/// Which of a capture's pipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// The child's stdin, which is written.
    Input,
    /// 0 is stdout, 1 is stderr.
    Output(usize),
}

/// What a look at a pipe led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing more to do until mio says so.
    Waiting,
    /// There is more, but others have their turn first.
    Unfinished,
    /// The stream is over.
    Ended,
    /// The stream went over the limit: the child is to be killed, and only then the stream closed. The other way round it
    /// could find out first, and end in its own way.
    Overflow,
}

/// The output of one child.
#[derive(Debug)]
pub(crate) struct Capture {
    pub(crate) id: u64,
    pub(crate) outbox: Arc<Outbox>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    readers: [Option<ChildStdio>; 2],
    gathered: [Gathering; 2],
    input: Option<Input>,
    max_buffer: usize,
    drain: Option<Duration>,
    truncated: bool,
    overflow: Option<usize>,
    /// Whether the child has ended, or its handle was given up. Who waits for an output waits for the end, too, and the one
    /// usually comes right behind the other: told together, they wake the environment once.
    settled: bool,
    reported: bool,
    /// The tokens that its pipes are in the driver's table under.
    tokens: Vec<Token>,
}

#[derive(Debug)]
struct Input {
    writer: ChildStdio,
    bytes: Vec<u8>,
    written: usize,
}

impl Capture {
    /// Takes the streams over. Nothing is read before [`register`](Self::register).
    ///
    /// # Errors
    ///
    /// As [`stdio`](crate::stdio()): none that is expected.
    pub(crate) fn new(
        id: u64,
        outbox: Arc<Outbox>,
        sources: [Option<Source>; 2],
        stdin: Option<OwnedFd>,
        options: CaptureOptions,
    ) -> io::Result<Self> {
        let mut state = State {
            readers: [None, None],
            gathered: Default::default(),
            input: None,
            max_buffer: options.max_buffer,
            drain: options.drain,
            truncated: false,
            overflow: None,
            settled: false,
            reported: false,
            tokens: Vec::new(),
        };
        for (index, source) in sources.into_iter().enumerate() {
            match source {
                Some(Source::Pipe(pipe)) => state.readers[index] = Some(stdio::stdio(pipe)?),
                Some(Source::Bytes(bytes)) => {
                    state.gathered[index] = bytes.into();
                    state.check_limit(index);
                }
                None => {}
            }
        }
        if let (Some(pipe), Some(bytes)) = (stdin, options.input)
            && !bytes.is_empty()
        {
            state.input = Some(Input { writer: stdio::stdio(pipe)?, bytes, written: 0 });
        }
        Ok(Self { id, outbox, state: Mutex::new(state) })
    }

    /// The pipes that are to be looked after.
    pub(crate) fn streams(&self) -> Vec<Stream> {
        let state = lock(&self.state);
        let outputs = (0..2).filter(|&index| state.readers[index].is_some()).map(Stream::Output);
        state.input.iter().map(|_| Stream::Input).chain(outputs).collect()
    }

    /// Registers one pipe. It may be ready at once.
    ///
    /// # Errors
    ///
    /// As [`epoll_ctl(2)`](https://man7.org/linux/man-pages/man2/epoll_ctl.2.html): `ENOMEM`, `ENOSPC`.
    pub(crate) fn register(&self, stream: Stream, registry: &Registry, token: Token) -> io::Result<()> {
        let state = &mut *lock(&self.state);
        state.tokens.push(token);
        match (stream, state) {
            (Stream::Input, State { input: Some(input), .. }) => {
                registry.register(input.writer.pipe(), token, Interest::WRITABLE)
            }
            (Stream::Output(index), state) => match &mut state.readers[index] {
                Some(reader) => registry.register(reader.pipe(), token, Interest::READABLE),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Reads or writes what can be without waiting. `scratch` is the caller's to keep between calls.
    pub(crate) fn advance(&self, stream: Stream, registry: &Registry, scratch: &mut Vec<u8>) -> Progress {
        let mut state = lock(&self.state);
        let progress = match stream {
            Stream::Input => state.write(),
            Stream::Output(index) => state.read(index, scratch),
        };
        // Not after an overflow: whoever is to be killed for it, with all its descendants, must not end by SIGPIPE before these
        // are found.
        if progress == Progress::Ended {
            state.close(stream, registry);
        }
        progress
    }

    /// The end of the child, or of its time to be read after that: takes what is there, and lets go of pipes that
    /// somebody else still holds open if there is no time left for them. Returns how long to wait for them else.
    pub(crate) fn child_ended(&self, registry: &Registry) -> Option<Duration> {
        let mut state = lock(&self.state);
        state.settled = true;
        if state.is_complete() {
            state.close(Stream::Input, registry);
            return None;
        }
        match state.drain {
            Some(Duration::ZERO) => {
                state.abandon(registry);
                None
            }
            drain => drain,
        }
    }

    /// The time to go on reading is over.
    pub(crate) fn abandon(&self, registry: &Registry) {
        lock(&self.state).abandon(registry);
    }

    /// From now on, or as soon as the child ends, nothing is waited for any more.
    pub(crate) fn hurry(&self) {
        lock(&self.state).drain = Some(Duration::ZERO);
    }

    /// The tokens of its pipes, for whoever takes them out of the table.
    pub(crate) fn take_tokens(&self) -> Vec<Token> {
        std::mem::take(&mut lock(&self.state).tokens)
    }

    /// Whether nothing is left to be read or written.
    pub(crate) fn is_over(&self) -> bool {
        let state = lock(&self.state);
        state.is_complete() && state.input.is_none()
    }

    /// There will be no end of the child to wait for.
    pub(crate) fn give_up(&self) {
        lock(&self.state).settled = true;
    }

    /// Nobody is to be told of the output.
    pub(crate) fn say_nothing(&self) {
        lock(&self.state).reported = true;
    }

    /// Posts the output once it is complete and the child has ended. `true` when it was posted now.
    pub(crate) fn report(&self) -> bool {
        let mut state = lock(&self.state);
        if !state.is_complete() || !state.settled || state.reported {
            return false;
        }
        state.reported = true;
        let [stdout, stderr] = std::mem::take(&mut state.gathered).map(Gathering::finish);
        let output = Output { id: self.id, stdout, stderr, truncated: state.truncated, overflow: state.overflow };
        self.outbox.post(Event::Output(output));
        true
    }
}

impl State {
    /// Whether no more output is to come. Input may still be on its way.
    fn is_complete(&self) -> bool {
        self.readers.iter().all(Option::is_none)
    }

    fn read(&mut self, index: usize, scratch: &mut Vec<u8>) -> Progress {
        let mut taken = 0;
        while taken < TURN {
            let Some(reader) = &self.readers[index] else { return Progress::Waiting };
            match self.gathered[index].read(reader, scratch) {
                Ok(0) => return Progress::Ended,
                Ok(count) => {
                    taken += count;
                    if self.check_limit(index) {
                        return Progress::Overflow;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Progress::Waiting,
                // ECONNRESET from a socket that was handed in as a pipe: the stream is over.
                Err(_) => return Progress::Ended,
            }
        }
        Progress::Unfinished
    }

    fn check_limit(&mut self, index: usize) -> bool {
        let gathered = &mut self.gathered[index];
        if gathered.len() <= self.max_buffer {
            return false;
        }
        gathered.truncate(self.max_buffer);
        self.overflow.get_or_insert(index + 1);
        self.truncated = true;
        true
    }

    fn write(&mut self) -> Progress {
        let Some(input) = &mut self.input else { return Progress::Waiting };
        let mut taken = 0;
        while input.written < input.bytes.len() {
            if taken >= TURN {
                return Progress::Unfinished;
            }
            match (&*input.writer.pipe()).write(&input.bytes[input.written..]) {
                Ok(count) => {
                    input.written += count;
                    taken += count;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Progress::Waiting,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // EPIPE: the child does not want to know more. That is its right.
                Err(_) => return Progress::Ended,
            }
        }
        Progress::Ended
    }

    /// Deregisters a pipe, then closes it: in this order, because a child that is just between clone and exec holds a
    /// copy of it, which would keep the registration alive.
    fn close(&mut self, stream: Stream, registry: &Registry) {
        let pipe = match stream {
            Stream::Input => self.input.take().map(|input| input.writer),
            Stream::Output(index) => self.readers[index].take(),
        };
        if let Some(mut pipe) = pipe {
            // ENOENT for one that was never registered.
            let _ = registry.deregister(pipe.pipe());
        }
    }

    fn abandon(&mut self, registry: &Registry) {
        for index in 0..2 {
            // What the child itself wrote is in the pipe by now. A grandchild that writes without end does not keep us:
            // one turn is more than any pipe holds. What was too much is no use to anybody.
            let is_wanted = self.overflow != Some(index + 1);
            if self.readers[index].is_some() && is_wanted && self.read(index, &mut Vec::new()) != Progress::Ended {
                self.truncated = true;
            }
            self.close(Stream::Output(index), registry);
        }
        self.close(Stream::Input, registry);
    }
}
