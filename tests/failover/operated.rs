//! A cluster of the operator's: one FlinkDeployment without HA, and what becomes of its job when its JobManager is lost.

use serde_json::{Value, json};

use super::cluster::{Cluster, DEADLINE, Kind};
use super::namespaces::{inside, tell};
use super::rows::{KUBERNETES, is_available};
use super::stage::{Place, Stage, documents};
use crate::installation::Installation;
use crate::operator::Operator;
use crate::support::wait_until;

/// The newest release that operator 1.7.0 knows.
const VERSION: &str = "1.19.3";
const OBJECT: &str = "flinkdeployment/flink";

#[test]
#[ignore = "takes minutes: make fidelity-live"]
fn a_cluster_of_the_operators_goes_on_with_what_is_filled_in() {
    if !is_available(&[VERSION, "2.3.0"]) || !Operator::is_available() {
        return;
    }
    inside("failover::operated::a_cluster_of_the_operators_goes_on_with_what_is_filled_in", || {
        let stage = Stage::open();
        let flink = Installation::shared(VERSION).expect("it is there");
        let place = stage.place("with", flink, Some(KUBERNETES));
        let operator = Operator::start_with(stage.plane, &place.runner.hosts());
        let cluster = Cluster { place: &place, flink, version: VERSION, kind: Kind::Application };
        place.apply(&objects(flink, "last-state"));
        wait_until_running(&place, &operator);
        let before = stored(&place);

        let survival = cluster.survives();
        tell(&format!("{VERSION:6}  operator 1.7.0, native application  Kubernetes, {survival}"));
        // Flink did that; the operator had nothing to do with it, and is content.
        wait_until_running(&place, &operator);
        let after = stored(&place);
        assert_eq!(
            (&after["spec"], &after["metadata"]["generation"]),
            (&before["spec"], &before["metadata"]["generation"])
        );
        assert_eq!(deployment(&place)["metadata"]["generation"], 1);
    });
}

/// What every platform gives, the rights that the operator's chart gives its clusters besides, and a FlinkDeployment.
fn objects(flink: &Installation, upgrade_mode: &str) -> Vec<Value> {
    let library = flink.library().display().to_string();
    let mut objects = documents("platform.yaml", &[]);
    objects.extend(documents("operated.yaml", &[("VERSION", VERSION), ("LIBRARY", &library), ("MODE", upgrade_mode)]));
    objects
}

/// Waits until the operator has asked the JobManager and found its job running.
fn wait_until_running(place: &Place, operator: &Operator) {
    let running = wait_until(DEADLINE, || {
        let status = &stored(place)["status"];
        (status["jobStatus"]["state"] == "RUNNING" && status["lifecycleState"] == "STABLE").then_some(())
    });
    assert!(running.is_some(), "the job does not run: {:#}\n{}", stored(place), operator.log());
}

fn stored(place: &Place) -> Value {
    object(place, OBJECT)
}

fn deployment(place: &Place) -> Value {
    object(place, "deployment/flink")
}

fn object(place: &Place, name: &str) -> Value {
    let text = place.plane.kubectl(&["get", name, "-n", &place.name, "-o", "json"]).succeeded();
    serde_json::from_str(&text).unwrap_or_else(|_| json!(null))
}
