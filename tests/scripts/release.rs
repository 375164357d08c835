//! The releases whose scripts are run.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flink_admission::flink::version::FlinkVersion;

use crate::support::is_ci;

/// A release of Flink.
pub struct Release {
    /// `1.20.5`.
    pub name: String,
    /// `FLINK_HOME`.
    pub home: PathBuf,
}

/// Those that `make test` asks.
const FEW: [&str; 3] = ["1.16.3", "1.20.5", "2.3.0"];

/// The releases that are asked all cases, as the environment names them.
fn wanted() -> Option<String> {
    std::env::var("FLINK_ADMISSION_FIDELITY").ok().filter(|wanted| !wanted.is_empty())
}

/// Whether all cases are asked.
pub fn is_whole() -> bool {
    wanted().is_some()
}

/// The releases to ask; none where something is missing, which is then said on standard error. On CI (`CI=true`) that is a
/// panic.
pub fn releases() -> Vec<Release> {
    let known = std::fs::read_to_string(sources().join("versions")).expect("the list of releases");
    let names = known.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next());
    let directory = directory();
    let release = |name: &str| Release { name: name.to_owned(), home: directory.join(name) };
    let is_asked = |name: &&str| match wanted() {
        Some(wanted) => wanted == "all" || wanted.split(',').any(|one| one == *name),
        None => FEW.contains(name),
    };
    let releases: Vec<_> = names.filter(is_asked).map(release).collect();
    let Some(missing) = missing(&releases) else { return releases };
    assert!(!is_ci(), "{missing}");
    // Not `eprintln`, which the test runner swallows where the test passes.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED, nothing was tested: {missing}");
    Vec::new()
}

impl Release {
    pub fn version(&self) -> FlinkVersion {
        FlinkVersion::from_dotted(&self.name).expect("a version")
    }
}

/// `tests/flink`.
pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flink")
}

/// The real JVM, by its own path: what the stub stands for is looked up by `JAVA_HOME`.
pub fn java() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut on_path = std::env::split_paths(&path).map(|directory| directory.join("java"));
    on_path.find_map(|java| java.canonicalize().ok()).unwrap_or_else(|| PathBuf::from("java"))
}

/// What is missing, and how to get it.
fn missing(releases: &[Release]) -> Option<String> {
    for (tool, package) in [
        ("java", "a JDK (17)"),
        ("javac", "a JDK (17)"),
        ("unshare", "util-linux"),
        ("envsubst", "gettext-base"),
        ("hostname", "hostname"),
    ] {
        if !Command::new(tool).arg("--version").output().is_ok_and(|output| output.status.success()) {
            return Some(format!("`{tool}` does not run; install {package}"));
        }
    }
    if let Some(release) = releases.iter().find(|release| !release.home.join("bin/standalone-job.sh").is_file()) {
        let (home, name) = (release.home.display(), &release.name);
        return Some(format!("there is no `{home}`; run `tests/flink/build {name}` to bring it"));
    }
    let layer = "d=$(mktemp -d) && mount -t tmpfs t $d && mkdir $d/u $d/w $d/r && \
        mount -t overlay o -o lowerdir=/,upperdir=$d/u,workdir=$d/w $d/r; s=$?; umount $d/r $d; rmdir $d; exit $s";
    let probe = Command::new("unshare").args(["--mount", "--pid", "--fork", "--uts", "sh", "-c", layer]).output();
    let is_possible = probe.is_ok_and(|output| output.status.success());
    (!is_possible).then(|| "namespaces and overlayfs cannot be had; run as root".to_owned())
}

fn directory() -> PathBuf {
    let output = Command::new(sources().join("build")).arg("--where").output().expect("`tests/flink/build`");
    PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim())
}
