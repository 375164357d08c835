//! The table: which clusters survive, and the proof that without what we fill in they do not.

use super::cluster::{Cluster, Kind};
use super::namespaces::{inside, tell};
use super::stage::Stage;
use crate::installation::Installation;
use crate::support::ControlPlane;

const KUBERNETES: &str = r#"
metadata: {name: platform}
spec:
  highAvailability: {mode: kubernetes, storageDir: "file:///flink-data/ha"}
  checkpoints:
    directory: "file:///flink-data/checkpoints/{namespace}/{cluster}"
    savepoints: "file:///flink-data/savepoints/{namespace}/{cluster}"
  serviceAccount: {name: flink}
  volumes: [{name: flink-data, claimName: flink-data, mountPath: /flink-data}]
"#;

/// A session cluster of the newest release with Kubernetes HA, and the same without our webhook.
#[test]
fn a_session_survives_its_leader_with_what_is_filled_in_and_not_without() {
    let test = "failover::rows::a_session_survives_its_leader_with_what_is_filled_in_and_not_without";
    let version = "2.3.0";
    if !is_available(version) {
        return;
    }
    inside(test, || {
        let flink = Installation::shared(version).expect("it is there");
        let stage = Stage::open();
        let with = stage.place("with", flink, Some(KUBERNETES));
        let without = stage.place("without", flink, None);
        let [with, without] = [&with, &without].map(|place| Cluster { place, flink, version, kind: Kind::Session });
        let applied = with.place.apply(&with.manifest());
        tell(&applied.replace('\n', "; "));
        without.place.apply(&without.manifest());
        let (survival, forgotten) = std::thread::scope(|scope| {
            let survival = scope.spawn(|| with.survives());
            (survival.join().expect("it survives"), without.forgets())
        });
        assert_eq!(forgotten, serde_json::json!({"jobs": []}));
        tell(&format!(
            "{version} {} kubernetes: went on after {:.1} s from state {}; without our webhook: {forgotten}",
            with.kind,
            survival.take_over.as_secs_f32(),
            survival.state
        ));
    });
}

fn is_available(version: &str) -> bool {
    ControlPlane::is_available_with(&["kube-controller-manager", "helm"]) && Installation::is_available(version)
}
