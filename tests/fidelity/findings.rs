//! Rules beside Flink: what a finding says that Flink refuses, Flink refuses.

use flink_admission::admission::Operation;
use flink_admission::policy::{Level, Policies};
use flink_admission::verdict::{Subject, judge};
use flink_admission::workload::recognise;
use serde_json::Value;

use super::case::{Case, NAMESPACE};

/// A rule, and the fields of Flink's answer of which one is an exception where it is right.
const CLAIMS: [(&str, &[&str]); 5] = [
    ("memory-too-small", &["memory"]),
    ("storage-path-without-scheme", &["checkpointStorage"]),
    ("storage-uri-malformed", &["haDirectory", "checkpointStorage", "storageDirAt", "checkpointsAt", "savepointsAt"]),
    ("ha-cluster-id-refused", &["haDirectory"]),
    ("ha-storage-dir-missing", &["haDirectory"]),
];

/// What a review of the case denies without reason.
pub fn without_reason(case: &Case, version: &str, flink: &Value) -> Vec<String> {
    let (object, facts) = case.object(version);
    let workload = recognise(&object).expect("it is Flink");
    let policies = Policies::from_text("{metadata: {name: strict}, spec: {profile: strict}}").expect("a policy");
    let subject = Subject {
        object: &object,
        old: None,
        operation: Operation::Create,
        namespace: NAMESPACE,
        name: Some("flink"),
        workload: &workload,
    };
    let is_started = flink.get("refused").is_none();
    let effective = |field: &str| flink.pointer(&format!("/effective/{field}"));
    let is_error = |field: &&str| effective(field).is_some_and(Value::is_object);
    let findings = judge(&subject, &policies, &facts).findings;
    let denials = findings.into_iter().filter(|finding| finding.level == Level::Deny);
    let wrong = denials.filter(|finding| match finding.rule {
        "arguments-refused" | "configuration-refused" => is_started,
        // The class of that name is not there.
        "ha-mode-misspelt" => {
            is_started && effective("highAvailability").and_then(Value::as_str) != Some("FACTORY_CLASS")
        }
        // Others of its findings are on paths that nobody means.
        "storage-uri-malformed" if !finding.message.contains("Flink refuses") => false,
        rule => {
            let claim = CLAIMS.iter().find(|(claimed, _)| *claimed == rule);
            is_started && claim.is_some_and(|(_, fields)| !fields.iter().any(is_error))
        }
    });
    wrong.map(|finding| format!("rule {}: {} {}", finding.rule, finding.path, finding.message)).collect()
}
