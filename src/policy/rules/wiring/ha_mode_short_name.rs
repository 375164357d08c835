//! `ha-mode-short-name`: a mode that old versions take for a class.

use crate::flink::cluster::KUBERNETES_FACTORY;
use crate::policy::finding::Level;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-mode-short-name",
    failure: "C8",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "The HA mode is `kubernetes`, and Flink is 1.15 or older.",
        why: "The short name came with Flink 1.16 (FLINK-27808). Older versions take it for the name of a factory class, do not find the class and do not start: `Could not instantiate class 'kubernetes' of type 'org.apache.flink.runtime.highavailability.HighAvailabilityServicesFactory'` (executed with 1.15.4).",
        limits: "Nothing is said where the Flink version is unknown.",
        example: "spec:\n  flinkVersion: v1_15\n  flinkConfiguration:\n    high-availability: kubernetes",
        fix: "Write the class, which every version accepts: `org.apache.flink.kubernetes.highavailability.KubernetesHaServicesFactory`.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let (_, Some((key, setting))) = case.cluster.high_availability() else { return Vec::new() };
    let Some(version) = case.cluster.version.filter(|version| !version.at_least(1, 16)) else { return Vec::new() };
    if !setting.value.eq_ignore_ascii_case("kubernetes") {
        return Vec::new();
    }
    let message = format!(
        "Flink {version} takes `{}` for the name of a class, which it does not find, so the cluster does not start",
        setting.value
    );
    let violation = Violation::at_setting(setting, message, format!("set `{key}: {KUBERNETES_FACTORY}`"));
    vec![violation.settled_by_value(KUBERNETES_FACTORY)]
}
