//! Flink's side: a JVM with the classes of one release, which answers line by line.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use flink_admission::flink::version::FlinkVersion;
use serde_json::Value;
use tempfile::TempDir;

use super::case::Case;
use crate::support::skip;

/// Flink's classes of one release.
pub struct Oracle {
    /// The release.
    pub version: String,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
    java: Child,
    directory: TempDir,
}

impl Oracle {
    /// Starts it; `None` where the release or a JDK is missing, which is said on standard error, and on CI (`CI=true`) is a
    /// panic.
    pub fn start(version: &str) -> Option<Self> {
        if let Some(missing) = missing(version) {
            skip(&missing);
            return None;
        }
        let jar = jar(version).expect("it is there");
        // In memory where that is possible: each case writes its files.
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
        let directory = tempfile::Builder::new().prefix("flink-admission-").tempdir_in(parent).expect("a directory");
        let (classes, files) = (directory.path().join("classes"), directory.path().join("conf"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flink/Oracle.java");
        let mut compiler = Command::new("javac");
        compiler.args(["-J-Xmx256m", "-J-XX:TieredStopAtLevel=1", "--release", "11", "-nowarn", "-cp"]).arg(&jar);
        let output = compiler.arg("-d").arg(&classes).arg(source).output().expect("javac");
        assert!(output.status.success(), "{version}: {}", String::from_utf8_lossy(&output.stderr));
        let mut java = Command::new("java");
        java.args(["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"])
            .arg(format!("{}:{}", classes.display(), jar.display()))
            .arg("Oracle")
            .arg(files)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(directory.path().join(ERRORS)).expect("a file"));
        // It ends with the pipe, so with the test, whatever way that ends.
        let mut java = java.spawn().expect("java");
        let pipes = (java.stdin.take().expect("a pipe"), BufReader::new(java.stdout.take().expect("a pipe")));
        Some(Self { version: version.to_owned(), pipes: Mutex::new(pipes), java, directory })
    }

    /// The release as the program knows it.
    pub fn flink(&self) -> FlinkVersion {
        FlinkVersion::from_dotted(&self.version).expect("a version")
    }

    /// What Flink answers for each of `cases`.
    pub fn ask(&self, cases: &[Case]) -> Vec<Value> {
        let mut questions = String::new();
        for case in cases {
            questions.push_str(&case.question(self.flink()).to_string());
            questions.push('\n');
        }
        let mut pipes = self.pipes.lock().expect("no asker has panicked");
        let (input, output) = &mut *pipes;
        std::thread::scope(|scope| {
            // Both pipes are small: who writes all before reading waits for ever.
            let writer = scope.spawn(move || input.write_all(questions.as_bytes()).and_then(|()| input.flush()));
            let answers = output.lines().take(cases.len()).map(|line| {
                let line = line.expect("a line of UTF-8");
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{}: {error}: {line}", self.version))
            });
            let answers: Vec<Value> = answers.collect();
            let written = writer.join().expect("a thread");
            assert!(written.is_ok(), "{}: the JVM reads no more: {}", self.version, self.errors());
            assert!(answers.len() == cases.len(), "{}: the JVM has ended: {}", self.version, self.errors());
            answers
        })
    }
}

impl Oracle {
    /// The end of what the JVM has said on standard error.
    fn errors(&self) -> String {
        let bytes = std::fs::read(self.directory.path().join(ERRORS)).unwrap_or_default();
        String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(MOST_ERRORS)..]).into_owned()
    }
}

/// The file with what the JVM says on standard error.
const ERRORS: &str = "errors";
/// Bytes of it that are shown.
const MOST_ERRORS: usize = 4_000;

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.java.kill();
        let _ = self.java.wait();
    }
}

/// What is missing, and how to get it.
fn missing(version: &str) -> Option<String> {
    let is_there =
        |tool: &str| Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    if let Some(tool) = ["java", "javac"].into_iter().find(|tool| !is_there(tool)) {
        return Some(format!("`{tool}` does not run; install a JDK (17)"));
    }
    jar(version)
        .is_none()
        .then(|| format!("there is no Flink {version}; run `tests/flink/build {version}` to bring it"))
}

/// The jar of `version` that holds all of Flink's classes.
fn jar(version: &str) -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flink/build");
    let output = Command::new(script).arg("--where").output().ok()?;
    let directory = String::from_utf8(output.stdout).ok()?;
    let lib = Path::new(directory.trim()).join(version).join("lib");
    let jars = std::fs::read_dir(lib).ok()?.filter_map(|jar| Some(jar.ok()?.path()));
    jars.into_iter().find(|jar| jar.file_name().is_some_and(|name| name.to_string_lossy().starts_with("flink-dist")))
}
