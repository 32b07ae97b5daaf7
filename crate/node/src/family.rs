//! Families of processes: the table under a process, and signals to all of it.

use brood_core::{FamilyRow, Identity, Signal};
use napi::bindgen_prelude::{Either, Float64Array};
use napi_derive::napi;

use crate::failure::{EINVAL, errno};

/// Numbers in a row of [`BindingFamily::rows`].
const FIELDS: usize = 10;
/// Numbers in an identity: the pid and the start time.
const IDENTITY: usize = 2;

/// A process and its descendants.
#[napi(object, object_from_js = false)]
pub struct BindingFamily {
    /// Ten numbers for each: pid, parent's pid, group, session, state (a letter's code), 1 for one that has ended, start (ms
    /// since the epoch), memory (bytes), processor time (ms), and the length of its command.
    pub rows: Float64Array,
    /// The commands, one behind the other.
    pub commands: String,
}

/// Reads the process `pid` and its descendants. A number is an errno: ESRCH when there is no such process.
#[napi]
pub fn process_family(pid: u32) -> Either<BindingFamily, i32> {
    match brood_core::process_family(pid) {
        Ok(Some(members)) => Either::A(flatten(&members)),
        Ok(None) => Either::B(ESRCH),
        Err(error) => Either::B(errno(&error)),
    }
}

/// The same number on every Unix.
const ESRCH: i32 = 3;

fn flatten(members: &[FamilyRow]) -> BindingFamily {
    let mut rows = Vec::with_capacity(members.len() * FIELDS);
    let mut commands = String::new();
    for FamilyRow { row, start_time, command } in members {
        let command = String::from_utf8_lossy(command);
        commands.push_str(&command);
        rows.extend([
            f64::from(row.identity.pid),
            f64::from(row.ppid),
            f64::from(row.pgid),
            f64::from(row.sid),
            f64::from(row.state),
            f64::from(u8::from(row.is_over())),
            *start_time as f64,
            row.rss as f64,
            row.cpu_time as f64,
            // JavaScript counts in UTF-16.
            if command.is_ascii() { command.len() } else { command.encode_utf16().count() } as f64,
        ]);
    }
    BindingFamily { rows: rows.into(), commands }
}

/// Signals the process `pid`, its living descendants, and those of `known` that still run with theirs; answers who was
/// signalled: pid and start time of each. A number is an errno.
#[napi]
pub fn kill_family(pid: u32, known: &[f64], signal: i32) -> Either<Float64Array, i32> {
    let Some(signal) = Signal::from_raw(signal) else { return Either::B(EINVAL) };
    answer(brood_core::kill_family(pid, &to_identities(known), signal))
}

/// Those of `known` that have not ended. A number is an errno.
#[napi]
pub fn still_running(known: &[f64]) -> Either<Float64Array, i32> {
    answer(brood_core::still_running(&to_identities(known)))
}

pub(crate) fn to_identities(numbers: &[f64]) -> Vec<Identity> {
    let pairs = numbers.chunks_exact(IDENTITY);
    pairs.map(|pair| Identity { pid: pair[0] as u32, start: pair[1] as u64 }).collect()
}

pub(crate) fn answer(signalled: std::io::Result<Vec<Identity>>) -> Either<Float64Array, i32> {
    match signalled {
        Ok(identities) => {
            let numbers = identities.iter().flat_map(|identity| [f64::from(identity.pid), identity.start as f64]);
            Either::A(numbers.collect::<Vec<_>>().into())
        }
        Err(error) => Either::B(errno(&error)),
    }
}
