//! What an answer tells of others.

use flink_admission::facts::{Answer, FactKey, Facts};
use flink_admission::flink::cluster::Cluster;
use flink_admission::neighbours::Neighbour;
use flink_admission::verdict::Outcome;
use flink_admission::workload::recognise;
use serde_json::json;

use super::{deployment, facts, outcome};

const HA: &str = "high-availability.type: kubernetes\nhigh-availability.storageDir: s3://b/ha\n\
                  kubernetes.cluster-id: pricing\nkubernetes.namespace: billing\n";

fn messages(outcome: &Outcome, rule: &str) -> Vec<String> {
    outcome.findings.iter().filter(|finding| finding.rule == rule).map(|finding| finding.message.clone()).collect()
}

#[test]
fn a_neighbour_in_another_namespace_is_named_where_the_policy_allows_it() {
    let mut known = facts("flink-conf.yaml", HA);
    let job_manager = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    let mut other = job_manager.clone();
    (other["metadata"]["name"], other["metadata"]["namespace"]) = (json!("ledger-jobmanager"), json!("mills"));
    let workload = recognise(&other).expect("it is Flink");
    let mut theirs = Facts::default();
    let key = FactKey::ConfigMap { namespace: "mills".to_owned(), name: "config".to_owned() };
    theirs.insert(key, Answer::Known(json!({"data": {"flink-conf.yaml": HA}})));
    let cluster = Cluster::of(&other, &workload, "mills", &theirs, &[]).expect("it is a cluster");
    known.set_neighbours(Neighbour::of(&other, &workload, "mills", &cluster).into_iter().collect());
    for (policy, named) in [("spec: {}", false), ("spec: {shareNames: true}", true)] {
        let said = messages(&outcome(&job_manager, None, policy, &known), "cluster-identity-taken");
        assert_eq!((said.len(), said[0].contains("ledger")), (1, named), "{said:?}");
    }
}

/// The same file where no cluster is asked.
fn offline() -> Facts {
    let mut known = Facts::default();
    let key = FactKey::ConfigMap { namespace: "billing".to_owned(), name: "config".to_owned() };
    known.insert(key, Answer::Known(json!({"data": {"flink-conf.yaml": HA}})));
    known
}

#[test]
fn a_namespace_that_only_the_command_line_names_is_one() {
    let mut job_manager = deployment("invoices-jobmanager", "flink:1.20.1", &json!(["jobmanager"]));
    if let Some(metadata) = job_manager["metadata"].as_object_mut() {
        metadata.remove("namespace");
    }
    let mut known = offline();
    let text = HA.replace("kubernetes.namespace: billing", "kubernetes.namespace: mills");
    let key = FactKey::ConfigMap { namespace: "billing".to_owned(), name: "config".to_owned() };
    known.insert(key, Answer::Known(json!({"data": {"flink-conf.yaml": text}})));
    assert_eq!(messages(&outcome(&job_manager, None, "spec: {}", &known), "kubernetes-namespace-foreign").len(), 1);
}
