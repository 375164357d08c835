//! Where etcd, kube-apiserver, kube-controller-manager, kubectl and helm are.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The path of a program: in `FLINK_ADMISSION_CONTROL_PLANE`, in `KUBEBUILDER_ASSETS`, or where `make control-plane` puts it;
/// helm also on `PATH`, where the API server is the user's own. The error says how to get it.
pub fn find(name: &str) -> Result<PathBuf, String> {
    let mut directories: Vec<PathBuf> = ["FLINK_ADMISSION_CONTROL_PLANE", "KUBEBUILDER_ASSETS"]
        .iter()
        .filter_map(std::env::var_os)
        .map(PathBuf::from)
        .collect();
    let brings_own = !directories.is_empty();
    directories.extend(cache_directory());
    if brings_own && name == "helm" {
        directories.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    }
    let found = directories.iter().map(|directory| directory.join(name)).find(|path| path.is_file());
    found.ok_or_else(|| {
        let places: Vec<String> = directories.iter().map(|d| format!("`{}`", d.display())).collect();
        format!("`{name}` is in none of {}; run `make control-plane` to build it", places.join(", "))
    })
}

/// What `tests/control-plane/build --where` prints.
fn cache_directory() -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/control-plane/build");
    let output = Command::new(script).arg("--where").output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?;
    let line = line.trim();
    (!line.is_empty()).then(|| PathBuf::from(line))
}

/// Says that a test tests nothing, since something is `missing`, which says how to get it; on CI that is a panic.
#[track_caller]
pub fn skip(missing: &str) {
    skip_part(&format!("nothing was tested: {missing}"));
}

/// Says what of a test is left out, and why; on CI that is a panic.
#[track_caller]
pub fn skip_part(why: &str) {
    assert!(!is_ci(), "{why}");
    // Not `eprintln`, which the test runner swallows where the test passes.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED, {why}");
}

/// Whether a missing program is a failure: on CI nothing is skipped.
pub fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}
