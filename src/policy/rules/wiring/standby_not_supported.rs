//! `standby-not-supported`: JobManagers that native mode of Flink 1.13 does not start.

use crate::flink::cluster::HighAvailability;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "standby-not-supported",
    failure: "C16",
    strict: Level::Warn,
    baseline: Level::Warn,
    page: Page {
        what: "A FlinkDeployment in native mode asks for several JobManagers of Flink 1.13 or earlier.",
        why: "Native mode starts one JobManager there, whatever the number says: there is no standby, and nobody is told.",
        limits: "The number is known from 1.14 on (FLINK-17707); the operator's standalone mode and clusters of one's own start as many as they are told. Where HA is off another rule speaks. Operators from 1.7 on do not take these versions at all.",
        example: "spec:\n  flinkVersion: v1_13\n  jobManager:\n    replicas: 2",
        fix: "Use Flink 1.14 or later, or one JobManager: HA brings back a single one too, somewhat later.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let Some((number, path)) = case.cluster.job_managers.as_ref().filter(|(number, _)| *number > 1) else {
        return Vec::new();
    };
    let Some(version) = case.cluster.version.filter(|_| case.cluster.starts_one_job_manager()) else {
        return Vec::new();
    };
    if case.cluster.high_availability().0 == HighAvailability::Off {
        return Vec::new();
    }
    let message = format!(
        "native mode of Flink {version} starts one JobManager whatever `replicas` says, so there is no standby for it"
    );
    let fix = "use Flink 1.14 or later, or one replica".to_owned();
    let number = Some(number.to_string());
    vec![Violation::at_field(path.clone(), number, message, fix).of_role(Role::JobManager)]
}
