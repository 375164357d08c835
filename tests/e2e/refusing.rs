//! What is refused on UPDATE, and what never is.

use serde_json::{Value, json};

use super::stage::{BUILT_IN, PLATFORM, Stage, cluster, cluster_on_volume, empty, option, stored};
use crate::support::Registration;

const OBJECT: &str = "flinkdeployment/word-count";

/// HA metadata on an emptyDir, which no policy of profile `baseline` lets in.
fn violating() -> Value {
    let configuration =
        json!({"high-availability.type": "kubernetes", "high-availability.storageDir": "file:///state/ha"});
    cluster_on_volume("v1_20", &configuration, &json!({"emptyDir": {}}))
}

#[test]
fn accepts_the_deletion_of_what_would_be_refused_now() {
    let Some((plane, namespace)) = empty("deletion") else { return };
    let kubectl = |args: &[&str]| plane.kubectl(&[&["-n", &namespace], args].concat()).succeeded();
    let mut object = violating();
    for (name, finalizers) in
        [("plain", json!([])), ("finalized", json!(["flinkdeployments.flink.apache.org/finalizer"]))]
    {
        object["metadata"] = json!({"name": name, "finalizers": finalizers});
        plane.admin().kubectl_with(&["create", "-n", &namespace, "-f", "-"], &object.to_string()).succeeded();
    }
    let _registration = Registration::start(plane, BUILT_IN, &[&namespace]);

    kubectl(&["delete", "flinkdeployment", "plain"]);
    kubectl(&["delete", "flinkdeployment", "finalized", "--wait=false"]);
    assert!(stored(plane, &namespace, "flinkdeployment/finalized")["metadata"]["deletionTimestamp"].is_string());
    // As the operator lets it go.
    kubectl(&["patch", "flinkdeployment", "finalized", "--type=merge", "-p", r#"{"metadata": {"finalizers": null}}"#]);
    assert_eq!(kubectl(&["get", "flinkdeployments", "-o", "name"]), "");
}

#[test]
fn accepts_with_a_warning_what_was_so_before_and_rejects_what_is_new() {
    let Some((plane, namespace)) = empty("ratchet") else { return };
    plane.admin().kubectl_with(&["create", "-n", &namespace, "-f", "-"], &violating().to_string()).succeeded();
    let _registration = Registration::start(plane, BUILT_IN, &[&namespace]);
    let patch = |patch: &str| {
        plane.kubectl(&["-n", &namespace, "patch", "flinkdeployment", "word-count", "--type=merge", "-p", patch])
    };

    let outcome = patch(r#"{"spec": {"flinkConfiguration": {"taskmanager.numberOfTaskSlots": "4"}}}"#);
    assert!(outcome.stderr.contains("Warning: ") && outcome.stderr.contains("[storage-on-empty-dir]"), "{outcome:?}");
    outcome.succeeded();

    let said =
        patch(r#"{"spec": {"flinkConfiguration": {"execution.checkpointing.dir": "file:///state/checkpoints"}}}"#);
    let said = said.refused();
    let denial = said.split("denied the request").nth(1).unwrap();
    assert!(denial.contains("1 problem") && denial.contains("execution.checkpointing.dir"), "{said}");
    assert!(!denial.contains("storageDir"), "{said}");
    let object = stored(plane, &namespace, OBJECT);
    assert_eq!(option(&object, "taskmanager.numberOfTaskSlots"), Some("4"));
    assert_eq!(option(&object, "execution.checkpointing.dir"), None);
}

#[test]
fn rejects_an_update_that_arrives_without_what_was_filled_in() {
    let Some(stage) = Stage::open("not-reached", PLATFORM) else { return };
    let object = cluster("v1_20", &json!({"taskmanager.numberOfTaskSlots": "2"}));
    stage.send(&["create"], &object).succeeded();
    stage.registration.remove("MutatingWebhookConfiguration");

    let said = stage.send(&["replace"], &object).refused();
    assert!(said.contains(r#"spec.flinkConfiguration["high-availability.storageDir"]"#), "{said}");
    assert!(said.contains("[injected-value-missing]"), "{said}");
    assert!(option(&stage.stored(OBJECT), "high-availability.storageDir").is_some());
    // Whoever sets a value of their own may go on.
    let own = json!({"high-availability.type": "kubernetes", "high-availability.storageDir": "s3://mine/ha"});
    let mut own = cluster("v1_20", &own);
    own["spec"]["serviceAccount"] = json!("flink");
    stage.send(&["replace"], &own).succeeded();
}

#[test]
fn rejects_a_new_object_that_our_mutation_did_not_reach_and_says_so() {
    let policy = PLATFORM.replace("mode: kubernetes,", "mode: kubernetes, required: true,");
    let Some(stage) = Stage::open("not-mutated", &policy) else { return };
    stage.registration.remove("MutatingWebhookConfiguration");
    let said = stage.send(&["create"], &cluster("v1_20", &json!({}))).refused();
    assert!(said.contains("[ha-required]") && said.contains("did not reach this object"), "{said}");
}

#[test]
fn rejects_while_nobody_answers_and_the_rules_say_fail() {
    let Some(stage) = Stage::open("nobody", PLATFORM) else { return };
    let Stage { plane, namespace, registration } = stage;
    drop(registration);
    let apply = |text: &str| plane.admin().kubectl_with(&["apply", "-n", &namespace, "-f", "-"], text);
    let said = apply(&cluster("v1_20", &json!({})).to_string()).refused();
    assert!(said.contains("failed calling webhook \"clusters.flink-admission.io\""), "{said}");
    // What is not Flink does not need us.
    plane.kubectl(&["-n", &namespace, "create", "deployment", "web", "--image=nginx:1.29"]).succeeded();
}

fn session_job(cluster: &str, configuration: &Value) -> Value {
    json!({
        "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkSessionJob", "metadata": {"name": "orders"},
        "spec": {
            "deploymentName": cluster, "flinkConfiguration": configuration,
            "job": {"jarURI": "https://repo.example.net/orders.jar", "upgradeMode": "last-state"},
        },
    })
}

/// The cluster is looked up with the rights that the chart gives.
#[test]
fn rejects_a_session_job_for_what_it_puts_on_the_pods_of_its_cluster() {
    let Some(stage) = Stage::open("session-jobs", BUILT_IN) else { return };
    let configuration = json!({
        "high-availability.type": "kubernetes", "high-availability.storageDir": "s3://flink/ha",
        "execution.checkpointing.dir": "s3://flink/checkpoints",
    });
    let application = cluster_on_volume("v1_20", &configuration, &json!({"emptyDir": {}}));
    let mut session = application.clone();
    session["metadata"]["name"] = json!("session");
    session["spec"].as_object_mut().unwrap().remove("job");
    stage.send(&["create"], &application).succeeded();
    stage.send(&["create"], &session).succeeded();

    let on_pods = json!({"execution.checkpointing.dir": "file:///state/checkpoints"});
    let said = stage.send(&["create"], &session_job("session", &on_pods)).refused();
    assert!(said.contains("[storage-on-empty-dir]") && said.contains("FlinkDeployment `session`"), "{said}");
    for (name, rule) in [("word-count", "[session-job-refused]"), ("nowhere", "[session-target-not-found]")] {
        let outcome = stage.send(&["create", "--dry-run=server"], &session_job(name, &on_pods));
        assert!(outcome.stderr.contains("Warning: ") && outcome.stderr.contains(rule), "{outcome:?}");
        outcome.succeeded();
    }

    let outcome = stage.send(&["create"], &session_job("session", &json!({})));
    assert_eq!(outcome.stderr, "");
    outcome.succeeded();
    let said = stage.send(&["replace"], &session_job("session", &on_pods)).refused();
    assert!(said.contains("[storage-on-empty-dir]"), "{said}");
    assert_eq!(stage.stored("flinksessionjob/orders")["spec"]["flinkConfiguration"], json!({}));
}
