//! One thing after the other is broken in a healthy installation.

use std::collections::BTreeSet;

use serde_json::json;

use crate::installed::{Installed, time_of, token_kubeconfig};
use crate::objects::lease;

#[test]
fn what_the_chart_installs_is_missed() {
    let Some(installed) = Installed::healthy() else { return };
    let name = installed.name.clone();
    // Fewer replicas than are wanted.
    installed.deployment_is(&json!({"readyReplicas": 1}));
    let told = installed.doctor();
    told.expect("replicas", "warning", "1 of 2 replicas are ready");
    assert_eq!(told.status, 0, "a warning is no error");

    // The Service leads nowhere, while one entry fails closed.
    installed.delete("endpointslice", "replica");
    let told = installed.doctor();
    told.expect("replicas", "error", "the Service has no endpoint");
    told.expect("failure-policy", "error", "recorded.flink-admission.io fail closed, and no replica is ready");
    assert_eq!(told.status, 1);
    // What it says to do opens it.
    let fix = told.fix_of("failure-policy");
    installed.plane.admin().shell(&fix, std::path::Path::new("/")).succeeded();
    let refused: Vec<String> =
        installed.doctor().of("failure-policy").into_iter().filter(|finding| finding.contains("no replica")).collect();
    assert!(refused.len() == 1 && refused[0].contains("Validating"), "{refused:?}");
    installed.deployment_is(&json!({"readyReplicas": 0}));
    installed.doctor().expect("replicas", "error", "none of 2 replicas is ready");

    let port = json!([{"op": "replace", "path": "/spec/ports/0/port", "value": 8443}]);
    installed.patch("service", &name, port);
    installed.doctor().expect("service", "error", "no port 443");

    for (kind, name) in [("deployment", &name), ("service", &name), ("clusterrole", &format!("{name}-installation"))] {
        installed.delete(kind, name);
    }
    let told = installed.doctor();
    told.expect("replicas", "error", "does not exist");
    told.expect("service", "error", "does not exist");
    told.expect("anchor", "error", "does not exist");
    told.expect("installation", "ok", "in part");
}

#[test]
fn a_roll_out_that_hangs_is_told() {
    let Some(installed) = Installed::healthy() else { return };
    // A third pod is new and crashes, while both former ones answer.
    installed.deployment_is(&json!({"replicas": 3, "updatedReplicas": 1, "conditions": [
        {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": "it is available"},
        {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
            "message": "ReplicaSet \"x\" has timed out progressing."}]}));
    let told = installed.doctor();
    told.expect("replicas", "warning", "2 of 2 are ready, but the roll-out has not ended: 1 of 2 are new");
    told.expect("replicas", "warning", "; ProgressDeadlineExceeded: ReplicaSet \"x\" has timed out progressing.");
    assert!(!told.output.contains("it is available"), "{told}");
    assert_eq!(told.status, 0, "it works: {told}");
    // With one replica all are new, beside the former one.
    installed.deployment_is(&json!({"replicas": 3, "updatedReplicas": 2, "conditions": [
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}]}));
    installed.doctor().expect("replicas", "warning", "1 former still there; FailedCreate: exceeded quota");
    installed.deployment_is(&json!({"replicas": 2, "updatedReplicas": 2, "conditions": []}));
    installed.doctor().expect("replicas", "ok", "2 of 2 are ready");
    // A change that the controller has not seen.
    let args = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/args", "value": ["serve"]}]);
    installed.patch("deployment", &installed.name, args);
    installed.doctor().expect("replicas", "warning", "its last change was not begun yet");
}

#[test]
fn what_the_replicas_tell_is_compared() {
    let Some(installed) = Installed::healthy() else { return };
    let name = installed.name.clone();
    let stale = [
        lease(&name, "leader", &time_of(3600), json!({})),
        // One that has gone counts no more.
        lease(&name, "member-b", &time_of(3600), json!({"flink-admission.io/version": "0.0.1"})),
    ];
    installed.apply(&stale);
    let told = installed.doctor();
    told.expect("leader", "warning", "renewed it last 60 minutes ago");
    told.expect("members", "ok", "1 replica of version 0.1.0");

    installed.apply(&[lease(&name, "member-b", &time_of(0), installed.tells("0.2.0"))]);
    installed.doctor().expect("members", "warning", "different versions: 0.1.0 (1), 0.2.0 (1)");

    let stranger = json!({"flink-admission.io/version": "0.1.0", "flink-admission.io/authority": "ab".repeat(32)});
    installed.apply(&[lease(&name, "member-b", &time_of(0), stranger)]);
    installed.doctor().expect("members", "error", "authorities that the live caBundle does not hold");

    for lease in ["leader", "member-a", "member-b"] {
        installed.delete("lease", &format!("{name}-{lease}"));
    }
    let told = installed.doctor();
    told.expect("leader", "warning", "does not exist");
    told.expect("members", "warning", "no replica tells of itself");
}

#[test]
fn rights_that_are_missing_are_named() {
    let Some(installed) = Installed::healthy() else { return };
    let name = installed.name.clone();
    installed.patch("role", &name, json!([{"op": "remove", "path": "/rules/0"}]));
    installed.patch("clusterrole", &name, json!([{"op": "remove", "path": "/rules/3"}]));
    let nobody = installed.plane.user("nobody", None).unwrap();
    let told = crate::support::wait_until(std::time::Duration::from_mins(1), || {
        let told = installed.doctor();
        // The authorizer sees a change a moment later.
        (told.of("rights").len() == 3).then_some(told)
    });
    let told = told.expect("rights are missing");
    let secrets =
        format!("get secrets/{name}-authority in {name}, update secrets/{name}-authority in {name}, create secrets");
    told.expect("rights", "error", &format!("it may not {secrets} in {name}"));
    told.expect("rights", "warning", "it may not get flinkdeployments.flink.apache.org");

    // Who may not ask about others knows nothing; the ServiceAccount may ask about itself.
    let told = installed.doctor_as(nobody.kubeconfig(), &["--output", "json"]);
    told.expect("rights", "unknown", "cannot create resource");
    assert_eq!(told.status, 0, "{told}");
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = token_kubeconfig(installed.plane, &name, directory.path());
    let told = installed.doctor_as(&kubeconfig, &["--output", "json"]);
    told.expect("rights", "error", &format!("it may not {secrets} in {name}"));
    told.expect("rights", "warning", "it may not get flinkdeployments");
    assert!(told.of("rights").iter().all(|finding| !finding.starts_with("unknown")), "{told}");
    // By the Deployment it is known that the rights on the Secret are needed.
    installed.patch("role", &name, json!([{"op": "remove", "path": "/rules/5"}]));
    let told = crate::support::wait_until(std::time::Duration::from_mins(1), || {
        let told = installed.doctor_as(&kubeconfig, &["--output", "json"]);
        told.of("replicas").iter().any(|finding| finding.starts_with("unknown")).then_some(told)
    });
    let told = told.expect("the Deployment is not seen");
    told.expect("rights", "warning", &format!("it may not get deployments.apps/{name}"));
    assert!(told.of("rights").iter().all(|finding| !finding.contains("secrets")), "{told}");
}

/// As `helm test` runs it: in a pod, with the rights of the replicas.
#[test]
fn the_rights_of_the_chart_are_enough() {
    let Some(installed) = Installed::healthy() else { return };
    let name = installed.name.clone();
    let roles = installed.of_chart("rbac.yaml");
    installed.apply(&roles);
    let directory = tempfile::tempdir().unwrap();
    let kubeconfig = token_kubeconfig(installed.plane, &name, directory.path());
    let told = crate::support::wait_until(std::time::Duration::from_mins(1), || {
        let told = installed.doctor_inside_as(&kubeconfig);
        // The authorizer sees a change a moment later.
        told.of("rights").iter().all(|finding| finding.starts_with("ok ")).then_some(told)
    });
    let told = told.unwrap_or_else(|| panic!("a right is missing: {}", installed.doctor_inside_as(&kubeconfig)));
    assert_eq!(told.status, 0, "{told}");
    told.expect("rights", "ok", "it has the 32 rights");
    told.expect("probe", "ok", "went through the API server");
    // What only the administrator may see is no part of what was installed.
    let report: serde_json::Value = serde_json::from_str(&told.output).unwrap();
    let unknown = report["findings"].as_array().unwrap().iter().filter(|finding| finding["state"] == "unknown");
    let unknown: BTreeSet<&str> = unknown.map(|finding| finding["check"].as_str().unwrap()).collect();
    assert_eq!(unknown, BTreeSet::from(["injected", "namespaces"]), "{told}");
    installed.doctor().expect("rights", "ok", "it has the 32 rights");
}

#[test]
fn an_authority_that_is_of_no_use_is_told() {
    let Some(installed) = Installed::healthy() else { return };
    let secret = format!("{}-authority", installed.name);
    installed.patch("secret", &secret, json!([{"op": "replace", "path": "/data/tls.crt", "value": "bm90aGluZw=="}]));
    installed.doctor().expect("authority", "error", "holds no certificate");
    let other = crate::certificates::Signer::new((-340, 10));
    installed.apply(&[crate::objects::secret(&installed.name, &other)]);
    let told = installed.doctor();
    told.expect("authority", "warning", "it ends in 10 days");
    told.expect("bundle", "error", &format!("does not hold the authority of Secret `{secret}`"));
    installed.apply(&[crate::objects::secret(&installed.name, &crate::certificates::Signer::new((-9, -2)))]);
    installed.doctor().expect("authority", "error", "it expired");
    installed.delete("secret", &secret);
    let told = installed.doctor();
    told.expect("authority", "error", "does not exist");
    // With files there is none.
    let args = json!([{"op": "replace", "path": "/spec/template/spec/containers/0/args", "value": ["--tls-cert=/tls/tls.crt"]}]);
    installed.patch("deployment", &installed.name, args);
    let told = installed.doctor();
    told.expect("authority", "ok", "from files");
    assert_eq!(told.status, 0, "{told}");
}
