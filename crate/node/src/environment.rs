//! One JavaScript environment: the main thread, or a worker.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use brood_core::{CaptureOptions, Claim, Environment, Event, HandOver, Notify, Output, Signal, Spawned};
use napi::{
    Env, Result, Status,
    bindgen_prelude::{Buffer, Either, Float64Array, Function},
    threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode},
};
use napi_derive::napi;

use crate::{
    failure::{BindingFailure, EINVAL},
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
#[napi]
pub struct BindingEnvironment {
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
    holders: RefCell<HashSet<Holder>>,
}

/// A child that runs, or an output that is being gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Child(u64),
    Output(u64),
}

/// Registers this environment. `onEvents` is called, on its thread, when there are events to take. Throws nothing: a number
/// is the errno of what kept the driver from starting.
#[napi]
pub fn open_environment(env: Env, on_events: Function<'_, (), ()>) -> Result<Either<BindingEnvironment, i32>> {
    let caller = on_events
        .build_threadsafe_function::<()>()
        .callee_handled::<false>()
        .weak::<true>()
        .max_queue_size::<0>()
        .build_callback(|_| Ok(()))?;
    let caller = SharedCaller(Arc::new(Mutex::new(Some(caller))));
    let environment = match Environment::new(Box::new(caller.clone())) {
        Ok(environment) => Arc::new(environment),
        Err(error) => return Ok(Either::B(error.raw_os_error().unwrap_or(0))),
    };
    let hand_over = Arc::new(HandOver::default());
    // Registered after the threadsafe function, so that it runs before Node finalizes that one. When `close` is back nobody
    // is calling the function, and nobody will; only then is it let go of.
    let kept = (Arc::clone(&environment), caller.clone(), Arc::clone(&hand_over));
    env.add_env_cleanup_hook(kept, |(environment, caller, hand_over)| {
        environment.close();
        drop(caller.lock().take());
        // Node has closed the environment's sockets by now.
        hand_over.take_back();
    })?;
    let (waiting, outputs, holders) = Default::default();
    Ok(Either::A(BindingEnvironment { environment, caller, waiting, hand_over, outputs, holders }))
}

fn errno(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(0)
}

#[napi]
impl BindingEnvironment {
    /// Starts a process, which holds the event loop open from now on. `request` is the packed request, of which `length`
    /// bytes count. On success nothing is returned, and its first three words are the child's id, the low half first, and
    /// its pid.
    #[napi]
    pub fn spawn(
        &self,
        env: Env,
        #[napi(ts_arg_type = "Uint8Array")] request: Bytes<'_>,
        length: u32,
    ) -> Option<BindingFailure> {
        self.hand_over.taken();
        match self.environment.spawn(&request[..length as usize]) {
            Ok(Spawned { id, pid }) => {
                for (place, word) in request.chunks_exact_mut(4).zip([id as u32, (id >> 32) as u32, pid]) {
                    place.copy_from_slice(&word.to_ne_bytes());
                }
                self.change_holders(&env, |holders| _ = holders.insert(Holder::Child(id)));
                None
            }
            Err(failure) => Some(failure.into()),
        }
    }

    /// Writes waiting events into rows, as many as there is room for, and returns how many. Fewer: there are no more.
    #[napi]
    pub fn take(&self, env: Env, #[napi(ts_arg_type = "Float64Array")] rows: Rows<'_>) -> u32 {
        self.hand_over.taken();
        let mut waiting = self.waiting.borrow_mut();
        if waiting.is_empty() {
            waiting.extend(self.environment.take());
        }
        let mut count = 0;
        self.change_holders(&env, |holders| {
            for row in rows.chunks_exact_mut(FIELDS) {
                let Some(event) = waiting.pop_front() else { break };
                record::write(&event, row);
                match event {
                    Event::Exit(exit) => _ = holders.remove(&Holder::Child(exit.id)),
                    Event::Output(output) => {
                        holders.remove(&Holder::Output(output.id));
                        self.outputs.borrow_mut().insert(output.id, output);
                    }
                    _ => {}
                }
                count += 1;
            }
        });
        count
    }

    /// Asks whether a child has ended; if so, writes its end into a row.
    #[napi]
    pub fn try_wait(&self, env: Env, id: f64, #[napi(ts_arg_type = "Float64Array")] row: Rows<'_>) -> bool {
        let id = id as u64;
        let mut waiting = self.waiting.borrow_mut();
        // Events that were taken over already, but not told yet.
        let told = waiting.iter().position(|event| matches!(event, Event::Exit(exit) if exit.id == id));
        let exit = match told.and_then(|index| waiting.remove(index)) {
            Some(Event::Exit(exit)) => Some(exit),
            _ => self.environment.try_wait(id),
        };
        let Some(exit) = exit else { return false };
        self.change_holders(&env, |holders| _ = holders.remove(&Holder::Child(id)));
        row.fill(0.0);
        record::write_exit(&exit, row);
        true
    }

    /// Sends a signal: 1 when it was delivered, 0 when the child is gone, else the errno, negative.
    #[napi]
    pub fn kill(&self, id: f64, signal: i32) -> i32 {
        let Some(signal) = Signal::from_raw(signal) else { return -EINVAL };
        match self.environment.kill(id as u64, signal) {
            Ok(delivered) => i32::from(delivered),
            Err(error) => -errno(&error),
        }
    }

    /// Signals a child and all its living descendants, and those of `known` that still run; answers who was signalled: pid
    /// and start time of each. A number is an errno.
    #[napi]
    pub fn kill_tree(&self, id: f64, known: &[f64], signal: i32) -> Either<Float64Array, i32> {
        let Some(signal) = Signal::from_raw(signal) else { return Either::B(EINVAL) };
        family::answer(self.environment.kill_tree(id as u64, &family::to_identities(known), signal))
    }

    /// Hands our end of the pipe to the child's descriptor `index` over, once: a descriptor, which is the caller's from now
    /// on, or what was left in the pipe of a child that is gone.
    #[napi]
    pub fn claim(&self, id: f64, index: u32) -> Option<Either<i32, Buffer>> {
        match self.environment.claim(id as u64, index as usize) {
            Claim::Nothing => None,
            Claim::Pipe(pipe) => Some(Either::A(self.hand_over.give(pipe))),
            Claim::Bytes(bytes) => Some(Either::B(bytes.into())),
        }
    }

    /// Gathers stdout and stderr natively, and holds the event loop open until that is done. `input` is fed to stdin, which
    /// is then closed. `drain` is in milliseconds, or negative for the end of the stream. Returns 0 or an errno.
    #[napi]
    pub fn capture(&self, env: Env, id: f64, input: Option<&[u8]>, max_buffer: f64, drain: f64) -> i32 {
        let options = CaptureOptions {
            input: input.map(<[u8]>::to_vec),
            // A cast that saturates: Infinity is all there can be.
            max_buffer: max_buffer as usize,
            drain: (drain >= 0.0).then(|| Duration::try_from_secs_f64(drain / 1e3).unwrap_or(Duration::MAX)),
        };
        match self.environment.capture(id as u64, options) {
            Ok(()) => {
                self.change_holders(&env, |holders| _ = holders.insert(Holder::Output(id as u64)));
                0
            }
            Err(error) => errno(&error),
        }
    }

    /// From now on, or as soon as the child ends, its capture waits for nothing more.
    #[napi]
    pub fn hurry_capture(&self, id: f64) {
        self.environment.hurry_capture(id as u64);
    }

    /// Takes an output that was announced, as bytes.
    #[napi]
    pub fn take_bytes(&self, id: f64) -> Option<BindingBytes> {
        let output = self.outputs.borrow_mut().remove(&(id as u64))?;
        Some(BindingBytes {
            stdout: output.stdout.into(),
            stderr: output.stderr.into(),
            truncated: output.truncated,
            overflow: output.overflow.unwrap_or(0) as u32,
        })
    }

    /// Takes an output that was announced, as text.
    #[napi]
    pub fn take_text<'env>(&self, env: &'env Env, id: f64) -> Result<Option<BindingText<'env>>> {
        let Some(output) = self.outputs.borrow_mut().remove(&(id as u64)) else { return Ok(None) };
        Ok(Some(BindingText {
            stdout: decode(env, output.stdout)?,
            stderr: decode(env, output.stderr)?,
            truncated: output.truncated,
            overflow: output.overflow.unwrap_or(0) as u32,
        }))
    }

    /// Whether a child has exec'd; an event will tell if that is not known yet.
    #[napi]
    pub fn watch_exec(&self, id: f64) -> bool {
        self.environment.watch_exec(id as u64)
    }

    /// The drop rule for one child: killed if it was to be, then the orphan queue's.
    #[napi]
    pub fn drop_child(&self, env: Env, id: f64) {
        self.environment.drop_child(id as u64);
        self.hold(env, id, false);
    }

    /// Gives a child to the orphan queue.
    #[napi]
    pub fn orphan(&self, env: Env, id: f64) {
        self.environment.orphan(id as u64);
        self.hold(env, id, false);
    }

    /// Lets go of what is left of the pipes of a child that has ended.
    #[napi]
    pub fn release(&self, id: f64) {
        self.environment.release(id as u64);
    }

    /// Whether orphans that were reaped are to be told here.
    #[napi]
    pub fn listen_to_orphans(&self, listen: bool) {
        self.environment.listen_to_orphans(listen);
    }

    /// Has a signal told here from now on, whatever it did before. Returns 0 or an errno.
    #[napi]
    pub fn relay_signal(&self, signal: i32) -> i32 {
        let Some(signal) = Signal::from_raw(signal) else { return EINVAL };
        self.environment.relay_signal(signal).map_or_else(|error| errno(&error), |()| 0)
    }

    /// Whether a child that runs holds the event loop open.
    #[napi]
    pub fn hold(&self, env: Env, id: f64, hold: bool) {
        let holder = Holder::Child(id as u64);
        self.change_holders(&env, |holders| {
            if hold {
                holders.insert(holder);
            } else {
                holders.remove(&holder);
            }
        });
    }

    /// The event loop is held open as long as there is a holder.
    fn change_holders(&self, env: &Env, change: impl FnOnce(&mut HashSet<Holder>)) {
        let mut holders = self.holders.borrow_mut();
        let was_held = !holders.is_empty();
        change(&mut holders);
        let is_held = !holders.is_empty();
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
