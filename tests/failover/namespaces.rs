//! Namespaces of Linux that a test lives in: a network with a bridge, mounts and processes that nobody else sees.
//!
//! The test starts itself anew inside of them. With its last process the kernel removes the network, the mounts and what is
//! on them, however the test ends, so tests side by side use the same addresses and nothing has to be cleaned up.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Command;

use crate::support::{Supervised, skip};

/// The address of the machine that the tests make: API server, webhook, ZooKeeper and the test itself.
pub const HOST: &str = "10.250.0.1";
/// The bridge that the Pods are connected to.
pub const BRIDGE: &str = "bridge";
/// How lines begin that are for those who run the tests.
pub const TOLD: &str = "| ";

const INSIDE: &str = "FLINK_ADMISSION_TEST_INSIDE";
const UNSHARE: [&str; 6] = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
/// What is wanted besides root, tried once: a root of layers, a bridge, a cable into another namespace.
const PROBE: &str = r#"
mount -t tmpfs tmpfs "$1" && mkdir "$1/upper" "$1/work" "$1/root" &&
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root" &&
ip link add bridge type bridge && ip link add cable type veth peer name other netns $$
"#;

/// Runs `story` inside of namespaces of its own; `test` is the whole name of the test that calls. Where the machine does not
/// allow it, it says so on standard error and the story is not told; on CI (`CI=true`) that is a panic.
pub fn inside(test: &str, story: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        furnish();
        return story();
    }
    if let Some(missing) = missing() {
        skip(&missing);
        return;
    }
    let directory = tempfile::Builder::new().prefix("flink-admission-").tempdir().expect("a directory");
    let mut command = Supervised::command(Path::new("unshare"), Some(directory.path()));
    command.args(UNSHARE).arg(std::env::current_exe().expect("the test's own program"));
    command.args(["--exact", test, "--include-ignored", "--nocapture", "--test-threads=1"]);
    command.env(INSIDE, "1").env("TMPDIR", directory.path());
    let (reader, writer) = std::io::pipe().expect("a pipe");
    command.stdout(writer.try_clone().expect("a second handle")).stderr(writer);
    let mut process = Supervised::spawn(command).expect("unshare starts");
    let mut said = String::new();
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if line.starts_with(TOLD) {
            // The test runner has written the test's name, and waits with the end of that line.
            let begin = if said.contains(TOLD) { "" } else { "\n" };
            let _ = writeln!(std::io::stderr(), "{begin}{line}");
        }
        said.push_str(&line);
        said.push('\n');
    }
    let ended = crate::support::wait_until(std::time::Duration::from_mins(1), || process.exited().ok().flatten());
    let passed = ended.is_some_and(|status| status.success()) && said.contains("test result: ok. 1 passed");
    assert!(passed, "the test failed inside of its namespaces:\n{said}");
}

/// Says something to those who run the tests.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "\n{TOLD}{line}");
}

/// Gives the namespaces a memory of their own for all temporary files, and a bridge.
fn furnish() {
    let directory = std::env::temp_dir();
    run(Command::new("mount").args(["-t", "tmpfs", "-o", "mode=755", "tmpfs"]).arg(directory));
    let network = format!("{HOST}/16");
    for words in [
        ["link", "set", "lo", "up"].as_slice(),
        &["link", "add", BRIDGE, "type", "bridge"],
        &["address", "add", &network, "dev", BRIDGE],
        &["link", "set", BRIDGE, "up"],
    ] {
        run(Command::new("ip").args(words));
    }
}

/// Why the test cannot be run here.
fn missing() -> Option<String> {
    let directory = tempfile::tempdir().expect("a directory");
    let tried = Command::new("unshare")
        .args(UNSHARE)
        .args(["/bin/sh", "-c", PROBE, "probe"])
        .arg(directory.path())
        .output()
        .map(|output| (output.status.success(), String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    match tried {
        Ok((true, _)) => None,
        Ok((false, said)) => {
            Some(format!("no namespaces with a bridge and layers (root, iproute2, overlayfs): {said}"))
        }
        Err(error) => Some(format!("`unshare` of util-linux does not start: {error}")),
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
