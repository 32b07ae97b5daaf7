//! One JavaScript environment: the main thread, or a worker.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet, VecDeque},
    mem::ManuallyDrop,
    rc::Rc,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use brood_core::{CaptureOptions, Claim, Environment, Event, HandOver, Notify, Output, Signal, Spawned};
use napi::{
    Env, Error, Result, Status,
    bindgen_prelude::{Buffer, Either, Float64Array, Function},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;

use crate::{
    failure::{BindingFailure, EINVAL, errno},
    family,
    output::{BindingBytes, BindingText, decode},
    record::{self, FIELDS},
};

/// Calls the environment's `onEvents`. Weak: of itself it holds no event loop open.
type Caller = ThreadsafeFunction<(), (), (), Status, false, true, 0>;

/// The caller, until the environment goes.
#[derive(Clone)]
struct SharedCaller(Arc<Mutex<Option<Caller>>>);

impl SharedCaller {
    fn lock(&self) -> MutexGuard<'_, Option<Caller>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notify for SharedCaller {
    fn notify(&self) {
        if let Some(caller) = &*self.lock() {
            // The queue has no bound, so it is never full; one that is closing has nobody left to tell.
            caller.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// Rows of numbers that JavaScript owns and we write to. An alias, because `#[napi]` takes a reference it can see for one to
/// a class.
type Rows<'a> = &'a mut [f64];
type Bytes<'a> = &'a mut [u8];

/// What one JavaScript environment has of brood.
struct OpenEnvironment {
    environment: Arc<Environment>,
    caller: SharedCaller,
    /// Events that did not fit into the rows they were to be written to.
    waiting: RefCell<VecDeque<Event>>,
    /// Descriptors on their way to JavaScript.
    hand_over: Arc<HandOver>,
    /// Outputs that were announced and not taken yet.
    outputs: RefCell<HashMap<u64, Output>>,
    /// What holds the event loop open. Kept here, and not in JavaScript, because it changes with what crosses anyway: a
    /// crossing of its own would cost more than all else that JavaScript does about an exit.
    holders: RefCell<Holders>,
}

/// The children that run, and the outputs that are being gathered, by the id of the child.
#[derive(Debug, Default)]
struct Holders {
    children: HashSet<u64>,
    outputs: HashSet<u64>,
}

impl Holders {
    fn hold_open(&self) -> bool {
        !self.children.is_empty() || !self.outputs.is_empty()
    }
}

thread_local! {
    /// The environments of this thread, by their numbers. An embedder may have several; else there is one.
    ///
    /// Numbers and functions, not an object with methods: for each call of a method napi-rs looks the object up, compares its
    /// tag and notes the borrow in a table that all threads share, which takes half a microsecond when everything is in the
    /// cache, and some when it is not. Nothing is dropped with the thread: the clean-up hook has done it before.
    static OPEN: RefCell<ManuallyDrop<Vec<Option<Rc<OpenEnvironment>>>>> = const { RefCell::new(ManuallyDrop::new(Vec::new())) };
}

/// An environment of this thread.
fn opened(number: u32) -> Result<Rc<OpenEnvironment>> {
    let found = OPEN.with_borrow(|open| open.get(number as usize).cloned().flatten());
    found.ok_or_else(|| Error::new(Status::InvalidArg, "there is no such environment, or it is gone"))
}

/// Registers this environment, and returns its number. `onEvents` is called, on its thread, when there are events to take.
/// Throws nothing: what is negative is the errno of what kept the driver from starting.
#[napi]
pub fn open_environment(env: Env, on_events: Function<'_, (), ()>) -> Result<i32> {
    let caller = on_events
        .build_threadsafe_function::<()>()
        .callee_handled::<false>()
        .weak::<true>()
        .max_queue_size::<0>()
        .build_callback(|_| Ok(()))?;
    let caller = SharedCaller(Arc::new(Mutex::new(Some(caller))));
    let environment = match Environment::new(Box::new(caller.clone())) {
        Ok(environment) => Arc::new(environment),
        Err(error) => return Ok(-errno(&error)),
    };
    let hand_over = Arc::new(HandOver::default());
    let number = OPEN.with_borrow(|open| open.len());
    // Registered after the threadsafe function, so that it runs before Node finalizes that one. When `close` is back nobody
    // is calling the function, and nobody will; only then is it let go of.
    let kept = (Arc::clone(&environment), caller.clone(), Arc::clone(&hand_over));
    env.add_env_cleanup_hook(kept, move |(environment, caller, hand_over)| {
        environment.close();
        drop(caller.lock().take());
        // Node has closed the environment's sockets by now.
        hand_over.take_back();
        let gone = OPEN.with_borrow_mut(|open| {
            let gone = open[number].take();
            if open.iter().all(Option::is_none) {
                **open = Vec::new();
            }
            gone
        });
        drop(gone);
    })?;
    let (waiting, outputs, holders) = Default::default();
    let open = OpenEnvironment { environment, caller, waiting, hand_over, outputs, holders };
    OPEN.with_borrow_mut(|all| all.push(Some(Rc::new(open))));
    Ok(number as i32)
}

/// Starts a process, which holds the event loop open from now on. `request` is the packed request, of which `length`
/// bytes count. On success nothing is returned, and its first three words are the child's id, the low half first, and
/// its pid.
#[napi]
pub fn spawn(
    environment: u32,
    env: Env,
    #[napi(ts_arg_type = "Uint8Array")] request: Bytes<'_>,
    length: u32,
) -> Result<Option<BindingFailure>> {
    let this = opened(environment)?;
    this.hand_over.taken();
    match this.environment.spawn(&request[..length as usize]) {
        Ok(Spawned { id, pid }) => {
            for (place, word) in request.chunks_exact_mut(4).zip([id as u32, (id >> 32) as u32, pid]) {
                place.copy_from_slice(&word.to_ne_bytes());
            }
            this.change_holders(&env, |holders| _ = holders.children.insert(id));
            Ok(None)
        }
        Err(failure) => Ok(Some(failure.into())),
    }
}

/// Writes waiting events into rows, as many as there is room for, and returns how many. Fewer: there are no more.
#[napi]
pub fn take(environment: u32, env: Env, #[napi(ts_arg_type = "Float64Array")] rows: Rows<'_>) -> Result<u32> {
    let this = opened(environment)?;
    this.hand_over.taken();
    let mut waiting = this.waiting.borrow_mut();
    if waiting.is_empty() {
        waiting.extend(this.environment.take());
    }
    let mut count = 0;
    this.change_holders(&env, |holders| {
        for row in rows.chunks_exact_mut(FIELDS) {
            let Some(event) = waiting.pop_front() else { break };
            record::write(&event, row);
            match event {
                Event::Exit(exit) => _ = holders.children.remove(&exit.id),
                Event::Output(output) => {
                    holders.outputs.remove(&output.id);
                    this.outputs.borrow_mut().insert(output.id, output);
                }
                _ => {}
            }
            count += 1;
        }
    });
    Ok(count)
}

/// Asks whether a child has ended; if so, writes its end into a row.
#[napi]
pub fn try_wait(
    environment: u32,
    env: Env,
    id: f64,
    #[napi(ts_arg_type = "Float64Array")] row: Rows<'_>,
) -> Result<bool> {
    let this = opened(environment)?;
    let id = id as u64;
    let mut waiting = this.waiting.borrow_mut();
    // Events that were taken over already, but not told yet.
    let told = waiting.iter().position(|event| matches!(event, Event::Exit(exit) if exit.id == id));
    let exit = match told.and_then(|index| waiting.remove(index)) {
        Some(Event::Exit(exit)) => Some(exit),
        _ => this.environment.try_wait(id),
    };
    let Some(exit) = exit else { return Ok(false) };
    this.change_holders(&env, |holders| _ = holders.children.remove(&id));
    row.fill(0.0);
    record::write_exit(&exit, row);
    Ok(true)
}

/// Sends a signal: 1 when it was delivered, 0 when the child is gone, else the errno, negative.
#[napi]
pub fn kill(environment: u32, id: f64, signal: i32) -> Result<i32> {
    let this = opened(environment)?;
    let Some(signal) = Signal::from_raw(signal) else { return Ok(-EINVAL) };
    Ok(match this.environment.kill(id as u64, signal) {
        Ok(delivered) => i32::from(delivered),
        Err(error) => -errno(&error),
    })
}

/// Signals a child and all its living descendants, and those of `known` that still run; answers who was signalled: pid
/// and start time of each. A number is an errno.
#[napi]
pub fn kill_tree(environment: u32, id: f64, known: &[f64], signal: i32) -> Result<Either<Float64Array, i32>> {
    let this = opened(environment)?;
    let Some(signal) = Signal::from_raw(signal) else { return Ok(Either::B(EINVAL)) };
    Ok(family::answer(this.environment.kill_tree(id as u64, &family::to_identities(known), signal)))
}

/// Hands our end of the pipe to the child's descriptor `index` over, once: a descriptor, which is the caller's from now
/// on, or what was left in the pipe of a child that is gone.
#[napi]
pub fn claim(environment: u32, id: f64, index: u32) -> Result<Option<Either<i32, Buffer>>> {
    let this = opened(environment)?;
    Ok(match this.environment.claim(id as u64, index as usize) {
        Claim::Nothing => None,
        Claim::Pipe(pipe) => Some(Either::A(this.hand_over.give(pipe))),
        Claim::Bytes(bytes) => Some(Either::B(bytes.into())),
    })
}

/// Gathers stdout and stderr natively, and holds the event loop open until that is done. `input` is fed to stdin, which
/// is then closed. `drain` is in milliseconds, or negative for the end of the stream. Returns 0 or an errno.
#[napi]
pub fn capture(environment: u32, env: Env, id: f64, input: Option<&[u8]>, max_buffer: f64, drain: f64) -> Result<i32> {
    let this = opened(environment)?;
    let options = CaptureOptions {
        input: input.map(<[u8]>::to_vec),
        // A cast that saturates: Infinity is all there can be.
        max_buffer: max_buffer as usize,
        drain: (drain >= 0.0).then(|| Duration::try_from_secs_f64(drain / 1e3).unwrap_or(Duration::MAX)),
    };
    match this.environment.capture(id as u64, options) {
        Ok(()) => {
            this.change_holders(&env, |holders| _ = holders.outputs.insert(id as u64));
            Ok(0)
        }
        Err(error) => Ok(errno(&error)),
    }
}

/// From now on, or as soon as the child ends, its capture waits for nothing more.
#[napi]
pub fn hurry_capture(environment: u32, id: f64) -> Result<()> {
    opened(environment)?.environment.hurry_capture(id as u64);
    Ok(())
}

/// Takes an output that was announced, as bytes.
#[napi]
pub fn take_bytes(environment: u32, id: f64) -> Result<Option<BindingBytes>> {
    let this = opened(environment)?;
    let output = this.outputs.borrow_mut().remove(&(id as u64));
    Ok(output.map(|output| BindingBytes {
        stdout: output.stdout.into(),
        stderr: output.stderr.into(),
        truncated: output.truncated,
        overflow: output.overflow.unwrap_or(0) as u32,
    }))
}

/// Takes an output that was announced, as text.
#[napi]
pub fn take_text<'env>(environment: u32, env: &'env Env, id: f64) -> Result<Option<BindingText<'env>>> {
    let this = opened(environment)?;
    let Some(output) = this.outputs.borrow_mut().remove(&(id as u64)) else { return Ok(None) };
    Ok(Some(BindingText {
        stdout: decode(env, output.stdout)?,
        stderr: decode(env, output.stderr)?,
        truncated: output.truncated,
        overflow: output.overflow.unwrap_or(0) as u32,
    }))
}

/// Whether a child has exec'd; an event will tell if that is not known yet.
#[napi]
pub fn watch_exec(environment: u32, id: f64) -> Result<bool> {
    Ok(opened(environment)?.environment.watch_exec(id as u64))
}

/// The drop rule for one child: killed if it was to be, then the orphan queue's.
#[napi]
pub fn drop_child(environment: u32, env: Env, id: f64) -> Result<()> {
    let this = opened(environment)?;
    this.environment.drop_child(id as u64);
    this.hold(&env, id as u64, false);
    Ok(())
}

/// Gives a child to the orphan queue.
#[napi]
pub fn orphan(environment: u32, env: Env, id: f64) -> Result<()> {
    let this = opened(environment)?;
    this.environment.orphan(id as u64);
    this.hold(&env, id as u64, false);
    Ok(())
}

/// Lets go of what is left of the pipes of a child that has ended.
#[napi]
pub fn release(environment: u32, id: f64) -> Result<()> {
    opened(environment)?.environment.release(id as u64);
    Ok(())
}

/// Whether orphans that were reaped are to be told here.
#[napi]
pub fn listen_to_orphans(environment: u32, listen: bool) -> Result<()> {
    opened(environment)?.environment.listen_to_orphans(listen);
    Ok(())
}

/// Has a signal told here from now on, whatever it did before. Returns 0 or an errno.
#[napi]
pub fn relay_signal(environment: u32, signal: i32) -> Result<i32> {
    let this = opened(environment)?;
    let Some(signal) = Signal::from_raw(signal) else { return Ok(EINVAL) };
    Ok(this.environment.relay_signal(signal).map_or_else(|error| errno(&error), |()| 0))
}

/// Whether a child that runs holds the event loop open.
#[napi]
pub fn hold(environment: u32, env: Env, id: f64, hold: bool) -> Result<()> {
    opened(environment)?.hold(&env, id as u64, hold);
    Ok(())
}

impl OpenEnvironment {
    fn hold(&self, env: &Env, id: u64, hold: bool) {
        self.change_holders(env, |Holders { children, .. }| {
            if hold {
                children.insert(id);
            } else {
                children.remove(&id);
            }
        });
    }

    /// The event loop is held open as long as there is a holder.
    fn change_holders(&self, env: &Env, change: impl FnOnce(&mut Holders)) {
        let mut holders = self.holders.borrow_mut();
        let was_held = holders.hold_open();
        change(&mut holders);
        let is_held = holders.hold_open();
        if is_held == was_held {
            return;
        }
        // None: the environment is going, and the loop with it.
        if let Some(caller) = &mut *self.caller.lock() {
            // What is deprecated is to use these for counting owners. Holding the loop open has no other way. They fail only
            // for a function that was released.
            #[expect(deprecated, reason = "the only way to hold the loop open by a function that is weak otherwise")]
            let _ = if is_held { caller.refer(env) } else { caller.unref(env) };
        }
    }
}
