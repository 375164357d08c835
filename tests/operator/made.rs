//! Objects that operators and Flink's own client made: each is recognised, none is changed or denied.
//!
//! `made/` holds what operator 1.7.0 made in these tests (`UPDATE_MADE=1 cargo test --test operator` writes it anew),
//! `made-1-15/` what operator 1.15.0, and Flink's client without an operator, were once seen to make.

use std::path::{Path, PathBuf};

use flink_admission::object;
use flink_admission::policy::{Level, Policies};
use flink_admission::verdict;
use flink_admission::workload::{self, Maker};
use serde_json::Value;

use super::capture::capture;
use super::fleet::Fleet;
use crate::manifests;

/// Fills in what no cluster has that was completed before.
const OTHER: &str = r#"
metadata: {name: other}
spec:
  highAvailability: {mode: kubernetes, storageDir: "s3://flink/ha/{namespace}"}
  checkpoints: {directory: "s3://flink/checkpoints/{cluster}", savepoints: "s3://flink/savepoints/{cluster}"}
  serviceAccount: {name: other}
  volumes: [{name: other, claimName: other, mountPath: /other}]
"#;
/// What users applied lies beside what came of it.
pub const INPUT: &str = "input.yaml";

#[test]
fn what_operator_1_7_made_is_left_as_it_is() {
    let made = fixtures("made");
    if std::env::var_os("UPDATE_MADE").is_some()
        && let Some(fleet) = Fleet::shared()
    {
        capture(fleet, &made);
    }
    let seen = left_as_it_is(&made);
    // Ten clusters, three of them with TaskManagers of their own.
    assert!(seen.workloads == 13 && seen.others > 30 && seen.tempting > 0, "{seen:?}");
}

#[test]
fn what_operator_1_15_made_is_left_as_it_is() {
    let seen = left_as_it_is(&fixtures("made-1-15"));
    assert!(seen.workloads > 15 && seen.others > 40 && seen.tempting > 0, "{seen:?}");
}

/// How many objects there were.
#[derive(Debug, Default)]
struct Seen {
    /// Flink's processes.
    workloads: usize,
    /// Those of them that would be changed if a user had made them.
    tempting: usize,
    /// What is not ours to judge: ConfigMaps and Services.
    others: usize,
}

/// Judges all that lies below `root`, under a policy that fills in all it can.
fn left_as_it_is(root: &Path) -> Seen {
    let mut seen = Seen::default();
    for directory in entries(root).into_iter().filter(|path| path.is_dir()) {
        let files: Vec<(PathBuf, Value)> = entries(&directory)
            .into_iter()
            .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
            .flat_map(|path| manifests::documents(&path).into_iter().map(move |document| (path.clone(), document)))
            .collect();
        let around: Vec<Value> = files.iter().map(|(_, document)| document.clone()).collect();
        for (path, made) in files.iter().filter(|(path, _)| !path.ends_with(INPUT)) {
            let Some(workload) = workload::recognise(made) else {
                assert!(!is_of_flink(made), "{} is not recognised", path.display());
                seen.others += 1;
                continue;
            };
            seen.workloads += 1;
            assert!(matches!(workload.made_by, Some(Maker::Operator | Maker::NativeClient)), "{}", path.display());
            assert_left(path, made, &around);
            seen.tempting += usize::from(is_changed(&orphaned(made)));
        }
    }
    seen
}

#[track_caller]
fn assert_left(path: &Path, made: &Value, around: &[Value]) {
    for policy in [OTHER, "spec: {profile: strict}"] {
        let policies = Policies::from_text(policy).unwrap();
        // Alone, with all that it lies with, and as an update of itself.
        for (others, old) in [(&[][..], None), (around, None), (around, Some(made))] {
            let outcome = manifests::review(made, old, &policies, others, verdict::judge);
            assert!(outcome.patch.0.is_empty(), "{}: {:?}", path.display(), outcome.patch);
            let denied = outcome.findings.iter().find(|finding| finding.level == Level::Deny);
            assert!(denied.is_none(), "{}: {denied:?}", path.display());
        }
    }
}

/// Whether the policy changes `object`.
fn is_changed(object: &Value) -> bool {
    let policies = Policies::from_text(OTHER).unwrap();
    !manifests::review(object, None, &policies, &[], verdict::judge).patch.0.is_empty()
}

/// `object` as if its author had made it.
fn orphaned(object: &Value) -> Value {
    let mut orphan = object.clone();
    orphan["metadata"].as_object_mut().unwrap().retain(|key, _| key == "name" || key == "namespace");
    orphan
}

/// Whether Pods of `object` have a container that the operator and Flink's client call so.
fn is_of_flink(object: &Value) -> bool {
    let containers = object::list(object, &["spec", "template", "spec", "containers"]);
    containers.iter().any(|container| container["name"] == "flink-main-container")
}

fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/operator").join(name)
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}
