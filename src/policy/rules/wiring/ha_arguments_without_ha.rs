//! `ha-arguments-without-ha`: a JobManager that is started as one of several, and no HA.

use crate::flink::cluster::{Directory, HighAvailability, RoleView, Shape};
use crate::flink::configuration::{Layer, Setting};
use crate::flink::options::{HA_TYPE, JOBMANAGER_ADDRESS};
use crate::flink::raw::Unknown;
use crate::object::{list, named, text};
use crate::policy::finding::{Level, Role};
use crate::policy::rules::wiring::unread;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-arguments-without-ha",
    failure: "C1",
    strict: Level::Deny,
    baseline: Level::Warn,
    page: Page {
        what: "A standalone JobManager is started with its pod's IP as the address, as the documentation's HA manifests do, and its configuration switches no HA on.",
        why: "The manifest looks like HA and is none: a restart of the JobManager loses all jobs. Without HA the TaskManagers look for the JobManager under the address in their own configuration, and the JobManager drops what is not sent to its IP (`dropping message … for non-local recipient`).",
        limits: "A custom image without a mounted configuration may carry one; then it is a warning. Several JobManagers without HA are `standby-without-ha`'s, a storageDir without the mode is `ha-mode-missing`'s.",
        example: "args: [jobmanager, $(POD_IP)]   # and no high-availability.type in the ConfigMap",
        fix: "Switch HA on in the configuration that the JobManager reads, or leave the address to the configuration. With `highAvailability` in the policy it is filled in.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let cluster = case.cluster;
    let Some(view) = cluster.role(Role::JobManager).filter(|_| cluster.shape == Shape::Raw) else { return Vec::new() };
    let is_anothers = cluster.job_managers.as_ref().is_some_and(|(number, _)| *number > 1)
        || cluster.directory(Directory::HighAvailability).is_some();
    let Some(address) = pod_address(view).filter(|_| !is_anothers) else { return Vec::new() };
    let (mode, setting) = cluster.high_availability();
    let name = cluster.spelling(HA_TYPE);
    let said = match (&mode, setting, &view.unknown) {
        (HighAvailability::Off, Some((key, setting)), _) => format!("`{key}` is `{}`", setting.trimmed()),
        (HighAvailability::Off, None, _) => unread::ha_in_unread_file(cluster)
            .unwrap_or_else(|| format!("`{name}` is not set in the configuration that it reads")),
        (HighAvailability::Unknown, None, Some(Unknown::Elsewhere(why))) => format!("no HA can be seen ({why})"),
        _ => return Vec::new(),
    };
    let message = format!(
        "the JobManager is started with its pod's IP as HA wants it, and {said}; without HA a restart loses all jobs, and TaskManagers that look for it under another name do not reach it"
    );
    let switch = cluster.kubernetes_ha();
    let fix = format!("switch HA on with {switch} and a storageDir, or leave the address out of the arguments");
    let violation = Violation::at_setting(address, message, fix).of_role(Role::JobManager);
    vec![if mode == HighAvailability::Off { violation } else { violation.uncertain() }]
}

/// The address as an argument, where it is the pod's IP.
fn pod_address(view: &RoleView) -> Option<&Setting> {
    let address = view.config.exact(JOBMANAGER_ADDRESS).filter(|address| address.layer == Layer::Argument)?;
    let variable = address.value.trim().strip_prefix("$(")?.strip_suffix(')')?;
    let environment = list(view.pod.container()?, &["env"]);
    let source =
        named(environment, variable).and_then(|(_, variable)| text(variable, &["valueFrom", "fieldRef", "fieldPath"]));
    (source.is_none_or(|field| matches!(field, "status.podIP" | "status.podIPs")) && is_of_pod(variable, source))
        .then_some(address)
}

/// A variable that is not declared is the pod's IP by its name only.
fn is_of_pod(variable: &str, source: Option<&str>) -> bool {
    source.is_some() || variable.to_ascii_uppercase().contains("POD_IP")
}
