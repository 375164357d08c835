//! The chart: helm renders it, the API server takes its objects, and our program, started with the rendered arguments and the
//! rights of the rendered roles, answers the API server through the rendered Service.
#![cfg(feature = "webhook")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends by panicking")]

#[path = "chart/accepted.rs"]
mod accepted;
#[path = "chart/golden.rs"]
mod golden;
#[path = "chart/kustomize.rs"]
mod kustomize;
#[path = "chart/metrics.rs"]
mod metrics;
#[path = "chart/release.rs"]
mod release;
#[path = "chart/rendered.rs"]
mod rendered;
#[path = "chart/rights.rs"]
mod rights;
mod support;
#[path = "chart/values.rs"]
mod values;

use serde_json::json;

use rendered::{chart, of_kind, render};
use support::ControlPlane;

const RELEASE: &str = "flink-admission";
const NAMESPACE: &str = "flink-system";

#[test]
fn renders_without_a_cluster() {
    let Some(plane) = ControlPlane::shared() else { return };
    let helm = plane.admin();
    let path = chart();
    let path = path.to_str().unwrap();
    helm.helm(&["lint", "--strict", path]).succeeded();
    for (_, values) in golden::cases() {
        helm.helm(&["lint", "--strict", path, "--values", values.to_str().unwrap()]).succeeded();
    }

    let objects = render(helm, RELEASE, NAMESPACE, &[]);
    assert!(of_kind(&objects, "MutatingWebhookConfiguration").is_empty(), "the program makes it");
    assert!(of_kind(&render(helm, RELEASE, NAMESPACE, &["replicas=1"]), "PodDisruptionBudget").is_empty());
    let without_rights = render(helm, RELEASE, NAMESPACE, &["rbac.create=false"]);
    let [anchor] = of_kind(&without_rights, "ClusterRole")[..] else { panic!("one ClusterRole, which owns") };
    assert_eq!((&anchor["metadata"]["name"], &anchor["rules"]), (&json!("flink-admission-installation"), &json!([])));
}

#[test]
fn a_change_of_policy_or_webhooks_rolls_the_replicas() {
    let Some(plane) = ControlPlane::shared() else { return };
    let template = |values: &[&str]| {
        let objects = render(plane.admin(), RELEASE, NAMESPACE, values);
        let [deployment] = of_kind(&objects, "Deployment")[..] else { panic!("one Deployment") };
        deployment["spec"]["template"].clone()
    };
    assert_eq!(template(&[]), template(&["service.annotations.x=y"]));
    assert_ne!(template(&[]), template(&["policy.spec.profile=strict"]));
    assert_ne!(template(&[]), template(&["webhooks.failurePolicy.mutate=Fail"]));
    let [old, new] = ["old", "new"].map(|body| format!("certificates.clientCa=-----BEGIN CERTIFICATE-----{body}"));
    assert_ne!(template(&[&old]), template(&[&new]));
}

#[test]
fn the_pod_of_helm_test_is_no_replica() {
    let Some(plane) = ControlPlane::shared() else { return };
    let objects = render(plane.admin(), RELEASE, NAMESPACE, &[]);
    let [pod] = of_kind(&objects, "Pod")[..] else { panic!("one Pod") };
    assert_eq!(pod["metadata"]["annotations"]["helm.sh/hook"], "test");
    let of_service = of_kind(&objects, "Service")[0]["spec"]["selector"].as_object().unwrap();
    let of_budget = &of_kind(&objects, "PodDisruptionBudget")[0]["spec"]["selector"]["matchLabels"];
    for selector in [of_service, of_budget.as_object().unwrap()] {
        assert!(selector.iter().any(|(label, value)| pod["metadata"]["labels"][label] != *value), "{selector:?}");
    }
}
