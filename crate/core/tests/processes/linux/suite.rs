//! Runs the cases: which ones, in which modes, in which processes.

use std::{
    env, fs, io,
    os::unix::process::ExitStatusExt,
    panic::catch_unwind,
    process::{Command, ExitCode, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::kernel::{self, Ourselves};

/// Long enough for a loaded machine; nothing waits that long unless it fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
/// The longest that all cases of a theme may take together: so many times as long where all is slow, in an emulator or under
/// a sanitizer.
const THEME_DEADLINE: Duration = Duration::from_secs(60);
const PATIENCE: &str = "BROOD_TEST_PATIENCE";
/// In a process that runs the cases of a theme: which.
const THEME: &str = "BROOD_TEST_THEME";
/// And if so, only this one, which wants a process to itself.
const CASE: &str = "BROOD_TEST_CASE";
/// What the user asked for.
const FILTER: &str = "BROOD_TEST_FILTER";

/// One promise.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(),
    /// It does to its process what other cases could not live with.
    pub(crate) alone: bool,
}

/// The promises about one subject.
pub(crate) struct Theme {
    pub(crate) name: &'static str,
    pub(crate) cases: &'static [Case],
    /// Whether the forced modes make a difference to it.
    pub(crate) in_all_modes: bool,
}

/// Defines `THEME`.
#[macro_export]
macro_rules! theme {
    ($name:literal, in_all_modes: $in_all_modes:literal, together: [$($case:ident),* $(,)?], alone: [$($alone:ident),* $(,)?] $(,)?) => {
        pub(crate) const THEME: $crate::linux::suite::Theme = $crate::linux::suite::Theme {
            name: $name,
            cases: &[
                $($crate::linux::suite::Case { name: stringify!($case), run: $case, alone: false },)*
                $($crate::linux::suite::Case { name: stringify!($alone), run: $alone, alone: true },)*
            ],
            in_all_modes: $in_all_modes,
        };
    };
}

/// A way to spawn and a way to reap, as the environment variables that force them.
type Mode = &'static [(&'static str, &'static str)];

const MODES: [Mode; 5] = [
    &[],
    &[("BROOD_SPAWN", "clone")],
    &[("BROOD_SPAWN", "posix_spawn")],
    &[("BROOD_REAPER", "sigchld")],
    &[("BROOD_REAPER", "sigchld"), ("BROOD_SPAWN", "posix_spawn")],
];

/// Whether nothing was forced.
pub(crate) fn is_plain_mode() -> bool {
    env::var_os("BROOD_SPAWN").is_none() && !is_sigchld_mode()
}

/// Whether this run is one without pidfds.
pub(crate) fn is_sigchld_mode() -> bool {
    env::var_os("BROOD_REAPER").is_some()
}

/// Says why a case, or a part of it, cannot be tried here.
pub(crate) fn skip(reason: &str) {
    println!("    skipped: {reason}");
}

/// Polls until `done`, with a deadline.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn main(themes: &'static [Theme]) -> ExitCode {
    let passed = match env::var(THEME) {
        Ok(name) => {
            let theme = themes.iter().find(|theme| theme.name == name).expect("a theme of ours");
            match env::var(CASE) {
                Ok(case) => run_alone(theme.cases.iter().find(|known| known.name == case).expect("a case of ours")),
                Err(_) => run_theme(theme),
            }
        }
        Err(_) => run_all(themes),
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs each theme in each mode, two at a time.
fn run_all(themes: &[Theme]) -> bool {
    let filter = env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    if env::args().any(|argument| argument == "--list") {
        return true;
    }
    let forced = env::var_os("BROOD_SPAWN").is_some() || env::var_os("BROOD_REAPER").is_some();
    let mut jobs: Vec<(&Theme, Mode)> = Vec::new();
    for theme in themes.iter().filter(|theme| theme.cases.iter().any(|case| is_wanted(theme, case, &filter))) {
        if forced && !theme.in_all_modes {
            println!("{}: skipped: it looks for the best mode itself", theme.name);
            continue;
        }
        let modes = if forced || !theme.in_all_modes { &MODES[..1] } else { &MODES };
        jobs.extend(modes.iter().map(|&mode| (theme, mode)));
    }
    let (next, passed) = (AtomicUsize::new(0), AtomicBool::new(true));
    let printing = Mutex::new(());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(&(theme, mode)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let start = Instant::now();
                    let variables = [(THEME, theme.name), (FILTER, &filter)].into_iter().chain(mode.iter().copied());
                    let (result, told) = run_process(variables);
                    let _printing = printing.lock().expect("nobody panics while printing");
                    let mode: Vec<_> = mode.iter().map(|(_, value)| *value).collect();
                    println!("{} [{}] {:?}: {result}", theme.name, mode.join(" "), start.elapsed());
                    if result != "passed" || told.contains("skipped:") {
                        print!("{told}");
                    }
                    if result != "passed" {
                        passed.store(false, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    passed.into_inner()
}

fn is_wanted(theme: &Theme, case: &Case, filter: &str) -> bool {
    theme.name.contains(filter) || case.name.contains(filter)
}

/// Runs this program again, in a process group of its own that is killed when it takes too long. What it prints goes
/// through a file: a pipe would be held open by whatever it leaves behind.
fn run_process<'a>(variables: impl Iterator<Item = (&'a str, &'a str)>) -> (String, String) {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = env::temp_dir().join(format!("brood-tests-{}-{number}", std::process::id()));
    let file = fs::File::options().create(true).append(true).open(&path).expect("a file can be made");
    let mut child = Command::new(env::current_exe().expect("this program has a path"))
        .envs(variables)
        .stdin(Stdio::null())
        .stdout(file.try_clone().expect("a descriptor can be copied"))
        .stderr(file)
        .spawn()
        .expect("this program starts");
    let start = Instant::now();
    let patience = env::var(PATIENCE).ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    let result = loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            break match (status.success(), status.signal()) {
                (true, _) => "passed".to_owned(),
                (false, None) => "FAILED".to_owned(),
                (false, Some(signal)) => format!("FAILED by signal {signal}"),
            };
        }
        if start.elapsed() > THEME_DEADLINE * patience {
            let _ = child.kill();
            let _ = child.wait();
            break "FAILED, out of time".to_owned();
        }
        thread::sleep(Duration::from_millis(2));
    };
    let told = fs::read(&path).map(|told| String::from_utf8_lossy(&told).into_owned()).unwrap_or_default();
    let _ = fs::remove_file(&path);
    (result, told)
}

/// Runs the cases of a theme in this process, one after the other, and looks for what each has left behind.
fn run_theme(theme: &Theme) -> bool {
    let filter = env::var(FILTER).unwrap_or_default();
    // What is made once and stays: the driver, its thread and descriptors, the first arenas.
    drop(super::family::warm_up());
    let before = Ourselves::now();
    let mut passed = true;
    for case in theme.cases.iter().filter(|case| is_wanted(theme, case, &filter)) {
        let start = Instant::now();
        let result = if case.alone {
            let (result, told) = run_process([(THEME, theme.name), (CASE, case.name)].into_iter());
            print!("{told}");
            result == "passed"
        } else {
            catch_unwind(case.run).is_ok() && before.is_still_so()
        };
        println!("  {} {:?}: {}", case.name, start.elapsed(), if result { "ok" } else { "FAILED" });
        passed &= result;
        if !result && !case.alone {
            println!("  what was left behind would make the rest of this theme fail, too");
            break;
        }
    }
    passed
}

/// Runs one case in this process, which is its alone: on the main thread, with no driver yet.
fn run_alone(case: &Case) -> bool {
    catch_unwind(case.run).is_ok() && kernel::has_no_children()
}

/// Runs this program as a helper of a case: the case of this name, alone, with its stdout for us to read.
pub(crate) fn helper(theme: &str, case: &str, variables: &[(&str, &str)]) -> io::Result<std::process::Child> {
    Command::new(env::current_exe()?)
        .env(THEME, theme)
        .env(CASE, case)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
}
