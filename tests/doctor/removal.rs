//! `uninstall`, and what the clusters would lose.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::compare;
use crate::installed::Installed;
use crate::server::FILL;
use crate::support::wait_until;

/// A cluster whose HA was filled in, as far as its record says: its manifest has none.
fn completed(namespace: &str, name: &str) -> Value {
    let option = |option: &str, value: &str| json!({"what": "option", "option": option, "key": option, "value": value});
    let values = [
        option("high-availability.type", "kubernetes"),
        option("high-availability.storageDir", "s3://ha/orders"),
        json!({"what": "serviceAccount", "value": "flink"}),
    ];
    let record = json!({"namespace": namespace, "name": name, "values": values}).to_string();
    json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
        "metadata": {"name": name, "namespace": namespace, "annotations": {"flink-admission.io/injected": record}},
        "spec": {"flinkVersion": "v1_20", "flinkConfiguration": {"taskmanager.numberOfTaskSlots": "2"}}})
}

/// What there still is of the installation.
fn left(installed: &Installed) -> Vec<String> {
    let (name, plane) = (&installed.name, installed.plane);
    let objects = [
        ("mutatingwebhookconfiguration", name.clone()),
        ("validatingwebhookconfiguration", name.clone()),
        ("clusterrole", format!("{name}-installation")),
        ("secret", format!("{name}-authority")),
        ("lease", format!("{name}-leader")),
        ("lease", format!("{name}-member-a")),
        ("lease", format!("{name}-member-b")),
    ];
    let is_there = |(kind, object): &(&str, String)| plane.object(name, kind, object).is_some();
    objects.into_iter().filter(is_there).map(|(kind, _)| kind.to_owned()).collect()
}

#[test]
fn clusters_that_would_lose_their_ha_are_named_first() {
    let Some(installed) = Installed::healthy() else { return };
    let team = installed.plane.create_namespace("team");
    installed.apply(&[completed(&team, "orders"), completed(&team, "clicks")]);
    let told = installed.doctor();
    told.expect("injected", "ok", "2 objects have high availability by injection alone");
    assert_eq!(told.status, 0, "it is no fault: {told}");

    let general = |text: String| installed.general(&text.replace(&team, "TEAM"));
    let refused = installed.uninstall(&[]);
    compare("uninstall-refused", &general(refused.to_string()));
    assert_eq!(left(&installed).len(), 7);
    let tried = installed.uninstall(&["--dry-run"]);
    compare("uninstall-dry-run", &general(tried.to_string()));
    assert_eq!(left(&installed).len(), 7);

    let done = installed.uninstall(&["--yes"]);
    compare("uninstall-yes", &general(done.to_string()));
    assert_eq!(left(&installed), [""; 0]);
    assert!(installed.plane.object(&team, "flinkdeployment", "orders").is_some());
    assert!(installed.plane.object("", "crd", "flinkdeployments.flink.apache.org").is_some());
    assert!(installed.plane.object(&installed.name, "configmap", &format!("{}-webhooks", installed.name)).is_some());

    // Once more there is nothing to do, and nobody to lose anything.
    installed.plane.kubectl(&["delete", "flinkdeployment", "--all", "-n", &team]).succeeded();
    installed.delete("deployment", &installed.name);
    let again = installed.uninstall(&[]);
    assert!(again.status == 0 && !again.output.contains("removed "), "{again}");
    installed.plane.kubectl(&["delete", "namespace", &team, "--wait=false"]).succeeded();
}

/// Filled in by a webhook, on the way of each tool, and put into the manifest afterwards.
#[test]
fn what_its_manifest_says_is_not_by_injection_any_more() {
    let Some(installed) = Installed::healthy() else { return };
    let (plane, team) = (installed.plane, installed.plane.create_namespace("team"));
    let is_called = || installed.doctor().of("probe").iter().all(|found| found.starts_with("ok ")).then_some(());
    wait_until(Duration::from_mins(1), is_called).expect("the API server does not call");
    let manifest = |name: &str, configuration: &Value| {
        json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
            "metadata": {"name": name, "namespace": team, "annotations": {FILL: "yes"}},
            "spec": {"flinkVersion": "v1_20", "flinkConfiguration": configuration}})
    };
    let by_client = |verb: &str, manifest: &Value| {
        plane.admin().kubectl_with(&[verb, "-f", "-"], &manifest.to_string()).succeeded();
    };
    let slots = json!({"taskmanager.numberOfTaskSlots": "2"});
    installed.apply(&[manifest("by-server", &slots)]);
    by_client("apply", &manifest("by-client", &slots));
    by_client("create", &manifest("created", &slots));
    let stored = plane.object(&team, "flinkdeployment", "by-server").unwrap();
    assert_eq!(stored["spec"]["flinkConfiguration"]["high-availability.type"], "kubernetes", "it was not filled in");

    let listed = || -> Vec<String> {
        let told = installed.uninstall(&["--dry-run"]);
        let lines = told.output.lines().filter(|line| line.starts_with("  FlinkDeployment "));
        lines.map(|line| line.trim().replace(&team, "TEAM")).collect()
    };
    let created = "FlinkDeployment TEAM/created: high-availability.type=kubernetes (unless its manifest says so by now, \
                   which is not known)";
    let by = |tool: &str| format!("FlinkDeployment TEAM/by-{tool}: high-availability.type=kubernetes");
    assert_eq!(listed(), [by("client"), by("server"), created.to_owned()]);

    let said = json!({"taskmanager.numberOfTaskSlots": "2", "high-availability.type": "kubernetes"});
    installed.apply(&[manifest("by-server", &said)]);
    by_client("apply", &manifest("by-client", &said));
    assert_eq!(listed(), [created]);
    let stored = plane.object(&team, "flinkdeployment", "by-client").unwrap();
    assert!(
        stored["metadata"]["annotations"]["flink-admission.io/injected"].is_string(),
        "the case that this is about"
    );
    let refused = installed.uninstall(&[]);
    assert!(refused.status == 1 && refused.errors.contains("which is right once it stands there"), "{refused}");
    plane.kubectl(&["delete", "flinkdeployment", "created", "-n", &team]).succeeded();
    let done = installed.uninstall(&[]);
    assert_eq!((done.status, left(&installed).len()), (0, 0), "{done}");
    plane.kubectl(&["delete", "flinkdeployment", "--all", "-n", &team]).succeeded();
    plane.kubectl(&["delete", "namespace", &team, "--wait=false"]).succeeded();
}

#[test]
fn half_of_it_and_a_namespace_that_is_gone_are_no_obstacle() {
    let Some(installed) = Installed::healthy() else { return };
    let name = &installed.name;
    installed.delete("secret", &format!("{name}-authority"));
    installed.delete("mutatingwebhookconfiguration", name);
    let done = installed.uninstall(&[]);
    assert!(done.status == 0 && done.output.contains(&format!("gone already Secret/{name}-authority")), "{done}");
    assert_eq!(left(&installed), [""; 0]);

    // An old one: no label, no anchor, and its namespace never was.
    let entry = json!({"name": "clusters.flink-admission.io", "sideEffects": "None", "admissionReviewVersions": ["v1"],
        "clientConfig": {"service": {"name": "old", "namespace": "gone"}}, "failurePolicy": "Fail",
        "rules": [{"apiGroups": ["flink.apache.org"], "apiVersions": ["*"], "resources": ["*"], "operations": ["*"]}]});
    let configuration = |entry: &Value| {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "old"}, "webhooks": [entry]})
    };
    installed.apply(&[configuration(&entry)]);
    let of_old = ["--namespace", "gone", "--service", "old"];
    let doctor =
        crate::installed::run(installed.plane.kubeconfig(), &[&["doctor", "--output=json"][..], &of_old].concat());
    doctor.expect("service", "error", "does not exist");
    doctor.expect("replicas", "error", "does not exist");
    let uninstall = || crate::installed::run(installed.plane.kubeconfig(), &[&["uninstall"][..], &of_old].concat());
    let done = uninstall();
    assert!(done.status == 0 && done.output.contains("removed      ValidatingWebhookConfiguration/old"), "{done}");
    assert!(installed.plane.object("", "validatingwebhookconfiguration", "old").is_none());

    // One of the same name that is somebody else's stays.
    let mut stranger = entry;
    stranger["name"] = json!("something.example.org");
    stranger["failurePolicy"] = json!("Ignore");
    installed.apply(&[configuration(&stranger)]);
    let done = uninstall();
    assert!(done.status == 1 && done.errors.contains("somebody else's"), "{done}");
    assert!(installed.plane.object("", "validatingwebhookconfiguration", "old").is_some());
    installed.delete("validatingwebhookconfiguration", "old");
}

#[test]
fn a_stranger_may_not_remove_and_is_told_so() {
    let Some(installed) = Installed::healthy() else { return };
    let nobody = installed.plane.user("nobody", None).unwrap();
    let of = ["uninstall", "--namespace", &installed.name, "--service", &installed.name, "--yes"];
    let told = crate::installed::run(nobody.kubeconfig(), &of);
    assert!(told.status == 1 && told.errors.contains("cannot get resource \"secrets\""), "{told}");
    assert_eq!(left(&installed).len(), 7);
}

/// The command that is printed puts into the manifest what was filled in.
#[test]
fn what_render_prints_needs_the_webhook_no_more() {
    let manifests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let arguments = ["render", "--policy", "policy.yaml", "--namespace", "team", "without-ha.yaml"];
    let done =
        Command::new(env!("CARGO_BIN_EXE_flink-admission")).args(arguments).current_dir(manifests).output().unwrap();
    let printed = String::from_utf8(done.stdout).unwrap();
    assert!(printed.contains("high-availability.type: kubernetes"), "{printed}");
}
