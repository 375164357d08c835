//! Child processes that end with the test, also when the test is killed with -9.
//!
//! A child runs under a shell whose standard input is a pipe from the test. The kernel closes the pipe when the test's
//! process ends in any way, and the shell then kills the child and removes its directory. There are no pid files that
//! could be stale, and a static that is never dropped leaves nothing behind.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// `$1` is a directory to remove at the end, or empty; the rest is the command. Each line on standard input is the name of a
/// signal for the child. The outputs are left to the child alone, so that their readers see its end.
const SUPERVISOR: &str = r#"
directory=$1; shift
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
exec >/dev/null 2>&1
{
    while read -r signal; do kill -s "$signal" "$child"; done
    trap '' TERM
    kill -s KILL "$child"
    [ -z "$directory" ] || rm -rf "$directory"
} <&3 &
watcher=$!
wait "$child"; status=$?
kill "$watcher"
wait "$watcher"
exit "$status"
"#;

/// How often a condition is looked at again while waiting for it.
const POLL: Duration = Duration::from_millis(50);

/// A child process; dropping it kills it and waits for its end.
pub struct Supervised {
    shell: Child,
    signals: Option<ChildStdin>,
}

impl Supervised {
    /// A command for [`Self::spawn`], to be completed with arguments, environment and outputs; the child's standard input is
    /// empty. `remove` is a directory that goes with the child.
    pub fn command(program: &Path, remove: Option<&Path>) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SUPERVISOR, "supervisor"]).arg(remove.unwrap_or(Path::new(""))).arg(program);
        shell
    }

    /// Starts what [`Self::command`] made.
    pub fn spawn(mut command: Command) -> std::io::Result<Self> {
        let mut shell = command.stdin(Stdio::piped()).spawn()?;
        let signals = shell.stdin.take();
        Ok(Self { shell, signals })
    }

    /// The child's standard output, where it was started with a pipe; once.
    pub fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.shell.stdout.take()
    }

    /// The child's standard error, where it was started with a pipe; once.
    pub fn take_stderr(&mut self) -> Option<std::process::ChildStderr> {
        self.shell.stderr.take()
    }

    /// Sends a signal by name (`TERM`, `KILL`, `HUP`).
    pub fn signal(&mut self, name: &str) -> std::io::Result<()> {
        match &mut self.signals {
            Some(pipe) => writeln!(pipe, "{name}"),
            None => Ok(()),
        }
    }

    /// How the child ended, if it has; 128 + n for signal n, as shells say it.
    pub fn exited(&mut self) -> std::io::Result<Option<ExitStatus>> {
        self.shell.try_wait()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.signals.take());
        // Bounded: KILL cannot be refused.
        let _ = self.shell.wait();
    }
}

/// Asks `condition` until it has an answer; `None` when `deadline` has passed.
pub fn wait_until<T>(deadline: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let begin = Instant::now();
    loop {
        if let Some(answer) = condition() {
            return Some(answer);
        }
        if begin.elapsed() > deadline {
            return None;
        }
        std::thread::sleep(POLL);
    }
}
