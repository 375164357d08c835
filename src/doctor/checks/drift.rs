//! The live configurations beside those that are wanted.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Context, entries, entry_name};
use crate::cluster::{KINDS, Kind};
use crate::doctor::finding::{Check, Finding};
use crate::doctor::seen::Seen;
use crate::object::{at, list, text};

/// Labels by which a platform keeps webhooks out of its own namespaces: AKS writes both into every `namespaceSelector`
/// (Azure/AKS#4002) and writes them anew when they are taken away.
pub(super) const PLATFORM_LABELS: [&str; 2] = ["control-plane", "kubernetes.azure.com/managedby"];

/// Fields that say which objects are seen and who is called: where one of these differs, something passes that should not.
const VITAL: [&str; 5] = ["clientConfig", "rules", "matchConditions", "namespaceSelector", "objectSelector"];
/// The other fields; `failurePolicy` is a check of its own.
const OTHERS: [&str; 5] =
    ["matchPolicy", "reinvocationPolicy", "sideEffects", "timeoutSeconds", "admissionReviewVersions"];

pub(super) fn drift(context: &Context<'_>) -> Vec<Finding> {
    let names = &context.cluster.names;
    let file = context.own("ConfigMap", &names.webhooks());
    match &context.cluster.file {
        Seen::Known(_) => {}
        Seen::Absent => {
            let finding = Check::Drift.unknown(
                "it does not exist, so nothing says which entries are wanted",
                context.settings.upgrade(names),
            );
            return vec![finding.about(file)];
        }
        Seen::Unknown(why) => {
            let command = format!("kubectl get configmap {} -n {}", names.webhooks(), names.namespace);
            return vec![Check::Drift.unknown(why.as_str(), command).about(file)];
        }
    }
    let mut findings = Vec::new();
    for kind in KINDS {
        let Some(wanted) = context.wanted(kind) else {
            let finding = Check::Drift.error(
                format!("its key `webhooks.yaml` holds no readable {}", kind.name()),
                "the program cannot write a configuration that it cannot read",
                context.settings.upgrade(names),
            );
            findings.push(finding.about(file.clone()));
            continue;
        };
        // One that is missing is another check's to say.
        let Some(live) = context.cluster.configuration(kind).known() else { continue };
        findings.extend(compared(context, kind, &wanted, live));
    }
    if findings.is_empty() {
        findings.push(match context.live().next() {
            Some(_) => Check::Drift.ok("the live configurations say what is wanted"),
            None => Check::Drift.unknown("there is no live configuration to look at", ""),
        });
    }
    findings
}

fn compared(context: &Context<'_>, kind: Kind, wanted: &Value, live: &Value) -> Vec<Finding> {
    let mut findings = Vec::new();
    let fix = if context.settings.writes_configurations() {
        format!("{}   # the leader puts it back; somebody changes it again and again", context.who_changed(kind))
    } else {
        context.settings.upgrade(&context.cluster.names)
    };
    let find = |configuration: &'_ Value, name: &str| {
        entries(configuration).iter().find(|entry| entry_name(entry) == name).cloned()
    };
    for entry in entries(wanted) {
        let name = entry_name(entry);
        let Some(found) = find(live, name) else {
            findings.push(Check::Drift.error(
                format!("the entry `{name}` is missing"),
                "what it is for passes the webhook by",
                fix.clone(),
            ));
            continue;
        };
        let differs = |field: &&&str| differs(entry, &found, field);
        let vital: Vec<&str> = VITAL.iter().filter(differs).copied().collect();
        let others: Vec<&str> = OTHERS.iter().filter(differs).copied().collect();
        if !vital.is_empty() {
            findings.push(Check::Drift.error(
                format!("the entry `{name}` differs in {}", vital.join(", ")),
                "objects pass the webhook by, or it is called for others than is wanted",
                fix.clone(),
            ));
        }
        if !others.is_empty() {
            findings.push(Check::Drift.warning(
                format!("the entry `{name}` differs in {}", others.join(", ")),
                "it is called in another way than is wanted",
                fix.clone(),
            ));
        }
    }
    let known: BTreeSet<&str> = entries(wanted).iter().map(entry_name).collect();
    for entry in entries(live).iter().filter(|entry| !known.contains(entry_name(entry))) {
        findings.push(Check::Drift.warning(
            format!("the entry `{}` is not wanted", entry_name(entry)),
            "the webhook is called for objects that nobody asked it about",
            fix.clone(),
        ));
    }
    findings.into_iter().map(|finding| finding.about(context.subject(kind))).collect()
}

fn differs(wanted: &Value, live: &Value, field: &str) -> bool {
    let (wanted, mut live) = (normal(wanted, field), normal(live, field));
    if field == "namespaceSelector" {
        live = without_platform(live, &wanted);
    }
    wanted != live
}

/// The field with what the API server fills in (admissionregistration.k8s.io/v1), and with lists whose order says nothing
/// in one order.
fn normal(entry: &Value, field: &str) -> Value {
    let value = at(entry, &[field]).cloned();
    match field {
        "clientConfig" => client(value.unwrap_or_default()),
        "rules" => {
            let mut rules: Vec<Value> = list(entry, &["rules"]).iter().map(rule).collect();
            rules.sort_by_key(Value::to_string);
            Value::Array(rules)
        }
        "matchConditions" => Value::Array(list(entry, &["matchConditions"]).iter().map(condition).collect()),
        "namespaceSelector" | "objectSelector" => selector(&value.unwrap_or_default()),
        "matchPolicy" => value.unwrap_or(json!("Equivalent")),
        "reinvocationPolicy" => value.filter(|value| value != "Never").unwrap_or_default(),
        "timeoutSeconds" => value.unwrap_or(json!(10)),
        _ => value.unwrap_or_default(),
    }
}

/// `caBundle` is checked against what is served.
fn client(mut client: Value) -> Value {
    if let Some(fields) = client.as_object_mut() {
        fields.remove("caBundle");
        if let Some(service) = fields.get_mut("service").and_then(Value::as_object_mut) {
            service.entry("port").or_insert(json!(443));
        }
    }
    sorted(&client)
}

fn rule(rule: &Value) -> Value {
    let words = |key: &str| {
        let mut words: Vec<&str> = list(rule, &[key]).iter().filter_map(Value::as_str).collect();
        words.sort_unstable();
        json!(words)
    };
    json!({"apiGroups": words("apiGroups"), "apiVersions": words("apiVersions"), "operations": words("operations"),
        "resources": words("resources"), "scope": text(rule, &["scope"]).unwrap_or("*")})
}

fn condition(condition: &Value) -> Value {
    let expression = text(condition, &["expression"]).unwrap_or_default();
    // A YAML folding may end it with a line break.
    json!({"name": text(condition, &["name"]), "expression": expression.trim()})
}

fn selector(selector: &Value) -> Value {
    let mut expressions: Vec<Value> = list(selector, &["matchExpressions"])
        .iter()
        .map(|expression| {
            let mut values: Vec<&str> = list(expression, &["values"]).iter().filter_map(Value::as_str).collect();
            values.sort_unstable();
            json!({"key": text(expression, &["key"]), "operator": text(expression, &["operator"]), "values": values})
        })
        .collect();
    expressions.sort_by_key(Value::to_string);
    let labels = at(selector, &["matchLabels"]).map(sorted);
    json!({"labels": labels.filter(|labels| *labels != json!({})), "expressions": expressions})
}

/// `live` without the expressions that a platform adds, and that are not `wanted`.
fn without_platform(mut live: Value, wanted: &Value) -> Value {
    let asked_for = list(wanted, &["expressions"]);
    if let Some(expressions) = live.get_mut("expressions").and_then(Value::as_array_mut) {
        expressions.retain(|expression| asked_for.contains(expression) || !is_of_platform(expression));
    }
    live
}

/// Whether a requirement only keeps a platform's own namespaces out.
pub(super) fn is_of_platform(expression: &Value) -> bool {
    text(expression, &["key"]).is_some_and(|key| PLATFORM_LABELS.contains(&key))
        && matches!(text(expression, &["operator"]), Some("NotIn" | "DoesNotExist"))
}

/// The same with the keys of maps in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut pairs: Vec<(&String, &Value)> = fields.iter().collect();
            pairs.sort_by_key(|(key, _)| *key);
            pairs.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect()
        }
        other => other.clone(),
    }
}
