//! The table: which clusters survive the loss of their leader with what is filled in.

use std::fmt;

use serde_json::json;

use super::cluster::{Cluster, Kind, Survival};
use super::namespaces::{inside, tell};
use super::stage::Stage;
use super::table::tell_each;
use crate::support::ControlPlane;
use crate::support::installation::Installation;

/// The platform's policy with Kubernetes HA.
pub const KUBERNETES: &str = r#"
metadata: {name: platform}
spec:
  highAvailability: {mode: kubernetes, storageDir: "file:///flink-data/ha"}
  checkpoints:
    directory: "file:///flink-data/checkpoints/{namespace}/{cluster}"
    savepoints: "file:///flink-data/savepoints/{namespace}/{cluster}"
  serviceAccount: {name: flink}
  volumes: [{name: flink-data, claimName: flink-data, mountPath: /flink-data}]
"#;
const ZOOKEEPER: &str = r#"mode: zookeeper, zookeeper: {quorum: "QUORUM", pathRoot: "/flink/{namespace}"}"#;
/// 1.16 as a session only.
const ROWS: [Row; 10] = [
    Row::new("2.3.0", Kind::Session, Mode::Kubernetes),
    Row::new("2.3.0", Kind::Session, Mode::ZooKeeper),
    Row::new("2.3.0", Kind::Application, Mode::Kubernetes),
    Row::new("2.3.0", Kind::Application, Mode::ZooKeeper),
    Row::new("1.20.5", Kind::Session, Mode::Kubernetes),
    Row::new("1.20.5", Kind::Session, Mode::ZooKeeper),
    Row::new("1.20.5", Kind::Application, Mode::Kubernetes),
    Row::new("1.20.5", Kind::Application, Mode::ZooKeeper),
    Row::new("1.16.3", Kind::Session, Mode::Kubernetes),
    Row::new("1.16.3", Kind::Session, Mode::ZooKeeper),
];

#[derive(Debug, Clone, Copy)]
struct Row {
    version: &'static str,
    kind: Kind,
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Kubernetes,
    ZooKeeper,
}

/// A session cluster of the newest release with Kubernetes HA, and the same without our webhook.
#[test]
fn a_session_goes_on_with_what_is_filled_in_and_is_gone_without() {
    let row = ROWS[0];
    if !is_available(&[row.version]) {
        return;
    }
    inside("failover::rows::a_session_goes_on_with_what_is_filled_in_and_is_gone_without", || {
        let stage = Stage::open();
        let survival = row.survives(&stage);
        tell(&format!("{row}: {survival}"));

        let flink = Installation::shared(row.version).expect("it is there");
        let place = stage.place("without", flink, None);
        let cluster = Cluster { place: &place, flink, version: row.version, kind: row.kind };
        place.apply(&cluster.manifest());
        let forgotten = cluster.forgets();
        assert_eq!(forgotten, json!({"jobs": []}));
        tell(&format!("{row}: without our webhook the next leader answers {forgotten}"));
    });
}

/// All rows.
#[test]
#[ignore = "takes a quarter of an hour: make fidelity-live"]
fn each_cluster_goes_on_with_what_is_filled_in() {
    if !is_available(&["1.16.3", "1.20.5", "2.3.0"]) {
        return;
    }
    inside("failover::rows::each_cluster_goes_on_with_what_is_filled_in", || {
        let stage = Stage::open();
        tell_each(&ROWS, Row::to_string, |row| row.survives(&stage).to_string());
    });
}

impl Row {
    const fn new(version: &'static str, kind: Kind, mode: Mode) -> Self {
        Self { version, kind, mode }
    }

    /// Applies the cluster without HA where our webhook completes it, and takes its leader away.
    fn survives(self, stage: &Stage) -> Survival {
        let flink = Installation::shared(self.version).expect("it is there");
        let zookeeper = (self.mode == Mode::ZooKeeper).then(|| Stage::zookeeper(flink));
        let policy = match &zookeeper {
            None => KUBERNETES.to_owned(),
            Some(zookeeper) => KUBERNETES.replace("mode: kubernetes", &ZOOKEEPER.replace("QUORUM", &zookeeper.quorum)),
        };
        let place = stage.place("with", flink, Some(&policy));
        let cluster = Cluster { place: &place, flink, version: self.version, kind: self.kind };
        place.apply(&cluster.manifest());
        cluster.survives()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = match self.mode {
            Mode::Kubernetes => "Kubernetes",
            Mode::ZooKeeper => "ZooKeeper",
        };
        write!(formatter, "{:6}  {:11}  {mode:10}", self.version, self.kind)
    }
}

/// Whether all is there that the tests run, of Kubernetes and of these releases of Flink.
pub fn is_available(versions: &[&str]) -> bool {
    ControlPlane::is_available_with(&["kube-controller-manager", "helm"])
        && versions.iter().all(|version| Installation::is_available(version))
}

/// Whether the line of this title is wanted: it has all words of `FIDELITY_ONLY`, where that is set.
pub fn is_wanted(title: &str) -> bool {
    let (title, words) = (title.to_lowercase(), std::env::var("FIDELITY_ONLY").unwrap_or_default().to_lowercase());
    words.split_whitespace().all(|word| title.contains(word))
}
