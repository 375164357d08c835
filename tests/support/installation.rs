//! Where Flink is, and a job for it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

use crate::support::skip;

/// A release of Flink with a job beside it: the directory `lib` of the one, `usrlib` of the other.
pub struct Installation {
    /// `FLINK_HOME`.
    pub home: PathBuf,
    /// Holds `lib` and `usrlib`.
    directory: TempDir,
}

impl Installation {
    /// The release `version`, which the tests of one binary share. `None` where it or a JDK is missing; the test then returns,
    /// having said so on standard error. On CI (`CI=true`) that is a panic.
    pub fn shared(version: &'static str) -> Option<&'static Self> {
        static SHARED: Mutex<BTreeMap<&str, &Installation>> = Mutex::new(BTreeMap::new());
        if !Self::is_available(version) {
            return None;
        }
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        Some(shared.entry(version).or_insert_with(|| Box::leak(Box::new(Self::make(version)))))
    }

    /// Whether the release `version` and a JDK are there; says how to get them if not, and panics on CI.
    pub fn is_available(version: &str) -> bool {
        let Some(missing) = missing(version) else { return true };
        skip(&missing);
        false
    }

    /// For `FLINK_LIB_DIR`: Flink's start scripts then take it for the jars, and what is in `usrlib` beside it for the job's.
    pub fn lib(&self) -> PathBuf {
        self.directory.path().join("lib")
    }

    /// The directory of the job's jar.
    pub fn library(&self) -> PathBuf {
        self.directory.path().join("usrlib")
    }

    /// The job's jar.
    pub fn jar(&self) -> PathBuf {
        self.library().join("count.jar")
    }

    /// The options for the JVM that Flink's own configuration file has.
    pub fn jvm_options(&self) -> String {
        let text = std::fs::read_to_string(self.home.join("conf/config.yaml")).expect("Flink's configuration");
        let options = text.lines().find_map(|line| line.trim().strip_prefix("all: "));
        options.expect("`env.java.opts.all` in Flink's configuration").to_owned()
    }

    fn make(version: &str) -> Self {
        let home = home(version).expect("it is there");
        let directory = tempfile::Builder::new().prefix("flink-admission-").tempdir().expect("a directory");
        let made = Self { home, directory };
        let [lib, usrlib, classes] = ["lib", "usrlib", "classes"].map(|name| made.directory.path().join(name));
        for directory in [&lib, &usrlib, &classes] {
            std::fs::create_dir(directory).expect("a directory");
        }
        for jar in std::fs::read_dir(made.home.join("lib")).expect("Flink's jars") {
            let jar = jar.expect("a jar");
            // Nothing here uses SQL, and each jar costs time at every start.
            if !jar.file_name().to_string_lossy().contains("table") {
                link(&jar.path(), &lib.join(jar.file_name()));
            }
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flink/Count.java");
        let class_path = format!("{}/*", lib.display());
        let compiler = ["--release", "11", "-nowarn", "-cp", &class_path, "-d"];
        run(Command::new("javac").args(compiler).arg(&classes).arg(&source));
        run(Command::new("jar").arg("cf").arg(usrlib.join("count.jar")).arg("-C").arg(classes).arg("."));
        made
    }
}

/// What is missing, and how to get it.
fn missing(version: &str) -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("addresses in 127.0.0.0/8 are all local on Linux only".to_owned());
    }
    let is_there =
        |tool: &str| Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success());
    if let Some(tool) = ["java", "javac", "jar"].into_iter().find(|tool| !is_there(tool)) {
        return Some(format!("`{tool}` does not run; install a JDK (17)"));
    }
    let Some(home) = home(version) else { return Some("`tests/flink/build --where` says nothing".to_owned()) };
    (!home.join("bin/standalone-job.sh").is_file())
        .then(|| format!("there is no `{}`; run `make flink` to bring it", home.display()))
}

fn home(version: &str) -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flink/build");
    let output = Command::new(script).arg("--where").output().ok()?;
    let directory = String::from_utf8(output.stdout).ok()?;
    let directory = directory.trim();
    (!directory.is_empty()).then(|| Path::new(directory).join(version))
}

#[cfg(unix)]
fn link(from: &Path, to: &Path) {
    std::os::unix::fs::symlink(from, to).expect("a link");
}

#[cfg(not(unix))]
fn link(from: &Path, to: &Path) {
    std::fs::copy(from, to).expect("a copy");
}

fn run(command: &mut Command) {
    let output = command.output().expect("it starts");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
