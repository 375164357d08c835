//! What becomes of an object when the webhook cannot be called: as it is wanted, and as it is.

use serde_json::Value;

use super::{Context, entries, entry_name};
use crate::cluster::{Kind, proved};
use crate::doctor::finding::{Check, Finding};
use crate::doctor::names::PROBE_ENTRY;
use crate::object::text;

pub(super) fn failure_policy(context: &Context<'_>) -> Vec<Finding> {
    let kinds = context.live().map(|(kind, live)| (kind, of_kind(context, kind, live)));
    let mut findings: Vec<Finding> = kinds
        .flat_map(|(kind, findings)| findings.into_iter().map(move |finding| (kind, finding)))
        .map(|(kind, finding)| finding.about(context.subject(kind)))
        .collect();
    if findings.is_empty() {
        findings.push(Check::FailurePolicy.unknown("there is no live configuration to look at", ""));
    }
    findings
}

fn of_kind(context: &Context<'_>, kind: Kind, live: &Value) -> Vec<Finding> {
    let names = &context.cluster.names;
    let closed: Vec<&str> = judging(live).filter(|entry| is_fail(entry)).map(entry_name).collect();
    // Before anything else: what is refused right now.
    if !closed.is_empty() && context.ready() == Some(0) {
        let patch = format!(
            "kubectl get {0} {1} -o json | sed 's/\"failurePolicy\": \"Fail\"/\"failurePolicy\": \"Ignore\"/' | kubectl replace -f -",
            kind.plural(),
            names.service
        );
        return vec![Check::FailurePolicy.error(
            format!("{} fail closed, and no replica is ready", closed.join(", ")),
            "every object that they match is refused now",
            patch,
        )];
    }
    let proved = proved(live);
    let Some(wanted) = context.wanted(kind) else {
        let found = judging(live).map(|entry| format!("{} {}", entry_name(entry), policy(entry)));
        let found: Vec<String> = found.collect();
        return vec![Check::FailurePolicy.unknown(
            format!("live is {}; what is wanted is not known", found.join(", ")),
            format!("kubectl get configmap {} -n {}", names.webhooks(), names.namespace),
        )];
    };
    let mut findings = Vec::new();
    let (mut open, mut stricter) = (Vec::new(), Vec::new());
    for entry in judging(&wanted) {
        let Some(found) = judging(live).find(|found| entry_name(found) == entry_name(entry)) else { continue };
        match (is_fail(entry), is_fail(found)) {
            (true, false) => open.push(entry_name(entry)),
            (false, true) => stricter.push(entry_name(entry)),
            _ => {}
        }
    }
    if !stricter.is_empty() {
        findings.push(Check::FailurePolicy.error(
            format!("{} fail closed, and should be Ignore", stricter.join(", ")),
            "objects are refused when the webhook cannot be called, which nobody asked for",
            context.who_changed(kind),
        ));
    }
    match (open.is_empty(), proved) {
        (true, _) => {}
        (false, None) => findings.push(Check::FailurePolicy.warning(
            format!("{} should be Fail and are Ignore, since no probe came back yet", open.join(", ")),
            "while the webhook cannot be called, objects pass unchanged and unjudged",
            "the check `probe` says what is in the way; the leader sets Fail once one came back",
        )),
        (false, Some(since)) => findings.push(Check::FailurePolicy.warning(
            format!("{} should be Fail and are Ignore, though probes come back since {since}", open.join(", ")),
            "while the webhook cannot be called, objects pass unchanged and unjudged",
            context.who_changed(kind),
        )),
    }
    if findings.is_empty() {
        let since = proved.map_or_else(String::new, |since| format!(", proved since {since}"));
        let closed = if closed.is_empty() { "none".to_owned() } else { closed.join(", ") };
        findings.push(Check::FailurePolicy.ok(format!("as wanted; fail closed: {closed}{since}")));
    }
    findings
}

/// The entries that judge objects. The one of the probe is always `Fail`, whatever is wanted: it sees nothing but dry runs of
/// ours, and so the API server says why it could not call.
fn judging(configuration: &Value) -> impl Iterator<Item = &Value> {
    entries(configuration).iter().filter(|entry| entry_name(entry) != PROBE_ENTRY)
}

/// An omitted `failurePolicy` is `Fail` (admissionregistration.k8s.io/v1).
fn is_fail(entry: &Value) -> bool {
    policy(entry) == "Fail"
}

fn policy(entry: &Value) -> &str {
    text(entry, &["failurePolicy"]).unwrap_or("Fail")
}
