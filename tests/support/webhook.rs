//! Our own program as a process, with what it says.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::process::{Supervised, wait_until};

/// How long the program may take to say that it is ready, and to end.
const DEADLINE: Duration = Duration::from_secs(20);

/// `flink-admission` with some arguments; dropping it kills it.
pub struct RunningWebhook {
    process: Supervised,
    log: Arc<Log>,
}

/// What the program says; `changed` tells of each change.
#[derive(Default)]
struct Log {
    heard: Mutex<Heard>,
    changed: Condvar,
}

#[derive(Default)]
struct Heard {
    /// Of standard output and standard error in the order of their arrival.
    lines: Vec<String>,
    /// How many of the two can still say something.
    open: usize,
}

impl RunningWebhook {
    /// Starts the program and waits until a line holds `marker`; panics like [`Self::wait_for`].
    #[track_caller]
    pub fn start(args: &[&str], marker: &str) -> Self {
        Self::start_with(args, &[], marker)
    }

    /// The same with further environment variables.
    #[track_caller]
    pub fn start_with(args: &[&str], environment: &[(&str, &str)], marker: &str) -> Self {
        Self::start_program(Path::new(env!("CARGO_BIN_EXE_flink-admission")), args, environment, marker)
    }

    /// The same by another program, which ends up as ours.
    #[track_caller]
    pub fn start_program(program: &Path, args: &[&str], environment: &[(&str, &str)], marker: &str) -> Self {
        let mut command = Supervised::command(program, None);
        command.args(args).envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Supervised::spawn(command)
            .unwrap_or_else(|error| panic!("flink-admission {args:?} did not start: {error}"));
        let log = Arc::new(Log::default());
        if let Some(pipe) = process.take_stdout() {
            Log::collect(&log, pipe);
        }
        if let Some(pipe) = process.take_stderr() {
            Log::collect(&log, pipe);
        }
        let webhook = Self { process, log };
        webhook.wait_for(marker);
        webhook
    }

    /// The first line that holds `marker`; panics with the log when the program ends without it, or after 20 seconds.
    #[track_caller]
    pub fn wait_for(&self, marker: &str) -> String {
        match self.log.first_with(marker, DEADLINE) {
            Some(line) => line,
            None => panic!("flink-admission did not say `{marker}`; it said:\n{}", self.log()),
        }
    }

    /// All that it has said so far.
    pub fn log(&self) -> String {
        self.log.lock().lines.join("\n")
    }

    /// Sends a signal by name (`TERM`, `KILL`, `HUP`).
    #[track_caller]
    pub fn signal(&mut self, name: &str) {
        if let Err(error) = self.process.signal(name) {
            panic!("signal {name} was not sent: {error}; the log:\n{}", self.log());
        }
    }

    /// Waits for its end and gives the exit status (128 + n for signal n); panics after 20 seconds.
    #[track_caller]
    pub fn wait_for_exit(&mut self) -> i32 {
        let process = &mut self.process;
        match wait_until(DEADLINE, || process.exited().ok().flatten()) {
            Some(status) => status.code().unwrap_or(-1),
            None => panic!("flink-admission is still running; it said:\n{}", self.log()),
        }
    }
}

impl Log {
    fn collect(log: &Arc<Self>, pipe: impl Read + Send + 'static) {
        let log = Arc::clone(log);
        log.lock().open += 1;
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                log.lock().lines.push(String::from_utf8_lossy(&line).into_owned());
                log.changed.notify_all();
            }
            log.lock().open -= 1;
            log.changed.notify_all();
        });
    }

    fn first_with(&self, marker: &str, deadline: Duration) -> Option<String> {
        let end = Instant::now() + deadline;
        let mut heard = self.lock();
        loop {
            if let Some(line) = heard.lines.iter().find(|line| line.contains(marker)) {
                return Some(line.clone());
            }
            if heard.open == 0 {
                return None;
            }
            let left = end.checked_duration_since(Instant::now())?;
            heard = self.changed.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
