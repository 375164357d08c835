//! Which namespaces the webhook does not see.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::drift::is_of_platform;
use super::{Context, entries, entry_name};
use crate::cluster::Kind;
use crate::doctor::finding::{Check, Finding};
use crate::doctor::seen::Seen;
use crate::object::{at, list, map, text};
use crate::policy::{LabelSelector, Match};

/// The entry that sees Flink's custom resources; the one for Deployments has the same selector.
const ENTRY: &str = "clusters.flink-admission.io";
/// Namespaces that one finding names.
const NAMED: usize = 10;

pub(super) fn namespaces(context: &Context<'_>) -> Vec<Finding> {
    let listed = match &context.cluster.namespaces {
        Seen::Known(listed) => listed,
        Seen::Absent => return vec![Check::Namespaces.unknown("namespaces are not listed", "kubectl get namespaces")],
        Seen::Unknown(why) => return vec![Check::Namespaces.unknown(why.as_str(), "kubectl get namespaces")],
    };
    let findings: Vec<Finding> = context
        .live()
        .filter_map(|(kind, live)| Some((kind, selector(live)?)))
        .flat_map(|(kind, live)| of_kind(context, kind, live, &listed.items))
        .collect();
    if findings.is_empty() {
        return vec![Check::Namespaces.unknown(format!("no live configuration has an entry `{ENTRY}`"), "")];
    }
    findings
}

fn selector(configuration: &Value) -> Option<Value> {
    let entry = entries(configuration).iter().find(|entry| entry_name(entry) == ENTRY)?;
    Some(at(entry, &["namespaceSelector"]).cloned().unwrap_or_default())
}

fn of_kind(context: &Context<'_>, kind: Kind, live: Value, namespaces: &[Value]) -> Vec<Finding> {
    let wanted = context.wanted(kind).as_ref().and_then(selector);
    let (mut by_choice, mut missed) = (BTreeSet::new(), Vec::new());
    for namespace in namespaces {
        let name = text(namespace, &["metadata", "name"]).unwrap_or_default();
        let nothing = Map::new();
        let labels = map(namespace, &["metadata", "labels"]).unwrap_or(&nothing);
        let Some(reason) = reason(&live, name, labels) else { continue };
        let is_chosen = match &wanted {
            Some(wanted) => self::reason(wanted, name, labels).is_some(),
            // Without the file only these are known to be meant.
            None => name == context.cluster.names.namespace || name == "kube-system",
        };
        let is_platform = list(&live, &["matchExpressions"])
            .iter()
            .any(|expression| is_of_platform(expression) && !meets(expression, name, labels));
        if is_chosen || is_platform {
            by_choice.insert(name.to_owned());
        } else {
            missed.push(format!("{name} ({reason})"));
        }
    }
    let mut findings = Vec::new();
    let unseen: Vec<&String> = by_choice.intersection(&context.cluster.injected.flink_namespaces).collect();
    if !unseen.is_empty() {
        let unseen: Vec<&str> = unseen.into_iter().map(String::as_str).collect();
        findings.push(Check::Namespaces.warning(
            format!("there are FlinkDeployments in namespaces that are excluded: {}", unseen.join(", ")),
            "they are neither completed nor judged",
            "take them out of `webhooks.excludedNamespaces` of the chart, or move the clusters",
        ));
    }
    if !missed.is_empty() {
        let count = missed.len();
        let named: Vec<String> = missed.into_iter().take(NAMED).collect();
        let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
        findings.push(Check::Namespaces.warning(
            format!("the webhook does not see {}{more}", named.join(", ")),
            "Flink clusters there are neither completed nor judged",
            context.who_changed(kind),
        ));
    }
    if findings.is_empty() {
        let excluded: Vec<&str> = by_choice.iter().map(String::as_str).collect();
        let excluded = if excluded.is_empty() { "none".to_owned() } else { excluded.join(", ") };
        findings.push(Check::Namespaces.ok(format!(
            "{} of {} are seen; excluded: {excluded}",
            namespaces.len() - by_choice.len(),
            namespaces.len()
        )));
    }
    findings.into_iter().map(|finding| finding.about(context.subject(kind))).collect()
}

/// Which requirement of `selector` keeps the namespace out; `None` where it is seen.
fn reason(selector: &Value, name: &str, labels: &Map<String, Value>) -> Option<String> {
    for (label, value) in map(selector, &["matchLabels"]).into_iter().flatten() {
        if labels.get(label) != Some(value) {
            return Some(format!("{label} is not {}", value.as_str().unwrap_or_default()));
        }
    }
    let unmet = list(selector, &["matchExpressions"]).iter().find(|expression| !meets(expression, name, labels))?;
    let word = |key: &str| text(unmet, &[key]).unwrap_or_default();
    let values: Vec<&str> = list(unmet, &["values"]).iter().filter_map(Value::as_str).collect();
    Some(format!("{} {} {}", word("key"), word("operator"), values.join(",")).trim().to_owned())
}

/// Whether a namespace meets one requirement; one that cannot be read excludes nothing.
fn meets(expression: &Value, name: &str, labels: &Map<String, Value>) -> bool {
    let selector = serde_json::json!({"matchExpressions": [expression]});
    let Ok(selector) = serde_json::from_value::<LabelSelector>(selector) else { return true };
    selector.matches(name, labels, true) != Match::No
}
