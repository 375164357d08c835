//! `zookeeper-quorum-missing`: ZooKeeper HA without a ZooKeeper.

use crate::flink::cluster::HighAvailability;
use crate::flink::options::ZOOKEEPER_QUORUM;
use crate::policy::finding::Level;
use crate::policy::rules::wiring::Absence;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "zookeeper-quorum-missing",
    failure: "C18",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "The HA mode is `zookeeper`, and `high-availability.zookeeper.quorum` is missing or blank.",
        why: "The JobManager does not start: `No valid ZooKeeper quorum has been specified`.",
        limits: "The operator's own defaults may set the quorum for all its clusters; then say so in the resource too, or lower the rule.",
        example: "spec:\n  flinkConfiguration:\n    high-availability.type: zookeeper\n    high-availability.storageDir: s3://state/ha",
        fix: "Set the quorum; with `highAvailability.zookeeper.quorum` in the policy it is filled in.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let (mode, Some((key, setting))) = case.cluster.high_availability() else { return Vec::new() };
    let Some(view) = case.cluster.leading().filter(|view| view.unknown.is_none()) else { return Vec::new() };
    if mode != HighAvailability::ZooKeeper || view.config.value(ZOOKEEPER_QUORUM, case.cluster.version).is_some() {
        return Vec::new();
    }
    let absence = Absence::of(case.cluster, view, ZOOKEEPER_QUORUM);
    let message = format!("`{key}` is `{}` and {}, so the JobManager does not start", setting.trimmed(), absence.said);
    let fix = absence.fix.unwrap_or_else(|| {
        format!("set `{ZOOKEEPER_QUORUM}`, for example to `zk-0.zk:2181,zk-1.zk:2181,zk-2.zk:2181`")
    });
    vec![Violation::at_field(absence.path, None, message, fix)]
}
