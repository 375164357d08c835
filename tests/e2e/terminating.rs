//! Namespaces that are being deleted: nothing holds them up, and nothing is made in them.

use std::time::Duration;

use serde_json::{Value, json};

use super::stage::{PLATFORM, cluster, cluster_on_volume, empty, give_account, stored};
use crate::support::{ControlPlane, Registration, wait_until};

const SOON: Duration = Duration::from_mins(1);
const FINALIZER: &str = "flinkdeployments.flink.apache.org/finalizer";
const LET_GO: &str = r#"{"metadata": {"finalizers": null}}"#;

/// A cluster that its operator has yet to let go.
fn held(name: &str, mut object: Value) -> Value {
    object["metadata"] = json!({"name": name, "finalizers": [FINALIZER]});
    object
}

/// HA metadata on an emptyDir, which would be refused now.
fn violating() -> Value {
    let configuration =
        json!({"high-availability.type": "kubernetes", "high-availability.storageDir": "file:///state/ha"});
    cluster_on_volume("v1_20", &configuration, &json!({"emptyDir": {}}))
}

/// All objects of the namespace, of whatever kind.
fn everything(plane: &ControlPlane, namespace: &str) -> Vec<String> {
    let kinds = plane.kubectl(&["api-resources", "--namespaced", "--verbs=list", "-o", "name"]).succeeded();
    let kinds = kinds.lines().collect::<Vec<_>>().join(",");
    let listed = plane.kubectl(&["get", &kinds, "-n", namespace, "-o", "name"]).succeeded();
    let mut listed: Vec<String> = listed.lines().map(str::to_owned).collect();
    listed.sort();
    listed
}

#[test]
fn accepts_all_that_empties_a_namespace_and_makes_nothing_in_it() {
    if !ControlPlane::is_available_with(&["kube-controller-manager"]) {
        return;
    }
    let Some((plane, namespace)) = empty("terminating") else { return };
    give_account(plane, &namespace);
    let send = |args: &[&str], object: &Value| {
        plane.admin().kubectl_with(&[&["-n", &namespace], args, &["-f", "-"]].concat(), &object.to_string())
    };
    let kubectl = |args: &[&str]| plane.kubectl(&[&["-n", &namespace], args].concat());
    for name in ["refused", "let-go"] {
        send(&["create"], &held(name, violating())).succeeded();
    }
    let registration = Registration::start(plane, PLATFORM, &[&namespace]);
    let plain = || cluster("v1_20", &json!({"taskmanager.numberOfTaskSlots": "2"}));
    for name in ["completed", "changed"] {
        send(&["create"], &held(name, plain())).succeeded();
    }
    let completed = stored(plane, &namespace, "flinkdeployment/completed");
    assert_eq!(completed["spec"]["flinkConfiguration"]["high-availability.type"], "kubernetes");
    let before = everything(plane, &namespace);

    plane.kubectl(&["delete", "namespace", &namespace, "--wait=false"]).succeeded();
    let is_terminating = |namespace: &Value| namespace["metadata"]["deletionTimestamp"].is_string();
    assert!(plane.object("", "namespace", &namespace).is_some_and(|found| is_terminating(&found)));
    // The API server lets nothing new in, and asks nobody about it.
    let reviews = registration.reviews("mutate");
    let said = send(&["create"], &held("late", plain())).refused();
    assert!(said.contains("is being terminated"), "{said}");
    assert_eq!(registration.reviews("mutate"), reviews);
    // Nobody has come by to delete these: they change as in any other namespace, and lose their finalizers.
    kubectl(&["patch", "flinkdeployment", "let-go", "--type=merge", "-p", LET_GO]).succeeded();
    let reconciled = r#"{"metadata": {"labels": {"reconciled": "yes"}}, "spec": {"flinkConfiguration": {"taskmanager.numberOfTaskSlots": "4"}}}"#;
    kubectl(&["patch", "flinkdeployment", "changed", "--type=merge", "-p", reconciled]).succeeded();
    let changed = stored(plane, &namespace, "flinkdeployment/changed");
    assert_eq!(changed["spec"]["flinkConfiguration"]["high-availability.type"], "kubernetes");
    assert_eq!(everything(plane, &namespace), before);

    // The namespace is emptied while no replica answers and every entry fails closed.
    drop(registration);
    let _controller = plane.start_some_controllers(&["namespace-controller"]).unwrap();
    let left = || kubectl(&["get", "flinkdeployments", "-o", "json"]).succeeded();
    let are_deleted = wait_until(SOON, || {
        let left: Value = serde_json::from_str(&left()).unwrap();
        let left = left["items"].as_array().unwrap();
        (left.len() == 3 && left.iter().all(is_terminating)).then_some(())
    });
    assert!(are_deleted.is_some(), "not all were deleted: {}", left());
    let there = everything(plane, &namespace);
    assert_eq!(
        there,
        ["changed", "completed", "refused"].map(|name| format!("flinkdeployment.flink.apache.org/{name}"))
    );
    for name in ["changed", "completed", "refused"] {
        let stored = stored(plane, &namespace, &format!("flinkdeployment/{name}"));
        kubectl(&["patch", "flinkdeployment", name, "--type=merge", "-p", LET_GO]).succeeded();
        assert_eq!(stored["metadata"]["finalizers"], json!([FINALIZER]));
    }
    let gone = wait_until(SOON, || plane.object("", "namespace", &namespace).is_none().then_some(()));
    assert!(gone.is_some(), "the namespace is still there: {:?}", plane.object("", "namespace", &namespace));
}
