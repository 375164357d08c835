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
    installed.wait_for_looks(&webhook, "one", 2);
    assert_eq!(version(), after, "{}", webhook.log());
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
fn what_went_with_the_anchor_comes_back_with_it() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-back");
    let webhook = installed.serve("one", &[]);
    installed.wait_for_policies(&webhook, "Fail");
    let (secret, lease) = (format!("{}-authority", installed.name), format!("{}-leader", installed.name));
    let authority = || installed.object("secret", &secret).map(|secret| secret["data"].clone());
    let before = authority();

    // In an emergency the anchor is deleted, and then the garbage collector deletes what goes with it.
    plane.kubectl(&["delete", "clusterrole", &format!("{}-installation", installed.name)]).succeeded();
    for (kind, name) in
        [("secret", &secret), ("lease", &lease), (KINDS[0], &installed.name), (KINDS[1], &installed.name)]
    {
        plane.kubectl(&["delete", kind, name, "-n", &installed.name]).succeeded();
    }
    installed.wait_for_looks(&webhook, "one", 3);
    assert!(KINDS.iter().all(|kind| installed.live(kind).is_none()));
    assert_eq!(authority(), None, "nothing is left behind that nobody would delete");

    let anchor = installed.anchor();
    installed.wait_for_policies(&webhook, "Fail");
    assert_eq!(authority(), before);
    for (kind, name) in [("secret", &secret), ("lease", &lease), (KINDS[0], &installed.name)] {
        assert_eq!(installed.owner(kind, name).as_ref(), Some(&anchor), "{kind}");
    }

    // One that was made while there was none.
    let orphan = ["patch", "secret", &secret, "-n", &installed.name, "--type=merge", "-p"];
    plane.kubectl(&[&orphan[..], &[r#"{"metadata":{"ownerReferences":null}}"#]].concat()).succeeded();
    installed.wait(&webhook, "it has no owner", || installed.owner("secret", &secret).as_ref() == Some(&anchor));
    assert_eq!(authority(), before);
}

#[test]
fn a_lost_lease_comes_back_and_others_can_lead() {
    let Some(plane) = ControlPlane::shared() else { return };
    let installed = Installed::new(plane, "keeper-lease");
    let webhook = installed.serve("one", &[]);
    installed.wait_for_policies(&webhook, "Fail");
    let lease = format!("{}-leader", installed.name);
    let holder = || installed.object("lease", &lease).map(|lease| lease["spec"]["holderIdentity"].clone());
    installed.wait(&webhook, "nobody leads", || holder() == Some(json!("one")));
    let other = installed.stand_by("two", &[]);
    plane.kubectl(&["delete", "lease", &lease, "-n", &installed.name]).succeeded();
    installed.wait(&webhook, "it is not made again", || holder().is_some_and(|holder| holder.is_string()));
    drop(webhook);
    installed.wait(&other, "nobody took over", || holder() == Some(json!("two")));
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
