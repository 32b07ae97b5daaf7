//! A plain reader of a large output: one `read(2)` loop into one growing buffer.

use std::{fs::File, io::Read, os::fd::FromRawFd, time::Instant};

use crate::{
    Parameters, measure,
    posix::{Program, spawn},
};

/// Runs this program's `write` and reads all of it.
pub fn output(parameters: &Parameters) {
    let bytes = parameters.number("bytes", 0);
    let ourselves = std::env::current_exe().expect("/proc is there");
    let size = format!("bytes={bytes}");
    let program = Program::new(ourselves.to_str().expect("a plain path"), &["write", &size]);
    // The peak from here on, not that of the start.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
    let before = measure::status("VmRSS");
    let start = Instant::now();
    let child = spawn(&program, parameters.stdio());
    let mut buffer = Vec::<u8>::new();
    if parameters.text("mode") == "stream" {
        stream(&child, bytes);
    } else {
        // SAFETY: a copy of the descriptor, which the file owns.
        let mut pipe = unsafe { File::from_raw_fd(libc::dup(child.pipe(1))) };
        pipe.read_to_end(&mut buffer).expect("a pipe can be read");
        assert_eq!(buffer.len(), bytes);
    }
    child.wait();
    let seconds = start.elapsed().as_secs_f64();
    measure::tell(&[
        ("megabytesPerSecond", bytes as f64 / 1e6 / seconds),
        ("seconds", seconds),
        ("peak", (measure::status("VmHWM") - before) / bytes as f64),
    ]);
}

/// Reads it all in pieces of a pipe's size, and keeps nothing.
fn stream(child: &crate::posix::Child, bytes: usize) {
    // SAFETY: a copy of the descriptor, which the file owns.
    let mut pipe = unsafe { File::from_raw_fd(libc::dup(child.pipe(1))) };
    let mut piece = vec![0; 64 * 1024];
    let mut read = 0;
    loop {
        match pipe.read(&mut piece).expect("a pipe can be read") {
            0 => break,
            count => read += count,
        }
    }
    assert_eq!(read, bytes);
}
