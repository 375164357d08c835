//! A cluster without an installation, and without Flink's operator.

use serde_json::json;

use crate::compare;
use crate::installed::run;
use crate::support::{ControlPlane, wait_until};

#[test]
fn a_cluster_without_anything_is_told() {
    if !ControlPlane::is_available() {
        return;
    }
    let plane = ControlPlane::start().unwrap();
    let told = run(plane.kubeconfig(), &["doctor"]);
    let version = plane.kubectl(&["version", "-o", "json"]).succeeded();
    let version: serde_json::Value = serde_json::from_str(&version).unwrap();
    let text = told.to_string().replace(version["serverVersion"]["gitVersion"].as_str().unwrap(), "VERSION");
    compare("nothing", &text);

    // Flink's custom resources in a version that the rules do not name.
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "flinkdeployments.flink.apache.org"},
        "spec": {"group": "flink.apache.org", "scope": "Namespaced",
            "names": {"plural": "flinkdeployments", "singular": "flinkdeployment", "kind": "FlinkDeployment"},
            "versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}});
    plane.apply(&crd.to_string()).succeeded();
    let told = wait_until(std::time::Duration::from_mins(1), || {
        let told = run(plane.kubeconfig(), &["doctor", "--output=json"]);
        told.of("flink-resources").iter().any(|finding| finding.starts_with("error")).then_some(told)
    });
    told.expect("the API server serves it").expect("flink-resources", "error", "served in v1, and not in v1beta1");
}
