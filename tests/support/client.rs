//! kubectl and helm as users run them, each user with a kubeconfig of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::process::Supervised;
use super::programs;

/// One user's way to the API server.
#[derive(Clone, Debug)]
pub struct Client {
    kubeconfig: PathBuf,
    home: PathBuf,
}

/// What a program said and whether it succeeded.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub command: String,
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Client {
    /// `home` holds kubectl's and helm's caches.
    pub fn new(kubeconfig: PathBuf, home: PathBuf) -> Self {
        Self { kubeconfig, home }
    }

    /// The kubeconfig's path.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Runs kubectl.
    pub fn kubectl(&self, args: &[&str]) -> Outcome {
        self.run("kubectl", args, "")
    }

    /// Runs kubectl with `input` on its standard input (`apply -f -`).
    pub fn kubectl_with(&self, args: &[&str], input: &str) -> Outcome {
        self.run("kubectl", args, input)
    }

    /// `kubectl apply -f -`.
    pub fn apply(&self, yaml: &str) -> Outcome {
        self.run("kubectl", &["apply", "-f", "-"], yaml)
    }

    /// Starts kubectl and leaves it running, with a pipe for its standard output (`get --watch`).
    pub fn watch(&self, args: &[&str]) -> std::io::Result<Supervised> {
        let path = programs::find("kubectl").unwrap_or_else(|missing| panic!("{missing}"));
        let mut command = Supervised::command(&path, None);
        self.isolate(&mut command);
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::null());
        Supervised::spawn(command)
    }

    /// Runs helm.
    pub fn helm(&self, args: &[&str]) -> Outcome {
        self.run("helm", args, "")
    }

    /// Runs a line as a person types it, in a shell in `directory` with kubectl and our program on its `PATH`; standard output
    /// holds both outputs in their order.
    pub fn shell(&self, line: &str, directory: &Path) -> Outcome {
        let kubectl = programs::find("kubectl").unwrap_or_else(|missing| panic!("{missing}"));
        let programs = [kubectl.as_path(), Path::new(env!("CARGO_BIN_EXE_flink-admission"))];
        let mut directories: Vec<PathBuf> = programs.iter().filter_map(|path| Some(path.parent()?.into())).collect();
        directories.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
        let path = std::env::join_paths(directories).unwrap_or_else(|error| panic!("{error}"));
        let mut command = Command::new("/bin/sh");
        self.isolate(&mut command);
        command.env("PATH", path).current_dir(directory).args(["-c", "exec 2>&1; eval \"$1\"", "sh", line]);
        finish(command, line.to_owned(), "")
    }

    /// The tester's own proxies, contexts and plugins stay out of it.
    fn isolate(&self, command: &mut Command) {
        command.env_clear().env("HOME", &self.home).env("KUBECONFIG", &self.kubeconfig);
    }

    fn run(&self, program: &str, args: &[&str], input: &str) -> Outcome {
        let path = programs::find(program).unwrap_or_else(|missing| panic!("{missing}"));
        let mut command = Command::new(path);
        self.isolate(&mut command);
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        // A server that does not answer must fail the test, not hold it up.
        if program == "kubectl" {
            command.arg("--request-timeout=60s");
        }
        command.args(args);
        finish(command, format!("{program} {}", args.join(" ")), input)
    }
}

/// Runs `command`, called `line` where it fails, to its end.
fn finish(mut command: Command, line: String, input: &str) -> Outcome {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("`{line}` did not start: {error}"));
    let mut stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // In a thread of its own: both sides could wait for each other with full pipes. A program that does not read its
        // input closes it, which is no failure.
        scope.spawn(move || stdin.take().map(|mut pipe| pipe.write_all(input.as_bytes())));
        child.wait_with_output()
    });
    let output = output.unwrap_or_else(|error| panic!("`{line}`: {error}"));
    Outcome {
        command: line,
        success: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Outcome {
    /// Standard output; panics with everything said where the program failed.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert!(self.success, "`{}` failed\nstdout: {}\nstderr: {}", self.command, self.stdout, self.stderr);
        self.stdout
    }

    /// Standard error; panics where the program succeeded.
    #[track_caller]
    pub fn refused(self) -> String {
        assert!(!self.success, "`{}` succeeded\nstdout: {}\nstderr: {}", self.command, self.stdout, self.stderr);
        self.stderr
    }
}
