//! values.yaml, its schema and the table of README.md say the same, and what is misspelt is refused.
//! `UPDATE_DOCS=1 cargo test --test chart` writes the table anew.

use std::fs;

use serde_json::{Value, json};

use super::golden::holds;
use super::rendered::{chart, objects};
use crate::support::ControlPlane;

const BEGIN: &str = "## Values\n";

/// A value as values.yaml has it.
struct Documented {
    path: String,
    comment: String,
    /// Whether values below it have comments of their own.
    is_group: bool,
}

/// The keys of values.yaml that have a comment, which stands right above them.
fn documented(text: &str) -> Vec<Documented> {
    let mut found: Vec<Documented> = Vec::new();
    let mut comment = String::new();
    // Keys above the line, each with its indentation.
    let mut above: Vec<(usize, &str)> = Vec::new();
    for line in text.lines() {
        let rest = line.trim_start();
        let indent = line.len() - rest.len();
        if let Some(words) = rest.strip_prefix("# ") {
            comment = format!("{comment} {words}");
            continue;
        }
        let comment = std::mem::take(&mut comment);
        let Some((key, _)) = rest.split_once(':') else { continue };
        above.retain(|(depth, _)| *depth < indent);
        above.push((indent, key));
        if comment.is_empty() {
            continue;
        }
        let path = above.iter().map(|(_, key)| *key).collect::<Vec<_>>().join(".");
        for group in &mut found {
            group.is_group |= path.starts_with(&format!("{}.", group.path));
        }
        found.push(Documented { path, comment: comment.trim().to_owned(), is_group: false });
    }
    found
}

fn at<'a>(values: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(values, |value, key| &value[key])
}

fn table(documented: &[Documented], values: &Value) -> String {
    let mut table = "\n| value | default | |\n|---|---|---|\n".to_owned();
    for value in documented {
        let default = at(values, &value.path);
        let default = match default.to_string() {
            _ if value.is_group => String::new(),
            text if text.len() > 60 => "[values.yaml](values.yaml)".to_owned(),
            text => format!("`{}`", default.as_str().filter(|text| !text.is_empty()).unwrap_or(&text)),
        };
        let comment = value.comment.replace('|', "\\|");
        table.extend(["| `", &value.path, "` | ", &default, " | ", &comment, " |\n"]);
    }
    table
}

fn values() -> (String, Value) {
    let text = fs::read_to_string(chart().join("values.yaml")).unwrap();
    let value = objects(&text).remove(0);
    (text, value)
}

fn schema() -> Value {
    serde_json::from_str(&fs::read_to_string(chart().join("values.schema.json")).unwrap()).unwrap()
}

#[test]
fn the_readme_lists_every_value() {
    let (text, values) = values();
    let documented = documented(&text);
    let mut leaves = std::collections::BTreeSet::new();
    super::golden::leaves(&values, "", &mut leaves);
    for leaf in leaves {
        let leaf = leaf.trim_start_matches('.');
        let covers = |value: &Documented| {
            value.path == leaf || (!value.is_group && leaf.starts_with(&format!("{}.", value.path)))
        };
        assert!(documented.iter().any(covers), "{leaf} has no comment in values.yaml");
    }
    let path = chart().join("README.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, _) = page.split_once(BEGIN).unwrap();
    let wanted = format!("{before}{BEGIN}{}", table(&documented, &values));
    assert!(holds(&path, &wanted, "UPDATE_DOCS"), "{} is old: UPDATE_DOCS=1 cargo test --test chart", path.display());
}

/// The schema of what it is: behind a `$ref`, or itself.
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(path) => root.pointer(path.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

/// Whatever another schema decides, that of Kubernetes or of FlinkPolicy, and helm's own `global`.
const FREE: [&str; 8] = [
    "global",
    "policy.metadata",
    "policy.spec",
    "resources.requests",
    "resources.limits",
    "affinity.nodeAffinity",
    "affinity.podAffinity",
    "affinity.podAntiAffinity",
];

/// Each object of the schema that has a fixed set of keys, by path; panics at one that leaves its keys open.
fn closed(root: &Value, schema: &Value, path: &str, found: &mut Vec<String>) {
    let schema = resolved(root, schema);
    if schema["type"] != "object" || FREE.contains(&path) {
        return;
    }
    // A map of strings: labels and the like.
    if schema["additionalProperties"]["type"] == "string" {
        return;
    }
    assert_eq!(schema["additionalProperties"], json!(false), "`{path}` takes any key");
    found.push(path.to_owned());
    for (key, below) in schema["properties"].as_object().unwrap() {
        closed(root, below, format!("{path}.{key}").trim_start_matches('.'), found);
    }
}

#[test]
fn the_schema_knows_what_is_in_values_yaml() {
    let (schema, (_, values)) = (schema(), values());
    let mut paths = std::collections::BTreeSet::new();
    super::golden::leaves(&values, "", &mut paths);
    for path in paths {
        let mut below = &schema;
        for key in path.trim_start_matches('.').split('.') {
            below = resolved(&schema, below);
            // Another's schema begins here.
            if below["properties"].is_null() {
                break;
            }
            below = &below["properties"][key];
            assert!(!below.is_null(), "{path} is unknown to values.schema.json");
        }
    }
}

#[test]
fn misspelt_values_are_refused() {
    let Some(plane) = ControlPlane::shared() else { return };
    let path = chart();
    let refused = |value: &str| {
        let args = ["template", "flink-admission", path.to_str().unwrap(), "--set-json", value];
        let said = plane.admin().helm(&args).refused();
        assert!(said.contains("values don't meet the specifications"), "{value}: {said}");
    };
    let (schema, (_, values)) = (schema(), values());
    let mut objects = Vec::new();
    closed(&schema, &schema, "", &mut objects);
    assert!(objects.len() >= 20, "{objects:?}");
    for object in &objects {
        refused(format!("{object}.misspelt=1").trim_start_matches('.'));
    }
    // A value of another type.
    let mut leaves = std::collections::BTreeSet::new();
    super::golden::leaves(&values, "", &mut leaves);
    for leaf in &leaves {
        let wrong = match at(&values, leaf.trim_start_matches('.')) {
            Value::Bool(_) | Value::Number(_) => "\"x\"",
            Value::String(_) => "[]",
            _ => "7",
        };
        if !leaf.starts_with(".policy.") && !leaf.starts_with(".resources.") {
            refused(&format!("{}={wrong}", leaf.trim_start_matches('.')));
        }
    }
    for wrong in [
        "webhooks.failurePolicy.mutate=\"fail\"",
        "webhooks.managedBy=\"helm\"",
        "webhooks.timeoutSeconds=31",
        "policy.kind=\"Policy\"",
        "ports.webhook=443",
        "image.digest=\"x\"",
        "certificates.source=\"certmanager\"",
        "certificates.leafLife=\"7 days\"",
        "certificates.clientCa=\"/etc/ca.crt\"",
        "resources=7",
        "tolerations=[{\"keys\": \"x\"}]",
        "replicas=0",
    ] {
        refused(wrong);
    }
}

#[test]
fn values_that_do_not_go_together_are_refused() {
    let Some(plane) = ControlPlane::shared() else { return };
    let path = chart();
    for (values, reason) in [
        ("certificates.source=files", "certificates.secretName is empty"),
        ("certificates.secretName=x", "that Secret would not be used"),
        ("certificates.certManager.caInjection=true", "would both write caBundle"),
        ("certificates.source=cert-manager,certificates.leafLife=24h", "leave them empty"),
        ("autoscaling.enabled=true,autoscaling.minReplicas=7", "more than autoscaling.maxReplicas, which is 6"),
        ("ports.webhook=8080", "ports.webhook and ports.observe are both 8080"),
        ("image.repository=x/y:1.2", "image.repository is \"x/y:1.2\", which holds a tag or a digest"),
        ("image.repository=x/y@sha256:0", "name them in image.tag or image.digest"),
        ("hostNetwork=true,ports.webhook=10250", "which the kubelet of each node listens on"),
    ] {
        let refused = plane.admin().helm(&["template", "x", path.to_str().unwrap(), "--set", values]).refused();
        assert!(refused.contains(reason), "{values}: {refused}");
    }
    for values in ["image.repository=registry.example.net:5000/x", "ports.webhook=10250"] {
        plane.admin().helm(&["template", "x", path.to_str().unwrap(), "--set", values]).succeeded();
    }
    // Older clusters do not know matchConditions, or do not evaluate them.
    let old = plane.admin().helm(&["template", "x", path.to_str().unwrap(), "--kube-version", "1.29.9"]).refused();
    assert!(old.contains("chart requires kubeVersion: >=1.30.0-0"), "{old}");
    plane.admin().helm(&["template", "x", path.to_str().unwrap(), "--kube-version", "1.30.0"]).succeeded();
}
