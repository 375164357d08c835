//! What there is of Flink in the cluster.

use super::Context;
use crate::doctor::finding::{Check, Finding};
use crate::doctor::injected::Completed;
use crate::doctor::names::Names;
use crate::doctor::seen::Seen;

/// What the rules of the webhook configurations name.
const WANTED: &str = "v1beta1";
/// Clusters that one finding names.
const NAMED: usize = 5;

pub(super) fn resources(context: &Context<'_>) -> Vec<Finding> {
    let finding = match &context.cluster.flink {
        Seen::Absent => Check::FlinkResources
            .ok("no custom resources of Flink's operator are installed; Deployments, StatefulSets and Jobs are judged"),
        Seen::Known(versions) if versions.iter().any(|version| version == WANTED) => {
            Check::FlinkResources.ok(format!("flink.apache.org is served in {}", versions.join(", ")))
        }
        Seen::Known(versions) => Check::FlinkResources.error(
            format!("flink.apache.org is served in {}, and not in {WANTED}", versions.join(", ")),
            "the webhook is called for none of these objects",
            "kubectl get crd flinkdeployments.flink.apache.org -o jsonpath='{.spec.versions[*].name}'; upgrade Flink's operator",
        ),
        Seen::Unknown(why) => Check::FlinkResources.unknown(why.as_str(), "kubectl api-versions | grep flink"),
    };
    vec![finding]
}

pub(super) fn injected(context: &Context<'_>) -> Vec<Finding> {
    let scan = &context.cluster.injected;
    let mut findings = Vec::new();
    if !scan.unknown.is_empty() {
        let command = "kubectl get flinkdeployments,deployments,statefulsets,jobs -A";
        findings.push(
            Check::Injected.unknown(format!("not all objects could be listed: {}", scan.unknown.join("; ")), command),
        );
    }
    let clusters: Vec<&Completed> = scan.with_ha().collect();
    if clusters.is_empty() {
        if findings.is_empty() {
            findings.push(Check::Injected.ok("no object has high availability by injection alone"));
        }
        return findings;
    }
    let named: Vec<String> = clusters.iter().take(NAMED).map(|one| one.title()).collect();
    let more = clusters.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let mut finding = Check::Injected.ok(format!(
        "{} high availability by injection alone, and would lose it without the webhook: {}{more}",
        if clusters.len() == 1 { "1 object has".to_owned() } else { format!("{} objects have", clusters.len()) },
        named.join(", ")
    ));
    let Names { namespace, service } = &context.cluster.names;
    finding.fix = format!(
        "flink-admission uninstall --namespace {namespace} --service {service} --dry-run   # lists them all, with the \
         command that puts it into Git"
    );
    findings.push(finding);
    findings
}
