//! What the other role, other clusters and an earlier life of its own mean for a role.

use flink_admission::facts::{Answer, FactKey, Facts, Listed};
use flink_admission::policy::Level;
use serde_json::{Value, json};

use super::{POLICY, args, deployment, facts, never_run, outcome};

/// `facts` in which the input shows these workloads.
fn showing(workloads: &[&Value], mut facts: Facts) -> Facts {
    let key = FactKey::List { of: Listed::Workloads, namespace: "billing".to_owned() };
    facts.insert(key, Answer::Objects(workloads.iter().map(|object| (*object).clone().into()).collect()));
    facts
}

#[test]
fn a_copy_under_another_name_is_another_cluster() {
    let facts = facts("flink-conf.yaml", "a: b\n");
    let created = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    let mut copy = outcome(&created, None, POLICY, &facts).stored;
    copy["metadata"]["name"] = json!("receipts-jobmanager");
    let stored = outcome(&copy, None, POLICY, &facts).stored;
    assert!(args(&stored).contains(&"kubernetes.cluster-id=receipts"), "{:?}", args(&stored));
    assert!(args(&stored).contains(&"high-availability.cluster-id=/billing/receipts"), "{:?}", args(&stored));
}

#[test]
fn the_other_role_says_which_cluster_it_is() {
    let args_of =
        json!(["jobmanager", "-D", "kubernetes.cluster-id=ledger", "-D", "high-availability.cluster-id=/old"]);
    let explicit = deployment("invoices-jobmanager", "flink:1.20.1", &args_of);
    let task_manager = deployment("invoices-tm", "flink:1.20.1", &json!(["taskmanager"]));
    let known = showing(&[&explicit, &task_manager], facts("flink-conf.yaml", "a: b\n"));
    let stored = outcome(&task_manager, None, POLICY, &known).stored;
    assert!(args(&stored).contains(&"-Dkubernetes.cluster-id=ledger"), "{:?}", args(&stored));
    assert!(args(&stored).contains(&"-Dhigh-availability.cluster-id=/old"), "{:?}", args(&stored));
    // Names that lead to different ids, and one ConfigMap: the JobManager's counts.
    let job_manager = deployment("jobmanager-batch", "flink:1.20.1", &json!(["jobmanager"]));
    let workers = deployment("batch-eu-taskmanager", "flink:1.20.1", &json!(["taskmanager"]));
    let known = showing(&[&job_manager, &workers], facts("flink-conf.yaml", "a: b\n"));
    let stored = [&job_manager, &workers].map(|object| outcome(object, None, POLICY, &known).stored);
    assert!(args(&stored[0]).contains(&"kubernetes.cluster-id=batch"), "{:?}", args(&stored[0]));
    assert!(args(&stored[1]).contains(&"-Dkubernetes.cluster-id=batch"), "{:?}", args(&stored[1]));
    // What was filled in is no word of the author's: a second look, at what is stored, comes to the same.
    let known = showing(&[&stored[0], &stored[1]], facts("flink-conf.yaml", "a: b\n"));
    let again = [&job_manager, &workers].map(|object| outcome(object, None, POLICY, &known).stored);
    assert_eq!(again, stored);
}

#[test]
fn two_clusters_on_one_config_map_stay_apart() {
    let job_managers =
        ["a-jobmanager", "b-jobmanager"].map(|name| deployment(name, "flink:1.20.1", &json!(["jobmanager"])));
    let workers = deployment("b-taskmanager", "flink:1.20.1", &json!(["taskmanager"]));
    let known = showing(&[&job_managers[0], &job_managers[1], &workers], facts("flink-conf.yaml", "a: b\n"));
    let stored = outcome(&workers, None, POLICY, &known).stored;
    assert!(args(&stored).contains(&"-Dkubernetes.cluster-id=b"), "{:?}", args(&stored));
}

#[test]
fn an_id_in_ha_is_for_both_roles_or_for_none() {
    let facts = || {
        never_run(facts(
            "flink-conf.yaml",
            "high-availability: kubernetes\nkubernetes.cluster-id: invoices\nhigh-availability.storageDir: s3://b/ha\n",
        ))
    };
    let job_manager = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    let task_manager = deployment("invoices-taskmanager", "flink:1.20.1", &json!(["taskmanager"]));
    let mut wrapped = task_manager.clone();
    let container = &mut wrapped["spec"]["template"]["spec"]["containers"][0];
    container["command"] = json!(["sh", "-c", "/docker-entrypoint.sh taskmanager"]);
    container["args"] = json!([]);
    let mut runs = task_manager.clone();
    runs["metadata"]["uid"] = json!("1");
    let has_id = |other: &Value| {
        let facts = showing(&[&job_manager, other], facts());
        args(&outcome(&job_manager, None, POLICY, &facts).stored).join(" ").contains("high-availability.cluster-id")
    };
    assert!(has_id(&task_manager));
    assert!(!has_id(&wrapped), "no option can be given to the TaskManagers");
    assert!(!has_id(&runs), "the TaskManagers run without");
}

#[test]
fn a_cluster_that_may_have_run_keeps_the_id_under_which_its_state_is() {
    let id = |ha: &str, words: &Value, known: fn(Facts) -> Facts| {
        let facts = facts("flink-conf.yaml", &format!("{ha}\nhigh-availability.storageDir: s3://b/ha\n"));
        let role = deployment("invoices-jobmanager", "flink:1.20.1", words);
        let words = args(&outcome(&role, None, POLICY, &known(facts)).stored).join(" ");
        words.contains("high-availability.cluster-id=/billing/invoices")
    };
    let zookeeper = "high-availability: zookeeper\nhigh-availability.zookeeper.quorum: zk:2181";
    let kubernetes = "high-availability: kubernetes\nkubernetes.cluster-id: invoices";
    let (session, application) = (json!(["jobmanager"]), json!(["standalone-job", "--job-classname", "a.B"]));
    assert!(!id(zookeeper, &session, never_run), "the paths in ZooKeeper have the id in them");
    for words in [&session, &application] {
        assert!(!id(kubernetes, words, |facts| facts), "the jars and the job's id are made of it");
        assert!(id(kubernetes, words, never_run), "it has left nothing");
        assert!(id("high-availability: kubernetes", words, |facts| facts), "without an id it cannot have run");
    }
}

#[test]
fn a_cluster_that_ran_in_the_default_namespace_stays_there() {
    let conf =
        "high-availability: kubernetes\nkubernetes.cluster-id: invoices\nhigh-availability.storageDir: s3://b/ha\n";
    let role = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    let namespace = |facts: &Facts| {
        let outcome = outcome(&role, None, POLICY, facts);
        let denied = outcome.findings.iter().any(|finding| finding.level == Level::Deny);
        (args(&outcome.stored).join(" ").contains("kubernetes.namespace=billing"), denied)
    };
    let mut known = facts("flink-conf.yaml", conf);
    assert_eq!(namespace(&known), (true, false));
    let name = "invoices-cluster-config-map".to_owned();
    known.insert(FactKey::ConfigMap { namespace: "default".to_owned(), name }, Answer::Known(json!({})));
    assert_eq!(namespace(&known), (false, false), "its HA metadata is there");
}

#[test]
fn ha_is_for_both_roles_or_for_none() {
    let facts = facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    let job_manager = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    let mut wrapped = deployment("invoices-taskmanager", "flink:1.20.1", &json!([]));
    wrapped["spec"]["template"]["spec"]["containers"][0]["command"] =
        json!(["sh", "-c", "/docker-entrypoint.sh taskmanager"]);
    let outcome = outcome(&job_manager, None, POLICY, &showing(&[&job_manager, &wrapped], facts));
    assert!(!args(&outcome.stored).join(" ").contains("high-availability"), "{}", outcome.stored);
    let said: Vec<_> = outcome.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert!(
        said.iter().any(|said| said.contains("its TaskManager, Deployment `invoices-taskmanager`, gets none")),
        "{said:?}"
    );
}

#[test]
fn task_managers_of_a_job_manager_that_wants_no_ha_get_none() {
    let known = || facts("flink-conf.yaml", "jobmanager.rpc.address: invoices-jobmanager\n");
    let task_manager = deployment("invoices-taskmanager", "flink:1.20.1", &json!(["taskmanager"]));
    let plain = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    let mut of_secret = plain.clone();
    of_secret["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = json!([]);
    of_secret["spec"]["template"]["spec"]["containers"][0]["envFrom"] = json!([{"secretRef": {"name": "options"}}]);
    let none = json!(["jobmanager", "-D", "high-availability.type=NONE"]);
    let says_none = deployment("invoices-jobmanager", "flink:1.20.1", &none);
    for (job_manager, has_ha) in [(plain, true), (says_none, false), (of_secret, false)] {
        let facts = showing(&[&job_manager, &task_manager], known());
        let stored = outcome(&task_manager, None, POLICY, &facts).stored;
        assert_eq!(args(&stored).join(" ").contains("high-availability"), has_ha, "{job_manager}");
    }
}
