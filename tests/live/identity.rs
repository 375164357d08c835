//! Two application clusters of one name in two namespaces, on one storage.
//!
//! An application cluster with HA has a fixed job id, which Flink derives from `high-availability.cluster-id`. Its default
//! is the same for all, so two clusters have one job id, and their checkpoints one directory: the second writes `chk-6`
//! where the first has its own, fails because it is there, and clears up by removing it. With `/{namespace}/{cluster}` they
//! do not meet.
//!
//! Seen by hand besides, with 1.20.5 and 2.3.0: both endings as here; and where two clusters have the default id and one
//! ZooKeeper root, the second is a standby of the first: what is cancelled at its address is the first one's job.

use super::cluster::{DEADLINE, Stage};
use crate::support::installation::Installation;
use crate::support::wait_until;

const FLINK: &str = "2.3.0";

/// What became of the first cluster after its JobManager was lost, and the second one had run on.
struct Ending {
    /// The job ids of the first and the second.
    jobs: [String; 2],
    /// What the first said: with which state it started again, or that its checkpoint is not there.
    first: String,
    /// Whether the second found files of the first in its way.
    met: bool,
}

#[test]
fn clusters_of_one_name_in_two_namespaces_do_not_meet() {
    let Some(flink) = Installation::shared(FLINK) else { return };
    let ending = story(flink, |_, arguments| arguments);
    assert_ne!(ending.jobs[0], ending.jobs[1]);
    assert!(ending.first.contains("STARTED state="), "{}", ending.first);
    assert!(!ending.met, "the second cluster has met files of the first");
}

/// The same without what the first test proves: it can fail. Kubernetes HA keeps leaders of two namespaces apart where
/// `kubernetes.namespace` is right; ZooKeeper does it here with a root for each.
#[test]
fn with_the_default_identity_one_destroys_the_others_checkpoint() {
    let Some(flink) = Installation::shared(FLINK) else { return };
    let ending = story(flink, |namespace, arguments| {
        let kept = arguments.into_iter().filter(|word| !word.starts_with("-Dhigh-availability.cluster-id="));
        let root = "-Dhigh-availability.zookeeper.path.root=/flink";
        kept.map(|word| if word == root { format!("{root}/{namespace}") } else { word }).collect()
    });
    assert_eq!(ending.jobs[0], ending.jobs[1]);
    assert!(ending.first.contains("FileNotFoundException"), "{}", ending.first);
    assert!(ending.met);
}

/// The first cluster takes checkpoints and loses its JobManager; while it is away the second passes the number of its
/// last checkpoint; then the first comes back.
fn story(flink: &'static Installation, identity: impl Fn(&str, Vec<String>) -> Vec<String>) -> Ending {
    // Two clusters are as much as a small machine can run.
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);

    let stage = Stage::new(flink, FLINK);
    let arguments = |namespace: &str, role: &str| identity(namespace, stage.arguments(namespace, role));
    let (first, second) = (arguments("first", "jobmanager"), arguments("second", "jobmanager"));

    let mut first_manager = stage.job_manager(11, &first);
    let first_worker = stage.task_manager(21, &arguments("first", "taskmanager"));
    let (_, first_job) = first_manager.wait_for("a third checkpoint", |line| checkpoint(line).filter(|(n, _)| *n > 2));
    first_manager.kill();
    let last = first_manager.said().lines().filter_map(checkpoint).map(|(number, _)| number).max().unwrap();

    let mut second_manager = stage.job_manager(12, &second);
    let _second_worker = stage.task_manager(22, &arguments("second", "taskmanager"));
    let is_behind = |line: &str| checkpoint(line).filter(|(number, _)| *number > last + 2);
    let (_, second_job) = second_manager.wait_for("a checkpoint behind those of the first", is_behind);

    let first_manager = stage.job_manager(11, &first);
    let found = wait_until(DEADLINE, || {
        let restored = |line: &&str| line.starts_with("STARTED state=") && !line.contains("null");
        let is_gone = |line: &&str| line.contains("FileNotFoundException") && line.contains("/chk-");
        let (worker, manager) = (first_worker.said(), first_manager.said());
        worker.lines().find(restored).or_else(|| manager.lines().find(is_gone)).map(str::to_owned)
    });
    let first = found.unwrap_or_else(|| panic!("the first cluster did not come back: {}", first_manager.said()));
    let met = second_manager.said().lines().any(|line| line.contains("/chk-") && line.contains("already exists"));
    Ending { jobs: [first_job, second_job], first, met }
}

/// The number of the checkpoint that a JobManager's `line` says is complete, and the id of its job.
fn checkpoint(line: &str) -> Option<(u64, String)> {
    let (_, rest) = line.split_once("Completed checkpoint ")?;
    let (number, rest) = rest.split_once(" for job ")?;
    Some((number.parse().ok()?, rest.split_whitespace().next()?.to_owned()))
}
