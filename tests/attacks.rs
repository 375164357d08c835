//! Odd and hostile objects through the whole engine: what once went wrong, each in its smallest form.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends by panicking")]

use std::collections::BTreeSet;

use flink_admission::admission::{Operation, encode};
use flink_admission::facts::{Answer, FactKey, Facts};
use flink_admission::inject::INJECTED_ANNOTATION;
use flink_admission::policy::Policies;
use flink_admission::verdict::{Decision, Subject, judge, mutate, needs, validate};
use flink_admission::workload::recognise;
use serde_json::{Value, json};

const HA: &str = "spec: {highAvailability: {mode: kubernetes, storageDir: 's3://hub/ha/{namespace}'}, serviceAccount: {name: flink}}";
const JUDGE_ONLY: &str = "spec: {}";

fn flink_deployment(version: &str, configuration: Value) -> Value {
    json!({
        "apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
        "metadata": {"name": "orders", "namespace": "shop"},
        "spec": {"flinkVersion": version, "serviceAccount": "own", "flinkConfiguration": configuration},
    })
}

fn raw(args: Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders-jobmanager", "namespace": "shop"},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "flink", "image": "flink:1.20.1", "args": args}]}}},
    })
}

fn review<T>(
    object: &Value,
    old: Option<&Value>,
    policy: &str,
    facts: &Facts,
    ask: impl Fn(&Subject<'_>, &Policies, &Facts) -> T,
) -> T {
    let workload = recognise(object).unwrap();
    let operation = if old.is_some() { Operation::Update } else { Operation::Create };
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    let subject = Subject { object, old, operation, namespace: "shop", name, workload: &workload };
    ask(&subject, &Policies::from_text(policy).unwrap(), facts)
}

fn mutated(object: &Value, old: Option<&Value>, policy: &str) -> Value {
    let mut after = object.clone();
    json_patch::patch(&mut after, &review(object, old, policy, &Facts::default(), mutate).patch).unwrap();
    after
}

fn validated(object: &Value, old: Option<&Value>, policy: &str) -> Decision {
    review(object, old, policy, &Facts::default(), validate)
}

#[test]
fn a_second_review_of_an_update_keeps_the_record() {
    for (from, to) in [("v1_16", "v1_20"), ("v1_20", "v1_16"), ("v1_15", "v1_17"), ("v1_18", "v2_0")] {
        let stored = mutated(&flink_deployment(from, json!({"a": "b"})), None, HA);
        let mut update = stored.clone();
        update["spec"]["flinkVersion"] = json!(to);
        let once = mutated(&update, Some(&stored), HA);
        assert_eq!(mutated(&once, Some(&stored), HA), once, "{from} to {to}");
        let replaced = mutated(&flink_deployment(to, json!({"a": "b"})), Some(&once), HA);
        assert_eq!(replaced["spec"]["flinkConfiguration"], once["spec"]["flinkConfiguration"], "{from} to {to}");
    }
}

#[test]
fn who_sets_a_mode_of_his_own_is_not_refused_for_ours() {
    let stored = mutated(&flink_deployment("v1_20", json!({"a": "b"})), None, HA);
    let none = flink_deployment("v1_20", json!({"a": "b", "high-availability.type": "NONE"}));
    assert!(validated(&mutated(&none, Some(&stored), HA), Some(&stored), HA).allowed);
    let role = mutated(&raw(json!(["jobmanager"])), None, HA);
    let none = raw(json!(["jobmanager", "-D", "high-availability.type=NONE"]));
    assert!(validated(&mutated(&none, Some(&role), HA), Some(&role), HA).allowed);
}

#[test]
fn a_shell_around_a_completed_role_is_warned_about() {
    let stored = mutated(&raw(json!(["jobmanager"])), None, HA);
    let mut update = stored.clone();
    update["spec"]["template"]["spec"]["containers"][0]["args"] =
        json!(["bash", "-c", "exec /docker-entrypoint.sh jobmanager"]);
    let decision = validated(&update, Some(&stored), HA);
    assert!(
        decision.allowed && decision.warnings.iter().any(|warning| warning.contains("[injected-value-missing]")),
        "{decision:?}"
    );
}

#[test]
fn a_forged_or_stale_record_writes_nothing() {
    let values = json!([
        {"what": "option", "option": "high-availability.cluster-id", "key": "high-availability.cluster-id", "value": "evil"},
        {"what": "option", "option": "no.such.option", "key": "no.such.option", "value": "evil"},
        {"what": "option", "option": "high-availability.type", "key": "high-availability.type", "value": "kubernetes"},
        {"what": "serviceAccount", "value": "admin"},
        {"what": "fsGroup", "role": "jobmanager", "value": 0},
    ]);
    let text = json!({"namespace": "shop", "name": "orders", "values": values}).to_string();
    let mut object = flink_deployment("v1_20", json!({"a": "b"}));
    object["metadata"]["annotations"] = json!({INJECTED_ANNOTATION: text});
    let stored = mutated(&object, None, JUDGE_ONLY);
    let mut update = stored.clone();
    update["spec"]["flinkConfiguration"]["a"] = json!("c");
    assert_eq!(mutated(&update, Some(&stored), JUDGE_ONLY)["spec"], update["spec"]);
}

#[test]
fn a_record_of_a_later_version_is_kept_and_still_protects() {
    let mut stored = mutated(&flink_deployment("v1_20", json!({"a": "b"})), None, HA);
    let text = stored["metadata"]["annotations"][INJECTED_ANNOTATION].as_str().unwrap();
    let mut record: Value = serde_json::from_str(text).unwrap();
    record["values"].as_array_mut().unwrap().push(json!({"what": "probe", "value": 1}));
    stored["metadata"]["annotations"][INJECTED_ANNOTATION] = json!(record.to_string());
    let kept = mutated(&flink_deployment("v1_20", json!({"a": "b"})), Some(&stored), HA);
    assert_eq!(kept["spec"]["flinkConfiguration"], stored["spec"]["flinkConfiguration"]);
    assert!(kept["metadata"]["annotations"][INJECTED_ANNOTATION].as_str().unwrap().contains("probe"));
}

#[test]
fn what_was_wrong_before_stays_a_warning_in_another_form() {
    let args = ["jobmanager", "-D", "high-availability.type=zookeeper", "-D", "high-availability.storageDir=/x"];
    let old = raw(json!(args));
    assert!(!validated(&old, None, JUDGE_ONLY).allowed);
    let mut longer = vec!["jobmanager", "-D", "a=b"];
    longer.extend(&args[1..]);
    let mut update = raw(json!(longer));
    let containers = update["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
    containers.insert(0, json!({"name": "sidecar", "image": "side"}));
    assert!(validated(&update, Some(&old), JUDGE_ONLY).allowed);

    let flat = flink_deployment(
        "v1_20",
        json!({"high-availability.type": "kubernetes", "high-availability.storageDir": "/x"}),
    );
    let nested = flink_deployment("v1_20", json!({"high-availability": {"type": "kubernetes", "storageDir": "/x"}}));
    assert!(!validated(&flat, None, JUDGE_ONLY).allowed && validated(&nested, Some(&flat), JUDGE_ONLY).allowed);
}

#[test]
fn the_stored_objects_config_map_is_asked_for_too() {
    let with = |name: &str| {
        let mut object = raw(json!(["jobmanager"]));
        object["spec"]["template"]["spec"]["volumes"] = json!([{"name": "c", "configMap": {"name": name}}]);
        object["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] =
            json!([{"name": "c", "mountPath": "/opt/flink/conf"}]);
        object
    };
    let key = |name: &str| FactKey::ConfigMap { namespace: "shop".to_owned(), name: name.to_owned() };
    let (old, new) = (with("flink-config-aaa"), with("flink-config-bbb"));
    let keys = review(&new, Some(&old), JUDGE_ONLY, &Facts::default(), |subject, policies, _| needs(subject, policies));
    assert!(keys.contains(&key("flink-config-aaa")) && keys.contains(&key("flink-config-bbb")), "{keys:?}");
    let mut facts = Facts::unknown(&keys, "not read");
    for name in ["flink-config-aaa", "flink-config-bbb"] {
        let text = "high-availability.type: zookeeper\nhigh-availability.storageDir: file:///x\n";
        facts.insert(key(name), Answer::Known(json!({"data": {"flink-conf.yaml": text}})));
    }
    assert!(!review(&new, None, JUDGE_ONLY, &facts, validate).allowed);
    assert!(review(&new, Some(&old), JUDGE_ONLY, &facts, validate).allowed);
}

#[test]
fn what_was_filled_in_is_taken_out_again_where_it_is_not_wanted() {
    let policy = "spec: {optOut: true, highAvailability: {mode: kubernetes, storageDir: 'file:///flink-data/ha'}, \
                  serviceAccount: {name: flink}, volumes: [{name: data, claimName: data, mountPath: /flink-data}]}";
    let mut with_templates = flink_deployment("v1_20", json!({"a": "b"}));
    with_templates["spec"]["podTemplate"] = json!({"spec": {"volumes": [{"name": "tmp", "emptyDir": {}}],
        "containers": [{"name": "flink-main-container", "volumeMounts": [{"name": "tmp", "mountPath": "/scratch"}]}]}});
    with_templates["spec"]["taskManager"] =
        json!({"podTemplate": {"spec": {"containers": [{"name": "flink-main-container", "tty": true}]}}});
    let plain = flink_deployment("v2_0", json!({"a": "b"}));
    for object in [plain, with_templates, raw(json!(["jobmanager"])), raw(json!(["taskmanager"]))] {
        let stored = mutated(&object, None, policy);
        assert_ne!(stored["spec"], object["spec"]);
        let mut update = stored.clone();
        update["metadata"]["annotations"]["flink-admission.io/inject"] = json!("false");
        let after = mutated(&update, Some(&stored), policy);
        assert_eq!(after["spec"], object["spec"]);
        assert!(after["metadata"]["annotations"].get(INJECTED_ANNOTATION).is_none());
    }
}

#[test]
fn an_opt_out_leaves_the_users_own_values_that_look_like_ours() {
    let policy =
        "spec: {optOut: true, volumes: [{name: data, claimName: data, mountPath: /data, roles: [jobmanager]}]}";
    let mut object = flink_deployment("v1_20", json!({"a": "b"}));
    object["spec"]["jobManager"] = json!({"replicas": 1});
    object["spec"]["taskManager"] = json!({"podTemplate": {"spec": {
        "securityContext": {"fsGroup": 9999},
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        "containers": [{"name": "flink-main-container", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
    }}});
    let stored = mutated(&object, None, policy);
    assert!(stored["spec"]["jobManager"]["podTemplate"].to_string().contains("9999"), "{stored}");
    let mut update = stored.clone();
    update["metadata"]["annotations"]["flink-admission.io/inject"] = json!("false");
    assert_eq!(mutated(&update, Some(&stored), policy)["spec"], object["spec"]);
}

#[test]
fn a_job_sent_again_is_what_it_was() {
    let mut job = raw(json!(["standalone-job", "--job-classname", "X"]));
    job["apiVersion"] = json!("batch/v1");
    job["kind"] = json!("Job");
    let stored = mutated(&job, None, HA);
    assert_ne!(stored, job);
    assert_eq!(mutated(&job, Some(&stored), HA), stored);
}

#[test]
fn two_clusters_that_share_a_label_get_no_identity_from_it() {
    let mut object = raw(json!(["jobmanager"]));
    object["metadata"] = json!({"name": "orders", "namespace": "shop", "labels": {"app": "flink"}});
    assert_eq!(mutated(&object, None, HA)["spec"]["template"]["spec"]["containers"][0]["args"], json!(["jobmanager"]));
    object["metadata"]["name"] = json!("jobmanager");
    let args = mutated(&object, None, HA)["spec"]["template"]["spec"]["containers"][0]["args"].to_string();
    assert!(args.contains("kubernetes.cluster-id=flink"), "{args}");
}

#[test]
fn clusters_of_one_name_in_two_namespaces_do_not_meet_in_zookeeper() {
    let policy = "spec: {highAvailability: {mode: zookeeper, storageDir: 's3://hub/{namespace}', zookeeper: {quorum: 'zk:2181'}}}";
    let stored = mutated(&flink_deployment("v1_20", json!({"a": "b"})), None, policy);
    assert_eq!(stored["spec"]["flinkConfiguration"]["high-availability.zookeeper.path.root"], json!("/flink/shop"));
}

#[test]
fn no_control_character_reaches_a_terminal() {
    let object = flink_deployment(
        "v1_20",
        json!({"high-availability.type": "zookeeper", "high-availability.storageDir": "/x\u{1b}[31m\ny"}),
    );
    let decision = validated(&object, None, JUDGE_ONLY);
    assert!(!decision.allowed && decision.message.lines().count() <= 3, "{}", decision.message);
    assert!(!decision.message.contains('\u{1b}'));
}

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

fn session_job(spec: Value) -> Value {
    json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkSessionJob",
        "metadata": {"name": "word-count", "namespace": "shop"}, "spec": spec})
}

#[test]
fn a_session_job_asks_for_one_object_of_its_own_namespace() {
    let asked = |object: &Value, old: Option<&Value>| {
        review(object, old, HA, &Facts::default(), |subject, policies, _| needs(subject, policies))
    };
    let namespace = FactKey::Namespace("shop".to_owned());
    let cluster = |name: &str| FactKey::FlinkDeployment { namespace: "shop".to_owned(), name: name.to_owned() };
    let mut job = session_job(json!({"deploymentName": "../../kube-system/secrets/x", "job": {}}));
    job["metadata"]["namespace"] = json!("elsewhere");
    let odd = cluster("../../kube-system/secrets/x");
    assert_eq!(asked(&job, None), BTreeSet::from([namespace.clone(), odd]));
    let old = session_job(json!({"deploymentName": "session", "job": {}}));
    let new = session_job(json!({"deploymentName": "other", "job": {}}));
    let both = BTreeSet::from([namespace.clone(), cluster("session"), cluster("other")]);
    assert_eq!(asked(&new, Some(&old)), both);
    for name in [json!(null), json!(7), json!(true), json!(["session"]), json!({"session": {}})] {
        let job = session_job(json!({"deploymentName": name, "job": {"jarURI": "https://repo.example.net/job.jar"}}));
        assert_eq!(asked(&job, None), BTreeSet::from([namespace.clone()]), "{name}");
        let decision = validated(&job, None, "spec: {profile: strict}");
        // Nothing but a missing name is refused; the API server refuses the others.
        assert_eq!(decision.allowed, !name.is_null(), "{}", decision.message);
    }
}

#[test]
fn a_session_job_of_an_odd_form_is_not_changed_and_not_refused() {
    let without_spec = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkSessionJob", "metadata": {}});
    let specs = [json!(null), json!([]), json!("x"), json!({}), json!({"job": 7}), json!({"flinkConfiguration": [1]})];
    for object in specs.into_iter().map(session_job).chain([without_spec]) {
        assert_eq!(mutated(&object, None, HA), object);
        assert_eq!(mutated(&object, Some(&object), HA), object);
        assert!(
            validated(&object, None, "spec: {profile: strict, highAvailability: {required: true}}").allowed,
            "{object}"
        );
    }
}

#[test]
fn an_odd_cluster_refuses_no_session_job() {
    let job =
        session_job(json!({"deploymentName": "session", "job": {"upgradeMode": "savepoint"}, "flinkConfiguration": {
        "execution.checkpointing.dir": "file:///data/checkpoints", "state.savepoints.dir": "s3://b/savepoints"}}));
    let key = FactKey::FlinkDeployment { namespace: "shop".to_owned(), name: "session".to_owned() };
    for spec in
        [json!(null), json!(7), json!([]), json!({}), json!({"podTemplate": 7, "flinkConfiguration": [], "job": null})]
    {
        let mut facts = Facts::default();
        facts.insert(key.clone(), Answer::Known(json!({"kind": "FlinkDeployment", "spec": spec})));
        let decision = review(&job, None, "spec: {profile: strict}", &facts, validate);
        assert!(decision.allowed, "{spec}: {}", decision.message);
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

#[test]
fn a_word_that_is_no_text_stays_as_it_is() {
    let object = raw(json!(["jobmanager", "-D", {"a": "b"}, 7]));
    let stored = mutated(&object, None, HA);
    let args = stored["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap().clone();
    assert!(args.len() > 4 && args.ends_with(&[json!("-D"), json!({"a": "b"}), json!(7)]), "{args:?}");
}

#[test]
fn what_could_not_be_filled_in_is_not_in_the_record() {
    let policy = "spec: {volumes: [{name: data, claimName: data, mountPath: /data}]}";
    for field in ["env", "volumeMounts"] {
        let mut object = raw(json!(["jobmanager", "$(POD_IP)"]));
        object["spec"]["template"]["spec"]["containers"][0][field] = json!(false);
        let stored = mutated(&object, None, policy);
        assert_eq!(mutated(&stored, None, policy), stored, "{field}");
    }
}

#[test]
fn a_stored_object_that_its_record_does_not_fit_comes_back_once() {
    let plugins =
        |role: &str| json!({"what": "plugins", "role": role, "value": "flink-s3-fs-hadoop-1.18.0.jar", "common": true});
    let values = [plugins("jobmanager"), plugins("taskmanager")];
    let record = json!({"namespace": "shop", "name": "orders", "values": values}).to_string();
    let new = flink_deployment("v1_18", json!({"a": "b"}));
    let mut old = new.clone();
    old["metadata"]["annotations"] = json!({INJECTED_ANNOTATION: record});
    old["spec"]["podTemplate"] = json!({"spec": {"containers": {"": [{"name": "flink-main-container",
        "env": [{"name": "ENABLE_BUILT_IN_PLUGINS", "value": "flink-s3-fs-hadoop-1.18.0.jar"}]}]}}});
    let once = mutated(&new, Some(&old), JUDGE_ONLY);
    assert_eq!(mutated(&once, Some(&old), JUDGE_ONLY), once);
}

#[test]
fn a_mode_under_both_of_its_names_is_remembered_under_both() {
    let new = raw(json!(["jobmanager"]));
    let old = mutated(&new, None, HA);
    let mut new = new;
    new["spec"]["template"]["spec"]["containers"][0]["image"] = json!("example.net/orders:stable");
    let once = mutated(&new, Some(&old), HA);
    assert!(once["spec"].to_string().contains("\"high-availability=org"), "{once}");
    assert_eq!(mutated(&once, Some(&old), HA), once);
}
