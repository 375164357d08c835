//! The webhook configurations are what they should be, whoever changes them, and nobody's where they are not ours.

use serde_json::json;

use super::installed::{Installed, KINDS};
use crate::support::ControlPlane;

#[test]
fn what_is_changed_is_mended() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-mended");
    let webhook = installed.serve("one", &[]);
    installed.wait_for_policies(&webhook, "Fail");
    let bundle = installed.bundle();

    let stale = json!([{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": "bm90IGEgY2VydGlmaWNhdGU="},
        {"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"},
        {"op": "replace", "path": "/webhooks/0/rules/0/operations", "value": ["DELETE"]}]);
    plane.kubectl(&["patch", KINDS[1], &installed.name, "--type=json", "-p", &stale.to_string()]).succeeded();
    plane.kubectl(&["delete", KINDS[0], &installed.name]).succeeded();
    installed.wait(&webhook, "it is not mended", || {
        let live = KINDS.map(|kind| installed.live(kind));
        let rules = live[1].as_ref().map(|live| live["webhooks"][0]["rules"][0]["operations"].clone());
        live[0].is_some() && rules == Some(json!(["CREATE"])) && installed.policies() == ["Fail", "Fail"]
    });
    assert_eq!(installed.bundle(), bundle);
}

#[test]
fn a_platform_may_add_to_a_selector() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-platform");
    let webhook = installed.serve("one", &[]);
    installed.wait_for_policies(&webhook, "Fail");
    let expression = json!({"key": "control-plane", "operator": "DoesNotExist"});
    let added = json!([{"op": "add", "path": "/webhooks/0/namespaceSelector/matchExpressions/0", "value": expression}]);
    plane.kubectl(&["patch", KINDS[1], &installed.name, "--type=json", "-p", &added.to_string()]).succeeded();
    let version = || installed.live(KINDS[1]).map(|live| live["metadata"]["resourceVersion"].clone());
    let after = version();
    // Rounds that saw it.
    let rounds = || webhook_probes(&webhook.log());
    let before = rounds();
    plane.kubectl(&["annotate", KINDS[0], &installed.name, "seen=yes"]).succeeded();
    installed.wait(&webhook, "no round came", || installed.live(KINDS[0]).is_some() && rounds() >= before);
    assert_eq!(version(), after, "{}", webhook.log());
}

fn webhook_probes(log: &str) -> usize {
    log.lines().filter(|line| line.contains("webhook configuration")).count()
}

#[test]
fn a_chart_that_writes_them_is_left_what_is_its_own() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-chart");
    for kind in KINDS {
        let mut of_chart = installed.wanted(kind);
        of_chart["webhooks"][0]["failurePolicy"] = json!("Ignore");
        of_chart["webhooks"][0]["timeoutSeconds"] = json!(7);
        plane.admin().kubectl_with(&["create", "-f", "-"], &of_chart.to_string()).succeeded();
    }
    let webhook = installed.serve("one", &["--webhooks-by=chart"]);
    installed.wait_for_policies(&webhook, "Fail");
    assert!(!installed.bundle().is_empty());
    for kind in KINDS {
        let live = installed.live(kind).expect("a configuration");
        assert_eq!(live["webhooks"][0]["timeoutSeconds"], json!(7));
        assert!(live["metadata"]["ownerReferences"].is_null(), "{live}");
    }
}

#[test]
fn without_its_anchor_nothing_is_written() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-anchor");
    plane.kubectl(&["delete", "clusterrole", &format!("{}-installation", installed.name)]).succeeded();
    let webhook = installed.serve("one", &[]);
    webhook.wait_for("the release is being removed");
    assert!(KINDS.iter().all(|kind| installed.live(kind).is_none()));
}

#[test]
fn a_second_installation_writes_nothing_while_the_first_one_lives() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-second");
    let first = plane.create_namespace("keeper-first");
    let mut other = installed.wanted(KINDS[0]);
    other["metadata"] =
        json!({"name": first, "labels": {"flink-admission.io/installation": format!("{first}.webhook")}});
    // Nobody answers its probe.
    other["webhooks"].as_array_mut().expect("entries").pop();
    plane.admin().kubectl_with(&["create", "-f", "-"], &other.to_string()).succeeded();
    let webhook = installed.serve("one", &[]);
    webhook.wait_for(&format!("installation `{first}.webhook` (namespace.Service) has webhook configurations"));
    assert!(KINDS.iter().all(|kind| installed.live(kind).is_none()));
    let events = plane.kubectl(&["get", "events", "-n", &installed.name]).stdout;
    assert!(events.contains("OtherInstallation"), "{events}");
    // What is left of one that is gone harms nobody.
    let gone = ["label", KINDS[0], &first, "flink-admission.io/installation=is-gone.webhook", "--overwrite"];
    plane.kubectl(&gone).succeeded();
    installed.wait_for_policies(&webhook, "Fail");
    plane.kubectl(&["delete", KINDS[0], &first]).succeeded();
}

#[test]
fn without_a_right_nothing_starts_and_the_right_is_named() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-rights");
    let nobody = plane.user("nobody-in-particular", None).expect("a certificate");
    let mut webhook = installed.start_as(&nobody, "one", "may not get secrets; give it that right");
    assert!(KINDS.iter().all(|kind| installed.live(kind).is_none()));
    webhook.signal("KILL");
    webhook.wait_for_exit();
}
