//! `ha-differs-between-roles`: JobManager and TaskManagers look for the leader in different places.

use crate::flink::cluster::{Cluster, HighAvailability, Shape};
use crate::flink::configuration::Setting;
use crate::flink::options::HA_TYPE;
use crate::policy::finding::{Level, Role};
use crate::policy::rules::wiring::ha_mode_missing;
use crate::policy::rules::{Case, Page, Rule, Violation};
use crate::siblings::Sibling;

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-differs-between-roles",
    failure: "C9c",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "In a standalone cluster of several objects the JobManager has HA and the TaskManagers have none, the other way round, or the one has it by Kubernetes and the other by ZooKeeper.",
        why: "With HA a JobManager leads under a token of its own, which TaskManagers learn from the ConfigMap or from ZooKeeper. Without HA they call it without one and are refused (`Fencing token mismatch`); with HA they wait for a leader that a JobManager without HA never announces, and end after `taskmanager.registration.timeout` (both executed with 1.20.5 and ZooKeeper). No TaskManager registers, and no job runs.",
        limits: "The other half is only seen where the input holds it: `check` sees whole folders, a review one object. Nothing is said of roles whose configuration cannot be read whole, and of factory classes.",
        example: "args: [jobmanager, $(POD_IP), -D, high-availability.type=kubernetes]   # JobManager\nargs: [taskmanager]                                                     # TaskManagers, and no HA in the ConfigMap",
        fix: "Give both roles the same HA options, most simply in the ConfigMap that both mount.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let cluster = case.cluster;
    let Some(view) = cluster.leading().filter(|_| cluster.shape == Shape::Raw) else { return Vec::new() };
    let Some((ours, setting)) = mode(cluster) else { return Vec::new() };
    let differs = |sibling: &&Sibling| {
        mode(&sibling.cluster).is_some_and(|(theirs, _)| {
            // Of a difference the role speaks that lacks HA; the TaskManager where both have some.
            let is_ours = match (&ours, &theirs) {
                (HighAvailability::Off, _) => true,
                (_, HighAvailability::Off) => false,
                _ => view.role == Role::TaskManager,
            };
            theirs != ours && is_ours
        })
    };
    let Some(sibling) = case.siblings.iter().find(differs) else { return Vec::new() };
    if case.is_said_by(&ha_mode_missing::RULE, &RULE) {
        return Vec::new();
    }
    let theirs = mode(&sibling.cluster).map(|(mode, _)| words(&mode)).unwrap_or_default();
    let effect = match (view.role, &ours) {
        (Role::TaskManager, _) => "so the TaskManagers do not find the leader and no job runs",
        (Role::JobManager, _) => "so the TaskManagers wait for a leader that is never announced and no job runs",
    };
    let message = format!(
        "the {} has {} and {} of the same cluster {theirs}, {effect}",
        view.role,
        words(&ours),
        sibling.title()
    );
    let fix = "give both roles the same HA options, as in a ConfigMap that both mount".to_owned();
    let violation = match setting {
        Some((_, setting)) => Violation::at_setting(setting, message, fix),
        None => Violation::at_field(view.config_path.key(cluster.spelling(HA_TYPE)), None, message, fix),
    };
    vec![violation.of_role(view.role)]
}

/// The mode of `cluster` with what sets it, where it is known and is one of Flink's own.
fn mode(cluster: &Cluster) -> Option<(HighAvailability, Option<(&str, &Setting)>)> {
    cluster.leading().filter(|view| view.unknown.is_none())?;
    let found = cluster.high_availability();
    (!matches!(found.0, HighAvailability::Class(_) | HighAvailability::Unknown)).then_some(found)
}

const fn words(mode: &HighAvailability) -> &'static str {
    match mode {
        HighAvailability::Kubernetes => "HA by Kubernetes",
        HighAvailability::ZooKeeper => "HA by ZooKeeper",
        HighAvailability::Off => "no HA",
        HighAvailability::Class(_) | HighAvailability::Unknown => "HA",
    }
}
