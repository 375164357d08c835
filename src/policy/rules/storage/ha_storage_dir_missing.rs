//! `ha-storage-dir-missing`: HA without a place for its metadata.

use crate::flink::cluster::{Directory, HighAvailability};
use crate::flink::options::HA_STORAGE_DIR;
use crate::policy::finding::Level;
use crate::policy::rules::wiring::Absence;
use crate::policy::rules::{Case, Page, Rule, Violation};

/// The rule.
pub(crate) const RULE: Rule = Rule {
    id: "ha-storage-dir-missing",
    failure: "B13",
    strict: Level::Deny,
    baseline: Level::Deny,
    page: Page {
        what: "High availability is on and `high-availability.storageDir` is missing or blank.",
        why: "The JobManager does not start: `Configuration is missing the mandatory parameter: high-availability.storageDir`.",
        limits: "The operator's own defaults may set the option for all its clusters; then say so in the resource too, or lower the rule. A factory class of your own may need no directory and is not judged.",
        example: "spec:\n  flinkConfiguration:\n    high-availability.type: kubernetes   # and no storageDir",
        fix: "Set `high-availability.storageDir` to a directory in an object store or on a claim; with `highAvailability.storageDir` in the policy it is filled in.",
    },
    check,
};

fn check(case: &Case<'_>) -> Vec<Violation> {
    let (mode, Some((key, setting))) = case.cluster.high_availability() else { return Vec::new() };
    if !matches!(mode, HighAvailability::Kubernetes | HighAvailability::ZooKeeper)
        || case.cluster.directory(Directory::HighAvailability).is_some()
    {
        return Vec::new();
    }
    let Some(view) = case.cluster.leading().filter(|view| view.unknown.is_none()) else { return Vec::new() };
    let absence = Absence::of(case.cluster, view, HA_STORAGE_DIR);
    let message = format!("`{key}` is `{}` and {}, so the JobManager does not start", setting.trimmed(), absence.said);
    let fix = absence.fix.unwrap_or_else(|| format!("set `{HA_STORAGE_DIR}`, for example to `s3://<bucket>/ha`"));
    vec![Violation::at_field(absence.path, None, message, fix)]
}
