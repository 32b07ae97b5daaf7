//! Tokio's `process`, on its multi-threaded runtime with a thread for each of two cores.

use std::{process::Stdio, sync::Arc, time::Instant};

use tokio::{process::Command, sync::Semaphore, task::JoinSet};

use crate::{Parameters, measure};

fn command(piped: bool) -> Command {
    let stdio = || if piped { Stdio::piped() } else { Stdio::null() };
    let mut command = Command::new("/bin/true");
    command.stdin(stdio()).stdout(stdio()).stderr(stdio());
    command
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// One after the other.
pub fn sequential(parameters: &Parameters) {
    runtime().block_on(async {
        for _ in 0..parameters.number("warmup", 20) {
            command(parameters.is_piped()).spawn().expect("true starts").wait().await.expect("true ends");
        }
        let (mut stops, mut ends) = (Vec::new(), Vec::new());
        let began = Instant::now();
        let (least, most) = (parameters.number("least", 60), parameters.number("count", 300));
        while stops.len() < least || (stops.len() < most && began.elapsed() < parameters.seconds()) {
            let start = Instant::now();
            let mut child = command(parameters.is_piped()).spawn().expect("true starts");
            stops.push(measure::micros(start.elapsed()));
            child.wait().await.expect("true ends");
            ends.push(measure::micros(start.elapsed()));
        }
        measure::tell(&[
            ("stop50", measure::percentile(&mut stops, 0.5)),
            ("stop99", measure::percentile(&mut stops, 0.99)),
            ("exit50", measure::percentile(&mut ends, 0.5)),
            ("exit99", measure::percentile(&mut ends, 0.99)),
            ("samples", stops.len() as f64),
            ("resident", measure::status("VmRSS")),
        ]);
    });
}

/// So many at once, each in a task of its own.
pub fn throughput(parameters: &Parameters) {
    let concurrency = parameters.number("concurrency", 1);
    let piped = parameters.is_piped();
    let run = async |seconds| {
        let began = Instant::now();
        let room = Arc::new(Semaphore::new(concurrency));
        let mut tasks = JoinSet::new();
        let mut done = 0u32;
        while began.elapsed() < seconds {
            let place = Arc::clone(&room).acquire_owned().await.expect("never closed");
            tasks.spawn(async move {
                command(piped).spawn().expect("true starts").wait().await.expect("true ends");
                drop(place);
            });
            while tasks.try_join_next().is_some() {
                done += 1;
            }
        }
        while tasks.join_next().await.is_some() {
            done += 1;
        }
        f64::from(done) / began.elapsed().as_secs_f64()
    };
    runtime().block_on(async {
        run(parameters.seconds() / 5).await;
        measure::tell(&[("rate", run(parameters.seconds()).await), ("resident", measure::status("VmRSS"))]);
    });
}
