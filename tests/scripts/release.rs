//! The releases whose scripts are run.

use std::path::{Path, PathBuf};
use std::process::Command;

use flink_admission::flink::version::FlinkVersion;

use crate::support::{asked, skip, skip_part};

/// A release of Flink.
pub struct Release {
    /// `1.20.5`.
    pub name: String,
    /// `FLINK_HOME`.
    pub home: PathBuf,
}

/// Those that `make test` asks.
const FEW: [&str; 3] = ["1.16.3", "1.20.5", "2.3.0"];

/// The releases to ask, but for those that are not there, which is then said on standard error. On CI (`CI=true`) that is a
/// panic.
pub fn releases() -> Vec<Release> {
    let directory = directory();
    let release = |name: String| Release { home: directory.join(&name), name };
    let wanted: Vec<_> = asked::releases(&FEW).into_iter().map(release).collect();
    if let Some(missing) = missing() {
        skip(&missing);
        return Vec::new();
    }
    let (there, missing): (Vec<_>, Vec<_>) = wanted.into_iter().partition(Release::is_there);
    for Release { name, home } in &missing {
        let home = home.display();
        skip_part(&format!(
            "Flink {name} was not asked: there is no `{home}`; run `tests/flink/build {name}` to bring it"
        ));
    }
    there
}

impl Release {
    pub fn version(&self) -> FlinkVersion {
        FlinkVersion::from_dotted(&self.name).expect("a version")
    }

    fn is_there(&self) -> bool {
        self.home.join("bin/standalone-job.sh").is_file()
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
fn missing() -> Option<String> {
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
