//! Look-ups, rights, the authority's Secret and the bundle in webhook configurations, on a real API server.
#![cfg(feature = "webhook")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

#[path = "cluster/connected.rs"]
mod connected;
#[path = "cluster/rights.rs"]
mod rights;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use flink_admission::cluster::{AuthoritySecret, LookUps, ROTATE_ANNOTATION, Wish, client_of};
use flink_admission::facts::{Answer, FactKey};
use flink_admission::server::LookUp;
use flink_admission::tls::Authority;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::{Api, Config};
use serde_json::json;
use support::ControlPlane;
use tokio::task::JoinSet;

const SOON: Duration = Duration::from_secs(20);

fn keys(namespace: &str) -> [FactKey; 4] {
    [
        FactKey::Namespace(namespace.to_owned()),
        FactKey::ServiceAccount { namespace: namespace.to_owned(), name: "flink".to_owned() },
        FactKey::ConfigMap { namespace: namespace.to_owned(), name: "flink-config".to_owned() },
        FactKey::ConfigMap { namespace: namespace.to_owned(), name: "not-there".to_owned() },
    ]
}

#[tokio::test]
async fn look_ups_tell_what_is_there_and_what_is_not() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("look-up");
    plane.kubectl(&["label", "namespace", &namespace, "team=streams"]).succeeded();
    plane.kubectl(&["create", "serviceaccount", "flink", "-n", &namespace]).succeeded();
    plane
        .kubectl(&[
            "create",
            "configmap",
            "flink-config",
            "-n",
            &namespace,
            "--from-literal=config.yaml=parallelism: 2",
        ])
        .succeeded();
    let look_ups = LookUps::new(connected::to(plane.kubeconfig()).await);
    let keys = keys(&namespace);
    let facts = look_ups.look_up(BTreeSet::from(keys.clone()), SOON).await;
    let Answer::Known(found) = facts.answer(&keys[0]) else { panic!("{facts:?}") };
    assert_eq!((&found["kind"], &found["metadata"]["labels"]["team"]), (&json!("Namespace"), &json!("streams")));
    assert!(found["metadata"].get("managedFields").is_none(), "{found}");
    let Answer::Known(found) = facts.answer(&keys[1]) else { panic!("{facts:?}") };
    assert_eq!((&found["kind"], &found["metadata"]["name"]), (&json!("ServiceAccount"), &json!("flink")));
    let Answer::Known(found) = facts.answer(&keys[2]) else { panic!("{facts:?}") };
    assert_eq!(found["data"]["config.yaml"], "parallelism: 2");
    assert_eq!(facts.answer(&keys[3]), &Answer::Absent);
}

#[tokio::test]
async fn the_cluster_of_a_session_job_is_looked_up_by_name() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("look-up-cluster");
    let cluster = json!({"apiVersion": "flink.apache.org/v1beta1", "kind": "FlinkDeployment",
        "metadata": {"name": "session", "namespace": namespace}, "spec": {"flinkVersion": "v1_20"}});
    plane.apply(&cluster.to_string()).succeeded();
    let key = |name: &str| FactKey::FlinkDeployment { namespace: namespace.clone(), name: name.to_owned() };
    let keys = ["session", "sessions", "session/status", "../x"].map(key);
    let look_ups = LookUps::new(connected::to(plane.kubeconfig()).await);
    let facts = look_ups.look_up(BTreeSet::from(keys.clone()), SOON).await;
    let Answer::Known(found) = facts.answer(&keys[0]) else { panic!("{facts:?}") };
    assert_eq!((&found["kind"], &found["spec"]["flinkVersion"]), (&json!("FlinkDeployment"), &json!("v1_20")));
    for key in &keys[1..] {
        assert_eq!(facts.answer(key), &Answer::Absent, "{key:?}");
    }
    let nobody = plane.user("nobody", None).unwrap();
    let look_ups = LookUps::new(connected::to(nobody.kubeconfig()).await);
    let facts = look_ups.look_up(BTreeSet::from([keys[0].clone()]), SOON).await;
    let Answer::Unknown(why) = facts.answer(&keys[0]) else { panic!("{facts:?}") };
    assert!(why.contains("may not get flinkdeployments in namespace"), "{why}");
}

#[tokio::test]
async fn a_missing_right_is_unknown_and_named() {
    let Some(plane) = ControlPlane::shared() else { return };
    let nobody = plane.user("nobody", None).unwrap();
    let look_ups = LookUps::new(connected::to(nobody.kubeconfig()).await);
    let keys = keys("default");
    let facts = look_ups.look_up(BTreeSet::from(keys.clone()), SOON).await;
    let why = "the ServiceAccount of flink-admission may not get configmaps in namespace `default`; give it that right";
    assert_eq!(facts.answer(&keys[2]), &Answer::Unknown(why.to_owned()));
    assert_eq!(facts.unanswered().count(), keys.len());
}

#[tokio::test]
async fn a_silent_api_server_is_not_waited_for() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = Config::new(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
    let look_ups = LookUps::new(client_of(config).unwrap());
    let keys: BTreeSet<FactKey> = keys("default").into();
    let facts = look_ups.look_up(keys.clone(), Duration::from_millis(200)).await;
    assert_eq!(facts.unanswered().count(), keys.len());
    let (_, why) = facts.unanswered().next().unwrap();
    assert_eq!(why, "the API server did not answer before the deadline of the review");
    // It is the deadline that ended it: all requests were under way at once.
    for _ in 0..keys.len() {
        let accepted = tokio::time::timeout(SOON, listener.accept()).await;
        assert!(accepted.is_ok(), "not all questions were asked at once");
    }
}

#[tokio::test]
async fn a_forged_review_cannot_ask_without_end() {
    let Some(plane) = ControlPlane::shared() else { return };
    let look_ups = LookUps::new(connected::to(plane.kubeconfig()).await);
    let keys: BTreeSet<FactKey> = (0..1000)
        .map(|number| FactKey::ConfigMap { namespace: "default".to_owned(), name: format!("c{number}") })
        .collect();
    let facts = look_ups.look_up(keys, SOON).await;
    assert_eq!(facts.unanswered().count(), 1000 - 32);
}

#[tokio::test]
async fn replicas_that_start_together_share_one_authority() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("race");
    let client = connected::to(plane.kubeconfig()).await;
    let mut replicas = JoinSet::new();
    for _ in 0..8 {
        let secret = AuthoritySecret::new(client.clone(), &namespace, "shared");
        replicas.spawn(async move { secret.ensure(&wish()).await.unwrap().certificate_pem().to_owned() });
    }
    let certificates: BTreeSet<String> = replicas.join_all().await.into_iter().collect();
    assert_eq!(certificates.len(), 1);
}

#[tokio::test]
async fn a_secret_of_no_use_is_filled_once_and_keeps_the_rest() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("refill");
    plane.kubectl(&["create", "secret", "generic", "shared", "-n", &namespace, "--from-literal=note=ours"]).succeeded();
    let client = connected::to(plane.kubeconfig()).await;
    let mut replicas = JoinSet::new();
    for _ in 0..8 {
        let secret = AuthoritySecret::new(client.clone(), &namespace, "shared");
        replicas.spawn(async move { secret.ensure(&wish()).await.unwrap().certificate_pem().to_owned() });
    }
    let certificates: BTreeSet<String> = replicas.join_all().await.into_iter().collect();
    assert_eq!(certificates.len(), 1);
    let stored = Api::<Secret>::namespaced(client, &namespace).get("shared").await.unwrap().data.unwrap();
    assert_eq!(stored["note"].0, b"ours");
    assert_eq!(stored["tls.crt"].0, certificates.first().unwrap().as_bytes());
}

fn wish() -> Wish {
    Wish { life: Duration::from_hours(24), ..Wish::default() }
}

#[tokio::test]
async fn an_authority_of_ones_own_is_used() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("own");
    let own = Authority::generate(SystemTime::now(), Duration::from_hours(24)).unwrap();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "shared", "namespace": namespace},
        "stringData": {"tls.crt": own.certificate_pem(), "tls.key": own.key_pem()}});
    plane.apply(&secret.to_string()).succeeded();
    let secret = AuthoritySecret::new(connected::to(plane.kubeconfig()).await, &namespace, "shared");
    assert_eq!(secret.ensure(&wish()).await.unwrap().fingerprint(), own.fingerprint());
    assert_eq!(secret.read().await.unwrap().fingerprint(), own.fingerprint());
}

#[tokio::test]
async fn only_the_leader_makes_one_and_what_is_lost_comes_back() {
    let Some(plane) = ControlPlane::shared() else { return };
    let namespace = plane.create_namespace("lost");
    let client = connected::to(plane.kubeconfig()).await;
    let secret = AuthoritySecret::new(client.clone(), &namespace, "shared");
    let missing = secret.read().await.err().unwrap().to_string();
    assert!(missing.contains("there is no such Secret"), "{missing}");
    let first = Arc::new(secret.ensure(&wish()).await.unwrap());
    let known = || Wish { known: Some(Arc::clone(&first)), ..wish() };

    let stored = Api::<Secret>::namespaced(client, &namespace);
    stored.delete("shared", &DeleteParams::default()).await.unwrap();
    assert_eq!(secret.ensure(&known()).await.unwrap().fingerprint(), first.fingerprint());
    let emptied = json!({"data": BTreeMap::from([("tls.crt", ""), ("tls.key", "")])});
    stored.patch("shared", &PatchParams::default(), &Patch::Merge(emptied)).await.unwrap();
    assert_eq!(secret.ensure(&known()).await.unwrap().fingerprint(), first.fingerprint());

    let asked = json!({"metadata": {"annotations": {ROTATE_ANNOTATION: "now"}}});
    stored.patch("shared", &PatchParams::default(), &Patch::Merge(asked)).await.unwrap();
    let second = secret.ensure(&known()).await.unwrap();
    assert_ne!(second.fingerprint(), first.fingerprint());
    assert_eq!(secret.ensure(&known()).await.unwrap().fingerprint(), second.fingerprint(), "once asked, once replaced");
}
