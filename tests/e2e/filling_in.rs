//! What is filled in when an object is created, where, and where not.

use serde_json::{Value, json};

use super::stage::{BUILT_IN, PLATFORM, Stage, cluster, option, versions};

const INJECTED: &str = "flink-admission.io/injected";

fn plain(version: &str) -> Value {
    cluster(version, &json!({"taskmanager.numberOfTaskSlots": "2"}))
}

/// [`PLATFORM`] with a further field of `spec`.
fn platform_with(field: &str) -> String {
    format!("{PLATFORM}  {field}\n")
}

#[test]
fn accepts_a_dry_run_that_shows_the_change_and_stores_nothing() {
    let Some(stage) = Stage::open("dry-run", PLATFORM) else { return };
    let shown = stage.send(&["apply", "--dry-run=server", "-o", "json"], &plain("v1_20")).succeeded();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(option(&shown, "high-availability.type"), Some("kubernetes"));
    assert_eq!(shown["spec"]["serviceAccount"], "flink");
    assert!(stage.kubectl(&["get", "flinkdeployment", "word-count"]).refused().contains("NotFound"));
}

#[test]
fn keeps_an_injected_object_as_it_is_when_it_is_applied_again() {
    let Some(stage) = Stage::open("apply-again", PLATFORM) else { return };
    stage.apply(&plain("v1_20")).succeeded();
    let created = stage.stored("flinkdeployment/word-count");
    assert_eq!(option(&created, "high-availability.storageDir"), Some(&*format!("s3://flink/ha/{}", stage.namespace)));

    assert_eq!(stage.apply(&plain("v1_20")).succeeded(), "flinkdeployment.flink.apache.org/word-count unchanged\n");
    stage.send(&["apply"], &created).succeeded();
    assert_eq!(stage.stored("flinkdeployment/word-count")["spec"], created["spec"]);
    assert_eq!(stage.stored("flinkdeployment/word-count")["metadata"]["generation"], 1);
}

#[test]
fn keeps_an_object_as_it_is_when_it_is_applied_server_side_twice() {
    let Some(stage) = Stage::open("server-side", PLATFORM) else { return };
    let apply = ["apply", "--server-side"];
    stage.send(&apply, &plain("v2_0")).succeeded();
    let first = stage.stored("flinkdeployment/word-count");
    stage.send(&apply, &plain("v2_0")).succeeded();
    let second = stage.stored("flinkdeployment/word-count");
    assert_eq!(versions(&second), versions(&first));
    assert_eq!(option(&second, "high-availability.type"), Some("kubernetes"));
}

#[test]
fn accepts_a_generated_name_without_what_depends_on_it_and_says_so() {
    let policy = PLATFORM.replace("s3://flink/ha/{namespace}", "s3://flink/ha/{cluster}");
    let Some(stage) = Stage::open("generate-name", &policy) else { return };
    let mut object = plain("v1_20");
    object["metadata"] = json!({"generateName": "word-count-"});
    let outcome = stage.send(&["create", "-o", "json"], &object);
    let warned = "Warning: spec.flinkConfiguration[\"high-availability.type\"]: ";
    assert!(outcome.stderr.starts_with(warned), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("give the object a `metadata.name`"), "{}", outcome.stderr);
    let created: Value = serde_json::from_str(&outcome.succeeded()).unwrap();
    assert!(created["metadata"]["name"].as_str().unwrap().starts_with("word-count-"));
    assert_eq!(created["spec"]["flinkConfiguration"], json!({"taskmanager.numberOfTaskSlots": "2"}));
    assert_eq!(stage.stored("flinkdeployments")["items"][0]["spec"], created["spec"]);
    // Its name does not depend on the object's.
    assert_eq!(created["spec"]["serviceAccount"], "flink");
}

#[test]
fn accepts_an_object_that_opts_out_unchanged() {
    let Some(stage) = Stage::open("opt-out", &platform_with("optOut: true")) else { return };
    let mut object = plain("v1_20");
    object["metadata"]["annotations"] = json!({"flink-admission.io/inject": "false"});
    stage.send(&["create"], &object).succeeded();
    let stored = stage.stored("flinkdeployment/word-count");
    assert_eq!(stored["spec"], object["spec"]);
    assert_eq!(stored["metadata"]["annotations"], object["metadata"]["annotations"]);
}

#[test]
fn accepts_and_fills_in_where_opting_out_is_not_permitted() {
    let Some(stage) = Stage::open("no-opt-out", PLATFORM) else { return };
    let mut object = plain("v1_20");
    object["metadata"]["annotations"] = json!({"flink-admission.io/inject": "false"});
    stage.send(&["create"], &object).succeeded();
    assert_eq!(option(&stage.stored("flinkdeployment/word-count"), "high-availability.type"), Some("kubernetes"));
}

#[test]
fn accepts_all_unchanged_where_enforcement_is_less_than_enforce() {
    for (level, warned) in [("warn", true), ("audit", false)] {
        let policy = platform_with(&format!("enforcement: {level}"));
        let Some(stage) = Stage::open(&format!("enforcement-{level}"), &policy) else { return };
        let mut object = plain("v1_20");
        object["spec"]["flinkConfiguration"]["high-availability"] = json!("zookeeper");
        let outcome = stage.send(&["create"], &object);
        assert_eq!(outcome.stderr.contains("zookeeper-quorum-missing"), warned, "{}", outcome.stderr);
        outcome.succeeded();
        let stored = stage.stored("flinkdeployment/word-count");
        assert_eq!(stored["spec"], object["spec"]);
        assert_eq!(stored["metadata"].get("annotations"), None);
    }
}

#[test]
fn accepts_and_fills_in_the_template_of_a_blue_green_deployment() {
    let Some(stage) = Stage::open("blue-green", PLATFORM) else { return };
    let mut object = json!({
        "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkBlueGreenDeployment", "metadata": {"name": "word-count"},
        "spec": {"template": {"spec": plain("v1_20")["spec"]}},
    });
    stage.send(&["create"], &object).succeeded();
    let stored = stage.stored("flinkbluegreendeployment/word-count");
    assert_eq!(option(&stored["spec"]["template"], "high-availability.type"), Some("kubernetes"));
    assert_eq!(stored["spec"]["template"]["spec"]["serviceAccount"], "flink");

    object["metadata"]["name"] = json!("overlapping");
    object["spec"]["template"]["spec"]["flinkVersion"] = json!("v2_0");
    object["spec"]["template"]["spec"]["flinkConfiguration"] =
        json!({"high-availability": "kubernetes", "high-availability.storageDir": "s3://flink/ha"});
    let said = stage.send(&["create"], &object).refused();
    assert!(said.contains("spec.template.spec.flinkConfiguration") && said.contains("[option-overlap]"), "{said}");
}

#[test]
fn accepts_a_session_job_unchanged() {
    let Some(stage) = Stage::open("session-job", PLATFORM) else { return };
    let mut session = plain("v1_20");
    session["metadata"]["name"] = json!("session");
    session["spec"].as_object_mut().unwrap().remove("job");
    stage.send(&["create"], &session).succeeded();
    let object = json!({
        "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkSessionJob", "metadata": {"name": "word-count"},
        "spec": {"deploymentName": "session", "job": {
            "jarURI": "https://repo.example.net/job.jar", "parallelism": 1, "upgradeMode": "savepoint",
        }},
    });
    let outcome = stage.send(&["create"], &object);
    assert_eq!(outcome.stderr, "");
    outcome.succeeded();
    assert_eq!(stage.stored("flinksessionjob/word-count")["spec"]["job"]["jarURI"], object["spec"]["job"]["jarURI"]);
    assert!(stage.stored("flinksessionjob/word-count")["metadata"].get("annotations").is_none());
}

/// As the operator makes it: owned by the FlinkDeployment, labelled `type: flink-native-kubernetes`.
#[test]
fn accepts_the_deployment_of_the_operator_unchanged() {
    let Some(stage) = Stage::open("operator-made", PLATFORM) else { return };
    let labels = json!({"app": "word-count", "component": "jobmanager", "type": "flink-native-kubernetes"});
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "word-count", "labels": labels, "ownerReferences": [{
            "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment", "name": "word-count",
            "uid": "0d6e2c2e-6d3c-4b0a-9a6e-3f4f3b0f5a11", "controller": true,
        }]},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"serviceAccountName": "flink", "containers": [{
                "name": "flink-main-container", "image": "flink:1.20", "command": ["/docker-entrypoint.sh"],
                "args": ["bash", "-c", "kubernetes-jobmanager.sh kubernetes-application "],
            }]},
        }},
    });
    let (mutated, validated) = (stage.registration.reviews("mutate"), stage.registration.reviews("validate"));
    stage.send(&["create"], &object).succeeded();
    let stored = stage.stored("deployment/word-count");
    let container = &stored["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["args"], object["spec"]["template"]["spec"]["containers"][0]["args"]);
    assert!(container.get("env").is_none() && container.get("volumeMounts").is_none(), "{container}");
    assert!(stored["metadata"].get("annotations").is_none_or(|all| all.get(INJECTED).is_none()), "{stored}");
    // It was seen, and left alone on purpose.
    assert!(stage.registration.reviews("mutate") > mutated && stage.registration.reviews("validate") > validated);
}

#[test]
fn accepts_what_is_not_flink_without_being_asked() {
    let Some(stage) = Stage::open("not-flink", BUILT_IN) else { return };
    let (mutated, validated) = (stage.registration.reviews("mutate"), stage.registration.reviews("validate"));
    stage.kubectl(&["create", "deployment", "web", "--image=nginx:1.29"]).succeeded();
    assert_eq!((stage.registration.reviews("mutate"), stage.registration.reviews("validate")), (mutated, validated));
}
