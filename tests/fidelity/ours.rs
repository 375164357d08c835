//! Our side: a case by the way that a review takes.

use flink_admission::flink::arguments::{self, Arguments};
use flink_admission::flink::cluster::{Cluster, RoleView};
use flink_admission::flink::version::FlinkVersion;
use flink_admission::workload::{Kind, recognise};

use super::case::{Case, NAMESPACE};

/// What we make of a case.
pub struct Ours {
    pub cluster: Cluster,
    pub arguments: Arguments,
    pub version: FlinkVersion,
}

impl Ours {
    pub fn of(case: &Case, version: &str) -> Self {
        let (object, facts) = case.object(version);
        let workload = recognise(&object).expect("it is Flink");
        let cluster = Cluster::of(&object, &workload, NAMESPACE, &facts, &[]).expect("it shows a cluster");
        let Kind::Raw(raw) = &workload.kind else { panic!("it is a standalone role") };
        let words: Vec<&str> =
            std::iter::once(case.role.subcommand()).chain(case.words.iter().map(String::as_str)).collect();
        let arguments = arguments::read(&words, &raw.launch, cluster.version);
        let version = cluster.version.expect("the image's tag says it");
        Self { cluster, arguments, version }
    }

    /// The role that the case starts.
    pub fn view(&self) -> &RoleView {
        self.cluster.leading().expect("it shows a role")
    }
}
