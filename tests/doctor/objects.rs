//! The objects of a healthy installation, as the chart and the program make them.

use serde_json::{Value, json};

use crate::certificates::Signer;
use crate::installed::base64;

pub(crate) const ENTRIES: [&str; 4] = [
    "clusters.flink-admission.io",
    "workloads.flink-admission.io",
    "recorded.flink-admission.io",
    "probe.flink-admission.io",
];

/// An entry with the failure policy that is wanted.
fn entry(name: &str, service: &str, side: &str) -> Value {
    let path = if name.starts_with("probe") { "/probe".to_owned() } else { format!("/{side}") };
    let rule = |group: &str, version: &str, resources: &[&str], operations: &[&str]| {
        json!({"apiGroups": [group], "apiVersions": [version], "resources": resources, "operations": operations,
            "scope": "Namespaced"})
    };
    let both = ["CREATE", "UPDATE"];
    let clusters = rule("flink.apache.org", "v1beta1", &["flinkdeployments", "flinksessionjobs"], &both);
    let workloads = rule("apps", "v1", &["deployments", "statefulsets"], &both);
    let (rules, closed) = match name.split('.').next().unwrap() {
        "clusters" => (json!([clusters]), false),
        "workloads" => (json!([workloads, rule("batch", "v1", &["jobs"], &both)]), false),
        "recorded" => (json!([rule("flink.apache.org", "v1beta1", &["flinkdeployments"], &["UPDATE"])]), true),
        _ => (json!([rule("", "v1", &["configmaps"], &["CREATE"])]), false),
    };
    let mut entry = json!({
        "name": name,
        "clientConfig": {"service": {"name": service, "namespace": service, "path": path, "port": 443}},
        "rules": rules,
        "namespaceSelector": {"matchExpressions": [
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", service]}]},
        "failurePolicy": if closed { "Fail" } else { "Ignore" },
        "matchConditions": [{"name": "ours", "expression": "!has(object.metadata.deletionTimestamp)"}],
        "sideEffects": "None", "timeoutSeconds": 3, "admissionReviewVersions": ["v1"],
    });
    if name.starts_with("probe") {
        entry["namespaceSelector"] = json!({"matchLabels": {"kubernetes.io/metadata.name": service}});
        entry["objectSelector"] = json!({"matchLabels": {"flink-admission.io/probe": side}});
        entry["matchConditions"] = json!([]);
    }
    entry
}

/// Both configurations as they are wanted, as the file has them.
pub(crate) fn wanted(service: &str) -> [Value; 2] {
    [("MutatingWebhookConfiguration", "mutate"), ("ValidatingWebhookConfiguration", "validate")].map(|(kind, side)| {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": service, "labels": {"flink-admission.io/installation": format!("{service}.{service}")}},
            "webhooks": ENTRIES.map(|name| entry(name, service, side))})
    })
}

/// The same as they are in the cluster: owned, trusting, proved; the probe's entry is `Fail`, whatever is wanted.
pub(crate) fn live(service: &str, anchor_uid: &str, bundle: &str) -> [Value; 2] {
    wanted(service).map(|mut configuration| {
        configuration["metadata"]["annotations"] = json!({"flink-admission.io/proved": "2026-01-01T00:00:00Z"});
        configuration["metadata"]["ownerReferences"] = json!([{"apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole", "name": format!("{service}-installation"), "uid": anchor_uid}]);
        for entry in configuration["webhooks"].as_array_mut().unwrap() {
            entry["clientConfig"]["caBundle"] = json!(base64(bundle));
            if entry["name"] == ENTRIES[3] {
                entry["failurePolicy"] = json!("Fail");
            }
        }
        configuration
    })
}

/// What the chart makes.
pub(crate) fn of_chart(service: &str) -> Vec<Value> {
    let file = wanted(service).map(|configuration| configuration.to_string()).join("\n---\n");
    let labels = json!({"app.kubernetes.io/instance": "release", "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/managed-by": "Helm"});
    let template = json!({"metadata": {"labels": labels}, "spec": {"serviceAccountName": service, "containers": [
        {"name": "flink-admission", "image": "flink-admission:0.1.0", "args": ["serve", "--cluster"]}]}});
    vec![
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": service, "namespace": service},
            "spec": {"selector": labels, "ports": [{"name": "webhook", "port": 443, "targetPort": "webhook"},
                {"name": "observe", "port": 8080}]}}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": service, "namespace": service, "labels": labels},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "replica", "namespace": service},
            "spec": {"containers": [{"name": "flink-admission", "image": "flink-admission:0.1.0"}]}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("{service}-webhooks"),
            "namespace": service}, "data": {"webhooks.yaml": file}}),
    ]
}

/// The rights of the ServiceAccount, and who has them.
pub(crate) fn rights(service: &str) -> Vec<Value> {
    let rule = |group: &str, resources: &[&str], verbs: &[&str]| json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
    let subject = json!([{"kind": "ServiceAccount", "name": service, "namespace": service}]);
    let group = "rbac.authorization.k8s.io";
    let version = format!("{group}/v1");
    let configurations = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"];
    let looked_up = ["namespaces", "serviceaccounts", "configmaps", "persistentvolumeclaims"];
    vec![
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": service, "namespace": service}}),
        json!({"apiVersion": version, "kind": "Role", "metadata": {"name": service, "namespace": service}, "rules": [
            rule("", &["secrets"], &["get", "update", "create", "list", "watch"]), rule("", &["configmaps"], &["create"]),
            rule("coordination.k8s.io", &["leases"], &["get", "create", "list", "delete", "patch"]),
            rule("events.k8s.io", &["events"], &["create", "patch"]), rule("", &["services"], &["get"]),
            rule("discovery.k8s.io", &["endpointslices"], &["list"]), rule("apps", &["deployments"], &["get"])]}),
        json!({"apiVersion": version, "kind": "RoleBinding", "metadata": {"name": service, "namespace": service},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": service}, "subjects": subject}),
        json!({"apiVersion": version, "kind": "ClusterRole", "metadata": {"name": service}, "rules": [
            rule("admissionregistration.k8s.io", &configurations, &["get", "patch", "create", "list", "watch"]),
            rule(group, &["clusterroles"], &["get"]), rule("", &looked_up, &["get"]),
            rule("flink.apache.org", &["flinkdeployments"], &["get"])]}),
        json!({"apiVersion": version, "kind": "ClusterRoleBinding", "metadata": {"name": service},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": service}, "subjects": subject}),
    ]
}

/// The Secret of the authority.
pub(crate) fn secret(service: &str, authority: &Signer) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": format!("{service}-authority"), "namespace": service},
        "stringData": {"tls.crt": authority.pem, "tls.key": authority.key}})
}

/// The Lease `name`, renewed at `time`, with what a member tells of itself.
pub(crate) fn lease(service: &str, name: &str, time: &str, annotations: Value) -> Value {
    json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": format!("{service}-{name}"), "namespace": service, "annotations": annotations,
            "labels": if name == "leader" { json!({}) } else { json!({"flink-admission.io/member": service}) }},
        "spec": {"holderIdentity": name, "leaseDurationSeconds": 30, "renewTime": time}})
}
