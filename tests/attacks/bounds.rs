//! What is large is judged in its own time and answered in short.

use std::collections::BTreeSet;

use flink_admission::admission::encode;
use flink_admission::facts::{Answer, FactKey, Facts};
use flink_admission::verdict::{judge, needs, validate};
use serde_json::{Value, json};

use super::{JUDGE_ONLY, flink_deployment, raw, review, session_job, validated};

#[test]
fn large_configurations_are_judged_in_their_own_time() {
    // Quadratic work would not end: each of these once took minutes.
    let flat: serde_json::Map<String, Value> = (0..60_000).map(|n| (format!("a.k{n}"), json!("v"))).collect();
    let unknown: serde_json::Map<String, Value> =
        (0..9_000).map(|n| (format!("high-availability.x{n}"), json!("v"))).collect();
    let deep =
        json!({"k".repeat(100_000): (0..50_000).map(|n| (n.to_string(), json!(1))).collect::<serde_json::Map<_, _>>()});
    for configuration in [Value::Object(flat), Value::Object(unknown), deep] {
        assert!(validated(&flink_deployment("v2_0", configuration), None, JUDGE_ONLY).allowed);
    }
    let again: Vec<Value> = (0..20_000).map(|_| json!("-Da=1")).collect();
    let variables = json!(["taskmanager", format!("-Da={}", "$(".repeat(100_000))]);
    for args in [Value::from([vec![json!("taskmanager")], again].concat()), variables] {
        assert!(validated(&raw(args), None, JUDGE_ONLY).allowed);
    }
    let mut sidecars = raw(json!(["taskmanager", "-Dtaskmanager.host=$(POD_IP)"]));
    let containers = sidecars["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
    containers.extend((0..60_000).map(|n| json!({"name": format!("c{n}")})));
    assert!(!validated(&sidecars, None, JUDGE_ONLY).allowed, "no container defines the variable");
    let volumes: Vec<Value> = (0..20_000).map(|n| json!({"name": format!("v{n}"), "emptyDir": {}})).collect();
    let template = json!({"spec": {"volumes": volumes}});
    let mut object =
        flink_deployment("v1_20", json!({"kubernetes.operator.pod-template.merge-arrays-by-name": "true"}));
    object["spec"]["podTemplate"] = template.clone();
    object["spec"]["jobManager"] = json!({"podTemplate": template});
    assert!(validated(&object, None, JUDGE_ONLY).allowed);
    let keys: BTreeSet<FactKey> =
        review(&object, None, JUDGE_ONLY, &Facts::default(), |subject, policies, _| needs(subject, policies));
    assert_eq!(keys.len(), 6, "its namespace, its account and what is beside it");
    let mounts: Vec<Value> =
        (0..20_000).map(|n| json!({"name": format!("v{n}"), "mountPath": format!("/v{n}")})).collect();
    object["spec"]["podTemplate"] = Value::Null;
    for (source, rule) in [("configMap", "configuration-not-found"), ("persistentVolumeClaim", "claim-not-found")] {
        let volumes = (0..20_000)
            .map(|n| json!({"name": format!("v{n}"), source: {"name": format!("n{n}"), "claimName": format!("n{n}")}}));
        object["spec"]["jobManager"] = json!({"podTemplate": {"spec": {"volumes": volumes.collect::<Vec<_>>(),
            "containers": [{"name": "flink-main-container", "volumeMounts": mounts}]}}});
        let keys: BTreeSet<FactKey> =
            review(&object, None, JUDGE_ONLY, &Facts::default(), |subject, policies, _| needs(subject, policies));
        assert!(keys.len() <= 14, "{}", keys.len());
        let mut facts = Facts::default();
        for key in keys {
            facts.insert(key, Answer::Absent);
        }
        let decision = review(&object, None, JUDGE_ONLY, &facts, validate);
        assert!(decision.rules.iter().any(|(found, _)| *found == rule), "{rule}");
    }
}

#[test]
fn large_session_jobs_are_judged_in_their_own_time() {
    let options = |prefix: &str| -> Value {
        (0..60_000).map(|n| (format!("{prefix}{n}"), json!("v"))).collect::<serde_json::Map<_, _>>().into()
    };
    let key = FactKey::FlinkDeployment { namespace: "shop".to_owned(), name: "session".to_owned() };
    for version in ["v1_16", "v2_0"] {
        for prefix in ["high-availability.x", "execution.checkpointing.x", "a"] {
            let mut facts = Facts::default();
            facts.insert(key.clone(), Answer::Known(flink_deployment(version, options("b"))));
            let configuration = options(prefix);
            let job = session_job(json!({"deploymentName": "session", "job": {}, "flinkConfiguration": configuration}));
            let decision = review(&job, None, JUDGE_ONLY, &facts, validate);
            assert!(decision.allowed && decision.warnings.iter().map(String::len).sum::<usize>() < 10_000);
        }
    }
}

#[test]
fn many_faults_are_found_in_their_own_time_and_answered_in_short() {
    let of_pod = |pod: Value| {
        let mut object = flink_deployment("v1_20", json!({"a": "b"}));
        object["spec"]["podTemplate"] = json!({"spec": pod.clone()});
        let mut role = raw(json!(["jobmanager"]));
        role["spec"]["template"]["spec"]["containers"][0]["env"] = pod["containers"][0]["env"].clone();
        role["spec"]["template"]["spec"]["initContainers"] = pod["initContainers"].clone();
        [object, role]
    };
    let privileged = |n: usize| json!({"name": format!("c{n}"), "securityContext": {"privileged": true}});
    let containers = of_pod(json!({"initContainers": (0..30_000).map(privileged).collect::<Vec<_>>()}));
    let key = json!({"name": "AWS_SECRET_ACCESS_KEY", "value": "k7Gd"});
    let keys = of_pod(json!({"containers": [{"name": "flink-main-container", "env": vec![key; 30_000]}]}));
    let options = (0..9_000).map(|n| (format!("fs.s3a.bucket.b{n}.secret.key"), json!("k7Gd")));
    let options = flink_deployment("v1_20", options.collect::<serde_json::Map<_, _>>().into());
    let policy = "spec: {rules: {pod-privileged: deny, credentials-in-plain-text: deny}}";
    for object in containers.into_iter().chain(keys).chain([options]) {
        let found = review(&object, None, policy, &Facts::default(), judge).findings;
        assert!((100..3_000).contains(&found.len()), "{}", found.len());
        let decision = validated(&object, None, policy);
        assert!(!decision.allowed && validated(&object, Some(&object), policy).allowed);
        let reply = encode("7", &decision);
        assert!(reply.len() < 128 << 10, "{} bytes", reply.len());
    }
}

#[test]
fn a_value_without_end_is_answered_in_short() {
    let long = "x".repeat(1 << 20);
    let mut object = flink_deployment(
        "v1_20",
        json!({"high-availability.type": long, "high-availability.storageDir": long,
        "state.checkpoints.dir": format!("s3:{long}"), "high-availability.kubernetes.x": long, long.clone(): long}),
    );
    object["spec"]["serviceAccount"] = json!(long);
    object["spec"]["image"] = json!(long);
    object["spec"]["podTemplate"] = json!({"spec": {"volumes": [{"name": long, "emptyDir": {}}], "containers": [
        {"name": "flink-main-container", "image": long, "volumeMounts": [{"name": long, "mountPath": format!("/{long}")}]},
        {"name": long, "securityContext": {"privileged": true}}]}});
    let mut role =
        raw(json!(["jobmanager", format!("-D{long}"), "-D", format!("high-availability.type={long}"), long]));
    role["metadata"]["name"] = json!(long);
    for object in [object, role] {
        let decision = validated(&object, None, "spec: {profile: strict}");
        let reply = encode("7", &decision);
        assert!(reply.len() < 128 << 10, "{} bytes", reply.len());
    }
}

#[test]
fn a_configuration_that_grows_without_end_is_not_read() {
    let level = |level: usize| format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 10].join(","));
    let aliases: String =
        std::iter::once("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned()).chain((1..10).map(level)).collect();
    let mut object = raw(json!(["jobmanager"]));
    let pod = &mut object["spec"]["template"]["spec"];
    pod["containers"][0]["image"] = json!("flink:2.0.0");
    pod["volumes"] = json!([{"name": "c", "configMap": {"name": "flink-config"}}]);
    pod["containers"][0]["volumeMounts"] = json!([{"name": "c", "mountPath": "/opt/flink/conf"}]);
    let key = FactKey::ConfigMap { namespace: "shop".to_owned(), name: "flink-config".to_owned() };
    for text in [aliases, "a: {".repeat(10_000), format!("a: {}", "[".repeat(10_000)), "- ".repeat(10_000)] {
        let mut facts = Facts::default();
        facts.insert(key.clone(), Answer::Known(json!({"data": {"config.yaml": text}})));
        assert!(encode("7", &review(&object, None, JUDGE_ONLY, &facts, validate)).len() < 16 << 10);
    }
}
