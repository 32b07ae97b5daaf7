//! Figures, and how they are told.

use std::time::{Duration, Instant};

use crate::Parameters;

/// The value below which `share` of the samples lie.
pub fn percentile(samples: &mut [f64], share: f64) -> f64 {
    if samples.is_empty() {
        return f64::NAN;
    }
    samples.sort_by(f64::total_cmp);
    let index = (samples.len() as f64 * share).ceil() as usize;
    samples[index.clamp(1, samples.len()) - 1]
}

/// Microseconds.
pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// A line such as `VmRSS` of `/proc/self/status`, in bytes.
pub fn status(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or("0 0");
    line.split_whitespace().nth(1).and_then(|number| number.parse::<f64>().ok()).unwrap_or(0.0) * 1024.0
}

/// Prints figures as one line of JSON.
pub fn tell(figures: &[(&str, f64)]) {
    let fields: Vec<_> = figures.iter().map(|(name, figure)| format!("\"{name}\":{figure}")).collect();
    println!("{{{}}}", fields.join(","));
}

/// Starts and waits, one child after the other, and tells how long the start took, and both together.
pub fn sequential<Child>(parameters: &Parameters, mut start: impl FnMut() -> Child, mut wait: impl FnMut(Child)) {
    for _ in 0..parameters.number("warmup", 20) {
        wait(start());
    }
    let (mut stops, mut ends) = (Vec::new(), Vec::new());
    let began = Instant::now();
    let (least, most) = (parameters.number("least", 60), parameters.number("count", 300));
    while stops.len() < least || (stops.len() < most && began.elapsed() < parameters.seconds()) {
        let before = Instant::now();
        let child = start();
        stops.push(micros(before.elapsed()));
        wait(child);
        ends.push(micros(before.elapsed()));
    }
    tell(&[
        ("stop50", percentile(&mut stops, 0.5)),
        ("stop99", percentile(&mut stops, 0.99)),
        ("exit50", percentile(&mut ends, 0.5)),
        ("exit99", percentile(&mut ends, 0.99)),
        ("samples", stops.len() as f64),
        ("resident", status("VmRSS")),
    ]);
}
