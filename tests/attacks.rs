//! Odd and hostile objects through the whole engine: what once went wrong, each in its smallest form.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends by panicking")]

#[path = "attacks/bounds.rs"]
mod bounds;

use std::collections::BTreeSet;

use flink_admission::admission::Operation;
use flink_admission::facts::{Answer, FactKey, Facts};
use flink_admission::inject::INJECTED_ANNOTATION;
use flink_admission::policy::Policies;
use flink_admission::verdict::{Decision, Subject, mutate, needs, validate};
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

/// A second review of such an update once changed the record. The API server or the operator refuses the object anyway.
#[test]
fn what_has_a_field_of_another_shape_is_left_alone() {
    const CLAIM: &str = "spec: {volumes: [{name: data, claimName: orders, mountPath: /data}]}";
    let old = mutated(&flink_deployment("v1_20", json!({})), None, CLAIM);
    let mut listed = flink_deployment("v1_20", json!({}));
    listed["spec"]["podTemplate"] = json!([{"spec": {}}]);
    assert_eq!(mutated(&listed, None, CLAIM), listed);
    assert_eq!(mutated(&listed, Some(&old), CLAIM), listed);
}

/// A field of the user's own holds what looks like ours; the second review of an update once put it back.
#[test]
fn what_only_looks_like_ours_is_not_put_back() {
    const CLAIM: &str = "spec: {volumes: [{name: data, claimName: orders, mountPath: /data}]}";
    let bare = flink_deployment("v1_20", json!({}));
    let mut old = mutated(&bare, None, CLAIM);
    let template = old["spec"]["podTemplate"].clone();
    old["spec"]["podTemplate"]["spec"]["template"] = template;
    let once = mutated(&bare, Some(&old), CLAIM);
    assert_eq!(once["spec"]["podTemplate"]["spec"]["template"], Value::Null);
    assert_eq!(mutated(&once, Some(&old), CLAIM), once);
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
    // Nor where several values are one finding.
    let object = flink_deployment(
        "v1_20",
        json!({"high-availability.type": "kubernetes", "high-availability.storageDir": "s3://<bucket>/\u{1b}ha",
            "execution.checkpointing.dir": "s3://<bucket>/c"}),
    );
    let message = validated(&object, None, JUDGE_ONLY).message;
    assert!(message.contains("the same is true of") && !message.contains('\u{1b}'), "{message}");
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

#[test]
fn what_comes_back_in_another_template_is_recorded_there() {
    let mut new = flink_deployment("v1_20", json!({"kubernetes.operator.pod-template.merge-arrays-by-name": "true"}));
    let mut old = new.clone();
    let values = ["jobmanager", "taskmanager"].map(|role| {
        json!({"what": "volume", "role": role, "name": "flink-data", "claim": "data", "mountPath": "/data", "common": true})
    });
    old["metadata"]["annotations"] =
        json!({INJECTED_ANNOTATION: json!({"namespace": "shop", "name": "orders", "values": values}).to_string()});
    let main = |mounts: Value| json!({"name": "flink-main-container", "volumeMounts": mounts});
    let nameless = json!({"image": "registry.example.net/shipper:1"});
    let state = json!([{"name": "state", "persistentVolumeClaim": {"claimName": "state"}}]);
    new["spec"]["podTemplate"] = json!({"spec": {"containers": [&nameless, main(json!([]))], "volumes": state}});
    let mounts = json!([{"name": "state", "mountPath": "/state"}]);
    new["spec"]["jobManager"] = json!({"podTemplate": {"spec": {"containers": [main(mounts)]}}});
    let once = mutated(&new, Some(&old), JUDGE_ONLY);
    assert_ne!(once, new);
    assert_eq!(mutated(&once, Some(&old), JUDGE_ONLY), once);
}

#[test]
fn a_list_with_an_element_of_another_shape_is_left_alone() {
    let jars = "flink-s3-fs-presto-1.20.1.jar";
    let variable = json!({"name": "ENABLE_BUILT_IN_PLUGINS", "value": jars});
    let main = |env: Value| json!({"name": "flink-main-container", "env": env});
    let mut new = flink_deployment("v1_20", json!({"state.checkpoints.dir": "s3p://turbines/checkpoints"}));
    new["spec"]["image"] = json!("flink:1.20.1-java17");
    let mut old = new.clone();
    let values = ["jobmanager", "taskmanager"].map(|role| json!({"what": "plugins", "role": role, "value": jars}));
    old["metadata"]["annotations"] =
        json!({INJECTED_ANNOTATION: json!({"namespace": "shop", "name": "orders", "values": values}).to_string()});
    let shipper = json!({"name": "shipper"});
    old["spec"]["taskManager"]["podTemplate"] = json!({"spec": {"containers": [&shipper, main(json!([&variable]))]}});
    new["spec"]["taskManager"]["podTemplate"] = json!({"spec": {"containers": [&shipper, main(json!([]))]}});
    for odd in [json!("Never"), json!({"name": {"first": "Never"}, "env": [{"value": "north"}]})] {
        new["spec"]["podTemplate"] = json!({"spec": {"containers": [&shipper, odd]}});
        let once = mutated(&new, Some(&old), JUDGE_ONLY);
        assert_eq!(mutated(&once, Some(&old), JUDGE_ONLY), once);
    }
}

#[test]
fn a_name_with_blanks_fills_no_template() {
    let policy = "spec: {serviceAccount: {name: 'flink-{name}'}}";
    let mut object = flink_deployment("v1_20", json!({"a": "b"}));
    object["spec"].as_object_mut().unwrap().remove("serviceAccount");
    assert_ne!(mutated(&object, None, policy), object);
    object["metadata"]["name"] = json!(" ");
    assert_eq!(mutated(&object, None, policy), object);
}

#[test]
fn nothing_is_filled_in_behind_a_word_that_ends_the_options() {
    for blank in ["", " ", "\t "] {
        let mut object = raw(json!(["jobmanager", "$(ADDRESS)"]));
        object["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "ADDRESS", "value": blank}]);
        let stored = mutated(&object, None, HA);
        assert!(stored.to_string().contains("POD_IP"), "{stored}");
        assert_eq!(mutated(&stored, None, HA), stored, "{blank:?}");
    }
}
