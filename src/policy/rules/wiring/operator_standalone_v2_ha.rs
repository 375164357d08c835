//! `operator-standalone-v2-ha`: a JobManager of Flink 2 that the operator starts with an argument which Flink 2 refuses.

use crate::flink::cluster::Shape;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "operator-standalone-v2-ha",
    failure: "C3b",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "An application, that is a FlinkDeployment with a `job`, with `mode: standalone`, a `flinkVersion` of 2.0 or later and HA.",
        why: "With HA the operator up to 1.15 starts the JobManager with `--host <pod's address>`, which Flink 2 does not know any more: it takes it and what follows for arguments of the program, and TaskManagers do not find the leader (FLINK-38795).",
        limits: "Which operator runs, and whether it has the correction, is not seen from a resource, so this is a warning. Without HA the operator gives no address, native mode never does, and a session gets it as a word that Flink 2 understands.",
        example: "kind: FlinkDeployment\nspec:\n  mode: standalone\n  flinkVersion: v2_0\n  flinkConfiguration:\n    high-availability.type: kubernetes",
        fix: "Use `mode: native`, or an operator that has FLINK-38795.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let is_standalone = case.cluster.shape == Shape::FlinkDeployment { standalone: true };
    let Some(version) = case.cluster.version.filter(|version| is_standalone && version.at_least(2, 0)) else {
        return Vec::new();
    };
    if !case.cluster.high_availability().0.is_on() || !case.cluster.application {
        return Vec::new();
    }
    let message = format!(
        "with HA the operator up to 1.15 starts `mode: standalone` with `--host`, which Flink {version} does not know any more, so the JobManager does not become reachable"
    );
    let fix = "use `mode: native`, or an operator that has FLINK-38795".to_owned();
    let path = case.spec().key("mode");
    vec![Violation::at_field(path, Some("standalone".to_owned()), message, fix).of_role(Role::JobManager)]
}
