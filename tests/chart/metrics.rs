//! Alerts and dashboard ask for what exists: our own metrics, and those by which the API server counts its calls of us.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use flink_admission::telemetry::{Metrics, Reviewed};
use serde_json::{Value, json};

use super::rendered::{chart, objects, of_kind, render};
use crate::support::{ControlPlane, wait_until};

/// The expressions of the alerts and of the dashboard.
fn expressions() -> Vec<String> {
    let mut expressions = Vec::new();
    let alerts = objects(&fs::read_to_string(chart().join("files/alerts.yaml")).unwrap()).remove(0);
    for alert in alerts[0]["rules"].as_array().unwrap() {
        expressions.push(alert["expr"].as_str().unwrap().to_owned());
        for text in ["summary", "description"] {
            assert!(alert["annotations"][text].is_string(), "{alert}");
        }
    }
    let dashboard: Value =
        serde_json::from_str(&fs::read_to_string(chart().join("files/dashboard.json")).unwrap()).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        expressions.extend(panel["targets"].as_array().unwrap().iter().map(|x| x["expr"].as_str().unwrap().to_owned()));
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        expressions.push(variable["query"].as_str().unwrap().to_owned());
    }
    assert!(expressions.len() > 30);
    expressions
}

/// The words of the expressions that begin so.
fn named(prefix: &str) -> BTreeSet<String> {
    let expressions = expressions();
    let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    let words = expressions.iter().flat_map(|text| text.split(is_end));
    words.filter(|word| word.starts_with(prefix)).map(str::to_owned).collect()
}

#[test]
fn our_metrics_are_those_that_are_asked_for() {
    let metrics = Metrics::default();
    // What has labels shows once it was counted.
    metrics.reviewed(&Reviewed { path: "validate", kind: "Job", verdict: "denied" }, Duration::from_millis(1));
    metrics.found(&[("ha-required", "deny")]);
    metrics.keeper_error("leaf");
    let text = metrics.text(None, 0);

    let asked = named("flink_admission_");
    assert!(asked.len() >= 12, "{asked:?}");
    for name in asked {
        let family = ["_total", "_bucket", "_info"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
        assert!(text.contains(&format!("# TYPE {family} ")), "{name} is no metric of ours");
    }
}

/// The end of a certificate is near only where it should have been replaced, which is at two thirds.
#[test]
fn what_lives_shorter_is_missed_later() {
    let Some(plane) = ControlPlane::shared() else { return };
    let rest = |value: &str, life: &str, alert: &str| {
        let values = format!("metrics.prometheusRule.enabled=true,certificates.{value}={life}");
        let objects = render(plane.admin(), "flink-admission", "flink-system", &[&values]);
        let rules = of_kind(&objects, "PrometheusRule")[0]["spec"]["groups"][0]["rules"].as_array().unwrap().clone();
        let alert = rules.into_iter().find(|rule| rule["alert"] == alert).unwrap();
        let (_, seconds) = alert["expr"].as_str().unwrap().trim().rsplit_once(' ').unwrap();
        seconds.parse::<u64>().unwrap()
    };
    let day = 24 * 60 * 60;
    let authority = |life| rest("authorityLife", life, "FlinkAdmissionAuthorityExpires");
    assert_eq!(["", "365d", "90d", "12h30m"].map(authority), [30 * day, 30 * day, 15 * day, 7500]);
    let leaf = |life| rest("leafLife", life, "FlinkAdmissionCertificateExpires");
    assert_eq!(["", "7d", "24h", "1h"].map(leaf), [day, day, day / 6, 600]);
}

/// The names of entries that the alert asks about: the expression that they must match, and the one that they must not.
fn names_of(alert: &str) -> (bool, bool) {
    let alerts = objects(&fs::read_to_string(chart().join("files/alerts.yaml")).unwrap()).remove(0);
    let mut rules = alerts[0]["rules"].as_array().unwrap().iter();
    let found = rules.find(|rule| rule["alert"] == alert).unwrap();
    let expression = found["expr"].as_str().unwrap();
    (expression.contains(r#"name=~".+[.]flink-admission[.]io""#), expression.contains(r#"name!~"probe[.].+""#))
}

/// The probe's entry is `Fail`: that its call fails refuses nobody's request, and never opens anything.
#[test]
fn a_failing_probe_is_no_refusal() {
    assert_eq!(names_of("FlinkAdmissionCallsFail"), (true, true));
    assert_eq!(names_of("FlinkAdmissionCallsFailOpen"), (true, false));
    let Some(plane) = ControlPlane::shared() else { return };
    for managed_by in ["program", "chart"] {
        let values = format!("webhooks.managedBy={managed_by}");
        let mut objects = render(plane.admin(), "flink-admission", "flink-system", &[&values]);
        for object in objects.clone() {
            objects.extend(object["data"]["webhooks.yaml"].as_str().map(self::objects).unwrap_or_default());
        }
        let entries = objects.iter().flat_map(|object| object["webhooks"].as_array().into_iter().flatten());
        let probes: Vec<&Value> = entries.filter(|entry| entry["name"] == "probe.flink-admission.io").collect();
        assert_eq!(probes.len(), if managed_by == "chart" { 4 } else { 2 });
        assert!(probes.iter().all(|probe| probe["failurePolicy"] == "Fail"), "{managed_by}: {probes:?}");
    }
}

/// The words of `about` are those by which the keeper counts.
#[test]
fn the_keeper_counts_what_is_asked_for() {
    let expressions = expressions().join("\n");
    let (_, words) = expressions.split_once("about=~\"").unwrap();
    let keeper = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/cluster/keeper.rs")).unwrap();
    for word in words.split('"').next().unwrap().split('|') {
        let counts = ["keeper_error", "trouble"].map(|how| format!("{how}(\"{word}\""));
        assert!(counts.iter().any(|counts| keeper.contains(counts)), "{word}");
    }
}

#[test]
fn the_api_servers_metrics_are_those_that_are_asked_for() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("counted");
    let objects = render(plane.admin(), "flink-admission", "flink-system", &["webhooks.managedBy=chart"]);
    let mut configuration = of_kind(&objects, "ValidatingWebhookConfiguration")[0].clone();
    configuration["metadata"]["name"] = json!(namespace);
    for webhook in configuration["webhooks"].as_array_mut().unwrap() {
        webhook["clientConfig"] = json!({"url": "https://127.0.0.1:1/"});
        webhook["namespaceSelector"] = json!({"matchLabels": {"kubernetes.io/metadata.name": namespace}});
    }
    let asked = named("apiserver_");
    assert_eq!(asked.len(), 3, "{asked:?}");
    let cluster = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
        "metadata": {"name": "x"}, "spec": {"flinkVersion": "v1_20"}});
    // Open, and then closed.
    for policy in ["Ignore", "Fail"] {
        configuration["webhooks"][0]["failurePolicy"] = json!(policy);
        plane.apply(&configuration.to_string()).succeeded();
        let name = if policy == "Fail" { "rejection_count" } else { "fail_open_count" };
        let name = format!("apiserver_admission_webhook_{name}");
        assert!(asked.contains(&name));
        let counted = wait_until(Duration::from_secs(30), || {
            let create = ["create", "--dry-run=server", "-n", &namespace, "-f", "-"];
            plane.admin().kubectl_with(&create, &cluster.to_string());
            let metrics = plane.kubectl(&["get", "--raw", "/metrics"]).succeeded();
            let line = metrics
                .lines()
                .find(|line| line.starts_with(&name) && line.contains("name=\"clusters.flink-admission.io\""))?;
            Some((line.to_owned(), metrics.contains("apiserver_admission_webhook_admission_duration_seconds_bucket{")))
        });
        let (line, has_duration) = counted.unwrap_or_else(|| panic!("{name} counts no call"));
        assert!(policy == "Ignore" || line.contains("error_type=\"calling_webhook_error\""), "{line}");
        assert!(has_duration);
    }
    plane.kubectl(&["delete", "validatingwebhookconfiguration", &namespace]).succeeded();
}
