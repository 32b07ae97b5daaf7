//! What the machine can do without JavaScript. Takes a subject and `key=value` pairs, as the JavaScript subjects do, and
//! prints one line of JSON.

mod clone;
mod measure;
mod posix;
mod read;
mod syscalls;
mod table;
mod tokio_process;

use std::{collections::HashMap, fs::File, io::Write, os::fd::FromRawFd, time::Duration};

/// What to measure, as given on the command line.
pub struct Parameters(HashMap<String, String>);

impl Parameters {
    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn number(&self, name: &str, default: usize) -> usize {
        self.0.get(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
    }

    fn stdio(&self) -> posix::Stdio {
        match (self.is_piped(), self.text("api")) {
            (false, _) => posix::Stdio::Null,
            (true, "read-socket") => posix::Stdio::SocketPairs,
            (true, _) => posix::Stdio::Pipes,
        }
    }

    fn is_piped(&self) -> bool {
        self.text("stdio") != "ignore"
    }

    fn seconds(&self) -> Duration {
        Duration::from_millis(self.number("milliseconds", 1000) as u64)
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let subject = arguments.next().unwrap_or_default();
    let parameters = Parameters(
        arguments.filter_map(|pair| pair.split_once('=').map(|(name, value)| (name.into(), value.into()))).collect(),
    );
    // Touched, or it would not be there. No less than what Node.js holds before it runs a line.
    let held = match subject.as_str() {
        "sequential" | "throughput" => vec![1u8; parameters.number("held", 0).max(48 << 20)],
        _ => Vec::new(),
    };
    match (subject.as_str(), parameters.text("api")) {
        ("sequential", "posix_spawn") => posix::sequential(&parameters),
        ("sequential", "clone") => clone::sequential(&parameters),
        ("sequential", "tokio") => tokio_process::sequential(&parameters),
        ("throughput", "posix_spawn") => posix::throughput(&parameters),
        ("throughput", "tokio") => tokio_process::throughput(&parameters),
        ("output", _) => read::output(&parameters),
        ("table", _) => table::table(&parameters),
        ("syscalls", _) => syscalls::measure_all(),
        ("write", _) => write(parameters.number("bytes", 0)),
        _ => panic!("unknown subject {subject}"),
    }
    std::hint::black_box(&held);
}

/// Writes so many bytes of ASCII text to stdout, as fast as the pipe takes them: 64 KB with each `write(2)`, as `cat` and its
/// like do, and not through the standard library's stdout, which sends the rest of a line after the others by itself.
fn write(bytes: usize) {
    let line = b"the quick brown fox jumps over the lazy dog, and then it does\n\n";
    let piece: Vec<u8> = line.iter().copied().cycle().take(64 * 1024).collect();
    // SAFETY: the descriptor is this program's, and nothing else uses it.
    let mut stdout = unsafe { File::from_raw_fd(libc::STDOUT_FILENO) };
    let mut left = bytes;
    while left > 0 {
        let count = left.min(piece.len());
        if stdout.write_all(&piece[..count]).is_err() {
            return;
        }
        left -= count;
    }
}
