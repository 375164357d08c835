//! Clusters of the operator's: FlinkDeployments without HA, and what becomes of their jobs when the JobManager is lost, and when
//! their authors change something.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::cluster::{Cluster, DEADLINE, Kind};
use super::namespaces::{inside, tell};
use super::rows::{KUBERNETES, is_available};
use super::stage::{Place, Stage, documents};
use super::table::tell_each;
use crate::support::installation::Installation;
use crate::support::operator::Operator;
use crate::support::wait_until;

/// The newest releases that operator 1.7.0 knows, one in each mode.
const ROWS: [(&str, &str, &str); 2] = [("1.19.3", "v1_19", "native"), ("1.18.1", "v1_18", "standalone")];

/// A FlinkDeployment, which has no HA.
struct Written<'a> {
    flink: &'a Installation,
    row: (&'static str, &'static str, &'static str),
    upgrade_mode: &'static str,
    task_manager: &'static str,
}

#[test]
#[ignore = "takes minutes: make fidelity-live"]
fn a_cluster_of_the_operators_goes_on_with_what_is_filled_in() {
    if !is_available(&["1.18.1", "1.19.3", "2.3.0"]) || !Operator::is_available() {
        return;
    }
    inside("failover::operated::a_cluster_of_the_operators_goes_on_with_what_is_filled_in", || {
        tell_each(&ROWS, |row| title(*row), |row| goes_on(*row));
    });
}

/// Without HA the operator refuses `last-state`, and with another mode the job begins anew.
#[test]
#[ignore = "takes minutes: make fidelity-live"]
fn a_cluster_of_the_operators_begins_anew_without() {
    if !is_available(&["1.19.3", "2.3.0"]) || !Operator::is_available() {
        return;
    }
    inside("failover::operated::a_cluster_of_the_operators_begins_anew_without", || {
        let row = ROWS[0];
        let stage = Stage::open();
        let flink = Installation::shared(row.0).expect("it is there");
        let place = stage.place("without", flink, None);
        let _operator = start(&stage, &place);
        let mut written = Written { flink, row, upgrade_mode: "last-state", task_manager: "800m" };
        place.apply(&written.objects());
        let error = wait_until(DEADLINE, || stored(&place)["status"]["error"].as_str().map(str::to_owned));
        let error = error.expect("the operator refuses it");
        assert!(error.contains("Job could not be upgraded with last-state while HA disabled"), "{error}");
        tell(&format!("{}: without our webhook, last-state: {error}", title(row)));

        written.upgrade_mode = "stateless";
        let mut objects = written.objects();
        // The operator wants one, which our webhook would have filled in.
        objects.last_mut().expect("a FlinkDeployment")["spec"]["serviceAccount"] = json!("flink");
        place.apply(&objects);
        let cluster = cluster(&place, flink, row);
        let leader = cluster.leader();
        let job = cluster.job(&leader);
        cluster.wait_for_checkpoints(&leader, &job);
        let known = Known::of(&cluster);
        place.lose(&leader.name);
        let start = known.next_start(&cluster);
        assert_eq!(start, (None, 1));
        tell(&format!("{}: without our webhook, stateless: the job begins with record 1 again", title(row)));
    });
}

/// The JobManager is lost, then the author gives the TaskManagers more memory.
fn goes_on(row: (&'static str, &'static str, &'static str)) -> String {
    let stage = Stage::open();
    let flink = Installation::shared(row.0).expect("it is there");
    let place = stage.place("with", flink, Some(KUBERNETES));
    let operator = start(&stage, &place);
    let cluster = cluster(&place, flink, row);
    let mut written = Written { flink, row, upgrade_mode: "last-state", task_manager: "800m" };
    place.apply(&written.objects());
    wait_until_running(&place, &operator);
    let before = stored(&place);

    let survival = cluster.survives();
    // Flink did that; the operator had nothing to do with it, and is content.
    wait_until_running(&place, &operator);
    let after = stored(&place);
    assert_eq!((&after["spec"], generation(&after)), (&before["spec"], generation(&before)));

    let known = Known::of(&cluster);
    let job = after["status"]["jobStatus"]["jobId"].clone();
    written.task_manager = "900m";
    place.apply(&written.objects());
    let (found, record) = known.next_start(&cluster);
    assert!(found.is_some_and(|state| state >= survival.state && record == state + 1), "{found:?} {record}");
    wait_until_running(&place, &operator);
    let after = stored(&place);
    let mut expected = before["spec"].clone();
    expected["taskManager"]["resource"]["memory"] = json!("900m");
    assert_eq!((&after["spec"], generation(&after)), (&expected, generation(&before) + 1));
    assert_eq!(after["status"]["jobStatus"]["jobId"], job);
    format!("{survival}; upgraded by its author: state {}, next record {record}, same job id", record - 1)
}

/// The operator, which finds the JobManagers of `place`.
fn start(stage: &Stage, place: &Place) -> Operator {
    let directory = std::env::temp_dir().join(format!("operator-{}", place.name));
    std::fs::create_dir(&directory).expect("a directory");
    Operator::start_with(stage.plane, &directory, &place.runner.hosts())
}

fn title((version, _, mode): (&str, &str, &str)) -> String {
    format!("{version:6}  operator 1.7.0, {mode} application")
}

fn cluster<'a>(place: &'a Place, flink: &'a Installation, row: (&'static str, &str, &str)) -> Cluster<'a> {
    Cluster { place, flink, version: row.0, kind: Kind::Application }
}

impl Written<'_> {
    /// It, with what every platform gives and the rights that the operator's chart gives besides.
    fn objects(&self) -> Vec<Value> {
        let (image, version, mode) = self.row;
        let library = self.flink.library().display().to_string();
        let words = [
            ("IMAGE", image),
            ("VERSION", version),
            ("UPGRADE_MODE", self.upgrade_mode),
            ("DEPLOYMENT_MODE", mode),
            ("TASK_MANAGER_MEMORY", self.task_manager),
            ("LIBRARY", &library),
        ];
        let mut objects = documents("platform.yaml", &[]);
        objects.extend(documents("operated.yaml", &words));
        objects
    }
}

/// What the TaskManagers have said by now: their logs, since names come again, and how often the job has started there.
struct Known {
    logs: Vec<PathBuf>,
    starts: usize,
}

impl Known {
    fn of(cluster: &Cluster<'_>) -> Self {
        Self { logs: logs(cluster), starts: cluster.starts().len() }
    }

    /// What the job found when it started the next time, there or on other Pods.
    fn next_start(&self, cluster: &Cluster<'_>) -> (Option<u64>, u64) {
        cluster.wait("the job's next start", || {
            let starts = cluster.starts();
            let others = logs(cluster).iter().all(|log| !self.logs.contains(log));
            starts.last().copied().filter(|_| others || starts.len() > self.starts)
        })
    }
}

fn logs(cluster: &Cluster<'_>) -> Vec<PathBuf> {
    cluster.role("taskmanager").into_iter().map(|pod| pod.log).collect()
}

/// Waits until the operator has deployed the newest spec, has asked the JobManager and found the job running.
fn wait_until_running(place: &Place, operator: &Operator) {
    let running = wait_until(DEADLINE, || {
        let object = stored(place);
        let status = &object["status"];
        let reconciled = status["reconciliationStatus"]["lastReconciledSpec"].as_str()?;
        let reconciled: Value = serde_json::from_str(reconciled).expect("JSON");
        let is_newest = reconciled["resource_metadata"]["metadata"]["generation"] == object["metadata"]["generation"];
        let runs = status["jobStatus"]["state"] == "RUNNING" && status["lifecycleState"] == "STABLE";
        (is_newest && runs).then_some(())
    });
    assert!(running.is_some(), "the job does not run: {:#}\n{}", stored(place), operator.log());
}

fn stored(place: &Place) -> Value {
    place.plane.object(&place.name, "flinkdeployment", "flink").expect("it is stored")
}

fn generation(object: &Value) -> u64 {
    object["metadata"]["generation"].as_u64().expect("a generation")
}
