//! Our side: a case by the way that a review takes.

use std::sync::LazyLock;

use flink_admission::admission::Operation;
use flink_admission::flink::arguments::{self, Arguments};
use flink_admission::flink::cluster::{Cluster, RoleView};
use flink_admission::flink::version::FlinkVersion;
use flink_admission::policy::{Finding, Policies};
use flink_admission::verdict::{Subject, judge};
use flink_admission::workload::{Kind, recognise};

use super::case::{Case, NAMESPACE};

/// What we make of a case.
pub struct Ours {
    pub cluster: Cluster,
    pub arguments: Arguments,
    pub version: FlinkVersion,
    /// What a review under the profile `strict` finds.
    pub findings: Vec<Finding>,
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
        let subject = Subject {
            object: &object,
            old: None,
            operation: Operation::Create,
            namespace: NAMESPACE,
            name: Some("flink"),
            workload: &workload,
        };
        let findings = judge(&subject, &STRICT, &facts).findings;
        Self { cluster, arguments, version, findings }
    }

    /// The role that the case starts.
    pub fn view(&self) -> &RoleView {
        self.cluster.leading().expect("it shows a role")
    }

    /// Whether `rule` has found something.
    pub fn has_finding(&self, rule: &str) -> bool {
        self.findings.iter().any(|finding| finding.rule == rule)
    }
}

static STRICT: LazyLock<Policies> = LazyLock::new(|| {
    Policies::from_text("{metadata: {name: strict}, spec: {profile: strict}}").expect("a policy").without_mutation()
});
