//! The live webhook configurations are changed in one way after the other.

use serde_json::{Value, json};

use crate::installed::{Installed, run};

const MUTATING: &str = "mutatingwebhookconfiguration";
const VALIDATING: &str = "validatingwebhookconfiguration";

fn replace(path: &str, value: Value) -> Value {
    json!([{"op": "replace", "path": path, "value": value}])
}

#[test]
fn a_configuration_that_is_gone_or_foreign_is_told() {
    let Some(mut installed) = Installed::healthy() else { return };
    let name = installed.name.clone();
    installed.patch(MUTATING, &name, replace("/metadata/ownerReferences", json!([])));
    installed.patch(VALIDATING, &name, replace("/metadata/labels/flink-admission.io~1installation", json!("a.b")));
    let told = installed.doctor();
    told.expect("webhook-configurations", "warning", "does not own it");
    told.expect("webhook-configurations", "error", "the installation `a.b` left it behind");
    let label = replace("/metadata/labels/flink-admission.io~1installation", json!("default.b"));
    installed.patch(VALIDATING, &name, label);
    installed.doctor().expect("webhook-configurations", "error", "it belongs to the installation `default.b`");

    let entry = json!({"name": "clusters.flink-admission.io", "sideEffects": "None", "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": "https://nowhere.invalid/"}, "failurePolicy": "Ignore", "rules": []});
    let other = |suffix: &str, labels: Value| {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": format!("{name}-{suffix}"), "labels": labels}, "webhooks": [entry]})
    };
    installed.create(VALIDATING, &other("old", json!({})));
    installed.create(VALIDATING, &other("next", json!({"flink-admission.io/installation": "default.webhook"})));
    let told = installed.doctor();
    told.expect("second-installation", "warning", "an old one is left behind");
    told.expect("second-installation", "warning", "the installation `default.webhook` calls for the same objects");

    installed.delete(MUTATING, &name);
    let told = installed.doctor();
    told.expect("webhook-configurations", "error", "MutatingWebhookConfiguration");
    told.expect("probe", "error", "there is no configuration");
}

#[test]
fn another_name_is_told_and_the_younger_of_two_is_not_called() {
    let Some(installed) = Installed::healthy() else { return };
    let name = installed.name.clone();
    let told = run(installed.plane.kubeconfig(), &["doctor", "--output=json"]);
    told.expect("installation", "error", "nothing of it is there");
    assert_eq!(
        told.fix_of("installation"),
        format!("flink-admission doctor --namespace {name} --service {name}"),
        "{told}"
    );
    told.expect("second-installation", "ok", &format!("it is of the installation `{name}.{name}`"));
    assert!(!told.output.contains("twice"), "{told}");

    // A younger one writes no configuration, so nothing is judged twice.
    let younger = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "younger", "namespace": name},
        "spec": {"ports": [{"port": 443}]}});
    installed.apply(&[younger]);
    let of_younger = ["doctor", "--output=json", "--namespace", &name, "--service=younger"];
    let told = run(installed.plane.kubeconfig(), &of_younger);
    told.expect("second-installation", "warning", &format!("the installation `{name}.{name}` was there first"));
    assert!(!told.output.contains("twice"), "{told}");
}

/// The keeper pays it no heed either.
#[test]
fn what_an_installation_left_whose_namespace_is_gone_is_no_second_one() {
    let Some(mut installed) = Installed::healthy() else { return };
    let service = format!("{}-old", installed.name);
    let entry = |name: &str, policy: &str| {
        json!({"name": name, "sideEffects": "None", "admissionReviewVersions": ["v1"], "failurePolicy": policy,
            "clientConfig": {"service": {"namespace": "gone", "name": service}}, "rules": []})
    };
    let left = |policy: &str| {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": service, "labels": {"flink-admission.io/installation": format!("gone.{service}")}},
            "webhooks": [entry("clusters.flink-admission.io", policy), entry("probe.flink-admission.io", "Fail")]})
    };
    installed.create(VALIDATING, &left("Ignore"));
    let told = installed.doctor();
    let what = format!("`gone.{service}` left it behind: its namespace `gone` is gone");
    told.expect("second-installation", "warning", &what);
    assert_eq!(told.status, 0, "{told}");
    installed.delete(VALIDATING, &service);
    installed.create(VALIDATING, &left("Fail"));
    let told = installed.doctor();
    told.expect("second-installation", "error", &what);

    // What it says to do takes that away, and nothing of ours.
    let fix = told.fix_of("second-installation");
    assert_eq!(fix, format!("flink-admission uninstall --namespace gone --service {service}"));
    let words: Vec<&str> = fix.split(' ').skip(1).collect();
    let done = run(installed.plane.kubeconfig(), &words);
    assert!(done.status == 0 && done.output.contains(&service), "{done}");
    let told = installed.doctor();
    told.expect("second-installation", "ok", "there is none");
    assert_eq!(told.status, 0, "{told}");
}

#[test]
fn drift_is_told_and_a_platform_is_not_fought() {
    let Some(installed) = Installed::healthy() else { return };
    let name = installed.name.clone();
    // As AKS writes them.
    let platform = json!([
        {"op": "add", "path": "/webhooks/0/namespaceSelector/matchExpressions/-",
            "value": {"key": "control-plane", "operator": "NotIn", "values": ["true"]}},
        {"op": "add", "path": "/webhooks/0/namespaceSelector/matchExpressions/-",
            "value": {"key": "kubernetes.azure.com/managedby", "operator": "NotIn", "values": ["aks"]}}]);
    installed.patch(MUTATING, &name, platform);
    let told = installed.doctor();
    told.expect("drift", "ok", "what is wanted");
    assert_eq!(told.status, 0, "{told}");

    let changed = json!([
        {"op": "replace", "path": "/webhooks/1/rules/0/resources", "value": ["deployments"]},
        {"op": "replace", "path": "/webhooks/0/timeoutSeconds", "value": 30},
        {"op": "add", "path": "/webhooks/0/namespaceSelector/matchLabels", "value": {"flink": "yes"}}]);
    installed.patch(VALIDATING, &name, changed);
    let told = installed.doctor();
    told.expect("drift", "error", "`workloads.flink-admission.io` differs in rules");
    told.expect("drift", "error", "`clusters.flink-admission.io` differs in namespaceSelector");
    told.expect("drift", "warning", "`clusters.flink-admission.io` differs in timeoutSeconds");
    // So no namespace but one with that label is seen.
    told.expect("namespaces", "warning", "default (flink is not yes)");

    installed.patch(
        MUTATING,
        &name,
        json!([{"op": "replace", "path": "/webhooks/2/name", "value": "more.flink-admission.io"}]),
    );
    let told = installed.doctor();
    told.expect("drift", "error", "`recorded.flink-admission.io` is missing");
    told.expect("drift", "warning", "`more.flink-admission.io` is not wanted");

    let file = format!("{name}-webhooks");
    installed.patch("configmap", &file, replace("/data/webhooks.yaml", json!("- {")));
    installed.doctor().expect("drift", "error", "holds no readable MutatingWebhookConfiguration");
    installed.delete("configmap", &file);
    let told = installed.doctor();
    told.expect("drift", "unknown", "does not exist");
    told.expect("failure-policy", "unknown", "what is wanted is not known");
}

#[test]
fn the_failure_policy_is_compared_with_what_is_wanted() {
    let Some(installed) = Installed::healthy() else { return };
    let name = installed.name.clone();
    // Proved long ago, and open: somebody changed it.
    installed.patch(MUTATING, &name, replace("/webhooks/2/failurePolicy", json!("Ignore")));
    installed.patch(VALIDATING, &name, replace("/webhooks/0/failurePolicy", json!("Fail")));
    let told = installed.doctor();
    told.expect("failure-policy", "warning", "though probes come back since 2026");
    told.expect("failure-policy", "error", "clusters.flink-admission.io fail closed, and should be Ignore");
    // Not proved yet.
    installed.patch(
        MUTATING,
        &name,
        json!([{"op": "remove", "path": "/metadata/annotations/flink-admission.io~1proved"}]),
    );
    installed.doctor().expect("failure-policy", "warning", "no probe came back yet");
}

#[test]
fn namespaces_that_nobody_sees_are_named() {
    let Some(installed) = Installed::healthy() else { return };
    let name = installed.name.clone();
    let team = installed.plane.create_namespace("unseen");
    installed.plane.kubectl(&["label", "namespace", &team, "flink=off"]).succeeded();
    let unseen = json!([{"op": "add", "path": "/webhooks/0/namespaceSelector/matchExpressions/-",
        "value": {"key": "flink", "operator": "DoesNotExist"}}]);
    installed.patch(MUTATING, &name, unseen);
    installed.doctor().expect("namespaces", "warning", &format!("{team} (flink DoesNotExist)"));
    installed.plane.kubectl(&["delete", "namespace", &team, "--wait=false"]).succeeded();
    // Excluded by choice, but not empty.
    let cluster = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
        "metadata": {"name": "orders", "namespace": name}, "spec": {"flinkVersion": "v1_20"}});
    installed.apply(&[cluster]);
    installed.doctor().expect(
        "namespaces",
        "warning",
        &format!("FlinkDeployments in namespaces that are excluded: {name}"),
    );
}
