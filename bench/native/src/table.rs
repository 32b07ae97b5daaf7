//! The floor of reading a process table: `open`, `read` and `close` of two files for everybody, and nothing else.

use std::{
    fs::{self, File},
    io::{Read, Write},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use crate::{Parameters, measure};

/// Reads `stat` and `cmdline` of everybody, with as many threads as there are processors.
pub fn table(parameters: &Parameters) {
    let size = parameters.number("crowd", 0);
    let script =
        format!("exec 3<&0; i=0; while [ $i -lt {size} ]; do (read x <&3) & i=$((i+1)); done; echo; read x <&3");
    let mut crowd = Command::new("/bin/sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("there is a shell");
    let mut line = [0];
    crowd.stdout.take().expect("it is piped").read_exact(&mut line).expect("there is room for that many processes");
    let mut times: Vec<f64> = (0..parameters.number("count", 1)).map(|_| read_once(size)).collect();
    measure::tell(&[("first", times[0]), ("time50", measure::percentile(&mut times, 0.5))]);
    let _ = std::io::stdout().flush();
    drop(crowd.stdin.take());
    let _ = crowd.wait();
}

/// Milliseconds.
fn read_once(least: usize) -> f64 {
    let start = Instant::now();
    let entries = fs::read_dir("/proc").expect("it is mounted");
    let pids: Vec<u32> = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    let (next, found) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut buffer = vec![0; 4096];
        while let Some(pid) = pids.get(next.fetch_add(1, Ordering::Relaxed)) {
            for name in ["stat", "cmdline"] {
                let file = File::open(format!("/proc/{pid}/{name}"));
                if file.is_ok_and(|mut file| file.read(&mut buffer).is_ok()) {
                    found.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(work);
        }
        work();
    });
    assert!(found.into_inner() >= 2 * least);
    start.elapsed().as_secs_f64() * 1e3
}
