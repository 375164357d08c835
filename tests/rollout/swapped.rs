//! Certificates from files: a Secret of one's own that changes, brought by the kubelet, read anew by content.

use serde_json::{Value, json};

use super::release::Release;
use super::stage::{RELEASE, SOON, Stage, plane, times, values, with};
use crate::support::{Authority, ControlPlane, wait_until};

const SECRET: &str = "own-certificate";

#[test]
#[ignore = "part of `make test-rollout`"]
fn files_are_swapped_under_load() {
    let Some((plane, turn)) = plane() else { return };
    let authority = Authority::generate("our own").expect("an authority");
    let release = Release::prepare(plane, RELEASE);
    // Another test may have had it.
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": release.namespace}});
    plane.apply(&namespace.to_string()).succeeded();
    store(plane, &release.namespace, &authority, &authority.pem());
    let own = json!({"certificates": {"source": "files", "secretName": SECRET}});
    release.helm("install", &with(values(), &own), &[]).succeeded();
    let mut stage = Stage::open_on(plane, turn, release, 2, |_| {});

    for number in 1..=times(10, 1) {
        stage.lossless(&format!("files swapped, {number}"), |stage| {
            let before = stage.watch.seen().leaves;
            let served = store(plane, &stage.release.namespace, &authority, &authority.pem());
            bring(stage);
            wait_for(stage, &served);
            assert!(before.values().all(|leaf| *leaf != served), "that was served before");
        });
    }

    // A pair that does not fit is said and not served, and does not keep the next from being served.
    stage.lossless("a broken pair", |stage| {
        let before = stage.watch.seen().leaves;
        let broken = json!({"stringData": {"tls.key": "no key"}});
        let patch = ["patch", "secret", SECRET, "-n", &stage.release.namespace, "-p", &broken.to_string()];
        plane.kubectl(&patch).succeeded();
        bring(stage);
        for replica in &stage.fleet.replicas {
            replica.process.wait_for("the old pair stays");
        }
        stage.load.settle();
        assert_eq!(stage.watch.seen().leaves, before);
        let served = store(plane, &stage.release.namespace, &authority, &authority.pem());
        bring(stage);
        wait_for(stage, &served);
    });

    // Another authority: trusted together with the old one first, as its owner must do, then alone.
    let next = Authority::generate("our next").expect("an authority");
    stage.lossless("another authority in the files", |stage| {
        let namespace = stage.release.namespace.clone();
        let both = next.pem() + &authority.pem();
        store(plane, &namespace, &authority, &both);
        bring(stage);
        let is_trusted = || (certificates(stage) == 2).then_some(());
        assert!(wait_until(SOON, is_trusted).is_some(), "both authorities are not trusted");
        // The API server hears of it a moment later.
        stage.load.settle();
        let served = store(plane, &namespace, &next, &both);
        bring(stage);
        wait_for(stage, &served);
        store(plane, &namespace, &next, &next.pem());
        bring(stage);
        let is_alone = || (certificates(stage) == 1).then_some(());
        assert!(wait_until(SOON, is_alone).is_some(), "the old authority is still trusted");
    });
}

/// Puts a new leaf of `authority` into the Secret, with `bundle` beside it; the leaf, in DER.
#[track_caller]
fn store(plane: &ControlPlane, namespace: &str, authority: &Authority, bundle: &str) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject as _;
    let name = format!("{RELEASE}.{namespace}.svc");
    let credentials = authority.server(&[&name]).expect("a certificate");
    let secret: Value = json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": SECRET, "namespace": namespace},
        "stringData": {"tls.crt": credentials.certificate, "tls.key": credentials.key, "ca.crt": bundle}});
    plane.apply(&secret.to_string()).succeeded();
    rustls::pki_types::CertificateDer::from_pem_slice(credentials.certificate.as_bytes()).expect("PEM").to_vec()
}

/// What the kubelet does within a minute, on each node at its own time.
fn bring(stage: &Stage) {
    for replica in &stage.fleet.replicas {
        replica.volumes.refresh(stage.plane, &stage.release.namespace);
    }
}

#[track_caller]
fn wait_for(stage: &Stage, leaf: &[u8]) {
    let is_served = || {
        let seen = stage.watch.seen().leaves;
        let all = stage.fleet.replicas.iter().all(|replica| seen.get(&replica.name).is_some_and(|seen| seen == leaf));
        all.then_some(())
    };
    assert!(wait_until(SOON, is_served).is_some(), "not served: {}", stage.fleet.replicas[0].process.log());
}

/// How many certificates the live configurations trust.
fn certificates(stage: &Stage) -> usize {
    super::story::bundle(stage).len()
}
