//! Standalone roles through the whole engine: what is filled in at creation, and what becomes of it later.
#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test ends by panicking")]

#[path = "raw/clusters.rs"]
mod clusters;
#[path = "raw/told.rs"]
mod told;
#[path = "raw/updates.rs"]
mod updates;

use std::collections::BTreeSet;

use flink_admission::admission::Operation;
use flink_admission::facts::{Answer, FactKey, Facts};
use flink_admission::inject::former;
use flink_admission::policy::{Level, Policies};
use flink_admission::verdict::{Decision, Outcome, Subject, judge, mutate, needs, validate};
use flink_admission::workload::recognise;
use serde_json::{Value, json};

const POLICY: &str = "
metadata: {name: platform}
spec:
  highAvailability: {mode: kubernetes, storageDir: \"s3://hub/ha/{namespace}\"}
  serviceAccount: {name: flink}
";

fn deployment(name: &str, image: &str, args: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "billing"},
        "spec": {"replicas": 1, "template": {"spec": {
            "containers": [{"name": "flink", "image": image, "args": args,
                "volumeMounts": [{"name": "config", "mountPath": "/opt/flink/conf"}]}],
            "volumes": [{"name": "config", "configMap": {"name": "config"}}],
        }}},
    })
}

fn facts(file: &str, text: &str) -> Facts {
    let mut facts = Facts::unknown(&BTreeSet::new(), "");
    let key = FactKey::ConfigMap { namespace: "billing".to_owned(), name: "config".to_owned() };
    facts.insert(key, Answer::Known(json!({"data": {file: text}})));
    facts.insert(FactKey::Namespace("billing".to_owned()), Answer::Known(json!({"metadata": {"name": "billing"}})));
    facts
}

/// The same, where it is known that no cluster called `invoices` has left HA metadata.
fn never_run(mut facts: Facts) -> Facts {
    for namespace in ["default", "billing"] {
        let name = "invoices-cluster-config-map".to_owned();
        facts.insert(FactKey::ConfigMap { namespace: namespace.to_owned(), name }, Answer::Absent);
    }
    facts
}

fn outcome(object: &Value, old: Option<&Value>, policy: &str, facts: &Facts) -> Outcome {
    let workload = recognise(object).expect("it is Flink");
    let policies = Policies::from_text(policy).expect("the policy is good");
    let operation = if old.is_some() { Operation::Update } else { Operation::Create };
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    let subject = Subject { object, old, operation, namespace: "billing", name, workload: &workload };
    judge(&subject, &policies, facts)
}

/// What the API server is answered to `object`, an update of `old`.
fn answer(object: &Value, old: &Value, facts: &Facts) -> Decision {
    let workload = recognise(object).or_else(|| former(object, old)).expect("it is or was Flink");
    let policies = Policies::from_text(POLICY).expect("the policy is good");
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    let (operation, old) = (Operation::Update, Some(old));
    validate(&Subject { object, old, operation, namespace: "billing", name, workload: &workload }, &policies, facts)
}

fn args(object: &Value) -> Vec<&str> {
    let args = object.pointer("/spec/template/spec/containers/0/args").and_then(Value::as_array);
    args.into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn both_roles_get_one_identity_in_the_form_of_their_scripts() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    let job_manager = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    let stored = outcome(&job_manager, None, POLICY, &facts).stored;
    insta::assert_snapshot!(args(&stored).join(" "), @"jobmanager -D high-availability.type=kubernetes -D high-availability.storageDir=s3://hub/ha/billing -D kubernetes.cluster-id=invoices -D kubernetes.namespace=billing -D high-availability.cluster-id=/billing/invoices -D jobmanager.rpc.address=$(POD_IP)");
    let task_manager = deployment("invoices-taskmanager", "flink:1.16.3", &json!(["taskmanager"]));
    let stored = outcome(&task_manager, None, POLICY, &facts).stored;
    insta::assert_snapshot!(args(&stored).join(" "), @"taskmanager -Dhigh-availability=kubernetes -Dhigh-availability.storageDir=s3://hub/ha/billing -Dkubernetes.cluster-id=invoices -Dkubernetes.namespace=billing -Dhigh-availability.cluster-id=/billing/invoices");
}

#[test]
fn a_program_keeps_its_arguments_behind_ours() {
    let facts = facts("config.yaml", "taskmanager: {numberOfTaskSlots: 2}\n");
    let args_of_job = json!(["standalone-job", "--job-classname", "X", "plan", "-Dmode=full"]);
    let mut job = deployment("shifts-jobmanager", "flink:2.0.1", &args_of_job);
    job["apiVersion"] = json!("batch/v1");
    job["kind"] = json!("Job");
    let stored = outcome(&job, None, POLICY, &facts).stored;
    let words = args(&stored);
    assert_eq!(words.first(), Some(&"standalone-job"));
    assert!(words.ends_with(&["--job-classname", "X", "plan", "-Dmode=full"]), "{words:?}");
    assert!(words.contains(&"-Dkubernetes.cluster-id=shifts"), "{words:?}");
}

#[test]
fn behind_a_command_that_changes_nothing_ours_stand_behind_the_role() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    let words = json!(["env", "TZ=UTC", "bash", "/docker-entrypoint.sh", "taskmanager", "-Da=b"]);
    let stored = outcome(&deployment("invoices-taskmanager", "flink:1.20.1", &words), None, POLICY, &facts).stored;
    insta::assert_snapshot!(args(&stored).join(" "), @"env TZ=UTC bash /docker-entrypoint.sh taskmanager -Dhigh-availability.type=kubernetes -Dhigh-availability.storageDir=s3://hub/ha/billing -Dkubernetes.cluster-id=invoices -Dkubernetes.namespace=billing -Dhigh-availability.cluster-id=/billing/invoices -Da=b");
}

#[test]
fn a_second_pass_changes_nothing() {
    for image in ["flink:1.20.1", "registry.example.net/engine:9.4.0"] {
        let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
        let object = deployment("invoices-jobmanager", image, &json!(["jobmanager"]));
        let first = outcome(&object, None, POLICY, &facts);
        assert!(!first.patch.0.is_empty());
        let second = outcome(&first.stored, None, POLICY, &facts);
        assert_eq!(second.patch.0, [], "{image}");
        let unchanged = outcome(&first.stored, Some(&first.stored), POLICY, &facts);
        assert_eq!(unchanged.patch.0, [], "{image}");
    }
}

#[test]
fn a_second_pass_changes_nothing_beside_an_address_of_the_users() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    for variable in [
        json!({"name": "POD_IP", "value": "10.0.0.5"}),
        json!({"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}}),
    ] {
        let mut object = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
        let pod = &mut object["spec"]["template"]["spec"];
        pod["hostNetwork"] = json!(true);
        pod["containers"][0]["env"] = json!([variable]);
        let stored = outcome(&object, None, POLICY, &facts).stored;
        assert!(args(&stored).contains(&"jobmanager.rpc.address=$(POD_IP)"), "{:?}", args(&stored));
        assert_eq!(outcome(&stored, None, POLICY, &facts).stored, stored, "{variable}");
        assert_eq!(outcome(&stored, Some(&stored), POLICY, &facts).stored, stored, "{variable}");
        let mut update = stored.clone();
        update["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["jobmanager"]);
        assert_eq!(outcome(&update, Some(&stored), POLICY, &facts).stored, stored, "{variable}");
        let mut update = stored.clone();
        update["spec"]["replicas"] = json!(0);
        let kept = outcome(&update, Some(&stored), POLICY, &facts).stored;
        assert_eq!(kept["metadata"], stored["metadata"], "{variable}");
        assert_eq!(args(&kept), args(&stored), "{variable}");
    }
}

#[test]
fn an_empty_variable_is_an_empty_word() {
    let facts = never_run(facts(
        "flink-conf.yaml",
        "high-availability: kubernetes\nkubernetes.cluster-id: invoices\nkubernetes.namespace: billing\nhigh-availability.storageDir: s3://b/ha\n",
    ));
    let words = json!(["jobmanager", "$(NOTHING)", "-D", "high-availability.cluster-id=/billing/invoices"]);
    let mut object = deployment("invoices-jobmanager", "flink:1.20.1", &words);
    object["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "NOTHING"}]);
    let stored = outcome(&object, None, POLICY, &facts).stored;
    assert_eq!(outcome(&stored, None, POLICY, &facts).stored, stored, "{:?}", args(&stored));
}

#[test]
fn a_variable_that_is_no_address_of_the_pod_is_not_published() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    for variable in [
        json!({"name": "POD_IP", "value": "0.0.0.0"}),
        json!({"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
    ] {
        let mut object = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
        object["spec"]["template"]["spec"]["containers"][0]["env"] = json!([variable]);
        let outcome = outcome(&object, None, POLICY, &facts);
        assert!(!args(&outcome.stored).join(" ").contains("high-availability"), "{variable}");
        let said = outcome.findings.iter().find(|finding| finding.rule == "ha-not-added");
        assert!(said.is_some_and(|finding| finding.message.contains("`POD_IP`")), "{variable}");
    }
}

#[test]
fn a_blank_argument_of_the_users_is_not_outbidden() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    let of_zookeeper = "spec: {highAvailability: {mode: zookeeper, storageDir: 's3://hub/ha',
        zookeeper: {quorum: 'zk:2181', pathRoot: '/flink/{namespace}'}}}";
    for (policy, blank) in [
        (POLICY, "high-availability.cluster-id="),
        (POLICY, "kubernetes.namespace="),
        (of_zookeeper, "high-availability.zookeeper.path.root="),
        (of_zookeeper, "high-availability.jobmanager.port="),
    ] {
        let object = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager", "-D", blank]));
        let stored = outcome(&object, None, policy, &facts).stored;
        assert_eq!(args(&stored), ["jobmanager", "-D", blank], "the last of two counts, so ours would be in vain");
        assert_eq!(outcome(&stored, None, policy, &facts).stored, stored, "{blank}");
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_left_alone() {
    let mut object = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    object["spec"]["replicas"] = json!(2);
    let mut unknown = Facts::unknown(&BTreeSet::new(), "");
    let key = FactKey::ConfigMap { namespace: "billing".to_owned(), name: "config".to_owned() };
    unknown.insert(key.clone(), Answer::Unknown("deadline".to_owned()));
    let outcome = outcome(&object, None, POLICY, &unknown);
    assert!(outcome.findings.iter().all(|finding| finding.level != Level::Deny), "{:?}", outcome.findings);
    assert!(args(&outcome.stored).len() == 1, "{:?}", args(&outcome.stored));
    let workload = recognise(&object).unwrap();
    let policies = Policies::built_in();
    let subject = Subject {
        object: &object,
        old: None,
        operation: Operation::Create,
        namespace: "billing",
        name: None,
        workload: &workload,
    };
    assert!(needs(&subject, &policies).contains(&key));
    assert_eq!(mutate(&subject, &policies, &unknown).patch.0, []);
}

#[test]
fn several_jobmanagers_without_ha_are_refused_unless_the_image_may_know_better() {
    let verdict = |object: &Value, facts: &Facts| {
        outcome(object, None, "spec: {}", facts)
            .findings
            .iter()
            .find(|f| f.rule == "standby-without-ha")
            .map(|f| f.level)
    };
    let known = facts("flink-conf.yaml", "a: b\n");
    let mut object = deployment("jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    assert_eq!(verdict(&object, &known), None);
    object["spec"]["replicas"] = json!(2);
    assert_eq!(verdict(&object, &known), Some(Level::Deny));
    assert_eq!(verdict(&object, &facts("flink-conf.yaml", "high-availability.type: zookeeper\n")), None);
    assert_eq!(verdict(&object, &facts("config.yaml", "high-availability.type: zookeeper\n")), None);
    object["spec"]["template"]["spec"]["volumes"] = json!([]);
    object["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = json!([]);
    assert_eq!(verdict(&object, &known), Some(Level::Deny), "the official image has Flink's defaults");
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("registry.example.net/engine:1");
    assert_eq!(verdict(&object, &known), Some(Level::Warn));
}

#[test]
fn a_word_that_the_script_misreads_keeps_ours_away() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    for words in [json!(["jobmanager", "-Da=b"]), json!(["jobmanager", "$(POD_IP)", "-Da=b"])] {
        let job_manager = deployment("invoices-jobmanager", "flink:1.20.1", &words);
        let outcome = outcome(&job_manager, None, POLICY, &facts);
        assert_eq!(json!(args(&outcome.stored)), words);
        assert!(outcome.findings.iter().any(|finding| finding.rule == "ha-not-added"), "{:?}", outcome.findings);
    }
    let words = json!(["jobmanager", "-D", "a=b", "-Dc=d"]);
    let job_manager = deployment("invoices-jobmanager", "flink:1.20.1", &words);
    let stored = outcome(&job_manager, None, POLICY, &facts).stored;
    assert!(args(&stored).starts_with(&["jobmanager", "-D"]) && args(&stored).ends_with(&["-D", "a=b", "-Dc=d"]));
}

#[test]
fn a_wrapped_command_is_told_at_its_creation_and_never_changed() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    let mut wrapped =
        deployment("invoices-jobmanager", "flink:1.20.1", &json!(["-c", "exec /docker-entrypoint.sh jobmanager"]));
    if let Some(container) = wrapped.pointer_mut("/spec/template/spec/containers/0") {
        container["command"] = json!(["bash"]);
    }
    let said = |outcome: &Outcome| outcome.findings.iter().any(|finding| finding.rule == "ha-not-added");
    let created = outcome(&wrapped, None, POLICY, &facts);
    assert!(said(&created) && created.stored == wrapped, "{:?}", created.findings);
    let off = outcome(&wrapped, None, &format!("{POLICY}  mutation: false\n"), &facts);
    assert!(!said(&off), "{:?}", off.findings);
    // Of an object that was changed into one, the record of what was filled in says what is lost.
    let before =
        outcome(&deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"])), None, POLICY, &facts);
    let updated = outcome(&wrapped, Some(&before.stored), POLICY, &facts);
    assert_eq!(updated.stored, wrapped);
}

const DIRECTORIES: &str =
    "spec: {checkpoints: {directory: 's3://hub/cp/{cluster}', savepoints: 's3://hub/sp/{cluster}'}}";

#[test]
fn directories_are_left_alone_where_others_may_have_set_them_or_no_option_is_taken() {
    let known = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    let job_manager = |image: &str| deployment("invoices-jobmanager", image, &json!(["jobmanager"]));
    assert!(!outcome(&job_manager("flink:1.20.1"), None, DIRECTORIES, &known).patch.0.is_empty());
    assert_eq!(outcome(&job_manager("flink:1.14.6"), None, DIRECTORIES, &known).patch.0, [], "it takes no options");
    let not_seen = Facts::unknown(&BTreeSet::new(), "");
    assert_eq!(
        outcome(&job_manager("flink:1.20.1"), None, DIRECTORIES, &not_seen).patch.0,
        [],
        "the file is not known"
    );
}

#[test]
fn ha_on_an_object_store_waits_for_a_plugin_that_can_be_enabled() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    let plain = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    let (mut script, mut read_only) = (plain.clone(), plain.clone());
    let mut wrapped = plain.clone();
    let container = &mut script["spec"]["template"]["spec"]["containers"][0];
    container["command"] = json!(["/opt/flink/bin/jobmanager.sh", "start-foreground"]);
    container["args"] = json!([]);
    read_only["spec"]["template"]["spec"]["containers"][0]["securityContext"] = json!({"readOnlyRootFilesystem": true});
    let mut with_plugins = read_only.clone();
    with_plugins["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = json!([{"name": "config", "mountPath": "/opt/flink/conf"}, {"name": "plugins", "mountPath": "/opt/flink/plugins"}]);
    wrapped["spec"]["template"]["spec"]["containers"][0]["command"] = json!(["/usr/bin/tini", "--"]);
    wrapped["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["/docker-entrypoint.sh", "jobmanager"]);
    for (object, has_ha) in [(plain, true), (script, false), (read_only, false), (with_plugins, true), (wrapped, true)]
    {
        let outcome = outcome(&object, None, POLICY, &facts);
        assert_eq!(outcome.stored.to_string().contains("high-availability.type=kubernetes"), has_ha, "{object}");
        assert_eq!(outcome.findings.iter().any(|finding| finding.rule == "ha-not-added"), !has_ha, "{object}");
    }
}
