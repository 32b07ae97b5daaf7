//! Events as rows of numbers: however many there are, they cross in one call and make no objects.

use brood_core::{Event, Exit, Outcome, Usage};

/// Numbers a row. `src/native.ts` knows the same layout.
pub(crate) const FIELDS: usize = 23;

const ENDED: f64 = 0.0;
const NOT_EXECUTED: f64 = 1.0;
const LOST: f64 = 2.0;
const EXEC: f64 = 3.0;
const OUTPUT: f64 = 4.0;
const SIGNAL: f64 = 5.0;

const REAPED: u32 = 1;
const HAS_LEFTOVERS: u32 = 1 << 1;
const CORE_DUMPED: u32 = 1 << 2;
const MAX_RSS_IS_OWN: u32 = 1 << 3;
const ADOPTED: u32 = 1 << 4;

/// Writes an event into a row of [`FIELDS`] numbers.
///
/// 0 is what happened, 1 the child's id, 2 its pid, 3 flags, 4 milliseconds from spawn to exit. Then, for an end: 5 the
/// exit code or -1, 6 the signal or 0, 7 to 22 the usage; for no exec: 5 the step, 6 the errno; for a lost status: 6 the
/// errno; for an output: 5 and 6 the lengths of stdout and stderr in bytes; for a signal: 6 its number.
pub(crate) fn write(event: &Event, row: &mut [f64]) {
    row.fill(0.0);
    match event {
        Event::Exit(exit) => write_exit(exit, row),
        Event::Exec { id } => (row[0], row[1]) = (EXEC, *id as f64),
        Event::Output(output) => {
            (row[0], row[1]) = (OUTPUT, output.id as f64);
            (row[5], row[6]) = (output.stdout.len() as f64, output.stderr.len() as f64);
        }
        Event::Signal { number } => (row[0], row[6]) = (SIGNAL, f64::from(*number)),
        Event::Reaped { pid, outcome, duration, adopted } => {
            row[2] = f64::from(*pid);
            row[4] = duration.as_secs_f64() * 1e3;
            let adopted = if *adopted { ADOPTED } else { 0 };
            row[3] = f64::from(write_outcome(outcome, row) | REAPED | adopted);
        }
    }
}

/// Writes the end of a child.
pub(crate) fn write_exit(exit: &Exit, row: &mut [f64]) {
    row[1] = exit.id as f64;
    row[2] = f64::from(exit.pid);
    row[4] = exit.duration.as_secs_f64() * 1e3;
    let flags = write_outcome(&exit.outcome, row) | if exit.has_leftovers { HAS_LEFTOVERS } else { 0 };
    row[3] = f64::from(flags);
}

fn write_outcome(outcome: &Outcome, row: &mut [f64]) -> u32 {
    match outcome {
        Outcome::Ended { status, max_rss_is_own } => {
            row[0] = ENDED;
            row[5] = status.code().map_or(-1.0, f64::from);
            row[6] = status.signal().map_or(0.0, f64::from);
            write_usage(status.usage(), &mut row[7..FIELDS]);
            let mut flags = 0;
            if status.core_dumped() {
                flags |= CORE_DUMPED;
            }
            if *max_rss_is_own {
                flags |= MAX_RSS_IS_OWN;
            }
            flags
        }
        Outcome::NotExecuted(failure) => {
            (row[0], row[5], row[6]) = (NOT_EXECUTED, f64::from(failure.step as u32), f64::from(failure.errno));
            0
        }
        Outcome::Lost(errno) => {
            (row[0], row[6]) = (LOST, f64::from(*errno));
            0
        }
    }
}

fn write_usage(usage: &Usage, row: &mut [f64]) {
    let fields = [
        usage.user_cpu_time,
        usage.system_cpu_time,
        usage.max_rss,
        usage.shared_memory_size,
        usage.unshared_data_size,
        usage.unshared_stack_size,
        usage.minor_page_faults,
        usage.major_page_faults,
        usage.swapped_out,
        usage.fs_read,
        usage.fs_write,
        usage.ipc_sent,
        usage.ipc_received,
        usage.signals_count,
        usage.voluntary_context_switches,
        usage.involuntary_context_switches,
    ];
    for (field, number) in row.iter_mut().zip(fields) {
        *field = number as f64;
    }
}
